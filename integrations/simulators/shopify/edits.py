"""Changing an order that is placed: begin an edit, change quantities, add articles, commit.

documented: https://shopify.dev/docs/apps/build/orders-fulfillment/order-management-apps/edit-orders: nothing changes
before the commit; what was sent cannot be taken off. judgement: an edit that is begun again starts anew; prices and
taxes of a line stay, by the piece.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from integrations.simulators.shopify import placing, refunds, totals
from integrations.simulators.shopify.records import (
    Bag,
    Record,
    UserError,
    add,
    make_bag,
    make_gid,
    money,
    number_of,
    plain_id,
    scale,
)
from integrations.simulators.shopify.schema import Computed
from integrations.simulators.shopify.shop import Shop


def begin(shop: Shop, args: dict[str, Any]) -> Record:
    order = shop.need(plain_id(args["id"], "Order"), "Order", ["id"], message="The order does not exist.")
    if order["cancelledAt"]:
        raise UserError("The order cannot be edited.", ["id"])
    row = shop.add("CalculatedOrder", {"originalOrder": order["id"], "lineItems": [], "addedLineItems": []})
    for line in totals.lines_of(shop, order):
        row["lineItems"].append(_add_line(shop, row, line["id"], totals.current_quantity(line))["id"])
    return _answer(row)


def _add_line(shop: Shop, row: Record, line: str | None, quantity: int, **more: Any) -> Record:
    return shop.add("CalculatedLineItem", {
        "_edit": row["id"], "_line": line, "_variant": None, "_unit": None, "quantity": quantity,
        "editableQuantityBeforeChanges": quantity, "restocking": False, **more,
    })  # fmt: skip


def _answer(row: Record, line: Record | None = None) -> Record:
    session = {"id": make_gid("OrderEditSession", number_of(row["id"]))}
    return {"calculatedOrder": row["id"], "orderEditSession": session, "calculatedLineItem": line and line["id"]}


def _need(shop: Shop, gid: str) -> Record:
    gid = gid.replace("OrderEditSession", "CalculatedOrder")
    return shop.need(plain_id(gid, "CalculatedOrder"), "CalculatedOrder", ["id"], message="The edit does not exist.")


def set_quantity(shop: Shop, args: dict[str, Any]) -> Record:
    row, wanted = _need(shop, args["id"]), args["lineItemId"]
    lines = shop.many([*row["lineItems"], *row["addedLineItems"]])
    one = next((line for line in lines if wanted in {line["id"], line["_line"]}), None)
    if one is None:
        raise UserError("The line item does not exist.", ["lineItemId"])
    sent = shop.get(one["_line"])["_fulfilled"] if one["_line"] else 0
    if args["quantity"] < sent:
        raise UserError("Items that are fulfilled cannot be removed.", ["quantity"])
    one |= {"quantity": args["quantity"], "restocking": bool(args.get("restock"))}
    return _answer(row, one)


def add_variant(shop: Shop, args: dict[str, Any]) -> Record:
    row = _need(shop, args["id"])
    gid = plain_id(args["variantId"], "ProductVariant")
    variant = shop.need(gid, "ProductVariant", ["variantId"], message="The variant does not exist.")
    if args["quantity"] < 1:
        raise UserError("Quantity must be greater than 0.", ["quantity"])
    order = shop.get(row["originalOrder"])
    unit = make_bag(money(Decimal(variant["price"]), order["currencyCode"]))
    one = _add_line(shop, row, None, args["quantity"], _variant=variant["id"], _unit=_in_both(order, unit))
    one["editableQuantityBeforeChanges"] = 0
    row["addedLineItems"].append(one["id"])
    return _answer(row, one)


def _in_both(order: Record, unit: Bag) -> Bag:
    """The article's price, in the buyer's currency at the order's rate."""
    whole = order["totalPriceSet"]
    shop_side, theirs = (Decimal(whole[side]["amount"]) for side in ("shopMoney", "presentmentMoney"))
    rate = theirs / shop_side if shop_side else Decimal(1)
    amount = Decimal(unit["shopMoney"]["amount"]) * rate
    return make_bag(unit["shopMoney"], money(amount, order["presentmentCurrencyCode"]))


