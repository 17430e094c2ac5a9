"""Amounts finer than their currency, and lines that do not come to the total: rounded where that is safe, else held."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from integrations.contract import records as r
from integrations.models import Command, Hold, ValueMapping
from orders.models import Order, OrderLine, Refund, RefundLine, TaxLine
from orders.services.money import AmountMismatch, balance_lines, balance_refund
from tests.orders.test_intake import MINUTE, create_command, take
from tests.world import NOON, D, World, order, stocked


def lines_of(*grosses: str, tax: str = "0") -> tuple[r.OrderLineRecord, ...]:
    return tuple(
        r.OrderLineRecord(
            external_id=str(place), unit_price=D(gross), net=D(gross) - D(tax), tax=D(tax), gross=D(gross)
        )
        for place, gross in enumerate(grosses)
    )


def record_of(currency: str, total: str, *grosses: str, tax: str = "0") -> r.OrderRecord:
    return r.OrderRecord(
        external_id="1", number="1", currency=currency, total=D(total), placed_at=NOON, updated_at=NOON,
        lines=lines_of(*grosses, tax=tax),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("currency", "total", "given", "grosses"),
    [
        # The largest remainder takes the odd unit, and no rounding line is needed.
        ("GBP", "10.00", ("3.333333", "3.333333", "3.333334"), ("3.33", "3.33", "3.34")),
        ("GBP", "0.01", ("0.004", "0.006"), ("0.00", "0.01")),
        ("JPY", "1000", ("333.33", "333.33", "333.34"), ("333", "333", "334")),
        ("KWD", "1.000", ("0.33333", "0.33333", "0.33334"), ("0.333", "0.333", "0.334")),
        # A line that is whole already is never touched.
        ("GBP", "7.51", ("5.00", "2.505"), ("5.00", "2.51")),
        # What rounding cannot explain, up to a unit a line, is a line of its own.
        ("GBP", "10.02", ("3.333333", "3.333333", "3.333334"), ("3.33", "3.33", "3.34", "0.02")),
        ("JPY", "998", ("333.33", "333.33", "333.34"), ("333", "333", "334", "-2")),
        ("KWD", "1.003", ("0.333", "0.333", "0.334"), ("0.333", "0.333", "0.334", "0.003")),
        ("GBP", "-0.01", ("-5.005", "4.995"), ("-5.00", "4.99")),
    ],
)
def test_sub_unit_lines_come_to_the_total_in_whole_units(
    currency: str, total: str, given: tuple[str, ...], grosses: tuple[str, ...]
) -> None:
    assert [line.gross for line in balance_lines(record_of(currency, total, *given))] == [D(one) for one in grosses]


@pytest.mark.parametrize(
    ("currency", "total", "given"),
    [
        ("GBP", "10.03", ("5.00", "5.00")),  # three pennies, two lines
        ("JPY", "1003", ("500", "500")),
        ("KWD", "1.003", ("0.500", "0.500")),
        ("GBP", "10.01", ()),  # nothing sold: a unit, no more
        ("GBP", "10.005", ("10.005",)),  # nobody can pay that
        ("JPY", "10.5", ("10.5",)),
    ],
)
def test_what_rounding_cannot_explain_is_a_mismatch(currency: str, total: str, given: tuple[str, ...]) -> None:
    with pytest.raises(AmountMismatch):
        balance_lines(record_of(currency, total, *given))


def test_a_line_whose_parts_miss_its_gross_by_a_penny_goes_by_its_gross() -> None:
    line = replace(lines_of("4.00")[0], net=D("3.33"), tax=D("0.66"))
    balanced = balance_lines(replace(record_of("GBP", "4.00"), lines=(line,)))
    assert [(one.net, one.tax, one.gross) for one in balanced] == [(D("3.34"), D("0.66"), D("4.00"))]
    with pytest.raises(AmountMismatch, match=r"3.33 \+ 0.65 is not 4.00"):
        balance_lines(replace(record_of("GBP", "4.00"), lines=(replace(line, tax=D("0.65")),)))


def test_sub_unit_taxes_of_a_line_come_to_its_tax_and_one_code_is_one_row(world: World) -> None:
    """WooCommerce: a line's own total is rounded, its taxes are not, and a unit price has as many digits as PHP."""
    stocked(world, "MUG")
    ValueMapping(merchant=world.merchant, connection=world.erp, kind="tax", theirs="31", ours="vat").save()
    for code in ("7", "8"):
        ValueMapping(merchant=world.merchant, connection=world.shop, kind="tax", theirs=code, ours="vat").save()
    base = order("1001", ("MUG", 3, "4.00"))
    line = replace(
        base.lines[0],
        unit_price=Decimal("4.166666666666667"),
        net=D("12.50"),
        tax=D("1.25"),
        gross=D("13.75"),
        taxes=(
            r.TaxRecord(code="7", amount=D("0.833333")),
            r.TaxRecord(code="8", amount=D("0.208333")),
            r.TaxRecord(code="8", amount=D("0.208334")),
        ),
    )
    take(world, replace(base, lines=(line,), total=D("13.75")))
    row = OrderLine.plain.get()
    assert (row.unit_price, row.net, row.tax, row.gross) == (D("4.166667"), D("12.50"), D("1.25"), D("13.75"))
    taxes = list(TaxLine.plain.order_by("code").values_list("code", "amount"))
    assert taxes == [("7", D("0.83")), ("8", D("0.42"))]
    assert create_command().amount == D("13.75")


