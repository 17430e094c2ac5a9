"""Invoices, credit notes, payments, and the journal items a ledger is read from.

documented: specs/odoo/live-doc/account.*.json; odoo/addons/account/models/{account_move,account_move_line,
account_payment}.py and odoo/addons/account/wizard/{account_move_reversal,account_payment_register}.py.
"""

from __future__ import annotations

from typing import Any

from integrations.simulators.odoo.account_figures import MoveFigures
from integrations.simulators.odoo.fields import (
    boolean,
    char,
    choice,
    day,
    html,
    integer,
    many2many,
    many2one,
    money,
    number,
    one2many,
    round_to,
)
from integrations.simulators.odoo.orm import Model, on_records, refuse

MOVE_TYPES = ("entry", "out_invoice", "out_refund", "in_invoice", "in_refund", "out_receipt", "in_receipt")
SALES = ("out_invoice", "out_refund", "out_receipt")
PAYMENT_STATES = ("not_paid", "in_payment", "paid", "partial", "reversed", "blocked", "invoicing_legacy")
SHOWN = ("product", "line_section", "line_subsection", "line_note")


class Account(Model):
    name = "account.account"
    order = "code, id"
    FIELDS = {
        "name": char(required=True),
        "code": char(required=True),
        "account_type": choice(
            "asset_receivable", "asset_cash", "asset_current", "liability_payable", "liability_current", "income",
            "expense", required=True,
        ),
        "active": boolean(default=True),
    }  # fmt: skip

    def display_name(self, row: Any) -> str:
        return f"{row.code} {row.name}"


class Journal(Model):
    name = "account.journal"
    order = "sequence, type, code"
    FIELDS = {
        "name": char(required=True),
        "code": char(required=True),
        "type": choice("sale", "purchase", "cash", "bank", "credit", "general", required=True),
        "sequence": integer(default=10),
        "active": boolean(default=True),
        "company_id": many2one("res.company", default=1),
        "currency_id": many2one("res.currency"),
        "default_account_id": many2one("account.account"),
    }

    def first(self, kind: str) -> int:
        return min(one for one, row in self.rows.items() if row.type == kind and row.active)


