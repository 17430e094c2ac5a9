"""Mapping their values to ours, and freeing what waited for it."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from integrations.models import Hold, ValueMapping
from integrations.sync.release import release


@transaction.atomic
def map_value(row: ValueMapping, *, at: datetime) -> int:
    """Save a mapping and release what waited for it, on either side; how many records went on."""
    row.save()
    if not row.ours:
        return 0
    # The shop's side names its own value; the destination's side names ours, which frees every shop's holds of it.
    own = f"value:{row.connection_id}:{row.kind}:"
    waiting = Hold.plain.filter(
        merchant_id=row.merchant_id, ended_at__isnull=True, key__startswith="value:", key__contains=f":{row.kind}:"
    )
    keys = set(waiting.values_list("key", flat=True).distinct())
    exact = {f"{own}{row.theirs}", f"{own}{row.ours}"}
    wanted = {key for key in keys if key in exact} or keys
    return sum(release(merchant_id=row.merchant_id, key=key, at=at) for key in sorted(wanted))
