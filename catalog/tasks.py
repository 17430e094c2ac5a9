"""What the catalogue does by itself, now and then."""

from __future__ import annotations

from celery import shared_task
from django.utils import timezone

from catalog.services.feeds import forget_files as forget


@shared_task(name="catalog.forget_files")
def forget_files() -> int:
    """Delete the files of feeds a week after they came; how many pieces."""
    return forget(at=timezone.now())
