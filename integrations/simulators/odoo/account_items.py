"""Journal items: invoice lines, and what Odoo adds to balance them; a ledger is read from these.

documented: specs/odoo/live-doc/account.move.json (`line_ids`); odoo/addons/account/models/account_move_line.py.
"""

from __future__ import annotations

from typing import Any

from integrations.simulators.odoo.fields import (
    boolean,
    char,
    choice,
    day,
    integer,
    line_amount,
    many2many,
    many2one,
    money,
    number,
    round_to,
)
from integrations.simulators.odoo.orm import Model, refuse

MOVE_TYPES = ("entry", "out_invoice", "out_refund", "in_invoice", "in_refund", "out_receipt", "in_receipt")
SALES = ("out_invoice", "out_refund", "out_receipt")
PAYMENT_STATES = ("not_paid", "in_payment", "paid", "partial", "reversed", "blocked", "invoicing_legacy")
SHOWN = ("product", "line_section", "line_subsection", "line_note")


class AccountMoveLine(Model):
    name = "account.move.line"
    order = "date desc, move_id desc, id"
    FIELDS = {
        "move_id": many2one("account.move", required=True, index=True),
        "move_name": char(related="move_id.name"),
        "move_type": choice(*MOVE_TYPES, related="move_id.move_type"),
        "parent_state": choice("draft", "posted", "cancel", related="move_id.state"),
        "ref": char(related="move_id.ref"),
        "journal_id": many2one("account.journal", related="move_id.journal_id"),
        "company_id": many2one("res.company", related="move_id.company_id"),
        "currency_id": many2one("res.currency", related="move_id.currency_id"),
        "company_currency_id": many2one("res.currency", related="move_id.company_currency_id"),
        "payment_id": many2one("account.payment", related="move_id.origin_payment_id"),
        "amount_residual_currency": money(compute="residual_currency"),
        "invoice_date": day(related="move_id.invoice_date"),
        "date_maturity": day(related="move_id.invoice_date_due"),
        "partner_id": many2one("res.partner", index=True),
        "account_id": many2one("account.account", required=True, index=True),
        "account_type": char(related="account_id.account_type"),
        "sequence": integer(default=100),
        "display_type": choice(*SHOWN, "tax", "payment_term", "cogs", "rounding", default="product"),
        "name": char(),
        "date": day(default=lambda model: model.db.today),
        "product_id": many2one("product.product"),
        "product_uom_id": many2one("uom.uom"),
        "quantity": number(digits=2),
        "price_unit": number(),
        "discount": number(digits=2),
        "tax_ids": many2many("account.tax"),
        "price_subtotal": money(readonly=True),
        "price_total": money(readonly=True),
        "debit": money(),
        "credit": money(),
        "balance": money(),
        "amount_currency": money(),
        "amount_residual": money(readonly=True),
        "reconciled": boolean(readonly=True),
        "sale_line_ids": many2many("sale.order.line", index=True),
    }

    def residual_currency(self, row: Any) -> float:
        """judgement: an invoice's currency is never converted here, so both residuals are the same figure."""
        return float(row.amount_residual)

    def kind(self, row: Any) -> str:
        return str(self.db["account.account"].rows[row.account_id].account_type)

    def is_open_receivable(self, row: Any) -> bool:
        state = self.db["account.move"].rows[row.move_id].state
        return bool(state == "posted" and row.amount_residual and self.kind(row) == "asset_receivable")

    def prepare(self, vals: dict[str, Any]) -> dict[str, Any]:
        """Quirk: an invoice line without `tax_ids` is taxed silently, like an order's.

        documented: account_move_line.py, `_compute_price_unit`, `_compute_tax_ids` (`_get_computed_taxes`).
        judgement: a line without a product takes the company's sales tax, as its income account carries it.
        """
        move = self.db["account.move"].get(vals.get("move_id") or 0)
        vals.setdefault("partner_id", move.partner_id)
        if move.move_type not in SALES or vals.get("display_type", "product") != "product":
            if not vals.get("account_id"):
                vals["account_id"] = self.db.place("income")
            return vals
        products = self.db["product.product"]
        product = products.get(int(vals["product_id"])) if vals.get("product_id") else None
        vals.setdefault("quantity", 1.0)
        if not vals.get("account_id"):
            vals["account_id"] = self.db.place("income")
        if product is not None and not vals.get("name"):
            vals["name"] = products.display_name(product)
        if product is not None and vals.get("price_unit") is None:
            vals["price_unit"] = products.lst_price(product)
        if "tax_ids" not in vals:
            default = self.db["res.company"].rows[1].account_sale_tax_id
            taxes = products.value(product, "taxes_id") if product is not None else (default,) if default else ()
            vals["tax_ids"] = [[6, 0, list(taxes)]]
        return vals

    def created(self, row: Any, vals: dict[str, Any]) -> None:
        self._price(row)

    def after_write(self, row: Any, vals: dict[str, Any]) -> None:
        self._price(row)

    def before_write(self, row: Any, vals: dict[str, Any]) -> None:
        state = self.db["account.move"].rows[row.move_id].state
        refuse(state == "posted", "You cannot do this modification on a posted journal entry; reset it to draft first.")

    def before_unlink(self, row: Any) -> None:
        self.before_write(row, {})
        self.db.mark("account.move", row.move_id)

    def _price(self, row: Any) -> None:
        move = self.db["account.move"].rows[row.move_id]
        if move.move_type in SALES and row.display_type == "product":
            amount = line_amount(row.quantity, row.price_unit, row.discount)
            net, tax = self.db["account.tax"].amounts(row.tax_ids, amount)
            self.put(row, "price_subtotal", net)
            self.put(row, "price_total", round_to(net + tax))
            self.put_balance(row, net if move.move_type == "out_refund" else -net)
            self.db.mark("account.move", move.id)

    def put_balance(self, row: Any, balance: float) -> None:
        self.put(row, "balance", round_to(balance))
        self.put(row, "amount_currency", round_to(balance))
        self.put(row, "debit", round_to(max(balance, 0.0)))
        self.put(row, "credit", round_to(max(-balance, 0.0)))

    def balance_item(self, move: Any, kind: str, account: str, balance: float) -> Any:
        """An item Odoo adds by itself: the tax, the customer's debt, a payment's side."""
        item = self.new({
            "move_id": move.id, "display_type": kind, "account_id": self.db.place(account),
            "partner_id": move.partner_id, "name": move.payment_reference or "", "date": move.date,
        })  # fmt: skip
        self.put_balance(item, balance)
        return item


MODELS: tuple[type[Model], ...] = (AccountMoveLine,)
