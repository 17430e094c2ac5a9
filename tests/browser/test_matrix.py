"""The grid in a browser: typing, pasting a block, keys, undo and redo, axis values, many rows, a telephone's width."""

from __future__ import annotations

import os
import re
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from catalog import services
from catalog.models import Binding, Product, Variant
from tests.browser.conftest import DESK, PHONE, Visit, Visitor
from tests.catalog.toys import ABROAD, TOY, make_product, put_in_shop
from tests.world import NOON, World, make_world

pytestmark = pytest.mark.browser
SHOTS = os.environ.get("SHOTS", "")  # a folder for pictures, for whoever wants to look
SKUS = {("Rot", "S"): "R-S", ("Rot", "L"): "R-L", ("Grün", "S"): "G-S", ("Grün", "L"): "G-L", ("Blau", "S"): "B-S"}


@pytest.fixture
def world(transactional_db: None) -> World:
    return make_world()


@pytest.fixture
def toy(world: World) -> Product:
    row = make_product(world, TOY, leave_out=[("Blue", "Large")])
    put_in_shop(world, world.shop, ABROAD, skus=SKUS)
    return row


def look(page: Page, name: str) -> None:
    if SHOTS:
        page.screenshot(path=f"{SHOTS}/{name}.png", full_page=True)


def open_grid(visitor: Visit, world: World, product: Product) -> Page:
    return visitor.open("admin:catalog_product_matrix", product.pk, query=f"?shop={world.shop.pk}")


def cell(page: Page, label: str) -> Any:
    return page.get_by_label(f"{label}, Shop A")


def paste(page: Page, text: str) -> None:
    """Into the focused cell, as a spreadsheet's clipboard does."""
    page.evaluate(
        """text => {
            const data = new DataTransfer();
            data.setData("text/plain", text);
            document.activeElement.dispatchEvent(
                new ClipboardEvent("paste", {clipboardData: data, bubbles: true, cancelable: true}));
        }""",
        text,
    )


def holdings() -> dict[str, str]:
    rows = Binding.plain.filter(state="bound").select_related("variant")
    return {row.variant.code.removeprefix("TOY-"): row.external_id for row in rows if row.variant}


def test_a_block_is_pasted_saved_and_undone(world: World, toy: Product, visit: Visitor) -> None:
    visitor = visit(world.merchant, "mapper", DESK)
    page = open_grid(visitor, world, toy)
    expect(page.get_by_text("5 codes")).to_be_visible()
    cell(page, "Red / Small").focus()
    paste(page, 'R-S\t"R-L"\tbeyond\nG-S\t"no ""such""\tcode"\nB-S\t"a\nb"\n')
    assert cell(page, "Green / Small").input_value() == "G-S"
    assert cell(page, "Green / Large").input_value() == 'no "such" code'
    expect(page.get_by_text("5 changes not saved yet")).to_be_visible()
    expect(page.get_by_text("2 of 7 pasted cells have no place here")).to_be_visible()
    assert page.locator("#sbm-rest-text").input_value() == 'beyond\n"a\nb"', "what did not fit is not lost"
    look(page, "pasted")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("4 cells are saved; 1 is not, see why.")).to_be_visible()
    expect(page.get_by_text('Shop A has no article with the code or id no "such" code.')).to_be_visible()
    assert cell(page, "Green / Large").input_value() == 'no "such" code', "what was typed is still there"
    expect(page.get_by_text("4 mapped")).to_be_visible()
    expected = {"Red-Small": "77-Rot-S", "Red-Large": "77-Rot-L", "Green-Small": "77-Grün-S", "Blue-Small": "77-Blau-S"}
    assert holdings() == expected
    look(page, "refused")
    cell(page, "Green / Large").fill("G-L")
    page.keyboard.press("Control+s")
    expect(page.get_by_text("1 cell is saved.")).to_be_visible()
    assert holdings() == {**expected, "Green-Large": "77-Grün-L"}
    visitor.assert_sound()
    page.locator("#sbm-changes").get_by_role("button", name="Undo").nth(1).click()
    expect(page.get_by_text("4 articles are as they were")).to_be_visible()
    assert holdings() == {"Green-Large": "77-Grün-L"}
    visitor.assert_sound()


