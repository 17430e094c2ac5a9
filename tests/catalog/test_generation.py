"""Codes by pattern for many articles: looked at, saved in one go, undone in one go."""

from __future__ import annotations

from datetime import timedelta

import pytest

from catalog.mapping.patterns import PatternError
from catalog.models import Binding, MappingChange, OptionValue, Product, Variant
from catalog.services import generation
from catalog.services.changes import undo
from catalog.services.generation import Changed, TooMany, preview_codes, save_codes, save_value_codes
from integrations.models import Connection, Flow
from tests.catalog.toys import TOY, make_product, put_in_shop, values_of
from tests.world import NOON, World, stocked

LATER = NOON + timedelta(hours=1)
PATTERN = "{product.code}-{colour|upper|3}-{size|upper|1}"
WANTED = ["TOY-RED-S", "TOY-RED-L", "TOY-GRE-S", "TOY-GRE-L", "TOY-BLU-S", "TOY-BLU-L"]


@pytest.fixture
def toy(world: World) -> Product:
    return make_product(world, TOY)


def products(world: World):
    return Product.plain.filter(merchant=world.merchant)


def save(world: World, pattern: str = PATTERN, connection: Connection | None = None):
    token = preview_codes(products=products(world), pattern=pattern, connection=connection).token
    return save_codes(
        merchant_id=world.merchant.pk, products=products(world), pattern=pattern, connection=connection, token=token,
        by=None, at=NOON,
    )  # fmt: skip


def codes(toy: Product) -> list[str]:
    return list(Variant.plain.filter(product=toy).order_by("position").values_list("code", flat=True))


def test_six_codes_are_looked_at_saved_and_undone(world: World, toy: Product) -> None:
    before = codes(toy)
    preview = preview_codes(products=products(world), pattern=PATTERN)
    assert [one.code for one in preview.changing] == WANTED
    assert [preview.labels[one.key] for one in preview.changing][:2] == ["TOY Red / Small", "TOY Red / Large"]
    assert (preview.problems, preview.unchanged) == ([], 0)
    assert codes(toy) == before, "looking changes nothing"
    saved = save(world)
    assert (saved.saved, codes(toy)) == (6, WANTED)
    change = MappingChange.plain.get()
    assert (change.kind, change.product, change.summary) == (
        "codes", toy, "6 codes of our articles by {product.code}-{colour|upper|3}-{size|upper|1}",
    )  # fmt: skip
    assert undo(change_id=change.pk, by=None, at=LATER).restored == 6
    assert codes(toy) == before


def test_codes_may_change_hands(world: World, toy: Product) -> None:
    first, second = Variant.plain.filter(product=toy).order_by("position")[:2]
    Variant.plain.filter(pk=first.pk).update(code="x")
    Variant.plain.filter(pk=second.pk).update(code="TOY-RED-S")
    Variant.plain.filter(pk=first.pk).update(code="TOY-RED-L")
    saved = save(world)
    assert (saved.saved, codes(toy)) == (6, WANTED)
    assert saved.change is not None
    undo(change_id=saved.change.pk, by=None, at=LATER)
    assert codes(toy)[:2] == ["TOY-RED-L", "TOY-RED-S"]


def test_what_collides_is_left_and_the_rest_saved(world: World, toy: Product) -> None:
    make_product(world, {"Colour": ("Red",)}, code="CAR")
    Variant.plain.filter(code="CAR-Red").update(code="TOY-RED-S")
    only = Product.plain.filter(pk=toy.pk)
    preview = preview_codes(products=only, pattern=PATTERN)
    assert [(one.code, one.problem) for one in preview.problems] == [("TOY-RED-S", "TOY-RED-S has this code.")]
    saved = save_codes(
        merchant_id=world.merchant.pk, products=only, pattern=PATTERN, connection=None, token=preview.token, by=None,
        at=NOON,
    )  # fmt: skip
    assert (saved.saved, codes(toy)) == (5, ["TOY-Red-Small", *WANTED[1:]])


def test_a_pattern_too_coarse_collides_with_itself(world: World, toy: Product) -> None:
    preview = preview_codes(products=products(world), pattern="{product.code}-{colour}")
    assert {one.problem for one in preview.problems} == {"2 articles would get this code."}
    assert len(preview.problems) == 6


def test_the_platforms_limit_is_kept(world: World, toy: Product) -> None:
    Connection.plain.filter(pk=world.other.pk).update(platform="magento")
    long = "{product.code}-" + "x" * 61
    preview = preview_codes(products=products(world), pattern=long + "{n}")
    assert preview.problems[0].problem == "66 characters; Shop B takes 64."
    Connection.plain.filter(pk=world.other.pk).update(platform="woocommerce")
    assert preview_codes(products=products(world), pattern=long + "{n}").problems == []


