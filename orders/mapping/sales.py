"""What callers of our API send of orders and customers, and the records it is read into. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from integrations.contract import records as r
from portal.base.bodies import Amount, Body, Email, Quantity
from portal.base.money import CURRENCIES, currency_quantum, round_money

ZERO = Decimal(0)
LARGEST = Decimal(10) ** 10
Short = Annotated[str, Meta(max_length=100)]
Text = Annotated[str, Meta(max_length=300)]
Code = Annotated[str, Meta(min_length=1, max_length=100)]
Reference = Annotated[str, Meta(pattern=r"^[A-Za-z0-9][A-Za-z0-9._/~-]*$", max_length=40)]
Country = Annotated[str, Meta(pattern="^([A-Z]{2})?$")]


class BadValue(ValueError):
    """What was sent cannot be taken: `code` is stable, `field` the part it is about."""

    def __init__(self, code: str, words: str, field: str, status: int = 400) -> None:
        super().__init__(words)
        self.code, self.field, self.status = code, field, status


class Address(Body):
    """Where somebody lives, or goods go."""

    name: Short = ""
    company: Short = ""
    line1: Text = ""
    line2: Text = ""
    city: Short = ""
    region: Short = ""
    postcode: Annotated[str, Meta(max_length=20)] = ""
    country: Country = ""
    phone: Annotated[str, Meta(max_length=50)] = ""


class Buyer(Body):
    """Who buys: a customer of ours by `id` or by the caller's own `code`, or a person by phone or e-mail."""

    id: Annotated[str, Meta(max_length=40)] = ""
    code: Short = ""
    name: Short = ""
    company: Short = ""
    email: Email = msgspec.field(default_factory=Email)
    phone: Annotated[str, Meta(max_length=50)] = ""
    tax_number: Annotated[str, Meta(max_length=40)] = ""
    billing: Address | None = None
    shipping: Address | None = None


class Tax(Body):
    """One tax on a line; `code` is the caller's own, mapped once under Values."""

    code: Code
    amount: Amount
    rate: Amount | None = None


class Line(Body):
    """So many of an article, by its code. Without a unit price it costs what our prices say."""

    code: Code
    quantity: Quantity
    name: Text = ""
    unit_price: Amount | None = None
    discount: Amount = msgspec.field(default_factory=Amount)
    taxes: list[Tax] = []


class Charge(Body):
    """What is no article: shipping, a fee, a tip …"""

    kind: Literal["shipping", "fee", "tip", "deposit", "duty"]
    amount: Amount
    name: Text = ""
    taxes: list[Tax] = []


class Paid(Body):
    """Money the caller has received, by its own word for the way of paying."""

    amount: Amount
    type: Code
    reference: Annotated[str, Meta(max_length=100)] = ""


class QuoteLine(Body):
    """So many of an article, by its code."""

    code: Code
    quantity: Quantity


class QuoteWanted(Body):
    """A basket. `customer` is said with a key; a session's is its own. `reserve`: promise the goods while it holds."""

    lines: Annotated[list[QuoteLine], Meta(min_length=1, max_length=500)]
    customer: Buyer | None = None
    currency: Annotated[str, Meta(max_length=3)] = ""
    reserve: bool = False


class SalesOrder(Body):
    """An order: its lines by code, or a quote of ours."""

    lines: Annotated[list[Line], Meta(max_length=500)] = []
    quote: Annotated[str, Meta(max_length=4000)] = ""
    reference: Reference | Literal[""] = ""
    customer: Buyer = msgspec.field(default_factory=Buyer)
    billing: Address | None = None
    shipping: Address | None = None
    location: Annotated[str, Meta(max_length=40)] = ""
    currency: Annotated[str, Meta(max_length=3)] = ""
    charges: Annotated[list[Charge], Meta(max_length=20)] = []
    payment: Paid | None = None
    payment_method: Short = ""
    total: Amount | None = None
    prices_include_tax: bool = True
    on_account: bool = False
    cash_on_delivery: bool = False
    note: Annotated[str, Meta(max_length=2000)] = ""


def check_currency(currency: str) -> str:
    if currency not in CURRENCIES:
        words = f"{currency!r} is no currency: use the three capitals of ISO 4217, as GBP."
        raise BadValue("currency_invalid", words, "currency")
    return currency


def check_amount(amount: Decimal, currency: str, field: str) -> Decimal:
    """An amount somebody can pay: not negative, not finer than the currency."""
    if not 0 <= amount < LARGEST:
        raise BadValue("amount_out_of_range", "An amount is at least 0 and less than 10000000000.", field)
    if amount % currency_quantum(currency):
        raise BadValue("currency_precision", f"{amount} is finer than {currency} allows.", field)
    return amount


