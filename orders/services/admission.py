"""Which orders are taken in, and which a person looks at first: the merchant's rules, read on what the shop says."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from django.db import transaction
from django.db.models import Q
from django.utils.translation import gettext as _

from integrations.models import Hold
from orders.models import Order, OrderRule
from orders.services import holds, routing
from orders.services.timeline import note
from portal.base.prepared import Prepared, given
from portal.tenancy.models import User

What, How, Then, Admission = OrderRule.What, OrderRule.How, OrderRule.Then, Order.Admission
RULE = "rule:"  # how the keys of Holds made by rules begin
NEEDED = ("line1", "city", "postcode", "country")
COMPARED = ("line1", "line2", "city", "postcode", "country")
_RULES = Prepared(
    lambda: OrderRule.plain.filter(
        Q(connection_id=given("shop")) | Q(connection__isnull=True), merchant_id=given("merchant"), enabled=True
    ).order_by("pk")
)


class NotPossible(Exception):
    """It cannot be done; the message says what to do instead."""


def admit(order: Order, *, at: datetime, rules: Sequence[OrderRule] | None = None) -> None:
    """Decide by the merchant's rules whether the saved order is taken in, and what somebody must look at first; the
    caller holds its lock. One that was taken in once stays so. `rules`: its shop's, where they were read just now."""
    if order.admission in (Admission.HISTORY, Admission.BY_HAND) or order.is_over:
        return
    rules = list_rules(order) if rules is None else rules
    if not rules and order.admission == Admission.TAKEN:
        return
    methods = sorted({order.payment_method, *order.payments.values_list("method", flat=True)} - {""})
    hits = [rule for rule in rules if matches(rule, order, methods)]
    if not order.fulfilment_orders.exists():
        _leave_out(order, next((rule for rule in hits if rule.then == Then.LEAVE_OUT), None), at)
    if not routing.is_sent(order):
        _hold(order, [] if order.stays_here else [rule for rule in hits if rule.then == Then.HOLD], at)


def list_rules(order: Order) -> list[OrderRule]:
    """Those that apply to the order's shop, the oldest first."""
    return _RULES.list(merchant=order.merchant_id, shop=order.connection_id)


def matches(rule: OrderRule, order: Order, methods: Sequence[str]) -> bool:
    """Whether what the rule says is so. A rule that says nothing anybody can read matches nothing."""
    wanted = {value.lower() for value in rule.list_values()}
    match rule.what:
        case What.FINANCIAL:
            return _is_among(rule.how, {order.financial}, wanted)
        case What.STATUS:
            return _is_among(rule.how, {order.status_text}, wanted)
        case What.TAG:
            return _is_among(rule.how, set(order.tags.splitlines()), wanted)
        case What.METHOD:
            return _is_among(rule.how, set(methods), wanted)
        case What.COUNTRY:
            return _is_among(rule.how, {_ship_to(order).get("country", "")}, wanted)
        case What.EMAIL:
            return _is_among(rule.how, {order.email, order.email.rpartition("@")[2]}, wanted)
        case What.TOTAL:
            return _is_beyond(rule.how, order.total, rule.list_values())
        case What.FLAG:
            return bool(order.flagged)
        case What.ADDRESS:
            return _is_odd(rule.how, order)
        case What.GUEST:
            return order.customer is None or order.customer.is_guest
    return False


@transaction.atomic
def take_in(*, order_id: int, by: User, at: datetime) -> None:
    """A person wants an order after all that a rule left out, that is from before Go live or from long ago: it goes its
    way from here. NotPossible where it is over, or on its way already."""
    order = Order.plain.select_for_update().get(pk=order_id)
    if order.is_over:
        raise NotPossible(_("%(order)s is cancelled or deleted in the shop.") % {"order": order})
    if order.fulfilment_orders.exists() or order.admission == Admission.BY_HAND:
        raise NotPossible(_("%(order)s is taken in already.") % {"order": order})
    if order.connection.live_since is None:
        words = _("%(shop)s is only watched: take it live first.")
        raise NotPossible(words % {"shop": order.connection})
    order.admission, order.admission_words = Admission.BY_HAND, str(by)[:300]
    order.save(update_fields=["admission", "admission_words"])
    note(order, "taken_in", _("%(by)s took it in by hand.") % {"by": by}, at=at, actor=str(by))
    routing.forward(order, at=at)


def _leave_out(order: Order, rule: OrderRule | None, at: datetime) -> None:
    wanted = Admission.EXCLUDED if rule else Admission.TAKEN
    words = str(rule)[:300] if rule else ""
    if (order.admission, order.admission_words) == (wanted, words):
        return
    order.admission, order.admission_words = wanted, words
    order.save(update_fields=["admission", "admission_words"])
    if rule is None:
        note(order, "taken_in", _("No rule leaves it out any more: it is taken in."), at=at)
        return
    note(order, "left_out", _("Left out by the rule “%(rule)s”.") % {"rule": rule}, at=at)
    holds.end_all(order, at=at)


def _hold(order: Order, rules: Sequence[OrderRule], at: datetime) -> None:
    """Each rule holds an order once: who lets it go does not meet it again. One that is not so any more holds it no
    longer."""
    mine = Hold.plain.filter(merchant_id=order.merchant_id, subject_type="order", subject_id=order.pk)
    known = dict(mine.filter(key__startswith=RULE).order_by("pk").values_list("key", "ended_at"))
    wanted = {f"{RULE}{rule.pk}:{order.pk}": rule for rule in rules}
    for key, rule in wanted.items():
        if key in known:
            continue
        words = _("A rule holds order %(order)s: %(rule)s. Look at it, then let it go or cancel it in the shop.")
        told = str(rule) + (f" ({order.flagged})" if rule.what == What.FLAG else "")
        holds.wait(order, "rule", key, words % {"order": order, "rule": told}, at=at)
        mine.filter(key=key).update(owner=rule.owner_id)
    holds.end(order, [key for key, ended in known.items() if ended is None and key not in wanted], at=at)


def _is_among(how: str, said: set[str], wanted: set[str]) -> bool:
    if not wanted:
        return False
    found = bool({one.lower() for one in said} & wanted)
    return found if how == How.ANY else not found


def _is_beyond(how: str, total: Decimal, values: Sequence[str]) -> bool:
    try:
        limit = Decimal(values[0]) if values else None
    except InvalidOperation:
        return False
    if limit is None:
        return False
    return total > limit if how == How.MORE else total < limit


def _is_odd(how: str, order: Order) -> bool:
    address = _ship_to(order)
    if how == How.INCOMPLETE:
        return any(not address.get(name) for name in NEEDED)
    theirs = [str(address.get(name, "")).casefold() for name in COMPARED]
    return bool(order.billing) and theirs != [str(order.billing.get(name, "")).casefold() for name in COMPARED]


def _ship_to(order: Order) -> dict[str, Any]:
    found: dict[str, Any] = order.shipping or order.billing
    return found
