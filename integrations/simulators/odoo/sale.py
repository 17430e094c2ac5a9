"""Sales orders and their lines: quoted, confirmed (which makes the delivery), cancelled, invoiced by the wizard.

documented: specs/odoo/live-doc/sale.*.json; odoo/addons/sale/models/{sale_order,sale_order_line}.py,
odoo/addons/sale_stock/models/sale_order.py and odoo/addons/sale/wizard/sale_make_invoice_advance.py.
"""

from __future__ import annotations

from typing import Any

from integrations.simulators.odoo.errors import ValidationError
from integrations.simulators.odoo.fields import (
    boolean,
    char,
    choice,
    day,
    html,
    integer,
    many2many,
    many2one,
    moment,
    money,
    number,
    one2many,
    round_to,
)
from integrations.simulators.odoo.orm import Model, on_records, refuse
from integrations.simulators.odoo.sale_figures import OrderFigures

NOTHING_TO_INVOICE = (
    "Cannot create an invoice. No items are available to invoice.\n\n"
    "To resolve this issue, please ensure that:\n"
    "   • The products have been delivered before attempting to invoice them.\n"
    "   • The invoicing policy of the product is configured correctly."
)


class SaleOrder(OrderFigures, Model):
    name = "sale.order"
    UNSEARCHABLE = frozenset(
        {
            "invoice_count", "delivery_count", "expected_date", "is_expired", "amount_undiscounted", "amount_invoiced",
            "amount_to_invoice", "amount_paid", "tax_country_id", "type_name", "access_url",
        }
    )  # fmt: skip
    order = "date_order desc, id desc"
    FIELDS = {
        "name": char(required=True, index=True, default="New"),
        "company_id": many2one("res.company", required=True, default=1),
        "partner_id": many2one("res.partner", required=True, index=True),
        "partner_invoice_id": many2one("res.partner", required=True),
        "partner_shipping_id": many2one("res.partner", required=True),
        "state": choice("draft", "sent", "sale", "cancel", default="draft"),
        "locked": boolean(),
        "client_order_ref": char(index=True),
        "origin": char(index=True),
        "reference": char(),
        "date_order": moment(required=True, default=lambda model: model.db.now),
        "commitment_date": moment(),
        "note": html(),
        "pricelist_id": many2one("product.pricelist"),
        "currency_id": many2one("res.currency", compute="currency"),
        "payment_term_id": many2one("account.payment.term"),
        "user_id": many2one("res.users", default=2),
        "warehouse_id": many2one("stock.warehouse", default=1),
        "picking_policy": choice("direct", "one", default="direct", required=True),
        "order_line": one2many("sale.order.line", "order_id"),
        "amount_untaxed": money(readonly=True),
        "amount_tax": money(readonly=True),
        "amount_total": money(readonly=True),
        "invoice_status": choice("upselling", "invoiced", "to invoice", "no", default="no", readonly=True),
        "delivery_status": choice("pending", "started", "partial", "full", readonly=True),
        "invoice_ids": many2many("account.move", compute="invoices"),
        "invoice_count": integer(compute="invoice_count"),
        "picking_ids": one2many("stock.picking", "sale_id"),
        "delivery_count": integer(compute="delivery_count"),
        "validity_date": day(),
        "expected_date": moment(compute="expected"),
        "effective_date": moment(compute="effective"),
        "is_expired": boolean(compute="expired"),
        "currency_rate": number(compute="one"),
        "amount_undiscounted": number(compute="undiscounted"),
        "amount_invoiced": money(compute="invoiced_amount"),
        "amount_to_invoice": money(compute="open_amount"),
        "amount_paid": number(compute="nothing"),
        "country_code": char(related="company_id.account_fiscal_country_id.code"),
        "tax_country_id": many2one("res.country", compute="tax_country"),
        "company_price_include": choice("tax_included", "tax_excluded", related="company_id.account_price_include"),
        "tax_calculation_rounding_method": choice(
            "round_globally", "round_per_line", related="company_id.tax_calculation_rounding_method"
        ),
        "journal_id": many2one("account.journal"),
        "fiscal_position_id": many2one("account.fiscal.position"),
        "team_id": many2one("crm.team"),
        "tag_ids": many2many("crm.tag"),
        "incoterm": many2one("account.incoterms"),
        "incoterm_location": char(),
        "require_signature": boolean(default=True),
        "require_payment": boolean(),
        "prepayment_percent": number(default=1.0),
        "signed_by": char(),
        "signed_on": moment(),
        "type_name": char(compute="type_name"),
        "access_url": char(compute="access_url"),
    }

    def prepare(self, vals: dict[str, Any]) -> dict[str, Any]:
        """documented: sale_order.py, the computes of the addresses, terms and price list, all from the customer."""
        partners = self.db["res.partner"]
        if not vals.get("partner_id"):
            raise ValidationError(
                "The operation cannot be completed:\n- Create/update: a mandatory field is not set.\n"
                "Model: Sales Order (sale.order)\nField: Customer (partner_id)"
            )
        partner = partners.get(int(vals["partner_id"]))
        main = partners.rows[partners.commercial_partner(partner)]
        vals.setdefault("partner_invoice_id", partners.address(partner, "invoice"))
        vals.setdefault("partner_shipping_id", partners.address(partner, "delivery"))
        vals.setdefault("payment_term_id", main.property_payment_term_id)
        vals.setdefault("pricelist_id", partners.pricelist(main))
        if vals.get("name", "New") == "New":
            vals["name"] = self.db.next("sale.order", "S%05d")
        return vals

    def created(self, row: Any, vals: dict[str, Any]) -> None:
        self.db.mark(self.name, row.id)

    def before_write(self, row: Any, vals: dict[str, Any]) -> None:
        """documented: sale_order.py, `write`: a confirmed order keeps its price list."""
        refuse(
            "pricelist_id" in vals and row.state == "sale",
            "You cannot change the pricelist of a confirmed order !",
        )

    def before_unlink(self, row: Any) -> None:
        """documented: sale_order.py, `_unlink_except_draft_or_cancel`."""
        refuse(
            row.state not in ("draft", "cancel"),
            "You can not delete a sent quotation or a confirmed sales order. You must first cancel it.",
        )
        lines = self.db["sale.order.line"]
        for one in lines.lines("order_id", row.id):
            lines.drop(lines.rows[one])

    def line_rows(self, row: Any) -> list[Any]:
        lines = self.db["sale.order.line"]
        return [lines.rows[one] for one in lines.lines("order_id", row.id)]

    def recompute(self, row: Any) -> None:
        lines = [line for line in self.line_rows(row) if not line.display_type]
        net = round_to(sum(line.price_subtotal for line in lines))
        tax = round_to(sum(line.price_tax for line in lines))
        before = len(self.db.journal)
        self.put(row, "amount_untaxed", net)
        self.put(row, "amount_tax", tax)
        self.put(row, "amount_total", round_to(net + tax))
        self.put(row, "invoice_status", self._invoice_status(row, lines))
        self.put(row, "delivery_status", self._delivery_status(row))
        if len(self.db.journal) > before:
            self.touch(row)

    def _invoice_status(self, row: Any, lines: list[Any]) -> str:
        """documented: sale_order.py, `_compute_invoice_status`."""
        if row.state != "sale":
            return "no"
        states = {self.db["sale.order.line"].invoice_status(line) for line in lines}
        if "to invoice" in states:
            return "to invoice"
        return "invoiced" if states and states <= {"invoiced"} else "no"

    def _delivery_status(self, row: Any) -> Any:
        """documented: sale_stock/models/sale_order.py, `_compute_delivery_status`."""
        pickings = self.db["stock.picking"]
        states = {pickings.rows[one].state for one in pickings.index["sale_id"].get(row.id, ())}
        if not states - {"cancel"}:
            return False
        if states <= {"done", "cancel"}:
            return "full"
        if "done" not in states:
            return "pending"
        delivered = any(self.db["sale.order.line"].delivered(line) for line in self.line_rows(row))
        return "partial" if delivered else "started"

    def currency(self, row: Any) -> int:
        chosen = self.db["product.pricelist"].rows.get(row.pricelist_id)
        return int(chosen.currency_id if chosen is not None else self.db["res.company"].rows[1].currency_id)

    def invoices(self, row: Any) -> tuple[int, ...]:
        items = self.db["account.move.line"]
        found = {
            items.rows[item].move_id
            for line in self.db["sale.order.line"].index["order_id"].get(row.id, ())
            for item in items.index["sale_line_ids"].get(line, ())
        }
        return tuple(sorted(found))

    def invoice_count(self, row: Any) -> int:
        return len(self.invoices(row))

    def delivery_count(self, row: Any) -> int:
        return len(self.db["stock.picking"].index["sale_id"].get(row.id, ()))

    @on_records
    def action_confirm(self, ids: list[int]) -> bool:
        """Sale, order date = now, and a delivery that reserves what is free.

        documented: sale_order.py, `action_confirm` (`_confirmation_error_message`, `_prepare_confirmation_values`).
        """
        rows = [self.get(one) for one in ids]
        refuse(
            any(r.state not in ("draft", "sent") for r in rows),
            "Some orders are not in a state requiring confirmation.",
        )
        for row in rows:
            lines = self.line_rows(row)
            refuse(
                any(not line.display_type and not line.product_id for line in lines),
                "Some order lines are missing a product, you need to correct them before going further.",
            )
            self.put(row, "state", "sale")
            self.put(row, "date_order", self.db.now)
            self.touch(row)
            self.db.mark(self.name, row.id)
            self.ship(row, {line.id: line.product_uom_qty for line in lines})
        return True

    def ship(self, row: Any, quantities: dict[int, float]) -> None:
        """A delivery of the goods among the lines; services go without one."""
        lines = self.db["sale.order.line"]
        house = self.db["stock.warehouse"].rows[row.warehouse_id or 1]
        moves = []
        for one, quantity in quantities.items():
            line = lines.rows[one]
            if line.display_type or quantity <= 0 or lines.kind(line) != "consu":
                continue
            moves.append([0, 0, {"product_id": line.product_id, "product_uom_qty": quantity, "sale_line_id": one,
                                 "sequence": line.sequence}])  # fmt: skip
        if not moves:
            return
        pickings = self.db["stock.picking"]
        made = pickings.new({
            "picking_type_id": house.out_type_id, "location_id": house.lot_stock_id, "origin": row.name,
            "partner_id": row.partner_shipping_id, "sale_id": row.id, "move_type": row.picking_policy,
            "move_ids": moves,
        })  # fmt: skip
        pickings.action_assign([made.id])

    @on_records
    def action_cancel(self, ids: list[int]) -> bool:
        """Cancels open deliveries and draft invoices; done ones stay. A locked order is refused.

        documented: sale_order.py, `action_cancel` / `_action_cancel` ("Cancel sales order and related draft invoices.",
        live-doc), sale_stock/models/sale_order.py, `_action_cancel`.
        """
        rows = [self.get(one) for one in ids]
        refuse(any(row.locked for row in rows), "You cannot cancel a locked order. Please unlock it first.")
        pickings, moves = self.db["stock.picking"], self.db["account.move"]
        for row in rows:
            for one in pickings.lines("sale_id", row.id):
                if pickings.rows[one].state != "done":
                    pickings.action_cancel([one])
            for one in self.invoices(row):
                if moves.rows[one].state == "draft":
                    moves.button_cancel([one])
            self.put(row, "state", "cancel")
            self.touch(row)
            self.db.mark(self.name, row.id)
        return True

    @on_records
    def action_draft(self, ids: list[int]) -> bool:
        """documented: sale_order.py, `action_draft`: of cancelled and sent orders; others are left as they are."""
        for row in [self.get(one) for one in ids]:
            if row.state in ("cancel", "sent"):
                self.put(row, "state", "draft")
                self.touch(row)
                self.db.mark(self.name, row.id)
        return True

    @on_records
    def action_quotation_sent(self, ids: list[int]) -> None:
        rows = [self.get(one) for one in ids]
        refuse(any(row.state != "draft" for row in rows), "Only draft orders can be marked as sent directly.")
        for row in rows:
            self.put(row, "state", "sent")
            self.touch(row)

    @on_records
    def action_lock(self, ids: list[int]) -> None:
        for row in [self.get(one) for one in ids]:
            self.change(row, {"locked": True})

    @on_records
    def action_unlock(self, ids: list[int]) -> None:
        for row in [self.get(one) for one in ids]:
            self.change(row, {"locked": False})


MODELS: tuple[type[Model], ...] = (SaleOrder,)
