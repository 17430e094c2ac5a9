"""What a back office writes to us in bulk: answered item by item, and taken as a pull would take it."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection as database
from django.test.utils import CaptureQueriesContext

from catalog import services
from catalog.models import Binding, ChannelStock, Price, PriceList, Product, Reservation, StockRecord, Variant
from catalog.services.bulk_writes import Outcome, PriceChange, StockChange, take_prices, take_stock
from catalog.services.product_writes import ArticleChange, ProductChange, take_products
from integrations.models import Connection, Flow, ValueMapping
from portal.tenancy.models import Location
from tests.catalog.test_prices import charged, make_rule
from tests.world import NOON, D, World, make_world, product, stocked


@pytest.fixture
def till(world: World) -> Connection:
    """A second back office, of the platform that says what products are."""
    row = Connection(merchant=world.merchant, name="Till", platform="odoo", role="back_office", state="active",
                     location=world.place)  # fmt: skip
    row.save()
    return row


def say(outcomes: list[Outcome]) -> list[tuple[str, str, str]]:
    return [(one.code, one.status, one.error) for one in outcomes]


def stock(till: Connection, *changes: tuple[Any, ...], **more: Any) -> list[Outcome]:
    rows = [StockChange(code=code, quantity=D(quantity), location=place) for code, quantity, place in changes]
    return take_stock(connection=till, changes=rows, at=NOON, **more)


def write(till: Connection, code: str, *articles: ArticleChange, **values: Any) -> Outcome:
    change = ProductChange(code=code, values=values, articles=articles or None)
    return take_products(connection=till, changes=[change], at=NOON)[0]


# --- stock ------------------------------------------------------------------------------------------------------------


def test_stock_is_answered_item_by_item_and_reaches_the_shops(world: World, till: Connection) -> None:
    stocked(world, "MUG", "CUP", quantity="0")
    north = Location(merchant=world.merchant, code="NORTH", name="North")
    north.save()
    ValueMapping(merchant=world.merchant, connection=till, kind="location", theirs="W2", ours="NORTH").save()
    told = stock(
        till, ("MUG", "5", ""), ("MUG", "7", "W2"), ("nobody", "1", ""), ("CUP", "3", "ATLANTIS"), ("MUG", "9", "")
    )  # fmt: skip
    assert say(told) == [
        ("MUG", "created", ""),
        ("MUG", "created", ""),
        ("nobody", "refused", "unknown_article"),
        ("CUP", "refused", "unknown_location"),
        ("MUG", "refused", "duplicate_item"),
    ]
    rows = StockRecord.plain.filter(connection=till).order_by("location_id")
    assert [(row.variant.code, row.location.code, row.quantity) for row in rows] == [
        ("MUG", "MAIN", 5),
        ("MUG", "NORTH", 7),
    ]
    assert ChannelStock.plain.get(connection=world.shop, binding__variant__code="MUG").wanted == 12
    assert ChannelStock.plain.get(connection=world.shop, binding__variant__code="CUP").wanted == 0

    assert say(stock(till, ("MUG", "5", ""), ("MUG", "6", "W2"))) == [
        ("MUG", "unchanged", ""),
        ("MUG", "updated", ""),
    ]


def test_a_figure_is_in_the_units_of_the_article_the_code_names(world: World, till: Connection) -> None:
    stocked(world, "BEER")
    Binding.plain.create(merchant=world.merchant, connection=till, variant=world.variant("BEER"), external_id="crate",
                         reference_code="CRATE", factor=D(24), state="bound")  # fmt: skip
    stock(till, ("CRATE", "2", ""), ("BEER", "5", ""))
    assert StockRecord.plain.get(connection=till).quantity == 53


def test_a_promise_the_figure_counts_ends_with_it(world: World, till: Connection) -> None:
    stocked(world, "MUG")
    mug = world.variant("MUG")
    for number in (1, 2):
        subject = "order", number
        services.reserve(merchant_id=world.merchant.pk, subject=subject, quantities={mug.pk: D(2)}, at=NOON)
    before = NOON.replace(hour=11)
    services.settle_reservation(merchant_id=world.merchant.pk, subject=("order", 1), at=before)
    stock(till, ("MUG", "4", ""))
    open_ones = Reservation.plain.filter(ended_at__isnull=True)
    assert list(open_ones.values_list("subject_id", flat=True)) == [2]


def test_a_key_limited_to_locations_writes_no_others(world: World, till: Connection) -> None:
    stocked(world, "MUG")
    north = Location(merchant=world.merchant, code="NORTH", name="North")
    north.save()
    told = stock(till, ("MUG", "5", "MAIN"), ("MUG", "5", "NORTH"), ("MUG", "6", ""), places=frozenset({north.pk}))
    assert say(told) == [
        ("MUG", "refused", "unknown_location"),
        ("MUG", "created", ""),
        ("MUG", "refused", "unknown_location"),
    ]
    assert list(StockRecord.plain.filter(connection=till).values_list("location__code", flat=True)) == ["NORTH"]


def test_another_merchants_articles_are_nobodys(world: World, till: Connection) -> None:
    theirs = make_world("Other")
    stocked(theirs, "MUG")
    assert say(stock(till, ("MUG", "5", ""))) == [("MUG", "refused", "unknown_article")]
    assert StockRecord.plain.get(merchant=theirs.merchant).quantity == 10


def test_many_figures_cost_as_many_statements_as_two(world: World, till: Connection) -> None:
    skus = [f"M{n}" for n in range(100)]
    world.apply(world.erp, "product", product("many", *skus))
    counts = []
    for chosen in (skus[:2], skus[2:]):
        stock(till, *((sku, "1", "") for sku in chosen))
        with CaptureQueriesContext(database) as queries:
            told = stock(till, *((sku, "2", "") for sku in chosen))
        assert {one.status for one in told} == {"updated"}
        counts.append(len(queries))
    assert counts[0] == counts[1] <= 16, [query["sql"] for query in queries]


# --- prices -----------------------------------------------------------------------------------------------------------


def test_prices_go_into_the_back_offices_lists_and_reach_the_shops(world: World, till: Connection) -> None:
    stocked(world, "MUG", "CUP")

    def price(*rows: tuple[str, str, str, str]) -> list[tuple[str, str, str]]:
        changes = [
            PriceChange(code=code, amount=D(amount), currency=currency, price_list=name)
            for code, amount, currency, name in rows
        ]
        return say(take_prices(connection=till, changes=changes, at=NOON))

    told = price(("MUG", "4.50", "GBP", ""), ("CUP", "3", "EUR", ""), ("x", "1", "GBP", ""), ("MUG", "4", "GBP", ""))
    assert told == [
        ("MUG", "created", ""),
        ("CUP", "refused", "other_currency"),
        ("x", "refused", "unknown_article"),
        ("MUG", "refused", "duplicate_item"),
    ]
    assert price(("MUG", "4.50", "GBP", ""), ("MUG", "5", "EUR", "euro")) == [
        ("MUG", "unchanged", ""),
        ("MUG", "created", ""),
    ]
    assert sorted(Price.plain.values_list("price_list__external_id", "amount")) == [("", D("4.5")), ("euro", D(5))]
    make_rule(world, PriceList.plain.get(external_id=""))
    assert price(("MUG", "4.75", "GBP", "")) == [("MUG", "updated", "")]
    assert charged(world) == {"MUG": D("4.75")}


# --- products ---------------------------------------------------------------------------------------------------------


def own_nothing(connection: Connection, *groups: str) -> None:
    """The field groups a back office's flow of products is the owner of."""
    Flow(merchant=connection.merchant, connection=connection, stream="product", direction="pull",
         settings={"groups": list(groups)}).save()  # fmt: skip


