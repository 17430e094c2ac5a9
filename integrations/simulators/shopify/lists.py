"""Which lists the API has at its root, what they are searched by and sorted by.

documented: the tables of `query` and `sortKey` of each list, such as
https://shopify.dev/docs/api/admin-graphql/2026-07/queries/orders; the default sort key is ID (orders: PROCESSED_AT).
judgement: of the fields a list is searched by, those that the simulated shop has something to say about.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from integrations.simulators.shopify.inventory import available_of
from integrations.simulators.shopify.metafields import list_metafields
from integrations.simulators.shopify.records import Record, number_of, shop_amount
from integrations.simulators.shopify.search import Field, parse_query
from integrations.simulators.shopify.shop import Shop
from integrations.simulators.shopify.totals import compute_total, financial_status, fulfillment_status, return_status

Getter = Callable[[Shop, Record], Any]


@dataclass(frozen=True)
class ListSpec:
    """`fields`: name → (kind of search, what is searched); `sort`: sort key → value; `words`: what a bare word
    finds."""

    kind: str
    fields: Mapping[str, tuple[str, Getter]]
    words: Getter
    sort: Mapping[str, Getter]
    default_sort: str = "ID"


def _plain(name: str) -> Getter:
    return lambda shop, row: row.get(name)


def _id_of(name: str) -> Getter:
    return lambda shop, row: number_of(row.get(name) or "")


COMMON: dict[str, tuple[str, Getter]] = {
    "id": ("id", _id_of("id")),
    "created_at": ("time", _plain("createdAt")),
    "updated_at": ("time", _plain("updatedAt")),
}
TAGS: dict[str, tuple[str, Getter]] = {
    "tag": ("exact", _plain("tags")),
    "tag_not": ("exact", lambda shop, row: None),
}


def _variants(shop: Shop, product: Record) -> list[Record]:
    return shop.many(product["variants"])


def _lines(shop: Shop, order: Record) -> list[Record]:
    return shop.many(order["lineItems"])


def _published_states(shop: Shop, product: Record) -> list[str]:
    return ["published" if product["publishedAt"] else "unpublished", "any"]


def _order_states(shop: Shop, order: Record) -> list[Any]:
    state = "cancelled" if order["cancelledAt"] else "closed" if order["closedAt"] else "open"
    return [state, "any", None if order["closedAt"] else "not_closed"]


def _order_names(shop: Shop, order: Record) -> list[Any]:
    """judgement: with and without the prefix."""
    return [order["name"], order["name"].removeprefix("#")]


def _order_words(shop: Shop, order: Record) -> list[Any]:
    return [*_order_names(shop, order), order["email"], order["poNumber"], order["sourceIdentifier"], *order["tags"]]


def _customer_words(shop: Shop, row: Record) -> list[Any]:
    name = f"{row['firstName'] or ''} {row['lastName'] or ''}".strip()
    return [name, row["_email"], row["_phone"], row["note"]]


def _variant_product(name: str) -> Getter:
    return lambda shop, row: shop.get(row["product"])[name]


LISTS: dict[str, ListSpec] = {
    "products": ListSpec(
        kind="Product",
        fields={
            **COMMON,
            **TAGS,
            "title": ("text", _plain("title")),
            "handle": ("exact", _plain("handle")),
            "vendor": ("exact", _plain("vendor")),
            "product_type": ("exact", _plain("productType")),
            "status": ("exact", _plain("status")),
            "published_at": ("time", _plain("publishedAt")),
            "published_status": ("exact", _published_states),
            "sku": ("exact", lambda shop, row: [one["sku"] for one in _variants(shop, row)]),
            "barcode": ("exact", lambda shop, row: [one["barcode"] for one in _variants(shop, row)]),
            "variant_id": ("id", lambda shop, row: [number_of(gid) for gid in row["variants"]]),
        },
        words=lambda shop, row: [row["title"], row["vendor"], row["productType"], *row["tags"],
                                 *(one["sku"] for one in _variants(shop, row))],
        sort={"ID": _id_of("id"), "CREATED_AT": _plain("createdAt"), "UPDATED_AT": _plain("updatedAt"),
              "TITLE": _plain("title"), "VENDOR": _plain("vendor"), "PRODUCT_TYPE": _plain("productType"),
              "PUBLISHED_AT": lambda shop, row: row["publishedAt"] or "", "RELEVANCE": _id_of("id")},
    ),
    "productVariants": ListSpec(
        kind="ProductVariant",
        fields={
            "id": COMMON["id"],
            "updated_at": COMMON["updated_at"],
            "sku": ("exact", _plain("sku")),
            "barcode": ("exact", _plain("barcode")),
            "title": ("text", _plain("title")),
            "product_id": ("id", _id_of("product")),
            "inventory_quantity": ("number", lambda shop, row: available_of(shop, shop.get(row["inventoryItem"]))),
            "product_ids": ("id", _id_of("product")),
            "product_status": ("exact", _variant_product("status")),
            "vendor": ("exact", _variant_product("vendor")),
            "product_type": ("exact", _variant_product("productType")),
            "tag": ("exact", _variant_product("tags")),
        },
        words=lambda shop, row: [row["sku"], row["barcode"], row["title"], shop.get(row["product"])["title"]],
        sort={"ID": _id_of("id"), "SKU": lambda shop, row: row["sku"] or "", "TITLE": _plain("title"),
              "POSITION": lambda shop, row: (number_of(row["product"]), row["position"]), "RELEVANCE": _id_of("id"),
              "NAME": _plain("title"), "FULL_TITLE": _plain("title")},
    ),
    "inventoryItems": ListSpec(
        kind="InventoryItem",
        fields={**COMMON, "sku": ("exact", lambda shop, row: shop.get(row["variant"])["sku"])},
        words=lambda shop, row: [shop.get(row["variant"])["sku"]],
        sort={"ID": _id_of("id")},
    ),
    "locations": ListSpec(
        kind="Location",
        fields={**COMMON, "name": ("text", _plain("name")), "location_id": COMMON["id"],
                "active": ("exact", lambda shop, row: str(row["isActive"]))},
        words=_plain("name"),
        sort={"ID": _id_of("id"), "NAME": _plain("name"), "RELEVANCE": _id_of("id")},
        default_sort="NAME",
    ),
    "orders": ListSpec(
        kind="Order",
        fields={
            **COMMON,
            **TAGS,
            "name": ("exact", _order_names),
            "processed_at": ("time", _plain("processedAt")),
            "email": ("exact", _plain("email")),
            "po_number": ("exact", _plain("poNumber")),
            "source_identifier": ("exact", _plain("sourceIdentifier")),
            "source_name": ("exact", _plain("sourceName")),
            "confirmation_number": ("exact", _plain("confirmationNumber")),
            "customer_id": ("id", _id_of("customer")),
            "gateway": ("exact", _plain("paymentGatewayNames")),
            "sku": ("exact", lambda shop, row: [line["sku"] for line in _lines(shop, row)]),
            "status": ("exact", _order_states),
            "test": ("flag", _plain("test")),
            "financial_status": ("exact", financial_status),
            "fulfillment_status": ("exact", lambda shop, row: _old_state(fulfillment_status(shop, row))),
            "return_status": ("exact", return_status),
            "current_total_price": ("number", lambda shop, row: shop_amount(compute_total(shop, row))),
            "location_id": ("id", _id_of("retailLocation")),
            "fulfillment_location_id":
                ("id", lambda shop, row: [number_of(one["_location"]) for one in shop.many(row["fulfillmentOrders"])]),
        },
        words=_order_words,
        sort={"ID": _id_of("id"), "CREATED_AT": _plain("createdAt"), "UPDATED_AT": _plain("updatedAt"),
              "PROCESSED_AT": _plain("processedAt"), "ORDER_NUMBER": _plain("number"), "RELEVANCE": _id_of("id"),
              "TOTAL_PRICE": lambda shop, row: str(shop_amount(row["totalPriceSet"])).rjust(20),
              "FINANCIAL_STATUS": financial_status, "FULFILLMENT_STATUS": fulfillment_status,
              "PO_NUMBER": lambda shop, row: row["poNumber"] or ""},
        default_sort="PROCESSED_AT",
    ),
    "customers": ListSpec(
        kind="Customer",
        fields={
            **COMMON,
            **TAGS,
            "customer_date": COMMON["created_at"],
            "email": ("exact", _plain("_email")),
            "phone": ("exact", _plain("_phone")),
            "first_name": ("exact", _plain("firstName")),
            "last_name": ("exact", _plain("lastName")),
            "state": ("exact", _plain("state")),
            "country": ("exact", lambda shop, row: [one["country"] for one in shop.many(row["_addresses"])]),
        },
        words=_customer_words,
        sort={"ID": _id_of("id"), "CREATED_AT": _plain("createdAt"), "UPDATED_AT": _plain("updatedAt"),
              "NAME": lambda shop, row: f"{row['lastName'] or ''} {row['firstName'] or ''}",
              "RELEVANCE": _id_of("id")},
    ),
    "fulfillmentOrders": ListSpec(
        kind="FulfillmentOrder",
        fields={**COMMON, "status": ("exact", _plain("status")), "assigned_location_id": ("id", _id_of("_location"))},
        words=lambda shop, row: [shop.get(row["order"])["name"]],
        sort={"ID": _id_of("id"), "CREATED_AT": _plain("createdAt"), "UPDATED_AT": _plain("updatedAt"),
              "STATUS": _plain("status"), "RELEVANCE": _id_of("id")},
    ),
    "webhookSubscriptions": ListSpec(
        kind="WebhookSubscription",
        fields={**COMMON, "callback_url": ("exact", _plain("uri")), "endpoint": ("exact", _plain("uri"))},
        words=_plain("uri"),
        sort={"ID": _id_of("id"), "CREATED_AT": _plain("createdAt"), "RELEVANCE": _id_of("id")},
    ),
    "bulkOperations": ListSpec(
        kind="BulkOperation",
        fields={**COMMON, "status": ("exact", _plain("status")), "operation_type": ("exact", _plain("type"))},
        words=_plain("status"),
        sort={"ID": _id_of("id"), "CREATED_AT": _plain("createdAt"), "COMPLETED_AT": _plain("createdAt"),
              "RELEVANCE": _id_of("id")},
    ),
    "collections": ListSpec(
        kind="Collection",
        fields={"id": COMMON["id"], "updated_at": COMMON["updated_at"], "title": ("text", _plain("title")),
                "handle": ("exact", _plain("handle"))},
        words=_plain("title"),
        sort={"ID": _id_of("id"), "TITLE": _plain("title"), "UPDATED_AT": _plain("updatedAt"),
              "RELEVANCE": _id_of("id")},
    ),
}  # fmt: skip


def _old_state(state: str) -> list[str]:
    """documented: `fulfillment_status` also takes the older words."""
    older = {"UNFULFILLED": "unshipped", "FULFILLED": "shipped", "PARTIALLY_FULFILLED": "partial"}
    return [state, older.get(state, state)]


def find_rows(
    shop: Shop, name: str, query: str | None, rows: list[Record], warnings: list[dict[str, str]]
) -> list[Record]:
    """The rows that match; what the query had wrong is added to `warnings`."""
    spec = LISTS[name]
    if not query:
        return rows

    def bind(get: Getter) -> Callable[[Record], Any]:
        return lambda row: get(shop, row)

    def find(field: str) -> Field | None:
        """documented: `metafields.{namespace}.{key}` of products and orders."""
        if field.startswith("metafields.") and spec.kind in {"Product", "Order"}:
            namespace, _, key = field.removeprefix("metafields.").rpartition(".")
            return Field("exact", lambda row: [one["value"] for one in list_metafields(shop, row, namespace, key)])
        kind, get = spec.fields.get(field, ("", None))
        return Field(kind, bind(get)) if get is not None else None

    parsed = parse_query(query, find, bind(spec.words))
    warnings.extend(parsed.warnings)
    return [row for row in rows if parsed.matches(row)]


def sort_key(shop: Shop, name: str, wanted: str | None) -> Callable[[Record], tuple[Any, int]]:
    """judgement: sort keys about what the simulated shop does not keep (popularity, stock) sort by id."""
    spec = LISTS[name]
    get = spec.sort.get(wanted or spec.default_sort, spec.sort["ID"])
    return lambda row: (get(shop, row), number_of(row["id"]))
