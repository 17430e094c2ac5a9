"""Money and quantities are exact in the database, and money splits without loss."""

from __future__ import annotations

from decimal import Decimal

import pytest
from django.core.exceptions import ValidationError
from django.db.models import ExpressionWrapper, F, Sum
from hypothesis import given
from hypothesis import strategies as st

from catalog.models import Price, PriceList, Product, Variant
from portal.base.fields import MoneyField, QuantityField
from portal.base.money import allocate, currency_quantum, round_money
from portal.tenancy.models import Merchant

D = Decimal


@pytest.mark.django_db
def test_money_is_exact_in_the_database() -> None:
    merchant = Merchant.objects.create(name="M", slug="m")
    product = Product.plain.create(merchant=merchant, code="P", name="P")
    prices = PriceList.plain.create(merchant=merchant, code="L", name="L", currency="GBP")
    for number, amount in enumerate((D("0.000001"), D("19.99"), D("9223372036854.775807"))):
        variant = Variant.plain.create(merchant=merchant, product=product, code=f"V{number}", option_key=str(number))
        Price.plain.create(merchant=merchant, price_list=prices, variant=variant, amount=amount)
    rows = Price.plain.order_by("amount")
    assert list(rows.values_list("amount", flat=True)) == [D("0.000001"), D("19.99"), D("9223372036854.775807")]
    small = rows.filter(amount__lt=D(20))
    assert small.aggregate(sum=Sum("amount"))["sum"] == D("19.990001")
    double = ExpressionWrapper(F("amount") + F("amount"), output_field=MoneyField())
    doubled = small.annotate(double=double).values_list("double", flat=True)
    assert list(doubled) == [D("0.000002"), D("39.98")]


@pytest.mark.parametrize("value", [1.5, D("NaN"), D("Infinity"), D("0.0000001"), D(10) ** 13, "1,5", object()])
def test_money_refuses_what_it_cannot_keep(value: object) -> None:
    with pytest.raises(ValidationError):
        MoneyField().get_prep_value(value)


def test_quantities_have_three_decimals() -> None:
    assert QuantityField().get_prep_value(D("1.234")) == 1234
    with pytest.raises(ValidationError):
        QuantityField().get_prep_value(D("1.2345"))


def test_rounding_is_half_up_in_the_minor_unit_of_the_currency() -> None:
    assert [currency_quantum(code) for code in ("GBP", "JPY", "KWD")] == [D("0.01"), D(1), D("0.001")]
    assert round_money(D("0.125"), "GBP") == D("0.13")
    assert round_money(D("-0.125"), "GBP") == D("-0.13")
    assert round_money(D("0.5"), "JPY") == D(1)


@given(
    st.integers(-(10**9), 10**9),
    st.lists(st.integers(0, 10**6), min_size=1, max_size=20).filter(any),
    st.sampled_from(["GBP", "JPY", "KWD"]),
)
def test_allocated_parts_sum_to_the_total(units: int, weights: list[int], currency: str) -> None:
    total = units * currency_quantum(currency)
    parts = allocate(total, [D(weight) for weight in weights], currency)
    assert sum(parts) == total
    assert all(part == round_money(part, currency) for part in parts)


def test_largest_remainder_gets_the_odd_penny() -> None:
    assert allocate(D("0.10"), [D(1), D(1), D(2)], "GBP") == [D("0.03"), D("0.02"), D("0.05")]
    with pytest.raises(ValueError, match="finer"):
        allocate(D("0.001"), [D(1)], "GBP")
    with pytest.raises(ValueError, match="positive"):
        allocate(D(1), [D(0)], "GBP")
