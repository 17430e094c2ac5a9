"""What is mapped and what is not: a row a product, a column a shop; and the progress of each shop."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from django.db.models import Count, Exists, OuterRef, Q, QuerySet

from catalog.models import Binding, MappingConflict, Product, Variant
from catalog.services.conflicts import waiting_bindings
from integrations.models import Connection
from integrations.sync.waiting import Waiting, add_up

PAGE = 50
State = Binding.State
MAPPED = (State.BOUND, State.SUGGESTED)
MISSING, SUGGESTED, CONFLICT, BOUND = "missing", "suggested", "conflict", "bound"
FILTERS = (MISSING, SUGGESTED, CONFLICT, BOUND)


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """One product in one shop, in variants; `conflict` counts the shop's articles."""

    total: int
    bound: int = 0
    suggested: int = 0
    conflict: int = 0

    @property
    def missing(self) -> int:
        return max(0, self.total - self.bound - self.suggested)

    @property
    def percent(self) -> int:
        return 100 * min(self.bound, self.total) // self.total if self.total else 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A product, its cells in the shops' order, and what waits for it."""

    product: Product
    cells: Sequence[Cell]
    waiting: Waiting = field(default_factory=Waiting)

    @property
    def is_finished(self) -> bool:
        return all(cell.bound >= cell.total and not cell.conflict for cell in self.cells)


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkPage:
    """Some rows, and where the next page begins ('' at the end)."""

    rows: Sequence[Row]
    next: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """A shop's articles by state, and how many of our variants none of them is."""

    connection: Connection
    bound: int = 0
    suggested: int = 0
    conflict: int = 0
    missing: int = 0


def list_shops(*, merchant_id: int) -> list[Connection]:
    """The columns."""
    rows = Connection.plain.filter(merchant_id=merchant_id, role__in=Connection.SELLING_ROLES)
    return list(rows.exclude(state=Connection.State.DISABLED).order_by("name", "pk"))


def list_work(
    *,
    merchant_id: int,
    shops: Sequence[Connection],
    show: str = "",
    query: str = "",
    after: str = "",
    size: int = PAGE,
    with_money: bool = True,
) -> WorkPage:
    """A page of products, those with the most money waiting first, then by name; `after` is a page's `next`."""
    waits = waiting_products(merchant_id=merchant_id) if with_money else {}
    rows = _filter(merchant_id, shops, show, query)
    found: list[Product] = []
    beyond = int(after[1:]) if after[:1] == "w" and after[1:].isdecimal() else 0
    last = int(after[1:]) if after[:1] == "p" and after[1:].isdecimal() else None
    if last is None:
        costly = sorted(rows.filter(pk__in=list(waits)), key=lambda one: (-waits[one.pk].total, one.name, one.pk))
        found = costly[beyond : beyond + size]
        if beyond + size < len(costly):
            return WorkPage(rows=_rows(found, shops, waits), next=f"w{beyond + size}")
    room = size - len(found)
    rest = list(_after(rows.exclude(pk__in=list(waits)), merchant_id, last)[: room + 1])
    shown, is_more = rest[:room], len(rest) > room
    following = (f"p{shown[-1].pk}" if shown else f"p{last or 0}") if is_more else ""
    return WorkPage(rows=_rows([*found, *shown], shops, waits), next=following)


def find_next(*, merchant_id: int, shops: Sequence[Connection], after: int | None = None) -> int | None:
    """The next product, in the worklist's order, that is not finished; from the beginning where there is none left."""
    waits = waiting_products(merchant_id=merchant_id)
    rows = _filter(merchant_id, shops, "unfinished", "")
    costly = sorted(rows.filter(pk__in=list(waits)), key=lambda one: (-waits[one.pk].total, one.name, one.pk))
    rest, ids = rows.exclude(pk__in=list(waits)), [one.pk for one in costly]
    behind = after if after is not None and after not in waits else None
    if behind is None:
        following = ids[ids.index(after) + 1 :] if after in ids else ids
        if following:
            return following[0]
    found = _after(rest, merchant_id, behind).first()
    if found is None and ids:
        return ids[0]
    found = found or _after(rest, merchant_id, None).first()
    return found.pk if found is not None else None


def waiting_products(*, merchant_id: int) -> dict[int, Waiting]:
    """Product → what waits for articles of it to be mapped."""
    waits = waiting_bindings(merchant_id=merchant_id)
    home: dict[int, int] = {}
    mapped = Binding.plain.filter(pk__in=list(waits), variant__isnull=False)
    home |= dict(mapped.values_list("pk", "variant__product_id"))
    likely = MappingConflict.plain.filter(binding__in=list(waits), resolved_at__isnull=True, product__isnull=False)
    home |= {pk: product for pk, product in likely.values_list("binding_id", "product_id") if pk and product}
    parts: dict[int, list[Waiting]] = defaultdict(list)
    for pk, product in home.items():
        parts[product].append(waits[pk])
    return {product: add_up(found) for product, found in parts.items()}


