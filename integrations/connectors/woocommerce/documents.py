"""What wc/v3 is told, from our documents, and what it then says back.

https://woocommerce.github.io/woocommerce-rest-api-docs/#create-an-order, #create-a-product, #create-a-refund.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import ROUND_FLOOR, Decimal
from typing import Any

from integrations.connectors.woocommerce import values as v
from integrations.contract import records as r
from integrations.contract.errors import Rejected

Row = dict[str, Any]
CENT = Decimal("0.01")
ZERO = Decimal(0)
ZERO_RATE = "zero-rate"  # one of core's own tax classes
STATES = {
    "cancelled": r.DocumentState.CANCELLED,
    "failed": r.DocumentState.CANCELLED,
    "trash": r.DocumentState.CANCELLED,
    "completed": r.DocumentState.DONE,
    "refunded": r.DocumentState.DONE,
}
PRODUCT_STATUSES = {
    r.ProductStatus.ACTIVE: "publish",
    r.ProductStatus.DRAFT: "draft",
    r.ProductStatus.ARCHIVED: "private",
}
LINES = ("line_items", "shipping_lines", "fee_lines")


def build_money(amount: Decimal) -> str:
    return f"{amount:f}"


def build_stock(item: r.StockPush) -> Row:
    """Quirk: stock is whole units, and taken only where `manage_stock` is on; half a unit cannot be sold."""
    units = int(item.quantity.to_integral_value(ROUND_FLOOR))
    return {"manage_stock": True, "stock_quantity": units}


def build_price(item: r.PricePush) -> Row:
    return {"regular_price": build_money(item.amount)}


def build_fields(fields: Mapping[str, Any], categories: Mapping[str, int]) -> Row:
    """Fields of a product that is there; `categories` are the shop's ids by name. An image is fetched by the shop from
    its address: https://developer.woocommerce.com/docs/apis/rest-api/v3/products/"""
    row: Row = {name: fields[name] for name in ("name", "description") if name in fields}
    if "status" in fields:
        row["status"] = PRODUCT_STATUSES.get(r.ProductStatus(fields["status"]), "draft")
    if "categories" in fields:
        row["categories"] = [{"id": categories[name]} for name in fields["categories"]]
    if "image_urls" in fields:
        row["images"] = [{"src": address} for address in fields["image_urls"]]
    return row


def build_codes(codes: r.ArticleCodes) -> Row:
    return {"sku": codes.sku, "global_unique_id": codes.barcode}


def parse_push_result(key: str, sent: Mapping[str, Any], answer: Mapping[str, Any]) -> r.PushResult:
    """A refused row of a batch is {"id", "error": {"code", "message", "data": {"status"}}}."""
    if "error" in answer:
        error = answer["error"] if isinstance(answer["error"], Mapping) else {}
        status = v.parse_object(error, "data").get("status") or 400
        outcome = r.PushOutcome.UNKNOWN if int(status) >= 500 else r.PushOutcome.REFUSED
        return r.PushResult(key=key, outcome=outcome, message=v.parse_error(error) or "The shop refuses it.")
    if v.parse_id(answer.get("id")) != str(sent["id"]):
        return r.PushResult(key=key, outcome=r.PushOutcome.UNKNOWN, message="The shop answered for another article.")
    return r.PushResult(key=key, outcome=r.PushOutcome.SENT)


def build_meta(key: str, value: str) -> list[Row]:
    return [{"key": key, "value": value}]


# --- orders ----------------------------------------------------------------------------------------------------------


def build_order(document: r.OrderDocument, meta_key: str, status: str, tax_classes: Mapping[str, str]) -> Row:
    """Amounts go net; the shop computes the tax itself, by the tax class of each line, and may come to another total:
    `tax_classes` says which class each of its rates belongs to."""
    body: Row = {
        "status": status,
        "currency": document.currency,
        "customer_id": int(document.customer_external_id or 0),
        "customer_note": document.note,
        "payment_method": document.payment_method,
        "meta_data": build_order_meta(document, meta_key),
        "line_items": [],
        "shipping_lines": [],
        "fee_lines": [],
    }
    if document.billing:
        body["billing"] = build_address(document.billing, document.customer)
    if document.shipping:
        body["shipping"] = {k: v for k, v in build_address(document.shipping).items() if k != "email"}
    for line in document.lines:
        if line.kind is r.LineKind.ITEM:
            body["line_items"].append(_item(line, tax_classes))
        elif line.kind is r.LineKind.SHIPPING:
            method = document.shipping_method or line.item_external_id or "other"
            row = {"method_id": method, "method_title": line.name or method, "total": build_money(line.net)}
            body["shipping_lines"].append(row)
        else:
            taxed = {"tax_class": _tax_class(line, tax_classes), "tax_status": "taxable" if line.tax_codes else "none"}
            body["fee_lines"].append({"name": line.name or line.kind.value, "total": build_money(line.net)} | taxed)
    return body


