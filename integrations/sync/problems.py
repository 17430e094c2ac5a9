"""Problems: errors of one cause, counted together so that one fix can be seen to free many.

Three things have errors: messages that stopped, what came in and could not be taken over (`unread`), and runs of flows
that failed. A problem is open while it has any of them.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection
from datetime import datetime, timedelta
from decimal import Decimal

from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet, Sum

from integrations.models import Command, Connection, InboundEvent, Problem, Replay, SyncRun
from integrations.sync.alerts import tell_problem, tell_unread
from portal.tenancy.models import User

NEEDS_SOMEONE = (Command.State.NEEDS_FIX, Command.State.NEEDS_HUMAN)
SET_ASIDE = (InboundEvent.State.FAILED, InboundEvent.State.QUARANTINED)
ON_THEIR_WAY = (InboundEvent.State.RECEIVED, InboundEvent.State.LEASED)
WAITING = (Problem.State.OPEN, Problem.State.SNOOZED)
MENDED_AFTER = timedelta(minutes=5)  # by then the worker that stopped it has counted it, or died
MENDED_AT_ONCE = 500


def note_problem(command: Command, at: datetime) -> None:
    """Count a command that stopped under the problem its words belong to; a resolved one opens again.

    To be called once the transaction that stopped it is over, as all here that counts: many commands share a problem,
    so that whoever held it while he reaches for an order would wait in a circle with whoever does the reverse.
    """
    if command.state not in NEEDS_SOMEONE:
        return
    before = command.problem_id
    with transaction.atomic():
        problem = find_or_make(
            connection=command.connection,
            kind=command.kind,
            code=command.error_code,
            words=command.message or command.get_state_display(),
            but=command.reference,
            currency=command.currency,
            at=at,
        )
        Command.plain.filter(pk=command.pk).update(problem=problem)
        command.problem = problem
        Problem.plain.filter(pk=problem.pk).update(example_command=command, last_seen_at=at)
        refresh({before or problem.pk, problem.pk}, at)


def find_or_make(
    *, connection: Connection, kind: str, code: str, words: str, but: str, at: datetime, currency: str = ""
) -> Problem:
    """The problem errors of these words belong to, whatever number or id (`but`) they name; a new one is resolved until
    it is counted."""
    problem, _ = Problem.plain.get_or_create(
        merchant_id=connection.merchant_id,
        fingerprint=_fingerprint(connection.pk, kind, code, words, but),
        defaults={
            "connection": connection,
            "kind": kind,
            "code": code,
            "title": words[:500],
            "currency": currency,
            "state": Problem.State.RESOLVED,  # it opens when it is counted, and is told of
            "first_seen_at": at,
            "last_seen_at": at,
        },
    )
    return problem


def close_problem(command: Command, at: datetime) -> None:
    """A command went through, or a person decided on it: its problem counts it no more, and is resolved with its last.
    Once the transaction that changed it is over."""
    if command.problem_id is not None:
        refresh({command.problem_id}, at)


@transaction.atomic
def refresh(ids: Collection[int], at: datetime) -> None:
    """Count these problems anew: one that stops anything is open, one with nothing open at all is resolved, and says
    how. Nothing but problems is locked, in the order of their keys."""
    rows = Problem.plain.select_for_update().filter(pk__in=ids).order_by("pk")
    for problem in rows:
        stopped = list_stopped(problem)
        problem.count = stopped.count() + list_set_aside(problem).count() + list_failed_runs(problem).count()
        mine = stopped.filter(currency=problem.currency)
        problem.amount = mine.order_by().aggregate(sum=Sum("amount"))["sum"] or Decimal(0)
        if problem.count and problem.state == Problem.State.RESOLVED:
            _open(problem, stopped, at)
        elif not problem.count and problem.state in WAITING and not _has_open(problem):
            _resolve(problem, at)
        problem.save(
            update_fields=["count", "amount", "state", "resolved_at", "snoozed_until", "resolved_by", "resolution"]
        )


def mend(at: datetime) -> int:
    """Count those a worker died over, between a command's end and its problem's; how many."""
    stopped = Command.plain.filter(state__in=NEEDS_SOMEONE)
    for command in stopped.filter(problem=None, state_at__lt=at - MENDED_AFTER).order_by("pk")[:MENDED_AT_ONCE]:
        note_problem(command, at)
    open_ones = Command.plain.filter(problem=OuterRef("pk"), state__in=Command.OPEN_STATES)
    events = InboundEvent.plain.filter(problem=OuterRef("pk"), state__in=(*SET_ASIDE, *ON_THEIR_WAY))
    failed = SyncRun.plain.filter(problem=OuterRef("pk"))
    nothing = ~Exists(open_ones) & ~Exists(events) & ~Exists(failed)
    over = Problem.plain.filter(nothing, state__in=WAITING).values_list("pk", flat=True)
    again = stopped.filter(problem__state=Problem.State.RESOLVED).values_list("problem_id", flat=True)
    ids = {*over, *again}
    refresh(ids, at)
    return len(ids)


def _open(problem: Problem, stopped: QuerySet[Command], at: datetime) -> None:
    problem.state, problem.resolved_at, problem.resolved_by = Problem.State.OPEN, None, None
    problem.resolution = ""
    newest = stopped.order_by("-state_at", "-pk").select_related("connection").first()
    if newest is not None:
        tell_problem(problem, newest, at=at)
    else:
        tell_unread(problem, at=at)


def _resolve(problem: Problem, at: datetime) -> None:
    mine = Replay.plain.filter(Q(command__problem=problem) | Q(event__problem=problem))
    last = mine.select_related("by").order_by("-pk").first()
    problem.state, problem.resolved_at, problem.snoozed_until = Problem.State.RESOLVED, at, None
    problem.resolved_by = last.by if last else None
    problem.resolution = str(last.get_action_display()) if last else "What it stopped went through by itself."


def _has_open(problem: Problem) -> bool:
    events = InboundEvent.plain.filter(problem=problem, state__in=(*SET_ASIDE, *ON_THEIR_WAY))
    return (
        Command.plain.filter(problem=problem, state__in=Command.OPEN_STATES).exists()
        or events.exists()
        or list_failed_runs(problem).exists()
    )


def list_stopped(problem: Problem) -> QuerySet[Command]:
    """The commands this problem holds up now."""
    return Command.plain.filter(problem=problem, state__in=NEEDS_SOMEONE).order_by("pk")


def list_set_aside(problem: Problem) -> QuerySet[InboundEvent]:
    """What came in and could not be taken over."""
    return InboundEvent.plain.filter(problem=problem, state__in=SET_ASIDE).order_by("pk")


def list_failed_runs(problem: Problem) -> QuerySet[SyncRun]:
    """The last run of each flow that failed so, and has not gone well since."""
    return SyncRun.plain.filter(problem=problem).order_by("pk")


def ignore(problem: Problem, *, by: User | None, reason: str, at: datetime) -> None:
    """It is no problem: it stays so however often it is seen. ValueError without a reason."""
    if not reason.strip():
        raise ValueError("Say why it is no problem.")
    _settle(problem, Problem.State.IGNORED, by=by, at=at, resolution=reason.strip())


def snooze(problem: Problem, *, until: datetime) -> None:
    """Nobody is asked about it before then."""
    problem.state, problem.snoozed_until = Problem.State.SNOOZED, until
    problem.save(update_fields=["state", "snoozed_until"])


def reopen(problem: Problem) -> None:
    _settle(problem, Problem.State.OPEN, by=None, at=None, resolution="")


def _settle(problem: Problem, state: Problem.State, *, by: User | None, at: datetime | None, resolution: str) -> None:
    problem.state, problem.resolved_at, problem.resolved_by = state, at, by
    problem.resolution, problem.snoozed_until = resolution[:500], None
    problem.save(update_fields=["state", "resolved_at", "resolved_by", "resolution", "snoozed_until"])


def _fingerprint(connection_id: int, kind: str, code: str, words: str, but: str) -> str:
    """The same connection, kind and code, and the same words but for numbers and the record's own id."""
    words = re.sub(r"\d+", "#", words.replace(but, "#") if but else words)
    return hashlib.sha256("\x00".join((str(connection_id), kind, code, words)).encode()).hexdigest()
