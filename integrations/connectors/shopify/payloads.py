"""What the Admin API says, as records: https://shopify.dev/docs/api/admin-graphql/2026-07/objects/Order …"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from typing import TypeVar

from integrations.connectors.shopify import values as v
from integrations.connectors.shopify.values import Row
from integrations.contract import records as r
from integrations.contract.errors import PayloadInvalid

T = TypeVar("T")
ZERO = Decimal(0)
DEFAULT_OPTION = "Title"  # what a product without variants has, with the one value "Default Title"
OUR_NOTE = re.compile(r"Stockbridge ([^\s:]{1,40})")  # how the notes begin that we write
COD = "cash on delivery"
PRODUCT_STATUSES = {
    "ACTIVE": r.ProductStatus.ACTIVE,
    "UNLISTED": r.ProductStatus.ACTIVE,  # sold to whoever has the address
    "DRAFT": r.ProductStatus.DRAFT,
    "ARCHIVED": r.ProductStatus.ARCHIVED,
}
FINANCIAL = {
    "AUTHORIZED": r.FinancialStatus.AUTHORIZED,
    "EXPIRED": r.FinancialStatus.VOIDED,
    "PAID": r.FinancialStatus.PAID,
    "PARTIALLY_PAID": r.FinancialStatus.PARTIALLY_PAID,
    "PARTIALLY_REFUNDED": r.FinancialStatus.PARTIALLY_REFUNDED,
    "PENDING": r.FinancialStatus.PENDING,
    "REFUNDED": r.FinancialStatus.REFUNDED,
    "VOIDED": r.FinancialStatus.VOIDED,
}
FULFILMENT = {
    "FULFILLED": r.FulfilmentStatus.FULFILLED,
    "PARTIALLY_FULFILLED": r.FulfilmentStatus.PARTIALLY_FULFILLED,
    "RESTOCKED": r.FulfilmentStatus.RETURNED,
    **dict.fromkeys(
        ("IN_PROGRESS", "ON_HOLD", "OPEN", "PENDING_FULFILLMENT", "REQUEST_DECLINED", "SCHEDULED", "UNFULFILLED"),
        r.FulfilmentStatus.UNFULFILLED,
    ),
}
PAYMENTS = {
    "SALE": r.PaymentKind.CAPTURE,
    "CAPTURE": r.PaymentKind.CAPTURE,
    "AUTHORIZATION": r.PaymentKind.AUTHORIZATION,
    "EMV_AUTHORIZATION": r.PaymentKind.AUTHORIZATION,
    "VOID": r.PaymentKind.VOID,
}
RETURNS = {
    "REQUESTED": r.DocumentState.DRAFT,
    "OPEN": r.DocumentState.OPEN,
    "CLOSED": r.DocumentState.DONE,
    "CANCELED": r.DocumentState.CANCELLED,
    "DECLINED": r.DocumentState.CANCELLED,
}


def parse_page(
    rows: Iterable[Row], parse: Callable[[Row], T]
) -> tuple[tuple[T, ...], tuple[r.FailedRecord, ...]]:  # fmt: skip
    """What can be parsed, and beside it what cannot, with its raw payload."""
    records, failed = [], []
    for row in rows:
        try:
            records.append(parse(row))
        except PayloadInvalid as error:
            failed.append(r.FailedRecord(external_id=v.parse_id(row.get("id")), error=error.message, raw=row))
    return tuple(records), tuple(failed)


def our_reference(note: object) -> str:
    """Of a note that we wrote; '' for anybody else's."""
    found = OUR_NOTE.match(v.parse_text(note))
    return found[1] if found else ""


# --- catalogue -------------------------------------------------------------------------------------------------------


