"""Codes made by a pattern for many articles at once: looked at first, saved in one go, undone in one go.

Where a code is kept: `Variant.code` is our reference code for each combination, and the default. A shop that we write
the articles of (it has a flow that pushes products) may have codes of its own: those are `Binding.reference_code` of
its articles, which its next reading replaces by the SKU it finds there; writing codes into a shop's SKU comes later.
Codes a back office gives (it leads the article) are its own, and are refused here: the next reading would bring them
back. A shop that holds no codes needs none: it is bound by its ids.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import QuerySet

from catalog.mapping.patterns import (
    LONGEST_CODE,
    PLATFORM_LIMITS,
    Named,
    Proposal,
    parse_pattern,
    propose,
)
from catalog.models import Binding, MappingChange, OptionAxis, OptionValue, Product, Variant, VariantOption
from catalog.services.binding import BACK_OFFICES, match_again
from catalog.services.changes import Recorder, write_codes
from catalog.services.matrix import list_shops
from catalog.services.stock import BATCH
from integrations.models import Connection, Flow, Stream
from portal.tenancy.models import User

State = Binding.State
MOST = 10_000  # articles in one go


class TooMany(ValueError):
    """More articles than go at once; the message says how many."""


class Changed(ValueError):
    """The codes are not what the person looked at any more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Preview:
    """What would be saved. `labels`: key → the article in words. `token` stands for exactly these codes."""

    proposals: tuple[Proposal, ...]
    labels: Mapping[int, str]
    token: str

    @property
    def changing(self) -> list[Proposal]:
        return [one for one in self.proposals if one.changes]

    @property
    def problems(self) -> list[Proposal]:
        return [one for one in self.proposals if one.problem]

    @property
    def unchanged(self) -> int:
        return len(self.proposals) - len(self.changing) - len(self.problems)


@dataclass(frozen=True, slots=True, kw_only=True)
class SavedCodes:
    """`bound`: articles of shops that could be mapped because of the new codes."""

    change: MappingChange | None
    saved: int
    bound: int = 0


def list_targets(merchant_id: int) -> list[Connection]:
    """The shops whose articles we write, which may have codes of their own."""
    flows = Flow.plain.filter(
        merchant_id=merchant_id, stream=Stream.PRODUCT, direction=Flow.Direction.PUSH, enabled=True
    )
    writing = set(flows.values_list("connection_id", flat=True))
    return [shop for shop in list_shops(merchant_id) if shop.pk in writing]


def preview_codes(*, products: QuerySet[Product], pattern: str, connection: Connection | None = None) -> Preview:
    """The code of every article of these products. `connection` None: our own codes.

    Raises PatternError and TooMany.
    """
    parsed = parse_pattern(pattern)
    rows = Variant.plain.filter(product__in=products.order_by().values("pk"))
    count = rows.count()
    if count > MOST:
        raise TooMany(f"These are {count:,} articles; {MOST:,} go at once. Choose fewer products.")
    variants = list(rows.select_related("product").order_by("product__code", "position", "pk"))
    named = _name_all(variants)
    labels = {row.pk: f"{row.product.code} {_combination(named[row.pk])}".strip() for row in variants}
    if connection is None:
        proposals = _propose_ours(parsed, variants, named)
    else:
        proposals, labels = _propose_theirs(parsed, variants, named, labels, connection)
    return Preview(proposals=tuple(proposals), labels=labels, token=_token(proposals))


def _token(proposals: Iterable[Proposal]) -> str:
    told = "\n".join(f"{one.key}\t{one.before}\t{one.code}\t{bool(one.problem)}" for one in proposals)
    return hashlib.sha256(told.encode()).hexdigest()[:32]


def _combination(named: Named) -> str:
    return " / ".join(value for _, value, _ in named.axes) or named.variant["name"]