def test_keys_move_accept_and_take_back(world: World, toy: Product, visit: Visitor) -> None:
    offered = Variant.plain.get(code="TOY-Green-Small")
    Binding.plain.filter(external_id="77-Grün-S").update(
        variant=offered, state="suggested", reason="92 %: same barcode stem; “Green” is “Grün” here"
    )
    visitor = visit(world.merchant, "mapper", DESK)
    page = open_grid(visitor, world, toy)
    look(page, "suggested")
    cell(page, "Red / Small").focus()
    page.keyboard.type("R-S")
    page.keyboard.press("ArrowRight")
    expect(cell(page, "Red / Large")).to_be_focused()
    page.keyboard.type("R-L")
    page.keyboard.press("ArrowDown")
    expect(cell(page, "Green / Large")).to_be_focused()
    page.keyboard.type("oops")
    page.keyboard.press("Escape")
    assert cell(page, "Green / Large").input_value() == ""
    page.keyboard.press("ArrowLeft")
    expect(cell(page, "Green / Small")).to_be_focused()
    page.keyboard.press("Enter")
    assert cell(page, "Green / Small").input_value() == "id:77-Grün-S", "Enter takes the suggestion"
    expect(cell(page, "Blue / Small")).to_be_focused()
    page.keyboard.press("Control+d")
    assert cell(page, "Blue / Small").input_value() == "id:77-Grün-S", "filled from above"
    page.keyboard.press("Control+z")
    assert cell(page, "Blue / Small").input_value() == ""
    page.keyboard.press("Control+z")
    assert cell(page, "Green / Small").input_value() == ""
    page.keyboard.press("Control+y")
    assert cell(page, "Green / Small").input_value() == "id:77-Grün-S"
    expect(page.get_by_text("3 changes not saved yet")).to_be_visible()
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("3 cells are saved.")).to_be_visible()
    assert holdings() == {"Red-Small": "77-Rot-S", "Red-Large": "77-Rot-L", "Green-Small": "77-Grün-S"}
    visitor.assert_sound()


def test_what_is_typed_while_it_saves_is_neither_lost_nor_overwritten(
    world: World, toy: Product, visit: Visitor
) -> None:
    visitor = visit(world.merchant, "mapper", DESK)
    page = open_grid(visitor, world, toy)
    held: list[Any] = []
    grid = re.compile("/matrix")
    page.route(grid, lambda route: held.append(route) if route.request.method == "POST" else route.continue_())
    cell(page, "Red / Small").fill("R-S")
    cell(page, "Red / Large").fill("R-L")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("Saving…")).to_be_visible()
    cell(page, "Red / Large").fill("G-L")  # another article after all
    cell(page, "Green / Small").focus()
    page.keyboard.type("G-")
    held.pop().continue_()
    expect(page.get_by_text("2 cells are saved.")).to_be_visible()
    page.keyboard.type("S")
    assert cell(page, "Green / Small").input_value() == "G-S", "typing goes on where it was"
    assert cell(page, "Red / Large").input_value() == "G-L"
    assert holdings() == {"Red-Small": "77-Rot-S", "Red-Large": "77-Rot-L"}
    page.unroute(grid)
    page.keyboard.press("Control+s")
    expect(page.get_by_text("2 cells are saved.")).to_be_visible()
    expect(page.get_by_text("3 mapped")).to_be_visible()
    assert holdings() == {"Red-Small": "77-Rot-S", "Red-Large": "77-Grün-L", "Green-Small": "77-Grün-S"}
    visitor.assert_sound()


