"""Products of a back office: it is the one that says what there is, so its articles become ours.

A page is applied with a fixed number of statements, whatever its size.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from os.path import commonprefix
from typing import Any

from catalog.mapping import Match
from catalog.models import Binding, MappingConflict, OptionAxis, OptionValue, Product, Variant, VariantOption
from catalog.services.binding import free, match_again, name_article, save_conflicts
from catalog.services.content import list_owned_fields, refresh_wanted_products
from catalog.services.fetching import follow_addresses
from catalog.services.item_changes import touch
from catalog.services.photos import list_images, take_photos
from integrations.contract import records as r
from integrations.models import Connection, Link, Stream
from integrations.sync.handlers import Applied, Skipped

State = Binding.State
Type = MappingConflict.Type
PRODUCT_FIELDS = ("name", "description", "status", "brand", "categories", "image_urls")
STATUSES = {
    r.ProductStatus.ACTIVE: Product.Status.ACTIVE,
    r.ProductStatus.DRAFT: Product.Status.DRAFT,
    r.ProductStatus.ARCHIVED: Product.Status.ARCHIVED,
    r.ProductStatus.UNKNOWN: Product.Status.ACTIVE,
}
SHORTEST_FAMILY = 3
CREATED, UPDATED, UNCHANGED = "created", "updated", "unchanged"


@dataclass
class _Work:
    """One record on its way: what of it is ours, and whether it changes anything."""

    record: r.ProductRecord
    product: Product | None = None
    is_new: bool = False
    is_changed: bool = False
    variants: list[tuple[r.VariantRecord, Variant]] = field(default_factory=list)


def apply_back_office(
    *, connection: Connection, records: Sequence[r.ProductRecord], at: datetime, leave: frozenset[str] = frozenset()
) -> Applied:
    """Create and change our products, variants and bindings as the back office has them; of products that are here
    already the fields in `leave` stay, for the records say nothing about them."""
    words = Counter(write_products(connection=connection, records=records, at=at, leave=leave).values())
    skipped = tuple(_skip(record) for record in records if not _usable(record))
    return Applied(created=words[CREATED], updated=words[UPDATED], unchanged=words[UNCHANGED], skipped=skipped)


def write_products(
    *, connection: Connection, records: Sequence[r.ProductRecord], at: datetime, leave: frozenset[str] = frozenset()
) -> dict[int, str]:
    """The same, record by record: its place among them → what became of it; one that cannot be used is left out."""
    found = {place: _Work(record=record) for place, record in enumerate(records) if _usable(record)}
    work = list(found.values())
    page = _Page(connection, work, at, leave)
    page.write_products()
    page.write_photos()
    page.write_variants()
    page.write_options()
    page.write_bindings()
    touched = [one.product.pk for one in work if one.product is not None and (one.is_new or one.is_changed)]
    refresh_wanted_products(merchant_id=connection.merchant_id, product_ids=touched, at=at)
    touch(product_ids=[one.product.pk for one in work if one.product and one.is_changed and not one.is_new], at=at)
    return {place: CREATED if one.is_new else UPDATED if one.is_changed else UNCHANGED for place, one in found.items()}


def _usable(record: r.ProductRecord) -> bool:
    return record.deleted or any(variant.sku for variant in record.variants)


def _skip(record: r.ProductRecord) -> Skipped:
    words = f"{record.name} has no code there; give each of its articles one, then it comes by itself."
    return Skipped(external_id=record.external_id, code="no_code", message=words)


def option_key(variant: r.VariantRecord) -> str:
    """ "Colour=Red|Size=Small"; '' for an article without options."""
    return "|".join(f"{axis}={value}" for axis, value in variant.options)[:300]


class _Page:
    """The records of one page, and what we have of them already."""

    def __init__(self, connection: Connection, work: list[_Work], at: datetime, leave: frozenset[str]) -> None:
        self.connection, self.merchant_id, self.work, self.at = connection, connection.merchant_id, work, at
        self.owned_there = list_owned_fields(connection)
        self.owned = self.owned_there - leave
        ids = [one.record.external_id for one in work]
        bindings = Binding.plain.filter(connection=connection, parent_external_id__in=ids).order_by("pk")
        self.bindings = {row.external_id: row for row in bindings}
        links = Link.plain.filter(connection=connection, stream=Stream.PRODUCT, external_id__in=ids)
        self.linked = dict(links.values_list("external_id", "subject_id"))

    # products ------------------------------------------------------------------------------------------------------

    def write_products(self) -> None:
        known = {row.pk: row for row in Product.plain.filter(pk__in=list(self.linked.values()))}
        wanted = {one.record.external_id: family_code(one.record) for one in self.work}
        same_code = Product.plain.filter(merchant_id=self.merchant_id, code__in=wanted.values())
        by_code = {row.code: row for row in same_code}
        taken = set(by_code)
        new, changed = [], []
        for one in self.work:
            product = known.get(self.linked.get(one.record.external_id, 0))
            if product is None and one.record.deleted:
                continue
            if product is None:
                code = wanted[one.record.external_id]
                if code in taken:
                    code = f"{code}-{one.record.external_id}"[:100]
                taken.add(code)
                product = Product(merchant_id=self.merchant_id, code=code)
                _fill(product, one.record, frozenset(PRODUCT_FIELDS))
                new.append(product)
                one.is_new = True
            elif _fill(product, one.record, self.owned):
                changed.append(product)
                one.is_changed = True
            one.product = product
        Product.plain.bulk_create(new)
        Product.plain.bulk_update(changed, [*PRODUCT_FIELDS])
        Link.plain.bulk_create(
            Link(
                merchant_id=self.merchant_id,
                connection=self.connection,
                stream=Stream.PRODUCT,
                external_id=one.record.external_id,
                external_number=one.record.code[:200],
                subject_type="product",
                subject_id=one.product.pk,
            )
            for one in self.work
            if one.is_new and one.product is not None
        )

    def write_photos(self) -> None:
        """The files among the photos; of a product that is new all, else where this back office is their owner."""
        wanted = {
            one.product.pk: list_images(one.record)
            for one in self.work
            if one.product is not None and not one.record.deleted and (one.is_new or "image_urls" in self.owned)
        }
        changed = take_photos(merchant_id=self.merchant_id, wanted=wanted, at=self.at) if wanted else ()
        products = [one.product for one in self.work if one.product is not None and one.product.pk in wanted]
        follow_addresses(merchant_id=self.merchant_id, products=products)
        for one in self.work:
            one.is_changed = one.is_changed or (one.product is not None and one.product.pk in changed)

    # variants ------------------------------------------------------------------------------------------------------

    def write_variants(self) -> None:
        skus = Counter(variant.sku for one in self.work for variant in one.record.variants if variant.sku)
        bound = [row.variant_id for row in self.bindings.values() if row.variant_id is not None]
        rows = Variant.plain.filter(merchant_id=self.merchant_id)
        by_pk = {row.pk: row for row in rows.filter(pk__in=bound)}
        by_code = {row.code: row for row in rows.filter(code__in=list(skus))}
        elsewhere = self._bound_elsewhere(by_code.values())
        new, changed = [], []
        for one in self.work:
            keys = Counter(option_key(variant) for variant in one.record.variants)
            for place, record in enumerate(one.record.variants):
                if one.product is None or not record.sku or skus[record.sku] > 1:
                    continue
                binding = self.bindings.get(record.external_id)
                row = by_pk.get(binding.variant_id or 0) if binding else None
                row = row or by_code.get(record.sku)
                if row is not None and elsewhere.get(row.pk, record.external_id) != record.external_id:
                    continue
                key = option_key(record) if keys[option_key(record)] == 1 else record.sku[:300]
                if row is None:
                    row = Variant(merchant_id=self.merchant_id, product=one.product, code=record.sku[:100])
                    new.append(row)
                    by_code[record.sku] = row
                    one.is_changed = True
                    _set(row, {**self._variant_fields(record, place), "option_key": key})
                elif _set(row, {**self._variant_fields(record, place), "code": record.sku[:100], "option_key": key}):
                    changed.append(row)
                    one.is_changed = True
                one.variants.append((record, row))
        Variant.plain.bulk_create(new)
        Variant.plain.bulk_update(changed, ["code", "barcode", "name", "unit", "option_key", "position", "is_active"])
        self.new_variants = new

    def _variant_fields(self, record: r.VariantRecord, place: int) -> dict[str, Any]:
        """Its unit only where it is told, by the owner of what goods are like."""
        unit = {"unit": record.unit[:30]} if record.unit is not None and "brand" in self.owned_there else {}
        return {"barcode": record.barcode[:50], "name": record.name[:300], "position": place, "is_active": True} | unit

    def _bound_elsewhere(self, variants: Iterable[Variant]) -> dict[int, str]:
        """Which article of this connection each variant is bound to already."""
        rows = Binding.plain.filter(
            connection=self.connection, variant__in=[row.pk for row in variants], state=State.BOUND
        )
        return {row.variant_id: row.external_id for row in rows if row.variant_id is not None}

    # options -------------------------------------------------------------------------------------------------------

    def write_options(self) -> None:
        """Axes, values, and which variant has which; only what is missing is written."""
        products = {one.product.pk: one for one in self.work if one.product is not None and one.record.axes}
        axes = {(row.product_id, row.name): row for row in OptionAxis.plain.filter(product_id__in=list(products))}
        new_axes = [
            OptionAxis(merchant_id=self.merchant_id, product_id=pk, name=axis.name[:100], position=place)
            for pk, one in products.items()
            for place, axis in enumerate(one.record.axes)
            if (pk, axis.name) not in axes
        ]
        OptionAxis.plain.bulk_create(new_axes)
        axes |= {(row.product_id, row.name): row for row in new_axes}
        values = {
            (row.axis_id, row.value): row
            for row in OptionValue.plain.filter(axis__in=[row.pk for row in axes.values()])
        }
        new_values = [
            OptionValue(merchant_id=self.merchant_id, axis=axes[pk, axis.name], value=value[:100], position=place)
            for pk, one in products.items()
            for axis in one.record.axes
            for place, value in enumerate(dict.fromkeys(axis.values))
            if (axes[pk, axis.name].pk, value) not in values
        ]
        OptionValue.plain.bulk_create(new_values)
        values |= {(row.axis_id, row.value): row for row in new_values}
        self._write_variant_options(axes, values)

    def _write_variant_options(
        self, axes: dict[tuple[int, str], OptionAxis], values: dict[tuple[int, str], OptionValue]
    ) -> None:
        mine = [row.pk for one in self.work if one.is_new or one.is_changed for _, row in one.variants]
        before = {(row.variant_id, row.axis_id): row for row in VariantOption.plain.filter(variant_id__in=mine)}
        new, changed = [], []
        for one in self.work:
            if one.product is None or not (one.is_new or one.is_changed):
                continue
            for record, variant in one.variants:
                for name, text in record.options:
                    axis = axes.get((variant.product_id, name))
                    value = values.get((axis.pk, text)) if axis else None
                    if axis is None or value is None:
                        continue
                    row = before.get((variant.pk, axis.pk))
                    if row is None:
                        new.append(VariantOption(merchant_id=self.merchant_id, variant=variant, axis=axis, value=value))
                    elif row.value_id != value.pk:
                        row.value = value
                        changed.append(row)
        VariantOption.plain.bulk_create(new)
        VariantOption.plain.bulk_update(changed, ["value"])

    # bindings ------------------------------------------------------------------------------------------------------

    def write_bindings(self) -> None:
        new: list[Binding] = []
        changed: list[Binding] = []
        bound: list[Binding] = []
        conflicts: list[tuple[Binding, Match]] = []
        for one in self.work:
            mine = {record.external_id: row for record, row in one.variants}
            for record in one.record.variants:
                row = self.bindings.get(record.external_id)
                is_new = row is None
                row = row or Binding(
                    merchant_id=self.merchant_id, connection=self.connection, external_id=record.external_id
                )
                variant = mine.get(record.external_id)
                was_bound = row.state == State.BOUND and not is_new
                if not _set(row, _binding_fields(one.record, record, variant)) and not is_new:
                    continue
                one.is_changed = True
                (new if is_new else changed).append(row)
                if variant is None:
                    conflicts.append((row, _why_not(record)))
                elif not was_bound:
                    bound.append(row)
            gone = self._gone(one)
            changed += [row for row, _ in gone]
            conflicts += gone
        Binding.plain.bulk_create(new)
        Binding.plain.bulk_update(
            changed,
            ["variant", "parent_external_id", "reference_code", "barcode", "title", "options", "state", "reason"],
        )
        save_conflicts(conflicts, at=self.at)
        free(bound, at=self.at)
        codes, barcodes = [row.code for row in self.new_variants], [row.barcode for row in self.new_variants]
        if codes:
            match_again(merchant_id=self.merchant_id, codes=codes, barcodes=barcodes, at=self.at)

    def _gone(self, one: _Work) -> list[tuple[Binding, Match]]:
        """Articles that were there and are no more."""
        there = set() if one.record.deleted else {record.external_id for record in one.record.variants}
        found = []
        for row in self.bindings.values():
            if (
                row.parent_external_id == one.record.external_id
                and row.external_id not in there
                and row.state != State.STALE
            ):
                row.state, row.reason = State.STALE, "deleted there"
                found.append((row, Match(type=Type.DELETED_AT_SOURCE, reason="It was deleted there.")))
                one.is_changed = True
        return found


def family_code(record: r.ProductRecord) -> str:
    """Their code of the product; without one, what the codes of its articles begin with."""
    if record.code:
        return record.code[:100]
    skus = [variant.sku for variant in record.variants if variant.sku]
    if len(skus) == 1:
        return skus[0][:100]
    prefix = commonprefix(skus).rstrip("-_./ ")  # noqa: RUF071  letter by letter is what is wanted
    return prefix[:100] if len(prefix) >= SHORTEST_FAMILY else f"P{record.external_id}"[:100]


def _why_not(record: r.VariantRecord) -> Match:
    if not record.sku:
        return Match(type=Type.UNKNOWN_REFERENCE, reason="It has no code there; give it one.")
    return Match(type=Type.DUPLICATE_CODE, reason=f"Several articles there carry the code {record.sku}.")


def _fill(product: Product, record: r.ProductRecord, owned: frozenset[str]) -> bool:
    """Whether this changes the product: only fields this back office is the owner of, but that it is gone."""
    values: dict[str, Any] = {
        "name": record.name[:300],
        "description": record.description,
        "status": Product.Status.ARCHIVED if record.deleted else STATUSES[record.status],
        "brand": record.brand[:100],
        "categories": list(record.categories),
        "image_urls": [image.url for image in list_images(record) if image.url],
    }
    wanted = {"status"} if record.deleted else owned
    return _set(product, {name: value for name, value in values.items() if name in wanted})


def _binding_fields(product: r.ProductRecord, record: r.VariantRecord, variant: Variant | None) -> dict[str, Any]:
    return {
        "variant_id": variant.pk if variant else None,
        "parent_external_id": product.external_id,
        "reference_code": record.sku[:100],
        "barcode": record.barcode[:50],
        "title": name_article(product, record)[:300],
        "options": [list(pair) for pair in record.options],
        "state": State.BOUND if variant else State.CONFLICT,
        "reason": "its back office" if variant else "",
    }


def _set(row: Any, values: dict[str, Any]) -> bool:
    """Put these values on a row; whether any of them is new."""
    changed = False
    for name, value in values.items():
        if getattr(row, name) != value:
            setattr(row, name, value)
            changed = True
    return changed
