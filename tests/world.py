"""A merchant with an ERP and two shops, live, with the flows between them; rows only, nobody is dialled."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from django.db import transaction

from catalog.models import Variant
from integrations.contract import records as r
from integrations.models import Connection, Flow
from integrations.sync.handlers import Applied, call
from portal.tenancy.models import Location, Merchant

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
LONG_AGO = datetime(2026, 1, 1, tzinfo=UTC)
D = Decimal


@dataclass(frozen=True)
class World:
    merchant: Merchant
    place: Location
    erp: Connection
    shop: Connection
    other: Connection

    def apply(
        self, connection: Connection, stream: str, *records: Any, read_at: datetime = NOON, at: datetime = NOON
    ) -> Applied:
        """As a pull does."""
        with transaction.atomic():
            applied: Applied = call(
                stream, "apply", self.merchant.pk, connection=connection, records=records, read_at=read_at, at=at
            )
        assert applied.seen == len(records)
        return applied

    def variant(self, code: str) -> Variant:
        return Variant.plain.get(merchant=self.merchant, code=code)


def make_world(name: str = "Northwind") -> World:
    merchant = Merchant.objects.create(name=name, slug=name.lower())
    place = Location(merchant=merchant, code="MAIN", name=f"{name} main")
    place.save()

    def connect(label: str, platform: str, role: str, prefix: str = "") -> Connection:
        row = Connection(
            merchant=merchant,
            name=label,
            platform=platform,
            role=role,
            order_prefix=prefix,
            state=Connection.State.ACTIVE,
            live_since=LONG_AGO,
            location=place,
            settings={"url": "https://example.com"},
        )
        row.save()
        return row

    world = World(
        merchant=merchant,
        place=place,
        erp=connect("ERP", "odoo", "back_office"),
        shop=connect("Shop A", "woocommerce", "store", "A-"),
        other=connect("Shop B", "woocommerce", "store", "B-"),
    )
    for connection, stream, direction in (
        (world.erp, "order", "push"),
        (world.shop, "stock", "push"),
        (world.other, "stock", "push"),
    ):
        Flow(merchant=merchant, connection=connection, stream=stream, direction=direction).save()
    return world


def product(external_id: str, *skus: str, name: str = "Mug", **more: Any) -> r.ProductRecord:
    """A product with these articles; with several, a "Colour" axis of their codes."""
    several = len(skus) > 1
    return r.ProductRecord(
        external_id=external_id,
        name=name,
        axes=(r.AxisRecord(name="Colour", values=skus),) if several else (),
        variants=tuple(
            r.VariantRecord(
                external_id=f"{external_id}-{sku}", sku=sku, name=name, options=(("Colour", sku),) if several else ()
            )
            for sku in skus
        ),
        **more,
    )


def order(
    number: str, *lines: tuple[str, int, str], paid: bool = True, updated_at: datetime = NOON, **more: Any
) -> r.OrderRecord:
    """An order of (sku, quantity, price) lines without tax, of a guest."""
    records = tuple(
        r.OrderLineRecord(
            external_id=f"{number}-{place}",
            variant_external_id=f"s-{sku}",
            sku=sku,
            name=sku,
            quantity=D(quantity),
            unit_price=D(price),
            net=D(price) * quantity,
            gross=D(price) * quantity,
        )
        for place, (sku, quantity, price) in enumerate(lines)
    )
    total = sum((line.gross for line in records), D(0))
    payment = r.PaymentRecord(external_id=f"p{number}", kind=r.PaymentKind.CAPTURE, method="bacs", amount=total)
    values: dict[str, Any] = {
        "external_id": number,
        "number": number,
        "currency": "GBP",
        "total": total,
        "placed_at": NOON,
        "updated_at": updated_at,
        "financial": r.FinancialStatus.PAID if paid else r.FinancialStatus.PENDING,
        "payments": (payment,) if paid else (),
        "lines": records,
    }
    return r.OrderRecord(**{**values, **more})


def stocked(world: World, *skus: str, quantity: str = "10") -> None:
    """The ERP has these articles and so many of each; both shops sell them."""
    for sku in skus:
        world.apply(world.erp, "product", product(f"e-{sku}", sku))
        world.apply(world.erp, "stock", r.StockRow(f"e-{sku}-{sku}", "", D(quantity)))
        for shop in (world.shop, world.other):
            record = r.ProductRecord(
                external_id=f"sp-{sku}",
                name=sku,
                variants=(r.VariantRecord(external_id=f"s-{sku}", sku=sku, name=sku),),
            )
            world.apply(shop, "product", record)
