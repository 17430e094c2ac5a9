"""Cancelling, asked from the desk, or done in the back office: who is asked, what they answer, what the shop hears."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from catalog.models import Reservation
from integrations.contract import records as r
from integrations.models import Command, Connection
from integrations.sync.documents import CancelRequest
from orders.models import Cancellation, FulfilmentOrder, Order, OrderLine
from orders.outbound import build_order
from orders.outbound.status import build_status
from orders.services import cancelling
from orders.services.desk import NotPossible
from orders.services.status import derive
from tests.orders.test_goods import place, ship
from tests.orders.test_intake import MINUTE, finish, take
from tests.world import NOON, D, World, order, stocked

SOLD = order("1001", ("MUG", 2, "4.50"), ("CUP", 1, "3.00"))


@pytest.fixture
def placed(world: World) -> Order:
    stocked(world, "MUG", "CUP", quantity="100")
    return place(world, SOLD, "501", "502")


def asked(connection: Connection) -> list[Command]:
    return list(Command.plain.filter(kind="cancel_order", connection=connection).order_by("pk"))


def items(row: Order, quantities: dict[int, str]) -> None:
    pks = dict(row.lines.values_list("position", "pk"))
    wanted = {pks[where]: D(quantity) for where, quantity in quantities.items()}
    cancelling.ask_items(order_id=row.pk, quantities=wanted, reason="Changed his mind", by="ann", at=NOON)


def whole(row: Order) -> bool:
    return cancelling.ask_whole(order_id=row.pk, reason="Fraud", by="ann", at=NOON)


def answers() -> list[tuple[Any, ...]]:
    rows = Cancellation.plain.order_by("pk")
    return list(rows.values_list("asked_by", "reason", "success", "answer"))


def test_the_back_office_is_asked_and_its_yes_goes_to_the_shop(world: World, placed: Order) -> None:
    assert not whole(placed)
    [command] = asked(world.erp)
    assert build_order(command=command, at=NOON) == CancelRequest(external_id="17")
    assert asked(world.shop) == []
    with pytest.raises(NotPossible, match="asked for already"):
        whole(placed)
    finish(world, command, "accepted", r.CommandResult(external_id="17", message="Done."))
    placed.refresh_from_db()
    assert (placed.fulfilment, derive(placed).simple) == ("cancelled", "Cancelled")
    [to_shop] = asked(world.shop)
    assert build_status(command=to_shop, at=NOON) == CancelRequest(external_id="1001")
    finish(world, to_shop, "accepted", r.CommandResult(external_id="1001", success=False, message="Shipped already."))
    assert answers() == [("ann", "Fraud", True, "Done."), ("ann", "Fraud", False, "Shipped already.")]
    assert "Shop A does not cancel it: Shipped already." in placed.timeline.values_list("message", flat=True)


def test_the_shops_word_that_it_is_cancelled_echoes_nothing(world: World, placed: Order) -> None:
    whole(placed)
    finish(world, asked(world.erp)[0], "accepted", r.CommandResult(external_id="17"))
    take(world, replace(SOLD, cancelled=True, status_text="cancelled", updated_at=NOON + MINUTE))
    assert (len(asked(world.erp)), len(asked(world.shop))) == (1, 1)


def test_a_no_of_the_back_office_is_kept_and_nothing_is_cancelled(world: World, placed: Order) -> None:
    whole(placed)
    finish(world, asked(world.erp)[0], "accepted", r.CommandResult(external_id="17", success=False, message="Packed."))
    placed.refresh_from_db()
    assert (placed.fulfilment, FulfilmentOrder.plain.get().state) == ("unfulfilled", "placed")
    assert answers() == [("ann", "Fraud", False, "Packed.")]
    assert asked(world.shop) == []
    assert not whole(placed), "it can be asked again"
    assert [command.revision for command in asked(world.erp)] == [1, 2]


def test_what_was_not_sent_is_cancelled_at_once_and_the_shop_told(world: World) -> None:
    stocked(world, "MUG", "CUP")
    take(world, SOLD)
    row = Order.plain.get()
    assert whole(row)
    row.refresh_from_db()
    assert row.fulfilment == "cancelled"
    assert Command.plain.get(kind="create_order").state == "withdrawn"
    assert (asked(world.erp), len(asked(world.shop))) == ([], 1)
    assert not Reservation.plain.filter(ended_at__isnull=True).exists()
    with pytest.raises(NotPossible, match="is cancelled already"):
        whole(row)


def test_goods_that_have_left_are_not_cancelled(world: World, placed: Order) -> None:
    ship(world, "1", ("501", "e-MUG-MUG", "2"), ("502", "e-CUP-CUP", "1"))
    with pytest.raises(NotPossible, match="have left: take them back with a return"):
        whole(placed)
    assert not Cancellation.plain.exists()


def test_items_are_asked_for_in_their_articles_and_a_yes_takes_them_off(world: World, placed: Order) -> None:
    items(placed, {0: "1"})
    [command] = asked(world.erp)
    document = build_order(command=command, at=NOON)
    assert isinstance(document, CancelRequest)
    assert [(line.variant_external_id, line.quantity) for line in document.lines or ()] == [("e-MUG-MUG", D(1))]
    finish(world, command, "accepted", r.CommandResult(external_id="17", message=""))
    line = OrderLine.plain.get(position=0)
    assert (line.cancelled_quantity, line.base_quantity) == (D(1), D(1))
    placed.refresh_from_db()
    assert placed.fulfilment == "unfulfilled"
    assert asked(world.shop) == [], "shops keep their lines"
    ship(world, "1", ("501", "e-MUG-MUG", "1"), ("502", "e-CUP-CUP", "1"))
    placed.refresh_from_db()
    assert placed.fulfilment == "fulfilled", "what was cancelled is not waited for"


def test_all_items_one_after_another_cancel_the_order(world: World, placed: Order) -> None:
    items(placed, {0: "2"})
    finish(world, asked(world.erp)[0], "accepted", r.CommandResult(external_id="17"))
    items(placed, {1: "1"})
    assert build_order(command=asked(world.erp)[1], at=NOON) == CancelRequest(external_id="17"), "the rest is the whole"
    finish(world, asked(world.erp)[1], "accepted", r.CommandResult(external_id="17"))
    placed.refresh_from_db()
    assert placed.fulfilment == "cancelled"


def test_more_than_is_left_is_refused(world: World, placed: Order) -> None:
    items(placed, {0: "1"})
    for quantities in ({0: "2"}, {1: "2"}):
        with pytest.raises(NotPossible, match="more than is left"):
            items(placed, quantities)
    assert len(asked(world.erp)) == 1


def test_an_order_nobody_has_is_changed_in_the_shop(world: World) -> None:
    stocked(world, "MUG", "CUP")
    take(world, SOLD)
    with pytest.raises(NotPossible, match="No back office has order #1001 yet: change it in Shop A instead"):
        items(Order.plain.get(), {0: "1"})
    assert not Cancellation.plain.exists()


def test_what_the_back_office_cancels_by_itself_reaches_the_shop_once(world: World, placed: Order) -> None:
    word = replace(SOLD, external_id="17", number="SO017", cancelled=True)
    assert world.apply(world.erp, "order", word).updated == 1
    placed.refresh_from_db()
    assert placed.fulfilment == "cancelled"
    assert answers()[0] == ("ERP", "", True, "Cancelled in ERP.")
    assert (asked(world.erp), len(asked(world.shop))) == ([], 1)
    assert world.apply(world.erp, "order", word).unchanged == 1
    assert len(asked(world.shop)) == 1


def test_an_order_the_back_office_has_of_its_own_is_none_of_ours(world: World, placed: Order) -> None:
    applied = world.apply(world.erp, "order", replace(SOLD, external_id="99", cancelled=True))
    assert [one.code for one in applied.skipped] == ["not_ours"]
    assert world.apply(world.erp, "order", replace(SOLD, external_id="17")).unchanged == 1
    assert Order.plain.count() == 1