def build_order_meta(document: r.OrderDocument, meta_key: str) -> list[Row]:
    """Custom fields are meta fields; the one our reference is found again by is not theirs to fill."""
    if meta_key in document.custom:
        words = f"The meta field “{meta_key}” bears our reference. Correct the rule that fills it."
        raise Rejected(words, code="FIELD_UNKNOWN", field=meta_key)
    return [row for pair in ((meta_key, document.reference), *document.custom.items()) for row in build_meta(*pair)]


def _item(line: r.OrderDocumentLine, tax_classes: Mapping[str, str]) -> Row:
    if not (line.variant_external_id.isascii() and line.variant_external_id.isdigit()):
        raise Rejected(f"Line {line.key} ({line.sku}) names no article of this shop: bind it.", code="ID_INVALID")
    if line.quantity != line.quantity.to_integral_value():
        raise Rejected(f"Line {line.key}: WooCommerce sells whole units, not {line.quantity}.", code="QUANTITY_INVALID")
    return {
        # A variation's id is taken here, too: WooCommerce finds its product itself.
        "product_id": int(line.variant_external_id),
        "quantity": int(line.quantity),
        "subtotal": build_money(line.net + line.discount),
        "total": build_money(line.net),
        "tax_class": _tax_class(line, tax_classes),
    }


def _tax_class(line: r.OrderDocumentLine, tax_classes: Mapping[str, str]) -> str:
    """Quirk: the standard class is called "standard" by /taxes and "" by lines. A line without tax says so."""
    if not line.tax_codes:
        return ZERO_RATE
    if line.tax_codes[0] not in tax_classes:
        raise Rejected(f"The shop has no tax rate {line.tax_codes[0]}: map the tax anew.", code="TAX_UNKNOWN")
    found = tax_classes[line.tax_codes[0]]
    return "" if found == "standard" else found


def build_address(address: r.AddressRecord, customer: r.CustomerRecord | None = None) -> Row:
    """The last word is the last name. Quirk: an e-mail that is none, even '', is refused: it is left out."""
    first, _, last = address.name.strip().rpartition(" ")
    row = {
        "first_name": first,
        "last_name": last,
        "company": address.company,
        "address_1": address.line1,
        "address_2": address.line2,
        "city": address.city,
        "state": address.region,
        "postcode": address.postcode,
        "country": address.country,
        "phone": address.phone or (customer.phone if customer else ""),
    }
    email = address.email or (customer.email if customer else "")
    return row | ({"email": email} if email else {})


def build_shipment_note(document: r.ShipmentDocument) -> str:
    """Begins with the reference and a colon, by which the note is found again."""
    what = " ".join(filter(None, (document.carrier, document.tracking_number, document.tracking_url)))
    return f"Shipment {document.reference}: {what or 'sent'}"


def build_return_note(document: r.ReturnDocument) -> str:
    """For the shop's staff: begins like the others."""
    goods = ", ".join(f"{line.quantity:f} × {line.sku or line.name}" for line in document.lines)
    kept = "" if document.restock else "; not into stock"
    return f"Return {document.reference}: {goods or 'goods'}{f' ({document.reason})' if document.reason else ''}{kept}"


def build_invoice_note(document: r.InvoiceDocument) -> str:
    """For the shop's staff; a credit note is one, too."""
    what = "credit note" if document.credit else "invoice"
    total = f", {document.total:f} {document.currency}" if document.total is not None else ""
    return f"Invoice {document.reference}: {what} {document.number}{total}"


def build_payment_note(document: r.PaymentDocument) -> str:
    word = "paid back" if document.kind is r.PaymentKind.REFUND else "paid"
    return f"Payment {document.reference}: {document.amount:f} {document.currency} {word}"


def parse_order_result(row: Mapping[str, Any]) -> r.CommandResult:
    status = str(row.get("status") or "")
    return r.CommandResult(
        external_id=v.parse_id(v.require(row, "id")),
        number=str(row.get("number") or row["id"]),
        total=v.parse_optional(row.get("total"), "total"),
        tax=v.parse_optional(row.get("total_tax"), "total_tax"),
        line_count=sum(len(v.parse_rows(row, name)) for name in LINES),
        currency=str(row.get("currency") or ""),
        state=STATES.get(status, r.DocumentState.OPEN),
        raw=row,
    )


# --- refunds ---------------------------------------------------------------------------------------------------------


def build_refund(document: r.RefundDocument, order: r.OrderRecord | None, meta_key: str) -> Row:
    """Money is not moved (`api_refund`), stock neither: its figure comes as state. `line_items` are keyed by the
    order's lines of any kind; the tax goes by rate, as the order's line has it. `order` is needed for lines."""
    lines = [_refund_line(line, _order_line(line, order)) for line in document.lines] if order else []
    return {
        "amount": build_money(document.amount),
        "reason": document.reason,
        "api_refund": False,
        "api_restock": False,
        "meta_data": build_meta(meta_key, document.reference),
        "line_items": lines,
    }