def test_a_marked_block_is_filled_copied_and_emptied(world: World, toy: Product, visit: Visitor) -> None:
    visitor = visit(world.merchant, "mapper", DESK)
    page = open_grid(visitor, world, toy)
    cell(page, "Red / Small").focus()
    paste(page, "R-S\tR-L")
    page.keyboard.press("Shift+ArrowDown")
    page.keyboard.press("Shift+ArrowRight")
    copied = """() => {
        const data = new DataTransfer();
        const event = new ClipboardEvent("copy", {clipboardData: data, bubbles: true, cancelable: true});
        document.activeElement.dispatchEvent(event);
        return data.getData("text/plain");
    }"""
    assert page.evaluate(copied) == "R-S\tR-L\n\t"
    page.keyboard.press("Control+d")
    assert cell(page, "Green / Large").input_value() == "R-L"
    page.keyboard.press("Delete")
    assert [cell(page, f"{row} / {size}").input_value() for row in ("Red", "Green") for size in ("Small", "Large")] == [
        ""
    ] * 4
    page.get_by_role("button", name="Undo typing").click()
    assert cell(page, "Green / Small").input_value() == "R-S"
    page.get_by_role("button", name="Save").click()
    expect(
        page.get_by_text("R-S is given to TOY-Red-Small and TOY-Green-Small; it can be only one.").first
    ).to_be_visible()
    assert holdings() == {}
    visitor.assert_sound()


def test_somebody_elses_change_is_told_and_ambiguous_is_picked(world: World, toy: Product, visit: Visitor) -> None:
    Binding.plain.filter(external_id="77-Blau-L").update(reference_code="R-L")
    visitor = visit(world.merchant, "owner", DESK)
    page = open_grid(visitor, world, toy)
    rival = Variant.plain.get(code="TOY-Red-Small")
    services.bind(
        binding_id=Binding.plain.get(external_id="77-Grün-L").pk, variant_id=rival.pk, at=NOON, reason="chosen by Bob"
    )
    cell(page, "Red / Small").fill("R-S")
    cell(page, "Red / Large").fill("R-L")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("TOY-Red-Small holds G-L (chosen by Bob) at Shop A")).to_be_visible()
    page.get_by_role("button", name="R-L Spielzeugauto (id 77-Rot-L)").click()
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("2 cells are saved.")).to_be_visible()
    assert holdings() == {"Red-Small": "77-Rot-S", "Red-Large": "77-Rot-L"}
    visitor.assert_sound()


@pytest.mark.parametrize("width", [DESK, PHONE])
def test_five_values_are_mapped_and_the_articles_follow(world: World, toy: Product, visit: Visitor, width: int) -> None:
    visitor = visit(world.merchant, "mapper", width)
    page = open_grid(visitor, world, toy)
    page.get_by_role("link", name="Axis values…").click()
    page.get_by_label("Product there").fill("Spielzeug")
    page.get_by_role("button", name="Find").click()
    for ours, theirs in {"Red": "Rot", "Green": "Grün", "Blue": "Blau", "Small": "S", "Large": "L"}.items():
        page.get_by_label(f"{ours} ↔").select_option(label=theirs)
    look(page, f"axes-{width}")
    page.get_by_role("button", name="Map these values").click()
    expect(page.get_by_text("5 values are mapped; 5 articles of Shop A follow.")).to_be_visible()
    expect(page.get_by_text("We have no article Blue / Large.").first).to_be_visible()
    look(page, f"axes-saved-{width}")
    visitor.assert_sound()
    assert len(holdings()) == 5
    page.get_by_role("button", name="Undo").click()
    expect(page.get_by_text("5 articles are as they were")).to_be_visible()
    assert holdings() == {}


def test_at_a_telephones_width_the_grid_is_a_list(world: World, toy: Product, visit: Visitor) -> None:
    visitor = visit(world.merchant, "mapper", PHONE)
    page = open_grid(visitor, world, toy)
    first, second = cell(page, "Red / Small").bounding_box(), cell(page, "Red / Large").bounding_box()
    assert first is not None
    assert second is not None
    assert second["y"] > first["y"] + first["height"]
    cell(page, "Red / Small").fill("R-S")
    look(page, "phone")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("1 cell is saved.")).to_be_visible()
    assert holdings() == {"Red-Small": "77-Rot-S"}
    visitor.assert_sound()


