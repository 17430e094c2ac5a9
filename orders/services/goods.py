"""Goods that left and goods that came back: of which of the order's lines they are, and how far that brings it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db.models import QuerySet, Sum

from catalog import services as catalog
from catalog.models import Binding
from integrations.contract import records as r
from integrations.models import Connection
from integrations.sync.platforms import find_stock_basis
from orders.models import (
    FulfilmentLine,
    FulfilmentOrder,
    Order,
    OrderLine,
    Return,
    ReturnLine,
    Shipment,
    ShipmentLine,
)
from orders.services.parts import count_kept, list_part_lines, load_shares
from orders.state import FULFILMENT, move

ZERO = Decimal(0)
ONE = Decimal(1)
Articles = Mapping[str, tuple[int | None, Decimal]]  # an article there → our variant, and its base units
CANCELLED, DONE = r.DocumentState.CANCELLED.value, r.DocumentState.DONE.value


def save_line_ids(part: FulfilmentOrder, keys: Sequence[str], external_ids: Sequence[str]) -> None:
    """Their ids of the lines we sent, both in the order of the document; not where they have more or fewer."""
    if len(keys) != len(external_ids):
        return
    FulfilmentLine.plain.filter(fulfilment_order=part).delete()
    FulfilmentLine.plain.bulk_create(
        FulfilmentLine(merchant_id=part.merchant_id, fulfilment_order=part, order_line_id=int(key), external_id=one)
        for key, one in zip(keys, external_ids, strict=True)
    )


def book_shipment(
    order: Order,
    part: FulfilmentOrder,
    shipment: Shipment,
    records: Sequence[r.DocumentLineRecord],
    articles: Articles | None = None,
) -> None:
    """What left with this shipment, by line of the order, in base units; the caller holds the order's lock.
    `articles`: what the records' articles are, where they are not named as at the part's destination."""
    others = ShipmentLine.plain.filter(shipment__fulfilment_order=part).exclude(shipment=shipment)
    found = _assign(order, part, records, others.exclude(shipment__state=CANCELLED), articles)
    ShipmentLine.plain.filter(shipment=shipment).delete()
    ShipmentLine.plain.bulk_create(
        ShipmentLine(merchant_id=order.merchant_id, shipment=shipment, order_line_id=pk, quantity=quantity)
        for pk, quantity in found.items()
    )


def book_shop_return(order: Order, parent: Return, records: Sequence[r.DocumentLineRecord]) -> None:
    """What comes back with a return of the shop: its own ids of the lines, its own articles."""
    lines = {line.external_id: line for line in order.lines.all()}
    found: dict[int, Decimal] = {}
    for one in records:
        if line := lines.get(one.order_line_external_id):
            found[line.pk] = found.get(line.pk, ZERO) + one.quantity * line.factor
    write_return(parent, found)


def write_return(parent: Return, quantities: Mapping[int, Decimal]) -> None:
    """These are the return's lines: line → base units."""
    ReturnLine.plain.filter(parent=parent).delete()
    ReturnLine.plain.bulk_create(
        ReturnLine(merchant_id=parent.merchant_id, parent=parent, order_line_id=pk, quantity=quantity)
        for pk, quantity in quantities.items()
    )


def mark_returned(order: Order) -> None:
    """Whether all that left has come back, or not all of it any more; the caller holds the order's lock."""
    shipped = _sum(ShipmentLine.plain.filter(shipment__fulfilment_order__order=order, shipment__state=DONE))
    back = _sum(ReturnLine.plain.filter(parent__order=order, parent__state=DONE))
    wanted = shipped or {line.pk: line.base_quantity for line in order.lines.filter(kind=OrderLine.Kind.ITEM)}
    all_back = bool(wanted) and all(back.get(pk, ZERO) >= quantity for pk, quantity in wanted.items())
    state = Order.Fulfilment.RETURNED if all_back else Order.Fulfilment.FULFILLED
    if all_back or order.fulfilment == Order.Fulfilment.RETURNED:
        order.fulfilment = move(FULFILMENT, order.fulfilment, state)
        order.save(update_fields=["fulfilment"])


def _sum(rows: QuerySet[Any]) -> dict[int, Decimal]:
    return dict(rows.order_by().values_list("order_line").annotate(Sum("quantity")))


def book_return(part: FulfilmentOrder, parent: Return, records: Sequence[r.DocumentLineRecord]) -> None:
    """What came back with this return, by line of the order, in base units."""
    others = ReturnLine.plain.filter(parent__order=part.order_id).exclude(parent=parent)
    write_return(parent, _assign(part.order, part, records, others.exclude(parent__state=CANCELLED)))


