"""Amounts on pages: the decimals their currency has, and more only where there are more."""

from __future__ import annotations

from decimal import Decimal

import pytest

from portal.base.templatetags.money import amount


@pytest.mark.parametrize(
    ("value", "currency", "shown"),
    [("4.500000", "GBP", "4.50"), ("1240.500000", "GBP", "1,240.50"), ("4.166667", "GBP", "4.166667"),
     ("4.1250", "GBP", "4.125"), ("500.000000", "JPY", "500"), ("1.250000", "KWD", "1.250"), ("0", "GBP", "0.00")],
)  # fmt: skip
def test_an_amount_has_its_currencys_own_digits(value: str, currency: str, shown: str) -> None:
    assert amount(Decimal(value), currency) == shown
