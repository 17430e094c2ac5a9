"""The orders chosen as a CSV file that a spreadsheet opens; no cell of it is a formula."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable

from django.utils.translation import gettext as _

from orders.models import Order
from portal.base.money import round_money

FORMULAS = ("=", "+", "-", "@", "\t", "\r")
MOST = 20_000  # in one file; choose fewer by a filter


def build_csv(orders: Iterable[Order]) -> bytes:
    """UTF-8 with a byte order mark, one line an order; amounts with a point, times in UTC (ISO 8601).

    A text that a spreadsheet would take for a formula begins with an apostrophe
    (https://owasp.org/www-community/attacks/CSV_Injection).
    """
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow([
        _("number"), _("shop"), _("placed"), _("customer"), _("e-mail"), _("phone"), _("currency"), _("total"),
        _("paid"), _("shipped"), _("back office"), _("number there"), _("waits because"), _("owner"),
    ])  # fmt: skip
    for row in orders:
        parts = list(row.fulfilment_orders.all())
        total = round_money(row.total, row.currency)
        writer.writerow([
            guard(row.number), guard(row.connection.name), row.placed_at.isoformat(timespec="seconds"),
            guard(row.customer_name), guard(row.email), guard(row.phone), row.currency, f"{total:f}",
            row.get_financial_display(), row.get_fulfilment_display(),
            guard(", ".join(part.destination.name for part in parts)),
            guard(", ".join(part.external_number for part in parts if part.external_number)),
            guard(getattr(row, "why", "")), guard(str(row.owner or "")),
        ])  # fmt: skip
    return b"\xef\xbb\xbf" + out.getvalue().encode("utf-8", "replace")


def guard(text: str) -> str:
    """The text, with an apostrophe before one that begins as a formula does."""
    return f"'{text}" if text.startswith(FORMULAS) else text
