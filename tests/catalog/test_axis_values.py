"""Axis values mapped once: every combination follows, what does not says why, and the words are remembered."""

from __future__ import annotations

from datetime import timedelta

import pytest

from catalog import services
from catalog.mapping.axes import Pair
from catalog.models import AxisValueMapping, Binding, MappingConflict, Product, Synonym
from catalog.services.axis_values import AxisError, save_axes
from catalog.services.axis_views import find_remote_products, get_axes
from catalog.services.cells import Edit, save_cells
from catalog.services.changes import undo
from catalog.services.decisions import ignore
from orders.models import Order
from tests.catalog.toys import ABROAD, TOY, make_product, put_in_shop, values_of
from tests.world import NOON, World, make_world, order

State = Binding.State
LATER = NOON + timedelta(hours=1)
COLOURS = {"Red": ("Farbe", "Rot"), "Green": ("Farbe", "Grün"), "Blue": ("Farbe", "Blau")}
SIZES = {"Small": ("Größe", "S"), "Large": ("Größe", "L")}
ALL = COLOURS | SIZES


@pytest.fixture
def toy(world: World) -> Product:
    row = make_product(world, TOY)
    put_in_shop(world, world.shop, ABROAD)
    return row


def words(product: Product, pairs: dict[str, Pair]) -> dict[int, Pair]:
    pks = values_of(product)
    return {pks[value]: pair for value, pair in pairs.items()}


def save(world: World, product: Product, pairs: dict[str, Pair] = ALL, parent: str = "77"):
    return save_axes(
        product=product, connection=world.shop, parent=parent, words=words(product, pairs), by=None, at=NOON
    )


def holdings(world: World) -> dict[str, str]:
    rows = Binding.plain.filter(state=State.BOUND, connection=world.shop).select_related("variant")
    return {row.variant.code.removeprefix("TOY-"): row.external_id for row in rows if row.variant}


def open_conflicts() -> list[tuple[str, str]]:
    rows = MappingConflict.plain.filter(resolved_at__isnull=True).exclude(type="unknown_reference")
    return sorted(rows.values_list("type", "message"))


def test_five_values_are_mapped_and_the_six_follow(world: World, toy: Product) -> None:
    followed = save(world, toy)
    assert (followed.bound, followed.already, followed.problems) == (6, 0, ())
    assert holdings(world) == {
        "Red-Small": "77-Rot-S",
        "Red-Large": "77-Rot-L",
        "Green-Small": "77-Grün-S",
        "Green-Large": "77-Grün-L",
        "Blue-Small": "77-Blau-S",
        "Blue-Large": "77-Blau-L",
    }
    assert Binding.plain.get(external_id="77-Rot-S").reason == "axis values: Red ↔ Rot, Small ↔ S"
    assert MappingConflict.plain.filter(resolved_at__isnull=True).count() == 0
    assert AxisValueMapping.plain.count() == 5
    again = save(world, toy)
    assert (again.bound, again.already, again.change) == (0, 6, None)


def test_each_order_that_waited_is_counted(world: World, toy: Product) -> None:
    sold = order("1", ("77-Rot-S", 1, "4.50"), ("77-Rot-L", 1, "4.50"))
    renamed = tuple(
        type(line)(**{**{name: getattr(line, name) for name in line.__slots__}, "variant_external_id": line.sku})
        for line in sold.lines
    )
    world.apply(world.shop, "order", type(sold)(**{**{n: getattr(sold, n) for n in sold.__slots__}, "lines": renamed}))
    assert Order.plain.get().lines.filter(variant__isnull=True).count() == 2
    assert save(world, toy).freed == 1, "one order, whose two lines were mapped at once"
    assert Order.plain.get().lines.filter(variant__isnull=True).count() == 0


def test_what_does_not_follow_is_a_conflict_with_words(world: World) -> None:
    toy = make_product(world, TOY, leave_out=[("Blue", "Large")])
    put_in_shop(world, world.shop, {"Farbe": ("Rot", "Grün", "Blau", "Rosa"), "Größe": ("S", "L")})
    followed = save(world, toy)
    assert followed.bound == 5
    assert open_conflicts() == [
        ("axis_mismatch", "Spielzeugauto: Not mapped yet: “Rosa” (Farbe)."),
        ("axis_mismatch", "Spielzeugauto: Not mapped yet: “Rosa” (Farbe)."),
        ("missing_combination", "Spielzeugauto: We have no article Blue / Large."),
    ]
    assert set(MappingConflict.plain.filter(type="axis_mismatch").values_list("product_id", flat=True)) == {toy.pk}
    save(world, toy)
    assert len(open_conflicts()) == 3, "said once"


