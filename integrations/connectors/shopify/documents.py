"""What the Admin API is told, from our documents, and what it then says back.

https://shopify.dev/docs/api/admin-graphql/2026-07/mutations: orderCreate, productSet, productVariantsBulkUpdate,
fulfillmentCreate, returnCreate, refundCreate, customerCreate.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import ROUND_FLOOR, Decimal
from typing import Any

from integrations.connectors.shopify import values as v
from integrations.connectors.shopify.payloads import DEFAULT_OPTION
from integrations.contract import records as r
from integrations.contract.errors import Rejected

Row = dict[str, Any]
CENT = Decimal("0.01")
ZERO = Decimal(0)
DEFAULT_VALUE = "Default Title"
PRODUCT_STATUSES = {
    r.ProductStatus.ACTIVE: "ACTIVE",
    r.ProductStatus.DRAFT: "DRAFT",
    r.ProductStatus.ARCHIVED: "ARCHIVED",
}
SHIPPABLE = {"OPEN", "IN_PROGRESS"}
SHIPPED = {"SUCCESS", "OPEN", "PENDING"}


def build_note(reference: str, words: str = "") -> str:
    """Begins so that it is known as ours again."""
    return f"Stockbridge {reference}: {words}" if words else f"Stockbridge {reference}"


def build_tag(reference: str) -> str:
    return f"stockbridge-{reference}"


# --- state -----------------------------------------------------------------------------------------------------------


def build_quantity(item: r.StockPush, inventory_item: str, location: str, former: Decimal) -> Row:
    """Whole units: half a one cannot be sold. The figure is set only if it is still `former`."""
    return {
        "inventoryItemId": inventory_item,
        "locationId": location,
        "quantity": units(item.quantity),
        "changeFromQuantity": int(former),
    }


def units(quantity: Decimal) -> int:
    return int(quantity.to_integral_value(ROUND_FLOOR))


def build_price(item: r.PricePush) -> Row:
    return {"price": v.build_amount(item.amount)}


def build_codes(codes: r.ArticleCodes) -> Row:
    return {"barcode": codes.barcode, "inventoryItem": {"sku": codes.sku}}


def build_fields(external_id: str, fields: Mapping[str, Any]) -> Row:
    """Fields of a product that is there."""
    names = {"name": "title", "description": "descriptionHtml", "brand": "vendor"}
    row: Row = {"id": v.gid("Product", external_id)}
    row |= {theirs: fields[ours] for ours, theirs in names.items() if ours in fields}
    if "status" in fields:
        row["status"] = PRODUCT_STATUSES.get(r.ProductStatus(fields["status"]), "DRAFT")
    return row


# --- products and customers ------------------------------------------------------------------------------------------


def build_product(document: r.ProductDocument) -> Row:
    """A product with all its variants; one without any has the option that Shopify gives it then."""
    product = document.product
    variants = product.variants or (r.VariantRecord(external_id="", sku=document.reference),)
    axes = [(axis.name, axis.values) for axis in product.axes] or [(DEFAULT_OPTION, (DEFAULT_VALUE,))]
    return {
        "title": product.name,
        "descriptionHtml": product.description,
        "vendor": product.brand,
        "productType": product.categories[0] if product.categories else "",
        "status": PRODUCT_STATUSES.get(product.status, "DRAFT"),
        "tags": [build_tag(document.reference)],
        "files": [{"originalSource": address, "contentType": "IMAGE"} for address in product.image_urls],
        "productOptions": [
            {"name": name, "position": place, "values": [{"name": value} for value in values]}
            for place, (name, values) in enumerate(axes, start=1)
        ],
        "variants": [_variant(one, simple=not product.axes) for one in variants],
    }


def _variant(variant: r.VariantRecord, *, simple: bool) -> Row:
    options = [(DEFAULT_OPTION, DEFAULT_VALUE)] if simple else variant.options
    row: Row = {
        "optionValues": [{"optionName": name, "name": value} for name, value in options],
        "sku": variant.sku,
        "inventoryItem": {"tracked": True},
    }
    if variant.barcode:
        row["barcode"] = variant.barcode
    if variant.price is not None:
        row["price"] = v.build_amount(variant.price)
    return row


def parse_product_result(row: v.Row, variants: Sequence[v.Row]) -> r.CommandResult:
    return r.CommandResult(
        external_id=v.require_id(row),
        number=str(row.get("handle") or ""),
        children=tuple((v.parse_text(one.get("sku")), v.parse_id(one.get("id"))) for one in variants),
        raw=row,
    )


def build_customer(document: r.CustomerDocument) -> Row:
    """The last word is the last name. A new one bears a tag by which it is found again."""
    customer = document.customer
    first, _, last = customer.name.strip().rpartition(" ")
    row: Row = {"firstName": first, "lastName": last}
    row |= {name: value for name, value in (("email", customer.email), ("phone", customer.phone)) if value}
    if document.external_id:
        return row | {"id": v.gid("Customer", document.external_id)}
    row["tags"] = [build_tag(document.reference)]
    addresses = [build_address(one) for one in (customer.billing, customer.shipping) if one is not None]
    return row | ({"addresses": addresses} if addresses else {})


def parse_customer_result(row: v.Row) -> r.CommandResult:
    email = v.parse_text(v.parse_object(row, "defaultEmailAddress").get("emailAddress"))
    return r.CommandResult(external_id=v.require_id(row), number=email, raw=row)


def build_address(address: r.AddressRecord) -> Row:
    first, _, last = address.name.strip().rpartition(" ")
    row = {
        "firstName": first, "lastName": last, "company": address.company, "address1": address.line1,
        "address2": address.line2, "city": address.city, "provinceCode": address.region, "zip": address.postcode,
        "countryCode": address.country, "phone": address.phone,
    }  # fmt: skip
    return {name: value for name, value in row.items() if value}


# --- orders ----------------------------------------------------------------------------------------------------------


def build_order(document: r.OrderDocument) -> Row:
    """An order sold elsewhere, under our reference as its sourceIdentifier. Amounts are net, or gross where the
    document's prices include tax; taxes go with their lines, so that none is computed."""
    currency, included = document.currency, document.prices_include_tax
    items = [line for line in document.lines if line.kind is not r.LineKind.SHIPPING]
    shipping = [line for line in document.lines if line.kind is r.LineKind.SHIPPING]
    row: Row = {
        "sourceIdentifier": document.reference,
        "currency": currency,
        "processedAt": v.build_time(document.placed_at),
        "taxesIncluded": included,
        "note": document.note,
        "lineItems": [_item(line, currency, included=included) for line in items],
        "shippingLines": [_shipping(line, document, included=included) for line in shipping],
    }
    if document.purchase_order:
        row["poNumber"] = document.purchase_order
    if document.custom:
        row["customAttributes"] = [{"key": key, "value": value} for key, value in document.custom.items()]
    if document.customer_external_id:
        row["customer"] = {"toAssociate": {"id": v.gid("Customer", document.customer_external_id)}}
    elif document.customer and document.customer.email:
        row["email"] = document.customer.email
    for name, address in (("billingAddress", document.billing), ("shippingAddress", document.shipping)):
        if address is not None:
            row[name] = build_address(address)
    return row


