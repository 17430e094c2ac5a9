"""Goods that come back: from the shop, from the back office, and by hand; told to the other side once. No money."""

from __future__ import annotations

from typing import Any

import pytest

from integrations.contract import records as r
from integrations.models import Command, Connection, Link, ValueMapping
from orders.models import Order, Refund, Return, ReturnLine
from orders.outbound.returns import build_return
from orders.services import returns
from orders.services.desk import NotPossible
from tests.orders.test_goods import booked, goods, place, ship
from tests.orders.test_intake import finish
from tests.world import NOON, D, World, order, stocked


@pytest.fixture
def shipped(world: World) -> Order:
    stocked(world, "MUG", "CUP", quantity="100")
    row = place(world, order("1001", ("MUG", 2, "4.50"), ("CUP", 1, "3.00")), "501", "502")
    ship(world, "1", ("501", "e-MUG-MUG", "2"), ("502", "e-CUP-CUP", "1"))
    return row


def make(row: Order, quantities: dict[int, str], **more: Any) -> Return:
    """By hand: position of the line → how many."""
    pks = dict(row.lines.values_list("position", "pk"))
    values = {"reason_code": "damaged", "reason": "", "restock": "sell", "by": "ann", "at": NOON, **more}
    wanted = {pks[place]: D(quantity) for place, quantity in quantities.items()}
    return returns.make(order_id=row.pk, quantities=wanted, **values)


def asked() -> list[tuple[str, str]]:
    rows = Command.plain.filter(kind="create_return").select_related("connection").order_by("pk")
    return [(row.connection.name, row.reference) for row in rows]


def at(world: World, connection: Connection) -> Command:
    return Command.plain.get(kind="create_return", connection=connection)


def test_a_return_by_hand_is_told_to_the_back_office_and_the_shop(world: World, shipped: Order) -> None:
    ValueMapping(merchant=world.merchant, connection=world.erp, kind="return_reason", theirs="BROKEN",
                 ours="damaged").save()  # fmt: skip
    row = make(shipped, {0: "1"}, reason="Handle is off", restock="damaged")
    assert (row.reference, row.state, row.made_by) == ("A-1001-T1", "open", "ann")
    assert booked(ReturnLine) == [(0, D(1))]
    assert asked() == [("ERP", "A-1001-T1"), ("Shop A", "A-1001-T1")]
    there = build_return(command=at(world, world.erp), at=NOON)
    assert (there.order_external_id, there.order_reference) == ("17", "A-1001")
    assert (there.reason, there.restock) == ("BROKEN: Handle is off", False)
    assert [(line.variant_external_id, line.quantity) for line in there.lines] == [("e-MUG-MUG", D(1))]
    shop = build_return(command=at(world, world.shop), at=NOON)
    assert (shop.order_external_id, shop.reason) == ("1001", "damaged: Handle is off")
    assert [(line.key, line.quantity) for line in shop.lines] == [("1001-0", D(1))]
    assert not Refund.plain.exists(), "a return is not a refund"
    assert shipped.timeline.filter(code="return_made").get().message == (
        "Return A-1001-T1: 1 × MUG come back (damaged: Handle is off; damaged, not into stock)."
    )


@pytest.mark.parametrize("by", ["link", "reference"])
def test_what_the_back_office_says_of_it_is_about_ours_and_echoes_nothing(
    world: World, shipped: Order, by: str
) -> None:
    make(shipped, {0: "2", 1: "1"})
    if by == "link":  # its answer came; else it was lost, and the return says our reference
        finish(world, at(world, world.erp), "accepted", external_id="88", external_number="IN/88")
        assert Link.plain.get(stream="return").subject_type == "return"
    before = asked()
    record = goods("88", ("501", "e-MUG-MUG", "2"), ("502", "e-CUP-CUP", "1"),
                   reference="" if by == "link" else "A-1001-T1")  # fmt: skip
    world.apply(world.erp, "return", r.ReturnRecord(**record))
    row = Return.plain.get()
    assert (row.state, row.reason_code, row.external_id) == ("done", "damaged", "made-here:A-1001-T1")
    assert asked() == before
    shipped.refresh_from_db()
    assert shipped.fulfilment == "returned"
    assert world.apply(world.erp, "return", r.ReturnRecord(**record)).unchanged == 1


