"""The functions an expression may call. Pure; each bounds what it gives before it builds it."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from integrations.contract.formulas.values import RuleError, bounded, describe_kind, is_number, read_text

NUMBER = re.compile(r"[+-]?[0-9]{1,24}(\.[0-9]{1,24})?")
MOST_DAYS, MOST_DIGITS = 3650, 6


def _number(value: Any) -> Decimal:
    """number("12.50"): the number a text says."""
    if is_number(value):
        return Decimal(value)
    text = _text(value).strip()
    if not NUMBER.fullmatch(text):
        raise RuleError(f"“{text[:60]}” is no number (12.50 is one).")
    return Decimal(text)


def _text(value: Any) -> str:
    """text(12): the text of a number."""
    return str(bounded(read_text(value)))


def _upper(value: Any) -> str:
    """upper("ab"): AB."""
    return _text(value).upper()


def _lower(value: Any) -> str:
    """lower("AB"): ab."""
    return _text(value).lower()


def _trim(value: Any) -> str:
    """trim(" a "): without blanks around it."""
    return _text(value).strip()


def _length(value: Any) -> int:
    """length(value): how many characters, or lines of a list."""
    if not isinstance(value, str | list | dict):
        raise RuleError(f"{describe_kind(value).capitalize()} has no length.")
    return len(value)


def _left(value: Any, count: Any) -> str:
    """left("abcd", 2): ab."""
    return _text(value)[: max(_whole(count), 0)]


def _right(value: Any, count: Any) -> str:
    """right("abcd", 2): cd."""
    text = _text(value)
    return text[max(len(text) - max(_whole(count), 0), 0) :]


def _replace(value: Any, old: Any, new: Any) -> str:
    """replace("a-b", "-", "/"): a/b."""
    text, before, after = _text(value), _text(old), _text(new)
    if not before:
        raise RuleError("replace() needs to know what is replaced.")
    bounded("", length=len(text) + text.count(before) * max(len(after) - len(before), 0))
    return text.replace(before, after)


def _part(value: Any, separator: Any, number: Any) -> str:
    """part("a-b-c", "-", 2): the second of the parts; '' where there are not so many."""
    mark = _text(separator)
    if not mark:
        raise RuleError("part() needs to know what parts are separated by.")
    parts, place = _text(value).split(mark), _whole(number)
    return parts[place - 1] if 1 <= place <= len(parts) else ""


def _round(value: Any, digits: Any = 0) -> Decimal:
    """round(number, 2): half up."""
    places = _whole(digits)
    if not 0 <= places <= MOST_DIGITS:
        raise RuleError(f"round() keeps 0 to {MOST_DIGITS} digits.")
    number = _number(value)
    bounded(number)
    return number.quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP)


def _day(value: Any) -> str:
    """day(order["placed_at"]): the date of a time, 2026-12-24."""
    text = _text(value)
    try:
        return date.fromisoformat(text[:10]).isoformat()
    except ValueError as error:
        raise RuleError(f"“{text[:60]}” is no date (2026-12-24 is one).") from error


def _add_days(value: Any, count: Any) -> str:
    """add_days("2026-12-24", 3): 2026-12-27."""
    days = _whole(count)
    if abs(days) > MOST_DAYS:
        raise RuleError(f"add_days() adds up to {MOST_DAYS} days.")
    try:
        return (date.fromisoformat(_day(value)) + timedelta(days=days)).isoformat()
    except OverflowError as error:
        raise RuleError("The date is out of range.") from error


def _whole(value: Any) -> int:
    number = _number(value)
    if number != number.to_integral_value() or abs(number) > 10**6:
        raise RuleError(f"{number} is no whole number that can be counted with here.")
    return int(number)


FUNCTIONS: dict[str, Callable[..., Any]] = {
    "add_days": _add_days,
    "day": _day,
    "left": _left,
    "length": _length,
    "lower": _lower,
    "number": _number,
    "part": _part,
    "replace": _replace,
    "right": _right,
    "round": _round,
    "text": _text,
    "trim": _trim,
    "upper": _upper,
}
