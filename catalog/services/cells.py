"""Saving cells of the grid: which article of a shop each variant is, many at once, the doubtful ones refused alone."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from django.db import transaction
from django.db.models import Q

from catalog.mapping import Match
from catalog.models import Binding, MappingChange, MappingConflict, Product, Variant
from catalog.services.binding import TAKEN_OFF, save_conflicts
from catalog.services.changes import Recorder, write_bindings
from catalog.services.matrix import choose_primary, list_shops, name, show
from catalog.services.stock import BATCH
from integrations.models import Connection
from portal.tenancy.models import User

State = Binding.State
BY_ID = "id:"  # in front of an id, where a code could be meant as well
MOST_CHOICES = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Edit:
    """What was typed in a cell. `text` '' takes the article off; `was` is the binding's key the person saw, '' = none;
    `ignore`: the article offered is none of ours."""

    variant_id: int
    connection_id: int
    text: str
    was: str = ""
    ignore: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """Why a cell was not saved; `choices`: (what to type, in words) where several articles could be meant."""

    edit: Edit
    message: str
    choices: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class SavedCells:
    """`freed`: records that went on because of it."""

    change: MappingChange | None = None
    saved: tuple[Edit, ...] = ()
    refused: tuple[Refused, ...] = ()
    freed: int = 0


@dataclass(slots=True, kw_only=True)
class _Work:
    """An edit, what its cell holds now, and what it is to hold."""

    edit: Edit
    variant: Variant
    connection: Connection
    now: Binding | None = None
    target: Binding | None = None
    refused: Refused | None = None
    bound: list[Binding] = field(default_factory=list)

    def refuse(self, message: str, choices: Sequence[tuple[str, str]] = ()) -> None:
        self.refused = Refused(edit=self.edit, message=message, choices=tuple(choices))

    @property
    def cell(self) -> tuple[int, int]:
        return self.variant.pk, self.connection.pk


@transaction.atomic
def save_cells(*, product: Product, edits: Sequence[Edit], by: User | None, at: datetime) -> SavedCells:
    """Save what can be saved in one transaction; every other cell comes back with the reason.

    The variants are locked, so that two people at one cell come one after the other, and the second is told.
    """
    work, refused = _find_cells(product, edits)
    _resolve(work)
    _read_cells(work)
    _refuse_stale(work)
    _refuse_twice(work)
    _refuse_elsewhere(work)
    accepted = [one for one in work if one.refused is None]
    changed = [one for one in accepted if one.edit.ignore or (one.target and one.target.pk) != (one.now and one.now.pk)]
    recorder = Recorder(merchant_id=product.merchant_id, kind="grid", by=by, at=at, product=product)
    freed = _apply(changed, recorder)
    shops = ", ".join(sorted({str(one.connection) for one in changed}))
    return SavedCells(
        change=recorder.save(f"{_count(len(changed), 'cell')} of {product.code}, {shops}") if changed else None,
        saved=tuple(one.edit for one in accepted),
        refused=(*refused, *(one.refused for one in work if one.refused is not None)),
        freed=freed,
    )


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"


def _find_cells(product: Product, edits: Sequence[Edit]) -> tuple[list[_Work], list[Refused]]:
    """The last word of each cell, with its variant locked."""
    latest = {(edit.variant_id, edit.connection_id): edit for edit in edits}
    shops = {shop.pk: shop for shop in list_shops(product.merchant_id)}
    wanted = sorted({edit.variant_id for edit in latest.values()})
    variants: dict[int, Variant] = {}
    for start in range(0, len(wanted), BATCH):
        rows = Variant.plain.select_for_update().filter(product=product, pk__in=wanted[start : start + BATCH])
        variants |= {row.pk: row for row in rows.order_by("pk")}
    work, refused = [], []
    for edit in latest.values():
        variant, shop = variants.get(edit.variant_id), shops.get(edit.connection_id)
        if variant is None or shop is None:
            refused.append(Refused(edit=edit, message="This article or this shop is not there any more."))
        else:
            work.append(_Work(edit=edit, variant=variant, connection=shop))
    return work, refused


# --- what was typed ---------------------------------------------------------------------------------------------------


def _resolve(work: Sequence[_Work]) -> None:
    """Find each typed article by its code there or its id."""
    by_shop: dict[int, list[_Work]] = defaultdict(list)
    for one in work:
        if one.edit.text.strip() and not one.edit.ignore:
            by_shop[one.connection.pk].append(one)
    for shop_id, mine in by_shop.items():
        texts = sorted({_strip(one.edit.text) for one in mine})
        by_code: dict[str, list[Binding]] = defaultdict(list)
        by_id: dict[str, Binding] = {}
        for start in range(0, len(texts), BATCH):
            part = texts[start : start + BATCH]
            meant = Q(reference_code__in=part) | Q(external_id__in=part)
            for row in Binding.plain.filter(meant, connection_id=shop_id).select_related("variant").order_by("pk"):
                by_code[row.reference_code].append(row)
                by_id[row.external_id] = row
        for one in mine:
            _choose(one, by_code, by_id)


def _strip(text: str) -> str:
    return text.strip().removeprefix(BY_ID)


def _choose(one: _Work, by_code: dict[str, list[Binding]], by_id: dict[str, Binding]) -> None:
    text = one.edit.text.strip()
    found = {row.pk: row for row in (() if text.startswith(BY_ID) else by_code.get(text, ()))}
    if (same_id := by_id.get(_strip(text))) is not None:
        found[same_id.pk] = same_id
    rows = [row for row in found.values() if row.state != State.STALE] or list(found.values())
    if not rows:
        one.refuse(f"{one.connection} has no article with the code or id {text}.")
    elif len(rows) > 1:
        choices = [(name(row), f"{row} (id {row.external_id}){_say_bound(row)}") for row in rows[:MOST_CHOICES]]
        one.refuse(f"{len(rows)} articles of {one.connection} are called {text}: pick one.", choices)
    elif rows[0].state == State.STALE:
        one.refuse(f"{rows[0]} was deleted at {one.connection}.")
    else:
        one.target = rows[0]


def _say_bound(row: Binding) -> str:
    return f", is {row.variant.code} now" if row.variant and row.state == State.BOUND else ""


# --- what speaks against it -------------------------------------------------------------------------------------------


def _read_cells(work: Sequence[_Work]) -> None:
    """What each cell holds now, with every article concerned locked in the order of its key."""
    variants = sorted({one.variant.pk for one in work})
    targets = {one.target.pk for one in work if one.target}
    locked: dict[int, Binding] = {}
    pks = set(targets)
    for start in range(0, len(variants), BATCH):
        rows = Binding.plain.filter(variant_id__in=variants[start : start + BATCH])
        pks.update(rows.values_list("pk", flat=True))
    ordered = sorted(pks)
    for start in range(0, len(ordered), BATCH):
        rows = Binding.plain.select_for_update().filter(pk__in=ordered[start : start + BATCH]).order_by("pk")
        locked |= {row.pk: row for row in rows}
    owners = Variant.plain.in_bulk([row.variant_id for row in locked.values() if row.variant_id])
    by_cell: dict[tuple[int, int], list[Binding]] = defaultdict(list)
    for row in locked.values():
        if row.variant_id is not None:
            row.variant = owners[row.variant_id]
            by_cell[row.variant_id, row.connection_id].append(row)
    for one in work:
        one.target = locked.get(one.target.pk) if one.target else None
        mine = by_cell.get(one.cell, [])
        one.bound = [row for row in mine if row.state in {State.BOUND, State.STALE}]
        one.now, _ = choose_primary(one.bound)
        if one.edit.ignore:
            offered = [row for row in mine if row.state == State.SUGGESTED]
            one.target = offered[0] if offered else None
            if one.target is None and one.refused is None:
                one.refuse("Nothing is suggested here any more.")


def _refuse_stale(work: Iterable[_Work]) -> None:
    """Cells somebody else changed since the page was made, unless to the same article."""
    for one in work:
        now = str(one.now.pk) if one.now else ""
        same = (one.target and one.target.pk) == (one.now and one.now.pk)
        if one.refused is None and not one.edit.ignore and one.edit.was != now and not same:
            holds = f"{show(one.now)} ({one.now.reason})" if one.now else "nothing"
            one.refuse(f"Somebody changed this meanwhile: {one.variant.code} holds {holds} at {one.connection}.")


def _refuse_twice(work: Iterable[_Work]) -> None:
    users: dict[int, list[_Work]] = defaultdict(list)
    for one in work:
        if one.refused is None and one.target is not None:
            users[one.target.pk].append(one)
    for mine in users.values():
        if len(mine) > 1:
            codes = " and ".join(one.variant.code for one in mine)
            for one in mine:
                one.refuse(f"{show(one.target)} is given to {codes}; it can be only one.")  # type: ignore[arg-type]  # grouped by it


def _refuse_elsewhere(work: Sequence[_Work]) -> None:
    """Articles that are another variant's, unless that one's cell gives them up in the same go."""
    while True:
        given_up = {
            one.now.pk
            for one in work
            if one.refused is None and one.now is not None and (one.target is None or one.target.pk != one.now.pk)
        }
        blocked = [
            one
            for one in work
            if one.refused is None
            and one.target is not None
            and one.target.state == State.BOUND
            and one.target.variant_id != one.variant.pk
            and one.target.pk not in given_up
        ]
        if not blocked:
            return
        for one in blocked:
            target = one.target
            if target is not None and target.variant is not None:
                one.refuse(
                    f"{target} is {target.variant.code} at {one.connection} already; here it would be"
                    f" {one.variant.code}. Take it off there first."
                )


# --- saving -----------------------------------------------------------------------------------------------------------


def _apply(changed: Sequence[_Work], recorder: Recorder) -> int:
    targets = {one.target.pk: one.target for one in changed if one.target}
    released = {one.now.pk: one.now for one in changed if one.now and one.now.pk not in targets and not one.edit.ignore}
    rows = [*targets.values(), *released.values()]
    before = {row.pk: row.variant_id for row in rows}
    recorder.note_before("binding", rows)
    recorder.extra = {"neighbours": sorted({row.pk for one in changed for row in one.bound})} if rows else {}
    who = recorder.by or "the portal"
    for one in changed:
        if one.now is not None and one.now.pk in released:
            _take_off(one.now, f"{TAKEN_OFF} {one.variant.code} by {who}")
        if one.target is None:
            continue
        if one.edit.ignore:
            one.target.variant, one.target.state, one.target.reason = None, State.IGNORED, f"ignored by {who}"
            one.target.score = 0
            continue
        word = "accepted" if one.target.state == State.SUGGESTED else "chosen"
        one.target.variant, one.target.state = one.variant, State.BOUND
        one.target.reason, one.target.score = f"{word} by {who}"[:200], 0
    freed = write_bindings(rows, before=before, at=recorder.at)
    save_conflicts(((row, _unknown(row)) for row in released.values() if row.state == State.CONFLICT), at=recorder.at)
    ignored = [one.target.pk for one in changed if one.edit.ignore and one.target]
    open_ones = MappingConflict.plain.filter(binding_id__in=ignored, resolved_at__isnull=True)
    open_ones.update(resolved_at=recorder.at, resolution="ignored")
    recorder.note_after("binding", rows)
    return freed


def _take_off(row: Binding, reason: str) -> None:
    """It is nobody's until a person says whose; what is gone there stays so."""
    row.variant = None
    if row.state != State.STALE:
        row.state, row.reason, row.score = State.CONFLICT, reason[:200], 0


def _unknown(row: Binding) -> Match:
    return Match(type=MappingConflict.Type.UNKNOWN_REFERENCE, reason=f"It was {row.reason}; say what it is.")