def _name_all(variants: Sequence[Variant]) -> dict[int, Named]:
    """The articles with everything a pattern can name, in two queries a batch."""
    products = sorted({row.product_id for row in variants})
    order: dict[int, int] = {}
    values: dict[int, list[tuple[int, tuple[str, str, str]]]] = defaultdict(list)
    for start in range(0, len(products), BATCH):
        part = products[start : start + BATCH]
        axes = OptionAxis.plain.filter(product_id__in=part).order_by("position", "pk")
        order |= {pk: place for place, pk in enumerate(axes.values_list("pk", flat=True), start=len(order))}
        options = VariantOption.plain.filter(variant__product_id__in=part).select_related("axis", "value")
        for one in options:
            values[one.variant_id].append((order[one.axis_id], (one.axis.name, one.value.value, one.value.code)))
    numbers: dict[int, int] = defaultdict(int)
    found = {}
    for row in variants:
        numbers[row.product_id] += 1
        product = row.product
        found[row.pk] = Named(
            key=row.pk,
            product={"code": product.code, "name": product.name, "brand": product.brand},
            variant={"code": row.code, "barcode": row.barcode, "name": row.name},
            axes=[axis for _, axis in sorted(values[row.pk])],
            number=numbers[row.product_id],
        )
    return found


def _propose_ours(parsed: Sequence[object], variants: Sequence[Variant], named: Mapping[int, Named]) -> list[Proposal]:
    merchant_id = variants[0].merchant_id if variants else 0

    def taken(codes: list[str]) -> dict[str, tuple[int, str]]:
        found: dict[str, tuple[int, str]] = {}
        for start in range(0, len(codes), BATCH):
            rows = Variant.plain.filter(merchant_id=merchant_id, code__in=codes[start : start + BATCH])
            found |= {row.code: (row.pk, str(row)) for row in rows}
        return found

    led = _led_by(list(named))
    proposals = propose(
        parsed,  # type: ignore[arg-type]  # as parse_pattern made it
        [named[row.pk] for row in variants if row.pk not in led],
        current={row.pk: row.code for row in variants if row.pk not in led},
        taken=taken,
        limit=_limit(list_shops(merchant_id)),
    )
    by_key = {one.key: one for one in proposals}
    refused = "{} gives this code; change it there."
    return [
        by_key.get(row.pk) or Proposal(key=row.pk, before=row.code, problem=refused.format(led[row.pk]))
        for row in variants
    ]


def _led_by(variant_ids: Sequence[int]) -> dict[int, str]:
    """Which back office gives the code of each of these."""
    found: dict[int, str] = {}
    for start in range(0, len(variant_ids), BATCH):
        rows = Binding.plain.filter(
            variant_id__in=variant_ids[start : start + BATCH], state=State.BOUND, connection__role__in=BACK_OFFICES
        )
        found |= {row.variant_id or 0: row.connection.name for row in rows.select_related("connection")}
    return found


def _propose_theirs(
    parsed: Sequence[object],
    variants: Sequence[Variant],
    named: Mapping[int, Named],
    labels: Mapping[int, str],
    connection: Connection,
) -> tuple[list[Proposal], dict[int, str]]:
    """The keys are the shop's articles here."""
    bindings: list[Binding] = []
    ids = [row.pk for row in variants]
    for start in range(0, len(ids), BATCH):
        rows = Binding.plain.filter(connection=connection, variant_id__in=ids[start : start + BATCH])
        bindings += rows.filter(state=State.BOUND).order_by("pk")
    place = {pk: index for index, pk in enumerate(ids)}
    bindings.sort(key=lambda row: (place[row.variant_id or 0], row.pk))

    def taken(codes: list[str]) -> dict[str, tuple[int, str]]:
        found: dict[str, tuple[int, str]] = {}
        for start in range(0, len(codes), BATCH):
            rows = Binding.plain.filter(connection=connection, reference_code__in=codes[start : start + BATCH])
            found |= {row.reference_code: (row.pk, str(row)) for row in rows.exclude(state=State.STALE)}
        return found

    proposals = propose(
        parsed,  # type: ignore[arg-type]  # as parse_pattern made it
        [replace(named[row.variant_id or 0], key=row.pk) for row in bindings],
        current={row.pk: row.reference_code for row in bindings},
        taken=taken,
        limit=_limit([connection]),
    )
    return proposals, {row.pk: labels[row.variant_id or 0] for row in bindings}


