"""Orders as documents for a back office, and what becomes of them there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from catalog import services as catalog
from integrations.contract import records as r
from integrations.models import Command, Connection
from integrations.sync import documents
from integrations.sync.documents import CancelRequest
from orders.models import Cancellation, CancellationLine, FulfilmentOrder, Invoice, Order, OrderLine
from orders.outbound.shared import describe_placing, link, lock, part_id, supersede
from orders.services import field_rules, goods, holds, payments, refunds, routing
from orders.services.cancelling import take_answer
from orders.services.destination import find_customer_id, find_names
from orders.services.documents import build_header, build_line
from orders.services.parts import list_part_lines, total_of
from orders.services.routes import Routes
from orders.services.status import tell_status
from orders.services.taking_back import withdraw_create
from orders.services.timeline import note
from orders.services.withdrawals import end_line
from orders.state import PLACEMENT, move
from portal.base.prepared import Prepared, given

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


_SUBJECT = Prepared(
    lambda: FulfilmentOrder.plain.filter(pk=given("pk")).select_related(
        "location", "order__connection", "order__customer", "order__location"
    )
)
_ORDER = Prepared(
    lambda: Order.plain.filter(pk=given("pk")).select_for_update(of=("self",)).select_related("connection")
)
_PART = Prepared(lambda: FulfilmentOrder.plain.filter(pk=given("pk")).select_for_update())
_PARTS = Prepared(
    lambda: FulfilmentOrder.plain.filter(order_id=given("order")).select_related("destination").order_by("pk")
)


def build_order(*, command: Command, at: datetime) -> r.OrderDocument | r.InvoiceDocument | CancelRequest:
    """What create_order, create_invoice, update_order or a cancel sends; Rejected where something it needs is gone by
    now."""
    del at
    part = _SUBJECT.get(pk=part_id(command))
    order = part.order
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
    order = _ORDER.get(pk=command.subject_id)
    part = _PART.get(pk=part_id(command))
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
            supersede(command, part.external_id, at=at)
            part.external_id = part.external_number = ""
            part.remote_total = part.placed_at = None
        part.state = move(PLACEMENT, part.state, wanted)
    if part.state == Part.PLACED and not part.external_id:
        part.external_id, part.external_number = command.external_id, command.external_number
        part.remote_total, part.placed_at = command.remote_total, at
        part.remote_tax = result.tax if result else None
        _link_part(command, order, part, result)
    part.save(update_fields=["state", "external_id", "external_number", "remote_total", "remote_tax", "placed_at"])
    note(order, command.state, f"{describe_placing(command)}{_describe_rules(command)}", at=at, command=command)
    if part.state in (Part.PLACED, Part.NEVER):
        _follow(order, part, at)


def _follow(order: Order, part: FulfilmentOrder, at: datetime) -> None:
    """What comes of it that the part is there, or never will be."""
    parts = _PARTS.list(order=order.pk)
    if part.state == Part.PLACED:
        goods.settle_promise(order, parts, at=at)
        payments.tell_back_offices(order, parts, at=at)
        tell_status(order, at=at)
    else:
        end_line(order, part, at=at)
        if any(one.state not in part.OVER for one in parts):
            goods.keep_promise(order, at=at)
        else:
            catalog.cancel_reservation(merchant_id=order.merchant_id, subject=("order", order.pk), at=at)
            holds.end_all(order, at=at)
    if any(one.send_when in part.AFTER_OTHERS for one in parts):
        routing.forward(order, at=at)  # for accounting, say, that waits until it is there


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


def lock_orders(*, merchant_id: int, ids: Sequence[int]) -> None:
    """Ahead of their messages and Holds; why is in `integrations.sync.locking`."""
    lock(Order.plain.filter(merchant_id=merchant_id, pk__in=ids))


def release_orders(*, merchant_id: int, ids: Sequence[int], at: datetime) -> None:
    """What these orders waited for is there: on with them."""
    rows = Order.plain.filter(merchant_id=merchant_id, pk__in=ids).select_for_update(of=("self",)).order_by("pk")
    routes = Routes(merchant_id)
    for order in rows.select_related("connection", "customer"):
        routing.forward(order, at=at, routes=routes)


def count_orders(*, connection: Connection) -> int:
    """How many orders wait to be given to this back office."""
    return FulfilmentOrder.plain.filter(destination=connection, state__in=(Part.WAITING, Part.QUEUED)).count()
