"""An exchange is a return plus a new order, each of which says the other."""

from __future__ import annotations

import pytest
from django.urls import reverse

from integrations.contract import records as r
from integrations.models import Command
from orders.inbound import count_known
from orders.models import Exchange, Order, Refund, Return
from orders.outbound import build_order
from orders.services import exchanges, giving_back
from orders.services.desk import NotPossible
from tests.orders.test_goods import place, ship
from tests.orders.test_intake import take
from tests.orders.test_returns import make
from tests.portal.people import log_in
from tests.world import NOON, D, World, order, stocked


@pytest.fixture
def back(world: World) -> Return:
    """One of two mugs at 4.50 comes back."""
    stocked(world, "MUG", "CUP", quantity="100")
    row = place(world, order("1001", ("MUG", 2, "4.50")), "501")
    ship(world, "1", ("501", "e-MUG-MUG", "2"))
    return make(row, {0: "1"})


def swap(row: Return, code: str = "") -> Order:
    line = row.lines.get()
    return exchanges.make(return_id=row.pk, articles={line.pk: code}, by="ann", at=NOON).new_order


def test_the_new_order_goes_out_at_the_price_that_was_paid(world: World, back: Return) -> None:
    new = swap(back, "CUP")
    assert (new.number, new.total, new.captured, new.financial) == ("1001-X1", D("4.50"), D("4.50"), "paid")
    create = Command.plain.filter(kind="create_order").order_by("-pk")[0]
    document = build_order(command=create, at=NOON)
    assert isinstance(document, r.OrderDocument)
    assert document.reference == "A-1001-X1"
    assert [(line.variant_external_id, line.quantity, line.gross) for line in document.lines] == [
        ("e-CUP-CUP", D(1), D("4.50"))
    ]
    made = Exchange.plain.get()
    assert (made.parent, made.new_order) == (back, new)
    assert new.timeline.get(code="exchanged").message == "It goes out for return A-1001-T1 of order #1001."
    assert back.order.timeline.get(code="exchanged").message == "Order #1001-X1 goes out for return A-1001-T1."


def test_it_is_ours_alone_the_shop_is_told_nothing_and_counts_without_it(world: World, back: Return) -> None:
    before = count_known(connection=world.shop, since=None)
    new = swap(back)
    assert count_known(connection=world.shop, since=None) == before
    assert giving_back.why_not(new) == (
        "Shop A does not know order #1001-X1: it was made here, for an exchange. Refund the first order."
    )
    assert not Command.plain.filter(connection=world.shop, line=f"shop:{new.pk}").exists()


def test_a_return_is_exchanged_once(world: World, back: Return) -> None:
    swap(back)
    with pytest.raises(NotPossible, match="is exchanged already"):
        swap(back)
    assert (Exchange.plain.count(), Order.plain.count()) == (1, 2)


def test_an_article_the_shop_does_not_sell_is_refused(world: World, back: Return) -> None:
    with pytest.raises(NotPossible, match="sells no article PLATE"):
        swap(back, "PLATE")
    assert Order.plain.count() == 1


def test_an_order_that_is_there_already_is_linked(world: World, back: Return) -> None:
    take(world, order("1002", ("CUP", 1, "4.50")))
    for number in ("1001", "9999", ""):
        with pytest.raises(NotPossible, match="has no other order"):
            exchanges.link(return_id=back.pk, number=number, by="ann", at=NOON)
    made = exchanges.link(return_id=back.pk, number="#1002", by="ann", at=NOON)
    assert made.new_order.number == "1002"


def swap_at(row: Return, code: str, price: str) -> Exchange:
    line = row.lines.get()
    prices = {line.pk: D(price)}
    return exchanges.make(return_id=row.pk, articles={line.pk: code}, prices=prices, by="ann", at=NOON)


def test_what_the_new_order_costs_more_is_asked_for_and_it_waits_until_it_is_paid(world: World, back: Return) -> None:
    made = swap_at(back, "CUP", "6.00")
    new = made.new_order
    assert (made.value_back, made.value_new, made.difference) == (D("4.50"), D("6.00"), D("1.50"))
    assert (new.total, new.captured, new.financial) == (D("6.00"), D("4.50"), "partially_paid")
    assert new.timeline.get(code="payment_due").message == (
        "It costs 1.50 GBP more than what came back: that is to be paid."
    )
    assert Command.plain.filter(kind="create_order").count() == 1, "the first order's alone"
    with pytest.raises(ValueError, match="Say how it was paid"):
        exchanges.take_payment(order_id=new.pk, method=" ", by="ann", at=NOON)
    exchanges.take_payment(order_id=new.pk, method="cash", by="ann", at=NOON)
    new.refresh_from_db()
    assert (new.captured, new.financial, exchanges.find_due(new)) == (D("6.00"), "paid", D(0))
    assert Command.plain.filter(kind="create_order").count() == 2
    with pytest.raises(NotPossible, match="Nothing is to be paid"):
        exchanges.take_payment(order_id=new.pk, method="cash", by="ann", at=NOON)


def test_what_it_costs_less_is_given_back_by_the_shop(world: World, back: Return) -> None:
    made = swap_at(back, "CUP", "3.25")
    refund = Refund.plain.get()
    assert (made.difference, made.refund, made.to_give_back) == (D("-1.25"), refund, D(0))
    assert (refund.order, refund.amount, refund.state) == (back.order, D("1.25"), "asked")
    assert refund.reason == "Order #1001-X1 costs less than what came back."
    assert (made.new_order.total, made.new_order.captured, made.new_order.financial) == (D("3.25"), D("3.25"), "paid")
    with pytest.raises(NotPossible, match="Nothing is left"):
        exchanges.give_back(exchange_id=made.pk, by="ann", at=NOON)


def test_the_pages_say_the_difference_and_take_the_money(world: World, back: Return) -> None:
    made = swap_at(back, "CUP", "6.00")
    desk = log_in(world.merchant, "support")
    first = reverse("admin:orders_order_change", args=(back.order_id,))
    second = reverse("admin:orders_order_change", args=(made.new_order_id,))
    assert "It costs 1.50 GBP more, which the buyer pays." in desk.get(first).content.decode()
    assert "1.50 GBP is still to be paid." in desk.get(second).content.decode()
    address = reverse("admin:orders_order_after", args=(made.new_order_id,))
    said = desk.post(address, {"do": "pay", "method": "cash"}, follow=True).content.decode()
    assert "1.50 GBP is paid; the order goes on." in said
    assert "still to be paid" not in said
    auditor = log_in(world.merchant, "auditor")
    assert "It costs 1.50 GBP more" in auditor.get(first).content.decode()
    assert auditor.post(address, {"do": "pay", "method": "cash"}).status_code == 403


def test_a_linked_order_says_what_is_left_over_of_what_came_back(world: World, back: Return) -> None:
    take(world, order("1002", ("CUP", 1, "3.00"), paid=False))
    made = exchanges.link(return_id=back.pk, number="1002", by="ann", at=NOON)
    assert (made.difference, made.to_give_back, Refund.plain.count()) == (D("-1.50"), D("1.50"), 0)
    desk = log_in(world.merchant, "support")
    address = reverse("admin:orders_order_after", args=(back.order_id,))
    said = desk.post(address, {"do": "give_back", "exchange": str(made.pk)}, follow=True).content.decode()
    assert "Shop A is asked to give back 1.50 GBP." in said
    assert Refund.plain.get().amount == D("1.50")
