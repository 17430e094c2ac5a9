"""Credit notes by wizard, payments, and the wizard that registers them.

documented: specs/odoo/live-doc/account.{move.reversal,payment}.json; odoo/addons/account/wizard/{account_move_reversal,
account_payment_register}.py, odoo/addons/account/models/account_payment.py.
"""

from __future__ import annotations

from typing import Any

from integrations.simulators.odoo.errors import UserError
from integrations.simulators.odoo.fields import (
    boolean,
    char,
    choice,
    day,
    integer,
    many2many,
    many2one,
    money,
    round_to,
)
from integrations.simulators.odoo.orm import Model, on_model, on_records, refuse

MOVE_TYPES = ("entry", "out_invoice", "out_refund", "in_invoice", "in_refund", "out_receipt", "in_receipt")
SALES = ("out_invoice", "out_refund", "out_receipt")
PAYMENT_STATES = ("not_paid", "in_payment", "paid", "partial", "reversed", "blocked", "invoicing_legacy")
SHOWN = ("product", "line_section", "line_subsection", "line_note")


class AccountMoveReversal(Model):
    name = "account.move.reversal"
    UNSEARCHABLE = frozenset({"residual", "move_type", "currency_id", "country_code"})
    rec_name = "id"
    FIELDS = {
        "move_ids": many2many("account.move"),
        "new_move_ids": many2many("account.move"),
        "date": day(default=lambda model: model.db.today),
        "reason": char(),
        "journal_id": many2one("account.journal", required=True),
        "company_id": many2one("res.company", required=True, default=1),
        "residual": money(compute="residual"),
        "move_type": char(compute="move_type"),
        "currency_id": many2one("res.currency", compute="currency"),
        "country_code": char(related="company_id.country_id.code"),
    }

    @on_model
    def create(self, vals_list: Any) -> list[int]:
        """documented: account_move_reversal.py, `default_get`: the moves come from active_ids where not given."""
        given = [vals_list] if isinstance(vals_list, dict) else vals_list
        context = self.db.context
        active = context.get("active_ids") or [] if context.get("active_model") == "account.move" else []
        return super().create([{"move_ids": [[6, 0, active]], **vals} for vals in given])

    def prepare(self, vals: dict[str, Any]) -> dict[str, Any]:
        vals["journal_id"] = vals.get("journal_id") or self.db["account.journal"].first("sale")
        return vals

    def created(self, row: Any, vals: dict[str, Any]) -> None:
        moves = [self.db["account.move"].get(one) for one in row.move_ids]
        refuse(any(move.state != "posted" for move in moves), "You can only reverse posted moves.")

    def residual(self, row: Any) -> float:
        moves = self.db["account.move"]
        return float(moves.rows[row.move_ids[0]].amount_residual) if len(row.move_ids) == 1 else 0.0

    def currency(self, row: Any) -> Any:
        return self.db["account.move"].rows[row.move_ids[0]].currency_id if row.move_ids else False

    def move_type(self, row: Any) -> Any:
        return self.db["account.move"].rows[row.move_ids[0]].move_type if row.move_ids else False

    @on_records
    def refund_moves(self, ids: list[int]) -> Any:
        """Draft credit notes, "Reversal of: …"; posting and matching are the caller's."""
        return self._reverse(ids, modify=False)

    @on_records
    def modify_moves(self, ids: list[int]) -> Any:
        """The credit note is posted and matched, and a new draft invoice takes the old one's place."""
        return self._reverse(ids, modify=True)

    @on_records
    def reverse_moves(self, ids: list[int], is_modify: bool = False) -> Any:
        return self._reverse(ids, modify=is_modify)

    def _reverse(self, ids: list[int], *, modify: bool) -> Any:
        moves = self.db["account.move"]
        made = []
        for row in [self.get(one) for one in ids]:
            for move in [moves.get(one) for one in row.move_ids]:
                reason = f", {row.reason}" if row.reason else ""
                refund = moves.reverse(move, {
                    "ref": f"Reversal of: {move.name}{reason}", "date": row.date or self.db.today,
                    "invoice_date": row.date or self.db.today, "journal_id": row.journal_id,
                })  # fmt: skip
                if modify:
                    moves.action_post([refund.id])
                    refund = moves.reverse(
                        move, {"move_type": move.move_type, "reversed_entry_id": False, "ref": move.ref}
                    )
                made.append(refund.id)
            self.put(row, "new_move_ids", tuple(made))
        answer = {"name": "Reverse Moves", "type": "ir.actions.act_window", "res_model": "account.move"}
        if len(made) == 1:
            return {**answer, "view_mode": "form", "res_id": made[0], "context": {"default_move_type": "out_refund"}}
        return {**answer, "view_mode": "list,form", "domain": [["id", "in", made]]}


