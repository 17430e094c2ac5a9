"""Lists of the simulated shop: which records a query names, in which order, and how many there are.

documented: https://developer.wordpress.org/rest-api/using-the-rest-api/pagination/ (X-WP-Total, X-WP-TotalPages, Link)
and the class WC_REST_CRUD_Controller:
https://github.com/woocommerce/woocommerce/blob/trunk/plugins/woocommerce/includes/rest-api/Controllers/Version3/class-wc-rest-crud-controller.php
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

from integrations.simulators.woocommerce.shop import Index, Record

Args = Mapping[str, Any]
NOT_ANY = frozenset({"trash", "auto-draft"})


def parse_moment(text: str | None, *, gmt: bool, offset: int) -> int | None:
    """documented: without dates_are_gmt a date is the shop's local one; with it, one without a zone is GMT. Quirk: a
    date with a zone is turned into local time first, so that dates_are_gmt then compares the wrong column."""
    if not text:
        return None
    moment = datetime.fromisoformat(text.replace("Z", "+00:00"))
    if moment.tzinfo is not None:
        local = int(moment.timestamp()) + offset
        return local if gmt else local - offset
    stamp = int(moment.replace(tzinfo=UTC).timestamp())
    return stamp if gmt else stamp - offset


def pick_posts(
    records: Mapping[int, Record],
    indexes: Mapping[str, Index],
    args: Args,
    offset: int,
    keep: Callable[[Record], bool],
) -> list[int]:
    """The ids a query of posts (orders, products, refunds) names, in its order."""
    gmt = bool(args.get("dates_are_gmt"))

    def moment(name: str) -> int | None:
        return parse_moment(args.get(name), gmt=gmt, offset=offset)

    order = {"modified": "modified", "id": "id"}.get(str(args.get("orderby")), "date")
    windows = {
        "date": (moment("after"), moment("before")),
        "modified": (moment("modified_after"), moment("modified_before")),
        "id": (None, None),
    }
    index = indexes[order]
    low, high = index.between(*windows[order])
    ids = index.ids(low, high, descending=args.get("order") == "desc")
    columns = {"date": "created", "modified": "modified"}
    others = [(columns[name], *windows[name]) for name in columns if name != order and any(windows[name])]
    include, exclude = set(args.get("include") or ()), set(args.get("exclude") or ())
    return [
        pk
        for pk in ids
        if pk not in exclude
        and (not include or pk in include)
        and all(_within(records[pk][column], after, before) for column, after, before in others)
        and keep(records[pk])
    ]


def _within(value: int, after: int | None, before: int | None) -> bool:
    return (after is None or value > after) and (before is None or value < before)


def has_status(args: Args, record: Record) -> bool:
    wanted = args.get("status") or "any"
    words = {wanted} if isinstance(wanted, str) else set(wanted)
    return record["status"] not in NOT_ANY if "any" in words else record["status"] in words


def cut(ids: Sequence[int], args: Args) -> Sequence[int]:
    """documented: an offset takes the place of the page."""
    size = int(args["per_page"])
    start = int(args["offset"]) if args.get("offset") is not None else (int(args["page"]) - 1) * size
    return ids[start : start + size]


def build_headers(total: int, args: Args, address: str, query: Mapping[str, str]) -> dict[str, str]:
    size, page = int(args["per_page"]), int(args["page"])
    pages = -(-total // size)
    headers = {"X-WP-Total": str(total), "X-WP-TotalPages": str(pages)}
    links = []
    if page > 1:
        links.append(_link(address, query, min(page - 1, pages), "prev"))
    if page < pages:
        links.append(_link(address, query, page + 1, "next"))
    return headers | ({"Link": ", ".join(links)} if links else {})


def _link(address: str, query: Mapping[str, str], page: int, relation: str) -> str:
    kept = {name: value for name, value in query.items() if not name.startswith("oauth_")} | {"page": str(page)}
    return f'<{address}?{urlencode(kept)}>; rel="{relation}"'


def sort_plain(rows: Iterable[Record], args: Args) -> list[Record]:
    """Users and webhooks: short lists, sorted anew each time."""
    names = {"registered_date": "created", "date": "created", "id": "id"}
    key = names.get(str(args.get("orderby")), "id")
    include, exclude = set(args.get("include") or ()), set(args.get("exclude") or ())
    kept = [row for row in rows if row["id"] not in exclude and (not include or row["id"] in include)]
    return sorted(kept, key=lambda row: (row[key], row["id"]), reverse=args.get("order") == "desc")
