"""What a page of the admin's long lists costs over a million rows, against the same page over a hundred.

In a database of its own: two merchants of the same tables, one with a hundred of everything, the other with the rest.
CPU is that of this process and of its database backend; parallel workers, which it would miss, are switched off.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from importlib import import_module
from statistics import median
from typing import Any

from django.core.management.base import CommandError
from django.db import connection as database
from django.db import transaction
from django.test import Client
from django.urls import reverse

from integrations.models import Connection
from portal.management.costs import Cost, cost_of_one, own_database
from portal.management.feed_benches import AT
from portal.tenancy.models import Membership, Merchant, User

FEW = 100
GOAL, SEARCH_GOAL = 1.2, 10.0
PAGES_A_TURN = 5
RARE = "zanzibar"  # so are three of each merchant's names
ROW = re.compile(rb"/(\d+)/change/")
LISTS = {
    "variant": ("admin:catalog_variant_changelist", "variant_name_trigrams"),
    "binding": ("admin:catalog_binding_changelist", "binding_title_trigrams"),
    "order": ("admin:orders_order_changelist", "order_name_trigrams"),
}
SEARCH_MIGRATIONS = ("catalog.migrations.0006_search_and_sort", "orders.migrations.0004_search_and_sort")
NAME = """CASE WHEN n - %(first)s IN (%(rows)s / 4, %(rows)s / 2, %(rows)s - 1) THEN 'Zanzibar ' ELSE 'Mug ' END
  || substr(md5(n::text), 1, 6) || ' ' || substr(md5(n::text), 7, 8)"""
SERIES = "generate_series(%(first)s, %(first)s + %(rows)s - 1) AS n"
FILL = (
    """INSERT INTO catalog_product (id, public_id, merchant_id, code, name, description, status, brand, categories,
      image_urls, attributes, created_at, updated_at)
    SELECT n, 'p' || n, %(merchant)s, 'P-' || n, {name}, '', 'active', '', '[]', '[]', '{{}}', %(at)s, %(at)s
    FROM {series}""",
    """INSERT INTO catalog_variant (id, public_id, merchant_id, product_id, code, barcode, name, option_key, position,
      is_active, created_at, updated_at)
    SELECT n, 'v' || n, %(merchant)s, n, 'SKU-' || n, (5000000000000 + n)::text, {name}, '', 0, true, %(at)s, %(at)s
    FROM {series}""",
    """INSERT INTO catalog_binding (merchant_id, connection_id, variant_id, external_id, parent_external_id,
      reference_code, barcode, title, options, factor, state, reason, score, created_at, updated_at)
    SELECT %(merchant)s, %(shop)s, n, n::text, '', 'SKU-' || n, (5000000000000 + n)::text, {name}, '[]', 1000, 'bound',
      'the same code', 0, %(at)s, %(at)s FROM {series}""",
    """INSERT INTO orders_order (id, public_id, merchant_id, connection_id, external_id, number, intake, financial,
      fulfilment, status_text, cash_on_delivery, currency, total, captured, refund_pending, refunded, placed_at,
      source_updated_at, received_at, email, phone, customer_name, billing, shipping, note)
    SELECT n, 'o' || n, %(merchant)s, %(shop)s, n::text, n::text, 'ready', 'paid', 'unfulfilled', '', false, 'GBP',
      25000000, 25000000, 0, 0, %(at)s, %(at)s, %(at)s, 'buyer' || n || '@example.com', '+4420' || n, {name}, '{{}}',
      '{{}}', '' FROM {series}""",
    """INSERT INTO orders_orderline (merchant_id, order_id, position, external_id, kind, variant_external_id, sku, name,
      quantity, factor, unit_price, discount, net, tax, gross, cancelled_quantity)
    SELECT %(merchant)s, n, 0, '1', 'item', n::text, 'SKU-' || n, 'Mug', 1000, 1000, 25000000, 0, 25000000, 0, 25000000,
      0 FROM {series}""",
    """INSERT INTO orders_fulfilmentorder (public_id, merchant_id, order_id, destination_id, reference, state,
      send_when, external_id, external_number)
    SELECT 'f' || n, %(merchant)s, n, %(erp)s, 'A-' || n, 'placed', 'paid', n::text, 'S' || n FROM {series}""",
)


def bench_changelist(rows: int, runs: int) -> dict[str, Any]:
    """PostgreSQL: each list's first, deepest and rarely found page."""
    if database.vendor != "postgresql":
        raise CommandError("changelist is measured on PostgreSQL: set DATABASE_URL to one.", returncode=2)
    if rows < FEW:
        raise CommandError(f"It takes {FEW} rows at least.", returncode=2)
    with own_database():
        few, many = _fill("few", 1, FEW), _fill("many", FEW + 1, rows)
        _index_and_tidy()
        _run("SET max_parallel_workers_per_gather = 0")
        told = {name: _measure(few, many, *LISTS[name], runs=runs) for name in LISTS}
    return {
        "name": "changelist", "rows": rows, "few": FEW, "runs": runs, "goal": GOAL, "search_goal": SEARCH_GOAL,
        "lists": told,
        "met": all(one["ratio"] <= GOAL and one["search_faster"] >= SEARCH_GOAL for one in told.values()),
    }  # fmt: skip


