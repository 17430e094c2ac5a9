"""Holding a record for a reason, and releasing everything that waited for it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime
from decimal import Decimal

from django.db import connection as database
from django.db import transaction

from integrations.models import Connection, Hold
from integrations.sync.handlers import call
from integrations.sync.locking import lock_subjects

PERSON = "person"  # the reason of a Hold that a person made: what it is about is not sent until a person ends it


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


def list_new_keys(*, subject: tuple[str, int], keys: Iterable[str]) -> list[str]:
    """Those of `keys` this record does not wait for yet."""
    wanted = {key[:200] for key in keys}
    if not wanted:
        return []
    waiting = Hold.plain.filter(subject_type=subject[0], subject_id=subject[1], ended_at__isnull=True)
    known = set(waiting.values_list("key", flat=True))
    return sorted(wanted - known)


def lock_keys(keys: Sequence[str]) -> None:
    """Until the transaction ends, nobody else holds or releases these keys. Who is about to hold a record takes them
    first and then looks again: what it waits for may have come in between, and its release would not see the new Hold.

    Only keys the record does not wait for yet (`list_new_keys`): a release that has a key wants the records waiting for
    it. SQLite lets one transaction write at a time, and needs no lock.
    """
    if database.vendor == "postgresql":
        with database.cursor() as cursor:
            for key in sorted(keys):
                cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [key[:200]])


@transaction.atomic
def release(*, merchant_id: int, key: str, at: datetime, limit: int | None = None) -> int:
    """End every open Hold of `key` (the `limit` oldest) and hand the records to their stream's `release` handler; how
    many they were."""
    key = key[:200]  # as it is kept
    lock_keys([key])
    mine = Hold.plain.filter(merchant_id=merchant_id, key=key, ended_at__isnull=True).order_by("pk")
    waiting: dict[str, list[int]] = defaultdict(list)
    for subject_type, subject_id in mine.values_list("subject_type", "subject_id")[:limit]:
        waiting[subject_type].append(subject_id)
    for subject_type in sorted(waiting):
        lock_subjects(subject_type, merchant_id, set(waiting[subject_type]))
    freed: dict[str, list[int]] = defaultdict(list)
    ended: list[int] = []
    for row in mine.select_for_update()[:limit]:
        if limit is None or row.subject_id in waiting[row.subject_type]:  # of the oldest, another may be one by now
            freed[row.subject_type].append(row.subject_id)
            ended.append(row.pk)
    # Without a limit by the key alone: its holds may be more than a statement takes parameters.
    (mine if limit is None else mine.filter(pk__in=ended)).update(ended_at=at)
    for subject_type, ids in freed.items():
        call(subject_type, "release", merchant_id, merchant_id=merchant_id, ids=sorted(set(ids)), at=at)
    return sum(len(set(ids)) for ids in freed.values())
