"""The oracle: what a WooCommerce 11.0.1 says of its own routes (../shared/specs/woocommerce/live-11.0.1/index.json)."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

INDEX = Path(__file__).resolve().parents[4] / "shared" / "specs" / "woocommerce" / "live-11.0.1" / "index.json"
PREFIX = "/wp-json"
OAUTH = "oauth_"  # of one-legged OAuth 1.0a: taken off before a route is asked
MOST_IN_BATCH = 100  # https://developer.woocommerce.com/docs/apis/rest-api/v3/products/#batch-update-products
REFUNDS = "/wc/v3/orders/(?P<order_id>[\\d]+)/refunds"
# What the self-description hides although the vendor's pages have it: (route, method) → more arguments, with the page.
# https://developer.woocommerce.com/docs/apis/rest-api/v3/order-refunds/#create-a-refund: line_items name the order's
# lines by id and take refund_total, refund_tax and quantity; the schema calls them read-only, as they come back.
TAX_REFUNDED = {"type": "object", "properties": {"id": {"type": "integer"}, "refund_total": {"type": "string"}}}
LINE_REFUNDED = {
    "type": "object",
    "properties": {
        "id": {"type": "integer"},
        "quantity": {"type": "integer"},
        "refund_total": {"type": "string"},
        "refund_tax": {"type": "array", "items": TAX_REFUNDED},
    },
}
UNDESCRIBED: dict[tuple[str, str], dict[str, Any]] = {
    (REFUNDS, "POST"): {"line_items": {"type": "array", "items": LINE_REFUNDED}},
}
# Properties it hides: their place in the body → the page that says they are taken.
UNDESCRIBED_PROPERTIES = {
    "shipping.phone": "since 5.6; https://github.com/woocommerce/woocommerce-rest-api-docs/issues/253",
}
FORMATS = {
    "date-time": re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(Z|[+-]\d\d:\d\d)?"),
    "email": re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+"),
    "uri": re.compile(r"https?://\S+"),
}
Args = Mapping[str, Any]


@cache
def routes() -> list[tuple[str, re.Pattern[str], Sequence[Mapping[str, Any]]]]:
    described = json.loads(INDEX.read_text())["routes"]
    return [(route, re.compile(f"{PREFIX}{route}"), one["endpoints"]) for route, one in described.items()]


def request_faults(method: str, path: str, query: str, body: bytes) -> Iterator[str]:
    """What in a request the shop does not describe. It would drop an argument it does not know without a word."""
    found = [(route, match, ends) for route, pattern, ends in routes() if (match := pattern.fullmatch(path))]
    if not found:
        yield f"{path} is no route"
        return
    route, match, endpoints = found[0]
    args = find_args(route, method, endpoints)
    if args is None:
        yield f"{method} is no method of {route}"
        return
    given = [pair for pair in parse_qsl(query, keep_blank_values=True) if not pair[0].startswith(OAUTH)]
    for name, text in [*match.groupdict().items(), *given]:
        if name not in args:
            yield f"{method} {route} has no argument {name}"
        else:
            yield from text_faults(args[name], text, name)
    for name in {name for name, _ in given if sum(one == name for one, _ in given) > 1}:
        yield f"{name} is given more than once"
    sent: Any = {}
    if body:
        try:
            sent = json.loads(body)
        except ValueError:
            sent = None
    if not isinstance(sent, dict) or (body and method in ("GET", "DELETE")):
        yield f"{method} {route} takes no such body"
        return
    if route.endswith("/batch"):
        yield from batch_faults(route.removesuffix("/batch"), sent)
        return
    yield from object_faults(args, sent, "")
    for name, arg in args.items():
        if arg.get("required") and name not in {*sent, *match.groupdict(), *dict(given)}:
            yield f"{method} {route} lacks its argument {name}"


def find_args(route: str, method: str, endpoints: Sequence[Mapping[str, Any]]) -> Args | None:
    """A route's endpoint of that method, with what its pages describe besides."""
    found = next((one["args"] for one in endpoints if method in one["methods"]), None)
    return None if found is None else {**dict(found), **UNDESCRIBED.get((route, method), {})}


