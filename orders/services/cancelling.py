"""Cancelling from our side or a back office's: each system is asked, its answer is kept, and the shop hears of it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal

from django.db import transaction
from django.db.models import QuerySet, Sum

from integrations.contract import records as r
from integrations.models import Command, Stream
from integrations.sync.api_access import API
from integrations.sync.outbox import enqueue
from orders.models import Cancellation, CancellationLine, FulfilmentOrder, Order, OrderLine
from orders.services import routing
from orders.services.changes import let_go
from orders.services.desk import NotPossible
from orders.services.references import build_reference, next_revision
from orders.services.shop import can, is_made_here, line_at_shop, may_be_told
from orders.services.status import STATUS, tell_status
from orders.services.taking_back import ask_to_cancel, take_back
from orders.services.timeline import note
from orders.state import FULFILMENT, PLACEMENT, may_move, move

Part = FulfilmentOrder.State
CANCELLED = Order.Fulfilment.CANCELLED
ZERO = Decimal(0)


@transaction.atomic
def ask_whole(*, order_id: int, reason: str, by: str, at: datetime) -> bool:
    """A person wants the order cancelled: what was not sent never is, each back office that may have it is asked, and
    the shop when all have said yes. True where nobody had to be asked. ValueError without a reason, NotPossible where
    it is over or has left."""
    if not reason.strip():
        raise ValueError("Say why it is cancelled.")
    order = _lock(order_id)
    if order.is_over:
        raise NotPossible(f"Order {order} is cancelled already.")
    if not may_move(FULFILMENT, order.fulfilment, CANCELLED):
        raise NotPossible(f"The goods of order {order} have left: take them back with a return instead.")
    if _open(order).exists():
        raise NotPossible("A cancellation was asked for already and is not answered yet.")
    note(order, "cancel_wanted", f"{by} wants it cancelled: {reason.strip()}", at=at, actor=by)
    for part in order.fulfilment_orders.select_related("destination").order_by("pk"):
        take_back(order, part, by=by, reason=reason.strip(), at=at)
    return finish(order, by=by, reason=reason.strip(), at=at)


@transaction.atomic
def ask_items(*, order_id: int, quantities: Mapping[int, Decimal], reason: str, by: str, at: datetime) -> None:
    """A person wants items cancelled (line → how many of the shop's article): the back office that has them is asked.
    ValueError without items or a reason; NotPossible for more than is left, and where nobody has the order yet."""
    wanted = {pk: quantity for pk, quantity in quantities.items() if quantity}
    if not wanted or not reason.strip():
        raise ValueError("Say which items are cancelled, and why.")
    order = _lock(order_id)
    left = list_left(order)
    for pk, quantity in wanted.items():
        if pk not in left or quantity < 0 or quantity > left[pk][1]:
            raise NotPossible("That is more than is left to be cancelled of it; what has left comes back as a return.")
    if len(wanted) == len(left) and all(quantity == left[pk][1] for pk, quantity in wanted.items()):
        ask_whole(order_id=order_id, reason=reason, by=by, at=at)
        return
    asked = False
    parts = order.fulfilment_orders.select_related("destination").filter(state=Part.PLACED)
    for part in parts.filter(document=FulfilmentOrder.Document.ORDER).order_by("number"):
        if here := _take_share(part, wanted):
            ask_to_cancel(order, part, by=by, reason=reason.strip(), quantities=here, at=at)
            asked = True
    if not asked:
        raise NotPossible(f"No back office has order {order} yet: change it in {order.connection.name} instead.")


def _take_share(part: FulfilmentOrder, wanted: dict[int, Decimal]) -> dict[int, Decimal]:
    """What of the wanted is this part's, and not asked for already; of a part of the order it is not wanted then."""
    if part.amount is None:
        return dict(wanted)
    before = CancellationLine.plain.filter(cancellation__fulfilment_order=part).exclude(cancellation__success=False)
    gone = dict(before.order_by().values_list("order_line").annotate(Sum("quantity")))
    found: dict[int, Decimal] = {}
    for share in part.shares.all():
        left = share.quantity - gone.get(share.order_line_id, ZERO)
        if (quantity := min(wanted.get(share.order_line_id, ZERO), left)) > 0:
            found[share.order_line_id] = quantity
            wanted[share.order_line_id] -= quantity
    return found


def list_left(order: Order) -> dict[int, tuple[OrderLine, Decimal]]:
    """Line → how many of the shop's article can still be cancelled: neither cancelled, asked for, nor gone."""
    gone: dict[int, Decimal] = {}
    lines = {line.pk: line for line in order.lines.filter(kind=OrderLine.Kind.ITEM).order_by("position")}
    for asked in _open(order).prefetch_related("lines"):
        for row in asked.lines.all():
            gone[row.order_line_id] = gone.get(row.order_line_id, ZERO) + row.quantity
    for part in order.fulfilment_orders.all():
        for shipment in part.shipments.filter(state=r.DocumentState.DONE.value).prefetch_related("lines__order_line"):
            for one in shipment.lines.all():
                gone[one.order_line_id] = gone.get(one.order_line_id, ZERO) + one.quantity / one.order_line.factor
    left = {pk: (line, line.quantity - line.cancelled_quantity - gone.get(pk, ZERO)) for pk, line in lines.items()}
    return {pk: (line, quantity) for pk, (line, quantity) in left.items() if quantity > 0}


def take_answer(order: Order, asked: Cancellation, *, success: bool, answer: str, at: datetime) -> None:
    """Keep the answer as proof, and do what follows from a yes; the caller holds the order's lock."""
    asked.success, asked.answer, asked.answered_at = success, answer[:2000], at
    asked.save(update_fields=["success", "answer", "answered_at"])
    if not success or asked.fulfilment_order is None:
        return
    rows = list(asked.lines.select_related("order_line"))
    if not rows:
        part = asked.fulfilment_order
        part.state = move(PLACEMENT, part.state, Part.CANCELLED)
        part.save(update_fields=["state"])
        finish(order, by=asked.asked_by, reason=asked.reason, at=at)
        return
    for row in rows:
        row.order_line.cancelled_quantity += row.quantity
        row.order_line.save(update_fields=["cancelled_quantity"])
    items = ", ".join(f"{row.quantity.normalize():f} × {row.order_line.sku or row.order_line.name}" for row in rows)
    words = f"Cancelled: {items}. Give the money for them back with a refund; {order.connection.name} keeps its lines."
    note(order, "items_cancelled", words, at=at)
    if list_kept(order):
        routing.forward(order, at=at)
        tell_status(order, at=at)
    else:
        finish(order, by=asked.asked_by, reason=asked.reason, at=at)


def list_kept(order: Order) -> list[OrderLine]:
    """The articles that are not cancelled."""
    lines = order.lines.filter(kind=OrderLine.Kind.ITEM)
    return [line for line in lines if line.cancelled_quantity < line.quantity]


def note_cancelled_there(order: Order, part: FulfilmentOrder, *, at: datetime) -> bool:
    """The back office has cancelled it by itself; whether that is new. The caller holds the order's lock."""
    if part.state != Part.PLACED or _open(order).filter(fulfilment_order=part).exists():
        return False  # an answer to our own question comes with the question
    there = part.destination.name
    asked = Cancellation.plain.create(
        merchant_id=order.merchant_id, order=order, fulfilment_order=part, asked_at=at, asked_by=there
    )
    note(order, "cancelled_there", f"{there} has cancelled it.", at=at)
    take_answer(order, asked, success=True, answer=f"Cancelled in {there}.", at=at)
    return True


def finish(order: Order, *, by: str, reason: str, at: datetime) -> bool:
    """Nobody has the order any more: it is over here, and the shop is asked to cancel it. False while somebody has."""
    parts = order.fulfilment_orders.all()
    if any(part.state not in part.OVER for part in parts) or order.is_over:
        return False
    order.fulfilment = move(FULFILMENT, order.fulfilment, CANCELLED)
    if order.fulfilment != CANCELLED:
        return False
    order.save(update_fields=["fulfilment"])
    note(order, "cancelled", "It is cancelled.", at=at)
    let_go(order, at=at)
    _ask_shop(order, by=by, reason=reason, at=at)
    return True


def _ask_shop(order: Order, *, by: str, reason: str, at: datetime) -> None:
    shop = order.connection
    if is_made_here(order) or shop.platform == API:
        return  # who calls our API reads it there
    if not can(shop, "cancel_order") or not may_be_told(order, Stream.ORDER):
        note(order, "cancel_by_hand", f"{shop.name} cannot be asked to cancel it: cancel it there by hand.", at=at)
        return
    reference = build_reference(order)
    asked = Cancellation.plain.create(
        merchant_id=order.merchant_id, order=order, asked_at=at, asked_by=by[:100], reason=reason[:500]
    )
    asked.command = enqueue(
        connection=shop,
        kind="cancel_order",
        stream=STATUS,
        subject=("order", order.pk),
        line=line_at_shop(order),
        reference=reference,
        revision=next_revision(shop, "cancel_order", reference, after=Command.State.values),
        amount=order.total,
        currency=order.currency,
        at=at,
    )
    asked.save(update_fields=["command"])
    note(order, "cancel_asked", f"{shop.name} is asked to cancel it.", at=at, actor=by, command=asked.command)


def _lock(order_id: int) -> Order:
    return Order.plain.select_for_update(of=("self",)).select_related("connection", "customer").get(pk=order_id)


def _open(order: Order) -> QuerySet[Cancellation]:
    """Questions to back offices that are not answered yet."""
    return Cancellation.plain.filter(
        fulfilment_order__order=order, success__isnull=True, command__state__in=Command.OPEN_STATES
    )
