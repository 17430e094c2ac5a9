"""Mapping their values to ours, freeing what waited for it, and learning which values there are."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction

from integrations.contract import errors as e
from integrations.contract import records as r
from integrations.contract.connector import Connector
from integrations.models import Connection, ValueMapping
from integrations.registry import get_connector
from integrations.sync.client import Captures, build_connector
from integrations.sync.release import release
from integrations.sync.waiting import Waiting, add_up_gone_on, list_subjects

Kind = ValueMapping.Kind


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
    """Save a mapping and release what waited for it, on either side; how many records were looked at again."""
    row.save()
    if not row.ours:
        return 0
    return sum(release(merchant_id=row.merchant_id, key=key, at=at) for key in list_keys([row]))


@transaction.atomic
def map_values(rows: Sequence[ValueMapping], *, at: datetime) -> tuple[int, Waiting]:
    """Save several mappings of one merchant; how many records waited for them, and those that wait no more."""
    for row in rows:
        row.save()
    mapped = [row for row in rows if row.ours]
    if not mapped:
        return 0, Waiting()
    merchant_id, keys = mapped[0].merchant_id, list_keys(mapped)
    before = list_subjects(merchant_id=merchant_id, keys=keys)
    for key in keys:
        release(merchant_id=merchant_id, key=key, at=at)
    return len(before), add_up_gone_on(merchant_id=merchant_id, before=before)


def list_keys(rows: Iterable[ValueMapping]) -> list[str]:
    """What may wait for these values: records that name them, those that name what we call them there, and those that
    came with another connection's value of the same name of ours."""
    keys: set[str] = set()
    for row in rows:
        same = ValueMapping.plain.filter(merchant_id=row.merchant_id, kind=row.kind, ours=row.ours).exclude(ours="")
        keys |= {key_of(pk, row.kind, theirs) for pk, theirs in same.values_list("connection_id", "theirs")}
        keys |= {key_of(row.connection_id, row.kind, name) for name in (row.theirs, row.ours) if name}
    return sorted(keys)


def key_of(connection_id: int, kind: str, name: str) -> str:
    """The key of a Hold that waits for this value."""
    return f"value:{connection_id}:{kind}:{name}"[:200]


def discover_values(connection: Connection, *, at: datetime) -> int:
    """Ask the platform which values it has and note those nobody has seen yet, as not mapped; how many are new.

    A list it does not have is passed over; any other ConnectorError is the caller's.
    """
    cls, captures = get_connector(connection.platform), Captures()
    able = cls.capabilities(connection.settings)
    found: list[r.RemoteValue] = []
    try:
        connector = build_connector(connection, captures)
        if "list_values" in able:
            for kind in cls.value_kinds:
                found += _list(connector, kind)
        if "list_locations" in able:
            found += [
                r.RemoteValue(kind=Kind.LOCATION, code=place.external_id, label=place.name)
                for place in connector.list_locations()
                if place.active
            ]
    finally:
        captures.save(connection)
    return _note(connection, [one for one in found if one.kind in Kind.values and one.code])


def _list(connector: Connector, kind: str) -> list[r.RemoteValue]:
    if kind not in Kind.values:
        return []  # a kind the connector itself needs, which nobody maps
    try:
        return list(connector.list_values(kind))
    except (e.Unsupported, e.NotFound):
        return []


@transaction.atomic
def _note(connection: Connection, found: Sequence[r.RemoteValue]) -> int:
    known = {(row.kind, row.theirs): row for row in ValueMapping.plain.filter(connection=connection)}
    new: dict[tuple[str, str], ValueMapping] = {}
    relabelled = []
    for one in found:
        key = (str(one.kind), one.code[:200])
        row = known.get(key)
        if row is None:
            new[key] = ValueMapping(
                merchant_id=connection.merchant_id,
                connection=connection,
                kind=key[0],
                theirs=key[1],
                label=one.label[:200],
            )
        elif row.label != one.label[:200]:
            row.label = one.label[:200]
            relabelled.append(row)
    ValueMapping.plain.bulk_create(new.values(), ignore_conflicts=True)
    ValueMapping.plain.bulk_update(relabelled, ["label"])
    return len(new)
