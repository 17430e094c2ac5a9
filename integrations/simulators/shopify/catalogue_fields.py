"""What the shop, its locations, products, variants and stock say beyond what their records hold.

documented: the objects' pages under https://shopify.dev/docs/api/admin-graphql/2026-07/objects.
"""

from __future__ import annotations

from typing import Any

from integrations.simulators.shopify import inventory
from integrations.simulators.shopify.metafields import APP
from integrations.simulators.shopify.products import price_range, strip_html
from integrations.simulators.shopify.records import Record, number_of
from integrations.simulators.shopify.schema import Computed
from integrations.simulators.shopify.shop import DOMAIN, RATES, UTC_OFFSET, Shop
from integrations.simulators.shopify.variants import list_options, options_of

Args = dict[str, Any]
QUANTITY_NAMES = (*inventory.NAMES, "on_hand")
ADDRESS = {
    "id": "gid://shopify/ShopAddress/1", "address1": "1 Market Street", "address2": None, "city": "London",
    "company": None, "country": "United Kingdom", "countryCodeV2": "GB", "formatted": ["1 Market Street", "London"],
    "phone": None, "province": "England", "provinceCode": "ENG", "zip": "EC1A 1AA",
}  # fmt: skip


def build_shop(shop: Shop) -> Record:
    email = "owner@example.com"
    return {
        "id": "gid://shopify/Shop/1", "name": shop.profile["name"], "email": email, "contactEmail": email,
        "currencyCode": shop.currency, "enabledPresentmentCurrencies": list(RATES), "ianaTimezone": "Asia/Dubai",
        "timezoneAbbreviation": "+04", "timezoneOffset": UTC_OFFSET.replace(":", ""), "timezoneOffsetMinutes": 240,
        "myshopifyDomain": DOMAIN, "url": f"https://{DOMAIN}", "taxesIncluded": shop.profile["taxesIncluded"],
        "primaryDomain": {"id": "gid://shopify/Domain/1", "host": DOMAIN, "sslEnabled": True,
                          "url": f"https://{DOMAIN}"},
        "taxShipping": False, "weightUnit": "KILOGRAMS", "unitSystem": "METRIC_SYSTEM", "setupRequired": False,
        "plan": {"partnerDevelopment": False, "publicDisplayName": "Basic", "displayName": "Basic",
                 "shopifyPlus": False},
        "shopAddress": ADDRESS, "billingAddress": ADDRESS, "shopOwnerName": "Simulated Owner", "description": None,
        "createdAt": "2020-01-01T00:00:00Z", "updatedAt": "2020-01-01T00:00:00Z", "orderNumberFormatPrefix": "#",
        "orderNumberFormatSuffix": "", "_metafields": shop.profile.get("_metafields", []),
    }  # fmt: skip


def _levels(shop: Shop, gids: list[str], args: Args) -> list[str]:
    return [row["id"] for row in shop.many(gids) if row["isActive"] or args.get("includeInactive")]


def _levels_here(shop: Shop, location: Record, args: Args) -> list[str]:
    rows = [row["id"] for row in shop.all("InventoryLevel") if row["location"] == location["id"]]
    return _levels(shop, rows, args)


def _quantities(shop: Shop, level: Record, args: Args) -> list[Record]:
    number, item = number_of(level["id"]), number_of(level["item"])
    return [
        {
            "id": f"gid://shopify/InventoryQuantity/{number}?inventory_item_id={item}&name={name}",
            "name": name,
            "quantity": inventory.quantity_of(level, name),
            "updatedAt": level["_moments"].get(name),
        }
        for name in args["names"]
        if name in QUANTITY_NAMES
    ]


def _names(shop: Shop, row: Record, args: Args) -> list[Record]:
    parts = ["available", "committed", "damaged", "incoming", "on_hand", "quality_control", "reserved", "safety_stock"]
    return [
        {
            "name": name,
            "displayName": name.replace("_", " ").capitalize(),
            "isInUse": True,
            "belongsTo": ["on_hand"] if name in inventory.ON_HAND else [],
            "comprises": list(inventory.ON_HAND) if name == "on_hand" else [],
        }
        for name in parts
    ]


