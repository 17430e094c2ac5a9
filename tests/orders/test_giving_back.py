"""A refund made here: by line or a free amount, never above what is left, one after another, and once."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from integrations.contract import records as r
from integrations.models import Command, Connection, Flow
from integrations.sync.lease import due
from orders.models import Order, Refund
from orders.outbound import build_refund
from orders.services import giving_back
from orders.services.desk import NotPossible
from tests.orders.test_goods import place
from tests.orders.test_intake import MINUTE, finish, take
from tests.world import NOON, D, World, order, stocked

SOLD = order("1001", ("MUG", 3, "3.33"), ("CUP", 1, "2.00"))


@pytest.fixture
def placed(world: World) -> Order:
    stocked(world, "MUG", "CUP", quantity="100")
    return place(world, SOLD, "501", "502")


def ask(row: Order, quantities: dict[int, str] | None = None, amount: str = "0", **more: Any) -> Refund:
    pks = dict(row.lines.values_list("position", "pk"))
    wanted = {pks[where]: D(quantity) for where, quantity in (quantities or {}).items()}
    values = {"reason": "Broken", "by": "ann", "at": NOON, **more}
    return giving_back.ask(order_id=row.pk, quantities=wanted, amount=D(amount), **values)


def sums(row: Order) -> tuple[object, object, object]:
    row.refresh_from_db()
    return row.captured, row.refund_pending, row.refunded


def to(connection: Connection) -> list[Command]:
    return list(Command.plain.filter(kind="create_refund", connection=connection).order_by("pk"))


def test_the_shop_gives_it_back_first_and_the_back_office_books_it_then(world: World, placed: Order) -> None:
    refund = ask(placed, {0: "2"})
    assert (refund.amount, refund.state, refund.reference) == (D("6.66"), "asked", "A-1001-R1")
    assert sums(placed) == (D("11.99"), D("6.66"), D(0))
    assert to(world.erp) == []
    [command] = to(world.shop)
    document = build_refund(command=command, at=NOON)
    assert (document.order_external_id, document.amount, document.reason) == ("1001", D("6.66"), "Broken")
    assert [(line.key, line.quantity, line.net) for line in document.lines] == [("1001-0", D(2), D("6.66"))]
    finish(world, command, "verified", external_id="77")
    [booking] = to(world.erp)
    assert [line.variant_external_id for line in build_refund(command=booking, at=NOON).lines] == ["e-MUG-MUG"]
    finish(world, booking, "verified", external_id="90", external_number="RINV1")
    assert sums(placed) == (D("11.99"), D(0), D("6.66"))
    row = Refund.plain.get()
    assert (row.state, row.external_id, row.remote_number) == ("done", "77", "RINV1")


@pytest.mark.parametrize("lost", [True, False], ids=["answer lost", "answer came"])
def test_the_shops_own_word_of_it_is_the_same_refund(world: World, placed: Order, lost: bool) -> None:
    ask(placed, {0: "1"})
    if not lost:
        finish(world, to(world.shop)[0], "verified", external_id="77")
    line = r.RefundLineRecord(order_line_external_id="1001-0", quantity=D(1), net=D("3.33"))
    echo = r.RefundRecord(external_id="77", order_external_id="1001", amount=D("3.33"), reference="A-1001-R1",
                          lines=(line,), at=NOON)  # fmt: skip
    take(world, replace(SOLD, refunds=(echo,), updated_at=NOON + MINUTE))
    assert (Refund.plain.count(), Refund.plain.get().external_id) == (1, "77")
    assert len(to(world.erp)) == 1
    assert sums(placed)[1] == D("3.33"), "counted once"
    if lost:
        finish(world, to(world.shop)[0], "verified", external_id="77")
        assert len(to(world.erp)) == 1


def test_several_go_one_after_another_and_never_above_what_was_paid(world: World, placed: Order) -> None:
    ask(placed, {0: "3"})
    ask(placed, amount="1.50")
    first, second = to(world.shop)
    assert list(due(NOON).filter(kind="create_refund")) == [first], "the second waits while the first is pending"
    with pytest.raises(NotPossible, match=r"0\.51 GBP is not possible: 0\.50 GBP is left of what was paid"):
        ask(placed, amount="0.51")
    finish(world, first, "verified", external_id="77")
    assert second in due(NOON)
    assert ask(placed, amount="0.50").reference == "A-1001-R3"
    assert sums(placed)[1] == D("11.99")
    with pytest.raises(NotPossible, match="Nothing is left of what was paid"):
        ask(placed, amount="0.01")


def test_the_last_of_a_line_gets_what_rounding_left(world: World, placed: Order) -> None:
    line = placed.lines.get(position=0)
    type(line).plain.filter(pk=line.pk).update(net=D("8.33"), tax=D("1.66"))
    amounts = [ask(placed, {0: "1"}).amount for _ in range(3)]
    assert sum(amounts) == D("9.99")
    assert giving_back.list_left(placed)[0].line.sku == "CUP"


def test_a_refusal_of_the_shop_that_is_given_up_frees_the_money(world: World, placed: Order) -> None:
    ask(placed, {0: "3"})
    [command] = to(world.shop)
    finish(world, command, "needs_fix", message="Too late.")
    assert sums(placed)[1] == D("9.99")
    finish(world, command, "withdrawn")
    assert sums(placed) == (D("11.99"), D(0), D(0))
    assert (Refund.plain.get().state, to(world.erp)) == ("closed", [])
    assert ask(placed, {0: "3"}).amount == D("9.99"), "and it can be asked for anew"


@pytest.mark.parametrize(
    ("quantities", "amount", "reason", "words"),
    [
        ({0: "4"}, "0", "x", "MUG: 3 can be given back, not 4"),
        ({}, "0", "x", "Say how many of which line"),
        ({0: "1"}, "1", "x", "Say how many of which line"),
        ({0: "1"}, "0", " ", "Say why the money is given back"),
        ({}, "0.001", "x", "finer than GBP allows"),
        ({}, "-1", "x", "Say how many of which line"),
    ],
)
def test_what_cannot_be_given_back_is_refused(
    world: World, placed: Order, quantities: dict[int, str], amount: str, reason: str, words: str
) -> None:
    with pytest.raises((NotPossible, ValueError), match=words):
        ask(placed, quantities, amount, reason=reason)
    assert not Refund.plain.exists()
    assert sums(placed)[1] == 0


@pytest.mark.parametrize("why", ["watched", "switched off"])
def test_a_shop_that_cannot_be_asked_is_a_persons_business(world: World, placed: Order, why: str) -> None:
    if why == "watched":
        Connection.plain.filter(pk=world.shop.pk).update(state="watching", live_since=None)
    else:
        Flow(merchant=world.merchant, connection=world.shop, stream="refund", direction="push", enabled=False).save()
    with pytest.raises(NotPossible, match="Shop A cannot be asked to give money back: do it there"):
        ask(placed, {0: "1"})
    assert not Refund.plain.exists()
