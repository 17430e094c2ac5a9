"""What is done to orders that are there: update, cancel, close, open, pay, capture.

documented: https://shopify.dev/docs/api/admin-graphql/2026-07/mutations/orderUpdate, orderCancel,
orderClose, orderOpen, orderMarkAsPaid, orderCapture.
"""

from __future__ import annotations

from typing import Any

from integrations.simulators.shopify import customers, placing, refunds, totals
from integrations.simulators.shopify.metafields import check_metafields, split_tags, unique_tags, write_metafields
from integrations.simulators.shopify.records import (
    Record,
    UserError,
    amount_of,
    plain_id,
    shop_amount,
    stamp,
)
from integrations.simulators.shopify.shop import Shop

MANUAL = "manual"


def _order(shop: Shop, gid: str, field: list[str]) -> Record:
    return shop.need(plain_id(gid, "Order"), "Order", field, message="Order does not exist")


def order_update(shop: Shop, args: dict[str, Any]) -> Record:
    given = args["input"]
    order = _order(shop, given["id"], ["id"])
    check_metafields(given.get("metafields"), ["metafields"])
    for name in ("email", "phone", "note", "poNumber"):
        if name in given:
            order[name] = given[name]
    if given.get("tags") is not None:
        order["tags"] = unique_tags(split_tags(given["tags"]))
    if given.get("customAttributes") is not None:
        order["customAttributes"] = list(given["customAttributes"])
    if given.get("shippingAddress"):
        order["shippingAddress"] = customers.add_address(shop, given["shippingAddress"])["id"]
    write_metafields(shop, order, given.get("metafields"))
    shop.touch(order, "orders/updated")
    return {"order": order["id"]}


def order_cancel(shop: Shop, args: dict[str, Any]) -> Record:
    """documented: refused where it is cancelled already, something was sent or a return is open. judgement: what the
    job does is done at once; the job is done when it is asked for."""
    order = _order(shop, args["orderId"], ["orderId"])
    if order["cancelledAt"]:
        raise UserError("Order has already been cancelled", ["orderId"])
    if any(line["_fulfilled"] for line in totals.lines_of(shop, order)):
        raise UserError("Cannot cancel an order that has outstanding fulfillments", ["orderId"])
    if any(row["status"] in {"OPEN", "REQUESTED"} for row in shop.many(order["returns"])):
        raise UserError("Cannot cancel an order with a return in progress", ["orderId"])
    method = args.get("refundMethod") or {}
    refund = bool(args.get("refund")) or bool(method.get("originalPaymentMethodsRefund"))
    cancel_order(shop, order, reason=args["reason"], refund=refund, restock=args["restock"], note=args.get("staffNote"))
    job = shop.add("Job", {"done": True})
    return {"job": {**job, "done": False}}


def cancel_order(
    shop: Shop, order: Record, *, reason: str, refund: bool, restock: bool, note: str | None = None
) -> None:
    """documented: what is authorised only is released; every line is removed by a refund of its own, with or without
    money. The order is closed."""
    kind = "CANCEL" if restock else "NO_RESTOCK"
    location = shop.primary_location if restock else None
    lines: list[refunds.Line] = [
        (line, totals.refundable_quantity(line), kind, location)
        for line in totals.lines_of(shop, order)
        if totals.refundable_quantity(line)
    ]
    payments: list[refunds.Payment] = []
    if refund:
        for parent in totals.payments_of(shop, order, totals.PAID_KINDS):
            left = refunds.max_refundable(shop, parent)
            if shop_amount(left) > 0:
                payments.append((parent, left))
    for row in totals.payments_of(shop, order, {"AUTHORIZATION"}):
        left = totals.capturable(shop, order)
        if shop_amount(left):
            placing.add_transaction(shop, order, "VOID", left, gateway=row["gateway"], parent=row["id"])
    carriage = totals.shipping_total(shop, order, current=True) if payments else None
    if lines or payments:
        refunds.make_refund(shop, order, lines, carriage, payments, note=note)
    now = stamp(shop.now())
    order |= {"cancelledAt": now, "cancelReason": reason, "cancellation": {"staffNote": note}, "closedAt": now}
    for row in shop.many(order["fulfillmentOrders"]):
        if row["status"] != "CLOSED" or not shop.many(row["fulfillments"]):
            row["status"] = "CLOSED"
            shop.touch(row, "fulfillment_orders/cancelled")
    shop.touch(order, "orders/cancelled", "orders/updated")


