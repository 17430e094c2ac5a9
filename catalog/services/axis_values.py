"""Mapping the values of axes once, and the combinations that follow from it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from django.db import transaction

from catalog.mapping import Match
from catalog.mapping.axes import (
    MISMATCH,
    MISSING,
    OurValue,
    Outcome,
    Pair,
    fold_pair,
    follow,
    list_pairs,
)
from catalog.mapping.codes import fold
from catalog.models import (
    AxisValueMapping,
    Binding,
    MappingChange,
    MappingConflict,
    OptionValue,
    Product,
    Synonym,
    Variant,
)
from catalog.services.axis_views import list_articles, list_mappings, list_our_values
from catalog.services.binding import free, is_taken_off, save_conflicts
from catalog.services.changes import Recorder, write_bindings
from catalog.services.matrix import list_combinations
from catalog.services.stock import BATCH
from integrations.models import Connection
from portal.tenancy.models import User

State = Binding.State
OPEN = (State.CONFLICT, State.SUGGESTED)


class AxisError(ValueError):
    """These values cannot be mapped so; the message says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Followed:
    """`bound` articles by their options, `already` ours before, `freed` records that went on, `problems` in words."""

    change: MappingChange | None = None
    bound: int = 0
    already: int = 0
    freed: int = 0
    problems: tuple[tuple[str, str], ...] = ()  # (type, words)


@dataclass(slots=True, kw_only=True)
class _Plan:
    """`bound`: article, the variant it is to be, and why."""

    bound: list[tuple[Binding, int, str]] = field(default_factory=list)
    already: int = 0
    problems: list[tuple[Binding, Outcome]] = field(default_factory=list)


# --- saving -----------------------------------------------------------------------------------------------------------


@transaction.atomic
def save_axes(
    *,
    product: Product,
    connection: Connection,
    parent: str,
    words: Mapping[int, Pair],
    by: User | None,
    at: datetime,
) -> Followed:
    """Our value → their (axis, value), all of this product at once; every combination that follows is mapped.

    Raises AxisError, and then nothing is saved.
    """
    Product.plain.select_for_update().get(pk=product.pk)
    list(Variant.plain.select_for_update().filter(product=product).order_by("pk").values_list("pk"))  # as cells do
    values = list_our_values(product)
    articles = list_articles(connection, parent)
    words = _check(product, connection, parent, words, values, articles)
    recorder = Recorder(
        merchant_id=product.merchant_id, kind="axes", by=by, at=at, product=product, connection=connection
    )
    recorder.extra = _write_mappings(product, connection, parent, words, at)
    if learnt := _learn(product, values, words, at):
        recorder.extra["synonyms"] = learnt
    locked = Binding.plain.select_for_update().filter(pk__in=[row.pk for row in articles]).order_by("pk")
    return _follow(product, connection, list(locked.select_related("connection")), words, recorder)


def _check(
    product: Product,
    connection: Connection,
    parent: str,
    words: Mapping[int, Pair],
    values: Mapping[int, OurValue],
    articles: Sequence[Binding],
) -> dict[int, Pair]:
    theirs = {fold_pair(pair): pair for pair in list_pairs(row.options for row in articles)}
    used: dict[Pair, str] = {}
    elsewhere = AxisValueMapping.plain.filter(connection=connection, parent_external_id=parent)
    for row in elsewhere.exclude(axis__product=product).select_related("value__axis__product"):
        used[fold_pair((row.their_axis, row.their_value))] = f"{row.value} of {row.value.axis.product}"
    axis_of: dict[str, str] = {}
    checked: dict[int, Pair] = {}
    for pk, pair in words.items():
        value = values.get(pk)
        if value is None:
            raise AxisError("A value of ours is not there any more; open the page anew.")
        folded = fold_pair(pair)
        if folded not in theirs:
            raise AxisError(f"{connection} does not have “{pair[1]}” ({pair[0]}) any more; open the page anew.")
        if folded in used:
            raise AxisError(f"“{pair[1]}” is given to {used[folded]} and to {value.text}; it can be only one.")
        if axis_of.setdefault(value.axis, folded[0]) != folded[0]:
            raise AxisError(f"The values of {value.axis} are mapped to two options there; take one of them.")
        used[folded], checked[pk] = value.text, theirs[folded]
    return checked


