"""Refunds as documents for a back office or a shop, and what they make of them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from integrations.contract import records as r
from integrations.models import Command
from orders.models import Order, Refund
from orders.outbound.shared import describe_answer, describe_placing, is_to_shop, link, lock, part_of
from orders.services import refunds
from orders.services.destination import find_customer_id, find_names
from orders.services.documents import build_free_amount, build_refund_line, build_shop_refund_line
from orders.services.timeline import note

State = Command.State


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
    note(order, f"refund_{command.state}", describe_placing(command), at=at, command=command)
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


def lock_refunds(*, merchant_id: int, ids: Sequence[int]) -> None:
    lock(Order.plain.filter(merchant_id=merchant_id, pk__in=Refund.plain.filter(pk__in=ids).values("order_id")))


def release_refunds(*, merchant_id: int, ids: Sequence[int], at: datetime) -> None:
    """A person let held refunds go: they are booked."""
    held = Refund.plain.filter(merchant_id=merchant_id, pk__in=ids, state=Refund.State.HELD)
    orders = Order.plain.filter(pk__in=held.values("order_id")).select_for_update(of=("self",)).order_by("pk")
    for order in orders.select_related("connection"):
        refunds.let_go(order, held.filter(order=order).order_by("pk"), at=at)
