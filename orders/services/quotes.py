"""What a basket costs: asked of the back office while the customer waits, else by our own prices; told in a signed
quote, which may promise the goods for a quarter of an hour and becomes one order."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any

from django.core import signing
from django.db import transaction
from msgspec.structs import replace

from catalog import services as catalog
from catalog.models import Binding, Variant
from catalog.services.item_codes import Article, find_articles
from catalog.services.promising import reserve_if_available
from catalog.services.quoting import Buyer as PriceBuyer
from catalog.services.quoting import CurrencyMismatch, find_prices
from catalog.services.stock import list_available
from integrations.contract import records as r
from integrations.contract.errors import ConnectorError
from integrations.models import Connection
from integrations.sync import live
from orders.mapping.sales import BadValue, Charge, Line, QuoteLine, SalesOrder
from orders.models import Customer, Order, Quote
from orders.services import sales
from orders.services.me import find_office
from portal.base.bodies import Amount, Quantity
from portal.base.money import round_money

LASTS = timedelta(minutes=15)
KEPT = timedelta(days=1)  # one that became no order
WAIT_SECONDS = 5.0
SALT = "orders.quote"
SUBJECT = "quote"
ZERO = Decimal(0)
Source = Quote.Source


class QuoteExpired(Exception):
    """Too old, or none of ours."""


class PriceChanged(Exception):
    """The back office asks another price by now: `quote` says which."""

    def __init__(self, quote: Quote) -> None:
        super().__init__("The price has changed since it was quoted. A new quote is inside.")
        self.quote = quote


class OutOfStock(Exception):
    """There is too little: `short` is code → how many there are."""

    def __init__(self, short: Mapping[str, Decimal]) -> None:
        super().__init__(f"There is too little of {', '.join(short)}.")
        self.short = short


@dataclass(frozen=True, slots=True, kw_only=True)
class Basket:
    """What is wanted: lines by the caller's codes, and the articles they are."""

    caller: sales.Caller
    customer: Customer | None
    lines: Sequence[tuple[str, Decimal]]
    articles: Mapping[str, Article]
    currency: str
    tests_only: bool = False

    def count(self) -> dict[int, Decimal]:
        """variant → base units of it."""
        found: dict[int, Decimal] = {}
        for code, quantity in self.lines:
            article = self.articles[code]
            found[article.variant_id] = found.get(article.variant_id, ZERO) + quantity * article.factor
        return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Priced:
    """Prices of one of what each code names."""

    prices: Mapping[str, Decimal]
    source: Quote.Source
    as_of: datetime


def make(
    caller: sales.Caller,
    lines: Sequence[QuoteLine],
    *,
    customer: Customer | None,
    currency: str = "",
    reserve: bool = False,
    tests_only: bool = False,
    at: datetime,
) -> Quote:
    """Quote these lines. BadValue for a code nobody knows or without any price; OutOfStock where goods are to be
    promised and there are too few."""
    basket = read_basket(caller, [(one.code, Decimal(one.quantity)) for one in lines], customer, currency, tests_only)
    return save(basket, price(basket, at=at), reserve=reserve, at=at)


def read_basket(
    caller: sales.Caller,
    lines: Sequence[tuple[str, Decimal]],
    customer: Customer | None,
    currency: str,
    tests_only: bool = False,
) -> Basket:
    articles = find_articles(connection=caller.connection, codes={code for code, _ in lines})
    for place, (code, _quantity) in enumerate(lines):
        if code not in articles:
            words = f"{code!r} is none of our articles, as {caller.connection} knows them."
            raise BadValue("code_unknown", words, f"lines[{place}].code", 422)
    return Basket(
        caller=caller,
        customer=customer,
        lines=lines,
        articles=articles,
        currency=sales.choose_currency(caller.connection, currency),
        tests_only=tests_only,
    )


@transaction.atomic
def save(basket: Basket, priced: Priced, *, reserve: bool, at: datetime) -> Quote:
    lines, total = [], ZERO
    for code, quantity in basket.lines:
        amount = round_money(priced.prices[code] * quantity, basket.currency)
        total += amount
        lines.append(
            {"code": code, "quantity": str(quantity), "unit_price": str(priced.prices[code]), "amount": str(amount)}
        )
    freight = find_freight(basket.caller.connection, total)
    quote = Quote(
        merchant_id=basket.caller.connection.merchant_id,
        connection=basket.caller.connection,
        customer=basket.customer,
        content={
            "currency": basket.currency,
            "lines": lines,
            "freight": str(freight),
            "total": str(total + freight),
            "as_of": priced.as_of.isoformat(),
        },
        price_source=priced.source,
        quoted_at=at,
        expires_at=at + LASTS,
        reserved=reserve,
    )
    quote.save()
    if reserve:
        _promise(basket, quote, at)
    return quote