def _fill(name: str, first: int, rows: int) -> Client:
    """A merchant with so many of everything; who looks at it."""
    merchant = Merchant.objects.create(name=name, slug=name)
    shop, erp = (
        Connection(merchant=merchant, name=f"{label} of {name}", platform=platform, role=role, order_prefix=label,
                   state=Connection.State.ACTIVE)
        for label, platform, role in (("Shop", "woocommerce", "store"), ("ERP", "odoo", "back_office"))
    )  # fmt: skip
    shop.save()
    erp.save()
    values: dict[str, Any] = {
        "first": first, "rows": rows, "merchant": merchant.pk, "shop": shop.pk, "erp": erp.pk, "at": AT,
    }  # fmt: skip
    with database.cursor() as cursor:
        for statement in FILL:
            cursor.execute(statement.format(name=NAME, series=SERIES), values)
    user = User.objects.create_user(f"{name}@example.com")
    Membership(merchant=merchant, user=user, role="owner").save()
    client = Client(SERVER_NAME="localhost")
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    return client


def _index_and_tidy() -> None:
    """As after the migrations, and after a night: what is PostgreSQL's only, and what the planner knows."""
    for path in SEARCH_MIGRATIONS:
        with database.schema_editor() as editor:
            import_module(path).create(None, editor)
    _run("VACUUM (ANALYZE)")


def _measure(few: Client, many: Client, address: str, index: str, *, runs: int) -> dict[str, Any]:
    page = reverse(address)
    search, deepest = f"{page}?q={RARE}", f"{page}?p=200"
    costs: dict[str, list[Cost]] = {"few": [], "many": [], "deepest": [], "few_search": [], "many_search": []}
    turns = {
        "few": (few, page), "many": (many, page), "deepest": (many, deepest),
        "few_search": (few, search), "many_search": (many, search),
    }  # fmt: skip
    for client, path in turns.values():
        _look(client, path)  # once before, so that nobody pays for what is loaded once
    for _ in range(runs):
        for name, (client, path) in turns.items():
            costs[name].append(cost_of_one(partial(_look, client, path), PAGES_A_TURN))
    with _without(index):
        unaided = [cost_of_one(lambda: _look(many, search), 1) for _ in range(min(runs, 3))]
    cpu = {name: median(cost.cpu for cost in some) * 1000 for name, some in costs.items()}
    without = median(cost.cpu for cost in unaided) * 1000
    return {
        "ratio": round(cpu["many"] / cpu["few"], 3),
        "deepest_ratio": round(cpu["deepest"] / cpu["few"], 3),
        "search_ratio": round(cpu["many_search"] / cpu["few_search"], 3),
        "search_faster": round(without / cpu["many_search"], 1),
        "cpu_ms": {name: round(value, 1) for name, value in cpu.items()} | {"search_without_index": round(without, 1)},
        "wall_ms": {name: round(median(cost.wall for cost in some) * 1000, 1) for name, some in costs.items()},
    }


def _look(client: Client, path: str) -> None:
    response = client.get(path)
    if response.status_code != 200:
        raise CommandError(f"{path} answered {response.status_code}.")
    found = len(set(ROW.findall(response.content)))
    if found != (3 if RARE in path else 50):
        raise CommandError(f"{path} shows {found} rows: that is not the page to be measured.")


@contextmanager
def _without(index: str) -> Iterator[None]:
    """The database as if nobody had made the index; it is there again afterwards."""
    with transaction.atomic():
        _run(f"DROP INDEX {index}")
        yield
        transaction.set_rollback(True)


def _run(statement: str) -> None:
    with database.cursor() as cursor:
        cursor.execute(statement)


LIST_BENCHES = {"changelist": (bench_changelist, 1_000_000)}
