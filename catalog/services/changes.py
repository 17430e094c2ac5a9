"""What one person changed in one go: kept with its before-image, and undone as long as nobody changed it since."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db import transaction

from catalog.models import (
    AxisValueMapping,
    Binding,
    ChannelPrice,
    ChannelStock,
    MappingChange,
    MappingConflict,
    OptionValue,
    Product,
    RememberedCode,
    Synonym,
    Variant,
)
from catalog.services.binding import free
from catalog.services.stock import BATCH
from integrations.models import Connection
from portal.tenancy.models import User

State = Binding.State
BINDING_FIELDS = ("variant_id", "state", "reason", "factor", "score")
IMAGED: Mapping[str, tuple[type[Any], tuple[str, ...]]] = {
    "binding": (Binding, BINDING_FIELDS),
    "code": (Binding, ("reference_code",)),
    "variant": (Variant, ("code",)),
    "value": (OptionValue, ("code",)),
}
Image = dict[str, Any]


class NotPossible(Exception):
    """It cannot be undone; the message says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Undone:
    """How many rows are as they were, and in words what was changed since and therefore left."""

    restored: int
    kept: tuple[str, ...] = ()


@dataclass(kw_only=True)
class Recorder:
    """Notes rows before and after; `save` writes the MappingChange, in the transaction that changed them."""

    merchant_id: int
    kind: str
    by: User | None
    at: datetime
    product: Product | None = None
    connection: Connection | None = None
    before: dict[str, dict[str, Image]] = field(default_factory=dict)
    after: dict[str, dict[str, Image]] = field(default_factory=dict)
    extra: Image = field(default_factory=dict)
    open_before: set[int] = field(default_factory=set)
    open_after: set[int] = field(default_factory=set)

    def note_before(self, what: str, rows: Iterable[Any]) -> None:
        images = {str(row.pk): take_image(what, row) for row in rows}
        self.before.setdefault(what, {}).update(images)
        if what == "binding":
            self.open_before |= _list_open(images)

    def note_after(self, what: str, rows: Iterable[Any]) -> None:
        images = {str(row.pk): take_image(what, row) for row in rows}
        self.after.setdefault(what, {}).update(images)
        if what == "binding":
            self.open_after |= _list_open(images)

    def save(self, summary: str) -> MappingChange | None:
        """None where nothing is different."""
        images: Image = {
            what: {pk: [image, self.after[what][pk]] for pk, image in rows.items() if self.after[what][pk] != image}
            for what, rows in self.before.items()
        }
        images = {what: rows for what, rows in images.items() if rows} | self.extra
        ended, opened = self.open_before - self.open_after, self.open_after - self.open_before
        conflicts = {"ended": sorted(ended), "opened": sorted(opened)}
        images |= {name: ids for name, ids in conflicts.items() if ids}
        if not images:
            return None
        change = MappingChange(
            merchant_id=self.merchant_id,
            kind=self.kind,
            product=self.product,
            connection=self.connection,
            by=self.by,
            summary=summary[:300],
            images=images,
            made_at=self.at,
        )
        change.save()
        return change


def take_meaning(row: Binding | RememberedCode | None) -> list[Any] | None:
    """Which variant a code means and how many of it are in one, fit for JSON."""
    return None if row is None else [row.variant_id, str(row.factor.normalize())]


def take_image(what: str, row: Any) -> Image:
    """The fields of a row that a change of this kind may touch, fit for JSON."""
    values = {name: getattr(row, name) for name in IMAGED[what][1]}
    return {name: str(value.normalize()) if isinstance(value, Decimal) else value for name, value in values.items()}


def write_bindings(rows: Sequence[Binding], *, before: Mapping[int, int | None], at: datetime) -> int:
    """Save articles whose variant or state was changed, with all that follows; how many records went on.

    `before`: binding → its variant before. What a shop should show of an article that is another one's now, or
    nobody's, is worked out anew.
    """
    _write_rows(rows, before)
    moved = [row.pk for row in rows if before.get(row.pk) is not None and before[row.pk] != row.variant_id]
    for some in batches(moved):
        for model in (ChannelStock, ChannelPrice):
            model._default_manager.filter(binding_id__in=some).delete()
    return free([row for row in rows if row.state == State.BOUND], at=at)


def _write_rows(rows: Sequence[Binding], before: Mapping[int, int | None]) -> None:
    """Rows that get the same are written by one statement: of a thousand accepted, the variant stands there already."""
    alike: dict[tuple[Any, ...], list[int]] = defaultdict(list)
    others = []
    for row in rows:
        if before.get(row.pk) == row.variant_id:
            alike[row.state, row.reason, row.factor, row.score].append(row.pk)
        else:
            others.append(row)
    for (state, reason, factor, score), ids in alike.items():
        for some in batches(ids):
            Binding.plain.filter(pk__in=some).update(state=state, reason=reason, factor=factor, score=score)
    Binding.plain.bulk_update(others, ["variant", "state", "reason", "factor", "score"], batch_size=BATCH)


