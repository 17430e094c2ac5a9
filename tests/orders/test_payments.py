"""Payments registered in one system reach the other: once, by the mapped way of paying, and nothing echoes."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from integrations.contract import records as r
from integrations.models import Command, Connection, Flow, Link, ValueMapping
from orders.models import FulfilmentOrder, Order, Payment
from orders.outbound.bills import build_payment
from tests.orders.test_goods import place
from tests.orders.test_intake import MINUTE, finish, take
from tests.world import NOON, D, World, order, stocked

UNPAID = order("1001", ("MUG", 2, "4.50"), paid=False, cash_on_delivery=True)


def told(connection: Connection) -> list[Command]:
    return list(Command.plain.filter(kind="create_payment", connection=connection).order_by("pk"))


def paid(pk: str, amount: str, **more: Any) -> r.PaymentRecord:
    return r.PaymentRecord(external_id=pk, kind=r.PaymentKind.CAPTURE, method="7", amount=D(amount), currency="GBP",
                           order_external_id="17", at=NOON, **more)  # fmt: skip


def switch_on(world: World) -> None:
    Flow(merchant=world.merchant, connection=world.erp, stream="payment", direction="push").save()
    for connection, theirs in ((world.shop, "bacs"), (world.erp, "7")):
        ValueMapping(merchant=world.merchant, connection=connection, kind="payment", theirs=theirs, ours="bank").save()


@pytest.fixture
def unpaid(world: World) -> Order:
    stocked(world, "MUG")
    return place(world, UNPAID, "501")


def test_what_the_back_office_registers_reaches_the_shop(world: World, unpaid: Order) -> None:
    assert world.apply(world.erp, "payment", paid("31", "4.00")).created == 1
    unpaid.refresh_from_db()
    assert (unpaid.captured, unpaid.financial) == (D("4.00"), "partially_paid")
    world.apply(world.erp, "payment", paid("32", "5.00"))
    unpaid.refresh_from_db()
    assert (unpaid.captured, unpaid.financial) == (D("9.00"), "paid")
    first, second = told(world.shop)
    assert [command.reference for command in (first, second)] == ["A-1001-P1", "A-1001-P2"]
    assert (first.line, second.line) == (f"shop:{unpaid.pk}",) * 2
    document = build_payment(command=second, at=NOON)
    assert (document.order_external_id, document.amount, document.complete) == ("1001", D("5.00"), True)
    assert world.apply(world.erp, "payment", paid("31", "4.00"), paid("32", "5.00")).unchanged == 2
    assert told(world.erp) == []


def test_the_shops_echo_of_it_is_neither_kept_nor_counted_and_an_old_word_takes_nothing_back(
    world: World, unpaid: Order
) -> None:
    world.apply(world.erp, "payment", paid("31", "9.00"))
    take(world, replace(UNPAID, note="x", updated_at=NOON + MINUTE))  # the shop has not heard yet
    unpaid.refresh_from_db()
    assert (unpaid.captured, unpaid.financial) == (D("9.00"), "paid")
    echo = r.PaymentRecord(external_id="A-1001-P1", kind=r.PaymentKind.CAPTURE, method="bacs", amount=D("9.00"))
    heard = replace(UNPAID, payments=(echo,), financial=r.FinancialStatus.PAID, updated_at=NOON + 2 * MINUTE)
    take(world, heard)
    unpaid.refresh_from_db()
    assert (unpaid.captured, Payment.plain.count()) == (D("9.00"), 1)
    assert told(world.erp) == []


def test_a_payment_of_the_shop_goes_to_the_back_office_where_that_is_switched_on(world: World) -> None:
    switch_on(world)
    stocked(world, "MUG")
    place(world, order("1001", ("MUG", 2, "4.50")), "501")
    [command] = told(world.erp)
    assert command.line == f"fulfilment:{FulfilmentOrder.plain.get().pk}"
    document = build_payment(command=command, at=NOON)
    assert (document.order_external_id, document.method, document.amount) == ("17", "7", D("9.00"))
    finish(world, command, "verified", external_id="55")
    assert Link.plain.get(stream="payment").external_id == "55"
    own = paid("55", "9.00", reference="A-1001-P1")
    assert world.apply(world.erp, "payment", own).unchanged == 1
    assert (Payment.plain.count(), told(world.shop)) == (1, [])


def test_one_whose_answer_was_lost_is_known_by_our_reference(world: World) -> None:
    switch_on(world)
    stocked(world, "MUG")
    place(world, order("1001", ("MUG", 2, "4.50")), "501")
    assert world.apply(world.erp, "payment", paid("55", "9.00", reference="A-1001-P1")).unchanged == 1
    assert Payment.plain.count() == 1


def test_one_that_comes_after_the_order_goes_then(world: World) -> None:
    switch_on(world)
    stocked(world, "MUG")
    place(world, UNPAID, "501")
    assert told(world.erp) == []
    take(world, replace(order("1001", ("MUG", 2, "4.50")), cash_on_delivery=True, updated_at=NOON + MINUTE))
    assert len(told(world.erp)) == 1
    take(world, replace(order("1001", ("MUG", 2, "4.50")), cash_on_delivery=True, updated_at=NOON + 2 * MINUTE))
    assert len(told(world.erp)) == 1


def test_nothing_goes_where_nobody_switched_it_on(world: World) -> None:
    stocked(world, "MUG")
    place(world, order("1001", ("MUG", 2, "4.50")), "501")
    assert told(world.erp) == []


def test_an_unmapped_way_of_paying_is_said_and_never_guessed(world: World) -> None:
    switch_on(world)
    ValueMapping.plain.filter(connection=world.erp).delete()
    stocked(world, "MUG")
    row = place(world, order("1001", ("MUG", 2, "4.50")), "501")
    assert told(world.erp) == []
    assert row.timeline.get(code="payment_unmapped").message == (
        "ERP has no way of paying for “bacs”: map it under Values → Payment."
    )


def test_a_payment_of_another_order_or_currency_is_not_counted(world: World, unpaid: Order) -> None:
    assert world.apply(world.erp, "payment", replace(paid("31", "4.00"), order_external_id="99")).skipped
    with pytest.raises(ValueError, match="in EUR; the order is in GBP"):
        world.apply(world.erp, "payment", replace(paid("31", "4.00"), currency="EUR"))
    assert not Payment.plain.exists()


def test_money_the_back_office_paid_back_is_kept_and_not_counted_as_paid(world: World, unpaid: Order) -> None:
    world.apply(world.erp, "payment", replace(paid("31", "4.00"), kind=r.PaymentKind.REFUND))
    unpaid.refresh_from_db()
    assert (unpaid.captured, Payment.plain.get().kind, told(world.shop)) == (D(0), "refund", [])