def list_progress(*, merchant_id: int) -> list[Progress]:
    """Each shop's progress, in three queries."""
    shops = list_shops(merchant_id=merchant_id)
    rows = Binding.plain.filter(connection__in=shops, state__in=(*MAPPED, State.CONFLICT))
    counted = rows.order_by().values("connection_id", "state").annotate(count=Count("pk"))
    states = {(row["connection_id"], row["state"]): row["count"] for row in counted}
    active = Variant.plain.filter(merchant_id=merchant_id, is_active=True)
    known = rows.filter(state__in=MAPPED, variant__is_active=True).order_by().values("connection_id")
    mapped = {row["connection_id"]: row["count"] for row in known.annotate(count=Count("variant", distinct=True))}
    total = active.count() if shops else 0
    return [
        Progress(
            connection=shop,
            bound=states.get((shop.pk, State.BOUND), 0),
            suggested=states.get((shop.pk, State.SUGGESTED), 0),
            conflict=states.get((shop.pk, State.CONFLICT), 0),
            missing=total - mapped.get(shop.pk, 0),
        )
        for shop in shops
    ]


def _filter(merchant_id: int, shops: Sequence[Connection], show: str, query: str) -> QuerySet[Product]:
    variants = Variant.plain.filter(product=OuterRef("pk"), is_active=True)
    rows = Product.plain.filter(Exists(variants), merchant_id=merchant_id).exclude(status=Product.Status.ARCHIVED)
    if text := query.strip():
        rows = rows.filter(Q(code__istartswith=text) | Q(name__icontains=text))
    ids = [shop.pk for shop in shops]
    suggested = Exists(Binding.plain.filter(variant__product=OuterRef("pk"), connection__in=ids, state=State.SUGGESTED))
    conflict = Exists(
        MappingConflict.plain.filter(
            product=OuterRef("pk"), connection__in=ids, resolved_at__isnull=True, binding__state=State.CONFLICT
        )
    )
    unbound = _lacks(shops, (State.BOUND,))
    wanted = {
        SUGGESTED: suggested,
        CONFLICT: conflict,
        MISSING: _lacks(shops, MAPPED),
        BOUND: ~unbound & ~Q(conflict),
        "unfinished": unbound | Q(conflict),
    }
    return rows.filter(wanted[show]) if show in wanted else rows


def _lacks(shops: Sequence[Connection], states: Sequence[str]) -> Q:
    """A variant of it has no article of these states in one of the shops."""
    lacking = Q(pk__in=[])
    for shop in shops:
        held = Binding.plain.filter(variant=OuterRef("pk"), connection=shop, state__in=states)
        lacking |= Q(Exists(Variant.plain.filter(~Exists(held), product=OuterRef("pk"), is_active=True)))
    return lacking


def _after(rows: QuerySet[Product], merchant_id: int, last: int | None) -> QuerySet[Product]:
    """By name, those behind this product."""
    rows = rows.order_by("name", "pk")
    if last is None:
        return rows
    name = Product.plain.filter(merchant_id=merchant_id, pk=last).values_list("name", flat=True).first()
    return rows if name is None else rows.filter(Q(name__gt=name) | Q(name=name, pk__gt=last))


def _rows(products: Sequence[Product], shops: Sequence[Connection], waits: Mapping[int, Waiting]) -> list[Row]:
    """With their cells, in three queries."""
    ids = [product.pk for product in products]
    active = Variant.plain.filter(product_id__in=ids, is_active=True).order_by().values("product_id")
    totals = {row["product_id"]: row["count"] for row in active.annotate(count=Count("pk"))}
    bindings = Binding.plain.filter(
        variant__product_id__in=ids, variant__is_active=True, connection__in=shops, state__in=MAPPED
    )
    grouped = bindings.order_by().values("variant__product_id", "connection_id", "state")
    states = {
        (row["variant__product_id"], row["connection_id"], row["state"]): row["count"]
        for row in grouped.annotate(count=Count("variant", distinct=True))
    }
    open_ones = MappingConflict.plain.filter(
        product_id__in=ids, connection__in=shops, resolved_at__isnull=True, binding__state=State.CONFLICT
    )
    conflicts = {
        (row["product_id"], row["connection_id"]): row["count"]
        for row in open_ones.order_by().values("product_id", "connection_id").annotate(count=Count("pk"))
    }
    return [
        Row(
            product=product,
            cells=[
                Cell(
                    total=totals.get(product.pk, 0),
                    bound=states.get((product.pk, shop.pk, State.BOUND), 0),
                    suggested=states.get((product.pk, shop.pk, State.SUGGESTED), 0),
                    conflict=conflicts.get((product.pk, shop.pk), 0),
                )
                for shop in shops
            ],
            waiting=waits.get(product.pk, Waiting()),
        )
        for product in products
    ]
