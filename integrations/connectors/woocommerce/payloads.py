"""What wc/v3 says, as records. https://woocommerce.github.io/woocommerce-rest-api-docs/#order-properties"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from typing import Any, TypeVar

from integrations.connectors.woocommerce.values import (
    Row,
    parse_id,
    parse_meta,
    parse_money,
    parse_object,
    parse_optional,
    parse_rows,
    parse_text,
    parse_time,
    require,
    row_stamp,
    split_words,
)
from integrations.contract import records as r
from integrations.contract.errors import PayloadInvalid

T = TypeVar("T")
ZERO = Decimal(0)
PRODUCT_STATUSES = {
    "publish": r.ProductStatus.ACTIVE,
    "private": r.ProductStatus.DRAFT,
    "draft": r.ProductStatus.DRAFT,
    "pending": r.ProductStatus.DRAFT,
    "future": r.ProductStatus.DRAFT,
    "trash": r.ProductStatus.ARCHIVED,
}
FULFILMENT = {
    "pending": r.FulfilmentStatus.UNFULFILLED,
    "on-hold": r.FulfilmentStatus.UNFULFILLED,
    "processing": r.FulfilmentStatus.UNFULFILLED,
    "failed": r.FulfilmentStatus.UNFULFILLED,
    "completed": r.FulfilmentStatus.FULFILLED,
    "cancelled": r.FulfilmentStatus.CANCELLED,
}
KNOWN_STATUSES = {*FULFILMENT, "refunded"}
NOT_YET_ORDERS = frozenset({"auto-draft", "checkout-draft"})  # carts the checkout block keeps as orders
CASH_ON_DELIVERY = "cod"  # the id of core's payment method


def parse_page(
    rows: Sequence[Row], parse: Callable[[Row], T], cursor: str = "", since: datetime | None = None
) -> r.Page[T]:
    """What can be parsed, and beside it what cannot, with its raw payload."""
    records: list[T] = []
    failed: list[r.FailedRecord] = []
    for row in rows:
        try:
            records.append(parse(row))
        except PayloadInvalid as error:
            failed.append(r.FailedRecord(external_id=parse_id(row.get("id")), error=error.message, raw=row))
    return r.Page(records=tuple(records), cursor=cursor, since=since, failed=tuple(failed))


# --- catalogue -------------------------------------------------------------------------------------------------------


def parse_product(row: Row, variations: Sequence[Row] = (), currency: str = "") -> r.ProductRecord:
    """A product with its variations; any other type than `variable` is one variant under the product's own id."""
    external_id = parse_id(require(row, "id"))
    variable = row.get("type") == "variable"
    status = str(row.get("status") or "")
    axes = tuple(
        r.AxisRecord(
            name=parse_text(axis.get("name")),
            values=tuple(parse_text(value) for value in axis.get("options") or ()),
            external_id=parse_id(axis.get("id")),
        )
        for axis in parse_rows(row, "attributes")
        if variable and axis.get("variation")
    )
    images = tuple(str(image["src"]) for image in parse_rows(row, "images") if image.get("src"))
    return r.ProductRecord(
        external_id=external_id,
        code=parse_text(row.get("sku")),
        name=parse_text(require(row, "name")),
        description=str(row.get("description") or ""),
        status=PRODUCT_STATUSES.get(status, r.ProductStatus.UNKNOWN),
        status_text=status,
        brand=", ".join(parse_text(brand.get("name")) for brand in parse_rows(row, "brands")),
        categories=tuple(parse_text(category.get("name")) for category in parse_rows(row, "categories")),
        image_urls=images,
        axes=axes,
        variants=tuple(parse_variant(one) for one in variations) if variable else (parse_variant(row),),
        currency=currency,
        updated_at=row_stamp(row),
        deleted=status == "trash",
        raw=row,
    )


def parse_variant(row: Row) -> r.VariantRecord:
    """A variation, or a product without any. The price is the regular one: a sale is the shop's own affair."""
    image = parse_object(row, "image")
    axes = parse_rows(row, "attributes") if "option" in (parse_rows(row, "attributes") or [{}])[0] else []
    return r.VariantRecord(
        external_id=parse_id(require(row, "id")),
        sku=parse_text(row.get("sku")),
        barcode=parse_text(row.get("global_unique_id")),
        name=parse_text(row.get("name")),
        options=tuple((parse_text(axis.get("name")), parse_text(axis.get("option"))) for axis in axes),
        price=parse_optional(row.get("regular_price") or row.get("price"), "regular_price"),
        image_url=str(image.get("src") or ""),
    )


def parse_stock(row: Row) -> r.StockRow | None:
    """None where no stock is kept. Quirk: `manage_stock` "parent" shows the figure all its variations share."""
    if not row.get("manage_stock") or row.get("stock_quantity") is None:
        return None
    return r.StockRow(parse_id(require(row, "id")), "", parse_money(row["stock_quantity"], "stock_quantity"))


