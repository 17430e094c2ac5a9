"""Telling the shop what has left and what was invoiced: a message each, where its platform can be told."""

from __future__ import annotations

from datetime import datetime

from integrations.models import Command, Connection, Stream, ValueMapping
from integrations.sync.outbox import enqueue
from orders.models import Invoice, Order, Shipment
from orders.services.references import build_reference
from orders.services.shop import can, line_at_shop, may_be_told
from orders.services.status import tell_status
from orders.services.timeline import note

SHIPPED = Order.Fulfilment.FULFILLED


def tell_shop(order: Order, shipment: Shipment, *, at: datetime) -> None:
    """Write down that the shop is to be told of the shipment, once; the caller holds the order's lock.

    Not while the shop is only watched, nor where its flow of shipments is switched off. A platform without shipments
    gets the status that is mapped to "fulfilled" when the last has left. The order's status goes by itself, unless
    the shop sets it with the last shipment.
    """
    shop = order.connection
    kind = _choose_kind(order, shop) if may_be_told(order, Stream.SHIPMENT) else ""
    if not kind or order.fulfilment != SHIPPED:
        tell_status(order, at=at)
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


def tell_invoice(order: Order, invoice: Invoice, *, at: datetime) -> None:
    """Write down that the shop is to be told of an invoice or credit note, once, where its platform can be; the caller
    holds the order's lock."""
    shop = order.connection
    subject = {"subject_type": "invoice", "subject_id": invoice.pk}
    if not can(shop, "create_invoice") or not may_be_told(order, Stream.INVOICE):
        return
    if Command.plain.filter(connection=shop, stream=Stream.INVOICE, **subject).exists():
        return
    command = enqueue(
        connection=shop,
        kind="create_invoice",
        stream=Stream.INVOICE,
        subject=("invoice", invoice.pk),
        line=line_at_shop(order),
        reference=f"{build_reference(order)}-I{invoice.pk}",
        at=at,
    )
    note(order, "shop_told", f"{shop.name} is told of {invoice}.", at=at, command=command)


def find_status(shop: Connection) -> str:
    """The shop's own word for an order that has left, '' where none is mapped."""
    rows = ValueMapping.plain.filter(connection=shop, kind=ValueMapping.Kind.STATUS, ours=SHIPPED).order_by("pk")
    return rows.values_list("theirs", flat=True).first() or ""


def _choose_kind(order: Order, shop: Connection) -> str:
    if can(shop, "create_shipment"):
        return "create_shipment"
    told = can(shop, "update_order_status") and order.fulfilment == SHIPPED and find_status(shop)
    return "update_order_status" if told else ""
