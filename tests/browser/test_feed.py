"""Uploading a feed in a browser, at a desk and on a telephone."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import expect

from catalog.models import AllocationRule, Feed, FeedMapping
from integrations.models import SyncRun
from integrations.sync.execute import execute
from tests.browser.conftest import DESK, PHONE, Visitor
from tests.world import D, make_world, stocked

pytestmark = pytest.mark.browser


@pytest.mark.parametrize("width", [DESK, PHONE])
def test_a_person_uploads_a_feed(transactional_db: None, visit: Visitor, tmp_path: Path, width: int) -> None:
    world = make_world()
    stocked(world, "CUP", "MUG")
    AllocationRule(merchant=world.merchant, connection=world.shop, buffer=D(1), share=50).save()
    file = tmp_path / "stock.csv"
    file.write_text("sku;quantity\nMUG;7\nCUP;10\nWHO;1\n00123;1\nCUP2;few\n")
    visitor = visit(world.merchant, "mapper", width)
    page = visitor.open("admin:catalog_feed_add")
    visitor.assert_sound()
    page.get_by_label("It is about").select_option("stock")
    page.get_by_label("From").select_option("ERP")
    page.set_input_files("input[type=file]", str(file))
    page.get_by_role("button", name="Upload", exact=True).click()
    expect(page.get_by_role("heading", name="What its columns mean")).to_be_visible()
    expect(page.get_by_label("The article")).to_have_value("sku")
    visitor.assert_sound()
    page.get_by_role("button", name="Check the file").click()
    expect(page.get_by_text("5 rows: 1 changed, 1 as they were, 2 nobody knows, 1 wrong")).to_be_visible()
    visitor.assert_sound()
    page.get_by_role("button", name="Change 1 figure, leave the wrong rows out").click()
    expect(page.get_by_text("stock.csv is being taken over.")).to_be_visible()
    visitor.assert_sound()
    assert Feed.plain.get().state == "queued"
    assert SyncRun.plain.get().trigger == "feed"
    page = visitor.open("admin:catalog_variant_change", world.variant("MUG").pk)
    expect(page.get_by_text("10 on hand − 0 reserved − 1 buffer = 9 for Shop A")).to_be_visible()
    visitor.assert_sound()


@pytest.mark.parametrize("width", [DESK, PHONE])
def test_a_person_uploads_items_with_their_options(
    transactional_db: None, visit: Visitor, tmp_path: Path, width: int
) -> None:
    world = make_world()
    file = tmp_path / "items.csv"
    file.write_text("Product code;SKU;Name;Colour;Size\nTOY;T-1;Toy car;Red;S\nTOY;T-2;;Red;L\nTOY;T-3;;Red;L\n")
    visitor = visit(world.merchant, "mapper", width)
    page = visitor.open("admin:catalog_feed_add")
    expect(page.get_by_text("None has come yet, neither by upload nor by the API.")).to_be_visible()
    page.get_by_label("It is about").select_option("product")
    page.set_input_files("input[type=file]", str(file))
    page.get_by_role("button", name="Upload", exact=True).click()
    expect(page.get_by_role("checkbox", name="Colour")).to_be_checked()
    expect(page.get_by_role("checkbox", name="Name")).not_to_be_checked()
    visitor.assert_sound()
    page.get_by_role("button", name="Check the file").click()
    expect(page.get_by_text("T-3 has the same options as T-2 in line 3: Colour Red, Size L.").first).to_be_visible()
    visitor.assert_sound()
    page.get_by_role("link", name="Other columns").click()
    page.get_by_role("checkbox", name="Size").uncheck()
    page.get_by_role("checkbox", name="SKU").check()
    page.get_by_role("button", name="Check the file").click()
    expect(page.get_by_text("3 rows, 1 product: 1 new")).to_be_visible()
    page.get_by_role("button", name="Change 1 product").click()
    expect(page.get_by_text("items.csv is being taken over.")).to_be_visible()
    visitor.assert_sound()
    assert FeedMapping.plain.get().columns["option:SKU"] == "SKU"


@pytest.mark.parametrize("width", [DESK, PHONE])
def test_a_large_file_is_checked_by_a_worker_while_its_page_looks_again_by_itself(
    transactional_db: None, visit: Visitor, tmp_path: Path, width: int
) -> None:
    world = make_world()
    file = tmp_path / "items.csv"
    rows = [f"N-{number},New {number},{'x' * 9_000}" for number in range(130)]
    file.write_text("\n".join(["sku,name,description", *rows]) + "\n")
    visitor = visit(world.merchant, "mapper", width)
    page = visitor.open("admin:catalog_feed_add")
    page.get_by_label("It is about").select_option("product")
    page.set_input_files("input[type=file]", str(file))
    page.get_by_role("button", name="Upload", exact=True).click()
    page.get_by_role("button", name="Check the file").click()
    expect(page.get_by_role("heading", name="A worker is checking it")).to_be_visible()
    expect(page.get_by_role("status").get_by_text("It waits for a worker.")).to_be_visible()
    visitor.assert_sound()
    for run in SyncRun.plain.filter(state="queued"):
        assert execute(run.pk) == "done"
    expect(page.get_by_text("130 rows, 130 products: 130 new")).to_be_visible()
    expect(page.get_by_role("button", name="Change 130 products")).to_be_visible()
    visitor.assert_sound()


@pytest.mark.parametrize("width", [DESK, PHONE])
def test_a_group_of_locations_is_made(transactional_db: None, visit: Visitor, width: int) -> None:
    world = make_world()
    visitor = visit(world.merchant, "owner", width)
    page = visitor.open("admin:tenancy_locationgroup_add")
    page.locator("#id_name").fill("Shops")
    page.get_by_role("link", name="Add another location").click()
    page.locator("#id_members-0-position").fill("1")
    page.locator("#id_members-0-location").select_option(label=str(world.place))
    visitor.assert_sound()
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_role("cell", name=world.place.name).first).to_be_visible()
    visitor.assert_sound()
