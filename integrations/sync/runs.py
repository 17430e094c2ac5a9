"""Runs of flows: asking for one, taking the flow for it, and saying how it ended."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import reduce
from operator import or_
from random import SystemRandom

import structlog
from django.db import transaction
from django.db.models import F, Q, QuerySet

from integrations.contract import errors as e
from integrations.models import Connection, Flow, RunLogLine, RunOutcome, SyncRun
from integrations.sync import unread
from integrations.sync.alerts import stop_connection
from integrations.sync.handlers import call, has_handler
from integrations.sync.lease import lease_length
from integrations.sync.outbox import ring_on_commit
from integrations.sync.retry import MOST_CRASHES, backoff
from integrations.sync.words import keep_words
from portal.tenancy.models import User

log = structlog.get_logger(__name__)
State = SyncRun.State
MOST_TRIES = 8
FROM_THE_START = "settings"  # the trigger of a run over everything
HISTORY = "history"  # the trigger of a run that reads what is from before, beside the flow's own reading
FEED = "feed"  # the trigger of a run that takes a file over instead of asking the platform
LOOKED_AT = ("plan ", "undo ")  # how the trigger begins of a run that carries what a person looked at, and only that
POSTPONED_SECONDS = 5
DIED = "The worker died; the run goes on where it was."


class LeaseLost(Exception):
    """Another worker has the flow; what this one does no longer counts."""


class RunCancelled(Exception):
    """A person asked the run to stop."""


class RunPostponed(Exception):
    """Another run of the flow goes first; this one goes on where it was."""


class RunFailed(Exception):
    """The run stops for a reason of ours: `code`, and words that say what to do."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code, self.message = code, message


@dataclass
class Counts:
    """What a page did, added to the run's own counts in the page's transaction."""

    created: int = 0
    updated: int = 0
    unchanged: int = 0
    skipped: int = 0
    failed: int = 0

    @property
    def seen(self) -> int:
        return self.created + self.updated + self.unchanged + self.skipped + self.failed

    def describe(self) -> str:
        """ "50 seen: 3 created, 47 unchanged." """
        parts = ("created", "updated", "unchanged", "skipped", "failed")
        words = ", ".join(f"{getattr(self, part):,} {part}" for part in parts if getattr(self, part))
        return f"{self.seen:,} seen: {words}." if words else "Nothing seen."


def start_flow(
    flow: Flow,
    *,
    trigger: str,
    at: datetime,
    procedure_run_id: int | None = None,
    by: User | None = None,
    beside: bool = False,
) -> SyncRun:
    """Ask for a run of `flow`; the one already waiting to start is given back instead of a second, unless this one is
    to stand `beside` it because it carries something else. `by`: who asked."""
    with transaction.atomic():
        Flow.plain.select_for_update().get(pk=flow.pk)
        waiting = list_waiting().filter(flow=flow, procedure_run_id=procedure_run_id).first()
        if waiting is not None and not beside:
            return waiting
        run = SyncRun.plain.create(
            merchant_id=flow.merchant_id,
            flow=flow,
            procedure_run_id=procedure_run_id,
            trigger=trigger,
            started_by=by,
            created_at=at,
            next_attempt_at=at,
        )
        ring_on_commit("integrations.run", run_ids=[run.pk])
    return run


def list_waiting() -> QuerySet[SyncRun]:
    """Runs that will find whatever changes before they begin: those that carry something of their own will not."""
    rows = SyncRun.plain.filter(state=State.QUEUED).exclude(trigger__in=(FEED, HISTORY))
    return rows.exclude(reduce(or_, (Q(trigger__startswith=word) for word in LOOKED_AT)))


@transaction.atomic
def start_over(flow: Flow, *, at: datetime) -> SyncRun:
    """The flow's settings were changed: a run over everything, from the first record on."""
    if has_handler(flow.stream, "change_flow"):
        call(flow.stream, "change_flow", flow.merchant_id, flow=flow, at=at)
    return start_flow(flow, trigger=FROM_THE_START, at=at, beside=True)


