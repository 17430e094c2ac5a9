"""What must happen once in a shop, and the searches that tell whether it did.

Refunds and stock take an idempotency key (https://shopify.dev/docs/api/usage/idempotent-requests); nothing else does.
Orders carry our reference as sourceIdentifier, customers and products as a tag, all three searchable
(https://shopify.dev/docs/api/usage/search-syntax); what follows an order is looked for on the order itself first.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, ClassVar

from integrations.connectors.shopify import documents as d
from integrations.connectors.shopify import payloads as p
from integrations.connectors.shopify import queries as q
from integrations.connectors.shopify import values as v
from integrations.connectors.shopify.transport import Row, ShopifyTransport, quoted
from integrations.contract import records as r
from integrations.contract.connector import Idempotency, Safety
from integrations.contract.errors import OutcomeUnknown, PayloadInvalid, Rejected, Unsupported

# Judgement: Shopify ends a request after half a minute, and its search index follows within seconds.
LAG = 120
SEARCH = Idempotency(safety=Safety.SEARCH, lag_seconds=LAG)
REPEATABLE = Idempotency(safety=Safety.REPEATABLE, lag_seconds=LAG)
KEYS = uuid.UUID("6b0f3a52-6b0e-4c0c-9c55-0a1d7f0f5c11")  # the space our keys are made in
ONLY_BY_HAND = "manual"


class ShopifyCommands(ShopifyTransport):
    idempotency: ClassVar[Mapping[str, Idempotency]] = {
        "create_order": SEARCH,
        "create_customer": SEARCH,
        "create_product": SEARCH,
        "create_refund": REPEATABLE,  # looks for its note first; meanwhile its key keeps a second one off
        "create_shipment": REPEATABLE,  # these look for their number, note or name first
        "create_return": REPEATABLE,
        "create_payment": REPEATABLE,
        "update_customer": REPEATABLE,
        "cancel_order": REPEATABLE,
    }

    # orders --------------------------------------------------------------------------------------------------------
    def create_order(self, document: r.OrderDocument) -> r.CommandResult:
        """For copying an order into another shop: unpaid there, its stock taken, no e-mail sent."""
        self._refuse_unplaced(document)
        options = {"inventoryBehaviour": "DECREMENT_IGNORING_POLICY", "sendReceipt": False}
        payload = self._change(q.CREATE_ORDER, "orderCreate", order=d.build_order(document), options=options)
        return self._made(payload, "order", d.parse_order_result)

    def find_order(self, reference: str) -> Sequence[r.CommandResult]:
        rows, _ = self._page(q.ORDERS, "orders", "", 5, query=f"source_identifier:{quoted(reference)}")
        return [d.parse_order_result(row) for row in rows if row.get("sourceIdentifier") == reference]

    def cancel_order(self, external_id: str, lines: Sequence[r.OrderDocumentLine] | None = None) -> r.CommandResult:
        """Its stock comes back; money is not moved. Quirk: Shopify does it a little later, as a job."""
        if lines:
            raise Unsupported("Shopify cancels whole orders only: refund the lines instead.")
        order = self._one(q.ORDER_BY_ID, "order", external_id, "Order")
        result = d.parse_order_result(order)
        if result.state is r.DocumentState.CANCELLED:
            return result
        if order.get("displayFulfillmentStatus") in {"FULFILLED", "PARTIALLY_FULFILLED"}:
            return replace(result, success=False, message="The order is shipped already: take it back and refund it.")
        try:
            refund = {"originalPaymentMethodsRefund": False}
            self._change(q.CANCEL_ORDER, "orderCancel", id=order["id"], refund=refund)
        except Rejected as error:
            return replace(result, success=False, message=error.upstream or error.message)
        return d.parse_order_result(self._one(q.ORDER_BY_ID, "order", external_id, "Order"))

    # what follows an order -----------------------------------------------------------------------------------------
    def create_shipment(self, document: r.ShipmentDocument) -> r.CommandResult:
        """Fulfils what is left of the order's fulfilment orders. It is known by its tracking number, or where it has
        none by our reference in the place of one."""
        order = self._one(q.SHIPPED, "order", document.order_external_id, "Order")
        notify = bool(self.settings.get("notify_customer"))
        made: r.CommandResult | None = None
        for fulfilment in d.build_shipments(document, order, notify=notify):
            payload = self._change(q.CREATE_FULFILMENT, "fulfillmentCreate", fulfillment=fulfilment)
            made = self._made(payload, "fulfillment", d.parse_shipment_result)
        if made is not None:
            return made
        number = document.tracking_number or document.reference
        there = [one for one in v.parse_rows(order, "fulfillments") if d.bears(one, number)]
        return d.parse_shipment_result(there[0])

    def create_return(self, document: r.ReturnDocument) -> r.CommandResult:
        """Goods that are expected back, of what was shipped; no money. Our reference stands in the reason's note."""
        row = self._one(q.ORDER_RETURNS, "order", document.order_external_id, "Order")
        known = next((one for one in p.parse_returns(row) if one.reference == document.reference), None)
        if known is not None:
            return d.parse_return_result(known.raw)
        order = self._one(q.SHIPPED, "order", document.order_external_id, "Order")
        payload = self._change(q.CREATE_RETURN, "returnCreate", input=d.build_return(document, order))
        return self._made(payload, "return", d.parse_return_result)

    def create_refund(self, document: r.RefundDocument) -> r.CommandResult:
        """Books money that was or will be given back elsewhere."""
        order = self.fetch_order(document.order_external_id)
        known = next((one for one in order.refunds if one.reference == document.reference), None)
        if known is not None:
            return d.parse_refund_result(known)
        gateway = str(self.settings.get("refund_gateway") or ONLY_BY_HAND)
        body = d.build_refund(document, order, gateway)
        key = str(uuid.uuid5(KEYS, f"refund {document.reference}"))
        payload = self._change(q.CREATE_REFUND, "refundCreate", input=body, key=key)
        included, currency = order.prices_include_tax, order.currency

        def parse(row: Row) -> r.CommandResult:
            record = p.parse_refund(row, document.order_external_id, currency, included=included)
            return d.parse_refund_result(record)

        return self._made(payload, "refund", parse)

    def create_payment(self, document: r.PaymentDocument) -> r.CommandResult:
        """A payment by hand whose name is our reference."""
        if document.kind is not r.PaymentKind.CAPTURE:
            raise Unsupported("Shopify books money given back as a refund, not as a payment.")
        name = d.build_note(document.reference)
        order = self._one(q.ORDER_BY_ID, "order", document.order_external_id, "Order")
        if not (there := _named(order, name)):
            amount = {"amount": v.build_amount(document.amount), "currencyCode": document.currency}
            given = {"id": order["id"], "amount": amount, "method": name, "at": v.build_time(document.at)}
            paid = self._change(q.PAY, "orderCreateManualPayment", **given)
            there = _named(v.parse_object(paid, "order"), name)
        number = v.parse_id(there[0].get("id")) if there else document.reference
        return r.CommandResult(external_id=number, number=number, state=r.DocumentState.DONE)

    # customers -----------------------------------------------------------------------------------------------------
    def create_customer(self, document: r.CustomerDocument) -> r.CommandResult:
        """Shopify refuses a second one with the same e-mail or phone."""
        payload = self._change(q.CREATE_CUSTOMER, "customerCreate", input=d.build_customer(document))
        return self._made(payload, "customer", d.parse_customer_result)

    def update_customer(self, document: r.CustomerDocument) -> r.CommandResult:
        payload = self._change(q.UPDATE_CUSTOMER, "customerUpdate", input=d.build_customer(document))
        return self._made(payload, "customer", d.parse_customer_result)

    def find_customer(self, reference: str) -> Sequence[r.CommandResult]:
        """By e-mail where the reference is one, else by the tag we gave it."""
        by_email = "@" in reference
        term = f"email:{quoted(reference)}" if by_email else f"tag:{quoted(d.build_tag(reference))}"
        rows, _ = self._page(q.CUSTOMERS, "customers", "", 10, query=term)
        found = [(row, d.parse_customer_result(row)) for row in rows]
        if by_email:
            return [result for _, result in found if result.number.lower() == reference.lower()]
        return [result for row, result in found if d.build_tag(reference) in (row.get("tags") or ())]

    # products ------------------------------------------------------------------------------------------------------
    def create_product(self, document: r.ProductDocument) -> r.CommandResult:
        """With all its variants at once. Takes up one that has the codes already."""
        codes = [one.sku for one in document.product.variants if one.sku] or [document.reference]
        if known := self.find_product(codes[0]):
            return known[0]
        payload = self._change(q.SET_PRODUCT, "productSet", input=d.build_product(document))
        return self._made(payload, "product", self._parse_product)

    def find_product(self, reference: str) -> Sequence[r.CommandResult]:
        """By the SKU of one of its variants, else by the tag we gave it."""
        rows = v.parse_rows(self._ask(q.VARIANTS_BY_SKU, query=f"sku:{quoted(reference)}"), "productVariants")
        ids = {v.parse_id(v.parse_object(one, "product").get("id")) for one in rows if one.get("sku") == reference}
        if ids:
            found = [self._one(q.PRODUCT_BY_ID, "product", one, "Product") for one in sorted(ids)]
        else:
            tag = d.build_tag(reference)
            tagged, _ = self._page(q.PRODUCTS, "products", "", 5, query=f"tag:{quoted(tag)}")
            found = [row for row in tagged if tag in (row.get("tags") or ())]
        return [self._parse_product(row) for row in found]

    def _parse_product(self, row: Row) -> r.CommandResult:
        return d.parse_product_result(row, list(self._rest(row, q.MORE_VARIANTS, "product", "variants")))

    # helpers -------------------------------------------------------------------------------------------------------
    def _made(self, payload: Row, name: str, parse: Any) -> r.CommandResult:
        """What was done but cannot be read is not known."""
        try:
            result: r.CommandResult = parse(v.parse_object(payload, name))
        except PayloadInvalid as error:
            raise OutcomeUnknown(f"Shopify made a {name}, but: {error.message}") from error
        return result


def _named(order: Row, name: str) -> list[Row]:
    """The transactions that went under this name."""
    rows = v.parse_rows(order, "transactions")
    return [one for one in rows if name in {one.get("gateway"), one.get("formattedGateway")}]
