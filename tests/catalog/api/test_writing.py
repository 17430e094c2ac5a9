"""Back offices writing to us over the API: bulk calls answered item by item; bad inputs 22, 23 and 29."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.cache import cache

from catalog.models import ChannelStock, Price, Product, StockRecord, Variant
from integrations.models import Connection, Flow
from portal.tenancy.models import IdempotencyKey, Location
from tests.api_world import Caller, connect_api, make_caller, refused
from tests.world import D, World, make_world, stocked

WRITES = ("stock:write", "prices:write", "products:write")


@pytest.fixture(autouse=True)
def world(db: None) -> World:
    cache.clear()
    return make_world()


@pytest.fixture
def erp(world: World) -> Connection:
    return connect_api(world, "Old ERP", role=Connection.Role.BACK_OFFICE)


@pytest.fixture
def caller(erp: Connection) -> Caller:
    return make_caller(erp, *WRITES)


def patch(caller: Caller, address: str, *items: Any, **headers: str) -> Any:
    return caller.call("PATCH", address, {"items": list(items)}, **headers)


def count(world: World) -> list[int]:
    return [model.plain.filter(merchant=world.merchant).count() for model in (StockRecord, Price, Product, Variant)]


def test_stock_prices_and_products_are_taken_and_answered_item_by_item(world: World, caller: Caller) -> None:
    toy = {
        "code": "TOY", "name": "Toy car", "brand": "Zoom", "categories": ["Toys"],
        "variants": [
            {"code": "TOY-R", "barcode": "4006381333931", "options": [{"name": "Colour", "value": "Red"}]},
            {"code": "TOY-G", "options": [{"name": "Colour", "value": "Green"}]},
        ],
    }  # fmt: skip
    answer = patch(caller, "/products", toy, {"code": "MUG", "name": "Mug"})
    assert (answer.status_code, answer.json()) == (200, {
        "results": [{"code": "TOY", "status": "created"}, {"code": "MUG", "status": "created"}],
        "created": 2, "updated": 0, "unchanged": 0, "refused": 0,
    })  # fmt: skip
    answer = patch(
        caller, "/stock", {"code": "TOY-R", "quantity": "7"}, {"code": "TOY-G", "quantity": 2.5, "location": "MAIN"},
        {"code": "CAR", "quantity": 1},
    )  # fmt: skip
    assert (answer.status_code, answer.json()) == (200, {
        "results": [
            {"code": "TOY-R", "status": "created"},
            {"code": "TOY-G", "status": "created"},
            {"code": "CAR", "status": "refused", "error": {
                "code": "unknown_article", "field": "code",
                "detail": "Nobody knows the article CAR, or several are called so: write the product first.",
            }},
        ],
        "created": 2, "updated": 0, "unchanged": 0, "refused": 1,
    })  # fmt: skip
    assert dict(StockRecord.plain.values_list("variant__code", "quantity")) == {"TOY-R": 7, "TOY-G": D("2.5")}
    answer = patch(caller, "/prices", {"code": "TOY-R", "amount": "4.50", "currency": "GBP"},
                   {"code": "TOY-G", "amount": "4", "currency": "EUR"})  # fmt: skip
    assert [row["status"] for row in answer.json()["results"]] == ["created", "refused"]
    assert answer.json()["results"][1]["error"]["code"] == "other_currency"
    assert Price.plain.get().amount == D("4.5")


def test_a_figure_reaches_the_shops_at_once(world: World, caller: Caller) -> None:
    stocked(world, "MUG", quantity="0")
    patch(caller, "/stock", {"code": "MUG", "quantity": 12})
    assert ChannelStock.plain.get(connection=world.shop).wanted == 12


def test_the_same_request_again_does_nothing_and_another_under_its_key_is_refused(world: World, caller: Caller) -> None:
    stocked(world, "MUG")
    first = patch(caller, "/stock", {"code": "MUG", "quantity": 3}, Idempotency_Key="k1")
    StockRecord.plain.filter(connection__name="Old ERP").update(quantity=D(8))
    again = patch(caller, "/stock", {"code": "MUG", "quantity": 3}, Idempotency_Key="k1")
    assert first.json() == again.json()
    assert StockRecord.plain.get(connection__name="Old ERP").quantity == 8
    other = patch(caller, "/stock", {"code": "MUG", "quantity": 4}, Idempotency_Key="k1")
    assert refused(other) == (409, "idempotency_mismatch")
    assert IdempotencyKey.plain.count() == 1


def test_who_may_not_write(world: World, erp: Connection, caller: Caller) -> None:
    stocked(world, "MUG")
    item = {"code": "MUG", "quantity": 1}
    before = count(world)
    shop = make_caller(connect_api(world, "App", prefix="Z-"), *WRITES)
    assert refused(patch(shop, "/stock", item)) == (403, "not_a_back_office")
    test_row = connect_api(world, "Sandbox", prefix="S-", role="back_office", environment="sandbox")
    for_tests = make_caller(test_row, *WRITES, mode="test")
    assert refused(patch(for_tests, "/stock", item)) == (403, "test_key"), "the shops are live"
    readers = make_caller(erp, "items:read", "stock:read")
    for address in ("/stock", "/prices", "/products"):
        assert refused(patch(readers, address, item)) == (403, "permission_denied")
    erp.state = Connection.State.WATCHING
    erp.save()
    assert refused(patch(caller, "/stock", item)) == (409, "connection_not_live")
    assert count(world) == before


def test_a_key_limited_to_a_location_writes_only_there(world: World, erp: Connection) -> None:
    stocked(world, "MUG")
    north = Location(merchant=world.merchant, code="NORTH", name="North")
    north.save()
    limited = make_caller(erp, *WRITES, places=(north,))
    answer = patch(limited, "/stock", {"code": "MUG", "quantity": 1, "location": "MAIN"},
                   {"code": "MUG", "quantity": 2, "location": "NORTH"})  # fmt: skip
    assert [row["status"] for row in answer.json()["results"]] == ["refused", "created"]
    assert StockRecord.plain.get(connection=erp).location == north


def test_another_owners_fields_are_refused(world: World, caller: Caller) -> None:
    """FEATURES C6."""
    Flow(merchant=world.merchant, connection=world.erp, stream="product", direction="pull",
         settings={"groups": ["text"]}).save()  # fmt: skip
    stocked(world, "MUG")
    answer = patch(caller, "/products", {"code": "MUG", "name": "Beaker"}, {"code": "MUG2", "brand": "Zoom"})
    (refusal, made) = answer.json()["results"]
    assert (refusal["status"], refusal["error"]["code"], refusal["error"]["field"]) == (
        "refused",
        "other_owner",
        "name",
    )
    assert made["status"] == "created"
    assert Product.plain.get(code="MUG").name == "Mug"


def test_another_merchants_article_is_nobodys(world: World, caller: Caller) -> None:
    theirs = make_world("Other")
    stocked(theirs, "MUG")
    answer = patch(caller, "/stock", {"code": "MUG", "quantity": 1})
    assert answer.json()["results"][0]["error"]["code"] == "unknown_article"
    assert StockRecord.plain.get(merchant=theirs.merchant).quantity == 10


@pytest.mark.parametrize("text", ["１２", "1_000", "0x10", "", "1 000", "1.", ".5", "Infinity"])
def test_bad_input_22_what_is_no_number_is_not_guessed(world: World, caller: Caller, text: str) -> None:
    stocked(world, "MUG")
    before = count(world)
    for address, name, more in (("/stock", "quantity", {}), ("/prices", "amount", {"currency": "GBP"})):
        answer = patch(caller, address, {"code": "MUG", name: "1", **more}, {"code": "MUG", name: text, **more})
        assert refused(answer) == (400, "invalid_decimal")
        assert answer.json()["field"] == f"items[1].{name}"
    assert count(world) == before, "nothing of the request is taken"


@pytest.mark.parametrize("text", ["1,5", "1.000,50", "-0,1"])
def test_bad_input_23_a_comma_is_no_decimal_point(world: World, caller: Caller, text: str) -> None:
    stocked(world, "MUG")
    answer = patch(caller, "/stock", {"code": "MUG", "quantity": text})
    assert refused(answer) == (400, "decimal_separator")
    assert answer.json()["field"] == "items[0].quantity"
    assert StockRecord.plain.count() == 1


def test_bad_input_29_fields_nobody_offers_or_may_write(world: World, caller: Caller) -> None:
    stocked(world, "MUG")
    before = count(world)
    for address, item, field in (
        ("/stock", {"code": "MUG", "quantity": 1, "on_hand": 2}, "items[0].on_hand"),
        ("/prices", {"code": "MUG", "amount": 1, "currency": "GBP", "price": 2}, "items[0].price"),
        ("/products", {"code": "MUG", "id": "x"}, "items[0].id"),
        ("/products", {"code": "MUG", "variants": [{"code": "MUG", "sku": "x"}]}, "items[0].variants[0].sku"),
    ):
        answer = patch(caller, address, item)
        assert refused(answer) == (400, "unknown_field"), answer.content
        assert answer.json()["field"] == field
    answer = caller.call("PATCH", "/stock", {"items": [{"code": "MUG", "quantity": 1}], "dry_run": True})
    assert (refused(answer), answer.json()["field"]) == ((400, "unknown_field"), "dry_run")
    assert count(world) == before


@pytest.mark.parametrize(
    ("address", "item", "code"),
    [
        ("/stock", {"code": "MUG", "quantity": "1.0001"}, "quantity_out_of_range"),
        ("/stock", {"code": "MUG", "quantity": 10**10}, "quantity_out_of_range"),
        ("/stock", {"code": "MUG"}, "field_required"),
        ("/stock", {"code": "", "quantity": 1}, "invalid_value"),
        ("/prices", {"code": "MUG", "amount": "-1", "currency": "GBP"}, "amount_out_of_range"),
        ("/prices", {"code": "MUG", "amount": "1.0000001", "currency": "GBP"}, "currency_precision"),
        ("/prices", {"code": "MUG", "amount": "1", "currency": "gbp"}, "invalid_value"),
        ("/products", {"code": "MUG", "status": "sold"}, "invalid_value"),
        ("/products", {"code": "MUG", "image_urls": ["file:///etc/passwd"]}, "invalid_value"),
    ],
)
def test_values_that_cannot_be_kept_are_refused(
    world: World, caller: Caller, address: str, item: dict[str, Any], code: str
) -> None:
    stocked(world, "MUG")
    before = count(world)
    assert refused(patch(caller, address, item)) == (400, code)
    assert count(world) == before


def test_as_many_items_as_are_taken_at_once(world: World, caller: Caller) -> None:
    stocked(world, "MUG")
    item = {"code": "nobody", "quantity": 1}
    assert patch(caller, "/stock", *[item] * 500).json()["refused"] == 500
    for items in ([], [item] * 501):
        assert refused(patch(caller, "/stock", *items)) == (400, "invalid_value")
