"""What buyers and the shop's staff do, and what the shop holds: the neutral control plane's Shopify side.

judgement: a buyer's order is made as the checkout makes it; the staff's refunds, cancellations and shipments use the
same business methods as the API. An order may say `currency`, the buyer's, `tax_rate` in percent and `discount`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from decimal import ROUND_UP, Decimal
from typing import Any

from integrations.simulators.shopify import (
    customers,
    fulfillments,
    inventory,
    order_create,
    orders,
    placing,
    products,
    refunds,
    totals,
)
from integrations.simulators.shopify.records import (
    Bag,
    Record,
    UserError,
    add,
    make_bag,
    money,
    number_of,
    places,
    plain_id,
    round_to,
    scale,
    shop_amount,
    stamp,
)
from integrations.simulators.shopify.shop import RATES, Shop

GATEWAYS = {"card": "shopify_payments", "cod": "Cash on Delivery (COD)", "bacs": "Bank Deposit"}
ROUNDING: Record = {
    "__typename": "ManualDiscountApplication", "title": "Rounding", "description": None, "index": 0,
    "allocationMethod": "EACH", "targetSelection": "EXPLICIT", "targetType": "LINE_ITEM",
}  # fmt: skip
UNPAID_STATE = {"card": "AUTHORIZATION"}  # what is not paid at once


# catalogue ------------------------------------------------------------------------------------------------------------
def add_catalogue(shop: Shop, given: Sequence[Mapping[str, Any]]) -> int:
    """Products with their variants and stock; the number of variants made."""
    return sum(_add_product(shop, one) for one in given)


def _add_product(shop: Shop, given: Mapping[str, Any]) -> int:
    rows, axes = given["variants"], given.get("axes") or []
    if not axes and len(rows) == 1:
        axes = [{"name": "Title", "values": ["Default Title"]}]
        rows = [{**rows[0], "options": {"Title": "Default Title"}}]
    elif not axes:
        axes = [{"name": "Variant", "values": [one.get("name") or one["sku"] for one in rows]}]
        rows = [{**one, "options": {"Variant": one.get("name") or one["sku"]}} for one in rows]
    wanted = {
        "title": given["name"],
        "descriptionHtml": given.get("description") or "",
        "status": "ACTIVE",
        "productOptions": [
            {"name": axis["name"], "values": [{"name": value} for value in axis["values"]]} for axis in axes
        ],
        "variants": [_variant(shop, one) for one in rows],
    }
    made = shop.get(products.product_set(shop, {"input": wanted})["product"])
    made["publishedAt"] = made["createdAt"]
    return len(rows)


def _variant(shop: Shop, given: Mapping[str, Any]) -> Record:
    stock = int(Decimal(str(given.get("stock") or 0)))
    return {
        "optionValues": [{"optionName": name, "name": value} for name, value in given["options"].items()],
        "price": str(given["price"]),
        "barcode": given.get("barcode") or None,
        "inventoryItem": {"sku": given["sku"], "tracked": True},
        "inventoryQuantities": [{"locationId": shop.primary_location["id"], "name": "available", "quantity": stock}],
    }


# orders ---------------------------------------------------------------------------------------------------------------
def add_order(shop: Shop, given: Mapping[str, Any]) -> dict[str, Any]:
    """A buyer orders, and pays where he is said to."""
    buyer = given.get("customer") or {}
    currency = str(given.get("currency") or shop.currency)
    rate = Decimal(RATES[currency])

    def bag(amount: Any) -> Bag:
        value = Decimal(str(amount))
        return make_bag(money(value, shop.currency), money(value * rate, currency))

    tax = Decimal(str(given.get("tax_rate") or 0)) / 100
    lines = [_line(shop, one, bag) for one in given["lines"]]
    discounts = _discount(lines, bag, given.get("discount"))
    for line in lines:
        line["taxes"] = _taxes(_worth(line), tax)
    shipping = []
    if given.get("shipping") and Decimal(str(given["shipping"])):
        price = bag(given["shipping"])
        shipping = [{"title": "Standard", "price": price, "taxes": _taxes(price, tax)}]
    address = _address(shop, buyer)
    fields: Record = {
        "email": buyer.get("email"), "phone": buyer.get("phone"), "customer": _customer(shop, buyer),
        "billingAddress": address, "shippingAddress": address, "presentmentCurrencyCode": currency,
        "_discounts": discounts,
    }  # fmt: skip
    if given.get("placed_at"):
        fields["processedAt"] = fields["createdAt"] = stamp(datetime.fromisoformat(given["placed_at"]))
    if given.get("number"):
        fields["name"] = str(given["number"])  # as an app for order numbers does
    order = placing.place_order(shop, fields, lines, shipping, commit=True)
    _pay(shop, order, str(given.get("payment") or "card"), paid=bool(given.get("paid", True)))
    order_create.announce_new(shop, order)
    total = order["totalPriceSet"]["shopMoney"]["amount"]
    return {"id": str(number_of(order["id"])), "number": order["name"], "total": total}


def _line(shop: Shop, given: Mapping[str, Any], bag: Any) -> dict[str, Any]:
    found = shop.variants_of_sku(str(given["sku"]))
    if not found:
        raise UserError(f"The shop has no article {given['sku']}.")
    quantity = int(Decimal(str(given["quantity"])))
    price = round_to(Decimal(str(given["price"])), shop.currency)
    total = Decimal(str(given.get("total") or price * quantity))
    if price * quantity == total:
        return {"variant": found[0], "quantity": quantity, "unit": bag(price)}
    # A price of a tenth of a penny: the next coin above it, and a discount on the line for what that is too much.
    price = (total / quantity).quantize(places(shop.currency), ROUND_UP)
    value = bag(price * quantity - total)
    share = {"allocatedAmountSet": value, "discountApplication": ROUNDING | {"value": _fixed(value)}}
    return {"variant": found[0], "quantity": quantity, "unit": bag(price), "discounts": [share]}


def _fixed(value: Bag) -> Record:
    return {"__typename": "MoneyV2", **value["presentmentMoney"]}


def _worth(line: Mapping[str, Any]) -> Bag:
    whole = scale(line["unit"], line["quantity"])
    return add(whole, *(scale(one["allocatedAmountSet"], -1) for one in line.get("discounts") or []))


def _taxes(worth: Bag, rate: Decimal) -> list[Record]:
    return [totals.make_tax_line("VAT", float(rate), scale(worth, rate))] if rate else []


def _discount(lines: list[dict[str, Any]], bag: Any, amount: Any) -> list[Record]:
    if not amount or not Decimal(str(amount)):
        return []
    value = bag(amount)
    application = {
        "__typename": "DiscountCodeApplication", "code": "WELCOME", "index": 0, "allocationMethod": "ACROSS",
        "targetSelection": "ALL", "targetType": "LINE_ITEM",
        "value": _fixed(value),
    }  # fmt: skip
    placing.spread_discount(lines, value, application)
    return [application]


def _names(buyer: Mapping[str, Any]) -> Record:
    first, _, last = str(buyer.get("name") or "").partition(" ")
    return {"firstName": first or None, "lastName": last or None}


def _address(shop: Shop, buyer: Mapping[str, Any]) -> str | None:
    if not buyer:
        return None
    more = {"address1": buyer.get("address"), "countryCode": buyer.get("country"), "phone": buyer.get("phone")}
    return str(customers.add_address(shop, _names(buyer) | more)["id"])


def _customer(shop: Shop, buyer: Mapping[str, Any]) -> str | None:
    if not buyer.get("email"):
        return None
    known = customers.find_by_email(shop, buyer["email"])
    if known is None:
        address = {**_names(buyer), "address1": buyer.get("address"), "countryCode": buyer.get("country")}
        wanted = _names(buyer) | {"email": buyer["email"], "phone": buyer.get("phone"), "addresses": [address]}
        known = customers.add_customer(shop, wanted)
    return str(known["id"])


def _pay(shop: Shop, order: Record, payment: str, *, paid: bool) -> None:
    gateway, total = GATEWAYS.get(payment, payment), order["totalPriceSet"]
    if not shop_amount(total):
        return
    if paid:
        placing.add_transaction(shop, order, "SALE", total, gateway=gateway)
    elif payment in UNPAID_STATE:
        placing.add_transaction(shop, order, UNPAID_STATE[payment], total, gateway=gateway)
    else:
        placing.add_transaction(shop, order, "SALE", total, gateway=gateway, status="PENDING")


# staff ----------------------------------------------------------------------------------------------------------------
def find_order(shop: Shop, number: Any) -> Record:
    order = shop.find(plain_id(str(number), "Order"), "Order")
    if order is None:
        raise UserError(f"The shop has no order {number}.", None, "NOT_FOUND")
    return order


def add_refund(shop: Shop, given: Mapping[str, Any]) -> dict[str, Any]:
    """The staff pays back. What is said of money is in the shop's currency."""
    order = find_order(shop, given["order"])
    lines: list[refunds.Line] = []
    amount = Decimal(0)
    for one in given.get("lines") or []:
        line = totals.lines_of(shop, order)[int(one["index"])]
        quantity = int(Decimal(str(one.get("quantity") or 0)))
        amount += Decimal(str(one["amount"]))
        if quantity > totals.refundable_quantity(line):
            raise UserError("Quantity cannot refund more items than were purchased")
        if quantity:
            lines.append(_refund_line(shop, line, quantity, restock=bool(given.get("restock"))))
    amount = Decimal(str(given["amount"])) if given.get("amount") else amount
    payments = _share(shop, order, amount)
    refund = refunds.make_refund(shop, order, lines, None, payments, note=given.get("reason") or None)
    total = refunds.total_refunded(shop, refund)["shopMoney"]["amount"]
    return {"id": str(number_of(refund["id"])), "amount": total}


