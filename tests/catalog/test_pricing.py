"""The arithmetic of prices: rounding keeps order and floor, and nothing is rounded twice."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from catalog.models import PriceRule
from catalog.services.pricing import Terms, check_rounding, compute_price, describe_price, round_price
from tests.world import D

Rounding = PriceRule.Rounding
amounts = st.decimals(0, 100_000, places=4)
roundings = st.sampled_from(list(Rounding))


@pytest.mark.parametrize(
    ("amount", "rounding", "currency", "expected"),
    [
        ("5.988", Rounding.UNIT, "GBP", "5.99"),
        ("5.985", Rounding.UNIT, "GBP", "5.99"),
        ("598.5", Rounding.UNIT, "JPY", "599"),
        ("1.2345", Rounding.UNIT, "KWD", "1.235"),
        ("5.40", Rounding.END_99, "GBP", "4.99"),
        ("5.49", Rounding.END_99, "GBP", "5.99"),
        ("0.10", Rounding.END_99, "GBP", "0.99"),
        ("5.45", Rounding.END_95, "GBP", "5.95"),
        ("7.02", Rounding.END_90, "GBP", "6.90"),
        ("12.62", Rounding.FIVES, "CHF", "12.60"),
        ("12.50", Rounding.WHOLE, "GBP", "13"),
        ("12.49", Rounding.FIVE, "GBP", "10"),
        ("12.50", Rounding.FIVE, "GBP", "15"),
        ("0.20", Rounding.FIVE, "GBP", "5"),
        ("0", Rounding.END_99, "GBP", "0"),
    ],
)
def test_amounts_are_rounded_to_what_is_allowed(amount: str, rounding: str, currency: str, expected: str) -> None:
    assert round_price(D(amount), rounding, currency) == D(expected)


@given(amount=amounts, rounding=roundings)
def test_rounding_twice_is_rounding_once_and_nothing_becomes_free(amount: Decimal, rounding: str) -> None:
    once = round_price(amount, rounding, "GBP")
    assert round_price(once, rounding, "GBP") == once
    assert (once == 0) == (amount == 0)


@given(low=amounts, high=amounts, rounding=roundings)
def test_a_higher_price_is_never_rounded_below_a_lower_one(low: Decimal, high: Decimal, rounding: str) -> None:
    assume(low <= high)
    assert round_price(low, rounding, "GBP") <= round_price(high, rounding, "GBP")


@given(
    source=amounts,
    factor=st.decimals(0, 5, places=2),
    plus=st.decimals(-20, 20, places=2),
    floor=st.none() | amounts,
    pieces=st.integers(1, 48),
    rounding=roundings,
)
def test_a_price_never_falls_below_its_floor_and_follows_its_source(
    source: Decimal, factor: Decimal, plus: Decimal, floor: Decimal | None, pieces: int, rounding: str
) -> None:
    terms = Terms(currency="GBP", factor=factor, plus=plus, rounding=rounding)
    price = compute_price(source, terms, pieces=D(pieces), floor=floor).price
    assert price >= 0
    if floor is not None:
        assert price >= floor * pieces
    assert compute_price(source + 1, terms, pieces=D(pieces), floor=floor).price >= price
    assert round_price(price, rounding, "GBP") == price


def test_a_margin_is_of_the_selling_price() -> None:
    steps = compute_price(D("7.50"), Terms(currency="GBP", margin=D(25)))
    assert steps.price == D("10.00")
    assert (steps.price - D("7.50")) / steps.price == D("0.25")


def test_a_crate_is_rounded_once_and_not_each_of_its_pieces() -> None:
    terms = Terms(currency="GBP", factor=D("1.1"))
    assert compute_price(D("0.335"), terms).price == D("0.37")
    assert compute_price(D("0.335"), terms, pieces=D(24)).price == D("8.84"), "24 × 0.3685, not 24 × 0.37 = 8.88"


def test_the_words_say_each_step() -> None:
    terms = Terms(currency="GBP", factor=D("1.2"), plus=D("-0.1"), rounding=Rounding.END_99)
    steps = compute_price(D("4.99"), terms, pieces=D(24), floor=D("6"))
    assert describe_price(steps, terms) == (
        "4.99 × 1.2 − 0.1 = 5.888, raised to 6, below which it may not fall, × 24 pieces = 144, "
        "to end in .99: 144.99 GBP"
    )
    plain = Terms(currency="GBP", margin=D("33.33"))
    assert describe_price(compute_price(D(2), plain), plain) == "2 with 33.33 % margin = 2.9999, rounded: 3 GBP"


def test_a_currency_without_pence_has_no_such_endings() -> None:
    assert check_rounding(Rounding.END_99, "GBP") == ""
    assert check_rounding(Rounding.FIVE, "JPY") == ""
    assert check_rounding(Rounding.END_99, "JPY") == (
        "JPY has no amounts of that kind (to end in .99): choose another rounding."
    )
