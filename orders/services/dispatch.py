"""Telling the shop what has left: a message a shipment, where the shop's platform can be told."""

from __future__ import annotations

from datetime import datetime

from integrations.models import Command, Connection, Flow, Stream, ValueMapping
from integrations.sync.outbox import enqueue
from integrations.sync.platforms import list_capabilities
from orders.models import Order, Shipment
from orders.services.references import build_reference
from orders.services.timeline import note

LIVE_STATES = (*Connection.WRITING_STATES, Connection.State.NEEDS_REAUTH, Connection.State.PAUSED)
SHIPPED = Order.Fulfilment.FULFILLED


def tell_shop(order: Order, shipment: Shipment, *, at: datetime) -> None:
    """Write down that the shop is to be told of the shipment, once; the caller holds the order's lock.

    Not while the shop is only watched, nor where its flow of shipments is switched off. A platform without shipments
    gets the status that is mapped to "fulfilled" when the last has left.
    """
    shop = order.connection
    if shop.live_since is None or shop.state not in LIVE_STATES or _is_switched_off(shop):
        return
    kind = _choose_kind(order, shop)
    subject = {"subject_type": "shipment", "subject_id": shipment.pk}
    if not kind or Command.plain.filter(connection=shop, **subject).exists():
        return
    number = Shipment.plain.filter(fulfilment_order__order=order, pk__lte=shipment.pk).count()
    command = enqueue(
        connection=shop,
        kind=kind,
        stream=Stream.SHIPMENT,
        subject=("shipment", shipment.pk),
        line=f"shipment:{shipment.pk}",
        reference=f"{build_reference(order)}-S{number}",
        at=at,
    )
    note(order, "shop_told", f"{shop.name} is told of {shipment}.", at=at, command=command)


def find_status(shop: Connection) -> str:
    """The shop's own word for an order that has left, '' where none is mapped."""
    rows = ValueMapping.plain.filter(connection=shop, kind=ValueMapping.Kind.STATUS, ours=SHIPPED).order_by("pk")
    return rows.values_list("theirs", flat=True).first() or ""


def _choose_kind(order: Order, shop: Connection) -> str:
    able = list_capabilities(shop.platform, shop.settings)
    if "create_shipment" in able:
        return "create_shipment"
    told = "update_order_status" in able and order.fulfilment == SHIPPED and find_status(shop)
    return "update_order_status" if told else ""


def _is_switched_off(shop: Connection) -> bool:
    flows = Flow.plain.filter(connection=shop, stream=Stream.SHIPMENT, direction=Flow.Direction.PUSH)
    return flows.exists() and not flows.filter(enabled=True).exists()
