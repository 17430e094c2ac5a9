"""What the shop changes after an order was sent: shown as a difference, and taken over, sent on or left by a person."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from catalog.models import Reservation
from integrations.contract import records as r
from integrations.models import Command, Connection, Hold
from integrations.sync import documents, replay
from integrations.sync.handlers import call
from orders.models import FulfilmentLine, Order, OrderEdit, OrderLine
from orders.outbound import build_order
from orders.services import edits
from tests.orders.test_goods import place, ship
from tests.orders.test_intake import MINUTE, State, create_command, finish, take
from tests.world import NOON, D, World, order, product, stocked

ADA = "ada@example.com"
LATER = NOON + 10 * MINUTE


def changed(*lines: tuple[str, int, str], minutes: int = 1, **more: Any) -> r.OrderRecord:
    return order("1001", *lines, updated_at=NOON + minutes * MINUTE, **more)


def settle(way: Any, row: Order) -> None:
    way(order_id=row.pk, by=ADA, at=LATER)


def keys() -> list[str]:
    return sorted(Hold.plain.filter(ended_at__isnull=True).values_list("key", flat=True))


def ours() -> list[tuple[str, int, str]]:
    return [(line.sku, int(line.quantity), f"{line.gross:.2f}") for line in OrderLine.plain.order_by("position")]


@pytest.fixture
def sent(world: World) -> Order:
    """Two mugs and a cup, placed as SO017."""
    stocked(world, "MUG", "CUP", "CAP")
    return place(world, order("1001", ("MUG", 2, "4.50"), ("CUP", 1, "3.00")), "501", "502")


@pytest.fixture
def edited(world: World, sent: Order) -> Order:
    """Three mugs now, and a cap instead of the cup."""
    now = changed(("MUG", 3, "4.50"), ("CUP", 0, "0"), ("CAP", 1, "5.00"))
    take(world, replace(now, lines=(now.lines[0], now.lines[2]), payments=()))
    sent.refresh_from_db()
    return sent


def test_a_change_is_kept_as_a_difference_and_held(world: World, edited: Order) -> None:
    edit = OrderEdit.plain.get()
    words = "MUG 2 → 3, CAP new: 1, CUP gone: 1, total 12.00 GBP → 18.50 GBP"
    assert edits.describe_changes(edit) == words
    assert (edit.state, edit.total) == ("open", D("18.50"))
    held = Hold.plain.get()
    assert (held.reason, held.key) == ("changed_after_sending", f"changed:{edited.pk}")
    assert held.message == f"Order #1001 was changed in the shop after it was sent: {words}."
    assert edited.timeline.get(code="changed").message == f"Changed in Shop A after it was sent: {words}."
    assert (edited.total, ours()) == (D("12.00"), [("MUG", 2, "9.00"), ("CUP", 1, "3.00")])
    assert Command.plain.count() == 1


def test_the_same_change_is_told_once_and_a_further_one_replaces_it(world: World, edited: Order) -> None:
    assert take(world, changed(("MUG", 3, "4.50"), ("CUP", 1, "3.00"), minutes=2)) == "updated"
    again = changed(("MUG", 3, "4.50"), ("CUP", 1, "3.00"), minutes=3)
    assert take(world, again) == "unchanged"
    assert edits.describe_changes(OrderEdit.plain.get()) == "MUG 2 → 3, total 12.00 GBP → 16.50 GBP"
    assert Hold.plain.get().message.endswith("MUG 2 → 3, total 12.00 GBP → 16.50 GBP.")
    assert edited.timeline.filter(code="changed").count() == 2


def test_a_change_taken_back_in_the_shop_holds_nothing(world: World, edited: Order) -> None:
    take(world, changed(("MUG", 2, "4.50"), ("CUP", 1, "3.00"), minutes=2))
    assert keys() == []
    assert OrderEdit.plain.get().state == "gone"
    with pytest.raises(edits.NotPossible, match="no change to decide about"):
        settle(edits.accept, edited)


def test_cancelling_the_order_drops_its_change(world: World, edited: Order) -> None:
    take(world, changed(("MUG", 2, "4.50"), ("CUP", 1, "3.00"), minutes=2, cancelled=True))
    assert keys() == []
    assert OrderEdit.plain.get().state == "gone"


def test_accepted_its_lines_are_ours_and_nobody_is_told(world: World, edited: Order) -> None:
    settle(edits.accept, edited)
    edited.refresh_from_db()
    assert (edited.total, ours()) == (D("18.50"), [("MUG", 3, "13.50"), ("CAP", 1, "5.00")])
    assert keys() == []
    assert Command.plain.count() == 1
    promised = list(Reservation.plain.order_by("pk").values_list("variant__code", "quantity", "settled_at"))
    assert promised == [("MUG", D(2), NOON), ("CUP", D(1), NOON), ("CAP", D(1), LATER)], "theirs to count now"
    edit = OrderEdit.plain.get()
    assert (edit.state, edit.decided_by, edit.decided_at) == ("accepted", ADA, LATER)
    assert edited.timeline.get(code="change_accepted").actor == ADA
    now = changed(("MUG", 3, "4.50"), ("CUP", 0, "0"), ("CAP", 1, "5.00"), minutes=9)
    take(world, replace(now, lines=(now.lines[0], now.lines[2])))
    assert keys() == [], "the shop's word is ours"


def test_ignored_it_is_not_asked_about_again_and_a_new_one_is(world: World, sent: Order) -> None:
    take(world, changed(("MUG", 3, "4.50"), ("CUP", 1, "3.00")))
    settle(edits.ignore, sent)
    assert keys() == []
    take(world, changed(("MUG", 3, "4.50"), ("CUP", 1, "3.00"), minutes=2))
    assert keys() == []
    assert ours() == [("MUG", 2, "9.00"), ("CUP", 1, "3.00")]
    take(world, changed(("MUG", 4, "4.50"), ("CUP", 1, "3.00"), minutes=3))
    assert keys() == [f"changed:{sent.pk}"]
    assert sorted(OrderEdit.plain.values_list("state", flat=True)) == ["ignored", "open"]


def test_pushed_the_back_office_gets_the_new_lines_behind_what_it_has(world: World, edited: Order) -> None:
    settle(edits.push, edited)
    update = Command.plain.get(kind="update_order")
    assert (update.reference, update.revision, update.line) == ("A-1001", 1, create_command().line)
    document: Any = build_order(command=update, at=LATER)
    assert (document.external_id, document.reference, document.total) == ("17", "A-1001", D("18.50"))
    assert [(line.variant_external_id, line.quantity, line.net) for line in document.lines] == [
        ("e-MUG-MUG", D(3), D("13.50")),
        ("e-CAP-CAP", D(1), D("5.00")),
    ]
    assert documents.decode("update_order", documents.encode(document)) == document
    answer = r.CommandResult(external_id="17", line_ids=("501", "503"))
    finish(world, update, State.VERIFIED, answer, external_id="17", remote_total=D("18.50"),
           payload=documents.encode(document))  # fmt: skip
    part = edited.fulfilment_orders.get()
    assert (part.state, part.external_number, part.remote_total) == ("placed", "SO017", D("18.50"))
    assert list(FulfilmentLine.plain.order_by("pk").values_list("order_line__sku", "external_id")) == [
        ("MUG", "501"),
        ("CAP", "503"),
    ]
    assert edited.timeline.order_by("-pk")[0].message == "ERP has changed it."
    assert Reservation.plain.get(variant__code="CAP").settled_at == NOON


def test_a_second_push_is_a_revision_of_its_own(world: World, edited: Order) -> None:
    settle(edits.push, edited)
    take(world, changed(("MUG", 4, "4.50"), minutes=3))
    settle(edits.push, edited)
    found = Command.plain.filter(kind="update_order").order_by("pk").values_list("operation_key", flat=True)
    assert list(found) == ["A-1001:update_order:1", "A-1001:update_order:2"]


def test_a_refused_change_leaves_the_order_placed_and_says_so(world: World, edited: Order) -> None:
    settle(edits.push, edited)
    update = Command.plain.get(kind="update_order")
    finish(world, update, State.NEEDS_FIX, message="The order is locked.")
    assert edited.fulfilment_orders.get().state == "placed"
    assert edited.timeline.order_by("-pk")[0].message == "ERP does not change it: The order is locked."


def test_a_push_waits_until_all_that_is_new_in_it_is_known(world: World, sent: Order) -> None:
    """An article nobody has mapped, then one the back office does not have."""
    take(world, changed(("MUG", 2, "4.50"), ("CUP", 1, "3.00"), ("NEW", 1, "1.00")))
    settle(edits.push, sent)
    assert keys() == [f"binding:{world.shop.pk}:s-NEW"]
    assert not Command.plain.filter(kind="update_order").exists()
    world.apply(world.erp, "product", product("e-NEW", "NEW"), at=LATER + MINUTE)
    assert keys() == []
    document: Any = build_order(command=Command.plain.get(kind="update_order"), at=LATER)
    assert [line.variant_external_id for line in document.lines] == ["e-MUG-MUG", "e-CUP-CUP", "e-NEW-NEW"]
    assert OrderEdit.plain.get().state == "sent"


def test_a_back_office_that_cannot_change_orders_is_not_asked(world: World, edited: Order) -> None:
    Connection.plain.filter(pk=world.erp.pk).update(platform="woocommerce")
    with pytest.raises(edits.NotPossible, match="ERP cannot change orders: change it there by hand"):
        settle(edits.push, edited)
    assert OrderEdit.plain.get().state == "open"
    assert ours() == [("MUG", 2, "9.00"), ("CUP", 1, "3.00")]


def test_what_has_left_cannot_be_taken_off(world: World, sent: Order) -> None:
    ship(world, "1", ("502", "e-CUP-CUP", "1"))
    take(world, changed(("MUG", 2, "4.50")))
    with pytest.raises(edits.NotPossible, match=r"1\.000 × CUP was delivered or given back already"):
        settle(edits.accept, sent)
    settle(edits.ignore, sent)
    assert keys() == []


def test_lines_that_do_not_come_to_their_total_cannot_be_taken_over(world: World, sent: Order) -> None:
    take(world, replace(changed(("MUG", 3, "4.50")), total=D("99.00")))
    assert keys() == [f"changed:{sent.pk}"]
    with pytest.raises(edits.NotPossible, match=r"The lines come to 13.50 GBP, the order to 99.00."):
        settle(edits.push, sent)


def test_a_push_behind_an_order_that_is_never_sent_ends_with_it(world: World) -> None:
    stocked(world, "MUG")
    take(world, order("1001", ("MUG", 2, "4.50")))
    take(world, changed(("MUG", 3, "4.50")))
    row = Order.plain.get()
    settle(edits.push, row)
    replay.say_never(command=create_command(), by=None, at=LATER, reason="Test order")
    assert Command.plain.get(kind="update_order").state == State.WITHDRAWN
    call("order", "release", world.merchant.pk, merchant_id=world.merchant.pk, ids=[row.pk], at=LATER)
    assert Command.plain.count() == 2
