"""What follows an order, on its page: who sees it, who may do it, and what the forms do."""

from __future__ import annotations

import pytest
from django.db import connection as database
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from integrations.models import Command, ValueMapping
from orders.models import Bill, Cancellation, Exchange, HomeDelivery, Order, Refund, Return
from tests.orders.test_goods import place, ship
from tests.orders.test_intake import take
from tests.portal.people import log_in
from tests.world import D, World, make_world, order, stocked


def read(client: Client, row: Order) -> str:
    return client.get(reverse("admin:orders_order_change", args=(row.pk,))).content.decode()


def do(client: Client, row: Order, action: str, **more: object) -> str:
    address = reverse("admin:orders_order_after", args=(row.pk,))
    return client.post(address, {"do": action, **more}, follow=True).content.decode()


@pytest.fixture
def shipped(world: World) -> Order:
    stocked(world, "MUG", "CUP", quantity="100")
    row = place(world, order("1001", ("MUG", 2, "4.50"), ("CUP", 1, "3.00")), "501", "502")
    ship(world, "1", ("501", "e-MUG-MUG", "2"))
    return row


def lines(row: Order) -> dict[int, int]:
    return dict(row.lines.values_list("position", "pk"))


def test_support_does_everything_on_the_page(world: World, shipped: Order) -> None:
    ValueMapping(merchant=world.merchant, connection=world.erp, kind="payment", theirs="7", label="Bank").save()
    support, mine = log_in(world.merchant, "support"), lines(shipped)
    page = do(support, shipped, "return", **{f"qty-{mine[0]}": "1", "reason_code": "damaged", "restock": "damaged",
                                             "reason": "Cracked"})  # fmt: skip
    assert "Return A-1001-T1 is made." in page
    assert "damaged: Cracked" in page
    assert "ERP takes the goods in, and says so here." in page
    assert "The goods are here" not in page
    back = Return.plain.get()
    assert "Order #1001-X1 goes out for return A-1001-T1." in do(
        support, shipped, "exchange", **{"return": back.pk, f"code-{back.lines.get().pk}": "CUP"}
    )
    assert reverse("admin:orders_order_change", args=(Exchange.plain.get().new_order_id,)) in read(support, shipped)
    assert "It goes out for return A-1001-T1 of order" in read(support, Exchange.plain.get().new_order)
    assert "Shop A is asked to give back 4.50 GBP." in do(
        support, shipped, "refund", reason="Cracked", **{f"qty-{mine[0]}": "1"}
    )
    assert "Refund A-1001-R1 is asked for and not answered: the next waits for it." in read(support, shipped)
    assert "The bill is asked for." in do(
        support, shipped, "bill", part=shipped.fulfilment_orders.get().pk, payment="7", paid="on", remember="on"
    )
    assert ValueMapping.plain.get(theirs="bacs").ours == "Bank"
    assert "It is asked for" in do(
        support, shipped, "cancel", what="items", reason="Out of stock", **{f"qty-{mine[1]}": "1"}
    )
    assert "not answered yet" in read(support, shipped)
    shipment = shipped.fulfilment_orders.get().shipments.get()
    page = do(support, shipped, "deliver", part=shipment.fulfilment_order_id, shipment=shipment.pk, state="out")
    assert "Home delivery: Out for delivery." in page
    assert "Could not be delivered" in page
    assert {command.connection.name for command in Command.plain.filter(kind="create_return")} == {"ERP", "Shop A"}
    person = shipped.timeline.get(code="return_made").actor
    assert person.startswith("support-")
    assert (Refund.plain.get().made_by, Bill.plain.get().made_by, Cancellation.plain.get().asked_by) == (person,) * 3


