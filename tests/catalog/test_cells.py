"""Cells of the grid: what is saved, what is refused alone and why, and undo."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier

import pytest
from django.db import connection as database
from django.test.utils import CaptureQueriesContext

from catalog import services
from catalog.models import Binding, ChannelStock, MappingChange, MappingConflict, Product, Variant
from catalog.services.cells import Edit, SavedCells, save_cells
from catalog.services.changes import NotPossible, undo
from catalog.services.matrix import get_grid, list_shops, split_reason
from integrations.contract import records as r
from integrations.models import Connection
from orders.models import Order
from portal.tenancy.models import User
from tests.catalog.toys import ABROAD, TOY, make_product, put_in_shop
from tests.world import NOON, D, World, make_world, order, stocked

LATER = NOON + timedelta(hours=1)
State = Binding.State


@pytest.fixture
def anna(db: None) -> User:
    return User.objects.create_user("anna@example.com", "pw")


@pytest.fixture
def toy(world: World) -> Product:
    row = make_product(world, TOY)
    put_in_shop(world, world.shop, ABROAD, skus={("Rot", "S"): "R-S", ("Rot", "L"): "R-L", ("Blau", "L"): "B-L"})
    return row


def variant(code: str) -> Variant:
    return Variant.plain.get(code=f"TOY-{code}")


def article(external_id: str) -> Binding:
    return Binding.plain.get(external_id=external_id)


def edit(world: World, code: str, text: str, was: str = "", ignore: bool = False) -> Edit:
    return Edit(variant_id=variant(code).pk, connection_id=world.shop.pk, text=text, was=was, ignore=ignore)


def save(toy: Product, *edits: Edit, by: User | None = None) -> SavedCells:
    return save_cells(product=toy, edits=edits, by=by, at=NOON)


def holdings(world: World) -> dict[str, str]:
    rows = Binding.plain.filter(state=State.BOUND, connection=world.shop).select_related("variant")
    return {row.variant.code.removeprefix("TOY-"): row.external_id for row in rows if row.variant}


def test_six_codes_are_saved_together_by_code_and_by_id(world: World, toy: Product, anna: User) -> None:
    saved = save(
        toy,
        edit(world, "Red-Small", "R-S"),
        edit(world, "Red-Large", " R-L "),
        edit(world, "Green-Small", "77-Grün-S"),
        edit(world, "Green-Large", "id:77-Grün-L"),
        edit(world, "Blue-Small", "77-Blau-S"),
        edit(world, "Blue-Large", "B-L"),
        by=anna,
    )
    assert (len(saved.saved), saved.refused) == (6, ())
    assert holdings(world) == {
        "Red-Small": "77-Rot-S",
        "Red-Large": "77-Rot-L",
        "Green-Small": "77-Grün-S",
        "Green-Large": "77-Grün-L",
        "Blue-Small": "77-Blau-S",
        "Blue-Large": "77-Blau-L",
    }
    assert set(Binding.plain.values_list("reason", flat=True)) == {"chosen by anna@example.com"}
    assert MappingConflict.plain.filter(resolved_at__isnull=True).count() == 0
    change = MappingChange.plain.get()
    assert (change.kind, change.by, change.summary) == ("grid", anna, "6 cells of TOY, Shop A")


def test_what_waited_for_an_article_goes_on(world: World) -> None:
    stocked(world, "MUG")
    world.apply(world.shop, "order", order("1", ("else", 1, "4.50")))
    assert Order.plain.get().lines.get().variant_id is None
    mug = Variant.plain.get(code="MUG")
    bound = Binding.plain.get(connection=world.shop, variant=mug)
    given = Edit(variant_id=mug.pk, connection_id=world.shop.pk, text="else", was=str(bound.pk))
    saved = save_cells(product=mug.product, edits=[given], by=None, at=LATER)
    assert saved.freed == 1
    assert Order.plain.get().lines.get().variant_id == mug.pk


def test_unknown_and_foreign_articles_are_told_cell_by_cell(world: World, toy: Product) -> None:
    put_in_shop(world, world.other, ABROAD, parent="88", skus={("Rot", "S"): "OTHER"})
    saved = save(toy, edit(world, "Red-Small", "nonsense"), edit(world, "Red-Large", "R-L"),
                 edit(world, "Blue-Small", "OTHER"))  # fmt: skip
    assert [one.message for one in saved.refused] == [
        "Shop A has no article with the code or id nonsense.",
        "Shop A has no article with the code or id OTHER.",
    ]
    assert holdings(world) == {"Red-Large": "77-Rot-L"}


def test_a_code_several_articles_carry_is_picked_from(world: World, toy: Product) -> None:
    Binding.plain.filter(external_id="77-Blau-S").update(reference_code="R-S")
    saved = save(toy, edit(world, "Red-Small", "R-S"))
    (refused,) = saved.refused
    assert refused.message == "2 articles of Shop A are called R-S: pick one."
    assert refused.choices == (
        ("id:77-Rot-S", "R-S Spielzeugauto (id 77-Rot-S)"),
        ("id:77-Blau-S", "R-S Spielzeugauto (id 77-Blau-S)"),
    )
    assert saved.change is None
    assert save(toy, edit(world, "Red-Small", refused.choices[1][0])).refused == ()
    assert holdings(world) == {"Red-Small": "77-Blau-S"}


def test_an_article_that_is_anothers_is_said_with_both_sides(world: World, toy: Product) -> None:
    save(toy, edit(world, "Red-Small", "R-S"))
    saved = save(toy, edit(world, "Blue-Small", "R-S"))
    (refused,) = saved.refused
    both = "R-S Spielzeugauto is TOY-Red-Small at Shop A already; here it would be TOY-Blue-Small."
    assert refused.message == f"{both} Take it off there first."
    assert holdings(world) == {"Red-Small": "77-Rot-S"}


def test_two_articles_change_places_in_one_go(world: World, toy: Product) -> None:
    save(toy, edit(world, "Red-Small", "R-S"), edit(world, "Red-Large", "R-L"))
    small, large = str(article("77-Rot-S").pk), str(article("77-Rot-L").pk)
    saved = save(toy, edit(world, "Red-Small", "R-L", was=small), edit(world, "Red-Large", "R-S", was=large))
    assert saved.refused == ()
    assert holdings(world) == {"Red-Small": "77-Rot-L", "Red-Large": "77-Rot-S"}


def test_a_chain_falls_where_its_first_link_is_refused(world: World, toy: Product) -> None:
    save(toy, edit(world, "Red-Small", "R-S"), edit(world, "Red-Large", "R-L"))
    small, large = str(article("77-Rot-S").pk), str(article("77-Rot-L").pk)
    saved = save(
        toy,
        edit(world, "Red-Small", "unknown", was=small),
        edit(world, "Red-Large", "R-S", was=large),
        edit(world, "Blue-Large", "R-L"),
    )
    assert (len(saved.saved), len(saved.refused)) == (0, 3)
    assert holdings(world) == {"Red-Small": "77-Rot-S", "Red-Large": "77-Rot-L"}


def test_one_article_in_two_cells_is_refused_in_both(world: World, toy: Product) -> None:
    saved = save(toy, edit(world, "Red-Small", "R-S"), edit(world, "Red-Large", "77-Rot-S"))
    words = "R-S is given to TOY-Red-Small and TOY-Red-Large; it can be only one."
    assert [one.message for one in saved.refused] == [words, words]
    assert holdings(world) == {}


def test_somebody_elses_change_is_refused_and_the_rest_saved(world: World, toy: Product, anna: User) -> None:
    save(toy, edit(world, "Red-Small", "R-S"), by=anna)
    saved = save(toy, edit(world, "Red-Small", "77-Grün-S"), edit(world, "Red-Large", "R-L"))
    assert [one.message for one in saved.refused] == [
        "Somebody changed this meanwhile: TOY-Red-Small holds R-S (chosen by anna@example.com) at Shop A."
    ]
    assert holdings(world) == {"Red-Small": "77-Rot-S", "Red-Large": "77-Rot-L"}
    assert save(toy, edit(world, "Red-Small", "R-S")).refused == (), "who wanted the same is not bothered"


def test_an_article_taken_off_waits_and_is_not_brought_back_by_the_next_reading(world: World, toy: Product) -> None:
    put_in_shop(world, world.other, {"Colour": ("Red",)}, parent="5", skus={("Red",): "TOY-Red-Small"})
    row = Binding.plain.get(connection=world.other)
    assert (row.state, row.reason) == (State.BOUND, "the same code")
    cell = Edit(variant_id=variant("Red-Small").pk, connection_id=world.other.pk, text="", was=str(row.pk))
    assert save(toy, cell).refused == ()
    row.refresh_from_db()
    assert (row.state, row.variant_id, row.reason) == (State.CONFLICT, None, "taken off TOY-Red-Small by the portal")
    put_in_shop(world, world.other, {"Colour": ("Red",)}, parent="5", name="New", skus={("Red",): "TOY-Red-Small"})
    row.refresh_from_db()
    assert (row.state, row.title) == (State.CONFLICT, "New")
    put_in_shop(world, world.other, {"Colour": ("Red",)}, parent="5", name="New", skus={("Red",): "TOY-Red-Large"})
    row.refresh_from_db()
    assert (row.state, row.variant) == (State.BOUND, variant("Red-Large")), "another code is another word"


def test_what_a_shop_should_show_follows_the_article(world: World) -> None:
    stocked(world, "MUG", "CUP", quantity="10")
    world.apply(world.erp, "stock", r.StockRow("e-CUP-CUP", "", D(3)))
    mug, cup = (Binding.plain.get(connection=world.shop, reference_code=code) for code in ("MUG", "CUP"))
    assert ChannelStock.plain.get(binding=cup).wanted == 3
    ChannelStock.plain.filter(binding=cup).update(sent=D(3))
    product = Product.plain.get(code="MUG")
    cell = Edit(variant_id=mug.variant_id or 0, connection_id=world.shop.pk, text="", was=str(mug.pk))
    save(product, cell)
    assert not ChannelStock.plain.filter(binding=mug).exists()
    Binding.plain.filter(pk=cup.pk).update(state=State.CONFLICT)
    save(product, Edit(variant_id=mug.variant_id or 0, connection_id=world.shop.pk, text="CUP"))
    moved = ChannelStock.plain.get(binding=cup)
    assert (moved.wanted, moved.sent) == (10, None)


def test_a_crate_beside_the_piece_stays_where_the_piece_changes(world: World, toy: Product) -> None:
    save(toy, edit(world, "Red-Small", "R-S"))
    services.bind(binding_id=article("77-Rot-L").pk, variant_id=variant("Red-Small").pk, factor=D(24), at=NOON)
    shop = world.shop
    cell = get_grid(product=toy, shops=[shop]).sections[0].rows[0].cells[0]
    assert (cell.shown, [row.external_id for row in cell.more]) == ("R-S", ["77-Rot-L"])
    save(toy, edit(world, "Red-Small", "B-L", was=cell.was))
    rows = Binding.plain.filter(variant=variant("Red-Small"), state=State.BOUND)
    assert set(rows.values_list("external_id", "factor")) == {("77-Rot-L", D(24)), ("77-Blau-L", D(1))}


def test_a_suggestion_is_accepted_or_ignored(world: World, toy: Product, anna: User) -> None:
    suggested = {"state": State.SUGGESTED, "reason": "92 %: same barcode stem; “Green” is “Grün” here"}
    Binding.plain.filter(external_id="77-Grün-S").update(variant=variant("Green-Small"), **suggested)
    Binding.plain.filter(external_id="77-Grün-L").update(variant=variant("Green-Large"), **suggested)
    cells = get_grid(product=toy, shops=[world.shop]).sections[0].rows[1].cells
    assert [(cell.state, cell.score, cell.offered, cell.was) for cell in cells] == [
        ("suggested", "92 %", "id:77-Grün-S", ""),
        ("suggested", "92 %", "id:77-Grün-L", ""),
    ]
    assert cells[0].why == "same barcode stem; “Green” is “Grün” here"
    saved = save(
        toy, edit(world, "Green-Small", cells[0].offered), edit(world, "Green-Large", "", ignore=True), by=anna
    )
    assert saved.refused == ()
    accepted, ignored = article("77-Grün-S"), article("77-Grün-L")
    assert (accepted.state, accepted.reason) == (State.BOUND, "accepted by anna@example.com")
    assert (ignored.state, ignored.variant_id) == (State.IGNORED, None)
    assert saved.change is not None
    assert undo(change_id=saved.change.pk, by=anna, at=LATER).restored == 2
    assert {article(pk).state for pk in ("77-Grün-S", "77-Grün-L")} == {State.SUGGESTED}
    assert set(MappingConflict.plain.filter(binding=article("77-Grün-L")).values_list("resolved_at", flat=True)) == {
        None
    }


def test_undo_puts_back_what_nobody_changed_since_and_says_the_rest(world: World, toy: Product, anna: User) -> None:
    save(toy, edit(world, "Red-Small", "R-S"))
    was = str(article("77-Rot-S").pk)
    saved = save(toy, edit(world, "Red-Small", "B-L", was=was), edit(world, "Red-Large", "R-L"), by=anna)
    services.bind(binding_id=article("77-Rot-L").pk, variant_id=variant("Blue-Large").pk, at=LATER, reason="by Bob")
    assert saved.change is not None
    undone = undo(change_id=saved.change.pk, by=anna, at=LATER)
    assert undone.restored == 2
    assert undone.kept == ("R-L Spielzeugauto is TOY-Blue-Large now (by Bob); it stays so.",)
    assert holdings(world) == {"Red-Small": "77-Rot-S", "Blue-Large": "77-Rot-L"}
    assert article("77-Blau-L").state == State.CONFLICT
    conflicts = MappingConflict.plain.filter(resolved_at__isnull=True)
    assert sorted(conflicts.values_list("binding__external_id", flat=True)) == [
        "77-Blau-L", "77-Blau-S", "77-Grün-L", "77-Grün-S",
    ]  # fmt: skip
    with pytest.raises(NotPossible, match="undone already"):
        undo(change_id=saved.change.pk, by=anna, at=LATER)


def test_undo_does_not_give_a_variant_a_second_article(world: World, toy: Product) -> None:
    save(toy, edit(world, "Red-Small", "R-S"))
    saved = save(toy, edit(world, "Red-Small", "", was=str(article("77-Rot-S").pk)))
    save(toy, edit(world, "Red-Small", "B-L"))
    assert saved.change is not None
    undone = undo(change_id=saved.change.pk, by=None, at=LATER)
    assert undone.restored == 0
    assert undone.kept == ("TOY-Red-Small is B-L Spielzeugauto since; R-S Spielzeugauto is not put back.",)
    assert holdings(world) == {"Red-Small": "77-Blau-L"}


@pytest.mark.django_db(transaction=True)
def test_two_people_at_one_cell_come_one_after_the_other(transactional_db: None) -> None:
    world = make_world()
    toy = make_product(world, TOY)
    put_in_shop(world, world.shop, ABROAD, skus={("Rot", "S"): "R-S", ("Rot", "L"): "R-L"})
    start = Barrier(2)

    def save_one(text: str) -> SavedCells:
        try:
            given = edit(world, "Red-Small", text)
            start.wait(timeout=30)
            return save(toy, given)
        finally:
            database.close()

    with ThreadPoolExecutor(2) as people:
        results = list(people.map(save_one, ("R-S", "R-L")))
    assert sorted(len(one.saved) for one in results) == [0, 1]
    (refused,) = [one for result in results for one in result.refused]
    assert refused.message.startswith("Somebody changed this meanwhile: TOY-Red-Small holds R-")
    assert len(holdings(world)) == 1


def test_cells_of_another_product_or_merchant_are_refused(world: World, toy: Product) -> None:
    stocked(world, "MUG")
    mug = Variant.plain.get(code="MUG")
    erp = Edit(variant_id=variant("Red-Small").pk, connection_id=world.erp.pk, text="MUG")
    saved = save(toy, Edit(variant_id=mug.pk, connection_id=world.shop.pk, text=""), erp)
    assert {one.message for one in saved.refused} == {"This article or this shop is not there any more."}


def test_two_hundred_and_forty_cells_are_saved_in_few_queries(world: World) -> None:
    wide = {"Colour": [f"C{i}" for i in range(20)], "Size": [f"S{i}" for i in range(12)]}
    row = make_product(world, wide, code="BIG")
    put_in_shop(world, world.shop, wide, parent="9", name="Big")
    edits = [
        Edit(variant_id=one.pk, connection_id=world.shop.pk, text=one.code.replace("BIG", "9"))
        for one in Variant.plain.filter(product=row)
    ]
    with CaptureQueriesContext(database) as caught:
        saved = save_cells(product=row, edits=edits, by=None, at=NOON)
    assert (len(saved.saved), saved.refused) == (240, ())
    assert len(caught) <= 30, len(caught)


@pytest.mark.parametrize(
    ("reason", "split"),
    [("92 %: same stem", (92, "same stem")), ("92% · a; b", (92, "a; b")), ("chosen by 92", (None, "chosen by 92"))],
)
def test_a_reason_begins_with_its_score(reason: str, split: tuple[int | None, str]) -> None:
    assert split_reason(reason) == split


def test_disabled_shops_and_back_offices_are_no_columns(world: World) -> None:
    Connection.plain.filter(pk=world.other.pk).update(state="disabled")
    assert list_shops(world.merchant.pk) == [world.shop]