class Payment(Model):
    name = "account.payment"
    UNSEARCHABLE = frozenset({"reconciled_invoices_count", "reconciled_invoices_type", "amount_signed"})
    order = "date desc, name desc"
    FIELDS = {
        "name": char(),
        "date": day(required=True, default=lambda model: model.db.today),
        "state": choice("draft", "in_process", "paid", "canceled", "rejected", default="draft", required=True),
        "payment_type": choice("outbound", "inbound", default="inbound", required=True),
        "partner_type": choice("customer", "supplier", default="customer", required=True),
        "partner_id": many2one("res.partner", index=True),
        "amount": money(),
        "currency_id": many2one("res.currency", compute="currency"),
        "journal_id": many2one("account.journal", required=True),
        "company_id": many2one("res.company", required=True, default=1),
        "memo": char(index=True),
        "payment_reference": char(),
        "move_id": many2one("account.move", index=True),
        "invoice_ids": many2many("account.move", index=True),
        "reconciled_invoice_ids": many2many("account.move", compute="settled"),
        "reconciled_invoices_count": integer(compute="settled_count"),
        "reconciled_invoices_type": choice("credit_note", "invoice", compute="settled_type"),
        "is_reconciled": boolean(compute="is_reconciled"),
        "is_matched": boolean(compute="is_matched"),
        "is_sent": boolean(readonly=True),
        "company_currency_id": many2one("res.currency", related="company_id.currency_id"),
        "country_code": char(related="company_id.account_fiscal_country_id.code"),
        "amount_signed": money(compute="signed"),
        "amount_company_currency_signed": money(compute="signed"),
        "destination_account_id": many2one("account.account", default=lambda m: m.db.place("asset_receivable")),
        "outstanding_account_id": many2one("account.account", default=lambda m: m.db.place("asset_cash")),
    }

    def prepare(self, vals: dict[str, Any]) -> dict[str, Any]:
        refuse(float(vals.get("amount") or 0) < 0, "The payment amount cannot be negative.")
        vals["journal_id"] = vals.get("journal_id") or self.db["account.journal"].first("bank")
        return vals

    def currency(self, row: Any) -> int:
        return int(self.db["res.company"].rows[1].currency_id)

    def settled_count(self, row: Any) -> int:
        return len(self.settled(row))

    def settled_type(self, row: Any) -> str:
        """documented: account_payment.py: `invoice` unless all it settles are credit notes."""
        moves = self.db["account.move"]
        kinds = {moves.rows[one].move_type for one in row.invoice_ids}
        return "credit_note" if kinds == {"out_refund"} else "invoice"

    def is_reconciled(self, row: Any) -> bool:
        """documented: account_payment.py, `_compute_reconciliation_status`: nothing of it is left open."""
        lines = self.db["account.move.line"]
        items = [lines.rows[one] for one in lines.lines("move_id", row.move_id)] if row.move_id else []
        open_items = [item for item in items if lines.kind(item) == "asset_receivable"]
        return row.state == "paid" and bool(items) and not any(item.amount_residual for item in open_items)

    def is_matched(self, row: Any) -> bool:
        """judgement: the bank journal has no outstanding account, so a posted payment is on the bank's own."""
        return bool(row.state == "paid")

    def signed(self, row: Any) -> float:
        return float(row.amount if row.payment_type == "inbound" else -row.amount) or 0.0

    def settled(self, row: Any) -> tuple[int, ...]:
        return tuple(row.invoice_ids)

    @on_records
    def action_post(self, ids: list[int]) -> None:
        """An entry against the customer's receivable; it settles `invoice_ids`, nothing else.

        documented: account_payment.py, `action_post`. judgement: the bank journal has no outstanding account, so a
        posted payment is `paid` at once.
        """
        moves, lines = self.db["account.move"], self.db["account.move.line"]
        for row in [self.get(one) for one in ids]:
            refuse(row.state != "draft", "Only a draft payment can be posted.")
            sign = 1 if row.payment_type == "inbound" else -1
            entry = moves.new({"move_type": "entry", "journal_id": row.journal_id, "partner_id": row.partner_id,
                               "ref": row.memo, "date": row.date})  # fmt: skip
            lines.balance_item(entry, "payment_term", "asset_receivable", -sign * row.amount)
            lines.balance_item(entry, "product", "asset_cash", sign * row.amount)
            moves.action_post([entry.id])
            self.put(row, "move_id", entry.id)
            moves.put(entry, "origin_payment_id", row.id)
            self.put(row, "name", f"P{entry.name}")
            self.put(row, "state", "paid")
            self.touch(row)
            for one in row.invoice_ids:
                moves.settle(moves.get(one), entry)

    @on_records
    def action_draft(self, ids: list[int]) -> None:
        for row in [self.get(one) for one in ids]:
            self.put(row, "state", "draft")
            self.touch(row)

    @on_records
    def action_cancel(self, ids: list[int]) -> None:
        for row in [self.get(one) for one in ids]:
            if row.move_id:
                self.db["account.move"].button_cancel([row.move_id])
            self.put(row, "state", "canceled")
            self.touch(row)


