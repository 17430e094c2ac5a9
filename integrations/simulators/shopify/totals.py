"""An order's sums and states, from its lines, payments, refunds, fulfilment orders and returns.

documented: https://shopify.dev/docs/api/admin-graphql/2026-07/objects/Order and .../LineItem: sums without `current`
are as bought; with it they leave out what was removed and returned. judgement: the part of a line that is left is
reckoned by its quantity, rounded to the coin.
"""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from integrations.simulators.shopify.records import Bag, Record, add, make_bag, minus, money, scale, shop_amount
from integrations.simulators.shopify.shop import Shop

PAID_KINDS = {"SALE", "CAPTURE"}


def zero_of(order: Record) -> Bag:
    return make_bag(money(Decimal(0), order["currencyCode"]), money(Decimal(0), order["presentmentCurrencyCode"]))


def total_of(order: Record, bags: Iterable[Bag]) -> Bag:
    return add(zero_of(order), *bags)


def lines_of(shop: Shop, order: Record) -> list[Record]:
    return shop.many(order["lineItems"])


# lines ----------------------------------------------------------------------------------------------------------------
def original_total(line: Record) -> Bag:
    return scale(line["originalUnitPriceSet"], line["quantity"])


def discounts_of(line: Record, *, codes: bool = True) -> list[Bag]:
    return [
        one["allocatedAmountSet"]
        for one in line["discountAllocations"]
        if codes or one["discountApplication"]["__typename"] != "DiscountCodeApplication"
    ]


def discounted_total(line: Record, *, codes: bool = True) -> Bag:
    return minus(original_total(line), *discounts_of(line, codes=codes))


def line_tax(line: Record) -> Bag:
    """Of the whole quantity."""
    return add(scale(line["originalUnitPriceSet"], 0), *(one["priceSet"] for one in line["taxLines"]))


def current_quantity(line: Record) -> int:
    return int(line["quantity"] - line["_refunded"] - line["_edited"])


def unfulfilled_quantity(line: Record) -> int:
    return int(line["quantity"] - line["_fulfilled"] - line["_dropped"])


def refundable_quantity(line: Record) -> int:
    return int(line["quantity"] - line["_refunded"] - line["_edited"])


def part_of(line: Record, bag: Bag, quantity: int) -> Bag:
    return scale(bag, Decimal(quantity) / Decimal(line["quantity"])) if line["quantity"] else bag


# sums -----------------------------------------------------------------------------------------------------------------
def subtotal(shop: Shop, order: Record, *, current: bool = False) -> Bag:
    bags = []
    for line in lines_of(shop, order):
        bag = discounted_total(line)
        bags.append(part_of(line, bag, current_quantity(line)) if current else bag)
    return total_of(order, bags)


def shipping_total(shop: Shop, order: Record, *, current: bool = False) -> Bag:
    whole = total_of(order, (one["originalPriceSet"] for one in order["_shipping"]))
    return minus(whole, refunded_shipping(shop, order)) if current else whole


def refunded_shipping(shop: Shop, order: Record) -> Bag:
    rows = [one for refund in shop.many(order["refunds"]) for one in refund["_shipping"]]
    return total_of(order, (one["subtotalAmountSet"] for one in rows))


def tax_total(shop: Shop, order: Record, *, current: bool = False) -> Bag:
    return total_of(order, (one["priceSet"] for one in tax_lines(shop, order, current=current)))


def tax_lines(shop: Shop, order: Record, *, current: bool = False) -> list[Record]:
    """documented: Order.taxLines are those of lines and shipping, one a title and rate."""
    found: dict[tuple[str, Any], list[Bag]] = {}
    for line in lines_of(shop, order):
        for one in line["taxLines"]:
            bag = part_of(line, one["priceSet"], current_quantity(line)) if current else one["priceSet"]
            found.setdefault((one["title"], one["rate"]), []).append(bag)
    for shipping in order["_shipping"]:
        for one in shipping["taxLines"]:
            found.setdefault((one["title"], one["rate"]), []).append(one["priceSet"])
    return [make_tax_line(title, rate, total_of(order, bags)) for (title, rate), bags in found.items()]


