"""What building and settling every kind of message needs."""

from __future__ import annotations

from collections.abc import Mapping

from django.db.models import QuerySet

from integrations.models import Command, Link, Stream
from orders.models import FulfilmentOrder, Order

State = Command.State


def part_of(command: Command, rows: QuerySet[FulfilmentOrder] | None = None) -> FulfilmentOrder:
    """Its line names the part of the order it is about."""
    rows = FulfilmentOrder.plain.all() if rows is None else rows
    return rows.get(pk=int(command.line.rpartition(":")[2]))


def is_to_shop(command: Command, order: Order) -> bool:
    return command.connection_id == order.connection_id


def link(command: Command, subject_type: str, subject_id: int, stream: str = "") -> Link:
    """Ours is theirs, from here on; `stream` where the message's own is none of records."""
    made, _is_new = Link.plain.get_or_create(
        merchant_id=command.merchant_id,
        connection=command.connection,
        stream=Stream(stream or command.stream),
        external_id=command.external_id,
        defaults={
            "external_number": command.external_number,
            "subject_type": subject_type,
            "subject_id": subject_id,
        },
    )
    return made


def describe_answer(command: Command, what: str, done: str) -> str:
    """What a system said to being told of something, in words; `done` where it took it."""
    there = command.connection.name
    words: Mapping[str, str] = {
        State.NEEDS_FIX: f"{there} does not take {what}: {command.message}",
        State.NEEDS_HUMAN: f"Nobody can tell whether {there} has {what}: {command.message}",
        State.WITHDRAWN: f"{there} is not told of {what}. {command.message}",
        State.PENDING: f"{there} is told of {what} again.",
    }
    if command.state in Command.DONE_STATES:
        return done
    return words.get(command.state, f"{there} was told of {what}, and gave no answer; it is looked for there.")


def lock(orders: QuerySet[Order]) -> None:
    list(orders.select_for_update().order_by("pk").values_list("pk"))
