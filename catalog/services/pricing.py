"""From a list's price to a shop's: pure arithmetic, and the words that explain it."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import ROUND_CEILING, ROUND_HALF_UP, Decimal

from django.utils.translation import gettext as _

from catalog.models import PriceRule
from portal.base.money import currency_quantum

ZERO, ONE, HUNDRED = Decimal(0), Decimal(1), Decimal(100)
Rounding = PriceRule.Rounding
# rounding → (step, offset): the amounts offset + n × step are the ones allowed.
GRIDS = {
    Rounding.FIVES: (Decimal("0.05"), ZERO),
    Rounding.WHOLE: (ONE, ZERO),
    Rounding.FIVE: (Decimal(5), ZERO),
    Rounding.END_99: (ONE, Decimal("0.99")),
    Rounding.END_95: (ONE, Decimal("0.95")),
    Rounding.END_90: (ONE, Decimal("0.90")),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What a rule does: × `factor`, or a `margin` in per cent of the selling price; then `plus` a base unit; then it is
    rounded. Amounts in `currency`."""

    currency: str
    factor: Decimal = ONE
    margin: Decimal | None = None
    plus: Decimal = ZERO
    rounding: str = Rounding.UNIT


@dataclass(frozen=True, slots=True, kw_only=True)
class Steps:
    """How a price came about: the list's `source`, `made` of it a base unit, × `pieces`, and what it ended at."""

    source: Decimal
    made: Decimal
    pieces: Decimal
    floor: Decimal | None
    price: Decimal

    @property
    def was_raised(self) -> bool:
        return self.floor is not None and self.made < self.floor


def get_terms(rule: PriceRule) -> Terms:
    margin = rule.margin if rule.method == PriceRule.Method.MARGIN else None
    return Terms(
        currency=rule.price_list.currency, factor=rule.factor, margin=margin, plus=rule.plus, rounding=rule.rounding
    )


def compute_price(source: Decimal, terms: Terms, *, pieces: Decimal = ONE, floor: Decimal | None = None) -> Steps:
    """The price of `pieces` base units (a crate = 24) from `source` a base unit, rounded once, at the end.

    `floor`: no base unit for less than this; then it is rounded up, never below it.
    """
    made = source * terms.factor if terms.margin is None else source / (1 - terms.margin / HUNDRED)
    made = max(ZERO, made + terms.plus)
    least = None if floor is None else floor * pieces
    price = round_price(max(made * pieces, least or ZERO), terms.rounding, terms.currency, least=least)
    return Steps(source=source, made=made, pieces=pieces, floor=floor, price=price)


def round_price(amount: Decimal, rounding: str, currency: str, *, least: Decimal | None = None) -> Decimal:
    """The nearest amount allowed, half up; never below `least`. Nothing becomes free by rounding: 0 only from 0."""
    if amount <= 0:
        return ZERO
    step, offset = find_grid(rounding, currency)
    point = _snap(amount, step, offset, ROUND_HALF_UP)
    if least is not None and point < least:
        point = _snap(least, step, offset, ROUND_CEILING)
    return max(point, offset or step)


def find_grid(rounding: str, currency: str) -> tuple[Decimal, Decimal]:
    quantum = currency_quantum(currency)
    return GRIDS[Rounding(rounding)] if rounding in GRIDS else (quantum, ZERO)


def check_rounding(rounding: str, currency: str) -> str:
    """Words where a currency has no such amounts: no yen ends in .99."""
    step, offset = find_grid(rounding, currency)
    quantum = currency_quantum(currency)
    if step % quantum or offset % quantum:
        label = Rounding(rounding).label.lower()
        return _("%(currency)s has no amounts of that kind (%(rounding)s): choose another rounding.") % {
            "currency": currency,
            "rounding": label,
        }
    return ""


def describe_price(steps: Steps, terms: Terms) -> str:
    """ "4.99 × 1.2 = 5.988, × 24 pieces = 143.712, to end in .99: 143.99 GBP" """
    if terms.margin is None:
        text = f"{plain(steps.source)} × {plain(terms.factor)}"
    else:
        text = _("%(source)s with %(margin)s %% margin") % {
            "source": plain(steps.source), "margin": plain(terms.margin),
        }  # fmt: skip
    if terms.plus:
        text += f" {'−' if terms.plus < 0 else '+'} {plain(abs(terms.plus))}"
    parts = [f"{text} = {plain(steps.made)}"]
    if steps.was_raised and steps.floor is not None:
        parts.append(_("raised to %(floor)s, below which it may not fall") % {"floor": plain(steps.floor)})
    unit = steps.made if steps.floor is None else max(steps.made, steps.floor)
    if steps.pieces != 1:
        pieces = plain(steps.pieces)
        parts.append(_("× %(pieces)s pieces = %(sum)s") % {"pieces": pieces, "sum": plain(unit * steps.pieces)})
    if steps.price != unit * steps.pieces:
        rounding = Rounding(terms.rounding)
        name = _("rounded") if rounding == Rounding.UNIT else str(rounding.label).lower()
        parts.append(f"{name}: {plain(steps.price)}")
    return f"{', '.join(parts)} {terms.currency}"


def plain(number: Decimal) -> str:
    """Without zeros at the end, four decimals at most: 1.2, 5.988, 24."""
    text = f"{number:.4f}"
    return text.rstrip("0").rstrip(".")


def _snap(amount: Decimal, step: Decimal, offset: Decimal, how: str) -> Decimal:
    return ((amount - offset) / step).to_integral_value(how) * step + offset
