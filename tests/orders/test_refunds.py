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
from integrations.models import Command, Flow, Hold
from integrations.sync.handlers import call
from orders.models import Order, Refund
from orders.outbound import build_refund
from orders.services.money import balance_lines, balance_refund
from portal.base.money import allocate, currency_quantum, round_money
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
    """A store's order: quantities, discounts, tax inside or outside, shipping and a fee, taxed too; in 0, 2 or 3
    decimals; rounded by the line as it should be, or with the digits its division left, as some shops send it."""
    currency = draw(st.sampled_from(["JPY", "GBP", "KWD"]))
    unit = currency_quantum(currency)
    finest = unit if draw(st.booleans()) else D("0.000001")
    inside, rate = draw(st.booleans()), D(draw(st.sampled_from([0, 5, 7, 19, 20])))
    lines = []
    for place in range(draw(st.integers(1, 8))):
        kind = draw(st.sampled_from([r.LineKind.ITEM] * 4 + [r.LineKind.SHIPPING, r.LineKind.FEE]))
        quantity = D(draw(st.integers(1, 30))) if kind is r.LineKind.ITEM else D(1)
        price = unit * draw(st.integers(1, 100_000))
        full = (price * quantity / draw(st.sampled_from([1, 1, 3, 7]))).quantize(finest, ROUND_HALF_UP)
        discount = (full * draw(st.integers(0, 90)) / 100).quantize(finest, ROUND_HALF_UP)
        sold = full - discount
        if inside:
            gross = sold
            tax = (gross - gross / (1 + rate / 100)).quantize(finest, ROUND_HALF_UP)
        else:
            tax = (sold * rate / 100).quantize(finest, ROUND_HALF_UP)
            gross = sold + tax
        half = (tax / 2).quantize(D("0.000001"), ROUND_HALF_UP)
        taxes = (r.TaxRecord(code="a", amount=half), r.TaxRecord(code="b", amount=tax - half)) if tax else ()
        lines.append(
            r.OrderLineRecord(
                external_id=str(place),
                kind=kind,
                quantity=quantity,
                unit_price=full / quantity,
                discount=discount,
                net=gross - tax,
                tax=tax,
                gross=gross,
                taxes=taxes,
            )
        )
    exact = round_money(sum((line.gross for line in lines), D(0)), currency)
    total = exact + unit * draw(st.integers(-len(lines), len(lines)))
    return r.OrderRecord(
        external_id="1", number="1", currency=currency, total=total, placed_at=NOON, updated_at=NOON, lines=tuple(lines)
    )


@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(record=baskets())
def test_promise_19_lines_tax_shipping_discounts_and_rounding_come_to_the_total(record: r.OrderRecord) -> None:
    unit = currency_quantum(record.currency)
    lines = balance_lines(record)
    assert sum((line.net + line.tax for line in lines), D(0)) == record.total
    assert all(line.gross == line.net + line.tax for line in lines)
    assert all(amount % unit == 0 for line in lines for amount in (line.net, line.tax, line.gross, line.discount))
    assert all(sum((tax.amount for tax in line.taxes), D(0)) == line.tax for line in lines if line.taxes)
    assert sum(line.kind is r.LineKind.ROUNDING for line in lines) <= 1
    for before, now in zip(record.lines, lines, strict=False):
        assert abs(now.gross - before.gross) < unit
        assert abs(now.tax - before.tax) < unit
    assert balance_lines(replace(record, lines=lines)) == lines, "in whole units nothing is left to be done"


@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(record=baskets(), data=st.data())
def test_promise_19_a_partial_refund_is_told_to_the_last_unit(record: r.OrderRecord, data: Any) -> None:
    unit = currency_quantum(record.currency)
    weights = [line.gross for line in record.lines]
    if sum(weights, D(0)) <= 0:
        return
    amount = unit * data.draw(st.integers(0, int(abs(record.total) / unit)))
    parts = allocate(amount, weights, record.currency)
    assert sum(parts, D(0)) == amount
    assert all(part % unit == 0 for part in parts)
    finest = data.draw(st.sampled_from([unit, D("0.000001")]))
    refund_lines = []
    for line, part in zip(record.lines, parts, strict=True):
        tax = (part * line.tax / line.gross).quantize(finest, ROUND_HALF_UP) if line.gross else D(0)
        refund_lines.append(
            r.RefundLineRecord(order_line_external_id=line.external_id, quantity=D(1), net=part - tax, tax=tax)
        )
    off = unit * data.draw(st.integers(0 if amount == 0 else -min(len(parts), int(amount / unit)), len(parts)))
    refund = r.RefundRecord(external_id="r", order_external_id="1", amount=amount + off, lines=tuple(refund_lines))
    balanced = balance_refund(refund, record.currency)
    assert sum((line.net + line.tax for line in balanced), D(0)) == refund.amount
    assert all(one % unit == 0 and one >= 0 for line in balanced for one in (line.net, line.tax))