def due(at: datetime) -> QuerySet[SyncRun]:
    """Runs that may begin now: queued and due, or running in the hands of a worker that died; the flow is free."""
    free = Q(flow__lease_until__isnull=True) | Q(flow__lease_until__lte=at)
    waiting = Q(state=State.QUEUED, next_attempt_at__lte=at) | Q(state=State.RUNNING)
    return SyncRun.plain.filter(free, waiting)


def take(run_id: int, at: datetime) -> SyncRun | None:
    """Lease the flow of a due run. None where the flow is busy or the run is over."""
    with transaction.atomic():
        run = due(at).select_related("flow__connection").filter(pk=run_id).first()
        if run is None:
            return None
        flow = Flow.plain.select_for_update(skip_locked=True).filter(pk=run.flow_id).first()
        if flow is None or (flow.lease_until and flow.lease_until > at):
            return None
        run = SyncRun.plain.select_for_update(of=("self",)).select_related("flow__connection").get(pk=run_id)
        if run.state not in SyncRun.OPEN_STATES:
            return None
        crashed = run.state == State.RUNNING
        flow.lease_token, flow.lease_until, flow.fence = (
            secrets.token_hex(16),
            at + lease_length(run.flow.connection),
            flow.fence + 1,
        )
        flow.save(update_fields=["lease_token", "lease_until", "fence"])
        run.flow.lease_token, run.flow.lease_until, run.flow.fence = flow.lease_token, flow.lease_until, flow.fence
        run.state, run.attempts = State.RUNNING, run.attempts + 1
        run.started_at = run.started_at or at
        run.save(update_fields=["state", "attempts", "started_at"])
        if crashed:
            say(run, DIED, at=at, level="warning")
    return run


def keep(run: SyncRun, counts: Counts, at: datetime) -> None:
    """Inside a page's transaction: prove that the flow is still ours, renew the lease, add the page's counts."""
    flow = run.flow
    held = Flow.plain.filter(pk=flow.pk, fence=flow.fence, lease_token=flow.lease_token)
    until = at + lease_length(flow.connection)
    if not held.update(lease_until=until):
        raise LeaseLost
    flow.lease_until = until
    SyncRun.plain.filter(pk=run.pk).update(
        seen=F("seen") + counts.seen,
        created=F("created") + counts.created,
        updated=F("updated") + counts.updated,
        unchanged=F("unchanged") + counts.unchanged,
        skipped=F("skipped") + counts.skipped,
        failed=F("failed") + counts.failed,
    )


def renew(run: SyncRun, at: datetime) -> None:
    """Ahead of each request: a page of many slow ones does not outlive its lease. LeaseLost where it is not ours."""
    flow, length = run.flow, lease_length(run.flow.connection)
    if flow.lease_until and flow.lease_until - at > length / 2:
        return
    held = Flow.plain.filter(pk=flow.pk, fence=flow.fence, lease_token=flow.lease_token)
    if not held.update(lease_until=at + length):
        raise LeaseLost
    flow.lease_until = at + length


def let_others_first(run: SyncRun, at: datetime) -> None:
    """A long run between two pages: RunPostponed where another run of its flow waits to begin."""
    if SyncRun.plain.filter(flow=run.flow_id, state=State.QUEUED, next_attempt_at__lte=at).exists():
        raise RunPostponed


def postpone(run: SyncRun, at: datetime) -> None:
    """Back into the queue for a moment, where it was; that is no failed try."""
    with transaction.atomic():
        finish(run, State.QUEUED, at=at, message="Lets the newest first, then goes on.")
        later = at + timedelta(seconds=POSTPONED_SECONDS)
        rows = SyncRun.plain.filter(pk=run.pk, state=State.QUEUED)
        rows.update(next_attempt_at=later, finished_at=None, attempts=0, message="")


def stop_if_asked(run: SyncRun) -> None:
    if SyncRun.plain.filter(pk=run.pk, cancel_requested=True).exists():
        raise RunCancelled


