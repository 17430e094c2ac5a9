"""Money given back: by line, within what was captured, behind its order; and promise 19, money is exact."""

from __future__ import annotations

import os
from dataclasses import replace
from datetime import timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from integrations.contract import records as r
from integrations.models import Command, Hold
from integrations.sync.handlers import call
from orders.models import Order, Refund
from orders.outbound import build_refund
from orders.services.money import balance_lines, balance_refund
from portal.base.money import allocate, currency_quantum
from tests.orders.test_intake import create_command, finish, take
from tests.world import NOON, D, World, order, stocked

MINUTE = timedelta(minutes=1)
EXAMPLES = 100_000 if os.environ.get("RELIABILITY_FULL") == "1" else 300


def refunded(number: str, amount: str, *, pk: str = "r1", quantity: int = 1, line: int = 0) -> r.OrderRecord:
    record = order(number, ("MUG", 2, "4.50"), updated_at=NOON + MINUTE)
    part = r.RefundLineRecord(order_line_external_id=f"{number}-{line}", quantity=D(quantity), net=D(amount))
    refund = r.RefundRecord(
        external_id=pk, order_external_id=number, amount=D(amount), currency="GBP", lines=(part,), at=NOON
    )
    return replace(record, refunds=(refund,), financial=r.FinancialStatus.PARTIALLY_REFUNDED)


def test_a_refund_goes_behind_its_order_with_their_article(world: World) -> None:
    stocked(world, "MUG")
    take(world, order("1001", ("MUG", 2, "4.50")))
    finish(world, create_command(), "verified", external_id="17", external_number="SO017")
    take(world, refunded("1001", "4.50"))
    row = Order.plain.get()
    assert (row.captured, row.refund_pending, row.refunded, row.financial) == (
        D(9),
        D("4.50"),
        D(0),
        "partially_refunded",
    )
    command = Command.plain.get(kind="create_refund")
    assert (command.reference, command.line) == ("A-1001-R1", create_command().line)
    document = build_refund(command=command, at=NOON)
    assert (document.order_external_id, document.amount) == ("17", D("4.50"))
    assert [(line.variant_external_id, line.quantity, line.net) for line in document.lines] == [
        ("e-MUG-MUG", D(1), D("4.50"))
    ]
    finish(world, command, "verified", external_id="90", external_number="RINV1")
    row.refresh_from_db()
    assert (row.refund_pending, row.refunded, Refund.plain.get().state) == (D(0), D("4.50"), "done")
    call("refund", "settle", world.merchant.pk, command=command, result=None, at=NOON)
    row.refresh_from_db()
    assert row.refunded == D("4.50"), "told twice, counted once"


def test_a_refund_of_an_order_that_waits_goes_with_it(world: World) -> None:
    stocked(world, "MUG")
    take(world, order("1001", ("MUG", 2, "4.50"), paid=False))
    take(world, refunded("1001", "4.50"))
    kinds = list(Command.plain.order_by("sequence").values_list("kind", flat=True))
    assert kinds == ["create_order", "create_refund"]


def test_a_refund_beyond_what_was_paid_is_kept_and_held_and_not_counted(world: World) -> None:
    stocked(world, "MUG")
    take(world, order("1001", ("MUG", 2, "4.50")))
    take(world, refunded("1001", "9.01"))
    refund = Refund.plain.get()
    assert (refund.state, refund.counted) == ("held", False)
    assert Hold.plain.get().reason == "refund_exceeds_capture"
    assert not Command.plain.filter(kind="create_refund").exists()
    assert Order.plain.get().refund_pending == 0


def test_the_same_refund_twice_is_one(world: World) -> None:
    stocked(world, "MUG")
    take(world, order("1001", ("MUG", 2, "4.50")))
    record = refunded("1001", "4.50")
    take(world, record)
    take(world, replace(record, updated_at=NOON + 2 * MINUTE))
    assert Refund.plain.count() == 1
    assert Order.plain.get().refund_pending == D("4.50")


