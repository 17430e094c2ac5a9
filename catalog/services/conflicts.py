"""Articles that need a decision, with what each holds up."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from django.db.models import Count, Q, QuerySet

from catalog.models import Binding, MappingConflict
from catalog.services.stock import BATCH
from integrations.sync.waiting import Waiting, list_waiting

PAGE = 25
State = Binding.State


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One open conflict: what waits for it, and the other articles there that carry the same code."""

    conflict: MappingConflict
    waiting: Waiting
    rivals: Sequence[Binding] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which conflicts are asked for; '' and None for any."""

    type: str = ""
    connection_id: int | None = None
    product_id: int | None = None
    query: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """Some cases, those that hold up most first, and where the next page begins ('' at the end)."""

    cases: Sequence[Case]
    next: str = ""


# Reading -----------------------------------------------------------------------------------------------------------


def count_by_type(*, merchant_id: int, connection_id: int | None = None) -> dict[str, int]:
    """type → how many are open."""
    rows = _open(merchant_id, Wanted(connection_id=connection_id)).order_by().values("type").annotate(count=Count("pk"))
    return {row["type"]: row["count"] for row in rows}


def list_cases(*, merchant_id: int, wanted: Wanted, after: str = "", size: int = PAGE, with_money: bool = True) -> Page:
    """A page of open conflicts: those something waits for by its money, then the others in the order they came."""
    waits = waiting_bindings(merchant_id=merchant_id) if with_money else {}
    rows = _open(merchant_id, wanted).select_related("binding__connection", "connection", "product")
    costly = list(rows.filter(binding_id__in=list(waits)))
    costly.sort(key=lambda row: (-waits[row.binding_id or 0].total, row.pk))
    place = int(after[1:]) if after[:1] in {"w", "p"} and after[1:].isdecimal() else 0
    found: list[MappingConflict] = []
    if after[:1] != "p":
        found, beyond, place = costly[place : place + size], place + size, 0
        if beyond < len(costly):
            return Page(cases=_cases(found, waits), next=f"w{beyond}")
    room = size - len(found)
    rest = list(rows.exclude(binding_id__in=list(waits)).filter(pk__gt=place).order_by("pk")[: room + 1])
    shown, is_more = rest[:room], len(rest) > room
    following = f"p{shown[-1].pk if shown else place}" if is_more else ""
    return Page(cases=_cases([*found, *shown], waits), next=following)


def find_case(*, merchant_id: int, conflict_id: int, with_money: bool = True) -> Case | None:
    """One of the merchant's conflicts, open or not."""
    row = (
        MappingConflict.plain.filter(merchant_id=merchant_id, pk=conflict_id)
        .select_related("binding__connection", "connection", "product")
        .first()
    )
    waits = waiting_bindings(merchant_id=merchant_id) if with_money else {}
    return _cases([row], waits)[0] if row is not None else None


def waiting_bindings(*, merchant_id: int) -> dict[int, Waiting]:
    """Binding → what waits for it to be mapped; the costliest of them."""
    waits = list_waiting(merchant_id=merchant_id, prefix="binding:")
    by_connection: dict[int, dict[str, Waiting]] = defaultdict(dict)
    for key, waiting in waits.items():
        connection_id, _, external_id = key.removeprefix("binding:").partition(":")
        by_connection[int(connection_id)][external_id] = waiting
    found: dict[int, Waiting] = {}
    for pk, ids in by_connection.items():
        rows = Binding.plain.filter(merchant_id=merchant_id, connection_id=pk, external_id__in=list(ids))
        found |= {row: ids[external_id] for row, external_id in rows.values_list("pk", "external_id")}
    return found


def _open(merchant_id: int, wanted: Wanted) -> QuerySet[MappingConflict]:
    rows = MappingConflict.plain.filter(merchant_id=merchant_id, resolved_at__isnull=True)
    if wanted.type:
        rows = rows.filter(type=wanted.type)
    if wanted.connection_id is not None:
        rows = rows.filter(connection_id=wanted.connection_id)
    if wanted.product_id is not None:
        rows = rows.filter(product_id=wanted.product_id)
    if text := wanted.query.strip():
        rows = rows.filter(
            Q(binding__reference_code__istartswith=text)
            | Q(binding__external_id=text)
            | Q(binding__barcode=text)
            | Q(binding__title__icontains=text)
        )
    return rows


def _cases(rows: Sequence[MappingConflict], waits: Mapping[int, Waiting]) -> list[Case]:
    rivals = _rivals([row for row in rows if row.type == MappingConflict.Type.DUPLICATE_CODE])
    return [
        Case(conflict=row, waiting=waits.get(row.binding_id or 0, Waiting()), rivals=rivals.get(row.pk, []))
        for row in rows
    ]


def _rivals(rows: Sequence[MappingConflict]) -> dict[int, list[Binding]]:
    """conflict → the other articles there with the same code, or of the variant it claims."""
    codes = {row.binding.reference_code for row in rows if row.binding and row.binding.reference_code}
    variants = {one["variant"] for row in rows for one in row.candidates}
    if not rows:
        return {}
    others = Binding.plain.filter(connection_id__in={row.connection_id for row in rows}).filter(
        Q(reference_code__in=codes) | Q(variant_id__in=variants, state=State.BOUND)
    )
    found: dict[int, list[Binding]] = defaultdict(list)
    for other in others.select_related("variant").order_by("pk")[:BATCH]:
        for row in rows:
            if other.connection_id == row.connection_id and other.pk != row.binding_id and _is_rival(row, other):
                found[row.pk].append(other)
    return found


def _is_rival(row: MappingConflict, other: Binding) -> bool:
    if row.binding is not None and row.binding.reference_code and other.reference_code == row.binding.reference_code:
        return True
    return other.state == State.BOUND and other.variant_id in {one["variant"] for one in row.candidates}
