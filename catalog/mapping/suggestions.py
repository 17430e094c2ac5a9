"""Which of our variants an unknown article may be: the candidates, ranked, with words why.

Candidates are found by keys (a code in another spelling, a trade item number, the family of a code, rare words of a
title), so that 10,000 articles and 10,000 variants are not compared each with each.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from rapidfuzz import fuzz, process

from catalog.mapping.codes import (
    barcode_key,
    fold,
    list_parts,
    list_stems,
    list_words,
    loosen_code,
    normalise_code,
    normalise_gtin,
)

MOST_CANDIDATES = 5
MOST_OF_A_WORD = 100  # a word more of our variants have than that tells nothing
MOST_BY_WORDS = 20
MOST_OF_A_FAMILY = 40  # of a larger one, those with the same options and the closest titles
LEAST_KEPT, LEAST_SUGGESTED = 30, 50
LEAD = 3  # points the best must be ahead, or nobody can tell
CLOSE_TITLE, FAR_TITLE = 70.0, 40.0
_SCORES = {
    "code": 100, "writing": 92, "zeros": 80, "part": 82, "family": 30, "gtin": 97, "barcode": 93,
    "options": 78, "learnt": 74, "options alone": 15, "title": 70,
}  # fmt: skip
_OTHER_GTIN, _OTHER_OPTIONS, _OTHER_TITLE = 40, 30, 15


@dataclass(frozen=True, kw_only=True)
class _Readable:
    """What an article is recognised by, theirs or ours; each spelling is worked out once."""

    code: str = ""
    barcode: str = ""
    title: str = ""
    values: tuple[str, ...] = ()  # of its options, in their order

    @cached_property
    def gtin(self) -> str:
        return normalise_gtin(self.barcode)

    @cached_property
    def bars(self) -> str:
        return barcode_key(self.barcode)

    @cached_property
    def spelt(self) -> str:
        return normalise_code(self.code)

    @cached_property
    def loose(self) -> str:
        return loosen_code(self.code)

    @cached_property
    def stems(self) -> tuple[str, ...]:
        return list_stems(self.code)

    @cached_property
    def parts(self) -> tuple[str, ...]:
        return list_parts(self.code)

    @cached_property
    def words(self) -> tuple[str, ...]:
        return tuple(sorted(set(list_words(" ".join([self.title, *self.values])))))

    @cached_property
    def text(self) -> str:
        return " ".join(self.words) if self.title else ""

    @cached_property
    def folded(self) -> tuple[str, ...]:
        return tuple(sorted(fold(value) for value in self.values))


@dataclass(frozen=True, kw_only=True)
class Theirs(_Readable):
    """A remote article. `products`: ours that its siblings belong to."""

    external_id: str
    parent: str = ""
    products: frozenset[int] = frozenset()


@dataclass(frozen=True, kw_only=True)
class Ours(_Readable):
    """A variant of ours; `title`: its name, or its product's where it has none of its own."""

    pk: int
    product: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """One variant it may be: `score` of 100 sure, and why."""

    variant: Ours
    score: int
    reason: str

    def as_row(self) -> dict[str, Any]:
        ours = self.variant
        return {
            "variant": ours.pk, "code": ours.code, "name": ours.title, "score": self.score, "reason": self.reason,
        }  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Learnt:
    """A folded value of ours; `source`: the product a person taught it on."""

    ours: str
    source: str = ""


Synonyms = Mapping[str, Learnt]  # their folded value → ours


def rank(
    articles: Sequence[Theirs], ours: Iterable[Ours], *, synonyms: Synonyms | None = None
) -> dict[str, list[Candidate]]:
    """external id → its candidates, the best first. `ours` is read once and only what some key finds is kept."""
    index = _Index(articles, ours)
    return {article.external_id: _rank(article, index.find(article), synonyms or {}) for article in articles}