def _promise(basket: Basket, quote: Quote, at: datetime) -> None:
    """Of what a back office counts; what none counts is not limited."""
    wanted = basket.count()
    shop = quote.connection_id
    known = list_available(merchant_id=quote.merchant_id, connection_id=shop, variant_ids=list(wanted))
    counted = {pk: quantity for pk, quantity in wanted.items() if pk in known}
    promise = reserve_if_available(
        merchant_id=quote.merchant_id, connection_id=shop, subject=(SUBJECT, quote.pk), quantities=counted, at=at
    )  # fmt: skip
    if promise.short:
        raise OutOfStock(
            {
                code: promise.available[article.variant_id] / article.factor
                for code, article in basket.articles.items()
                if article.variant_id in promise.short
            }
        )


def find_freight(connection: Connection, total: Decimal) -> Decimal:
    """What sending costs, as the connection's settings say."""
    free_from = _read_amount(connection, "freight_free_from")
    return ZERO if free_from and total >= free_from else _read_amount(connection, "freight")


def _read_amount(connection: Connection, name: str) -> Decimal:
    try:
        return Decimal(str(connection.settings.get(name) or 0))
    except InvalidOperation:
        return ZERO


# --- prices -----------------------------------------------------------------------------------------------------------


def price(basket: Basket, *, at: datetime) -> Priced:
    """As the back office says now; where it does not answer in time, by our own."""
    return ask_prices(basket, at=at) or _find_own(basket, at)


def ask_prices(basket: Basket, *, at: datetime) -> Priced | None:
    """None where nobody can be asked, or does not answer all of it in the basket's currency."""
    link = find_office(basket.customer, tests_only=basket.tests_only) if basket.customer else None
    if link is None or not live.can_ask(link.connection, "quote_prices"):
        return None
    there = _find_theirs(link.connection, basket)
    if there is None:
        return None
    asked = [
        r.QuoteLine(variant_external_id=there[code][0], quantity=quantity * there[code][1])
        for code, quantity in basket.lines
    ]
    number = link.external_id
    try:
        told = live.ask(link.connection, lambda one: one.quote_prices(asked, number), seconds=WAIT_SECONDS)
    except ConnectorError:
        return None  # it is kept as a capture; the quote says that its prices are ours
    if len(told) != len(asked) or any(one.currency != basket.currency for one in told):
        return None
    prices = {
        code: one.unit_price * there[code][1] for (code, _quantity), one in zip(basket.lines, told, strict=True)
    }  # fmt: skip
    return Priced(prices=prices, source=Source.LIVE, as_of=at)


def _find_theirs(office: Connection, basket: Basket) -> dict[str, tuple[str, Decimal]] | None:
    """code → their id of the article, and how many of theirs one of the caller's is; None where one is not known."""
    wanted = {article.variant_id for article in basket.articles.values()}
    rows = Binding.plain.filter(connection=office, variant_id__in=wanted, state=Binding.State.BOUND)
    known: dict[int, list[tuple[str, Decimal]]] = {}
    for variant, external_id, factor in rows.order_by("pk").values_list("variant_id", "external_id", "factor"):
        known.setdefault(variant or 0, []).append((external_id, factor))
    found = {}
    for code, article in basket.articles.items():
        ways = sorted(known.get(article.variant_id, []), key=lambda one: (one[1] != article.factor, one[1]))
        if not ways:
            return None
        found[code] = (ways[0][0], article.factor / ways[0][1])
    return found


def _find_own(basket: Basket, at: datetime) -> Priced:
    wanted = basket.count()
    variants = {variant: wanted[variant.pk] for variant in Variant.plain.filter(pk__in=wanted)}
    try:
        found = find_prices(
            quantities=variants,
            connection=basket.caller.connection,
            customer=_describe_buyer(basket),
            currency=basket.currency,
            at=at,
        )
    except CurrencyMismatch as error:
        raise BadValue("currency_invalid", str(error), "currency") from error
    prices = {}
    for place, (code, _quantity) in enumerate(basket.lines):
        article = basket.articles[code]
        amount = found[article.variant_id].amount
        if amount is None:
            words = f"We have no price for {code!r}, and the back office cannot be asked now: try again later."
            raise BadValue("price_unknown", words, f"lines[{place}].code", 409)
        prices[code] = amount * article.factor
    return Priced(prices=prices, source=Source.CACHED, as_of=at)


def _describe_buyer(basket: Basket) -> PriceBuyer | None:
    customer = basket.customer
    if customer is None:
        return None
    link = find_office(customer)
    return PriceBuyer(number=link.external_id if link else "", group=customer.customer_group)


# --- a quote becomes an order -----------------------------------------------------------------------------------------


def sign(quote: Quote) -> str:
    """What the caller sends with the order: nobody can make one up."""
    return signing.Signer(salt=SALT).sign(quote.public_id)


def find(caller: sales.Caller, signed: str) -> Quote:
    """The caller's own. QuoteExpired for what was not signed here."""
    try:
        public_id = signing.Signer(salt=SALT).unsign(signed)
    except signing.BadSignature as error:
        raise QuoteExpired from error
    rows = Quote.plain.select_related("customer", "order__connection").filter(connection=caller.connection)
    if caller.customer is not None:
        rows = rows.filter(customer=caller.customer)
    quote = rows.filter(public_id=public_id).first()
    if quote is None:
        raise QuoteExpired
    return quote