class AccountMove(MoveFigures, Model):
    name = "account.move"
    UNSEARCHABLE = frozenset(
        {"sale_order_count", "payment_count", "has_reconciled_entries", "direction_sign", "type_name", "access_url"}
    )
    order = "date desc, name desc, invoice_date desc, id desc"
    FIELDS = {
        "name": char(index=True),
        "ref": char(index=True),
        "date": day(required=True, default=lambda model: model.db.today),
        "state": choice("draft", "posted", "cancel", default="draft", required=True, readonly=True),
        "move_type": choice(*MOVE_TYPES, default="entry", required=True),
        "journal_id": many2one("account.journal", required=True),
        "company_id": many2one("res.company", default=1),
        "partner_id": many2one("res.partner", index=True),
        "commercial_partner_id": many2one("res.partner", compute="commercial"),
        "partner_shipping_id": many2one("res.partner"),
        "currency_id": many2one("res.currency", required=True),
        "invoice_date": day(),
        "invoice_date_due": day(),
        "invoice_payment_term_id": many2one("account.payment.term"),
        "invoice_user_id": many2one("res.users"),
        "invoice_origin": char(index=True),
        "payment_reference": char(),
        "narration": html(),
        "line_ids": one2many("account.move.line", "move_id"),
        "invoice_line_ids": one2many("account.move.line", "move_id", compute="shown_lines"),
        "amount_untaxed": money(readonly=True),
        "amount_tax": money(readonly=True),
        "amount_total": money(readonly=True),
        "amount_residual": money(readonly=True),
        "amount_total_signed": money(readonly=True),
        "amount_residual_signed": money(readonly=True),
        "payment_state": choice(*PAYMENT_STATES, default="not_paid", readonly=True),
        "posted_before": boolean(),
        "reversed_entry_id": many2one("account.move", index=True),
        "reversal_move_ids": one2many("account.move", "reversed_entry_id"),
        "sale_order_count": integer(compute="order_count"),
        "company_currency_id": many2one("res.currency", related="company_id.currency_id"),
        "country_code": char(related="company_id.account_fiscal_country_id.code"),
        "company_price_include": choice("tax_included", "tax_excluded", related="company_id.account_price_include"),
        "tax_calculation_rounding_method": choice(
            "round_globally", "round_per_line", related="company_id.tax_calculation_rounding_method"
        ),
        "origin_payment_id": many2one("account.payment"),
        "payment_ids": one2many("account.payment", "move_id"),
        "matched_payment_ids": many2many("account.payment", compute="matched_payments"),
        "reconciled_payment_ids": many2many("account.payment", compute="reconciled_payments"),
        "payment_count": integer(compute="payment_count"),
        "has_reconciled_entries": boolean(compute="reconciled"),
        "direction_sign": integer(compute="direction"),
        "amount_untaxed_signed": money(compute="untaxed_signed"),
        "amount_untaxed_in_currency_signed": money(compute="untaxed_signed"),
        "amount_tax_signed": money(compute="tax_signed"),
        "amount_total_in_currency_signed": money(compute="total_signed"),
        "invoice_currency_rate": number(default=1.0),
        "invoice_partner_display_name": char(compute="partner_name"),
        "user_id": many2one("res.users", related="invoice_user_id"),
        "team_id": many2one("crm.team"),
        "fiscal_position_id": many2one("account.fiscal.position"),
        "delivery_date": day(compute="delivered_on"),
        "sequence_prefix": char(compute="number_prefix"),
        "sequence_number": integer(compute="number_count"),
        "type_name": char(compute="type_name"),
        "access_url": char(compute="access_url"),
        "is_move_sent": boolean(readonly=True),
        "auto_post": choice("no", "at_date", "monthly", "quarterly", "yearly", default="no", required=True),
    }

    def prepare(self, vals: dict[str, Any]) -> dict[str, Any]:
        journals, kind = self.db["account.journal"], vals.get("move_type") or self.db.context.get("default_move_type")
        vals["move_type"] = kind or "entry"
        family = "sale" if kind in SALES else "purchase" if kind and kind.startswith("in_") else "general"
        if not vals.get("journal_id"):
            vals["journal_id"] = journals.first(family)
        if not vals.get("currency_id"):
            vals["currency_id"] = self.db["res.company"].rows[1].currency_id
        return vals

    def inverse(self, row: Any, vals: dict[str, Any]) -> None:
        """invoice_line_ids is a view of line_ids: its commands go to the items themselves."""
        if "invoice_line_ids" not in vals:
            return
        items = self.db["account.move.line"]
        for command in vals["invoice_line_ids"] or ():
            if command[0] == 0:
                items.new({**command[2], "move_id": row.id})
            elif command[0] == 1:
                items.write([command[1]], command[2])
            elif command[0] in (2, 3):
                items.unlink([command[1]])
            elif command[0] in (5, 6):
                kept = set(command[2]) if command[0] == 6 else set()
                items.unlink([one for one in self.shown_lines(row) if one not in kept])
        self.db.mark(self.name, row.id)

    def created(self, row: Any, vals: dict[str, Any]) -> None:
        self.db.mark(self.name, row.id)
        self._mark_orders(row)

    def before_write(self, row: Any, vals: dict[str, Any]) -> None:
        """documented: account_move.py, `write`: lines of a posted entry are closed."""
        refuse(
            row.state == "posted" and bool({"invoice_line_ids", "line_ids", "partner_id"} & vals.keys()),
            "You cannot modify a posted entry of this journal because it is in strict mode or reconciled; "
            "reset it to draft first.",
        )

    def before_unlink(self, row: Any) -> None:
        refuse(row.state == "posted", "You can't delete a posted journal item. Don't play games with your accounting records; reset the journal entry to draft before deleting it.")  # noqa: E501  # fmt: skip
        items = self.db["account.move.line"]
        for one in items.lines("move_id", row.id):
            items.drop(items.rows[one])

    def after_write(self, row: Any, vals: dict[str, Any]) -> None:
        self.db.mark(self.name, row.id)

    def items(self, row: Any, *kinds: str) -> list[Any]:
        lines = self.db["account.move.line"]
        found = [lines.rows[one] for one in lines.lines("move_id", row.id)]
        return [line for line in found if line.display_type in kinds] if kinds else found

    def shown_lines(self, row: Any) -> tuple[int, ...]:
        return tuple(line.id for line in self.items(row, *SHOWN))

    def commercial(self, row: Any) -> Any:
        partner = self.db["res.partner"].rows.get(row.partner_id)
        return self.db["res.partner"].commercial_partner(partner) if partner is not None else False

    def order_count(self, row: Any) -> int:
        return len(self._orders(row))

    def _orders(self, row: Any) -> set[int]:
        lines = self.db["sale.order.line"]
        return {lines.rows[one].order_id for item in self.items(row) for one in item.sale_line_ids}

    def _mark_orders(self, row: Any) -> None:
        for order in self._orders(row):
            self.db.mark("sale.order", order)

    def recompute(self, row: Any) -> None:
        """Totals, and the tax and receivable items that balance a draft's lines."""
        if row.move_type not in SALES or row.state == "posted":
            return
        goods = self.items(row, "product")
        net = round_to(sum(item.price_subtotal for item in goods))
        tax = round_to(sum(item.price_total - item.price_subtotal for item in goods))
        total = round_to(net + tax)
        sign = -1 if row.move_type == "out_refund" else 1
        amounts = {"amount_untaxed": net, "amount_tax": tax, "amount_total": total, "amount_residual": total,
                   "amount_total_signed": sign * total, "amount_residual_signed": sign * total}  # fmt: skip
        for name, value in amounts.items():
            self.put(row, name, value)
        lines = self.db["account.move.line"]
        for item in self.items(row, "tax", "payment_term"):
            lines.drop(item)
        for kind, account, amount in (
            ("tax", "liability_current", -sign * tax),
            ("payment_term", "asset_receivable", sign * total),
        ):
            if amount:
                lines.balance_item(row, kind, account, amount)
        self.touch(row)

    @on_records
    def action_post(self, ids: list[int]) -> bool:
        """Draft to posted, with its number; a credit note of an invoice is set against it at once.

        documented: account_move.py, `action_post`, `_post`, `_reconcile_reversed_moves`.
        """
        self.db.flush()
        for row in [self.get(one) for one in ids]:
            refuse(row.state != "draft", f"The entry {row.name or '/'} (id {row.id}) must be in draft.")
            refuse(not self.items(row), "You need to add a line before posting.")
            if row.move_type in SALES:
                refuse(not row.partner_id, "The 'Customer' field is required to validate the invoice.\nYou probably don't want to explain to your auditor that you invoiced an invisible man :)")  # noqa: E501  # fmt: skip
                refuse(row.amount_total < 0, "You cannot validate an invoice with a negative total amount. You should create a credit note instead. Use the action menu to transform it into a credit note or refund.")  # noqa: E501  # fmt: skip
                if not row.invoice_date:
                    self.put(row, "invoice_date", self.db.today)
                self.put(row, "date", row.invoice_date)
                if not row.invoice_date_due:
                    self.put(row, "invoice_date_due", row.invoice_date)
            if not row.name:
                self.put(row, "name", self._number(row))
            self.put(row, "state", "posted")
            self.put(row, "posted_before", True)
            if row.move_type in SALES and not row.payment_reference:
                self.put(row, "payment_reference", row.name)
            if not row.amount_total and row.move_type in SALES:
                self.put(row, "payment_state", "paid")
            self._open_items(row)
            self.touch(row)
            self._mark_orders(row)
            if row.reversed_entry_id and self.rows[row.reversed_entry_id].state == "posted":
                self.settle(self.rows[row.reversed_entry_id], row)
        return False

    def _number(self, row: Any) -> str:
        """documented: account_move.py, `_get_starting_sequence`: JOURNAL/YEAR/00001, credit notes behind an R."""
        code = self.db["account.journal"].rows[row.journal_id].code
        prefix = f"{'R' if row.move_type == 'out_refund' else ''}{code}/{row.date[:4]}/"
        return str(self.db.next(prefix, prefix + "%05d"))

    def _open_items(self, row: Any) -> None:
        lines = self.db["account.move.line"]
        for item in self.items(row):
            lines.put(item, "date", row.date)
            if lines.kind(item) == "asset_receivable":
                lines.put(item, "amount_residual", item.balance)
            lines.touch(item)

    def settle(self, invoice: Any, other: Any) -> float:
        """Set two receivables against each other as far as both are open; returns the amount."""
        lines = self.db["account.move.line"]
        ours = [item for item in self.items(invoice) if lines.kind(item) == "asset_receivable"]
        theirs = [item for item in self.items(other) if lines.kind(item) == "asset_receivable"]
        if not ours or not theirs:
            return 0.0
        amount = float(min(abs(ours[0].amount_residual), abs(theirs[0].amount_residual)))
        if not amount:
            return 0.0
        for item in (ours[0], theirs[0]):
            left = round_to(abs(item.amount_residual) - amount)
            lines.put(item, "amount_residual", left if item.amount_residual > 0 else -left)
            lines.put(item, "reconciled", not left)
            lines.touch(item)
        self._paid(invoice, reversed_by=other.move_type == "out_refund")
        self._paid(other, reversed_by=False)
        return amount

    def _paid(self, row: Any, *, reversed_by: bool) -> None:
        """documented: account_move.py, `_compute_payment_state`; in the community edition a payment means `paid`."""
        if row.move_type not in SALES:
            return
        lines = self.db["account.move.line"]
        left = round_to(sum(abs(i.amount_residual) for i in self.items(row) if lines.kind(i) == "asset_receivable"))
        self.put(row, "amount_residual", left)
        self.put(row, "amount_residual_signed", -left if row.move_type == "out_refund" else left)
        self.put(row, "payment_state", "partial" if left else "reversed" if reversed_by else "paid")
        self.touch(row)

    @on_records
    def button_draft(self, ids: list[int]) -> None:
        for row in [self.get(one) for one in ids]:
            refuse(
                row.state not in ("posted", "cancel"), "Only posted/cancelled journal entries can be reset to draft."
            )
            lines = self.db["account.move.line"]
            for item in self.items(row):
                lines.put(item, "amount_residual", 0.0)
                lines.put(item, "reconciled", False)
            self.put(row, "state", "draft")
            self.put(row, "payment_state", "not_paid")
            self.touch(row)
            self.db.mark(self.name, row.id)
            self._mark_orders(row)

    @on_records
    def button_cancel(self, ids: list[int]) -> None:
        """documented: account_move.py, `button_cancel`: posted entries go back to draft first."""
        self.button_draft([one for one in ids if self.get(one).state == "posted"])
        for row in [self.get(one) for one in ids]:
            refuse(row.state != "draft", "Only draft journal entries can be cancelled.")
            self.put(row, "state", "cancel")
            self.touch(row)
            self._mark_orders(row)

    def reverse(self, row: Any, vals: dict[str, Any]) -> Any:
        """A draft credit note of all lines of an invoice.

        documented: account_move.py, `_reverse_moves`; account_move_reversal.py, `_prepare_default_reversal`.
        """
        items = [
            [0, 0, {"product_id": i.product_id, "name": i.name, "quantity": i.quantity, "price_unit": i.price_unit,
                    "discount": i.discount, "sequence": i.sequence, "display_type": i.display_type,
                    "tax_ids": [[6, 0, list(i.tax_ids)]], "sale_line_ids": [[6, 0, list(i.sale_line_ids)]]}]
            for i in self.items(row, *SHOWN)
        ]  # fmt: skip
        return self.new({
            "move_type": "out_refund", "partner_id": row.partner_id, "currency_id": row.currency_id,
            "journal_id": row.journal_id, "invoice_origin": row.invoice_origin, "reversed_entry_id": row.id,
            "invoice_line_ids": items, **vals,
        })  # fmt: skip


MODELS: tuple[type[Model], ...] = (
    Account,
    Journal,
    AccountMove,
)
