"""Orders and customers that come by our own API: taken in as a shop's are, and found again by those who may."""

from __future__ import annotations

import copy
import hashlib
import secrets
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from functools import partial
from typing import Any

from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils import timezone

from catalog.models import Binding, Variant
from catalog.services.item_codes import find_articles
from catalog.services.prices import find_shop_currency
from catalog.services.quoting import Buyer as PriceBuyer
from catalog.services.quoting import CurrencyMismatch, find_prices
from integrations.contract import records as r
from integrations.models import Command, Connection, Hold, Link, Stream
from integrations.sync.prompt import deliver_at_once
from integrations.sync.release import PERSON, hold, release
from orders.mapping.sales import (
    BadValue,
    Buyer,
    Line,
    SalesOrder,
    build_customer,
    build_order,
    check_amount,
    check_currency,
)
from orders.models import Customer, FulfilmentOrder, Order, OrderPayload, Return
from orders.services import payloads, refunds, returns, standing
from orders.services.customers import save_customer
from orders.services.intake import save_order
from orders.services.timeline import note
from portal.base.money import describe_money
from portal.tenancy.models import Location

LETTERS = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"  # none that is read for another
OWN_LENGTH = 10
PRICES = "person:prices:"  # how the keys of Holds for prices nobody confirmed begin
Placement = FulfilmentOrder.State


class OrderExists(Exception):
    """Another order has this reference; `order` is the one there is."""

    def __init__(self, order: Order) -> None:
        super().__init__(f"Order {order.number} exists already, with another content.")
        self.order = order


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """Who calls: its connection, the locations its key may sell at (None: all), the customer whose session it is."""

    connection: Connection
    location_ids: frozenset[int] | None = None
    customer: Customer | None = None


def build_own_reference(seed: str = "") -> str:
    """What an order is called whose caller gives it no name; of one seed always the same."""
    if not seed:
        return "".join(secrets.choice(LETTERS) for _ in range(OWN_LENGTH))
    number = int.from_bytes(hashlib.sha256(seed.encode()).digest())
    return "".join(LETTERS[(number >> 5 * place) % 32 % len(LETTERS)] for place in range(OWN_LENGTH))


# --- taking in --------------------------------------------------------------------------------------------------------


@transaction.atomic
def take(
    caller: Caller,
    body: SalesOrder,
    *,
    reference: str,
    at: datetime,
    raw: Any,
    prices: Mapping[int, Decimal] | None = None,
) -> tuple[Order, bool]:
    """The order, and whether it is new: the same again is the one there is. `prices`: place of a line → what it costs,
    where that was quoted. BadValue for what cannot be taken, OrderExists for another order of this reference."""
    connection, content = caller.connection, _fingerprint(raw, caller.customer)
    known = Order.plain.select_for_update(of=("self",)).filter(connection=connection, external_id=reference).first()
    if known is not None:
        known.connection = connection
        if _read_content(known) != content:
            raise OrderExists(known)
        return known, False
    if caller.customer is not None and prices is None:
        refuse_trust(body)
    currency = choose_currency(connection, body.currency)
    customer = _describe_buyer(caller, body.customer, at)
    if prices is None:
        prices = _find_prices(connection, body.lines, customer, currency, at)
    record = build_order(
        body,
        external_id=reference,
        currency=currency,
        articles=_find_ids(connection, body.lines),
        prices=prices,
        customer=customer,
        at=at,
        raw={"content": content, "sent": raw},
    )
    save_order(connection=_sell_at(caller, body.location), record=record, at=at)
    order = Order.plain.select_related("connection", "customer", "location").get(
        connection=connection, external_id=reference
    )
    return order, True


def refuse_trust(body: SalesOrder) -> None:
    """What a customer says of his own order is what he wants, not what it costs, nor that he has paid."""
    for place, line in enumerate(body.lines):
        given = {"unit_price": line.unit_price is not None, "discount": line.discount, "taxes": line.taxes}
        for name, is_given in given.items():
            if is_given:
                words = "A session does not say what it costs: leave it out, or send a quote."
                raise BadValue("not_allowed_in_session", words, f"lines[{place}].{name}")
    for name in ("payment", "charges"):
        if getattr(body, name):
            words = f"A session does not say {name}: the shop's own server does, with its key."
            raise BadValue("not_allowed_in_session", words, name)


