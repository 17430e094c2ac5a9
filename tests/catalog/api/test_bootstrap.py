"""What an app begins with: each part's first page, and its next."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.cache import cache

from integrations.models import Connection, ValueMapping
from portal.tenancy.models import Location, LocationGroup, LocationGroupMember
from tests.api_world import Caller, connect_api, make_caller, refused
from tests.catalog.test_prices import make_list, make_rule
from tests.world import World, make_world, product, stocked


@pytest.fixture(autouse=True)
def world(db: None) -> World:
    cache.clear()
    return make_world()


@pytest.fixture
def app(world: World) -> Connection:
    return connect_api(world, "App")


@pytest.fixture
def caller(app: Connection) -> Caller:
    return make_caller(app, "items:read")


def follow(caller: Caller, part: Any) -> list[Any]:
    """All pages of a part."""
    found = list(part["results"])
    while part["next"]:
        answer = caller.get(part["next"].removeprefix("/api/v1"))
        assert answer.status_code == 200, answer.content
        part = answer.json()
        part["next"] = part["next"] and (
            part["next"] if part["next"].startswith("/") else f"/items?page_size=2&cursor={part['next']}"
        )
        found += part["results"]
    return found


def test_each_part_and_its_next_page(world: World, app: Connection, caller: Caller) -> None:
    stocked(world, "MUG", "CUP")
    for number in range(5):
        world.apply(world.erp, "product", product(f"p{number}", f"P{number}", categories=(f"Category {number}",)))
        Location(merchant=world.merchant, code=f"L{number}", name=f"Shop {number}").save()
        for kind in ("payment", "shipping"):
            ValueMapping(merchant=world.merchant, connection=app, kind=kind, theirs=f"{kind}{number}").save()
    group = LocationGroup(merchant=world.merchant, name="All")
    group.save()
    LocationGroupMember(merchant=world.merchant, group=group, location=world.place, position=0).save()
    make_rule(world, make_list(world, "retail", {"MUG": "4"}), connection=app)
    make_list(world, "secret", {"MUG": "1"})
    ValueMapping(merchant=world.merchant, connection=world.shop, kind="payment", theirs="not ours").save()

    whole = caller.get("/bootstrap?page_size=2").json()
    assert whole["merchant"] == {"name": "Northwind", "currency": "GBP", "country": "GB", "time_zone": "UTC"}
    assert sorted(row["code"] for row in follow(caller, whole["items"])) == [
        "CUP", "MUG", "P0", "P1", "P2", "P3", "P4",
    ]  # fmt: skip
    assert [row["name"] for row in follow(caller, whole["categories"])] == [f"Category {n}" for n in range(5)]
    assert [row["code"] for row in follow(caller, whole["locations"])] == ["MAIN", "L0", "L1", "L2", "L3", "L4"]
    assert whole["location_groups"] == {"results": [{"name": "All", "locations": ["MAIN"]}], "next": None}
    assert whole["price_lists"] == {
        "results": [{"code": "retail", "name": "Retail", "currency": "GBP", "includes_tax": False}], "next": None,
    }  # fmt: skip
    assert [row["code"] for row in follow(caller, whole["payment_types"])] == [f"payment{n}" for n in range(5)]
    assert [row["code"] for row in follow(caller, whole["shipping_methods"])] == [f"shipping{n}" for n in range(5)]
    assert refused(caller.get("/bootstrap/secrets")) == (404, "not_found")
    assert refused(caller.get("/bootstrap/categories?cursor=WzEsMl0")) == (400, "cursor_invalid")


def test_a_key_limited_to_a_location_is_told_of_no_other(world: World, app: Connection) -> None:
    stocked(world, "MUG")
    north = Location(merchant=world.merchant, code="NORTH", name="North")
    north.save()
    for place, name in ((north, "Mine"), (world.place, "Theirs")):
        group = LocationGroup(merchant=world.merchant, name=name)
        group.save()
        LocationGroupMember(merchant=world.merchant, group=group, location=place, position=0).save()
    whole = make_caller(app, "items:read", places=(north,)).get("/bootstrap").json()
    assert [row["code"] for row in whole["locations"]["results"]] == ["NORTH"]
    assert [row["name"] for row in whole["location_groups"]["results"]] == ["Mine"]
    assert whole["items"]["results"][0]["stock"]["on_hand"] == "0"
    assert "Northwind main" not in str(whole)
