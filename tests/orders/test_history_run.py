"""A run over orders from before: page by page beside the usual reading, quiet, resumed, and never in its way."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import pytest

from integrations.contract import records as r
from integrations.models import Command, Cursor, Flow, Hold, Procedure, ProcedureRun, ProcedureStep, SyncRun
from integrations.sync import history, runs
from integrations.sync.client import Captures
from integrations.sync.pull import pull
from orders.models import Order
from tests.world import LONG_AGO, NOON, World, order, stocked

SINCE = datetime(2025, 1, 1, tzinfo=UTC)


@dataclass
class Shop:
    """What a connector is to a pull: pages, by cursor."""

    pages: dict[str, r.Page[r.OrderRecord]]
    asked: list[tuple[Any, str]] = field(default_factory=list)
    between: Any = None

    def pull_orders(self, since: datetime | None, cursor: str) -> r.Page[r.OrderRecord]:
        self.asked.append((since, cursor))
        if self.between is not None:
            self.between(cursor)
        return self.pages[cursor]


def old(number: str, day: int) -> r.OrderRecord:
    at = datetime(2025, 6, day, tzinfo=UTC)
    return order(number, ("MUG", 1, "4.50"), placed_at=at, updated_at=at)


@pytest.fixture
def flow(world: World) -> Flow:
    stocked(world, "MUG")
    row = Flow(merchant=world.merchant, connection=world.shop, stream="order", direction="pull")
    row.save()
    Cursor(merchant=world.merchant, flow=row, since=NOON).save()
    return row


def two_pages() -> dict[str, r.Page[r.OrderRecord]]:
    return {
        "": r.Page(records=(old("1", 1), old("2", 2)), cursor="p2", since=None, total=3),
        "p2": r.Page(records=(old("3", 3),), cursor="", since=NOON),
    }


def work(run: SyncRun, shop: Any) -> SyncRun:
    taken = runs.take(run.pk, NOON)
    assert taken is not None
    pull(taken, shop, Captures())
    runs.finish(taken, SyncRun.State.DONE, at=NOON)
    run.refresh_from_db()
    return run


def test_it_reads_from_the_day_on_and_leaves_the_usual_reading_alone(world: World, flow: Flow) -> None:
    procedure = Procedure.plain.create(merchant=world.merchant, name="On orders", event="order.created")
    ProcedureStep.plain.create(merchant=world.merchant, procedure=procedure, position=1, flow=flow)
    run = history.start_history(connection=world.shop, since=SINCE, by=None, at=NOON)
    shop: Any = Shop(two_pages())
    work(run, shop)
    assert shop.asked == [(SINCE, ""), (SINCE, "p2")]
    assert (run.state, run.seen, run.created, run.total) == ("done", 3, 3, 3)
    assert set(Order.plain.values_list("number", "admission")) == {(n, "history") for n in "123"}
    cursor = Cursor.plain.get(flow=flow)
    assert (cursor.since, cursor.page) == (NOON, "")
    assert (Command.plain.count(), Hold.plain.count(), ProcedureRun.plain.count()) == (0, 0, 0)


def test_the_usual_reading_goes_first_and_the_run_goes_on_where_it_was(world: World, flow: Flow) -> None:
    run = history.start_history(connection=world.shop, since=SINCE, by=None, at=NOON)

    def ask(cursor: str) -> None:
        if cursor == "":
            SyncRun.plain.create(merchant=world.merchant, flow=flow, created_at=NOON, next_attempt_at=LONG_AGO)

    shop: Any = Shop(two_pages(), between=ask)
    taken = runs.take(run.pk, NOON)
    assert taken is not None
    with pytest.raises(runs.RunPostponed):
        pull(taken, shop, Captures())
    runs.postpone(taken, NOON)
    run.refresh_from_db()
    assert (run.state, run.attempts, run.created, run.place.page) == ("queued", 0, 2, "p2")
    assert run.next_attempt_at > NOON
    usual = SyncRun.plain.exclude(pk=run.pk).get()
    work(usual, Shop({"": r.Page(records=(), cursor="", since=None)}))
    SyncRun.plain.filter(pk=run.pk).update(next_attempt_at=NOON)
    shop.between = None
    run = SyncRun.plain.get(pk=run.pk)
    work(run, shop)
    assert shop.asked == [(SINCE, ""), (SINCE, "p2")]
    assert (run.state, run.created, Order.plain.count()) == ("done", 3, 3)


@pytest.mark.parametrize(
    ("state", "since", "words"),
    [("paused", SINCE, "Shop A is paused"), ("active", NOON, "Choose a day that is over.")],
)
def test_what_cannot_be_read_is_said(world: World, flow: Flow, state: str, since: datetime, words: str) -> None:
    world.shop.state = state
    with pytest.raises(history.NotPossible, match=words):
        history.start_history(connection=world.shop, since=since, by=None, at=NOON)
    assert SyncRun.plain.count() == 0
