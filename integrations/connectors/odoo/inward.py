"""What was paid for the last goods that came in, from Odoo's receipts: specs/odoo/live-doc/stock.move.json.

Since 19.0 a done move carries what it is worth, `value`, in the company's currency, of the supplier's bill or else the
purchase order, and `is_in` says that it came across the border of our own places: both of the module stock_account
(https://github.com/odoo/odoo/pull/222169, which removed stock.valuation.layer). Odoo before 19.0 does not say it there.
`date` of a done move is when it was carried out. Goods a customer or a count brought are no purchase, nor is what is
worth nothing.

Quirk: `quantity` is in the move's own unit (a box), and only the demand is known in the article's as well, so the two
figures of the demand tell how many pieces a box is; what came without being asked for is left out.
"""

from __future__ import annotations

from collections.abc import Collection
from decimal import Decimal
from typing import Any

from integrations.connectors.odoo import payloads as p
from integrations.connectors.odoo.errors import Row
from integrations.connectors.odoo.transport import OdooTransport
from integrations.contract import records as r
from integrations.contract.errors import Retryable, Unsupported

VALUED = ("is_in", "value", "company_currency_id")
FIELDS = ("id", "product_id", "date", "quantity", "product_qty", "product_uom_qty", "value", "company_currency_id")
BOUGHT: tuple[list[Any], ...] = (
    ["state", "=", "done"],
    ["is_in", "=", True],
    ["location_usage", "=", "supplier"],
    ["value", ">", 0],
    ["quantity", ">", 0],
    ["product_uom_qty", ">", 0],
)
MILLIONTH = Decimal("0.000001")


class OdooInward(OdooTransport):
    """The last purchase of each article."""

    moves_at_once = 500

    def _list_inward(self, articles: Collection[int]) -> list[r.PriceRow]:
        """The newest receipt of each of these that has one. Unsupported where Odoo does not value its moves."""
        if len(self._existing("stock.move", VALUED)) < len(VALUED):
            raise Unsupported(
                "This Odoo does not say what goods cost when they came in: that takes Odoo 19 with its module for"
                " inventory valuation (stock_account). Install it there, or switch inward prices off in this"
                " connection's settings."
            )
        left, found = set(articles), list[r.PriceRow]()
        while left:
            domain = [*BOUGHT, ["product_id", "in", sorted(left)]]
            rows = self._rows("stock.move", domain, FIELDS, order="date desc, id desc", limit=self.moves_at_once)
            before = len(left)
            for row in rows:
                article = int(p.related_id(row["product_id"]) or 0)
                if article in left:
                    left.remove(article)
                    found.append(parse_inward(row))
            if len(rows) < self.moves_at_once:
                break
            if len(left) == before:
                raise Retryable("Odoo's receipts repeat; they are read again.", code="PAGINATION_LOOP")
        return sorted(found, key=lambda one: int(one.external_id))


def parse_inward(move: Row) -> r.PriceRow:
    """The price a piece, as exact as prices are kept."""
    pieces = p.parse_decimal(move["quantity"]) * p.parse_decimal(move["product_qty"])
    each = p.parse_decimal(move["value"]) * p.parse_decimal(move["product_uom_qty"]) / pieces
    return r.PriceRow(
        external_id=p.related_id(move["product_id"]),
        slot=r.INWARD_SLOT,
        amount=each.quantize(MILLIONTH),
        currency=p.related_name(move["company_currency_id"]),
        inward_at=p.parse_time(move["date"]),
    )
