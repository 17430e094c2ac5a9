"""What an entry's computed fields say: signed amounts, its payments, its number's parts.

documented: specs/odoo/live-doc/account.move.json; odoo/addons/account/models/{account_move,sequence_mixin}.py.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from integrations.simulators.odoo.orm import Model

    Base = Model
else:
    Base = object

NAMES = {
    "entry": "Journal Entry", "out_invoice": "Invoice", "out_refund": "Credit Note", "in_invoice": "Vendor Bill",
    "in_refund": "Vendor Credit Note", "out_receipt": "Sales Receipt", "in_receipt": "Purchase Receipt",
}  # fmt: skip
NUMBER = re.compile(r"(.*?)(\d*)\Z")


class MoveFigures(Base):
    """The computes of account.move that nothing else in the simulator needs."""

    def direction(self, row: Any) -> int:
        """documented: `_compute_direction_sign`: 1 for entries and what we owe, -1 for what is owed to us."""
        return 1 if row.move_type in ("entry", "in_invoice", "out_refund", "in_receipt") else -1

    def untaxed_signed(self, row: Any) -> float:
        return self._signed(row, row.amount_untaxed)

    def tax_signed(self, row: Any) -> float:
        return self._signed(row, row.amount_tax)

    def total_signed(self, row: Any) -> float:
        return self._signed(row, row.amount_total)

    def _signed(self, row: Any, amount: float) -> float:
        return float(amount if row.move_type == "entry" else -self.direction(row) * amount) or 0.0

    def matched_payments(self, row: Any) -> tuple[int, ...]:
        return tuple(sorted(self.db["account.payment"].index["invoice_ids"].get(row.id, ())))

    def reconciled_payments(self, row: Any) -> tuple[int, ...]:
        """documented: `_compute_reconciled_payment_ids`: of the payments made for it, those whose entry is posted."""
        payments = self.db["account.payment"]
        return tuple(one for one in self.matched_payments(row) if payments.rows[one].state in ("in_process", "paid"))

    def payment_count(self, row: Any) -> int:
        return len(self.reconciled_payments(row))

    def reconciled(self, row: Any) -> bool:
        """Whether another entry pays, or is paid by, a part of this one."""
        lines = self.db["account.move.line"]
        items = [lines.rows[one] for one in lines.lines("move_id", row.id)]
        return row.state == "posted" and any(
            item.amount_residual != item.balance for item in items if lines.kind(item) == "asset_receivable"
        )

    def partner_name(self, row: Any) -> Any:
        partner = self.db["res.partner"].rows.get(row.partner_id)
        return self.db["res.partner"].display_name(partner) if partner is not None else False

    def delivered_on(self, row: Any) -> Any:
        """documented: odoo/addons/sale_stock/models/account_move.py: the last of its orders' first deliveries."""
        items, lines = self.db["account.move.line"], self.db["sale.order.line"]
        found = [lines.rows[line].order_id for one in items.lines("move_id", row.id)
                 for line in items.rows[one].sale_line_ids]  # fmt: skip
        sales = self.db["sale.order"]
        days = [day for day in (sales.effective(sales.rows[one]) for one in set(found)) if day]
        return max(days)[:10] if days else False

    def number_prefix(self, row: Any) -> str:
        """documented: sequence_mixin.py, `_compute_split_sequence`: INV/2026/00001 is INV/2026/ and 1."""
        return _split(row.name)[0]

    def number_count(self, row: Any) -> int:
        return int(_split(row.name)[1] or 0)

    def type_name(self, row: Any) -> str:
        return NAMES[row.move_type]

    def access_url(self, row: Any) -> str:
        """documented: `_compute_access_url`: the portal's page of an invoice; nothing of a plain entry."""
        return f"/my/invoices/{row.id}" if row.move_type != "entry" else "#"


def _split(name: Any) -> tuple[str, str]:
    found = NUMBER.match(name or "")
    return (found[1], found[2]) if found else ("", "")
