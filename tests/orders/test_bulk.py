"""Rows of several tables saved together, as they would be one by one."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from django.db import DataError, IntegrityError, transaction
from django.db import connection as database
from django.test.utils import CaptureQueriesContext
from django.utils.translation import gettext_lazy

from orders.models import Customer, Order, OrderEvent, OrderLine, OrderPayload, TaxLine
from portal.base.bulk import insert, take_keys
from tests.world import World

NOON = datetime(2026, 11, 20, 12, 0, 0, 123456, tzinfo=UTC)
WORDS = "Øre “x” \\ ' \" %s \n ☃"


class Text(str):
    """Such as a template's safe words are."""

    def __str__(self) -> str:
        return self


def build(world: World, number: str) -> tuple[Customer, Order, list[OrderLine], list[TaxLine]]:
    mine = {"merchant": world.merchant}
    customer = Customer(**mine, name=WORDS, billing={"city": WORDS, "deep": [1, None, {"a": True}]})
    order = Order(
        **mine, connection=world.shop, external_id=number, number=number, currency="EUR", total=Decimal("9.000001"),
        customer=customer, placed_at=NOON, source_updated_at=NOON, received_at=NOON,
    )  # fmt: skip
    lines = [
        OrderLine(
            **mine, order=order, position=n, external_id=str(n), quantity=Decimal("1.5"), net=Decimal(3),
            gross=Decimal(3), name=Text(WORDS), kind=OrderLine.Kind.FEE,
        )
        for n in range(2)
    ]  # fmt: skip
    taxes = [TaxLine(**mine, line=lines[0], code="7", rate=Decimal("7.5000"), amount=Decimal(0))]
    return customer, order, lines, taxes


@transaction.atomic
def save(customer: Customer, order: Order, lines: list[OrderLine]) -> None:
    take_keys([customer], [order], lines)
    insert([customer], [order], lines)


def test_what_is_saved_is_what_the_orm_would_save(world: World) -> None:
    customer, order, lines, taxes = build(world, "1")
    payload = OrderPayload(merchant=world.merchant, order=order, body=b"\x00\xff'\\", at=NOON)
    late: Any = gettext_lazy("Merchant")
    event = OrderEvent(merchant=world.merchant, order=order, at=NOON, code="x", message=late)
    with transaction.atomic():
        take_keys([customer], [order], lines)
        insert(taxes, [payload], [event], lines, [order], [customer])  # the order of the tables is nobody's concern
    kept = Order.plain.select_related("customer").get()
    for saved in (customer, order):
        again = type(saved)._base_manager.get(pk=saved.pk)
        assert {f.name: getattr(again, f.attname) for f in again._meta.concrete_fields} == {
            f.name: getattr(saved, f.attname) for f in saved._meta.concrete_fields
        }
    assert (kept.total, kept.placed_at, kept.presentment_total) == (Decimal("9.000001"), NOON, None)
    assert kept.customer is not None
    assert (kept.customer.name, kept.customer.billing["city"]) == (WORDS, WORDS)
    assert kept.customer.billing["deep"] == [1, None, {"a": True}]
    assert [(row.pk, row.name, row.kind, row.quantity) for row in kept.lines.order_by("position")] == [
        (lines[0].pk, WORDS, "fee", Decimal("1.5")), (lines[1].pk, WORDS, "fee", Decimal("1.5")),
    ]  # fmt: skip
    tax = TaxLine.plain.get()
    assert (tax.line_id, tax.rate, tax.code) == (lines[0].pk, Decimal("7.5"), "7")
    assert bytes(OrderPayload.plain.get().body) == b"\x00\xff'\\"
    assert OrderEvent.plain.get().message == "Merchant"
    assert not order._state.adding


def test_the_next_row_saved_by_the_orm_has_a_key_of_its_own(world: World) -> None:
    customer, order, lines, _ = build(world, "1")
    with transaction.atomic():
        (spare,) = take_keys([customer], [order], lines, spare=[(TaxLine, 2)])
        insert([customer], [order], lines)
    taken = list(spare)
    assert len(set(taken)) == 2
    more = TaxLine.plain.create(merchant=world.merchant, line=lines[0], code="8", amount=Decimal(0))
    line = OrderLine.plain.create(
        merchant=world.merchant, order=order, position=9, external_id="9", quantity=1, net=0, gross=0
    )
    assert more.pk > max(taken)
    assert line.pk > lines[1].pk > lines[0].pk


def test_what_the_database_refuses_is_refused_and_nothing_is_saved(world: World) -> None:
    for number, spoil, error in (
        ("long", {"number": "9" * 61}, DataError), ("over", {"refunded": Decimal(1)}, IntegrityError),
    ):  # fmt: skip
        if database.vendor == "sqlite" and error is DataError:
            continue  # SQLite knows no length
        customer, order, lines, _ = build(world, number)
        for name, value in spoil.items():
            setattr(order, name, value)
        with pytest.raises(error):
            save(customer, order, lines)
    assert (Order.plain.count(), Customer.plain.count(), OrderLine.plain.count()) == (0, 0, 0)


def test_a_row_that_points_to_one_without_a_key_is_refused(world: World) -> None:
    _, order, lines, _ = build(world, "1")
    with pytest.raises(ValueError, match="unsaved related object"), transaction.atomic():
        insert(lines)
    assert order.pk is None


def test_any_number_of_rows_takes_two_statements_on_postgresql(world: World) -> None:
    made = [build(world, str(n)) for n in range(20)]
    customers, orders = [one[0] for one in made], [one[1] for one in made]
    lines = [line for one in made for line in one[2]]
    with transaction.atomic(), CaptureQueriesContext(database) as asked:
        take_keys(customers, orders, lines)
        insert(customers, orders, lines, [], [tax for one in made for tax in one[3]])
    assert Order.plain.count() == 20
    assert OrderLine.plain.count() == 40
    if database.vendor == "postgresql":
        assert len(asked) == 2


def test_nothing_costs_nothing(world: World) -> None:
    with CaptureQueriesContext(database) as asked:
        assert [list(one) for one in take_keys([], spare=[(Order, 0)])] == [[]]
        insert([], [])
    assert not asked.captured_queries
