"""What the store says later: the order was cancelled, or is gone."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from catalog import services as catalog
from integrations.contract import records as r
from integrations.models import Command, Connection
from orders.models import Cancellation, FulfilmentOrder, Order
from orders.services import edits, holds, refunds
from orders.services.taking_back import take_back
from orders.services.timeline import note
from orders.services.withdrawals import withdraw
from orders.state import FULFILMENT, INTAKE, PLACEMENT, move

Part = FulfilmentOrder.State
Fulfilment = Order.Fulfilment


def follow_status(order: Order, record: r.OrderRecord, *, at: datetime) -> list[str]:
    """The store cancelled the order: take it back where it was sent, else see that it never is. It may also take up
    again what it had cancelled."""
    if not record.cancelled and order.fulfilment == Fulfilment.CANCELLED:
        _take_up(order, at)
        return ["restored"]
    if not record.cancelled or order.fulfilment == Fulfilment.CANCELLED:
        return []
    order.fulfilment = move(FULFILMENT, order.fulfilment, Fulfilment.CANCELLED)
    if order.fulfilment != Fulfilment.CANCELLED:
        if not order.timeline.filter(code="cancelled_late").exists():
            note(order, "cancelled_late", "The shop cancelled it, but its goods have left already.", at=at)
        return []
    order.save(update_fields=["fulfilment"])
    note(order, "cancelled", f"Cancelled in {order.connection.name}.", at=at)
    let_go(order, at=at)
    return ["cancelled"]


def _take_up(order: Order, at: datetime) -> None:
    """What was never sent waits anew, a cancel nobody was asked for yet is not asked; the rest is a person's business.
    The caller routes it on."""
    left = order.fulfilment_orders.filter(shipments__state=r.DocumentState.DONE.value).exists()
    state = Fulfilment.PARTIALLY_FULFILLED if left else Fulfilment.UNFULFILLED
    order.fulfilment = move(FULFILMENT, order.fulfilment, state)
    order.save(update_fields=["fulfilment"])
    note(order, "restored", f"Taken up again in {order.connection.name}.", at=at)
    for part in order.fulfilment_orders.select_related("destination").order_by("pk"):
        mine = Command.plain.select_for_update().filter(connection=part.destination, reference=part.reference)
        asked = mine.filter(kind=part.cancel_kind).order_by("-revision").first()
        create = mine.filter(kind=part.create_kind).order_by("-revision").first()
        if asked is not None and asked.state == Command.State.PENDING and asked.payload is None:
            words = "The shop has taken it up again."
            withdraw(asked, words, at=at)
            Cancellation.plain.filter(fulfilment_order=part, answered_at__isnull=True).update(
                success=False, answer=words, answered_at=at
            )
        elif part.state == Part.CANCELLED and (create is None or create.payload is None):
            part.state = move(PLACEMENT, part.state, Part.WAITING)
            part.save(update_fields=["state"])
        elif part.state == Part.CANCELLED or (asked is not None and asked.state in Command.OPEN_STATES):
            told = f"and {part.destination.name} was asked to cancel it; look there."
            words = f"{order.connection.name} has taken up order {order} again, {told}"
            holds.wait(order, "restored", f"restored:{order.pk}", words, at=at)


def let_go(order: Order, *, at: datetime) -> None:
    """Nothing waits for it, nothing is promised to it, and no back office keeps it."""
    holds.end_all(order, at=at)
    edits.drop(order, at=at)
    catalog.cancel_reservation(merchant_id=order.merchant_id, subject=("order", order.pk), at=at)
    for part in order.fulfilment_orders.select_related("destination").order_by("pk"):
        take_back(order, part, by=order.connection.name, at=at)
    refunds.close_unbooked(order, at=at)


@transaction.atomic
def mark_gone(*, connection: Connection, external_id: str, at: datetime) -> None:
    """The order does not exist in the store any more. What was sent stays: only a person can know what that means."""
    order = Order.plain.select_for_update().filter(connection=connection, external_id=external_id).first()
    if order is None or order.intake == Order.Intake.SOURCE_DELETED:
        return
    order.intake = move(INTAKE, order.intake, Order.Intake.SOURCE_DELETED)
    order.save(update_fields=["intake"])
    note(order, "source_deleted", f"Deleted in {connection.name}.", at=at)
    if not order.fulfilment_orders.exclude(state=Part.WAITING).exists():
        let_go(order, at=at)
