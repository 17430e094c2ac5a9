"""Which access scope each query and mutation needs.

documented: https://shopify.dev/docs/api/usage/access-scopes and, at each field's page, "Requires": without it the
field is null and the error's code ACCESS_DENIED; orders older than 60 days need read_all_orders. judgement: the scope
of the kind of record, where a page offers several.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import timedelta

from graphql import GraphQLError

from integrations.simulators.shopify.records import Record, stamp
from integrations.simulators.shopify.shop import Shop

SCOPES = (
    "read_all_orders", "read_customers", "read_fulfillments", "read_inventory", "read_locations",
    "read_merchant_managed_fulfillment_orders", "read_orders", "read_products", "read_publications", "read_returns",
    "write_customers", "write_fulfillments", "write_inventory", "write_merchant_managed_fulfillment_orders",
    "write_order_edits", "write_orders", "write_products", "write_publications", "write_returns",
)  # fmt: skip
OLD = timedelta(days=60)
PAGE = "https://shopify.dev/docs/api/usage/access-scopes"
_READ = {
    "customer": "customers", "fulfillmentOrder": "merchant_managed_fulfillment_orders", "fulfillment": "orders",
    "inventory": "inventory", "location": "locations", "order": "orders", "product": "products",
    "publication": "publications", "refund": "orders", "returnReason": "returns", "returnable": "returns",
    "return": "returns", "collection": "products",
}  # fmt: skip
_WRITE = {
    "customer": "customers", "fulfillmentOrder": "merchant_managed_fulfillment_orders",
    "fulfillment": "merchant_managed_fulfillment_orders", "inventory": "inventory", "orderEdit": "order_edits",
    "order": "orders", "product": "products", "publishable": "publications", "refund": "orders",
    "reverseFulfillmentOrder": "returns", "return": "returns",
}  # fmt: skip


def check(field: str, scopes: Collection[str], *, write: bool) -> None:
    """GraphQLError where the app's scopes do not allow the field of a root."""
    table, verb = (_WRITE, "write") if write else (_READ, "read")
    kind = next((kind for prefix, kind in table.items() if field.startswith(prefix)), None)
    needed = f"{verb}_{kind}"
    if kind is None or needed in scopes or (not write and f"write_{kind}" in scopes):
        return
    required = f"`{needed}` access scope."
    extensions = {"code": "ACCESS_DENIED", "documentation": PAGE, "requiredAccess": required}
    raise GraphQLError(f"Access denied for {field} field. Required access: {required}", extensions=extensions)


def hide_old(shop: Shop, orders: Iterable[Record], scopes: Collection[str]) -> list[Record]:
    if "read_all_orders" in scopes:
        return list(orders)
    first = stamp(shop.now() - OLD)
    return [row for row in orders if row["createdAt"] >= first]
