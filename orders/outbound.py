"""Orders, customers and refunds as documents for a back office, and what becomes of them there."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from django.db.models import QuerySet

from catalog import services as catalog
from integrations.contract import records as r
from integrations.models import Attempt, Command, Connection, Hold, Link, Stream
from integrations.sync import documents
from integrations.sync.documents import CancelRequest, StatusChange
from integrations.sync.release import release
from orders.models import (
    Cancellation,
    Customer,
    FulfilmentOrder,
    Order,
    OrderLine,
    Refund,
    Shipment,
)
from orders.services import goods, holds, refunds, routing
from orders.services.changes import withdraw_create
from orders.services.destination import (
    customer_key,
    find_customer_id,
    find_names,
)
from orders.services.dispatch import find_status
from orders.services.documents import (
    build_address,
    build_free_amount,
    build_line,
    build_refund_line,
    build_shipped_line,
)
from orders.services.timeline import note
from orders.services.withdrawals import end_line
from orders.state import PLACEMENT, move

State, Part = Command.State, FulfilmentOrder.State
PARTS = {
    State.ACCEPTED: Part.PLACED,
    State.VERIFIED: Part.PLACED,
    State.NEEDS_FIX: Part.NEEDS_FIX,
    State.NEEDS_HUMAN: Part.NEEDS_HUMAN,
    State.WITHDRAWN: Part.NEVER,
    State.PENDING: Part.QUEUED,
}


# --- orders -----------------------------------------------------------------------------------------------------------


def build_order(*, command: Command, at: datetime) -> r.OrderDocument | CancelRequest:
    """What create_order, update_order or cancel_order sends; Rejected where something it needs is gone by now."""
    del at
    order = Order.plain.select_related("connection", "customer").get(pk=command.subject_id)
    part = _part(command)
    if command.kind == "cancel_order":
        return CancelRequest(external_id=part.external_id)
    there = command.connection
    lines = list(order.lines.prefetch_related("taxes").order_by("position"))
    names = find_names(order, there, lines)
    return r.OrderDocument(
        reference=command.reference,
        external_id=part.external_id if command.kind == "update_order" else "",
        number=order.number,
        currency=order.currency,
        total=order.total,
        placed_at=order.placed_at,
        customer_external_id=find_customer_id(order, there),
        customer=r.CustomerRecord(name=order.customer_name, email=order.email, phone=order.phone),
        billing=build_address(order.billing),
        shipping=build_address(order.shipping),
        payment_method=next((payment.method for payment in order.payments.all()), ""),
        note=order.note,
        lines=tuple(build_line(line, names) for line in lines if line.kind == OrderLine.Kind.ITEM or line.gross),
    )


def settle_order(*, command: Command, result: r.CommandResult | None, at: datetime) -> None:
    """What the back office made of it, on the order and its timeline."""
    order = Order.plain.select_for_update().get(pk=command.subject_id)
    part = _part(command, FulfilmentOrder.plain.select_for_update())
    if command.kind == "cancel_order":
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
        part.state = move(PLACEMENT, part.state, wanted)
    if part.state == Part.PLACED and not part.external_id:
        part.external_id, part.external_number = command.external_id, command.external_number
        part.remote_total, part.placed_at = command.remote_total, at
        _link(command, "order", order.pk)
        _save_line_ids(command, part, result)
        goods.settle_promise(order, command.connection, at=at)
    if part.state == Part.NEVER:
        catalog.cancel_reservation(merchant_id=order.merchant_id, subject=("order", order.pk), at=at)
    part.save(update_fields=["state", "external_id", "external_number", "remote_total", "placed_at"])
    note(order, command.state, _describe(command), at=at, command=command)
    if part.state == Part.NEVER:
        end_line(order, part, at=at)
        if not order.fulfilment_orders.exclude(state__in=part.OVER).exists():
            holds.end_all(order, at=at)


def _save_line_ids(command: Command, part: FulfilmentOrder, result: r.CommandResult | None) -> None:
    if result is not None and command.payload is not None:
        sent: r.OrderDocument = documents.decode(command.kind, bytes(command.payload))
        goods.save_line_ids(part, [line.key for line in sent.lines], result.line_ids)


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
        part.remote_total = command.remote_total
        part.save(update_fields=["remote_total"])
        _save_line_ids(command, part, result)
        goods.settle_promise(order, command.connection, at=at)
    note(order, f"update_{command.state}", words, at=at, command=command)


def _describe(command: Command) -> str:
    there, number = command.connection.name, command.external_number or command.external_id
    if command.state in Command.DONE_STATES:
        found = Attempt.plain.filter(command=command, fence=command.fence, outcome=Attempt.Outcome.FOUND).exists()
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
    asked = Cancellation.plain.filter(fulfilment_order=part).order_by("-pk").first()
    done = command.state in Command.DONE_STATES
    if done or command.state in {State.NEEDS_FIX, State.NEEDS_HUMAN}:
        success = done and (result is None or result.success)
        answer = result.message if result else command.message
        if asked is not None:
            asked.success, asked.answer, asked.answered_at = success, answer[:2000], at
            asked.save(update_fields=["success", "answer", "answered_at"])
        if success:
            part.state = move(PLACEMENT, part.state, Part.CANCELLED)
            part.save(update_fields=["state"])
        words = f"{there} has cancelled it." if success else f"{there} does not cancel it: {answer}"
        note(order, "cancel_answered", words, at=at, command=command)


# --- customers --------------------------------------------------------------------------------------------------------


def build_customer(*, command: Command, at: datetime) -> r.CustomerDocument:
    del at
    customer = Customer.plain.get(pk=command.subject_id)
    record = r.CustomerRecord(
        name=customer.name,
        company=customer.company,
        email=customer.email,
        phone=customer.phone or customer.phone_as_given,
        tax_number=customer.tax_number,
        billing=build_address(customer.billing),
        shipping=build_address(customer.shipping),
    )
    return r.CustomerDocument(reference=command.reference, customer=record)


def settle_customer(*, command: Command, result: r.CommandResult | None, at: datetime) -> None:
    """The customer is there now, or never will be: the orders that waited for him go on. Refused: they say so."""
    del result
    key = customer_key(command.connection, command.subject_id)
    if command.state in Command.DONE_STATES:
        _link(command, "customer", command.subject_id)
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
    part = _part(command)
    rows = list(refund.lines.select_related("order_line").order_by("pk"))
    names = find_names(order, there, [row.order_line for row in rows])
    return r.RefundDocument(
        reference=command.reference,
        order_external_id=part.external_id,
        order_reference=part.reference,
        customer_external_id=find_customer_id(order, there),
        currency=order.currency,
        amount=refund.amount,
        reason=refund.reason,
        at=refund.at or refund.order.placed_at,
        lines=tuple(build_refund_line(row, names) for row in rows) or (build_free_amount(refund, names),),
    )


def settle_refund(*, command: Command, result: r.CommandResult | None, at: datetime) -> None:
    del result
    refund = Refund.plain.get(pk=command.subject_id)
    if command.state in Command.DONE_STATES:
        refunds.mark_done(refund, external_id=command.external_id, external_number=command.external_number, at=at)
        _link(command, "refund", refund.pk)
        return
    order = Order.plain.select_for_update().get(pk=refund.order_id)
    note(order, f"refund_{command.state}", _describe(command), at=at, command=command)
    if command.state == State.WITHDRAWN:
        refunds.close_unbooked(order, at=at)


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
        lines=tuple(build_shipped_line(row) for row in shipment.lines.select_related("order_line").order_by("pk")),
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
    _lock(Order.plain.filter(merchant_id=merchant_id, pk__in=ids))


def lock_refunds(*, merchant_id: int, ids: Sequence[int]) -> None:
    _lock(Order.plain.filter(merchant_id=merchant_id, pk__in=Refund.plain.filter(pk__in=ids).values("order_id")))


def lock_shipments(*, merchant_id: int, ids: Sequence[int]) -> None:
    parts = Shipment.plain.filter(pk__in=ids).values("fulfilment_order__order_id")
    _lock(Order.plain.filter(merchant_id=merchant_id, pk__in=parts))


def _lock(orders: QuerySet[Order]) -> None:
    list(orders.select_for_update().order_by("pk").values_list("pk"))


def release_orders(*, merchant_id: int, ids: Sequence[int], at: datetime) -> None:
    """What these orders waited for is there: on with them."""
    rows = Order.plain.filter(merchant_id=merchant_id, pk__in=ids).select_for_update(of=("self",)).order_by("pk")
    for order in rows.select_related("connection", "customer"):
        routing.forward(order, at=at)


def release_refunds(*, merchant_id: int, ids: Sequence[int], at: datetime) -> None:
    """A person let held refunds go: they are booked."""
    held = Refund.plain.filter(merchant_id=merchant_id, pk__in=ids, state=Refund.State.HELD)
    orders = Order.plain.filter(pk__in=held.values("order_id")).select_for_update(of=("self",)).order_by("pk")
    for order in orders.select_related("connection"):
        refunds.let_go(order, held.filter(order=order).order_by("pk"), at=at)


def count_orders(*, connection: Connection) -> int:
    """How many orders wait to be given to this back office."""
    return FulfilmentOrder.plain.filter(destination=connection, state__in=(Part.WAITING, Part.QUEUED)).count()


def _part(command: Command, rows: QuerySet[FulfilmentOrder] | None = None) -> FulfilmentOrder:
    """Its line names the part of the order it is about."""
    rows = FulfilmentOrder.plain.all() if rows is None else rows
    return rows.get(pk=int(command.line.rpartition(":")[2]))


def _link(command: Command, subject_type: str, subject_id: int) -> None:
    Link.plain.get_or_create(
        merchant_id=command.merchant_id,
        connection=command.connection,
        stream=Stream(command.stream),
        external_id=command.external_id,
        defaults={
            "external_number": command.external_number,
            "subject_type": subject_type,
            "subject_id": subject_id,
        },
    )
