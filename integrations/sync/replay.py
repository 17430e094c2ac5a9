"""A person decides: send again, rebuild, it is there, it is not there, never send; and events applied again.

Whoever decides is written down with his reason. A command whose outcome nobody knows is looked for there before it
goes again.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from django.db import transaction

from integrations.models import Command, InboundEvent, Replay
from integrations.sync.handlers import call
from integrations.sync.inbox import FETCHES
from integrations.sync.locking import lock_subject
from integrations.sync.outbox import ring_on_commit
from integrations.sync.problems import close_problem, leave_problem
from portal.tenancy.models import User

State = Command.State
Action = Replay.Action


class NotPossible(Exception):
    """The command is not in a state where this can be decided; the message says what to do instead."""


def retry(*, command: Command, by: User | None, at: datetime, reason: str = "") -> None:
    """Send the record as stored again. One whose outcome is not known is looked for there first."""
    _decide(command, Action.RETRY, (State.NEEDS_FIX, State.PENDING), by, at, reason, _send_again)


def rebuild(*, command: Command, by: User | None, at: datetime, reason: str = "") -> None:
    """Build the record anew under the current rules; it goes only after a search there found nothing."""
    _decide(command, Action.REBUILD, (State.NEEDS_FIX, State.PENDING), by, at, reason, _rebuild)


def say_it_is_there(
    *, command: Command, external_id: str, by: User | None, at: datetime, external_number: str = "", reason: str = ""
) -> None:
    """A person found it there: linked under that id, and not sent."""

    def accept(row: Command) -> None:
        row.state, row.external_id, row.external_number = State.ACCEPTED, external_id, external_number or external_id
        row.error_code, row.message, row.finished_at = "", "A person found it there.", at

    _decide(command, Action.IS_THERE, (State.NEEDS_HUMAN, State.NEEDS_FIX), by, at, reason, accept)


def say_it_is_not_there(*, command: Command, by: User | None, at: datetime, reason: str = "") -> None:
    """A person looked and it is not there: the stored record is sent."""

    def send(row: Command) -> None:
        _send_again(row)
        row.search_first = False

    _decide(command, Action.NOT_THERE, (State.NEEDS_HUMAN,), by, at, reason, send)


def say_never(*, command: Command, by: User | None, at: datetime, reason: str) -> None:
    """It is never sent; ValueError without a reason."""
    if not reason.strip():
        raise ValueError("Say why it is never sent.")

    def withdraw(row: Command) -> None:
        row.state, row.message, row.finished_at = State.WITHDRAWN, f"Never sent: {reason}"[:2000], at

    _decide(command, Action.NEVER, (State.NEEDS_HUMAN, State.NEEDS_FIX, State.PENDING), by, at, reason, withdraw)


def apply_again(*, event: InboundEvent, by: User | None, at: datetime, reason: str = "") -> None:
    """Fetch and apply what a set-aside event is about once more."""
    with transaction.atomic():
        row = InboundEvent.plain.select_for_update().get(pk=event.pk)
        if not row.external_id or not row.stream:
            raise NotPossible("Nobody can tell which record this was about; ask the platform to send it again.")
        if row.stream not in FETCHES:
            raise NotPossible(f"A {row.stream} record cannot be fetched by itself; it comes again with its flow's run.")
        if row.state in (InboundEvent.State.RECEIVED, InboundEvent.State.LEASED):
            raise NotPossible("It waits to be applied already.")
        Replay.plain.create(
            merchant_id=row.merchant_id, event=row, action=Action.EVENT, by=by, at=at, reason=reason[:500]
        )
        row.state, row.attempts, row.next_attempt_at, row.error_code = InboundEvent.State.RECEIVED, 0, at, ""
        row.save(update_fields=["state", "attempts", "next_attempt_at", "error_code"])
        ring_on_commit("integrations.inbox", event_ids=[row.pk])


def _send_again(row: Command) -> None:
    row.state, row.attempts, row.crashes, row.tried_seconds = State.PENDING, 0, 0, 0
    row.search_first = row.payload is not None


def _rebuild(row: Command) -> None:
    _send_again(row)
    row.payload = None
    row.revision += 1
    row.operation_key = f"{row.reference}:{row.kind}:{row.revision}"


@transaction.atomic
def _decide(
    command: Command,
    action: str,
    allowed: tuple[str, ...],
    by: User | None,
    at: datetime,
    reason: str,
    change: Callable[[Command], None],
) -> None:
    """Change the command under its lock, write down who did it, and tell its subject."""
    lock_subject(command)
    row = Command.plain.select_for_update().get(pk=command.pk)
    if row.state in Command.BUSY_STATES:
        words = "Outcome unknown: looking in the ERP first." if row.state == State.UNKNOWN else "It is being sent."
        raise NotPossible(words)
    if row.state not in allowed:
        raise NotPossible(f"{row} is {row.get_state_display().lower()}; there is nothing to decide.")
    leave_problem(row)
    change(row)
    row.state_at, row.next_attempt_at = at, at
    row.save()
    Replay.plain.create(merchant_id=row.merchant_id, command=row, action=action, by=by, at=at, reason=reason[:500])
    call(row.stream, "settle", row.merchant_id, command=row, result=None, at=at)
    if row.state != State.PENDING:
        close_problem(row, at)
    else:
        ring_on_commit("integrations.deliver", command_ids=[row.pk])
