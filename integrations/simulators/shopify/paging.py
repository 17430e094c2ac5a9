"""Connections: first, last, after, before, reverse, and the cursors between them.

documented: https://shopify.dev/docs/api/usage/pagination-graphql: at most 250 a page; a cursor holds the last id and
the value it was sorted by, so that a change of the set moves no page.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Sequence
from typing import Any

from graphql import GraphQLError

from integrations.simulators.shopify.records import Record, number_of

MOST = 250

Key = Callable[[Record], tuple[Any, int]]


def write_cursor(key: tuple[Any, int]) -> str:
    text = json.dumps({"last_id": key[1], "last_value": key[0]}, separators=(",", ":"))
    return base64.b64encode(text.encode()).decode()


def read_cursor(cursor: str) -> tuple[Any, int]:
    try:
        found = json.loads(base64.b64decode(cursor, validate=True))
        return found["last_value"], int(found["last_id"])
    except (ValueError, KeyError, TypeError) as error:
        raise GraphQLError(f"Invalid cursor {cursor}", extensions={"code": "BAD_REQUEST"}) from error


def build_connection(rows: Sequence[Record], args: dict[str, Any], key: Key | None = None) -> Record:
    """The page of `rows`, sorted by `key`, or as they stand where there is none."""
    first, last = args.get("first"), args.get("last")
    _check(first, last)
    if key is None:
        spots = {id(row): place for place, row in enumerate(rows)}
        keyed = [((spots[id(row)], number_of(row.get("id") or "")), row) for row in rows]
    else:
        keyed = sorted(((key(row), row) for row in rows), key=lambda pair: pair[0])
    if args.get("reverse"):
        keyed.reverse()
    start, end = _cut(keyed, args)
    low, high = start, end
    if first is not None:
        high = min(end, start + first)
    if last is not None:
        low = max(low, high - last)
    page = keyed[low:high]
    edges = [{"cursor": write_cursor(place), "node": row} for place, row in page]
    return {
        "edges": edges,
        "nodes": [row for _, row in page],
        "pageInfo": {
            "hasNextPage": high < len(keyed),
            "hasPreviousPage": low > 0,
            "startCursor": edges[0]["cursor"] if edges else None,
            "endCursor": edges[-1]["cursor"] if edges else None,
        },
    }


def _check(first: int | None, last: int | None) -> None:
    bad = {"code": "BAD_REQUEST"}
    if first is None and last is None:
        raise GraphQLError("you must provide one of first or last", extensions=bad)
    if first is not None and last is not None:
        raise GraphQLError("providing both first and last is not supported", extensions=bad)
    for name, value in (("first", first), ("last", last)):
        if value is not None and not 0 <= value <= MOST:
            raise GraphQLError(f"{name} must be from 0 to {MOST}, not {value}", extensions=bad)


def _cut(keyed: list[tuple[tuple[Any, int], Record]], args: dict[str, Any]) -> tuple[int, int]:
    """Where the rows after `after` begin and those before `before` end."""
    start, end = 0, len(keyed)
    sign = -1 if args.get("reverse") else 1

    def is_beyond(key: tuple[Any, int], cursor: tuple[Any, int]) -> bool:
        return key > cursor if sign == 1 else key < cursor

    if args.get("after"):
        cursor = read_cursor(args["after"])
        start = next((n for n, (key, _) in enumerate(keyed) if is_beyond(key, cursor)), len(keyed))
    if args.get("before"):
        cursor = read_cursor(args["before"])
        end = next((n for n, (key, _) in enumerate(keyed) if not is_beyond(cursor, key)), len(keyed))
    return start, max(start, end)