def batch_faults(route: str, sent: Mapping[str, Any]) -> Iterator[str]:
    """{"create": […], "update": […], "delete": […]}: objects as the route itself takes them."""
    item = next((one for one, _, _ in routes() if one.startswith(f"{route}/(?P<id>") and one.endswith(")")), "")
    if sum(len(rows) for rows in sent.values() if isinstance(rows, list)) > MOST_IN_BATCH:
        yield f"{route}/batch takes {MOST_IN_BATCH} at once"
    for kind, rows in sent.items():
        if kind not in ("create", "update", "delete") or not isinstance(rows, list):
            yield f"{route}/batch has no {kind}"
            continue
        method, at = ("POST", route) if kind == "create" else ("PUT", item)
        args = next(find_args(one, method, ends) or {} for one, _, ends in routes() if one == at)
        for place, row in enumerate(rows):
            where = f"{kind}[{place}]"
            if kind == "delete":
                yield from value_faults({"type": "integer"}, row, where)
                continue
            yield from object_faults(args, row, where)
            if kind == "update" and not isinstance(row.get("id"), int):
                yield f"{where} lacks its id"
            for name in (name for name, arg in args.items() if arg.get("required") and kind == "create"):
                if name not in row:
                    yield f"{where} lacks its argument {name}"


def object_faults(args: Args, sent: Any, where: str) -> Iterator[str]:
    if not isinstance(sent, dict):
        yield f"{where} is no object"
        return
    for name, value in sent.items():
        at = f"{where}.{name}".lstrip(".")
        if name not in args:
            if at not in UNDESCRIBED_PROPERTIES:
                yield f"{at} is no property"
        elif args[name].get("readonly"):
            yield f"{at} is read-only"
        else:
            yield from value_faults(args[name], value, at)


def value_faults(schema: Mapping[str, Any], value: Any, where: str) -> Iterator[str]:
    """A JSON value, as strictly as its schema: WordPress would turn "7" into 7, and some hosts' plugins would not."""
    kinds = schema.get("type", [])
    kinds = [kinds] if isinstance(kinds, str) else kinds
    kind = json_type(value)
    if kinds and "mixed" not in kinds and kind not in kinds and not (kind == "integer" and "number" in kinds):
        yield f"{where} is {' or '.join(kinds)}, not {value!r}"
        return
    if "enum" in schema and value not in schema["enum"]:
        yield f"{where} is never {value!r}"
    if isinstance(value, str) and schema.get("format") in FORMATS and not FORMATS[schema["format"]].fullmatch(value):
        yield f"{where} is a {schema['format']}, not {value!r}"
    yield from bounds_faults(schema, value, where)
    if kind == "array" and "items" in schema:
        for place, one in enumerate(value):
            yield from value_faults(schema["items"], one, f"{where}[{place}]")
    if kind == "object" and "properties" in schema:
        yield from object_faults(schema["properties"], value, where)


def bounds_faults(schema: Mapping[str, Any], value: Any, where: str) -> Iterator[str]:
    number = json_type(value) in ("integer", "number")
    if number and not schema.get("minimum", value) <= value <= schema.get("maximum", value):
        yield f"{where} is out of bounds: {value!r}"


def json_type(value: Any) -> str:
    if isinstance(value, bool):
        return "boolean"
    names = {int: "integer", float: "number", str: "string", list: "array", dict: "object", type(None): "null"}
    return names[type(value)]


def text_faults(schema: Mapping[str, Any], text: str, where: str) -> Iterator[str]:
    """An argument in the address: lists comma-joined (wp_parse_list), numbers and truth as text."""
    kind = schema.get("type")
    if kind == "array":
        for one in text.split(","):
            yield from text_faults(schema["items"], one, where)
    elif kind == "integer":
        if not re.fullmatch(r"-?\d+", text):
            yield f"{where} is integer, not {text!r}"
        else:
            yield from bounds_faults(schema, int(text), where)
    elif kind == "boolean":
        if text not in ("true", "false", "1", "0"):
            yield f"{where} is boolean, not {text!r}"
    else:
        yield from value_faults(schema, text, where)
