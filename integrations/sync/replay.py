"""A person decides: send again, rebuild, edit, force, it is there, it is not there, never send; and events again.

Whoever decides is written down with his reason. A command whose outcome nobody knows is looked for there before it
goes again.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

import msgspec
from django.db import transaction

from integrations.contract import records as r
from integrations.models import Command, DeskRule, InboundEvent, Release, Replay
from integrations.sync import documents
from integrations.sync.handlers import call
from integrations.sync.inbox import FETCHES
from integrations.sync.locking import lock_subject
from integrations.sync.outbox import ring_on_commit
from integrations.sync.preview import build_now, compare
from integrations.sync.problems import close_problem, refresh
from portal.tenancy.models import User

State = Command.State
Action = Replay.Action
STOPPED_OR_WAITING = (State.NEEDS_FIX, State.PENDING)
FORCEABLE = "create_order"


class NotPossible(Exception):
    """The command is not in a state where this can be decided; the message says what to do instead."""


def retry(*, command: Command, by: User | None, at: datetime, reason: str = "") -> None:
    """Send the record as stored again. One whose outcome is not known is looked for there first."""
    _decide(command, Action.RETRY, STOPPED_OR_WAITING, by, at, reason, _send_again)


def rebuild(
    *, command: Command, by: User | None, at: datetime, reason: str = "", release: Release | None = None
) -> None:
    """Build the record anew under the current rules; it goes only after a search there found nothing."""
    _decide(command, Action.REBUILD, STOPPED_OR_WAITING, by, at, reason, _rebuild, release=release)


def edit(*, command: Command, payload: bytes, by: User | None, at: datetime, reason: str) -> None:
    """Send what a person made of the record; what he changed and why is kept. It goes only after a search there found
    nothing. NotPossible where it cannot be read, names another document, or is no different."""
    _need(reason, "Say why it is sent differently.")
    changes = read_edit(command, payload, at=at)

    def take_over(row: Command) -> None:
        _raise_revision(row)
        row.payload = _tidy(row.kind, payload)
        row.search_first = True

    _decide(command, Action.EDIT, STOPPED_OR_WAITING, by, at, reason, take_over, changes=changes)


def read_edit(command: Command, payload: bytes, *, at: datetime) -> dict[str, list[Any]]:
    """Path → [before, after] of an edited record; NotPossible as in `edit`."""
    try:
        edited = documents.decode(command.kind, payload)
    except msgspec.DecodeError as error:
        raise NotPossible(f"It cannot be read: {error}") from error
    if getattr(edited, "reference", command.reference) != command.reference:
        raise NotPossible(f"It is {command.reference} there for life: the reference cannot be edited.")
    before = bytes(command.payload) if command.payload is not None else build_now(command, at=at)
    changes = compare(before, documents.encode(edited))
    if not changes:
        raise NotPossible("Nothing is different from what would be sent anyway.")
    return {one.path: [one.before, one.after] for one in changes}


# --- what nobody can tell -------------------------------------------------------------------------------------------


def say_it_is_there(
    *,
    command: Command,
    external_id: str,
    by: User | None,
    at: datetime,
    external_number: str = "",
    reason: str = "",
    found: r.CommandResult | None = None,
) -> None:
    """A person found it there: linked under that id, and not sent. `found` is what the platform says of it: compared
    with what we sent."""

    def accept(row: Command) -> None:
        row.state, row.external_id, row.external_number = State.ACCEPTED, external_id, external_number or external_id
        row.error_code, row.message, row.finished_at = "", "A person found it there.", at
        if found is not None:
            row.remote_total = found.total
            differs = documents.difference(documents.decode(row.kind, bytes(row.payload)), found) if row.payload else ""
            if differs:
                row.error_code, row.message = "AMOUNT_MISMATCH", f"A person found it there, but {differs}."

    allowed = (State.NEEDS_HUMAN, State.NEEDS_FIX)
    _decide(command, Action.IS_THERE, allowed, by, at, reason, accept, result=found)


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


# --- although it is there -------------------------------------------------------------------------------------------


def force_new(*, command: Command, typed: str, by: User, at: datetime, reason: str) -> bool:
    """Send an order anew without a look, although it is or may be there. False where a second person must confirm it
    first. NotPossible without a reason, without its reference typed, or where nothing was sent yet."""
    _need(reason, "Say why it is made anew although it is there.")
    if command.kind != FORCEABLE:
        raise NotPossible("Only orders are made anew there; all else follows from its order.")
    if typed.strip().removeprefix("#") != command.reference:
        raise NotPossible(f"Type {command.reference} to say that you mean this order.")
    _check_state(command, (*Command.DONE_STATES, State.NEEDS_HUMAN))
    if not needs_second_person(command.merchant_id):
        _decide(command, Action.FORCE, (*Command.DONE_STATES, State.NEEDS_HUMAN), by, at, reason, _force)
        return True
    words = {"action": Action.FORCE, "by": by, "at": at, "reason": reason[:500]}
    Replay.plain.get_or_create(merchant_id=command.merchant_id, command=command, waits=True, defaults=words)
    return False


def confirm(*, request: Replay, by: User, at: datetime) -> None:
    """The second person agrees: it is done. NotPossible where he is the first, or it was settled by now."""
    with transaction.atomic():
        row = _lock_request(request)
        if row.by_id == by.pk:
            raise NotPossible("You asked for it: somebody else confirms it.")
        command = Command.plain.get(pk=row.command_id or 0)
        row.waits, row.second = False, by
        row.save(update_fields=["waits", "second"])
        states = (*Command.DONE_STATES, State.NEEDS_HUMAN)
        _decide(command, Action.FORCE, states, by, at, f"confirmed: {row.reason}", _force)


def decline(*, request: Replay, by: User) -> None:
    """The second person does not agree, or the first thought better of it."""
    with transaction.atomic():
        row = _lock_request(request)
        row.waits, row.second, row.reason = False, by, f"declined: {row.reason}"[:500]
        row.save(update_fields=["waits", "second", "reason"])


def find_request(command: Command) -> Replay | None:
    """What waits for a second person."""
    return Replay.plain.filter(command=command, waits=True).select_related("by").first()


def needs_second_person(merchant_id: int) -> bool:
    return DeskRule.plain.filter(merchant_id=merchant_id, second_person=True).exists()


def read_rule(merchant_id: int) -> DeskRule:
    """What the merchant said, or what holds until he does (not saved)."""
    return DeskRule.plain.filter(merchant_id=merchant_id).first() or DeskRule(merchant_id=merchant_id)


def _lock_request(request: Replay) -> Replay:
    row = Replay.plain.select_for_update().filter(pk=request.pk, waits=True).first()
    if row is None:
        raise NotPossible("It was settled by now.")
    return row


# --- events ---------------------------------------------------------------------------------------------------------


def apply_again(
    *, event: InboundEvent, by: User | None, at: datetime, reason: str = "", release: Release | None = None
) -> None:
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
            merchant_id=row.merchant_id, event=row, action=Action.EVENT, by=by, at=at, reason=reason[:500],
            release=release,
        )  # fmt: skip
        row.state, row.attempts, row.next_attempt_at, row.error_code = InboundEvent.State.RECEIVED, 0, at, ""
        row.save(update_fields=["state", "attempts", "next_attempt_at", "error_code"])
        ring_on_commit("integrations.inbox", event_ids=[row.pk])
    if row.problem_id is not None:
        refresh({row.problem_id}, at)


# --- helpers --------------------------------------------------------------------------------------------------------


def _send_again(row: Command) -> None:
    row.state, row.attempts, row.crashes, row.tried_seconds = State.PENDING, 0, 0, 0
    row.search_first = row.payload is not None


def _raise_revision(row: Command) -> None:
    _send_again(row)
    row.revision += 1
    row.operation_key = f"{row.reference}:{row.kind}:{row.revision}"


def _rebuild(row: Command) -> None:
    _raise_revision(row)
    row.payload = None


def _force(row: Command) -> None:
    _raise_revision(row)
    row.search_first, row.finished_at, row.remote_total = False, None, None
    row.external_id = row.external_number = row.error_code = row.message = ""


def _tidy(kind: str, payload: bytes) -> bytes:
    """As we store records ourselves."""
    return documents.encode(documents.decode(kind, payload))


def _need(reason: str, words: str) -> None:
    if not reason.strip():
        raise NotPossible(words)


def _check_state(row: Command, allowed: tuple[str, ...]) -> None:
    if row.state in Command.BUSY_STATES:
        words = "Outcome unknown: looking in the ERP first." if row.state == State.UNKNOWN else "It is being sent."
        raise NotPossible(words)
    if row.state not in allowed:
        raise NotPossible(f"{row} is {row.get_state_display().lower()}; there is nothing to decide.")


def _decide(
    command: Command,
    action: str,
    allowed: tuple[str, ...],
    by: User | None,
    at: datetime,
    reason: str,
    change: Callable[[Command], None],
    *,
    changes: dict[str, list[Any]] | None = None,
    release: Release | None = None,
    result: r.CommandResult | None = None,
) -> None:
    """Change the command under its lock, write down who did it, and tell its subject; then count its problem anew."""
    with transaction.atomic():
        lock_subject(command)
        row = Command.plain.select_for_update().get(pk=command.pk)
        _check_state(row, allowed)
        change(row)
        row.state_at, row.next_attempt_at = at, at
        row.save()
        Replay.plain.create(
            merchant_id=row.merchant_id,
            command=row,
            action=action,
            by=by,
            at=at,
            reason=reason[:500],
            edit=changes or {},
            release=release,
        )
        call(row.stream, "settle", row.merchant_id, command=row, result=result, at=at)
        if row.state == State.PENDING:
            ring_on_commit("integrations.deliver", command_ids=[row.pk])
    close_problem(row, at)
