"""Refunds: lines taken off an order, goods put back or not, money given back. A refund is not a return.

documented: https://shopify.dev/docs/api/admin-graphql/2026-07/mutations/refundCreate and .../input-objects/RefundInput:
`currency` is needed where the buyer's is not the shop's, the transactions are in it; what is refunded beside the
lines is an order adjustment. judgement: NO_RESTOCK takes what is not sent yet first; more money back than came in is
refused unless allowOverRefunding.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from integrations.simulators.shopify import placing, totals
from integrations.simulators.shopify.records import (
    Bag,
    Record,
    UserError,
    add,
    amount_of,
    make_bag,
    make_gid,
    minus,
    money,
    plain_id,
    scale,
    shop_amount,
    stamp,
)
from integrations.simulators.shopify.shop import Shop


def refund_create(shop: Shop, args: dict[str, Any]) -> Record:
    given = args["input"]
    order = shop.need(plain_id(given["orderId"], "Order"), "Order", ["orderId"], message="Order does not exist")
    if order["currencyCode"] != order["presentmentCurrencyCode"] and not given.get("currency"):
        raise UserError("Currency must be given: the order's currency is not the shop's", ["currency"])
    if given.get("currency") and given["currency"] != order["presentmentCurrencyCode"]:
        raise UserError("Currency must be the presentment currency of the order", ["currency"])
    lines = [_read_line(shop, order, one, place) for place, one in enumerate(given.get("refundLineItems") or [])]
    shipping = read_shipping(shop, order, given.get("shipping"))
    payments = [_read_payment(shop, order, one, place) for place, one in enumerate(given.get("transactions") or [])]
    if not lines and shipping is None and not payments:
        raise UserError("A refund needs line items, shipping or transactions", ["refundLineItems"])
    check_payments(shop, order, payments, allow_over=bool(given.get("allowOverRefunding")))
    refund = make_refund(shop, order, lines, shipping, payments, note=given.get("note"))
    return {"refund": refund["id"], "order": order["id"]}


Line = tuple[Record, int, str, Record | None]  # line of the order, quantity, restock type, location
Payment = tuple[Record, Bag]  # the transaction money goes back on, how much


def _read_line(shop: Shop, order: Record, given: Mapping[str, Any], place: int) -> Line:
    field = ["refundLineItems", str(place)]
    line = shop.find(plain_id(given["lineItemId"], "LineItem"), "LineItem")
    if line is None or line["order"] != order["id"]:
        raise UserError("Refund line items must be of the order", [*field, "lineItemId"])
    if given["quantity"] <= 0 or given["quantity"] > totals.refundable_quantity(line):
        raise UserError("Quantity cannot refund more items than were purchased", [*field, "quantity"])
    restock = given.get("restockType") or "NO_RESTOCK"
    if restock == "CANCEL" and given["quantity"] > totals.unfulfilled_quantity(line):
        raise UserError("Quantity cannot cancel items that are fulfilled", [*field, "quantity"])
    location = None
    if restock in {"RETURN", "CANCEL", "LEGACY_RESTOCK"}:
        if restock == "RETURN" and not given.get("locationId"):
            raise UserError("Location can't be blank when items are restocked", [*field, "locationId"])
        gid = given.get("locationId") or _sent_from(shop, line)
        location = shop.need(plain_id(gid, "Location"), "Location", [*field, "locationId"])
    return line, given["quantity"], restock, location


def _sent_from(shop: Shop, line: Record) -> str:
    for row in shop.many(shop.get(line["order"])["fulfillmentOrders"]):
        if any(one["lineItem"] == line["id"] for one in shop.many(row["lineItems"])):
            return str(row["_location"])
    return str(shop.primary_location["id"])


def read_shipping(shop: Shop, order: Record, given: Mapping[str, Any] | None) -> Bag | None:
    """What of the carriage goes back; None for nothing."""
    if not given:
        return None
    left = totals.shipping_total(shop, order, current=True)
    if given.get("fullRefund"):
        return left
    if given.get("amount") is None:
        return None
    wanted = to_bag(order, amount_of(given["amount"]))
    if shop_amount(wanted) > shop_amount(left):
        raise UserError("Shipping refund exceeds what was paid for it", ["shipping", "amount"])
    return wanted


def _read_payment(shop: Shop, order: Record, given: Mapping[str, Any], place: int) -> Payment:
    field = ["transactions", str(place)]
    if given["kind"] != "REFUND":
        raise UserError("Transactions kind must be refund", [*field, "kind"])
    paid = totals.payments_of(shop, order, totals.PAID_KINDS)
    parent = shop.find(given["parentId"], "OrderTransaction") if given.get("parentId") else next(iter(paid), None)
    if parent is None or parent not in paid:
        raise UserError("Parent transaction must be a successful sale or capture", [*field, "parentId"])
    amount = amount_of(given["amount"])
    if amount <= 0:
        raise UserError("Amount must be greater than zero", [*field, "amount"])
    return parent, to_bag(order, amount)


def to_bag(order: Record, amount: Decimal) -> Bag:
    """An amount in the buyer's currency, and in the shop's at the order's rate."""
    whole = order["totalPriceSet"]
    theirs = Decimal(whole["presentmentMoney"]["amount"])
    rate = shop_amount(whole) / theirs if theirs else Decimal(1)
    return make_bag(money(amount * rate, order["currencyCode"]), money(amount, order["presentmentCurrencyCode"]))


