"""What a shop shows against what it should: read from the shop itself, compared, and sent again."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection as database
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from catalog.models import Binding, ChannelStock, PriceList, PriceRule, ShopFigure, StockRecord
from catalog.services import drift
from catalog.services import plan as plans
from catalog.services.drift import Comparison, compare, list_differing
from integrations.contract import records as r
from integrations.models import Connection, SyncRun
from integrations.sync.execute import execute
from tests.catalog.test_plan import carry_out, set_stock, shown
from tests.integrations.shop import LiveShop, live_shop
from tests.portal.people import log_in
from tests.world import NOON, D, World, product, stocked

SKUS = [f"S{n:02}" for n in range(12)]
HOUR = timedelta(hours=1)


@pytest.fixture
def shop(transactional_db: None) -> Iterator[LiveShop]:
    with live_shop() as live:
        live.stock(*SKUS, quantity=20)
        for sku in SKUS:
            live.world.apply(live.world.erp, "product", product(f"e{sku}", sku))
        live.run("product")
        set_stock(live, dict.fromkeys(SKUS, 20))
        live.run("stock", "push")
        yield live


def change_there(shop: LiveShop, sku: str, **values: Any) -> None:
    """Somebody edits an article in the shop itself."""
    row = next(row for row in shop.simulator.shop.products.values() if row["sku"] == sku)
    row.update(values)


def read(shop: LiveShop, stream: str = "stock") -> SyncRun:
    return carry_out(drift.read_now(connection=shop.connection, stream=stream, at=NOON))


def counts(shop: LiveShop, stream: str = "stock") -> Comparison:
    return compare(connection=shop.connection, stream=stream)


def test_the_shops_own_figures_are_read_and_compared(shop: LiveShop) -> None:
    assert counts(shop) == Comparison(equal=0, differ=0, coming=0, unread=12)
    run = read(shop)
    assert (run.state, run.created, run.skipped) == ("done", 12, 0)
    assert counts(shop) == Comparison(equal=12, differ=0, coming=0, unread=0)
    change_there(shop, "S03", stock_quantity=7)
    assert (read(shop).updated, counts(shop).differ) == (1, 1)
    (row,) = list_differing(connection=shop.connection, stream="stock")
    assert (row.binding.reference_code, row.shown, row.sent, row.target) == ("S03", 7, 20, 20)
    assert row.since == ShopFigure.plain.get(binding=row.binding).changed_at
    assert StockRecord.plain.count() == 12, "the ERP's; what a shop shows is never taken for stock"


def test_what_differs_is_sent_again_under_the_brake(shop: LiveShop) -> None:
    for sku in ("S03", "S04", "S05"):
        change_there(shop, sku, stock_quantity=7)
    read(shop)
    one = Binding.plain.get(connection=shop.connection, reference_code="S04").pk
    assert drift.send_again(connection=shop.connection, stream="stock", binding_ids=[one], at=NOON) == 1
    execute(SyncRun.plain.get(state="queued").pk)
    assert {sku: shown(shop)[sku] for sku in ("S03", "S04", "S05")} == {"S03": 7, "S04": 20, "S05": 7}
    assert counts(shop) == Comparison(equal=9, differ=2, coming=1, unread=0)
    assert drift.send_again(connection=shop.connection, stream="stock", at=NOON) == 2
    execute(SyncRun.plain.get(state="queued").pk)
    assert set(shown(shop).values()) == {20}
    read(shop)
    assert counts(shop) == Comparison(equal=12, differ=0, coming=0, unread=0)


def test_what_was_sent_after_it_was_read_is_on_its_way_and_no_drift(shop: LiveShop) -> None:
    read(shop)
    set_stock(shop, {"S00": 9})
    assert counts(shop).differ == 1, "not sent yet: the shop shows another figure than it should"
    shop.run("stock", "push")
    assert counts(shop) == Comparison(equal=11, differ=0, coming=1, unread=0)


def test_a_figure_that_was_taken_back_is_what_it_should_be(shop: LiveShop) -> None:
    set_stock(shop, {"S00": 5})
    plan = plans.make_plan(connection=shop.connection, stream="stock", by=None, at=NOON)
    carry_out(plans.apply_plan(plan_id=plan.pk, by=None, at=NOON).run)
    carry_out(plans.undo_plan(plan_id=plan.pk, by=None, at=timezone.now()).undo_run)
    read(shop)
    assert counts(shop) == Comparison(equal=12, differ=0, coming=0, unread=0)


def test_a_plan_knows_the_former_figure_of_what_we_never_sent(shop: LiveShop) -> None:
    read(shop)
    ChannelStock.plain.update(sent=None)
    set_stock(shop, {"S00": 5})
    plan = plans.make_plan(connection=shop.connection, stream="stock", by=None, at=NOON)
    line = plan.lines.get(binding__reference_code="S00")
    assert (line.before, line.after) == (20_000, 5_000)


def test_prices_are_compared_in_their_currency(world: World) -> None:
    stocked(world, "MUG", "CUP")
    row = PriceList(merchant=world.merchant, code="base", name="Base", currency="GBP", connection=world.erp)
    row.save()
    PriceRule(merchant=world.merchant, connection=world.shop, price_list=row).save()
    ours = [r.PriceRow(f"e-{sku}-{sku}", "", D(5), "GBP") for sku in ("MUG", "CUP")]
    world.apply(world.erp, "price", *ours)
    theirs = [r.PriceRow("s-MUG", "", D(5), "GBP"), r.PriceRow("s-CUP", "", D(5), "EUR")]
    theirs.append(r.PriceRow("s-CUP", "", D(4), "EUR", D(10)))
    applied = world.apply(world.shop, "price", *theirs, r.PriceRow("nobody", "", D(1), "GBP"))
    assert (applied.created, applied.unchanged, len(applied.skipped)) == (2, 1, 1)
    found = compare(connection=world.shop, stream="price")
    assert found == Comparison(equal=1, differ=1, coming=0, unread=0)
    assert drift.send_again(connection=world.shop, stream="price", at=NOON) == 0, "another currency is never sent"


def test_an_older_answer_never_replaces_a_newer_one(world: World) -> None:
    stocked(world, "MUG")
    for quantity, read_at, expected in ((3, NOON, 3), (9, NOON - HOUR, 3), (4, NOON + HOUR, 4)):
        world.apply(world.shop, "stock", r.StockRow("s-MUG", "", D(quantity)), read_at=read_at)
        assert ShopFigure.plain.get().shown == D(expected) * 1000
    row = ShopFigure.plain.get()
    world.apply(world.shop, "stock", r.StockRow("s-MUG", "", D(4)), read_at=NOON + 2 * HOUR)
    row.refresh_from_db()
    assert (row.changed_at, row.read_at) == (NOON + HOUR, NOON + 2 * HOUR)


def test_the_page_shows_what_differs_and_sends_what_is_ticked(world: World) -> None:
    skus = [f"M{n:03}" for n in range(120)]
    stocked(world, *skus[:3])
    rows = [r.StockRow(f"s-{sku}", "", Decimal(n)) for n, sku in enumerate(skus[:3], start=8)]
    world.apply(world.shop, "stock", *rows)
    client = log_in(world.merchant, "support")
    overview = client.get(reverse("admin:catalog_shopfigure_changelist")).content.decode()
    assert "2 differ" in overview
    address = reverse("admin:catalog_shopfigure_compare", args=(world.shop.pk, "stock"))
    with CaptureQueriesContext(database) as asked:
        page = client.get(address).content.decode()
    assert len(asked) <= 25
    assert ("M000" in page, "M002" in page, "Send all 2 again" in page) == (True, False, True)
    again = reverse("admin:catalog_shopfigure_again", args=(world.shop.pk, "stock"))
    assert "Tick the articles" in client.post(again, follow=True).content.decode()
    pk = Binding.plain.get(connection=world.shop, reference_code="M000").pk
    assert "1 of Shop A go again" in client.post(again, {"binding": pk}, follow=True).content.decode()
    assert ChannelStock.plain.get(binding_id=pk).sent == 8
    Connection.plain.filter(pk=world.shop.pk).update(state="draft")
    refused = client.post(reverse("admin:catalog_shopfigure_read", args=(world.shop.pk, "stock")), follow=True)
    assert "Shop A is draft and is not read" in refused.content.decode()


@pytest.mark.parametrize(("role", "view", "send"), [("auditor", 200, 403), ("mapper", 200, 403), ("sales", 403, 403)])
def test_who_may_look_and_who_may_send(world: World, role: str, view: int, send: int) -> None:
    stocked(world, "MUG")
    client = log_in(world.merchant, role)
    assert client.get(reverse("admin:catalog_shopfigure_compare", args=(world.shop.pk, "stock"))).status_code == view
    for name in ("again", "read"):
        address = reverse(f"admin:catalog_shopfigure_{name}", args=(world.shop.pk, "stock"))
        assert client.post(address, {"which": "all"}).status_code == send
    assert client.get(reverse("admin:catalog_shopfigure_compare", args=(world.erp.pk, "stock"))).status_code in {
        403, 404,
    }  # fmt: skip
