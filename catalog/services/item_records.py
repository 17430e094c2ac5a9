"""What a file says of a product, laid over what is known of it here: the record a pull would have read."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.db.models import Q

from catalog.mapping.feed_rows import OPTION, RowNote
from catalog.mapping.item_rows import SKU
from catalog.models import Binding, Product
from catalog.services.record_staging import Family
from integrations.contract import records as r
from integrations.models import Connection, Link, Stream

State = Binding.State
STATUSES = {"active": r.ProductStatus.ACTIVE, "draft": r.ProductStatus.DRAFT, "archived": r.ProductStatus.ARCHIVED}
LAST = 1 << 30  # the position of an article that is new
Row = tuple[int, dict[str, Any]]
Options = tuple[tuple[str, str], ...]


@dataclass
class Known:
    """Articles of the connection by their ids and codes, and by the product they belong to there; our products, and
    which id they have there by our code."""

    by_id: dict[str, Binding] = field(default_factory=dict)
    by_code: dict[str, Binding] = field(default_factory=dict)
    by_parent: dict[str, list[Binding]] = field(default_factory=lambda: defaultdict(list))
    products: dict[str, Product] = field(default_factory=dict)
    parents: dict[str, str] = field(default_factory=dict)

    def find(self, values: dict[str, Any]) -> Binding | None:
        """By its number where the file has numbers, else by its code."""
        if "external_id" in values:
            return self.by_id.get(values["external_id"])
        return self.by_code.get(values["sku"]) or self.by_id.get(values["sku"])


def read_known(connection: Connection, page: Sequence[Family]) -> Known:
    """Four statements, however many rows."""
    rows = [values for family in page for _line, values in family.rows]
    known = Known()
    mine = Binding.plain.filter(connection=connection).select_related("variant").order_by("pk")
    named = Q(external_id__in=[row["key"] for row in rows]) | Q(reference_code__in=[row["sku"] for row in rows])
    for binding in mine.filter(named):
        known.by_id[binding.external_id] = binding
        other = known.by_code.get(binding.reference_code)
        if other is None or other.state == State.STALE:
            known.by_code[binding.reference_code] = binding
    codes = {row["product"] for row in rows} - {""}
    parents = {binding.parent_external_id for binding in known.by_id.values()} | set(map(parent_id, rows))
    ours = Product.plain.filter(merchant_id=connection.merchant_id, code__in=codes).values("pk")
    links = Link.plain.filter(connection=connection, stream=Stream.PRODUCT, subject_type="product")
    named_there = Q(external_id__in=parents) | Q(subject_id__in=ours)
    there = dict(links.filter(named_there).values_list("external_id", "subject_id"))
    products = {product.pk: product for product in Product.plain.filter(pk__in=there.values())}
    known.products = {external_id: products[pk] for external_id, pk in there.items() if pk in products}
    known.parents = {product.code: external_id for external_id, product in known.products.items()}
    for binding in mine.filter(parent_external_id__in={*parents, *there}):
        known.by_parent[binding.parent_external_id].append(binding)
    return known


def parent_id(values: Mapping[str, Any]) -> str:
    """How a product is called there that nobody has told us of. A product and an article of the same code are two."""
    return f"P:{values['product']}" if values["product"] else str(values["key"])


def build_record(
    family: Family, known: Known, columns: Mapping[str, str], *, keeps_others: bool
) -> r.ProductRecord | RowNote:
    """The product of these rows; with `keeps_others` its other articles stay. A note where that cannot be."""
    parent = _find_parent(family, known)
    rows = family.rows
    if (note := _check(rows, parent, known, columns)) is not None:
        return note
    statuses = [values["status"] for _line, values in rows if "status" in values]
    if "archived" in statuses and set(statuses) != {"archived"}:  # of a product that goes on these articles are gone
        rows = [row for row in rows if row[1]["status"] != "archived"]
    title = _first(rows, "title") or (known.products[parent].name if parent in known.products else "")
    title = title or rows[0][1]["product"] or rows[0][1]["sku"]
    variants = _list_variants(family, rows, known, parent, title, columns, keeps_others=keeps_others)
    return r.ProductRecord(
        external_id=parent,
        code=rows[0][1]["product"] or rows[0][1]["sku"],
        name=title,
        description=_first(rows, "description"),
        status=_find_status(statuses, parent, known),
        brand=_first(rows, "brand"),
        categories=tuple(dict.fromkeys(name for _line, values in rows for name in values.get("categories", ()))),
        image_urls=tuple(dict.fromkeys(one for _line, values in rows for one in values.get("images", ()))),
        axes=_list_axes(variant.options for variant in variants),
        variants=variants,
        raw={"lines": [line for line, _values in rows]},
    )


def _find_parent(family: Family, known: Known) -> str:
    """What most of its articles belong to already; else the product of that code; else a new one."""
    found = [binding for _line, values in family.rows if (binding := known.find(values)) is not None]
    parents = Counter(binding.parent_external_id for binding in found if binding.parent_external_id)
    if parents:
        return parents.most_common(1)[0][0]
    values = family.rows[0][1]
    return known.parents.get(values["product"]) or parent_id(values)


def _check(rows: Sequence[Row], parent: str, known: Known, columns: Mapping[str, str]) -> RowNote | None:
    seen: dict[Options, Row] = {}
    for line, values in rows:
        binding = known.find(values)
        if binding is not None and binding.parent_external_id not in {"", parent}:
            other = known.products.get(binding.parent_external_id)
            words = f"{values['sku']} is an article of {other.code if other else 'another product'} here already; a"
            words += " file moves no article to another product."
            return RowNote(line=line, column=columns[SKU], code="other_product", message=words)
        options = tuple((axis, value) for axis, value in values["options"])
        if options and options in seen:
            first, said = seen[options][0], ", ".join(f"{axis} {value}" for axis, value in options)
            words = f"{values['sku']} has the same options as {seen[options][1]['sku']} in line {first}: {said}."
            return RowNote(line=line, column=columns[SKU], code="duplicate_options", message=words)
        seen[options] = (line, values)
    return None


def _list_variants(
    family: Family,
    rows: Sequence[Row],
    known: Known,
    parent: str,
    title: str,
    columns: Mapping[str, str],
    *,
    keeps_others: bool,
) -> tuple[r.VariantRecord, ...]:
    """As in the file; with `keeps_others` those that are here in their order here, and then the new ones."""
    has_options = any(name.startswith(OPTION) for name in columns)
    named = [(known.find(values), values) for _line, values in rows]
    made = [(binding, _of_row(values, binding, title, has_options=has_options)) for binding, values in named]
    if not keeps_others:
        return tuple(record for _binding, record in made)
    told = {binding.external_id for _line, values in family.rows if (binding := known.find(values)) is not None}
    others = [row for row in known.by_parent[parent] if row.external_id not in told and row.state != State.STALE]
    made += [(row, _of_binding(row)) for row in others]
    made.sort(key=lambda one: one[0].variant.position if one[0] is not None and one[0].variant is not None else LAST)
    return tuple(record for _binding, record in made)


def _find_status(statuses: Sequence[str], parent: str, known: Known) -> r.ProductStatus:
    """What the file says; else as it is, but that a product is back whose articles were all gone."""
    if statuses:
        return next(STATUSES[word] for word in STATUSES if word in statuses)
    product = known.products.get(parent)
    is_back = all(row.state == State.STALE for row in known.by_parent[parent])
    return r.ProductStatus.ACTIVE if product is None or is_back else STATUSES[product.status]


def _of_row(values: Mapping[str, Any], binding: Binding | None, title: str, *, has_options: bool) -> r.VariantRecord:
    options: Options = tuple((axis, value) for axis, value in values["options"])
    if not has_options and binding is not None:
        options = tuple((axis, value) for axis, value in binding.options)
    said = ", ".join(value for _axis, value in options)
    return r.VariantRecord(
        external_id=binding.external_id if binding is not None else values["key"],
        sku=values["sku"],
        barcode=values.get("barcode", binding.barcode if binding is not None else ""),
        name=f"{title} ({said})" if said else title,
        options=options,
        unit=values.get("unit"),
    )


def _of_binding(row: Binding) -> r.VariantRecord:
    """An article the file does not name, as it is known."""
    return r.VariantRecord(
        external_id=row.external_id,
        sku=row.reference_code,
        barcode=row.barcode,
        name=row.variant.name if row.variant is not None else row.title,
        options=tuple((axis, value) for axis, value in row.options),
    )


def _list_axes(options: Iterable[Options]) -> tuple[r.AxisRecord, ...]:
    found: dict[str, dict[str, None]] = {}
    for pairs in options:
        for axis, value in pairs:
            found.setdefault(axis, {})[value] = None
    return tuple(r.AxisRecord(name=name, values=tuple(values)) for name, values in found.items())


def _first(rows: Sequence[Row], name: str) -> str:
    """What the first row says that says anything: files tell of a product in one of its rows or in all."""
    return next((text for _line, values in rows if (text := values.get(name))), "")
