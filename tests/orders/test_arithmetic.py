"""Two totals of one order, and which way of rounding the tax comes to which."""

from __future__ import annotations

from orders.services.arithmetic import Taxed, explain
from tests.world import D

# Three lines of 0.33 at 20 %: 0.07 each is 0.21; 0.198 together is 0.20.
THIRDS = [Taxed(code="vat", rate=D(20), net=D("0.33"))] * 3


def test_each_total_is_told_the_rounding_that_comes_to_it() -> None:
    assert explain(D("0.99"), THIRDS, [("Shop A", D("1.20")), ("ERP", D("1.19"))], "GBP") == [
        "Shop A: the tax rounded on every line.", "ERP: the tax rounded once for each rate.",
    ]  # fmt: skip


def test_a_total_no_rounding_comes_to_says_what_they_come_to() -> None:
    assert explain(D("0.99"), THIRDS, [("Shop A", D("1.20")), ("ERP", D("2.00"))], "GBP")[1] == (
        "ERP: no way of rounding the tax comes to it (the tax rounded on every line: 1.20 GBP,"
        " the tax rounded once for each rate: 1.19 GBP)."
    )


def test_equal_totals_and_unknown_rates_need_no_words() -> None:
    assert explain(D("0.99"), THIRDS, [("Shop A", D("1.20")), ("ERP", D("1.20"))], "GBP") == []
    assert explain(D("0.99"), [], [("Shop A", D("1.20")), ("ERP", D("1.19"))], "GBP") == []
