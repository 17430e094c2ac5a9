"""Mapping in a browser: decide a conflict, map a value, accept and undo, with the keyboard and at 390 px."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from catalog.models import Binding
from catalog.services.suggesting import suggest
from integrations.models import Hold, ValueMapping
from integrations.sync.release import hold
from tests.browser.conftest import DESK, PHONE, Visitor
from tests.catalog.shops import article, binding, have, sell, wait_for
from tests.world import NOON, World, make_world

pytestmark = [pytest.mark.browser, pytest.mark.slow]
WIDTHS = pytest.mark.parametrize("width", [DESK, PHONE])


@pytest.fixture
def toys(transactional_db: None) -> World:
    world = make_world()
    have(world, "1", article("1a", "TOY-RED-S"), article("1b", "TOY-RED-L"), name="Toy car")
    have(world, "2", article("2a", "CUP"), name="Cup")
    sell(world, "9", article("9a", "toy red s"), article("9b", "TOY-RED-L"), name="Toy car")
    sell(world, "8", article("8a", "XYZ", title="Nobody knows it"))
    wait_for(world, "1001", ("9a", "10.00"))
    wait_for(world, "1002", ("8a", "99.00"))
    suggest(connection_id=world.shop.pk, at=NOON)
    return world


@WIDTHS
def test_a_suggestion_is_accepted_and_undone(toys: World, visit: Visitor, width: int) -> None:
    visitor = visit(toys.merchant, "mapper", width)
    page = visitor.open("admin:catalog_mappingconflict_changelist")
    expect(page.get_by_text("1 order waits, 99.00 GBP")).to_be_visible()
    visitor.assert_sound()
    card = page.locator("section.sb-card", has_text="toy red s")
    expect(card.get_by_role("radio", name=re.compile("TOY-RED-S"))).to_be_checked()
    card.get_by_role("button", name="Accept").click()
    expect(page.get_by_text("1 article is mapped. 1 order, 10.00 GBP, goes on.")).to_be_visible()
    expect(page.get_by_text("toy red s Toy car mapped")).to_be_visible()
    visitor.assert_sound()
    assert binding(toys, "9a").state == Binding.State.BOUND
    page.get_by_role("button", name="Undo").click()
    expect(page.get_by_text("1 article is as it was.")).to_be_visible()
    assert binding(toys, "9a").state == Binding.State.SUGGESTED


@WIDTHS
def test_ours_is_searched_for_an_article_nobody_knows(toys: World, visit: Visitor, width: int) -> None:
    visitor = visit(toys.merchant, "owner", width)
    page = visitor.open("admin:catalog_mappingconflict_changelist")
    page.locator("section.sb-card", has_text="Nobody knows it").get_by_role("link", name="Other…").click()
    page.get_by_label("Search ours").fill("cup")
    page.get_by_label("Search ours").press("Enter")
    page.get_by_role("radio", name=re.compile("CUP")).check()
    page.get_by_label("Remember for this shop").check()
    visitor.assert_sound()
    page.get_by_role("button", name="Map to the chosen one").click()
    expect(page.get_by_text("1 order, 99.00 GBP, goes on.")).to_be_visible()
    expect(page.get_by_text("It is remembered for this shop")).to_be_visible()
    visitor.assert_sound()
    assert binding(toys, "8a").variant == toys.variant("CUP")


def test_many_are_ticked_with_the_keyboard_and_ignored(toys: World, visit: Visitor) -> None:
    visitor = visit(toys.merchant, "owner", DESK)
    page = visitor.open("admin:catalog_mappingconflict_changelist")
    for name in ("Tick toy red s Toy car", "Tick XYZ Nobody knows it"):
        page.get_by_label(name).focus()
        page.keyboard.press("Space")
    page.get_by_role("button", name="Ignore the ticked").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_text("2 articles are ignored: orders that sell them still wait.")).to_be_visible()
    expect(page.get_by_role("heading", name="Nothing to decide")).to_be_visible()
    visitor.assert_sound()


@WIDTHS
def test_the_worklist_counts_first_and_n_goes_on(toys: World, visit: Visitor, width: int) -> None:
    visitor = visit(toys.merchant, "mapper", width)
    page = visitor.open("admin:catalog_binding_worklist")
    expect(page.get_by_label("Shop A: 1 of 2 mapped")).to_be_visible()
    visitor.assert_sound()
    page.keyboard.press("n")
    expect(page.get_by_role("link", name="Toy car")).to_be_focused()
    page.get_by_label("Accept all suggestions of at least").fill("90")
    page.get_by_role("button", name="Count them").click()
    expect(page.get_by_role("heading", name="Accept 1 suggestion of 90 % and more?")).to_be_visible()
    visitor.assert_sound()
    assert binding(toys, "9a").state == Binding.State.SUGGESTED
    page.get_by_role("button", name="Accept 1").click()
    expect(page.get_by_text("1 suggestion is accepted. 1 order, 10.00 GBP, goes on.")).to_be_visible()
    expect(page.get_by_label("Shop A: 2 of 2 mapped")).to_be_visible()
    visitor.assert_sound()


@WIDTHS
def test_a_tax_is_chosen_and_the_order_goes_on(toys: World, visit: Visitor, width: int) -> None:
    merchant = toys.merchant
    ValueMapping(merchant=merchant, connection=toys.shop, kind="tax", theirs="standard", seen=3).save()
    ValueMapping(merchant=merchant, connection=toys.erp, kind="tax", theirs="12", label="20 % S").save()
    key = f"value:{toys.shop.pk}:tax:standard"
    hold(merchant_id=merchant.pk, subject=("order", 77), reason="tax", key=key, message="waits", at=NOON)
    visitor = visit(merchant, "mapper", width)
    page = visitor.open("admin:integrations_valuemapping_changelist")
    visitor.assert_sound()
    page.get_by_label("What standard is").select_option("ERP: 20 % S")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_text("1 order").first).to_be_visible()
    expect(page.get_by_text("Nothing of this kind is to be mapped.")).to_be_visible()
    visitor.assert_sound()
    assert not Hold.plain.filter(key=key, ended_at__isnull=True).exists()
