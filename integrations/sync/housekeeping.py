"""Deleting what was kept long enough, in batches: captures, finished webhooks, log lines and old runs."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.db.models import QuerySet

from integrations.models import (
    Exchange,
    Flow,
    InboundEvent,
    Problem,
    Procedure,
    ProcedureRun,
    Retention,
    RunLogLine,
    RunOutcome,
    SyncRun,
)
from integrations.models.retention import CAPTURES_DAYS
from portal.base import idempotency
from portal.tenancy.models import Merchant

RUNS_DAYS, RUNS_KEPT, LOG_DAYS = 90, 100, 30
BATCH, MOST_BATCHES = 500, 400  # what is left after so many goes with the next round
FINISHED_EVENTS = (InboundEvent.State.DONE, InboundEvent.State.IGNORED, InboundEvent.State.STALE)


def sweep(at: datetime) -> int:
    """Delete what is old enough; how many rows. Counts of a run stay when its lines and skipped records go."""
    deleted = sum(_sweep_captures(merchant_id, at) for merchant_id in Merchant.objects.values_list("pk", flat=True))
    old = at - timedelta(days=LOG_DAYS)
    deleted += _delete(idempotency.forget(at))
    deleted += _delete(RunLogLine.plain.filter(at__lt=old))
    deleted += _delete(RunOutcome.plain.filter(at__lt=old, outcome=RunOutcome.Outcome.SKIPPED))
    for flow_id in Flow.plain.values_list("pk", flat=True):
        deleted += _sweep_runs(SyncRun.plain.filter(flow_id=flow_id), SyncRun.OPEN_STATES, at)
    unfinished = (*ProcedureRun.OPEN_STATES, ProcedureRun.State.WAITING)
    for procedure_id in Procedure.plain.values_list("pk", flat=True):
        deleted += _sweep_runs(ProcedureRun.plain.filter(procedure_id=procedure_id), unfinished, at)
    return deleted


def wake_problems(at: datetime) -> int:
    """Those put off until now are open again; how many."""
    late = Problem.plain.filter(state=Problem.State.SNOOZED, snoozed_until__lte=at)
    return late.update(state=Problem.State.OPEN, snoozed_until=None)


def read_captures_days(merchant_id: int) -> int:
    """How many days this merchant keeps requests, answers and finished webhooks."""
    days = Retention.plain.filter(merchant_id=merchant_id).values_list("captures_days", flat=True).first()
    return days or CAPTURES_DAYS


def keep_captures(*, merchant_id: int, days: int) -> None:
    """So many days from now on; ValidationError where that is none, or more than a year."""
    row = Retention.plain.filter(merchant_id=merchant_id).first() or Retention(merchant_id=merchant_id)
    row.captures_days = days
    row.full_clean()
    row.save()


def _sweep_captures(merchant_id: int, at: datetime) -> int:
    limit = at - timedelta(days=read_captures_days(merchant_id))
    finished = InboundEvent.plain.filter(state__in=FINISHED_EVENTS, merchant_id=merchant_id, received_at__lt=limit)
    return _delete(Exchange.plain.filter(merchant_id=merchant_id, at__lt=limit)) + _delete(finished)


def _sweep_runs(rows: QuerySet[Any], unfinished: tuple[str, ...], at: datetime) -> int:
    """Those that ended long ago, but for the newest ones."""
    newest_to_go = rows.order_by("-pk").values_list("pk", flat=True)[RUNS_KEPT : RUNS_KEPT + 1].first()
    if newest_to_go is None:
        return 0
    old = rows.filter(pk__lte=newest_to_go, finished_at__lt=at - timedelta(days=RUNS_DAYS))
    return _delete(old.exclude(state__in=unfinished))


def _delete(rows: QuerySet[Any]) -> int:
    """Few at a time, so that no transaction is long and no lock is held while others wait."""
    deleted = 0
    for _ in range(MOST_BATCHES):
        ids = list(rows.values_list("pk", flat=True)[:BATCH])
        if not ids:
            break
        rows.model.plain.filter(pk__in=ids).delete()
        deleted += len(ids)
    return deleted
