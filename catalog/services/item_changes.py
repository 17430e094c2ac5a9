"""When an article last changed, for those who keep a copy of the catalogue and ask what is new since."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from catalog.models import Variant


def touch(*, product_ids: Iterable[int], at: datetime) -> None:
    """All articles of these products say something else from now on."""
    ids = sorted(set(product_ids))
    if ids:
        Variant.plain.filter(product_id__in=ids).update(updated_at=at)
