"""Bodies of requests as typed structs: what is not declared is refused, and each refusal has a code and a field.

A body is read once, by `parse_strict`; msgspec turns it into the struct. The schema of the API is drawn from the same
struct, so that what is documented is what is taken. https://jcristharif.com/msgspec/structs.html
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Any, TypeVar

import msgspec
from drf_spectacular.extensions import OpenApiSerializerExtension
from drf_spectacular.plumbing import ResolvedComponent
from rest_framework.request import Request

from portal.base.problems import Problem

T = TypeVar("T")
_AT = re.compile(r" - at `\$\.?(.*)`$")
_NAMED = re.compile(r"(unknown|required) field `(.*?)`")
_PLAIN = re.compile(r"-?[0-9]{1,20}(\.[0-9]{1,20})?([eE][+-]?[0-9]{1,2})?")
_COMMA = re.compile(r"-?[0-9.]*,[0-9]+")
_DIRECTIONS = re.compile("[\u200e\u200f\u202a-\u202e\u2066-\u2069]")
MOST_QUANTITY = Decimal(10**6)
EARLIEST, LATEST = 1900, 2200


class Body(msgspec.Struct, forbid_unknown_fields=True):
    """What a request may carry; subclass it, one class a shape (`kw_only=True` where a default comes first).
    The default of an Email or Amount is given by `msgspec.field(default_factory=…)`: the schema cannot draw others."""


class FieldError(ValueError):
    """A value of the right type that cannot be taken; `code` is stable."""

    def __init__(self, code: str, words: str) -> None:
        super().__init__(words)
        self.code = code


class Amount(Decimal):
    """An amount of money or a figure: a JSON number, or a string of plain digits with a point."""


class Quantity(Decimal):
    """More than nothing and at most a million, up to three decimals."""


class Moment(datetime):
    """A time with its zone, ISO 8601."""


class Email(str):
    """An e-mail address without characters that change the direction of reading."""

    __slots__ = ()


def read_body(request: Request, kind: type[T]) -> T:
    """The request's body as `kind`; Problem 400 where it is another shape."""
    return read_value(request.data, kind)


def read_value(data: Any, kind: type[T], at: str = "") -> T:
    """As `read_body`, of a part of one: of an item of a bulk call, whose place is `at`."""
    try:
        return msgspec.convert(data, kind, dec_hook=_decode)
    except msgspec.ValidationError as error:
        raise _describe(error, at) from error


def parse_decimal(value: Any) -> Decimal:
    """FieldError where it is no number people and programs read alike."""
    if isinstance(value, Decimal):
        return value
    if isinstance(value, int) and not isinstance(value, bool):
        return Decimal(value)
    if not isinstance(value, str):
        raise FieldError("invalid_decimal", "A number is expected here.")
    if _COMMA.fullmatch(value):
        raise FieldError("decimal_separator", f"{value[:40]!r} has a comma: the decimal separator is a point.")
    if not _PLAIN.fullmatch(value):
        raise FieldError("invalid_decimal", f"{value[:40]!r} is no number: use the digits 0-9 and a point.")
    try:
        return Decimal(value)
    except InvalidOperation as error:  # pragma: no cover - the pattern lets none through
        raise FieldError("invalid_decimal", "A number is expected here.") from error


def parse_moment(value: Any) -> datetime:
    if not isinstance(value, str):
        raise FieldError("invalid_value", "A time is a string, as 2026-11-20T12:00:00Z.")
    try:
        found = datetime.fromisoformat(value)
    except ValueError as error:
        code = "date_out_of_range" if value.startswith("0000") else "invalid_value"
        raise FieldError(code, f"{value[:40]!r} is no time: write it as 2026-11-20T12:00:00Z.") from error
    if not EARLIEST <= found.year <= LATEST:
        raise FieldError("date_out_of_range", f"A year is between {EARLIEST} and {LATEST}.")
    if found.tzinfo is None:
        raise FieldError("timezone_required", f"{value[:40]!r} does not say its zone: add Z or +01:00.")
    return found.astimezone(UTC)


