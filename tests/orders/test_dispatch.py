"""What the back office ships reaches the shop: once a shipment, with its tracking, and only where the shop is live."""

from __future__ import annotations

from typing import Any

import pytest

from catalog import services as catalog
from catalog.models import Binding
from integrations.contract import records as r
from integrations.contract.errors import Rejected
from integrations.models import Command, Connection, Flow, ValueMapping
from integrations.sync import documents
from orders.models import Order
from orders.outbound import build_shipment
from tests.orders.test_goods import goods, place
from tests.orders.test_intake import State, finish
from tests.world import NOON, D, World, order, stocked


@pytest.fixture
def placed(world: World) -> Order:
    stocked(world, "MUG", "CUP", quantity="100")
    return place(world, order("1001", ("MUG", 2, "4.50"), ("CUP", 1, "3.00")), "501", "502")


def ship(world: World, pk: str, *lines: tuple[str, str, str], **more: Any) -> None:
    values = {"carrier": "DHL", "tracking_number": f"T{pk}", "tracking_url": "https://example.com/t", **more}
    world.apply(world.erp, "shipment", r.ShipmentRecord(**goods(pk, *lines, **values)))


MUGS, CUP = ("501", "e-MUG-MUG", "2"), ("502", "e-CUP-CUP", "1")


def told() -> list[tuple[str, str, Connection]]:
    rows = Command.plain.filter(stream="shipment").select_related("connection").order_by("pk")
    return [(row.kind, row.reference, row.connection) for row in rows]


def test_each_shipment_is_told_once_with_its_tracking(world: World, placed: Order) -> None:
    ship(world, "1", MUGS)
    ship(world, "1", MUGS)
    ship(world, "2", CUP)
    assert told() == [("create_shipment", "A-1001-S1", world.shop), ("create_shipment", "A-1001-S2", world.shop)]
    ship(world, "2", CUP, carrier="UPS")
    assert len(told()) == 2
    last: Any = build_shipment(command=Command.plain.get(reference="A-1001-S2"), at=NOON)
    assert (last.order_external_id, last.carrier, last.tracking_number, last.complete) == ("1001", "UPS", "T2", True)
    assert [(line.key, line.variant_external_id, line.quantity) for line in last.lines] == [("1001-1", "s-CUP", D(1))]
    assert documents.decode("create_shipment", documents.encode(last)) == last


def test_the_first_of_two_does_not_complete_the_order(world: World, placed: Order) -> None:
    ship(world, "1", MUGS)
    first: Any = build_shipment(command=Command.plain.get(kind="create_shipment"), at=NOON)
    assert (first.reference, first.complete) == ("A-1001-S1", False)


def test_a_shipment_that_has_not_left_is_not_told(world: World, placed: Order) -> None:
    ship(world, "1", MUGS, state=r.DocumentState.OPEN)
    assert told() == []
    ship(world, "1", MUGS)
    assert len(told()) == 1


@pytest.mark.parametrize("values", [{"state": "watching", "live_since": None}, {"state": "disabled"}])
def test_a_shop_that_is_only_watched_is_not_told(world: World, placed: Order, values: dict[str, Any]) -> None:
    Connection.plain.filter(pk=world.shop.pk).update(**values)
    ship(world, "1", MUGS)
    assert told() == []


def test_a_paused_shop_is_told_when_it_goes_on(world: World, placed: Order) -> None:
    Connection.plain.filter(pk=world.shop.pk).update(state="paused")
    ship(world, "1", MUGS)
    assert len(told()) == 1


def test_a_flow_switched_off_tells_nothing(world: World, placed: Order) -> None:
    flow = Flow(merchant=world.merchant, connection=world.shop, stream="shipment", direction="push", enabled=False)
    flow.save()
    ship(world, "1", MUGS)
    assert told() == []
    Flow.plain.filter(pk=flow.pk).update(enabled=True)
    ship(world, "2", CUP)
    assert len(told()) == 1


def test_a_platform_without_shipments_gets_the_mapped_status_with_the_last(world: World, placed: Order) -> None:
    Connection.plain.filter(pk=world.shop.pk).update(platform="odoo")  # which has statuses, and makes its own shipments
    ValueMapping(merchant=world.merchant, connection=world.shop, kind="status", theirs="sent", ours="fulfilled").save()
    ship(world, "1", MUGS)
    assert told() == []
    ship(world, "2", CUP)
    assert told() == [("update_order_status", "A-1001-S2", world.shop)]
    change = build_shipment(command=Command.plain.get(stream="shipment"), at=NOON)
    assert change == documents.StatusChange(external_id="1001", status="sent", note="DHL T2 https://example.com/t")


def test_what_the_shop_says_is_on_the_timeline(world: World, placed: Order) -> None:
    ship(world, "1", MUGS)
    command = Command.plain.get(stream="shipment")
    finish(world, command, State.NEEDS_FIX, message="No such order.")
    finish(world, command, State.ACCEPTED, external_id="9", message="")
    words = list(placed.timeline.order_by("pk").values_list("message", flat=True))
    assert words[-4:] == [
        "Shipped by ERP: OUT/1. Tracking T1.",
        "Shop A is told of OUT/1.",
        "Shop A does not take OUT/1: No such order.",
        "Shop A knows of OUT/1.",
    ]


def test_bottles_of_a_crate_are_told_as_crates_and_never_rounded(world: World) -> None:
    stocked(world, "MUG", quantity="100")
    crate = Binding.plain.get(connection=world.shop, external_id="s-MUG")
    catalog.bind(binding_id=crate.pk, variant_id=world.variant("MUG").pk, factor=D(24), at=NOON)
    place(world, order("1001", ("MUG", 2, "48.00")), "501")
    ship(world, "1", ("501", "e-MUG-MUG", "24"))
    document: Any = build_shipment(command=Command.plain.get(stream="shipment"), at=NOON)
    assert [line.quantity for line in document.lines] == [D(1)]
    ship(world, "2", ("501", "e-MUG-MUG", "10"))
    with pytest.raises(Rejected, match="10 of MUG left, which is no whole number of what was sold"):
        build_shipment(command=Command.plain.get(reference="A-1001-S2"), at=NOON)