def batches(rows: Iterable[Any]) -> Iterator[list[Any]]:
    """As many at a time as a statement takes."""
    rows = list(rows)
    for start in range(0, len(rows), BATCH):
        yield rows[start : start + BATCH]


def _list_open(bindings: Iterable[str]) -> set[int]:
    """The open conflicts of these articles."""
    found: set[int] = set()
    for some in batches(bindings):
        rows = MappingConflict.plain.filter(binding_id__in=some, resolved_at__isnull=True)
        found.update(rows.values_list("pk", flat=True))
    return found


# --- undo -------------------------------------------------------------------------------------------------------------


@transaction.atomic
def undo(*, change_id: int, by: User | None, at: datetime) -> Undone:
    """Put every row back that is still as this change left it. Orders that went on because of it have gone on.

    Raises NotPossible where it was undone already.
    """
    change = MappingChange.plain.select_for_update().get(pk=change_id)
    if change.undone_at is not None:
        raise NotPossible("It was undone already.")
    kept: list[str] = []
    restored = sum(
        put_back(change, change.images[what], kept, at) for what, put_back in _PUT_BACK.items() if what in change.images
    )
    _put_back_conflicts(change, at)
    change.undone_at, change.undone_by = at, by
    change.save(update_fields=["undone_at", "undone_by"])
    return Undone(restored=restored, kept=tuple(kept))


def _still_theirs(what: str, images: Mapping[str, Sequence[Image]], kept: list[str]) -> list[Any]:
    """The rows that are as the change left them, locked; of the others, words."""
    there: dict[str, Any] = {}
    for some in batches(sorted(int(pk) for pk in images)):
        rows = IMAGED[what][0].plain.select_for_update().filter(pk__in=some)
        there |= {str(row.pk): row for row in rows.order_by("pk")}
    found = []
    for pk, (_, after) in images.items():
        row = there.get(pk)
        if row is None:
            kept.append("An article of this change is not there any more.")
        elif take_image(what, row) != after:
            kept.append(_say_now(what, row))
        else:
            found.append(row)
    return found


def _say_now(what: str, row: Any) -> str:
    if what == "binding":
        now = f"is {row.variant.code} now" if row.variant_id else f"is “{row.get_state_display()}” now"
        why = f" ({row.reason})" if row.reason else ""
        return f"{row} {now}{why}; it stays so."
    now = row.reference_code if what == "code" else row.code
    return f"{row} was changed to {now or 'nothing'} since; it stays so."


def _put_back_bindings(
    change: MappingChange, images: Mapping[str, Sequence[Image]], kept: list[str], at: datetime
) -> int:
    rows = _still_theirs("binding", images, kept)
    rows = _without_rivals(rows, images, set(change.images.get("neighbours", ())), kept)
    before = {row.pk: row.variant_id for row in rows}
    for row in rows:
        image = images[str(row.pk)][0]
        row.variant_id, row.state, row.reason = image["variant_id"], image["state"], image["reason"]
        row.factor, row.score = Decimal(image["factor"]), image["score"]
    write_bindings(rows, before=before, at=at)
    return len(rows)


def _without_rivals(
    rows: list[Any], images: Mapping[str, Sequence[Image]], neighbours: set[int], kept: list[str]
) -> list[Any]:
    """Without those whose variant somebody has given another article of that shop since. `neighbours` had it then."""
    wanted = {row.pk: images[str(row.pk)][0] for row in rows}
    variants = [image["variant_id"] for image in wanted.values() if image["state"] == State.BOUND]
    taken = {
        (one.connection_id, one.variant_id, one.factor): one
        for some in batches(variants)
        for one in Binding.plain.filter(variant_id__in=some, state=State.BOUND).select_related("variant")
        if one.pk not in neighbours and one.pk not in wanted
    }
    found = []
    for row in rows:
        image = wanted[row.pk]
        rival = taken.get((row.connection_id, image["variant_id"], Decimal(image["factor"])))
        if image["state"] == State.BOUND and rival is not None:
            kept.append(f"{rival.variant} is {rival} since; {row} is not put back.")
        else:
            found.append(row)
    return found


def _put_back_conflicts(change: MappingChange, at: datetime) -> None:
    """What the change decided is undecided again, and what it found out is forgotten; not where an article was kept."""
    images = change.images.get("binding", {})
    for name in ("opened", "ended"):  # in this order: one of a kind may be open
        for some in batches(change.images.get(name, ())):
            found = MappingConflict.plain.filter(pk__in=some, resolved_at__isnull=name == "opened")
            rows = [row for row in found.select_related("binding").order_by("pk") if _is_back(row.binding, images)]
            if name == "opened":
                resolved: dict[str, Any] = {"resolved_at": at, "resolution": "undone"}
            else:
                now = MappingConflict.plain.filter(binding__in=[row.binding_id for row in rows])
                open_now = set(now.filter(resolved_at__isnull=True).values_list("binding_id", "type"))
                rows = [row for row in rows if (row.binding_id, row.type) not in open_now]
                resolved = {"resolved_at": None, "resolution": ""}
            MappingConflict.plain.filter(pk__in=[row.pk for row in rows]).update(**resolved)


