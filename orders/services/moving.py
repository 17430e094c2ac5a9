"""A person gives a part of an order to another back office, before it is sent."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from integrations.models import Command
from orders.models import FulfilmentOrder, Order
from orders.services import routing
from orders.services.references import build_part_reference, line_of
from orders.services.routes import Routes, send_when_of
from orders.services.timeline import note
from orders.services.withdrawals import may_be_there, withdraw
from orders.state import PLACEMENT, move
from portal.tenancy.models import Location

State = FulfilmentOrder.State
MOVABLE = (State.WAITING, State.QUEUED, State.NEEDS_FIX)


class NotPossible(Exception):
    """The part cannot be moved; the message says why."""


@transaction.atomic
def move_part(
    *, order_id: int, part_id: int, destination_id: int, location_id: int | None, by: str, reason: str, at: datetime
) -> FulfilmentOrder:
    """Give a part that was not sent yet to another destination, or to another location of its own. ValueError without a
    reason, NotPossible where it may be there already or the destination takes no orders."""
    if not reason.strip():
        raise ValueError("Say why it is moved.")
    orders = Order.plain.select_for_update(of=("self",)).select_related("connection", "customer")
    order = orders.get(pk=order_id)
    part = order.fulfilment_orders.select_for_update(of=("self",)).select_related("destination").get(pk=part_id)
    flow = Routes(order.merchant_id).find_flow(destination_id)
    if part.document != part.Document.ORDER or flow is None:
        raise NotPossible("Choose a back office that takes orders.")
    if (part.destination_id, part.location_id) == (destination_id, location_id):
        raise NotPossible(f"It goes to {part.destination.name} already.")
    _take_from(part, at)
    before = part.destination.name
    place = Location.plain.filter(merchant_id=order.merchant_id, pk=location_id).first() if location_id else None
    part.destination, part.location, part.send_when = flow.connection, place, send_when_of(flow)
    part.rule, part.rule_version, part.moved_by = None, 0, by[:100]
    part.why = f"{flow.connection.name}, because {by} moved it there from {before}: {reason.strip()}"[:500]
    if _is_taken(part):
        part.reference = build_part_reference(order, part.number)
    part.save()
    where = f"{flow.connection.name}{f', {place}' if place else ''}"
    note(order, "moved", f"{part.reference} goes to {where} instead of {before}: {reason.strip()}", at=at, actor=by)
    routing.forward(order, at=at)
    return part


def _take_from(part: FulfilmentOrder, at: datetime) -> None:
    """Withdraw what was to be sent to the destination before; NotPossible where it may have been."""
    too_late = NotPossible(f"{part.destination.name} may have it: a part is moved before it is sent.")
    if part.state not in MOVABLE:
        raise too_late
    mine = Command.plain.select_for_update().filter(connection=part.destination, line=line_of(part))
    rows = list(mine.exclude(state=Command.State.WITHDRAWN).order_by("sequence"))
    stopped = (Command.State.PENDING, Command.State.NEEDS_FIX)
    if any(row.state not in stopped or may_be_there(row) for row in rows):
        raise too_late
    for row in rows:
        withdraw(row, "It goes to another back office.", at=at)
    part.state = move(PLACEMENT, part.state, State.WAITING)


def _is_taken(part: FulfilmentOrder) -> bool:
    """Whether another part at the destination, or one that was, has its reference."""
    others = FulfilmentOrder.plain.filter(destination=part.destination, reference=part.reference).exclude(pk=part.pk)
    said = Command.plain.filter(connection=part.destination, reference=part.reference, kind=part.create_kind)
    return others.exists() or said.exclude(line=line_of(part)).exists()
