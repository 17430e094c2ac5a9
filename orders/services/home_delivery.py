"""Goods carried to the buyer's door: one function for whoever says how far they are (the order's page, the API, a
POS)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from django.db import transaction

from orders.models import FulfilmentOrder, HomeDelivery, HomeDeliveryEvent, Order, Shipment
from orders.services.desk import NotPossible
from orders.services.status import tell_status
from orders.services.timeline import note
from orders.state import HOME, may_move

State = HomeDelivery.State
BEGIN = ""


@transaction.atomic
def set_state(
    *,
    merchant_id: int,
    part_id: int,
    state: str,
    by: str,
    at: datetime,
    reason: str = "",
    shipment_id: int | None = None,
) -> HomeDelivery:
    """Say how far the goods of one shipment, or of the whole part, are. The state it has already changes nothing.

    ValueError for no such state, and for a failure without a reason; NotPossible where it cannot come from the state it
    has, or the part is cancelled; DoesNotExist for a part or a shipment that is not the merchant's.
    """
    if state not in State.values:
        raise ValueError(f"“{state}” is no state of a home delivery: use {', '.join(State.values)}.")
    if state == State.FAILED and not reason.strip():
        raise ValueError("Say why it could not be delivered.")
    part = FulfilmentOrder.plain.get(merchant_id=merchant_id, pk=part_id)
    order = Order.plain.select_for_update(of=("self",)).select_related("connection").get(pk=part.order_id)
    part = FulfilmentOrder.plain.get(pk=part.pk)  # as it is now that nobody else changes it
    shipment = Shipment.plain.get(fulfilment_order=part, pk=shipment_id) if shipment_id else None
    row = HomeDelivery.plain.filter(fulfilment_order=part, shipment=shipment).first()
    if row is not None and row.state == state:
        return row
    if part.state in part.OVER or order.is_over:
        raise NotPossible(f"Order {order} is cancelled: nothing of it is delivered.")
    before = row.state if row else BEGIN
    if not may_move(HOME, before, state):
        was = row.get_state_display() if row else "not packed yet"
        raise NotPossible(f"{_name(order, shipment)} is {was}; it cannot become {State(state).label} from there.")
    row = row or HomeDelivery(merchant_id=merchant_id, fulfilment_order=part, shipment=shipment)
    row.state, row.at = state, at
    row.save()
    words = reason.strip()[:300]
    HomeDeliveryEvent.plain.create(
        merchant_id=merchant_id, delivery=row, state=state, reason=words, actor=by[:100], at=at
    )
    said = f"{_name(order, shipment)}: {State(state).label}." + (f" {words}" if words else "")
    note(order, f"home_{state}", said, at=at, actor=by)
    tell_status(order, at=at)
    return row


def list_next(state: str) -> Sequence[State]:
    """What may come after this state ('' where nothing was said yet)."""
    return [one for one in State if one != state and may_move(HOME, state, one)]


def _name(order: Order, shipment: Shipment | None) -> str:
    return f"Home delivery of {shipment}" if shipment else f"Home delivery of order {order}"
