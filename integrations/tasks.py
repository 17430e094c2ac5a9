"""Celery's doorbell: each task carries ids, looks in the database what is really due, and can run twice."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import structlog
from celery import current_app, shared_task
from django.utils import timezone

from integrations.contract.errors import ConnectorError
from integrations.models import Connection
from integrations.sync import (
    alerts,
    condition,
    inbox,
    lease,
    mail,
    problems,
    releases,
    runs,
    schedule,
    source_counts,
    unread,
    webhook_doctor,
)
from integrations.sync.deliver import deliver as deliver_one
from integrations.sync.execute import execute
from integrations.sync.handlers import look_for_due
from integrations.sync.housekeeping import sweep, wake_problems
from integrations.sync.values import discover_values

log = structlog.get_logger(__name__)
SWEEP_AT_ONCE = 200
IDS_A_TASK = 10
RING_LASTS_SECONDS = 10  # a ring nobody answered by then is worth nothing: the next tick finds the same rows due
CONDITION_LASTS_SECONDS = 50  # looked at once a minute
WEBHOOKS_LAST_SECONDS = 1800  # looked after once an hour


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


@shared_task(name="integrations.discover")
def discover(*, connection_ids: list[int]) -> None:
    """Note which values these platforms have, so that they can be mapped before the first order."""
    for row in Connection.plain.filter(pk__in=connection_ids, state__in=Connection.READING_STATES):
        try:
            discover_values(row, at=timezone.now())
        except ConnectorError as error:
            log.warning("The values could not be read; a person can ask again.", connection=row.pk, error=str(error))


@shared_task(name="integrations.mail")
def send_mail(*, mail_ids: list[int]) -> None:
    """Send these mails."""
    _each(lambda pk: mail.send(pk, at=timezone.now()), mail_ids)


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
    _ring(send_mail.name, "mail_ids", mail.due(now).order_by("next_attempt_at"))
    releases.advance_all(now)
    look_for_due(at=now)


def _ring(task: str, name: str, rows: object, *, at_once: int = IDS_A_TASK, lasts: int = RING_LASTS_SECONDS) -> None:
    """Spread what is due over the workers."""
    ids = list(rows.values_list("pk", flat=True)[:SWEEP_AT_ONCE])  # type: ignore[attr-defined]
    for start in range(0, len(ids), at_once):
        try:
            current_app.send_task(task, kwargs={name: ids[start : start + at_once]}, expires=lasts, retry=False)
        except Exception as error:  # noqa: BLE001 - each transport fails in a way of its own when its broker goes away
            log.warning("The broker cannot be rung; the next tick tries again.", task=task, error=str(error))
            return


@shared_task(name="integrations.housekeeping")
def housekeeping() -> int:
    """Delete what was kept long enough, and open problems again that were put off until now; how many rows went."""
    now = timezone.now()
    wake_problems(now)
    problems.mend(now)
    unread.mend(now)
    alerts.tell_expiring(now)
    return sweep(now)


@shared_task(name="integrations.condition")
def judge_connections() -> None:
    """See which connections fail, and ring for a test of those that paused by themselves."""
    now = timezone.now()
    condition.judge_all(now)
    rows = Connection.plain.filter(pk__in=condition.list_to_probe(now))
    _ring(probe.name, "connection_ids", rows, at_once=1, lasts=CONDITION_LASTS_SECONDS)


@shared_task(name="integrations.probe")
def probe(*, connection_ids: list[int]) -> None:
    """Test these, and let those that answer again go on."""
    _each(lambda pk: condition.probe(pk, at=timezone.now()), connection_ids)


@shared_task(name="integrations.webhooks")
def look_after_webhooks() -> None:
    """Ring for each connection: one whose platform hangs does not hold up the others."""
    _ring(mend_webhooks.name, "connection_ids", webhook_doctor.list_patients(), at_once=1, lasts=WEBHOOKS_LAST_SECONDS)


@shared_task(name="integrations.mend_webhooks")
def mend_webhooks(*, connection_ids: list[int]) -> None:
    """Register again what these platforms have forgotten."""
    _each(lambda pk: webhook_doctor.mend_one(pk, at=timezone.now()), connection_ids)


@shared_task(name="integrations.count")
def count_sources() -> None:
    """Ring for each connection whose counts are a day old."""
    rows = source_counts.list_due(timezone.now())
    _ring(count_source.name, "connection_ids", rows, at_once=1, lasts=WEBHOOKS_LAST_SECONDS)


@shared_task(name="integrations.count_source")
def count_source(*, connection_ids: list[int]) -> None:
    """Ask these platforms how many orders and products they have, and read again what is missing here."""
    _each(lambda pk: source_counts.check(pk, at=timezone.now()), connection_ids)
