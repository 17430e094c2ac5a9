"""The portal's Celery app, knowing the toy platforms."""

from __future__ import annotations

import django

from portal.celery import app

django.setup()

from tests.reliability.platforms import register  # noqa: E402  models need the setup

register()

__all__ = ["app"]
