"""Axis values: which of their words is which of ours, and what follows for every combination. Pure."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import product

from catalog.mapping.codes import fold

Pair = tuple[str, str]  # (their axis, their value): ("Farbe", "Rot")
MISSING, MISMATCH = "missing_combination", "axis_mismatch"


@dataclass(frozen=True, slots=True, kw_only=True)
class OurValue:
    """One value of one of our axes."""

    pk: int
    axis: str
    text: str
    code: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """What of theirs a value of ours seems to be, and why."""

    pair: Pair
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """The variant that follows for an article, or the type of conflict; `reason` says why in words."""

    variant_id: int | None = None
    type: str = ""
    reason: str = ""


def fold_pair(pair: Sequence[str]) -> Pair:
    return fold(str(pair[0])), fold(str(pair[1]))


def list_pairs(articles: Iterable[Iterable[Sequence[str]]]) -> list[Pair]:
    """Their axes' values in the order they come, each once."""
    seen: dict[Pair, Pair] = {}
    for pairs in articles:
        for axis, value in pairs:
            seen.setdefault(fold_pair((axis, value)), (axis, value))
    return list(seen.values())


# --- offers -----------------------------------------------------------------------------------------------------------


def offer_values(
    values: Sequence[OurValue],
    theirs: Sequence[Pair],
    *,
    synonyms: Mapping[tuple[str, str], Mapping[str, str]],
    bound: Sequence[tuple[frozenset[int], Sequence[Pair]]] = (),
) -> dict[int, Offer]:
    """Our value → the one of theirs it seems to be; a value in doubt is left out.

    `synonyms`: (our axis, our word), folded → their folded word → where it was learnt. `bound`: for articles bound
    already, our values and their pairs. Each of our axes is paired with the one of theirs that agrees most.
    """
    found = {value.pk: _hits(value, theirs, synonyms, _seen_with(values, bound)) for value in values}
    axes = _pair_axes(values, found)
    offers: dict[int, Offer] = {}
    for value in values:
        mine = [offer for offer in found[value.pk] if fold(offer.pair[0]) == axes.get(value.axis)]
        if len({fold_pair(offer.pair) for offer in mine}) == 1:
            offers[value.pk] = mine[0]
    used = Counter(fold_pair(offer.pair) for offer in offers.values())
    return {pk: offer for pk, offer in offers.items() if used[fold_pair(offer.pair)] == 1}


def _hits(
    value: OurValue,
    theirs: Sequence[Pair],
    synonyms: Mapping[tuple[str, str], Mapping[str, str]],
    seen: Mapping[int, Mapping[Pair, str]],
) -> list[Offer]:
    """What of theirs could be this value: the strongest reason alone, for each of their axes."""
    learnt = synonyms.get((fold(value.axis), fold(value.text)), {})
    reasons: dict[str, list[tuple[int, Offer]]] = defaultdict(list)
    for pair in theirs:
        axis, word = fold_pair(pair)
        reason: tuple[int, str] | None = None
        if (axis, word) in seen.get(value.pk, {}):
            reason = 0, f"an article mapped already is {value.text} here and {pair[1]} there"
        elif word == fold(value.text):
            reason = 1, "the same word"
        elif value.code and word == fold(value.code):
            reason = 2, f"the code of {value.text}"
        elif word in learnt:
            reason = 3, f"learnt: {value.text} ↔ {pair[1]}" + (f" ({learnt[word]})" if learnt[word] else "")
        if reason:
            reasons[axis].append((reason[0], Offer(pair=pair, reason=reason[1])))
    strongest = {axis: min(rank for rank, _ in offers) for axis, offers in reasons.items()}
    return [offer for axis, offers in reasons.items() for rank, offer in offers if rank == strongest[axis]]