def _decode(kind: type[Any], value: Any) -> Any:
    if kind is Amount:
        return Amount(parse_decimal(value))
    if kind is Quantity:
        found = parse_decimal(value)
        if not 0 < found <= MOST_QUANTITY or found != round(found, 3):
            words = "A quantity is more than 0 and at most 1000000, with up to three decimals."
            raise FieldError("quantity_out_of_range", words)
        return Quantity(found)
    if kind is Moment:
        moment = parse_moment(value)
        return Moment.fromtimestamp(moment.timestamp(), tz=UTC)
    if kind is Email:
        return _email(value)
    raise NotImplementedError(f"No way to read {kind}.")  # pragma: no cover - a mistake of ours


def _email(value: Any) -> Email:
    if not isinstance(value, str):
        raise FieldError("invalid_value", "An e-mail address is a string.")
    if _DIRECTIONS.search(value):
        raise FieldError("invalid_email", "The address has characters that change the direction of reading.")
    if value and (len(value) > 254 or not re.fullmatch(r"[^@\s]+@[^@\s]+\.[^@\s]+", value)):
        raise FieldError("invalid_email", f"{value[:80]!r} is no e-mail address.")
    return Email(value)


def _describe(error: msgspec.ValidationError, at: str) -> Problem:
    words = str(error)
    found = _AT.search(words)
    path = ".".join(filter(None, (at, found[1] if found else "")))
    words = _AT.sub("", words).replace("`", "'")
    named = _NAMED.search(str(error))
    if named:
        path = ".".join(filter(None, (path, named[2])))
        if named[1] == "unknown":
            return Problem(400, "unknown_field", f"There is no field {named[2][:80]!r} here.", field=path[:200])
        return Problem(400, "field_required", f"The field {named[2]!r} is missing.", field=path)
    code = error.__cause__.code if isinstance(error.__cause__, FieldError) else "invalid_value"
    return Problem(400, code, f"{words}.".replace("..", "."), field=path)


# --- The schema of the API --------------------------------------------------------------------------------------------

_SCHEMAS: dict[type[Any], dict[str, Any]] = {
    Amount: {"type": "string", "format": "decimal", "example": "12.50"},
    Quantity: {"type": "string", "format": "decimal", "example": "1"},
    Moment: {"type": "string", "format": "date-time"},
    Email: {"type": "string", "format": "email", "maxLength": 254},
}


class StructSchema(OpenApiSerializerExtension):  # type: ignore[no-untyped-call]
    """Draws structs, as https://drf-spectacular.readthedocs.io/en/latest/customization.html says for other classes."""

    target_class = "msgspec.Struct"
    match_subclasses = True

    def get_name(self, auto_schema: Any, direction: Any) -> str | None:
        return str(self.target.__name__)

    def map_serializer(self, auto_schema: Any, direction: Any) -> dict[str, Any]:
        _, found = msgspec.json.schema_components(
            [self.target], schema_hook=_SCHEMAS.__getitem__, ref_template="#/components/schemas/{name}"
        )
        mine: dict[str, Any] = found.pop(self.target.__name__)
        _type_enums(mine)
        parts = _list_parts(self.target)
        for name, schema in found.items():
            _type_enums(schema)
            part = ResolvedComponent(name=name, type=ResolvedComponent.SCHEMA, object=parts[name], schema=schema)  # type: ignore[no-untyped-call]
            auto_schema.registry.register_on_missing(part)
        return mine


def _list_parts(kind: Any) -> dict[str, type[Any]]:
    """name → the struct or choice it is, of all a struct is made of: a part of several shapes is one component."""
    found: dict[str, type[Any]] = {}
    waiting: list[Any] = [msgspec.inspect.type_info(kind)]
    while waiting:
        match waiting.pop():
            case msgspec.inspect.StructType() as one if one.cls.__name__ not in found:
                found[one.cls.__name__] = one.cls
                waiting += [field.type for field in one.fields]
            case msgspec.inspect.EnumType(cls=cls):
                found[cls.__name__] = cls
            case msgspec.inspect.ListType(item_type=inner) | msgspec.inspect.Metadata(type=inner):
                waiting.append(inner)
            case msgspec.inspect.UnionType(types=several):
                waiting += several
    return found


def _type_enums(schema: Any) -> None:
    """Choices of ours are texts: msgspec leaves out what JSON Schema can tell from them."""
    if isinstance(schema, dict):
        if "enum" in schema and "type" not in schema:
            schema["type"] = "string"
        for inner in schema.values():
            _type_enums(inner)
    elif isinstance(schema, list):
        for inner in schema:
            _type_enums(inner)