def _limit(shops: Iterable[Connection]) -> tuple[int, str]:
    """The most characters a code may have, and who says so."""
    limits = [(PLATFORM_LIMITS[shop.platform], shop.name) for shop in shops if shop.platform in PLATFORM_LIMITS]
    return min(limits, default=(LONGEST_CODE, "the portal"))


@transaction.atomic
def save_codes(
    *,
    merchant_id: int,
    products: QuerySet[Product],
    pattern: str,
    connection: Connection | None,
    token: str,
    by: User | None,
    at: datetime,
) -> SavedCodes:
    """Save the codes that were looked at; those with a problem are left. Raises Changed where they are others now."""
    preview = preview_codes(products=products, pattern=pattern, connection=connection)
    if preview.token != token:
        raise Changed("Something changed meanwhile; look at the codes again.")
    codes = {one.key: one.code for one in preview.changing}
    recorder = Recorder(merchant_id=merchant_id, kind="codes", by=by, at=at, connection=connection)
    ids = {row.pk for row in products[:2]}
    recorder.product = products.get() if len(ids) == 1 else None
    bound = _save_ours(codes, recorder) if connection is None else _save_theirs(codes, recorder)
    where = connection.name if connection else "our articles"
    return SavedCodes(
        change=recorder.save(f"{len(codes)} codes of {where} by {pattern}"), saved=len(codes), bound=bound
    )


def _save_ours(codes: Mapping[int, str], recorder: Recorder) -> int:
    rows = _lock(Variant.plain.all(), list(codes))
    recorder.note_before("variant", rows)
    write_codes(rows, codes, at=recorder.at)
    recorder.note_after("variant", rows)
    waiting: list[Binding] = []
    texts = list(codes.values())
    for start in range(0, len(texts), BATCH):
        found = Binding.plain.filter(merchant_id=recorder.merchant_id, state=State.CONFLICT)
        waiting += found.filter(reference_code__in=texts[start : start + BATCH]).order_by("pk")
    recorder.note_before("binding", waiting)
    bound = 0
    for start in range(0, len(texts), BATCH):
        part = texts[start : start + BATCH]
        bound += match_again(merchant_id=recorder.merchant_id, codes=part, barcodes=[], at=recorder.at)
    recorder.note_after("binding", Binding.plain.filter(pk__in=[row.pk for row in waiting]))
    return bound


def _save_theirs(codes: Mapping[int, str], recorder: Recorder) -> int:
    rows = _lock(Binding.plain.all(), list(codes))
    recorder.note_before("code", rows)
    for row in rows:
        row.reference_code = codes[row.pk]
    Binding.plain.bulk_update(rows, ["reference_code"], batch_size=BATCH)
    recorder.note_after("code", rows)
    return 0


def _lock(rows: QuerySet[Any], pks: Sequence[int]) -> list[Any]:
    found: list[Any] = []
    ordered = sorted(pks)
    for start in range(0, len(ordered), BATCH):
        found += rows.select_for_update().filter(pk__in=ordered[start : start + BATCH]).order_by("pk")
    return found


@transaction.atomic
def save_value_codes(
    *, product: Product, codes: Mapping[int, str], by: User | None, at: datetime
) -> MappingChange | None:
    """Give option values of this product the codes that patterns use; None where nothing is different."""
    rows = _lock(OptionValue.plain.filter(axis__product=product), list(codes))
    recorder = Recorder(merchant_id=product.merchant_id, kind="codes", by=by, at=at, product=product)
    recorder.note_before("value", rows)
    changed = [row for row in rows if row.code != codes[row.pk].strip()[:40]]
    for row in changed:
        row.code = codes[row.pk].strip()[:40]
    OptionValue.plain.bulk_update(changed, ["code"], batch_size=BATCH)
    recorder.note_after("value", rows)
    return recorder.save(f"{len(changed)} codes of option values of {product.code}")
