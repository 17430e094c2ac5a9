"""Products of a shop: its articles are bound to our variants, never the other way round."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from catalog.mapping import Article, Match, match_articles
from catalog.models import Binding, MappingConflict
from catalog.services.axis_values import follow_new_articles
from catalog.services.binding import free, is_taken_off, match_fields, name_article, save_conflicts
from integrations.contract import records as r
from integrations.models import Connection
from integrations.sync.handlers import Applied

State = Binding.State
FIELDS = [
    *("parent_external_id", "reference_code", "barcode", "title", "options"),
    *("variant", "state", "reason", "score", "factor"),
]


def apply_shop(*, connection: Connection, records: Sequence[r.ProductRecord], at: datetime) -> Applied:
    """Note every article of the shop, and bind those whose code is exact and unique. A binding made stays made."""
    articles = {variant.external_id: (record, variant) for record in records for variant in record.variants}
    parents = [record.external_id for record in records]
    rows = Binding.plain.filter(connection=connection, external_id__in=list(articles))
    rows = rows | Binding.plain.filter(connection=connection, parent_external_id__in=parents)
    before = {row.external_id: row for row in rows.order_by("pk")}
    fresh = [
        Article(external_id=pk, sku=variant.sku, barcode=variant.barcode, title=name_article(record, variant))
        for pk, (record, variant) in articles.items()
        if _needs_a_look(before.get(pk), variant)
    ]
    matches = match_articles(connection, fresh)
    new: list[Binding] = []
    changed: list[Binding] = []
    touched: dict[str, bool] = {}  # product → whether it is new here
    for pk, (record, variant) in articles.items():
        is_new = pk not in before
        row = before.get(pk) or Binding(merchant_id=connection.merchant_id, connection=connection, external_id=pk)
        if _take_over(row, record, variant, matches.get(pk)) or is_new:
            (new if is_new else changed).append(row)
            touched[record.external_id] = touched.get(record.external_id, True) and is_new
    gone = _gone(records, before)
    touched |= {row.parent_external_id: False for row in gone}
    Binding.plain.bulk_create(new)
    Binding.plain.bulk_update([*changed, *gone], FIELDS)
    _say_why(new, changed, gone, matches, at)
    follow_new_articles(connection=connection, parents=list(touched), at=at)
    created = sum(touched.values())
    updated = len(touched) - created
    return Applied(created=created, updated=updated, unchanged=len(records) - created - updated)


def _needs_a_look(row: Binding | None, variant: r.VariantRecord) -> bool:
    """A new article, one that waits for a person, or one whose code was changed there."""
    if row is not None and is_taken_off(row):
        return row.reference_code != variant.sku[:100]  # a person has said that the code misleads
    if row is None or row.state in {State.CONFLICT, State.SUGGESTED, State.STALE}:
        return True
    return row.state == State.BOUND and row.reason.startswith("the same") and row.reference_code != variant.sku[:100]


def _take_over(row: Binding, record: r.ProductRecord, variant: r.VariantRecord, match: Match | None) -> bool:
    """Put what was read on the row; whether anything of it is new."""
    values: dict[str, Any] = {
        "parent_external_id": record.external_id,
        "reference_code": variant.sku[:100],
        "barcode": variant.barcode[:50],
        "title": name_article(record, variant)[:300],
        "options": [list(pair) for pair in variant.options],
    }
    is_same = all(getattr(row, name) == value for name, value in values.items())
    still_unknown = match is not None and match.type == MappingConflict.Type.UNKNOWN_REFERENCE
    if match is not None and not (still_unknown and is_same and row.state == State.SUGGESTED):
        values |= match_fields(match)
    changed = [name for name, value in values.items() if getattr(row, name) != value]
    for name in changed:
        setattr(row, name, values[name])
    return bool(changed)


def _gone(records: Sequence[r.ProductRecord], before: dict[str, Binding]) -> list[Binding]:
    """Articles of these products that are not there any more."""
    there = {
        record.external_id: set() if record.deleted else {variant.external_id for variant in record.variants}
        for record in records
    }
    rows = []
    for row in before.values():
        mine = there.get(row.parent_external_id)
        if mine is not None and row.external_id not in mine and row.state not in {State.STALE, State.IGNORED}:
            row.state, row.reason = State.STALE, "deleted there"
            rows.append(row)
    return rows


def _say_why(
    new: list[Binding], changed: list[Binding], gone: list[Binding], matches: dict[str, Match], at: datetime
) -> None:
    """Conflicts for what could not be bound, and freedom for what could."""
    looked_at = [row for row in [*new, *changed] if row.external_id in matches]
    free([row for row in looked_at if row.state == State.BOUND], at=at)
    deleted = Match(type=MappingConflict.Type.DELETED_AT_SOURCE, reason="It was deleted there.")
    unclear = [(row, matches[row.external_id]) for row in looked_at if row.state == State.CONFLICT]
    save_conflicts([*unclear, *((row, deleted) for row in gone)], at=at)
