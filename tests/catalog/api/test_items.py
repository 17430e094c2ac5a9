"""Items over the API: what is asked for, by whose codes, for which locations; deltas, pages, tags; bad inputs 33-34."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.core.cache import cache
from django.db import connection as database
from django.test.utils import CaptureQueriesContext

from catalog.models import AllocationRule, Binding, Product, StockRecord, Variant
from integrations.contract import records as r
from integrations.models import Connection
from portal.tenancy.models import Location, LocationGroup, LocationGroupMember
from tests.api_world import Caller, connect_api, make_caller, refused
from tests.catalog.test_prices import make_list, make_rule
from tests.world import NOON, D, World, make_world, product, stocked


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


def codes(answer: Any) -> list[str]:
    assert answer.status_code == 200, answer.content
    return [row["code"] for row in answer.json()["results"]]


def put(world: World, location: Location, code: str, quantity: str) -> None:
    StockRecord.plain.create(
        merchant=world.merchant, connection=world.erp, location=location, variant=world.variant(code),
        quantity=D(quantity), basis="on_hand", read_at=NOON,
    )  # fmt: skip


def test_an_item_in_full(world: World, app: Connection, caller: Caller) -> None:
    record = r.ProductRecord(
        external_id="toy", code="TOY", name="Toy car", description="Fast", brand="Zoom", categories=("Toys",),
        image_urls=("https://cdn.example.com/car.jpg",),
        axes=(r.AxisRecord(name="Colour", values=("Red",)),),
        variants=(r.VariantRecord(external_id="t1", sku="TOY-R", barcode="4006381333931", name="Toy car (Red)",
                                  unit="box", options=(("Colour", "Red"),)),),
    )  # fmt: skip
    world.apply(world.erp, "product", record)
    put(world, world.place, "TOY-R", "7.5")
    make_rule(world, make_list(world, "retail", {"TOY-R": "4.5"}, includes_tax=True), connection=app)
    Binding.plain.create(merchant=world.merchant, connection=app, variant=world.variant("TOY-R"), external_id="1",
                         reference_code="0042", state="bound")  # fmt: skip
    row = world.variant("TOY-R")
    expected = {
        "id": row.public_id,
        "code": "0042",
        "updated_at": row.updated_at.isoformat().replace("+00:00", "Z"),
        "name": "Toy car (Red)",
        "product": "TOY",
        "barcode": "4006381333931",
        "unit": "box",
        "description": "Fast",
        "brand": "Zoom",
        "categories": ["Toys"],
        "options": [{"name": "Colour", "value": "Red"}],
        "images": ["https://cdn.example.com/car.jpg"],
        "price": {"amount": "4.50", "currency": "GBP", "includes_tax": True},
        "stock": {
            "on_hand": "7.5",
            "reserved": "0",
            "available": "7.5",
            "places": [{"location": "MAIN", "name": "Northwind main", "available": "7.5"}],
        },
    }
    assert caller.get("/items").json()["results"] == [expected]
    assert caller.get("/items/0042").json() == expected
    assert caller.get("/items/TOY-R").json() == expected, "our own code is understood, too"
    assert refused(caller.get("/items/nobody")) == (404, "not_found")


def test_stock_of_one_location_of_all_and_of_a_group_with_its_fallback(world: World, caller: Caller) -> None:
    world.apply(world.erp, "product", product("e-MUG", "MUG"))
    north = Location(merchant=world.merchant, code="NORTH", name="North")
    north.save()
    group = LocationGroup(merchant=world.merchant, name="Shops & more")
    group.save()
    for place, location in enumerate((north, world.place)):
        LocationGroupMember(merchant=world.merchant, group=group, location=location, position=place).save()
    put(world, world.place, "MUG", "5")
    put(world, north, "MUG", "0")

    def available(query: str, by: Caller = caller) -> Any:
        answer = by.get(f"/items{query}")
        assert answer.status_code == 200, answer.content
        stock = answer.json()["results"][0]["stock"]
        return stock["available"], [place["location"] for place in stock["places"]]

    assert available("") == ("5", ["NORTH", "MAIN"])
    assert available("?location=MAIN") == ("5", ["MAIN"])
    assert available("?location=NORTH") == ("0", ["NORTH"])
    assert available("?group=Shops+%26+more") == ("5", ["MAIN"]), "North has none: the next of the group"
    assert available("?group=Shops+%26+more&pick=together") == ("5", ["NORTH", "MAIN"])
    assert refused(caller.get("/items?location=ATLANTIS")) == (400, "unknown_location")
    assert refused(caller.get("/items?group=ATLANTIS")) == (400, "unknown_group")

    limited = make_caller(Connection.plain.get(name="App"), "items:read", places=(north,))
    assert available("", limited) == ("0", ["NORTH"])
    assert available("?group=Shops+%26+more&pick=together", limited) == ("0", ["NORTH"])
    assert refused(limited.get("/items?location=MAIN")) == (400, "unknown_location")


def test_what_may_be_sold_is_by_the_connections_stock_rule(world: World, app: Connection, caller: Caller) -> None:
    stocked(world, "MUG")
    AllocationRule(merchant=world.merchant, connection=app, buffer=D(4), share=50).save()
    stock = caller.get("/items/MUG").json()["stock"]
    assert (stock["on_hand"], stock["available"]) == ("10", "3")


def test_pages_go_on_where_the_last_one_ended(world: World, caller: Caller) -> None:
    world.apply(world.erp, "product", product("many", *(f"M{n}" for n in range(7))))
    seen: list[str] = []
    cursor: str | None = ""
    for size in (3, 3, 1):
        answer = caller.get(f"/items?page_size=3{f'&cursor={cursor}' if cursor else ''}")
        assert len(codes(answer)) == size
        seen += codes(answer)
        cursor = answer.json()["next"]
    assert cursor is None
    assert seen == [f"M{n}" for n in range(7)]


def test_changes_since_then_with_those_that_went(world: World, caller: Caller) -> None:
    stocked(world, "MUG", "CUP", "JUG")
    long_ago = datetime(2026, 1, 1, tzinfo=UTC)
    Variant.plain.update(updated_at=long_ago)
    first = caller.get("/items").json()
    since = datetime.fromisoformat(first["as_of"])
    assert timedelta(0) < datetime.now(UTC) - since < timedelta(minutes=4)
    assert codes(caller.get(f"/items?changed_since={first['as_of']}")) == []

    world.apply(world.erp, "product", r.ProductRecord(external_id="e-CUP", name="", deleted=True), at=since)
    world.apply(world.erp, "product", product("e-MUG", "MUG", name="Big mug"), at=since + timedelta(seconds=1))
    answer = caller.get(f"/items?changed_since={first['as_of']}")
    assert codes(answer) == ["CUP", "MUG"], "in the order they changed"
    cup, mug = answer.json()["results"]
    assert cup == {
        "id": Variant.plain.get(code="CUP").public_id, "code": "CUP", "deleted": True,
        "updated_at": since.isoformat().replace("+00:00", "Z"),
    }  # fmt: skip
    assert (mug["name"], "deleted" in mug) == ("Big mug", False)
    page = caller.get(f"/items?changed_since={first['as_of']}&page_size=1").json()
    assert codes(caller.get(f"/items?changed_since={first['as_of']}&page_size=1&cursor={page['next']}")) == ["MUG"]
    assert sorted(codes(caller.get("/items"))) == ["JUG", "MUG"]
    assert refused(caller.get("/items/CUP")) == (404, "not_found")


def test_an_answer_that_is_the_same_is_not_sent_again(world: World, caller: Caller) -> None:
    stocked(world, "MUG")
    tag = caller.get("/items/MUG")["ETag"]
    again = caller.get("/items/MUG", If_None_Match=tag)
    assert (again.status_code, again.content) == (304, b"")
    world.apply(world.erp, "stock", r.StockRow("e-MUG-MUG", "", D(9)))
    other = caller.get("/items/MUG", If_None_Match=tag)
    assert (other.status_code, other.json()["stock"]["on_hand"]) == (200, "9")


def test_a_hundred_items_cost_as_many_statements_as_one(world: World, app: Connection, caller: Caller) -> None:
    skus = [f"M{n}" for n in range(100)]
    world.apply(world.erp, "product", product("many", *skus))
    world.apply(world.erp, "stock", *(r.StockRow(f"many-{sku}", "", D(3)) for sku in skus))
    make_rule(world, make_list(world, "retail", dict.fromkeys(skus, "4")), connection=app)
    caller.get("/items")
    counts = []
    for size in (1, 100):
        with CaptureQueriesContext(database) as queries:
            assert len(codes(caller.get(f"/items?page_size={size}"))) == size
        counts.append(len(queries))
    assert counts[0] == counts[1] <= 17, [query["sql"] for query in queries]


def test_a_key_for_stock_sees_stock_and_prices_of_its_locations(world: World, app: Connection) -> None:
    stocked(world, "MUG")
    make_rule(world, make_list(world, "resale", {"MUG": "3"}), connection=app)
    north = Location(merchant=world.merchant, code="NORTH", name="North")
    north.save()
    put(world, north, "MUG", "4")
    reseller = make_caller(app, "stock:read", places=(north,))
    assert reseller.get("/stock").json() == {
        "results": [{
            "id": world.variant("MUG").public_id, "code": "MUG", "name": "Mug",
            "price": {"amount": "3.00", "currency": "GBP", "includes_tax": False},
            "stock": {"on_hand": "4", "reserved": "0", "available": "4",
                      "places": [{"location": "NORTH", "name": "North", "available": "4"}]},
        }],
        "next": None,
    }  # fmt: skip
    for method, address in (("GET", "/items"), ("PATCH", "/stock"), ("PATCH", "/prices"), ("PATCH", "/products")):
        assert refused(reseller.call(method, address, {"items": []})) == (403, "permission_denied")


def test_another_merchants_items_are_not_there(world: World, caller: Caller) -> None:
    theirs = make_world("Other")
    stocked(theirs, "MUG")
    assert codes(caller.get("/items")) == []
    assert refused(caller.get("/items/MUG")) == (404, "not_found")
    assert refused(caller.get("/items?location=OTHER")) == (400, "unknown_location")


def test_bad_input_33_parameters_nobody_offers(world: World, caller: Caller) -> None:
    for query in ("page_size=1000000000", "page_size=0", "page_size=x", "ordering=password", "a__b__c=", "q=a&q=b",
                  "q=%00", f"q={'x' * 201}", "pick=first", "location=MAIN&group=x"):  # fmt: skip
        assert refused(caller.get(f"/items?{query}")) == (400, "parameter_not_allowed"), query
    for cursor in ("x", "bnVsbA", "WzFd" * 2, "WyJ4Il0", "WzEsMl0"):
        assert refused(caller.get(f"/items?cursor={cursor}")) == (400, "cursor_invalid"), cursor


def test_bad_input_34_times_that_cannot_be_meant(world: World, caller: Caller) -> None:
    for given, code in (
        ("0000-01-01T00:00:00Z", "date_out_of_range"),
        ("9999-12-31T00:00:00Z", "date_out_of_range"),
        ("2026-11-20T12:00:00", "timezone_required"),
        ("2026-11-20", "timezone_required"),
        ("yesterday", "invalid_value"),
    ):
        answer = caller.get(f"/items?changed_since={given}")
        assert refused(answer) == (400, code), given
        assert answer.json()["field"] == "changed_since"


def test_products_that_are_no_longer_sold_are_not_listed(world: World, caller: Caller) -> None:
    stocked(world, "MUG", "CUP")
    Product.plain.filter(code="CUP").update(status="draft")
    Variant.plain.filter(code="MUG").update(is_active=False)
    assert codes(caller.get("/items")) == []
