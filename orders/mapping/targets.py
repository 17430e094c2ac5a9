"""The fields of an order's document that a rule may fill: a closed list, with what each takes. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from integrations.contract import records as r
from integrations.contract.formulas.values import RuleError

CUSTOM = "custom"
CUSTOM_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.\-]{0,62}")
ONE_LINE = re.compile(r"[\x00-\x1f\x7f\u2028\u2029]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """`longest` in characters; `read` makes the document's value of the text, or raises RuleError."""

    key: str
    label: str | Promise
    longest: int
    read: Callable[[str], Any] = str
    one_line: bool = True


def read_moment(text: str) -> datetime:
    """A date is noon in UTC, so that it is the same day nearly everywhere; a time says its zone."""
    try:
        if len(text) == len("2026-12-24"):
            return datetime.combine(date.fromisoformat(text), time(12), tzinfo=UTC)
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise RuleError(f"“{text[:60]}” is no date (2026-12-24 is one).") from error
    if moment.tzinfo is None:
        raise RuleError(f"“{text[:60]}” does not say its time zone (2026-12-24T10:00:00Z does).")
    if not 1970 <= moment.year <= 2200:
        raise RuleError(f"{moment.year} is no year anything is delivered in.")
    return moment.astimezone(UTC)


TARGETS: dict[str, Target] = {
    one.key: one
    for one in (
        Target(key="purchase_order", label=_("Customer's purchase order number"), longest=60),
        Target(key="number", label=_("Order number shown there"), longest=60),
        Target(key="note", label=_("Note"), longest=5000, one_line=False),
        Target(key="requested_at", label=_("Requested delivery date"), longest=40, read=read_moment),
        Target(key="shipping_method", label=_("Shipping method (their code)"), longest=100),
        Target(key="location_external_id", label=_("Warehouse (their id)"), longest=100),
        Target(key="salesperson", label=_("Salesperson (their id)"), longest=100),
        Target(key="payment_method", label=_("Payment method (their code)"), longest=100),
        Target(key=CUSTOM, label=_("Custom field, by its name there"), longest=2000, one_line=False),
    )
}


def read_value(key: str, text: str) -> Any:
    """The text as this field takes it. RuleError where it does not."""
    target = TARGETS[key]
    if len(text) > target.longest:
        raise RuleError(f"It gives {len(text):,} characters; this field takes {target.longest:,}.")
    if target.one_line and ONE_LINE.search(text):
        raise RuleError("It gives several lines; this field takes one.")
    return target.read(text)


def fill(document: r.OrderDocument, key: str, name: str, value: Any) -> r.OrderDocument:
    """The document with this field set; `name` is the custom field's."""
    if key == CUSTOM:
        return replace(document, custom={**document.custom, name: value})
    return replace(document, **{key: value})


def read_field(document: r.OrderDocument, key: str, name: str) -> Any:
    """What the document has there now, None or '' where nothing."""
    return document.custom.get(name, "") if key == CUSTOM else getattr(document, key)