def _write_mappings(
    product: Product, connection: Connection, parent: str, words: Mapping[int, Pair], at: datetime
) -> dict[str, object]:
    """The before and after for undo, {} where nothing changes."""
    axis_of = dict(OptionValue.plain.filter(pk__in=list(words)).values_list("pk", "axis_id"))
    rows = list_mappings(product, connection, parent)
    before = sorted([row.value_id, row.axis_id, row.their_axis, row.their_value] for row in rows)
    after = sorted([pk, axis_of[pk], *pair] for pk, pair in words.items())
    if before == after:
        return {}
    AxisValueMapping.plain.filter(pk__in=[row.pk for row in rows]).delete()
    AxisValueMapping.plain.bulk_create(
        AxisValueMapping(
            merchant_id=product.merchant_id,
            connection=connection,
            parent_external_id=parent,
            value_id=pk,
            axis_id=axis_of[pk],
            their_axis=pair[0],
            their_value=pair[1],
            created_at=at,
        )
        for pk, pair in words.items()
    )
    return {"axes": {"parent": parent, "before": before, "after": after}}


def _learn(product: Product, values: Mapping[int, OurValue], words: Mapping[int, Pair], at: datetime) -> list[int]:
    """Remember what differs in words; the keys of what is new."""
    wanted = {
        (fold(values[pk].axis)[:100], fold(values[pk].text), fold(pair[1])[:200])
        for pk, pair in words.items()
        if fold(values[pk].text) != fold(pair[1])
    }
    rows = Synonym.plain.filter(merchant_id=product.merchant_id, ours__in={ours for _, ours, _ in wanted})
    new = sorted(wanted - set(rows.values_list("axis", "ours", "theirs")))
    Synonym.plain.bulk_create(
        [
            Synonym(merchant_id=product.merchant_id, axis=axis, ours=ours, theirs=theirs, product=product, learnt_at=at)
            for axis, ours, theirs in new
        ],
        ignore_conflicts=True,  # somebody may have taught it on another product just now
    )
    return sorted(
        row.pk
        for row in rows.filter(product=product, learnt_at=at)
        if (row.axis, row.ours, row.theirs) in set(new)
    )  # fmt: skip


# --- what follows -----------------------------------------------------------------------------------------------------


def _follow(
    product: Product,
    connection: Connection,
    articles: Sequence[Binding],
    words: Mapping[int, Pair],
    recorder: Recorder,
) -> Followed:
    values = list_our_values(product)
    plan, neighbours = _plan(product, connection, articles, words, values)
    before = {row.pk: row.variant_id for row in articles}
    rows = [row for row, _, _ in plan.bound]
    recorder.note_before("binding", rows)
    _put(plan)
    freed = write_bindings(rows, before=before, at=recorder.at)
    _say_why(product, plan.problems, recorder.at)
    recorder.note_after("binding", rows)
    if rows:
        recorder.extra["neighbours"] = neighbours
    return Followed(
        change=recorder.save(f"{len(words)} axis values of {product.code} at {connection}: {len(rows)} articles"),
        bound=len(rows),
        already=plan.already,
        freed=freed,
        problems=tuple((one.type, f"{row}: {one.reason}") for row, one in plan.problems),
    )