def parse_product(row: Row, variants: Sequence[Row], currency: str = "") -> r.ProductRecord:
    """`variants` are all of them; the product itself shows its first."""
    status = str(row.get("status") or "")
    options = v.parse_rows(row, "options")
    plain = [v.parse_text(one.get("name")) for one in options] == [DEFAULT_OPTION] and len(variants) == 1
    images = (v.parse_object(one, "image").get("url") for one in v.parse_rows(row, "media"))
    if not v.parse_text(row.get("title")):
        raise PayloadInvalid("title is missing.", field="title")
    return r.ProductRecord(
        external_id=v.require_id(row),
        code=v.parse_text(row.get("handle")),
        name=v.parse_text(row["title"]),
        description=str(row.get("descriptionHtml") or ""),
        status=PRODUCT_STATUSES.get(status, r.ProductStatus.UNKNOWN),
        status_text=status,
        brand=v.parse_text(row.get("vendor")),
        categories=tuple(filter(None, [v.parse_text(row.get("productType"))])),
        image_urls=tuple(str(url) for url in images if url),
        axes=() if plain else tuple(map(parse_axis, options)),
        variants=tuple(parse_variant(one, plain=plain) for one in variants),
        currency=currency,
        updated_at=v.parse_time(row.get("updatedAt")),
        raw=row,
    )


def parse_axis(row: Row) -> r.AxisRecord:
    return r.AxisRecord(
        name=v.parse_text(row.get("name")),
        values=tuple(v.parse_text(one.get("name")) for one in v.parse_rows(row, "optionValues")),
        external_id=v.parse_id(row.get("id")),
    )


def parse_variant(row: Row, *, plain: bool = False) -> r.VariantRecord:
    options = [] if plain else v.parse_rows(row, "selectedOptions")
    return r.VariantRecord(
        external_id=v.require_id(row),
        sku=v.parse_text(row.get("sku")),
        barcode=v.parse_text(row.get("barcode")),
        name="" if plain else v.parse_text(row.get("title")),
        options=tuple((v.parse_text(one.get("name")), v.parse_text(one.get("value"))) for one in options),
        price=v.parse_amount(row["price"], "price") if row.get("price") is not None else None,
    )


def parse_price(row: Row, currency: str) -> r.PriceRow:
    return r.PriceRow(v.require_id(row), "", v.parse_amount(row.get("price"), "price"), currency)


def parse_stock(row: Row, levels: Sequence[Row]) -> list[r.StockRow]:
    """What can be sold of a variant at each location; none where the shop does not count it."""
    if not v.parse_object(row, "inventoryItem").get("tracked"):
        return []
    variant = v.require_id(row)
    return [
        r.StockRow(variant, v.parse_id(v.parse_object(level, "location").get("id")), available(level))
        for level in levels
    ]


def available(level: Row) -> Decimal:
    found = [one for one in v.parse_rows(level, "quantities") if one.get("name") == "available"]
    return v.parse_amount(found[0].get("quantity") if found else None, "quantities")


# --- customers -------------------------------------------------------------------------------------------------------


def parse_address(row: Row) -> r.AddressRecord | None:
    """None for an address nobody filled in."""
    names = {"name": "name", "company": "company", "line1": "address1", "line2": "address2", "city": "city",
             "region": "provinceCode", "postcode": "zip", "country": "countryCodeV2", "phone": "phone"}  # fmt: skip
    address = r.AddressRecord(**{ours: v.parse_text(row.get(theirs)) for ours, theirs in names.items()})
    return None if address == r.AddressRecord() else address


def parse_customer(row: Row) -> r.CustomerRecord:
    address = parse_address(v.parse_object(row, "defaultAddress"))
    return r.CustomerRecord(
        external_id=v.require_id(row),
        name=v.parse_text(row.get("displayName")),
        company=address.company if address else "",
        email=v.parse_text(v.parse_object(row, "defaultEmailAddress").get("emailAddress")),
        phone=v.parse_text(v.parse_object(row, "defaultPhoneNumber").get("phoneNumber")),
        billing=address,
        created_at=v.parse_time(row.get("createdAt")),
        updated_at=v.parse_time(row.get("updatedAt")),
        raw=row,
    )


