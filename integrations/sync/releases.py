"""Fix once, release all: five first, then the rest by the batch, and no more once one of them stops again.

A release about a problem sends its refused messages, built anew, and fetches anew what it set aside. One about a key
ends the Holds of that key, and what it sent are the messages of the records that waited.
"""

from __future__ import annotations

from datetime import datetime

import structlog
from django.db import IntegrityError, transaction
from django.db.models import F, Q, QuerySet

from integrations.models import Command, Hold, InboundEvent, Problem, Release
from integrations.sync import replay, resuming
from integrations.sync.inbox import FETCHES
from integrations.sync.problems import NEEDS_SOMEONE, ON_THEIR_WAY, SET_ASIDE, list_set_aside, list_stopped
from integrations.sync.release import release
from portal.tenancy.models import User

log = structlog.get_logger(__name__)
FIRST, BATCH = 5, 50
ON_THE_WAY = (Command.State.PENDING, *Command.BUSY_STATES)


class Going(Exception):
    """It is being released already."""


def release_problem(problem: Problem, *, by: User | None, at: datetime) -> Release:
    """Send the first five of what it stops; `advance` sends the others. Going where somebody does so already."""
    return _start(problem.merchant_id, f"problem:{problem.pk}", problem, by, at)


def release_key(*, merchant_id: int, key: str, by: User | None, at: datetime) -> Release:
    """Let the five oldest that wait for `key` go on; `advance` lets the others. Going: it is being done."""
    return _start(merchant_id, key[:200], None, by, at)


def advance_all(at: datetime) -> None:
    """One step of each that is going."""
    for one in Release.plain.filter(state=Release.State.GOING).select_related("problem", "by").order_by("pk"):
        try:
            advance(one, at=at)
        except Exception:
            log.exception("A release did not advance; the next tick tries again.", release=one.pk)


def advance(one: Release, *, at: datetime) -> None:
    """Stop at a new error; wait for what is on its way; send the next ones; or be done."""
    sent = list_sent(one)
    error = _find_error(one, sent)
    if _resumes(one):
        if error:
            resuming.pause_again(one, at=at)
        error = error or resuming.why_not(one)
        resuming.hold_back(one, at)
    if error:
        _end(one, Release.State.STOPPED, error, at)
    elif _has_arrived(one, sent, at) and _take_step(one) and not _send(one, BATCH, at):
        _end(one, Release.State.DONE, "", at)


def stop(one: Release, *, by: User, at: datetime) -> None:
    """A person stops it: what has gone has gone, the others stay where they are."""
    _end(one, Release.State.STOPPED, f"{by} stopped it.", at)


def find_last(*, merchant_id: int, key: str) -> Release | None:
    """The newest release of this key, going or over."""
    rows = Release.plain.filter(merchant_id=merchant_id, key=key[:200]).select_related("by")
    return rows.order_by("-pk").first()


def list_sent(one: Release) -> QuerySet[Command]:
    """The messages of what it released so far; those that a person held again or that wait for something else are not
    among them until they are sent."""
    if one.problem_id is not None or _resumes(one):
        return Command.plain.filter(pk__in=one.replays.exclude(command=None).values("command_id"))
    freed = Hold.plain.filter(merchant_id=one.merchant_id, key=one.key, ended_at__gte=one.started_at)
    return Command.plain.filter(
        merchant_id=one.merchant_id,
        subject_type__in=freed.values("subject_type"),
        subject_id__in=freed.values("subject_id"),
        created_at__gte=one.started_at,
    )


def list_fetched(one: Release) -> QuerySet[InboundEvent]:
    """What it fetched anew of what was set aside."""
    return InboundEvent.plain.filter(pk__in=one.replays.exclude(event=None).values("event_id"))


def list_fetchable(problem: Problem) -> QuerySet[InboundEvent]:
    """Of what the problem set aside, what can be asked for once more by its id."""
    return list_set_aside(problem).filter(stream__in=FETCHES).exclude(external_id="")


def _resumes(one: Release) -> bool:
    return one.key.startswith(resuming.KEY)


def _find_error(one: Release, sent: QuerySet[Command]) -> str:
    """The first of what it sent that was refused, or of what it fetched that was set aside again; ''."""
    refused = sent.filter(state__in=NEEDS_SOMEONE).order_by("state_at", "pk").first()
    if refused is not None:
        return f"{refused.reference}: {refused.message}"
    failed = list_fetched(one).filter(state__in=SET_ASIDE).order_by("finished_at", "pk").first()
    return f"{failed}: {failed.message}" if failed is not None else ""


def _has_arrived(one: Release, sent: QuerySet[Command], at: datetime) -> bool:
    if _resumes(one):
        return resuming.is_step_over(one, sent, at)
    events = list_fetched(one).filter(state__in=ON_THEIR_WAY)
    return not sent.filter(state__in=ON_THE_WAY).exists() and not events.exists()


def _start(merchant_id: int, key: str, problem: Problem | None, by: User | None, at: datetime) -> Release:
    try:
        with transaction.atomic():
            one = Release(merchant_id=merchant_id, key=key, problem=problem, by=by, started_at=at)
            one.save()
    except IntegrityError as error:
        raise Going("It is being released already.") from error
    _take_step(one)
    if not _send(one, FIRST, at):
        _end(one, Release.State.DONE, "", at)
    return one


def _take_step(one: Release) -> bool:
    """Of two workers that look at once, one sends."""
    mine = Release.plain.filter(pk=one.pk, step=one.step, state=Release.State.GOING)
    if not mine.update(step=F("step") + 1):
        return False
    one.step += 1
    return True


def _send(one: Release, many: int, at: datetime) -> int:
    """Each message in a transaction of its own, so that orders are locked one by one; how many went."""
    done = 0
    if _resumes(one):
        done = resuming.send(one, many, at)
    elif one.problem is None:
        waiting = Hold.plain.filter(merchant_id=one.merchant_id, key=one.key, ended_at__isnull=True)
        before = waiting.count()
        release(merchant_id=one.merchant_id, key=one.key, at=at, limit=many)
        done = before - waiting.count()
        if before and not done:
            _end(one, Release.State.STOPPED, "They still wait for it: it is not known there yet.", at)
    else:
        why = f"problem {one.problem_id}"
        refused = list_stopped(one.problem).filter(~Q(replays__release=one), state=Command.State.NEEDS_FIX)
        for command in refused[:many]:
            try:
                replay.rebuild(command=command, by=one.by, at=at, reason=why, release=one)
                done += 1
            except replay.NotPossible:
                continue  # somebody else decided on it meanwhile
        for event in list_fetchable(one.problem).filter(~Q(replays__release=one))[: many - done]:
            try:
                replay.apply_again(event=event, by=one.by, at=at, reason=why, release=one)
                done += 1
            except replay.NotPossible:
                continue
    Release.plain.filter(pk=one.pk).update(sent=F("sent") + done)
    one.sent += done
    return done


def _end(one: Release, state: Release.State, words: str, at: datetime) -> None:
    mine = Release.plain.filter(pk=one.pk, state=Release.State.GOING)
    if mine.update(state=state, message=words[:500], ended_at=at):
        one.state, one.message, one.ended_at = state, words[:500], at
