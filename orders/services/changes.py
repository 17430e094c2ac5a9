"""What the store says later: the order was cancelled, or is gone."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from catalog import services as catalog
from integrations.contract import records as r
from integrations.models import Command, Connection, Stream
from integrations.sync.outbox import enqueue
from orders.models import Cancellation, FulfilmentOrder, Order
from orders.services import edits, holds, refunds
from orders.services.references import line_of, next_revision
from orders.services.timeline import note
from orders.services.withdrawals import NOT_SENT, end_line, may_be_there, withdraw
from orders.state import FULFILMENT, INTAKE, PLACEMENT, move

Part = FulfilmentOrder.State
Fulfilment = Order.Fulfilment
ANSWERED = (Command.State.WITHDRAWN, *Command.DONE_STATES)


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
    _let_go(order, at)
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
        asked = mine.filter(kind="cancel_order").order_by("-revision").first()
        create = mine.filter(kind="create_order").order_by("-revision").first()
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


def _let_go(order: Order, at: datetime) -> None:
    """Nothing waits for it, nothing is promised to it, and no back office keeps it."""
    holds.end_all(order, at=at)
    edits.drop(order, at=at)
    catalog.cancel_reservation(merchant_id=order.merchant_id, subject=("order", order.pk), at=at)
    for part in order.fulfilment_orders.select_related("destination").order_by("pk"):
        _take_back(order, part, at)
    refunds.close_unbooked(order, at=at)


def _take_back(order: Order, part: FulfilmentOrder, at: datetime) -> None:
    if part.state == Part.WAITING:
        part.state = move(PLACEMENT, part.state, Part.CANCELLED)
        part.save(update_fields=["state"])
        return
    create = (
        Command.plain.select_for_update()
        .filter(connection=part.destination, kind="create_order", reference=part.reference)
        .order_by("-revision")
        .first()
    )
    if create is not None and create.state in NOT_SENT and not may_be_there(create):
        withdraw_create(order, part, create, at=at)
    elif part.state not in part.OVER:
        _ask_to_cancel(order, part, at)


def withdraw_create(order: Order, part: FulfilmentOrder, create: Command, *, at: datetime) -> None:
    """The shop cancelled what surely is not there; the caller holds all three."""
    withdraw(create, "Cancelled in the shop before it was sent.", at=at)
    part.state = move(PLACEMENT, part.state, Part.CANCELLED)
    part.save(update_fields=["state"])
    note(order, "withdrawn", f"It had not been sent to {part.destination.name}, and is not.", at=at)
    end_line(order, part, at=at)


def _ask_to_cancel(order: Order, part: FulfilmentOrder, at: datetime) -> None:
    Cancellation.plain.create(
        merchant_id=order.merchant_id, fulfilment_order=part, asked_at=at, asked_by=order.connection.name
    )
    command = enqueue(
        connection=part.destination,
        kind="cancel_order",
        stream=Stream.ORDER,
        subject=("order", order.pk),
        line=line_of(part),
        reference=part.reference,
        revision=next_revision(part.destination, "cancel_order", part.reference, after=ANSWERED),
        amount=order.total,
        currency=order.currency,
        at=at,
    )
    note(order, "cancel_asked", f"{part.destination.name} is asked to cancel it.", at=at, command=command)


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
        _let_go(order, at)