def _plan(
    product: Product,
    connection: Connection,
    articles: Sequence[Binding],
    words: Mapping[int, Pair],
    values: Mapping[int, OurValue],
) -> tuple[_Plan, list[int]]:
    """Which article is mapped to which variant; one that is bound already stays what it is."""
    outcomes = follow(
        {row.external_id: row.options for row in articles},
        words={fold_pair(pair): pk for pk, pair in words.items()},
        values=values,
        combinations={ids: pk for pk, ids in list_combinations(product).items()},
    )
    holders = {
        row.variant_id: row
        for row in Binding.plain.filter(connection=connection, variant__product=product, state=State.BOUND)
    }
    codes = dict(Variant.plain.filter(product=product).values_list("pk", "code"))
    plan = _Plan()
    for row in articles:
        outcome = outcomes[row.external_id]
        variant_id = outcome.variant_id
        holder = holders.get(variant_id) if variant_id else None
        if row.state == State.BOUND:
            plan.already += variant_id == row.variant_id
            if variant_id is not None and variant_id != row.variant_id:
                said = f"Its options say {codes[variant_id]}, and it is mapped to {_code(row)}; it stays so."
                plan.problems.append((row, Outcome(type=MISMATCH, reason=said)))
        elif holder is not None and variant_id is not None:
            said = f"{codes[variant_id]} is {holder} at {connection} already."
            plan.problems.append((row, Outcome(type=MISMATCH, reason=said)))
        elif variant_id is None:
            plan.problems.append((row, outcome))
        else:
            mine = {fold_pair(one) for one in row.options}
            told = ", ".join(f"{values[pk].text} ↔ {pair[1]}" for pk, pair in words.items() if fold_pair(pair) in mine)
            plan.bound.append((row, variant_id, f"axis values: {told}"[:200]))
    return plan, sorted(row.pk for row in holders.values())


def _put(plan: _Plan) -> None:
    for row, variant_id, reason in plan.bound:
        row.variant_id, row.state, row.reason, row.score = variant_id, State.BOUND, reason, 0


def _code(row: Binding) -> str:
    return row.variant.code if row.variant else "nothing"


def _say_why(product: Product, problems: Sequence[tuple[Binding, Outcome]], at: datetime) -> None:
    """One open conflict for each article that waits and could not follow, with the words of today."""
    problems = [(row, outcome) for row, outcome in problems if row.state in OPEN]
    mine = {row.pk: outcome for row, outcome in problems}
    types = (MISSING, MISMATCH)
    rows = MappingConflict.plain.filter(binding_id__in=list(mine), type__in=types, resolved_at__isnull=True)
    for conflict in rows.order_by("pk"):
        outcome = mine[conflict.binding_id or 0]
        if conflict.type != outcome.type:
            conflict.resolved_at, conflict.resolution = at, "changed"
            conflict.save(update_fields=["resolved_at", "resolution"])
    save_conflicts(((row, Match(type=one.type, reason=one.reason)) for row, one in problems), at=at)
    changed = []
    for conflict in rows.select_related("binding"):
        said = f"{conflict.binding.title or conflict.binding}: {mine[conflict.binding_id or 0].reason}"[:500]  # type: ignore[union-attr]  # theirs
        if conflict.message != said or conflict.product_id != product.pk:
            conflict.message, conflict.product = said, product
            changed.append(conflict)
    MappingConflict.plain.bulk_update(changed, ["message", "product"], batch_size=BATCH)


def follow_new_articles(*, connection: Connection, parents: Sequence[str], at: datetime) -> int:
    """Articles that came to products whose axis values are mapped; how many could be mapped by them.

    Run by a pull: only articles that wait are looked at, and nothing is recorded for undo.
    """
    rows = AxisValueMapping.plain.filter(connection=connection, parent_external_id__in=parents)
    mapped: dict[tuple[str, int], dict[int, Pair]] = defaultdict(dict)
    for row in rows.select_related("axis").order_by("pk"):
        mapped[row.parent_external_id, row.axis.product_id][row.value_id] = (row.their_axis, row.their_value)
    count = 0
    for (parent, product_id), words in mapped.items():
        articles = list_articles(connection, parent)
        if not any(row.state in OPEN for row in articles):
            continue
        product = Product.plain.get(pk=product_id)
        plan, _ = _plan(product, connection, articles, words, list_our_values(product))
        plan.bound = [one for one in plan.bound if not is_taken_off(one[0])]
        _put(plan)
        rows_bound = [row for row, _, _ in plan.bound]
        Binding.plain.bulk_update(rows_bound, ["variant", "state", "reason", "score"], batch_size=BATCH)
        free(rows_bound, at=at)
        _say_why(product, plan.problems, at)
        count += len(plan.bound)
    return count