def build_order(
    body: SalesOrder,
    *,
    external_id: str,
    currency: str,
    articles: Mapping[str, str],
    prices: Mapping[int, Decimal],
    customer: r.CustomerRecord | None,
    at: datetime,
    raw: Any,
) -> r.OrderRecord:
    """The order as a store's. `articles`: code → the connection's id of it, where it has one; `prices`: place of a line
    → its unit price, where the caller says none. BadValue for amounts nobody could book."""
    lines = [
        _build_line(one, place, currency, articles, prices, body.prices_include_tax)
        for place, one in enumerate(body.lines)
    ]
    lines += [_build_charge(one, place, currency, body.prices_include_tax) for place, one in enumerate(body.charges)]
    total = sum((line.gross for line in lines), ZERO)
    if body.total is not None and check_amount(body.total, currency, "total") != total:
        words = f"The lines come to {total} {currency}, and `total` says {body.total}."
        raise BadValue("totals_mismatch", words, "total", 422)
    payments = _build_payments(body, external_id, currency, at)
    paid = sum((one.amount for one in payments), ZERO)
    return r.OrderRecord(
        external_id=external_id,
        number=external_id,
        currency=currency,
        total=total,
        placed_at=at,
        updated_at=at,
        financial=_tell_financial(paid, total),
        fulfilment=r.FulfilmentStatus.UNFULFILLED,
        cash_on_delivery=body.cash_on_delivery,
        on_account=body.on_account,
        payment_method=body.payment.type if body.payment else body.payment_method,
        customer=customer,
        billing=build_address(body.billing or body.customer.billing),
        shipping=build_address(body.shipping or body.customer.shipping or body.billing),
        lines=tuple(lines),
        payments=payments,
        note=body.note,
        prices_include_tax=body.prices_include_tax,
        raw=raw,
    )


def build_customer(buyer: Buyer, *, external_id: str, at: datetime | None = None) -> r.CustomerRecord | None:
    """None where nothing is said of the buyer."""
    if buyer == Buyer() and not external_id:
        return None
    return r.CustomerRecord(
        external_id=external_id,
        name=buyer.name,
        company=buyer.company,
        email=buyer.email,
        phone=buyer.phone,
        tax_number=buyer.tax_number,
        billing=build_address(buyer.billing),
        shipping=build_address(buyer.shipping),
        created_at=at,
        updated_at=at,
    )


def build_address(address: Address | None) -> r.AddressRecord | None:
    return r.AddressRecord(**msgspec.structs.asdict(address)) if address else None


def _build_line(
    line: Line,
    place: int,
    currency: str,
    articles: Mapping[str, str],
    prices: Mapping[int, Decimal],
    includes_tax: bool,
) -> r.OrderLineRecord:
    at = f"lines[{place}]"
    if line.unit_price is not None:
        price = check_amount(line.unit_price, currency, f"{at}.unit_price")
    elif (found := prices.get(place)) is not None:
        price = found
    else:
        words = f"We have no price for {line.code!r} here: say its unit_price."
        raise BadValue("price_required", words, f"{at}.unit_price")
    discount = check_amount(line.discount, currency, f"{at}.discount")
    amount = round_money(price * line.quantity, currency) - discount
    if amount < 0:
        raise BadValue("amount_out_of_range", "A discount is no more than its line comes to.", f"{at}.discount")
    net, tax, taxes = _split(amount, line.taxes, currency, at, includes_tax)
    return r.OrderLineRecord(
        external_id=str(place + 1),
        variant_external_id=articles.get(line.code, ""),
        sku=line.code,
        name=line.name,
        quantity=Decimal(line.quantity),
        unit_price=Decimal(price),
        discount=Decimal(discount),
        net=net,
        tax=tax,
        gross=net + tax,
        taxes=taxes,
    )


def _build_charge(charge: Charge, place: int, currency: str, includes_tax: bool) -> r.OrderLineRecord:
    at = f"charges[{place}]"
    amount = check_amount(charge.amount, currency, f"{at}.amount")
    net, tax, taxes = _split(Decimal(amount), charge.taxes, currency, at, includes_tax)
    return r.OrderLineRecord(
        external_id=f"c{place + 1}",
        kind=r.LineKind(charge.kind),
        name=charge.name or charge.kind.capitalize(),
        unit_price=Decimal(amount),
        net=net,
        tax=tax,
        gross=net + tax,
        taxes=taxes,
    )


def _split(
    amount: Decimal, given: list[Tax], currency: str, at: str, includes_tax: bool
) -> tuple[Decimal, Decimal, tuple[r.TaxRecord, ...]]:
    taxes = tuple(
        r.TaxRecord(
            code=one.code,
            name=one.code,
            amount=Decimal(check_amount(one.amount, currency, f"{at}.taxes[{place}].amount")),
            rate=Decimal(one.rate) if one.rate is not None else None,
        )
        for place, one in enumerate(given)
    )
    tax = sum((one.amount for one in taxes), ZERO)
    if includes_tax and tax > amount:
        raise BadValue("amount_out_of_range", "The tax is no more than its line comes to.", f"{at}.taxes")
    return (amount - tax if includes_tax else amount), tax, taxes


def _build_payments(body: SalesOrder, external_id: str, currency: str, at: datetime) -> tuple[r.PaymentRecord, ...]:
    paid = body.payment
    if paid is None or not check_amount(paid.amount, currency, "payment.amount"):
        return ()
    return (
        r.PaymentRecord(
            external_id=paid.reference or f"{external_id}-P1",
            kind=r.PaymentKind.CAPTURE,
            method=paid.type,
            amount=Decimal(paid.amount),
            at=at,
            currency=currency,
        ),
    )


def _tell_financial(paid: Decimal, total: Decimal) -> r.FinancialStatus:
    if paid >= total:
        return r.FinancialStatus.PAID
    return r.FinancialStatus.PARTIALLY_PAID if paid else r.FinancialStatus.PENDING