def make_tax_line(title: str, rate: float, price: Bag) -> Record:
    return {
        "title": title, "rate": rate, "ratePercentage": round(rate * 100, 6), "priceSet": price, "source": "Shopify",
        "price": price["shopMoney"]["amount"], "channelLiable": False,
    }  # fmt: skip


def discount_total(shop: Shop, order: Record, *, current: bool = False) -> Bag:
    bags = []
    for line in lines_of(shop, order):
        whole = add(zero_of(order), *discounts_of(line))
        bags.append(part_of(line, whole, current_quantity(line)) if current else whole)
    return total_of(order, bags)


def compute_total(shop: Shop, order: Record, *, current: bool = True) -> Bag:
    """What the buyer owes in all."""
    parts = [subtotal(shop, order, current=current), shipping_total(shop, order, current=current)]
    if not order["taxesIncluded"]:
        parts.append(tax_total(shop, order, current=current))
    return add(*parts)


# payments -------------------------------------------------------------------------------------------------------------
def payments_of(shop: Shop, order: Record, kinds: set[str]) -> list[Record]:
    rows = shop.many(order["_transactions"])
    return [row for row in rows if row["kind"] in kinds and row["status"] == "SUCCESS"]


def received(shop: Shop, order: Record) -> Bag:
    return total_of(order, (row["amountSet"] for row in payments_of(shop, order, PAID_KINDS)))


def refunded(shop: Shop, order: Record) -> Bag:
    return total_of(order, (row["amountSet"] for row in payments_of(shop, order, {"REFUND"})))


def outstanding(shop: Shop, order: Record) -> Bag:
    """documented: below zero where the buyer is to get something back."""
    if order["cancelledAt"]:
        return zero_of(order)
    paid = minus(received(shop, order), refunded(shop, order))
    return minus(add(compute_total(shop, order), discrepancies(shop, order)), paid)


def discrepancies(shop: Shop, order: Record) -> Bag:
    """documented: OrderAdjustment: what refunds gave back beside the worth of their lines, less is more."""
    rows = [one for refund in shop.many(order["refunds"]) for one in refund["_adjustments"]]
    return total_of(order, (one["amountSet"] for one in rows))


def capturable(shop: Shop, order: Record) -> Bag:
    authorized = total_of(order, (row["amountSet"] for row in payments_of(shop, order, {"AUTHORIZATION"})))
    if payments_of(shop, order, {"VOID"}):
        return zero_of(order)
    left = minus(authorized, *(row["amountSet"] for row in payments_of(shop, order, {"CAPTURE"})))
    return left if shop_amount(left) > 0 else zero_of(order)


# states ---------------------------------------------------------------------------------------------------------------
def financial_status(shop: Shop, order: Record) -> str:
    got, back = shop_amount(received(shop, order)), shop_amount(refunded(shop, order))
    if got > 0:
        if back >= got:
            return "REFUNDED"
        if back > 0:
            return "PARTIALLY_REFUNDED"
        return "PARTIALLY_PAID" if shop_amount(outstanding(shop, order)) > 0 else "PAID"
    if order["cancelledAt"] or payments_of(shop, order, {"VOID"}):
        return "VOIDED"
    if payments_of(shop, order, {"AUTHORIZATION"}):
        return "AUTHORIZED"
    return "PENDING" if shop_amount(compute_total(shop, order)) > 0 else "PAID"


def fulfillment_status(shop: Shop, order: Record) -> str:
    lines = lines_of(shop, order)
    done = sum(line["_fulfilled"] for line in lines)
    if done:
        left = sum(unfulfilled_quantity(line) for line in lines)
        return "PARTIALLY_FULFILLED" if left else "FULFILLED"
    states = {row["status"] for row in shop.many(order["fulfillmentOrders"])}
    return "ON_HOLD" if "ON_HOLD" in states else "UNFULFILLED"


def return_status(shop: Shop, order: Record) -> str:
    states = {row["status"] for row in shop.many(order["returns"])}
    for state, shown in (("REQUESTED", "RETURN_REQUESTED"), ("OPEN", "IN_PROGRESS"), ("CLOSED", "RETURNED")):
        if state in states:
            return shown
    return "NO_RETURN"
