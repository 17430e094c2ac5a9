"""What orders and all that follows them say beyond what their records hold.

documented: the objects' pages under https://shopify.dev/docs/api/admin-graphql/2026-07/objects.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

from integrations.simulators.shopify import fulfillments, orders, refunds, returns, totals
from integrations.simulators.shopify.catalogue_fields import count, legacy_id
from integrations.simulators.shopify.metafields import APP
from integrations.simulators.shopify.records import Bag, Record, add, minus, number_of, scale, shop_amount
from integrations.simulators.shopify.schema import Computed
from integrations.simulators.shopify.shop import DOMAIN, Shop

Args = dict[str, Any]


def _current(compute: Callable[..., Bag]) -> Computed:
    return lambda shop, row, args: compute(shop, row, current=True)


def _bought(compute: Callable[..., Bag]) -> Computed:
    return lambda shop, row, args: compute(shop, row, current=False)


def _of(compute: Callable[[Shop, Record], Any]) -> Computed:
    return lambda shop, row, args: compute(shop, row)


def _sum(compute: Callable[[Shop, Record], Bag]) -> Computed:
    """A deprecated sum: the shop's money, bare."""
    return lambda shop, row, args: compute(shop, row)["shopMoney"]["amount"]


def _zero(shop: Shop, row: Record, args: Args) -> Bag:
    return totals.zero_of(row)


def _shipping(shop: Shop, row: Record, args: Args) -> list[Record]:
    return [_shipping_line(shop, row, one) for one in row["_shipping"]]


def _shipping_line(shop: Shop, order: Record, one: Record) -> Record:
    price = one["originalPriceSet"]
    left = minus(price, totals.refunded_shipping(shop, order)) if one is order["_shipping"][0] else price
    return one | {
        "discountedPriceSet": price, "currentDiscountedPriceSet": left, "originalPrice": price["shopMoney"],
        "discountedPrice": price["shopMoney"], "price": price["shopMoney"]["amount"],
    }  # fmt: skip


def _transactions(shop: Shop, row: Record, args: Args) -> list[str]:
    gids: list[str] = row["_transactions"]
    if args.get("capturable"):
        return gids if shop_amount(totals.capturable(shop, row)) else []
    return gids


def _fulfillment_orders(shop: Shop, row: Record, args: Args) -> list[str]:
    """documented: Order.fulfillmentOrders: query is by status, as of the root's list."""
    query = str(args.get("query") or "")
    wanted = query.partition("status:")[2].strip().casefold() if "status:" in query else ""
    rows = shop.many(row["fulfillmentOrders"])
    return [one["id"] for one in rows if not wanted or one["status"].casefold() in wanted.split(",")]


def _suggest(shop: Shop, order: Record, args: Args) -> Record:
    """documented: SuggestedRefund: what the named lines and carriage are worth, and on which payments it can go
    back."""
    if args.get("suggestFullRefund"):
        wanted = [(line, totals.refundable_quantity(line)) for line in totals.lines_of(shop, order)]
    else:
        given = args.get("refundLineItems") or []
        wanted = [(shop.get(one["lineItemId"]), one["quantity"]) for one in given]
    goods = totals.total_of(order, (totals.part_of(one, totals.discounted_total(one), n) for one, n in wanted))
    tax = totals.total_of(order, (totals.part_of(one, totals.line_tax(one), n) for one, n in wanted))
    left = totals.shipping_total(shop, order, current=True)
    carriage = left if args.get("refundShipping") or args.get("suggestFullRefund") else totals.zero_of(order)
    if args.get("shippingAmount") is not None:
        carriage = refunds.to_bag(order, Decimal(args["shippingAmount"]))
    amount = add(goods, carriage) if order["taxesIncluded"] else add(goods, carriage, tax)
    maximum = minus(totals.received(shop, order), totals.refunded(shop, order))
    return {
        "amountSet": amount, "maximumRefundableSet": maximum, "subtotalSet": goods, "totalTaxSet": tax,
        "discountedSubtotalSet": goods, "totalCartDiscountAmountSet": totals.zero_of(order),
        "totalDutiesSet": totals.zero_of(order), "refundLineItems": [],
        "shipping": {"amountSet": carriage, "maximumRefundableSet": left},
        "suggestedTransactions": _suggest_payments(shop, order, amount),
    }  # fmt: skip


def _suggest_payments(shop: Shop, order: Record, amount: Bag) -> list[Record]:
    found = []
    for parent in totals.payments_of(shop, order, totals.PAID_KINDS):
        most = refunds.max_refundable(shop, parent)
        if shop_amount(most) <= 0 or shop_amount(amount) <= 0:
            continue
        share = amount if shop_amount(amount) <= shop_amount(most) else most
        amount = minus(amount, share)
        found.append({
            "amountSet": share, "gateway": parent["gateway"], "formattedGateway": parent["gateway"],
            "kind": "SUGGESTED_REFUND", "maximumRefundableSet": most, "parentTransaction": parent["id"],
        })  # fmt: skip
    return found


