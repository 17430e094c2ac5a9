"""What a shop should show: SQL and the explanation in words come to the same, whatever the rules and figures."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from django.db import IntegrityError, transaction
from django.db import connection as database
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from catalog import services
from catalog.models import AllocationRule, Binding, ChannelStock, Product, Reservation, StockRecord, Variant
from catalog.services.availability import explain_availability
from catalog.services.stock import delete_rule, save_rule
from catalog.services.wanted import write_wanted, write_wanted_of_many, write_wanted_of_shop
from integrations.models import Connection
from portal.tenancy.models import Location, LocationGroup, LocationGroupMember
from tests.world import NOON, D, World, make_world, stocked

FIGURES = st.decimals(-20, 300, places=3) | st.integers(0, 12).map(Decimal) | st.just(Decimal("9000000000.001"))
SMALL = st.decimals(0, 15, places=3) | st.integers(0, 5).map(Decimal)
CATEGORIES = ["Toys", "Späte Äpfel", "x'y\"z"]
RULES = st.fixed_dictionaries(
    {
        "buffer": SMALL,
        "stop_below": SMALL,
        "share": st.integers(0, 100),
        "maximum": st.none() | SMALL | st.integers(100, 200).map(Decimal),
        "place": st.sampled_from(["everywhere", "location", "together", "first"]),
        "source": st.booleans(),
    }
)
ARTICLES = st.fixed_dictionaries(
    {
        "stock": st.lists(
            st.tuples(st.integers(0, 2), st.integers(0, 1), FIGURES), max_size=5, unique_by=lambda x: x[:2]
        ),
        "promised": st.lists(st.tuples(st.none() | st.integers(0, 2), SMALL, st.booleans()), max_size=4),
        "categories": st.lists(st.sampled_from(CATEGORIES), max_size=2, unique=True),
        "factors": st.lists(st.sampled_from([D(1), D(24), D("0.5"), D("0.333")]), min_size=1, max_size=2),
    }
)


class Shelves:
    """Three locations, two back offices, and a group of the last two locations, the last one first."""

    def __init__(self, world: World) -> None:
        self.world = world
        names = ("EAST", "NORTH")
        others = [Location(merchant=world.merchant, code=name, name=name.title()) for name in names]
        for row in others:
            row.save()
        self.places = [world.place, *others]
        self.group = LocationGroup(merchant=world.merchant, name="Shops")
        self.group.save()
        for position, place in enumerate(reversed(others)):
            LocationGroupMember(merchant=world.merchant, group=self.group, location=place, position=position).save()
        till = Connection(merchant=world.merchant, name="Till", platform="odoo", role="back_office", state="active")
        till.save()
        self.sources = [world.erp, till]

    def rule(self, connection: Connection, category: str, of: dict[str, Any]) -> None:
        place = of["place"]
        AllocationRule(
            merchant=self.world.merchant,
            connection=connection,
            category=category,
            buffer=of["buffer"],
            stop_below=of["stop_below"],
            share=of["share"],
            maximum=of["maximum"],
            location=self.places[1] if place == "location" else None,
            group=self.group if place in {"together", "first"} else None,
            pick=place if place in {"together", "first"} else "together",
            source=self.sources[1] if of["source"] else None,
        ).save()

    def article(self, number: int, of: dict[str, Any]) -> None:
        common: dict[str, Any] = {"merchant": self.world.merchant}
        product = Product.plain.create(code=f"P{number}", name="x", categories=of["categories"], **common)
        variant = Variant.plain.create(product=product, code=f"V{number}", **common)
        for place, source, quantity in of["stock"]:
            StockRecord.plain.create(location=self.places[place], connection=self.sources[source], variant=variant,
                                     quantity=quantity, basis="on_hand", read_at=NOON, **common)  # fmt: skip
        for subject, (location, quantity, ended) in enumerate(of["promised"]):
            Reservation.plain.create(subject_type="order", subject_id=subject, variant=variant, quantity=quantity,
                                     location=None if location is None else self.places[location], created_at=NOON,
                                     ended_at=NOON if ended else None, **common)  # fmt: skip
        for shop in (self.world.shop, self.world.other):
            for place, factor in enumerate(of["factors"]):
                Binding.plain.create(connection=shop, variant=variant, external_id=f"{number}-{place}", factor=factor,
                                     state="bound", **common)  # fmt: skip


@pytest.mark.django_db
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    general=RULES,
    special=st.lists(st.tuples(st.sampled_from(CATEGORIES), RULES), max_size=3, unique_by=lambda x: x[0]),
    articles=st.lists(ARTICLES, min_size=1, max_size=12),
)
def test_sql_and_words_come_to_the_same(
    general: dict[str, Any], special: list[tuple[str, dict[str, Any]]], articles: list[dict[str, Any]]
) -> None:
    with transaction.atomic():
        world = make_world()
        shelves = Shelves(world)
        for category, rule in [("", general), *special]:
            shelves.rule(world.shop, category, rule)
        for number, article in enumerate(articles):
            shelves.article(number, article)
        variants = list(Variant.plain.select_related("product").order_by("pk"))
        ids = [variant.pk for variant in variants]
        changed = write_wanted(merchant_id=world.merchant.pk, variant_ids=ids, at=NOON)
        found = list(ChannelStock.plain.order_by("binding_id").values_list("connection", "binding__variant", "wanted"))
        said = []
        for shop in (world.shop, world.other):
            for variant in variants:
                for one in explain_availability(variant=variant, connection=shop):
                    assert one.wanted >= 0
                    assert one.wanted == one.wanted.to_integral_value()
                    assert one.lines[-1] == f"Shown there: {one.wanted.normalize():f}"
                    said.append((shop.pk, variant.pk, one.wanted))
        assert changed == len(found) == len(said)
        assert sorted(found) == sorted(said)
        assert write_wanted(merchant_id=world.merchant.pk, variant_ids=ids, at=NOON) == 0
        for shop in (world.shop, world.other):
            assert_sellable_is_what_is_shown(world, shop, ids)
        assert_a_table_of_variants_comes_to_the_same(world)
        own = ("order", 0)
        without = [list_sellable(world, shop, ids, but_for=own) for shop in (world.shop, world.other)]
        Reservation.plain.filter(subject_type=own[0], subject_id=own[1]).delete()
        assert without == [list_sellable(world, shop, ids) for shop in (world.shop, world.other)]
        transaction.set_rollback(True)


def assert_a_table_of_variants_comes_to_the_same(world: World) -> None:
    """As a feed asks, which leaves out what no rule needs."""
    before = sorted(ChannelStock.plain.values_list("binding_id", "wanted"))
    ChannelStock.plain.all().delete()
    with database.cursor() as cursor:
        cursor.execute("CREATE TEMP TABLE every_variant AS SELECT id AS variant_id FROM catalog_variant")
        assert write_wanted_of_many(merchant_id=world.merchant.pk, table="every_variant", at=NOON) == len(before)
        cursor.execute("DROP TABLE every_variant")
    assert sorted(ChannelStock.plain.values_list("binding_id", "wanted")) == before


def list_sellable(world: World, shop: Connection, ids: list[int], **more: Any) -> dict[int, Decimal]:
    return services.list_available(merchant_id=world.merchant.pk, connection_id=shop.pk, variant_ids=ids, **more)


def assert_sellable_is_what_is_shown(world: World, shop: Connection, ids: list[int]) -> None:
    """A basket is offered what the shop shows, counted in pieces."""
    there = list_sellable(world, shop, ids)
    rows = ChannelStock.plain.filter(connection=shop).select_related("binding")
    assert {row.binding.variant_id for row in rows} == set(there)
    assert all(quantity >= 0 for quantity in there.values())
    for row in rows:
        assert row.wanted == there[row.binding.variant_id or 0] // row.binding.factor


def test_a_shop_is_told_in_one_line_why_it_shows_what_it_shows(world: World) -> None:
    stocked(world, "MUG", quantity="12")
    variant = world.variant("MUG")
    AllocationRule(merchant=world.merchant, connection=world.shop, buffer=D(1)).save()
    services.reserve(merchant_id=world.merchant.pk, subject=("order", 1), quantities={variant.pk: D(2)}, at=NOON)
    (said,) = explain_availability(variant=variant, connection=world.shop)
    assert said.lines == ("12 on hand − 2 reserved − 1 buffer = 9 for Shop A", "Shown there: 9")
    assert ChannelStock.plain.get(connection=world.shop).wanted == 9


def test_a_shop_without_stock_known_to_anybody_is_told_nothing(world: World) -> None:
    stocked(world, "MUG")
    StockRecord.plain.all().delete()
    assert explain_availability(variant=world.variant("MUG"), connection=world.shop) == []


def test_the_first_location_that_has_any_is_named(world: World) -> None:
    stocked(world, "CRATE", quantity="0")
    shelves = Shelves(world)
    variant = world.variant("CRATE")
    StockRecord.plain.create(merchant=world.merchant, location=shelves.places[1], connection=world.erp, variant=variant,
                             quantity=D(50), basis="on_hand", read_at=NOON)  # fmt: skip
    Binding.plain.filter(connection=world.shop).update(factor=D(24))
    rule = AllocationRule(merchant=world.merchant, connection=world.shop, group=shelves.group, pick="first", share=98,
                          maximum=D(48))  # fmt: skip
    assert save_rule(rule=rule, at=NOON) == 1
    (said,) = explain_availability(variant=variant, connection=world.shop)
    assert said.lines == (
        "50 on hand − 0 reserved − 0 buffer = 50 for Shop A",
        "East: 50 − 0",
        "98 % of it is this shop's",
        "At most 48",
        "Sold there by 24",
        "Shown there: 2",
    )
    assert ChannelStock.plain.get(connection=world.shop).wanted == 2


def test_a_rule_changes_its_shop_at_once_and_no_other(world: World) -> None:
    stocked(world, "MUG", "CUP")
    rule = AllocationRule(merchant=world.merchant, connection=world.shop, stop_below=D(11))
    assert save_rule(rule=rule, at=NOON) == 2
    assert set(ChannelStock.plain.filter(connection=world.shop).values_list("wanted", flat=True)) == {0}
    assert set(ChannelStock.plain.filter(connection=world.other).values_list("wanted", flat=True)) == {10}
    assert delete_rule(rule=rule, at=NOON) == 2
    assert set(ChannelStock.plain.values_list("wanted", flat=True)) == {10}


def test_stock_elsewhere_is_none_for_a_shop_that_sells_from_one_location(world: World) -> None:
    stocked(world, "MUG")
    shelves = Shelves(world)
    save_rule(rule=AllocationRule(merchant=world.merchant, connection=world.shop, location=shelves.places[2]), at=NOON)
    assert ChannelStock.plain.get(connection=world.shop).wanted == 0


def test_many_ids_one_shop_and_a_table_write_the_same(world: World) -> None:
    stocked(world, "MUG", "CUP")
    ids = list(Variant.plain.order_by("pk").values_list("pk", flat=True))
    merchant_id = world.merchant.pk
    before = list(ChannelStock.plain.order_by("pk").values_list("binding", "wanted"))

    def spoil() -> None:
        ChannelStock.plain.filter(binding__variant=ids[0]).delete()
        ChannelStock.plain.filter(binding__variant=ids[1]).update(wanted=D(999))

    def now() -> list[Any]:
        return sorted(ChannelStock.plain.values_list("binding", "wanted"))

    spoil()
    assert write_wanted(merchant_id=merchant_id, variant_ids=ids, at=NOON) == 4
    assert now() == sorted(before)
    spoil()
    assert write_wanted_of_shop(merchant_id=merchant_id, connection_id=world.shop.pk, at=NOON) == 2
    assert write_wanted_of_shop(merchant_id=merchant_id, connection_id=world.other.pk, at=NOON) == 2
    assert now() == sorted(before)
    spoil()
    with database.cursor() as cursor:
        cursor.execute("CREATE TEMP TABLE some_variants AS SELECT id AS variant_id FROM catalog_variant")
        assert write_wanted_of_many(merchant_id=merchant_id, table="some_variants", at=NOON) == 4
        cursor.execute("DROP TABLE some_variants")
    assert now() == sorted(before)


@pytest.mark.parametrize(
    ("broken", "values"),
    [
        ("allocation_share", {"share": 101}),
        ("allocation_not_negative", {"buffer": D(-1)}),
        ("allocation_not_negative", {"maximum": D(-1)}),
        ("allocation_once", {"category": "Toys"}),
    ],
)
def test_the_database_refuses_a_rule_that_makes_no_sense(world: World, broken: str, values: dict[str, Any]) -> None:
    AllocationRule(merchant=world.merchant, connection=world.shop, category="Toys").save()
    with pytest.raises(IntegrityError, match=broken if broken != "allocation_once" else "(?i)unique"):
        AllocationRule(merchant=world.merchant, connection=world.shop, **values).save()
