"""Exact and unique codes bind by themselves; whatever else happens is a conflict with words for a person."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from catalog.mapping.codes import barcode_key, list_barcode_forms
from catalog.models import Binding, MappingConflict, RememberedCode, Variant
from integrations.models import Connection

Type = MappingConflict.Type
MOST_CANDIDATES = 5
TAKEN = (Binding.State.BOUND, Binding.State.SUGGESTED, Binding.State.CONFLICT)
SAME_CODE, SAME_BARCODE, REMEMBERED = "the same code", "the same barcode", "the same code as chosen before"
SCORES = {SAME_CODE: 100, SAME_BARCODE: 97}
Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Article:
    """A remote article as far as it can be recognised."""

    external_id: str
    sku: str = ""
    barcode: str = ""
    title: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Match:
    """The variant an article is, or why nobody can tell. `candidates`: {"variant", "code", "name", "score", "reason"}
    for a person. `factor`: base units, where a person said so before. `ignored`: he said that it is none of ours."""

    variant_id: int | None = None
    reason: str = ""
    type: str = ""
    candidates: tuple[dict[str, Any], ...] = ()
    factor: Decimal | None = None
    ignored: bool = False

    @property
    def state(self) -> str:
        if self.ignored:
            return Binding.State.IGNORED
        return Binding.State.BOUND if self.variant_id is not None else Binding.State.CONFLICT


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What is to be known for recognising some articles of one connection.

    `ours`: variants {"pk", "code", "barcode", "name"} of their codes and barcodes; `others`: its other articles that
    carry one of those; `taken`: variant → the article there that has it; `remembered`: code → (variant or None,
    factor), as a person decided.
    """

    ours: Sequence[Row]
    others: Sequence[Article] = ()
    taken: Mapping[int, str] = field(default_factory=dict)
    remembered: Mapping[str, tuple[int | None, Decimal]] = field(default_factory=dict)


def match_articles(connection: Connection, articles: Sequence[Article]) -> dict[str, Match]:
    """external id → Match, in at most five queries however many there are."""
    return decide(articles, _learn(connection, articles)) if articles else {}


def _learn(connection: Connection, articles: Sequence[Article]) -> Known:
    skus = {article.sku for article in articles if article.sku}
    forms = {form for article in articles for form in list_barcode_forms(article.barcode)}
    variants = Variant.plain.filter(merchant_id=connection.merchant_id)
    found = variants.filter(code__in=skus).values("pk", "code", "barcode", "name")
    ours = {row["pk"]: row for row in found}
    if forms:
        found = variants.filter(barcode__in=forms).values("pk", "code", "barcode", "name")
        ours |= {row["pk"]: row for row in found}
    mine = {article.external_id for article in articles}
    bindings = Binding.plain.filter(connection=connection)
    codes = skus | {row["code"] for row in ours.values()}
    forms |= {form for row in ours.values() for form in list_barcode_forms(row["barcode"])}
    rivals = bindings.filter(reference_code__in=codes) | bindings.filter(barcode__in=forms)
    rows = rivals.filter(state__in=TAKEN).values_list("external_id", "reference_code", "barcode")
    others = [Article(external_id=pk, sku=code, barcode=bars) for pk, code, bars in rows if pk not in mine]
    taken: dict[int, str] = {}
    bound = bindings.filter(variant_id__in=list(ours), state=Binding.State.BOUND).order_by("pk")
    for variant_id, pk in bound.values_list("variant_id", "external_id"):
        if variant_id is not None and pk not in mine:
            taken.setdefault(variant_id, pk)
    decided = RememberedCode.plain.filter(connection=connection, code__in=skus)
    return Known(
        ours=sorted(ours.values(), key=lambda row: row["pk"]),
        others=others,
        taken=taken,
        remembered={row.code: (row.variant_id, row.factor) for row in decided},
    )


def decide(articles: Sequence[Article], known: Known) -> dict[str, Match]:
    """external id → Match. A code or barcode that several articles there carry tells none of them apart, and one of
    our variants that several claim is nobody's: each of them is for a person."""
    return _Decision(articles, known).matches()


