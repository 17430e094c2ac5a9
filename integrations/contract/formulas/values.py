"""What an expression may give, and how it becomes the text of a field. Pure."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

LONGEST_TEXT = 10_000
LARGEST, FINEST = Decimal(10) ** 24, -24  # of a number, and the power of ten it may not be finer than


class RuleError(Exception):
    """A rule that cannot be followed; the message says why, in words for people."""


def is_number(value: Any) -> bool:
    return isinstance(value, int | Decimal) and not isinstance(value, bool)


def describe_kind(value: Any) -> str:
    """What kind of value this is, in a person's words."""
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return "yes or no"
    if isinstance(value, str):
        return "a text"
    if isinstance(value, list | tuple):
        return f"a list of {len(value)}"
    return "a group of fields" if isinstance(value, dict) else "a number"


def bounded(value: Any, *, length: int | None = None) -> Any:
    """The value itself, a float as the decimal it is written as. RuleError for one too long, too large or none."""
    size = length if length is not None else len(value) if isinstance(value, str) else 0
    if size > LONGEST_TEXT:
        raise RuleError(f"A text of {size:,} characters is too long; at most {LONGEST_TEXT:,} can be worked with.")
    if isinstance(value, float):
        value = Decimal(repr(value))
    if is_number(value):
        number = Decimal(value) if isinstance(value, int) and abs(value) < LARGEST else value
        if isinstance(number, int) or not number.is_finite() or abs(number) >= LARGEST:
            raise RuleError("A number gets too large.")
        if number and number.adjusted() < FINEST:
            raise RuleError("A number gets too small.")
    elif not (value is None or isinstance(value, bool | str | list | dict | slice)):
        raise RuleError("That is no value: put brackets behind the function's name.")
    return value


def read_text(value: Any) -> str:
    """The value as the text of a field, '' for nothing. RuleError for what is no single value, or cannot be sent."""
    if isinstance(value, list | tuple | dict):
        raise RuleError(f"It gives {describe_kind(value)}; pick one value of it, as in lines[0].sku.")
    if isinstance(value, bool):
        return "true" if value else "false"
    if value is None or isinstance(value, str):
        text = value or ""
    else:
        text = write_number(bounded(value))
    if "\x00" in text:
        raise RuleError("It has a NUL character in it, which no system takes.")
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise RuleError("It has half a character in it, which no system takes.") from error
    return text


def write_number(value: Any) -> str:
    """Without an exponent."""
    return f"{Decimal(value):f}"