def choose_currency(connection: Connection, given: str) -> str:
    return check_currency(given or find_shop_currency(connection) or connection.merchant.currency)


def find_location(caller: Caller, code: str) -> Location | None:
    """The location named, or the only one the key may sell at; None where the connection's own is meant."""
    rows = Location.plain.filter(merchant_id=caller.connection.merchant_id, is_active=True)
    if caller.location_ids is not None:
        rows = rows.filter(pk__in=caller.location_ids)
    if code:
        found = rows.filter(code=code).first()
        if found is None:
            raise BadValue("location_unknown", f"There is no location {code!r} this key may sell at.", "location")
        return found
    mine = list(rows.order_by("pk")[:2]) if caller.location_ids is not None else []
    if not mine or caller.connection.location_id in {one.pk for one in mine}:
        return None
    if len(mine) > 1:
        raise BadValue("location_required", "This key sells at several locations: say which.", "location")
    return mine[0]


def _sell_at(caller: Caller, code: str) -> Connection:
    """The connection as it sells at this location: an order is at its connection's."""
    place = find_location(caller, code)
    if place is None:
        return caller.connection
    sold = copy.copy(caller.connection)
    sold.location = place
    return sold


def _find_ids(connection: Connection, lines: Iterable[Line]) -> dict[str, str]:
    """code → the connection's id of its article, where it has a code of its own for it."""
    codes = {line.code for line in lines}
    rows = Binding.plain.filter(connection=connection, reference_code__in=codes, state=Binding.State.BOUND)
    return dict(rows.order_by("-pk").values_list("reference_code", "external_id"))


def _find_prices(
    connection: Connection, lines: list[Line], customer: r.CustomerRecord | None, currency: str, at: datetime
) -> dict[int, Decimal]:
    """place of a line without a price → what we have as its price."""
    bare = {place: line for place, line in enumerate(lines) if line.unit_price is None}
    if not bare:
        return {}
    articles = find_articles(connection=connection, codes={line.code for line in bare.values()})
    wanted: dict[int, Decimal] = {}
    for line in bare.values():
        if article := articles.get(line.code):
            many = wanted.get(article.variant_id, Decimal(0))
            wanted[article.variant_id] = many + line.quantity * article.factor
    variants = {variant: wanted[variant.pk] for variant in Variant.plain.filter(pk__in=wanted)}
    buyer = PriceBuyer(number=customer.external_id) if customer else None
    try:
        found = find_prices(quantities=variants, connection=connection, customer=buyer, currency=currency, at=at)
    except CurrencyMismatch as error:
        raise BadValue("currency_invalid", str(error), "currency") from error
    prices: dict[int, Decimal] = {}
    for place, line in bare.items():
        if (article := articles.get(line.code)) and (amount := found[article.variant_id].amount) is not None:
            prices[place] = amount * article.factor
    return prices


def _fingerprint(raw: Any, customer: Customer | None) -> str:
    """Of what was sent, and in whose session: the same words of two customers are two orders."""
    return hashlib.sha256(repr((customer.pk if customer else 0, raw)).encode()).hexdigest()


def _read_content(order: Order) -> str:
    """The fingerprint of what was sent when the order was taken."""
    row = OrderPayload.plain.filter(order=order).order_by("pk").first()
    raw = payloads.load(bytes(row.body)).get("raw", {}) if row else {}
    return str(raw.get("content", "")) if isinstance(raw, dict) else ""


