"""What follows an order in a back office: goods that left, and its invoices; pulled from there, or told us."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from integrations.contract import records as r
from integrations.models import Connection
from orders.models import FulfilmentOrder, Invoice, Order, Shipment
from orders.services import goods
from orders.services.dispatch import tell_invoice, tell_shop
from orders.services.routing import forward_waiting
from orders.services.status import tell_status
from orders.services.timeline import note
from portal.base.money import describe_money

NOT_ISSUED = (r.DocumentState.DRAFT.value, r.DocumentState.CANCELLED.value)
CREATED, UPDATED, UNCHANGED = "created", "updated", "unchanged"


def save_shipment(
    *,
    connection: Connection,
    record: r.ShipmentRecord,
    part: FulfilmentOrder,
    articles: goods.Articles | None = None,
    at: datetime,
) -> str:
    """What became of it: CREATED, UPDATED, UNCHANGED. `articles`: what its lines call our variants, where that is not
    as the part's destination does."""
    order = Order.plain.select_for_update(of=("self",)).select_related("connection").get(pk=part.order_id)
    row = Shipment.plain.filter(fulfilment_order=part, external_id=record.external_id).first()
    word = CREATED if row is None else UPDATED
    row = row or Shipment(merchant_id=part.merchant_id, fulfilment_order=part, external_id=record.external_id)
    values = {
        "number": record.number[:100],
        "state": record.state.value,
        "carrier": record.carrier[:100],
        "tracking_number": record.tracking_number[:200],
        "tracking_url": record.tracking_url[:500],
        "shipped_at": record.shipped_at,
    }
    if not _set(row, values) and word == UPDATED:
        return UNCHANGED
    row.save()
    goods.book_shipment(order, part, row, record.lines, articles)
    if record.state is r.DocumentState.DONE:
        goods.mark_shipped(order, part, at=at)
        tracking = f" Tracking {row.tracking_number}." if row.tracking_number else ""
        note(order, "shipped", f"Shipped by {connection.name}: {row.number}.{tracking}", at=at)
        tell_shop(order, row, at=at)
        forward_waiting(order, at=at)  # to who gets it only when it is shipped
    return word


def save_invoice(*, connection: Connection, record: r.InvoiceRecord, part: FulfilmentOrder, at: datetime) -> str:
    """What became of it."""
    order = Order.plain.select_for_update(of=("self",)).select_related("connection").get(pk=part.order_id)
    row = Invoice.plain.filter(connection=connection, external_id=record.external_id).first()
    word = CREATED if row is None else UPDATED
    row = row or Invoice(merchant_id=part.merchant_id, connection=connection, external_id=record.external_id)
    values = {
        "fulfilment_order_id": part.pk,
        "number": record.number[:100],
        "is_credit": record.credit,
        "state": record.state.value,
        "currency": record.currency,
        "total": record.total,
        "open_amount": record.open_amount,
        "issued_at": record.issued_at,
        "due_at": record.due_at,
    }
    if not _set(row, values) and word == UPDATED:
        return UNCHANGED
    row.save()
    if row.state not in NOT_ISSUED:
        tell_invoice(order, row, at=at)
        tell_status(order, at=at)
    if word == CREATED:
        kind = "Credit note" if record.credit else "Invoice"
        note(
            order,
            "invoiced",
            f"{kind} {row.number} of {describe_money(row.total, row.currency)} in {connection.name}.",
            at=at,
        )
    return word


def _set(row: Any, values: dict[str, Any]) -> bool:
    """Put these values on a row; whether any of them is new."""
    changed = [name for name, value in values.items() if getattr(row, name) != value]
    for name in changed:
        setattr(row, name, values[name])
    return bool(changed)