def max_refundable(shop: Shop, parent: Record) -> Bag:
    order = shop.get(parent["order"])
    back = totals.payments_of(shop, order, {"REFUND"})
    return minus(parent["amountSet"], *(row["amountSet"] for row in back if row["parentTransaction"] == parent["id"]))


def check_payments(shop: Shop, order: Record, payments: Sequence[Payment], *, allow_over: bool = False) -> None:
    if allow_over:
        return
    for parent in {parent["id"]: parent for parent, _ in payments}.values():
        wanted = totals.total_of(order, (bag for one, bag in payments if one is parent))
        if shop_amount(wanted) > shop_amount(max_refundable(shop, parent)):
            raise UserError("Refund amount is greater than net payment received", ["transactions"])


def make_refund(
    shop: Shop, order: Record, lines: Sequence[Line], shipping: Bag | None, payments: Sequence[Payment], *,
    note: str | None, of_return: str | None = None,
) -> Record:  # fmt: skip
    """`of_return`: the lines were sent, and the return's dispositions say what became of them."""
    refund = shop.add("Refund", {
        "order": order["id"], "note": note, "processedAt": stamp(shop.now()), "return": of_return, "duties": [],
        "refundLineItems": [], "_shipping": [], "_transactions": [], "_adjustments": [],
    })  # fmt: skip
    for line, quantity, kind, location in lines:
        refund["refundLineItems"].append(
            _take_off(shop, line, quantity, kind, location, sent=of_return is not None)["id"]
        )
    if shipping is not None and order["_shipping"]:
        refund["_shipping"].append({
            "id": make_gid("RefundShippingLine", shop.next_number("RefundShippingLine")),
            "shippingLine": order["_shipping"][0], "subtotalAmountSet": shipping, "taxAmountSet": scale(shipping, 0),
        })  # fmt: skip
    for parent, bag in payments:
        row = placing.add_transaction(shop, order, "REFUND", bag, gateway=parent["gateway"], parent=parent["id"])
        refund["_transactions"].append(row["id"])
    order["refunds"].append(refund["id"])
    _adjust(shop, order, refund)
    shop.touch(order, "orders/updated")
    shop.emit(refund["id"], "refunds/create")
    return refund


def _take_off(shop: Shop, line: Record, quantity: int, kind: str, location: Record | None, *, sent: bool) -> Record:
    unfulfilled = 0 if kind == "RETURN" or sent else min(quantity, totals.unfulfilled_quantity(line))
    discounted = totals.part_of(line, totals.discounted_total(line), quantity)
    row = shop.add("RefundLineItem", {
        "lineItem": line["id"], "quantity": quantity, "restockType": kind,
        "location": location["id"] if location else None, "restocked": kind != "NO_RESTOCK",
        "priceSet": line["originalUnitPriceSet"], "subtotalSet": discounted,
        "totalTaxSet": totals.part_of(line, totals.line_tax(line), quantity),
    })  # fmt: skip
    line["_refunded"] += quantity
    line["_dropped"] += unfulfilled
    if unfulfilled:
        drop_unfulfilled(shop, line, unfulfilled, restock=kind != "NO_RESTOCK")
    if kind in {"RETURN", "LEGACY_RESTOCK"} and location is not None and not sent:
        placing.put_back(shop, line, location, quantity - unfulfilled)
    return row


def drop_unfulfilled(shop: Shop, line: Record, quantity: int, *, restock: bool) -> None:
    """Fulfilment orders ask for less; what was promised is free again, or, not restocked, is gone."""
    for row in shop.many(shop.get(line["order"])["fulfillmentOrders"]):
        for one in shop.many(row["lineItems"]):
            if one["lineItem"] != line["id"] or not quantity:
                continue
            taken = min(quantity, one["remainingQuantity"])
            one["remainingQuantity"] -= taken
            one["totalQuantity"] -= taken
            quantity -= taken
            if taken and row["_committed"]:
                location = shop.get(row["_location"])
                if restock:
                    placing.promise(shop, line, location, -taken)
                else:
                    placing.send_out(shop, line, location, taken)
        if row["status"] in {"OPEN", "IN_PROGRESS", "ON_HOLD"} and not _left(shop, row):
            row["status"] = "CLOSED"
            shop.touch(row)


def _left(shop: Shop, row: Record) -> int:
    return sum(one["remainingQuantity"] for one in shop.many(row["lineItems"]))


def _adjust(shop: Shop, order: Record, refund: Record) -> None:
    """documented: OrderAdjustment: the difference between the money given back and the lines' worth."""
    if not refund["_transactions"]:
        return
    due = totals.total_of(order, (shop.get(gid)["subtotalSet"] for gid in refund["refundLineItems"]))
    if not order["taxesIncluded"]:
        due = add(due, *(shop.get(gid)["totalTaxSet"] for gid in refund["refundLineItems"]))
    due = add(due, *(one["subtotalAmountSet"] for one in refund["_shipping"]))
    difference = minus(due, total_refunded(shop, refund))
    if shop_amount(difference):
        refund["_adjustments"].append({
            "id": make_gid("OrderAdjustment", shop.next_number("OrderAdjustment")), "amountSet": difference,
            "taxAmountSet": scale(difference, 0), "reason": "REFUND_DISCREPANCY",
        })  # fmt: skip


def total_refunded(shop: Shop, refund: Record) -> Bag:
    order = shop.get(refund["order"])
    rows = [row for row in shop.many(refund["_transactions"]) if row["status"] == "SUCCESS"]
    return totals.total_of(order, (row["amountSet"] for row in rows))


MUTATIONS = {"refundCreate": refund_create}
