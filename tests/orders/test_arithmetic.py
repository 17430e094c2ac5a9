"""Every way of rounding the tax of one order, and which of them gives what a system says."""

from __future__ import annotations

from decimal import Decimal
from itertools import product

import pytest

from orders.services.arithmetic import POLICIES, Basis, Half, Level, Line, Policy, Said, explain, find_policies, reckon
from tests.world import D

# Three lines of 0.33 net at 20 %: 0.066 each. Rounded on each line 0.21, once 0.20.
THIRDS = (Line(net=D("0.33"), gross=D("0.40"), rates=(("vat", D(20)),)),) * 3
# Halves: 2.5 % of 1.00 is 0.025, of 3.00 0.075.
HALVES = (
    Line(net=D("1.00"), gross=D("1.03"), rates=(("low", Decimal("2.5")),)),
    Line(net=D("3.00"), gross=D("3.08"), rates=(("low", Decimal("2.5")),)),
)


def said(name: str, total: str, tax: str | None = None, lines: tuple[Line, ...] = THIRDS) -> Said:
    return Said(name=name, total=D(total), tax=None if tax is None else D(tax), lines=lines)


def reach(lines: tuple[Line, ...], basis: Basis, level: Level, half: Half, currency: str = "GBP") -> tuple[str, str]:
    found = reckon(lines, Policy(basis=basis, level=level, half=half), currency)
    return str(found.tax), str(found.total)


@pytest.mark.parametrize(
    ("basis", "level", "half", "tax", "total"),
    [
        (Basis.NET, Level.LINE, Half.UP, "0.21", "1.20"),
        (Basis.NET, Level.RATE, Half.UP, "0.20", "1.19"),
        (Basis.NET, Level.ORDER, Half.UP, "0.20", "1.19"),
        (Basis.GROSS, Level.LINE, Half.UP, "0.21", "1.20"),
        (Basis.GROSS, Level.RATE, Half.UP, "0.20", "1.20"),
    ],
)
def test_each_way_of_rounding(basis: Basis, level: Level, half: Half, tax: str, total: str) -> None:
    assert reach(THIRDS, basis, level, half) == (tax, total)


@pytest.mark.parametrize(("half", "tax"), [(Half.UP, "0.11"), (Half.EVEN, "0.10"), (Half.DOWN, "0.09")])
def test_where_a_half_goes(half: Half, tax: str) -> None:
    """0.025 and 0.075: 0.03 + 0.08, 0.02 + 0.08, 0.02 + 0.07."""
    assert reach(HALVES, Basis.NET, Level.LINE, half)[0] == tax


def test_two_rates_of_one_line_are_rounded_each_or_together() -> None:
    line = Line(net=D("22.99"), gross=D("26.04"), rates=(("state", D("9.25")), ("city", D("4.03"))))
    assert reach((line,), Basis.NET, Level.RATE, Half.UP) == ("3.06", "26.05")
    assert reach((line,), Basis.NET, Level.ORDER, Half.UP) == ("3.05", "26.04")


@pytest.mark.parametrize(
    ("currency", "net", "tax", "total"), [("JPY", "333", "33", "366"), ("KWD", "0.333", "0.033", "0.366")]
)
def test_currencies_of_other_decimals(currency: str, net: str, tax: str, total: str) -> None:
    line = Line(net=D(net), gross=D(total), rates=(("vat", D(10)),))
    assert reach((line,), Basis.NET, Level.LINE, Half.UP, currency) == (tax, total)


def test_a_policy_is_found_again_among_all_of_them() -> None:
    """Whatever a system reckons by, its figures lead back to it (or to one that gives the same)."""
    for lines, policy in product((THIRDS, HALVES), POLICIES):
        reached = reckon(lines, policy, "GBP")
        found = find_policies(Said(name="ERP", total=reached.total, tax=reached.tax, lines=lines), "GBP")
        assert policy in found
        assert {reckon(lines, one, "GBP").total for one in found} == {reached.total}


def test_each_total_is_told_the_rounding_that_comes_to_it() -> None:
    assert explain([said("Shop A", "1.20", "0.21"), said("ERP", "1.19", "0.20")], "GBP") == [
        "Shop A: the tax is added to net prices, rounded on every line.",
        "ERP: the tax is added to net prices, rounded once for each rate.",
    ]


def test_the_same_total_by_another_tax_is_told_apart() -> None:
    assert explain([said("ERP", "1.20", "0.20")], "GBP") == [
        "ERP: the tax is taken out of gross prices, rounded once for each rate."
    ]


def test_where_a_half_goes_is_said_only_where_it_matters() -> None:
    assert explain([said("ERP", "4.10", "0.10", HALVES)], "GBP")[0] == (
        "ERP: the tax is added to net prices, rounded once for each rate."
    )
    lines = (HALVES[0],)
    assert explain([said("ERP", "1.02", "0.02", lines)], "GBP")[0].endswith(
        "rounded on every line, halves to the even digit."
    )


def test_a_total_no_rounding_comes_to_says_what_they_come_to() -> None:
    assert explain([said("ERP", "2.00")], "GBP") == [
        (
            "ERP: no way of rounding the tax comes to 2.00 GBP (they come to 1.20 GBP, 1.19 GBP),"
            " so it reckoned with other prices, quantities or rates."
        )
    ]


def test_without_taxes_there_is_nothing_to_explain() -> None:
    assert explain([said("ERP", "1.19", None, (Line(net=D("1.20"), gross=D("1.20")),))], "GBP") == []
