"""The functions of catalog and orders the engine calls, found in settings.SYNC_HANDLERS."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.utils.module_loading import import_string

from portal.tenancy.scoping import scope


@dataclass(frozen=True, slots=True, kw_only=True)
class Skipped:
    """A record that was read and, by rule, not taken over."""

    external_id: str
    code: str
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Applied:
    """What became of the records handed to `apply`: the counts add up to how many they were."""

    created: int = 0
    updated: int = 0
    unchanged: int = 0
    skipped: tuple[Skipped, ...] = ()

    @property
    def seen(self) -> int:
        return self.created + self.updated + self.unchanged + len(self.skipped)


def get_handler(stream: str, name: str) -> Callable[..., Any]:
    """A stream's handler (apply, feed, gone, claim, settle_push, brake, count, build, settle, release); LookupError
    without one."""
    try:
        path = settings.SYNC_HANDLERS[stream][name]
    except KeyError as error:
        raise LookupError(f"SYNC_HANDLERS has no {name!r} for {stream!r}.") from error
    handler: Callable[..., Any] = import_string(path)
    return handler


def has_handler(stream: str, name: str) -> bool:
    return name in settings.SYNC_HANDLERS.get(stream, {})


def call(stream: str, name: str, merchant_id: int, /, **kwargs: Any) -> Any:
    """Call a handler as the merchant whose rows it is about."""
    handler = get_handler(stream, name)
    with scope(merchant_id):
        return handler(**kwargs)
