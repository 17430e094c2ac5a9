"""The search behind "/": an order by whatever people know of it, an article by its code, and nobody else's."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection as database
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from integrations.contract import records as r
from orders.models import Customer, FulfilmentOrder, Order, Shipment
from portal.tenancy.models import Location
from tests.portal.people import log_in
from tests.world import World, make_world, order, product, stocked

ANNA = r.AddressRecord(name="Anna Berg", country="GB", phone="(020) 7946 0018", email="Anna@example.com")


@pytest.fixture
def world(db: None) -> World:
    world = make_world()
    stocked(world, "MUG")
    world.apply(world.erp, "product", product("e-TOY", "TOY-RED-S", "TOY-RED-L", name="Toy car"))
    world.apply(world.shop, "order", order("1001", ("MUG", 1, "4.50"), billing=ANNA))
    world.apply(world.shop, "order", order("1002", ("MUG", 2, "4.50")))
    row = Order.plain.get(number="1001")
    part = FulfilmentOrder.plain.get(order=row)
    FulfilmentOrder.plain.filter(pk=part.pk).update(external_number="S00731")
    Shipment(
        merchant=world.merchant, fulfilment_order=part, external_id="7", state="done", tracking_number="GB42"
    ).save()
    Customer(merchant=world.merchant, name="Berta Zorn", email="berta@example.com", phone="+442079460099").save()
    return world


def find(client: Client, text: str) -> list[tuple[str, str]]:
    response = client.get(reverse("admin:search"), {"s": text}, headers={"HX-Request": "true"})
    assert response.status_code == 200
    return [(hit.kind, hit.title) for hit in response.context["hits"]]


@pytest.mark.parametrize(
    "text",
    ["1001", "#1001", "A-1001", "a-1001", "S00731", "s00731", "+44 20 7946 0018", "020 7946 0018", "(020) 7946-0018",
     "anna@example.com", "Anna@example.com", "ANNA@EXAMPLE.COM", "anna", "berg", "GB42", "gb42"],
)  # fmt: skip
def test_an_order_is_found_by_what_people_know(world: World, text: str) -> None:
    assert find(log_in(world.merchant, "support"), text)[0] == ("Order", "#1001")
    assert ("Order", "#1002") not in find(log_in(world.merchant, "support"), text)


def test_orders_of_an_article_and_the_article_itself(world: World) -> None:
    assert find(log_in(world.merchant, "support"), "MUG") == [
        ("Order", "#1002"), ("Order", "#1001"), ("Article", "MUG"), ("Product", "MUG"),
    ]  # fmt: skip


def test_articles_customers_connections_and_pages(world: World) -> None:
    owner = log_in(world.merchant, "owner")
    assert ("Article", "TOY-RED-S") in find(owner, "TOY-RED-S")
    assert [kind for kind, _ in find(owner, "Toy car")] == ["Product"]
    assert find(owner, "berta@example.com") == [("Customer", "Berta Zorn")]
    assert find(owner, "020 7946 0099") == [("Customer", "Berta Zorn")]
    assert find(owner, "Zorn") == [("Customer", "Berta Zorn")]
    assert ("Connection", "Shop B") in find(owner, "shop b")
    assert ("Page", "Procedures") in find(owner, "procedures")
    assert find(owner, "nobody knows it") == []
    assert find(owner, "   ") == []


def test_each_hit_leads_to_a_page_that_opens(world: World) -> None:
    client = log_in(world.merchant, "owner")
    for text in ("1001", "MUG", "Zorn", "shop b", "runs"):
        hits = client.get(reverse("admin:search"), {"s": text}).context["hits"]
        assert hits, text
        for hit in hits:
            assert client.get(hit.url).status_code == 200, hit.url


def test_what_a_role_may_not_open_it_does_not_find(world: World) -> None:
    reseller = log_in(world.merchant, "reseller")
    assert find(reseller, "1001") == []
    assert find(reseller, "Zorn") == []
    assert ("Connection", "Shop B") not in find(reseller, "shop b")
    assert ("Page", "Procedures") not in find(reseller, "procedures")
    north = Location(merchant=world.merchant, code="NORTH", name="North")
    north.save()
    assert find(log_in(world.merchant, "support", north), "1001") == [], "it is at another location"
    assert find(log_in(world.merchant, "support", world.place), "1001")[0] == ("Order", "#1001")


def test_nobody_finds_another_merchants_rows_not_even_after_switching(world: World) -> None:
    other = make_world("Southwind")
    stranger = log_in(other.merchant, "owner")
    for text in ("1001", "anna@example.com", "Zorn", "TOY-RED-S", "GB42"):
        assert find(stranger, text) == [], text


def test_a_page_for_those_without_scripts_and_a_list_for_the_dialog(world: World) -> None:
    client = log_in(world.merchant, "support")
    page = client.get(reverse("admin:search"), {"s": "1001"}).content.decode()
    assert "<html" in page
    assert 'value="1001"' in page
    part = client.get(reverse("admin:search"), {"s": "1001"}, headers={"HX-Request": "true"}).content.decode()
    assert "<html" not in part
    empty = client.get(reverse("admin:search"), {"s": "<b>"}).content.decode()
    assert "Nothing is called “&lt;b&gt;”" in empty


def test_a_search_takes_few_queries(world: World) -> None:
    client: Any = log_in(world.merchant, "owner")
    with CaptureQueriesContext(database) as queries:
        find(client, "1001")
    assert len(queries) <= 25


def test_every_page_has_the_search_for_whoever_belongs_here(world: World) -> None:
    page = log_in(world.merchant, "sales").get(reverse("admin:orders_order_changelist")).content.decode()
    assert 'id="sb-search"' in page
    assert "stockbridge/search.js" in page
    assert 'id="sb-search"' not in Client().get(reverse("admin:login")).content.decode()
