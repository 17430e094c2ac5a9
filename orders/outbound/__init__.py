"""Orders, customers and refunds as documents for a back office, and what becomes of them there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from catalog import services as catalog
from integrations.contract import records as r
from integrations.contract.errors import Rejected
from integrations.models import Attempt, Command, Connection, Hold, Link, Stream
from integrations.sync import documents
from integrations.sync.documents import CancelRequest, StatusChange
from integrations.sync.release import release
from orders.models import (
    Cancellation,
    CancellationLine,
    Customer,
    FulfilmentOrder,
    Invoice,
    Order,
    OrderLine,
    Refund,
    Shipment,
)
from orders.outbound.shared import describe_answer, is_to_shop, link, lock, part_of
from orders.services import customer_updates, customers, field_rules, goods, holds, payments, refunds, routing
from orders.services.cancelling import take_answer
from orders.services.changes import withdraw_create
from orders.services.destination import (
    customer_key,
    find_customer_id,
    find_names,
)
from orders.services.dispatch import find_status
from orders.services.documents import (
    build_free_amount,
    build_header,
    build_line,
    build_moved_line,
    build_refund_line,
    build_shop_refund_line,
)
from orders.services.identity import find_kept
from orders.services.parts import list_part_lines, total_of
from orders.services.routes import Routes
from orders.services.status import tell_status
from orders.services.timeline import note
from orders.services.withdrawals import end_line
from orders.state import PLACEMENT, move

State, Part = Command.State, FulfilmentOrder.State
CANCELS = ("cancel_order", "cancel_invoice")
PARTS = {
    State.ACCEPTED: Part.PLACED,
    State.VERIFIED: Part.PLACED,
    State.NEEDS_FIX: Part.NEEDS_FIX,
    State.NEEDS_HUMAN: Part.NEEDS_HUMAN,
    State.WITHDRAWN: Part.NEVER,
    State.PENDING: Part.QUEUED,
}


# --- orders -----------------------------------------------------------------------------------------------------------


def build_order(*, command: Command, at: datetime) -> r.OrderDocument | r.InvoiceDocument | CancelRequest:
    """What create_order, create_invoice, update_order or a cancel sends; Rejected where something it needs is gone by
    now."""
    del at
    order = Order.plain.select_related("connection", "customer", "location").get(pk=command.subject_id)
    part = part_of(command)
    if command.kind in CANCELS:
        return _build_cancel(command, order, part)
    document = _build_document(command, order, part)
    if command.kind != "create_invoice":
        return document
    return r.InvoiceDocument(
        reference=part.reference, order_external_id="", order_reference=part.reference, order=document
    )


def _build_document(command: Command, order: Order, part: FulfilmentOrder) -> r.OrderDocument:
    there = command.connection
    lines = list_part_lines(part, list(order.lines.prefetch_related("taxes").order_by("position")))
    names = find_names(order, there, lines)
    document = replace(
        build_header(order, reference=command.reference),
        external_id=part.external_id if command.kind == "update_order" else "",
        total=total_of(part, order),
        location_external_id=names.places.get(part.location.code, "") if part.location else "",
        customer_external_id=find_customer_id(order, there),
        lines=tuple(build_line(line, names) for line in lines if line.kind == OrderLine.Kind.ITEM or line.gross),
    )
    return field_rules.apply_rules(document, order, there)


def _build_cancel(command: Command, order: Order, part: FulfilmentOrder) -> CancelRequest:
    """The whole part, or the items that were asked for."""
    rows = list(CancellationLine.plain.filter(cancellation__command=command).select_related("order_line"))
    names = find_names(order, command.connection, [row.order_line for row in rows])
    lines = tuple(build_line(row.order_line, names, row.quantity) for row in rows)
    return CancelRequest(external_id=part.external_id, lines=lines or None)


def settle_order(*, command: Command, result: r.CommandResult | None, at: datetime) -> None:
    """What the back office made of it, on the order and its timeline."""
    order = Order.plain.select_for_update(of=("self",)).select_related("connection").get(pk=command.subject_id)
    part = part_of(command, FulfilmentOrder.plain.select_for_update())
    if command.kind in CANCELS:
        _settle_cancel(command, order, part, result, at)
        return
    if command.kind == "update_order":
        _settle_update(command, order, part, result, at)
        return
    if command.state == State.PENDING and not command.search_first and order.fulfilment == Order.Fulfilment.CANCELLED:
        part.state = move(PLACEMENT, part.state, Part.QUEUED)
        withdraw_create(order, part, command, at=at)  # surely not there, and nobody wants it any more
        return
    if wanted := PARTS.get(State(command.state)):
        if part.state == Part.PLACED and wanted == Part.QUEUED:  # a person has it made anew: the old one counts no more
            part.external_id = part.external_number = ""
            part.remote_total = part.placed_at = None
        part.state = move(PLACEMENT, part.state, wanted)
    if part.state == Part.PLACED and not part.external_id:
        part.external_id, part.external_number = command.external_id, command.external_number
        part.remote_total, part.placed_at = command.remote_total, at
        part.remote_tax = result.tax if result else None
        _link_part(command, order, part, result)
    part.save(update_fields=["state", "external_id", "external_number", "remote_total", "remote_tax", "placed_at"])
    note(order, command.state, f"{_describe(command)}{_describe_rules(command)}", at=at, command=command)
    if part.state == Part.PLACED:
        goods.settle_promise(order, at=at)
        payments.tell_back_offices(order, at=at)
        tell_status(order, at=at)
    if part.state == Part.NEVER:
        end_line(order, part, at=at)
        if order.fulfilment_orders.exclude(state__in=part.OVER).exists():
            goods.keep_promise(order, at=at)
        else:
            catalog.cancel_reservation(merchant_id=order.merchant_id, subject=("order", order.pk), at=at)
            holds.end_all(order, at=at)
    if part.state in (Part.PLACED, Part.NEVER):
        routing.forward_waiting(order, at=at)  # for accounting, say, that waits until it is there


def _link_part(command: Command, order: Order, part: FulfilmentOrder, result: r.CommandResult | None) -> None:
    """What is there now is ours: by its number, its lines, or as the invoice it is."""
    if part.document == part.Document.ORDER:
        link(command, "order", order.pk)
        _save_line_ids(command, part, result)
        return
    Invoice.plain.get_or_create(
        merchant_id=order.merchant_id,
        connection=command.connection,
        external_id=command.external_id,
        defaults={
            "fulfilment_order": part,
            "number": command.external_number[:100],
            "state": r.DocumentState.OPEN.value,
            "currency": order.currency,
            "total": total_of(part, order) if command.remote_total is None else command.remote_total,
            "issued_at": part.placed_at,
        },
    )


def _save_line_ids(command: Command, part: FulfilmentOrder, result: r.CommandResult | None) -> None:
    if result is not None and command.payload is not None:
        sent: r.OrderDocument = documents.decode(command.kind, bytes(command.payload))
        goods.save_line_ids(part, [line.key for line in sent.lines], result.line_ids)


def _describe_rules(command: Command) -> str:
    """Which version of the field rules the document was built under, where any."""
    number = documents.read_rules_version(command)
    return f" Field rules: version {number}." if number else ""


def _settle_update(
    command: Command, order: Order, part: FulfilmentOrder, result: r.CommandResult | None, at: datetime
) -> None:
    """What the back office made of a change; the order itself stays where it is there."""
    there = command.connection.name
    words = {
        State.NEEDS_FIX: f"{there} does not change it: {command.message}",
        State.NEEDS_HUMAN: f"Nobody can tell whether {there} has changed it: {command.message}",
        State.WITHDRAWN: f"{there} is not asked to change it any more. {command.message}",
        State.PENDING: f"{there} is asked to change it again.",
    }.get(State(command.state), f"{there} was asked to change it, and gave no answer; it is asked again.")
    if command.state in Command.DONE_STATES:
        words = f"{there} has changed it. {command.message}".strip()
        part.remote_total, part.remote_tax = command.remote_total, result.tax if result else None
        part.save(update_fields=["remote_total", "remote_tax"])
        _save_line_ids(command, part, result)
        goods.settle_promise(order, at=at)
    note(order, f"update_{command.state}", words, at=at, command=command)


def _describe(command: Command) -> str:
    there, number = command.connection.name, command.external_number or command.external_id
    if command.state in Command.DONE_STATES:
        # It is looked for only after an earlier try.
        again = command.fence > 1
        found = again and command.tries.filter(fence=command.fence, outcome=Attempt.Outcome.FOUND).exists()
        words = f"Found in {there} as {number}; not sent again." if found else f"In {there} as {number}."
        checked = " Total and lines were read back." if command.state == State.VERIFIED else ""
        return f"{words}{checked} {command.message}".strip()
    return {
        State.UNKNOWN: f"Sent to {there}, no answer; it is looked for there before anything else happens.",
        State.NEEDS_FIX: f"{there} refuses it: {command.message}",
        State.NEEDS_HUMAN: f"Nobody can tell whether {there} has it: {command.message}",
        State.WITHDRAWN: f"Not sent to {there}. {command.message}",
        State.PENDING: f"Sent to {there} again.",
    }.get(State(command.state), command.message)


def _settle_cancel(
    command: Command, order: Order, part: FulfilmentOrder, result: r.CommandResult | None, at: datetime
) -> None:
    """Keep the answer, yes or no, as proof."""
    there = command.connection.name
    mine = Cancellation.plain.select_related("fulfilment_order").filter(fulfilment_order=part)
    asked = mine.filter(command=command).first() or mine.filter(command=None).order_by("-pk").first()
    done = command.state in Command.DONE_STATES
    if done or command.state in {State.NEEDS_FIX, State.NEEDS_HUMAN}:
        success = done and (result is None or result.success)
        answer = result.message if result else command.message
        words = f"{there} has cancelled it." if success else f"{there} does not cancel it: {answer}"
        note(order, "cancel_answered", words, at=at, command=command)
        if asked is not None:
            take_answer(order, asked, success=success, answer=answer, at=at)
        if not success:
            refunds.send_waiting(order, part, at=at)
        refunds.close_unbooked(order, at=at)


# --- customers --------------------------------------------------------------------------------------------------------


def build_customer(*, command: Command, at: datetime) -> r.CustomerDocument:
    del at
    customer = find_kept(command.subject_id)
    if customer is None or customer.erased_at is not None:
        raise Rejected("The customer's data was erased here: end it.", code="CUSTOMER_ERASED")
    record = customer_updates.build_record(customer)
    if command.kind != "update_customer":
        return r.CustomerDocument(reference=command.reference, customer=record)
    link = customer_updates.find_link(command)
    if link is None:
        raise Rejected(f"{customer} is not known to be anybody there any more: end it.", code="CUSTOMER_MISSING")
    number = link.external_number or link.external_id
    return r.CustomerDocument(reference=number, external_id=link.external_id, customer=record)


def settle_customer(*, command: Command, result: r.CommandResult | None, at: datetime) -> None:
    """The customer is there now, or never will be: the orders that waited for him go on. Refused: they say so."""
    del result
    customer = find_kept(command.subject_id, lock=True)
    done = command.state in Command.DONE_STATES and customer is not None
    if command.kind == "update_customer":
        known = customer_updates.find_link(command) if done else None
        if known is not None and customer is not None:
            customer_updates.note_written(known, customers.read(customer))
        return
    key = customer_key(command.connection, command.subject_id)
    if done and customer is not None:
        made = link(command, "customer", customer.pk)
        customer_updates.note_written(made, customers.read(customer))
        release(merchant_id=command.merchant_id, key=key, at=at)
    elif command.state == State.WITHDRAWN:
        release(merchant_id=command.merchant_id, key=key, at=at)
    elif command.state in {State.NEEDS_FIX, State.NEEDS_HUMAN}:
        words = f"{command.connection.name} did not take the customer: {command.message}"[:500]
        Hold.plain.filter(merchant_id=command.merchant_id, key=key, ended_at__isnull=True).update(message=words)


# --- refunds ----------------------------------------------------------------------------------------------------------


def build_refund(*, command: Command, at: datetime) -> r.RefundDocument:
    del at
    refund = Refund.plain.select_related("order__connection", "order__customer").get(pk=command.subject_id)
    order, there = refund.order, command.connection
    if is_to_shop(command, order):
        return _build_shop_refund(command, refund)
    part = part_of(command)
    share = refunds.list_shares(order).get((refund.pk, part.pk))
    rows = share.rows if share else ()
    names = find_names(order, there, [row.order_line for row in rows])
    is_invoice = part.document == part.Document.INVOICE
    return r.RefundDocument(
        reference=command.reference,
        order_external_id="" if is_invoice else part.external_id,
        invoice_external_id=part.external_id if is_invoice else "",
        order_reference=part.reference,
        customer_external_id=find_customer_id(order, there),
        currency=order.currency,
        amount=share.amount if share and rows else command.amount,
        reason=refund.reason,
        at=refund.at or refund.order.placed_at,
        lines=tuple(build_refund_line(row, names) for row in rows) or (build_free_amount(refund, names),),
    )


def _build_shop_refund(command: Command, refund: Refund) -> r.RefundDocument:
    """In the shop's own articles; a line's `key` is its own id of it."""
    rows = refund.lines.select_related("order_line").order_by("pk")
    return r.RefundDocument(
        reference=command.reference,
        order_external_id=refund.order.external_id,
        order_reference=refund.order.number,
        currency=refund.order.currency,
        amount=refund.amount,
        reason=refund.reason,
        at=refund.at or refund.order.placed_at,
        lines=tuple(build_shop_refund_line(row) for row in rows),
    )


def settle_refund(*, command: Command, result: r.CommandResult | None, at: datetime) -> None:
    del result
    refund = Refund.plain.select_related("order").get(pk=command.subject_id)
    if is_to_shop(command, refund.order):
        _settle_shop_refund(command, at)
        return
    if command.state in Command.DONE_STATES:
        refunds.mark_done(refund, external_id=command.external_id, external_number=command.external_number, at=at)
        link(command, "refund", refund.pk)
        return
    order = Order.plain.select_for_update().get(pk=refund.order_id)
    note(order, f"refund_{command.state}", _describe(command), at=at, command=command)
    if command.state == State.WITHDRAWN:
        refunds.close_unbooked(order, at=at)


def _settle_shop_refund(command: Command, at: datetime) -> None:
    """What the shop said to a refund a person asked for."""
    pk = Refund.plain.values_list("order_id", flat=True).get(pk=command.subject_id)
    order = Order.plain.select_for_update(of=("self",)).select_related("connection").get(pk=pk)
    refund = order.refunds.get(pk=command.subject_id)
    if command.state in Command.DONE_STATES:
        refunds.mark_given(order, refund, external_id=command.external_id, at=at)
        return
    note(order, f"refund_{command.state}", describe_answer(command, "the refund", ""), at=at, command=command)
    if command.state == State.WITHDRAWN:
        refunds.drop_asked(order, refund, at=at)


# --- shipments, for the shop ------------------------------------------------------------------------------------------


def build_shipment(*, command: Command, at: datetime) -> r.ShipmentDocument | StatusChange:
    """What left, in units of the shop's articles; a line's `key` is the shop's own id of it."""
    del at
    shipment = Shipment.plain.select_related("fulfilment_order__order__connection").get(pk=command.subject_id)
    order = shipment.fulfilment_order.order
    if command.kind == "update_order_status":
        tracking = " ".join(filter(None, (shipment.carrier, shipment.tracking_number, shipment.tracking_url)))
        return StatusChange(external_id=order.external_id, status=find_status(command.connection), note=tracking)
    return r.ShipmentDocument(
        reference=command.reference,
        order_external_id=order.external_id,
        carrier=shipment.carrier,
        tracking_number=shipment.tracking_number,
        tracking_url=shipment.tracking_url,
        shipped_at=shipment.shipped_at,
        lines=tuple(build_moved_line(row) for row in shipment.lines.select_related("order_line").order_by("pk")),
        complete=order.fulfilment == Order.Fulfilment.FULFILLED,
    )


