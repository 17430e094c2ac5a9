"""Returns: goods on their way back, asked for, agreed to, processed. No money moves but by a refund.

documented: https://shopify.dev/docs/apps/build/orders-fulfillment/returns-apps/build-return-management and the
mutations returnRequest, returnApproveRequest, returnDeclineRequest, returnCreate, returnCancel, returnClose,
returnProcess; a return has a reverse fulfilment order, whose dispositions say what became of the goods. Only what was
sent can come back. judgement: a return whose every unit is processed closes itself; a processed unit is refundable
until a refund takes it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from integrations.simulators.shopify import placing, refunds, totals
from integrations.simulators.shopify.records import Record, UserError, amount_of, number_of, plain_id, stamp
from integrations.simulators.shopify.shop import Shop

REASONS = {
    "COLOR": "Color", "DEFECTIVE": "Damaged or defective", "NOT_AS_DESCRIBED": "Item not as described",
    "OTHER": "Other",
    "SIZE_TOO_LARGE": "Size was too large", "SIZE_TOO_SMALL": "Size was too small", "STYLE": "Style",
    "UNKNOWN": "Unknown", "UNWANTED": "Customer changed their mind", "WRONG_ITEM": "Received the wrong item",
}  # fmt: skip


def list_reasons() -> list[Record]:
    return [
        {"id": f"gid://shopify/ReturnReasonDefinition/{place}", "handle": key.lower().replace("_", "-"), "name": name,
         "deleted": False, "_reason": key}
        for place, (key, name) in enumerate(REASONS.items(), 1)
    ]  # fmt: skip


def make_return(shop: Shop, given: Mapping[str, Any], *, status: str, field: str) -> Record:
    order = shop.need(plain_id(given["orderId"], "Order"), "Order", [field, "orderId"], message="Order does not exist.")
    if not given["returnLineItems"]:
        raise UserError("A return needs line items.", [field, "returnLineItems"], "BLANK")
    parts = [
        _read(shop, order, one, [field, "returnLineItems", str(n)]) for n, one in enumerate(given["returnLineItems"])
    ]
    row = shop.add("Return", {
        "order": order["id"], "name": f"{order['name']}-R{len(order['returns']) + 1}", "status": status,
        "closedAt": None, "requestApprovedAt": stamp(shop.now()) if status == "OPEN" else None, "decline": None,
        "refunds": [], "returnLineItems": [], "returnShippingFees": [], "reverseFulfillmentOrders": [],
    })  # fmt: skip
    for sent, quantity, one in parts:
        sent["_returned"] += quantity
        line = shop.add("ReturnLineItem", {
            "fulfillmentLineItem": sent["id"], "quantity": quantity, "customerNote": one.get("customerNote"),
            "returnReasonNote": one.get("returnReasonNote") or "", "_reason": _reason(one), "processedQuantity": 0,
            "refundedQuantity": 0, "_return": row["id"], "restockingFee": None,
        })  # fmt: skip
        row["returnLineItems"].append(line["id"])
    order["returns"].append(row["id"])
    order["closedAt"] = None  # documented: an archived order is opened again
    if status == "OPEN":
        _open_reverse(shop, row)
    shop.emit(row["id"], "returns/request" if status == "REQUESTED" else "returns/approve")
    shop.touch(order, "orders/updated")
    return row


def _read(shop: Shop, order: Record, one: Mapping[str, Any], field: list[str]) -> tuple[Record, int, Mapping[str, Any]]:
    gid = plain_id(one["fulfillmentLineItemId"], "FulfillmentLineItem")
    missing = "Fulfillment line item does not exist."
    sent = shop.need(gid, "FulfillmentLineItem", [*field, "fulfillmentLineItemId"], "NOT_FOUND", missing)
    parcel = shop.get(sent["fulfillment"])
    if parcel["order"] != order["id"] or parcel["status"] != "SUCCESS":
        raise UserError(missing, [*field, "fulfillmentLineItemId"], "NOT_FOUND")
    if not 0 < one["quantity"] <= returnable_quantity(shop, sent):
        message = "Return line item has an invalid quantity."
        raise UserError(message, [*field, "quantity"], "INVALID")
    return sent, one["quantity"], one


def _reason(one: Mapping[str, Any]) -> str:
    wanted = one.get("returnReasonDefinitionId")
    found = next((row["_reason"] for row in list_reasons() if row["id"] == wanted), None)
    return str(found or one.get("returnReason") or "UNKNOWN")


def returnable_quantity(shop: Shop, sent: Record) -> int:
    """Of a fulfilment's line: not in a return yet, not refunded yet."""
    line = shop.get(sent["lineItem"])
    unrefunded = line["_fulfilled"] - (line["_refunded"] - line["_dropped"])
    return max(0, min(int(sent["quantity"] - sent["_returned"]), int(unrefunded)))


