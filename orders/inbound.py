"""Records read from platforms into orders and what follows them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import Any

from integrations.contract import records as r
from integrations.models import Connection
from integrations.sync.handlers import Applied, Skipped
from orders.models import FulfilmentOrder, Invoice, Order, Return, Shipment
from orders.services import goods
from orders.services.changes import mark_gone
from orders.services.customers import save_customer
from orders.services.dispatch import tell_shop
from orders.services.intake import save_order
from orders.services.timeline import note
from portal.base.money import describe_money

CREATED, UPDATED, UNCHANGED, NOT_OURS = "created", "updated", "unchanged", "not_ours"


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
    if connection.role not in Connection.SELLING_ROLES:
        return _count(((record.external_id, NOT_OURS) for record in records), "Orders are taken from shops only.")
    known = Order.plain.filter(connection=connection, external_id__in=[record.external_id for record in records])
    list(known.select_for_update().order_by("pk").values_list("pk"))  # all of the page at once, in one order
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
    goods.book_shipment(order, part, row, record.lines)
    if record.state is r.DocumentState.DONE:
        goods.mark_shipped(order, part, at=at)
        tracking = f" Tracking {row.tracking_number}." if row.tracking_number else ""
        note(order, "shipped", f"Shipped by {connection.name}: {row.number}.{tracking}", at=at)
        tell_shop(order, row, at=at)
    return word


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
    goods.book_return(part, row, record.lines)
    if word == CREATED:
        note(part.order, "returned", f"Goods came back to {connection.name}: {row.number}.", at=at)
    return word


def _set(row: Any, values: dict[str, Any]) -> bool:
    """Put these values on a row; whether any of them is new."""
    changed = [name for name, value in values.items() if getattr(row, name) != value]
    for name in changed:
        setattr(row, name, values[name])
    return bool(changed)


def count_known(*, connection: Connection, since: datetime | None) -> int:
    """How many of the shop's orders are here, changed there since; those it has deleted are not counted."""
    rows = Order.plain.filter(connection=connection).exclude(intake=Order.Intake.SOURCE_DELETED)
    return rows.filter(source_updated_at__gte=since.replace(microsecond=0)).count() if since else rows.count()
