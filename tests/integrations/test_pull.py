"""Pulls: page by page with the cursor in the same transaction, bad records set aside, runs that add up."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

import pytest
from django.utils import timezone

from catalog.models import ShopFigure, StockRecord
from integrations import registry
from integrations.connectors.woocommerce.connector import WooCommerce
from integrations.contract import records as r
from integrations.models import Connection, Cursor, Flow, InboundEvent, RunOutcome, SyncRun
from integrations.sync import runs
from integrations.sync.execute import execute
from orders.models import Order
from tests.integrations.shop import LiveShop, live_shop
from tests.world import NOON

State = SyncRun.State


class SmallPages(WooCommerce):
    """Three records a page; dies, loops or spoils a record when told to."""

    page_size = 3
    pages = 0
    dies_after = 10_000
    loops = False
    spoils = ""

    def pull_orders(self, since: datetime | None, cursor: str) -> r.Page[r.OrderRecord]:
        if type(self).pages >= type(self).dies_after:
            raise KeyboardInterrupt  # as abrupt as a kill: nothing of ours runs after it
        page = super().pull_orders(since, cursor)
        type(self).pages += 1
        if self.loops:
            return r.Page(records=page.records, cursor=cursor or "again")
        for record in page.records:
            if record.external_id == self.spoils:
                object.__setattr__(record, "number", None)  # nothing a platform says, but something no code foresaw
        return page


@pytest.fixture
def shop(transactional_db: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[LiveShop]:
    monkeypatch.setitem(registry.CONNECTORS, "woocommerce", f"{__name__}.SmallPages")
    for name, value in (("pages", 0), ("dies_after", 10_000), ("loops", False), ("spoils", "")):
        monkeypatch.setattr(SmallPages, name, value)
    with live_shop() as live:
        live.stock("MUG", "CUP")
        yield live


def balances(run: SyncRun) -> bool:
    return run.seen == run.created + run.updated + run.unchanged + run.skipped + run.failed


def test_every_record_comes_once_and_a_second_run_finds_nothing_new(shop: LiveShop) -> None:
    ids = [shop.order("MUG") for _ in range(8)]
    run = shop.run("order")
    assert (run.state, run.created, run.failed) == (State.DONE, 8, 0)
    assert balances(run)
    assert sorted(Order.plain.values_list("external_id", flat=True)) == sorted(ids)
    cursor = Cursor.plain.get()
    assert cursor.page == ""
    assert cursor.since is not None
    again = shop.run("order")
    assert (again.created, again.updated, again.failed) == (0, 0, 0)
    assert balances(again)


@pytest.mark.parametrize("boundary", range(4))
def test_promise_13_a_pull_that_dies_at_a_page_goes_on_from_there(shop: LiveShop, boundary: int) -> None:
    ids = [shop.order("MUG") for _ in range(9)]
    SmallPages.dies_after = boundary
    run = runs.start_flow(shop.flow("order"), trigger="manual", at=NOON)
    SyncRun.plain.update(next_attempt_at=NOON)
    with pytest.raises(KeyboardInterrupt):
        execute(run.pk)
    assert Order.plain.count() == min(9, boundary * 3), "what was read before is kept, no more and no less"
    assert SyncRun.plain.get().seen == Order.plain.count()
    SmallPages.dies_after = 10_000
    assert execute(run.pk) == "", "its lease has not run out: nobody else takes it"
    Flow.plain.update(lease_until=timezone.now())
    assert execute(run.pk) == State.DONE
    assert sorted(Order.plain.values_list("external_id", flat=True)) == sorted(ids)
    done = SyncRun.plain.get()
    assert balances(done)
    assert done.created == 9
    assert done.attempts == 2


def test_one_bad_record_is_set_aside_and_holds_nobody_up(shop: LiveShop) -> None:
    ids = [shop.order("MUG") for _ in range(5)]
    SmallPages.spoils = ids[1]
    run = shop.run("order")
    assert (run.state, run.created, run.failed) == (State.DONE, 4, 1)
    assert balances(run)
    event = InboundEvent.plain.get()
    assert (event.kind, event.state, event.external_id) == ("record", "quarantined", ids[1])
    assert f'"id":{ids[1]}'.encode() in bytes(event.body).replace(b" ", b"")
    outcome = RunOutcome.plain.get()
    assert (outcome.outcome, outcome.external_id, outcome.event) == ("failed", ids[1], event)
    Cursor.plain.update(since=None)
    shop.run("order")
    assert InboundEvent.plain.count() == 1, "the same raw record is kept once"


def test_bad_input_58_a_paging_loop_ends_the_run_and_keeps_the_cursor(shop: LiveShop) -> None:
    for _ in range(5):
        shop.order("MUG")
    SmallPages.loops = True
    run = shop.run("order")
    assert (run.state, run.error_code) == (State.FAILED, "PAGINATION_LOOP")
    assert Cursor.plain.get().page == "again"
    assert Cursor.plain.get().since is None


def test_a_run_that_was_taken_by_another_worker_writes_nothing_more(shop: LiveShop) -> None:
    shop.order("MUG")
    run = runs.take(runs.start_flow(shop.flow("order"), trigger="manual", at=NOON).pk, timezone.now())
    assert run is not None
    Flow.plain.update(fence=99)
    with pytest.raises(runs.LeaseLost):
        runs.keep(run, runs.Counts(created=1), timezone.now())
    assert SyncRun.plain.get().seen == 0


def test_a_cancelled_run_stops_at_its_next_page(shop: LiveShop) -> None:
    shop.order("MUG")
    run = runs.start_flow(shop.flow("order"), trigger="manual", at=NOON)
    SyncRun.plain.update(cancel_requested=True, next_attempt_at=NOON)
    assert execute(run.pk) == State.CANCELLED
    assert not Order.plain.exists()
    assert Flow.plain.get(pk=run.flow_id).lease_until is None


@pytest.mark.parametrize(
    ("dials", "code"), [({"status": {"500": 1}}, "REMOTE_UNAVAILABLE"), ({"status": {"429": 1}}, "RATE_LIMITED")]
)
def test_a_platform_that_is_away_is_asked_again_later(shop: LiveShop, dials: dict[str, Any], code: str) -> None:
    shop.order("MUG")
    shop.dial(**dials)
    run = shop.run("order")
    assert (run.state, run.error_code) == (State.QUEUED, code)
    assert run.next_attempt_at > timezone.now()
    shop.dial(status={})
    Connection.plain.get(pk=shop.connection.pk).budget.delete()
    assert shop.run("order").state == State.DONE
    assert Order.plain.count() == 1


def test_a_key_that_is_refused_asks_for_a_new_one(shop: LiveShop) -> None:
    shop.dial(status={"401": 1})
    run = shop.run("order")
    assert run.state == State.FAILED
    row = Connection.plain.get(pk=shop.connection.pk)
    assert row.state == Connection.State.NEEDS_REAUTH
    assert row.state_reason


def test_articles_of_the_shop_are_read_with_their_stock_left_alone(shop: LiveShop) -> None:
    run = shop.run("product")
    assert (run.state, run.created) == (State.DONE, 2)
    stock = shop.run("stock")
    assert (stock.state, stock.created, stock.skipped) == (State.DONE, 2, 0)
    assert ShopFigure.plain.filter(connection=shop.connection, stream="stock").count() == 2
    assert not StockRecord.plain.exists(), "what a shop shows is compared, never taken over"
