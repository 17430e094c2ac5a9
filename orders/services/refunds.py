"""Money given back: saved as the store says, counted within what was captured, and told to the back office."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from decimal import Decimal

from django.db.models import QuerySet

from integrations.contract import records as r
from integrations.models import Command, Hold, Stream
from integrations.sync.outbox import enqueue
from integrations.sync.release import hold
from orders.models import FulfilmentOrder, Order, OrderLine, Refund, RefundLine
from orders.services.money import balance_refund, is_whole, storable
from orders.services.references import build_reference, line_of
from orders.services.refund_shares import RefundShare, share_refunds
from orders.services.routes import Routes
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
    _match_made_here(order, records, at)
    known = dict(order.refunds.values_list("external_id", "state"))
    new = [record for record in records if record.external_id[:200] not in known and record.amount > 0]
    freed = _free_covered(order, at) if State.HELD in known.values() else False
    if not new and not freed:
        return []
    lines = {line.external_id: line for line in order.lines.all()}
    for number, record in enumerate(new, start=len(known) + 1):
        _save(order, record, number, lines, at)
    _tell(order, at)
    return ["refunds"]


def _match_made_here(order: Order, records: Sequence[r.RefundRecord], at: datetime) -> None:
    """Those the shop has because it was asked from here are the ones we know, also where its answer was lost."""
    ours = {record.reference: record.external_id for record in records if record.reference}
    for refund in order.refunds.filter(made_by__gt="", reference__in=ours).order_by("pk"):
        mark_given(order, refund, external_id=ours[refund.reference], at=at)


def mark_given(order: Order, refund: Refund, *, external_id: str, at: datetime) -> None:
    """The shop has given back what it was asked to, under this id; the back offices book it. The caller holds the
    order's lock."""
    if refund.state != State.ASKED:
        return
    refund.state, refund.external_id = State.RECEIVED, external_id[:200]
    refund.save(update_fields=["state", "external_id"])
    amount = describe_money(refund.amount, order.currency)
    note(order, "refund_given", f"{order.connection.name} has given back {amount}.", at=at)
    _tell(order, at)


def drop_asked(order: Order, refund: Refund, *, at: datetime) -> None:
    """The shop is not asked for it any more: nothing is given back, and it may be asked for anew. The caller holds the
    order's lock."""
    if refund.state != State.ASKED:
        return
    refund.state = State.CLOSED
    refund.counted = False
    refund.save(update_fields=["state", "counted"])
    order.refund_pending -= refund.amount
    order.save(update_fields=["refund_pending"])
    amount = describe_money(refund.amount, order.currency)
    note(order, "refund_dropped", f"The refund of {amount} is not given: nobody asks for it any more.", at=at)


def _free_covered(order: Order, at: datetime) -> bool:
    """Held for more than was captured, and captured since: on with them; whether there were any."""
    freed = False
    for refund in order.refunds.filter(state=State.HELD).order_by("pk"):
        if is_whole(refund.amount, order.currency) and refund.amount <= count_room(order):
            _end_hold(refund, at)
            _count(order, refund, "There is enough captured for it now.", at)
            freed = True
    return freed


def let_go(order: Order, rows: Iterable[Refund], *, at: datetime) -> None:
    """A person looked at held refunds of the order: they are booked, and counted as far as the captured goes. The
    caller holds the order's lock."""
    for refund in rows:
        _count(order, refund, "A person looked at it.", at)
    _tell(order, at)


def _count(order: Order, refund: Refund, why: str, at: datetime) -> None:
    refund.state, refund.counted = State.RECEIVED, refund.amount <= count_room(order)
    refund.save(update_fields=["state", "counted"])
    if refund.counted:
        order.refund_pending += refund.amount
    words = "" if refund.counted else " It is more than was paid, so it is booked and not counted."
    amount = describe_money(refund.amount, order.currency)
    note(order, "refund_let_go", f"The refund of {amount} goes on. {why}{words}", at=at)


def _tell(order: Order, at: datetime) -> None:
    order.save(update_fields=["refund_pending"])
    for part in order.fulfilment_orders.select_related("destination").filter(state__in=SENT).order_by("pk"):
        send_waiting(order, part, at=at)
    close_unbooked(order, at=at)


def count_room(order: Order) -> Decimal:
    """What can still be given back of what was paid."""
    room: Decimal = order.captured - order.refunded - order.refund_pending
    return room


def _end_hold(refund: Refund, at: datetime) -> None:
    Hold.plain.filter(
        merchant_id=refund.merchant_id, subject_type="refund", subject_id=refund.pk, ended_at__isnull=True
    ).update(ended_at=at)  # fmt: skip