def parse_price(row: Row, currency: str) -> r.PriceRow | None:
    amount = parse_optional(row.get("regular_price"), "regular_price")
    return None if amount is None else r.PriceRow(parse_id(require(row, "id")), "", amount, currency)


# --- customers -------------------------------------------------------------------------------------------------------


def parse_address(row: Row) -> r.AddressRecord | None:
    """None for an address nobody filled in."""
    address = r.AddressRecord(
        name=f"{parse_text(row.get('first_name'))} {parse_text(row.get('last_name'))}".strip(),
        company=parse_text(row.get("company")),
        line1=parse_text(row.get("address_1")),
        line2=parse_text(row.get("address_2")),
        city=parse_text(row.get("city")),
        region=parse_text(row.get("state")),
        postcode=parse_text(row.get("postcode")),
        country=parse_text(row.get("country")),
        phone=parse_text(row.get("phone")),
        email=parse_text(row.get("email")),
    )
    return None if address == r.AddressRecord() else address


def parse_customer(row: Row) -> r.CustomerRecord:
    billing = parse_address(parse_object(row, "billing"))
    own = f"{parse_text(row.get('first_name'))} {parse_text(row.get('last_name'))}".strip()
    return r.CustomerRecord(
        external_id=parse_id(require(row, "id")),
        name=own or (billing.name if billing else "") or parse_text(row.get("username")),
        company=billing.company if billing else "",
        email=parse_text(row.get("email")),
        phone=billing.phone if billing else "",
        billing=billing,
        shipping=parse_address(parse_object(row, "shipping")),
        created_at=parse_time(row.get("date_created_gmt")),
        updated_at=row_stamp(row),
        raw=row,
    )


def _buyer(row: Row, billing: r.AddressRecord | None) -> r.CustomerRecord | None:
    """Who ordered, from the billing data; customer_id 0 is a guest."""
    customer_id = parse_id(row.get("customer_id"))
    if billing is None:
        return r.CustomerRecord(external_id=customer_id) if customer_id else None
    return r.CustomerRecord(
        external_id=customer_id,
        name=billing.name,
        company=billing.company,
        email=billing.email,
        phone=billing.phone,
        billing=billing,
    )


# --- orders ----------------------------------------------------------------------------------------------------------


def parse_order(row: Row, refunds: Sequence[Row] = (), meta_key: str = "") -> r.OrderRecord:
    """`refunds` are the full ones of /orders/<id>/refunds: the order itself lists only their ids and totals; `meta_key`
    is the field our references are in.

    Coupons are inside the lines already. Σ gross = total, but for rounding, which is left to the reader.
    """
    external_id = parse_id(require(row, "id"))
    status = str(require(row, "status"))
    currency = str(require(row, "currency"))
    total = parse_money(row.get("total"), "total")
    placed_at = parse_time(row.get("date_created_gmt"))
    if placed_at is None:
        raise PayloadInvalid("date_created_gmt is missing.", field="date_created_gmt")
    given_back = tuple(parse_refund(refund, external_id, currency, meta_key) for refund in refunds)
    billing = parse_address(parse_object(row, "billing"))
    return r.OrderRecord(
        external_id=external_id,
        number=str(row.get("number") or external_id),
        currency=currency,
        total=total,
        placed_at=placed_at,
        updated_at=row_stamp(row) or placed_at,
        status_text=status,
        cancelled=status == "cancelled",
        financial=_financial(row, status, total, sum((refund.amount for refund in given_back), ZERO)),
        fulfilment=FULFILMENT.get(status, r.FulfilmentStatus.UNKNOWN),
        cash_on_delivery=row.get("payment_method") == CASH_ON_DELIVERY,
        payment_method=str(row.get("payment_method") or ""),
        customer=_buyer(row, billing),
        billing=billing,
        shipping=parse_address(parse_object(row, "shipping")),
        lines=_lines(row),
        payments=_payments(row, total),
        refunds=given_back,
        note=str(row.get("customer_note") or ""),
        raw=row,
    )


def mark_order(order: r.OrderRecord, settings: Mapping[str, Any]) -> r.OrderRecord:
    """The order with what plugins say of it, where the connection's settings name their fields: core knows neither
    tags nor a warning of fraud, nor which payment types are on account."""
    listed = {name: split_words(settings.get(name)) for name in ("on_account_methods", "flag_values")}
    tags = split_words(parse_meta(order.raw, str(settings.get("tag_meta_key") or "")))
    said = parse_meta(order.raw, str(settings.get("flag_meta_key") or ""))
    suspected = said and (not listed["flag_values"] or said.lower() in map(str.lower, listed["flag_values"]))
    return replace(
        order,
        on_account=order.payment_method != "" and order.payment_method in listed["on_account_methods"],
        tags=tags,
        flagged=f"{settings.get('flag_meta_key')}: {said}" if suspected else "",
    )