def pick(ranked: Mapping[str, Sequence[Candidate]], taken: Iterable[int] = ()) -> dict[str, Candidate]:
    """The one candidate of an article that may be proposed: well ahead of its own others and of every other article
    that wants the same variant, and the variant not `taken` by an article there already."""
    gone = set(taken)
    wanted: dict[int, list[tuple[int, str, Candidate]]] = defaultdict(list)
    for external_id, candidates in ranked.items():
        free = [one for one in candidates if one.variant.pk not in gone]
        if not free or free[0].score < LEAST_SUGGESTED or free[0] is not candidates[0]:
            continue
        if len(free) > 1 and free[0].score - free[1].score < LEAD:
            continue
        wanted[free[0].variant.pk].append((free[0].score, external_id, free[0]))
    found = {}
    for rivals in wanted.values():
        rivals.sort(key=lambda one: -one[0])
        if len(rivals) == 1 or rivals[0][0] - rivals[1][0] >= LEAD:
            found[rivals[0][1]] = rivals[0][2]
    return found


def learn_values(pairs: Iterable[tuple[Sequence[str], Sequence[str]]]) -> dict[str, Learnt]:
    """What their option values are called here, from articles already mapped: (their values, ours) each. A pair counts
    where it is the only difference between the two, and where nothing contradicts it."""
    seen: dict[str, set[str]] = defaultdict(set)
    for theirs, ours in pairs:
        mine, others = Counter(map(fold, ours)), Counter(map(fold, theirs))
        left, right = list((others - mine).elements()), list((mine - others).elements())
        if len(left) == len(right) == 1:
            seen[left[0]].add(right[0])
    return {their: Learnt(ours=next(iter(ours))) for their, ours in seen.items() if len(ours) == 1}


class _Index:
    """Our variants by what an article may be found by."""

    def __init__(self, articles: Sequence[Theirs], ours: Iterable[Ours]) -> None:
        self.spelt: dict[str, list[Ours]] = {}
        self.loose: dict[str, list[Ours]] = {}
        self.barcode: dict[str, list[Ours]] = {}
        self.family: dict[str, list[Ours]] = {}
        self.product: dict[int, list[Ours]] = {}
        self.word: dict[str, list[Ours]] = {}
        for article in articles:
            self._want(article)
        for variant in ours:
            self._keep(variant)

    def _want(self, article: Theirs) -> None:
        for key in (article.spelt, *article.parts):
            if key:
                self.spelt.setdefault(key, [])
                self.family.setdefault(key, [])
        for stem in article.stems:
            self.family.setdefault(stem, [])
        if article.loose:
            self.loose.setdefault(article.loose, [])
        if article.bars:
            self.barcode.setdefault(article.bars, [])
        for pk in article.products:
            self.product.setdefault(pk, [])
        for word in article.words:
            self.word.setdefault(word, [])

    def _keep(self, variant: Ours) -> None:
        for index, key in (
            (self.spelt, variant.spelt),
            (self.loose, variant.loose),
            (self.barcode, variant.bars),
        ):
            if key in index:
                index[key].append(variant)
        for stem in {variant.spelt, *variant.stems}:
            if stem in self.family:
                self.family[stem].append(variant)
        if variant.product in self.product:
            self.product[variant.product].append(variant)
        for word in variant.words:
            found = self.word.get(word)
            if found is not None and len(found) <= MOST_OF_A_WORD:
                found.append(variant)

    def find(self, article: Theirs) -> dict[int, tuple[Ours, bool]]:
        """variant → whether it is of the article's family."""
        near = [*self.spelt.get(article.spelt, ()), *self.loose.get(article.loose, ())]
        near += [one for part in article.parts for one in self.spelt.get(part, ())]
        near += self.barcode.get(article.bars, ())
        homes = [one for pk in article.products for one in self.product.get(pk, ())]
        stems = dict.fromkeys([article.spelt, *article.stems, *article.parts])
        kin = [one for stem in stems for one in self.family.get(stem, ())]
        family = {one.pk: one for one in [*homes, *kin]}
        found = {one.pk: (one, False) for one in [*near, *self._by_words(article)]}
        return found | {one.pk: (one, True) for one in _closest(article, list(family.values()))}

    def _by_words(self, article: Theirs) -> list[Ours]:
        """Those that share the most telling words with its title."""
        weights: Counter[int] = Counter()
        variants: dict[int, Ours] = {}
        for word in article.words:
            rows = self.word.get(word, ())
            if 0 < len(rows) <= MOST_OF_A_WORD:
                for one in rows:
                    weights[one.pk] += MOST_OF_A_WORD // len(rows) + 1
                    variants[one.pk] = one
        return [variants[pk] for pk, _ in weights.most_common(MOST_BY_WORDS)]