def settle_shipment(*, command: Command, result: r.CommandResult | None, at: datetime) -> None:
    """What the shop said to it, on the order's timeline."""
    del result
    shipment = Shipment.plain.select_related("fulfilment_order__order").get(pk=command.subject_id)
    there = command.connection.name
    words = {
        State.NEEDS_FIX: f"{there} does not take {shipment}: {command.message}",
        State.NEEDS_HUMAN: f"Nobody can tell whether {there} knows of {shipment}: {command.message}",
        State.WITHDRAWN: f"{there} is not told of {shipment}. {command.message}",
        State.PENDING: f"{there} is told of {shipment} again.",
    }.get(State(command.state), f"{there} was told of {shipment}, and gave no answer; it is told again.")
    if command.state in Command.DONE_STATES:
        words = f"{there} knows of {shipment}."
    note(shipment.fulfilment_order.order, f"shop_told_{command.state}", words, at=at, command=command)


# --- all of them ------------------------------------------------------------------------------------------------------


def lock_orders(*, merchant_id: int, ids: Sequence[int]) -> None:
    """Ahead of their messages and Holds; why is in `integrations.sync.locking`."""
    lock(Order.plain.filter(merchant_id=merchant_id, pk__in=ids))


def lock_refunds(*, merchant_id: int, ids: Sequence[int]) -> None:
    lock(Order.plain.filter(merchant_id=merchant_id, pk__in=Refund.plain.filter(pk__in=ids).values("order_id")))


