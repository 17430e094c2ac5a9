"""Articles as storefronts, tills and sales teams read them: a page with prices and stock in few statements."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from django.db import connection as database
from django.db.models import BooleanField, CharField, F, Func, Q, QuerySet, Value

from catalog.mapping.codes import list_barcode_forms
from catalog.models import AllocationRule, Product, Variant, VariantOption
from catalog.services import photos
from catalog.services.availability import choose_rule, compute_wanted
from catalog.services.item_codes import find_articles, name_variants
from catalog.services.quoting import Buyer, FoundPrice, find_prices
from catalog.services.reading import EVERYWHERE, Stock, Where, read_stock
from integrations.models import Connection

ONE = Decimal(1)
# A change is seen when its transaction ends, and is dated when it began: whoever asks next asks again from before that.
OVERLAP = timedelta(minutes=2)
LIVE = Q(is_active=True, product__status=Product.Status.ACTIVE)
_CATEGORIES = {
    "postgresql": """SELECT DISTINCT own.value FROM catalog_product p
      CROSS JOIN LATERAL jsonb_array_elements_text(p.categories) AS own(value)
      WHERE p.merchant_id = %s AND p.status = 'active' AND own.value > %s ORDER BY 1 LIMIT %s""",
    "sqlite": """SELECT DISTINCT own.value FROM catalog_product p CROSS JOIN json_each(p.categories) AS own
      WHERE p.merchant_id = %s AND p.status = 'active' AND own.value > %s ORDER BY 1 LIMIT %s""",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Filters:
    """What is asked for; '' and None ask for everything. `changed_since`: what changed from then on, and what went."""

    q: str = ""
    barcode: str = ""
    code: str = ""
    category: str = ""
    changed_since: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """An article as one connection sees it. `is_gone`: it is not sold any more. `stock` None: no back office says what
    there is; `available`: what of it this connection may sell."""

    variant: Variant
    code: str
    is_gone: bool
    options: tuple[tuple[str, str], ...] = ()
    images: tuple[str, ...] = ()
    price: FoundPrice | None = None
    stock: Stock | None = None
    available: Decimal | None = None


class HasCategory(Func):
    """Whether a product's list of categories has this one."""

    function = "jsonb_exists"
    output_field = BooleanField()

    def as_sqlite(self, compiler: Any, connection: Any, **_extra: Any) -> tuple[str, tuple[Any, ...]]:
        (names, first), (name, second) = (compiler.compile(one) for one in self.source_expressions)
        return f"EXISTS (SELECT 1 FROM json_each({names}) AS own WHERE own.value = {name})", (*first, *second)  # noqa: S608


def select_items(*, connection: Connection, filters: Filters) -> QuerySet[Variant]:
    """The articles asked for, in no order. Without `changed_since` only those that are sold."""
    rows = Variant.plain.filter(merchant_id=connection.merchant_id).select_related("product")
    rows = rows.filter(LIVE) if filters.changed_since is None else rows.filter(updated_at__gte=filters.changed_since)
    if filters.code:
        found = find_articles(connection=connection, codes=[filters.code])
        rows = rows.filter(pk__in=[article.variant_id for article in found.values()])
    if filters.barcode:
        rows = rows.filter(barcode__in=list_barcode_forms(filters.barcode))
    if filters.category:
        named = HasCategory(F("product__categories"), Value(filters.category, output_field=CharField()))
        rows = rows.filter(named)
    if filters.q:
        words = Q(name__icontains=filters.q) | Q(product__name__icontains=filters.q)
        rows = rows.filter(words | Q(code__istartswith=filters.q))
    return rows


def find_item(*, connection: Connection, code: str) -> Variant | None:
    """The article this connection means by a code, sold or not."""
    article = find_articles(connection=connection, codes=[code]).get(code)
    return Variant.plain.select_related("product").filter(pk=article.variant_id).first() if article else None


def read_items(
    *,
    connection: Connection,
    variants: Sequence[Variant],
    where: Where = EVERYWHERE,
    customer: Buyer | None = None,
    at: datetime,
) -> list[Item]:
    """Each with its code, price and stock there; as many statements for a hundred as for one."""
    live = [row for row in variants if is_live(row)]
    ids = [row.pk for row in live]
    codes = name_variants(connection=connection, codes={row.pk: row.code for row in variants})
    prices = find_prices(
        quantities=dict.fromkeys(live, ONE), connection=connection, customer=customer, at=at
    )  # fmt: skip
    stock = read_stock(merchant_id=connection.merchant_id, variant_ids=ids, where=where)
    options = _read_options(ids)
    images = photos.list_addresses(connection=connection, products={row.product for row in live})
    rules = list(AllocationRule.plain.filter(connection=connection))
    found = []
    for row in variants:
        if not is_live(row):
            found.append(Item(variant=row, code=codes[row.pk], is_gone=True))
            continue
        mine = stock.get(row.pk)
        rule = choose_rule(rules, row.product.categories)
        found.append(
            Item(
                variant=row, code=codes[row.pk], is_gone=False, options=options[row.pk],
                images=images.get(row.product_id, ()), price=prices[row.pk], stock=mine,
                available=_share(mine, rule),
            )
        )  # fmt: skip
    return found


def list_categories(*, merchant_id: int, limit: int, after: str = "") -> list[str]:
    """Those of products that are sold, in the database's order, from behind `after` on."""
    with database.cursor() as cursor:
        cursor.execute(_CATEGORIES[database.vendor], [merchant_id, after, limit])
        return [name for (name,) in cursor.fetchall()]


def is_live(row: Variant) -> bool:
    return row.is_active and row.product.status == Product.Status.ACTIVE


def _share(stock: Stock | None, rule: AllocationRule | None) -> Decimal | None:
    if stock is None:
        return None
    return stock.available if rule is None else compute_wanted(stock.available, ONE, rule)


def _read_options(ids: Sequence[int]) -> dict[int, tuple[tuple[str, str], ...]]:
    found: dict[int, list[tuple[str, str]]] = defaultdict(list)
    rows = VariantOption.plain.filter(variant_id__in=ids).order_by("axis__position", "axis_id")
    for pk, axis, value in rows.values_list("variant_id", "axis__name", "value__value"):
        found[pk].append((axis, value))
    return defaultdict(tuple, {pk: tuple(pairs) for pk, pairs in found.items()})
