"""Telling a shop how far its order is, or that it is cancelled."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from integrations.contract import records as r
from integrations.contract.errors import Rejected
from integrations.models import Command
from integrations.sync.documents import CancelRequest, StatusChange
from orders.models import Cancellation, Order
from orders.outbound.shared import State, describe_answer, lock
from orders.services.cancelling import take_answer
from orders.services.status import find_words, told_status
from orders.services.timeline import note


def build_status(*, command: Command, at: datetime) -> StatusChange | CancelRequest:
    """How far the order is now, in the shop's word."""
    del at
    order = Order.plain.select_related("connection").get(pk=command.subject_id)
    if command.kind == "cancel_order":
        return CancelRequest(external_id=order.external_id)
    found = find_words(order)
    if found is None:
        raise Rejected(
            f"{order.connection.name} has no word for how far order {order} is: map one under Values → Status.",
            code="STATUS_MISSING",
        )
    return StatusChange(external_id=order.external_id, status=found[1])


def settle_status(*, command: Command, result: r.CommandResult | None, at: datetime) -> None:
    order = Order.plain.select_for_update(of=("self",)).select_related("connection").get(pk=command.subject_id)
    if command.kind == "cancel_order":
        _settle_cancel(command, order, result, at)
        return
    told = told_status(command) if command.state in Command.DONE_STATES and command.payload else ""
    words = describe_answer(command, "its status", f"{command.connection.name} has it as “{told}”.")
    note(order, "status_told" if told else f"status_{command.state}", words, at=at, command=command)


def _settle_cancel(command: Command, order: Order, result: r.CommandResult | None, at: datetime) -> None:
    """Keep the shop's answer, yes or no."""
    there, done = command.connection.name, command.state in Command.DONE_STATES
    if not done and command.state not in {State.NEEDS_FIX, State.NEEDS_HUMAN}:
        return
    success, answer = done and (result is None or result.success), result.message if result else command.message
    asked = Cancellation.plain.filter(command=command).first()
    if asked is not None:
        take_answer(order, asked, success=success, answer=answer, at=at)
    words = f"{there} has cancelled it, too." if success else f"{there} does not cancel it: {answer}"
    note(order, "cancel_answered", words, at=at, command=command)


def lock_orders(*, merchant_id: int, ids: Sequence[int]) -> None:
    """Ahead of their messages; why is in `integrations.sync.locking`."""
    lock(Order.plain.filter(merchant_id=merchant_id, pk__in=ids))
