"""What of an order goes where: the rules asked one after another. Pure.

Of every line of articles the first rule that takes it wins. A rule that goes on gets the whole order besides.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import ROUND_FLOOR, Decimal

from orders.models import RoutingRule
from orders.services.conditions import Facts, Goods, match_order, pick_goods

ZERO = Decimal(0)
Takes = RoutingRule.Takes
Stock = Mapping[tuple[int, int], Decimal]  # (location, variant) → base units that are free
Places = Mapping[int, Sequence[tuple[int, str]]]  # group → its locations and their names, in their order
Shares = dict[int, Decimal]  # line → how many of the shop's article


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """One part: how many of which lines, and why there. `is_copy`: the whole order, besides what the others get."""

    rule: RoutingRule
    location_id: int | None
    quantities: Mapping[int, Decimal]
    why: str
    is_copy: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """`untaken`: the lines no rule takes, or (without any) that none takes an order without articles."""

    targets: tuple[Target, ...]
    untaken: tuple[Goods, ...]

    @property
    def parts(self) -> list[Target]:
        return [one for one in self.targets if not one.is_copy]

    @property
    def is_complete(self) -> bool:
        return bool(self.parts) and not self.untaken


@dataclass(slots=True)
class _Draft:
    """A plan being made: what stock is left, which lines nobody has taken yet."""

    left: dict[tuple[int, int], Decimal]
    places: Places
    open: list[Goods]
    targets: list[Target] = field(default_factory=list)

    def free(self, place: int, goods: Goods) -> Decimal:
        return max(self.left.get((place, goods.variant_id or 0), ZERO), ZERO)

    def take(self, place: int, goods: Goods, quantity: Decimal) -> None:
        self.left[place, goods.variant_id or 0] = self.free(place, goods) - quantity * goods.factor

    def list_places(self, rule: RoutingRule) -> list[tuple[int, str]]:
        if rule.group_id:
            return list(self.places.get(rule.group_id, ()))
        return [(rule.location_id, "")] if rule.location_id else []


def make_plan(rules: Iterable[RoutingRule], facts: Facts, stock: Stock, places: Places) -> Plan:
    """Ask the rules, in the order given, until every line has its part."""
    draft = _Draft(dict(stock), places, list(facts.goods))
    for rule in rules:
        words = match_order(rule, facts)
        picked = pick_goods(rule, facts.goods if rule.goes_on else draft.open) if words is not None else None
        if words is None or picked is None or (rule.in_stock and not _has_all(draft, rule, picked[0])):
            continue
        words += picked[1]
        if rule.in_stock:
            words.append("all of it is in stock there")
        if rule.goes_on:
            draft.targets.append(_build(rule, rule.location_id, {}, words, is_copy=True))
            continue
        if not facts.goods and rule.takes == Takes.LINES:
            continue
        _assign(draft, rule, picked[0], words)
        draft.open = [one for one in draft.open if one not in picked[0]]
        if not draft.open:
            break
    return Plan(targets=tuple(draft.targets), untaken=tuple(draft.open))


def _assign(draft: _Draft, rule: RoutingRule, goods: Sequence[Goods], words: list[str]) -> None:
    """Of a group the first location that has everything; else, where the rule says so, each line where it is."""
    places = draft.list_places(rule)
    if not rule.group_id or not places or not goods:
        first = places[0][0] if places else None
        draft.targets.append(_build(rule, first, {one.line_id: one.quantity for one in goods}, words))
        if first is not None:
            for one in goods:
                draft.take(first, one, one.quantity)
        return
    whole = [place for place in places if _has_each(draft, place[0], goods)]
    split = not whole and rule.takes == Takes.STOCK
    found = _find_each(draft, rule, goods, places) if split else {}
    if not split:
        found = {(whole or places)[0][0]: {one.line_id: one.quantity for one in goods}}
    by_id = {one.line_id: one for one in goods}
    for place, name in places:
        if quantities := found.get(place):
            here = _describe_stock(draft, place, name, [(by_id[pk], n) for pk, n in quantities.items()])
            draft.targets.append(_build(rule, place, quantities, [*words, *here]))
            for pk, quantity in quantities.items():
                draft.take(place, by_id[pk], quantity)


def _find_each(
    draft: _Draft, rule: RoutingRule, goods: Sequence[Goods], places: Sequence[tuple[int, str]]
) -> dict[int, Shares]:
    """Each line at the first location that has all of it, or piece by piece where lines may be split; what is nowhere
    goes to the first."""
    left = _Draft(dict(draft.left), draft.places, [])
    found: dict[int, Shares] = {place: {} for place, _ in places}
    for one in goods:
        rest = one.quantity
        has_all = next((place for place, _ in places if left.free(place, one) >= one.needed), None)
        pieces: list[tuple[int, Decimal]] = [(has_all, rest)] if has_all is not None else []
        if not pieces and rule.split_lines:
            for place, _ in places:
                units = (left.free(place, one) / one.factor).to_integral_value(ROUND_FLOOR)
                if piece := min(units, rest):
                    pieces.append((place, piece))
                    rest -= piece
            if rest:
                pieces.append((places[0][0], rest))
        for place, quantity in pieces or [(places[0][0], rest)]:
            found[place][one.line_id] = found[place].get(one.line_id, ZERO) + quantity
            left.take(place, one, quantity)
    return found


def _needed(goods: Iterable[Goods]) -> dict[int, Decimal]:
    sums: dict[int, Decimal] = {}
    for one in goods:
        sums[one.variant_id or 0] = sums.get(one.variant_id or 0, ZERO) + one.needed
    return sums


def _has_each(draft: _Draft, place: int, goods: Sequence[Goods]) -> bool:
    return all(draft.left.get((place, variant), ZERO) >= quantity for variant, quantity in _needed(goods).items())


def _has_all(draft: _Draft, rule: RoutingRule, goods: Sequence[Goods]) -> bool:
    """Whether the rule's locations have it, together."""
    places = [place for place, _ in draft.list_places(rule)]
    return all(
        sum((max(draft.left.get((place, variant), ZERO), ZERO) for place in places), ZERO) >= quantity
        for variant, quantity in _needed(goods).items()
    )


def _describe_stock(draft: _Draft, place: int, name: str, pieces: Sequence[tuple[Goods, Decimal]]) -> list[str]:
    short = [one.name for one, quantity in pieces if quantity * one.factor > draft.free(place, one)]
    if not short:
        return [f"{name} has {', '.join(one.name for one, _ in pieces)}"]
    return [f"no location of its group has {', '.join(short)}"]


def _build(
    rule: RoutingRule,
    place: int | None,
    quantities: Mapping[int, Decimal],
    words: Sequence[str],
    *,
    is_copy: bool = False,
) -> Target:
    because = ", ".join(words) or "it takes everything"
    why = f"{rule.destination.name}, because rule {rule.position} “{rule.name}”: {because}."
    return Target(rule=rule, location_id=place, quantities=quantities, why=why[:500], is_copy=is_copy)
