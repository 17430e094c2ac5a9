"""Records read from platforms into orders and what follows them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from catalog import services as catalog
from catalog.models import Binding
from integrations.contract import records as r
from integrations.models import Connection
from integrations.sync.handlers import Applied, Skipped
from orders.models import FulfilmentOrder, Invoice, Order, OrderLine, Return, ReturnLine, Shipment, ShipmentLine
from orders.services.changes import mark_gone
from orders.services.customers import save_customer
from orders.services.intake import save_order
from orders.services.timeline import note
from orders.state import FULFILMENT, move
from portal.base.money import describe_money

CREATED, UPDATED, UNCHANGED, NOT_OURS = "created", "updated", "unchanged", "not_ours"
SHOPS = (Connection.Role.STORE, Connection.Role.CHANNEL)


def _count(words: Iterable[tuple[str, str]], why: str) -> Applied:
    """(external id, what became of it) of every record, as the run counts them."""
    pairs = list(words)
    totals = Counter(word for _, word in pairs)
    return Applied(
        created=totals[CREATED],
        updated=totals[UPDATED],
        unchanged=totals[UNCHANGED],
        skipped=tuple(
            Skipped(external_id=external_id, code=NOT_OURS, message=why)
            for external_id, word in pairs
            if word == NOT_OURS
        ),
    )


def apply_orders(
    *, connection: Connection, records: Sequence[r.OrderRecord], read_at: datetime, at: datetime
) -> Applied:
    """Orders of a shop. Those a back office has of its own are none of ours."""
    if connection.role not in SHOPS:
        return _count(((record.external_id, NOT_OURS) for record in records), "Orders are taken from shops only.")
    saved = (
        (one.external_id, save_order(connection=connection, record=one, at=at, read_at=read_at)) for one in records
    )
    return _count(saved, "")


def gone_order(*, connection: Connection, external_id: str, at: datetime) -> None:
    mark_gone(connection=connection, external_id=external_id, at=at)


def apply_customers(
    *, connection: Connection, records: Sequence[r.CustomerRecord], read_at: datetime, at: datetime
) -> Applied:
    del read_at
    return _count(
        ((record.external_id, save_customer(connection=connection, record=record, at=at)[1]) for record in records), ""
    )


# --- what follows in the back office ---------------------------------------------------------------------------------


def apply_shipments(
    *, connection: Connection, records: Sequence[r.ShipmentRecord], read_at: datetime, at: datetime
) -> Applied:
    """Deliveries of orders we placed there: goods that left, with their tracking."""
    del read_at
    parts = _parts(connection, [record.order_external_id for record in records])
    return _each(records, parts, lambda record, part: _save_shipment(connection, record, part, at), "delivery")


def apply_invoices(
    *, connection: Connection, records: Sequence[r.InvoiceRecord], read_at: datetime, at: datetime
) -> Applied:
    """Invoices and credit notes of orders we placed there."""
    del read_at
    parts = _parts(connection, [record.order_external_id for record in records])
    return _each(records, parts, lambda record, part: _save_invoice(connection, record, part, at), "invoice")


def apply_returns(
    *, connection: Connection, records: Sequence[r.ReturnRecord], read_at: datetime, at: datetime
) -> Applied:
    """Goods that came back to the back office."""
    del read_at
    parts = _parts(connection, [record.order_external_id for record in records])
    return _each(records, parts, lambda record, part: _save_return(connection, record, part, at), "return")


def _parts(connection: Connection, external_ids: Sequence[str]) -> dict[str, FulfilmentOrder]:
    rows = FulfilmentOrder.plain.filter(destination=connection, external_id__in=[pk for pk in external_ids if pk])
    return {row.external_id: row for row in rows.select_related("order")}


def _each(
    records: Sequence[Any],
    parts: dict[str, FulfilmentOrder],
    save: Callable[[Any, FulfilmentOrder], str],
    what: str,
) -> Applied:
    words = []
    for record in records:
        part = parts.get(record.order_external_id)
        words.append((record.external_id, save(record, part) if part else NOT_OURS))
    return _count(words, f"A {what} of an order that did not come from here.")


def _save_shipment(connection: Connection, record: r.ShipmentRecord, part: FulfilmentOrder, at: datetime) -> str:
    order = Order.plain.select_for_update().get(pk=part.order_id)
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
    _save_lines(connection, order, record.lines, row, ShipmentLine, "shipment")
    if record.state is r.DocumentState.DONE:
        _mark_shipped(order, part, at)
        tracking = f" Tracking {row.tracking_number}." if row.tracking_number else ""
        note(order, "shipped", f"Shipped by {connection.name}: {row.number}.{tracking}", at=at)
    return word


def _save_lines(
    connection: Connection,
    order: Order,
    records: Sequence[r.DocumentLineRecord],
    parent: Any,
    model: type[Any],
    field: str,
) -> None:
    """Which of the order's lines, and how many; their article tells the line."""
    bindings = Binding.plain.filter(connection=connection, external_id__in=[one.variant_external_id for one in records])
    variants = {row.external_id: (row.variant_id, row.factor) for row in bindings}
    left = {line.variant_id: line for line in order.lines.filter(kind=OrderLine.Kind.ITEM).order_by("-position")}
    found: dict[int, Decimal] = {}
    for one in records:
        variant, factor = variants.get(one.variant_external_id, (None, Decimal(1)))
        line = left.get(variant) if variant else None
        if line is not None:
            found[line.pk] = found.get(line.pk, Decimal(0)) + one.quantity * factor
    model.plain.filter(**{field: parent}).delete()
    model.plain.bulk_create(
        model(merchant_id=order.merchant_id, **{field: parent}, order_line_id=pk, quantity=quantity)
        for pk, quantity in found.items()
    )


