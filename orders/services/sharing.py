"""An order's money in parts: what of each line is whose, so that the parts come to the order to the last cent. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from portal.base.money import allocate, currency_quantum

ZERO = Decimal(0)
AMOUNTS = ("discount", "net", "tax")


@dataclass(frozen=True, slots=True, kw_only=True)
class Money:
    """A line, or what of it is one part's; `quantity` of the shop's article."""

    quantity: Decimal
    discount: Decimal
    net: Decimal
    tax: Decimal

    @property
    def gross(self) -> Decimal:
        return self.net + self.tax


def share_goods(line: Money, quantities: Sequence[Decimal], currency: str) -> list[Money]:
    """The line by how many of it go where; what comes to nobody is nothing."""
    split = {name: _spread(getattr(line, name), quantities, currency) for name in AMOUNTS}
    return [
        Money(quantity=quantity, **{name: split[name][place] for name in AMOUNTS})
        for place, quantity in enumerate(quantities)
    ]


def share_extra(line: Money, weights: Sequence[Decimal], currency: str) -> list[Money]:
    """Shipping, a fee and the like by these weights; its quantity is on every part that has some of its money."""
    split = {name: _spread(getattr(line, name), weights, currency) for name in AMOUNTS}
    parts = [{name: split[name][place] for name in AMOUNTS} for place in range(len(weights))]
    return [Money(quantity=line.quantity if any(one.values()) else ZERO, **one) for one in parts]


def share_order(
    goods: Mapping[int, Money],
    extras: Mapping[int, Money],
    plan: Sequence[Mapping[int, Decimal]],
    *,
    by_value: bool,
    currency: str,
) -> list[dict[int, Money]]:
    """For every part of `plan` (line → quantity): line → its share. The quantities of a line come to the line's.

    Extras go with the first part or, `by_value`, by what the parts' goods come to.
    """
    shares: list[dict[int, Money]] = [{} for _ in plan]
    for pk, line in goods.items():
        _put(shares, pk, line, share_goods(line, [part.get(pk, ZERO) for part in plan], currency))
    values = [max(sum((one.gross for one in part.values()), ZERO), ZERO) for part in shares]
    first = [Decimal(place == 0) for place in range(len(plan))]
    for pk, line in extras.items():
        _put(shares, pk, line, share_extra(line, values if by_value and any(values) else first, currency))
    return shares


def _put(shares: list[dict[int, Money]], pk: int, line: Money, pieces: Sequence[Money]) -> None:
    """Where there is something of the line; one of nothing (a free delivery) is on the first part."""
    for part, piece in zip(shares, pieces, strict=True):
        if piece.quantity or piece.net or piece.tax:
            part[pk] = piece
    if not any(pk in part for part in shares):
        shares[0][pk] = line


def _spread(total: Decimal, weights: Sequence[Decimal], currency: str) -> list[Decimal]:
    """By the largest remainder; what is finer than the currency allows stays with the heaviest."""
    heaviest = max(range(len(weights)), key=lambda place: weights[place])
    if weights[heaviest] <= 0:
        return [total if place == heaviest else ZERO for place in range(len(weights))]
    fine = total % currency_quantum(currency)
    parts = allocate(total - fine, [max(weight, ZERO) for weight in weights], currency)
    parts[heaviest] += fine
    return parts