def _item(line: r.OrderDocumentLine, currency: str, *, included: bool) -> Row:
    """What is no article is a line of its own name."""
    if line.quantity != line.quantity.to_integral_value() or line.quantity <= 0:
        raise Rejected(f"Line {line.key}: Shopify sells whole units, not {line.quantity}.", code="QUANTITY_INVALID")
    amount = line.gross if included else line.net
    each = (amount / line.quantity).quantize(CENT)
    if each * line.quantity != amount:
        words = f"Line {line.key}: {amount} for {line.quantity:f} makes no price a unit to the cent: Shopify needs one."
        raise Rejected(words, code="PRICE_INVALID")
    row: Row = {
        "quantity": int(line.quantity),
        "priceSet": v.build_bag(each, currency),
        "taxLines": _taxes(line, currency),
    }
    if line.kind is r.LineKind.ITEM:
        return row | {"variantId": v.gid("ProductVariant", line.variant_external_id)}
    return row | {"title": line.name or line.kind.value.capitalize(), "requiresShipping": False}


def _shipping(line: r.OrderDocumentLine, document: r.OrderDocument, *, included: bool) -> Row:
    row: Row = {
        "title": line.name or "Shipping",
        "priceSet": v.build_bag(line.gross if included else line.net, document.currency),
        "taxLines": _taxes(line, document.currency),
    }
    code = document.shipping_method or line.item_external_id
    return row | ({"code": code} if code else {})


