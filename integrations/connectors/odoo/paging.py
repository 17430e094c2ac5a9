"""How changed rows of Odoo are walked. https://www.odoo.com/documentation/19.0/developer/reference/backend/orm.html

Quirk: `write_date` has microseconds in the database and is sent to the second, so a keyset on (write_date, id)
would loop or skip where many rows share a second (an import writes all of them at once). A pull therefore asks for
`write_date >= since` and walks it by id: a row that changes meanwhile stays in the set at its place. The next `since`
is taken before the first page, less a minute, because a write_date is the moment its transaction *began*.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any, TypeVar

from integrations.connectors.odoo import payloads as p
from integrations.connectors.odoo.errors import Row
from integrations.connectors.odoo.transport import OdooTransport
from integrations.contract import records as r
from integrations.contract.errors import PayloadInvalid, Retryable

T = TypeVar("T")
OVERLAP = timedelta(minutes=1)
EVERYTHING = {"active_test": False}


class OdooPaging(OdooTransport):
    """Windows by `write_date`, walked by id."""

    page_size = 100
    stock_page_size = 500

    def _newest(self, model: str, domain: Sequence[Any], since: datetime | None) -> datetime | None:
        rows = self._rows(model, domain, ["write_date"], order="write_date desc", limit=1, context=EVERYTHING)
        newest = p.parse_time(rows[0].get("write_date")) if rows else None
        if newest is None:
            return since
        return max(newest - OVERLAP, since) if since else newest - OVERLAP

    def _walk(
        self, model: str, domain: Sequence[Any], fields: Sequence[str], since: datetime | None, cursor: str
    ) -> tuple[list[Row], str, datetime | None]:
        """(rows, next cursor, since of the next pull): ids above the cursor's. Cursor: "last id@next since"."""
        last, _, stamp = cursor.partition("@")
        following = p.parse_time(stamp) if cursor else self._newest(model, domain, since)
        window = [*domain, ["id", ">", int(last or 0)]]
        if since is not None:
            window.append(["write_date", ">=", p.build_time(since)])
        rows = self._page(model, window, fields, int(last or 0), self.page_size)
        if len(rows) < self.page_size:
            return rows, "", following
        return (rows, f"{rows[-1]['id']}@{p.build_time(following) if following else ''}", None)

    def _page(self, model: str, domain: Sequence[Any], fields: Sequence[str], last: int, size: int) -> list[Row]:
        rows = self._rows(model, domain, fields, limit=size, context=EVERYTHING)
        ids = [row["id"] for row in rows]
        if ids != sorted(set(ids)) or (ids and ids[0] <= last):
            raise Retryable(f"Odoo's pages of {model} repeat after id {last}.", code="PAGINATION_LOOP")
        return rows

    def _orders_by_name(self, invoices: Sequence[Row]) -> dict[str, str]:
        """What invoices say they come from (an order's name, or our reference) → the sale order's id."""
        names = sorted({n for row in invoices for n in p.parse_text(row.get("invoice_origin")).split(", ") if n})
        if not names:
            return {}
        domain = ["|", ["name", "in", names], ["client_order_ref", "in", names]]
        found = self._rows("sale.order", domain, ("id", "name", "client_order_ref"))
        return {
            str(order[key]): p.row_id(order) for order in found for key in ("client_order_ref", "name") if order[key]
        }

    def _grouped(self, model: str, link: str, ids: Sequence[int], fields: Sequence[str]) -> dict[int, list[Row]]:
        """Rows of `model` by the id in their many2one `link`, in Odoo's own order of ids."""
        groups: dict[int, list[Row]] = {number: [] for number in ids}
        if ids:
            for row in self._rows(model, [[link, "in", list(ids)]], fields, context=EVERYTHING):
                owner = p.related_id(row[link])
                if owner:
                    groups.setdefault(int(owner), []).append(row)
        return groups


def bind(parse: Callable[..., T], *arguments: Any) -> Callable[[], T]:
    return lambda: parse(*arguments)


def build_page(found: Sequence[tuple[Row, Callable[[], T]]], cursor: str, since: datetime | None) -> r.Page[T]:
    records: list[T] = []
    failed: list[r.FailedRecord] = []
    for row, parse in found:
        try:
            records.append(parse())
        except PayloadInvalid as error:
            failed.append(r.FailedRecord(external_id=str(row.get("id", "")), error=error.message, raw=row))
    return r.Page(records=tuple(records), cursor=cursor, since=since, failed=tuple(failed))
