"""Prices in a browser: a rule is entered, its push looked at, applied and taken back; shops compared; a table taken."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.utils import timezone
from playwright.sync_api import expect

from catalog.models import Binding, ChannelPrice, KeptFigure, PriceRule, PushPlan
from catalog.services import price_lists
from integrations.contract import records as r
from integrations.models import Connection, SyncRun
from integrations.sync.execute import execute
from portal.base.tables import write_table
from tests.browser.conftest import DESK, PHONE, Visitor
from tests.integrations.shop import LiveShop
from tests.world import D, product

pytestmark = [pytest.mark.browser, pytest.mark.slow]
WIDTHS = pytest.mark.parametrize("width", [DESK, PHONE])
SKUS = [f"S{n:02}" for n in range(12)]


def carry_out() -> None:
    """What the workers do: prices that are due, and the runs that were asked for."""
    for pk in price_lists.list_due(at=timezone.now()):
        price_lists.refresh_due(price_list_id=pk, at=timezone.now())
    for run in SyncRun.plain.filter(state="queued").order_by("pk"):
        execute(run.pk)


def pause_prices(shop: LiveShop, paused: bool) -> None:
    Connection.plain.filter(pk=shop.connection.pk).update(prices_paused=paused)


@pytest.fixture
def stocked_shop(shop: LiveShop) -> LiveShop:
    """Twelve articles there and here, with stock and prices as they should be."""
    shop.stock(*SKUS, quantity=20)
    for sku in SKUS:
        shop.world.apply(shop.world.erp, "product", product(f"e{sku}", sku, name=f"Mug {sku}"))
    shop.run("product")
    stock = [r.StockRow(f"e{sku}-{sku}", "", D(20)) for sku in SKUS]
    shop.world.apply(shop.world.erp, "stock", *stock, read_at=timezone.now())
    prices = [r.PriceRow(f"e{sku}-{sku}", "", D(2), "GBP") for sku in SKUS]
    shop.world.apply(shop.world.erp, "price", *prices)
    shop.run("stock", "push")
    shop.flow("price", "push")
    return shop


@WIDTHS
def test_a_rule_is_entered_planned_applied_and_taken_back(stocked_shop: LiveShop, visit: Visitor, width: int) -> None:
    shop = stocked_shop
    visitor = visit(shop.world.merchant, "owner", width)
    pause_prices(shop, True)  # so that a plan is made first
    page = visitor.open("admin:catalog_pricerule_add")
    page.locator("#id_connection").select_option(label="Shop A")
    page.locator("#id_price_list").select_option(label="ERP: base prices (GBP)")
    page.locator("#id_factor").fill("1.5")
    visitor.assert_sound()
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_text("plan the push to see them").first).to_be_visible()
    visitor.assert_sound()
    carry_out()
    assert set(ChannelPrice.plain.values_list("wanted", flat=True)) == {D(3)}
    pause_prices(shop, False)
    visitor.open("admin:catalog_pushplan_add")
    page.get_by_role("button", name="Plan Prices of Shop A").click()
    expect(page.get_by_text("12 of 12 would change")).to_be_visible()
    visitor.assert_sound()
    page.get_by_role("button", name="Apply: send 12 to Shop A").click()
    carry_out()
    page.reload()
    expect(page.get_by_text("12 of 12 sent")).to_be_visible()
    rule = PriceRule.plain.get()
    page = visitor.open("admin:catalog_pricerule_change", rule.pk)
    page.locator("#id_factor").fill("3")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_text("sent to Shop A as soon as they are").first).to_be_visible()
    visitor.assert_sound()
    carry_out()
    assert SyncRun.plain.get(trigger="rule").error_code == "BRAKE"
    visitor.open("admin:catalog_pushplan_add")
    page.get_by_role("button", name="Plan Prices of Shop A").click()
    expect(page.get_by_role("heading", name="The brake")).to_be_visible()
    expect(page.get_by_text("12 prices of Shop A would move by more than 30 %")).to_be_visible()
    visitor.assert_sound()
    page.get_by_role("button", name="Apply: send 12 to Shop A").click()
    carry_out()
    page.reload()
    page.get_by_role("button", name="Undo: bring 12 back").click()
    carry_out()
    page.reload()
    expect(
        page.get_by_text("12 articles of Shop A keep the former price, whatever the price rules say.")
    ).to_be_visible()
    visitor.assert_sound()
    assert {row["regular_price"] for row in shop.simulator.shop.products.values() if row["sku"]} == {"3.00"}
    page.get_by_role("button", name="Let 12 follow again").click()
    expect(page.get_by_text("follows again").first).to_be_visible()
    assert (KeptFigure.plain.count(), PushPlan.plain.filter(state="following").count()) == (0, 1)


@WIDTHS
def test_what_somebody_changed_in_the_shop_is_found_and_sent_again(
    stocked_shop: LiveShop, visit: Visitor, width: int
) -> None:
    shop = stocked_shop
    row = next(row for row in shop.simulator.shop.products.values() if row["sku"] == "S03")
    row["stock_quantity"] = 7
    visitor = visit(shop.world.merchant, "support", width)
    page = visitor.open("admin:catalog_shopfigure_changelist")
    expect(page.get_by_text("never read").first).to_be_visible()
    visitor.assert_sound()
    page.get_by_role("link", name="Shop A: Stock").click()
    page.get_by_role("button", name="Read Shop A now").click()
    carry_out()
    page.reload()
    expect(page.get_by_text("1 differs")).to_be_visible()
    expect(page.get_by_text("11 equal")).to_be_visible()
    visitor.assert_sound()
    page.get_by_label("Send S03 S03 again").check()
    page.get_by_role("button", name="Send the ticked ones again").click()
    expect(page.get_by_text("1 of Shop A go again")).to_be_visible()
    carry_out()
    assert row["stock_quantity"] == 20


@WIDTHS
def test_a_table_is_looked_at_and_taken(stocked_shop: LiveShop, visit: Visitor, width: int, tmp_path: Path) -> None:
    shop = stocked_shop
    first = Binding.plain.filter(connection=shop.connection).order_by("pk").first()
    assert first is not None
    visitor = visit(shop.world.merchant, "mapper", width)
    page = visitor.open("admin:catalog_binding_exchange")
    visitor.assert_sound()
    with page.expect_download() as download:
        page.get_by_role("button", name="Export as XLSX").click()
    assert download.value.suggested_filename.endswith(".xlsx")
    table = tmp_path / "table.xlsx"
    rows = [["Shop A", first.external_id, "S11", "24"], ["Shop A", "no such", "S11", "x"]]
    headers = ["connection", "external_id", "our_code", "factor"]
    for kept, words in ((rows, "1 line is wrong"), (rows[:1], "1 of 1 in the table would change")):
        table.write_bytes(write_table("xlsx", [headers, *kept]))
        page.get_by_label("The table").set_input_files(table)
        page.get_by_role("button", name="Look at what would change").click()
        expect(page.get_by_text(words)).to_be_visible()
        visitor.assert_sound()
    expect(page.get_by_text("S11 × 24, mapped")).to_be_visible()
    page.get_by_role("button", name="Import 1 change").click()
    expect(page.get_by_text("1 mappings are taken over")).to_be_visible()
    first.refresh_from_db()
    assert (first.variant, first.factor) == (shop.world.variant("S11"), D(24))
