"""Binding remote articles to variants, and freeing what waited for it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from django.db import transaction

from catalog.mapping import Article, Match, match_articles
from catalog.mapping.codes import list_barcode_forms
from catalog.models import Binding, MappingConflict, Variant
from catalog.services.content import refresh_wanted_products
from catalog.services.prices import refresh_wanted_prices
from catalog.services.stock import BATCH, lock_stock, refresh_wanted
from integrations.contract import records as r
from integrations.models import Connection, Hold
from integrations.sync.outbox import ring_on_commit
from integrations.sync.release import release

State = Binding.State
OPEN = (State.CONFLICT, State.SUGGESTED)  # a person is to decide
TAKEN_OFF = "taken off"  # begins the reason of an article a person has taken off a variant
MATCHED = ("duplicate_code", "ambiguous_match", "unknown_reference", "deleted_at_source")  # what matching says
BACK_OFFICES = (Connection.Role.BACK_OFFICE, Connection.Role.ACCOUNTING)


def name_article(product: r.ProductRecord, variant: r.VariantRecord) -> str:
    """What a person calls a remote article: platforms name a variant by its options alone, or by everything."""
    if not variant.name or variant.name == product.name:
        return product.name
    return variant.name if product.name in variant.name else f"{product.name}: {variant.name}"


def is_taken_off(row: Binding) -> bool:
    """A person took it off a variant: nothing binds or proposes it again but a person."""
    return row.state in OPEN and row.reason.startswith(TAKEN_OFF)


def hold_keys(binding: Binding) -> list[str]:
    """What waits for this article to be mapped: orders that sold it, and orders that must name it there."""
    keys = [f"binding:{binding.connection_id}:{binding.external_id}"]
    if binding.variant_id is not None:
        keys.append(f"variant:{binding.connection_id}:{binding.variant_id}")
    return [key[:200] for key in keys]  # as long as a Hold's


def free(rows: Sequence[Binding], *, at: datetime) -> int:
    """Everything that follows from articles having been bound; run in the transaction that bound them."""
    if not rows:
        return 0
    close_conflicts([row.pk for row in rows], "bound", at)
    merchant_id = rows[0].merchant_id
    variants = sorted({row.variant_id for row in rows if row.variant_id is not None})
    lock_stock(merchant_id=merchant_id, variant_ids=variants)
    refresh_wanted(merchant_id=merchant_id, variant_ids=variants, at=at)
    refresh_wanted_prices(merchant_id=merchant_id, variant_ids=variants, at=at)
    products = Variant.plain.filter(pk__in=variants).values_list("product_id", flat=True)
    refresh_wanted_products(merchant_id=merchant_id, product_ids=products, at=at)
    return sum(release(merchant_id=merchant_id, key=key, at=at) for key in _open_keys(merchant_id, rows))


def _open_keys(merchant_id: int, rows: Sequence[Binding]) -> list[str]:
    """Of all the keys these articles could free, those something really waits for."""
    keys = [key for row in rows for key in hold_keys(row)]
    found: set[str] = set()
    for start in range(0, len(keys), BATCH):
        waiting = Hold.plain.filter(merchant_id=merchant_id, key__in=keys[start : start + BATCH], ended_at__isnull=True)
        found.update(waiting.values_list("key", flat=True))
    return sorted(found)


def save_conflicts(pairs: Iterable[tuple[Binding, Match]], *, at: datetime) -> None:
    """Write down why articles could not be bound: one open conflict of a kind for each, in place of what was said of
    its code before."""
    pairs = list(pairs)
    wanted = {row.pk: match.type for row, match in pairs}
    open_ones = MappingConflict.plain.filter(binding_id__in=list(wanted), resolved_at__isnull=True)
    found = list(open_ones.values_list("pk", "binding_id", "type"))
    known = {(binding_id, kind) for _, binding_id, kind in found}
    replaced = [pk for pk, binding_id, kind in found if kind in MATCHED and kind != wanted[binding_id or 0]]
    if replaced:
        MappingConflict.plain.filter(pk__in=replaced).update(resolved_at=at, resolution="replaced")
    MappingConflict.plain.bulk_create(
        MappingConflict(
            merchant_id=row.merchant_id,
            connection_id=row.connection_id,
            binding=row,
            type=match.type,
            message=f"{row.title or row.reference_code or row.external_id}: {match.reason}"[:500],
            candidates=list(match.candidates),
            opened_at=at,
        )
        for row, match in pairs
        if (row.pk, match.type) not in known
    )


@transaction.atomic
def find_or_suggest_binding(
    *, connection: Connection, external_id: str, sku: str, barcode: str = "", title: str = "", at: datetime
) -> Binding:
    """The article an order names although it was never read: bound by its exact and unique code, else a conflict."""
    found = Binding.plain.filter(connection=connection, external_id=external_id).first()
    if found is not None:
        return found
    article = Article(external_id=external_id, sku=sku, barcode=barcode, title=title)
    match = match_articles(connection, [article])[external_id]
    row, created = Binding.plain.get_or_create(
        merchant_id=connection.merchant_id,
        connection=connection,
        external_id=external_id,
        defaults={
            "reference_code": sku[:100],
            "barcode": barcode[:50],
            "title": title[:300],
            **match_fields(match),
        },
    )
    if created and row.state == State.CONFLICT:
        save_conflicts([(row, match)], at=at)
        ring_on_commit("catalog.suggest", connection_id=connection.pk)
    elif created:
        free([row], at=at)
    return row


def match_fields(match: Match) -> dict[str, Any]:
    """What a match says of a binding."""
    values = {"variant_id": match.variant_id, "state": match.state, "reason": match.reason[:200], "score": 0}
    return values if match.factor is None else {**values, "factor": match.factor}


def match_again(*, merchant_id: int, codes: Sequence[str], barcodes: Sequence[str], at: datetime) -> int:
    """New variants of ours may be what shops' unknown articles were waiting for; how many were bound."""
    waiting = Binding.plain.filter(merchant_id=merchant_id, state__in=OPEN).select_related("connection")
    waiting = waiting.exclude(reason__startswith=TAKEN_OFF)  # a person has said that the code misleads
    forms = [form for barcode in barcodes for form in list_barcode_forms(barcode)]
    rows = waiting.filter(reference_code__in=codes) | waiting.filter(barcode__in=forms)
    by_connection: dict[int, list[Binding]] = {}
    for row in rows.order_by("pk"):
        if row.connection.role not in BACK_OFFICES:
            by_connection.setdefault(row.connection_id, []).append(row)
    return sum(_match_again(mine, at) for mine in by_connection.values())


def _match_again(rows: list[Binding], at: datetime) -> int:
    matches = match_articles(rows[0].connection, [to_article(row) for row in rows])
    bound = []
    for row in rows:
        match = matches[row.external_id]
        if match.variant_id is not None:
            for name, value in match_fields(match).items():
                setattr(row, name, value)
            bound.append(row)
    Binding.plain.bulk_update(bound, ["variant", "state", "reason", "score", "factor"])
    free(bound, at=at)
    return len(bound)


def to_article(row: Binding) -> Article:
    return Article(external_id=row.external_id, sku=row.reference_code, barcode=row.barcode, title=row.title)


def close_conflicts(binding_ids: Sequence[int], resolution: str, at: datetime) -> None:
    MappingConflict.plain.filter(binding_id__in=binding_ids, resolved_at__isnull=True).update(
        resolved_at=at, resolution=resolution
    )
