"""An order as our API tells it: what was sold, how far it is, what it waits for."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any, cast

from django.db.models import prefetch_related_objects

from integrations.contract.records import Progress
from integrations.models import Hold
from orders.models import Bill, FulfilmentOrder, HomeDelivery, HomeDeliveryEvent, Order, Return, Shipment
from orders.services.status import derive
from orders.state import DOOR
from portal.base.money import exact_money

Steps = list[tuple[datetime, str]]


def tell_orders(orders: Sequence[Order]) -> list[dict[str, Any]]:
    """Each as the API shows it."""
    prefetch_related_objects(list(orders), "lines__taxes", "fulfilment_orders__destination", "connection", "location")
    prefetch_related_objects(list(orders), "customer")
    steps, waits = _list_steps(orders), _list_waits(orders)
    return [_tell(order, steps[order.pk], waits[order.pk]) for order in orders]


def tell_order(order: Order) -> dict[str, Any]:
    return tell_orders([order])[0]


def _tell(order: Order, steps: Steps, waits: list[Hold]) -> dict[str, Any]:
    placed = [part for part in order.fulfilment_orders.all() if part.state == FulfilmentOrder.State.PLACED]
    placed.sort(key=lambda part: part.number)
    return {
        "id": order.public_id,
        "reference": order.external_id,
        "number": order.number,
        "status": derive(order).simple,
        "progress": [{"step": step, "at": at} for at, step in steps],
        "erp_number": (placed[0].external_number or placed[0].external_id) if placed else None,
        "erp_id": placed[0].external_id if placed else None,
        "placed_at": order.placed_at,
        "location": order.location.code if order.location else None,
        "customer": order.customer.public_id if order.customer else None,
        "currency": order.currency,
        "total": _money(order.total, order),
        "paid": _money(order.captured, order),
        "lines": [
            {
                "line": line.external_id,
                "kind": line.kind,
                "code": line.sku,
                "name": line.name,
                "quantity": f"{line.quantity.normalize():f}",
                "cancelled_quantity": f"{line.cancelled_quantity.normalize():f}",
                "unit_price": _money(line.unit_price, order),
                "discount": _money(line.discount, order),
                "net": _money(line.net, order),
                "tax": _money(line.tax, order),
                "gross": _money(line.gross, order),
            }
            for line in sorted(order.lines.all(), key=lambda line: line.position)
        ],
        "waiting_for": [{"code": hold.reason, "message": hold.message, "since": hold.since} for hold in waits],
    }


def _money(amount: Decimal, order: Order) -> str:
    return f"{exact_money(amount, order.currency):f}"


def _list_waits(orders: Iterable[Order]) -> dict[int, list[Hold]]:
    """order → what it waits for, the longest first."""
    found: dict[int, list[Hold]] = defaultdict(list)
    rows = Hold.plain.filter(subject_type="order", subject_id__in=[order.pk for order in orders])
    for hold in rows.filter(ended_at__isnull=True).order_by("since", "pk"):
        found[hold.subject_id].append(hold)
    return found


def _list_steps(orders: Iterable[Order]) -> dict[int, Steps]:
    """order → what has happened to it and when, in a few statements however many orders."""
    found: dict[int, Steps] = defaultdict(list)
    mine = list(orders)
    ids = [order.pk for order in mine]
    for order in mine:
        found[order.pk].append((order.received_at, Progress.PENDING.value))
        placed = [part.placed_at for part in order.fulfilment_orders.all() if part.placed_at]
        if placed and all(part.placed_at or part.state in part.OVER for part in order.fulfilment_orders.all()):
            found[order.pk].append((max(placed), Progress.PLACED.value))
    made = Bill.plain.filter(order__in=ids, state=Bill.State.MADE)
    for order_id, at in made.values_list("order", "made_at"):
        found[order_id].append((at, Progress.BILLED.value))
    gone = Shipment.plain.filter(fulfilment_order__order__in=ids, state="done", shipped_at__isnull=False)
    for order_id, left in gone.values_list("fulfilment_order__order", "shipped_at"):
        found[order_id].append((cast("datetime", left), Progress.FULFILLED.value))
    doors = HomeDeliveryEvent.plain.filter(delivery__fulfilment_order__order__in=ids)
    for order_id, state, at in doors.values_list("delivery__fulfilment_order__order", "state", "at"):
        found[order_id].append((at, DOOR[HomeDelivery.State(state)].value))
    back = Return.plain.filter(order__in=ids, state="done", at__isnull=False)
    for order_id, arrived in back.values_list("order", "at"):
        found[order_id].append((cast("datetime", arrived), Progress.RETURNED.value))
    for order in mine:
        if order.fulfilment == Order.Fulfilment.CANCELLED:
            said = order.timeline.filter(code="cancelled").order_by("-pk").first()
            found[order.pk].append((said.at if said else order.source_updated_at, Progress.CANCELLED.value))
    return {pk: sorted(steps, key=lambda step: step[0]) for pk, steps in found.items()}