def _refund_line(shop: Shop, line: Record, quantity: int, *, restock: bool) -> refunds.Line:
    if not restock:
        return line, quantity, "NO_RESTOCK", None
    kind = "CANCEL" if totals.unfulfilled_quantity(line) >= quantity else "RETURN"
    return line, quantity, kind, shop.primary_location


def _share(shop: Shop, order: Record, amount: Decimal) -> list[refunds.Payment]:
    found: list[refunds.Payment] = []
    whole = order["totalPriceSet"]
    for parent in totals.payments_of(shop, order, totals.PAID_KINDS):
        part = min(amount, shop_amount(refunds.max_refundable(shop, parent)))
        if part > 0:
            theirs = part * Decimal(whole["presentmentMoney"]["amount"]) / shop_amount(whole)
            bag = make_bag(money(part, order["currencyCode"]), money(theirs, order["presentmentCurrencyCode"]))
            found.append((parent, bag))
            amount -= part
    if amount > 0 and totals.payments_of(shop, order, totals.PAID_KINDS):
        raise UserError("Refund amount is greater than net payment received")
    return found


def cancel(shop: Shop, number: Any) -> dict[str, Any]:
    """judgement: the buyer asked for it; what was paid goes back, the goods are free again."""
    order = find_order(shop, number)
    if order["cancelledAt"]:
        raise UserError("Order has already been cancelled")
    orders.cancel_order(shop, order, reason="CUSTOMER", refund=True, restock=True)
    return {"id": str(number_of(order["id"])), "state": state_of(order)}