def _closest(article: Theirs, family: list[Ours]) -> list[Ours]:
    if len(family) <= MOST_OF_A_FAMILY:
        return family
    same = [one for one in family if article.folded and article.folded == one.folded]
    titles = process.extract(
        article.text, [one.text for one in family], scorer=fuzz.token_set_ratio, limit=MOST_BY_WORDS
    )
    close = [family[place] for _, _, place in titles]
    return list({one.pk: one for one in [*same[:MOST_BY_WORDS], *close]}.values())


def _rank(article: Theirs, found: Mapping[int, tuple[Ours, bool]], synonyms: Synonyms) -> list[Candidate]:
    ranked = [_score(article, ours, synonyms, is_kin=is_kin) for ours, is_kin in found.values()]
    kept = [one for one in ranked if one.score >= LEAST_KEPT]
    return sorted(kept, key=lambda one: (-one.score, one.variant.code))[:MOST_CANDIDATES]


def _score(article: Theirs, ours: Ours, synonyms: Synonyms, *, is_kin: bool) -> Candidate:
    """Evidence for it adds up as chances do; evidence against it is taken off."""
    reasons: list[tuple[float, str]] = []
    against = 0.0
    if code := _compare_codes(article, ours):
        reasons.append(code)
    if is_kin and ours.product in article.products:
        reasons.append((_SCORES["family"], "its siblings are of the same product"))
    elif is_kin and code is None:
        reasons.append((_SCORES["family"], "its code begins alike"))
    if article.gtin and article.gtin == ours.gtin:
        reasons.append((_SCORES["gtin"], "the same barcode"))
    elif article.bars and article.bars == ours.bars:
        reasons.append((_SCORES["barcode"], "the same barcode"))
    elif article.gtin and ours.gtin:
        against += _OTHER_GTIN
    options, misfit = _compare_options(article, ours, synonyms, is_kin=is_kin)
    reasons += options
    against += misfit
    title = fuzz.ratio(article.text, ours.text) if article.text and ours.text else 50.0
    if title >= CLOSE_TITLE:
        reasons.append((_SCORES["title"] * title / 100, f"the titles are {title:.0f} % alike"))
    elif title < FAR_TITLE:
        against += _OTHER_TITLE
    doubt = 1.0
    for weight, _ in reasons:
        doubt *= 1 - weight / 100
    is_exact = code is not None and code[0] == _SCORES["code"] and not against
    score = 100 if is_exact else min(99, max(0, int(100 * (1 - doubt) - against)))
    words = "; ".join(text for _, text in sorted(reasons, key=lambda one: -one[0]))
    return Candidate(variant=ours, score=score, reason=words[:1].upper() + words[1:])


def _compare_codes(article: Theirs, ours: Ours) -> tuple[float, str] | None:
    if not article.spelt or not ours.spelt:
        return None
    if article.code == ours.code:
        return _SCORES["code"], "the same code"
    if article.spelt == ours.spelt:
        return _SCORES["writing"], "the same code in another spelling"
    if article.loose == ours.loose:
        return _SCORES["zeros"], "the same code but for leading zeros"
    if ours.spelt in article.parts:
        return _SCORES["part"], f"its code holds {ours.code}"
    return None


def _compare_options(
    article: Theirs, ours: Ours, synonyms: Synonyms, *, is_kin: bool
) -> tuple[list[tuple[float, str]], float]:
    """Words for options that agree, or what is to be taken off where they do not."""
    if not article.values or not ours.values:
        return [], 0.0
    known = tuple(sorted(synonyms[value].ours if value in synonyms else value for value in article.folded))
    shown = ", ".join(ours.values)
    if article.folded == ours.folded:
        return [(_SCORES["options" if is_kin else "options alone"], f"the options match: {shown}")], 0.0
    if known == ours.folded:
        sources = sorted({synonyms[value].source for value in article.folded if value in synonyms} - {""})
        where = f" (learnt on {', '.join(sources)})" if sources else ""
        words = f"the options match, as you mapped before: {', '.join(article.values)} is {shown} here{where}"
        return [(_SCORES["learnt" if is_kin else "options alone"], words)], 0.0
    # Values in another language or spelling are no contradiction; a value of ours that is another variant's would be.
    return [], float(_OTHER_OPTIONS) if len(known) == len(ours.folded) and set(known) & set(ours.folded) else 0.0
