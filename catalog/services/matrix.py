"""The grid of a product: its variants by their axes, and the shop's article in each cell. Reads only."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from itertools import product as combine

from django.db.models import Q

from catalog.models import AxisValueMapping, Binding, OptionAxis, OptionValue, Product, Variant, VariantOption
from integrations.models import Connection

State = Binding.State
SHOPS = (Connection.Role.STORE, Connection.Role.CHANNEL)  # a back office's articles are ours by definition
MOST_LOOSE = 300
ONE = Decimal(1)
_SCORE = re.compile(r"\s*(\d{1,3})(?:[.,]\d+)?\s*%[\s:·,;–-]*")


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """One variant at one connection. `variant` None: no article of ours is this combination.

    `state`: bound, suggested, conflict, stale, missing or none (no variant). `binding` is what the cell shows, `more`
    what else is bound to the variant there (a crate beside the piece).
    """

    variant: Variant | None = None
    connection: Connection | None = None
    binding: Binding | None = None
    more: tuple[Binding, ...] = ()
    state: str = "none"
    label: str = ""

    @property
    def key(self) -> str:
        return f"{self.variant.pk}-{self.connection.pk}" if self.variant and self.connection else ""

    @property
    def shown(self) -> str:
        """What stands in the cell: the article's code there, its id where the shop holds no codes."""
        return show(self.binding) if self.binding and self.state in {"bound", "stale"} else ""

    @property
    def was(self) -> str:
        """What the person saw: the article bound when the page was made."""
        return str(self.binding.pk) if self.binding and self.state in {"bound", "stale"} else ""

    @property
    def offered(self) -> str:
        return name(self.binding) if self.binding and self.state == "suggested" else ""

    @property
    def score(self) -> str:
        return f"{split_reason(self.binding.reason)[0]} %" if self.binding and _SCORE.match(self.binding.reason) else ""

    @property
    def why(self) -> str:
        return split_reason(self.binding.reason)[1] if self.binding else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    label: str
    cells: tuple[Cell, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """A table: one value of the third axis (and the ones after it), or the only one."""

    label: str = ""
    corner: str = ""
    columns: tuple[str, ...] = ()
    rows: tuple[Row, ...] = ()


@dataclass(kw_only=True)
class Grid:
    product: Product
    axes: list[OptionAxis]
    values: dict[int, list[OptionValue]]  # axis → its values, in order
    connections: list[Connection]
    variants: list[Variant]
    combination: dict[int, frozenset[int]]  # variant → its values
    sections: list[Section] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=dict)
    loose: list[Binding] = field(default_factory=list)  # articles of the same products there that have no place yet


def show(row: Binding) -> str:
    return row.reference_code or row.external_id


def name(row: Binding) -> str:
    """What can be typed for exactly this article, whatever codes there are."""
    return f"id:{row.external_id}"


def split_reason(reason: str) -> tuple[int | None, str]:
    """ "92 %: same barcode stem" → (92, "same barcode stem"); no figure in front → (None, all of it)."""
    match = _SCORE.match(reason)
    return (int(match[1]), reason[match.end() :]) if match else (None, reason)


def list_shops(merchant_id: int) -> list[Connection]:
    """The connections a product is mapped for."""
    rows = Connection.plain.filter(merchant_id=merchant_id, role__in=SHOPS).exclude(state=Connection.State.DISABLED)
    return list(rows.order_by("name"))


def get_grid(*, product: Product, shops: Sequence[Connection]) -> Grid:
    """Axes as rows and columns at one shop; at several, a row a variant and a column a shop. Nine queries at most."""
    axes, values = list_axes(product)
    variants = list(Variant.plain.filter(product=product).order_by("position", "pk"))
    grid = Grid(
        product=product,
        axes=axes,
        values=values,
        connections=list(shops),
        variants=variants,
        combination=list_combinations(product),
    )
    bound = _list_bindings(product, shops)
    many = len(shops) != 1
    grid.sections = _as_list(grid, bound) if many else _as_matrix(grid, bound, shops[0])
    grid.counts = _count(grid)
    grid.loose = _list_loose(product, shops, bound.values())
    return grid


def list_axes(product: Product) -> tuple[list[OptionAxis], dict[int, list[OptionValue]]]:
    axes = list(OptionAxis.plain.filter(product=product).order_by("position", "pk"))
    values: dict[int, list[OptionValue]] = {axis.pk: [] for axis in axes}
    for value in OptionValue.plain.filter(axis__product=product).order_by("position", "pk"):
        values[value.axis_id].append(value)
    return axes, values


def list_combinations(product: Product) -> dict[int, frozenset[int]]:
    """Variant → the option values it is."""
    found: dict[int, set[int]] = defaultdict(set)
    rows = VariantOption.plain.filter(variant__product=product).order_by("pk")
    for variant_id, value_id in rows.values_list("variant_id", "value_id"):
        found[variant_id].add(value_id)
    return {pk: frozenset(ids) for pk, ids in found.items()}


def choose_primary(rows: Iterable[Binding]) -> tuple[Binding | None, tuple[Binding, ...]]:
    """Of the articles bound to one variant at one connection: the one its cell shows (single pieces first), others."""
    ranked = sorted(rows, key=lambda row: (row.state == State.STALE, row.factor != ONE, row.pk))
    return (ranked[0], tuple(ranked[1:])) if ranked else (None, ())


