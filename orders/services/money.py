"""An order's sums: the store's amounts are the truth, and the lines must come to them. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal

from integrations.contract import records as r
from portal.base.money import currency_quantum

ROUNDING = "rounding"
ZERO = Decimal(0)


class AmountMismatch(Exception):
    """The lines do not come to the order's total; the message says both."""


def balance_lines(record: r.OrderRecord) -> tuple[r.OrderLineRecord, ...]:
    """The record's lines, with a rounding line where they miss the total by no more than a unit each.

    Raises AmountMismatch beyond that, and where a line's gross is not its net and tax.
    """
    for line in record.lines:
        if line.net + line.tax != line.gross:
            raise AmountMismatch(f"Line {line.sku or line.name}: {line.net} + {line.tax} is not {line.gross}.")
    total = sum((line.gross for line in record.lines), ZERO)
    missing = record.total - total
    if not missing:
        return record.lines
    if abs(missing) > currency_quantum(record.currency) * max(1, len(record.lines)):
        raise AmountMismatch(f"The lines come to {total} {record.currency}, the order to {record.total}.")
    rounding = r.OrderLineRecord(
        external_id=ROUNDING,
        kind=r.LineKind.ROUNDING,
        name="Rounding",
        unit_price=missing,
        net=missing,
        gross=missing,
    )
    return (*record.lines, rounding)


def balance_refund(refund: r.RefundRecord, currency: str) -> tuple[r.RefundLineRecord, ...]:
    """The refund's lines where they come to its amount (the largest takes a difference of rounding), else none: then it
    is a free amount."""
    total = sum((line.net + line.tax for line in refund.lines), ZERO)
    missing = refund.amount - total
    if not missing:
        return refund.lines
    if not refund.lines or abs(missing) > currency_quantum(currency) * len(refund.lines):
        return ()
    lines = list(refund.lines)
    largest = max(range(len(lines)), key=lambda place: lines[place].net)
    lines[largest] = replace(lines[largest], net=lines[largest].net + missing)
    return tuple(lines)


def captured(payments: Sequence[r.PaymentRecord]) -> Decimal:
    """What the buyer has paid, refunds not subtracted."""
    return sum((payment.amount for payment in payments if payment.kind is r.PaymentKind.CAPTURE), ZERO)