def _seen_with(
    values: Sequence[OurValue], bound: Sequence[tuple[frozenset[int], Sequence[Pair]]]
) -> dict[int, dict[Pair, str]]:
    """Our value → their pairs that came with it each time, and with no other value of its axis."""
    axis_of = {value.pk: value.axis for value in values}
    together: dict[int, list[set[Pair]]] = defaultdict(list)
    owners: dict[tuple[str, Pair], set[int]] = defaultdict(set)
    for mine, pairs in bound:
        folded = {fold_pair(pair) for pair in pairs}
        for pk in mine & axis_of.keys():
            together[pk].append(folded)
            for pair in folded:
                owners[axis_of[pk], pair].add(pk)
    return {
        pk: {pair: "" for pair in set.intersection(*sets) if owners[axis_of[pk], pair] == {pk}}
        for pk, sets in together.items()
    }


def _pair_axes(values: Sequence[OurValue], found: Mapping[int, Sequence[Offer]]) -> dict[str, str]:
    """Our axis → their axis, folded: the pairs that agree on most values first, each axis once, a tie for nobody."""
    votes: Counter[tuple[str, str]] = Counter()
    for value in values:
        for axis in {fold(offer.pair[0]) for offer in found[value.pk]}:
            votes[value.axis, axis] += 2
    for ours, theirs in list(votes):
        votes[ours, theirs] += fold(ours) == theirs  # the same name decides between equals
    paired: dict[str, str] = {}
    while votes:
        most = max(votes.values())
        best = [pair for pair, count in votes.items() if count == most]
        clear = [
            pair for pair in best if not any(other != pair and (other[0] == pair[0] or other[1] == pair[1])
                                             for other in best)
        ]  # fmt: skip
        paired.update(clear)
        done = {axis for axis, _ in best}, {axis for _, axis in best}
        votes = Counter({pair: n for pair, n in votes.items() if pair[0] not in done[0] and pair[1] not in done[1]})
    return paired


# --- what follows -----------------------------------------------------------------------------------------------------


def follow(
    articles: Mapping[str, Sequence[Sequence[str]]],
    *,
    words: Mapping[Pair, int],
    values: Mapping[int, OurValue],
    combinations: Mapping[frozenset[int], int],
) -> dict[str, Outcome]:
    """external id → the variant its options lead to, or why none; exact and unique only.

    `words`: their folded pair → our value; `combinations`: the values of a variant → the variant, of one product.
    """
    axes = sorted({value.axis for value in values.values()})
    outcomes = {pk: _follow(pairs, words, values, combinations, axes) for pk, pairs in articles.items()}
    same = Counter(one.variant_id for one in outcomes.values() if one.variant_id)
    return {
        pk: Outcome(type=MISMATCH, reason=f"{same[one.variant_id]} articles there are {one.reason}.")
        if one.variant_id and same[one.variant_id] > 1
        else one
        for pk, one in outcomes.items()
    }


def _follow(
    pairs: Sequence[Sequence[str]],
    words: Mapping[Pair, int],
    values: Mapping[int, OurValue],
    combinations: Mapping[frozenset[int], int],
    axes: Sequence[str],
) -> Outcome:
    unknown = [f"“{value}” ({axis})" for axis, value in pairs if fold_pair((axis, value)) not in words]
    if unknown:
        return Outcome(type=MISMATCH, reason=f"Not mapped yet: {', '.join(unknown)}.")
    mine = [values[words[fold_pair(pair)]] for pair in pairs]
    counts = Counter(value.axis for value in mine)
    if missing := [axis for axis in axes if axis not in counts]:
        return Outcome(type=MISMATCH, reason=f"It has no {' and no '.join(missing)} there.")
    if twice := [axis for axis, count in counts.items() if count > 1]:
        return Outcome(type=MISMATCH, reason=f"It has two values for our {twice[0]}.")
    named = " / ".join(value.text for value in sorted(mine, key=lambda value: axes.index(value.axis)))
    variant = combinations.get(frozenset(value.pk for value in mine))
    if variant is None:
        return Outcome(type=MISSING, reason=f"We have no article {named}.")
    return Outcome(variant_id=variant, reason=named)


def list_missing(axes: Sequence[Sequence[int]], combinations: Iterable[frozenset[int]]) -> list[tuple[int, ...]]:
    """The combinations of these axes' values that no variant is."""
    there = set(combinations)
    return [one for one in product(*axes) if frozenset(one) not in there]
