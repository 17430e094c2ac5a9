"""Proposing to people which of ours a shop's unknown articles are. Nothing is bound here."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import QuerySet

from catalog.mapping.suggestions import Candidate, Learnt, Ours, Theirs, pick, rank
from catalog.models import Binding, MappingConflict, Synonym, Variant
from catalog.services.binding import BACK_OFFICES, OPEN, is_taken_off
from catalog.services.changes import batches
from catalog.services.learning import MOST_LEARNT_FROM, read_learnt, read_values
from integrations.models import Connection

State = Binding.State
MOST_AT_ONCE = 20_000
SURE = 90  # a sibling of this score tells which product the others belong to
VARIANT_FIELDS = ("pk", "product_id", "code", "barcode", "name", "option_key", "product__name")


@dataclass(frozen=True, slots=True, kw_only=True)
class Suggested:
    """How many articles were looked at, and for how many there is a proposal now."""

    looked_at: int = 0
    suggested: int = 0


def suggest(*, connection_id: int, at: datetime) -> Suggested:
    """Look at every article of the shop that waits for a person, and say what it may be.

    An article whose code several carry, or that a person took off a variant, gets no proposal. The candidates, and the
    product of ours it most likely belongs to, stand in its open conflict.
    """
    connection = Connection.plain.get(pk=connection_id)
    if connection.role in BACK_OFFICES:
        return Suggested()
    rows = Binding.plain.filter(connection=connection, state__in=OPEN).order_by("pk")[:MOST_AT_ONCE]
    doubled = set(_open_conflicts(connection, MappingConflict.Type.DUPLICATE_CODE).values_list("binding_id", flat=True))
    waiting = {row.external_id: row for row in rows if row.pk not in doubled}
    if not waiting:
        return Suggested()
    ranked, homes = _rank(connection, list(waiting.values()))
    taken = _taken(connection, {one.variant.pk for found in ranked.values() for one in found})
    proposed = pick({pk: found for pk, found in ranked.items() if not is_taken_off(waiting[pk])}, taken)
    for some in batches(sorted(waiting.values(), key=lambda row: row.pk)):
        _save(some, ranked, proposed, homes, taken)
    return Suggested(looked_at=len(waiting), suggested=len(proposed))


def suggest_for_shops(*, merchant_id: int, at: datetime) -> int:
    """For each shop with articles that wait, after our own articles have changed; how many proposals there are."""
    shops = Connection.plain.filter(merchant_id=merchant_id).exclude(role__in=BACK_OFFICES).order_by("pk")
    return sum(suggest(connection_id=pk, at=at).suggested for pk in shops.values_list("pk", flat=True))


# What is compared ---------------------------------------------------------------------------------------------------


def _rank(connection: Connection, rows: Sequence[Binding]) -> tuple[dict[str, list[Candidate]], dict[str, set[int]]]:
    """The candidates of each article, and the products the siblings of each remote product belong to."""
    homes = _known_homes(connection, {row.parent_external_id for row in rows if row.parent_external_id})
    synonyms = _learn(connection)
    articles = [_read_article(row, homes) for row in rows]
    ranked = rank(articles, _read_ours(_active(connection)), synonyms=synonyms)
    # A product that only its siblings' candidates tell: look once more among its variants.
    for article in articles:
        best = ranked[article.external_id][:1]
        if article.parent and best and best[0].score >= SURE:
            homes[article.parent].add(best[0].variant.product)
    again = [
        replace(article, products=frozenset(homes[article.parent]))
        for article in articles
        if article.parent and homes[article.parent] - article.products
    ]
    again = [article for article in again if not ranked[article.external_id][:1] or _is_unsure(ranked, article)]
    if again:
        products = {pk for article in again for pk in article.products}
        nearby = _active(connection).filter(product_id__in=products)
        for external_id, found in rank(again, _read_ours(nearby), synonyms=synonyms).items():
            ranked[external_id] = _merge(ranked[external_id], found)
    return ranked, homes


def _is_unsure(ranked: Mapping[str, Sequence[Candidate]], article: Theirs) -> bool:
    return ranked[article.external_id][0].score < SURE


def _merge(first: Sequence[Candidate], second: Sequence[Candidate]) -> list[Candidate]:
    best: dict[int, Candidate] = {}
    for one in [*first, *second]:
        if one.variant.pk not in best or best[one.variant.pk].score < one.score:
            best[one.variant.pk] = one
    return sorted(best.values(), key=lambda one: (-one.score, one.variant.code))[: max(len(first), len(second))]


def _active(connection: Connection) -> QuerySet[Variant]:
    return Variant.plain.filter(merchant_id=connection.merchant_id, is_active=True)


def _read_ours(variants: QuerySet[Variant]) -> Iterator[Ours]:
    rows = variants.order_by("pk").values_list(*VARIANT_FIELDS)
    for pk, product, code, barcode, name, key, product_name in rows.iterator(chunk_size=2000):
        yield Ours(
            pk=pk, product=product, code=code, barcode=barcode, title=name or product_name, values=read_values(key)
        )


def _read_article(row: Binding, homes: Mapping[str, set[int]]) -> Theirs:
    return Theirs(
        external_id=row.external_id,
        parent=row.parent_external_id,
        code=row.reference_code,
        barcode=row.barcode,
        title=row.title,
        values=tuple(str(value) for _, value in row.options),
        products=frozenset(homes.get(row.parent_external_id, ())) if row.parent_external_id else frozenset(),
    )


def _known_homes(connection: Connection, parents: set[str]) -> dict[str, set[int]]:
    """Remote product → products of ours its articles are bound to."""
    found: dict[str, set[int]] = defaultdict(set)
    for some in batches(sorted(parents)):
        bound = Binding.plain.filter(connection=connection, parent_external_id__in=some, state=State.BOUND)
        for parent, product in bound.values_list("parent_external_id", "variant__product_id").distinct():
            found[parent].add(product)
    return found


def _learn(connection: Connection) -> dict[str, Learnt]:
    """What their option values are called here: from articles mapped already, in any shop of the merchant, and from
    axis values people mapped. Where two say different things, nothing."""
    words = read_learnt(connection.merchant_id)
    taught: dict[str, set[Learnt]] = defaultdict(set)
    synonyms = Synonym.plain.filter(merchant_id=connection.merchant_id).select_related("product")
    for row in synonyms.order_by("-learnt_at", "-pk")[:MOST_LEARNT_FROM]:
        taught[row.theirs].add(Learnt(ours=row.ours, source=row.product.name if row.product else ""))
    for theirs, found in taught.items():
        meanings = {one.ours for one in found} | ({words[theirs].ours} if theirs in words else set())
        if len(meanings) == 1:
            words[theirs] = min(found, key=lambda one: one.source)
        else:
            words.pop(theirs, None)
    return words


def _taken(connection: Connection, variants: set[int]) -> dict[int, str]:
    """Of these variants those an article there is already, and which."""
    found: dict[int, str] = {}
    for some in batches(sorted(variants)):
        for row in Binding.plain.filter(connection=connection, variant_id__in=some, state=State.BOUND):
            found[row.variant_id or 0] = str(row)
    return found


# What is written ---------------------------------------------------------------------------------------------------


def _open_conflicts(connection: Connection, *types: str) -> QuerySet[MappingConflict]:
    rows = MappingConflict.plain.filter(connection=connection, resolved_at__isnull=True, binding__isnull=False)
    return rows.filter(type__in=types) if types else rows


@transaction.atomic
def _save(
    read: Sequence[Binding],
    ranked: Mapping[str, Sequence[Candidate]],
    proposed: Mapping[str, Candidate],
    homes: Mapping[str, set[int]],
    taken: Mapping[int, str],
) -> None:
    """Write proposals on the articles that are still as they were when they were compared."""
    seen = {row.pk: row for row in read}
    rows = Binding.plain.select_for_update().filter(pk__in=list(seen), state__in=OPEN).order_by("pk")
    changed = []
    still: list[Binding] = []
    for row in rows:
        if not _is_same(row, seen[row.pk]):
            continue
        still.append(row)
        if not is_taken_off(row) and _propose(row, proposed.get(row.external_id)):
            changed.append(row)
    Binding.plain.bulk_update(changed, ["variant", "state", "score", "reason"])
    _write_candidates(still, ranked, homes, taken)


def _is_same(row: Binding, before: Binding) -> bool:
    names = ("reference_code", "barcode", "title", "options", "parent_external_id")
    return all(getattr(row, name) == getattr(before, name) for name in names)


def _propose(row: Binding, best: Candidate | None) -> bool:
    """Whether this changes the row."""
    if best is None:
        if row.state == State.CONFLICT:
            return False
        row.variant_id, row.state, row.score, row.reason = None, State.CONFLICT, 0, ""
        return True
    values = (best.variant.pk, State.SUGGESTED, best.score, best.reason[:200])
    if (row.variant_id, row.state, row.score, row.reason) == values:
        return False
    row.variant_id, row.state, row.score, row.reason = values
    return True


def _write_candidates(
    rows: Sequence[Binding],
    ranked: Mapping[str, Sequence[Candidate]],
    homes: Mapping[str, set[int]],
    taken: Mapping[int, str],
) -> None:
    by_binding = {row.pk: row for row in rows}
    open_ones = MappingConflict.plain.filter(binding_id__in=list(by_binding), resolved_at__isnull=True).order_by("pk")
    changed = []
    for conflict in open_ones:
        row = by_binding[conflict.binding_id or 0]
        found = ranked[row.external_id]
        candidates = [_show(one, taken) for one in found] or conflict.candidates
        product = _likely_product(found, homes.get(row.parent_external_id, set()) if row.parent_external_id else set())
        if (conflict.candidates, conflict.product_id) != (candidates, product):
            conflict.candidates, conflict.product_id = candidates, product
            changed.append(conflict)
    MappingConflict.plain.bulk_update(changed, ["candidates", "product"])


def _show(one: Candidate, taken: Mapping[int, str]) -> dict[str, Any]:
    row = one.as_row()
    return {**row, "taken": taken[one.variant.pk]} if one.variant.pk in taken else row


def _likely_product(found: Sequence[Candidate], homes: set[int]) -> int | None:
    """The product its siblings belong to, or else that of the best candidate."""
    if len(homes) == 1:
        return next(iter(homes))
    return found[0].variant.product if found else None
