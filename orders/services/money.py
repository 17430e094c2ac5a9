"""An order's sums: the store's amounts are the truth, and the lines must come to them in whole units. Pure.

A unit is the smallest amount of the currency: 0.01 GBP, 1 JPY, 0.001 KWD. Stores send finer amounts where they divide
(a price of a third, a tax of a seventh); nobody can book those, so they go to whole units by the largest remainder.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from decimal import ROUND_FLOOR, ROUND_HALF_UP, Decimal

from integrations.contract import records as r
from portal.base.money import currency_quantum, round_money

ROUNDING = "rounding"
ZERO = Decimal(0)
FINEST = Decimal("0.000001")  # what MoneyField keeps


class AmountMismatch(Exception):
    """The lines do not come to the order's total; the message says both."""


def storable(amount: Decimal) -> Decimal:
    """The amount in the millionths the database keeps; only unit prices, quotients of something, are ever finer."""
    return amount.quantize(FINEST, ROUND_HALF_UP)


def is_whole(amount: Decimal, currency: str) -> bool:
    """Whether the amount can be paid in this currency."""
    return amount % currency_quantum(currency) == 0


def round_lines(record: r.OrderRecord) -> tuple[r.OrderLineRecord, ...]:
    """The record's lines in whole units, each net + tax = gross; a line that is so already stays as it is."""
    currency = record.currency
    grosses = _in_units([line.gross for line in record.lines], currency)
    taxes = _in_units([line.tax for line in record.lines], currency)
    return tuple(
        replace(
            line,
            unit_price=storable(line.unit_price),
            discount=round_money(line.discount, currency),
            net=gross - tax,
            tax=tax,
            gross=gross,
            taxes=_round_taxes(line.taxes, tax, currency),
        )
        for line, gross, tax in zip(record.lines, grosses, taxes, strict=True)
    )


def balance_lines(record: r.OrderRecord) -> tuple[r.OrderLineRecord, ...]:
    """The record's lines in whole units, with a rounding line where they miss the total by no more than a unit each.

    Raises AmountMismatch beyond that, where a line's gross is not its net and tax (give or take a unit), and for a
    total nobody could pay.
    """
    unit, currency = currency_quantum(record.currency), record.currency
    for line in record.lines:
        if abs(line.net + line.tax - line.gross) > unit:
            raise AmountMismatch(f"Line {line.sku or line.name}: {line.net} + {line.tax} is not {line.gross}.")
    if not is_whole(record.total, currency):
        raise AmountMismatch(f"The total of {record.total} is finer than {currency} allows.")
    lines = round_lines(record)
    total = sum((line.gross for line in lines), ZERO)
    missing = record.total - total
    if not missing:
        return lines
    if not lines or abs(missing) > unit * len(lines):
        raise AmountMismatch(f"The lines come to {total} {currency}, the order to {record.total}.")
    rounding = r.OrderLineRecord(
        external_id=ROUNDING,
        kind=r.LineKind.ROUNDING,
        name="Rounding",
        unit_price=missing,
        net=missing,
        gross=missing,
    )
    return (*lines, rounding)


def balance_refund(refund: r.RefundRecord, currency: str) -> tuple[r.RefundLineRecord, ...]:
    """The refund's lines in whole units where they come to its amount, give or take a unit each; else none: then it is
    a free amount."""
    unit = currency_quantum(currency)
    grosses = [line.net + line.tax for line in refund.lines]
    if not grosses or abs(refund.amount - sum(grosses, ZERO)) > unit * len(grosses):
        return ()
    taxes = _in_units([line.tax for line in refund.lines], currency)
    return tuple(
        replace(line, net=gross - min(tax, gross), tax=min(tax, gross))
        for line, gross, tax in zip(refund.lines, _spread(grosses, refund.amount, unit), taxes, strict=True)
    )


def captured(payments: Sequence[r.PaymentRecord]) -> Decimal:
    """What the buyer has paid, refunds not subtracted."""
    return sum((payment.amount for payment in payments if payment.kind is r.PaymentKind.CAPTURE), ZERO)


def _round_taxes(taxes: Sequence[r.TaxRecord], tax: Decimal, currency: str) -> tuple[r.TaxRecord, ...]:
    """One a code, in whole units, coming to the line's tax where only rounding parts them."""
    merged: dict[str, r.TaxRecord] = {}
    for one in taxes:
        before = merged.get(one.code)
        merged[one.code] = replace(one, amount=one.amount + before.amount) if before else one
    amounts = [one.amount for one in merged.values()]
    unit = currency_quantum(currency)
    near = abs(sum(amounts, ZERO) - tax) <= unit * len(amounts)
    parts = _spread(amounts, tax, unit) if near else _in_units(amounts, currency)
    return tuple(replace(one, amount=part) for one, part in zip(merged.values(), parts, strict=True))


def _in_units(values: Sequence[Decimal], currency: str) -> list[Decimal]:
    return _spread(values, round_money(sum(values, ZERO), currency), currency_quantum(currency))


def _spread(values: Sequence[Decimal], target: Decimal, unit: Decimal) -> list[Decimal]:
    """`values` in whole units that come to `target`: the largest remainders are rounded up, what is still too much is
    taken from the largest."""
    if not values:
        return []
    units = [int((value / unit).to_integral_value(ROUND_FLOOR)) for value in values]
    left = round(target / unit) - sum(units)
    by_remainder = sorted(range(len(values)), key=lambda place: units[place] - values[place] / unit)
    for turn in range(left):
        units[by_remainder[turn % len(units)]] += 1
    for _ in range(-left):
        units[max(range(len(units)), key=units.__getitem__)] -= 1
    return [one * unit for one in units]
