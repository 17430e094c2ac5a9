"""What a back office tells us over our API of orders it has: goods that left, invoices, how far they are. Each document
is answered for itself; what is taken goes the way of a pull."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import TypeVar

from django.db import transaction
from django.db.models import Q

from catalog.services.bulk_writes import Refused
from catalog.services.item_codes import find_articles
from integrations.contract import records as r
from integrations.models import Connection, Flow, Stream
from orders.models import FulfilmentOrder, Order, OrderLine, Shipment, ShipmentLine
from orders.services import home_delivery
from orders.services.cancelling import note_cancelled_there
from orders.services.desk import NotPossible
from orders.services.following import UNCHANGED, UPDATED, save_invoice, save_shipment
from orders.services.goods import CANCELLED, Articles
from orders.services.parts import list_part_lines

LIVE = Connection.Environment.LIVE
REFUSED = "refused"
WHOLE = "cancelled"  # of the statuses the one that is no step of a home delivery
ZERO, ONE = Decimal(0), Decimal(1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Teller:
    """Who tells us: a connection of our API; `places`: the locations its key may see, None for all; `is_test`: it
    reaches no live system."""

    connection: Connection
    places: frozenset[int] | None = None
    is_test: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ToldShipment:
    """`order`: our id of it, its reference, or its number in the back office. `lines`: (code, how many); none: all
    that has not left yet."""

    order: str
    id: str
    number: str = ""
    state: r.DocumentState = r.DocumentState.DONE
    carrier: str = ""
    tracking_number: str = ""
    tracking_url: str = ""
    shipped_at: datetime | None = None
    lines: tuple[tuple[str, Decimal], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ToldInvoice:
    order: str
    id: str
    number: str
    currency: str
    total: Decimal
    credit: bool = False
    state: r.DocumentState = r.DocumentState.OPEN
    open_amount: Decimal = ZERO
    issued_at: datetime | None = None
    due_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ToldStatus:
    """`status`: a state of a home delivery, or "cancelled"; `shipment`: the back office's id of one, where it is about
    no more than that."""

    order: str
    status: str
    reason: str = ""
    shipment: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What became of one: created, updated, unchanged, or refused and why."""

    status: str
    error: str = ""
    message: str = ""
    field: str = ""


T = TypeVar("T", ToldShipment, ToldInvoice, ToldStatus)


@transaction.atomic
def report_shipments(*, teller: Teller, told: Sequence[ToldShipment], at: datetime) -> list[Result]:
    codes = {code for one in told for code, _quantity in one.lines}
    found = find_articles(connection=teller.connection, codes=codes)
    articles: Articles = {code: (article.variant_id, article.factor) for code, article in found.items()}

    def save(one: ToldShipment, order: Order, part: FulfilmentOrder) -> str:
        lines, named = _list_lines(one, order, part, articles)
        record = r.ShipmentRecord(
            external_id=one.id, order_external_id=part.external_id, number=one.number or one.id, state=one.state,
            carrier=one.carrier, tracking_number=one.tracking_number, tracking_url=one.tracking_url,
            shipped_at=one.shipped_at, lines=lines,
        )  # fmt: skip
        return save_shipment(connection=teller.connection, record=record, part=part, articles=named, at=at)

    return _each(teller, told, Stream.SHIPMENT, save)


@transaction.atomic
def report_invoices(*, teller: Teller, told: Sequence[ToldInvoice], at: datetime) -> list[Result]:
    def save(one: ToldInvoice, order: Order, part: FulfilmentOrder) -> str:
        if one.currency != order.currency:
            raise Refused("other_currency", f"Order {order} is in {order.currency}.", "currency")
        record = r.InvoiceRecord(
            external_id=one.id, order_external_id=part.external_id, number=one.number, credit=one.credit,
            state=one.state, currency=one.currency, total=one.total, open_amount=one.open_amount,
            issued_at=one.issued_at, due_at=one.due_at,
        )  # fmt: skip
        return save_invoice(connection=teller.connection, record=record, part=part, at=at)

    return _each(teller, told, Stream.INVOICE, save)


@transaction.atomic
def report_statuses(*, teller: Teller, told: Sequence[ToldStatus], at: datetime) -> list[Result]:
    by = str(teller.connection)

    def save(one: ToldStatus, order: Order, part: FulfilmentOrder) -> str:
        if one.status == WHOLE:
            return UPDATED if note_cancelled_there(order, part, at=at) else UNCHANGED
        shipment = _find_shipment(one, part)
        row = home_delivery.set_state(
            merchant_id=part.merchant_id, part_id=part.pk, state=one.status, by=by, at=at, reason=one.reason,
            shipment_id=shipment.pk if shipment else None,
        )  # fmt: skip
        return UPDATED if row.at == at else UNCHANGED

    return _each(teller, told, Stream.ORDER, save)