def test_a_code_the_back_office_gives_is_changed_there(world: World) -> None:
    stocked(world, "MUG")
    preview = preview_codes(products=products(world), pattern="{product.code}-{n|02}")
    assert [(one.before, one.problem) for one in preview.problems] == [("MUG", "ERP gives this code; change it there.")]
    assert save(world, "{product.code}-{n|02}").saved == 0


def test_what_was_looked_at_is_what_is_saved(world: World, toy: Product) -> None:
    token = preview_codes(products=products(world), pattern=PATTERN).token
    OptionValue.plain.filter(value="Red").update(value="Rose")
    with pytest.raises(Changed):
        save_codes(
            merchant_id=world.merchant.pk, products=products(world), pattern=PATTERN, connection=None, token=token,
            by=None, at=NOON,
        )  # fmt: skip
    assert codes(toy)[0] == "TOY-Red-Small"


def test_shops_articles_that_carry_the_new_codes_are_mapped_by_them(world: World, toy: Product) -> None:
    put_in_shop(world, world.shop, {"Colour": ("Red",)}, parent="5", skus={("Red",): "TOY-RED-S"})
    row = Binding.plain.get()
    assert row.state == "conflict"
    saved = save(world)
    row.refresh_from_db()
    assert (saved.bound, row.state, row.reason) == (1, "bound", "the same code")
    assert saved.change is not None
    assert undo(change_id=saved.change.pk, by=None, at=LATER).restored == 7
    row.refresh_from_db()
    assert (row.state, row.variant_id) == ("conflict", None)


def test_a_shop_we_write_may_have_codes_of_its_own(world: World, toy: Product) -> None:
    assert generation.list_targets(world.merchant.pk) == []
    Flow(merchant=world.merchant, connection=world.shop, stream="product", direction="push").save()
    assert generation.list_targets(world.merchant.pk) == [world.shop]
    skus = {("Red", "Small"): "TOY-Red-Small", ("Red", "Large"): "TOY-Red-Large"}
    put_in_shop(world, world.shop, {"Colour": ("Red",), "Size": ("Small", "Large")}, skus=skus)
    saved = save(world, "WEB-{n|04}", connection=world.shop)
    assert saved.saved == 2
    assert sorted(Binding.plain.values_list("reference_code", flat=True)) == ["WEB-0001", "WEB-0002"]
    assert codes(toy)[0] == "TOY-Red-Small", "ours stay"
    assert saved.change is not None
    Binding.plain.filter(reference_code="WEB-0002").update(reference_code="OTHER")
    undone = undo(change_id=saved.change.pk, by=None, at=LATER)
    assert (undone.restored, undone.kept) == (
        1, ("OTHER Spielzeugauto was changed to OTHER since; it stays so.",),
    )  # fmt: skip


def test_undo_does_not_take_a_code_another_has_now(world: World, toy: Product) -> None:
    saved = save(world)
    make_product(world, {"Colour": ("Red",)}, code="CAR")
    Variant.plain.filter(code="CAR-Red").update(code="TOY-Red-Small")
    assert saved.change is not None
    undone = undo(change_id=saved.change.pk, by=None, at=LATER)
    assert (undone.restored, undone.kept) == (
        5, ("Another article has the code TOY-Red-Small since; TOY-RED-S stays so.",),
    )  # fmt: skip


def test_value_codes_are_given_and_undone(world: World, toy: Product) -> None:
    given = {values_of(toy)["Red"]: " RD ", values_of(toy)["Blue"]: ""}
    change = save_value_codes(product=toy, codes=given, by=None, at=NOON)
    assert change is not None
    assert OptionValue.plain.get(value="Red").code == "RD"
    preview = preview_codes(products=products(world), pattern="{product.code}-{colour.code}-{size}")
    assert [one.code for one in preview.changing] == ["TOY-RD-Small", "TOY-RD-Large"]
    assert len(preview.problems) == 4
    undo(change_id=change.pk, by=None, at=LATER)
    assert OptionValue.plain.get(value="Red").code == ""
    assert save_value_codes(product=toy, codes={values_of(toy)["Blue"]: ""}, by=None, at=NOON) is None


def test_a_wrong_pattern_and_too_many_articles_say_so(world: World, toy: Product, monkeypatch) -> None:
    with pytest.raises(PatternError):
        preview_codes(products=products(world), pattern="{product.code")
    monkeypatch.setattr(generation, "MOST", 5)
    with pytest.raises(TooMany, match="These are 6 articles; 5 go at once"):
        preview_codes(products=products(world), pattern=PATTERN)