def cancel(run: SyncRun, *, by: str, at: datetime) -> bool:
    """Stop the run: at once where no worker has begun, else at its next page. False where it is over already. `by`
    names who asked, in the run's log."""
    with transaction.atomic():
        row = SyncRun.plain.select_for_update().get(pk=run.pk)
        if row.state not in SyncRun.OPEN_STATES:
            return False
        row.cancel_requested = True
        words = f"{by} asked the run to stop."
        if row.state == State.QUEUED:
            row.state, row.finished_at, row.message = State.CANCELLED, at, f"Cancelled by {by} before it began."
            words = row.message
            if row.procedure_run_id:
                ring_on_commit("integrations.advance", procedure_run_ids=[row.procedure_run_id])
        row.save(update_fields=["cancel_requested", "state", "finished_at", "message"])
        say(row, words, at=at, level="warning")
    return True


def expect(run: SyncRun, total: int) -> None:
    """How many records the run will see, as far as anybody can tell."""
    SyncRun.plain.filter(pk=run.pk).update(total=total)


def say(run: SyncRun, message: str, *, at: datetime, level: str = "info") -> None:
    RunLogLine.plain.create(merchant_id=run.merchant_id, run=run, at=at, level=level, message=keep_words(message, 500))


def note_outcome(run: SyncRun, outcome: str, external_id: str, code: str, message: str, at: datetime) -> RunOutcome:
    """A skipped or failed record, not yet saved."""
    return RunOutcome(
        merchant_id=run.merchant_id,
        run=run,
        outcome=outcome,
        external_id=keep_words(external_id, 200),
        code=code[:60],
        message=keep_words(message, 2000),
        at=at,
    )


def finish(run: SyncRun, state: str, *, at: datetime, code: str = "", message: str = "") -> None:
    """Free the flow and say how the run ended; a worker whose lease was taken changes nothing. Then count the
    problem it is or was of."""
    if not _finish(run, state, at, code, message):
        return
    if state == State.FAILED:
        unread.note_run(run, at)
    elif state == State.DONE:
        unread.close_runs(run.flow_id, at)


@transaction.atomic
def _finish(run: SyncRun, state: str, at: datetime, code: str, message: str) -> bool:
    flow = run.flow
    held = Flow.plain.filter(pk=flow.pk, fence=flow.fence, lease_token=flow.lease_token)
    if not held.update(lease_token="", lease_until=None):
        return False
    SyncRun.plain.filter(pk=run.pk).update(
        state=state, finished_at=at, error_code=code[:60], message=keep_words(message, 2000), next_attempt_at=at
    )
    run.state, run.error_code, run.message = state, code, message
    say(run, message or f"The run is {SyncRun.State(state).label.lower()}.", at=at)
    if state == State.DONE:
        Connection.plain.filter(pk=flow.connection_id).update(last_success_at=at)
    if run.procedure_run_id:
        ring_on_commit("integrations.advance", procedure_run_ids=[run.procedure_run_id])
    return True


def refuse(run: SyncRun, error: e.ConnectorError, at: datetime) -> None:
    """The platform did not answer as it should: again later, or the end of this run, with its own words."""
    if isinstance(error, e.AuthFailed):
        stop_connection(
            run.flow.connection_id,
            state=Connection.State.NEEDS_REAUTH,
            reason=error.message,
            among=Connection.READING_STATES,
            at=at,
        )
    # Being asked to wait, by the platform or by the budget all workers share, is no failed try.
    tired = run.attempts >= MOST_TRIES and not isinstance(error, e.RateLimited)
    if not isinstance(error, e.Retryable | e.OutcomeUnknown) or tired:
        finish(run, State.FAILED, at=at, code=error.code, message=error.message)
        return
    wait = backoff(run.attempts, SystemRandom())
    if isinstance(error, e.RateLimited):
        wait = timedelta(seconds=error.retry_after)
    with transaction.atomic():
        finish(run, State.QUEUED, at=at, code=error.code, message=f"{error.message} It is tried again.")
        SyncRun.plain.filter(pk=run.pk, state=State.QUEUED).update(next_attempt_at=at + wait, finished_at=None)


def give_up_if_poison(run: SyncRun, at: datetime) -> bool:
    """A run that killed its worker three times stops."""
    crashes = RunLogLine.plain.filter(run=run, message=DIED).count()
    if crashes < MOST_CRASHES:
        return False
    finish(run, State.FAILED, at=at, code="WORKER_DIED", message=f"The worker died {crashes} times at this.")
    return True