def test_the_same_sub_unit_word_twice_changes_nothing(world: World) -> None:
    stocked(world, "MUG")
    base = order("1001", ("MUG", 1, "4.00"), ("MUG", 1, "4.00"), ("MUG", 1, "4.00"))
    lines = tuple(replace(line, net=D("3.333333"), gross=D("3.333333")) for line in base.lines)
    record = replace(base, lines=lines, total=D("10.00"))
    assert [take(world, record), take(world, replace(record, updated_at=NOON + MINUTE))] == ["created", "unchanged"]
    assert sum(OrderLine.plain.values_list("gross", flat=True)) == Order.plain.get().total == D("10.00")
    assert not Hold.plain.exists()


def test_a_mismatch_is_kept_as_sent_held_once_and_ends_when_the_shop_mends_it(world: World) -> None:
    stocked(world, "MUG")
    wrong = replace(order("1001", ("MUG", 3, "3.33")), total=D("11.00"))
    take(world, wrong)
    take(world, replace(wrong, updated_at=NOON + MINUTE))
    row = Order.plain.get()
    held = Hold.plain.get(ended_at__isnull=True)
    assert (held.reason, held.key, held.amount) == ("amount_mismatch", f"amount:{row.pk}", D("11.00"))
    assert row.timeline.filter(code="amount_mismatch").count() == 1
    assert not Command.plain.exists()
    take(world, order("1001", ("MUG", 3, "3.33"), updated_at=NOON + 2 * MINUTE))
    assert not Hold.plain.filter(ended_at__isnull=True).exists()
    assert create_command().amount == D("9.99")


# --- refunds ----------------------------------------------------------------------------------------------------------


def refund_of(amount: str, *lines: tuple[str, str]) -> r.RefundRecord:
    return r.RefundRecord(
        external_id="r",
        order_external_id="1",
        amount=D(amount),
        lines=tuple(
            r.RefundLineRecord(order_line_external_id=str(place), quantity=D(1), net=D(net), tax=D(tax))
            for place, (net, tax) in enumerate(lines)
        ),
    )


@pytest.mark.parametrize(
    ("currency", "refund", "wanted"),
    [
        ("GBP", refund_of("2.50", ("1.041666", "0.208333"), ("1.041667", "0.208334")), [("1.04", "0.21")] * 2),
        ("JPY", refund_of("100", ("45.5", "4.5"), ("45.5", "4.5")), [("45", "5"), ("46", "4")]),
        ("KWD", refund_of("0.100", ("0.0333", "0"), ("0.0333", "0"), ("0.0334", "0")),
         [("0.033", "0"), ("0.033", "0"), ("0.034", "0")]),
        # Never below nothing, whoever takes the difference.
        ("GBP", refund_of("0.01", ("0.01", "0"), ("0.01", "0"), ("0.01", "0")),
         [("0", "0"), ("0", "0"), ("0.01", "0")]),
        ("GBP", refund_of("5.00", ("1.00", "0"), ("1.00", "0")), []),
    ],
)  # fmt: skip
def test_a_refunds_lines_come_to_its_amount_in_whole_units(
    currency: str, refund: r.RefundRecord, wanted: list[tuple[str, str]]
) -> None:
    found = [(line.net, line.tax) for line in balance_refund(refund, currency)]
    assert sorted(found) == sorted((D(net), D(tax)) for net, tax in wanted)


def test_a_refund_finer_than_its_currency_is_held(world: World) -> None:
    stocked(world, "MUG")
    base: Any = order("1001", ("MUG", 2, "4.50"))
    take(world, base)
    take(world, replace(base, refunds=(refund_of("1.005", ("1.005", "0")),), updated_at=NOON + MINUTE))
    refund = Refund.plain.get()
    assert (refund.state, refund.counted, refund.amount) == ("held", False, D("1.005"))
    assert Hold.plain.get().reason == "amount_mismatch"
    assert Order.plain.get().refund_pending == 0
    assert not RefundLine.plain.exists(), "lines nobody knows are a free amount"
    assert not Command.plain.filter(kind="create_refund").exists()
