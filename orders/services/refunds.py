"""Money given back: saved as the store says, counted within what was captured, and told to the back office."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal

from integrations.contract import records as r
from integrations.models import Stream
from integrations.sync.outbox import enqueue
from integrations.sync.release import hold
from orders.models import FulfilmentOrder, Order, OrderLine, Refund, RefundLine
from orders.services.money import balance_refund, is_whole, storable
from orders.services.references import build_reference
from orders.services.timeline import note
from portal.base.money import describe_money

State = Refund.State
Part = FulfilmentOrder.State
SENT = (Part.QUEUED, Part.PLACED, Part.NEEDS_FIX, Part.NEEDS_HUMAN)
BEYOND, TOO_FINE = "refund_exceeds_capture", "amount_mismatch"


def save_refunds(order: Order, records: Sequence[r.RefundRecord], *, at: datetime) -> list[str]:
    """Save refunds we have not seen, and pass them on where the order has gone; the caller holds the order's lock."""
    if not records:
        return []
    known = set(order.refunds.values_list("external_id", flat=True))
    new = [record for record in records if record.external_id[:200] not in known and record.amount > 0]
    if not new:
        return []
    lines = {line.external_id: line for line in order.lines.all()}
    number = len(known)
    for record in new:
        number += 1
        _save(order, record, number, lines, at)
    order.save(update_fields=["refund_pending"])
    for part in order.fulfilment_orders.select_related("destination").filter(state__in=SENT).order_by("pk"):
        send_waiting(order, part, at=at)
    return ["refunds"]


def _save(order: Order, record: r.RefundRecord, number: int, lines: dict[str, OrderLine], at: datetime) -> None:
    room = order.captured - order.refunded - order.refund_pending
    whole = is_whole(record.amount, order.currency)
    counted = whole and record.amount <= room
    refund = Refund(
        merchant_id=order.merchant_id,
        order=order,
        external_id=record.external_id[:200],
        reference=f"{build_reference(order)}-R{number}",
        amount=storable(record.amount),
        reason=record.reason[:500],
        at=record.at,
        state=State.RECEIVED if counted else State.HELD,
        counted=counted,
    )
    refund.save()
    RefundLine.plain.bulk_create(_build_lines(order, refund, record, lines))
    note(
        order,
        "refund",
        f"The shop gave back {describe_money(refund.amount, order.currency)}. {refund.reason}".strip(),
        at=at,
    )
    if counted:
        order.refund_pending += refund.amount
        return
    asked, left = describe_money(refund.amount, order.currency), describe_money(room, order.currency)
    reason, words = BEYOND, f"Refund of {asked} is more than the {left} left of order {order}."
    if not whole:
        reason = TOO_FINE
        words = f"Refund of {refund.amount} of order {order} is finer than {order.currency} allows."
    hold(
        merchant_id=order.merchant_id,
        subject=("refund", refund.pk),
        reason=reason,
        key=f"refund:{refund.pk}",
        message=words,
        amount=refund.amount,
        currency=order.currency,
        connection=order.connection,
        at=at,
    )
    note(order, reason, words, at=at)


def _build_lines(order: Order, refund: Refund, record: r.RefundRecord, lines: dict[str, OrderLine]) -> list[RefundLine]:
    """One row a line of the order, however often the refund names it."""
    rows: dict[int, RefundLine] = {}
    for line in balance_refund(record, order.currency):
        mine = lines.get(line.order_line_external_id)
        if mine is None:
            return []  # a line nobody knows: the whole is a free amount
        row = rows.setdefault(
            mine.pk,
            RefundLine(
                merchant_id=order.merchant_id,
                refund=refund,
                order_line=mine,
                quantity=Decimal(0),
                net=Decimal(0),
                tax=Decimal(0),
            ),
        )
        row.quantity, row.net, row.tax = row.quantity + line.quantity, row.net + line.net, row.tax + line.tax
    return list(rows.values())


def send_waiting(order: Order, part: FulfilmentOrder, *, at: datetime) -> None:
    """Have the back office book what was given back, behind the order itself in its line."""
    for refund in order.refunds.filter(state=State.RECEIVED, counted=True).order_by("pk"):
        refund.state = State.QUEUED
        refund.save(update_fields=["state"])
        enqueue(
            connection=part.destination,
            kind="create_refund",
            stream=Stream.REFUND,
            subject=("refund", refund.pk),
            line=f"fulfilment:{part.pk}",
            reference=refund.reference,
            amount=refund.amount,
            currency=order.currency,
            at=at,
        )


def mark_done(refund: Refund, *, external_id: str, external_number: str, at: datetime) -> None:
    """The back office has booked it: from pending to refunded, once."""
    order = Order.plain.select_for_update().get(pk=refund.order_id)
    row = Refund.plain.get(pk=refund.pk)
    if row.state == State.DONE:
        return
    row.state, row.remote_id, row.remote_number = State.DONE, external_id, external_number
    row.save(update_fields=["state", "remote_id", "remote_number"])
    order.refund_pending -= row.amount
    order.refunded += row.amount
    order.save(update_fields=["refund_pending", "refunded"])
    note(
        order,
        "refund_done",
        f"Refund of {describe_money(row.amount, order.currency)} is booked as {external_number}.",
        at=at,
    )
