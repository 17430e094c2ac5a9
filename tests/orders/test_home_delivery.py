"""Goods carried to the buyer's door: moves, who says them, and what the shop hears."""

from __future__ import annotations

import pytest

from integrations.models import Command, ValueMapping
from integrations.sync import documents
from orders.models import FulfilmentOrder, HomeDelivery, HomeDeliveryEvent, Order, Shipment
from orders.outbound.status import build_status
from orders.services import home_delivery
from orders.services.desk import NotPossible
from orders.services.status import derive
from orders.state import HOME, may_move
from tests.orders.test_goods import place, ship
from tests.orders.test_intake import finish
from tests.world import NOON, World, make_world, order, stocked

MAY = {("", "packed"), ("", "out"), ("packed", "out"), ("packed", "back"), ("out", "delivered"), ("out", "failed"),
       ("out", "back"), ("failed", "out"), ("failed", "back"), ("back", "packed"), ("back", "out")}  # fmt: skip


@pytest.fixture
def placed(world: World) -> Order:
    stocked(world, "MUG", "CUP", quantity="100")
    return place(world, order("1001", ("MUG", 2, "4.50"), ("CUP", 1, "3.00")), "501", "502")


def say(row: Order, state: str, **more: object) -> HomeDelivery:
    part = FulfilmentOrder.plain.get(order=row)
    values = {"by": "ann", "at": NOON, "merchant_id": row.merchant_id, "part_id": part.pk, **more}
    return home_delivery.set_state(state=state, **values)  # type: ignore[arg-type]


def test_the_table_says_every_move_there_is() -> None:
    states = ["", *HomeDelivery.State.values]
    assert {(a, b) for a in states for b in states if a != b and may_move(HOME, a, b)} == MAY


def test_packed_out_failed_out_delivered_each_on_the_timeline(world: World, placed: Order) -> None:
    say(placed, "packed")
    say(placed, "out")
    assert derive(placed).simple == "Pending"
    with pytest.raises(ValueError, match="Say why it could not be delivered"):
        say(placed, "failed", reason=" ")
    say(placed, "failed", reason="Nobody opened")
    say(placed, "out")
    say(placed, "delivered")
    assert derive(placed).simple == "Delivered"
    events = list(HomeDeliveryEvent.plain.order_by("pk").values_list("state", "reason", "actor"))
    assert events == [("packed", "", "ann"), ("out", "", "ann"), ("failed", "Nobody opened", "ann"),
                      ("out", "", "ann"), ("delivered", "", "ann")]  # fmt: skip
    said = placed.timeline.filter(code="home_failed").get()
    assert (said.message, said.actor) == (
        "Home delivery of order #1001: Could not be delivered. Nobody opened",
        "ann",
    )


def test_the_same_state_twice_is_one_and_an_impossible_one_is_refused(world: World, placed: Order) -> None:
    say(placed, "out")
    say(placed, "out")
    assert HomeDeliveryEvent.plain.count() == 1
    with pytest.raises(NotPossible, match="is Out for delivery; it cannot become Packed from there"):
        say(placed, "packed")
    with pytest.raises(ValueError, match="“lost” is no state"):
        say(placed, "lost")
    assert HomeDelivery.plain.get().state == "out"


def test_each_shipment_has_its_own(world: World, placed: Order) -> None:
    ship(world, "1", ("501", "e-MUG-MUG", "2"))
    ship(world, "2", ("502", "e-CUP-CUP", "1"))
    one, two = Shipment.plain.order_by("pk")
    for shipment in (one, two):
        say(placed, "out", shipment_id=shipment.pk)
    say(placed, "delivered", shipment_id=one.pk)
    placed.refresh_from_db()
    assert (placed.fulfilment, derive(placed).simple) == ("fulfilled", "Pending")
    say(placed, "delivered", shipment_id=two.pk)
    assert derive(placed).simple == "Delivered"


def test_another_merchants_part_is_not_found(world: World, placed: Order) -> None:
    other = make_world("Other")
    with pytest.raises(FulfilmentOrder.DoesNotExist):
        say(placed, "out", merchant_id=other.merchant.pk)
    assert not HomeDelivery.plain.exists()


# --- what the shop hears ----------------------------------------------------------------------------------------------


def name(world: World, theirs: str, ours: str) -> None:
    ValueMapping(merchant=world.merchant, connection=world.shop, kind="status", theirs=theirs, ours=ours).save()


def told() -> list[Command]:
    return list(Command.plain.filter(stream="status").order_by("pk"))


def send(world: World, command: Command) -> str:
    change = build_status(command=command, at=NOON)
    assert isinstance(change, documents.StatusChange)
    finish(world, command, "accepted", payload=documents.encode(change), external_id="1001")
    return change.status


def test_the_shop_hears_the_finest_it_has_a_word_for_and_each_word_once(world: World, placed: Order) -> None:
    name(world, "on-its-way", "out_for_delivery")
    name(world, "completed", "delivered")
    say(placed, "packed")
    assert told() == [], "it has no word for packed"
    say(placed, "out")
    [command] = told()
    assert send(world, command) == "on-its-way"
    say(placed, "failed", reason="Nobody")
    say(placed, "out")
    assert len(told()) == 1, "it was told that already"
    say(placed, "delivered")
    assert send(world, told()[1]) == "completed"


def test_what_was_not_sent_yet_says_what_is_true_when_it_is(world: World, placed: Order) -> None:
    name(world, "on-its-way", "out_for_delivery")
    name(world, "completed", "delivered")
    say(placed, "out")
    say(placed, "delivered")
    [command] = told()
    assert send(world, command) == "completed"


def test_a_word_the_shop_has_already_is_not_said_and_nothing_is_put_back(world: World, placed: Order) -> None:
    name(world, "on-its-way", "out_for_delivery")
    name(world, "completed", "delivered")
    Order.plain.filter(pk=placed.pk).update(status_text="completed")
    say(placed, "out")
    assert told() == [], "a person in the shop has put it further on"
    say(placed, "delivered")
    assert told() == []


def test_a_shop_without_words_hears_nothing(world: World, placed: Order) -> None:
    say(placed, "out")
    assert told() == []
