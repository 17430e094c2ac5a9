"""What building and settling every kind of message needs."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from django.db.models import QuerySet

from integrations.models import Attempt, Command, Link, Stream
from orders.models import FulfilmentOrder, Order

State = Command.State


def part_of(command: Command, rows: QuerySet[FulfilmentOrder] | None = None) -> FulfilmentOrder:
    """Its line names the part of the order it is about."""
    rows = FulfilmentOrder.plain.all() if rows is None else rows
    return rows.get(pk=part_id(command))


def part_id(command: Command) -> int:
    return int(command.line.rpartition(":")[2])


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
    if made.superseded_at is not None:  # found there after all, and ours again
        made.superseded_at = None
        made.save(update_fields=["superseded_at"])
    return made


def supersede(command: Command, external_id: str, *, at: datetime) -> None:
    """A person has it made anew: what was made before is theirs, and no longer what ours is there."""
    mine = Link.plain.filter(merchant_id=command.merchant_id, connection=command.connection, external_id=external_id)
    mine.filter(stream=command.stream, superseded_at=None).update(superseded_at=at)


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


def describe_placing(command: Command) -> str:
    """What a back office made of a document, in words."""
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


def lock(orders: QuerySet[Order]) -> None:
    list(orders.select_for_update().order_by("pk").values_list("pk"))
