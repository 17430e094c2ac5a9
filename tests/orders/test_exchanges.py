"""An exchange is a return plus a new order, each of which says the other."""

from __future__ import annotations

import pytest

from integrations.contract import records as r
from integrations.models import Command
from orders.inbound import count_known
from orders.models import Exchange, Order, Return
from orders.outbound import build_order
from orders.services import exchanges, giving_back
from orders.services.desk import NotPossible
from tests.orders.test_goods import place, ship
from tests.orders.test_intake import take
from tests.orders.test_returns import make
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