def _selected(shop: Shop, variant: Record, args: Args) -> list[Record]:
    options = options_of(shop, shop.get(variant["product"]))
    return [
        {
            "name": option["name"],
            "value": value,
            "optionValue": next((gid for gid in option["_values"] if shop.get(gid)["name"] == value), None),
        }
        for option, value in zip(options, variant["_values"], strict=True)
    ]


def _option_values(shop: Shop, option: Record, args: Args) -> list[str]:
    """documented: ProductOption.optionValues are those that variants have."""
    return [row["id"] for row in shop.many(option["_values"]) if _has_variants(shop, row, args)]


def _has_variants(shop: Shop, value: Record, args: Args) -> bool:
    option = shop.get(value["option"])
    product = shop.get(option["product"])
    place = [row["id"] for row in options_of(shop, product)].index(option["id"])
    return any(row["_values"][place] == value["name"] for row in shop.many(product["variants"]))


def _available(shop: Shop, variant: Record) -> int:
    return inventory.available_of(shop, shop.get(variant["inventoryItem"]))


def _item_of(shop: Shop, variant: Record) -> Record:
    return shop.get(variant["inventoryItem"])


def _for_sale(shop: Shop, variant: Record, args: Args) -> bool:
    free = not _item_of(shop, variant)["tracked"] or variant["inventoryPolicy"] == "CONTINUE"
    return free or _available(shop, variant) > 0


def _total(shop: Shop, product: Record, args: Args) -> int:
    rows = shop.many(product["variants"])
    return sum(_available(shop, row) for row in rows if _item_of(shop, row)["tracked"])


def _images(shop: Shop, product: Record, args: Args) -> list[Record]:
    return [row["image"] for row in shop.many(product["_media"])]


def _description(shop: Shop, product: Record, args: Args) -> str:
    text = strip_html(product["descriptionHtml"])
    return text[: args["truncateAt"]] if args.get("truncateAt") else text


def _first(rows: list[Any]) -> Any:
    return rows[0] if rows else None


def _variant_title(shop: Shop, variant: Record, args: Args) -> str:
    return f"{shop.get(variant['product'])['title']} - {variant['title']}"


def legacy_id(shop: Shop, row: Record, args: Args) -> int:
    return number_of(row["id"])


def count(number: int) -> Record:
    return {"count": number, "precision": "EXACT"}


