"""The values as people map them: theirs, what ours can be, and what waits."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from integrations.contract.records import FEE_KINDS, LineKind, Progress, ReturnReason
from integrations.models import Connection, ValueMapping
from integrations.sync.values import key_of
from integrations.sync.waiting import Waiting, list_waiting, sum_waiting
from portal.tenancy.models import Location

MOST_ROWS = 200
Kind = ValueMapping.Kind
# Kinds whose names of ours are given; all others are named by what the other sides have.
OURS: dict[Kind, list[str]] = {
    Kind.SPECIAL_LINE: [kind.value for kind in LineKind if kind != LineKind.ITEM],
    Kind.STATUS: [one.value for one in Progress],
    Kind.RETURN_REASON: [one.value for one in ReturnReason],
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """What a value can be: `value` is "name:…" (a name of ours) or "row:…" (a value of another side)."""

    value: str
    label: str
    group: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ValueRow:
    """A value of a connection, and what waits for it. Without `row.pk`: one the back office has no name for yet."""

    row: ValueMapping
    waiting: Waiting
    choices: Sequence[Choice] = ()

    @property
    def chosen(self) -> str:
        return f"name:{self.row.ours}" if self.row.ours else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Values:
    """A kind's rows: those something waits for first, then the unmapped, then the others."""

    rows: Sequence[ValueRow]
    missing: Sequence[ValueRow] = ()  # our special lines that a back office has no item for
    is_cut: bool = False


def list_values(
    *,
    merchant_id: int,
    kind: str,
    connection_id: int | None = None,
    show_all: bool = False,
    query: str = "",
    with_money: bool = True,
) -> Values:
    """What is to be mapped of a kind; `show_all` with what is mapped, and what back offices have."""
    every = list(
        ValueMapping.plain.filter(merchant_id=merchant_id, kind=kind).select_related("connection").order_by("pk")
    )
    shown = [row for row in every if connection_id in {None, row.connection_id} and _fits(row, query)]
    keys = [key_of(row.connection_id, kind, row.theirs) for row in shown] if with_money else []
    waits = sum_waiting(merchant_id=merchant_id, keys=keys)

    def waiting(row: ValueMapping) -> Waiting:
        return waits.get(key_of(row.connection_id, kind, row.theirs), Waiting())

    if not show_all:
        shown = [
            row
            for row in shown
            if not row.ours and (row.connection.role in Connection.SELLING_ROLES or waiting(row).records)
        ]
    shown.sort(key=lambda row: (-waiting(row).total, bool(row.ours), -row.seen, row.theirs))
    places = list_places(merchant_id) if kind == Kind.LOCATION else []
    are_lines = kind == Kind.SPECIAL_LINE and with_money
    return Values(
        rows=[
            ValueRow(row=row, waiting=waiting(row), choices=_choices(row, every, places)) for row in shown[:MOST_ROWS]
        ],
        missing=_missing_lines(merchant_id, every, connection_id) if are_lines else (),
        is_cut=len(shown) > MOST_ROWS,
    )


def count_unmapped(*, merchant_id: int, connection_id: int | None = None) -> dict[str, int]:
    """kind → how many values of shops are not mapped."""
    rows = ValueMapping.plain.filter(merchant_id=merchant_id, ours="", connection__role__in=Connection.SELLING_ROLES)
    if connection_id is not None:
        rows = rows.filter(connection_id=connection_id)
    counts: dict[str, int] = {}
    for kind in rows.values_list("kind", flat=True):
        counts[kind] = counts.get(kind, 0) + 1
    return counts


def list_places(merchant_id: int) -> list[Choice]:
    rows = Location.plain.filter(merchant_id=merchant_id, is_active=True).order_by("name")
    return [Choice(value=f"name:{row.code}", label=f"{row.name} ({row.code})") for row in rows]


def _fits(row: ValueMapping, query: str) -> bool:
    text = query.strip().casefold()
    return not text or any(text in part.casefold() for part in (row.theirs, row.label, row.ours))


def _choices(row: ValueMapping, every: Iterable[ValueMapping], places: Sequence[Choice]) -> list[Choice]:
    """Names in use on the other sides, and values of theirs that have no name yet."""
    if row.kind == Kind.LOCATION:
        found = list(places)
    elif row.kind == Kind.SPECIAL_LINE and row.connection.role in Connection.SELLING_ROLES:
        found = [Choice(value=f"name:{kind.value}", label=kind.value) for kind in FEE_KINDS]
    elif row.kind in OURS:
        found = [Choice(value=f"name:{name}", label=name.replace("_", " ")) for name in OURS[Kind(row.kind)]]
    else:
        found = []
        for other in every:
            if (other.connection.role in Connection.SELLING_ROLES) == (row.connection.role in Connection.SELLING_ROLES):
                continue
            named = other.ours or other.label or other.theirs
            label = named if not other.label or other.label == named else f"{named} ({other.label})"
            value = f"name:{other.ours}" if other.ours else f"row:{other.pk}"
            found.append(Choice(value=value, label=label, group=other.connection.name))
    if row.ours and not any(one.value == f"name:{row.ours}" for one in found):
        found.insert(0, Choice(value=f"name:{row.ours}", label=row.ours))
    return list({one.value: one for one in found}.values())


def _missing_lines(merchant_id: int, every: Iterable[ValueMapping], connection_id: int | None) -> list[ValueRow]:
    """Our special lines that orders wait for, because the back office has no item for them."""
    named = {key_of(row.connection_id, row.kind, row.ours) for row in every if row.ours}
    connections = {row.pk: row for row in Connection.plain.filter(merchant_id=merchant_id)}
    found = []
    for key, waiting in list_waiting(merchant_id=merchant_id, prefix="value:").items():
        owner, kind, name = key.removeprefix("value:").split(":", 2)
        there = connections.get(int(owner))
        if kind != Kind.SPECIAL_LINE or key in named or there is None or connection_id not in {None, there.pk}:
            continue
        row = ValueMapping(merchant_id=merchant_id, connection=there, kind=kind, ours=name)
        found.append(ValueRow(row=row, waiting=waiting))
    return found