def mark_shipped(order: Order, part: FulfilmentOrder, *, at: datetime) -> None:
    """How far the order is, by what has left; a promise of goods on hand ends with the figure read after this."""
    wanted: dict[int, Decimal] = {}
    for line in order.lines.all():
        if line.variant_id:
            wanted[line.variant_id] = wanted.get(line.variant_id, ZERO) + line.base_quantity
    shipped: dict[int | None, Decimal] = {}
    done = ShipmentLine.plain.filter(shipment__fulfilment_order__order=order, shipment__state=DONE)
    for row in done.select_related("order_line"):
        shipped[row.order_line.variant_id] = shipped.get(row.order_line.variant_id, ZERO) + row.quantity
    complete = all(shipped.get(variant, ZERO) >= quantity for variant, quantity in wanted.items())
    state = Order.Fulfilment.FULFILLED if complete else Order.Fulfilment.PARTIALLY_FULFILLED
    order.fulfilment = move(FULFILMENT, order.fulfilment, state)
    order.save(update_fields=["fulfilment"])
    if complete or (part.amount is not None and _has_shipped(order, part)):
        FulfilmentOrder.plain.filter(pk=part.pk, shipped_at__isnull=True).update(shipped_at=at)
    if complete:
        catalog.settle_reservation(merchant_id=order.merchant_id, subject=("order", order.pk), at=at)


def _has_shipped(order: Order, part: FulfilmentOrder) -> bool:
    """Whether all of a part that has not the whole order has left."""
    rows = ShipmentLine.plain.filter(shipment__fulfilment_order=part, shipment__state=DONE).order_by()
    gone = dict(rows.values_list("order_line").annotate(sum=Sum("quantity")))
    mine = [line for line in list_part_lines(part, list(order.lines.all())) if line.kind == OrderLine.Kind.ITEM]
    return all(gone.get(line.pk, ZERO) >= line.base_quantity for line in mine)


def settle_promise(order: Order, parts: Iterable[FulfilmentOrder] | None = None, *, at: datetime) -> None:
    """The back offices have the order as it is now: what is only at such whose figures say what is free is counted by
    them from here on. `parts`: the order's, where they were read just now."""
    rows = order.fulfilment_orders.select_related("destination") if parts is None else parts
    parts = [part for part in rows if part.document == part.Document.ORDER]
    taken = [part for part in parts if part.state == part.State.PLACED and _counts_orders(part.destination)]
    open_ones = [part for part in parts if part not in taken and part.state not in part.OVER]
    if not taken:
        return
    if not open_ones or any(part.amount is None for part in taken):
        catalog.settle_reservation(merchant_id=order.merchant_id, subject=("order", order.pk), at=at)
        return
    lines, shares = list(order.lines.all()), load_shares(parts)
    elsewhere = {line.variant_id for part in open_ones for line in list_part_lines(part, lines, shares)}
    mine = {line.variant_id for part in taken for line in list_part_lines(part, lines, shares)}
    ids = [pk for pk in mine - elsewhere if pk is not None]
    catalog.settle_reservation(
        merchant_id=order.merchant_id, subject=("order", order.pk), at=at, variant_ids=sorted(ids)
    )


def _counts_orders(there: Connection) -> bool:
    return find_stock_basis(there.platform, there.settings) is r.StockBasis.AVAILABLE


def keep_promise(order: Order, *, at: datetime) -> None:
    """Some parts are over: what only they were to have is promised no more."""
    parts = list(order.fulfilment_orders.all())
    quantities = count_kept(parts, list(order.lines.all()), load_shares(parts))
    catalog.reserve(merchant_id=order.merchant_id, subject=("order", order.pk), quantities=quantities, at=at)


def _assign(
    order: Order,
    part: FulfilmentOrder,
    records: Sequence[r.DocumentLineRecord],
    others: Iterable[Any],
    articles: Articles | None = None,
) -> dict[int, Decimal]:
    """Line → base units. Their id of the order's line decides; without one, the lines of the article are filled one
    after another, each up to what is left of it after `others`."""
    lines = list_part_lines(part, list(order.lines.filter(kind=OrderLine.Kind.ITEM).order_by("position")))
    by_id = dict(FulfilmentLine.plain.filter(fulfilment_order=part).values_list("external_id", "order_line_id"))
    articles = _name_articles(part, records) if articles is None else articles
    room = {line.pk: line.base_quantity for line in lines}
    for row in others:
        if row.order_line_id in room:
            room[row.order_line_id] -= row.quantity
    found: dict[int, Decimal] = {}
    for one in sorted(records, key=lambda one: one.order_line_external_id not in by_id):
        variant, factor = articles.get(one.variant_external_id, (None, ONE))
        mine = by_id.get(one.order_line_external_id)
        candidates = [
            line.pk for line in lines if (line.pk == mine if mine else variant and line.variant_id == variant)
        ]
        for pk, quantity in _fill(one.quantity * factor, candidates, room):
            found[pk] = found.get(pk, ZERO) + quantity
            room[pk] = room.get(pk, ZERO) - quantity
    return found


def _name_articles(part: FulfilmentOrder, records: Sequence[r.DocumentLineRecord]) -> Articles:
    ids = [one.variant_external_id for one in records]
    bindings = Binding.plain.filter(connection=part.destination_id, external_id__in=ids)
    bindings = bindings.exclude(state=Binding.State.SUGGESTED)  # a guess is nobody's until a person says so
    return {row.external_id: (row.variant_id, row.factor) for row in bindings}


def _fill(quantity: Decimal, candidates: Sequence[int], room: dict[int, Decimal]) -> list[tuple[int, Decimal]]:
    """What each of the lines takes; the last takes what is too much."""
    taken = []
    for pk in candidates:
        share = quantity if pk == candidates[-1] else min(quantity, max(room[pk], ZERO))
        if share:
            taken.append((pk, share))
        quantity -= share
    return taken
