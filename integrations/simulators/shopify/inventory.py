"""Stock by item, location and name of quantity.

documented: https://shopify.dev/docs/apps/build/orders-fulfillment/inventory-management-apps/manage-quantities-states:
on_hand is the sum of available, committed, reserved, damaged, safety_stock and quality_control; the mutations below are
https://shopify.dev/docs/api/admin-graphql/2026-07/mutations/inventorySetQuantities, inventoryAdjustQuantities,
inventoryActivate, inventoryItemUpdate. changeFromQuantity must be there since 2026-04, null skips the comparison:
https://shopify.dev/changelog/making-changefromquantity-field-required.
judgement: that it is missing is an error of the query, not of the user (as of a missing argument).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from graphql import GraphQLError

from integrations.simulators.shopify.records import Record, UserError, number_of, plain_id, stamp
from integrations.simulators.shopify.shop import CURRENCY, Shop

ON_HAND = ("available", "committed", "reserved", "damaged", "safety_stock", "quality_control")
NAMES = (*ON_HAND, "incoming")
REASONS = {
    "correction", "cycle_count_available", "damaged", "movement_canceled", "movement_created", "movement_received",
    "movement_updated", "other", "promotion", "quality_control", "received", "reservation_created",
    "reservation_deleted", "reservation_updated", "restock", "safety_stock", "shrinkage",
}  # fmt: skip
MOST = 1_000_000_000


def add_item(shop: Shop, variant: Record, given: Mapping[str, Any]) -> Record:
    """The inventory item of a new variant, stocked nowhere yet. judgement: not tracked unless it is said."""
    item = shop.add("InventoryItem", {
        "variant": variant["id"], "tracked": False, "requiresShipping": True, "unitCost": None, "_levels": [],
        "countryCodeOfOrigin": None, "provinceCodeOfOrigin": None, "harmonizedSystemCode": None, "_weight": None,
    })  # fmt: skip
    change_item(shop, item, given)
    return item


def change_item(shop: Shop, item: Record, given: Mapping[str, Any]) -> None:
    for name in ("tracked", "requiresShipping", "countryCodeOfOrigin", "provinceCodeOfOrigin", "harmonizedSystemCode"):
        if given.get(name) is not None:
            item[name] = given[name]
    if "cost" in given:
        cost = given["cost"]
        item["unitCost"] = {"amount": cost, "currencyCode": CURRENCY} if cost is not None else None
    if (given.get("measurement") or {}).get("weight"):
        item["_weight"] = dict(given["measurement"]["weight"])


def find_level(shop: Shop, item: Record, location: str) -> Record | None:
    return next((level for level in shop.many(item["_levels"]) if level["location"] == location), None)


def stock_at(shop: Shop, item: Record, location: Record) -> Record:
    """The level of an item at a location, made where there is none."""
    level = find_level(shop, item, location["id"])
    if level is None:
        level = shop.add("InventoryLevel", {"item": item["id"], "location": location["id"], "isActive": True})
        level["id"] += f"?inventory_item_id={number_of(item['id'])}"
        level["_quantities"] = dict.fromkeys(NAMES, 0)
        level["_moments"] = {}
        item["_levels"].append(level["id"])
    return level


def quantity_of(level: Record, name: str) -> int:
    quantities = level["_quantities"]
    return int(sum(quantities[one] for one in ON_HAND) if name == "on_hand" else quantities[name])


def move(shop: Shop, level: Record, **deltas: int) -> None:
    """Change quantities by name; whoever listens hears of the level, the item's product changes with it.

    judgement: products/update is told of stock, too, as shops are seen to do.
    """
    now = stamp(shop.now())
    for name, delta in deltas.items():
        level["_quantities"][name] += delta
        level["_moments"][name] = now
    if {"available"} & set(deltas):
        shop.touch(level, "inventory_levels/update")
    else:
        shop.touch(level)
    variant = shop.get(shop.get(level["item"])["variant"])
    shop.touch(shop.get(variant["product"]), "products/update")


def available_of(shop: Shop, item: Record) -> int:
    return sum(quantity_of(level, "available") for level in shop.many(item["_levels"]) if level["isActive"])


# mutations ------------------------------------------------------------------------------------------------------------
def set_quantities(shop: Shop, args: dict[str, Any]) -> Record:
    given = args["input"]
    rows: list[dict[str, Any]] = given["quantities"]
    _need_comparison(rows, "InventoryQuantityInput", "quantities")
    if given["name"] not in {"available", "on_hand"}:
        message = "The quantity name must be either 'available' or 'on_hand'."
        raise UserError(message, ["input", "name"], "INVALID_NAME")
    _check_reason(given)
    pairs = [(row["inventoryItemId"], row["locationId"]) for row in rows]
    plans: list[tuple[Record, int]] = []
    for place, row in enumerate(rows):
        field = ["input", "quantities", str(place)]
        if pairs.count(pairs[place]) > 1:
            message = "The combination of inventoryItemId and locationId must be unique."
            raise UserError(message, [*field, "locationId"], "NO_DUPLICATE_INVENTORY_ITEM_ID_GROUP_ID_PAIR")
        level = _level(shop, row, field)
        _compare(level, given["name"], row, field)
        if row["quantity"] < 0 and given["name"] == "on_hand":
            raise UserError("The quantity can't be negative.", [*field, "quantity"], "INVALID_QUANTITY_NEGATIVE")
        _check_size(row["quantity"], [*field, "quantity"])
        plans.append((level, row["quantity"] - quantity_of(level, given["name"])))
    # documented: a new figure on hand moves what is available.
    return _apply(shop, given, "available", plans, shown=given["name"])


def adjust_quantities(shop: Shop, args: dict[str, Any]) -> Record:
    given = args["input"]
    rows = given["changes"]
    _need_comparison(rows, "InventoryChangeInput", "changes")
    if given["name"] not in NAMES:
        message = "The specified quantity name is invalid."
        raise UserError(message, ["input", "name"], "INVALID_QUANTITY_NAME")
    _check_reason(given)
    plans = []
    for place, row in enumerate(rows):
        field = ["input", "changes", str(place)]
        level = _level(shop, row, field)
        _compare(level, given["name"], row, field)
        _check_size(quantity_of(level, given["name"]) + row["delta"], [*field, "delta"])
        plans.append((level, row["delta"]))
    return _apply(shop, given, given["name"], plans, shown=given["name"])


def _apply(
    shop: Shop, given: Mapping[str, Any], name: str, plans: Sequence[tuple[Record, int]], *, shown: str
) -> Record:
    """documented: the group names each quantity that changed; what was so already is no change, and without any there
    is no group."""
    changes = []
    for level, delta in plans:
        if delta == 0:
            continue
        move(shop, level, **{name: delta})
        names = ["available", "on_hand"] if name == "available" else [name, "on_hand"] if name in ON_HAND else [name]
        for one in names:
            after = quantity_of(level, one)
            where = {"item": level["item"], "location": level["location"]}
            changes.append(
                {"name": one, "delta": delta, "quantityAfterChange": after, "ledgerDocumentUri": None} | where
            )
    if not changes:
        return {"inventoryAdjustmentGroup": None}
    named = {"reason": given["reason"], "referenceDocumentUri": given.get("referenceDocumentUri")}
    changes.sort(key=lambda change: change["name"] != shown)
    group = shop.add("InventoryAdjustmentGroup", {**named, "_changes": changes})
    return {"inventoryAdjustmentGroup": group["id"]}


def _need_comparison(rows: Sequence[Mapping[str, Any]], kind: str, field: str) -> None:
    if any("changeFromQuantity" not in row for row in rows):
        message = f"{kind} must include the following argument: changeFromQuantity."
        raise GraphQLError(message, extensions={"code": "INVALID_FIELD_ARGUMENTS", "field": field})


def _check_reason(given: Mapping[str, Any]) -> None:
    if given["reason"] not in REASONS:
        raise UserError("The specified reason is invalid.", ["input", "reason"], "INVALID_REASON")
    document = given.get("referenceDocumentUri")
    if document is not None and "://" not in document:
        message = "The specified reference document is invalid."
        raise UserError(message, ["input", "referenceDocumentUri"], "INVALID_REFERENCE_DOCUMENT")


def _level(shop: Shop, row: Mapping[str, Any], field: list[str]) -> Record:
    item = shop.find(plain_id(row["inventoryItemId"], "InventoryItem"), "InventoryItem")
    if item is None:
        message = "The specified inventory item could not be found."
        raise UserError(message, [*field, "inventoryItemId"], "INVALID_INVENTORY_ITEM")
    location = shop.find(plain_id(row["locationId"], "Location"), "Location")
    if location is None:
        raise UserError("The specified location could not be found.", [*field, "locationId"], "INVALID_LOCATION")
    level = find_level(shop, item, location["id"])
    if level is None or not level["isActive"]:
        message = "The specified inventory item is not stocked at the location."
        raise UserError(message, [*field, "locationId"], "ITEM_NOT_STOCKED_AT_LOCATION")
    return level


def _compare(level: Record, name: str, row: Mapping[str, Any], field: list[str]) -> None:
    expected = row["changeFromQuantity"]
    if expected is not None and expected != quantity_of(level, name):
        message = "The changeFromQuantity argument no longer matches the persisted quantity."
        raise UserError(message, [*field, "changeFromQuantity"], "CHANGE_FROM_QUANTITY_STALE")


def _check_size(quantity: int, field: list[str]) -> None:
    if quantity > MOST:
        raise UserError("The quantity can't be higher than 1,000,000,000.", field, "INVALID_QUANTITY_TOO_HIGH")
    if quantity < -MOST:
        raise UserError("The quantity can't be lower than -1,000,000,000.", field, "INVALID_QUANTITY_TOO_LOW")


def activate(shop: Shop, args: dict[str, Any]) -> Record:
    """documented: available or onHand, not both; of a level that is active already neither may be given."""
    item = shop.need(plain_id(args["inventoryItemId"], "InventoryItem"), "InventoryItem", ["inventoryItemId"])
    location = shop.need(plain_id(args["locationId"], "Location"), "Location", ["locationId"])
    figure = args.get("available") if args.get("available") is not None else args.get("onHand")
    if args.get("available") is not None and args.get("onHand") is not None:
        raise UserError("Either available or onHand can be given, not both", ["available"])
    known = find_level(shop, item, location["id"])
    if known is not None and known["isActive"] and figure is not None:
        message = "Not allowed to set available quantity when the item is already active at the location."
        raise UserError(message, ["available"])
    level = stock_at(shop, item, location)
    level["isActive"] = True
    if figure:
        move(shop, level, available=figure)
    shop.emit(level["id"], "inventory_levels/connect")
    return {"inventoryLevel": level["id"]}


def update_item(shop: Shop, args: dict[str, Any]) -> Record:
    item = shop.need(plain_id(args["id"], "InventoryItem"), "InventoryItem", ["id"], message="Item does not exist")
    given = args["input"]
    variant = shop.get(item["variant"])
    if given.get("sku") is not None and given["sku"] != variant["sku"]:
        old, variant["sku"] = variant["sku"], given["sku"]
        shop.index_sku(variant, old)
        shop.touch(variant)
    change_item(shop, item, given)
    shop.touch(item, "inventory_items/update")
    shop.touch(shop.get(variant["product"]), "products/update")
    return {"inventoryItem": item["id"]}


MUTATIONS = {
    "inventorySetQuantities": set_quantities,
    "inventoryAdjustQuantities": adjust_quantities,
    "inventoryActivate": activate,
    "inventoryItemUpdate": update_item,
}
