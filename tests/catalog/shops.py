"""A shop that writes codes in its own way, and orders that wait for them."""

from __future__ import annotations

from typing import Any

from catalog.models import Binding
from integrations.contract import records as r
from integrations.models import Connection
from tests.world import World, order


def article(external_id: str, sku: str = "", *, title: str = "", barcode: str = "", **options: str) -> r.VariantRecord:
    return r.VariantRecord(
        external_id=external_id, sku=sku, name=title, barcode=barcode, options=tuple(options.items())
    )


def sell(world: World, parent: str, *articles: r.VariantRecord, shop: Connection | None = None, **more: Any) -> None:
    """The shop has a product with these articles."""
    record = r.ProductRecord(external_id=parent, name=more.pop("name", ""), variants=articles, **more)
    world.apply(shop or world.shop, "product", record)


def have(world: World, parent: str, *articles: r.VariantRecord, name: str = "Toy car") -> None:
    """The back office has a product with these articles."""
    axes = tuple(dict.fromkeys(axis for one in articles for axis, _ in one.options))
    record = r.ProductRecord(
        external_id=parent,
        name=name,
        axes=tuple(
            r.AxisRecord(
                name=axis, values=tuple(dict(one.options)[axis] for one in articles if axis in dict(one.options))
            )
            for axis in axes
        ),
        variants=articles,
    )
    world.apply(world.erp, "product", record)


def wait_for(world: World, number: str, *lines: tuple[str, str]) -> None:
    """A paid order of (external id of an article, price) lines."""
    made = order(number, *((external_id, 1, price) for external_id, price in lines))
    records = tuple(
        r.OrderLineRecord(
            external_id=line.external_id,
            variant_external_id=external_id,
            sku="",
            name=external_id,
            quantity=line.quantity,
            unit_price=line.unit_price,
            net=line.net,
            gross=line.gross,
        )
        for line, (external_id, _) in zip(made.lines, lines, strict=True)
    )
    world.apply(world.shop, "order", r.OrderRecord(**{**_fields(made), "lines": records}))


def _fields(record: r.OrderRecord) -> dict[str, Any]:
    return {name: getattr(record, name) for name in record.__dataclass_fields__}


def binding(world: World, external_id: str, shop: Connection | None = None) -> Binding:
    return Binding.plain.get(connection=shop or world.shop, external_id=external_id)
