"""One look at the list says who waits for whom, what happens next and when; and every number people know finds it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.urls import reverse
from django.utils import timezone

from integrations.models import Command, Connection
from orders.models import FulfilmentOrder, Invoice, Order, Refund, Shipment
from orders.services import desk
from portal.base.templatetags.money import amount as show_amount
from tests.portal.people import log_in, make_person
from tests.world import D, World, make_world, order, stocked

LIST = "admin:orders_order_changelist"


@pytest.fixture
def world(db: None) -> World:
    world = make_world()
    stocked(world, "MUG")
    return world


def sell(world: World, number: str = "1", sku: str = "MUG", **more: Any) -> Order:
    world.apply(world.shop, "order", order(number, (sku, 1, "4.50"), **more))
    row: Order = Order.plain.get(number=number)
    return row


def coming(world: World) -> str:
    page = log_in(world.merchant, "support").get(reverse(LIST))
    (row,) = page.context["cl"].result_list
    words: str = page.context["cl"].model_admin.coming(row).replace("\xa0", " ")
    assert words in page.content.decode().replace("\xa0", " ")
    return words


def test_what_is_due_goes_now_and_what_failed_is_asked_again(world: World) -> None:
    sell(world)
    assert coming(world) == "ERP gets it now"
    Command.plain.update(next_attempt_at=timezone.now() + timedelta(hours=48, minutes=30))
    assert coming(world) == "ERP is asked again 2 days from now"


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"orders_paused": True}, "ERP is paused: it goes when that goes on"),
        ({"state": "paused"}, "ERP is paused: it goes when that goes on"),
        ({"state": "needs_reauth"}, "ERP is needs new credentials: it goes when that is live"),
    ],
)
def test_a_back_office_that_takes_nothing_is_named(world: World, values: dict[str, Any], words: str) -> None:
    sell(world)
    Connection.plain.filter(pk=world.erp.pk).update(**values)
    assert coming(world) == words


def test_what_waits_for_a_person_says_for_what(world: World) -> None:
    row = sell(world, sku="unknown")
    assert coming(world) == "you map it, then it goes by itself"
    desk.hold_order(order_id=row.pk, by=make_person(world.merchant, "support"), reason="x", at=row.received_at)
    assert coming(world) == "you map it, then it goes by itself", "the oldest reason first"


def test_a_held_order_is_let_go_by_a_person(world: World) -> None:
    row = sell(world)
    desk.hold_order(order_id=row.pk, by=make_person(world.merchant, "support"), reason="x", at=row.received_at)
    assert coming(world) == "you let it go"


@pytest.mark.parametrize(
    ("state", "words"),
    [("needs_fix", "you mend it, then send again"), ("needs_human", "you say whether ERP has it"),
     ("placed", "ERP ships it"), ("cancelled", "")],
)  # fmt: skip
def test_each_state_there_has_its_words(world: World, state: str, words: str) -> None:
    sell(world)
    FulfilmentOrder.plain.update(state=state)
    assert coming(world) == words


def test_an_unpaid_order_waits_to_be_paid_and_a_cancelled_one_for_nothing(world: World) -> None:
    row = sell(world, paid=False)
    assert coming(world) == "it is sent when it is paid, cash on delivery or on account"
    Order.plain.filter(pk=row.pk).update(fulfilment="cancelled")
    assert coming(world) == ""


def test_the_list_is_narrowed_to_mine_and_nobodys(world: World) -> None:
    mine, free = sell(world, "1"), sell(world, "2")
    client = log_in(world.merchant, "support")
    Order.plain.filter(pk=mine.pk).update(owner_id=client.session["_auth_user_id"])
    for wanted, row in (("me", mine), ("nobody", free)):
        page = client.get(reverse(LIST), {"owner": wanted})
        assert list(page.context["cl"].result_list) == [row]


@pytest.mark.parametrize(
    "words", ["a-1002", "so731", "inv/7", "INV/7", "rinv9", "del-4", "gb42", "mug-x", "+44 20 7946 0018", "02079460018"]
)
def test_any_number_in_any_spelling_finds_its_order(world: World, words: str) -> None:
    stocked(world, "MUG-X")
    sell(world, "1001")
    row = sell(world, "1002", sku="MUG-X")
    Order.plain.filter(pk=row.pk).update(phone="+442079460018")
    part = FulfilmentOrder.plain.get(order=row)
    FulfilmentOrder.plain.filter(pk=part.pk).update(external_number="SO731")
    common: dict[str, Any] = {"merchant": world.merchant}
    Shipment(**common, fulfilment_order=part, external_id="7", number="DEL-4", state="done",
             tracking_number="GB42").save()  # fmt: skip
    Invoice(**common, connection=world.erp, fulfilment_order=part, external_id="8", number="INV/7", state="done",
            currency="GBP", total=D("4.50")).save()  # fmt: skip
    Refund(**common, order=row, external_id="9", amount=D("1.00"), remote_number="RINV9").save()
    page = log_in(world.merchant, "support").get(reverse(LIST), {"q": words})
    assert [one.number for one in page.context["cl"].result_list] == ["1002"]


@pytest.mark.parametrize(
    ("amount", "currency", "shown"),
    [("4.5", "GBP", "4.50"), ("1240.5", "EUR", "1,240.50"), ("0.3333", "GBP", "0.3333"), ("500", "JPY", "500"),
     ("1.25", "KWD", "1.250"), ("12.5", "JPY", "12.5"), ("0", "GBP", "0.00")],
)  # fmt: skip
def test_an_amount_has_its_currencys_decimals_and_more_where_it_is_finer(
    amount: str, currency: str, shown: str
) -> None:
    assert show_amount(D(amount), currency) == shown


def test_unit_prices_have_the_currencys_decimals(world: World) -> None:
    row = sell(world)
    page = log_in(world.merchant, "support").get(reverse("admin:orders_order_change", args=(row.pk,))).content.decode()
    assert '<td class="num wide">4.50</td>' in page
    assert "4.5000" not in page
