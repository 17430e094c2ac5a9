"""The long lists: as many queries for three rows as for a full page, none that counts or sorts a whole table."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection as database
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from catalog.models import Binding, ChannelStock, StockRecord, Variant
from integrations.contract import records as r
from integrations.models import Command
from orders.models import FulfilmentOrder, Order, Shipment
from tests.portal.people import log_in
from tests.world import World, make_world, order, stocked

LISTS = {
    "catalog_variant": Variant, "catalog_binding": Binding, "catalog_stockrecord": StockRecord,
    "catalog_channelstock": ChannelStock, "orders_order": Order,
}  # fmt: skip
ANNA = r.AddressRecord(name="Anna Berg", country="GB", phone="(020) 7946 0018", email="Anna@example.com")
POSTGRES_ONLY = pytest.mark.skipif(database.vendor != "postgresql", reason="The indexes are PostgreSQL's only.")


@pytest.fixture
def world(db: None) -> World:
    world = make_world()
    stocked(world, "MUG", "PLATE", "CUP")
    for number in ("1001", "1002", "1003"):
        world.apply(world.shop, "order", order(number, ("MUG", 1, "4.50")))
    return world


@pytest.fixture
def support(world: World) -> Client:
    return log_in(world.merchant, "owner")


def ask(client: Client, name: str, **query: Any) -> tuple[list[Any], list[str]]:
    """The rows of the page, and its queries."""
    with CaptureQueriesContext(database) as asked:
        response = client.get(reverse(f"admin:{name}_changelist"), query)
    assert response.status_code == 200
    return list(response.context["cl"].result_list), [query["sql"] for query in asked.captured_queries]


@pytest.mark.parametrize("name", LISTS)
def test_more_rows_ask_no_more_queries_and_nothing_is_counted_whole(world: World, support: Client, name: str) -> None:
    ask(support, name)
    few, first = ask(support, name)
    stocked(world, *(f"SKU-{number}" for number in range(12)))
    for number in range(20):
        world.apply(world.shop, "order", order(f"2{number:03}", ("MUG", 1, "4.50")))
    many, second = ask(support, name)
    assert len(many) > len(few) >= 3
    assert len(second) == len(first) <= 16
    counts = [one for one in second if "COUNT(" in one]
    assert len(counts) == 1
    assert "LIMIT 10001" in counts[0]
    assert f'SELECT COUNT(*) FROM (SELECT "{LISTS[name]._meta.db_table}"."id"' in counts[0].replace(' AS "col1"', "")


@pytest.mark.parametrize(
    ("name", "sortable"),
    [("catalog_variant", ["code", "barcode"]), ("catalog_binding", ["code"]),
     ("orders_order", ["number_shown", "age"])],
)  # fmt: skip
def test_only_columns_with_an_index_are_sorted_by(support: Client, name: str, sortable: list[str]) -> None:
    response = support.get(reverse(f"admin:{name}_changelist"))
    assert list(response.context["cl"].sortable_by) == sortable


@pytest.mark.parametrize(
    "words",
    ["1002", "#1002", "anna@EXAMPLE.com", "020 7946 0018", "berg", "Anna Berg", '"anna berg"', "PLATE", "S00731",
     "A-1002", "GB42", "berg PLATE"],
)  # fmt: skip
def test_an_order_is_found_by_each_word_people_know(world: World, support: Client, words: str) -> None:
    record = order("1002", ("MUG", 1, "4.50"), ("PLATE", 1, "3.00"), billing=ANNA)
    Order.plain.filter(number="1002").delete()
    Command.plain.filter(reference="A-1002").delete()
    world.apply(world.shop, "order", record)
    row = Order.plain.get(number="1002")
    part = FulfilmentOrder.plain.get(order=row)
    FulfilmentOrder.plain.filter(pk=part.pk).update(external_number="S00731")
    Shipment(
        merchant=world.merchant, fulfilment_order=part, external_id="7", state="done", tracking_number="GB42"
    ).save()
    found, queries = ask(support, "orders_order", q=words)
    assert [one.number for one in found] == ["1002"]
    assert not [one for one in queries if "DISTINCT" in one]


def test_an_order_of_other_words_is_not_found(world: World, support: Client) -> None:
    for words in ('"berg anna"', "anna MUG", "S0073", "nobody"):
        assert ask(support, "orders_order", q=words)[0] == []


def test_nobody_elses_order_is_found(world: World) -> None:
    other = make_world("Southwind")
    assert ask(log_in(other.merchant, "owner"), "orders_order", q="1002")[0] == []


@POSTGRES_ONLY
@pytest.mark.parametrize(
    ("table", "index", "condition"),
    [
        ("catalog_variant", "variant_name_trigrams", "UPPER(name::text) LIKE UPPER('%mug%')"),
        ("catalog_binding", "binding_title_trigrams", "UPPER(title::text) LIKE UPPER('%mug%')"),
        ("catalog_product", "product_name_trigrams", "UPPER(name::text) LIKE UPPER('%mug%')"),
        ("orders_order", "order_name_trigrams", "UPPER(customer_name::text) LIKE UPPER('%berg%')"),
        ("orders_customer", "customer_name_trigrams", "UPPER(company::text) LIKE UPPER('%berg%')"),
        ("orders_orderline", "line_sku", "sku = 'MUG'"),
    ],
)
def test_the_database_can_answer_from_its_index(world: World, table: str, index: str, condition: str) -> None:
    with database.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
        cursor.execute("SELECT indexname FROM pg_indexes WHERE tablename = %s", [table])
        assert index in {row[0] for row in cursor.fetchall()}
        for (other,) in _list_others(cursor, table, index):
            cursor.execute(f"DROP INDEX {other}")
        cursor.execute(f"EXPLAIN SELECT id FROM {table} WHERE {condition}")
        assert index in "\n".join(row[0] for row in cursor.fetchall())


def _list_others(cursor: Any, table: str, index: str) -> list[tuple[str]]:
    """Indexes that stand for no constraint."""
    cursor.execute(
        "SELECT indexrelid::regclass::text FROM pg_index WHERE indrelid = %s::regclass AND NOT indisunique"
        " AND indexrelid <> %s::regclass",
        [table, index],
    )
    return list(cursor.fetchall())
