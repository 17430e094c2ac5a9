"""What a page of items costs over the API, against a bare SELECT and the JSON of the same bytes behind an empty view.

Both go through the whole stack of the portal, in a database of their own, in turns. CPU is that of this process and of
its database backend.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from django.core.cache import cache
from django.db import connection as database
from django.test import Client, override_settings
from django.urls import path
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from catalog.models import Price, PriceList, PriceRule, Product, StockRecord, Variant
from integrations.models import Connection
from integrations.sync.api_access import assign
from portal.management.costs import Cost, cost_of_one, middle, own_database
from portal.tenancy.models import ApiKey, Location, LocationGroup, LocationGroupMember, Merchant
from portal.urls import urlpatterns as addresses

AT = datetime(2026, 11, 20, 12, tzinfo=UTC)
LONG_AGO = datetime(2026, 1, 1, tzinfo=UTC)
ITEMS, TURNS = 100, 20
ITEMS_GOAL, SPARED_GOAL = 2.0, 1.5
ADDRESS = f"/api/v1/items?page_size={ITEMS}&group=Shops"
BARE = """
SELECT v.id, v.public_id, v.code, v.name, v.barcode, v.unit, v.updated_at, p.code, p.name, p.description, p.brand,
  p.categories, p.image_urls, a.amount, s.location_id, s.quantity
FROM catalog_variant v
JOIN catalog_product p ON p.id = v.product_id
JOIN catalog_price a ON a.variant_id = v.id AND a.price_list_id = %s
JOIN catalog_stockrecord s ON s.variant_id = v.id
JOIN tenancy_locationgroupmember g ON g.location_id = s.location_id AND g.group_id = %s
WHERE v.merchant_id = %s AND v.is_active ORDER BY v.id LIMIT %s"""


class BareView(APIView):
    """The least that could answer: one SELECT, and JSON of as many bytes."""

    authentication_classes = ()
    permission_classes = ()
    params: tuple[int, ...] = ()
    answer: Any = None

    def get(self, request: Request) -> Response:
        with database.cursor() as cursor:
            cursor.execute(BARE, self.params)
            cursor.fetchall()
        return Response(self.answer)


class EmptyView(APIView):
    authentication_classes = ()
    permission_classes = ()

    def get(self, request: Request) -> Response:
        return Response(None)


urlpatterns = [*addresses, path("bare", BareView.as_view()), path("empty", EmptyView.as_view())]


class Shelf:
    """A merchant with a thousand articles, two locations in a group, and an app with its prices."""

    def __init__(self, articles: int) -> None:
        self.merchant = Merchant.objects.create(name="Bench", slug="bench")
        mine = {"merchant": self.merchant}
        self.places = [Location(**mine, code=code, name=code.title()) for code in ("MAIN", "NORTH")]
        self.group = LocationGroup(**mine, name="Shops")
        for row in (*self.places, self.group):
            row.save()
        for place, row in enumerate(self.places):
            LocationGroupMember(**mine, group=self.group, location=row, position=place).save()
        self.app, erp = self._connect("api", "store", "A-"), self._connect("odoo", "back_office", "")
        self.list = PriceList(**mine, code="retail", name="Retail", currency="GBP")
        self.list.save()
        PriceRule(**mine, connection=self.app, price_list=self.list).save()
        products = [
            Product(**mine, code=f"P{n}", name=f"Article {n}", description="As it was.", brand="Northwind",
                    categories=["Mugs"], image_urls=[f"https://cdn.example.com/{n}.jpg"])
            for n in range(articles)
        ]  # fmt: skip
        Product.plain.bulk_create(products)
        variants = [
            Variant(**mine, product=one, code=f"SKU-{n}", name=one.name, barcode=f"40063813{n:05}")
            for n, one in enumerate(products)
        ]
        Variant.plain.bulk_create(variants)
        Price.plain.bulk_create(Price(**mine, price_list=self.list, variant=one, amount=Decimal(4)) for one in variants)
        StockRecord.plain.bulk_create(
            StockRecord(**mine, connection=erp, location=place, variant=one, quantity=7, basis="on_hand", read_at=AT)
            for one in variants
            for place in self.places
        )
        row, self.key = ApiKey.create_key(merchant=self.merchant, name="Bench", scopes=["items:read"])
        ApiKey.plain.filter(pk=row.pk).update(per_minute=10**9)
        assign(key=row, connection=self.app)

    def _connect(self, platform: str, role: str, prefix: str) -> Connection:
        row = Connection(
            merchant=self.merchant, name=platform, platform=platform, role=role, order_prefix=prefix,
            state=Connection.State.ACTIVE, live_since=LONG_AGO, location=self.places[0],
        )  # fmt: skip
        row.save()
        return row


def run_items(rows: int, runs: int) -> dict[str, Any]:
    """A hundred items of a group with prices and stock, and the same when nothing has changed."""
    with own_database(), override_settings(ROOT_URLCONF=__name__, ALLOWED_HOSTS=["*"]):
        cache.clear()
        shelf, client = Shelf(rows), Client()
        given = {"Authorization": f"Bearer {shelf.key}"}
        if database.vendor == "postgresql":
            with database.cursor() as cursor:
                cursor.execute("ANALYZE")
        first = client.get(ADDRESS, headers=given)
        whole = first.json()
        if len(whole["results"]) != ITEMS or whole["results"][0]["stock"]["on_hand"] != "7":
            raise AssertionError(f"That is no page of {ITEMS} items: {first.content[:300]!r}")
        BareView.params, BareView.answer = (shelf.list.pk, shelf.group.pk, shelf.merchant.pk, 2 * ITEMS), whole
        calls: dict[str, Callable[[], Any]] = {
            "items": lambda: client.get(ADDRESS, headers=given),
            "bare": lambda: client.get("/bare"),
            "spared": lambda: client.get(ADDRESS, headers={**given, "If-None-Match": first["ETag"]}),
            "empty": lambda: client.get("/empty"),
        }
        statuses = {name: call().status_code for name, call in calls.items()}
        costs: dict[str, list[Cost]] = {name: [] for name in calls}
        for _ in range(runs):
            for name, call in calls.items():
                costs[name].append(cost_of_one(call, TURNS))
    cpu = {name: round(middle(found).cpu * 1000, 3) for name, found in costs.items()}
    return {
        "name": "api_items", "cpu_ms": cpu, "statuses": statuses, "bytes": len(first.content), "rows": rows,
        "items_ratio": round(cpu["items"] / cpu["bare"], 2), "items_goal": ITEMS_GOAL,
        "spared_ratio": round(cpu["spared"] / cpu["empty"], 2), "spared_goal": SPARED_GOAL,
    }  # fmt: skip


API_BENCHES = {"api_items": (run_items, 1_000)}
