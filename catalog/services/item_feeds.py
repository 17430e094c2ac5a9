"""Files of items: rows become products with their articles, which are taken over as if they had been pulled."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, ClassVar

from django.utils.translation import gettext as _

from catalog.mapping.feed_rows import Field, RowNote
from catalog.mapping.item_rows import FIELDS, SKU, parse_item
from catalog.models import Feed
from catalog.services import record_staging as staging
from catalog.services.articles import apply_back_office
from catalog.services.feed_kinds import is_too_many
from catalog.services.item_records import build_record, read_known
from catalog.services.record_feeds import RecordFeed, Tally
from catalog.services.record_staging import Family
from integrations.contract import records as r
from integrations.sync.handlers import Applied
from integrations.sync.runs import Counts

GONE_AT_ONCE = 500  # products
# Field of a product → the column that says it.
SAID_BY = {"name": "name", "description": "description", "brand": "brand", "categories": "categories",
           "image_urls": "images"}  # fmt: skip
# Articles of the connection that are there still, and whether the file names them.
_NAMED = """
SELECT b.parent_external_id AS parent, CASE WHEN
    EXISTS (SELECT 1 FROM feed_records f WHERE f.key = b.external_id)
    OR EXISTS (SELECT 1 FROM feed_records f WHERE f.key = b.reference_code) THEN 0 ELSE 1 END AS gone
FROM catalog_binding b WHERE b.merchant_id = %(merchant)s AND b.connection_id = %(connection)s AND b.state <> 'stale'
  AND b.parent_external_id <> ''"""
_GONE_PRODUCTS = f"SELECT parent FROM ({_NAMED}) n GROUP BY parent HAVING SUM(gone) = COUNT(*)"  # noqa: S608


class ItemFeed(RecordFeed):
    """A complete one says that what it leaves out is gone, as a back office does that deleted it."""

    fields: ClassVar[tuple[Field, ...]] = FIELDS
    key_field: ClassVar[str] = SKU
    has_options: ClassVar[bool] = True
    has_numbers: ClassVar[bool] = False

    def parse(self, texts: Mapping[str, str]) -> dict[str, Any]:
        return parse_item(texts)

    def apply(self, page: Sequence[Family], at: datetime) -> Tally:
        known = read_known(self.connection, page)
        tally, records = Tally(), list[r.ProductRecord]()
        complete = self.feed.mode == Feed.Mode.COMPLETE
        for family in page:
            made = build_record(family, known, self.feed.columns, keeps_others=not complete)
            if isinstance(made, RowNote):
                tally.refuse(made)
            else:
                records.append(made)
        leave = frozenset(name for name, column in SAID_BY.items() if column not in self.feed.columns)
        _count(tally, apply_back_office(connection=self.connection, records=records, at=at, leave=leave))
        return tally

    def count_gone(self) -> tuple[int, str]:
        ((gone, everything),) = staging.select(
            f"SELECT COALESCE(SUM(gone), 0), COUNT(*) FROM ({_NAMED}) n",  # noqa: S608
            self._params(),
        )
        ((products,),) = staging.select(f"SELECT COUNT(*) FROM ({_GONE_PRODUCTS}) p", self._params())  # noqa: S608
        if not is_too_many(gone, everything):
            return products, ""
        words = _("%(gone)s of %(all)s articles are not in it and would be gone. Is the file really complete?")
        return products, words % {"gone": gone, "all": everything}

    def apply_gone(self, at: datetime) -> Tally:
        gone = staging.select(f"{_GONE_PRODUCTS} ORDER BY parent LIMIT {GONE_AT_ONCE}", self._params())
        records = [r.ProductRecord(external_id=parent, name="", deleted=True) for (parent,) in gone]
        tally = Tally()
        if records:
            _count(tally, apply_back_office(connection=self.connection, records=records, at=at))
        return tally

    def _params(self) -> dict[str, Any]:
        return {"merchant": self.merchant_id, "connection": self.connection.pk}


def _count(tally: Tally, applied: Applied) -> None:
    tally.counts = Counts(
        created=applied.created,
        updated=applied.updated,
        unchanged=applied.unchanged,
        skipped=len(applied.skipped),
        failed=tally.counts.failed,
    )
