"""Files of prices: into the back office's price lists, and what was paid for the last goods that came in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, ClassVar
from zoneinfo import ZoneInfo

from django.db import connection as database
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from catalog.mapping.feed_rows import Field
from catalog.mapping.price_rows import ARTICLE, FIELDS, INWARD_PRICE, PRICE, parse_price
from catalog.models import Price
from catalog.services import record_staging as staging
from catalog.services.feed_kinds import is_too_many
from catalog.services.price_lines import PricePage
from catalog.services.price_lists import look_again
from catalog.services.prices import refresh_wanted_prices
from catalog.services.record_feeds import RecordFeed, Tally
from catalog.services.record_staging import Family
from integrations.sync.runs import Counts
from portal.base.tables import Table, TableError

ENDED_AT_ONCE = 1_000
# Prices of the lists the file speaks of that hold still, or will, and that it leaves out.
_LEFT = """
FROM catalog_price p WHERE p.merchant_id = %(merchant)s AND p.price_list_id IN (SELECT owner FROM feed_kept)
  AND (p.valid_until IS NULL OR p.valid_until > %(at)s)"""
_GONE = f"{_LEFT} AND NOT EXISTS (SELECT 1 FROM feed_kept k WHERE k.id = p.id)"  # noqa: S608


class PriceFeed(RecordFeed):
    """A complete one says that what it leaves out of a list has no price there any more."""

    fields: ClassVar[tuple[Field, ...]] = FIELDS
    key_field: ClassVar[str] = ARTICLE
    identifies: ClassVar[bool] = True

    def require(self, table: Table) -> None:
        super().require(table)
        if not {PRICE, INWARD_PRICE} & set(self.feed.columns):
            words = f"No column is said to be the price. The file has: {', '.join(table.header)}."
            raise TableError("header_wrong", words)

    def prepare(self) -> None:
        self._zone = ZoneInfo(self.connection.merchant.time_zone)

    def parse(self, texts: Mapping[str, str]) -> dict[str, Any]:
        return parse_price(texts, decimal_comma=self.feed.decimal_comma, zone=self._zone)

    def apply(self, page: Sequence[Family], at: datetime) -> Tally:
        work = PricePage(feed=self.feed, at=at)
        tally = work.write([family.rows[0] for family in page])
        refresh_wanted_prices(merchant_id=self.merchant_id, variant_ids=work.touched, at=at)
        for price_list_id, moments in work.moments.items():
            look_again(price_list_id, moments, at)
        return tally

    def describe_moves(self, tally: Tally) -> str:
        if not tally.moved:
            return ""
        words = ngettext(
            "%(count)s price would move by more than 30 %%: %(examples)s.",
            "%(count)s prices would move by more than 30 %%: %(examples)s.",
            tally.moved,
        )
        return words % {"count": tally.moved, "examples": "; ".join(tally.moves[:3])}

    def count_gone(self) -> tuple[int, str]:
        ((gone,),) = staging.select(f"SELECT COUNT(*) {_GONE}", self._params())
        ((everything,),) = staging.select(f"SELECT COUNT(*) {_LEFT}", self._params())
        if not is_too_many(gone, everything):
            return gone, ""
        words = _("%(gone)s of %(all)s prices are not in it and would end. Is the file really complete?")
        return gone, words % {"gone": gone, "all": everything}

    def apply_gone(self, at: datetime) -> Tally:
        """What holds ends when the file came; what would begin later does not."""
        chosen = staging.select(f"SELECT p.id {_GONE} ORDER BY p.id LIMIT {ENDED_AT_ONCE}", self._params())
        rows = list(Price.plain.filter(pk__in=[pk for (pk,) in chosen]).select_for_update().order_by("pk"))
        end = self.feed.received_at
        Price.plain.filter(pk__in=[row.pk for row in rows if row.valid_from < end]).update(valid_until=end)
        Price.plain.filter(pk__in=[row.pk for row in rows if row.valid_from >= end]).delete()
        refresh_wanted_prices(merchant_id=self.merchant_id, variant_ids={row.variant_id for row in rows}, at=at)
        return Tally(counts=Counts(updated=len(rows)))

    def _params(self) -> dict[str, Any]:
        end = database.ops.adapt_datetimefield_value(self.feed.received_at)
        return {"merchant": self.merchant_id, "at": end}
