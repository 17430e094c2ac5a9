"""What one person changed in one go: kept with its before-image, and undone as long as nobody changed it since."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
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
    Synonym,
    Variant,
)
from catalog.services.binding import free
from catalog.services.stock import BATCH
from integrations.models import Connection
from portal.tenancy.models import User

State = Binding.State
BINDING_FIELDS = ("variant_id", "state", "reason", "factor")
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

    def note_before(self, what: str, rows: Iterable[Any]) -> None:
        self.before.setdefault(what, {}).update({str(row.pk): take_image(what, row) for row in rows})

    def note_after(self, what: str, rows: Iterable[Any]) -> None:
        self.after.setdefault(what, {}).update({str(row.pk): take_image(what, row) for row in rows})

    def save(self, summary: str) -> MappingChange | None:
        """None where nothing is different."""
        images: Image = {
            what: {pk: [image, self.after[what][pk]] for pk, image in rows.items() if self.after[what][pk] != image}
            for what, rows in self.before.items()
        }
        images = {what: rows for what, rows in images.items() if rows} | self.extra
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


def take_image(what: str, row: Any) -> Image:
    """The fields of a row that a change of this kind may touch, fit for JSON."""
    values = {name: getattr(row, name) for name in IMAGED[what][1]}
    return {name: str(value.normalize()) if isinstance(value, Decimal) else value for name, value in values.items()}


def write_bindings(rows: Sequence[Binding], *, before: Mapping[int, int | None], at: datetime) -> int:
    """Save articles whose variant or state was changed, with all that follows; how many records went on.

    `before`: binding → its variant before. What a shop should show of an article that is another one's now, or
    nobody's, is worked out anew.
    """
    Binding.plain.bulk_update(rows, ["variant", "state", "reason", "factor"], batch_size=BATCH)
    moved = [row.pk for row in rows if before.get(row.pk) is not None and before[row.pk] != row.variant_id]
    for model in (ChannelStock, ChannelPrice):
        model._default_manager.filter(binding_id__in=moved).delete()
    return free([row for row in rows if row.state == State.BOUND], at=at)


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
        _PUT_BACK[what](change, images, kept, at) for what, images in change.images.items() if what in _PUT_BACK
    )
    change.undone_at, change.undone_by = at, by
    change.save(update_fields=["undone_at", "undone_by"])
    return Undone(restored=restored, kept=tuple(kept))


def _still_theirs(what: str, images: Mapping[str, Sequence[Image]], kept: list[str]) -> list[Any]:
    """The rows that are as the change left them, locked; of the others, words."""
    rows = IMAGED[what][0].plain.select_for_update().filter(pk__in=[int(pk) for pk in images]).order_by("pk")
    there = {str(row.pk): row for row in rows}
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
        row.factor = Decimal(image["factor"])
    write_bindings(rows, before=before, at=at)
    _put_back_conflicts(change, rows, at)
    return len(rows)


def _without_rivals(
    rows: list[Any], images: Mapping[str, Sequence[Image]], neighbours: set[int], kept: list[str]
) -> list[Any]:
    """Without those whose variant somebody has given another article of that shop since. `neighbours` had it then."""
    wanted = {row.pk: images[str(row.pk)][0] for row in rows}
    variants = [image["variant_id"] for image in wanted.values() if image["state"] == State.BOUND]
    others = Binding.plain.filter(variant_id__in=variants, state=State.BOUND).exclude(pk__in=list(wanted))
    taken = {
        (one.connection_id, one.variant_id, one.factor): one
        for one in others.select_related("variant")
        if one.pk not in neighbours
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


def _put_back_conflicts(change: MappingChange, rows: Sequence[Binding], at: datetime) -> None:
    """What the change decided is undecided again, and what it found out is forgotten."""
    mine = MappingConflict.plain.filter(binding_id__in=[row.pk for row in rows])
    mine.filter(opened_at=change.made_at, resolved_at__isnull=True).update(resolved_at=at, resolution="undone")
    undecided = [row.pk for row in rows if row.state in {State.CONFLICT, State.SUGGESTED}]
    open_now = set(mine.filter(resolved_at__isnull=True).values_list("binding_id", "type"))
    closed = mine.filter(binding_id__in=undecided, resolved_at=change.made_at)
    again = [row.pk for row in closed.order_by("pk") if (row.binding_id, row.type) not in open_now]
    MappingConflict.plain.filter(pk__in=again).update(resolved_at=None, resolution="")


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


_PUT_BACK: Mapping[str, Callable[..., int]] = {
    "axes": _put_back_axes,
    "synonyms": _forget_synonyms,
    "binding": _put_back_bindings,
    "code": _put_back_plainly("code"),
    "variant": _put_back_plainly("variant"),
    "value": _put_back_plainly("value"),
}
