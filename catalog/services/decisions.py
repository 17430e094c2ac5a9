"""What people decide about articles, one or many at once: told what went on because of it, and kept for an undo."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from catalog.models import Binding, MappingConflict, MappingDecision, RememberedCode, Variant
from catalog.services.binding import free, hold_keys
from catalog.services.stock import BATCH
from integrations.sync.waiting import Waiting, add_up_gone_on, list_subjects
from portal.tenancy.models import User

ONE = Decimal(1)
State = Binding.State
FIELDS = ["variant", "factor", "state", "reason", "score"]
DECIDED = (State.BOUND, State.IGNORED)


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
    decision_id: int | None = None


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
    before = _images(rows, values)
    _write(rows, values)
    if remember:
        _remember(rows, by, at)
    bound = [row for row in rows if row.state == State.BOUND]
    keys = [key for row in bound for key in hold_keys(row)]
    waited = list_subjects(merchant_id=merchant_id, keys=keys)
    free(bound, at=at)
    ids = [row.pk for row in rows]
    for some in _batches(ids):
        MappingConflict.plain.filter(binding_id__in=some, resolved_at__isnull=True).update(
            resolved_at=at, resolution=resolution
        )
    decision = MappingDecision(merchant_id=merchant_id, what=what[:200], by=by, at=at, before=before)
    decision.save()
    return Decided(
        count=len(rows),
        waited=len(waited),
        gone_on=add_up_gone_on(merchant_id=merchant_id, before=waited),
        refused=tuple(refused),
        decision_id=decision.pk,
    )


def _write(rows: Sequence[Binding], values: Mapping[int, Mapping[str, Any]]) -> None:
    """Rows that get the same are written by one statement: of a thousand accepted, only the variant differs, and that
    one stands there already."""
    alike: dict[tuple[Any, ...], list[int]] = defaultdict(list)
    others = []
    for row in rows:
        wanted = values[row.pk]
        if wanted["variant_id"] == row.variant_id:
            alike[tuple(sorted((name, value) for name, value in wanted.items() if name != "variant_id"))].append(row.pk)
        else:
            others.append(row)
        for name, value in {**wanted, "score": 0}.items():
            setattr(row, name, value)
    for common, ids in alike.items():
        for some in _batches(ids):
            Binding.plain.filter(pk__in=some).update(**dict(common), score=0)
    Binding.plain.bulk_update(others, FIELDS, batch_size=BATCH)


def _lock(merchant_id: int, ids: Iterable[int]) -> Iterator[Binding]:
    for some in _batches(sorted(ids)):
        yield from (
            Binding.plain.select_for_update(of=("self",))
            .filter(merchant_id=merchant_id, pk__in=some)
            .select_related("connection")
            .order_by("pk")
        )


def _find_variants(merchant_id: int, ids: set[int]) -> dict[int, Variant]:
    found: dict[int, Variant] = {}
    for some in _batches(sorted(ids)):
        found |= {row.pk: row for row in Variant.plain.filter(merchant_id=merchant_id, pk__in=some)}
    return found


def _holders(rows: Sequence[Binding], variants: set[int]) -> dict[tuple[int, int, Decimal], Binding]:
    """(connection, variant, factor) → the article that has it there."""
    connections = {row.connection_id for row in rows}
    found: dict[tuple[int, int, Decimal], Binding] = {}
    for some in _batches(sorted(variants)):
        held = Binding.plain.filter(connection_id__in=connections, variant_id__in=some, state=State.BOUND)
        found |= {(row.connection_id, row.variant_id or 0, row.factor): row for row in held.order_by("-pk")}
    return found


def _images(rows: Sequence[Binding], values: Mapping[int, Mapping[str, Any]]) -> list[dict[str, Any]]:
    open_ones: dict[int, list[int]] = {}
    for some in _batches([row.pk for row in rows]):
        found = MappingConflict.plain.filter(binding_id__in=some, resolved_at__isnull=True).order_by("pk")
        for pk, binding_id in found.values_list("pk", "binding_id"):
            open_ones.setdefault(binding_id or 0, []).append(pk)
    return [
        {
            "binding": row.pk,
            "variant": row.variant_id,
            "factor": str(row.factor),
            "state": row.state,
            "reason": row.reason,
            "score": row.score,
            "conflicts": open_ones.get(row.pk, []),
            "set": {"variant": values[row.pk]["variant_id"], "state": str(values[row.pk]["state"])},
        }
        for row in rows
    ]


def _remember(rows: Sequence[Binding], by: User | None, at: datetime) -> None:
    """Articles with these codes follow from now on; one without a code cannot be known again."""
    rows = [row for row in rows if row.reference_code and row.state != State.STALE]
    decided = {(row.connection_id, row.reference_code): row for row in rows}
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


# Undoing -------------------------------------------------------------------------------------------------------------


@transaction.atomic
def undo(*, merchant_id: int, decision_id: int, at: datetime) -> Decided:
    """Put the articles back as they were, with their conflicts open again. One that was changed since is left alone
    and named. Orders that went on stay where they are."""
    decision = MappingDecision.plain.select_for_update().filter(merchant_id=merchant_id, pk=decision_id).first()
    if decision is None or decision.undone_at is not None:
        return Decided(refused=(_("That was undone already, or never happened."),))
    images = {one["binding"]: one for one in decision.before}
    refused, back = [], []
    for row in _lock(merchant_id, images):
        image = images[row.pk]
        if (row.variant_id, row.state) != (image["set"]["variant"], image["set"]["state"]):
            refused.append(_("%(article)s was changed since and stays as it is.") % {"article": row})
            continue
        row.variant_id, row.factor = image["variant"], Decimal(image["factor"])
        row.state, row.reason, row.score = image["state"], image["reason"], image["score"]
        back.append(row)
    Binding.plain.bulk_update(back, FIELDS, batch_size=BATCH)
    open_again = [pk for row in back if row.state not in DECIDED for pk in images[row.pk]["conflicts"]]
    for some in _batches(open_again):
        MappingConflict.plain.filter(pk__in=some).update(resolved_at=None, resolution="")
    codes = {(row.connection_id, row.reference_code) for row in back if row.reference_code}
    for connection_id, code in sorted(codes):
        RememberedCode.plain.filter(
            merchant_id=merchant_id, connection_id=connection_id, code=code, at=decision.at
        ).delete()
    decision.undone_at = at
    decision.save(update_fields=["undone_at"])
    free([row for row in back if row.state == State.BOUND], at=at)
    return Decided(count=len(back), refused=tuple(refused))


# Words --------------------------------------------------------------------------------------------------------------


def _name(rows: Sequence[Binding], verb: str) -> str:
    if len(rows) == 1:
        return f"{rows[0]} {verb}"
    return _("%(count)d articles %(verb)s") % {"count": len(rows), "verb": verb}


def _chosen_by(by: User | None) -> str:
    return f"chosen by {by}"[:200] if by is not None else "chosen"


def _batches(rows: Iterable[Any]) -> Iterator[list[Any]]:
    rows = list(rows)
    for start in range(0, len(rows), BATCH):
        yield rows[start : start + BATCH]