@pytest.mark.parametrize("role", ["auditor", "mapper", "sales"])
def test_others_see_it_and_may_not(world: World, shipped: Order, role: str) -> None:
    do(log_in(world.merchant, "support"), shipped, "refund", amount="1", reason="Sorry")
    client = log_in(world.merchant, role)
    page = read(client, shipped)
    assert "Somebody of the desk can give money back." in page
    assert 'value="return"' not in page
    address = reverse("admin:orders_order_after", args=(shipped.pk,))
    assert client.post(address, {"do": "refund", "amount": "1", "reason": "x"}).status_code == 403
    assert Refund.plain.count() == 1


def test_another_merchant_and_another_place_find_nothing(world: World, shipped: Order) -> None:
    other = make_world("Other")
    address = reverse("admin:orders_order_after", args=(shipped.pk,))
    for client in (log_in(other.merchant, "owner"), log_in(world.merchant, "support", other.place)):
        assert client.post(address, {"do": "cancel", "what": "all", "reason": "x"}).status_code in (302, 404)
    assert not Cancellation.plain.exists()


@pytest.mark.parametrize(
    ("what", "more", "words"),
    [
        ("dance", {}, "Choose what to do."),
        ("refund", {"amount": "1,5", "reason": "x"}, "“1,5” is no number: write it like 1 or 1.5."),
        ("refund", {"amount": "1e3", "reason": "x"}, "is no number"),
        ("refund", {"amount": "99", "reason": "x"}, "12.00 GBP is left of what was paid"),
        ("return", {"reason_code": "damaged", "restock": "sell"}, "Say how many of which article come back."),
        ("deliver", {"part": "0", "state": "out"}, "That is not part of this order."),
        ("arrive", {"return": "0"}, "That is not part of this order."),
        ("exchange", {"return": "x"}, "That is not part of this order."),
        ("bill", {"part": "0", "payment": "7"}, "No bill of order #1001 can be made there now"),
        ("cancel", {"what": "all", "reason": " "}, "Say why it is cancelled."),
    ],
)
def test_what_is_wrong_is_said_in_words(
    world: World, shipped: Order, what: str, more: dict[str, str], words: str
) -> None:
    assert words in do(log_in(world.merchant, "support"), shipped, what, **more).replace("&quot;", '"')
    assert [model.plain.count() for model in (Refund, Return, Bill, HomeDelivery)] == [0, 0, 0, 0]


def test_a_bill_of_ours_is_a_page_to_print_for_who_may_see_the_order(world: World) -> None:
    world.erp.flows.all().delete()
    take(world, order("1001", ("MUG", 2, "4.50"), note="x"))
    row = Order.plain.get()
    assert "Bill 000001 is made." in do(log_in(world.merchant, "support"), row, "bill", part="", payment="cash")
    address = reverse("admin:orders_order_bill", args=(row.pk, Bill.plain.get().pk))
    page = log_in(world.merchant, "sales").get(address).content.decode()
    assert "Bill 000001" in page
    assert "Paid by: cash" in page
    assert "9.00 GBP" in page
    bill = Bill.plain.get().pk
    page = do(log_in(world.merchant, "owner"), row, "correct", bill=bill, payment="card")
    assert "Bill 000001 is paid by card." in page
    assert log_in(make_world("Other").merchant, "owner").get(address).status_code == 404
    assert log_in(world.merchant, "reseller").get(address).status_code == 403


def test_the_page_costs_as_many_queries_for_many_lines_and_returns(world: World) -> None:
    skus = [f"S{number}" for number in range(5)]
    stocked(world, *skus, quantity="50")
    row = place(world, order("1001", *((sku, 3, "1.00") for sku in skus)), *"12345")
    support, mine = log_in(world.merchant, "support"), lines(row)

    def count() -> int:
        with CaptureQueriesContext(database) as caught:
            read(support, row)
        return len(caught)

    give = {"reason_code": "damaged", "restock": "sell"}
    do(support, row, "return", **{f"qty-{mine[0]}": "1"}, **give)
    read(support, row)
    few = count()
    for place_ in mine:
        do(support, row, "return", **{f"qty-{mine[place_]}": "1"}, **give)
    assert count() == few
    assert Return.plain.count() == 6
    assert row.total == D("15.00")
