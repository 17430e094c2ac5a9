"""Products of a back office become ours; a shop's articles are bound to them, or say why not."""

from __future__ import annotations

import pytest
from django.db import connection as database
from django.test.utils import CaptureQueriesContext

from catalog import services
from catalog.models import Binding, MappingConflict, OptionValue, Product, Variant, VariantOption
from integrations.contract import records as r
from tests.world import NOON, World, product

State = Binding.State


def test_a_matrix_product_of_the_erp_becomes_ours_with_its_axis(world: World) -> None:
    applied = world.apply(world.erp, "product", product("1", "85099B", "85099C", name="JUMBO BAG"))
    assert (applied.created, applied.updated, applied.unchanged) == (1, 0, 0)
    row = Product.plain.get()
    assert (row.code, row.name) == ("85099", "JUMBO BAG")
    assert sorted(Variant.plain.values_list("code", "option_key")) == [
        ("85099B", "Colour=85099B"),
        ("85099C", "Colour=85099C"),
    ]
    assert OptionValue.plain.count() == VariantOption.plain.count() == 2
    assert set(Binding.plain.values_list("state", flat=True)) == {State.BOUND}


def test_the_same_page_twice_writes_nothing(world: World) -> None:
    record = product("1", "A1", "A2")
    world.apply(world.erp, "product", record)
    before = (Product.plain.get().updated_at, list(Binding.plain.values_list("updated_at", flat=True)))
    applied = world.apply(world.erp, "product", record)
    assert (applied.created, applied.updated, applied.unchanged) == (0, 0, 1)
    assert (Product.plain.get().updated_at, list(Binding.plain.values_list("updated_at", flat=True))) == before


def test_an_article_added_later_joins_its_product(world: World) -> None:
    world.apply(world.erp, "product", product("1", "A1", "A2"))
    applied = world.apply(world.erp, "product", product("1", "A1", "A2", "A3"))
    assert applied.updated == 1
    assert Product.plain.count() == 1
    assert Variant.plain.count() == 3


def test_an_article_without_a_code_is_skipped_with_words(world: World) -> None:
    applied = world.apply(world.erp, "product", product("1", ""))
    assert [(one.code, one.external_id) for one in applied.skipped] == [("no_code", "1")]
    assert Variant.plain.count() == 0


def test_a_code_that_two_articles_of_the_erp_carry_is_nobodys(world: World) -> None:
    world.apply(world.erp, "product", product("1", "SAME"), product("2", "SAME"))
    assert Variant.plain.count() == 0
    assert list(MappingConflict.plain.values_list("type", flat=True)) == ["duplicate_code", "duplicate_code"]


def test_what_was_deleted_there_is_said_to_be_gone(world: World) -> None:
    world.apply(world.erp, "product", product("1", "A1", "A2"))
    world.apply(world.erp, "product", product("1", "A1", deleted=True))
    assert set(Binding.plain.values_list("state", flat=True)) == {State.STALE}
    assert set(MappingConflict.plain.values_list("type", flat=True)) == {"deleted_at_source"}
    assert Product.plain.get().status == Product.Status.ARCHIVED


@pytest.mark.parametrize(("sku", "state"), [("TOY-1", State.BOUND), ("toy-1", State.CONFLICT), ("TOY", State.CONFLICT)])
def test_only_exactly_the_same_code_binds_a_shops_article(world: World, sku: str, state: str) -> None:
    world.apply(world.erp, "product", product("1", "TOY-1"))
    world.apply(world.shop, "product", product("9", sku))
    row = Binding.plain.get(connection=world.shop)
    assert row.state == state
    assert (row.variant_id is not None) == (state == State.BOUND)


def test_a_barcode_binds_where_it_is_unique(world: World) -> None:
    def with_barcode(pk: str, sku: str, barcode: str) -> r.ProductRecord:
        return r.ProductRecord(
            external_id=pk, name=sku, variants=(r.VariantRecord(external_id=f"{pk}v", sku=sku, barcode=barcode),)
        )

    world.apply(
        world.erp,
        "product",
        with_barcode("1", "A", "500"),
        with_barcode("2", "B", "600"),
        with_barcode("3", "C", "600"),
    )
    world.apply(world.shop, "product", with_barcode("8", "x", "500"), with_barcode("9", "y", "600"))
    first, second = Binding.plain.filter(connection=world.shop).order_by("external_id")
    assert first.variant == world.variant("A")
    assert second.state == State.CONFLICT
    conflict = MappingConflict.plain.get(binding=second)
    assert conflict.type == "ambiguous_match"
    assert [one["code"] for one in conflict.candidates] == ["B", "C"]


def test_an_article_waits_for_the_erp_and_is_bound_when_it_comes(world: World) -> None:
    world.apply(world.shop, "product", product("9", "LATER"))
    assert Binding.plain.get().state == State.CONFLICT
    world.apply(world.erp, "product", product("1", "LATER"))
    row = Binding.plain.get(connection=world.shop)
    assert (row.state, row.variant) == (State.BOUND, world.variant("LATER"))
    assert not MappingConflict.plain.filter(resolved_at__isnull=True).exists()


def test_a_person_binds_and_the_conflict_ends(world: World) -> None:
    world.apply(world.erp, "product", product("1", "OURS"))
    world.apply(world.shop, "product", product("9", "THEIRS"))
    row = Binding.plain.get(connection=world.shop)
    services.bind(binding_id=row.pk, variant_id=world.variant("OURS").pk, at=NOON)
    row.refresh_from_db()
    assert (row.state, row.reason) == (State.BOUND, "chosen")
    assert MappingConflict.plain.get().resolution == "bound"
    world.apply(world.shop, "product", product("9", "THEIRS"))
    row.refresh_from_db()
    assert row.state == State.BOUND, "what a person chose stays"


def test_a_page_costs_the_same_however_many_articles_it_has(world: World) -> None:
    small = [product(f"s{n}", f"S{n}A", f"S{n}B") for n in range(3)]
    large = [product(f"l{n}", *(f"L{n}{k}" for k in range(6))) for n in range(60)]
    counts = []
    for records in (small, large):
        with CaptureQueriesContext(database) as asked:
            world.apply(world.erp, "product", *records)
        counts.append(len(asked))
    assert counts[1] <= 40 < sum(len(record.variants) for record in large)


def test_a_thousand_variants_are_one_product(world: World) -> None:
    world.apply(world.erp, "product", product("1", *(f"BIG-{n:04}" for n in range(1000))))
    assert Variant.plain.count() == 1000
    assert Product.plain.get().code == "BIG-0"
