"""What people decide about articles, one or many at once: told what went on because of it, and kept for an undo."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from catalog.models import Binding, Product, RememberedCode, Variant
from catalog.services.binding import close_conflicts, hold_keys
from catalog.services.changes import Recorder, batches, take_meaning, write_bindings
from catalog.services.stock import BATCH
from integrations.sync.waiting import Waiting, add_up_gone_on, list_subjects
from portal.tenancy.models import User

ONE = Decimal(1)
State = Binding.State


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """An article is this variant, `factor` base units of it; `again`: also where another article there has it."""

    binding_id: int
    variant_id: int
    factor: Decimal = ONE
    again: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Decided:
    """How many articles were decided, what went on because of it, and words for those that were not."""

    count: int = 0
    waited: int = 0
    gone_on: Waiting = field(default_factory=Waiting)
    refused: tuple[str, ...] = ()
    change_id: int | None = None


# Deciding ----------------------------------------------------------------------------------------------------------


@transaction.atomic
def choose(
    *,
    merchant_id: int,
    choices: Sequence[Choice],
    remember: bool = False,
    what: str = "",
    by: User | None,
    at: datetime,
) -> Decided:
    """Bind each article to the variant chosen for it. One that another article there has already is refused, unless
    the choice says `again` or gives another factor. `remember`: articles of the same code follow from now on."""
    wanted = {one.binding_id: one for one in choices}
    rows = list(_lock(merchant_id, wanted))
    variants = _find_variants(merchant_id, {one.variant_id for one in choices})
    holders = _holders(rows, {one.variant_id for one in choices})
    refused = []
    chosen = []
    for row in rows:
        choice = wanted[row.pk]
        variant = variants.get(choice.variant_id)
        if row.state == State.BOUND:
            refused.append(_("%(article)s was mapped meanwhile (%(reason)s).") % {"article": row, "reason": row.reason})
            continue
        if variant is None:
            refused.append(_("%(article)s: there is no such article of yours.") % {"article": row})
            continue
        rival = holders.get((row.connection_id, variant.pk, choice.factor))
        if rival is not None and rival.pk != row.pk and not choice.again:
            refused.append(
                _("%(article)s: %(code)s is “%(rival)s” there already.")
                % {"article": row, "code": variant.code, "rival": rival}
            )
            continue
        holders[row.connection_id, variant.pk, choice.factor] = row
        chosen.append(row)
    what = what or _name(chosen, _("mapped"))
    values = {
        row.pk: {
            "variant_id": wanted[row.pk].variant_id,
            "factor": wanted[row.pk].factor,
            "state": State.BOUND,
            "reason": _chosen_by(by),
        }
        for row in chosen
    }
    return _apply(merchant_id, chosen, values, refused, remember=remember, what=what, resolution="bound", by=by, at=at)


@transaction.atomic
def ignore_all(
    *, merchant_id: int, binding_ids: Sequence[int], remember: bool = False, by: User | None, at: datetime
) -> Decided:
    """These articles are none of ours. Orders that sell them go on waiting. One that is gone there stays what it was,
    should it come back."""
    rows = list(_lock(merchant_id, binding_ids))
    values = {row.pk: _ignored(row) for row in rows}
    what = _name(rows, _("ignored"))
    return _apply(merchant_id, rows, values, [], remember=remember, what=what, resolution="ignored", by=by, at=at)


@transaction.atomic
def bind(
    *,
    binding_id: int,
    variant_id: int,
    factor: Decimal = ONE,
    by: User | None = None,
    reason: str = "",
    at: datetime,
) -> int:
    """This article is that variant, `factor` base units of it, whatever it was before; how many records went on."""
    row = Binding.plain.select_for_update(of=("self",)).select_related("connection").get(pk=binding_id)
    recorder = Recorder(merchant_id=row.merchant_id, kind="articles", by=by, at=at, connection=row.connection)
    recorder.note_before("binding", [row])
    before = {row.pk: row.variant_id}
    row.variant = Variant.plain.select_related("product").get(pk=variant_id, merchant=row.merchant_id)
    row.factor, row.state, row.reason, row.score = factor, State.BOUND, (reason or _chosen_by(by))[:200], 0
    freed = write_bindings([row], before=before, at=at)
    recorder.note_after("binding", [row])
    recorder.product = row.variant.product
    times = "" if factor == ONE else f" × {factor.normalize():f}"
    recorder.save(f"{row} is {row.variant.code}{times}")
    return freed


def ignore(*, binding_id: int, by: User | None = None, at: datetime) -> None:
    """This article is none of ours, and stays out of the way."""
    merchant_id = Binding.plain.values_list("merchant_id", flat=True).get(pk=binding_id)
    ignore_all(merchant_id=merchant_id, binding_ids=[binding_id], by=by, at=at)


def _ignored(row: Binding) -> dict[str, Any]:
    if row.state == State.STALE:
        return {"variant_id": row.variant_id, "factor": row.factor, "state": row.state, "reason": row.reason}
    return {"variant_id": None, "factor": ONE, "state": State.IGNORED, "reason": "ignored"}


# What all of them do ------------------------------------------------------------------------------------------------


def _apply(
    merchant_id: int,
    rows: Sequence[Binding],
    values: Mapping[int, Mapping[str, Any]],
    refused: Sequence[str],
    *,
    remember: bool,
    what: str,
    resolution: str,
    by: User | None,
    at: datetime,
) -> Decided:
    if not rows:
        return Decided(refused=tuple(refused))
    recorder = Recorder(merchant_id=merchant_id, kind="articles", by=by, at=at)
    recorder.note_before("binding", rows)
    before = {row.pk: row.variant_id for row in rows}
    for row in rows:
        for name, value in {**values[row.pk], "score": 0}.items():
            setattr(row, name, value)
    if remember:
        recorder.extra["remembered"] = _remember(rows, by, at)
    keys = [key for row in rows if row.state == State.BOUND for key in hold_keys(row)]
    waited = list_subjects(merchant_id=merchant_id, keys=keys)
    write_bindings(rows, before=before, at=at)
    for some in batches(row.pk for row in rows):
        close_conflicts(some, resolution, at)
    recorder.note_after("binding", rows)
    recorder.connection = rows[0].connection if len({row.connection_id for row in rows}) == 1 else None
    recorder.product = _find_product(rows)
    change = recorder.save(what)
    return Decided(
        count=len(rows),
        waited=len(waited),
        gone_on=add_up_gone_on(merchant_id=merchant_id, before=waited),
        refused=tuple(refused),
        change_id=change.pk if change is not None else None,
    )


def _find_product(rows: Sequence[Binding]) -> Product | None:
    """The one product of ours all of them belong to, so that its pages show the change too."""
    found: set[int] = set()
    for some in batches({row.variant_id for row in rows}):
        found.update(Variant.plain.filter(pk__in=some).values_list("product_id", flat=True).distinct())
    return Product.plain.get(pk=found.pop()) if len(found) == 1 else None


def _lock(merchant_id: int, ids: Iterable[int]) -> Iterator[Binding]:
    for some in batches(sorted(ids)):
        yield from (
            Binding.plain.select_for_update(of=("self",))
            .filter(merchant_id=merchant_id, pk__in=some)
            .select_related("connection")
            .order_by("pk")
        )


def _find_variants(merchant_id: int, ids: set[int]) -> dict[int, Variant]:
    found: dict[int, Variant] = {}
    for some in batches(sorted(ids)):
        found |= {row.pk: row for row in Variant.plain.filter(merchant_id=merchant_id, pk__in=some)}
    return found


def _holders(rows: Sequence[Binding], variants: set[int]) -> dict[tuple[int, int, Decimal], Binding]:
    """(connection, variant, factor) → the article that has it there."""
    connections = {row.connection_id for row in rows}
    found: dict[tuple[int, int, Decimal], Binding] = {}
    for some in batches(sorted(variants)):
        held = Binding.plain.filter(connection_id__in=connections, variant_id__in=some, state=State.BOUND)
        found |= {(row.connection_id, row.variant_id or 0, row.factor): row for row in held.order_by("-pk")}
    return found


def _remember(rows: Sequence[Binding], by: User | None, at: datetime) -> list[list[Any]]:
    """Articles with these codes follow from now on; one without a code cannot be known again. For undo: connection,
    code, before and after."""
    rows = [row for row in rows if row.reference_code and row.state != State.STALE]
    decided = {(row.connection_id, row.reference_code): row for row in rows}
    known: dict[tuple[int, str], RememberedCode] = {}
    for some in batches({row.reference_code for row in decided.values()}):
        found = RememberedCode.plain.filter(connection_id__in={row.connection_id for row in rows}, code__in=some)
        known |= {(row.connection_id, row.code): row for row in found}
    RememberedCode.plain.bulk_create(
        [
            RememberedCode(
                merchant_id=row.merchant_id,
                connection_id=connection_id,
                code=code,
                variant_id=row.variant_id,
                factor=row.factor,
                by=by,
                at=at,
            )
            for (connection_id, code), row in sorted(decided.items())
        ],
        update_conflicts=True,
        unique_fields=["merchant", "connection", "code"],
        update_fields=["variant", "factor", "by", "at"],
        batch_size=BATCH,
    )
    return [[*key, take_meaning(known.get(key)), take_meaning(row)] for key, row in sorted(decided.items())]


# Words --------------------------------------------------------------------------------------------------------------


def _name(rows: Sequence[Binding], verb: str) -> str:
    if len(rows) == 1:
        return f"{rows[0]} {verb}"
    return _("%(count)d articles %(verb)s") % {"count": len(rows), "verb": verb}


def _chosen_by(by: User | None) -> str:
    return f"chosen by {by}"[:200] if by is not None else "chosen"