def ship(shop: Shop, given: Mapping[str, Any]) -> dict[str, Any]:
    """The staff sends what is left, or the lines named."""
    order = find_order(shop, given["order"])
    wanted = {str(one["sku"]): int(Decimal(str(one["quantity"]))) for one in given.get("lines") or []}
    parts: list[fulfillments.Part] = []
    for row in shop.many(order["fulfillmentOrders"]):
        if row["status"] not in fulfillments.SENDABLE:
            continue
        for one in shop.many(row["lineItems"]):
            quantity = one["remainingQuantity"]
            if wanted:
                quantity = min(quantity, wanted.get(shop.get(one["lineItem"])["sku"], 0))
            if quantity:
                parts.append((row, one, quantity))
    if not parts:
        raise UserError("There is nothing left to send.")
    made = fulfillments.make_fulfillment(shop, parts, {"number": given.get("tracking")})
    return {"id": str(number_of(made["id"])), "order": str(number_of(order["id"]))}


# facts ----------------------------------------------------------------------------------------------------------------
def state_of(order: Record) -> str:
    return "cancelled" if order["cancelledAt"] else "closed" if order["closedAt"] else "open"


def list_orders(shop: Shop) -> Iterator[dict[str, Any]]:
    for order in shop.all("Order"):
        yield {
            "id": str(number_of(order["id"])), "number": order["name"],
            "reference": order["sourceIdentifier"] or order["name"], "state": state_of(order),
            "currency": order["currencyCode"], "total": order["totalPriceSet"]["shopMoney"]["amount"],
            "lines": [
                {"sku": line["sku"] or "", "quantity": str(line["quantity"]),
                 "total": totals.discounted_total(line)["shopMoney"]["amount"]}
                for line in totals.lines_of(shop, order)
            ],
        }  # fmt: skip


def list_refunds(shop: Shop) -> Iterator[dict[str, Any]]:
    for row in shop.all("Refund"):
        yield {
            "id": str(number_of(row["id"])), "order": str(number_of(row["order"])), "reference": row["note"] or "",
            "amount": refunds.total_refunded(shop, row)["shopMoney"]["amount"],
            "lines": [
                {"sku": shop.get(one["lineItem"])["sku"] or "", "quantity": str(one["quantity"]),
                 "total": one["subtotalSet"]["shopMoney"]["amount"]}
                for one in shop.many(row["refundLineItems"])
            ],
        }  # fmt: skip


def list_stock(shop: Shop) -> Iterator[dict[str, Any]]:
    for variant in shop.all("ProductVariant"):
        item = shop.get(variant["inventoryItem"])
        if variant["sku"] and item["tracked"]:
            yield {"sku": variant["sku"], "quantity": str(inventory.available_of(shop, item))}


def list_shipments(shop: Shop) -> Iterator[dict[str, Any]]:
    for row in shop.all("Fulfillment"):
        if row["status"] == "SUCCESS":
            yield {
                "id": str(number_of(row["id"])), "order": shop.get(row["order"])["name"],
                "tracking": next((one["number"] for one in row["trackingInfo"] if one["number"]), ""),
                "lines": [
                    {"sku": shop.get(one["lineItem"])["sku"] or "", "quantity": str(one["quantity"])}
                    for one in shop.many(row["fulfillmentLineItems"])
                ],
            }  # fmt: skip