def _is_back(row: Binding | None, images: Mapping[str, Sequence[Image]]) -> bool:
    """The article is undecided, as it was before the change."""
    if row is None or row.state in {State.BOUND, State.IGNORED}:
        return False
    return str(row.pk) not in images or take_image("binding", row) == images[str(row.pk)][0]


def _put_back_plainly(what: str) -> Callable[..., int]:
    def put_back(_: MappingChange, images: Mapping[str, Sequence[Image]], kept: list[str], at: datetime) -> int:
        rows = _still_theirs(what, images, kept)
        wanted = {row.pk: images[str(row.pk)][0] for row in rows}
        if what == "variant":
            rows = _without_taken_codes(rows, wanted, kept)
            return write_codes(rows, {row.pk: wanted[row.pk]["code"] for row in rows}, at=at)
        model, fields = IMAGED[what]
        for row in rows:
            for name, value in wanted[row.pk].items():
                setattr(row, name, value)
        model.plain.bulk_update(rows, fields, batch_size=BATCH)
        return len(rows)

    return put_back


def _without_taken_codes(rows: list[Any], wanted: Mapping[int, Image], kept: list[str]) -> list[Any]:
    codes = {image["code"] for image in wanted.values()}
    merchant_id = rows[0].merchant_id if rows else 0
    others = Variant.plain.filter(merchant_id=merchant_id, code__in=codes).exclude(pk__in=list(wanted))
    taken = set(others.values_list("code", flat=True))
    kept.extend(
        f"Another article has the code {wanted[row.pk]['code']} since; {row} stays so."
        for row in rows
        if wanted[row.pk]["code"] in taken
    )
    return [row for row in rows if wanted[row.pk]["code"] not in taken]


def write_codes(rows: Sequence[Variant], codes: Mapping[int, str], *, at: datetime) -> int:
    """Give our articles these codes; how many. Two may swap: those in each other's way step aside first."""
    given = {row.code for row in rows} & set(codes.values())
    aside = [row for row in rows if row.code in given and codes[row.pk] != row.code]
    for row in aside:
        row.code = f"~{row.pk}"  # nobody sees it: the transaction ends with the new ones
    Variant.plain.bulk_update(aside, ["code"], batch_size=BATCH)
    for row in rows:
        row.code, row.updated_at = codes[row.pk], at
    Variant.plain.bulk_update(rows, ["code", "updated_at"], batch_size=BATCH)
    return len(rows)


def _put_back_axes(change: MappingChange, image: Image, kept: list[str], at: datetime) -> int:
    """`image`: parent, before and after as [value, axis, their axis, their value]."""
    if change.connection_id is None or change.product_id is None:
        kept.append("The product or the shop of these axis values is not there any more.")
        return 0
    rows = AxisValueMapping.plain.filter(connection_id=change.connection_id, parent_external_id=image["parent"])
    mine = rows.filter(axis__product_id=change.product_id)
    now = sorted(list(row) for row in mine.values_list("value_id", "axis_id", "their_axis", "their_value"))
    if now != sorted(image["after"]):
        kept.append("The axis values were changed since; they stay so.")
        return 0
    mine.delete()
    there = set(OptionValue.plain.filter(pk__in=[one[0] for one in image["before"]]).values_list("pk", flat=True))
    AxisValueMapping.plain.bulk_create(
        AxisValueMapping(
            merchant_id=change.merchant_id,
            connection_id=change.connection_id,
            parent_external_id=image["parent"],
            value_id=value,
            axis_id=axis,
            their_axis=their_axis,
            their_value=their_value,
            created_at=at,
        )
        for value, axis, their_axis, their_value in image["before"]
        if value in there
    )
    return 0


def _forget_synonyms(_: MappingChange, pks: Sequence[int], kept: list[str], at: datetime) -> int:
    Synonym.plain.filter(pk__in=pks).delete()
    return 0


def _put_back_remembered(change: MappingChange, rows: Sequence[Any], kept: list[str], at: datetime) -> int:
    """`rows`: connection, code, before and after as [variant, factor]; before is None where nothing was remembered."""
    for connection_id, code, before, after in rows:
        row = RememberedCode.plain.filter(
            merchant_id=change.merchant_id, connection_id=connection_id, code=code
        ).first()
        if row is None or take_meaning(row) != after:
            kept.append(f"What is remembered of the code {code} was changed since; it stays so.")
        elif before is None:
            row.delete()
        else:
            row.variant_id, row.factor = before[0], Decimal(before[1])
            row.save(update_fields=["variant", "factor"])
    return 0


_PUT_BACK: Mapping[str, Callable[..., int]] = {
    "axes": _put_back_axes,
    "synonyms": _forget_synonyms,
    "remembered": _put_back_remembered,
    "binding": _put_back_bindings,
    "code": _put_back_plainly("code"),
    "variant": _put_back_plainly("variant"),
    "value": _put_back_plainly("value"),
}
