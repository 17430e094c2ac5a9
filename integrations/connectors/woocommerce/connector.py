"""WooCommerce as a store: https://woocommerce.github.io/woocommerce-rest-api-docs/

The model other platforms copy: this file says what the platform can do, reads it and keeps its state; transport.py
speaks with it, commands.py does what must happen once, webhooks.py proves deliveries. Pure are payloads.py (theirs →
records), documents.py (documents → theirs) and values.py.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, ClassVar, TypeVar

from integrations.connectors.woocommerce import documents as d
from integrations.connectors.woocommerce import payloads as p
from integrations.connectors.woocommerce import values as v
from integrations.connectors.woocommerce import webhooks
from integrations.connectors.woocommerce.commands import WooCommands
from integrations.connectors.woocommerce.transport import API, OVERLAP, SECOND, Row, raise_for_error, remote_id
from integrations.contract import records as r
from integrations.contract.connector import Field, RateLimit, Role
from integrations.contract.errors import AuthFailed, NotFound, OutcomeUnknown, Rejected

T = TypeVar("T", r.StockPush, r.PricePush)
BATCH = 100  # what /batch takes at once
# WooCommerce has no topic for stock or prices: a product's own tells of both.
PRODUCT_TOPICS = ("product.created", "product.updated", "product.deleted", "product.restored")


class WooCommerce(WooCommands):
    key = "woocommerce"
    label = "WooCommerce"
    docs_url = "https://woocommerce.github.io/woocommerce-rest-api-docs/"
    roles = frozenset({Role.STORE})
    credential_fields = (
        Field(
            name="consumer_key",
            label="Consumer key",
            kind="secret",
            help_text="In the shop: WooCommerce, Settings, Advanced, REST API, Add key, with Read/Write.",
        ),
        Field(name="consumer_secret", label="Consumer secret", kind="secret"),
        Field(
            name="webhook_secret",
            label="Webhook secret",
            kind="secret",
            required=False,
            help_text="Any long random text; the shop signs its webhooks with it.",
        ),
    )
    settings_fields = (
        Field(name="url", label="Shop address", kind="url", help_text="https://shop.example.com"),
        Field(
            name="order_meta_key",
            label="Meta field of our reference",
            required=False,
            default="_stockbridge_reference",
            help_text="Do not change it once records were sent: they are found again by it.",
        ),
        Field(
            name="new_order_status",
            label="Status of orders copied here",
            kind="choice",
            required=False,
            default="processing",
            choices=tuple((s, s.capitalize()) for s in ("pending", "on-hold", "processing", "completed")),
        ),
        Field(
            name="search_days",
            label="Days to search back",
            kind="integer",
            required=False,
            default=30,
            help_text="How far back is looked for a record whose sending was cut off.",
        ),
        Field(
            name="on_account_methods",
            label="Payment types on account",
            required=False,
            help_text="Ids of payment types that are paid later, on an invoice, separated by commas: invoice, po.",
        ),
        Field(
            name="tag_meta_key",
            label="Meta field of tags",
            required=False,
            help_text="Where a plugin keeps an order's tags, separated by commas; rules can look at them.",
        ),
        Field(
            name="flag_meta_key",
            label="Meta field of the fraud check",
            required=False,
            help_text="Where a fraud plugin keeps its verdict, such as _risk_level.",
        ),
        Field(
            name="flag_values",
            label="Verdicts that mean fraud",
            required=False,
            help_text="Separated by commas: high, critical. Empty: any verdict.",
        ),
    )
    # Judgement: core sets no limit; hosts do, and each request is a PHP process.
    rate_limit = RateLimit(per_second=5, burst=10, concurrency=2)
    stock_basis = r.StockBasis.AVAILABLE  # an order takes its stock when it is placed
    order_fields = frozenset({"note", "payment_method", "shipping_method", "custom"})
    product_fields = frozenset({"name", "description", "status", "categories", "image_urls", "codes"})
    webhook_topics: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "order": ("order.created", "order.updated", "order.deleted", "order.restored"),
        "product": PRODUCT_TOPICS,
        "stock": PRODUCT_TOPICS,
        "price": PRODUCT_TOPICS,
        "customer": ("customer.created", "customer.updated", "customer.deleted"),
    }
    value_kinds = ("payment", "tax", "status", "shipping")

    @classmethod
    def base_url(cls, credentials: Mapping[str, str], settings: Mapping[str, Any]) -> str:
        return str(settings["url"]).rstrip("/")

    # self ----------------------------------------------------------------------------------------------------------
    def check(self) -> r.CheckResult:
        """Whose shop it is, and whether the key may write: a Read key is refused an empty batch."""
        status = self._get("system_status")
        environment, settings = v.parse_object(status, "environment"), v.parse_object(status, "settings")
        missing: tuple[str, ...] = ()
        try:
            self._write("POST", "products/batch", {"update": []}, needed="")
        except AuthFailed:
            missing = ("write",)
        return r.CheckResult(
            account=str(environment.get("home_url") or self.http.base_url),
            version=str(environment.get("version") or ""),
            currency=str(settings.get("currency") or ""),
            missing_permissions=missing,
            notes=() if self.credentials.get("webhook_secret") else ("Without a webhook secret, changes are polled.",),
        )

    def list_values(self, kind: str) -> Sequence[r.RemoteValue]:
        match kind:
            case "payment":
                found = [(row["id"], row.get("title") or row["id"]) for row in self._rows("payment_gateways")]
            case "shipping":
                found = [(row["id"], row.get("title") or row["id"]) for row in self._rows("shipping_methods")]
            case "status":  # the one list that has the statuses plugins add, too
                found = [(row["slug"], row.get("name") or row["slug"]) for row in self._rows("reports/orders/totals")]
            case "tax":
                found = [(row["id"], f"{row.get('name')} {row.get('rate')} % {row.get('country')}".strip())
                         for row in self._all("taxes")]  # fmt: skip
            case _:
                raise self._unsupported(f"list values of the kind {kind}")
        return [r.RemoteValue(kind=kind, code=str(code), label=v.parse_text(label)) for code, label in found]

    # catalogue -----------------------------------------------------------------------------------------------------
    def pull_products(self, since: datetime | None, cursor: str) -> r.Page[r.ProductRecord]:
        """With their variations: saving one of those, or selling it, saves its product, too."""
        families, following, start = self._families(since, cursor)
        currency = self._currency() if families else ""
        variations = {id(row): children for row, children in families}
        rows = [row for row, _ in families]
        return p.parse_page(rows, lambda row: p.parse_product(row, variations[id(row)], currency), following, start)

    def pull_stock(self, since: datetime | None, cursor: str) -> r.Page[r.StockRow]:
        """Only articles whose stock the shop keeps."""
        return self._pull_articles(p.parse_stock, since, cursor)

    def pull_prices(self, since: datetime | None, cursor: str) -> r.Page[r.PriceRow]:
        """The regular prices."""
        currency = self._currency()
        return self._pull_articles(lambda row: p.parse_price(row, currency), since, cursor)

    def fetch_product(self, external_id: str) -> r.ProductRecord:
        """A variation's id gives its product. A product in the bin is `deleted`."""
        row = self._one(f"products/{remote_id(external_id, 'product')}")
        if row.get("type") == "variation" and row.get("parent_id"):
            row = self._one(f"products/{row['parent_id']}")
        return p.parse_product(row, self._variations(row), self._currency())

    def count_products(self, since: datetime | None) -> int:
        return self._count("products", since)

    def _families(
        self, since: datetime | None, cursor: str
    ) -> tuple[list[tuple[Row, list[Row]]], str, datetime | None]:
        """Products and their variations; one that is deleted between the two requests is left out."""
        rows, following, start = self._changed("products", since, cursor, status="any")
        families = []
        for row in rows:
            try:
                families.append((row, self._variations(row)))
            except NotFound:
                continue
        return families, following, start

    def _variations(self, row: Row) -> list[Row]:
        return list(self._all(f"products/{row['id']}/variations")) if row.get("type") == "variable" else []

    def _pull_articles(
        self, parse: Callable[[Mapping[str, Any]], Any], since: datetime | None, cursor: str
    ) -> r.Page[Any]:
        families, following, start = self._families(since, cursor)
        articles = [one for row, children in families for one in (children if row.get("type") == "variable" else [row])]
        page = p.parse_page(articles, parse, following, start)
        return replace(page, records=tuple(record for record in page.records if record is not None))

    def _currency(self) -> str:
        """The shop has one; products do not say it."""
        if not hasattr(self, "_shop_currency"):
            self._shop_currency = str(
                v.parse_object({"shop": self._get("data/currencies/current")}, "shop").get("code")
            )
        return self._shop_currency

    def _count(self, path: str, since: datetime | None) -> int:
        """By the header X-WP-Total."""
        query: Row = {"per_page": 1, "status": "any", "dates_are_gmt": "true"}
        if since is not None:
            query["modified_after"] = v.build_time(since.replace(microsecond=0) - SECOND)
        response = self.http.get(f"{API}/{path}", params=query)
        raise_for_error(response)
        response.json()  # a login page has no count
        return int(response.headers.get("X-WP-Total", "0"))

    # orders and customers ------------------------------------------------------------------------------------------
    def pull_orders(self, since: datetime | None, cursor: str) -> r.Page[r.OrderRecord]:
        """Of every status but the checkout's drafts and the bin; a refund changes its order's date."""
        rows, following, start = self._changed("orders", since, cursor, status="any")
        orders = [row for row in rows if row.get("status") not in p.NOT_YET_ORDERS]
        return p.parse_page(orders, self._parse_order, following, start)

    def fetch_order(self, external_id: str) -> r.OrderRecord:
        """NotFound for one in the bin, too: for the shop it is gone."""
        row = self._one(f"orders/{remote_id(external_id, 'order')}")
        if row.get("status") == "trash":
            raise NotFound(f"Order {row.get('number')} is in the shop's bin.", status=404)
        return self._parse_order(row)

    def _parse_order(self, row: Mapping[str, Any]) -> r.OrderRecord:
        refunds = self._rows(f"orders/{row['id']}/refunds", per_page=100) if row.get("refunds") else []
        order = p.parse_order(row, sorted(refunds, key=lambda refund: int(refund.get("id") or 0)), self._meta_key)
        return p.mark_order(order, self.settings)

    def count_orders(self, since: datetime | None) -> int:
        """Drafts of the checkout are counted, where the shop has them."""
        return self._count("orders", since)

    def pull_customers(self, since: datetime | None, cursor: str) -> r.Page[r.CustomerRecord]:
        """Accounts with the role "customer". Quirk: they can be asked for neither by date nor in its order, so every
        pull reads all, by id. Each page begins at the last one's end; where that has moved because an account was
        deleted, it goes back a page. The cursor is "offset|last id|newest"."""
        offset, last, stamp = cursor.split("|") if cursor else ("0", "0", "")
        start = max(int(offset) - 1, 0)
        rows = self._customers(start)
        while start and (not rows or int(rows[0]["id"]) > int(last)):
            start = max(start - self.page_size, 0)
            rows = self._customers(start)
        new = [row for row in rows if int(row["id"]) > int(last)]
        newest = max(filter(None, (v.parse_time(stamp), *map(v.row_stamp, new))), default=None)
        changed = [row for row in new if since is None or (v.row_stamp(row) or since) >= since]
        if len(rows) <= self.page_size:
            return p.parse_page(changed, p.parse_customer, since=newest - OVERLAP if newest else since)
        following = f"{start + len(rows)}|{rows[-1]['id']}|{v.build_time(newest) if newest else ''}"
        return p.parse_page(changed, p.parse_customer, following)

    def _customers(self, offset: int) -> list[Row]:
        return self._rows("customers", orderby="id", order="asc", per_page=self.page_size + 1, offset=offset)

    def fetch_customer(self, external_id: str) -> r.CustomerRecord:
        return p.parse_customer(self._one(f"customers/{remote_id(external_id, 'customer')}"))

    # state ---------------------------------------------------------------------------------------------------------
    def push_stock(self, items: Sequence[r.StockPush]) -> Sequence[r.PushResult]:
        """Whole units; keeping stock is switched on with the first figure."""
        return self._push(items, d.build_stock)

    def push_prices(self, items: Sequence[r.PricePush]) -> Sequence[r.PushResult]:
        """The regular price, in the shop's own currency."""
        currency = self._currency() if items else ""
        wrong = [item for item in items if item.slot or item.currency != currency]
        words = f"The shop has one price list, in {currency}."
        refused = [r.PushResult(key=item.key, outcome=r.PushOutcome.REFUSED, message=words) for item in wrong]
        return [*refused, *self._push([item for item in items if item not in wrong], d.build_price)]

    def push_products(self, items: Sequence[r.ProductPush]) -> Sequence[r.PushResult]:
        """Fields of products it has; codes go to their articles."""
        results, rows = [], []
        for item in items:
            unknown = sorted(set(item.fields) - self.product_fields)
            if unknown or not item.external_id.isdigit():
                words = (
                    f"WooCommerce takes {', '.join(sorted(self.product_fields))} of a product it has, not {unknown}."
                )
                results.append(r.PushResult(key=item.key, outcome=r.PushOutcome.REFUSED, message=words))
                continue
            fields = {name: value for name, value in item.fields.items() if name != "codes"}
            if "codes" in item.fields:
                results.append(self._push_codes(item))
            if fields:
                categories = self._categories(fields.get("categories", ()))
                rows.append((item.key, {"id": int(item.external_id), **d.build_fields(fields, categories)}))
        return [*results, *self._batches("products/batch", rows)]

    def _push_codes(self, item: r.ProductPush) -> r.PushResult:
        """One word for all articles of a product: the first that is not "taken" speaks."""
        own: list[tuple[str, Row]] = []
        variations: list[tuple[str, Row]] = []
        for codes in item.fields["codes"]:
            rows = own if codes.external_id == item.external_id else variations
            rows.append((item.key, {"id": remote_id(codes.external_id, "article"), **d.build_codes(codes)}))
        found = self._batches("products/batch", own)
        found += self._batches(f"products/{item.external_id}/variations/batch", variations)
        bad = [one for one in found if one.outcome is not r.PushOutcome.SENT]
        return (bad or found or [r.PushResult(key=item.key, outcome=r.PushOutcome.SENT)])[0]

    def _categories(self, names: Sequence[str]) -> dict[str, int]:
        """name → the shop's category; one it lacks is made. Quirk: a search matches parts of names, and names come
        HTML-encoded."""
        found = {}
        for name in names:
            same = [row for row in self._rows("products/categories", search=name, per_page=100)
                    if v.parse_text(row.get("name")) == name]  # fmt: skip
            row = same[0] if same else self._write("POST", "products/categories", {"name": name})
            found[name] = int(row["id"])
        return found

    def _push(self, items: Sequence[T], build: Callable[[T], Row]) -> list[r.PushResult]:
        """Products go together, variations by product. What the shop surely did not take raises, and all goes again:
        figures are absolute."""
        results: list[r.PushResult] = []
        groups: dict[str, list[tuple[str, Row]]] = defaultdict(list)
        for item in items:
            try:
                number = remote_id(item.external_id, "article")
                own = item.parent_external_id in {"", item.external_id}
                parent = 0 if own else remote_id(item.parent_external_id, "product")
            except Rejected as error:
                results.append(r.PushResult(key=item.key, outcome=r.PushOutcome.REFUSED, message=error.message))
                continue
            path = f"products/{parent}/variations/batch" if parent else "products/batch"
            groups[path].append((item.key, {"id": number, **build(item)}))
        for path, rows in groups.items():
            results += self._batches(path, rows)
        return results

    def _batches(self, path: str, rows: Sequence[tuple[str, Row]]) -> list[r.PushResult]:
        chunks = [rows[start : start + BATCH] for start in range(0, len(rows), BATCH)]
        return [result for chunk in chunks for result in self._batch(path, chunk)]

    def _batch(self, path: str, rows: Sequence[tuple[str, Row]]) -> list[r.PushResult]:
        """One request; its answer has a row for each sent, in order, and says `error` in those it refused."""
        try:
            answers = self._write("POST", path, {"update": [row for _, row in rows]}, needed="update")["update"]
            if not isinstance(answers, list) or len(answers) != len(rows):
                raise OutcomeUnknown("The shop's answer does not name every article sent.")
        except OutcomeUnknown as error:
            return [r.PushResult(key=key, outcome=r.PushOutcome.UNKNOWN, message=error.message) for key, _ in rows]
        except Rejected as error:
            words = error.upstream or error.message
            return [r.PushResult(key=key, outcome=r.PushOutcome.REFUSED, message=words) for key, _ in rows]
        return [d.parse_push_result(key, row, answer) for (key, row), answer in zip(rows, answers, strict=True)]

    # webhooks ------------------------------------------------------------------------------------------------------
    def subscribe_webhooks(self, address: str, streams: Sequence[str]) -> Sequence[r.WebhookSubscription]:
        """One a topic. Takes up those that send to `address` already: the shop switches a webhook off after more than
        five failures, and its secret may be an old one."""
        secret = self.credentials.get("webhook_secret")
        if not secret:
            raise Rejected("Enter a webhook secret first: deliveries are proven by it.", field="webhook_secret")
        there = {hook.topic: hook for hook in self.list_webhooks() if hook.address == address}
        wanted = dict.fromkeys(topic for stream in streams for topic in self.webhook_topics.get(stream, ()))
        rows = []
        for topic in wanted:
            if topic in there:
                body = {"status": "active", "secret": secret}
                rows.append(self._write("PUT", f"webhooks/{there[topic].external_id}", body))
            else:
                body = {"name": f"Stockbridge {topic}", "topic": topic, "delivery_url": address, "secret": secret}
                rows.append(self._write("POST", "webhooks", body | {"status": "active"}))
        return [p.parse_webhook(row) for row in rows]

    def list_webhooks(self) -> Sequence[r.WebhookSubscription]:
        return [p.parse_webhook(row) for row in self._all("webhooks")]

    def unsubscribe_webhooks(self, external_ids: Sequence[str]) -> None:
        """One that is gone already is no error."""
        for external_id in external_ids:
            response = self.http.delete(f"{API}/webhooks/{remote_id(external_id, 'webhook')}", params={"force": "true"})
            try:
                raise_for_error(response)
            except NotFound:
                continue

    def receive_webhook(self, request: r.WebhookRequest) -> r.WebhookAnswer:
        return webhooks.receive(request, self.credentials.get("webhook_secret", ""))