def _buyer(row: Row, billing: r.AddressRecord | None) -> r.CustomerRecord | None:
    """Who ordered; of one without an account, what the order says."""
    account = v.parse_object(row, "customer")
    email = v.parse_text(row.get("email"))
    phone = v.parse_text(row.get("phone"))
    if account:
        known = parse_customer(account)
        return r.CustomerRecord(
            external_id=known.external_id, name=known.name, email=email or known.email, phone=phone or known.phone,
            company=billing.company if billing else "", billing=billing,
        )  # fmt: skip
    if billing is None and not email and not phone:
        return None
    name, company = (billing.name, billing.company) if billing else ("", "")
    return r.CustomerRecord(
        name=name, company=company, email=email, phone=phone or (billing.phone if billing else ""), billing=billing
    )


# --- orders ----------------------------------------------------------------------------------------------------------


def parse_order(row: Row, lines: Sequence[Row]) -> r.OrderRecord:
    """As ordered, in the shop's currency, with what the buyer saw beside it. `lines` are all line items; the order
    itself shows its first. Refunds are documents of their own."""
    external_id = v.require_id(row)
    placed_at = v.parse_time(row.get("processedAt")) or v.parse_time(row.get("createdAt"))
    currency = str(row.get("currencyCode") or "")
    if placed_at is None or not currency or not row.get("totalPriceSet"):
        raise PayloadInvalid("processedAt, currencyCode or totalPriceSet is missing.", field="processedAt")
    total = v.parse_money(row, "totalPriceSet")
    included = bool(row.get("taxesIncluded"))
    billing = parse_address(v.parse_object(row, "billingAddress"))
    gateways = [str(one) for one in row.get("paymentGatewayNames") or ()]
    seen = str(row.get("presentmentCurrencyCode") or currency)
    cancelled = row.get("cancelledAt") is not None
    return r.OrderRecord(
        external_id=external_id,
        number=str(row.get("name") or external_id),
        currency=currency,
        total=total,
        placed_at=placed_at,
        updated_at=v.parse_time(row.get("updatedAt")) or placed_at,
        status_text="CANCELLED" if cancelled else str(row.get("displayFulfillmentStatus") or ""),
        cancelled=cancelled,
        financial=_financial(row, total),
        fulfilment=_fulfilment(row, cancelled=cancelled),
        cash_on_delivery=any(COD in gateway.lower() for gateway in gateways),
        payment_method=gateways[0] if gateways else "",
        tags=tuple(map(str, row.get("tags") or ())),
        customer=_buyer(row, billing),
        billing=billing,
        shipping=parse_address(v.parse_object(row, "shippingAddress")),
        location_external_id=v.parse_id(v.parse_object(row, "retailLocation").get("id")),
        lines=_lines(row, lines, total, included=included),
        payments=_payments(row),
        refunds=tuple(_refunds(row, external_id, currency, included=included)),
        note=str(row.get("note") or ""),
        prices_include_tax=included,
        presentment_currency=seen if seen != currency else "",
        presentment_total=v.parse_money(row, "totalPriceSet", "presentmentMoney") if seen != currency else None,
        raw=row,
    )


def _financial(row: Row, total: Decimal) -> r.FinancialStatus:
    said = row.get("displayFinancialStatus")
    if said is None and not total:
        return r.FinancialStatus.PAID  # nothing is to be paid
    return FINANCIAL.get(str(said), r.FinancialStatus.UNKNOWN)


def _fulfilment(row: Row, *, cancelled: bool) -> r.FulfilmentStatus:
    found = FULFILMENT.get(str(row.get("displayFulfillmentStatus")), r.FulfilmentStatus.UNKNOWN)
    if cancelled and found is not r.FulfilmentStatus.FULFILLED:
        return r.FulfilmentStatus.CANCELLED
    return r.FulfilmentStatus.RETURNED if row.get("returnStatus") == "RETURNED" else found