COMPUTED: dict[str, dict[str, Computed]] = {
    "Location": {
        "legacyResourceId": legacy_id,
        "address": lambda shop, row, args: row["address"] | {
            "formatted": [row["address"]["address1"], row["address"]["city"]], "latitude": None, "longitude": None,
        },
        "addressVerified": lambda shop, row, args: False,
        "isPrimary": lambda shop, row, args: row["id"] == shop.primary_location["id"],
        "isFulfillmentService": lambda shop, row, args: False,
        "fulfillsOnlineOrders": lambda shop, row, args: row["isActive"],
        "shipsInventory": lambda shop, row, args: True,
        "hasActiveInventory": lambda shop, row, args: bool(_levels_here(shop, row, args)),
        "hasUnfulfilledOrders": lambda shop, row, args: any(
            one["_location"] == row["id"] and one["status"] in {"OPEN", "IN_PROGRESS"}
            for one in shop.all("FulfillmentOrder")
        ),
        "activatable": lambda shop, row, args: not row["isActive"],
        "deactivatable": lambda shop, row, args: row["isActive"],
        "deletable": lambda shop, row, args: False,
        "inventoryLevels": _levels_here,
        "inventoryLevel": lambda shop, row, args: _level_of(shop, args["inventoryItemId"], row["id"]),
    },
    "Product": {
        "legacyResourceId": legacy_id,
        "description": _description,
        "options": lambda shop, row, args: options_of(shop, row),
        "variantsCount": lambda shop, row, args: count(len(row["variants"])),
        "totalInventory": _total,
        "tracksInventory": lambda shop, row, args: any(
            _item_of(shop, one)["tracked"] for one in shop.many(row["variants"])
        ),
        "hasOnlyDefaultVariant": lambda shop, row, args: list_options(shop, row) == [("Title", ["Default Title"])],
        "hasOutOfStockVariants": lambda shop, row, args: any(
            _item_of(shop, one)["tracked"] and _available(shop, one) <= 0 for one in shop.many(row["variants"])
        ),
        "hasVariantsThatRequiresComponents": lambda shop, row, args: False,
        "isGiftCard": lambda shop, row, args: False,
        "requiresSellingPlan": lambda shop, row, args: False,
        "media": lambda shop, row, args: row["_media"],
        "mediaCount": lambda shop, row, args: count(len(row["_media"])),
        "featuredMedia": lambda shop, row, args: _first(row["_media"]),
        "featuredImage": lambda shop, row, args: _first(_images(shop, row, args)),
        "images": _images,
        "priceRangeV2": lambda shop, row, args: price_range(shop, row),
        "defaultCursor": lambda shop, row, args: str(number_of(row["id"])),
        "onlineStoreUrl": lambda shop, row, args: f"https://{DOMAIN}/products/{row['handle']}",
    },
    "ProductOption": {
        "optionValues": _option_values,
        "values": lambda shop, row, args: [shop.get(gid)["name"] for gid in _option_values(shop, row, args)],
    },
    "ProductOptionValue": {"hasVariants": _has_variants},
    "ProductVariant": {
        "legacyResourceId": legacy_id,
        "displayName": _variant_title,
        "availableForSale": _for_sale,
        "inventoryQuantity": lambda shop, row, args: _available(shop, row),
        "sellableOnlineQuantity": lambda shop, row, args: max(0, _available(shop, row)),
        "selectedOptions": _selected,
        "requiresComponents": lambda shop, row, args: False,
        "media": lambda shop, row, args: row["_media"],
        "defaultCursor": lambda shop, row, args: str(number_of(row["id"])),
    },
    "InventoryItem": {
        "legacyResourceId": legacy_id,
        "sku": lambda shop, row, args: shop.get(row["variant"])["sku"],
        "variants": lambda shop, row, args: [row["variant"]],
        "inventoryLevels": lambda shop, row, args: _levels(shop, row["_levels"], args),
        "inventoryLevel": lambda shop, row, args: _level_of(shop, row["id"], args["locationId"]),
        "locationsCount": lambda shop, row, args: count(len(row["_levels"])),
        "duplicateSkuCount": lambda shop, row, args: max(
            0, len(shop.variants_of_sku(shop.get(row["variant"])["sku"] or "")) - 1
        ),
        "measurement": lambda shop, row, args: {
            "id": row["id"].replace("InventoryItem", "InventoryItemMeasurement"), "weight": row["_weight"]
        },
        "trackedEditable": lambda shop, row, args: {"locked": False, "reason": None},
    },
    "InventoryLevel": {
        "quantities": _quantities,
        "canDeactivate": lambda shop, row, args: not any(row["_quantities"].values()),
    },
    "InventoryAdjustmentGroup": {
        "app": lambda shop, row, args: APP,
        "changes": lambda shop, row, args: [
            change for change in row["_changes"]
            if change["name"] in (args.get("quantityNames") or [change["name"]])
            and change["item"] in (args.get("inventoryItemIds") or [change["item"]])
            and change["location"] in (args.get("locationIds") or [change["location"]])
        ],
    },
    "InventoryProperties": {"quantityNames": _names},
}  # fmt: skip


def _level_of(shop: Shop, item: str, location: str) -> Record | None:
    found = shop.find(item, "InventoryItem")
    return inventory.find_level(shop, found, location) if found is not None else None