def test_a_product_with_its_articles_is_made_changed_and_left_as_it_is(world: World, till: Connection) -> None:
    red = ArticleChange(code="TOY-R", barcode="501", options=(("Colour", "Red"),))
    green = ArticleChange(code="TOY-G", options=(("Colour", "Green"),), unit="box")
    assert write(till, "TOY", red, green, name="Toy car", brand="Zoom", categories=["Toys"]).status == "created"
    toy = Product.plain.get(code="TOY")
    assert (toy.name, toy.brand, toy.categories, toy.status) == ("Toy car", "Zoom", ["Toys"], "active")
    rows = toy.variants.order_by("position")
    assert [(row.code, row.barcode, row.unit, row.option_key) for row in rows] == [
        ("TOY-R", "501", "", "Colour=Red"),
        ("TOY-G", "", "box", "Colour=Green"),
    ]
    assert write(till, "TOY", red, green, name="Toy car", brand="Zoom", categories=["Toys"]).status == "unchanged"
    assert write(till, "TOY", name="Fast car").status == "updated"
    toy.refresh_from_db()
    assert (toy.name, toy.brand, toy.categories) == ("Fast car", "Zoom", ["Toys"]), "what is left out stays"
    assert [(row.code, row.barcode) for row in toy.variants.order_by("position")] == [("TOY-R", "501"), ("TOY-G", "")]
    assert Binding.plain.filter(connection=till, state="bound").count() == 2

    blue = ArticleChange(code="TOY-B", options=(("Colour", "Blue"),))
    assert write(till, "TOY", blue).status == "updated"
    assert [row.code for row in toy.variants.order_by("position")] == ["TOY-R", "TOY-G", "TOY-B"]
    assert Binding.plain.filter(connection=till, state="bound").count() == 3, "articles that are not named stay"
    assert write(till, "TOY", status="archived").status == "updated"
    toy.refresh_from_db()
    assert toy.status == "archived"


