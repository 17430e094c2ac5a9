"""What a version of the field rules would make of orders that are here, before it is published."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from integrations.contract import records as r
from integrations.models import Connection
from orders.mapping.rules import Rule, Step, fill_document, follow, needs_raw
from orders.mapping.targets import read_field
from orders.models import FieldRuleVersion, FulfilmentOrder, Order
from orders.services import field_rules
from orders.services.documents import build_header

MOST_SHOWN, MOST_TRIED = 20, 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """One field of the document: now, with the new rules, and the first error of a rule that fills it."""

    label: str
    before: str
    after: str
    error: str = ""

    @property
    def changes(self) -> bool:
        return not self.error and self.before != self.after


@dataclass(frozen=True, slots=True, kw_only=True)
class Preview:
    """One order under the rules in force and under the new ones; `view` is the order as rules see it."""

    order: Order
    fields: tuple[Field, ...]
    view: dict[str, Any] = field(repr=False)

    @property
    def errors(self) -> list[Field]:
        return [one for one in self.fields if one.error]

    @property
    def changes(self) -> bool:
        return any(one.changes for one in self.fields)


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """How many of the last orders would be another document, and which could not be sent at all."""

    tried: int
    changed: int
    failing: tuple[Preview, ...]


def list_orders(there: Connection, *, most: int) -> list[Order]:
    """The newest orders given to that destination; of the merchant's shops, where it was given none yet."""
    mine = Order.plain.filter(merchant_id=there.merchant_id).select_related("connection", "location").order_by("-pk")
    mine = mine.prefetch_related("payments")
    given = FulfilmentOrder.plain.filter(destination=there).values("order_id")
    found = list(mine.filter(pk__in=given)[:most])
    return found or list(mine[:most])


def preview(version: FieldRuleVersion, orders: Sequence[Order], *, with_raw: bool = False) -> list[Preview]:
    """Each of the orders, field by field; `with_raw` keeps the shop's payload in the view though no rule reads it."""
    new = field_rules.list_rules(version)
    now = field_rules.list_rules(field_rules.find_published(version.connection))
    views = field_rules.read_views(orders, with_raw=with_raw or needs_raw([*new, *now]))
    return [_preview_one(order, views[order.pk], now, new) for order in orders]


def try_out(version: FieldRuleVersion) -> Trial:
    """A dry run over the last orders; nothing is written or sent."""
    found = preview(version, list_orders(version.connection, most=MOST_TRIED))
    failing = tuple(one for one in found if one.errors)
    changed = sum(1 for one in found if one.changes and not one.errors)
    return Trial(tried=len(found), changed=changed, failing=failing)


def _preview_one(order: Order, view: dict[str, Any], now: Sequence[Rule], new: Sequence[Rule]) -> Preview:
    header = build_header(order)
    before, after = follow(now, view, shop=order.connection_id), follow(new, view, shop=order.connection_id)
    old_document, new_document = fill_document(header, before), fill_document(header, after)
    fields: dict[tuple[str, str], Rule] = {(step.rule.target, step.rule.name): step.rule for step in (*before, *after)}
    return Preview(
        order=order,
        fields=tuple(_compare(rule, old_document, new_document, after) for rule in fields.values()),
        view=view,
    )


def _compare(rule: Rule, before: r.OrderDocument, after: r.OrderDocument, steps: Sequence[Step]) -> Field:
    mine = [step for step in steps if (step.rule.target, step.rule.name) == (rule.target, rule.name)]
    return Field(
        label=rule.label,
        before=_show(read_field(before, rule.target, rule.name)),
        after=_show(read_field(after, rule.target, rule.name)),
        error=next((step.error for step in mine if step.error), ""),
    )


def _show(value: Any) -> str:
    return value.isoformat() if hasattr(value, "isoformat") else str(value or "")
