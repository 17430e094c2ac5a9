"""What Odoo is told to do. https://www.odoo.com/documentation/19.0/developer/reference/external_api.html

Every JSON-2 call is a transaction of its own, so a document of two calls (create, then confirm or post) can stop in
between. The create carries our reference; whatever goes wrong after it, short of a refusal, is OutcomeUnknown: the
search finds the draft and `complete_order` / `complete_refund` finish it. A refusal removes the draft again.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from integrations.connectors.odoo import documents as d
from integrations.connectors.odoo import fields as f
from integrations.connectors.odoo import payloads as p
from integrations.connectors.odoo.errors import Row
from integrations.connectors.odoo.transport import OdooTransport, remote_id
from integrations.contract import records as r
from integrations.contract.errors import ConnectorError, OutcomeUnknown, Rejected, Unsupported

STATUS_CALLS = {"sale": "action_confirm", "cancel": "action_cancel", "draft": "action_draft"}


class OdooCommands(OdooTransport):
    """Orders, customers, invoices, credit notes and returns."""

    # --- customers -------------------------------------------------------------------------------------------------

    def create_customer(self, document: r.CustomerDocument) -> r.CommandResult:
        values = {**d.build_partner(document, self._country(document)), "customer_rank": 1}
        number = self._create("res.partner", values)
        return r.CommandResult(external_id=str(number), number=document.reference)

    def update_customer(self, document: r.CustomerDocument) -> r.CommandResult:
        """Writes what we know; what we have nothing for stays as it is there, and so does the partner's own number."""
        number = remote_id(document.external_id, "res.partner")
        values = d.build_partner(document, self._country(document))
        self._write(
            "res.partner",
            number,
            {name: value for name, value in values.items() if value is not False and name != "ref"},
        )
        return r.CommandResult(external_id=str(number), number=document.reference)

    def find_customer(self, reference: str) -> Sequence[r.CommandResult]:
        rows = self._rows("res.partner", [["ref", "=", reference]], ("id", "ref"), context={"active_test": False})
        return [r.CommandResult(external_id=p.row_id(row), number=p.parse_text(row["ref"])) for row in rows]

    def _country(self, document: r.CustomerDocument) -> int | None:
        address = document.customer.billing or document.customer.shipping
        if address is None or not address.country:
            return None
        rows = self._rows("res.country", [["code", "=", address.country]], ("id",), limit=1)
        return int(rows[0]["id"]) if rows else None

    # --- orders ----------------------------------------------------------------------------------------------------

    def create_order(self, document: r.OrderDocument) -> r.CommandResult:
        """A quotation with our reference, then confirmed; what Odoo made of it is read back."""
        self._refuse_unplaced(document)
        partner = document.customer_external_id or str(self.settings.get("guest_partner_id") or "")
        included = self._included_taxes(document.lines)
        number = self._create("sale.order", d.build_order(document, partner_id=partner, included_taxes=included))
        with created("order", document.reference, number):
            self._finish("sale.order", number, "action_confirm", f"order {document.reference}")
            return self._order_result(number)

    def complete_order(self, external_id: str) -> r.CommandResult:
        """Confirm a quotation that create_order left behind; anything else is only read."""
        result = self._order_result(remote_id(external_id, "sale.order"))
        if result.state is not r.DocumentState.DRAFT:
            return result
        self._call("sale.order", "action_confirm", write=True, ids=[int(external_id)])
        return self._order_result(int(external_id))

    def find_order(self, reference: str) -> Sequence[r.CommandResult]:
        """Every sale order with exactly this customer reference, cancelled and draft ones too."""
        rows = self._rows("sale.order", [["client_order_ref", "=", reference]], f.ORDER_FIELDS)
        return [p.parse_order_result(row) for row in rows]

    def update_order(self, document: r.OrderDocument) -> r.CommandResult:
        """Bring the lines to the document's; harmless twice, since only what differs is written."""
        number = remote_id(document.external_id, "sale.order")
        order = self._one("sale.order", document.external_id, f.ORDER_FIELDS)
        included = self._included_taxes(document.lines)
        wanted = [d.build_order_line(line, document.prices_include_tax, included) for line in document.lines]
        changes = d.build_line_changes(self._order_lines(number), wanted, confirmed=order["state"] == "sale")
        if changes:
            self._write("sale.order", number, {"order_line": changes})
        return self._order_result(number)

    def update_order_status(self, external_id: str, status: str, note: str = "") -> r.CommandResult:
        """`status`: sale, cancel or draft; nothing is done where the order has it already."""
        number = remote_id(external_id, "sale.order")
        if status not in STATUS_CALLS:
            raise Unsupported(f"Odoo has no order status '{status}': use sale, cancel or draft.")
        if self._order_result(number).raw["state"] != status:
            self._call("sale.order", STATUS_CALLS[status], write=True, ids=[number])
        return self._order_result(number)

    def cancel_order(self, external_id: str, lines: Sequence[r.OrderDocumentLine] | None = None) -> r.CommandResult:
        """The whole order (harmless twice), or `lines`' quantities less. The latter is *not* harmless twice: Odoo keeps
        no trace of who took a quantity away; see the safety of "cancel_order_lines"."""
        number = remote_id(external_id, "sale.order")
        before = self._order_result(number)
        if before.state is r.DocumentState.CANCELLED:
            return before
        try:
            if lines is None:
                self._call("sale.order", "action_cancel", write=True, ids=[number])
            else:
                self._write("sale.order", number, {"order_line": self._reductions(number, lines)})
        except Rejected as error:
            if error.code != Rejected.code:  # a missing right or a gone order is not Odoo's "no"
                raise
            return p.refused(before, error.upstream or error.message)
        after = self._order_result(number)
        if lines is None and after.state is not r.DocumentState.CANCELLED:
            return p.refused(after, f"Odoo left order {after.number} in state {after.raw['state']}.")
        return after

    def _reductions(self, number: int, lines: Sequence[r.OrderDocumentLine]) -> list[Any]:
        rows = [dict(row) for row in self._order_lines(number) if not row.get("display_type")]
        commands: list[Any] = []
        for line in lines:
            product = line.variant_external_id or line.item_external_id
            for row in rows:
                has = p.parse_decimal(row["product_uom_qty"])
                if p.related_id(row["product_id"]) == product and has >= line.quantity:
                    row["product_uom_qty"] = has - line.quantity
                    commands.append([1, row["id"], {"product_uom_qty": d.build_number(has - line.quantity)}])
                    break
            else:
                name = line.sku or line.name or product
                raise Rejected(f"Odoo's order {number} has no line with {line.quantity} of {name} left to cancel.")
        return commands

    def _order_lines(self, number: int) -> list[Row]:
        return self._rows("sale.order.line", [["order_id", "=", number]], f.ORDER_LINE_FIELDS)

    def _order_result(self, number: int) -> r.CommandResult:
        return p.parse_order_result(self._one("sale.order", str(number), f.ORDER_FIELDS))

    def _included_taxes(self, lines: Sequence[r.OrderDocumentLine]) -> frozenset[str]:
        """Those of the lines' taxes that Odoo expects inside price_unit."""
        ids = d.build_ids(sorted({code for line in lines for code in line.tax_codes}), "tax")
        if not ids:
            return frozenset()
        rows = self._rows("account.tax", [["id", "in", ids]], ("id", "price_include"), context={"active_test": False})
        if missing := set(ids) - {row["id"] for row in rows}:
            raise Rejected(f"Odoo has no tax {min(missing)}: map the shop's tax again.", code="TAX_MISSING")
        return frozenset(str(row["id"]) for row in rows if row["price_include"])

    def _finish(self, model: str, number: int, method: str, what: str) -> None:
        """The second call of a create. A refusal takes the draft back, so that nothing half-made is left."""
        try:
            self._call(model, method, write=True, ids=[number])
        except Rejected as error:
            try:
                self._call(model, "unlink", write=True, ids=[number])
            except ConnectorError:
                left = f" Its draft {number} is still in Odoo."
            else:
                left = " Nothing of it is left in Odoo."
            raise _Refused(
                f"Odoo refuses {what}: {error.upstream or error.message}{left}",
                code=error.code,
                upstream=error.upstream,
                status=error.status,
            ) from error

    # --- invoices, credit notes, returns -----------------------------------------------------------------------------

    def create_invoice(self, document: r.InvoiceDocument) -> r.CommandResult:
        """Through Odoo's own wizard (`_create_invoices` is private), then posted. Harmless twice: an invoice the order
        has already is taken up again where it stopped, and Odoo refuses to invoice the same quantity twice. Of an order
        that is not in this Odoo: with its lines, unless one of our reference is there."""
        if document.order is not None:
            return self._create_invoice_of(document.order)
        order = self._one("sale.order", document.order_external_id, ("id", "name", "invoice_ids"))
        number = self._standing_invoice(order)
        if number is None:
            wizard = self._create(
                "sale.advance.payment.inv",
                {"advance_payment_method": "delivered", "sale_order_ids": [[6, 0, [order["id"]]]]},
            )
            self._call("sale.advance.payment.inv", "create_invoices", write=True, ids=[wizard])
            order = self._one("sale.order", document.order_external_id, ("id", "name", "invoice_ids"))
            number = self._standing_invoice(order)
        if number is None:
            raise OutcomeUnknown(f"Odoo made no invoice that can be found for order {order['name']}.")
        invoice = self._one("account.move", str(number), f.INVOICE_FIELDS)
        if invoice["state"] == "draft":
            self._write("account.move", number, {"ref": document.reference})
            self._call("account.move", "action_post", write=True, ids=[number])
        return self._invoice_result(number)

    def _create_invoice_of(self, order: r.OrderDocument) -> r.CommandResult:
        standing = [one for one in self.find_invoice(order.reference) if one.state is not r.DocumentState.CANCELLED]
        if len(standing) > 1:
            raise Rejected(f"{len(standing)} invoices in Odoo carry {order.reference}: look there.", code="SEVERAL")
        if standing and standing[0].state is not r.DocumentState.DRAFT:
            return standing[0]
        if standing:
            number = int(standing[0].external_id)
        else:
            partner = order.customer_external_id or str(self.settings.get("guest_partner_id") or "")
            included = self._included_taxes(order.lines)
            number = self._create("account.move", d.build_invoice(order, partner_id=partner, included_taxes=included))
        with created("invoice", order.reference, number):
            self._finish("account.move", number, "action_post", f"invoice {order.reference}")
            return self._invoice_result(number)

    def cancel_invoice(self, external_id: str) -> r.CommandResult:
        number = remote_id(external_id, "account.move")
        before = self._invoice_result(number)
        if before.state is r.DocumentState.CANCELLED:
            return before
        try:
            self._call("account.move", "button_cancel", write=True, ids=[number])
        except Rejected as error:
            if error.code != Rejected.code:  # a missing right or a gone invoice is not Odoo's "no"
                raise
            return p.refused(before, error.upstream or error.message)
        return self._invoice_result(number)

    def _standing_invoice(self, order: Row) -> int | None:
        ids = order.get("invoice_ids") or []
        domain = [["id", "in", ids], ["move_type", "=", "out_invoice"], ["state", "!=", "cancel"]]
        rows = self._rows("account.move", domain, ("id",), order="id desc", limit=1) if ids else []
        return int(rows[0]["id"]) if rows else None

    def find_invoice(self, reference: str) -> Sequence[r.CommandResult]:
        return self._find_moves("out_invoice", reference)

    def create_refund(self, document: r.RefundDocument) -> r.CommandResult:
        """A credit note with our reference and explicit lines, then posted. `account.move.reversal` would take the
        invoice whole and has no place for a reference."""
        partner = document.customer_external_id
        if not partner:
            model, number = "sale.order", document.order_external_id
            if document.invoice_external_id:
                model, number = "account.move", document.invoice_external_id
            row = self._one(model, number, ("id", "partner_id"))
            partner = p.related_id(row["partner_id"])
        included = self._included_taxes(document.lines)
        made = self._create("account.move", d.build_refund(document, partner_id=partner, included_taxes=included))
        with created("credit note", document.reference, made):
            self._finish("account.move", made, "action_post", f"credit note {document.reference}")
            return self._invoice_result(made)

    def complete_refund(self, external_id: str) -> r.CommandResult:
        """Post a draft credit note that create_refund left behind; anything else is only read."""
        result = self._invoice_result(remote_id(external_id, "account.move"))
        if result.state is not r.DocumentState.DRAFT:
            return result
        self._call("account.move", "action_post", write=True, ids=[int(external_id)])
        return self._invoice_result(int(external_id))

    def find_refund(self, reference: str) -> Sequence[r.CommandResult]:
        return self._find_moves("out_refund", reference)

    def _find_moves(self, move_type: str, reference: str) -> list[r.CommandResult]:
        domain = [["move_type", "=", move_type], ["ref", "=", reference]]
        return [p.parse_invoice_result(row) for row in self._rows("account.move", domain, f.INVOICE_FIELDS)]

    def _invoice_result(self, number: int) -> r.CommandResult:
        return p.parse_invoice_result(self._one("account.move", str(number), f.INVOICE_FIELDS))

    def create_return(self, document: r.ReturnDocument) -> r.CommandResult:
        """A receipt that returns what the order's last finished delivery with these articles brought; it waits in Odoo
        for the goods. The wizard takes no reference, so it is written into `origin` afterwards: between the two calls a
        return cannot be found, hence this command's safety is NONE."""
        lines = [line for line in document.lines if line.variant_external_id]
        picking, moves = self._delivery_of(document, lines)
        wizard = self._create("stock.return.picking", {"picking_id": picking})
        for line in lines:
            self._set_returned(wizard, moves, line)
        action = self._call("stock.return.picking", "action_create_returns", write=True, ids=[wizard])
        number = action.get("res_id") if isinstance(action, dict) else None
        if type(number) is not int:
            raise OutcomeUnknown(f"Odoo does not say which return it made for {document.order_reference}; look there.")
        with created("return", document.reference, number):
            values: Row = {"origin": document.reference}
            if note := d.build_return_note(document):
                values["note"] = note
            self._write("stock.picking", number, values)
            return p.parse_picking_result(self._one("stock.picking", str(number), f.PICKING_FIELDS))

    def _delivery_of(self, document: r.ReturnDocument, lines: Sequence[r.OrderDocumentLine]) -> tuple[int, list[Row]]:
        domain = [
            ["sale_id", "=", remote_id(document.order_external_id, "sale.order")],
            ["picking_type_code", "=", "outgoing"],
            ["state", "=", "done"],
        ]
        wanted = {line.variant_external_id for line in lines}
        for picking in self._rows("stock.picking", domain, ("id",), order="id desc") if wanted else []:
            moves = self._rows("stock.move", [["picking_id", "=", picking["id"]]], f.MOVE_FIELDS)
            if wanted <= {p.related_id(move["product_id"]) for move in moves}:
                return int(picking["id"]), moves
        raise Rejected(
            f"Odoo has no finished delivery of order {document.order_reference} with these articles to be returned.",
            code="NOTHING_DELIVERED",
        )

    def _set_returned(self, wizard: int, moves: Sequence[Row], line: r.OrderDocumentLine) -> None:
        rows = self._rows(
            "stock.return.picking.line",
            [["wizard_id", "=", wizard], ["product_id", "=", int(line.variant_external_id)]],
            ("id", "product_id", "move_id"),
        )
        if not rows:
            raise Rejected(f"Odoo's delivery has no {line.sku or line.variant_external_id} to return.")
        values: Row = {"quantity": d.build_number(line.quantity)}
        self._write("stock.return.picking.line", int(rows[0]["id"]), values)

    def find_return(self, reference: str) -> Sequence[r.CommandResult]:
        rows = self._rows("stock.picking", [["origin", "=", reference], ["return_id", "!=", False]], f.PICKING_FIELDS)
        return [p.parse_picking_result(row) for row in rows]


class _Refused(Rejected):
    """A refusal of the second call, cleaned up: not an open outcome."""


@contextmanager
def created(what: str, reference: str, number: int) -> Iterator[None]:
    """After the record exists no error may say "nothing happened": the engine has to look before it sends again."""
    try:
        yield
    except (_Refused, OutcomeUnknown):
        raise
    except ConnectorError as error:
        raise OutcomeUnknown(
            f"Odoo created {what} {reference} (id {number}), but not all that follows: {error.message}",
            code=OutcomeUnknown.code,
            upstream=error.upstream,
            status=error.status,
        ) from error