def _each(
    teller: Teller, told: Sequence[T], stream: str, save: Callable[[T, Order, FulfilmentOrder], str]
) -> list[Result]:
    """In the order of the orders' keys, so that two who tell us of the same orders wait for each other."""
    parts = _find_parts(teller, {one.order for one in told})
    keys = {place: parts[one.order][0].order_id for place, one in enumerate(told) if one.order in parts}
    results: dict[int, Result] = {}
    for place in sorted(range(len(told)), key=lambda place: keys.get(place, 0)):
        one = told[place]
        try:
            with transaction.atomic():
                part = _choose(teller, one.order, parts.get(one.order, []), stream)
                rows = Order.plain.select_for_update(of=("self",)).select_related("connection")
                order = rows.get(pk=part.order_id)
                _check_reach(teller, order, part)
                results[place] = Result(status=save(one, order, part))
        except Refused as error:
            results[place] = Result(status=REFUSED, error=error.error, message=error.message, field=error.field)
        except (NotPossible, ValueError) as error:
            results[place] = Result(status=REFUSED, error="not_possible", message=str(error))
    return [results[place] for place in range(len(told))]


def _find_parts(teller: Teller, names: set[str]) -> dict[str, list[FulfilmentOrder]]:
    """What each name may mean, of what the key may see."""
    named = Q(order__public_id__in=names) | Q(reference__in=names)
    named |= Q(external_id__in=names) | Q(external_number__in=names)
    rows = FulfilmentOrder.plain.filter(named, merchant_id=teller.connection.merchant_id)
    if teller.places is not None:
        rows = rows.filter(Q(order__location__in=teller.places) | Q(location__in=teller.places))
    found: dict[str, list[FulfilmentOrder]] = {}
    for part in rows.select_related("order", "destination").order_by("pk"):
        for name in {part.order.public_id, part.reference, part.external_id, part.external_number} & (names - {""}):
            found.setdefault(name, []).append(part)
    return found


def _choose(teller: Teller, name: str, parts: Sequence[FulfilmentOrder], stream: str) -> FulfilmentOrder:
    """The part that is meant: the teller's own before others', which tell us themselves or not."""
    open_ones = [part for part in parts if part.state not in part.OVER] or list(parts)
    mine = [part for part in open_ones if part.destination_id == teller.connection.pk]
    if not open_ones:
        raise Refused("unknown_order", f"There is no order {name} in a back office.", "order")
    if len(mine or open_ones) > 1:
        raise Refused("ambiguous_order", f"{name} is several parts of orders: name one by its reference.", "order")
    (part,) = mine or open_ones
    if not mine and _tells_itself(part.destination, stream):
        words = f"{part.destination} tells us this of {part} itself: it is taken from there."
        raise Refused("other_owner", words, "order")
    return part


def _tells_itself(there: Connection, stream: str) -> bool:
    return Flow.plain.filter(connection=there, stream=stream, direction=Flow.Direction.PULL, enabled=True).exists()


def _check_reach(teller: Teller, order: Order, part: FulfilmentOrder) -> None:
    if teller.is_test and LIVE in {order.connection.environment, part.destination.environment}:
        raise Refused("test_key", f"This is a key for tests, and order {order} is of a live system.", "order")


def _find_shipment(one: ToldStatus, part: FulfilmentOrder) -> Shipment | None:
    if not one.shipment:
        return None
    found = Shipment.plain.filter(fulfilment_order=part, external_id=one.shipment).first()
    if found is None:
        raise Refused("unknown_shipment", f"There is no shipment {one.shipment} of {part}.", "shipment")
    return found


def _list_lines(
    one: ToldShipment, order: Order, part: FulfilmentOrder, articles: Articles
) -> tuple[tuple[r.DocumentLineRecord, ...], Articles]:
    """The lines as they are booked, and what their articles are."""
    rows = list_part_lines(part, list(order.lines.filter(kind=OrderLine.Kind.ITEM).order_by("position")))
    if not one.lines:
        left = _count_left(part, one.id)
        named: Articles = {f"{row.variant_id}": (row.variant_id, ONE) for row in rows if row.variant_id}
        open_ones = [(str(row.variant_id), row.base_quantity - left.get(row.pk, ZERO)) for row in rows]
        lines = [(name, quantity) for name, quantity in open_ones if quantity > 0]
        return tuple(r.DocumentLineRecord(variant_external_id=name, quantity=many) for name, many in lines), named
    sold = {row.variant_id for row in rows}
    for place, (code, _quantity) in enumerate(one.lines):
        if code not in articles or articles[code][0] not in sold:
            raise Refused("unknown_article", f"{code} is no article of {part}.", f"lines[{place}].code")
    return tuple(r.DocumentLineRecord(variant_external_id=code, quantity=many) for code, many in one.lines), articles


def _count_left(part: FulfilmentOrder, but: str) -> dict[int, Decimal]:
    """Line → what of it left with other shipments."""
    rows = ShipmentLine.plain.filter(shipment__fulfilment_order=part).exclude(shipment__state=CANCELLED)
    found: dict[int, Decimal] = {}
    for row in rows.exclude(shipment__external_id=but):
        found[row.order_line_id] = found.get(row.order_line_id, ZERO) + row.quantity
    return found
