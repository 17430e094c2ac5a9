"""Problems: refusals of one cause, counted together so that one fix can be seen to free many."""

from __future__ import annotations

import hashlib
import re
from datetime import datetime

from django.db.models import Exists, F, OuterRef, QuerySet, Value

from integrations.models import Command, Problem, Replay
from integrations.sync.alerts import tell_problem
from portal.base.fields import MoneyField
from portal.tenancy.models import User

NEEDS_SOMEONE = (Command.State.NEEDS_FIX, Command.State.NEEDS_HUMAN)


def note_problem(command: Command, at: datetime) -> None:
    """Count a command that stopped under the problem its words belong to; a resolved one opens again."""
    if command.state not in NEEDS_SOMEONE:
        return
    fingerprint = _fingerprint(command)
    problem, created = Problem.plain.get_or_create(
        merchant_id=command.merchant_id,
        fingerprint=fingerprint,
        defaults={
            "connection": command.connection,
            "kind": command.kind,
            "code": command.error_code,
            "title": (command.message or command.get_state_display())[:500],
            "count": 1,
            "amount": command.amount,
            "currency": command.currency,
            "example_command": command,
            "first_seen_at": at,
            "last_seen_at": at,
        },
    )
    Command.plain.filter(pk=command.pk).update(problem=problem)
    command.problem = problem
    if created:
        tell_problem(problem, command, at=at)
        return
    mine = Problem.plain.filter(pk=problem.pk)
    # One that was resolved counts anew; one a person ignores stays ignored.
    opened = mine.filter(state=Problem.State.RESOLVED).update(
        state=Problem.State.OPEN, resolved_at=None, resolved_by=None, resolution="", count=0, amount=0
    )
    mine.update(
        count=F("count") + 1,
        amount=F("amount") + Value(command.amount, output_field=MoneyField()),
        example_command=command,
        last_seen_at=at,
    )
    if opened:
        tell_problem(problem, command, at=at)


def leave_problem(command: Command) -> None:
    """A person decided on a command that had stopped: it is no more of those its problem counts."""
    if command.state not in NEEDS_SOMEONE:
        return
    found = Problem.plain.filter(pk=command.problem_id or 0, count__gt=0)
    found.update(count=F("count") - 1, amount=F("amount") - Value(command.amount, output_field=MoneyField()))


def close_problem(command: Command, at: datetime) -> None:
    """A command went through, or a person decided on it: problems of its connection none of whose commands is open any
    more are resolved, and say how."""
    still = Command.plain.filter(problem=OuterRef("pk"), state__in=Command.OPEN_STATES)
    waiting = (Problem.State.OPEN, Problem.State.SNOOZED)
    mine = Problem.plain.filter(merchant_id=command.merchant_id, connection=command.connection, state__in=waiting)
    for problem in mine.filter(~Exists(still)):
        last = Replay.plain.filter(command__problem=problem).select_related("by").order_by("-pk").first()
        problem.state, problem.resolved_at, problem.snoozed_until = Problem.State.RESOLVED, at, None
        problem.resolved_by = last.by if last else None
        problem.resolution = str(last.get_action_display()) if last else "What it stopped went through by itself."
        problem.save(update_fields=["state", "resolved_at", "snoozed_until", "resolved_by", "resolution"])


def list_stopped(problem: Problem) -> QuerySet[Command]:
    """The commands this problem holds up now."""
    return Command.plain.filter(problem=problem, state__in=NEEDS_SOMEONE).order_by("pk")


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


def _fingerprint(command: Command) -> str:
    """The same connection, kind and code, and the same words but for numbers and quoted names' digits."""
    words = re.sub(r"\d+", "#", command.message.replace(command.reference, "#"))
    parts = (str(command.connection_id), command.kind, command.error_code, words)
    return hashlib.sha256("\x00".join(parts).encode()).hexdigest()
