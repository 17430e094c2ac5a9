"""Shopify as a store, over the GraphQL Admin API: https://shopify.dev/docs/api/admin-graphql/2026-07

This file says what the platform can do and reads it; queries.py holds the GraphQL, transport.py sends it, state.py
keeps stock, prices and products, commands.py does what must happen once, webhooks.py proves deliveries. Pure are
payloads.py (theirs → records), documents.py (documents → theirs) and values.py. Ids are the numbers at the end of
Shopify's gids.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, ClassVar

from integrations.connectors.shopify import payloads as p
from integrations.connectors.shopify import queries as q
from integrations.connectors.shopify import values as v
from integrations.connectors.shopify import webhooks
from integrations.connectors.shopify.state import ShopifyState
from integrations.connectors.shopify.transport import VERSION, Row, changed_since
from integrations.contract import records as r
from integrations.contract.connector import Field, RateLimit, Role
from integrations.contract.errors import Rejected

PRODUCT_TOPICS = ("PRODUCTS_CREATE", "PRODUCTS_UPDATE", "PRODUCTS_DELETE")
SCOPES = (
    "read_products", "write_products", "read_inventory", "write_inventory", "read_locations", "read_orders",
    "write_orders", "read_customers", "write_customers", "write_merchant_managed_fulfillment_orders", "write_returns",
)  # fmt: skip


class Shopify(ShopifyState):
    key = "shopify"
    label = "Shopify"
    docs_url = "https://shopify.dev/docs/api/admin-graphql"
    roles = frozenset({Role.STORE})
    credential_fields = (
        Field(
            name="client_id",
            label="Client ID",
            required=False,
            help_text="In the Dev Dashboard: your app, Settings. With the client secret, tokens are fetched as needed.",
        ),
        Field(
            name="client_secret",
            label="Client secret",
            kind="secret",
            required=False,
            help_text="Shopify signs its webhooks with it, too.",
        ),
        Field(
            name="access_token",
            label="Access token",
            kind="secret",
            required=False,
            help_text="Of an app made in the shop's admin before 2026; leave it empty where there is a client ID.",
        ),
    )
    settings_fields = (
        Field(name="url", label="Shop address", kind="url", help_text="https://your-shop.myshopify.com"),
        Field(
            name="location",
            label="Location of stock figures",
            required=False,
            help_text="The number of the location that figures without one are for; empty: the shop's first.",
        ),
        Field(name="notify_customer", label="Shopify e-mails customers when goods are shipped", kind="boolean",
              required=False, default=False),
        Field(
            name="refund_gateway",
            label="How refunds are booked",
            required=False,
            default="manual",
            help_text="The way of paying by hand that refunds made elsewhere are booked under.",
        ),
    )  # fmt: skip
    # The cost of a query is what counts (100 points a second on the smallest plan); a page of ours costs some fifty.
    rate_limit = RateLimit(per_second=2, burst=20, concurrency=4)
    stock_basis = r.StockBasis.AVAILABLE
    order_fields = frozenset({"note", "purchase_order", "shipping_method", "custom"})
    product_fields = frozenset({"name", "description", "status", "brand", "codes"})
    webhook_topics: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "order": ("ORDERS_CREATE", "ORDERS_UPDATED", "ORDERS_CANCELLED", "ORDERS_DELETE", "REFUNDS_CREATE"),
        "product": PRODUCT_TOPICS,
        "price": PRODUCT_TOPICS,
        "stock": ("INVENTORY_LEVELS_UPDATE",),
        "customer": ("CUSTOMERS_CREATE", "CUSTOMERS_UPDATE", "CUSTOMERS_DELETE"),
    }

    @classmethod
    def base_url(cls, credentials: Mapping[str, str], settings: Mapping[str, Any]) -> str:
        return str(settings["url"]).rstrip("/")

    # self ----------------------------------------------------------------------------------------------------------
    def check(self) -> r.CheckResult:
        data = self._ask(q.CHECK)
        shop = v.parse_object(data, "shop")
        scopes = v.parse_rows(v.parse_object(data, "currentAppInstallation"), "accessScopes")
        held = {str(one.get("handle")) for one in scopes}
        held |= {scope.replace("write_", "read_", 1) for scope in held}
        notes = ["Without a client secret, changes are polled."] if not self.credentials.get("client_secret") else []
        if "read_all_orders" not in held:
            notes.append("Orders older than 60 days cannot be read: the app lacks read_all_orders.")
        return r.CheckResult(
            account=f"{shop.get('name')} ({shop.get('myshopifyDomain')})",
            version=VERSION,
            currency=str(shop.get("currencyCode") or ""),
            missing_permissions=tuple(scope for scope in SCOPES if scope not in held),
            notes=tuple(notes),
        )

    # catalogue -----------------------------------------------------------------------------------------------------
    def pull_products(self, since: datetime | None, cursor: str) -> r.Page[r.ProductRecord]:
        rows, following, start = self._changed(q.PRODUCTS, "products", since, cursor, 10)
        currency = self._currency() if rows else ""
        records, failed = p.parse_page(rows, lambda row: self._parse_family(row, currency))
        return r.Page(records=records, failed=failed, cursor=following, since=start)

    def pull_stock(self, since: datetime | None, cursor: str) -> r.Page[r.StockRow]:
        """Every figure at every pull: a variant does not say when its stock last changed."""
        rows, following = self._page(q.STOCK, "productVariants", cursor, 25)
        found, failed = p.parse_page(rows, lambda row: p.parse_stock(row, self._levels(row)))
        return r.Page(records=tuple(one for several in found for one in several), failed=failed, cursor=following)

    def pull_prices(self, since: datetime | None, cursor: str) -> r.Page[r.PriceRow]:
        rows, following = self._page(q.PRICES, "productVariants", cursor, 100)
        currency = self._currency() if rows else ""
        records, failed = p.parse_page(rows, lambda row: p.parse_price(row, currency))
        return r.Page(records=records, failed=failed, cursor=following)

    def fetch_product(self, external_id: str) -> r.ProductRecord:
        return self._parse_family(self._one(q.PRODUCT_BY_ID, "product", external_id, "Product"), self._currency())

    def count_products(self, since: datetime | None) -> int:
        return self._count(q.PRODUCTS_COUNT, "productsCount", since)

    def _parse_family(self, row: Row, currency: str) -> r.ProductRecord:
        return p.parse_product(row, list(self._rest(row, q.MORE_VARIANTS, "product", "variants")), currency)

    def _levels(self, row: Row) -> list[Row]:
        item = v.parse_object(row, "inventoryItem")
        return list(self._rest(item, q.MORE_LEVELS, "inventoryItem", "inventoryLevels")) if item.get("tracked") else []

    def _count(self, document: str, name: str, since: datetime | None) -> int:
        data = self._ask(document, query=changed_since(since) if since else None)
        return int(v.parse_object(data, name).get("count") or 0)

    # orders and customers ------------------------------------------------------------------------------------------
    def pull_orders(self, since: datetime | None, cursor: str) -> r.Page[r.OrderRecord]:
        """Refunds, edits and shipments change their order's date."""
        rows, following, start = self._changed(q.ORDERS, "orders", since, cursor, 5)
        records, failed = p.parse_page(rows, self._parse_order)
        return r.Page(records=records, failed=failed, cursor=following, since=start)

    def pull_returns(self, since: datetime | None, cursor: str) -> r.Page[r.ReturnRecord]:
        """Goods that come back, of orders that changed; a refund need not have any, nor they a refund."""
        rows, following, start = self._changed(q.RETURNS, "orders", since, cursor, 10)
        found, failed = p.parse_page(rows, p.parse_returns)
        returns = tuple(one for several in found for one in several)
        return r.Page(records=returns, failed=failed, cursor=following, since=start)

    def pull_customers(self, since: datetime | None, cursor: str) -> r.Page[r.CustomerRecord]:
        rows, following, start = self._changed(q.CUSTOMERS, "customers", since, cursor, 50)
        records, failed = p.parse_page(rows, p.parse_customer)
        return r.Page(records=records, failed=failed, cursor=following, since=start)

    def fetch_order(self, external_id: str) -> r.OrderRecord:
        return self._parse_order(self._one(q.ORDER_BY_ID, "order", external_id, "Order"))

    def fetch_customer(self, external_id: str) -> r.CustomerRecord:
        return p.parse_customer(self._one(q.CUSTOMER_BY_ID, "customer", external_id, "Customer"))

    def count_orders(self, since: datetime | None) -> int:
        return self._count(q.ORDERS_COUNT, "ordersCount", since)

    def _parse_order(self, row: Row) -> r.OrderRecord:
        return p.parse_order(row, list(self._rest(row, q.MORE_LINES, "order", "lineItems")))

    # webhooks ------------------------------------------------------------------------------------------------------
    def subscribe_webhooks(self, address: str, streams: Sequence[str]) -> Sequence[r.WebhookSubscription]:
        """One a topic; those that send to `address` already are kept."""
        if not self.credentials.get("client_secret"):
            raise Rejected("Enter the client secret first: deliveries are proven by it.", field="client_secret")
        there = {hook.topic: hook for hook in self.list_webhooks() if hook.address == address}
        wanted = dict.fromkeys(topic for stream in streams for topic in self.webhook_topics.get(stream, ()))
        found = []
        for topic in wanted:
            if topic in there:
                found.append(there[topic])
                continue
            payload = self._change(q.SUBSCRIBE, "webhookSubscriptionCreate", topic=topic, uri=address)
            found.append(p.parse_webhook(v.parse_object(payload, "webhookSubscription")))
        return found

    def list_webhooks(self) -> Sequence[r.WebhookSubscription]:
        found, cursor = list[r.WebhookSubscription](), None
        while True:
            rows, following = self._connection(self._ask(q.WEBHOOKS, after=cursor), "webhookSubscriptions")
            found += map(p.parse_webhook, rows)
            if not following or following == cursor:
                return found
            cursor = following

    def unsubscribe_webhooks(self, external_ids: Sequence[str]) -> None:
        """One that is gone already is no error."""
        there = {hook.external_id for hook in self.list_webhooks()}
        for external_id in external_ids:
            if external_id in there:
                name = "webhookSubscriptionDelete"
                self._change(q.UNSUBSCRIBE, name, id=v.gid("WebhookSubscription", external_id))

    def receive_webhook(self, request: r.WebhookRequest) -> r.WebhookAnswer:
        return webhooks.receive(request, self.credentials.get("client_secret", ""))
