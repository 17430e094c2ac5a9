"""Stock and prices for sales teams and resellers: read only, of their locations, at the prices of who sells there."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from catalog.models import StockRecord
from integrations.contract import records as r
from portal.tenancy.models import Location, Role
from tests.catalog.test_prices import make_list, make_rule
from tests.portal.test_isolation import login
from tests.world import NOON, D, World, make_world, product, stocked


@pytest.fixture
def world(db: None) -> World:
    return make_world()


def open_page(client: Client, **query: str) -> Any:
    response = client.get(reverse("admin:reports_stock"), query)
    assert response.status_code == 200
    return response.context_data


def test_a_reseller_sees_his_locations_and_the_prices_there(world: World) -> None:
    stocked(world, "MUG")
    north = Location(merchant=world.merchant, code="NORTH", name="North")
    north.save()
    StockRecord.plain.create(merchant=world.merchant, connection=world.erp, location=north, quantity=D(4),
                             variant=world.variant("MUG"), basis="on_hand", read_at=NOON)  # fmt: skip
    world.other.location = north
    world.other.save()
    make_rule(world, make_list(world, "retail", {"MUG": "4.50"}), connection=world.shop)
    make_rule(world, make_list(world, "resale", {"MUG": "3"}), connection=world.other)

    page = open_page(login(world.merchant, Role.RESELLER, (north,)))
    assert page["lines"] == [{
        "code": "MUG", "name": "Mug", "available": "4", "is_out": False, "places": [("North", "4")],
        "price": "3.00 GBP", "includes_tax": False,
    }]  # fmt: skip
    assert [one.name for one in page["shops"]] == ["Shop B"]
    assert [one.code for one in page["places"]] == ["NORTH"]
    same = open_page(login(world.merchant, Role.RESELLER, (north,)), location="MAIN", shop=str(world.shop.pk))
    assert same["lines"] == page["lines"], "what is not his cannot be chosen"

    everything = open_page(login(world.merchant, Role.SALES))
    assert [(line["available"], line["price"]) for line in everything["lines"]] == [("14", "4.50 GBP")]
    there = open_page(login(world.merchant, Role.SALES), location="NORTH", shop=str(world.other.pk))
    assert [(line["available"], line["price"]) for line in there["lines"]] == [("4", "3.00 GBP")]


def test_he_searches_and_turns_pages(world: World) -> None:
    skus = [f"M{n:03}" for n in range(60)]
    world.apply(world.erp, "product", product("many", *skus))
    client = login(world.merchant, Role.SALES)
    first = open_page(client)
    second = open_page(client, after=str(first["after"]))
    assert [line["code"] for line in (*first["lines"], *second["lines"])] == skus
    assert (len(first["lines"]), second["after"]) == (50, 0)
    assert [line["code"] for line in open_page(client, q="m007")["lines"]] == ["M007"]
    assert open_page(client, q="nothing")["lines"] == []


def test_nobody_sees_another_merchants_stock(world: World) -> None:
    theirs = make_world("Theirs")
    stocked(theirs, "CANARY-4711")
    stocked(world, "MUG")
    for role in Role.values:
        response = login(world.merchant, role).get(reverse("admin:reports_stock"), {"shop": str(theirs.shop.pk)})
        assert response.status_code == 200
        assert b"CANARY-4711" not in response.content
        context: Any = response.context_data
        assert [line["code"] for line in context["lines"]] == ["MUG"]
    assert Client().get(reverse("admin:reports_stock")).status_code == 302


def test_it_is_only_read(world: World) -> None:
    stocked(world, "MUG")
    world.apply(world.erp, "stock", r.StockRow("e-MUG-MUG", "", D(0)))
    client = login(world.merchant, Role.OWNER)
    assert open_page(client)["lines"][0]["is_out"] is True
    before = StockRecord.plain.get().quantity
    client.post(reverse("admin:reports_stock"), {"quantity": "5"})
    assert StockRecord.plain.get().quantity == before
