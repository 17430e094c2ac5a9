"""Changing routing rules and what destinations get when, and what a rule would have done."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction

from integrations.models import Connection, Flow
from integrations.sync.release import release
from orders.models import FulfilmentOrder, Order, OrderLine, RoutingRule
from orders.services.facts import build_facts, read_stock
from orders.services.planning import make_plan
from orders.services.routes import KEY, Routes

SendWhen = FulfilmentOrder.SendWhen
LAST = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Preview:
    """Of the last `seen` orders: those it would have taken some of, and how many fit it that earlier rules take."""

    seen: int
    taken: list[Order]
    others: int


@transaction.atomic
def save_rule(*, rule: RoutingRule, at: datetime) -> int:
    """Keep the rule as its next version; how many orders that had nowhere to go were looked at again."""
    if rule.pk is not None:
        known = RoutingRule.plain.select_for_update().filter(pk=rule.pk).values_list("version", flat=True).first()
        rule.version = (known or 0) + 1
    rule.save()
    return release(merchant_id=rule.merchant_id, key=KEY, at=at)


@transaction.atomic
def delete_rule(*, rule: RoutingRule, at: datetime) -> int:
    """What it has sent stays where it is; how many orders that had nowhere to go were looked at again."""
    merchant_id = rule.merchant_id
    rule.delete()
    return release(merchant_id=merchant_id, key=KEY, at=at)


@transaction.atomic
def save_send_when(*, flow: Flow, when: str, after: Connection | None, at: datetime) -> int:
    """Say when a destination gets orders from here on (`after`: once this one has accepted); how many orders that had
    nowhere to go were looked at again. ValueError for a word that is none."""
    if when not in SendWhen.values:
        raise ValueError("Choose when it is sent.")
    if after is not None and (when != SendWhen.ACCEPTED or after.pk == flow.connection_id):
        after = None
    settings = {key: value for key, value in flow.settings.items() if key != "after"}
    flow.settings = {**settings, "send_when": when, **({"after": after.public_id} if after else {})}
    flow.save(update_fields=["settings"])
    return release(merchant_id=flow.merchant_id, key=KEY, at=at)


@transaction.atomic
def note_flow(*, flow: Flow, at: datetime) -> int:
    """A destination takes orders, or invoices, from now on; how many orders that had nowhere to go were looked at
    again."""
    return release(merchant_id=flow.merchant_id, key=KEY, at=at)


def preview_rule(rule: RoutingRule) -> Preview:
    """What the rule would have taken of the last orders, among the others as they are now, by the stock as it is now.
    Nothing is changed."""
    rows = Order.plain.filter(merchant_id=rule.merchant_id).select_related("connection")
    orders = list(rows.order_by("-placed_at", "-pk")[:LAST])
    lines: dict[int, list[OrderLine]] = defaultdict(list)
    for line in OrderLine.plain.filter(order__in=orders).order_by("position"):
        lines[line.order_id].append(line)
    among = Routes(rule.merchant_id)
    rules = [*(one for one in among.rules if one.pk != rule.pk), rule]
    among.rules = sorted(rules, key=lambda one: (one.position, one.pk))
    facts = build_facts(orders, lines, among.rules)
    variants = {line.variant_id for mine in lines.values() for line in mine if line.variant_id is not None}
    stock = read_stock([order.pk for order in orders], among.rules, among.places, variants)
    taken, others = [], 0
    for order in orders:
        if any(one.rule == rule for one in make_plan(among.rules, facts[order.pk], stock, among.places).targets):
            taken.append(order)
        elif make_plan([rule], facts[order.pk], stock, among.places).targets:
            others += 1
    return Preview(seen=len(orders), taken=taken, others=others)