def _open_reverse(shop: Shop, row: Record) -> None:
    reverse = shop.add("ReverseFulfillmentOrder", {"order": row["order"], "status": "OPEN", "lineItems": []})
    for line in shop.many(row["returnLineItems"]):
        one = shop.add("ReverseFulfillmentOrderLineItem", {
            "fulfillmentLineItem": line["fulfillmentLineItem"], "totalQuantity": line["quantity"], "dispositions": [],
        })  # fmt: skip
        reverse["lineItems"].append(one["id"])
        line["_reverse"] = one["id"]
    row["reverseFulfillmentOrders"].append(reverse["id"])


# mutations ------------------------------------------------------------------------------------------------------------
def return_create(shop: Shop, args: dict[str, Any]) -> Record:
    return {"return": make_return(shop, args["returnInput"], status="OPEN", field="returnInput")["id"]}


def return_request(shop: Shop, args: dict[str, Any]) -> Record:
    return {"return": make_return(shop, args["input"], status="REQUESTED", field="input")["id"]}


def _need(shop: Shop, gid: str, *states: str) -> Record:
    row = shop.need(plain_id(gid, "Return"), "Return", ["id"], "NOT_FOUND", "Return not found.")
    if row["status"] not in states:
        raise UserError(f"Return is {row['status'].lower()}.", ["id"], "INVALID_STATE")
    return row


def _changed(shop: Shop, row: Record, topic: str) -> Record:
    shop.touch(row, topic)
    shop.touch(shop.get(row["order"]), "orders/updated")
    return {"return": row["id"]}


def approve_request(shop: Shop, args: dict[str, Any]) -> Record:
    row = _need(shop, args["input"]["id"], "REQUESTED")
    row |= {"status": "OPEN", "requestApprovedAt": stamp(shop.now())}
    _open_reverse(shop, row)
    return _changed(shop, row, "returns/approve")


def decline_request(shop: Shop, args: dict[str, Any]) -> Record:
    given = args["input"]
    row = _need(shop, given["id"], "REQUESTED")
    _give_up(shop, row)
    row |= {"status": "DECLINED", "decline": {"reason": given["declineReason"], "note": given.get("declineNote")}}
    return _changed(shop, row, "returns/decline")


def return_cancel(shop: Shop, args: dict[str, Any]) -> Record:
    row = _need(shop, args["id"], "OPEN", "REQUESTED")
    if any(line["processedQuantity"] for line in shop.many(row["returnLineItems"])):
        raise UserError("Return cannot be canceled once items are processed.", ["id"], "INVALID_STATE")
    _give_up(shop, row)
    row["status"] = "CANCELED"
    for reverse in shop.many(row["reverseFulfillmentOrders"]):
        reverse["status"] = "CANCELED"
    return _changed(shop, row, "returns/cancel")


def _give_up(shop: Shop, row: Record) -> None:
    for line in shop.many(row["returnLineItems"]):
        shop.get(line["fulfillmentLineItem"])["_returned"] -= line["quantity"]


def return_close(shop: Shop, args: dict[str, Any]) -> Record:
    row = _need(shop, args["id"], "OPEN")
    close(shop, row)
    return _changed(shop, row, "returns/close")


def close(shop: Shop, row: Record) -> None:
    row |= {"status": "CLOSED", "closedAt": stamp(shop.now())}
    for reverse in shop.many(row["reverseFulfillmentOrders"]):
        reverse["status"] = "CLOSED"


def return_process(shop: Shop, args: dict[str, Any]) -> Record:
    given = args["input"]
    row = _need(shop, given["returnId"], "OPEN")
    order = shop.get(row["order"])
    parts = [_read_part(shop, row, one, n) for n, one in enumerate(given.get("returnLineItems") or [])]
    payments, shipping = _read_money(shop, order, given)
    for line, quantity, dispositions in parts:
        line["processedQuantity"] += quantity
        _dispose(shop, line, dispositions)
    if parts or payments or shipping is not None:
        lines: list[refunds.Line] = []
        for line, quantity, dispositions in parts:
            sent = shop.get(line["fulfillmentLineItem"])
            restocked = next((one for one in dispositions if one["dispositionType"] == "RESTOCKED"), None)
            location = shop.find(restocked["locationId"]) if restocked and restocked.get("locationId") else None
            lines.append((shop.get(sent["lineItem"]), quantity, "RETURN" if restocked else "NO_RESTOCK", location))
            line["refundedQuantity"] += quantity
        refund = refunds.make_refund(shop, order, lines, shipping, payments, note=given.get("note"),
                                     of_return=row["id"])  # fmt: skip
        row["refunds"].append(refund["id"])
    if all(line["processedQuantity"] == line["quantity"] for line in shop.many(row["returnLineItems"])):
        close(shop, row)
        shop.emit(row["id"], "returns/close")
    return _changed(shop, row, "returns/process")


Processed = tuple[Record, int, Sequence[Mapping[str, Any]]]