def test_a_return_of_the_shop_goes_to_the_back_office_with_its_mapped_reason(world: World, shipped: Order) -> None:
    ValueMapping(merchant=world.merchant, connection=world.shop, kind="return_reason", theirs="Zu klein",
                 ours="does_not_fit").save()  # fmt: skip
    line = r.DocumentLineRecord(order_line_external_id="1001-1", quantity=D(1))
    record = r.ReturnRecord(external_id="R7", order_external_id="1001", number="R-7", state=r.DocumentState.OPEN,
                            reason="Zu klein", lines=(line,))  # fmt: skip
    assert world.apply(world.shop, "return", record).created == 1
    row = Return.plain.get()
    assert (row.connection, row.reason_code, row.number) == (world.shop, "does_not_fit", "R-7")
    assert asked() == [("ERP", "A-1001-T1")], "the shop knows"
    document = build_return(command=at(world, world.erp), at=NOON)
    assert [(one.variant_external_id, one.quantity) for one in document.lines] == [("e-CUP-CUP", D(1))]
    assert world.apply(world.shop, "return", record).unchanged == 1
    assert len(asked()) == 1


def test_a_reason_nobody_mapped_is_on_the_list_and_does_not_hold_the_goods_up(world: World, shipped: Order) -> None:
    record = r.ReturnRecord(external_id="R7", order_external_id="1001", reason="Mag ich nicht")
    world.apply(world.shop, "return", record)
    seen = ValueMapping.plain.get(kind="return_reason")
    assert (seen.theirs, seen.ours, seen.seen) == ("Mag ich nicht", "", 1)
    assert Return.plain.get().reason == "Mag ich nicht"


def test_a_return_of_an_order_that_is_not_here_is_skipped(world: World, shipped: Order) -> None:
    applied = world.apply(world.shop, "return", r.ReturnRecord(external_id="R7", order_external_id="9"))
    assert [one.code for one in applied.skipped] == ["not_ours"]


def test_a_return_of_the_back_office_is_told_to_the_shop(world: World, shipped: Order) -> None:
    world.apply(world.erp, "return", r.ReturnRecord(**goods("9", ("502", "e-CUP-CUP", "1"))))
    assert asked() == [("Shop A", "A-1001-T1")]


@pytest.mark.parametrize(
    ("quantities", "more", "words"),
    [
        ({0: "3"}, {}, "Of MUG only 2 can come back, not 3."),
        ({}, {}, "Say how many"),
        ({0: "1"}, {"reason_code": "because"}, "Choose why"),
        ({0: "-1"}, {}, "Of MUG only 2 can come back, not -1."),
    ],
)
def test_what_cannot_come_back_is_refused_in_words(
    world: World, shipped: Order, quantities: dict[int, str], more: dict[str, Any], words: str
) -> None:
    with pytest.raises((NotPossible, ValueError), match=words):
        make(shipped, quantities, **more)
    assert not Return.plain.exists()


def test_what_came_back_once_does_not_come_back_twice(world: World, shipped: Order) -> None:
    make(shipped, {0: "1"})
    with pytest.raises(NotPossible, match="Of MUG only 1 can come back, not 2"):
        make(shipped, {0: "2"})
    assert make(shipped, {0: "1"}).reference == "A-1001-T2"


def test_what_the_buyer_keeps_is_nobodys_to_take_in(world: World, shipped: Order) -> None:
    row = make(shipped, {0: "1"}, restock="keep")
    assert (row.state, asked()) == ("done", [("Shop A", "A-1001-T1")])


def test_goods_are_here_when_a_person_says_so_only_where_no_back_office_does(world: World, shipped: Order) -> None:
    Connection.plain.filter(pk=world.shop.pk).update(state="disabled")
    row = make(shipped, {0: "2", 1: "1"})
    with pytest.raises(NotPossible, match="ERP takes the goods in"):
        returns.mark_arrived(return_id=row.pk, by="ann", at=NOON)
    finish(world, at(world, world.erp), "withdrawn")
    returns.mark_arrived(return_id=row.pk, by="ann", at=NOON)
    shipped.refresh_from_db()
    assert (Return.plain.get().state, shipped.fulfilment) == ("done", "returned")
