"""The schema that is served, and how a field finds its value.

A field is, in this order: what COMPUTED says of it; the record's own value. A global id where an object is due is the
record it names, a list of them where a connection is due is paged.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from typing import Any

from graphql import (
    GraphQLError,
    GraphQLInterfaceType,
    GraphQLResolveInfo,
    GraphQLScalarType,
    GraphQLSchema,
    GraphQLUnionType,
    ValueNode,
    build_schema,
    get_named_type,
    is_leaf_type,
    value_from_ast_untyped,
)

from integrations.simulators.shopify.access import SCOPES
from integrations.simulators.shopify.paging import Key, build_connection
from integrations.simulators.shopify.records import Record, amount_of, parse_gid, parse_moment
from integrations.simulators.shopify.shop import Shop

Computed = Callable[[Shop, Record, dict[str, Any]], Any]


@dataclass
class Context:
    """One request: the shop, whether lists show a record yet, where it is served, what is to be said of its
    searches."""

    shop: Shop
    visible: Callable[[float], bool]
    base_url: str
    scopes: Collection[str] = SCOPES
    bulk: bool = False  # connections are whole
    searches: list[dict[str, Any]] = field(default_factory=list)

    def connect(self, rows: Sequence[Record], args: dict[str, Any], key: Key | None = None) -> Record:
        if not self.bulk:
            return build_connection(rows, args, key)
        rows = sorted(rows, key=key) if key is not None else rows
        return {"edges": [{"node": row} for row in rows], "nodes": list(rows)}


@cache
def load_schema() -> GraphQLSchema:
    """Parsed once a process."""
    text = files("integrations.simulators.shopify").joinpath("schema.graphql").read_text(encoding="utf-8")
    schema = build_schema(text)
    for kind in schema.type_map.values():
        if isinstance(kind, GraphQLScalarType) and kind.name in _SCALARS:
            serialize, parse = _SCALARS[kind.name]
            if serialize is not None:
                kind.coerce_output_value = serialize
            if parse is not None:
                kind.coerce_input_value = parse
                kind.coerce_input_literal = _reader(parse)
        if isinstance(kind, GraphQLInterfaceType | GraphQLUnionType):
            kind.resolve_type = _type_of
    return schema


def bind(computed: Mapping[str, Mapping[str, Computed]]) -> Callable[..., Any]:
    """The resolver of every field, over the table of computed ones."""

    def resolve(source: Any, info: GraphQLResolveInfo[Any], **args: Any) -> Any:
        context: Context = info.context
        name, kind = info.field_name, info.parent_type.name
        own = computed.get(kind, {}).get(name)
        value = own(context.shop, source, args) if own is not None else source.get(name) if source else None
        wanted = get_named_type(info.return_type)
        if value is None or is_leaf_type(wanted):
            return value
        if wanted.name.endswith("Connection") and isinstance(value, list):
            return context.connect(_look_up(context, value), args)
        if isinstance(value, list):
            rows = _look_up(context, value)
            return rows[: args["first"]] if args.get("first") is not None else rows
        return context.shop.find(value) if isinstance(value, str) else value

    return resolve


def _look_up(context: Context, values: list[Any]) -> list[Any]:
    return [
        row for value in values if (row := context.shop.find(value) if isinstance(value, str) else value) is not None
    ]


def _type_of(value: Record, _info: GraphQLResolveInfo[Any], _kind: Any) -> str | None:
    if "__typename" in value:
        return str(value["__typename"])
    parsed = parse_gid(value["id"])
    return parsed[0] if parsed else None


def _reader(parse: Callable[[Any], Any]) -> Callable[[ValueNode], Any]:
    return lambda node: parse(value_from_ast_untyped(node))


# scalars --------------------------------------------------------------------------------------------------------------
def _write_decimal(value: Any) -> str:
    """documented: https://shopify.dev/docs/api/admin-graphql/2026-07/scalars/Decimal, with examples such as "12.0": no
    zeros but the first after the point."""
    text = str(value)
    if "." not in text:
        return f"{text}.0"
    whole, _, cents = text.partition(".")
    return f"{whole}.{cents.rstrip('0') or '0'}"


def _parse_number(value: Any) -> str:
    try:
        return str(amount_of(value))
    except Exception as error:
        raise GraphQLError(f"{value!r} is not a number") from error


def _parse_date_time(value: Any) -> str:
    try:
        parse_moment(str(value))
    except ValueError as error:
        raise GraphQLError(f"{value!r} is not an ISO 8601 date and time") from error
    return str(value)


_SCALARS: dict[str, tuple[Callable[[Any], Any] | None, Callable[[Any], Any] | None]] = {
    "Decimal": (_write_decimal, _parse_number),
    "Money": (str, _parse_number),
    "UnsignedInt64": (str, None),
    "DateTime": (str, _parse_date_time),
}
