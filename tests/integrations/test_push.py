"""Pushes: absolute figures, what was refused, the brake, and nothing at all while it only watches."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

import pytest

from catalog.models import ChannelStock
from integrations.contract import records as r
from integrations.models import Connection, RunOutcome, SyncRun
from integrations.sync.schedule import start_again
from tests.integrations.shop import LiveShop, live_shop
from tests.world import NOON, product

State = SyncRun.State


@pytest.fixture
def shop(transactional_db: None) -> Iterator[LiveShop]:
    with live_shop() as live:
        skus = [f"S{n:02}" for n in range(12)]
        live.stock(*skus, quantity=1)
        for sku in skus:
            live.world.apply(live.world.erp, "product", product(f"e{sku}", sku))
        live.run("product")
        rows = [r.StockRow(f"e{sku}-{sku}", "", Decimal(20)) for sku in skus]
        live.world.apply(live.world.erp, "stock", *rows)
        yield live


def shown(shop: LiveShop) -> set[int]:
    return {row["stock_quantity"] for row in shop.simulator.shop.products.values() if row["sku"]}


def test_every_shop_figure_is_set_and_a_second_push_has_nothing_to_say(shop: LiveShop) -> None:
    run = shop.run("stock", "push")
    assert (run.state, run.updated, run.failed) == (State.DONE, 12, 0)
    assert shown(shop) == {20}
    assert shop.run("stock", "push").seen == 0


@pytest.mark.parametrize("change", [{"state": "watching"}, {"stock_paused": True}])
def test_a_connection_that_watches_or_is_paused_writes_nothing(shop: LiveShop, change: dict[str, object]) -> None:
    Connection.plain.filter(pk=shop.connection.pk).update(**change)
    run = shop.run("stock", "push")
    assert (run.state, run.seen) == (State.DONE, 0)
    assert shown(shop) == {1}
    words = " ".join(run.log.values_list("message", flat=True))
    assert "12 figures would be sent" in words or "is paused" in words


def test_one_that_is_refused_does_not_stop_the_others_and_is_not_sent_again(shop: LiveShop) -> None:
    row = ChannelStock.plain.select_related("binding").order_by("pk")[3]
    row.binding.external_id = "987654"
    row.binding.parent_external_id = ""
    row.binding.save()
    run = shop.run("stock", "push")
    assert (run.state, run.updated, run.failed) == (State.DONE, 11, 1)
    outcome = RunOutcome.plain.get()
    assert (outcome.external_id, outcome.code) == ("987654", "REFUSED")
    assert shop.run("stock", "push").seen == 0


def test_an_answer_that_never_came_is_sent_again_as_the_same_absolute_figure(shop: LiveShop) -> None:
    shop.dial(error_after_commit=1, writes_only=True)
    run = shop.run("stock", "push")
    assert (run.updated, run.failed) == (0, 12)
    assert set(ChannelStock.plain.values_list("sent", flat=True)) == {None}
    shop.dial(error_after_commit=0)
    assert shop.run("stock", "push").updated == 12
    assert shown(shop) == {20}


def test_the_brake_stops_a_push_that_would_empty_the_shop_until_a_person_says_so(shop: LiveShop) -> None:
    shop.run("stock", "push")
    rows = [r.StockRow(f"eS{n:02}-S{n:02}", "", Decimal(0)) for n in range(12)]
    shop.world.apply(shop.world.erp, "stock", *rows)
    run = shop.run("stock", "push")
    assert (run.state, run.error_code) == (State.FAILED, "BRAKE")
    assert "12 of 12 articles" in run.message
    assert shown(shop) == {20}
    again = start_again(run, at=NOON)
    assert shop.run("stock", "push").pk == again.pk
    assert shown(shop) == {0}
