"""Holding a record for a reason, and releasing everything that waited for it."""

from __future__ import annotations

from collections import defaultdict
from datetime import datetime
from decimal import Decimal

from django.db import transaction

from integrations.models import Connection, Hold
from integrations.sync.handlers import call


def hold(
    *,
    merchant_id: int,
    subject: tuple[str, int],
    reason: str,
    key: str,
    message: str,
    at: datetime,
    connection: Connection | None = None,
    amount: Decimal = Decimal(0),
    currency: str = "",
) -> Hold:
    """One open Hold of this record for this key; a second call changes nothing."""
    found, _ = Hold.plain.get_or_create(
        merchant_id=merchant_id,
        subject_type=subject[0],
        subject_id=subject[1],
        key=key,
        ended_at__isnull=True,
        defaults={
            "reason": reason,
            "message": message[:500],
            "amount": amount,
            "currency": currency,
            "connection": connection,
            "since": at,
        },
    )
    return found


@transaction.atomic
def release(*, merchant_id: int, key: str, at: datetime) -> int:
    """End every open Hold of `key` and hand the records to their stream's `release` handler; how many they were."""
    rows = Hold.plain.select_for_update().filter(merchant_id=merchant_id, key=key, ended_at__isnull=True).order_by("pk")
    freed: dict[str, list[int]] = defaultdict(list)
    for row in rows:
        freed[row.subject_type].append(row.subject_id)
    Hold.plain.filter(merchant_id=merchant_id, key=key, ended_at__isnull=True).update(ended_at=at)
    for subject_type, ids in freed.items():
        call(subject_type, "release", merchant_id, merchant_id=merchant_id, ids=sorted(set(ids)), at=at)
    return sum(len(set(ids)) for ids in freed.values())