def _financial(row: Row, status: str, total: Decimal, refunded: Decimal) -> r.FinancialStatus:
    """The date of payment decides, not the status: a shop may complete an unpaid order."""
    if status == "refunded" or (refunded and refunded >= total):
        return r.FinancialStatus.REFUNDED
    if refunded:
        return r.FinancialStatus.PARTIALLY_REFUNDED
    if parse_time(row.get("date_paid_gmt")):
        return r.FinancialStatus.PAID
    if status in {"cancelled", "failed"}:
        return r.FinancialStatus.VOIDED
    return r.FinancialStatus.PENDING if status in KNOWN_STATUSES else r.FinancialStatus.UNKNOWN


def _payments(row: Row, total: Decimal) -> tuple[r.PaymentRecord, ...]:
    """Core knows one payment, in full; none before `date_paid`."""
    paid_at = parse_time(row.get("date_paid_gmt"))
    if paid_at is None or total <= 0:
        return ()
    payment = r.PaymentRecord(
        external_id=str(row.get("transaction_id") or f"order-{row['id']}"),
        kind=r.PaymentKind.CAPTURE,
        method=str(row.get("payment_method") or ""),
        amount=total,
        at=paid_at,
        title=parse_text(row.get("payment_method_title")),
    )
    return (payment,)


def _lines(row: Row) -> tuple[r.OrderLineRecord, ...]:
    rates = {parse_id(rate.get("rate_id")): rate for rate in parse_rows(row, "tax_lines")}
    return (
        *(_line(line, r.LineKind.ITEM, rates) for line in parse_rows(row, "line_items")),
        *(_line(line, r.LineKind.SHIPPING, rates) for line in parse_rows(row, "shipping_lines")),
        *(_line(line, r.LineKind.FEE, rates) for line in parse_rows(row, "fee_lines")),
    )


def _line(line: Row, kind: r.LineKind, rates: Mapping[str, Row]) -> r.OrderLineRecord:
    """`total` is net of tax and after discount, `subtotal` net before it (items only); both also where the shop's
    prices include tax. `price` is the net unit price after discount."""
    item = kind is r.LineKind.ITEM
    net, tax = parse_money(line.get("total"), "total"), parse_money(line.get("total_tax") or 0, "total_tax")
    subtotal = parse_money(line.get("subtotal") if item else line.get("total"), "subtotal")
    return r.OrderLineRecord(
        external_id=parse_id(require(line, "id")),
        kind=kind,
        variant_external_id=parse_id(line.get("variation_id")) or parse_id(line.get("product_id")) if item else "",
        sku=parse_text(line.get("sku")),
        name=parse_text(line.get("name") if item or kind is r.LineKind.FEE else line.get("method_title")),
        quantity=parse_money(line.get("quantity"), "quantity") if item else Decimal(1),
        unit_price=parse_money(line.get("price"), "price") if item else net,
        discount=subtotal - net,
        net=net,
        tax=tax,
        gross=net + tax,
        taxes=tuple(_tax(one, rates) for one in parse_rows(line, "taxes") if one.get("total") not in (None, "")),
    )


def _tax(tax: Row, rates: Mapping[str, Row]) -> r.TaxRecord:
    code = parse_id(tax.get("id"))
    rate = rates.get(code, {})
    return r.TaxRecord(
        code=code,
        amount=parse_money(tax["total"], "taxes.total"),
        rate=parse_optional(rate.get("rate_percent"), "rate_percent"),
        name=parse_text(rate.get("label")),
    )


def parse_refund(row: Row, order_external_id: str, currency: str, meta_key: str = "") -> r.RefundRecord:
    """`amount` is positive, its lines are negative and name the order's line in the meta `_refunded_item_id`."""
    lines = [*parse_rows(row, "line_items"), *parse_rows(row, "shipping_lines"), *parse_rows(row, "fee_lines")]
    return r.RefundRecord(
        external_id=parse_id(require(row, "id")),
        order_external_id=order_external_id,
        amount=abs(parse_money(row.get("amount"), "amount")),
        currency=currency,
        reason=parse_text(row.get("reason")),
        reference=parse_meta(row, meta_key) if meta_key else "",
        at=row_stamp(row),
        lines=tuple(
            r.RefundLineRecord(
                order_line_external_id=parse_meta(line, "_refunded_item_id"),
                quantity=abs(parse_money(line.get("quantity", 1), "quantity")),
                net=abs(parse_money(line.get("total"), "total")),
                tax=abs(parse_money(line.get("total_tax") or 0, "total_tax")),
                sku=parse_text(line.get("sku")),
            )
            for line in lines
        ),
        raw=row,
    )


def parse_webhook(row: Row) -> r.WebhookSubscription:
    return r.WebhookSubscription(
        external_id=parse_id(require(row, "id")),
        topic=str(row.get("topic") or ""),
        address=str(row.get("delivery_url") or ""),
        active=row.get("status") == "active",
    )
