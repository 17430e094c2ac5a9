"""Pages by cursor: the next one begins after the last row of this one, whatever was added in between."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.core.exceptions import ValidationError
from django.db.models import Model, Q, QuerySet
from drf_spectacular.utils import OpenApiParameter
from rest_framework.request import Request

from portal.base.problems import Problem

DEFAULT_SIZE, LARGEST_SIZE = 50, 200
PARAMETERS = (
    OpenApiParameter("page_size", int, description=f"1 to {LARGEST_SIZE}; {DEFAULT_SIZE} where it is left out."),
    OpenApiParameter("cursor", str, description="The `next` of the page before."),
)
NAMES = frozenset({"page_size", "cursor"})


@dataclass(frozen=True, slots=True, kw_only=True)
class KeysetPage:
    """`next` is '' on the last one."""

    rows: list[Any]
    next: str


def read_size(request: Request) -> int:
    given = request.query_params.get("page_size", "")
    if not given:
        return DEFAULT_SIZE
    if not (given.isascii() and given.isdigit() and len(given) < 6 and 1 <= int(given) <= LARGEST_SIZE):
        words = f"page_size is a number from 1 to {LARGEST_SIZE}."
        raise Problem(400, "parameter_not_allowed", words, field="page_size")
    return int(given)


def read_page(request: Request, rows: QuerySet[Any], *, order: Sequence[str]) -> KeysetPage:
    """The page asked for. `order` names columns of the row itself, all ascending or all descending ("-placed_at",
    "-pk"), the last of them unique."""
    size, given = read_size(request), request.query_params.get("cursor", "")
    names = [name.lstrip("-") for name in order]
    try:
        if given:
            rows = rows.filter(_after(names, decode_cursor(given, len(names)), descending=order[0].startswith("-")))
        found = list(rows.order_by(*order)[: size + 1])
    except (ValueError, ValidationError) as error:
        if not given:
            raise
        raise _no_cursor() from error  # of another list: what it says is no number or time here
    more = len(found) > size
    found = found[:size]
    return KeysetPage(rows=found, next=_encode(found[-1], names) if more else "")


def encode_cursor(values: Sequence[object]) -> str:
    """What `decode_cursor` gives back: strings, numbers, times."""
    told = [value.isoformat() if isinstance(value, datetime) else value for value in values]
    return base64.urlsafe_b64encode(json.dumps(told).encode()).decode().rstrip("=")


def decode_cursor(given: str, length: int) -> list[Any]:
    """Problem where it is none of ours. A time comes back as one."""
    try:
        values = json.loads(base64.b64decode(given + "=" * (-len(given) % 4), altchars=b"-_", validate=True))
        if isinstance(values, list) and len(values) == length and all(_is_plain(value) for value in values):
            return values
    except (binascii.Error, ValueError, RecursionError):
        pass
    raise _no_cursor()


def _no_cursor() -> Problem:
    return Problem(400, "cursor_invalid", "This is no cursor: take `next` from the page before.", field="cursor")


def _is_plain(value: Any) -> bool:
    if isinstance(value, str):
        return "\x00" not in value and value.isprintable() and len(value) < 500
    return isinstance(value, int) and not isinstance(value, bool) and abs(value) < 2**63


def _encode(row: Model, names: Sequence[str]) -> str:
    return encode_cursor([getattr(row, name) for name in names])


def _after(names: Sequence[str], values: Sequence[Any], *, descending: bool) -> Q:
    """What comes after these values: (a, b) > (x, y) in words every database takes an index for."""
    beyond = "lt" if descending else "gt"
    found = Q()
    for place, name in enumerate(names):
        same = dict(zip(names[:place], values[:place], strict=True))
        found |= Q(**same, **{f"{name}__{beyond}": values[place]})
    return found