def _order_of_line(shop: Shop, line: Record) -> Record:
    return shop.get(line["order"])


def _unit_after(shop: Shop, line: Record, *, codes: bool) -> Bag:
    return scale(totals.discounted_total(line, codes=codes), Decimal(1) / max(1, line["quantity"]))


def _open_part(line: Record, bag: Bag) -> Bag:
    return totals.part_of(line, bag, totals.unfulfilled_quantity(line))


def _before_taxes(shop: Shop, line: Record, args: Args) -> Bag:
    whole = totals.discounted_total(line)
    return minus(whole, totals.line_tax(line)) if _order_of_line(shop, line)["taxesIncluded"] else whole


def _fulfillment_word(shop: Shop, line: Record, args: Args) -> str:
    if not line["_fulfilled"]:
        return "unfulfilled"
    return "fulfilled" if not totals.unfulfilled_quantity(line) else "partial"


def _sent_part(name: str) -> Computed:
    def compute(shop: Shop, row: Record, args: Args) -> Bag:
        line = shop.get(row["lineItem"])
        whole = totals.original_total(line) if name == "original" else totals.discounted_total(line)
        return totals.part_of(line, whole, row["quantity"])

    return compute


def _line_value(name: str) -> Computed:
    """Of a fulfilment order's line: what the order's line says."""
    return lambda shop, row, args: shop.get(row["lineItem"])[name]


def _inventory_item(shop: Shop, row: Record, args: Args) -> str | None:
    variant = shop.find(shop.get(row["lineItem"])["variant"])
    return str(variant["inventoryItem"]) if variant else None


def _return_worth(shop: Shop, row: Record, args: Args) -> Bag:
    line = shop.get(shop.get(row["fulfillmentLineItem"])["lineItem"])
    return totals.part_of(line, totals.discounted_total(line), row["quantity"])


def _processable(shop: Shop, row: Record, args: Args) -> int:
    state = shop.get(row["_return"])["status"]
    return int(row["quantity"] - row["processedQuantity"]) if state == "OPEN" else 0


def _reason_of(shop: Shop, row: Record, args: Args) -> Record | None:
    return next((one for one in returns.list_reasons() if one["_reason"] == row["_reason"]), None)


def _return_payments(shop: Shop, row: Record, args: Args) -> list[str]:
    return [gid for refund in shop.many(row["refunds"]) for gid in refund["_transactions"]]


def _maximum(shop: Shop, row: Record, args: Args) -> Record | None:
    if row["kind"] not in totals.PAID_KINDS or row["status"] != "SUCCESS":
        return None
    most: Record = refunds.max_refundable(shop, row)["presentmentMoney"]
    return most


