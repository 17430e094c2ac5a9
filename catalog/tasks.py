"""Celery's doorbell of the catalogue: tasks carry ids, and can run twice."""

from __future__ import annotations

from celery import shared_task
from django.utils import timezone

from catalog.services import suggesting


@shared_task(name="catalog.suggest")
def suggest(*, connection_id: int) -> int:
    """Propose which of ours the shop's unknown articles are; for how many there is a proposal."""
    return suggesting.suggest(connection_id=connection_id, at=timezone.now()).suggested
