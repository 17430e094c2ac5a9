"""Lists of the simulated shop: which records a query names, in which order, and how many there are.

documented: https://developer.wordpress.org/rest-api/using-the-rest-api/pagination/ (X-WP-Total, X-WP-TotalPages, Link)
and the class WC_REST_CRUD_Controller:
https://github.com/woocommerce/woocommerce/blob/trunk/plugins/woocommerce/includes/rest-api/Controllers/Version3/class-wc-rest-crud-controller.php
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC
from typing import Any
from urllib.parse import quote_plus

from integrations.simulators.woocommerce.records import Index, Record, parse_date

Args = Mapping[str, Any]
NOT_ANY = frozenset({"trash", "auto-draft"})


def parse_moment(text: str | None, *, gmt: bool, offset: int) -> int | None:
    """documented: without dates_are_gmt a date is the shop's local one; with it, one without a zone is GMT. Quirk: a
    date with a zone is turned into local time first (WP_Date_Query::build_mysql_datetime), so that dates_are_gmt then
    compares the wrong column."""
    if not text:
        return None
    moment = parse_date(text)
    if moment is None:
        return None
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
    """The ids a query of posts (orders, products) names, by date, by date of change or by id."""
    windows = _windows(args, offset)
    order = {"modified": "modified", "id": "id"}.get(str(args.get("orderby")), "date")
    index = indexes[order]
    low, high = index.between(*windows.get(order, (None, None)))
    ids = index.ids(low, high, descending=args.get("order") == "desc")
    others = {name: window for name, window in windows.items() if name != order}
    wanted = _wanted(args, offset, others)
    found = [pk for pk in ids if wanted(records[pk]) and keep(records[pk])]
    return _put_in_order_of_include(found, args)


def pick_rows(rows: Iterable[Record], args: Args, offset: int, sort_key: Callable[[Record], Any]) -> list[Record]:
    """The same of records without an index (variations, refunds), sorted by `sort_key`, then by id."""
    wanted = _wanted(args, offset, _windows(args, offset))
    found = [row for row in rows if wanted(row)]
    found.sort(key=lambda row: (sort_key(row), row["id"]), reverse=args.get("order") == "desc")
    order = _put_in_order_of_include([row["id"] for row in found], args)
    by_id = {row["id"]: row for row in found}
    return [by_id[pk] for pk in order]


def _windows(args: Args, offset: int) -> dict[str, tuple[int | None, int | None]]:
    gmt = bool(args.get("dates_are_gmt"))

    def moment(name: str) -> int | None:
        return parse_moment(args.get(name), gmt=gmt, offset=offset)

    return {
        "date": (moment("after"), moment("before")),
        "modified": (moment("modified_after"), moment("modified_before")),
    }


def _wanted(args: Args, offset: int, windows: Mapping[str, tuple[int | None, int | None]]) -> Callable[[Record], bool]:
    columns = {"date": "created", "modified": "modified"}
    limits = [(columns[name], *window) for name, window in windows.items() if any(m is not None for m in window)]
    include, exclude = set(args.get("include") or ()), set(args.get("exclude") or ())
    parents, no_parents = set(args.get("parent") or ()), set(args.get("parent_exclude") or ())

    def keep(row: Record) -> bool:
        return (
            row["id"] not in exclude
            and (not include or row["id"] in include)
            and (not parents or row.get("parent_id", 0) in parents)
            and (not no_parents or row.get("parent_id", 0) not in no_parents)
            and all(_within(row[column], after, before) for column, after, before in limits)
        )

    return keep


def _within(value: int, after: int | None, before: int | None) -> bool:
    return (after is None or value > after) and (before is None or value < before)


def _put_in_order_of_include(ids: list[int], args: Args) -> list[int]:
    """documented: orderby=include keeps the order of `include`, whatever `order` says."""
    if args.get("orderby") not in {"include", "post__in"} or not args.get("include"):
        return ids
    place = {pk: position for position, pk in enumerate(args["include"])}
    return sorted(ids, key=lambda pk: place[pk])


def has_status(args: Args, record: Record) -> bool:
    wanted = args.get("include_status") or args.get("status") or "any"
    words = {wanted} if isinstance(wanted, str) else set(wanted)
    if record["status"] in (args.get("exclude_status") or ()):
        return False
    return record["status"] not in NOT_ANY if "any" in words else record["status"] in words


def cut(rows: Sequence[Any], args: Args) -> Sequence[Any]:
    """documented: an offset takes the place of the page."""
    size = int(args["per_page"])
    start = int(args["offset"]) if args.get("offset") is not None else (int(args["page"]) - 1) * size
    return rows[start : start + size]


def build_headers(total: int, args: Args, address: str, query: Mapping[str, Any]) -> dict[str, str]:
    size, page = int(args["per_page"]), int(args["page"])
    pages = -(-total // size)
    headers = {"X-WP-Total": str(total), "X-WP-TotalPages": str(pages)}
    links = []
    if page > 1:
        links.append(_link(address, query, min(page - 1, pages), "prev"))
    if page < pages:
        links.append(_link(address, query, page + 1, "next"))
    return headers | ({"Link": ", ".join(links)} if links else {})


def _link(address: str, query: Mapping[str, Any], page: int, relation: str) -> str:
    """Quirk: all that was in the query is in the link, keys and signatures too; lists are numbered."""
    pairs = _flatten({**query, "page": str(page)})
    return f'<{address}?{"&".join(pairs)}>; rel="{relation}"'


def _flatten(values: Mapping[str, Any], inside: str = "") -> list[str]:
    pairs: list[str] = []
    for key, value in values.items():
        name = f"{inside}%5B{key}%5D" if inside else str(key)
        if isinstance(value, Mapping):
            pairs += _flatten(value, name)
        else:
            pairs.append(f"{name}={quote_plus(str(value))}" if str(value) else name)
    return pairs


def _by_id(row: Record) -> Any:
    return row["id"]


def sort_plain(rows: Iterable[Record], args: Args, names: Mapping[str, Callable[[Record], Any]]) -> list[Record]:
    """Users and webhooks: short lists, sorted anew each time by one of `names`, else by id."""
    key: Callable[[Record], Any] = names.get(str(args.get("orderby")), _by_id)
    include, exclude = set(args.get("include") or ()), set(args.get("exclude") or ())
    kept = [row for row in rows if row["id"] not in exclude and (not include or row["id"] in include)]
    kept.sort(key=lambda row: (key(row), row["id"]), reverse=args.get("order") == "desc")
    order = _put_in_order_of_include([row["id"] for row in kept], args)
    by_id = {row["id"]: row for row in kept}
    return [by_id[pk] for pk in order]
