"""Taking a command for one worker, and what becomes of those whose worker died.

A lease has a token and a fence and outlives every request made under it; a sender whose lease has run out sends
nothing, and its late answer changes nothing.
"""

from __future__ import annotations

import secrets
from datetime import datetime, timedelta
from typing import Any

import structlog
from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet, Subquery

from integrations.models import Attempt, Command, Connection, Hold
from integrations.sync.handlers import call
from integrations.sync.locking import lock_subject
from integrations.sync.problems import note_problem
from integrations.sync.release import PERSON
from integrations.sync.retry import MOST_CRASHES
from portal.base.prepared import Prepared, given

log = structlog.get_logger(__name__)

REQUESTS_PER_LEASE = 8  # a create, its completion, its read-back, with room
ROOM_SECONDS = 30  # for the database


def lease_length(connection: Connection) -> timedelta:
    return timedelta(seconds=connection.deadline_seconds * REQUESTS_PER_LEASE + ROOM_SECONDS)


def due(at: datetime) -> QuerySet[Command]:
    """Commands that may be tried now: due, of a connection that sends, with nothing open ahead in their line. What a
    person holds is not sent; what was sent is still looked for, and a cancellation goes."""
    ahead = Command.plain.filter(
        merchant=OuterRef("merchant"),  # leads the index of lines; without it a backlog is compared with itself
        connection=OuterRef("connection"),
        line=OuterRef("line"),
        sequence__lt=OuterRef("sequence"),
        state__in=Command.OPEN_STATES,
    )
    held = Hold.plain.filter(
        subject_type=OuterRef("subject_type"), subject_id=OuterRef("subject_id"), reason=PERSON, ended_at__isnull=True
    )
    return Command.plain.filter(
        ~Exists(ahead),
        ~Exists(held) | ~Q(state=Command.State.PENDING) | Q(kind="cancel_order"),
        state__in=(Command.State.PENDING, Command.State.UNKNOWN),
        next_attempt_at__lte=at,
        connection__state__in=Connection.WRITING_STATES,
        connection__orders_paused=False,
    )


def _build_free() -> QuerySet[Command]:
    """A due command in nobody's hands, locked, with its connection, its secrets and the number of its last try."""
    at = given("at")
    found = due(at).filter(Q(lease_until__isnull=True) | Q(lease_until__lte=at), pk=given("pk"))
    # `attempts` begins anew when a person sends it again; how often it was tried does not.
    tried = Attempt.plain.filter(command=OuterRef("pk")).order_by("-number").values("number")[:1]
    locked = found.select_for_update(skip_locked=True, of=("self",)).select_related("connection__credential")
    return locked.annotate(tried=Subquery(tried))


_FREE = Prepared(_build_free)


def take(command_id: int, at: datetime) -> Command | None:
    """Lease a due command: PENDING becomes LEASED; UNKNOWN stays so while it is searched. None where another has it."""
    with transaction.atomic():
        command: Any = _FREE.first(pk=command_id, at=at)
        if command is None:
            return None
        command.lease_token = secrets.token_hex(16)
        command.lease_until = at + lease_length(command.connection)
        command.fence += 1
        command.attempts += 1
        if command.state == Command.State.PENDING:
            command.state, command.state_at = Command.State.LEASED, at
        command.save(update_fields=["lease_token", "lease_until", "fence", "attempts", "state", "state_at"])
        command.attempt = Attempt.plain.create(
            merchant_id=command.merchant_id,
            command=command,
            number=(command.tried or 0) + 1,
            fence=command.fence,
            started_at=at,
        )
    taken: Command = command
    return taken


def mark_sending(command: Command, payload: bytes, at: datetime) -> bool:
    """Store what is sent and say so before it is: False where the lease is no longer ours."""
    changed = Command.plain.filter(
        pk=command.pk,
        state=Command.State.LEASED,
        fence=command.fence,
        lease_token=command.lease_token,
        lease_until__gt=at,
    ).update(state=Command.State.SENDING, state_at=at, payload=payload)
    if changed:
        command.state, command.state_at, command.payload = Command.State.SENDING, at, payload
    return bool(changed)


def recover(at: datetime) -> int:
    """Free what dead workers held. LEASED was never sent and goes again; SENDING may have been, so it is UNKNOWN, as is
    one that was being looked for. The third crash ends in a person's hands, so that a command which kills its worker
    stops."""
    dead = Command.plain.filter(lease_until__lte=at, state__in=Command.BUSY_STATES)
    freed = 0
    for pk in list(dead.values_list("pk", flat=True)[:500]):
        try:
            with transaction.atomic():
                lock_subject(Command.plain.get(pk=pk))
                command = dead.select_for_update(skip_locked=True, of=("self",)).filter(pk=pk).first()
                if command is not None:
                    _free(command, at)
                    freed += 1
            if command is not None:
                note_problem(command, at)
        except Exception:
            log.exception("A dead worker's command could not be freed; the others are.", command=pk)
    return freed


def _free(command: Command, at: datetime) -> None:
    crashes = command.crashes + 1
    was_sent = command.state != Command.State.LEASED
    state = Command.State.UNKNOWN if was_sent else Command.State.PENDING
    message = (
        "The worker died while sending; it is looked for there." if was_sent else "The worker died before sending."
    )
    if crashes >= MOST_CRASHES:
        state, message = Command.State.NEEDS_HUMAN, f"The worker died {crashes} times at this message."
    settle = timedelta(seconds=command.connection.settle_seconds) if was_sent else timedelta(0)
    Attempt.plain.filter(command=command, fence=command.fence).update(
        outcome=Attempt.Outcome.CRASHED, finished_at=at, message=message
    )
    command.state, command.state_at, command.crashes, command.fence = state, at, crashes, command.fence + 1
    command.lease_token, command.lease_until, command.next_attempt_at = "", None, at + settle
    command.error_code, command.message = "WORKER_DIED", message
    command.save()
    if state != Command.State.PENDING:
        call(command.stream, "settle", command.merchant_id, command=command, result=None, at=at)