def _taxes(line: r.OrderDocumentLine, currency: str) -> list[Row]:
    """Shopify's taxes are a title and a rate."""
    if not line.tax_codes:
        return []
    rate = (line.tax / line.net).quantize(Decimal("0.0001")) if line.net else ZERO
    return [{"title": line.tax_codes[0], "rate": f"{rate:f}", "priceSet": v.build_bag(line.tax, currency)}]


def parse_order_result(row: v.Row) -> r.CommandResult:
    state = r.DocumentState.DONE if row.get("displayFulfillmentStatus") == "FULFILLED" else r.DocumentState.OPEN
    return r.CommandResult(
        external_id=v.require_id(row),
        number=str(row.get("name") or ""),
        total=v.parse_money(row, "totalPriceSet"),
        tax=v.parse_money(row, "totalTaxSet"),
        line_count=len(v.parse_rows(row, "lineItems")) + len(v.parse_rows(row, "shippingLines")),
        currency=str(row.get("currencyCode") or ""),
        state=r.DocumentState.CANCELLED if row.get("cancelledAt") else state,
        raw=row,
    )


# --- shipments, returns, refunds -------------------------------------------------------------------------------------


def find_line(line: r.OrderDocumentLine, items: Sequence[v.Row]) -> v.Row:
    """The one `key` names, else the first of its article. `items` have `lineItem`, and `variant` and `sku` there or
    themselves."""
    for item in items:
        if v.parse_id(v.parse_object(item, "lineItem").get("id")) == line.key:
            return item
    for item in items:
        sold = item if "variant" in item else v.parse_object(item, "lineItem")
        variant = v.parse_id(v.parse_object(sold, "variant").get("id"))
        if (variant and variant == line.variant_external_id) or (line.sku and sold.get("sku") == line.sku):
            return item
    raise Rejected(f"The order has no line for {line.sku or line.name or line.key} that this could be about.")


def build_shipments(document: r.ShipmentDocument, order: v.Row, *, notify: bool) -> list[Row]:
    """One fulfilment for each of the order's fulfilment orders that has something of it left: those are what is to be
    shipped from one place, fulfilments what has been. [] where everything is shipped under this number already."""
    number = document.tracking_number or document.reference
    there = [one for one in v.parse_rows(order, "fulfillments") if bears(one, number)]
    parts = [one for one in v.parse_rows(order, "fulfillmentOrders") if one.get("status") in SHIPPABLE]
    open_items = [item for part in parts for item in v.parse_rows(part, "lineItems")]
    wanted = _wanted(document, open_items, there)
    tracking = {"number": number, "company": document.carrier, "url": document.tracking_url}
    shipments = []
    for part in parts:
        taken = _take(wanted, v.parse_rows(part, "lineItems"))
        if taken:
            shipments.append({
                "lineItemsByFulfillmentOrder": [{"fulfillmentOrderId": part["id"], "fulfillmentOrderLineItems": taken}],
                "notifyCustomer": notify,
                "trackingInfo": {name: value for name, value in tracking.items() if value},
            })  # fmt: skip
    if any(left > 0 for left in wanted.values()) or (not shipments and not there):
        words = f"Shipment {document.reference}: Shopify has nothing left to ship of what it holds."
        raise Rejected(words, code="NOTHING_TO_SHIP")
    return shipments


def bears(fulfilment: v.Row, number: str) -> bool:
    tracked = v.parse_rows(fulfilment, "trackingInfo")
    return fulfilment.get("status") in SHIPPED and any(one.get("number") == number for one in tracked)


def _wanted(document: r.ShipmentDocument, items: Sequence[v.Row], there: Sequence[v.Row]) -> dict[str, int]:
    """The order's line → how many are to be shipped, less those shipped under this number."""
    wanted: dict[str, int] = {}
    if document.complete or not document.lines:
        for item in items:
            line = v.parse_id(v.parse_object(item, "lineItem").get("id"))
            wanted[line] = wanted.get(line, 0) + int(item.get("remainingQuantity") or 0)
        return wanted
    shipped = [one for fulfilment in there for one in v.parse_rows(fulfilment, "fulfillmentLineItems")]
    for asked in document.lines:
        item = find_line(asked, [*items, *shipped])
        line = v.parse_id(v.parse_object(item, "lineItem").get("id"))
        done = (one for one in shipped if v.parse_id(v.parse_object(one, "lineItem").get("id")) == line)
        wanted[line] = wanted.get(line, 0) + units(asked.quantity) - sum(int(one.get("quantity") or 0) for one in done)
    return wanted