ORDER: dict[str, Computed] = {
    "legacyResourceId": legacy_id,
    "closed": lambda shop, row, args: row["closedAt"] is not None,
    "displayFinancialStatus": _of(totals.financial_status),
    "displayFulfillmentStatus": _of(totals.fulfillment_status),
    "returnStatus": _of(totals.return_status),
    "currentTotalPriceSet": _current(totals.compute_total),
    "originalTotalPriceSet": lambda shop, row, args: row.get("_original", row["totalPriceSet"]),
    "subtotalPriceSet": _bought(totals.subtotal),
    "currentSubtotalPriceSet": _current(totals.subtotal),
    "totalTaxSet": _bought(totals.tax_total),
    "currentTotalTaxSet": _current(totals.tax_total),
    "taxLines": lambda shop, row, args: totals.tax_lines(shop, row),
    "currentTaxLines": lambda shop, row, args: totals.tax_lines(shop, row, current=True),
    "totalDiscountsSet": _bought(totals.discount_total),
    "currentTotalDiscountsSet": _current(totals.discount_total),
    "cartDiscountAmountSet": _bought(totals.discount_total),
    "currentCartDiscountAmountSet": _current(totals.discount_total),
    "totalShippingPriceSet": _bought(totals.shipping_total),
    "currentShippingPriceSet": _current(totals.shipping_total),
    "totalRefundedSet": _of(totals.refunded),
    "totalRefundedShippingSet": _of(totals.refunded_shipping),
    "totalReceivedSet": _of(totals.received),
    "totalOutstandingSet": _of(totals.outstanding),
    "totalCapturableSet": _of(totals.capturable),
    "totalTipReceivedSet": _zero,
    "netPaymentSet": lambda shop, row, args: minus(totals.received(shop, row), totals.refunded(shop, row)),
    "refundDiscrepancySet": _of(totals.discrepancies),
    "totalCashRoundingAdjustment": lambda shop, row, args: {
        "paymentSet": totals.zero_of(row), "refundSet": totals.zero_of(row)
    },
    "fullyPaid": lambda shop, row, args: shop_amount(totals.outstanding(shop, row)) <= 0,
    "unpaid": lambda shop, row, args: shop_amount(totals.received(shop, row)) == 0,
    "capturable": lambda shop, row, args: shop_amount(totals.capturable(shop, row)) > 0,
    "refundable": lambda shop, row, args: any(totals.refundable_quantity(one) for one in totals.lines_of(shop, row)),
    "restockable": lambda shop, row, args: any(totals.refundable_quantity(one) for one in totals.lines_of(shop, row)),
    "fulfillable": lambda shop, row, args: any(
        one["status"] in fulfillments.SENDABLE for one in shop.many(row["fulfillmentOrders"])
    ),
    "requiresShipping": lambda shop, row, args: any(one["requiresShipping"] for one in totals.lines_of(shop, row)),
    "canMarkAsPaid": _of(orders.can_mark_as_paid),
    "canNotifyCustomer": lambda shop, row, args: bool(row["email"]),
    "merchantEditable": lambda shop, row, args: row["cancelledAt"] is None,
    "merchantEditableErrors": lambda shop, row, args: [],
    "customerAcceptsMarketing": lambda shop, row, args: False,
    "dutiesIncluded": lambda shop, row, args: False,
    "estimatedTaxes": lambda shop, row, args: False,
    "displayAddress": lambda shop, row, args: row["shippingAddress"] or row["billingAddress"],
    "billingAddressMatchesShippingAddress": lambda shop, row, args: row["billingAddress"] == row["shippingAddress"],
    "nonFulfillableLineItems": lambda shop, row, args: [
        one["id"] for one in totals.lines_of(shop, row) if not totals.unfulfilled_quantity(one)
    ],
    "shippingLines": _shipping,
    "shippingLine": lambda shop, row, args: next(iter(_shipping(shop, row, args)), None),
    "discountApplications": lambda shop, row, args: row["_discounts"],
    "discountCodes": lambda shop, row, args: [one["code"] for one in row["_discounts"] if "code" in one],
    "discountCode": lambda shop, row, args: next((one["code"] for one in row["_discounts"] if "code" in one), None),
    "fulfillmentOrders": _fulfillment_orders,
    "fulfillmentsCount": lambda shop, row, args: count(len(row["fulfillments"])),
    "transactions": _transactions,
    "transactionsCount": lambda shop, row, args: count(len(row["_transactions"])),
    "statusPageUrl": lambda shop, row, args: f"https://{DOMAIN}/orders/{number_of(row['id'])}/authenticate",
    "app": lambda shop, row, args: {
        "id": APP["id"], "name": "Online Store", "icon": dict.fromkeys(("url", "src", "originalSrc"), f"https://{DOMAIN}/icon.png")
    },
    "subtotalLineItemsQuantity": lambda shop, row, args: sum(one["quantity"] for one in totals.lines_of(shop, row)),
    "currentSubtotalLineItemsQuantity": lambda shop, row, args: sum(
        totals.current_quantity(one) for one in totals.lines_of(shop, row)
    ),
    "totalWeight": lambda shop, row, args: 0,
    "currentTotalWeight": lambda shop, row, args: 0,
    "paymentCollectionDetails": lambda shop, row, args: {"additionalPaymentCollectionUrl": None},
    "suggestedRefund": _suggest,
}  # fmt: skip
LINE: dict[str, Computed] = {
    "currentQuantity": lambda shop, row, args: totals.current_quantity(row),
    "unfulfilledQuantity": lambda shop, row, args: totals.unfulfilled_quantity(row),
    "fulfillableQuantity": lambda shop, row, args: totals.unfulfilled_quantity(row),
    "nonFulfillableQuantity": lambda shop, row, args: 0 if row["requiresShipping"] else row["quantity"],
    "refundableQuantity": lambda shop, row, args: totals.refundable_quantity(row),
    "fulfillmentStatus": _fulfillment_word,
    "originalTotalSet": lambda shop, row, args: totals.original_total(row),
    "discountedTotalSet": lambda shop, row, args: totals.discounted_total(
        row, codes=bool(args.get("withCodeDiscounts"))
    ),
    "discountedUnitPriceSet": lambda shop, row, args: _unit_after(shop, row, codes=False),
    "discountedUnitPriceAfterAllDiscountsSet": lambda shop, row, args: _unit_after(shop, row, codes=True),
    "totalDiscountSet": lambda shop, row, args: totals.total_of(
        _order_of_line(shop, row), totals.discounts_of(row, codes=False)
    ),
    "unfulfilledOriginalTotalSet": lambda shop, row, args: _open_part(row, totals.original_total(row)),
    "unfulfilledDiscountedTotalSet": lambda shop, row, args: _open_part(row, totals.discounted_total(row)),
    "priceAfterAllDiscountsBeforeTaxesSet": _before_taxes,
    "duties": lambda shop, row, args: [],
    "restockable": lambda shop, row, args: totals.refundable_quantity(row) > 0,
    "merchantEditable": lambda shop, row, args: True,
    "originalUnitPrice": _sum(lambda shop, row: row["originalUnitPriceSet"]),
    "discountedUnitPrice": _sum(lambda shop, row: _unit_after(shop, row, codes=False)),
    "originalTotal": _sum(lambda shop, row: totals.original_total(row)),
    "discountedTotal": _sum(lambda shop, row: totals.discounted_total(row, codes=False)),
    "totalDiscount": _sum(lambda shop, row: totals.total_of(_order_of_line(shop, row), totals.discounts_of(row))),
}
COMPUTED: dict[str, dict[str, Computed]] = {
    "Order": ORDER,
    "LineItem": LINE,
    "DiscountAllocation": {"allocatedAmount": lambda shop, row, args: row["allocatedAmountSet"]["shopMoney"]},
    "OrderTransaction": {
        "amount": lambda shop, row, args: row["amountSet"]["shopMoney"]["amount"],
        "manualPaymentGateway": lambda shop, row, args: True,
        "manuallyCapturable": lambda shop, row, args: row["kind"] == "AUTHORIZATION",
        "multiCapturable": lambda shop, row, args: False,
        "maximumRefundableV2": _maximum,
    },
    "FulfillmentOrder": {
        "assignedLocation": lambda shop, row, args: fulfillments.assigned_location(shop, row),
        "destination": lambda shop, row, args: fulfillments.destination(shop, row),
        "deliveryMethod": lambda shop, row, args: fulfillments.delivery_method(shop, row),
        "supportedActions": lambda shop, row, args: fulfillments.supported_actions(shop, row),
    },
    "FulfillmentOrderLineItem": {
        "inventoryItemId": _inventory_item,
        "productTitle": _line_value("title"),
        "requiresShipping": _line_value("requiresShipping"),
        "sku": _line_value("sku"),
        "variant": _line_value("variant"),
        "variantTitle": _line_value("variantTitle"),
        "vendor": _line_value("vendor"),
    },
    "Fulfillment": {
        "legacyResourceId": legacy_id,
        "totalQuantity": lambda shop, row, args: sum(one["quantity"] for one in shop.many(row["fulfillmentLineItems"])),
        "requiresShipping": lambda shop, row, args: True,
        "events": lambda shop, row, args: row["_events"],
    },
    "FulfillmentLineItem": {"originalTotalSet": _sent_part("original"), "discountedTotalSet": _sent_part("discounted")},
    "Return": {
        "totalQuantity": lambda shop, row, args: sum(one["quantity"] for one in shop.many(row["returnLineItems"])),
        "transactions": _return_payments,
    },
    "ReturnLineItem": {
        "returnReason": lambda shop, row, args: row["_reason"],
        "returnReasonDefinition": _reason_of,
        "processableQuantity": _processable,
        "unprocessedQuantity": lambda shop, row, args: row["quantity"] - row["processedQuantity"],
        "refundableQuantity": lambda shop, row, args: row["quantity"] - row["refundedQuantity"],
        "withCodeDiscountedTotalPriceSet": _return_worth,
    },
    "Refund": {
        "legacyResourceId": legacy_id,
        "totalRefundedSet": lambda shop, row, args: refunds.total_refunded(shop, row),
        "totalRefunded": lambda shop, row, args: refunds.total_refunded(shop, row)["shopMoney"],
        "refundShippingLines": lambda shop, row, args: [
            one | {"shippingLine": _shipping_line(shop, shop.get(row["order"]), one["shippingLine"])}
            for one in row["_shipping"]
        ],
        "orderAdjustments": lambda shop, row, args: row["_adjustments"],
        "transactions": lambda shop, row, args: row["_transactions"],
    },
    "RefundLineItem": {
        "price": lambda shop, row, args: row["priceSet"]["shopMoney"]["amount"],
        "subtotal": lambda shop, row, args: row["subtotalSet"]["shopMoney"]["amount"],
        "totalTax": lambda shop, row, args: row["totalTaxSet"]["shopMoney"]["amount"],
    },
}
