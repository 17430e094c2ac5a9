"""Goods that come back, for a back office or a shop."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from integrations.contract import records as r
from integrations.models import Command
from orders.models import Order, Return
from orders.outbound.shared import describe_answer, is_to_shop, link, lock, part_of
from orders.services.destination import find_names
from orders.services.documents import build_line, build_moved_line
from orders.services.returns import find_reason, list_lines
from orders.services.timeline import note


def build_return(*, command: Command, at: datetime) -> r.ReturnDocument:
    """What comes back: in their articles for a back office, in its own for the shop."""
    del at
    row = Return.plain.select_related("order__connection").get(pk=command.subject_id)
    order, there = row.order, command.connection
    common: dict[str, Any] = {
        "reference": command.reference,
        "reason": find_reason(row, there),
        "restock": row.restock == Return.Restock.SELL,
    }
    if is_to_shop(command, order):
        lines = [build_moved_line(one, "came back") for one in row.lines.select_related("order_line").order_by("pk")]
        return r.ReturnDocument(
            order_external_id=order.external_id, order_reference=order.number, lines=tuple(lines), **common
        )
    part = part_of(command)
    mine = list_lines(row, part)
    names = find_names(order, there, [line for line, _ in mine])
    found = [build_line(line, names, quantity) for line, quantity in mine]
    return r.ReturnDocument(
        order_external_id=part.external_id, order_reference=part.reference, lines=tuple(found), **common
    )


def settle_return(*, command: Command, result: r.CommandResult | None, at: datetime) -> None:
    """They have it: what they say of it from here on is about ours."""
    del result
    row = Return.plain.get(pk=command.subject_id)
    order = Order.plain.select_for_update().get(pk=row.order_id)
    number = command.external_number or command.external_id
    if command.state in Command.DONE_STATES:
        link(command, "return", row.pk)
    done = f"{command.connection.name} has return {row} as {number}."
    words = describe_answer(command, f"return {row}", done)
    note(order, f"return_{command.state}", words, at=at, command=command)


def lock_returns(*, merchant_id: int, ids: Sequence[int]) -> None:
    lock(Order.plain.filter(merchant_id=merchant_id, pk__in=Return.plain.filter(pk__in=ids).values("order_id")))