def test_six_codes_are_generated(world: World, toy: Product, visit: Visitor) -> None:
    visitor = visit(world.merchant, "mapper", DESK)
    page = open_grid(visitor, world, toy)
    page.get_by_role("link", name="Generate codes…").click()
    page.get_by_label("Pattern").fill("{product.code}-{colour|upper|3}-{size|1}")
    page.get_by_role("button", name="Look at the codes").click()
    expect(page.get_by_text("TOY-GRE-L")).to_be_visible()
    look(page, "codes")
    page.get_by_role("button", name="Save 5 codes").click()
    expect(page.get_by_text("5 codes are saved.")).to_be_visible()
    assert sorted(Variant.plain.values_list("code", flat=True)) == [
        "TOY-BLU-S", "TOY-GRE-L", "TOY-GRE-S", "TOY-RED-L", "TOY-RED-S",
    ]  # fmt: skip
    visitor.assert_sound()


def test_many_rows_come_as_one_scrolls_and_tables_are_tabs(world: World, visit: Visitor) -> None:
    axes = {"Colour": [f"C{i}" for i in range(20)], "Size": [f"S{i}" for i in range(12)], "Fit": ["slim", "wide"]}
    row = make_product(world, axes, code="BIG", name="Shirt")
    put_in_shop(world, world.shop, axes, parent="9")
    visitor = visit(world.merchant, "mapper", DESK)
    page = open_grid(visitor, world, row)
    expect(cell(page, "C0 / S0 / slim")).to_be_visible()
    expect(cell(page, "C0 / S0 / wide")).to_be_hidden()
    look(page, "big")
    page.get_by_role("link", name="wide").click()
    expect(cell(page, "C0 / S0 / slim")).to_be_hidden()
    cell(page, "C12 / S11 / wide").scroll_into_view_if_needed()
    expect(cell(page, "C19 / S0 / wide")).to_be_attached()
    cell(page, "C19 / S0 / wide").fill("9-C19-S0-wide")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("1 cell is saved.")).to_be_visible()
    assert holdings() == {"BIG-C19-S0-wide": "9-C19-S0-wide"}
    visitor.assert_sound()


def test_without_javascript_the_form_saves(world: World, toy: Product, visit: Visitor, browser: Any) -> None:
    visitor = visit(world.merchant, "mapper", DESK)
    context = browser.new_context(java_script_enabled=False, storage_state=visitor.page.context.storage_state())
    page = context.new_page()
    page.goto(f"{visitor.address}/admin/catalog/product/{toy.pk}/matrix/?shop={world.shop.pk}")
    look(page, "plain")
    cell(page, "Red / Small").fill("R-S")
    cell(page, "Red / Large").fill("nonsense")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("Shop A has no article with the code or id nonsense.")).to_be_visible()
    assert cell(page, "Red / Large").input_value() == "nonsense"
    assert holdings() == {"Red-Small": "77-Rot-S"}
    context.close()


def test_all_shops_are_columns_and_each_is_saved(world: World, toy: Product, visit: Visitor) -> None:
    put_in_shop(world, world.other, {"Colour": ("Red",), "Size": ("Small", "Large")}, parent="5", name="Toy")
    visitor = visit(world.merchant, "mapper", DESK)
    page = open_grid(visitor, world, toy)
    page.get_by_label("Shop", exact=True).select_option(label="All shops as columns")
    page.get_by_role("button", name="Show").click()
    page.get_by_label("Red / Small · Shop A, Shop A").focus()
    paste(page, "R-S\t5-Red-Small\nR-L\t5-Red-Large")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("4 cells are saved.")).to_be_visible()
    look(page, "all-shops")
    rows = Binding.plain.filter(state="bound", connection=world.other).select_related("variant")
    assert {(row.variant.code, row.external_id) for row in rows if row.variant} == {
        ("TOY-Red-Small", "5-Red-Small"),
        ("TOY-Red-Large", "5-Red-Large"),
    }
    visitor.assert_sound()


def test_who_only_reads_gets_no_form(world: World, toy: Product, visit: Visitor) -> None:
    visitor = visit(world.merchant, "support", DESK)
    page = open_grid(visitor, world, toy)
    expect(page.get_by_role("button", name="Save")).to_have_count(0)
    assert cell(page, "Red / Small").get_attribute("readonly") is not None
    visitor.assert_sound()
