"""Problems: refusals of one cause, counted together so that one fix can be seen to free many."""

from __future__ import annotations

import hashlib
import re
from datetime import datetime

from django.db.models import F, Value

from integrations.models import Command, Problem
from portal.base.fields import MoneyField

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
    if created:
        return
    mine = Problem.plain.filter(pk=problem.pk)
    # One that was resolved counts anew; one a person ignores stays ignored.
    mine.filter(state=Problem.State.RESOLVED).update(state=Problem.State.OPEN, resolved_at=None, count=0, amount=0)
    mine.update(
        count=F("count") + 1,
        amount=F("amount") + Value(command.amount, output_field=MoneyField()),
        example_command=command,
        last_seen_at=at,
    )


def leave_problem(command: Command) -> None:
    """A person decided on a command that had stopped: it is no more of those its problem counts."""
    if command.state not in NEEDS_SOMEONE:
        return
    found = Problem.plain.filter(merchant_id=command.merchant_id, fingerprint=_fingerprint(command), count__gt=0)
    found.update(count=F("count") - 1, amount=F("amount") - Value(command.amount, output_field=MoneyField()))


def close_problem(command: Command, at: datetime) -> None:
    """A command that had stopped went through: its problem is resolved once no other command is stopped by it."""
    fingerprints = Problem.plain.filter(
        merchant_id=command.merchant_id, connection=command.connection, state=Problem.State.OPEN
    )
    if not fingerprints.exists():
        return
    still = Command.plain.filter(connection=command.connection, state__in=NEEDS_SOMEONE).exclude(pk=command.pk)
    open_ones = {_fingerprint(one) for one in still.select_related("connection")[:1000]}
    fingerprints.exclude(fingerprint__in=open_ones).update(state=Problem.State.RESOLVED, resolved_at=at)


def _fingerprint(command: Command) -> str:
    """The same connection, kind and code, and the same words but for numbers and quoted names' digits."""
    words = re.sub(r"\d+", "#", command.message.replace(command.reference, "#"))
    parts = (str(command.connection_id), command.kind, command.error_code, words)
    return hashlib.sha256("\x00".join(parts).encode()).hexdigest()