# --- making the tables ------------------------------------------------------------------------------------------------

Bound = Mapping[tuple[int, int], Sequence[Binding]]


def _list_bindings(product: Product, shops: Sequence[Connection]) -> dict[tuple[int, int], list[Binding]]:
    rows = Binding.plain.filter(variant__product=product, connection__in=shops).exclude(state=State.IGNORED)
    found: dict[tuple[int, int], list[Binding]] = defaultdict(list)
    for row in rows.order_by("pk"):
        found[row.variant_id or 0, row.connection_id].append(row)
    return found


def _make_cell(variant: Variant | None, connection: Connection, bound: Bound, label: str) -> Cell:
    if variant is None:
        return Cell(connection=connection, label=label)
    mine = bound.get((variant.pk, connection.pk), ())
    primary, more = choose_primary(row for row in mine if row.state in {State.BOUND, State.STALE})
    state = str(primary.state) if primary else "missing"
    if primary is None:
        rest = sorted(mine, key=lambda row: (row.state != State.SUGGESTED, row.pk))
        if rest:
            primary, more, state = rest[0], tuple(rest[1:]), str(rest[0].state)
    return Cell(variant=variant, connection=connection, binding=primary, more=more, state=state, label=label)


def _as_list(grid: Grid, bound: Bound) -> list[Section]:
    labels = _labels(grid)
    rows = tuple(
        Row(
            label=labels[variant.pk],
            cells=tuple(
                _make_cell(variant, shop, bound, f"{labels[variant.pk]} · {shop}") for shop in grid.connections
            ),
        )
        for variant in grid.variants
    )
    corner = " / ".join(axis.name for axis in grid.axes)
    return [Section(corner=corner, columns=tuple(str(shop) for shop in grid.connections), rows=rows)]


def _labels(grid: Grid) -> dict[int, str]:
    place = {value.pk: (index, value.value) for index, axis in enumerate(grid.axes) for value in grid.values[axis.pk]}
    found = {}
    for variant in grid.variants:
        mine = sorted(place[pk] for pk in grid.combination.get(variant.pk, ()) if pk in place)
        found[variant.pk] = " / ".join(text for _, text in mine) or variant.name or variant.code
    return found


def _as_matrix(grid: Grid, bound: Bound, shop: Connection) -> list[Section]:
    """The first axis downwards, the second across, one table for each combination of the others; what is no
    combination of the axes stands in a list of its own."""
    by_values = {values: pk for pk, values in grid.combination.items()}
    variants = {variant.pk: variant for variant in grid.variants}
    lists = [grid.values[axis.pk] for axis in grid.axes]
    placed: set[int] = set()

    def find(*values: OptionValue | None) -> Variant | None:
        found = variants.get(by_values.get(frozenset(value.pk for value in values if value), 0))
        if found:
            placed.add(found.pk)
        return found

    sections = []
    across: list[OptionValue | None] = [*lists[1]] if len(lists) > 1 else [None]
    for rest in combine(*lists[2:]) if lists else ():
        rows = []
        for down in lists[0]:
            cells = []
            for over in across:
                label = " / ".join(value.value for value in (down, over, *rest) if value)
                cells.append(_make_cell(find(down, over, *rest), shop, bound, label))
            rows.append(Row(label=down.value, cells=tuple(cells)))
        sections.append(
            Section(
                label=" / ".join(value.value for value in rest),
                corner=grid.axes[0].name,
                columns=tuple(value.value for value in across if value) or (str(shop),),
                rows=tuple(rows),
            )
        )
    others = [variant for variant in grid.variants if variant.pk not in placed]
    if others:
        labels = _labels(grid)
        rows = [Row(label=labels[one.pk], cells=(_make_cell(one, shop, bound, labels[one.pk]),)) for one in others]
        label = "Outside the axes" if sections else ""
        sections.append(Section(label=label, columns=(str(shop),), rows=tuple(rows)))
    return sections


def _count(grid: Grid) -> dict[str, int]:
    """Cells by state; `codes` = those that can have an article; `none` = combinations we have no article for."""
    counts: dict[str, int] = defaultdict(int)
    for section in grid.sections:
        for row in section.rows:
            for cell in row.cells:
                counts[cell.state] += 1
                counts["codes"] += cell.state != "none"
    return dict(counts)


def _list_loose(product: Product, shops: Sequence[Connection], bound: Iterable[Sequence[Binding]]) -> list[Binding]:
    parents = {row.parent_external_id for rows in bound for row in rows if row.parent_external_id}
    mapped = AxisValueMapping.plain.filter(axis__product=product, connection__in=shops)
    parents |= set(mapped.values_list("parent_external_id", flat=True).distinct())
    if not parents:
        return []
    undecided = Q(state=State.CONFLICT) | Q(state=State.SUGGESTED)
    rows = Binding.plain.filter(undecided, connection__in=shops, parent_external_id__in=parents)
    return list(rows.order_by("connection_id", "reference_code", "pk")[:MOST_LOOSE])
