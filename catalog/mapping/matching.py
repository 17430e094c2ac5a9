"""Exact and unique codes bind by themselves; whatever else happens is a conflict with words for a person."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from catalog.models import Binding, MappingConflict, Variant
from integrations.models import Connection

Type = MappingConflict.Type
MOST_CANDIDATES = 5
TAKEN = (Binding.State.BOUND, Binding.State.SUGGESTED, Binding.State.CONFLICT)


@dataclass(frozen=True, slots=True, kw_only=True)
class Article:
    """A remote article as far as it can be recognised."""

    external_id: str
    sku: str = ""
    barcode: str = ""
    title: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Match:
    """The variant an article is, or why nobody can tell. `candidates`: (variant id, code, reason) for a person."""

    variant_id: int | None = None
    reason: str = ""
    type: str = ""
    candidates: tuple[dict[str, Any], ...] = ()


def match_articles(connection: Connection, articles: Sequence[Article]) -> dict[str, Match]:
    """external id → Match, in three queries however many there are."""
    skus = {article.sku for article in articles if article.sku}
    barcodes = {article.barcode for article in articles if article.barcode}
    by_code = {row["code"]: row for row in _variants(connection, code__in=skus)}
    by_barcode = defaultdict(list)
    for row in _variants(connection, barcode__in=barcodes):
        by_barcode[row["barcode"]].append(row)
    claimed = _claimed(connection, articles, skus)
    return {
        article.external_id: _decide(article, by_code, by_barcode, claimed[article.sku] if article.sku else 1)
        for article in articles
    }


def _variants(connection: Connection, **wanted: Iterable[str]) -> list[dict[str, Any]]:
    rows = Variant.plain.filter(merchant_id=connection.merchant_id, **wanted)
    return list(rows.order_by("pk").values("pk", "code", "barcode", "name"))  # type: ignore[arg-type]


def _claimed(connection: Connection, articles: Sequence[Article], skus: set[str]) -> Counter[str]:
    """How many articles of this connection go by each code."""
    mine = {article.external_id: article.sku for article in articles}
    others = Binding.plain.filter(connection=connection, reference_code__in=skus, state__in=TAKEN)
    claims = dict(others.values_list("external_id", "reference_code")) | mine
    return Counter(claims.values())


def _decide(
    article: Article, by_code: dict[str, dict[str, Any]], by_barcode: dict[str, list[dict[str, Any]]], claims: int
) -> Match:
    same_barcode = by_barcode.get(article.barcode, []) if article.barcode else []
    if found := by_code.get(article.sku) if article.sku else None:
        if claims > 1:
            reason = f"{claims} articles there carry the code {article.sku}."
            return Match(type=Type.DUPLICATE_CODE, reason=reason, candidates=_candidates([found], "the same code"))
        return Match(variant_id=found["pk"], reason="the same code")
    if len(same_barcode) == 1:
        return Match(variant_id=same_barcode[0]["pk"], reason="the same barcode")
    if same_barcode:
        return Match(
            type=Type.AMBIGUOUS_MATCH,
            reason=f"{len(same_barcode)} of our articles carry the barcode {article.barcode}.",
            candidates=_candidates(same_barcode, "the same barcode"),
        )
    code = f"the code {article.sku}" if article.sku else "no code"
    return Match(type=Type.UNKNOWN_REFERENCE, reason=f"It has {code} there; none of our articles has it.")


def _candidates(rows: list[dict[str, Any]], reason: str) -> tuple[dict[str, Any], ...]:
    return tuple({"variant": row["pk"], "code": row["code"], "reason": reason} for row in rows[:MOST_CANDIDATES])