# --- promise 19 -------------------------------------------------------------------------------------------------------


@st.composite
def baskets(draw: Any) -> r.OrderRecord:
    """A store's order: quantities, discounts, tax inside or outside, shipping; in 0, 2 or 3 decimals."""
    currency = draw(st.sampled_from(["JPY", "GBP", "KWD"]))
    unit = currency_quantum(currency)
    inside, rate = draw(st.booleans()), D(draw(st.sampled_from([0, 5, 7, 19, 20])))
    lines = []
    for place in range(draw(st.integers(1, 8))):
        price, quantity = unit * draw(st.integers(1, 100_000)), D(draw(st.integers(1, 30)))
        discount = (price * quantity * draw(st.integers(0, 90)) / 100).quantize(unit, ROUND_HALF_UP)
        sold = price * quantity - discount
        if inside:
            gross = sold
            tax = (gross - gross / (1 + rate / 100)).quantize(unit, ROUND_HALF_UP)
        else:
            tax = (sold * rate / 100).quantize(unit, ROUND_HALF_UP)
            gross = sold + tax
        lines.append(
            r.OrderLineRecord(
                external_id=str(place),
                quantity=quantity,
                unit_price=price,
                discount=discount,
                net=gross - tax,
                tax=tax,
                gross=gross,
            )
        )
    shipping = unit * draw(st.integers(0, 2000))
    lines.append(r.OrderLineRecord(external_id="s", kind=r.LineKind.SHIPPING, net=shipping, gross=shipping))
    total = sum((line.gross for line in lines), D(0)) + unit * draw(st.integers(-len(lines), len(lines)))
    return r.OrderRecord(
        external_id="1", number="1", currency=currency, total=total, placed_at=NOON, updated_at=NOON, lines=tuple(lines)
    )


@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(record=baskets(), data=st.data())
def test_promise_19_lines_tax_shipping_discounts_and_rounding_come_to_the_total(
    record: r.OrderRecord, data: Any
) -> None:
    lines = balance_lines(record)
    assert sum((line.net + line.tax for line in lines), D(0)) == record.total
    assert all(line.gross == line.net + line.tax for line in lines)
    assert sum(line.kind is r.LineKind.ROUNDING for line in lines) <= 1
    unit = currency_quantum(record.currency)
    weights = [line.gross for line in record.lines]
    if sum(weights, D(0)) > 0:
        amount = unit * data.draw(st.integers(0, int(abs(record.total) / unit)))
        parts = allocate(amount, weights, record.currency)
        assert sum(parts, D(0)) == amount
        assert all(part % unit == 0 for part in parts)
        refund_lines = tuple(
            r.RefundLineRecord(order_line_external_id=line.external_id, quantity=D(1), net=part)
            for line, part in zip(record.lines, parts, strict=True)
        )
        off = unit * data.draw(st.integers(0, len(parts)))
        refund = r.RefundRecord(external_id="r", order_external_id="1", amount=amount + off, lines=refund_lines)
        balanced = balance_refund(refund, record.currency)
        assert sum((line.net + line.tax for line in balanced), D(0)) == refund.amount


@settings(
    max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(amounts=st.lists(st.integers(1, 700), min_size=1, max_size=6))
def test_promise_19_refunds_never_exceed_what_was_captured(world: World, amounts: list[int]) -> None:
    if not Order.plain.exists():
        stocked(world, "MUG")
    number = str(1000 + Order.plain.count())
    take(world, order(number, ("MUG", 2, "4.50")))
    parts = [
        refunded(number, str(Decimal(cents) / 100), pk=f"r{place}").refunds[0] for place, cents in enumerate(amounts)
    ]
    take(world, replace(order(number, ("MUG", 2, "4.50"), updated_at=NOON + MINUTE), refunds=tuple(parts)))
    row = Order.plain.get(number=number)
    counted = sum((one.amount for one in row.refunds.filter(counted=True)), D(0))
    assert row.refund_pending == counted <= row.captured == D(9)
    assert row.refunds.count() == len(amounts), "every one is kept"
