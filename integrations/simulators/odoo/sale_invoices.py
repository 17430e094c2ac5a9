"""The wizard that invoices sales orders.

documented: specs/odoo/live-doc/sale.advance.payment.inv.json; odoo/addons/sale/wizard/sale_make_invoice_advance.py.
"""

from __future__ import annotations

from typing import Any

from integrations.simulators.odoo.errors import UserError
from integrations.simulators.odoo.fields import (
    boolean,
    choice,
    integer,
    many2many,
    many2one,
    money,
    number,
)
from integrations.simulators.odoo.orm import Model, on_model, on_records, refuse

NOTHING_TO_INVOICE = (
    "Cannot create an invoice. No items are available to invoice.\n\n"
    "To resolve this issue, please ensure that:\n"
    "   • The products have been delivered before attempting to invoice them.\n"
    "   • The invoicing policy of the product is configured correctly."
)


class AdvancePayment(Model):
    """The wizard that invoices orders; `_create_invoices` itself is private and refused."""

    name = "sale.advance.payment.inv"
    UNSEARCHABLE = frozenset({"count"})
    rec_name = "id"
    FIELDS = {
        "advance_payment_method": choice("delivered", "percentage", "fixed", default="delivered", required=True),
        "sale_order_ids": many2many("sale.order"),
        "count": integer(compute="count"),
        "amount": number(),
        "fixed_amount": money(),
        "deduct_down_payments": boolean(default=True),
        "consolidated_billing": boolean(default=True),
        "currency_id": many2one("res.currency", default=1),
        "company_id": many2one("res.company", default=1),
    }

    def count(self, row: Any) -> int:
        return len(row.sale_order_ids)

    @on_model
    def create(self, vals_list: Any) -> list[int]:
        """documented: sale_make_invoice_advance.py: the orders come from the context's active_ids where not given."""
        given = [vals_list] if isinstance(vals_list, dict) else vals_list
        active = self.db.context.get("active_ids") or []
        return super().create([{"sale_order_ids": [[6, 0, active]], **vals} for vals in given])

    @on_records
    def create_invoices(self, ids: list[int]) -> Any:
        """One draft invoice a customer (consolidated_billing) or an order, of what may be invoiced."""
        made: list[int] = []
        for row in [self.get(one) for one in ids]:
            if row.advance_payment_method != "delivered":
                raise UserError("judgement: down payments are not simulated; use advance_payment_method 'delivered'.")
            orders = [self.db["sale.order"].get(one) for one in row.sale_order_ids]
            groups: dict[Any, list[Any]] = {}
            for order in orders:
                key = order.partner_invoice_id if row.consolidated_billing else -order.id
                groups.setdefault(key, []).append(order)
            made.extend(self._invoice(group) for group in groups.values())
        if len(made) == 1:
            return {"type": "ir.actions.act_window", "res_model": "account.move", "res_id": made[0],
                    "view_mode": "form", "name": "Invoices"}  # fmt: skip
        return {"type": "ir.actions.act_window", "res_model": "account.move", "domain": [["id", "in", made]],
                "view_mode": "list,form", "name": "Invoices"}  # fmt: skip

    def _invoice(self, orders: list[Any]) -> int:
        """documented: sale_order.py, `_prepare_invoice`, `_get_invoiceable_lines`, `_create_invoices`."""
        sales, lines = self.db["sale.order"], self.db["sale.order.line"]
        items = []
        for order in orders:
            for line in sales.line_rows(order):
                quantity = 0.0 if line.display_type else lines.to_invoice(line)
                if quantity > 0:
                    items.append([0, 0, {
                        "product_id": line.product_id, "name": line.name, "quantity": quantity,
                        "price_unit": line.price_unit, "discount": line.discount, "sequence": line.sequence,
                        "tax_ids": [[6, 0, list(line.tax_ids)]], "sale_line_ids": [[6, 0, [line.id]]],
                    }])  # fmt: skip
        refuse(not items, NOTHING_TO_INVOICE)
        first = orders[0]
        made = self.db["account.move"].new({
            "move_type": "out_invoice", "partner_id": first.partner_invoice_id,
            "partner_shipping_id": first.partner_shipping_id, "invoice_line_ids": items,
            "ref": ", ".join(o.client_order_ref for o in orders if o.client_order_ref),
            "invoice_origin": ", ".join(o.name for o in orders), "currency_id": sales.currency(first),
            "invoice_payment_term_id": first.payment_term_id, "invoice_user_id": first.user_id,
        })  # fmt: skip
        return int(made.id)


MODELS: tuple[type[Model], ...] = (AdvancePayment,)
