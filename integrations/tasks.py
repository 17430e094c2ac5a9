"""Celery's doorbell: each task carries ids, looks in the database what is really due, and can run twice."""

from __future__ import annotations

from datetime import timedelta

import structlog
from celery import shared_task
from django.utils import timezone

from integrations.models import Exchange
from integrations.sync import lease
from integrations.sync.deliver import deliver as deliver_one

log = structlog.get_logger(__name__)
SWEEP_AT_ONCE = 100
KEEP_CAPTURES_DAYS = 30


@shared_task(name="integrations.deliver")
def deliver(*, command_ids: list[int]) -> None:
    """Try these commands, each on its own: one that fails in an unforeseen way does not hold up the others."""
    for command_id in command_ids:
        try:
            deliver_one(command_id)
        except Exception:
            log.exception(
                "A command failed in an unforeseen way; its lease runs out and it is tried again.", id=command_id
            )


@shared_task(name="integrations.tick")
def tick() -> None:
    """Free what dead workers held, then try whatever is due."""
    now = timezone.now()
    lease.recover(now)
    ids = list(lease.due(now).order_by("next_attempt_at").values_list("pk", flat=True)[:SWEEP_AT_ONCE])
    deliver(command_ids=ids)


@shared_task(name="integrations.housekeeping")
def housekeeping() -> int:
    """Delete captures older than 30 days; how many."""
    limit = timezone.now() - timedelta(days=KEEP_CAPTURES_DAYS)
    return Exchange.plain.filter(at__lt=limit).delete()[0]
