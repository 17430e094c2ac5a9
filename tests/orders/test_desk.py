"""The desk: what a person holds is not sent, what he lets go goes on."""

from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse

from integrations.models import Command, Hold
from integrations.sync import lease
from orders.models import FulfilmentOrder, Order
from orders.services import desk
from portal.tenancy.models import User
from tests.portal.people import log_in, make_person
from tests.world import NOON, World, make_world, order, stocked

LIST = "admin:orders_order_changelist"


@pytest.fixture
def world(db: None) -> World:
    world = make_world()
    stocked(world, "MUG")
    return world


def sell(world: World, number: str, sku: str = "MUG", **more: object) -> Order:
    world.apply(world.shop, "order", order(number, (sku, 1, "4.50"), **more))  # type: ignore[arg-type]  # fields of it
    return Order.plain.get(merchant=world.merchant, number=number)


def due() -> list[str]:
    return list(lease.due(NOON).order_by("pk").values_list("reference", flat=True))


def choose(client: Client, action: str, *rows: Order, **more: str) -> str:
    given = {"action": action, "_selected_action": [str(row.pk) for row in rows], **more}
    return client.post(reverse(LIST), given, follow=True).content.decode()


def test_what_a_person_holds_is_not_sent_until_he_lets_it_go(world: World) -> None:
    one, _other = sell(world, "1"), sell(world, "2")
    anna = make_person(world.merchant, "support")
    assert due() == ["A-1", "A-2"]
    assert desk.hold_order(order_id=one.pk, by=anna, reason="asks for another address", at=NOON)
    assert due() == ["A-2"]
    assert lease.take(Command.plain.get(reference="A-1").pk, NOON) is None
    hold = Hold.plain.get(subject_id=one.pk, ended_at__isnull=True)
    assert (hold.reason, hold.owner, hold.message, hold.amount) == (
        "person", anna, f"{anna} holds it: asks for another address", one.total,
    )  # fmt: skip
    assert not desk.hold_order(order_id=one.pk, by=anna, reason="again", at=NOON), "once is enough"
    assert desk.let_go(order_id=one.pk, by=anna, at=NOON) == 1
    assert due() == ["A-1", "A-2"]
    assert list(one.timeline.filter(code__in=("held", "let_go")).order_by("pk").values_list("actor", "message")) == [
        (anna.email, f"{anna} holds it: asks for another address"), (anna.email, f"{anna} let it go."),
    ]  # fmt: skip


def test_an_order_held_before_it_was_paid_is_not_placed_by_the_payment(world: World) -> None:
    row = sell(world, "1", paid=False)
    anna = make_person(world.merchant, "support")
    desk.hold_order(order_id=row.pk, by=anna, reason="fraud?", at=NOON)
    sell(world, "1", paid=True, updated_at=NOON.replace(hour=13))
    assert Command.plain.filter(kind="create_order").count() == 0
    desk.let_go(order_id=row.pk, by=anna, at=NOON)
    assert Command.plain.filter(kind="create_order").count() == 1


def test_a_search_for_what_was_sent_and_a_cancellation_go_on(world: World) -> None:
    row = sell(world, "1")
    desk.hold_order(order_id=row.pk, by=make_person(world.merchant, "support"), reason="x", at=NOON)
    command = Command.plain.filter(kind="create_order")
    command.update(state="unknown")
    assert due() == ["A-1"]
    command.update(state="pending", kind="cancel_order")
    assert due() == ["A-1"]


def test_a_cancelled_order_cannot_be_held_and_a_reason_is_needed(world: World) -> None:
    row = sell(world, "1")
    anna = make_person(world.merchant, "support")
    with pytest.raises(ValueError, match="Say why"):
        desk.hold_order(order_id=row.pk, by=anna, reason="  ", at=NOON)
    Order.plain.filter(pk=row.pk).update(fulfilment="cancelled")
    assert not desk.hold_order(order_id=row.pk, by=anna, reason="x", at=NOON)
    assert Hold.plain.count() == 0


def test_letting_go_leaves_what_waits_for_a_mapping(world: World) -> None:
    row = sell(world, "1", sku="nobody-knows-it")
    assert desk.let_go(order_id=row.pk, by=make_person(world.merchant, "support"), at=NOON) == 0
    assert Hold.plain.filter(subject_id=row.pk, ended_at__isnull=True).count() == 1


def test_many_are_held_after_a_look_and_let_go(world: World) -> None:
    rows = [sell(world, str(number)) for number in range(3)]
    FulfilmentOrder.plain.filter(order=rows[2]).update(state="placed")
    support = log_in(world.merchant, "support")
    asked = choose(support, "hold", *rows)
    assert "3 orders are chosen." in asked
    assert Hold.plain.count() == 0, "looking holds nothing"
    done = choose(support, "hold", *rows, reason="stocktaking")
    assert "3 orders are held." in done
    assert "1 are in the back office already" in done
    assert Hold.plain.filter(ended_at__isnull=True, reason="person").count() == 3
    done = choose(support, "let_go", *rows)
    assert "3 orders go on." in done
    assert Hold.plain.filter(ended_at__isnull=True).count() == 0
    assert "1 were not held by a person" in choose(support, "let_go", rows[0])


def test_orders_are_given_to_somebody_of_the_desk(world: World) -> None:
    row = sell(world, "1", sku="nobody-knows-it")
    support = log_in(world.merchant, "support")
    person, outsider = User.objects.get(), make_person(make_world("Southwind").merchant, "support")
    asked = choose(support, "assign", row)
    assert "Who looks after them?" in asked
    assert person.email in asked
    assert outsider.email not in asked
    assert "Choose somebody who works at your desk." in choose(support, "assign", row, owner=str(outsider.pk))
    assert Order.plain.get(pk=row.pk).owner is None
    assert "1 order is assigned." in choose(support, "assign", row, owner=str(person.pk))
    assert Order.plain.get(pk=row.pk).owner == person
    assert Hold.plain.get(subject_id=row.pk).owner == person
    choose(support, "assign", row, owner="nobody")
    assert Order.plain.get(pk=row.pk).owner is None


def test_only_the_desk_holds_and_assigns(world: World) -> None:
    row = sell(world, "1")
    for role in ("auditor", "mapper", "sales"):
        client = log_in(world.merchant, role)
        choose(client, "hold", row, reason="x")
        choose(client, "assign", row, owner="nobody")
    assert Hold.plain.count() == 0