def _save(order: Order, record: r.RefundRecord, number: int, lines: dict[str, OrderLine], at: datetime) -> None:
    room = count_room(order)
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
    """Have the back office book what was given back of its part, behind the part itself in its line. An invoice about
    to be cancelled is not credited besides."""
    rows = list(order.refunds.exclude(state__in=(State.ASKED, State.HELD, State.CLOSED)).order_by("pk"))
    if not rows or (part.document == part.Document.INVOICE and is_being_cancelled(part)):
        return
    told = set(
        _commands(rows).filter(line=line_of(part), connection=part.destination).values_list("subject_id", flat=True)
    )
    shares = list_shares(order)
    for refund in rows:
        share = shares.get((refund.pk, part.pk))
        if refund.pk in told or share is None:
            continue
        if refund.state == State.RECEIVED:
            refund.state = State.QUEUED
            refund.save(update_fields=["state"])
        enqueue(
            connection=part.destination,
            kind="create_refund",
            stream=Stream.REFUND,
            subject=("refund", refund.pk),
            line=line_of(part),
            reference=refund.reference if part.amount is None else f"{refund.reference}.{part.number}",
            amount=share.amount,
            currency=order.currency,
            at=at,
        )


def list_shares(order: Order) -> dict[tuple[int, int], RefundShare]:
    """(refund, part) → what of it is the part's."""
    parts = order.fulfilment_orders.select_related("destination").order_by("number")
    return share_refunds(list(order.refunds.order_by("pk")), list(parts), order.currency)


def is_being_cancelled(part: FulfilmentOrder) -> bool:
    """Whether it was asked to be cancelled, and nobody has said no."""
    return part.cancellations.exclude(success=False).exists()


def mark_done(refund: Refund, *, external_id: str, external_number: str, at: datetime) -> None:
    """The back office has booked it: from pending to refunded, once, whoever else books it, too."""
    order = Order.plain.select_for_update().get(pk=refund.order_id)
    row = Refund.plain.get(pk=refund.pk)
    if row.state == State.DONE and row.remote_id:
        return
    if row.state not in (State.CLOSED, State.DONE):
        _move_money(order, row)
    row.state, row.remote_id, row.remote_number = State.DONE, external_id, external_number
    row.save(update_fields=["state", "remote_id", "remote_number"])
    words = f"Refund of {describe_money(row.amount, order.currency)} is booked as {external_number}."
    note(order, "refund_done", words, at=at)


def close_unbooked(order: Order, *, at: datetime) -> None:
    """Refunds no back office is or will be told of: the shop gave the money back, and it waits for nobody. The caller
    holds the order's lock."""
    rows = list(order.refunds.filter(state__in=(State.RECEIVED, State.QUEUED, State.HELD)).order_by("pk"))
    if not rows:
        return
    parts = list(order.fulfilment_orders.select_related("destination").order_by("pk"))
    if not parts and not order.is_over:
        if order.stays_here or not Routes(order.merchant_id).takes(order):
            _finish_here(order, [refund for refund in rows if refund.state != State.HELD], at)
        return  # else it may still be given to one
    told: dict[int, dict[tuple[str, int], str]] = {}
    for command in _commands(rows):
        told.setdefault(command.subject_id, {})[command.line, command.connection_id] = command.state
    shares = list_shares(order)
    for refund in rows:
        mine = told.get(refund.pk, {})
        asked = any(state != Command.State.WITHDRAWN for state in mine.values())
        having = [part for part in parts if (refund.pk, part.pk) in shares and part.state not in part.OVER]
        if asked or any((line_of(part), part.destination_id) not in mine for part in having):
            continue
        _close(order, refund, [part.destination.name for part in parts], at)


def _finish_here(order: Order, rows: Iterable[Refund], at: datetime) -> None:
    """The order goes to no back office: what the shop has given back is done with that. Should the order be given to
    one later, it is booked there."""
    for refund in rows:
        _move_money(order, refund)
        refund.state = State.DONE
        refund.save(update_fields=["state"])
        amount = describe_money(refund.amount, order.currency)
        note(order, "refund_done", f"The refund of {amount} is done: the order goes to no back office.", at=at)


def _close(order: Order, refund: Refund, names: list[str], at: datetime) -> None:
    if refund.state == State.HELD:
        _end_hold(refund, at)
    else:
        _move_money(order, refund)
    refund.state = State.CLOSED
    refund.save(update_fields=["state"])
    amount, where = describe_money(refund.amount, order.currency), " and ".join(names) or "any back office"
    note(order, "refund_closed", f"The refund of {amount} is not booked in {where}: nobody there waits for it.", at=at)


def _move_money(order: Order, refund: Refund) -> None:
    if refund.counted:
        order.refund_pending -= refund.amount
        order.refunded += refund.amount
        order.save(update_fields=["refund_pending", "refunded"])


def _commands(rows: Sequence[Refund]) -> QuerySet[Command]:
    return Command.plain.filter(
        kind="create_refund", subject_type="refund", subject_id__in=[row.pk for row in rows]
    ).order_by("pk")  # fmt: skip
