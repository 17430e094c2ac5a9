"""Celery's doorbell for orders: each task looks in the database what is really due."""

from __future__ import annotations

import structlog
from celery import shared_task
from django.utils import timezone

from orders.models import Erasure
from orders.services import digest, erasure, quotes, sessions, standing

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


@shared_task(name="orders.ask_accounts")
def ask_accounts(*, customer_ids: list[int]) -> None:
    """Ask the back offices how these customers on account stand: their orders wait for it."""
    for pk in customer_ids:
        try:
            standing.ask(pk, at=timezone.now())
        except Exception:
            log.exception("A customer's standing could not be asked; the next tick tries again.", id=pk)


@shared_task(name="orders.search_captures")
def search_captures(*, erasure_ids: list[int] | None = None) -> None:
    """Empty the captures that speak of people who were erased; without ids, what earlier rings left."""
    now = timezone.now()
    for row in Erasure.plain.filter(pk__in=erasure.list_open(now) if erasure_ids is None else erasure_ids):
        try:
            while not erasure.search_captures(row, at=timezone.now()):
                pass  # page by page, each kept
        except Exception:
            log.exception("Captures could not be searched; the next round goes on where this one was.", id=row.pk)


@shared_task(name="orders.checkout")
def keep_checkout() -> None:
    """End what sessions, codes and quotes leave behind, and confirm prices a back office was not there to confirm."""
    now = timezone.now()
    sessions.forget(now)
    quotes.end_promises(now)
    quotes.check_held(now)
