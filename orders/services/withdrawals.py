"""Taking back what was not sent yet, and everything that stood behind it."""

from __future__ import annotations

from datetime import datetime
from functools import partial

from django.db import transaction

from integrations.models import Command
from integrations.sync.problems import close_problem
from orders.models import Cancellation, FulfilmentOrder, Order
from orders.services import refunds
from orders.services.references import line_of
from orders.services.timeline import note

State = Command.State
NOT_SENT = (State.PENDING, State.NEEDS_FIX)


def may_be_there(command: Command) -> bool:
    """One that was on the wire once may be there, whatever was said of it later."""
    return command.state == State.PENDING and command.payload is not None


def withdraw(command: Command, words: str, *, at: datetime) -> None:
    """It is not sent, and no problem counts it any more; the caller holds its lock."""
    command.state, command.state_at, command.finished_at, command.message = State.WITHDRAWN, at, at, words
    command.save(update_fields=["state", "state_at", "finished_at", "message"])
    # Robust: that it is withdrawn stays so; a count that failed is mended within the hour.
    transaction.on_commit(partial(close_problem, command, at), robust=True)


def end_line(order: Order, part: FulfilmentOrder, *, at: datetime) -> None:
    """The order never gets there: its cancel has succeeded by that, and its refunds have nobody to tell. The caller
    holds the order's lock."""
    behind = Command.plain.select_for_update().filter(
        connection=part.destination, line=line_of(part), state__in=NOT_SENT
    )
    words = "It was never placed there."
    for command in behind.order_by("sequence"):
        if may_be_there(command):
            continue
        withdraw(command, words, at=at)
        if command.kind == part.cancel_kind:
            Cancellation.plain.filter(fulfilment_order=part, answered_at__isnull=True).update(
                success=True, answer=words, answered_at=at
            )
            note(order, "cancel_answered", f"{part.destination.name} never had it.", at=at, command=command)
    refunds.close_unbooked(order, at=at)
