"""Stock and prices for sales teams, at a desk's width and a telephone's."""

from __future__ import annotations

import os

import pytest

from tests.browser.conftest import DESK, PHONE, Visitor
from tests.catalog.test_prices import make_list, make_rule
from tests.world import make_world, product, stocked

pytestmark = pytest.mark.browser


@pytest.mark.parametrize("width", [DESK, PHONE])
def test_a_reseller_looks_up_what_there_is(transactional_db: None, visit: Visitor, width: int) -> None:
    world = make_world()
    stocked(world, "MUG")
    world.apply(world.erp, "product", product("toy", "TOY-R", "TOY-G", name="Toy car of wood, with doors that open"))
    make_rule(world, make_list(world, "retail", {"MUG": "4.50", "TOY-R": "1240"}))
    visitor = visit(world.merchant, "reseller", width)
    page = visitor.open("admin:reports_stock")
    page.get_by_text("4.50 GBP").wait_for()
    visitor.assert_sound()
    if folder := os.environ.get("SHOTS"):
        page.screenshot(path=f"{folder}/stock-{width}.png", full_page=True)
    page.get_by_placeholder("Code or a part of the name").fill("toy-g")
    page.get_by_role("button", name="Show").click()
    page.get_by_text("TOY-G").first.wait_for()
    assert page.get_by_text("4.50 GBP").count() == 0