def _take(wanted: dict[str, int], items: Sequence[v.Row]) -> list[Row]:
    """What of `wanted` these hold; it is taken out of it."""
    taken = []
    for item in items:
        line = v.parse_id(v.parse_object(item, "lineItem").get("id"))
        quantity = min(wanted.get(line, 0), int(item.get("remainingQuantity") or 0))
        if quantity > 0:
            wanted[line] -= quantity
            taken.append({"id": item["id"], "quantity": quantity})
    return taken


def parse_shipment_result(row: v.Row) -> r.CommandResult:
    number, done = str(row.get("name") or ""), r.DocumentState.DONE
    return r.CommandResult(external_id=v.require_id(row), number=number, state=done, raw=row)


def build_return(document: r.ReturnDocument, order: v.Row) -> Row:
    """Of what was shipped: a return names lines of fulfilments."""
    shipped = [
        one
        for fulfilment in v.parse_rows(order, "fulfillments")
        if fulfilment.get("status") in SHIPPED
        for one in v.parse_rows(fulfilment, "fulfillmentLineItems")
    ]
    note = build_note(document.reference, document.reason)[:255]
    lines = [
        {"fulfillmentLineItemId": find_line(line, shipped)["id"], "quantity": units(line.quantity),
         "returnReason": "OTHER", "returnReasonNote": note}
        for line in document.lines
    ]  # fmt: skip
    if not lines:
        raise Rejected(f"Return {document.reference} names no goods: Shopify needs the lines that come back.")
    return {"orderId": order["id"], "returnLineItems": lines}


def parse_return_result(row: v.Row) -> r.CommandResult:
    return r.CommandResult(external_id=v.require_id(row), number=str(row.get("name") or ""), raw=row)


def build_refund(document: r.RefundDocument, order: r.OrderRecord, gateway: str) -> Row:
    """Books a refund whose money was or will be given back elsewhere: its transaction goes through `gateway`, a way of
    paying by hand. Stock is told as state."""
    order_id = v.gid("Order", document.order_external_id)
    if order.presentment_currency:
        words = f"The buyer paid order {order.number} in {order.presentment_currency}: refund it in Shopify."
        raise Rejected(words, code="CURRENCY_OTHER")
    goods = [line for line in document.lines if line.kind is not r.LineKind.SHIPPING]
    sold = {one.external_id: one for one in order.lines}
    freight = sum((line.gross for line in document.lines if line.kind is r.LineKind.SHIPPING), ZERO)
    row: Row = {
        "orderId": order_id,
        "note": build_note(document.reference, document.reason),
        "notify": False,
        "refundLineItems": [
            {"lineItemId": v.gid("LineItem", _sold(line, sold).external_id), "quantity": units(line.quantity),
             "restockType": "NO_RESTOCK"}
            for line in goods
        ],
        "transactions": [
            {"orderId": order_id, "gateway": gateway, "kind": "REFUND", "amount": v.build_amount(document.amount)}
        ],
    }  # fmt: skip
    return row | ({"shipping": {"amount": v.build_amount(freight)}} if freight else {})


def _sold(line: r.OrderDocumentLine, sold: Mapping[str, r.OrderLineRecord]) -> r.OrderLineRecord:
    items = [one for one in sold.values() if one.kind is r.LineKind.ITEM]
    named = next((one for one in items if one.external_id == line.key), None)
    same = (
        one
        for one in items
        if one.variant_external_id == line.variant_external_id or (line.sku and one.sku == line.sku)
    )
    found = named or next(same, None)
    if found is None:
        raise Rejected(f"The order has no line for {line.sku or line.name}: nothing to refund there.")
    return found


def parse_refund_result(record: r.RefundRecord) -> r.CommandResult:
    return r.CommandResult(
        external_id=record.external_id, number=record.external_id, total=record.amount, currency=record.currency,
        line_count=len(record.lines), state=r.DocumentState.DONE, raw=record.raw,
    )  # fmt: skip
