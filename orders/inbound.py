"""Records read from platforms into orders and what follows them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import Any

from integrations.contract import records as r
from integrations.models import Connection
from integrations.sync.handlers import Applied, Skipped
from orders.models import FulfilmentOrder, Order
from orders.services import routing
from orders.services.cancelling import note_cancelled_there
from orders.services.changes import mark_gone
from orders.services.customers import lock_known, save_customer
from orders.services.following import CREATED, UNCHANGED, UPDATED, save_invoice, save_shipment
from orders.services.intake import save_orders
from orders.services.payments import save_payment
from orders.services.returns import save_return
from orders.services.shop import MADE_HERE

NOT_OURS = "not_ours"


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
    """Orders of a shop. Of a back office's, those it has from here: whether it has cancelled one."""
    if connection.role not in Connection.SELLING_ROLES:
        parts = _parts(connection, [record.external_id for record in records])
        return _count(
            [(one.external_id, _follow(parts.get(one.external_id), one, at)) for one in records],
            "Orders are taken from shops only.",
        )
    saved = save_orders(connection=connection, records=records, at=at, read_at=read_at)
    return _count(zip((record.external_id for record in records), saved, strict=True), "")


def apply_history(
    *, connection: Connection, records: Sequence[r.OrderRecord], read_at: datetime, since: datetime, at: datetime
) -> Applied:
    """Orders from before the shop went live, placed `since` then, for the record: nothing follows from them. One that
    is here already is left alone, one placed later comes by itself."""
    ids = [record.external_id for record in records]
    here = set(Order.plain.filter(connection=connection, external_id__in=ids).values_list("external_id", flat=True))
    live = connection.live_since
    lock_known(connection, (one.customer.external_id for one in records if one.customer))
    new, unchanged, skipped = [], 0, []
    for record in records:
        if record.external_id in here:
            unchanged += 1
        elif record.placed_at < since:
            skipped.append(Skipped(external_id=record.external_id, code="older", message="Placed before that day."))
        elif live is not None and record.placed_at >= live.replace(microsecond=0):
            words = "Placed since the shop went live: it comes by itself."
            skipped.append(Skipped(external_id=record.external_id, code="since_live", message=words))
        else:
            new.append(record)
    save_orders(connection=connection, records=new, at=at, read_at=read_at, history=True)
    return Applied(created=len(new), unchanged=unchanged, skipped=tuple(skipped))


def _follow(part: FulfilmentOrder | None, record: r.OrderRecord, at: datetime) -> str:
    if part is None:
        return NOT_OURS
    order = Order.plain.select_for_update(of=("self",)).select_related("connection").get(pk=part.order_id)
    part.refresh_from_db(fields=["state"])
    return UPDATED if record.cancelled and note_cancelled_there(order, part, at=at) else UNCHANGED


def gone_order(*, connection: Connection, external_id: str, at: datetime) -> None:
    mark_gone(connection=connection, external_id=external_id, at=at)


def apply_customers(
    *, connection: Connection, records: Sequence[r.CustomerRecord], read_at: datetime, at: datetime
) -> Applied:
    del read_at
    lock_known(connection, (record.external_id for record in records))
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
    return _each(
        records,
        parts,
        lambda record, part: save_shipment(connection=connection, record=record, part=part, at=at),
        "delivery",
    )


def apply_invoices(
    *, connection: Connection, records: Sequence[r.InvoiceRecord], read_at: datetime, at: datetime
) -> Applied:
    """Invoices and credit notes of orders we placed there."""
    del read_at
    parts = _parts(connection, [record.order_external_id for record in records])
    return _each(
        records,
        parts,
        lambda record, part: save_invoice(connection=connection, record=record, part=part, at=at),
        "invoice",
    )


def apply_returns(
    *, connection: Connection, records: Sequence[r.ReturnRecord], read_at: datetime, at: datetime
) -> Applied:
    """Goods that came back, or are to: to a back office, or as a shop was told."""
    del read_at
    if connection.role in Connection.SELLING_ROLES:
        return _count(
            [(one.external_id, _save_shop_return(connection, one, at)) for one in records],
            "A return of an order that is not here.",
        )
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


def _save_return(connection: Connection, record: r.ReturnRecord, part: FulfilmentOrder, at: datetime) -> str:
    order = Order.plain.select_for_update(of=("self",)).select_related("connection").get(pk=part.order_id)
    part.order = order
    return save_return(connection=connection, record=record, order=order, part=part, at=at)


def _save_shop_return(connection: Connection, record: r.ReturnRecord, at: datetime) -> str:
    rows = Order.plain.select_for_update(of=("self",)).select_related("connection")
    order = rows.filter(connection=connection, external_id=record.order_external_id).first()
    if order is None:
        return NOT_OURS
    return save_return(connection=connection, record=record, order=order, part=None, at=at)


def apply_payments(
    *, connection: Connection, records: Sequence[r.PaymentRecord], read_at: datetime, at: datetime
) -> Applied:
    """Money registered in a back office for orders we placed there; a shop's comes with its orders."""
    del read_at
    parts = _parts(connection, [record.order_external_id for record in records])
    return _each(records, parts, lambda record, part: _save_payment(connection, record, part, at), "payment")


def _save_payment(connection: Connection, record: r.PaymentRecord, part: FulfilmentOrder, at: datetime) -> str:
    rows = Order.plain.select_for_update(of=("self",)).select_related("connection", "customer")
    order = rows.get(pk=part.order_id)
    if record.currency not in ("", order.currency):
        raise ValueError(f"A payment of order {order} in {record.currency}; the order is in {order.currency}.")
    word = save_payment(connection=connection, record=record, order=order, at=at)
    if word == CREATED:
        routing.forward(order, at=at)
    return word


def count_known(*, connection: Connection, since: datetime | None) -> int:
    """How many of the shop's orders are here, changed there since; those it has deleted are not counted."""
    rows = Order.plain.filter(connection=connection).exclude(intake=Order.Intake.SOURCE_DELETED)
    rows = rows.exclude(external_id__startswith=MADE_HERE)
    return rows.filter(source_updated_at__gte=since.replace(microsecond=0)).count() if since else rows.count()
