"""The order's page: what the shop changed is settled, what waits is let go, and only by the desk."""

from __future__ import annotations

from dataclasses import replace

import pytest
from django.db import connection as database
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from integrations.contract import records as r
from integrations.models import Command, Connection, Hold
from orders.models import Order, OrderEdit, OrderLine, Refund
from tests.orders.test_goods import place, ship
from tests.orders.test_intake import MINUTE, take
from tests.portal.people import log_in
from tests.world import NOON, D, World, order, stocked

LIST = "admin:orders_order_changelist"


def read(client: Client, row: Order) -> str:
    return client.get(reverse("admin:orders_order_change", args=(row.pk,))).content.decode()


def do(client: Client, row: Order, what: str, **more: object) -> str:
    address = reverse("admin:orders_order_desk", args=(row.pk,))
    return client.post(address, {"do": what, **more}, follow=True).content.decode()


def waiting() -> list[str]:
    return sorted(Hold.plain.filter(ended_at__isnull=True).values_list("reason", flat=True))


@pytest.fixture
def edited(world: World) -> Order:
    """Two mugs placed; three in the shop now."""
    stocked(world, "MUG")
    row = place(world, order("1001", ("MUG", 2, "4.50")), "501")
    take(world, replace(order("1001", ("MUG", 3, "4.50"), updated_at=NOON + MINUTE), payments=()))
    return row


@pytest.mark.parametrize(
    ("what", "state", "total", "told"), [("push", "sent", "13.50", 1), ("accept", "accepted", "13.50", 0),
                                         ("ignore", "ignored", "9.00", 0)],
)  # fmt: skip
def test_a_change_of_the_shop_is_shown_and_settled(
    world: World, edited: Order, what: str, state: str, total: str, told: int
) -> None:
    support = log_in(world.merchant, "support")
    page = read(support, edited)
    assert "Changed in Shop A after it was sent" in page
    assert "2 · 9.00" in page
    assert "3 · 13.50" in page
    assert "+4.50" in page
    assert "#1001" in support.get(reverse(LIST), {"see": "needs"}).content.decode()
    assert "The change of #1001 is settled." in do(support, edited, what)
    edited.refresh_from_db()
    edit = OrderEdit.plain.get()
    assert (edit.state, edited.total, waiting()) == (state, D(total), [])
    assert edit.decided_by.startswith("support-")
    assert Command.plain.filter(kind="update_order").count() == told
    assert "Order #1001 has no change to decide about." in do(support, edited, what)


def test_a_change_is_not_sent_on_where_nobody_there_can_change_orders(world: World, edited: Order) -> None:
    Connection.plain.filter(pk=world.erp.pk).update(platform="woocommerce")
    support = log_in(world.merchant, "support")
    page = read(support, edited)
    assert "ERP cannot change orders: change it there by hand, then take it over here." in page
    assert 'value="push"' not in page
    assert "ERP cannot change orders" in do(support, edited, "push")
    assert OrderEdit.plain.get().state == "open"


def test_only_the_desk_settles_and_lets_go(world: World, edited: Order) -> None:
    for role in ("auditor", "mapper", "sales"):
        client = log_in(world.merchant, role)
        assert 'value="accept"' not in read(client, edited)
        address = reverse("admin:orders_order_desk", args=(edited.pk,))
        assert client.post(address, {"do": "accept"}).status_code == 403
    assert OrderEdit.plain.get().state == "open"


def test_what_only_a_person_can_end_is_let_go_with_a_reason(world: World) -> None:
    stocked(world, "MUG")
    take(world, replace(order("1001", ("MUG", 3, "3.33")), total=D("11.00")))
    row, hold = Order.plain.get(), Hold.plain.get()
    support = log_in(world.merchant, "support")
    assert "Let it go" in read(support, row)
    assert "Say why you let it go." in do(support, row, "free", hold=hold.pk, reason=" ")
    assert waiting() == ["amount_mismatch"]
    assert "#1001 does not wait for that any more." in do(support, row, "free", hold=hold.pk, reason="They paid it")
    assert waiting() == []
    assert Command.plain.get(kind="create_order").amount == D("11.00")
    said = row.timeline.get(code="let_go")
    assert said.message == f"{said.actor} let it go: They paid it. It waited because: {hold.message}"
    assert "does not wait for that any more" in do(support, row, "free", hold=hold.pk, reason="x")


def test_a_held_refund_is_let_go_on_its_orders_page(world: World) -> None:
    stocked(world, "MUG")
    base = order("1001", ("MUG", 2, "4.50"))
    take(world, base)
    refund = r.RefundRecord(external_id="r", order_external_id="1001", amount=D("20.00"))
    take(world, replace(base, refunds=(refund,), updated_at=NOON + MINUTE))
    row, hold = Order.plain.get(), Hold.plain.get()
    support = log_in(world.merchant, "support")
    assert "#1001" in support.get(reverse(LIST), {"see": "needs"}).content.decode()
    assert hold.message in read(support, row)
    do(support, row, "free", hold=hold.pk, reason="Goodwill")
    assert waiting() == []
    assert Refund.plain.get().state == "queued"


