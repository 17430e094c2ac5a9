"""Mapping their values to ours, and freeing what waited for it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction

from integrations.models import Connection, Hold, ValueMapping
from integrations.sync.release import release


class Taken(Exception):
    """That value of theirs stands for another of ours already; the message says which."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Unmapped:
    """What a Hold's key waits for: `name` is the connection's own word, or ours where it is a destination's."""

    connection_id: int
    kind: str
    name: str


def parse_key(key: str) -> Unmapped | None:
    """`value:<connection>:<kind>:<name>`; None for a key of another sort."""
    parts = key.split(":", 3)
    if len(parts) != 4 or parts[0] != "value" or not parts[1].isdecimal() or parts[2] not in ValueMapping.Kind.values:
        return None
    return Unmapped(connection_id=int(parts[1]), kind=parts[2], name=parts[3])


@transaction.atomic
def answer_value(
    *, waiting: Unmapped, key: str, there: Connection, theirs: str, at: datetime, limit: int | None = None
) -> int:
    """Say which value of `there` a waiting one is: mapped on both sides, and what waited (the `limit` oldest) goes on;
    how many records. Taken where that value of theirs means something else already."""
    common: dict[str, Any] = {"merchant_id": there.merchant_id, "kind": waiting.kind}
    row, _ = ValueMapping.plain.get_or_create(connection=there, theirs=theirs, **common)
    if waiting.connection_id == there.pk:
        if row.ours not in ("", waiting.name):
            raise Taken(f"“{row.label or theirs}” in {there} stands for “{row.ours}” already: choose another.")
        row.ours = waiting.name
    else:
        shops, _ = ValueMapping.plain.get_or_create(connection_id=waiting.connection_id, theirs=waiting.name, **common)
        row.ours = row.ours or shops.ours or shops.label or shops.theirs
        shops.ours = row.ours
        shops.save()
    row.save()
    return release(merchant_id=there.merchant_id, key=key, at=at, limit=limit)


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