def test_a_product_without_articles_is_its_own(world: World, till: Connection) -> None:
    assert write(till, "0042", name="Mug").status == "created"
    row = Variant.plain.get()
    assert (row.code, row.product.code, row.name) == ("0042", "0042", "Mug")
    assert say(stock(till, ("0042", "5", ""))) == [("0042", "created", "")]


def test_what_another_back_office_owns_is_refused(world: World, till: Connection) -> None:
    """FEATURES C6: each group of fields has one owner."""
    own_nothing(world.erp, "text", "codes")
    stocked(world, "MUG")
    before = list(Product.plain.values())
    for outcome in (
        write(till, "MUG", name="Beaker"),
        write(till, "NEW", name="New"),
        write(till, "MUG", ArticleChange(code="MUG", barcode="1")),
    ):
        assert (outcome.status, outcome.error) == ("refused", "other_owner")
    assert "ERP" in write(till, "MUG", name="Beaker").message
    assert list(Product.plain.values()) == before

    assert write(till, "MUG", brand="Zoom").status == "updated", "characteristics are nobody's"
    mug = Product.plain.get()
    assert (mug.name, mug.brand) == ("Mug", "Zoom")
    assert world.variant("MUG").product_id == mug.pk
    assert write(till, "MUG", brand="Zoom").status == "unchanged"


def test_an_article_belongs_to_one_product(world: World, till: Connection) -> None:
    write(till, "TOY", ArticleChange(code="TOY-R", options=(("Colour", "Red"),)), name="Toy")
    taken = write(till, "CAR", ArticleChange(code="TOY-R"), name="Car")
    assert (taken.status, taken.error) == ("refused", "code_taken")
    itself = write(till, "TOY-R", name="Toy")
    assert (itself.status, itself.error) == ("refused", "code_taken")
    twins = (ArticleChange(code="A", options=(("Size", "S"),)), ArticleChange(code="B", options=(("Size", "S"),)))
    same = write(till, "SHOE", *twins, name="Shoe")
    assert (same.status, same.error) == ("refused", "duplicate_options")
    assert list(Product.plain.values_list("code", flat=True)) == ["TOY"]


def test_of_several_products_one_that_is_refused_stops_none_of_the_others(world: World, till: Connection) -> None:
    changes = [
        ProductChange(code="A", values={"name": "A"}),
        ProductChange(code="A", values={"name": "A again"}),
        ProductChange(code="B", values={"name": "B", "brand": "Zoom"}),
    ]
    told = take_products(connection=till, changes=changes, at=NOON)
    assert say(told) == [("A", "created", ""), ("A", "refused", "duplicate_item"), ("B", "created", "")]
    assert sorted(Product.plain.values_list("code", "name")) == [("A", "A"), ("B", "B")]