def _order_line(line: r.OrderDocumentLine, order: r.OrderRecord) -> r.OrderLineRecord:
    """The one `key` names, else the first of its article."""
    if named := next((one for one in order.lines if one.external_id == line.key and one.kind is line.kind), None):
        return named
    for candidate in order.lines:
        same = candidate.variant_external_id == line.variant_external_id or (line.sku and candidate.sku == line.sku)
        if candidate.kind is line.kind and (same or line.kind is not r.LineKind.ITEM):
            return candidate
    raise Rejected(f"Order {order.number} has no line for {line.sku or line.name}: nothing to refund there.")


def _refund_line(line: r.OrderDocumentLine, sold: r.OrderLineRecord) -> Row:
    row: Row = {"id": int(sold.external_id), "refund_total": build_money(line.net)}
    if sold.kind is r.LineKind.ITEM:
        row["quantity"] = int(line.quantity)
    if line.tax:
        row["refund_tax"] = _share_tax(line.tax, sold)
    return row


def _share_tax(tax: Decimal, sold: r.OrderLineRecord) -> list[Row]:
    """By the sold line's rates in proportion, to the cent; the last takes what rounding leaves."""
    if not sold.taxes or not sold.tax:
        raise Rejected(f"Line {sold.name} was sold without tax, yet {tax} of tax is to be refunded.")
    shares = [(tax * one.amount / sold.tax).quantize(CENT) for one in sold.taxes]
    shares[-1] = tax - sum(shares[:-1], ZERO)
    return [
        {"id": int(one.code), "refund_total": build_money(share)} for one, share in zip(sold.taxes, shares, strict=True)
    ]


def parse_refund_result(row: Mapping[str, Any], currency: str = "") -> r.CommandResult:
    return r.CommandResult(
        external_id=v.parse_id(v.require(row, "id")),
        number=v.parse_id(row["id"]),
        total=abs(v.parse_money(row.get("amount"), "amount")),
        line_count=sum(len(v.parse_rows(row, name)) for name in LINES),
        currency=currency,
        state=r.DocumentState.DONE,
        raw=row,
    )


# --- customers and products ------------------------------------------------------------------------------------------


def build_customer(document: r.CustomerDocument, meta_key: str) -> Row:
    customer = document.customer
    if not customer.email:
        raise Rejected(f"Customer {customer.name} has no e-mail: WooCommerce accounts need one.", field="email")
    first, _, last = customer.name.strip().rpartition(" ")
    body: Row = {
        "email": customer.email,
        "first_name": first,
        "last_name": last,
        "meta_data": build_meta(meta_key, document.reference),
    }
    if customer.billing:
        body["billing"] = build_address(customer.billing, customer)
    if customer.shipping:
        body["shipping"] = {k: v for k, v in build_address(customer.shipping).items() if k != "email"}
    return body


def parse_customer_result(row: Mapping[str, Any]) -> r.CommandResult:
    return r.CommandResult(external_id=v.parse_id(v.require(row, "id")), number=str(row.get("email") or ""), raw=row)


def build_product(document: r.ProductDocument, meta_key: str) -> Row:
    """A simple product, or a variable one whose variations follow."""
    product = document.product
    body: Row = {
        "name": product.name,
        "description": product.description,
        "status": PRODUCT_STATUSES.get(product.status, "draft"),
        "images": [{"src": address} for address in product.image_urls],
        "meta_data": build_meta(meta_key, document.reference),
    }
    if not product.axes:
        only = product.variants[0] if product.variants else r.VariantRecord(external_id="")
        return body | {"type": "simple", **_article(only), "sku": only.sku or document.reference}
    attributes = [{"name": a.name, "options": list(a.values), "visible": True, "variation": True} for a in product.axes]
    body |= {"type": "variable", "attributes": attributes}
    # Quirk: a SKU is unique over products and variations together.
    taken = document.reference in {variant.sku for variant in product.variants}
    return body if taken else body | {"sku": document.reference}


def build_variation(variant: r.VariantRecord) -> Row:
    attributes = [{"name": name, "option": value} for name, value in variant.options]
    row = {**_article(variant), "attributes": attributes}
    return row | ({"image": {"src": variant.image_url}} if variant.image_url else {})


def _article(variant: r.VariantRecord) -> Row:
    row: Row = {"sku": variant.sku, "global_unique_id": variant.barcode}
    if variant.price is not None:
        row["regular_price"] = build_money(variant.price)
    return {name: value for name, value in row.items() if value}


def parse_product_result(row: Mapping[str, Any], articles: Sequence[Mapping[str, Any]] = ()) -> r.CommandResult:
    return r.CommandResult(
        external_id=v.parse_id(v.require(row, "id")),
        number=str(row.get("sku") or ""),
        children=tuple((v.parse_text(one.get("sku")), v.parse_id(one.get("id"))) for one in articles),
        raw=row,
    )
