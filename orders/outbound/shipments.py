"""Shipments as documents for a shop, and what it says to them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from integrations.contract import records as r
from integrations.models import Command
from integrations.sync.documents import StatusChange
from orders.models import Order, Shipment
from orders.outbound.shared import lock
from orders.services.dispatch import find_status
from orders.services.documents import build_moved_line
from orders.services.timeline import note

State = Command.State


def build_shipment(*, command: Command, at: datetime) -> r.ShipmentDocument | StatusChange:
    """What left, in units of the shop's articles; a line's `key` is the shop's own id of it."""
    del at
    shipment = Shipment.plain.select_related("fulfilment_order__order__connection").get(pk=command.subject_id)
    order = shipment.fulfilment_order.order
    if command.kind == "update_order_status":
        tracking = " ".join(filter(None, (shipment.carrier, shipment.tracking_number, shipment.tracking_url)))
        return StatusChange(external_id=order.external_id, status=find_status(command.connection), note=tracking)
    return r.ShipmentDocument(
        reference=command.reference,
        order_external_id=order.external_id,
        carrier=shipment.carrier,
        tracking_number=shipment.tracking_number,
        tracking_url=shipment.tracking_url,
        shipped_at=shipment.shipped_at,
        lines=tuple(build_moved_line(row) for row in shipment.lines.select_related("order_line").order_by("pk")),
        complete=order.fulfilment == Order.Fulfilment.FULFILLED,
    )


def settle_shipment(*, command: Command, result: r.CommandResult | None, at: datetime) -> None:
    """What the shop said to it, on the order's timeline."""
    del result
    shipment = Shipment.plain.select_related("fulfilment_order__order").get(pk=command.subject_id)
    there = command.connection.name
    words = {
        State.NEEDS_FIX: f"{there} does not take {shipment}: {command.message}",
        State.NEEDS_HUMAN: f"Nobody can tell whether {there} knows of {shipment}: {command.message}",
        State.WITHDRAWN: f"{there} is not told of {shipment}. {command.message}",
        State.PENDING: f"{there} is told of {shipment} again.",
    }.get(State(command.state), f"{there} was told of {shipment}, and gave no answer; it is told again.")
    if command.state in Command.DONE_STATES:
        words = f"{there} knows of {shipment}."
    note(shipment.fulfilment_order.order, f"shop_told_{command.state}", words, at=at, command=command)


def lock_shipments(*, merchant_id: int, ids: Sequence[int]) -> None:
    parts = Shipment.plain.filter(pk__in=ids).values("fulfilment_order__order_id")
    lock(Order.plain.filter(merchant_id=merchant_id, pk__in=parts))
