"""What must happen once in a shop, and the searches that tell whether it did.

https://woocommerce.github.io/woocommerce-rest-api-docs/ knows no idempotency key and no search by meta field. What we
create carries our reference as a meta field, and a search reads everything changed in the last `search_days`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar

from integrations.connectors.woocommerce import documents as d
from integrations.connectors.woocommerce import payloads as p
from integrations.connectors.woocommerce import values as v
from integrations.connectors.woocommerce.transport import Row, WooTransport, remote_id
from integrations.contract import records as r
from integrations.contract.connector import Idempotency, Safety
from integrations.contract.errors import NotFound, Rejected, Unsupported

# Judgement: PHP goes on with a request whose caller has left, for max_execution_time at most (30 s by default, 60 s at
# many hosts); after that a committed record is in the next answer, for lists are plain SQL.
LAG = 60
SEARCH = Idempotency(safety=Safety.SEARCH, lag_seconds=LAG)
REPEATABLE = Idempotency(safety=Safety.REPEATABLE, lag_seconds=LAG)
DONE_STATUSES = frozenset({"completed", "refunded"})


class WooCommands(WooTransport):
    idempotency: ClassVar[Mapping[str, Idempotency]] = {
        "create_order": SEARCH,
        "create_refund": SEARCH,
        "create_customer": SEARCH,
        "create_product": REPEATABLE,  # looks for the code first, and adds the variations that are missing
        "create_shipment": REPEATABLE,  # these look for their note first
        "create_return": REPEATABLE,
        "create_invoice": REPEATABLE,
        "create_payment": REPEATABLE,
        "update_customer": REPEATABLE,
        "update_order_status": REPEATABLE,  # a second note at worst
        "cancel_order": REPEATABLE,
    }

    @property
    def _meta_key(self) -> str:
        return str(self.settings.get("order_meta_key") or "_stockbridge_reference")

    # orders --------------------------------------------------------------------------------------------------------
    def create_order(self, document: r.OrderDocument) -> r.CommandResult:
        """For copying an order into another shop, which computes the tax itself and sends its own e-mails."""
        self._refuse_unplaced(document)
        classes: dict[str, str] = {}
        if any(line.tax_codes for line in document.lines):
            classes = {v.parse_id(rate.get("id")): str(rate.get("class") or "") for rate in self._all("taxes")}
        status = str(self.settings.get("new_order_status") or "processing")
        body = d.build_order(document, self._meta_key, status, classes)
        return self._send("POST", "orders", body, d.parse_order_result)

    def find_order(self, reference: str) -> Sequence[r.CommandResult]:
        return [d.parse_order_result(row) for row in self._find("orders", reference)]

    def update_order_status(self, external_id: str, status: str, note: str = "") -> r.CommandResult:
        """`status` is a slug of /orders/statuses, without "wc-"; the note is for the shop's staff."""
        path = f"orders/{remote_id(external_id, 'order')}"
        result = self._send("PUT", path, {"status": status}, d.parse_order_result)
        if note:
            self._write("POST", f"{path}/notes", {"note": note, "customer_note": False})
        return result

    def cancel_order(self, external_id: str, lines: Sequence[r.OrderDocumentLine] | None = None) -> r.CommandResult:
        """Quirk: WooCommerce cancels delivered orders, too, and puts their stock back: those are answered "no"."""
        if lines:
            raise Unsupported("WooCommerce cancels whole orders only: refund the lines instead.")
        path = f"orders/{remote_id(external_id, 'order')}"
        order = self._one(path)
        if order.get("status") in DONE_STATUSES:
            result = d.parse_order_result(order)
            return _refused(result, f"The order is {order['status']} already: refund it instead.")
        if order.get("status") == "cancelled":
            return d.parse_order_result(order)
        try:
            return self._send("PUT", path, {"status": "cancelled"}, d.parse_order_result)
        except NotFound:
            raise
        except Rejected as error:
            return _refused(d.parse_order_result(order), error.upstream or error.message)

    def create_shipment(self, document: r.ShipmentDocument) -> r.CommandResult:
        """Core has no shipments: a note to the customer with the tracking (#order-notes), which the shop e-mails to
        him, and, where all is shipped, "completed".
        The note begins with our reference and is written once. The result is the note."""
        path = f"orders/{remote_id(document.order_external_id, 'order')}"
        result = self._note_once(path, d.build_shipment_note(document), for_buyer=True)
        if document.complete and self._one(path).get("status") not in DONE_STATUSES:
            self._write("PUT", path, {"status": "completed"})
        return result

    def _note_once(self, path: str, words: str, *, for_buyer: bool = False) -> r.CommandResult:
        """A note of the order (#order-notes) that begins with our reference and a colon: written once, found again by
        that. The result is the note."""
        begin = words.split(":", maxsplit=1)[0] + ":"
        notes = self._rows(f"{path}/notes")
        note = next((one for one in notes if v.parse_text(one.get("note")).startswith(begin)), None)
        if note is None:
            note = self._write("POST", f"{path}/notes", {"note": words, "customer_note": for_buyer})
        number = v.parse_id(note["id"])
        return r.CommandResult(external_id=number, number=number, state=r.DocumentState.DONE, raw=note)

    # returns, invoices and payments: core has none of its own, so the order says it -----------------------------------
    def create_return(self, document: r.ReturnDocument) -> r.CommandResult:
        """A note for the shop's staff; stock is told as state, money with a refund."""
        path = f"orders/{remote_id(document.order_external_id, 'order')}"
        return self._note_once(path, d.build_return_note(document))

    def create_invoice(self, document: r.InvoiceDocument) -> r.CommandResult:
        """A note that an invoice exists, for the shop's staff: whether the buyer is written to is not ours to decide.
        WooCommerce makes none itself."""
        if not document.number:
            raise Unsupported("WooCommerce makes no invoices: they are made in the back office.")
        path = f"orders/{remote_id(document.order_external_id, 'order')}"
        return self._note_once(path, d.build_invoice_note(document))

    def create_payment(self, document: r.PaymentDocument) -> r.CommandResult:
        """A note and, with the last of the money, the order's `set_paid` with our reference as its transaction
        (#order-properties): the date of payment is set, and an unpaid order goes to "processing"."""
        path = f"orders/{remote_id(document.order_external_id, 'order')}"
        result = self._note_once(path, d.build_payment_note(document))
        paying = document.complete and document.kind is r.PaymentKind.CAPTURE
        if paying and not self._one(path).get("date_paid_gmt"):
            self._write("PUT", path, {"set_paid": True, "transaction_id": document.reference})
        return result

    # refunds -------------------------------------------------------------------------------------------------------
    def create_refund(self, document: r.RefundDocument) -> r.CommandResult:
        """Books a refund; the money was or will be given back elsewhere."""
        path = f"orders/{remote_id(document.order_external_id, 'order')}"
        order = p.parse_order(self._one(path)) if document.lines else None
        body = d.build_refund(document, order, self._meta_key)
        return self._send("POST", f"{path}/refunds", body, lambda row: d.parse_refund_result(row, document.currency))

    def find_refund(self, reference: str) -> Sequence[r.CommandResult]:
        """By /refunds, which WooCommerce has since 9.0."""
        return [d.parse_refund_result(row) for row in self._find("refunds", reference)]

    # customers -----------------------------------------------------------------------------------------------------
    def create_customer(self, document: r.CustomerDocument) -> r.CommandResult:
        """One account an e-mail: WooCommerce refuses a second."""
        return self._send("POST", "customers", d.build_customer(document, self._meta_key), d.parse_customer_result)

    def update_customer(self, document: r.CustomerDocument) -> r.CommandResult:
        path = f"customers/{remote_id(document.external_id, 'customer')}"
        return self._send("PUT", path, d.build_customer(document, self._meta_key), d.parse_customer_result)

    def find_customer(self, reference: str) -> Sequence[r.CommandResult]:
        """By e-mail where the reference is one. Else all accounts are read: they have no filter by date or meta."""
        if "@" in reference:
            rows = self._rows("customers", email=reference, role="all")
            wanted = [row for row in rows if str(row.get("email", "")).lower() == reference.lower()]
        else:
            rows = list(self._all("customers", role="all"))
            wanted = [row for row in rows if v.parse_meta(row, self._meta_key) == reference]
        return [d.parse_customer_result(row) for row in wanted]

    # products ------------------------------------------------------------------------------------------------------
    def create_product(self, document: r.ProductDocument) -> r.CommandResult:
        """A product with its variations. Takes up one that an earlier try left unfinished: by its SKU, which is unique
        in a shop."""
        body = d.build_product(document, self._meta_key)
        codes = [body.get("sku"), *(variant.sku for variant in document.product.variants)]
        row = next((found for code in codes if code and (found := self._by_sku(code))), None)
        if row is None and "sku" not in body:
            row = next(iter(self._find("products", document.reference, status="any")), None)
        if row is None:
            row = self._write("POST", "products", body)
        if body["type"] == "simple":
            return d.parse_product_result(row, [row])
        return d.parse_product_result(row, self._add_variations(row, document.product))

    def _add_variations(self, row: Row, product: r.ProductRecord) -> list[Row]:
        path = f"products/{row['id']}/variations"
        there = list(self._all(path))
        known = {v.parse_text(one.get("sku")) for one in there}
        missing = [variant for variant in product.variants if variant.sku not in known]
        for start in range(0, len(missing), 100):
            batch = [d.build_variation(variant) for variant in missing[start : start + 100]]
            made = self._write("POST", f"{path}/batch", {"create": batch}, needed="create")["create"]
            for one in made:
                if "error" in one:
                    words = v.parse_error(one["error"])
                    raise Rejected(f"Product {row['id']} is there, but lacks a variation: {words}", upstream=words)
            there += made
        return there

    def find_product(self, reference: str) -> Sequence[r.CommandResult]:
        """By SKU; else by our meta field, for a simple product bears its article's SKU."""
        found = self._by_sku(reference)
        rows = [found] if found else self._find("products", reference, status="any")
        return [d.parse_product_result(row) for row in rows]

    def _by_sku(self, sku: str) -> Row | None:
        """The product with exactly this SKU, or whose variation has it."""
        for row in self._rows("products", sku=sku, status="any"):
            if v.parse_text(row.get("sku")) == sku:
                parent = v.parse_id(row.get("parent_id"))
                return self._one(f"products/{parent}") if row.get("type") == "variation" and parent else row
        return None

    def _find(self, path: str, reference: str, **params: Any) -> list[Row]:
        """Every record of the last `search_days` whose meta field is exactly `reference`."""
        since = datetime.now(UTC) - timedelta(days=int(self.settings.get("search_days") or 30))
        found, cursor = dict[str, Row](), ""
        while True:
            rows, following, _ = self._changed(path, since, cursor, **params)
            found |= {v.parse_id(row["id"]): row for row in rows if v.parse_meta(row, self._meta_key) == reference}
            if not following or following == cursor:
                return list(found.values())
            cursor = following


def _refused(result: r.CommandResult, words: str) -> r.CommandResult:
    return r.CommandResult(
        external_id=result.external_id, number=result.number, total=result.total, line_count=result.line_count,
        currency=result.currency, state=result.state, success=False, message=words, raw=result.raw,
    )  # fmt: skip