def order_close(shop: Shop, args: dict[str, Any], *, close: bool) -> Record:
    order = _order(shop, args["input"]["id"], ["input", "id"])
    order["closedAt"] = stamp(shop.now()) if close else None
    shop.touch(order, "orders/updated")
    return {"order": order["id"]}


def mark_as_paid(shop: Shop, args: dict[str, Any]) -> Record:
    order = _order(shop, args["input"]["id"], ["id"])
    if not can_mark_as_paid(shop, order):
        raise UserError("Order cannot be marked as paid.", ["id"])
    pay_rest(shop, order)
    return {"order": order["id"]}


def can_mark_as_paid(shop: Shop, order: Record) -> bool:
    return not order["cancelledAt"] and shop_amount(totals.outstanding(shop, order)) > 0


def pay_rest(shop: Shop, order: Record) -> None:
    left = totals.outstanding(shop, order)
    waiting = [row for row in shop.many(order["_transactions"]) if row["status"] == "PENDING"]
    gateway = waiting[0]["gateway"] if waiting else MANUAL
    if totals.payments_of(shop, order, {"AUTHORIZATION"}):
        parent = totals.payments_of(shop, order, {"AUTHORIZATION"})[0]
        placing.add_transaction(shop, order, "CAPTURE", left, gateway=parent["gateway"], parent=parent["id"])
    else:
        placing.add_transaction(
            shop, order, "SALE", left, gateway=gateway, parent=waiting[0]["id"] if waiting else None
        )
    shop.touch(order, "orders/paid", "orders/updated")


def manual_payment(shop: Shop, args: dict[str, Any]) -> Record:
    """documented: all that is outstanding, or the amount given."""
    order = _order(shop, args["id"], ["id"])
    left = totals.outstanding(shop, order)
    if order["cancelledAt"] or shop_amount(left) <= 0:
        raise UserError("Order is not eligible for a manual payment.", ["id"], "ORDER_IS_TEMPORARILY_UNAVAILABLE")
    bag = refunds.to_bag(order, amount_of(args["amount"]["amount"])) if args.get("amount") else left
    if not 0 < shop_amount(bag) <= shop_amount(left):
        raise UserError("Amount exceeds what is outstanding.", ["amount"], "AMOUNT_EXCEEDS_BALANCE")
    placing.add_transaction(shop, order, "SALE", bag, gateway=args.get("paymentMethodName") or MANUAL)
    paid = totals.financial_status(shop, order) == "PAID"
    shop.touch(order, *(["orders/paid"] if paid else []), "orders/updated")
    return {"order": order["id"]}


def order_capture(shop: Shop, args: dict[str, Any]) -> Record:
    given = args["input"]
    order = _order(shop, given["id"], ["id"])
    parent = shop.find(given["parentTransactionId"], "OrderTransaction")
    if parent is None or parent not in totals.payments_of(shop, order, {"AUTHORIZATION"}):
        raise UserError("Transaction cannot be captured", ["parentTransactionId"])
    bag = refunds.to_bag(order, amount_of(given["amount"]))
    if not 0 < shop_amount(bag) <= shop_amount(totals.capturable(shop, order)):
        raise UserError("Amount is greater than what can be captured", ["amount"])
    row = placing.add_transaction(shop, order, "CAPTURE", bag, gateway=parent["gateway"], parent=parent["id"])
    paid = totals.financial_status(shop, order) == "PAID"
    shop.touch(order, *(["orders/paid"] if paid else []), "orders/updated")
    return {"transaction": row["id"]}


MUTATIONS = {
    "orderUpdate": order_update,
    "orderCancel": order_cancel,
    "orderClose": lambda shop, args: order_close(shop, args, close=True),
    "orderOpen": lambda shop, args: order_close(shop, args, close=False),
    "orderMarkAsPaid": mark_as_paid,
    "orderCapture": order_capture,
    "orderCreateManualPayment": manual_payment,
}
