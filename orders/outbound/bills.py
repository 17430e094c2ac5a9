"""Bills and payments, for a back office; payments for a shop, too."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from integrations.contract import records as r
from integrations.contract.errors import Rejected
from integrations.models import Command, Stream
from orders.models import Bill, Invoice, Order, Payment
from orders.outbound.shared import State, describe_answer, is_to_shop, link, lock, part_of
from orders.services import bills
from orders.services.destination import find_customer_id
from orders.services.payments import find_method
from orders.services.status import tell_status
from orders.services.timeline import note

BILLS = {
    State.NEEDS_FIX: Bill.State.REFUSED,
    State.WITHDRAWN: Bill.State.GIVEN_UP,
    State.PENDING: Bill.State.ASKED,
}


def build_bill(*, command: Command, at: datetime) -> r.InvoiceDocument:
    del at
    part = part_of(command)
    return r.InvoiceDocument(
        reference=command.reference, order_external_id=part.external_id, order_reference=part.reference
    )


def settle_bill(*, command: Command, result: r.CommandResult | None, at: datetime) -> None:
    """The bill is there: it is the invoice that is read from there, too."""
    order = Order.plain.select_for_update().get(
        pk=Bill.plain.values_list("order_id", flat=True).get(pk=command.subject_id)
    )
    bill = Bill.plain.get(pk=command.subject_id)
    number = command.external_number or command.external_id
    if command.state in Command.DONE_STATES:
        Invoice.plain.get_or_create(
            merchant_id=order.merchant_id,
            connection=command.connection,
            external_id=command.external_id,
            defaults={
                "fulfilment_order_id": bill.fulfilment_order_id,
                "number": number[:100],
                "state": r.DocumentState.OPEN.value,
                "currency": order.currency,
                "total": bill.total if command.remote_total is None else command.remote_total,
                "issued_at": at,
            },
        )
        link(command, "bill", bill.pk, Stream.INVOICE)
        bills.mark_made(bill, number=number, external_id=command.external_id, at=at)
        return
    states = {
        State.NEEDS_FIX: Bill.State.REFUSED,
        State.WITHDRAWN: Bill.State.GIVEN_UP,
        State.PENDING: Bill.State.ASKED,
    }
    if command.state in states:
        bill.state = states[State(command.state)]
        bill.save(update_fields=["state"])
    note(order, f"bill_{command.state}", describe_answer(command, "the bill", ""), at=at, command=command)
    del result


# --- invoices, for the shop -------------------------------------------------------------------------------------------


def build_invoice(*, command: Command, at: datetime) -> r.InvoiceDocument:
    """An invoice or credit note that is in a back office, for the shop to know of."""
    del at
    row = Invoice.plain.select_related("fulfilment_order__order").get(pk=command.subject_id)
    order = _order_of(row)
    return r.InvoiceDocument(
        reference=command.reference,
        order_external_id=order.external_id,
        order_reference=order.number,
        number=row.number or row.external_id,
        credit=row.is_credit,
        currency=row.currency,
        total=row.total,
        issued_at=row.issued_at,
    )


def settle_invoice(*, command: Command, result: r.CommandResult | None, at: datetime) -> None:
    del result
    row = Invoice.plain.select_related("fulfilment_order__order").get(pk=command.subject_id)
    words = describe_answer(command, f"invoice {row}", f"{command.connection.name} knows of invoice {row}.")
    note(_order_of(row), f"invoice_told_{command.state}", words, at=at, command=command)


def _order_of(row: Invoice) -> Order:
    if row.fulfilment_order is None:
        raise Rejected(f"Invoice {row} belongs to no order that is here.", code="ORDER_MISSING")
    return row.fulfilment_order.order


def lock_invoices(*, merchant_id: int, ids: Sequence[int]) -> None:
    rows = Invoice.plain.filter(pk__in=ids).values("fulfilment_order__order_id")
    lock(Order.plain.filter(merchant_id=merchant_id, pk__in=rows))


# --- payments ---------------------------------------------------------------------------------------------------------


def build_payment(*, command: Command, at: datetime) -> r.PaymentDocument:
    """What was paid, by their way of paying: the bill's, else the mapped one."""
    row = Payment.plain.select_related("order__connection", "order__customer").get(pk=command.subject_id)
    order, there = row.order, command.connection
    common: dict[str, Any] = {
        "reference": command.reference,
        "currency": order.currency,
        "amount": row.amount,
        "kind": r.PaymentKind(row.kind),
        "at": row.at or at,
    }
    if is_to_shop(command, order):
        return r.PaymentDocument(
            order_external_id=order.external_id,
            order_reference=order.number,
            complete=order.captured - order.refunded >= order.total,
            **common,
        )
    part = part_of(command)
    bill = Bill.plain.filter(fulfilment_order=part, state=Bill.State.MADE).first()
    method = bill.payment_code if bill else find_method(order, there, row.method)
    if not method:
        raise Rejected(
            f"{there.name} has no way of paying for “{row.method}”: map it under Values → Payment.",
            code="PAYMENT_UNMAPPED",
        )
    invoice = Invoice.plain.filter(fulfilment_order=part, is_credit=row.kind == Payment.Kind.REFUND).order_by("-pk")
    is_invoice = part.document == part.Document.INVOICE
    return r.PaymentDocument(
        order_external_id="" if is_invoice else part.external_id,
        order_reference=part.reference,
        invoice_external_id=invoice.values_list("external_id", flat=True).first() or "",
        customer_external_id=find_customer_id(order, there),
        method=method,
        **common,
    )


def settle_payment(*, command: Command, result: r.CommandResult | None, at: datetime) -> None:
    del result
    row = Payment.plain.get(pk=command.subject_id)
    order = Order.plain.select_for_update(of=("self",)).select_related("connection").get(pk=row.order_id)
    if command.state in Command.DONE_STATES and not is_to_shop(command, order):
        link(command, "payment", row.pk)
    done = f"{command.connection.name} has payment {row.reference}."
    words = describe_answer(command, f"payment {row.reference}", done)
    note(order, f"payment_{command.state}", words, at=at, command=command)
    if command.state in Command.DONE_STATES:
        tell_status(order, at=at)


def lock_bills(*, merchant_id: int, ids: Sequence[int]) -> None:
    lock(Order.plain.filter(merchant_id=merchant_id, pk__in=Bill.plain.filter(pk__in=ids).values("order_id")))


def lock_payments(*, merchant_id: int, ids: Sequence[int]) -> None:
    lock(Order.plain.filter(merchant_id=merchant_id, pk__in=Payment.plain.filter(pk__in=ids).values("order_id")))