def take(
    caller: sales.Caller, body: SalesOrder, *, raw: Any, tests_only: bool = False, at: datetime
) -> tuple[Order, bool]:
    """The order the quote becomes, and whether it is new: sent twice it is one. Its prices are asked once more first.
    QuoteExpired, PriceChanged or OutOfStock where it cannot be as it was quoted."""
    quote = find(caller, body.quote)
    if quote.order is not None:
        return quote.order, False
    if quote.expires_at <= at:
        raise QuoteExpired
    content = quote.content
    lines = [(one["code"], Decimal(one["quantity"])) for one in content["lines"]]
    basket = read_basket(caller, lines, quote.customer, content["currency"], tests_only)
    now = ask_prices(basket, at=at)
    quoted = {one["code"]: Decimal(one["unit_price"]) for one in content["lines"]}
    if now is not None and dict(now.prices) != quoted:
        raise PriceChanged(save(basket, now, reserve=False, at=at))
    return _order(caller, basket, quote, body, is_checked=now is not None, raw=raw, at=at)


@transaction.atomic
def _order(
    caller: sales.Caller, basket: Basket, quote: Quote, body: SalesOrder, *, is_checked: bool, raw: Any, at: datetime
) -> tuple[Order, bool]:
    quote = Quote.plain.select_for_update(of=("self",)).select_related("customer", "order").get(pk=quote.pk)
    if quote.order is not None:
        return quote.order, False
    _promise(basket, quote, at)
    filled, prices = _fill(body, quote)
    reference = body.reference or f"Q{sales.build_own_reference(quote.public_id)}"
    order, is_new = sales.take(
        sales.Caller(connection=caller.connection, location_ids=caller.location_ids, customer=quote.customer),
        filled,
        reference=reference,
        at=at,
        raw=raw,
        prices=prices,
    )
    if quote.price_source == Source.CACHED and not is_checked:
        sales.hold_for_prices(order, at=at)
    quote.order, quote.reserved = order, False
    quote.save(update_fields=["order", "reserved"])
    catalog.cancel_reservation(merchant_id=quote.merchant_id, subject=(SUBJECT, quote.pk), at=at)
    return order, is_new


def _fill(body: SalesOrder, quote: Quote) -> tuple[SalesOrder, dict[int, Decimal]]:
    """The order as it was quoted, with the buyer's own words about where and why."""
    lines = [Line(code=one["code"], quantity=Quantity(one["quantity"])) for one in quote.content["lines"]]
    prices = {place: Decimal(one["unit_price"]) for place, one in enumerate(quote.content["lines"])}
    freight = Amount(quote.content["freight"])
    charges = [Charge(kind="shipping", amount=freight, name="Freight")] if freight else []
    return replace(body, lines=lines, charges=charges, currency=quote.content["currency"]), prices


# --- what is left behind ----------------------------------------------------------------------------------------------


def end_promises(at: datetime) -> int:
    """Of quotes that became no order in time; how many."""
    late = Quote.plain.filter(reserved=True, expires_at__lte=at).order_by("pk")
    ended = 0
    for pk in late.values_list("pk", flat=True)[:500]:
        with transaction.atomic():
            quote = Quote.plain.select_for_update().filter(pk=pk, reserved=True).first()
            if quote is None:
                continue
            catalog.cancel_reservation(merchant_id=quote.merchant_id, subject=(SUBJECT, quote.pk), at=at)
            quote.reserved = False
            quote.save(update_fields=["reserved"])
            ended += 1
    Quote.plain.filter(quoted_at__lt=at - KEPT, reserved=False, order__isnull=True).delete()
    return ended


def check_held(at: datetime) -> int:
    """Ask again for the prices of orders that were taken at our own: those that agree go, the others say by how much
    they differ and wait for a person. How many went."""
    gone = 0
    for quote in list_held():
        caller = sales.Caller(connection=quote.connection, customer=quote.customer)
        content = quote.content
        lines = [(one["code"], Decimal(one["quantity"])) for one in content["lines"]]
        try:
            basket = read_basket(caller, lines, quote.customer, content["currency"])
        except BadValue:
            continue
        now = ask_prices(basket, at=at)
        if now is None or quote.order is None:
            continue
        total = sum((round_money(now.prices[code] * many, basket.currency) for code, many in lines), ZERO)
        quoted = sum((Decimal(one["amount"]) for one in content["lines"]), ZERO)
        limit = _read_amount(quote.connection, "price_difference")
        gone += sales.settle_prices(quote.order, quoted=quoted, asked=total, limit=limit, at=at)
    return gone


def list_held() -> list[Quote]:
    ids = sales.list_held_for_prices()
    rows = Quote.plain.filter(order_id__in=ids).select_related(
        "connection__merchant", "customer", "order__connection"
    )  # fmt: skip
    return list(rows.order_by("pk"))
