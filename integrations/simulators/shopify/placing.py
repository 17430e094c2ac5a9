"""How an order comes to be: lines, taxes, discounts, payments, fulfilment orders, stock promised.

documented: https://shopify.dev/docs/apps/build/orders-fulfillment: each order has fulfilment orders, one a location,
made when it is placed; stock goes from available to committed. judgement: the whole order goes to the first location
that has all of it, else to the first one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from integrations.simulators.shopify import inventory, totals
from integrations.simulators.shopify.records import Bag, Record, add, make_gid, scale, shop_amount, stamp
from integrations.simulators.shopify.shop import FIRST_ORDER, Shop


def place_order(
    shop: Shop,
    given: Mapping[str, Any],
    lines: Sequence[Mapping[str, Any]],
    shipping: Sequence[Mapping[str, Any]],
    *,
    commit: bool,
) -> Record:
    """`given`: fields of the order; `lines`: title, sku, variant, quantity, unit, discounts, taxes; `shipping`:
    title, code, price, taxes. All money as bags."""
    number = shop.counters["order number"] = shop.counters.get("order number", FIRST_ORDER - 1) + 1
    now = stamp(shop.now())
    order = shop.add("Order", {
        "name": f"#{number}", "number": number, "email": None, "phone": None, "note": None, "poNumber": None,
        "tags": [], "test": False, "closedAt": None, "cancelledAt": None, "cancelReason": None, "cancellation": None,
        "confirmed": True, "confirmationNumber": f"{shop.rng.getrandbits(40):010X}"[:9], "processedAt": now,
        "currencyCode": shop.currency, "presentmentCurrencyCode": shop.currency, "customAttributes": [],
        "customer": None, "customerLocale": "en", "billingAddress": None, "shippingAddress": None, "lineItems": [],
        "fulfillmentOrders": [], "fulfillments": [], "refunds": [], "returns": [], "_transactions": [], "_shipping": [],
        "_discounts": [], "paymentGatewayNames": [], "sourceIdentifier": None, "sourceName": "web",
        "registeredSourceUrl": None, "retailLocation": None, "edited": False, "taxExempt": False,
        "taxesIncluded": shop.profile["taxesIncluded"], **given,
    })  # fmt: skip
    for line in lines:
        add_line(shop, order, line)
    for one in shipping:
        _add_shipping(shop, order, one)
    order["totalPriceSet"] = totals.compute_total(shop, order, current=False)
    route(shop, order, [(line, line["quantity"]) for line in shop.many(order["lineItems"])], commit=commit)
    return order


def add_line(shop: Shop, order: Record, given: Mapping[str, Any]) -> Record:
    variant = given.get("variant")
    product = shop.find(variant["product"]) if variant else None
    title = given.get("title") or (product["title"] if product else "") or given.get("sku") or ""
    variant_title = given.get("variantTitle")
    if variant is not None and variant_title is None and variant["title"] != "Default Title":
        variant_title = variant["title"]
    line = shop.add("LineItem", {
        "order": order["id"], "title": title, "variantTitle": variant_title,
        "name": f"{title} - {variant_title}" if variant_title else title,
        "sku": given.get("sku") or (variant["sku"] if variant else None),
        "vendor": given.get("vendor") or (product["vendor"] if product else None), "quantity": given["quantity"],
        "product": product["id"] if product else None, "variant": variant["id"] if variant else None,
        "originalUnitPriceSet": given["unit"], "discountAllocations": list(given.get("discounts") or []),
        "taxLines": list(given.get("taxes") or []), "customAttributes": list(given.get("properties") or []),
        "taxable": given.get("taxable", True), "requiresShipping": given.get("requiresShipping", True),
        "isGiftCard": given.get("giftCard", False), "_fulfilled": 0, "_refunded": 0, "_dropped": 0, "_edited": 0,
    })  # fmt: skip
    order["lineItems"].append(line["id"])
    return line


def _add_shipping(shop: Shop, order: Record, given: Mapping[str, Any]) -> None:
    number = shop.next_number("ShippingLine")
    order["_shipping"].append({
        "id": make_gid("ShippingLine", number), "title": given["title"], "code": given.get("code") or given["title"],
        "source": given.get("source") or "shopify", "carrierIdentifier": None, "custom": False,
        "deliveryCategory": None, "phone": None, "isRemoved": False, "shippingRateHandle": None,
        "originalPriceSet": given["price"], "taxLines": list(given.get("taxes") or []), "discountAllocations": [],
    })  # fmt: skip


def spread_discount(lines: Sequence[dict[str, Any]], amount: Bag, application: Record) -> None:
    """Allot an order's discount to its lines by what they cost; the last one takes what rounding left.

    documented: allocationMethod ACROSS. judgement: the vendor's rounding is not known.
    """
    whole = sum((shop_amount(scale(line["unit"], line["quantity"])) for line in lines), Decimal(0))
    left = amount
    for place, line in enumerate(lines):
        if place == len(lines) - 1 or not whole:
            share = left
        else:
            share = scale(amount, shop_amount(scale(line["unit"], line["quantity"])) / whole)
        left = add(left, scale(share, -1))
        line.setdefault("discounts", []).append({"allocatedAmountSet": share, "discountApplication": application})


# payments -------------------------------------------------------------------------------------------------------------
def add_transaction(
    shop: Shop,
    order: Record,
    kind: str,
    amount: Bag,
    *,
    gateway: str,
    status: str = "SUCCESS",
    parent: str | None = None,
    test: bool = False,
) -> Record:
    row = shop.add("OrderTransaction", {
        "order": order["id"], "kind": kind, "status": status, "gateway": gateway, "formattedGateway": gateway,
        "amountSet": amount, "parentTransaction": parent, "processedAt": stamp(shop.now()), "test": test,
        "paymentId": f"{order['name']}.{len(order['_transactions']) + 1}", "errorCode": None, "receiptJson": "{}",
        "authorizationCode": None,
    })  # fmt: skip
    order["_transactions"].append(row["id"])
    if gateway and gateway not in order["paymentGatewayNames"]:
        order["paymentGatewayNames"].append(gateway)
    return row


# where it is sent from ------------------------------------------------------------------------------------------------
def route(shop: Shop, order: Record, wanted: Sequence[tuple[Record, int]], *, commit: bool) -> None:
    """What is to be sent of each line goes to one location."""
    location = _best_location(shop, wanted)
    add_fulfillment_order(shop, order, location, wanted, committed=commit)
    if commit:
        for line, quantity in wanted:
            promise(shop, line, location, quantity)


def add_fulfillment_order(
    shop: Shop, order: Record, location: Record, wanted: Sequence[tuple[Record, int]], *, committed: bool
) -> Record:
    row = shop.add("FulfillmentOrder", {
        "order": order["id"], "orderId": order["id"], "orderName": order["name"], "status": "OPEN",
        "requestStatus": "UNSUBMITTED", "fulfillAt": order["processedAt"], "fulfillBy": None,
        "orderProcessedAt": order["processedAt"], "_location": location["id"], "_committed": committed, "lineItems": [],
        "fulfillmentHolds": [], "fulfillments": [],
    })  # fmt: skip
    for line, quantity in wanted:
        one = shop.add("FulfillmentOrderLineItem", {
            "lineItem": line["id"], "fulfillmentOrder": row["id"], "totalQuantity": quantity,
            "remainingQuantity": quantity,
        })  # fmt: skip
        row["lineItems"].append(one["id"])
    order["fulfillmentOrders"].append(row["id"])
    shop.emit(row["id"], "fulfillment_orders/order_routing_complete")
    return row


def _best_location(shop: Shop, wanted: Sequence[tuple[Record, int]]) -> Record:
    def has_all(location: Record) -> bool:
        for line, quantity in wanted:
            level = _level(shop, line, location)
            if line["variant"] and (level is None or inventory.quantity_of(level, "available") < quantity):
                return False
        return True

    active = [row for row in shop.all("Location") if row["isActive"]]
    return next((row for row in active if has_all(row)), active[0])


def _level(shop: Shop, line: Record, location: Record) -> Record | None:
    variant = shop.find(line["variant"]) if line["variant"] else None
    if variant is None:
        return None
    return inventory.find_level(shop, shop.get(variant["inventoryItem"]), location["id"])


def promise(shop: Shop, line: Record, location: Record, quantity: int) -> None:
    """available → committed; a negative quantity gives it back."""
    level = _level(shop, line, location)
    if level is not None and quantity:
        inventory.move(shop, level, available=-quantity, committed=quantity)


def send_out(shop: Shop, line: Record, location: Record, quantity: int) -> None:
    """committed goods leave; what is on hand falls."""
    level = _level(shop, line, location)
    if level is not None and quantity:
        inventory.move(shop, level, committed=-quantity)


def put_back(shop: Shop, line: Record, location: Record, quantity: int) -> None:
    """Returned goods can be sold again."""
    variant = shop.find(line["variant"]) if line["variant"] else None
    if variant is not None and quantity:
        level = inventory.stock_at(shop, shop.get(variant["inventoryItem"]), location)
        inventory.move(shop, level, available=quantity)
