"""Celery's doorbell for orders: each task looks in the database what is really due."""

from __future__ import annotations

import structlog
from celery import shared_task
from django.utils import timezone

from orders.services import digest

log = structlog.get_logger(__name__)


@shared_task(name="orders.digest")
def write_digests() -> int:
    """Write the summary of yesterday for each merchant where it is seven in the morning; how many."""
    now, written = timezone.now(), 0
    for merchant in digest.list_due(now):
        try:
            written += digest.write(merchant, at=now) is not None
        except Exception:
            log.exception("A summary could not be written; it is tried again.", merchant=merchant.pk)
    return written
