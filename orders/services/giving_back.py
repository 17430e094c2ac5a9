"""A refund a person makes here: asked of the shop, which has the money, and booked by the back offices once it has
given it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from django.db import transaction
from django.db.models import Q, Sum

from integrations.models import Stream
from integrations.sync.outbox import enqueue
from orders.models import Order, OrderLine, Refund, RefundLine
from orders.services.desk import NotPossible
from orders.services.money import is_whole
from orders.services.references import build_reference
from orders.services.refunds import count_room
from orders.services.shop import MADE_HERE, can, is_made_here, line_at_shop, may_be_told
from orders.services.timeline import note
from portal.base.money import describe_money, round_money

ZERO = Decimal(0)
State = Refund.State


@dataclass(frozen=True, slots=True, kw_only=True)
class Left:
    """What of a line was not given back yet: how many of the shop's article, and how much."""

    line: OrderLine
    quantity: Decimal
    net: Decimal
    tax: Decimal

    @property
    def gross(self) -> Decimal:
        return self.net + self.tax


def list_left(order: Order) -> list[Left]:
    """Every line something can still be given back of."""
    dropped = Q(refund__state=State.CLOSED, refund__counted=False, refund__made_by__gt="")
    rows = RefundLine.plain.filter(refund__order=order).exclude(dropped)
    sums = rows.order_by().values_list("order_line").annotate(Sum("quantity"), Sum("net"), Sum("tax"))
    given = {pk: (quantity, net, tax) for pk, quantity, net, tax in sums}
    found = []
    for line in order.lines.order_by("position"):
        quantity, net, tax = given.get(line.pk, (ZERO, ZERO, ZERO))
        found.append(
            Left(line=line, quantity=max(line.quantity - quantity, ZERO), net=line.net - net, tax=line.tax - tax)
        )
    return [one for one in found if one.gross > 0]


def why_not(order: Order) -> str:
    """'' where a refund can be made here, else the reason in words."""
    shop = order.connection
    if is_made_here(order):
        return f"{shop.name} does not know order {order}: it was made here, for an exchange. Refund the first order."
    if not can(shop, "create_refund") or not may_be_told(order, Stream.REFUND):
        return f"{shop.name} cannot be asked to give money back: do it there, and it arrives here by itself."
    if count_room(order) <= 0:
        return "Nothing is left of what was paid."
    return ""


@transaction.atomic
def ask(
    *, order_id: int, quantities: Mapping[int, Decimal], amount: Decimal, reason: str, by: str, at: datetime
) -> Refund:
    """Give back so many of these lines (line → how many of the shop's article), or without lines an `amount`; it counts
    as pending at once, and goes behind those that are. ValueError where nothing, or both, is asked for; NotPossible for
    more than is left of a line or of what was paid, and where the shop cannot be asked."""
    wanted = {pk: quantity for pk, quantity in quantities.items() if quantity}
    if bool(wanted) == bool(amount) or amount < 0:
        raise ValueError("Say how many of which line, or an amount without lines.")
    if not reason.strip():
        raise ValueError("Say why the money is given back.")
    order = Order.plain.select_for_update(of=("self",)).select_related("connection").get(pk=order_id)
    if words := why_not(order):
        raise NotPossible(words)
    rows = _build_lines(order, wanted)
    total = sum((row.net + row.tax for row in rows), ZERO) if rows else amount
    if not is_whole(total, order.currency):
        raise NotPossible(f"{total} is finer than {order.currency} allows.")
    room = count_room(order)
    if total > room or total <= 0:
        asked, left = describe_money(total, order.currency), describe_money(room, order.currency)
        raise NotPossible(f"{asked} is not possible: {left} is left of what was paid for order {order}.")
    refund = _save(order, rows, total, reason, by, at)
    command = enqueue(
        connection=order.connection,
        kind="create_refund",
        stream=Stream.REFUND,
        subject=("refund", refund.pk),
        line=line_at_shop(order),
        reference=refund.reference,
        amount=total,
        currency=order.currency,
        at=at,
    )
    words = f"{order.connection.name} is asked to give back {describe_money(total, order.currency)}: {refund.reason}"
    note(order, "refund_asked", words, at=at, actor=by, command=command)
    return refund


def _save(order: Order, rows: list[RefundLine], total: Decimal, reason: str, by: str, at: datetime) -> Refund:
    reference = f"{build_reference(order)}-R{order.refunds.count() + 1}"
    refund = Refund(
        merchant_id=order.merchant_id,
        order=order,
        external_id=f"{MADE_HERE}{reference}",
        reference=reference,
        amount=total,
        reason=reason.strip()[:500],
        at=at,
        state=State.ASKED,
        made_by=by[:100],
    )
    refund.save()
    for row in rows:
        row.refund = refund
    RefundLine.plain.bulk_create(rows)
    order.refund_pending += total
    order.save(update_fields=["refund_pending"])
    return refund


def _build_lines(order: Order, wanted: Mapping[int, Decimal]) -> list[RefundLine]:
    left = {one.line.pk: one for one in list_left(order)}
    rows = []
    for pk, quantity in wanted.items():
        one = left.get(pk)
        if one is None or quantity < 0 or quantity > one.quantity:
            name = one.line.sku or one.line.name if one else "A line"
            can_be = one.quantity.normalize() if one else ZERO
            raise NotPossible(f"{name}: {can_be:f} can be given back, not {quantity:f}.")
        share = quantity / one.quantity
        net, tax = (round_money(part * share, order.currency) for part in (one.net, one.tax))
        rows.append(RefundLine(merchant_id=order.merchant_id, order_line=one.line, quantity=quantity, net=net, tax=tax))
    return rows