def _mark_shipped(order: Order, part: FulfilmentOrder, at: datetime) -> None:
    """How far the order is, by what has left; a promise of goods on hand ends with the figure read after this."""
    wanted = {line.variant_id: Decimal(0) for line in order.lines.all() if line.variant_id}
    for line in order.lines.all():
        if line.variant_id:
            wanted[line.variant_id] += line.quantity - line.cancelled_quantity
    shipped: dict[int | None, Decimal] = {}
    done = ShipmentLine.plain.filter(
        shipment__fulfilment_order__order=order, shipment__state=r.DocumentState.DONE.value
    ).select_related("order_line")
    for row in done:
        shipped[row.order_line.variant_id] = shipped.get(row.order_line.variant_id, Decimal(0)) + row.quantity
    complete = all(shipped.get(variant, Decimal(0)) >= quantity for variant, quantity in wanted.items())
    state = Order.Fulfilment.FULFILLED if complete else Order.Fulfilment.PARTIALLY_FULFILLED
    order.fulfilment = move(FULFILMENT, order.fulfilment, state)
    order.save(update_fields=["fulfilment"])
    if complete:
        FulfilmentOrder.plain.filter(pk=part.pk, shipped_at__isnull=True).update(shipped_at=at)
        catalog.settle_reservation(merchant_id=order.merchant_id, subject=("order", order.pk), at=at)


def _save_invoice(connection: Connection, record: r.InvoiceRecord, part: FulfilmentOrder, at: datetime) -> str:
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
    if word == CREATED:
        kind = "Credit note" if record.credit else "Invoice"
        note(
            part.order,
            "invoiced",
            f"{kind} {row.number} of {describe_money(row.total, row.currency)} in {connection.name}.",
            at=at,
        )
    return word


def _save_return(connection: Connection, record: r.ReturnRecord, part: FulfilmentOrder, at: datetime) -> str:
    row = Return.plain.filter(connection=connection, external_id=record.external_id).first()
    word = CREATED if row is None else UPDATED
    row = row or Return(merchant_id=part.merchant_id, connection=connection, external_id=record.external_id)
    values = {
        "order_id": part.order_id,
        "number": record.number[:100],
        "state": record.state.value,
        "reason": record.reason[:500],
        "at": record.updated_at,
    }
    if not _set(row, values) and word == UPDATED:
        return UNCHANGED
    row.save()
    _save_lines(connection, part.order, record.lines, row, ReturnLine, "parent")
    if word == CREATED:
        note(part.order, "returned", f"Goods came back to {connection.name}: {row.number}.", at=at)
    return word


def _set(row: Any, values: dict[str, Any]) -> bool:
    """Put these values on a row; whether any of them is new."""
    changed = [name for name, value in values.items() if getattr(row, name) != value]
    for name in changed:
        setattr(row, name, values[name])
    return bool(changed)
