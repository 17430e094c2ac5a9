"""Celery's doorbell: each task carries ids, looks in the database what is really due, and can run twice."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import timedelta

import structlog
from celery import current_app, shared_task
from django.utils import timezone

from integrations.models import Exchange, InboundEvent
from integrations.sync import inbox, lease, runs, schedule
from integrations.sync.deliver import deliver as deliver_one
from integrations.sync.execute import execute
from integrations.sync.handlers import look_for_due

log = structlog.get_logger(__name__)
SWEEP_AT_ONCE = 200
IDS_A_TASK = 10
RING_LASTS_SECONDS = 10  # a ring nobody answered by then is worth nothing: the next tick finds the same rows due
KEEP_CAPTURES_DAYS = 30
FINISHED_EVENTS = (InboundEvent.State.DONE, InboundEvent.State.IGNORED, InboundEvent.State.STALE)


@shared_task(name="integrations.deliver")
def deliver(*, command_ids: list[int]) -> None:
    """Try these commands."""
    _each(deliver_one, command_ids)


@shared_task(name="integrations.inbox")
def process(*, event_ids: list[int]) -> None:
    """Apply these events."""
    _each(inbox.process, event_ids)


@shared_task(name="integrations.run")
def run(*, run_ids: list[int]) -> None:
    """Carry out these runs of flows."""
    _each(execute, run_ids)


@shared_task(name="integrations.advance")
def advance(*, procedure_run_ids: list[int]) -> None:
    """Move these runs of procedures to their next step."""
    _each(lambda pk: schedule.advance(pk, at=timezone.now()), procedure_run_ids)


def _each(work: Callable[[int], object], ids: Sequence[int]) -> None:
    """Each on its own: one that fails in an unforeseen way does not hold up the others."""
    for pk in ids:
        try:
            work(pk)
        except Exception:
            log.exception("Work failed in an unforeseen way; its lease runs out and it is tried again.", id=pk)


@shared_task(name="integrations.tick")
def tick() -> None:
    """Free what dead workers held, fire what is due, and ring for whatever waits."""
    now = timezone.now()
    lease.recover(now)
    schedule.fire_due(now)
    advance(procedure_run_ids=schedule.list_open())
    _ring(deliver.name, "command_ids", lease.due(now).order_by("next_attempt_at"))
    _ring(process.name, "event_ids", inbox.due(now).order_by("pk"))
    _ring(run.name, "run_ids", runs.due(now).order_by("next_attempt_at"), at_once=1)
    look_for_due(at=now)


def _ring(task: str, name: str, rows: object, *, at_once: int = IDS_A_TASK) -> None:
    """Spread what is due over the workers."""
    ids = list(rows.values_list("pk", flat=True)[:SWEEP_AT_ONCE])  # type: ignore[attr-defined]
    for start in range(0, len(ids), at_once):
        try:
            current_app.send_task(
                task, kwargs={name: ids[start : start + at_once]}, expires=RING_LASTS_SECONDS, retry=False
            )
        except Exception as error:  # noqa: BLE001 - each transport fails in a way of its own when its broker goes away
            log.warning("The broker cannot be rung; the next tick tries again.", task=task, error=str(error))
            return


@shared_task(name="integrations.housekeeping")
def housekeeping() -> int:
    """Delete captures and settled deliveries older than 30 days; how many."""
    limit = timezone.now() - timedelta(days=KEEP_CAPTURES_DAYS)
    deleted = Exchange.plain.filter(at__lt=limit).delete()[0]
    return deleted + InboundEvent.plain.filter(received_at__lt=limit, state__in=FINISHED_EVENTS).delete()[0]
