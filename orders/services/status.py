"""How far an order is, and telling the shop so in its own words: once, and never what it said itself."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from django.db.models import Sum

from integrations.contract.records import Progress
from integrations.models import Command, Stream, ValueMapping
from integrations.sync import documents
from integrations.sync.outbox import enqueue
from orders.models import Bill, FulfilmentOrder, HomeDelivery, Order, OrderLine, ShipmentLine
from orders.services.notices import tell_apps
from orders.services.references import build_reference
from orders.services.shop import can, may_be_told
from orders.services.timeline import note
from orders.state import list_progress, simple_status

ZERO = Decimal(0)
STATUS = "status"  # the stream of messages that tell a shop how far its order is
RANK = {one.value: place for place, one in enumerate(Progress)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """The one word of the API, and what can be said more finely, the finest first."""

    simple: str
    finer: tuple[Progress, ...]


def derive(order: Order) -> Standing:
    """Cancelled: every line is. Delivered: every other line is fulfilled, or billed where nobody ships. Pending: all
    else. What is carried to the buyer's door is fulfilled there and not before."""
    parts = [part for part in order.fulfilment_orders.select_related("destination") if part.state not in part.OVER]
    doors = list(HomeDelivery.plain.filter(fulfilment_order__order=order).values_list("state", flat=True))
    billed = Bill.plain.filter(order=order, state=Bill.State.MADE).exists()
    kept, cancelled, fulfilled = _count_lines(order)
    if doors:
        fulfilled = kept if all(state == HomeDelivery.State.DELIVERED for state in doors) else 0
    ships = any(can(part.destination, "pull_shipments") for part in parts)
    simple = simple_status(kept=kept, cancelled=cancelled, fulfilled=fulfilled, billed=billed and not ships)
    finer = list_progress(
        simple=simple,
        fulfilment=order.fulfilment,
        placed=bool(parts) and all(part.state == FulfilmentOrder.State.PLACED for part in parts),
        billed=billed,
        doors=doors,
    )
    return Standing(simple=simple, finer=finer)


def _count_lines(order: Order) -> tuple[int, int, int]:
    """(kept, cancelled, of the kept fulfilled) articles of the order."""
    lines = list(order.lines.filter(kind=OrderLine.Kind.ITEM))
    if order.fulfilment == Order.Fulfilment.CANCELLED:
        return 0, max(len(lines), 1), 0
    kept = [line for line in lines if line.cancelled_quantity < line.quantity]
    if order.fulfilment in (Order.Fulfilment.FULFILLED, Order.Fulfilment.RETURNED):
        return len(kept), len(lines) - len(kept), len(kept)
    gone = ShipmentLine.plain.filter(order_line__in=kept, shipment__state="done").order_by()
    left = dict(gone.values_list("order_line").annotate(Sum("quantity")))
    done = sum(1 for line in kept if left.get(line.pk, ZERO) >= line.base_quantity)
    return len(kept), len(lines) - len(kept), done


def find_words(order: Order) -> tuple[Progress, str] | None:
    """The finest thing about the order that the shop has a word for, and the word; None where it has none."""
    rows = ValueMapping.plain.filter(connection=order.connection, kind=ValueMapping.Kind.STATUS).exclude(ours="")
    theirs = dict(rows.order_by("-pk").values_list("ours", "theirs"))
    finer = derive(order).finer if theirs else ()
    return next(((one, theirs[one.value]) for one in finer if one.value in theirs), None)


def tell_status(order: Order, *, at: datetime) -> Command | None:
    """Write down that the shop is to be told how far the order is, where its word for that is another than the one it
    has or was told last; the caller holds the order's lock. What the shop itself has put further on stays."""
    tell_apps(order, derive, at=at)
    shop = order.connection
    if not may_be_told(order, Stream.ORDER) or not can(shop, "update_order_status"):
        return None
    found = find_words(order)
    if found is None or found[1] == order.status_text or _is_behind(order, found[0]):
        return None
    mine = Command.plain.filter(connection=shop, line=line_of_status(order)).order_by("-sequence")
    last = mine.exclude(state=Command.State.WITHDRAWN).first()
    if last is not None and (last.payload is None or told_status(last) == found[1]):
        return None  # not built yet, and will say what is then; or said already
    newest = mine.first()
    command = enqueue(
        connection=shop,
        kind="update_order_status",
        stream=STATUS,
        subject=("order", order.pk),
        line=line_of_status(order),
        reference=build_reference(order),
        revision=newest.revision + 1 if newest else 1,
        at=at,
    )
    note(order, "status_asked", f"{shop.name} is told that it is “{found[1]}”.", at=at, command=command)
    return command


def line_of_status(order: Order) -> str:
    return f"status:{order.pk}"


def told_status(command: Command) -> str:
    """The word a built message carries."""
    change: documents.StatusChange = documents.decode(command.kind, bytes(command.payload or b""))
    return change.status


def _is_behind(order: Order, progress: Progress) -> bool:
    """Whether the shop has its order further on than that, by a word it was not told by us."""
    row = ValueMapping.plain.filter(
        connection=order.connection, kind=ValueMapping.Kind.STATUS, theirs=order.status_text
    ).first()
    if row is None or row.ours not in RANK:
        return False
    told = order.timeline.filter(code="status_told", message__contains=f"“{order.status_text}”").exists()
    return RANK[row.ours] > RANK[progress.value] and not told
