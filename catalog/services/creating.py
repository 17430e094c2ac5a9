"""Products a shop lacks: which they are, and making them there, once, as commands.

Matching comes first: what a code or a barcode of the shop's could be is mapped, not made a second time.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet

from catalog.models import Binding, Product, Variant
from catalog.services.binding import free
from catalog.services.content import STATUSES, refresh_wanted_products
from catalog.services.photos import list_addresses
from integrations.contract import records as r
from integrations.models import Command, Connection, Cursor, Flow, Stream
from integrations.sync.outbox import enqueue
from integrations.sync.platforms import list_capabilities

KIND = "create_product"
SUBJECT = "product"
REASON = "made there by us"


def why_not_create(connection: Connection) -> str:
    """Words where nothing can be made there, '' where it can."""
    if KIND not in list_capabilities(connection.platform, connection.settings):
        return f"{connection}'s platform cannot create products."
    read = Cursor.plain.filter(flow__connection=connection, flow__stream=Stream.PRODUCT, since__isnull=False)
    if not read.filter(flow__direction=Flow.Direction.PULL).exists():
        return f"Read the products of {connection} first: what it has already is mapped, not made again."
    return ""


def list_missing(connection: Connection) -> QuerySet[Product]:
    """Active products with articles, none of which the shop has or could have, and which are not on their way there."""
    there = Binding.plain.filter(connection=connection)
    mine = there.filter(variant__product=OuterRef("pk"))
    variants = Variant.plain.filter(product=OuterRef("pk"), is_active=True)
    alike = variants.filter(
        Exists(there.filter(reference_code=OuterRef("code")))
        | (~Q(barcode="") & Exists(there.filter(barcode=OuterRef("barcode"))))
    )
    on_its_way = Command.plain.filter(connection=connection, kind=KIND, subject_id=OuterRef("pk")).exclude(
        state=Command.State.WITHDRAWN
    )
    found = Product.plain.filter(merchant_id=connection.merchant_id, status=Product.Status.ACTIVE)
    return found.filter(~Exists(mine), ~Exists(alike), ~Exists(on_its_way), Exists(variants)).order_by("pk")


@transaction.atomic
def create_missing(*, connection: Connection, product_ids: Sequence[int], at: datetime) -> int:
    """Have these made there; how many are on their way now. What is no longer missing is left out."""
    Connection.plain.select_for_update().get(pk=connection.pk)
    products = list_missing(connection).filter(pk__in=product_ids)
    for product in products:
        enqueue(
            connection=connection,
            kind=KIND,
            stream=Stream.PRODUCT,
            subject=(SUBJECT, product.pk),
            line=f"{SUBJECT}:{product.pk}",
            reference=product.code,
            at=at,
        )
    return len(products)


def build_product(*, product: Product, connection: Connection) -> r.ProductDocument:
    """The product as this shop is sent it, with its axes and all its active articles. Prices and stock follow as soon
    as it is there."""
    variants = product.variants.filter(is_active=True).order_by("position", "pk")
    options: dict[int, list[tuple[str, str]]] = {}
    axes = []
    for axis in product.axes.order_by("position", "pk"):
        values = axis.values.order_by("position", "pk")
        axes.append(r.AxisRecord(name=axis.name, values=tuple(value.value for value in values)))
    rows = variants.filter(options__isnull=False).order_by("options__axis__position", "options__axis")
    for pk, axis_name, value_name in rows.values_list("pk", "options__axis__name", "options__value__value"):
        options.setdefault(pk, []).append((axis_name, value_name))
    return r.ProductDocument(
        reference=product.code,
        product=r.ProductRecord(
            external_id="",
            code=product.code,
            name=product.name,
            description=product.description,
            status=STATUSES[Product.Status(product.status)],
            brand=product.brand,
            categories=tuple(product.categories),
            image_urls=list_addresses(connection=connection, products=[product])[product.pk],
            axes=tuple(axes),
            variants=tuple(
                r.VariantRecord(
                    external_id="", sku=row.code, barcode=row.barcode, name=row.name,
                    options=tuple(options.get(row.pk, ())),
                )
                for row in variants
            ),
        ),
    )  # fmt: skip


def bind_created(*, connection: Connection, product: Product, result: r.CommandResult, at: datetime) -> int:
    """The articles that were made are bound by the codes they were made with; how many."""
    variants = {row.code: row for row in product.variants.all()}
    made = []
    for code, external_id in result.children:
        variant = variants.get(code)
        if variant is None:
            continue
        row, _ = Binding.plain.update_or_create(
            merchant_id=connection.merchant_id,
            connection=connection,
            external_id=external_id,
            defaults={
                "variant": variant,
                "parent_external_id": result.external_id,
                "reference_code": code[:100],
                "barcode": variant.barcode,
                "title": (variant.name or product.name)[:300],
                "state": Binding.State.BOUND,
                "reason": REASON,
            },
        )
        made.append(row)
    free(made, at=at)
    refresh_wanted_products(merchant_id=connection.merchant_id, product_ids=[product.pk], at=at)
    return len(made)