class PaymentRegister(Model):
    """documented: account_payment_register.py: the wizard pays the invoices of the context's active_ids."""

    name = "account.payment.register"
    rec_name = "id"
    FIELDS = {
        "payment_date": day(default=lambda model: model.db.today),
        "amount": money(),
        "communication": char(),
        "journal_id": many2one("account.journal"),
        "move_ids": many2many("account.move", readonly=True),
    }

    def prepare(self, vals: dict[str, Any]) -> dict[str, Any]:
        moves = [self.db["account.move"].get(one) for one in self.db.context.get("active_ids") or ()]
        if not moves or self.db.context.get("active_model") != "account.move":
            raise UserError(
                "The register payment wizard should only be called on account.move or account.move.line records."
            )
        refuse(
            any(move.state != "posted" for move in moves), "You can only register payment for posted journal entries."
        )
        due = round_to(sum(move.amount_residual for move in moves))
        refuse(
            not due, "You can't register a payment because there is nothing left to pay on the selected journal items."
        )
        vals.setdefault("amount", due)
        vals["move_ids"] = [[6, 0, [move.id for move in moves]]]
        vals["journal_id"] = vals.get("journal_id") or self.db["account.journal"].first("bank")
        return vals

    @on_records
    def action_create_payments(self, ids: list[int]) -> Any:
        payments, moves, made = self.db["account.payment"], self.db["account.move"], []
        for row in [self.get(one) for one in ids]:
            first = moves.rows[row.move_ids[0]]
            payment = payments.new({
                "partner_id": first.partner_id, "amount": row.amount, "journal_id": row.journal_id,
                "date": row.payment_date, "memo": row.communication or first.name,
                "payment_type": "outbound" if first.move_type == "out_refund" else "inbound",
                "invoice_ids": [[6, 0, list(row.move_ids)]],
            })  # fmt: skip
            payments.action_post([payment.id])
            made.append(payment.id)
        return {"name": "Payments", "type": "ir.actions.act_window", "res_model": "account.payment",
                "res_id": made[0] if len(made) == 1 else False, "domain": [["id", "in", made]]}  # fmt: skip


MODELS: tuple[type[Model], ...] = (
    AccountMoveReversal,
    Payment,
    PaymentRegister,
)
