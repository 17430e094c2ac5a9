"""What is read from Odoo. https://www.odoo.com/documentation/19.0/developer/reference/external_api.html"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from integrations.connectors.odoo import fields as f
from integrations.connectors.odoo import payloads as p
from integrations.connectors.odoo.paging import OdooPaging, bind, build_page
from integrations.connectors.odoo.transport import remote_id
from integrations.contract import records as r
from integrations.contract.errors import NotFound, Retryable, Unsupported

NEEDED_RIGHTS = (
    ("product.product", "read"),
    ("res.partner", "create"),
    ("sale.order", "create"),
    ("stock.picking", "read"),
    ("account.move", "create"),
)
VALUE_MODELS: dict[str, tuple[str, list[Any]]] = {
    "tax": ("account.tax", [["type_tax_use", "=", "sale"]]),
    "payment": ("account.journal", [["type", "in", ["bank", "cash", "credit"]]]),
    "terms": ("account.payment.term", []),
    "shipping": ("delivery.carrier", []),
    "unit": ("uom.uom", []),
    "price_list": ("product.pricelist", []),
}
ORDER_STATUSES = (("sale", "Sales order"), ("cancel", "Cancelled"), ("draft", "Quotation"))


class OdooReads(OdooPaging):
    """Customers, orders and what follows them; the account itself."""

    # --- self ------------------------------------------------------------------------------------------------------

    def check(self) -> r.CheckResult:
        """Who the key belongs to, in which company; which rights are missing for what we do."""
        context = self._call("res.users", "context_get", write=False)
        if not isinstance(context, dict) or "uid" not in context:
            raise Retryable(
                "Odoo does not say whose key this is; is the address Odoo's?", code="REMOTE_UNEXPECTED_CONTENT"
            )
        user = self._one("res.users", str(context["uid"]), ("id", "login", "company_id"))
        company = self._one("res.company", p.related_id(user["company_id"]), ("id", "name", "currency_id"))
        return r.CheckResult(
            account=f"{company['name']} ({user['login']})",
            version=self._version(),
            currency=p.related_name(company.get("currency_id")),
            missing_permissions=tuple(
                f"{model}: {operation}" for model, operation in NEEDED_RIGHTS if not self._may(model, operation)
            ),
            notes=("Odoo sends no webhooks: changes are found by asking on schedule.",),
        )

    def _version(self) -> str:
        response = self.http.get("/web/version", write=False)
        if response.status != 200:
            return ""
        answer = response.json()
        return str(answer.get("version", "")) if isinstance(answer, dict) else ""

    def _may(self, model: str, operation: str) -> bool:
        try:
            if self._door is not None:
                arguments: dict[str, Any] = {"operation": operation, "raise_exception": False}
                return self._call(model, "check_access_rights", write=False, **arguments) is True
            return self._call(model, "has_access", write=False, operation=operation) is True
        except NotFound:  # its module is not installed
            return False

    # --- customers, orders and what follows --------------------------------------------------------------------------

    def pull_customers(self, since: datetime | None, cursor: str) -> r.Page[r.CustomerRecord]:
        """Partners Odoo counts as customers, not their contacts."""
        domain = [["customer_rank", ">", 0], ["parent_id", "=", False]]
        rows, following, start = self._walk("res.partner", domain, f.PARTNER_FIELDS, since, cursor)
        return build_page([(row, bind(p.parse_customer, row)) for row in rows], following, start)

    def fetch_customer(self, external_id: str) -> r.CustomerRecord:
        return p.parse_customer(self._one("res.partner", external_id, f.PARTNER_FIELDS))

    def fetch_order(self, external_id: str) -> r.OrderRecord:
        row = self._one("sale.order", external_id, f.ORDER_FIELDS)
        return p.parse_order(
            row, self._grouped("sale.order.line", "order_id", [row["id"]], f.ORDER_LINE_FIELDS)[row["id"]]
        )

    def list_customer_orders(self, customer_external_id: str, since: datetime | None) -> Sequence[r.OrderRecord]:
        """Confirmed orders of the partner and its contacts, the newest 200."""
        partner = remote_id(customer_external_id, "res.partner")
        domain: list[Any] = [["partner_id", "child_of", partner], ["state", "not in", ["draft", "sent", "cancel"]]]
        if since is not None:
            domain.append(["write_date", ">=", p.build_time(since)])
        rows = self._rows("sale.order", domain, f.ORDER_FIELDS, order="date_order desc, id desc", limit=200)
        lines = self._grouped("sale.order.line", "order_id", [row["id"] for row in rows], f.ORDER_LINE_FIELDS)
        return [p.parse_order(row, lines[row["id"]]) for row in rows]

    def pull_orders(self, since: datetime | None, cursor: str) -> r.Page[r.OrderRecord]:
        """Orders that bear a customer reference, as those we made do: what became of them there, a cancellation say."""
        domain = [["client_order_ref", "!=", False], ["state", "not in", ["draft", "sent"]]]
        rows, following, start = self._walk("sale.order", domain, f.ORDER_FIELDS, since, cursor)
        lines = self._grouped("sale.order.line", "order_id", [row["id"] for row in rows], f.ORDER_LINE_FIELDS)
        return build_page([(row, bind(p.parse_order, row, lines[row["id"]])) for row in rows], following, start)

    def pull_shipments(self, since: datetime | None, cursor: str) -> r.Page[r.ShipmentRecord]:
        """Deliveries that have left, of sale orders."""
        domain = [["picking_type_code", "=", "outgoing"], ["state", "=", "done"], ["sale_id", "!=", False]]
        fields = [*f.PICKING_FIELDS, *self._existing("stock.picking", f.DELIVERY_FIELDS)]
        rows, following, start = self._walk("stock.picking", domain, fields, since, cursor)
        moves = self._grouped("stock.move", "picking_id", [row["id"] for row in rows], f.MOVE_FIELDS)
        return build_page([(row, bind(p.parse_shipment, row, moves[row["id"]])) for row in rows], following, start)

    def pull_returns(self, since: datetime | None, cursor: str) -> r.Page[r.ReturnRecord]:
        """Receipts that return a delivery."""
        domain = [["picking_type_code", "=", "incoming"], ["return_id", "!=", False]]
        rows, following, start = self._walk("stock.picking", domain, f.PICKING_FIELDS, since, cursor)
        moves = self._grouped("stock.move", "picking_id", [row["id"] for row in rows], f.MOVE_FIELDS)
        origins = sorted({int(p.related_id(row["return_id"])) for row in rows if not row.get("sale_id")})
        found = self._rows("stock.picking", [["id", "in", origins]], ("id", "sale_id")) if origins else []
        orders = {str(row["id"]): p.related_id(row.get("sale_id")) for row in found}
        return build_page(
            [
                (row, bind(p.parse_return, row, moves[row["id"]], orders.get(p.related_id(row["return_id"]), "")))
                for row in rows
            ],
            following,
            start,
        )

    def pull_invoices(self, since: datetime | None, cursor: str) -> r.Page[r.InvoiceRecord]:
        """Posted invoices and credit notes; a payment touches the invoice's date."""
        domain = [["move_type", "in", ["out_invoice", "out_refund"]], ["state", "=", "posted"]]
        rows, following, start = self._walk("account.move", domain, f.INVOICE_FIELDS, since, cursor)
        lines = self._grouped("account.move.line", "move_id", [row["id"] for row in rows], f.INVOICE_LINE_FIELDS)
        orders = self._orders_by_name(rows)
        return build_page(
            [
                (
                    row,
                    bind(p.parse_invoice, row, lines[row["id"]], orders.get(p.parse_text(row["invoice_origin"]), "")),
                )
                for row in rows
            ],
            following,
            start,
        )

    def get_account(self, customer_external_id: str) -> r.AccountRecord:
        return p.parse_account(self._one("res.partner", customer_external_id, f.ACCOUNT_FIELDS))

    def list_ledger(self, customer_external_id: str, since: datetime | None) -> Sequence[r.LedgerRow]:
        """Posted receivable entries of the partner and its contacts, oldest first, in the company's currency."""
        domain: list[Any] = [
            ["partner_id", "child_of", remote_id(customer_external_id, "res.partner")],
            ["account_type", "=", "asset_receivable"],
            ["parent_state", "=", "posted"],
        ]
        if since is not None:
            domain.append(["date", ">=", p.build_day(since)])
        return [
            p.parse_ledger_row(row)
            for row in self._rows("account.move.line", domain, f.LEDGER_FIELDS, order="date, id")
        ]

    def list_values(self, kind: str) -> Sequence[r.RemoteValue]:
        if kind == "status":
            return [r.RemoteValue(kind=kind, code=code, label=label) for code, label in ORDER_STATUSES]
        if kind not in VALUE_MODELS:
            raise Unsupported(f"Odoo cannot list values of the kind '{kind}'.")
        model, domain = VALUE_MODELS[kind]
        try:
            rows = self._rows(model, domain, ("id", "display_name"))
        except NotFound:
            if kind != "shipping":
                raise
            return []  # the delivery module is not installed
        return [r.RemoteValue(kind=kind, code=p.row_id(row), label=str(row["display_name"])) for row in rows]
