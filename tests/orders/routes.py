"""More back offices for a world, rules between them, and what comes of an order there."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from integrations.contract import records as r
from integrations.models import Command, Connection, Flow
from orders.models import FulfilmentOrder, Order, RoutingRule
from orders.services.rules import save_rule
from portal.tenancy.models import Location, LocationGroup, LocationGroupMember
from tests.world import LONG_AGO, NOON, World


def connect(
    world: World, name: str, *skus: str, role: str = "back_office", stream: str = "order", **settings: Any
) -> Connection:
    """One more back office with these articles; `settings` are its flow's."""
    row = Connection(
        merchant=world.merchant, name=name, platform="odoo", role=role, state="active", live_since=LONG_AGO,
        location=world.place, settings={"url": "https://example.net"},
    )  # fmt: skip
    row.save()
    Flow(merchant=world.merchant, connection=row, stream=stream, direction="push", settings=settings).save()
    know(world, row, *skus)
    return row


def know(world: World, there: Connection, *skus: str) -> None:
    for sku in skus:
        article = r.VariantRecord(external_id=f"{there.pk}-{sku}", sku=sku, name=sku)
        world.apply(there, "product", r.ProductRecord(external_id=f"p{there.pk}-{sku}", name=sku, variants=(article,)))


def add_rule(world: World, destination: Connection, **values: Any) -> RoutingRule:
    count = RoutingRule.plain.filter(merchant=world.merchant).count() + 1
    rule = RoutingRule(
        **{"merchant": world.merchant, "name": f"R{count}", "position": count, "destination": destination, **values}
    )
    rule.full_clean(exclude=["merchant"])
    save_rule(rule=rule, at=NOON)
    return rule


def add_places(world: World, *codes: str) -> tuple[LocationGroup, list[Location]]:
    """A group of new locations, in this order."""
    group = LocationGroup(merchant=world.merchant, name="Warehouses")
    group.save()
    places = []
    for position, code in enumerate(codes):
        place = Location(merchant=world.merchant, code=code, name=code.title())
        place.save()
        LocationGroupMember(merchant=world.merchant, group=group, location=place, position=position).save()
        places.append(place)
    return group, places


def describe(order: Order) -> list[tuple[str, str, str, Decimal | None, str]]:
    """(destination, reference, state, amount, document) of each part, in their order."""
    rows = FulfilmentOrder.plain.filter(order=order).select_related("destination").order_by("number")
    return [(one.destination.name, one.reference, one.state, one.amount, one.document) for one in rows]


def list_commands(kind: str = "") -> list[tuple[str, str, str, str]]:
    """(destination, kind, reference, state), in the order they were written down."""
    rows = Command.plain.select_related("connection").order_by("pk")
    if kind:
        rows = rows.filter(kind=kind)
    return [(one.connection.name, one.kind, one.reference, one.state) for one in rows]
