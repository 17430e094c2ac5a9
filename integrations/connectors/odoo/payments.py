"""Payments in Odoo. https://www.odoo.com/documentation/19.0/applications/finance/accounting/payments.html

An invoice is paid through its wizard, `account.payment.register`, which makes, posts and matches the payment in one
call, hence one transaction (https://github.com/odoo/odoo/blob/19.0/addons/account/wizard/account_payment_register.py).
Without an invoice, or with one that has nothing left to pay, the payment is made by itself and posted: it stays the
partner's credit. `memo` bears our reference, and is what it is found by. Nothing is charged: the money is elsewhere.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from integrations.connectors.odoo import documents as d
from integrations.connectors.odoo import fields as f
from integrations.connectors.odoo import payloads as p
from integrations.connectors.odoo.commands import OdooCommands, created
from integrations.connectors.odoo.errors import Row
from integrations.connectors.odoo.paging import OdooPaging, bind, build_page
from integrations.connectors.odoo.transport import remote_id
from integrations.contract import records as r
from integrations.contract.errors import OutcomeUnknown

BOOKED = ("in_process", "paid")


class OdooPayments(OdooCommands, OdooPaging):
    """Registering what was paid, and reading what was registered."""

    def create_payment(self, document: r.PaymentDocument) -> r.CommandResult:
        """`method` is a journal of Odoo's."""
        if self._open_invoice(document):
            return self._pay_invoice(document)
        partner = document.customer_external_id
        if not partner:
            model, external_id = "sale.order", document.order_external_id
            if not external_id:
                model, external_id = "account.move", document.invoice_external_id
            row = self._one(model, external_id, ("id", "partner_id"))
            partner = p.related_id(row["partner_id"])
        number = self._create("account.payment", d.build_payment(document, partner))
        with created("payment", document.reference, number):
            self._finish("account.payment", number, "action_post", f"payment {document.reference}")
            return self._payment_result(number)

    def _open_invoice(self, document: r.PaymentDocument) -> bool:
        if not document.invoice_external_id:
            return False
        invoice = self._one("account.move", document.invoice_external_id, f.INVOICE_FIELDS)
        return invoice["state"] == "posted" and p.parse_decimal(invoice["amount_residual"]) != 0

    def _pay_invoice(self, document: r.PaymentDocument) -> r.CommandResult:
        invoice = remote_id(document.invoice_external_id, "account.move")
        context = {"active_model": "account.move", "active_ids": [invoice]}
        wizard = self._create("account.payment.register", d.build_payment_wizard(document), context=context)
        self._call("account.payment.register", "action_create_payments", write=True, ids=[wizard], context=context)
        found = self.find_payment(document.reference)
        if len(found) != 1:
            raise OutcomeUnknown(f"Odoo has {len(found)} payments called {document.reference} where one was made.")
        return found[0]

    def complete_payment(self, external_id: str) -> r.CommandResult:
        """Post a draft that create_payment left behind; anything else is only read."""
        result = self._payment_result(remote_id(external_id, "account.payment"))
        if result.state is not r.DocumentState.DRAFT:
            return result
        self._call("account.payment", "action_post", write=True, ids=[int(external_id)])
        return self._payment_result(int(external_id))

    def find_payment(self, reference: str) -> Sequence[r.CommandResult]:
        rows = self._rows("account.payment", [["memo", "=", reference]], f.PAYMENT_FIELDS)
        return [p.parse_payment_result(row) for row in rows]

    def _payment_result(self, number: int) -> r.CommandResult:
        return p.parse_payment_result(self._one("account.payment", str(number), f.PAYMENT_FIELDS))

    def pull_payments(self, since: datetime | None, cursor: str) -> r.Page[r.PaymentRecord]:
        """Customers' payments that are booked, each with the order of the invoices it settles; one that settles those
        of several orders, or of none yet, names none. Quirk: matching it later may not change its date, so that it is
        read again only with the overlap."""
        domain: list[Any] = [["partner_type", "=", "customer"], ["state", "in", list(BOOKED)]]
        rows, following, start = self._walk("account.payment", domain, f.PAYMENT_FIELDS, since, cursor)
        orders = self._orders_of(sorted({one for row in rows for one in row["reconciled_invoice_ids"]}))
        found = []
        for row in rows:
            mine = {orders[one] for one in row["reconciled_invoice_ids"] if one in orders}
            found.append((row, bind(p.parse_payment, row, mine.pop() if len(mine) == 1 else "")))
        return build_page(found, following, start)

    def _orders_of(self, invoices: list[int]) -> dict[int, str]:
        """Invoice → sale order, by what the invoice says it comes from."""
        if not invoices:
            return {}
        rows: list[Row] = self._rows("account.move", [["id", "in", invoices]], ("id", "invoice_origin"))
        named = self._orders_by_name(rows)
        return {int(row["id"]): named[name] for row in rows if (name := p.parse_text(row["invoice_origin"])) in named}
