"""Lines of sales orders: what they cost, what has left, and what is billed.

documented: specs/odoo/live-doc/sale.order.line.json; odoo/addons/{sale,sale_stock}/models/sale_order_line.py.
"""

from __future__ import annotations

from typing import Any

from integrations.simulators.odoo.errors import UserError, ValidationError
from integrations.simulators.odoo.fields import (
    boolean,
    choice,
    integer,
    line_amount,
    many2many,
    many2one,
    money,
    number,
    one2many,
    round_to,
    text,
)
from integrations.simulators.odoo.orm import Model, refuse
from integrations.simulators.odoo.sale_figures import LineFigures

NOTHING_TO_INVOICE = (
    "Cannot create an invoice. No items are available to invoice.\n\n"
    "To resolve this issue, please ensure that:\n"
    "   • The products have been delivered before attempting to invoice them.\n"
    "   • The invoicing policy of the product is configured correctly."
)


class SaleOrderLine(LineFigures, Model):
    name = "sale.order.line"
    UNSEARCHABLE = frozenset(
        {
            "tax_country_id", "is_product_archived", "qty_invoiced_posted", "qty_to_deliver", "amount_invoiced",
            "amount_to_invoice",
        }
    )  # fmt: skip
    UNSORTABLE = frozenset({"product_template_id", "is_configurable_product"})
    order = "order_id, sequence, id"
    FIELDS = {
        "order_id": many2one("sale.order", required=True, index=True),
        "sequence": integer(default=10),
        "name": text(required=True),
        "display_type": choice("line_section", "line_subsection", "line_note"),
        "product_id": many2one("product.product", index=True),
        "product_template_id": many2one("product.template", related="product_id.product_tmpl_id"),
        "product_uom_qty": number(required=True, digits=2),
        "product_uom_id": many2one("uom.uom", compute="uom"),
        "price_unit": number(required=True),
        "discount": number(digits=2),
        "tax_ids": many2many("account.tax"),
        "price_subtotal": money(readonly=True),
        "price_tax": number(readonly=True),
        "price_total": money(readonly=True),
        "qty_delivered": number(compute="delivered"),
        "qty_invoiced": number(compute="invoiced"),
        "qty_to_invoice": number(compute="to_invoice"),
        "invoice_status": choice("upselling", "invoiced", "to invoice", "no", compute="invoice_status"),
        "invoice_lines": many2many("account.move.line", compute="invoice_lines"),
        "move_ids": one2many("stock.move", "sale_line_id"),
        "state": choice("draft", "sent", "sale", "cancel", related="order_id.state"),
        "order_partner_id": many2one("res.partner", related="order_id.partner_id"),
        "currency_id": many2one("res.currency", related="order_id.currency_id"),
        "company_id": many2one("res.company", related="order_id.company_id"),
        "customer_lead": number(),
        "is_delivery": boolean(),
        "salesman_id": many2one("res.users", related="order_id.user_id"),
        "warehouse_id": many2one("stock.warehouse", related="order_id.warehouse_id"),
        "tax_country_id": many2one("res.country", related="order_id.tax_country_id"),
        "categ_id": many2one("product.category", related="product_id.categ_id"),
        "product_type": choice("consu", "service", "combo", related="product_id.type"),
        "service_tracking": choice("no", related="product_id.service_tracking"),
        "is_storable": boolean(related="product_id.is_storable"),
        "is_configurable_product": boolean(related="product_template_id.has_configurable_attributes"),
        "is_product_archived": boolean(compute="archived"),
        "product_template_attribute_value_ids": many2many(
            "product.template.attribute.value", related="product_id.product_template_attribute_value_ids"
        ),
        "product_no_variant_attribute_value_ids": many2many("product.template.attribute.value"),
        "is_downpayment": boolean(),
        "is_expense": boolean(),
        "is_optional": boolean(),
        "linked_line_id": many2one("sale.order.line", index=True),
        "linked_line_ids": one2many("sale.order.line", "linked_line_id"),
        "technical_price_unit": number(),
        "price_reduce_taxexcl": money(compute="net_of_one"),
        "price_reduce_taxinc": money(compute="gross_of_one"),
        "qty_delivered_method": choice("manual", "analytic", "stock_move", compute="delivered_how"),
        "qty_invoiced_posted": number(compute="invoiced_posted"),
        "qty_to_deliver": number(compute="to_deliver"),
        "amount_invoiced": money(compute="invoiced_amount"),
        "amount_to_invoice": money(compute="open_amount"),
        "untaxed_amount_invoiced": money(compute="invoiced_net"),
        "untaxed_amount_to_invoice": money(compute="open_net"),
        "company_price_include": choice("tax_included", "tax_excluded", related="company_id.account_price_include"),
        "tax_calculation_rounding_method": choice(
            "round_globally", "round_per_line", related="company_id.tax_calculation_rounding_method"
        ),
    }

    def prepare(self, vals: dict[str, Any]) -> dict[str, Any]:
        """What is not sent comes from the product: its name, its price in the order's list, and its taxes.

        Quirk: so a line without `tax_ids` is taxed silently (39.80 becomes 45.77, seen live).
        documented: sale_order_line.py, `_compute_name`, `_compute_price_unit`, `_compute_tax_ids`; the constraint
        `_accountable_required_fields` wants a product unless display_type says otherwise.
        """
        order = self.db["sale.order"].get(vals.get("order_id") or 0)
        if vals.get("display_type"):
            vals.update(product_uom_qty=0.0, price_unit=0.0)
            vals.setdefault("name", " ")
            return vals
        if not vals.get("product_id"):
            raise ValidationError(
                "The operation cannot be completed: Missing required fields on accountable sale order line."
            )
        products = self.db["product.product"]
        product = products.get(int(vals["product_id"]))
        vals.setdefault("product_uom_qty", 1.0)
        if not vals.get("name"):
            vals["name"] = products.display_name(product)
        if vals.get("price_unit") is None:
            quantity = float(vals["product_uom_qty"] or 0)
            vals["price_unit"] = self.db["product.pricelist"].price(order.pricelist_id, product, quantity)
        if "tax_ids" not in vals:
            vals["tax_ids"] = [[6, 0, list(self.db["product.template"].rows[product.product_tmpl_id].taxes_id)]]
        return vals

    def created(self, row: Any, vals: dict[str, Any]) -> None:
        order = self.db["sale.order"].rows[row.order_id]
        refuse(order.locked, "It is forbidden to modify the following fields in a locked order:\nOrder Lines")
        self._price(row)
        if order.state == "sale":
            self.db["sale.order"].ship(order, {row.id: row.product_uom_qty})

    def before_write(self, row: Any, vals: dict[str, Any]) -> None:
        """documented: sale_order_line.py, `write`, and sale_stock's `_update_line_quantity`."""
        order = self.db["sale.order"].rows[row.order_id]
        refuse(order.locked, "It is forbidden to modify the following fields in a locked order:\nOrder Lines")
        if order.state == "sale" and "product_uom_qty" in vals:
            wanted = round_to(float(vals["product_uom_qty"] or 0))
            if wanted < self.delivered(row):
                raise UserError("The ordered quantity of a sale order line cannot be decreased below the amount already delivered.")  # noqa: E501  # fmt: skip
            self._follow_quantity(row, wanted, order)

    def _follow_quantity(self, row: Any, wanted: float, order: Any) -> None:
        """More goods join the open delivery (a new one, where all left); fewer shrink it."""
        moves = self.db["stock.move"]
        change = round_to(wanted - row.product_uom_qty)
        waiting = [moves.rows[one] for one in moves.lines("sale_line_id", row.id)
                   if moves.rows[one].state not in ("done", "cancel")]  # fmt: skip
        if not waiting:
            self.db["sale.order"].ship(order, {row.id: change})
            return
        left = max(0.0, round_to(waiting[0].product_uom_qty + change))
        moves.put(waiting[0], "product_uom_qty", left)
        moves.reserve(waiting[0]) if left else moves.cancel(waiting[0])

    def after_write(self, row: Any, vals: dict[str, Any]) -> None:
        self._price(row)

    def before_unlink(self, row: Any) -> None:
        """documented: sale_order_line.py, `_unlink_except_confirmed`."""
        order = self.db["sale.order"].rows[row.order_id]
        refuse(
            order.state == "sale" and not row.display_type,
            "Once a sales order is confirmed, you can't remove one of its lines (we need to track if something gets "
            "invoiced or delivered).\n                Set the quantity to 0 instead.",
        )
        self.db.mark("sale.order", row.order_id)

    def _price(self, row: Any) -> None:
        amount = line_amount(row.product_uom_qty, row.price_unit, row.discount)
        net, tax = self.db["account.tax"].amounts(row.tax_ids, amount) if row.tax_ids else (amount, 0.0)
        self.put(row, "price_subtotal", net)
        self.put(row, "price_tax", tax)
        self.put(row, "price_total", round_to(net + tax))
        self.db.mark("sale.order", row.order_id)

    def kind(self, row: Any) -> str:
        product = self.db["product.product"].rows[row.product_id]
        return str(self.db["product.template"].rows[product.product_tmpl_id].type)

    def uom(self, row: Any) -> Any:
        return 1 if row.product_id else False

    def delivered(self, row: Any) -> float:
        """documented: sale_stock, `_prepare_qty_delivered`: what went out, less what came back to be refunded."""
        moves, total = self.db["stock.move"], 0.0
        for one in moves.index["sale_line_id"].get(row.id, ()):
            move = moves.rows[one]
            if move.state != "done":
                continue
            if moves.usage(move.location_dest_id) == "customer":
                total += move.quantity
            elif move.to_refund and moves.usage(move.location_id) == "customer":
                total -= move.quantity
        return round(total, 2)

    def invoice_lines(self, row: Any) -> tuple[int, ...]:
        return tuple(sorted(self.db["account.move.line"].index["sale_line_ids"].get(row.id, ())))

    def invoiced(self, row: Any) -> float:
        """documented: sale_order_line.py, `_compute_qty_invoiced`: invoices less credit notes, cancelled ones apart."""
        items, moves, total = self.db["account.move.line"], self.db["account.move"], 0.0
        for one in items.index["sale_line_ids"].get(row.id, ()):
            move = moves.rows[items.rows[one].move_id]
            if move.state != "cancel":
                total += items.rows[one].quantity * (-1 if move.move_type == "out_refund" else 1)
        return round(total, 2)

    def to_invoice(self, row: Any) -> float:
        if row.display_type or self.db["sale.order"].rows[row.order_id].state != "sale":
            return 0.0
        product = self.db["product.product"].rows[row.product_id]
        policy = self.db["product.template"].rows[product.product_tmpl_id].invoice_policy
        base = self.delivered(row) if policy == "delivery" else row.product_uom_qty
        return round(base - self.invoiced(row), 2)

    def invoice_status(self, row: Any) -> str:
        """documented: sale_order_line.py, `_compute_invoice_status`."""
        if self.db["sale.order"].rows[row.order_id].state != "sale" or row.display_type:
            return "no"
        if self.to_invoice(row):
            return "to invoice"
        return "invoiced" if self.invoiced(row) >= row.product_uom_qty else "no"


MODELS: tuple[type[Model], ...] = (SaleOrderLine,)