def commit(shop: Shop, args: dict[str, Any]) -> Record:
    row = _need(shop, args["id"])
    order = shop.get(row["originalOrder"])
    order.setdefault("_original", order["totalPriceSet"])
    changes: Record = {"additions": [], "removals": []}
    for one in shop.many(row["lineItems"]):
        line = shop.get(one["_line"])
        delta = one["quantity"] - totals.current_quantity(line)
        if delta < 0:
            _take_off(shop, line, -delta, restock=one["restocking"])
            changes["removals"].append({"id": number_of(line["id"]), "delta": -delta})
        elif delta > 0:
            _raise(shop, order, line, delta)
            changes["additions"].append({"id": number_of(line["id"]), "delta": delta})
    for one in shop.many(row["addedLineItems"]):
        if one["quantity"]:
            line = _new_line(shop, order, one)
            changes["additions"].append({"id": number_of(line["id"]), "delta": one["quantity"]})
    order["totalPriceSet"] = totals.compute_total(shop, order, current=False)
    order |= {"edited": True, "_edit": changes}
    shop.remove(row)
    shop.touch(order, "orders/edited", "orders/updated")
    return {"order": order["id"], "successMessages": ["Order updated"]}


def _take_off(shop: Shop, line: Record, quantity: int, *, restock: bool) -> None:
    line["_edited"] += quantity
    line["_dropped"] += quantity
    refunds.drop_unfulfilled(shop, line, quantity, restock=restock)


def _raise(shop: Shop, order: Record, line: Record, quantity: int) -> None:
    more = Decimal(line["quantity"] + quantity) / max(1, line["quantity"])
    line["taxLines"] = [
        totals.make_tax_line(tax["title"], tax["rate"], scale(tax["priceSet"], more)) for tax in line["taxLines"]
    ]
    line["quantity"] += quantity
    placing.route(shop, order, [(line, quantity)], commit=True)


def _new_line(shop: Shop, order: Record, one: Record) -> Record:
    given = {"variant": shop.get(one["_variant"]), "quantity": one["quantity"], "unit": one["_unit"]}
    line = placing.add_line(shop, order, given)
    placing.route(shop, order, [(line, one["quantity"])], commit=True)
    return line


def build_payload(order: Record) -> Record:
    """documented: the payload of orders/edited."""
    edit = {"id": number_of(order["id"]), "order_id": number_of(order["id"]), "app_id": None}
    return {"order_edit": {**edit, "line_items": order["_edit"], "created_at": order["updatedAt"]}}


# fields ---------------------------------------------------------------------------------------------------------------
def _source(shop: Shop, row: Record) -> Record:
    if row["_line"]:
        return shop.get(row["_line"])
    variant = shop.get(row["_variant"])
    product = shop.get(variant["product"])
    return {"title": product["title"], "variantTitle": variant["title"], "sku": variant["sku"],
            "variant": variant["id"], "originalUnitPriceSet": row["_unit"]}  # fmt: skip


def _value(name: str) -> Computed:
    return lambda shop, row, args: _source(shop, row)[name]


def _lines(shop: Shop, row: Record) -> list[Record]:
    return shop.many([*row["lineItems"], *row["addedLineItems"]])


def _subtotal(shop: Shop, row: Record) -> Bag:
    order = shop.get(row["originalOrder"])
    worth = (scale(_source(shop, one)["originalUnitPriceSet"], one["quantity"]) for one in _lines(shop, row))
    return totals.total_of(order, worth)


def _total(shop: Shop, row: Record, args: dict[str, Any]) -> Bag:
    """judgement: without the tax of what is added."""
    order = shop.get(row["originalOrder"])
    return add(_subtotal(shop, row), totals.shipping_total(shop, order, current=True))


MUTATIONS = {
    "orderEditBegin": begin,
    "orderEditSetQuantity": set_quantity,
    "orderEditAddVariant": add_variant,
    "orderEditCommit": commit,
}
COMPUTED: dict[str, dict[str, Computed]] = {
    "CalculatedLineItem": {
        **{name: _value(name) for name in ("title", "variantTitle", "sku", "variant", "originalUnitPriceSet")},
        "discountedUnitPriceSet": _value("originalUnitPriceSet"),
        "editableQuantity": lambda shop, row, args: row["quantity"],
        "restockable": lambda shop, row, args: True,
    },
    "CalculatedOrder": {
        "lineItems": lambda shop, row, args: [*row["lineItems"], *row["addedLineItems"]],
        "subtotalLineItemsQuantity": lambda shop, row, args: sum(one["quantity"] for one in _lines(shop, row)),
        "subtotalPriceSet": lambda shop, row, args: _subtotal(shop, row),
        "totalPriceSet": _total,
        "totalOutstandingSet": lambda shop, row, args: totals.outstanding(shop, shop.get(row["originalOrder"])),
        "notificationPreviewTitle": lambda shop, row, args: "Your order was updated",
    },
}