@transaction.atomic
def take_back(
    *,
    order_id: int,
    quantities: Mapping[int, Decimal],
    reason_code: str,
    reason: str,
    restock: str,
    refund: Decimal | None,
    by: str,
    at: datetime,
) -> Return:
    """Goods come back, and `refund` of the money was given back by the caller. BadValue for more than was paid; else as
    `returns.make`."""
    row = returns.make(
        order_id=order_id,
        quantities=quantities,
        reason_code=reason_code,
        reason=reason,
        restock=restock,
        by=by,
        at=at,
    )
    if not refund:
        return row
    order = Order.plain.select_for_update(of=("self",)).select_related("connection").get(pk=order_id)
    check_amount(refund, order.currency, "refund")
    if refund > (room := refunds.count_room(order)):
        asked, left = describe_money(refund, order.currency), describe_money(room, order.currency)
        words = f"{asked} is more than the {left} that is left of what was paid for order {order}."
        raise BadValue("refund_exceeds_capture", words, "refund", 422)
    given = r.RefundRecord(
        external_id=f"{row.reference}-R",
        order_external_id=order.external_id,
        amount=Decimal(refund),
        currency=order.currency,
        reason=reason or reason_code,
        at=at,
    )
    refunds.save_refunds(order, [given], at=at)
    return row


# --- customers --------------------------------------------------------------------------------------------------------


@transaction.atomic
def take_customer(connection: Connection, buyer: Buyer, *, reference: str, at: datetime) -> tuple[Customer, bool]:
    """The customer, known from now on by this connection, and whether he is new; the back office is asked to make
    him."""
    record = build_customer(buyer, external_id=buyer.code or reference, at=at)
    if record is None or not (buyer.name or buyer.company or buyer.phone or buyer.email):
        raise BadValue("field_required", "Say at least a name, a phone number or an e-mail address.", "name")
    customer, outcome = save_customer(connection=connection, record=record, at=at)
    return customer, outcome == "created"


def find_customer(connection: Connection, public_id: str) -> Customer | None:
    """The merchant's customer of this id; of two made one the one that is kept."""
    rows = Customer.plain.filter(merchant_id=connection.merchant_id, erased_at__isnull=True)
    customer = rows.filter(public_id=public_id).first()
    while customer is not None and customer.merged_into_id is not None:
        customer = rows.filter(pk=customer.merged_into_id).first()
    return customer


def _describe_buyer(caller: Caller, buyer: Buyer, at: datetime) -> r.CustomerRecord | None:
    """A session's own customer whatever is said; else the one named, else whom phone and e-mail tell."""
    named = caller.customer
    if named is None and buyer.id:
        named = find_customer(caller.connection, buyer.id)
        if named is None:
            raise BadValue("customer_unknown", "There is no customer of this id.", "customer.id")
    if named is None:
        return build_customer(buyer, external_id=buyer.code)
    found = build_customer(buyer, external_id=_know(caller.connection, named))
    return found and _fill(found, named)


def _fill(record: r.CustomerRecord, customer: Customer) -> r.CustomerRecord:
    """What the caller leaves out is as we know him: an order says nothing against it."""
    return replace(
        record,
        name=record.name or customer.name,
        company=record.company or customer.company,
        email=record.email or customer.email,
        phone=record.phone or customer.phone,
        billing=record.billing or (r.AddressRecord(**customer.billing) if customer.billing else None),
        shipping=record.shipping or (r.AddressRecord(**customer.shipping) if customer.shipping else None),
    )


def _know(connection: Connection, customer: Customer) -> str:
    """What the connection calls the customer: from now on our own id, where it has no name for him."""
    mine = Link.plain.filter(
        connection=connection, stream=Stream.CUSTOMER, subject_type="customer", subject_id=customer.pk
    )
    if link := mine.order_by("pk").first():
        return link.external_id
    Link.plain.create(
        merchant_id=connection.merchant_id,
        connection=connection,
        stream=Stream.CUSTOMER,
        external_id=customer.public_id,
        subject_type="customer",
        subject_id=customer.pk,
    )
    return customer.public_id


def find_there(customer: Customer) -> str:
    """A back office's number of the customer, '' while none has one."""
    offices = (Connection.Role.BACK_OFFICE, Connection.Role.ACCOUNTING)
    links = Link.plain.filter(stream=Stream.CUSTOMER, subject_type="customer", subject_id=customer.pk)
    found = links.filter(connection__role__in=offices).order_by("pk").first()
    if found is not None:
        return found.external_number or found.external_id
    made = Command.plain.filter(kind="create_customer", subject_type="customer", subject_id=customer.pk)
    return made.exclude(external_id="").order_by("pk").values_list("external_id", flat=True).first() or ""