def test_a_value_mapped_later_lets_the_rest_follow(world: World, toy: Product) -> None:
    without_blue = {value: pair for value, pair in ALL.items() if value != "Blue"}
    assert save(world, toy, without_blue).bound == 4
    assert len(open_conflicts()) == 2
    assert save(world, toy).bound == 2
    assert open_conflicts() == []


def test_only_exact_and_unique_follows(world: World, toy: Product) -> None:
    twin = {"Farbe": ("Rot", "rot"), "Größe": ("S", "L")}
    put_in_shop(world, world.shop, twin, parent="99")
    followed = save(world, toy, {"Red": ("Farbe", "Rot"), **SIZES}, parent="99")
    assert followed.bound == 0
    assert {one for _, one in followed.problems} == {
        "99-Rot-S Spielzeugauto: 2 articles there are Red / Small.",
        "99-rot-S Spielzeugauto: 2 articles there are Red / Small.",
        "99-Rot-L Spielzeugauto: 2 articles there are Red / Large.",
        "99-rot-L Spielzeugauto: 2 articles there are Red / Large.",
    }


def test_what_is_mapped_or_ignored_stays(world: World, toy: Product) -> None:
    small_red, small_green = (Binding.plain.get(external_id=pk) for pk in ("77-Rot-S", "77-Grün-S"))
    blue = toy.variants.get(code="TOY-Blue-Small")
    services.bind(binding_id=small_red.pk, variant_id=blue.pk, at=NOON, reason="chosen by Bob")
    ignore(binding_id=small_green.pk, at=NOON)
    followed = save(world, toy)
    assert followed.bound == 3
    assert [one for _, one in followed.problems] == [
        "77-Rot-S Spielzeugauto: Its options say TOY-Red-Small, and it is mapped to TOY-Blue-Small; it stays so.",
        "77-Blau-S Spielzeugauto: TOY-Blue-Small is 77-Rot-S Spielzeugauto at Shop A already.",
    ]
    small_red.refresh_from_db()
    small_green.refresh_from_db()
    assert (small_red.variant_id, small_green.state) == (blue.pk, State.IGNORED)


def test_words_are_learnt_and_offered_on_the_next_product(world: World, toy: Product) -> None:
    save(world, toy)
    assert sorted(Synonym.plain.values_list("axis", "ours", "theirs")) == [
        ("colour", "blue", "blau"),
        ("colour", "green", "grün"),
        ("colour", "red", "rot"),
        ("size", "large", "l"),
        ("size", "small", "s"),
    ]
    van = make_product(world, {"Colour": ("Red", "Pink"), "Size": ("Small",)}, code="VAN", name="Van")
    put_in_shop(world, world.other, {"Farbe": ("Rot", "Rosa"), "Größe": ("S",)}, parent="5", name="Lieferwagen")
    view = get_axes(product=van, connection=world.other, parent="5")
    lines = {line.value.value: line.offer for _, axis in view.axes for line in axis}
    assert {value: (offer.pair, offer.reason) if offer else None for value, offer in lines.items()} == {
        "Red": (("Farbe", "Rot"), "learnt: Red ↔ Rot (Toy car)"),
        "Pink": None,
        "Small": (("Größe", "S"), "learnt: Small ↔ S (Toy car)"),
    }
    assert view.theirs == (("Farbe", ("Rot", "Rosa")), ("Größe", ("S",)))
    assert view.left == (("Farbe", "Rot"), ("Größe", "S"), ("Farbe", "Rosa"))


def test_another_merchant_learns_nothing_of_it(world: World, toy: Product) -> None:
    save(world, toy)
    other = make_world("Southwind")
    van = make_product(other, {"Colour": ("Red",)}, code="VAN")
    put_in_shop(other, other.shop, {"Farbe": ("Rot",)}, parent="5")
    view = get_axes(product=van, connection=other.shop, parent="5")
    assert [line.offer for _, axis in view.axes for line in axis] == [None]