def _payments(row: Row) -> tuple[r.PaymentRecord, ...]:
    """What went through; a refund's are part of the refund."""
    return tuple(
        r.PaymentRecord(
            external_id=v.require_id(one),
            kind=PAYMENTS[str(one["kind"])],
            method=str(one.get("gateway") or ""),
            amount=v.parse_money(one, "amountSet"),
            at=v.parse_time(one.get("processedAt")) or v.parse_time(one.get("createdAt")),
            title=v.parse_text(one.get("formattedGateway")),
            reference=our_reference(one.get("formattedGateway")) or our_reference(one.get("gateway")),
        )
        for one in v.parse_rows(row, "transactions")
        if one.get("status") == "SUCCESS" and str(one.get("kind")) in PAYMENTS
    )


def _lines(row: Row, items: Sequence[Row], total: Decimal, *, included: bool) -> tuple[r.OrderLineRecord, ...]:
    """Tips and duties have no lines there; they become some where the total holds them."""
    lines = [_item(one, included=included) for one in items]
    lines += [_shipping(one, included=included) for one in v.parse_rows(row, "shippingLines")]
    for kind, name in ((r.LineKind.TIP, "totalTipReceivedSet"), (r.LineKind.DUTY, "originalTotalDutiesSet")):
        amount = v.parse_money(row, name)
        missing = total - sum((line.gross for line in lines), ZERO)
        if amount > 0 and missing >= amount:
            named = r.OrderLineRecord(external_id=kind.value, kind=kind, name=kind.value.capitalize())
            lines.append(replace(named, unit_price=amount, net=amount, gross=amount))
    return tuple(lines)


def _item(line: Row, *, included: bool) -> r.OrderLineRecord:
    """Every discount, the order's too, is among the line's allocations. Where prices include tax, so do they."""
    full = v.parse_money(line, "originalTotalSet")
    discount = sum(
        (v.parse_money(one, "allocatedAmountSet") for one in v.parse_rows(line, "discountAllocations")), ZERO
    )
    taxes = _taxes(line)
    tax = sum((one.amount for one in taxes), ZERO)
    net = full - discount - (tax if included else ZERO)
    return r.OrderLineRecord(
        external_id=v.require_id(line),
        variant_external_id=v.parse_id(v.parse_object(line, "variant").get("id")),
        sku=v.parse_text(line.get("sku")),
        name=v.parse_text(line.get("name")),
        quantity=v.parse_amount(line.get("quantity"), "quantity"),
        unit_price=v.parse_money(line, "originalUnitPriceSet"),
        discount=discount,
        net=net,
        tax=tax,
        gross=net + tax,
        taxes=taxes,
    )


def _shipping(line: Row, *, included: bool) -> r.OrderLineRecord:
    price, full = v.parse_money(line, "discountedPriceSet"), v.parse_money(line, "originalPriceSet")
    taxes = _taxes(line)
    tax = sum((one.amount for one in taxes), ZERO)
    net = price - (tax if included else ZERO)
    return r.OrderLineRecord(
        external_id=v.parse_id(line.get("id")) or "shipping",
        kind=r.LineKind.SHIPPING,
        name=v.parse_text(line.get("title")),
        unit_price=full,
        discount=full - price,
        net=net,
        tax=tax,
        gross=net + tax,
        taxes=taxes,
    )


def _taxes(line: Row) -> tuple[r.TaxRecord, ...]:
    """Shopify's taxes have no ids: their title and rate are what a value map names."""
    found = []
    for one in v.parse_rows(line, "taxLines"):
        rate = one.get("ratePercentage")
        percent = None if rate is None else v.parse_amount(rate, "ratePercentage")
        name = v.parse_text(one.get("title"))
        code = name if percent is None else f"{name} {percent.normalize():f} %"
        found.append(r.TaxRecord(code=code, amount=v.parse_money(one, "priceSet"), rate=percent, name=name))
    return tuple(found)


