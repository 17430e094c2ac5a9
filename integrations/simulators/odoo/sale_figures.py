"""What a sales order's and its lines' computed fields say: dates, and what is invoiced and is still to be.

documented: specs/odoo/live-doc/sale.order{,.line}.json; odoo/addons/{sale,sale_stock}/models/sale_order{,_line}.py.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from integrations.simulators.odoo.fields import round_to

if TYPE_CHECKING:
    from integrations.simulators.odoo.orm import Model

    Base = Model
else:
    Base = object

FORM = "%Y-%m-%d %H:%M:%S"


class OrderFigures(Base):
    """The computes of sale.order that nothing else in the simulator needs."""

    def _lines(self, row: Any) -> list[Any]:
        lines = self.db["sale.order.line"]
        found = [lines.rows[one] for one in lines.lines("order_id", row.id)]
        return [line for line in found if not line.display_type]

    def effective(self, row: Any) -> Any:
        """documented: sale_stock, `_compute_effective_date`: when the first delivery to the customer was done."""
        pickings, places = self.db["stock.picking"], self.db["stock.location"]
        done = [pickings.rows[one] for one in pickings.index["sale_id"].get(row.id, ())]
        dates = [one.date_done for one in done
                 if one.state == "done" and places.rows[one.location_dest_id].usage == "customer"]  # fmt: skip
        return min(dates, default=False)

    def expected(self, row: Any) -> Any:
        """documented: `_compute_expected_date`: the soonest (picking_policy `one`: the latest) of the lines' days."""
        lines = self._lines(row) if row.state != "cancel" else []
        start = datetime.fromisoformat(row.date_order[:19] if row.state == "sale" else self.db.now)
        days = [start + timedelta(days=line.customer_lead) for line in lines]
        if not days:
            return False
        return (max(days) if row.picking_policy == "one" else min(days)).strftime(FORM)

    def expired(self, row: Any) -> bool:
        return bool(row.state in ("draft", "sent") and row.validity_date and row.validity_date < self.db.today)

    def one(self, row: Any) -> float:
        return 1.0

    def nothing(self, row: Any) -> float:
        """judgement: payments by link (payment.transaction) are not simulated, so none was made."""
        return 0.0

    def undiscounted(self, row: Any) -> float:
        """documented: `_compute_amount_undiscounted`: net, as if no line had a discount."""
        total = 0.0
        for line in self._lines(row):
            full = line.discount == 100
            total += (
                line.price_unit * line.product_uom_qty if full else line.price_subtotal * 100 / (100 - line.discount)
            )
        return round_to(total)

    def invoiced_amount(self, row: Any) -> float:
        lines = self.db["sale.order.line"]
        return round_to(sum(lines.invoiced_amount(line) for line in self._lines(row)))

    def open_amount(self, row: Any) -> float:
        lines = self.db["sale.order.line"]
        return round_to(sum(lines.open_amount(line) for line in self._lines(row)))

    def tax_country(self, row: Any) -> Any:
        return self.db["res.company"].rows[row.company_id].account_fiscal_country_id

    def type_name(self, row: Any) -> str:
        return "Quotation" if row.state in ("draft", "sent", "cancel") else "Sales Order"

    def access_url(self, row: Any) -> str:
        return f"/my/orders/{row.id}"


class LineFigures(Base):
    """The computes of sale.order.line that nothing else in the simulator needs."""

    def _posted(self, row: Any) -> list[tuple[Any, int]]:
        """(invoice line, 1 or -1) of posted invoices and credit notes."""
        items, moves = self.db["account.move.line"], self.db["account.move"]
        found = [items.rows[one] for one in sorted(items.index["sale_line_ids"].get(row.id, ()))]
        return [
            (item, -1 if moves.rows[item.move_id].move_type == "out_refund" else 1)
            for item in found
            if moves.rows[item.move_id].state == "posted"
        ]

    def invoiced_posted(self, row: Any) -> float:
        return round_to(sum(sign * item.quantity for item, sign in self._posted(row)))

    def invoiced_amount(self, row: Any) -> float:
        return round_to(sum(sign * item.price_total for item, sign in self._posted(row)))

    def invoiced_net(self, row: Any) -> float:
        return round_to(sum(sign * item.price_subtotal for item, sign in self._posted(row)))

    def open_amount(self, row: Any) -> float:
        """documented: `_compute_amount_to_invoice`: drafts are not counted, only what is posted."""
        if not row.product_uom_qty or row.display_type:
            return 0.0
        return round_to(row.price_total / row.product_uom_qty * (self._base(row) - self.invoiced_posted(row)))

    def open_net(self, row: Any) -> float:
        """documented: `_compute_untaxed_amount_to_invoice`: of a confirmed order, never below nothing."""
        if row.display_type or self.db["sale.order"].rows[row.order_id].state != "sale" or not row.product_uom_qty:
            return 0.0
        return max(0.0, round_to(row.price_subtotal / row.product_uom_qty * self._base(row) - self.invoiced_net(row)))

    def _base(self, row: Any) -> float:
        lines = self.db["sale.order.line"]
        product = self.db["product.product"].rows[row.product_id]
        policy = self.db["product.template"].rows[product.product_tmpl_id].invoice_policy
        return float(lines.delivered(row) if policy == "delivery" else row.product_uom_qty)

    def net_of_one(self, row: Any) -> float:
        return round_to(row.price_subtotal / row.product_uom_qty) if row.product_uom_qty else 0.0

    def gross_of_one(self, row: Any) -> float:
        return round_to(row.price_total / row.product_uom_qty) if row.product_uom_qty else 0.0

    def delivered_how(self, row: Any) -> Any:
        """documented: sale_stock, `_compute_qty_delivered_method`: goods by their moves, services by hand."""
        if row.display_type:
            return False
        return "stock_move" if self.db["sale.order.line"].kind(row) == "consu" else "manual"

    def to_deliver(self, row: Any) -> float:
        return round_to(row.product_uom_qty - self.db["sale.order.line"].delivered(row))

    def archived(self, row: Any) -> bool:
        product = self.db["product.product"].rows.get(row.product_id)
        return product is not None and not product.active
