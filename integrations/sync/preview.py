"""A dry run of sending again: what would be sent now, beside what was sent. Nothing is written and nobody is asked."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.core.exceptions import ObjectDoesNotExist

from integrations.contract import errors as e
from integrations.models import Command
from integrations.sync import documents
from integrations.sync.handlers import call


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One value that differs: `path` as "lines.0.quantity"; None where one side has none."""

    path: str
    before: Any
    after: Any

    @property
    def was(self) -> str:
        return _show(self.before)

    @property
    def becomes(self) -> str:
        return _show(self.after)


@dataclass(frozen=True, slots=True, kw_only=True)
class Preview:
    """`stored`: what was sent, '' where nothing was; `now`: what the current rules build, '' where they cannot, and
    `error` says why; `changes` from the one to the other."""

    stored: str
    now: str
    changes: tuple[Change, ...]
    error: str = ""


def preview(command: Command, *, at: datetime) -> Preview:
    """What sending it again would send."""
    stored = bytes(command.payload) if command.payload is not None else b""
    try:
        built, error = build_now(command, at=at), ""
    except e.ConnectorError as refused:
        built, error = b"", refused.message
    except (LookupError, ValueError, ObjectDoesNotExist) as fault:
        built, error = b"", f"It could not be put together here: {fault}"
    changes = tuple(compare(stored, built)) if stored and built else ()
    return Preview(stored=describe(stored), now=describe(built), changes=changes, error=error)


def build_now(command: Command, *, at: datetime) -> bytes:
    """The record as the current rules build it; ConnectorError where something it needs is missing."""
    return documents.encode(call(command.stream, "build", command.merchant_id, command=command, at=at))


def compare(before: bytes, after: bytes) -> list[Change]:
    """Every value that differs, in the order of the new record; what is gone comes last."""
    old, new = dict(_flatten(json.loads(before))), dict(_flatten(json.loads(after)))
    return [
        Change(path=path, before=old.get(path), after=new.get(path))
        for path in dict.fromkeys((*new, *old))
        if old.get(path) != new.get(path)
    ]


def describe(record: bytes) -> str:
    """For people to read, and to edit."""
    return json.dumps(json.loads(record), indent=2, ensure_ascii=False) if record else ""


def _flatten(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    items: Any = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else None
    if items is None:
        yield path, value
        return
    for key, inner in items:
        yield from _flatten(inner, f"{path}.{key}" if path else str(key))


def _show(value: Any) -> str:
    return "—" if value in (None, "") else str(value)
