"""Goods that left and goods that came back: of which of the order's lines they are, and how far that brings it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from catalog import services as catalog
from catalog.models import Binding
from integrations.contract import records as r
from integrations.models import Connection
from integrations.sync.platforms import get_platform
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
from orders.state import FULFILMENT, move

ZERO = Decimal(0)
ONE = Decimal(1)
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
    order: Order, part: FulfilmentOrder, shipment: Shipment, records: Sequence[r.DocumentLineRecord]
) -> None:
    """What left with this shipment, by line of the order, in base units; the caller holds the order's lock."""
    others = ShipmentLine.plain.filter(shipment__fulfilment_order=part).exclude(shipment=shipment)
    found = _assign(order, part, records, others.exclude(shipment__state=CANCELLED))
    ShipmentLine.plain.filter(shipment=shipment).delete()
    ShipmentLine.plain.bulk_create(
        ShipmentLine(merchant_id=order.merchant_id, shipment=shipment, order_line_id=pk, quantity=quantity)
        for pk, quantity in found.items()
    )


def book_return(part: FulfilmentOrder, parent: Return, records: Sequence[r.DocumentLineRecord]) -> None:
    """What came back with this return, by line of the order, in base units."""
    others = ReturnLine.plain.filter(parent__order=part.order_id).exclude(parent=parent)
    found = _assign(part.order, part, records, others.exclude(parent__state=CANCELLED))
    ReturnLine.plain.filter(parent=parent).delete()
    ReturnLine.plain.bulk_create(
        ReturnLine(merchant_id=part.merchant_id, parent=parent, order_line_id=pk, quantity=quantity)
        for pk, quantity in found.items()
    )


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
    if complete:
        FulfilmentOrder.plain.filter(pk=part.pk, shipped_at__isnull=True).update(shipped_at=at)
        catalog.settle_reservation(merchant_id=order.merchant_id, subject=("order", order.pk), at=at)


def settle_promise(order: Order, there: Connection, *, at: datetime) -> None:
    """The back office has the order as it is now: where its figures say what is free, they count it from here on."""
    if get_platform(there.platform).stock_basis is r.StockBasis.AVAILABLE:
        catalog.settle_reservation(merchant_id=order.merchant_id, subject=("order", order.pk), at=at)


def _assign(
    order: Order, part: FulfilmentOrder, records: Sequence[r.DocumentLineRecord], others: Iterable[Any]
) -> dict[int, Decimal]:
    """Line → base units. Their id of the order's line decides; without one, the lines of the article are filled one
    after another, each up to what is left of it after `others`."""
    lines = list(order.lines.filter(kind=OrderLine.Kind.ITEM).order_by("position"))
    by_id = dict(FulfilmentLine.plain.filter(fulfilment_order=part).values_list("external_id", "order_line_id"))
    ids = [one.variant_external_id for one in records]
    bindings = Binding.plain.filter(connection=part.destination_id, external_id__in=ids)
    bindings = bindings.exclude(state=Binding.State.SUGGESTED)  # a guess is nobody's until a person says so
    articles = {row.external_id: (row.variant_id, row.factor) for row in bindings}
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


def _fill(quantity: Decimal, candidates: Sequence[int], room: dict[int, Decimal]) -> list[tuple[int, Decimal]]:
    """What each of the lines takes; the last takes what is too much."""
    taken = []
    for pk in candidates:
        share = quantity if pk == candidates[-1] else min(quantity, max(room[pk], ZERO))
        if share:
            taken.append((pk, share))
        quantity -= share
    return taken