def lock_shipments(*, merchant_id: int, ids: Sequence[int]) -> None:
    parts = Shipment.plain.filter(pk__in=ids).values("fulfilment_order__order_id")
    lock(Order.plain.filter(merchant_id=merchant_id, pk__in=parts))


def release_orders(*, merchant_id: int, ids: Sequence[int], at: datetime) -> None:
    """What these orders waited for is there: on with them."""
    rows = Order.plain.filter(merchant_id=merchant_id, pk__in=ids).select_for_update(of=("self",)).order_by("pk")
    routes = Routes(merchant_id)
    for order in rows.select_related("connection", "customer"):
        routing.forward(order, at=at, routes=routes)


def lock_customers(*, merchant_id: int, ids: Sequence[int]) -> None:
    rows = Customer.plain.filter(merchant_id=merchant_id, pk__in=ids)
    list(rows.select_for_update().order_by("pk").values_list("pk"))


def release_customers(*, merchant_id: int, ids: Sequence[int], at: datetime) -> None:
    """It is known now who these accounts are: those that are new are made in the back office."""
    rows = Customer.plain.filter(merchant_id=merchant_id, pk__in=ids, merged_into__isnull=True, erased_at__isnull=True)
    for customer in rows.order_by("pk"):
        links = Link.plain.filter(stream=Stream.CUSTOMER, subject_type="customer", subject_id=customer.pk)
        selling = links.filter(connection__role__in=Connection.SELLING_ROLES).select_related("connection")
        for one in selling.order_by("pk"):
            customer_updates.create_at_once(customer, one.connection, one.created_at, at=at)


def release_refunds(*, merchant_id: int, ids: Sequence[int], at: datetime) -> None:
    """A person let held refunds go: they are booked."""
    held = Refund.plain.filter(merchant_id=merchant_id, pk__in=ids, state=Refund.State.HELD)
    orders = Order.plain.filter(pk__in=held.values("order_id")).select_for_update(of=("self",)).order_by("pk")
    for order in orders.select_related("connection"):
        refunds.let_go(order, held.filter(order=order).order_by("pk"), at=at)


def count_orders(*, connection: Connection) -> int:
    """How many orders wait to be given to this back office."""
    return FulfilmentOrder.plain.filter(destination=connection, state__in=(Part.WAITING, Part.QUEUED)).count()
