"""The portal's web application, knowing the toy platforms."""

from __future__ import annotations

from portal.wsgi import application
from tests.reliability.platforms import register

register()

__all__ = ["application"]
