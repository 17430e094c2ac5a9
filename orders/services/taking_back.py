"""Taking a part back from its destination: what surely is not there is withdrawn, else it is asked to cancel."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal

from integrations.models import Command, Stream
from integrations.sync.outbox import enqueue
from orders.models import Cancellation, CancellationLine, FulfilmentOrder, Order
from orders.services.parts import total_of
from orders.services.references import line_of, next_revision
from orders.services.timeline import note
from orders.services.withdrawals import NOT_SENT, end_line, may_be_there, withdraw
from orders.state import PLACEMENT, move

Part = FulfilmentOrder.State
ANSWERED = (Command.State.WITHDRAWN, *Command.DONE_STATES)


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
