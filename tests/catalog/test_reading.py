"""Stock for whoever asks: all, one location, a group with its fallback; the same as what a shop of that rule shows."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection as database
from django.db import transaction
from django.test.utils import CaptureQueriesContext
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from catalog import services
from catalog.models import AllocationRule, ChannelStock, StockRecord, Variant
from catalog.services.wanted import write_wanted
from tests.catalog.test_prices import add_price, make_list, make_rule
from tests.catalog.test_wanted import ARTICLES, Shelves
from tests.world import NOON, D, World, make_world, product, stocked


def put(world: World, shelves: Shelves, sku: str, *figures: tuple[int, int, str]) -> Variant:
    """(location, back office, quantity) of an article nobody has any of yet."""
    variant = world.variant(sku)
    StockRecord.plain.filter(variant=variant).delete()
    for place, source, quantity in figures:
        StockRecord.plain.create(
            merchant=world.merchant, location=shelves.places[place], connection=shelves.sources[source],
            variant=variant, quantity=D(quantity), basis="on_hand", read_at=NOON,
        )  # fmt: skip
    return variant


def test_one_location_all_and_a_group_with_its_fallback(world: World) -> None:
    stocked(world, "MUG", "CUP")
    shelves = Shelves(world)  # the group is North, then East
    mug = put(world, shelves, "MUG", (0, 0, "5"), (1, 0, "3"), (2, 0, "0"))
    services.reserve(merchant_id=world.merchant.pk, subject=("order", 1), quantities={mug.pk: D(2)}, at=NOON)

    def read(where: services.Where) -> tuple[Any, ...]:
        row = services.read_stock(merchant_id=world.merchant.pk, variant_ids=[mug.pk], where=where)[mug.pk]
        return row.on_hand, row.reserved, row.available, [place.name for place in row.places]

    assert read(services.EVERYWHERE) == (8, 2, 6, ["East", "North", "Northwind main"])
    assert read(services.at_location(shelves.places[1])) == (3, 2, 1, ["East"])
    assert read(services.in_group(shelves.group)) == (3, 2, 1, ["North", "East"])
    assert read(services.in_group(shelves.group, first=True)) == (3, 2, 1, ["East"]), "North has none left"
    put(world, shelves, "MUG", (0, 0, "5"), (1, 0, "3"), (2, 0, "7"))
    assert read(services.in_group(shelves.group, first=True)) == (7, 2, 5, ["North"])
    unknown = services.read_stock(merchant_id=world.merchant.pk, variant_ids=[mug.pk + 999])
    assert unknown == {}


def test_of_several_back_offices_the_sum_or_the_one_that_is_chosen(world: World) -> None:
    stocked(world, "MUG")
    shelves = Shelves(world)
    mug = put(world, shelves, "MUG", (0, 0, "5"), (0, 1, "4"))
    for where, expected in (
        (services.EVERYWHERE, D(9)),
        (services.Where(source=shelves.sources[1].pk), D(4)),
        (services.at_location(world.place, source=shelves.sources[0]), D(5)),
    ):
        found = services.read_stock(merchant_id=world.merchant.pk, variant_ids=[mug.pk], where=where)
        assert found[mug.pk].on_hand == expected


def test_another_merchants_stock_is_never_counted(world: World) -> None:
    theirs = make_world("Other")
    stocked(theirs, "MUG")
    mug = theirs.variant("MUG")
    assert services.read_stock(merchant_id=world.merchant.pk, variant_ids=[mug.pk]) == {}


@pytest.mark.django_db
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    articles=st.lists(ARTICLES, min_size=1, max_size=8),
    place=st.sampled_from(["everywhere", "location", "together", "first"]),
    chosen=st.booleans(),
)
def test_it_is_what_a_shop_of_the_same_rule_shows(articles: list[dict[str, Any]], place: str, chosen: bool) -> None:
    with transaction.atomic():
        world = make_world()
        shelves = Shelves(world)
        for number, article in enumerate(articles):
            shelves.article(number, {**article, "factors": [D("0.001")]})
        source = shelves.sources[1] if chosen else None
        where = {
            "everywhere": services.Where(source=source.pk if source else None),
            "location": services.at_location(shelves.places[1], source=source),
            "together": services.in_group(shelves.group, source=source),
            "first": services.in_group(shelves.group, first=True, source=source),
        }[place]
        in_group = place in {"together", "first"}
        AllocationRule(
            merchant=world.merchant, connection=world.shop, source=source, pick=place if in_group else "together",
            location=shelves.places[1] if place == "location" else None, group=shelves.group if in_group else None,
        ).save()  # fmt: skip
        ids = list(Variant.plain.values_list("pk", flat=True))
        write_wanted(merchant_id=world.merchant.pk, variant_ids=ids, at=NOON)
        rows = ChannelStock.plain.filter(connection=world.shop).values_list("binding__variant_id", "wanted")
        found = services.read_stock(merchant_id=world.merchant.pk, variant_ids=ids, where=where)
        assert {pk: wanted / 1000 for pk, wanted in rows} == {pk: one.available for pk, one in found.items()}
        transaction.set_rollback(True)


def test_stock_and_prices_of_many_cost_what_those_of_one_cost(world: World) -> None:
    skus = [f"M{n}" for n in range(60)]
    stocked(world, "M")
    world.apply(world.erp, "product", product("many", *skus))
    base = make_list(world, "base")
    for sku in ("M", *skus):
        add_price(base, world, sku, "2.00")
    make_rule(world, base, factor=D(2))
    dealer = make_list(world, "dealer", {"M1": "1.00"}, customer_group="dealer")
    add_price(dealer, world, "M2", "0.50", min_quantity=D(10))
    asked = []
    for size in (1, 60):
        rows = list(Variant.plain.filter(code__in=["M", *skus][: size + 1]).order_by("pk"))
        with CaptureQueriesContext(database) as queries:
            services.read_stock(merchant_id=world.merchant.pk, variant_ids=[row.pk for row in rows])
            found = services.find_prices(
                quantities={row: D(10 if row.code == "M2" else 1) for row in rows},
                connection=world.shop, customer=services.Buyer(group="dealer"), at=NOON,
            )  # fmt: skip
        asked.append(len(queries))
        prices = {row.code: found[row.pk].amount for row in rows}
    assert asked[0] == asked[1] <= 9
    assert (prices["M"], prices["M1"], prices["M2"], prices["M3"]) == (D(4), D("1.00"), D("0.50"), D(4))
