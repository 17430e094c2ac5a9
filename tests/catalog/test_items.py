"""Articles as those see them who ask over the API: by their own codes, with prices and stock, and what changed."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.db import connection as database
from django.test.utils import CaptureQueriesContext

from catalog import services
from catalog.models import AllocationRule, Binding, Product, Variant
from catalog.services.item_codes import Article, find_articles
from catalog.services.items import Filters, Item, find_item, list_categories, read_items, select_items
from integrations.contract import records as r
from tests.catalog.test_prices import make_list, make_rule
from tests.world import NOON, D, World, make_world, product, stocked

LATER = NOON + timedelta(days=30)


def listed(world: World, **filters: Any) -> list[str]:
    rows = select_items(connection=world.shop, filters=Filters(**filters))
    return sorted(rows.values_list("code", flat=True))


def read(world: World, *codes: str, **more: Any) -> list[Item]:
    variants = [world.variant(code) for code in codes]
    return read_items(connection=world.shop, variants=variants, at=NOON, **more)


def test_an_item_has_the_connections_code_its_price_and_what_it_may_sell(world: World) -> None:
    stocked(world, "MUG")
    world.apply(world.erp, "product", product("toy", "TOY-R", "TOY-G", name="Toy car"))
    Binding.plain.filter(connection=world.shop, variant__code="MUG").update(reference_code="0042")
    make_rule(world, make_list(world, "retail", {"MUG": "4.50"}))
    services.reserve(
        merchant_id=world.merchant.pk, subject=("order", 1), quantities={world.variant("MUG").pk: D(3)}, at=NOON
    )
    AllocationRule(merchant=world.merchant, connection=world.shop, buffer=D(2)).save()

    mug, toy = read(world, "MUG", "TOY-R")
    assert (mug.code, mug.is_gone) == ("0042", False)
    assert mug.price is not None
    assert (mug.price.amount, mug.price.currency) == (D("4.50"), "GBP")
    assert mug.stock is not None
    assert (mug.stock.on_hand, mug.stock.reserved, mug.available) == (D(10), D(3), D(5)), "two are kept back"
    assert (toy.code, toy.options, toy.stock, toy.available) == ("TOY-R", (("Colour", "TOY-R"),), None, None)
    assert toy.price is not None
    assert toy.price.amount is None, "no list has a price of it"


def test_codes_of_the_connection_come_before_ours_and_one_that_names_two_names_none(world: World) -> None:
    stocked(world, "MUG", "CUP", "JUG")
    rows = Binding.plain.filter(connection=world.shop)
    rows.filter(variant__code="MUG").update(reference_code="CUP")  # what the shop calls CUP is our MUG
    rows.filter(variant__code__in=["CUP", "JUG"]).update(reference_code="SAME")
    found = find_articles(connection=world.shop, codes=["CUP", "SAME", "JUG", "s-JUG", "nobody"])
    assert found == {
        "CUP": Article(variant_id=world.variant("MUG").pk),
        "JUG": Article(variant_id=world.variant("JUG").pk),
        "s-JUG": Article(variant_id=world.variant("JUG").pk),
    }
    assert find_item(connection=world.shop, code="CUP") == world.variant("MUG")
    assert find_item(connection=world.shop, code="SAME") is None


def test_another_merchants_articles_are_not_there(world: World) -> None:
    theirs = make_world("Other")
    stocked(theirs, "MUG")
    assert listed(world) == []
    assert find_item(connection=world.shop, code="MUG") is None


def test_what_is_asked_for(world: World) -> None:
    for code, name, barcode, categories in (
        ("MUG-1", "Blue mug", "4006381333931", ("Mugs", "Späte Äpfel")),
        ("CUP-1", "Red cup", "", ("Cups", "x'y\"z")),
    ):
        record = r.ProductRecord(
            external_id=code, name=name, categories=categories,
            variants=(r.VariantRecord(external_id=code, sku=code, barcode=barcode, name=name),),
        )  # fmt: skip
        world.apply(world.erp, "product", record)
    assert listed(world, q="MUG") == ["MUG-1"]
    assert listed(world, q="red c") == ["CUP-1"]
    assert listed(world, q="%") == []
    assert listed(world, barcode="04006381333931") == ["MUG-1"], "a GTIN-14 of the same number"
    assert listed(world, category="Späte Äpfel") == ["MUG-1"]
    assert listed(world, category="x'y\"z") == ["CUP-1"]
    assert listed(world, category="Mug") == []
    assert listed(world, code="CUP-1") == ["CUP-1"]
    assert list_categories(merchant_id=world.merchant.pk, limit=10) == sorted(["Cups", "Mugs", "Späte Äpfel", "x'y\"z"])


def test_what_changed_since_then_and_what_went(world: World) -> None:
    stocked(world, "MUG", "CUP", "JUG")
    Variant.plain.update(updated_at=NOON)
    world.apply(world.erp, "product", product("e-MUG", "MUG", name="Big mug"), at=LATER)
    assert listed(world, changed_since=LATER) == ["MUG"]
    world.apply(world.erp, "product", product("e-MUG", "MUG", name="Big mug"), at=LATER + timedelta(days=1))
    assert listed(world, changed_since=LATER + timedelta(days=1)) == [], "the same again is no change"

    cup = Product.plain.get(code="CUP")
    world.apply(world.erp, "product", r.ProductRecord(external_id="e-CUP", name="", deleted=True), at=LATER)
    assert listed(world) == ["JUG", "MUG"]
    assert listed(world, changed_since=LATER) == ["CUP", "MUG"]
    (gone,) = read(world, "CUP")
    assert (gone.is_gone, gone.price, gone.stock) == (True, None, None)

    cup.refresh_from_db()
    cup.status = Product.Status.ACTIVE
    services.save_product(product=cup, at=LATER + timedelta(days=2))
    assert listed(world, changed_since=LATER + timedelta(days=2)) == ["CUP"], "a person brought it back"
    assert listed(world) == ["CUP", "JUG", "MUG"]


def test_a_page_of_a_hundred_costs_as_many_statements_as_one_item(world: World) -> None:
    skus = [f"M{n}" for n in range(100)]
    stocked(world, "M")
    world.apply(world.erp, "product", product("many", *skus))
    world.apply(world.erp, "stock", *(r.StockRow(f"many-{sku}", "", D(3)) for sku in skus))
    make_rule(world, make_list(world, "retail", {"M": "2", **dict.fromkeys(skus[:3], "4")}))
    counts = []
    for size in (1, 100):
        with CaptureQueriesContext(
            database,
        ) as queries:
            rows = list(select_items(connection=world.shop, filters=Filters()).order_by("pk")[:size])
            found = read_items(connection=world.shop, variants=rows, at=NOON)
        assert len(found) == size
        counts.append(len(queries))
    assert counts == [12, 12], [query["sql"] for query in queries]
