"""The functions of catalog and orders the engine calls, found in settings.SYNC_HANDLERS."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.utils.module_loading import import_string


def get_handler(stream: str, name: str) -> Callable[..., Any]:
    """The handler `name` (apply, build, settle, claim, release) of a stream; LookupError where there is none."""
    try:
        path = settings.SYNC_HANDLERS[stream][name]
    except KeyError as error:
        raise LookupError(f"SYNC_HANDLERS has no {name!r} for {stream!r}.") from error
    handler: Callable[..., Any] = import_string(path)
    return handler