def test_what_a_mapping_frees_leads_there_and_is_not_let_go_by_hand(world: World) -> None:
    take(world, order("1001", ("NEW", 1, "4.50")))
    row, hold = Order.plain.get(), Hold.plain.get()
    support = log_in(world.merchant, "support")
    page = read(support, row)
    assert reverse("admin:catalog_mappingconflict_changelist") in page
    assert "Let it go" not in page
    assert "nobody can end it by hand" in do(support, row, "free", hold=hold.pk, reason="x")
    assert waiting() == ["unmapped"]


def test_a_hold_of_another_order_is_not_ended_here(world: World) -> None:
    stocked(world, "MUG")
    for number in ("1", "2"):
        take(world, replace(order(number, ("MUG", 3, "3.33")), total=D("11.00")))
    one, other = Order.plain.order_by("pk")
    support = log_in(world.merchant, "support")
    do(support, one, "free", hold=Hold.plain.get(subject_id=other.pk).pk, reason="x")
    assert waiting() == ["amount_mismatch", "amount_mismatch"]


def test_an_order_is_held_assigned_and_noted_on_its_page(world: World) -> None:
    stocked(world, "MUG")
    take(world, order("1001", ("MUG", 1, "4.50")))
    row, support = Order.plain.get(), log_in(world.merchant, "support")
    assert "#1001 is held." in do(support, row, "hold", reason="fraud?")
    assert "held by a person already" in do(support, row, "hold", reason="again")
    do(support, row, "free", hold=Hold.plain.get().pk, reason="Called him")
    assert waiting() == []
    person = row.timeline.get(code="held").actor
    assert "Choose somebody who works at your desk." in do(support, row, "assign", owner="0")
    assert f"{person} looks after it." in do(support, row, "assign", owner=str(support.session["_auth_user_id"]))
    assert "Write what others should know." in do(support, row, "note", reason="")
    assert "Rings in the morning" in do(support, row, "note", reason="Rings in the morning")
    assert row.timeline.get(code="note").actor == person
    assert "Choose what to do." in do(support, row, "dance")


def test_the_steps_say_how_far_it_is_and_what_comes_next(world: World) -> None:
    stocked(world, "MUG", "CUP")
    row = place(world, order("1001", ("MUG", 2, "4.50"), ("CUP", 1, "3.00")), "501", "502")
    ship(world, "1", ("502", "e-CUP-CUP", "1"))
    row.fulfilment_orders.update(remote_total=D("11.99"))
    context = log_in(world.merchant, "sales").get(reverse("admin:orders_order_change", args=(row.pk,))).context
    assert [(step["label"], step["state"]) for step in context["steps"]] == [
        ("Received", "done"), ("Mapped", "done"), ("In ERP", "done"), ("Shipped 1 of 2", ""), ("Invoiced", ""),
        ("Paid", "done"),
    ]  # fmt: skip
    assert context["next"] == "Shipped 1 of 2 (ERP)"
    assert [(one.name, one.total, one.apart) for one in context["sums"].columns] == [
        ("Shop A", D("12.00"), D(0)), ("Here", D("12.00"), D(0)), ("ERP", D("11.99"), D("-0.01")),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("currency", "price", "shown"),
    [("GBP", "4.5", "4.50"), ("GBP", "4.166667", "4.166667"), ("JPY", "450", "450"), ("KWD", "4.5", "4.500")],
)
def test_a_unit_price_has_the_currencys_decimals_unless_it_needs_more(
    world: World, currency: str, price: str, shown: str
) -> None:
    take(world, order("1001", ("MUG", 1, "450"), currency=currency))
    OrderLine.plain.update(unit_price=D(price))
    assert f'<td class="num wide">{shown}</td>' in read(log_in(world.merchant, "sales"), Order.plain.get())


def test_what_the_buyer_saw_stands_beside_and_is_not_converted(world: World) -> None:
    sold = order("1001", ("MUG", 2, "4.50"))
    take(world, replace(sold, presentment_currency="EUR", presentment_total=D("10.53")))
    row = Order.plain.get()
    assert (row.total, row.currency) == (D("9.00"), "GBP")
    assert "The buyer saw and paid 10.53 EUR." in read(log_in(world.merchant, "sales"), row)
    take(world, replace(sold, presentment_currency="GBP", presentment_total=D("9.00"), updated_at=NOON + MINUTE))
    row.refresh_from_db()
    assert (row.presentment_currency, row.presentment_total) == ("", None), "the shop's own currency is no other"


def test_the_page_and_a_search_cost_as_many_queries_for_six_lines_as_for_one(world: World) -> None:
    skus = [f"S{number}" for number in range(6)]
    stocked(world, *skus)
    take(world, order("1001", (skus[0], 1, "1.00")))
    take(world, order("1002", *((sku, 1, "1.00") for sku in skus)))
    one, six = Order.plain.order_by("pk")
    support = log_in(world.merchant, "support")
    read(support, one)

    def count(address: str) -> int:
        with CaptureQueriesContext(database) as caught:
            assert support.get(address).status_code == 200
        return len(caught)

    few, many = (count(reverse("admin:orders_order_change", args=(row.pk,))) for row in (one, six))
    assert few == many
    assert count(f"{reverse(LIST)}?q=1001") == count(f"{reverse(LIST)}?q=S0"), "one is found, and two"