def _read_part(shop: Shop, row: Record, one: Mapping[str, Any], place: int) -> Processed:
    field = ["input", "returnLineItems", str(place)]
    gid = plain_id(one["id"], "ReturnLineItem")
    line = shop.need(gid, "ReturnLineItem", [*field, "id"], "NOT_FOUND", "Return line item not found.")
    if line["id"] not in row["returnLineItems"]:
        raise UserError("Return line item not found.", [*field, "id"], "NOT_FOUND")
    if not 0 < one["quantity"] <= line["quantity"] - line["processedQuantity"]:
        raise UserError("Quantity is more than is left to process.", [*field, "quantity"], "INVALID")
    dispositions = one.get("dispositions") or []
    if sum(each["quantity"] for each in dispositions) > one["quantity"]:
        raise UserError("Dispositions are of more than the quantity.", [*field, "dispositions"], "INVALID")
    for each in dispositions:
        if each["reverseFulfillmentOrderLineItemId"] != line.get("_reverse"):
            message = "Reverse fulfillment order line item not found."
            raise UserError(message, [*field, "dispositions"], "NOT_FOUND")
        if each["dispositionType"] == "RESTOCKED" and shop.find(each.get("locationId"), "Location") is None:
            raise UserError("A location is needed to restock.", [*field, "dispositions"], "BLANK")
    return line, one["quantity"], dispositions


def _read_money(shop: Shop, order: Record, given: Mapping[str, Any]) -> tuple[list[refunds.Payment], Any]:
    transfer = (given.get("financialTransfer") or {}).get("issueRefund") or {}
    payments: list[refunds.Payment] = []
    for place, one in enumerate(transfer.get("orderTransactions") or []):
        field = ["input", "financialTransfer", "issueRefund", "orderTransactions", str(place)]
        parent = shop.find(one["parentId"], "OrderTransaction")
        if parent is None or parent not in totals.payments_of(shop, order, totals.PAID_KINDS):
            raise UserError("Parent transaction not found.", [*field, "parentId"], "NOT_FOUND")
        payments.append((parent, refunds.to_bag(order, amount_of(one["transactionAmount"]["amount"]))))
    refunds.check_payments(shop, order, payments, allow_over=bool(transfer.get("allowOverRefunding")))
    carriage = given.get("refundShipping") or {}
    amount = (carriage.get("shippingRefundAmount") or {}).get("amount")
    wanted = {"fullRefund": carriage.get("fullRefund"), "amount": amount} if carriage else None
    return payments, refunds.read_shipping(shop, order, wanted)


def _dispose(shop: Shop, line: Record, dispositions: Sequence[Mapping[str, Any]]) -> None:
    sent = shop.get(line["fulfillmentLineItem"])
    for each in dispositions:
        row = shop.add("ReverseFulfillmentOrderDisposition", {
            "type": each["dispositionType"], "quantity": each["quantity"], "location": each.get("locationId"),
        })  # fmt: skip
        shop.get(line["_reverse"])["dispositions"].append(row["id"])
        if each["dispositionType"] == "RESTOCKED":
            placing.put_back(shop, shop.get(sent["lineItem"]), shop.get(each["locationId"]), each["quantity"])


def dispose(shop: Shop, args: dict[str, Any]) -> Record:
    """documented: what became of goods, before or beside a refund."""
    given = args["dispositionInputs"]
    lines = {line["_reverse"]: line for line in shop.all("ReturnLineItem") if line.get("_reverse")}
    for place, each in enumerate(given):
        field = ["dispositionInputs", str(place)]
        line = lines.get(each["reverseFulfillmentOrderLineItemId"])
        if line is None:
            raise UserError("Reverse fulfillment order line item not found.", field, "NOT_FOUND")
        done = sum(one["quantity"] for one in shop.many(shop.get(line["_reverse"])["dispositions"]))
        if not 0 < each["quantity"] <= line["quantity"] - done:
            raise UserError("Quantity is more than is left to dispose of.", field, "INVALID")
        if each["dispositionType"] == "RESTOCKED" and shop.find(each.get("locationId"), "Location") is None:
            raise UserError("A location is needed to restock.", field, "BLANK")
    for each in given:
        _dispose(shop, lines[each["reverseFulfillmentOrderLineItemId"]], [each])
    return {"reverseFulfillmentOrderLineItems": [each["reverseFulfillmentOrderLineItemId"] for each in given]}


def returnable(shop: Shop, order: Record) -> list[Record]:
    """documented: returnableFulfillments: what was sent and can still come back."""
    found = []
    for parcel in shop.many(order["fulfillments"]):
        lines = [
            {"fulfillmentLineItem": one["id"], "quantity": returnable_quantity(shop, one)}
            for one in shop.many(parcel["fulfillmentLineItems"])
            if parcel["status"] == "SUCCESS" and returnable_quantity(shop, one)
        ]
        if lines:
            gid = f"gid://shopify/ReturnableFulfillment/{number_of(parcel['id'])}"
            found.append({"id": gid, "fulfillment": parcel["id"], "returnableFulfillmentLineItems": lines})
    return found


MUTATIONS = {
    "returnCreate": return_create,
    "returnRequest": return_request,
    "returnApproveRequest": approve_request,
    "returnDeclineRequest": decline_request,
    "returnCancel": return_cancel,
    "returnClose": return_close,
    "returnProcess": return_process,
    "reverseFulfillmentOrderDispose": dispose,
}
