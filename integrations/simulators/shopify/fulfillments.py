"""Fulfilment orders (what a location is to send) and fulfilments (what was sent).

documented: https://shopify.dev/docs/apps/build/orders-fulfillment/order-management-apps/build-fulfillment-solutions
and the mutations fulfillmentCreate, fulfillmentCancel, fulfillmentTrackingInfoUpdate, fulfillmentOrderMove,
fulfillmentOrderHold, fulfillmentOrderReleaseHold. A fulfilment is of one order and one location; without lines it
takes all that is left. judgement: a fulfilment order partly sent is IN_PROGRESS; the quantities of a cancelled
fulfilment open a new one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from integrations.simulators.shopify import placing, totals
from integrations.simulators.shopify.records import Record, UserError, make_gid, number_of, plain_id, stamp
from integrations.simulators.shopify.shop import Shop

SENDABLE = {"OPEN", "IN_PROGRESS"}
Part = tuple[Record, Record, int]  # fulfilment order, its line, quantity


def fulfillment_create(shop: Shop, args: dict[str, Any]) -> Record:
    given = args["fulfillment"]
    parts = _read_parts(shop, given["lineItemsByFulfillmentOrder"])
    row = make_fulfillment(shop, parts, given.get("trackingInfo"))
    return {"fulfillment": row["id"]}


def _read_parts(shop: Shop, given: Sequence[Mapping[str, Any]]) -> list[Part]:
    field = ["fulfillment", "lineItemsByFulfillmentOrder"]
    parts: list[Part] = []
    owners = []
    for place, one in enumerate(given):
        here = [*field, str(place), "fulfillmentOrderId"]
        gid = plain_id(one["fulfillmentOrderId"], "FulfillmentOrder")
        row = shop.need(gid, "FulfillmentOrder", here, message="Fulfillment order does not exist.")
        if row["status"] not in SENDABLE:
            message = f"Fulfillment order {number_of(row['id'])} has an unfulfillable status= {row['status'].lower()}."
            raise UserError(message, here)
        owners.append(row)
        parts += _read_lines(shop, row, one.get("fulfillmentOrderLineItems"), [*field, str(place)])
    if len({row["order"] for row in owners}) > 1 or len({row["_location"] for row in owners}) > 1:
        raise UserError("All fulfillment orders must be of one order and one location.", field)
    if not parts:
        raise UserError("There is nothing to fulfill.", field)
    return parts


def _read_lines(shop: Shop, row: Record, given: Sequence[Mapping[str, Any]] | None, field: list[str]) -> list[Part]:
    if not given:
        return [(row, one, one["remainingQuantity"]) for one in shop.many(row["lineItems"]) if one["remainingQuantity"]]
    parts = []
    for place, one in enumerate(given):
        here = [*field, "fulfillmentOrderLineItems", str(place)]
        gid = plain_id(one["id"], "FulfillmentOrderLineItem")
        line = shop.need(gid, "FulfillmentOrderLineItem", [*here, "id"], message="Line item does not exist.")
        if line["id"] not in row["lineItems"]:
            raise UserError("Line item is not of the fulfillment order.", [*here, "id"])
        if not 0 < one["quantity"] <= line["remainingQuantity"]:
            message = "Invalid fulfillment order line item quantity requested."
            raise UserError(message, [*here, "quantity"])
        parts.append((row, line, one["quantity"]))
    return parts


def make_fulfillment(shop: Shop, parts: Sequence[Part], tracking: Mapping[str, Any] | None) -> Record:
    order = shop.get(parts[0][0]["order"])
    row = shop.add("Fulfillment", {
        "order": order["id"], "name": f"{order['name']}-F{len(order['fulfillments']) + 1}", "status": "SUCCESS",
        "displayStatus": "FULFILLED", "deliveredAt": None, "inTransitAt": None, "estimatedDeliveryAt": None,
        "location": parts[0][0]["_location"], "trackingInfo": read_tracking(tracking), "fulfillmentLineItems": [],
        "fulfillmentOrders": [], "originAddress": None, "_events": [],
    })  # fmt: skip
    for owner, one, quantity in parts:
        line = shop.get(one["lineItem"])
        made = shop.add("FulfillmentLineItem", {
            "lineItem": line["id"], "quantity": quantity, "fulfillment": row["id"], "_of": one["id"], "_returned": 0,
        })  # fmt: skip
        row["fulfillmentLineItems"].append(made["id"])
        one["remainingQuantity"] -= quantity
        line["_fulfilled"] += quantity
        if owner["_committed"]:
            placing.send_out(shop, line, shop.get(owner["_location"]), quantity)
        if owner["id"] not in row["fulfillmentOrders"]:
            row["fulfillmentOrders"].append(owner["id"])
            owner["fulfillments"].append(row["id"])
    for gid in row["fulfillmentOrders"]:
        owner = shop.get(gid)
        owner["status"] = "IN_PROGRESS" if _left(shop, owner) else "CLOSED"
        shop.touch(owner)
    order["fulfillments"].append(row["id"])
    done = totals.fulfillment_status(shop, order) == "FULFILLED"
    shop.touch(order, "orders/fulfilled" if done else "orders/partially_fulfilled", "orders/updated")
    shop.emit(row["id"], "fulfillments/create")
    return row


def fulfill_all(shop: Shop, order: Record, given: Mapping[str, Any]) -> None:
    """OrderCreateOrderInput.fulfillment."""
    parts = [part for row in shop.many(order["fulfillmentOrders"]) for part in _read_lines(shop, row, None, [])]
    if parts:
        tracking = {"company": given.get("trackingCompany"), "number": given.get("trackingNumber")}
        make_fulfillment(shop, parts, tracking)


def read_tracking(given: Mapping[str, Any] | None) -> list[Record]:
    """documented: FulfillmentTrackingInput: one number or several, each with the address at its place."""
    if not given:
        return []
    numbers = list(given.get("numbers") or filter(None, [given.get("number")]))
    urls = list(given.get("urls") or filter(None, [given.get("url")]))
    rows = max(len(numbers), len(urls))
    return [
        {
            "company": given.get("company"),
            "number": numbers[place] if place < len(numbers) else None,
            "url": urls[place] if place < len(urls) else None,
        }
        for place in range(rows)
    ]


def fulfillment_cancel(shop: Shop, args: dict[str, Any]) -> Record:
    gid = plain_id(args["id"], "Fulfillment")
    row = shop.need(gid, "Fulfillment", ["id"], message="Fulfillment not found.")
    if row["status"] == "CANCELLED":
        raise UserError("Fulfillment has already been cancelled.", ["id"])
    order = shop.get(row["order"])
    wanted = []
    committed = True
    for one in shop.many(row["fulfillmentLineItems"]):
        line = shop.get(one["lineItem"])
        line["_fulfilled"] -= one["quantity"]
        wanted.append((line, one["quantity"]))
        committed = bool(shop.get(row["fulfillmentOrders"][0])["_committed"])
    location = shop.get(row["location"])
    placing.add_fulfillment_order(shop, order, location, wanted, committed=committed)
    for line, quantity in wanted:
        if committed:
            placing.send_out(shop, line, location, -quantity)
    row |= {"status": "CANCELLED", "displayStatus": "CANCELED"}
    shop.touch(row, "fulfillments/update")
    shop.touch(order, "orders/updated")
    return {"fulfillment": row["id"]}


def update_tracking(shop: Shop, args: dict[str, Any]) -> Record:
    gid = plain_id(args["fulfillmentId"], "Fulfillment")
    row = shop.need(gid, "Fulfillment", ["fulfillmentId"], message="Fulfillment does not exist.")
    row["trackingInfo"] = read_tracking(args["trackingInfoInput"])
    shop.touch(row, "fulfillments/update")
    shop.touch(shop.get(row["order"]), "orders/updated")
    return {"fulfillment": row["id"]}


def add_event(shop: Shop, args: dict[str, Any]) -> Record:
    """documented: FulfillmentEvent: what the carrier says; Fulfillment.displayStatus follows it."""
    given = args["fulfillmentEvent"]
    gid = plain_id(given["fulfillmentId"], "Fulfillment")
    row = shop.need(gid, "Fulfillment", ["fulfillmentEvent", "fulfillmentId"], message="Fulfillment does not exist.")
    names = (
        "address1",
        "city",
        "country",
        "estimatedDeliveryAt",
        "latitude",
        "longitude",
        "message",
        "province",
        "zip",
    )
    values = {name: given.get(name) for name in names} | {"status": given["status"]}
    event = shop.add("FulfillmentEvent", values | {"happenedAt": given.get("happenedAt") or stamp(shop.now())})
    row["_events"].append(event["id"])
    row["displayStatus"] = given["status"]
    for status, moment in (("DELIVERED", "deliveredAt"), ("IN_TRANSIT", "inTransitAt")):
        if given["status"] == status:
            row[moment] = event["happenedAt"]
    shop.touch(row, "fulfillments/update")
    shop.touch(shop.get(row["order"]), "orders/updated")
    return {"fulfillmentEvent": event["id"]}


# fulfilment orders ----------------------------------------------------------------------------------------------------
def _owner(shop: Shop, gid: str, code: str) -> Record:
    gid = plain_id(gid, "FulfillmentOrder")
    return shop.need(gid, "FulfillmentOrder", ["id"], code, "Fulfillment order not found.")


def move_order(shop: Shop, args: dict[str, Any]) -> Record:
    """documented: what is not sent yet goes to the other location, with the stock promised for it. judgement: whole
    fulfilment orders only; one partly sent leaves a closed one behind."""
    row = _owner(shop, args["id"], "FULFILLMENT_ORDER_NOT_FOUND")
    location = shop.need(plain_id(args["newLocationId"], "Location"), "Location", ["newLocationId"],
                         "LOCATION_NOT_FOUND", "Location not found.")  # fmt: skip
    if row["status"] not in {*SENDABLE, "ON_HOLD"}:
        message = "Cannot change location of a fulfillment order that is closed."
        raise UserError(message, ["id"], "CANNOT_MOVE_FULFILLMENT_ORDER_WITH_REPORTED_PROGRESS")
    left = [(shop.get(one["lineItem"]), one["remainingQuantity"], one) for one in shop.many(row["lineItems"])]
    left = [part for part in left if part[1]]
    old = shop.get(row["_location"])
    if row["_committed"]:
        for line, quantity, _ in left:
            placing.promise(shop, line, old, -quantity)
            placing.promise(shop, line, location, quantity)
    moved = row
    if row["status"] == "IN_PROGRESS":
        order = shop.get(row["order"])
        wanted = [(line, quantity) for line, quantity, _ in left]
        moved = placing.add_fulfillment_order(shop, order, location, wanted, committed=row["_committed"])
        for _, quantity, one in left:
            one["totalQuantity"] -= quantity
            one["remainingQuantity"] = 0
        row["status"] = "CLOSED"
    else:
        row["_location"] = location["id"]
    shop.touch(row)
    shop.touch(moved, "fulfillment_orders/moved")
    shop.touch(shop.get(row["order"]), "orders/updated")
    return {
        "movedFulfillmentOrder": moved["id"],
        "originalFulfillmentOrder": row["id"],
        "remainingFulfillmentOrder": None,
    }


def hold_order(shop: Shop, args: dict[str, Any]) -> Record:
    row, given = _owner(shop, args["id"], "FULFILLMENT_ORDER_NOT_FOUND"), args["fulfillmentHold"]
    if row["status"] not in {"OPEN", "ON_HOLD"}:
        raise UserError("The fulfillment order is not in a holdable state.", ["id"], "INVALID_STATE")
    hold = {
        "id": make_gid("FulfillmentHold", shop.next_number("FulfillmentHold")), "reason": given["reason"],
        "reasonNotes": given.get("reasonNotes"), "displayReason": given["reason"].replace("_", " ").capitalize(),
        "handle": given.get("handle") or None, "heldByRequestingApp": True,
    }  # fmt: skip
    row["fulfillmentHolds"].append(hold)
    row["status"] = "ON_HOLD"
    shop.touch(row, "fulfillment_orders/placed_on_hold")
    shop.touch(shop.get(row["order"]), "orders/updated")
    return {"fulfillmentHold": hold, "fulfillmentOrder": row["id"], "remainingFulfillmentOrder": None}


def release_hold(shop: Shop, args: dict[str, Any]) -> Record:
    row = _owner(shop, args["id"], "FULFILLMENT_ORDER_NOT_FOUND")
    wanted = args.get("holdIds")
    row["fulfillmentHolds"] = [one for one in row["fulfillmentHolds"] if wanted and one["id"] not in wanted]
    if not row["fulfillmentHolds"] and row["status"] == "ON_HOLD":
        row["status"] = "OPEN"
    shop.touch(row, "fulfillment_orders/hold_released")
    shop.touch(shop.get(row["order"]), "orders/updated")
    return {"fulfillmentOrder": row["id"]}


def _left(shop: Shop, row: Record) -> int:
    return sum(one["remainingQuantity"] for one in shop.many(row["lineItems"]))


def supported_actions(shop: Shop, row: Record) -> list[Record]:
    actions = {
        "OPEN": ["CREATE_FULFILLMENT", "HOLD", "MOVE", "SPLIT"],
        "IN_PROGRESS": ["CREATE_FULFILLMENT", "MOVE"],
        "ON_HOLD": ["RELEASE_HOLD", "MOVE"],
    }
    return [{"action": action, "externalUrl": None} for action in actions.get(row["status"], [])]


def assigned_location(shop: Shop, row: Record) -> Record:
    location = shop.get(row["_location"])
    address = {name: location["address"][name] for name in ("address1", "address2", "city", "countryCode", "phone")}
    more = {"province": location["address"]["province"], "zip": location["address"]["zip"]}
    return {**address, **more, "name": location["name"], "location": location["id"]}


def destination(shop: Shop, row: Record) -> Record | None:
    order = shop.get(row["order"])
    address = shop.find(order["shippingAddress"]) if order["shippingAddress"] else None
    if address is None:
        return None
    names = ("address1", "address2", "city", "company", "firstName", "lastName", "phone", "province", "zip")
    return {name: address[name] for name in names} | {
        "id": row["id"].replace("FulfillmentOrder", "FulfillmentOrderDestination"), "email": order["email"],
        "countryCode": address["countryCodeV2"], "location": None,
    }  # fmt: skip


def _needs_shipping(shop: Shop, order: Record) -> bool:
    return any(line["requiresShipping"] for line in totals.lines_of(shop, order))


def delivery_method(shop: Shop, row: Record) -> Record:
    order = shop.get(row["order"])
    first = next(iter(order["_shipping"]), None)
    return {
        "id": row["id"].replace("FulfillmentOrder", "DeliveryMethod"),
        "methodType": "SHIPPING" if _needs_shipping(shop, order) else "NONE",
        "presentedName": first["title"] if first else None, "serviceCode": first["code"] if first else None,
        "minDeliveryDateTime": None, "maxDeliveryDateTime": None,
    }  # fmt: skip


MUTATIONS = {
    "fulfillmentCreate": fulfillment_create,
    "fulfillmentCancel": fulfillment_cancel,
    "fulfillmentTrackingInfoUpdate": update_tracking,
    "fulfillmentEventCreate": add_event,
    "fulfillmentOrderMove": move_order,
    "fulfillmentOrderHold": hold_order,
    "fulfillmentOrderReleaseHold": release_hold,
}