def _refunds(row: Row, order: str, currency: str, *, included: bool) -> Iterable[r.RefundRecord]:
    """Those that gave money back: one that only takes lines off an order has no amount."""
    for one in v.parse_rows(row, "refunds"):
        if v.parse_money(one, "totalRefundedSet") > 0:
            yield parse_refund(one, order, currency, included=included)


def parse_refund(row: Row, order: str, currency: str, *, included: bool) -> r.RefundRecord:
    goods = v.parse_rows(row, "refundLineItems")
    lines = [_refund_line(one, "lineItem", "subtotalSet", "totalTaxSet", included=included) for one in goods]
    shipped = v.parse_rows(row, "refundShippingLines")
    lines += [
        _refund_line(one, "shippingLine", "subtotalAmountSet", "taxAmountSet", included=included) for one in shipped
    ]
    return r.RefundRecord(
        external_id=v.require_id(row),
        order_external_id=order,
        amount=v.parse_money(row, "totalRefundedSet"),
        currency=currency,
        reason=OUR_NOTE.sub("", v.parse_text(row.get("note"))).lstrip(": "),
        reference=our_reference(row.get("note")),
        at=v.parse_time(row.get("createdAt")),
        lines=tuple(lines),
        raw=row,
    )


def _refund_line(row: Row, owner: str, price: str, taxed: str, *, included: bool) -> r.RefundLineRecord:
    """judgement: a subtotal is like the prices of its order: it holds the tax where they do."""
    line, tax = v.parse_object(row, owner), v.parse_money(row, taxed)
    return r.RefundLineRecord(
        order_line_external_id=v.parse_id(line.get("id")),
        quantity=v.parse_amount(row.get("quantity", 1), "quantity"),
        net=v.parse_money(row, price) - (tax if included else ZERO),
        tax=tax,
        sku=v.parse_text(line.get("sku")),
    )


# --- what follows an order -------------------------------------------------------------------------------------------


def parse_returns(row: Row) -> list[r.ReturnRecord]:
    """All returns of an order; they have no date of change, the order has."""
    order, updated_at = v.require_id(row), v.parse_time(row.get("updatedAt"))
    return [_return(one, order, updated_at) for one in v.parse_rows(row, "returns")]


def _return(row: Row, order: str, updated_at: datetime | None) -> r.ReturnRecord:
    lines = v.parse_rows(row, "returnLineItems")
    notes = [v.parse_text(one.get("returnReasonNote")) for one in lines]
    reference = next(filter(None, map(our_reference, notes)), "")
    sold = [v.parse_object(v.parse_object(one, "fulfillmentLineItem"), "lineItem") for one in lines]
    return r.ReturnRecord(
        external_id=v.require_id(row),
        order_external_id=order,
        reference=reference,
        number=str(row.get("name") or ""),
        state=RETURNS.get(str(row.get("status")), r.DocumentState.UNKNOWN),
        reason=next(filter(None, (OUR_NOTE.sub("", note).lstrip(": ") for note in notes)), ""),
        updated_at=updated_at,
        lines=tuple(
            r.DocumentLineRecord(
                external_id=v.parse_id(one.get("id")),
                order_line_external_id=v.parse_id(item.get("id")),
                variant_external_id=v.parse_id(v.parse_object(item, "variant").get("id")),
                sku=v.parse_text(item.get("sku")),
                quantity=v.parse_amount(one.get("quantity"), "quantity"),
            )
            for one, item in zip(lines, sold, strict=True)
        ),
        raw=row,
    )


def parse_webhook(row: Row) -> r.WebhookSubscription:
    return r.WebhookSubscription(
        external_id=v.require_id(row), topic=str(row.get("topic") or ""), address=str(row.get("uri") or "")
    )