# --- prices nobody confirmed yet --------------------------------------------------------------------------------------


def hold_for_prices(order: Order, *, at: datetime) -> None:
    """Taken at our own prices while the back office did not answer: it is not sent before they are confirmed."""
    words = f"Order {order} was taken at our own prices while the back office did not answer: they are asked once more."
    hold(
        merchant_id=order.merchant_id,
        subject=("order", order.pk),
        reason=PERSON,
        key=_price_key(order),
        message=words,
        amount=order.total,
        currency=order.currency,
        connection=order.connection,
        at=at,
    )
    note(order, "prices_unconfirmed", words, at=at)


def settle_prices(order: Order, *, quoted: Decimal, asked: Decimal, limit: Decimal, at: datetime) -> bool:
    """The back office has said what it asks: within the merchant's limit the order goes, else a person decides."""
    if abs(asked - quoted) <= limit:
        return release(merchant_id=order.merchant_id, key=_price_key(order), at=at) > 0
    words = (
        f"Order {order} was taken at {describe_money(quoted, order.currency)}, and the back office asks"
        f" {describe_money(asked, order.currency)}: let it go at the price it was sold, or cancel it."
    )
    Hold.plain.filter(key=_price_key(order), ended_at__isnull=True).update(message=words[:500])
    return False


def list_held_for_prices() -> list[int]:
    """The orders that wait for it."""
    rows = Hold.plain.filter(reason=PERSON, ended_at__isnull=True, key__startswith=PRICES, subject_type="order")
    return list(rows.order_by("pk").values_list("subject_id", flat=True)[:200])


def _price_key(order: Order) -> str:
    return f"{PRICES}{order.pk}"


# --- finding ----------------------------------------------------------------------------------------------------------


def list_visible(caller: Caller) -> QuerySet[Order]:
    """A session sees its customer's orders; a key those of its connection, at its locations."""
    rows = Order.plain.filter(merchant_id=caller.connection.merchant_id)
    if caller.customer is not None:
        return rows.filter(customer=caller.customer)
    rows = rows.filter(connection=caller.connection)
    if caller.location_ids is None:
        return rows
    given = FulfilmentOrder.plain.filter(order=OuterRef("pk"), location_id__in=caller.location_ids)
    return rows.filter(Q(location_id__in=caller.location_ids) | Q(Exists(given)))


# --- waiting for the back office --------------------------------------------------------------------------------------


def place_at_once(order: Order, *, seconds: float) -> bool:
    """Have what the order and its customer wait for done there now; whether every part of it is placed."""
    subjects = [("order", order.pk)]
    if order.customer_id:
        subjects.insert(0, ("customer", order.customer_id))
    first: Callable[[], object] | None = None
    if order.on_account and order.customer_id:
        first = partial(standing.ask, order.customer_id, at=timezone.now())
    return deliver_at_once(subjects, is_done=lambda: is_placed(order), seconds=seconds, first=first)


def make_at_once(customer: Customer, *, seconds: float) -> bool:
    """Have the back office make the customer now; whether it has."""
    subjects = [("customer", customer.pk)]
    return deliver_at_once(subjects, is_done=lambda: bool(find_there(customer)), seconds=seconds)


def is_placed(order: Order) -> bool:
    states = set(FulfilmentOrder.plain.filter(order=order).values_list("state", flat=True)) - set(FulfilmentOrder.OVER)
    return states == {Placement.PLACED.value}


def settle_at_once(order: Order, subjects: Iterable[tuple[str, int]], *, seconds: float) -> bool:
    """Have what was just asked of the back office done now; whether nothing of it is open any more."""
    wanted = list(subjects)

    def is_done() -> bool:
        open_ones = Command.plain.filter(state__in=Command.OPEN_STATES)
        return not any(open_ones.filter(subject_type=kind, subject_id=pk).exists() for kind, pk in wanted)

    return deliver_at_once(wanted, is_done=is_done, seconds=seconds)
