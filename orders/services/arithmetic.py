"""Why two systems come to different totals of one order: every way of rounding the tax, and which of them gives what
each system says. Pure.

Systems differ in three things: whether prices are net and the tax is added, or gross and it is taken out; whether it is
rounded on every line, once for each rate or once for the order; and where a half goes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_DOWN, ROUND_HALF_EVEN, ROUND_HALF_UP, Decimal
from enum import StrEnum
from itertools import product

from django.utils.translation import gettext as _

from portal.base.money import currency_quantum, describe_money

ZERO = Decimal(0)
HUNDRED = Decimal(100)


class Basis(StrEnum):
    NET = "net"
    GROSS = "gross"


class Level(StrEnum):
    LINE = "line"
    RATE = "rate"
    ORDER = "order"


class Half(StrEnum):
    UP = ROUND_HALF_UP
    EVEN = ROUND_HALF_EVEN
    DOWN = ROUND_HALF_DOWN


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One line: its amounts after discount, as exact as they are known, and the percents it is taxed at, by code."""

    net: Decimal
    gross: Decimal
    rates: tuple[tuple[str, Decimal], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    basis: Basis
    level: Level
    half: Half


@dataclass(frozen=True, slots=True, kw_only=True)
class Reached:
    """What the lines come to by one policy."""

    policy: Policy
    tax: Decimal
    total: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """What one system says they come to; `tax` is None where it does not say. `lines` are those it reckoned with."""

    name: str
    total: Decimal
    tax: Decimal | None
    lines: tuple[Line, ...]


POLICIES = tuple(
    Policy(basis=basis, level=level, half=half) for half, basis, level in product(Half, Basis, Level)
)  # the most usual first


def reckon(lines: Sequence[Line], policy: Policy, currency: str) -> Reached:
    """Tax and total of the lines by this policy, in whole units of the currency."""
    unit = currency_quantum(currency)

    def whole(amount: Decimal) -> Decimal:
        return amount.quantize(unit, policy.half.value)

    shares = [_share(line, policy.basis) for line in lines]
    if policy.level is Level.LINE:
        tax = sum((whole(amount) for share in shares for amount in share.values()), ZERO)
    else:
        sums: dict[str, Decimal] = {}
        for share in shares:
            for code, amount in share.items():
                sums[code] = sums.get(code, ZERO) + amount
        if policy.level is Level.RATE:
            tax = sum(map(whole, sums.values()), ZERO)
        else:
            tax = whole(sum(sums.values(), ZERO))
    amounts = [line.gross if policy.basis is Basis.GROSS else line.net for line in lines]
    if policy.level is Level.LINE:
        base = sum(map(whole, amounts), ZERO)
    else:
        base = whole(sum(amounts, ZERO))
    return Reached(policy=policy, tax=tax, total=base if policy.basis is Basis.GROSS else base + tax)


def find_policies(said: Said, currency: str) -> list[Policy]:
    """Every policy that gives what it says, the most usual first."""
    found = [reckon(said.lines, policy, currency) for policy in POLICIES]
    return [one.policy for one in found if one.total == said.total and said.tax in {None, one.tax}]


def explain(said: Sequence[Said], currency: str) -> list[str]:
    """For every system which rounding gives its total, or that none does; nothing of one without taxes."""
    return [_explain_one(one, currency) for one in said if any(line.rates for line in one.lines)]


def _explain_one(said: Said, currency: str) -> str:
    found = find_policies(said, currency)
    if found:
        return _("%(name)s: %(way)s.") % {"name": said.name, "way": describe(found)}
    reached = dict.fromkeys(reckon(said.lines, policy, currency).total for policy in POLICIES)
    totals = ", ".join(describe_money(total, currency) for total in reached)
    words = _("%(name)s: no way of rounding the tax comes to %(total)s (they come to %(totals)s), so it reckoned with"
              " other prices, quantities or rates.")  # fmt: skip
    return words % {"name": said.name, "total": describe_money(said.total, currency), "totals": totals}


def describe(policies: Sequence[Policy]) -> str:
    """The first of them in words; where a half goes only where it matters."""
    first = policies[0]
    alike = [one for one in policies if (one.basis, one.level) == (first.basis, first.level)]
    basis = {
        Basis.NET: _("the tax is added to net prices"),
        Basis.GROSS: _("the tax is taken out of gross prices"),
    }[first.basis]
    level = {
        Level.LINE: _("rounded on every line"),
        Level.RATE: _("rounded once for each rate"),
        Level.ORDER: _("rounded once for the order"),
    }[first.level]
    half = {
        Half.UP: _("halves up"),
        Half.EVEN: _("halves to the even digit"),
        Half.DOWN: _("halves down"),
    }[first.half]
    return f"{basis}, {level}" + (f", {half}" if len(alike) < len(Half) else "")


def _share(line: Line, basis: Basis) -> dict[str, Decimal]:
    """The exact tax of the line, by code."""
    whole = HUNDRED + sum((rate for _code, rate in line.rates), ZERO)
    shares: dict[str, Decimal] = {}
    for code, rate in line.rates:
        amount = line.gross * rate / whole if basis is Basis.GROSS else line.net * rate / HUNDRED
        shares[code] = shares.get(code, ZERO) + amount
    return shares
