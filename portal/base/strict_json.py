"""JSON read strictly: what two parsers could understand differently is refused, numbers are exact."""

from __future__ import annotations

import json
import math
from decimal import Decimal
from typing import Any

DEEPEST, LONGEST_NUMBER = 32, 100


class StrictJsonError(ValueError):
    """`code` is stable, the message says what is wrong with the text."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code, self.message = code, message


def parse_strict(raw: bytes) -> Any:
    """The value; fractions are Decimal. Raises StrictJsonError."""
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError as error:
        raise StrictJsonError("invalid_unicode", "The body is not UTF-8.") from error
    _check_depth(text)
    try:
        value = json.loads(
            text,
            object_pairs_hook=_object,
            parse_float=_decimal,
            parse_int=_integer,
            parse_constant=_constant,
        )
    except StrictJsonError:
        raise
    except (ValueError, RecursionError) as error:
        raise StrictJsonError("invalid_json", f"The body is not JSON: {error}") from error
    _check_text(value)
    return value


def _check_depth(text: str) -> None:
    """Counted outside strings, before anything is built."""
    if text.count("[") + text.count("{") <= DEEPEST:
        return
    depth, inside, escaped = 0, False, False
    for character in text:
        if inside:
            if escaped:
                escaped = False
            elif character == "\\":
                escaped = True
            elif character == '"':
                inside = False
        elif character == '"':
            inside = True
        elif character in "[{":
            depth += 1
            if depth > DEEPEST:
                raise StrictJsonError("json_too_deep", f"Nothing is nested deeper than {DEEPEST} levels.")
        elif character in "]}":
            depth -= 1


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in pairs:
        if key in found:
            raise StrictJsonError("duplicate_key", f"The key {key!r} comes twice.")
        found[key] = value
    return found


def _decimal(text: str) -> Decimal:
    _check_length(text)
    if not math.isfinite(float(text)):
        raise StrictJsonError("number_not_finite", f"{text} is not a finite number.")
    return Decimal(text)


def _integer(text: str) -> int:
    _check_length(text)
    return int(text)


def _check_length(text: str) -> None:
    if len(text) > LONGEST_NUMBER:
        raise StrictJsonError("number_too_long", f"A number has at most {LONGEST_NUMBER} digits.")


def _constant(text: str) -> Any:
    raise StrictJsonError("number_not_finite", f"{text} is not a finite number.")


def _check_text(value: Any) -> None:
    if isinstance(value, dict):
        for key, inner in value.items():
            _check_text(key)
            _check_text(inner)
    elif isinstance(value, list):
        for inner in value:
            _check_text(inner)
    elif isinstance(value, str):
        if "\x00" in value:
            raise StrictJsonError("nul_character", "Text has no NUL characters.")
        if any("\ud800" <= character <= "\udfff" for character in value):
            raise StrictJsonError("invalid_unicode", "Text has no halves of characters (lone surrogates).")
