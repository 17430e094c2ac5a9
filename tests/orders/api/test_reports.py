"""A back office tells us over the API what became of orders: shipments, invoices, statuses; bad inputs 24 and 29."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.cache import cache

from catalog.models import Binding
from integrations.models import Command, Connection, Flow
from orders.models import FulfilmentOrder, HomeDelivery, Invoice, Order, Shipment, ShipmentLine
from tests.api_world import Caller, connect_api, make_caller, refused
from tests.orders.test_goods import place
from tests.world import D, World, make_world, order, stocked

SCOPES = ("shipments:write", "invoices:write")
INVOICE = {"order": "SO017", "id": "i1", "number": "INV/1", "currency": "GBP", "total": "13.50"}


@pytest.fixture(autouse=True)
def world(db: None) -> World:
    cache.clear()
    return make_world()


@pytest.fixture
def wms(world: World) -> Connection:
    """A warehouse that ships what the ERP has taken in; it has words of its own for articles."""
    return connect_api(world, "Warehouse", role=Connection.Role.BACK_OFFICE)


@pytest.fixture
def caller(wms: Connection) -> Caller:
    return make_caller(wms, *SCOPES)


@pytest.fixture
def placed(world: World) -> Order:
    stocked(world, "MUG", "CUP")
    return place(world, order("1001", ("MUG", 2, "4.50"), ("CUP", 1, "4.50")))


def send(caller: Caller, address: str, *items: dict[str, Any], **headers: str) -> list[tuple[str, str]]:
    answer = caller.post(address, {"items": list(items)}, **headers)
    assert answer.status_code == 200, answer.content
    results = answer.json()["results"]
    assert sum(answer.json()[name] for name in ("created", "updated", "unchanged", "refused")) == len(items)
    return [(one["status"], one.get("error", {}).get("code", "")) for one in results]


def left() -> dict[str, Any]:
    return dict(ShipmentLine.plain.order_by("pk").values_list("order_line__sku", "quantity"))


def test_goods_that_left_by_the_tellers_own_codes_and_the_shop_hears_of_it(
    world: World, wms: Connection, caller: Caller, placed: Order
) -> None:
    Binding.plain.create(merchant=world.merchant, connection=wms, variant=world.variant("MUG"), external_id="77",
                         reference_code="W-77", state="bound")  # fmt: skip
    parcel = {"order": placed.public_id, "id": "P1", "carrier": "DHL", "tracking_number": "T1",
              "tracking_url": "https://dhl.example.com/T1", "lines": [{"code": "W-77", "quantity": 2}]}  # fmt: skip
    assert send(caller, "/shipments", parcel) == [("created", "")]
    assert left() == {"MUG": D(2)}
    row = Shipment.plain.get()
    assert (row.external_id, row.state, row.carrier, row.tracking_number) == ("P1", "done", "DHL", "T1")
    placed.refresh_from_db()
    assert placed.fulfilment == "partially_fulfilled"
    told = Command.plain.filter(connection=world.shop, kind="create_shipment").count()

    assert send(caller, "/shipments", parcel) == [("unchanged", "")], "told twice, done once"
    assert Command.plain.filter(connection=world.shop, kind="create_shipment").count() == told
    assert send(caller, "/shipments", {"order": "SO017", "id": "P2"}) == [("created", "")], "all that is left"
    assert left() == {"MUG": D(2), "CUP": D(1)}
    placed.refresh_from_db()
    assert placed.fulfilment == "fulfilled"


def test_what_cannot_be_taken_is_refused_by_itself(world: World, caller: Caller, placed: Order) -> None:
    stocked(world, "JUG")
    parcels: list[dict[str, Any]] = [
        {"order": "nobody", "id": "1"},
        {"order": "A-1001", "id": "2", "lines": [{"code": "JUG", "quantity": 1}]},
        {"order": "A-1001", "id": "3", "lines": [{"code": "CUP", "quantity": 1}]},
    ]
    assert send(caller, "/shipments", *parcels) == [
        ("refused", "unknown_order"),
        ("refused", "unknown_article"),
        ("created", ""),
    ]
    assert left() == {"CUP": D(1)}


def test_what_the_back_office_tells_us_itself_is_not_taken_from_another(
    world: World, caller: Caller, placed: Order
) -> None:
    for stream in ("shipment", "invoice"):
        Flow(merchant=world.merchant, connection=world.erp, stream=stream, direction="pull").save()
    assert send(caller, "/shipments", {"order": "SO017", "id": "1"}) == [("refused", "other_owner")]
    assert send(caller, "/invoices", INVOICE) == [("refused", "other_owner")]
    assert (Shipment.plain.count(), Invoice.plain.count()) == (0, 0)


def test_invoices_and_credit_notes(world: World, wms: Connection, caller: Caller, placed: Order) -> None:
    other = {**INVOICE, "id": "i2", "currency": "EUR"}
    assert send(caller, "/invoices", INVOICE, other) == [("created", ""), ("refused", "other_currency")]
    row = Invoice.plain.get()
    assert (row.connection, row.number, row.total, row.state, row.is_credit) == (wms, "INV/1", D("13.5"), "open", False)
    assert send(caller, "/invoices", INVOICE) == [("unchanged", "")]
    assert send(caller, "/invoices", {**INVOICE, "state": "done"}) == [("updated", "")]
    assert Invoice.plain.get().state == "done"


def test_how_far_goods_are_on_their_way_to_the_door(world: World, caller: Caller, placed: Order) -> None:
    def say(status: str, **more: str) -> list[tuple[str, str]]:
        return send(caller, "/statuses", {"order": "A-1001", "status": status, **more})

    assert say("packed") == [("updated", "")]
    assert say("packed") == [("unchanged", "")]
    assert say("failed") == [("refused", "not_possible")], "a failure says why"
    assert say("out") == [("updated", "")]
    assert say("failed", reason="Nobody there") == [("updated", "")]
    assert say("packed", shipment="nowhere") == [("refused", "unknown_shipment")]
    assert HomeDelivery.plain.get().state == "failed"
    assert "Warehouse" in placed.timeline.get(code="home_packed").actor


def test_an_order_cancelled_there_is_cancelled_here(world: World, caller: Caller, placed: Order) -> None:
    cancelled = {"order": placed.public_id, "status": "cancelled"}
    assert send(caller, "/statuses", cancelled) == [("updated", "")]
    placed.refresh_from_db()
    assert (placed.fulfilment, FulfilmentOrder.plain.get().state) == ("cancelled", "cancelled")
    assert send(caller, "/statuses", cancelled) == [("unchanged", "")]


def test_who_may_not_tell(world: World, wms: Connection, caller: Caller, placed: Order) -> None:
    shop = make_caller(connect_api(world, "App", prefix="Z-"), *SCOPES)
    assert refused(shop.post("/shipments", {"items": [{"order": "SO017", "id": "1"}]})) == (403, "not_a_back_office")
    for_stock = make_caller(wms, "stock:write")
    for address in ("/shipments", "/invoices", "/statuses"):
        assert refused(for_stock.post(address, {"items": []})) == (403, "permission_denied")
    sandbox = connect_api(world, "Sandbox", prefix="S-", role="back_office", environment="sandbox")
    for_tests = make_caller(sandbox, *SCOPES, mode="test")
    assert send(for_tests, "/shipments", {"order": "SO017", "id": "1"}) == [("refused", "test_key")]
    assert Shipment.plain.count() == 0


def test_a_key_limited_to_locations_tells_of_their_orders_only(world: World, wms: Connection, placed: Order) -> None:
    from portal.tenancy.models import Location

    north = Location(merchant=world.merchant, code="NORTH", name="North")
    north.save()
    limited = make_caller(wms, *SCOPES, places=(north,))
    assert send(limited, "/shipments", {"order": "SO017", "id": "1"}) == [("refused", "unknown_order")]
    FulfilmentOrder.plain.update(location=north)
    assert send(limited, "/shipments", {"order": "SO017", "id": "1"}) == [("created", "")]


def test_bad_input_24_finer_than_the_currency(world: World, caller: Caller, placed: Order) -> None:
    answer = caller.post("/invoices", {"items": [{**INVOICE, "total": "13.505"}]})
    assert (refused(answer), answer.json()["field"]) == ((400, "currency_precision"), "items[0].total")
    yen = caller.post("/invoices", {"items": [{**INVOICE, "currency": "JPY", "total": "13.5"}]})
    assert refused(yen) == (400, "currency_precision")
    assert Invoice.plain.count() == 0


def test_bad_input_29_fields_nobody_offers(world: World, caller: Caller, placed: Order) -> None:
    for address, item, field in (
        ("/shipments", {"order": "SO017", "id": "1", "fulfilment": "done"}, "items[0].fulfilment"),
        ("/invoices", {**INVOICE, "tax": 1}, "items[0].tax"),
        ("/statuses", {"order": "SO017", "status": "packed", "at": "now"}, "items[0].at"),
    ):
        answer = caller.post(address, {"items": [item]})
        assert (refused(answer), answer.json()["field"]) == ((400, "unknown_field"), field)
    assert (Shipment.plain.count(), Invoice.plain.count(), HomeDelivery.plain.count()) == (0, 0, 0)
