"""What is said of a pack (a crate of 24) as what it means for each of the base units in it."""

from __future__ import annotations

from decimal import ROUND_CEILING, Decimal

ONE = Decimal(1)
MILLIONTH, THOUSANDTH = Decimal("0.000001"), Decimal("0.001")  # as fine as amounts and quantities are kept


def price_a_unit(amount: Decimal, factor: Decimal) -> Decimal:
    """Of a pack's price that of each of the `factor` base units in it; one that is no pack keeps its own, exactly."""
    return amount if factor == ONE else (amount / factor).quantize(MILLIONTH)


def count_units(packs: Decimal, factor: Decimal) -> Decimal:
    """So many packs in base units, rounded up: a price from 3 crates on is one from 72 bottles on."""
    return (packs * factor).quantize(THOUSANDTH, ROUND_CEILING)