def test_undo_takes_back_the_six_the_values_and_what_was_learnt(world: World, toy: Product) -> None:
    followed = save(world, toy)
    assert followed.change is not None
    assert followed.change.summary == "5 axis values of TOY at Shop A: 6 articles"
    undone = undo(change_id=followed.change.pk, by=None, at=LATER)
    assert (undone.restored, undone.kept) == (6, ())
    assert holdings(world) == {}
    assert AxisValueMapping.plain.count() == Synonym.plain.count() == 0
    assert MappingConflict.plain.filter(resolved_at__isnull=True, type="unknown_reference").count() == 6


def test_undo_after_somebody_mapped_on_says_so(world: World, toy: Product) -> None:
    first = save(world, toy, COLOURS)
    save(world, toy)
    assert first.change is not None
    undone = undo(change_id=first.change.pk, by=None, at=LATER)
    assert undone.kept == ("The axis values were changed since; they stay so.",)
    assert AxisValueMapping.plain.count() == 5
    assert len(holdings(world)) == 6


def test_an_article_that_comes_later_follows_by_itself(world: World, toy: Product) -> None:
    put_in_shop(world, world.shop, {"Farbe": ("Rot", "Grün"), "Größe": ("S", "L")}, parent="8")
    narrow = {value: pair for value, pair in ALL.items() if value != "Blue"}
    Binding.plain.filter(parent_external_id="77").update(state=State.IGNORED)
    assert save(world, toy, narrow, parent="8").bound == 4
    Binding.plain.filter(external_id="8-Rot-S").delete()
    put_in_shop(world, world.shop, {"Farbe": ("Rot", "Grün"), "Größe": ("S", "L")}, parent="8")
    assert holdings(world)["Red-Small"] == "8-Rot-S"
    put_in_shop(world, world.shop, {"Farbe": ("Rot", "Grün", "Lila"), "Größe": ("S", "L")}, parent="8")
    assert len(holdings(world)) == 4
    assert open_conflicts() == [("axis_mismatch", "Spielzeugauto: Not mapped yet: “Lila” (Farbe).")] * 2


def test_what_a_person_took_off_does_not_follow_again_by_itself(world: World, toy: Product) -> None:
    save(world, toy)
    row = Binding.plain.get(external_id="77-Rot-S")
    cell = Edit(variant_id=row.variant_id or 0, connection_id=world.shop.pk, text="", was=str(row.pk))
    save_cells(product=toy, edits=[cell], by=None, at=NOON)
    put_in_shop(world, world.shop, ABROAD, name="Another name")
    row.refresh_from_db()
    assert (row.state, row.variant_id, row.title) == (State.CONFLICT, None, "Another name")
    assert save(world, toy).bound == 1, "until a person maps the values again"


@pytest.mark.parametrize(
    ("pairs", "message"),
    [
        ({"Red": ("Farbe", "Rot"), "Blue": ("Farbe", "Rot")}, "“Rot” is given to Red and to Blue; it can be only one."),
        ({"Red": ("Farbe", "Lila")}, "Shop A does not have “Lila” (Farbe) any more; open the page anew."),
        (
            {"Red": ("Farbe", "Rot"), "Blue": ("Größe", "S")},
            "The values of Colour are mapped to two options there; take one of them.",
        ),
    ],
)
def test_values_that_cannot_be_mapped_so_are_refused_whole(world, toy, pairs, message) -> None:
    with pytest.raises(AxisError) as caught:
        save(world, toy, pairs)
    assert str(caught.value) == message
    assert AxisValueMapping.plain.count() == Synonym.plain.count() == 0


def test_products_there_are_found_by_what_they_are_called(world: World, toy: Product) -> None:
    put_in_shop(world, world.shop, {"Farbe": ("Rot",)}, parent="5", name="Toy car deluxe", skus={("Rot",): "TC-1"})

    def found(text: str = "") -> list[tuple[str, int, int]]:
        rows = find_remote_products(product=toy, connection=world.shop, text=text)
        return [(row.external_id, row.articles, row.mine) for row in rows]

    assert found() == [("5", 1, 0)], "by the name of ours"
    assert found("TC-1") == found("5") == found("deluxe") == [("5", 1, 0)]
    assert found("77-Rot-S") == [("77", 6, 0)]
    assert found("nothing like it") == []
    save(world, toy)
    assert found() == [("77", 6, 6)]
