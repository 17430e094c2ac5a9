"""Celery's doorbell for the catalogue: each task looks in the database what is really due."""

from __future__ import annotations

from celery import shared_task
from django.utils import timezone

from catalog.services import fetching, photos, price_lists, suggesting
from catalog.services.feed_files import forget_files as forget


@shared_task(name=price_lists.DUE_TASK)
def refresh_prices(*, price_list_ids: list[int]) -> None:
    """Bring to the shops what began, ended or was changed in these lists."""
    for pk in price_list_ids:
        while price_lists.refresh_due(price_list_id=pk, at=timezone.now()):
            pass


@shared_task(name="catalog.suggest")
def suggest(*, connection_id: int) -> int:
    """Propose which of ours the shop's unknown articles are; for how many there is a proposal."""
    return suggesting.suggest(connection_id=connection_id, at=timezone.now()).suggested


@shared_task(name=fetching.TASK)
def fetch_photos(*, merchant_id: int, product_ids: list[int]) -> int:
    """Fetch the photos of these products that shops cannot reach; of how many shops see more."""
    return fetching.fetch_photos(merchant_id=merchant_id, product_ids=product_ids, at=timezone.now())


@shared_task(name="catalog.forget_files")
def forget_files() -> int:
    """Delete the files of feeds a week after they came, and those of photos nobody has any more; how many pieces."""
    return forget(at=timezone.now()) + photos.forget_files(at=timezone.now())
