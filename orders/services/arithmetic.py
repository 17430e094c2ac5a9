"""Why two systems come to different totals of one order: the tax rounded line by line, or once for each tax. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from django.utils.translation import gettext as _

from portal.base.money import describe_money, round_money

ZERO = Decimal(0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Taxed:
    """The net amount of one line at one tax; `rate` in percent."""

    code: str
    rate: Decimal
    net: Decimal


def by_line(parts: Sequence[Taxed], currency: str) -> Decimal:
    """The tax, rounded on every line."""
    return sum((round_money(one.net * one.rate / 100, currency) for one in parts), ZERO)


def by_tax(parts: Sequence[Taxed], currency: str) -> Decimal:
    """The tax, rounded once for each code on the sum of its lines."""
    sums: dict[str, Decimal] = {}
    for one in parts:
        sums[one.code] = sums.get(one.code, ZERO) + one.net * one.rate / 100
    return sum((round_money(amount, currency) for amount in sums.values()), ZERO)


def explain(net: Decimal, parts: Sequence[Taxed], totals: Sequence[tuple[str, Decimal]], currency: str) -> list[str]:
    """For every (name, total): which way of rounding the tax it is reproduced by, or that none does; nothing where all
    totals are one, or no rate is known. `net` is of all lines."""
    if len({total for _name, total in totals}) < 2 or not parts:
        return []
    ways = [
        (_("the tax rounded on every line"), net + by_line(parts, currency)),
        (_("the tax rounded once for each rate"), net + by_tax(parts, currency)),
    ]
    words = []
    for name, total in totals:
        found = [way for way, reached in ways if reached == total]
        reached = ", ".join(f"{way}: {describe_money(amount, currency)}" for way, amount in ways)
        if found:
            words.append(_("%(name)s: %(ways)s.") % {"name": name, "ways": _(" or ").join(found)})
        else:
            words.append(
                _("%(name)s: no way of rounding the tax comes to it (%(ways)s).") % {"name": name, "ways": reached}
            )
    return words
