"""Reading what is from before the connection went live: a run of its own, beside the flow's usual reading."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from integrations.models import Connection, Flow, HistoryPlace, Stream, SyncRun
from integrations.sync import runs
from integrations.sync.outbox import ring_on_commit
from integrations.sync.platforms import why_not
from portal.tenancy.models import User


class NotPossible(Exception):
    """There is no reading it; the message says what to do instead."""


@transaction.atomic
def start_history(*, connection: Connection, since: datetime, by: User | None, at: datetime) -> SyncRun:
    """Ask for a run over the orders placed since then; one that is under way already is given back."""
    if words := why_not(connection.platform, connection.settings, Stream.ORDER, Flow.Direction.PULL):
        raise NotPossible(words)
    if not connection.may_read:
        raise NotPossible(f"{connection} is {connection.get_state_display().lower()}: nothing can be read there.")
    if since >= at:
        raise NotPossible("Choose a day that is over.")
    flow = Flow.plain.select_for_update().filter(
        connection=connection, stream=Stream.ORDER, direction=Flow.Direction.PULL
    ).first()  # fmt: skip
    if flow is None:
        raise NotPossible(f"Switch on reading orders from {connection} first, under its flows.")
    open_one = SyncRun.plain.filter(flow=flow, trigger=runs.HISTORY, state__in=SyncRun.OPEN_STATES).first()
    if open_one is not None:
        return open_one
    run = SyncRun.plain.create(
        merchant_id=flow.merchant_id, flow=flow, trigger=runs.HISTORY, started_by=by, created_at=at, next_attempt_at=at
    )
    HistoryPlace.plain.create(merchant_id=flow.merchant_id, run=run, pull_since=since)
    ring_on_commit("integrations.run", run_ids=[run.pk])
    return run


def list_history_runs(connection: Connection, limit: int = 5) -> list[SyncRun]:
    """The newest first."""
    found = SyncRun.plain.filter(flow__connection=connection, trigger=runs.HISTORY).select_related("place")
    return list(found.order_by("-pk")[:limit])