class _Decision:
    def __init__(self, articles: Sequence[Article], known: Known) -> None:
        self.articles, self.known = articles, known
        self.by_code = {row["code"]: row for row in known.ours}
        self.by_barcode: dict[str, list[Row]] = defaultdict(list)
        for row in known.ours:
            self.by_barcode[barcode_key(row["barcode"])].append(row)
        everybody = [*articles, *known.others]
        self.codes = _group((one.sku, one.external_id) for one in everybody)
        self.barcodes = _group((barcode_key(one.barcode), one.external_id) for one in everybody)
        claims: dict[int, set[str]] = defaultdict(set)
        for one in everybody:
            for row in self._claim(one):
                claims[row["pk"]].add(one.external_id)
        self.claims = claims

    def matches(self) -> dict[str, Match]:
        return {article.external_id: self._decide(article) for article in self.articles}

    def _claim(self, article: Article) -> list[Row]:
        """The variants its code and its barcode name, where either is its own alone there, the code's first."""
        code = self.by_code.get(article.sku) if article.sku else None
        key = barcode_key(article.barcode)
        rows = self.by_barcode.get(key, []) if key and len(self.barcodes[key]) == 1 else []
        found = [code] if code is not None and len(self.codes[article.sku]) == 1 else []
        return [*found, *(row for row in rows if len(rows) == 1 and row not in found)]

    def _decide(self, article: Article) -> Match:
        code, key = article.sku, barcode_key(article.barcode)
        if code and len(self.codes[code]) > 1:
            ours = [self.by_code[code]] if code in self.by_code else []
            if ours or code in self.known.remembered:
                words = f"{len(self.codes[code])} articles there carry the code {code}."
                return _conflict(Type.DUPLICATE_CODE, words, ours, SAME_CODE)
        elif code in self.known.remembered:
            variant_id, factor = self.known.remembered[code]
            return Match(variant_id=variant_id, factor=factor, reason=REMEMBERED, ignored=variant_id is None)
        claimed = self._claim(article)
        if len(claimed) > 1:
            words = f"Its code is {claimed[0]['code']} here, its barcode {claimed[1]['code']}."
            return _conflict(Type.AMBIGUOUS_MATCH, words, claimed, SAME_CODE, SAME_BARCODE)
        if claimed:
            return self._take(article, claimed[0])
        if rows := self.by_barcode.get(key, []) if key else []:
            if len(rows) > 1:
                words = f"{len(rows)} of our articles carry the barcode {article.barcode}."
                return _conflict(Type.AMBIGUOUS_MATCH, words, rows, SAME_BARCODE)
            words = f"{len(self.barcodes[key])} articles there carry the barcode {article.barcode}."
            return _conflict(Type.DUPLICATE_CODE, words, rows, SAME_BARCODE)
        words = f"the code {code}" if code else "no code"
        return Match(type=Type.UNKNOWN_REFERENCE, reason=f"It has {words} there; none of our articles has it.")

    def _take(self, article: Article, row: Row) -> Match:
        reason = SAME_CODE if row["code"] == article.sku else SAME_BARCODE
        if len(self.claims[row["pk"]]) > 1:
            words = f"{len(self.claims[row['pk']])} articles there are {row['code']} by their code or barcode."
            return _conflict(Type.DUPLICATE_CODE, words, [row], reason)
        if row["pk"] in self.known.taken:
            words = f"{row['code']} is the article {self.known.taken[row['pk']]} there already."
            return _conflict(Type.DUPLICATE_CODE, words, [row], reason)
        return Match(variant_id=row["pk"], reason=reason)


def _group(pairs: Iterable[tuple[str, str]]) -> dict[str, set[str]]:
    """key → who has it."""
    found: dict[str, set[str]] = defaultdict(set)
    for key, value in pairs:
        found[key].add(value)
    return found


def _conflict(kind: str, words: str, rows: Sequence[Row], *reasons: str) -> Match:
    """Nobody can tell; `reasons` of the candidates in their order, the last for all that follow."""
    given = [reasons[min(place, len(reasons) - 1)] for place in range(len(rows))]
    candidates = tuple(
        {"variant": row["pk"], "code": row["code"], "name": row["name"], "score": SCORES[reason], "reason": reason}
        for row, reason in zip(rows[:MOST_CANDIDATES], given, strict=False)
    )
    return Match(type=kind, reason=words, candidates=candidates)
