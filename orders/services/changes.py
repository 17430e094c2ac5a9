"""What the store says later: the order was cancelled, or is gone."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal

from django.db import transaction

from catalog import services as catalog
from integrations.contract import records as r
from integrations.models import Command, Connection, Stream
from integrations.sync.outbox import enqueue
from orders.models import Cancellation, CancellationLine, FulfilmentOrder, Order
from orders.services import edits, holds, refunds
from orders.services.parts import total_of
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


def take_back(order: Order, part: FulfilmentOrder, *, by: str, reason: str = "", at: datetime) -> None:
    """See that the part is not sent, or ask its destination to cancel it; the caller holds the order's lock."""
    if part.state == Part.WAITING:
        part.state = move(PLACEMENT, part.state, Part.CANCELLED)
        part.save(update_fields=["state"])
        return
    create = (
        Command.plain.select_for_update()
        .filter(connection=part.destination, kind=part.create_kind, reference=part.reference)
        .order_by("-revision")
        .first()
    )
    if create is not None and create.state in NOT_SENT and not may_be_there(create):
        withdraw_create(order, part, create, by=by, at=at)
    elif part.state not in part.OVER:
        ask_to_cancel(order, part, by=by, reason=reason, at=at)


def withdraw_create(
    order: Order, part: FulfilmentOrder, create: Command, *, by: str = "the shop", at: datetime
) -> None:
    """Cancelled is what surely is not there; the caller holds all three."""
    withdraw(create, f"Cancelled by {by} before it was sent.", at=at)
    part.state = move(PLACEMENT, part.state, Part.CANCELLED)
    part.save(update_fields=["state"])
    note(order, "withdrawn", f"It had not been sent to {part.destination.name}, and is not.", at=at)
    end_line(order, part, at=at)


def ask_to_cancel(
    order: Order,
    part: FulfilmentOrder,
    *,
    by: str,
    reason: str = "",
    quantities: Mapping[int, Decimal] | None = None,
    at: datetime,
) -> None:
    """Ask the destination to cancel the part, or so many of these lines of it (line → of the shop's article); the
    caller holds the order's lock. An invoice that was credited, be it in part, stands: its credit notes are the
    answer."""
    there, line = part.destination, line_of(part)
    credited = Command.plain.filter(connection=there, line=line, kind="create_refund")
    if part.document == part.Document.INVOICE and credited.exclude(state=Command.State.WITHDRAWN).exists():
        note(order, "invoice_kept", f"{there.name} keeps the invoice {part}: it was credited there already.", at=at)
        return
    asked = Cancellation.plain.create(
        merchant_id=order.merchant_id,
        order=order,
        fulfilment_order=part,
        asked_at=at,
        asked_by=by[:100],
        reason=reason[:500],
    )
    CancellationLine.plain.bulk_create(
        CancellationLine(merchant_id=order.merchant_id, cancellation=asked, order_line_id=pk, quantity=quantity)
        for pk, quantity in (quantities or {}).items()
    )
    after = Command.State.values if quantities else ANSWERED
    asked.command = enqueue(
        connection=part.destination,
        kind=part.cancel_kind,
        stream=Stream.ORDER,
        subject=("order", order.pk),
        line=line_of(part),
        reference=part.reference,
        revision=next_revision(part.destination, part.cancel_kind, part.reference, after=after),
        amount=total_of(part, order),
        currency=order.currency,
        at=at,
    )
    asked.save(update_fields=["command"])
    what = "some items of it" if quantities else "it"
    words = f"{part.destination.name} is asked to cancel {what}." + (f" {reason}" if reason else "")
    note(order, "cancel_asked", words, at=at, actor=by, command=asked.command)


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