FEW = 2_000 if os.environ.get("RELIABILITY_FULL") == "1" else 20


@settings(
    max_examples=FEW, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(amounts=st.lists(st.integers(1, 700), min_size=1, max_size=6), extra=st.integers(0, 900))
def test_promise_19_refunds_never_exceed_what_was_captured(world: World, amounts: list[int], extra: int) -> None:
    """Whatever is given back, and captured later on: what is counted stays within it, and no more than fits is held."""
    if not Order.plain.exists():
        stocked(world, "MUG")
    number = str(1000 + Order.plain.count())
    take(world, order(number, ("MUG", 2, "4.50")))
    parts = [
        refunded(number, str(Decimal(cents) / 100), pk=f"r{place}").refunds[0] for place, cents in enumerate(amounts)
    ]
    later = replace(order(number, ("MUG", 2, "4.50"), updated_at=NOON + MINUTE), refunds=tuple(parts))
    take(world, later)
    row = Order.plain.get(number=number)
    counted = sum((one.amount for one in row.refunds.filter(counted=True)), D(0))
    assert row.refund_pending == counted <= row.captured == D(9)
    assert row.refunds.count() == len(amounts), "every one is kept"
    more = r.PaymentRecord(external_id="more", kind=r.PaymentKind.CAPTURE, method="cod", amount=D(extra) / 100)
    take(world, replace(later, payments=(*later.payments, more), updated_at=NOON + 2 * MINUTE))
    row.refresh_from_db()
    counted = sum((one.amount for one in row.refunds.filter(counted=True)), D(0))
    assert row.refund_pending == counted <= row.captured == D(9) + more.amount
    room = row.captured - counted
    assert all(one.amount > room for one in row.refunds.filter(state="held"))
    asked = Command.plain.filter(kind="create_refund", reference__startswith=f"A-{number}-")
    assert sum(asked.values_list("amount", flat=True)) == counted


def test_a_refund_of_an_order_without_a_back_office_is_done_here(world: World) -> None:
    stocked(world, "MUG")
    Flow.plain.filter(connection=world.erp, stream="order").delete()
    take(world, order("1001", ("MUG", 2, "4.50")))
    take(world, refunded("1001", "4.50"))
    row, refund = Order.plain.get(), Refund.plain.get()
    assert (row.refund_pending, row.refunded, refund.state) == (D(0), D("4.50"), "done")
    words = row.timeline.get(code="refund_done").message
    assert words == "The refund of 4.50 GBP is done: the order goes to no back office."
    assert not Command.plain.exists()
    take(world, replace(refunded("1001", "9.00", pk="r2"), updated_at=NOON + 2 * MINUTE))
    row.refresh_from_db()
    assert (row.refunded, Refund.plain.get(external_id="r2").state) == (D("4.50"), "held"), "more than was paid waits"


def test_a_refund_of_an_order_that_still_finds_its_back_office_waits_for_it(world: World) -> None:
    stocked(world, "MUG")
    flow = Flow.plain.get(connection=world.erp, stream="order")
    Flow.plain.filter(pk=flow.pk).update(settings={"send_when": "shipped"})
    take(world, order("1001", ("MUG", 2, "4.50")))
    take(world, refunded("1001", "4.50"))
    assert (Order.plain.get().refund_pending, Refund.plain.get().state) == (D("4.50"), "received")


def test_a_refund_done_here_is_booked_where_the_order_goes_after_all_and_counted_once(world: World) -> None:
    stocked(world, "MUG")
    flow = Flow.plain.get(connection=world.erp, stream="order")
    Flow.plain.filter(pk=flow.pk).update(enabled=False)
    take(world, order("1001", ("MUG", 2, "4.50")))
    take(world, refunded("1001", "4.50"))
    assert Refund.plain.get().state == "done"
    Flow.plain.filter(pk=flow.pk).update(enabled=True)
    take(world, replace(refunded("1001", "4.50"), updated_at=NOON + 2 * MINUTE, status_text="completed"))
    finish(world, create_command(), "verified", external_id="17", external_number="SO017")
    command = Command.plain.get(kind="create_refund")
    finish(world, command, "verified", external_id="90", external_number="RINV1")
    row, refund = Order.plain.get(), Refund.plain.get()
    assert (row.refund_pending, row.refunded, refund.remote_number) == (D(0), D("4.50"), "RINV1")
