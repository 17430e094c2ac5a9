"""Sending state: absolute figures, once each, stopped by the brake or a person, and safe to repeat."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.utils import timezone

from integrations.models import Connection, Flow, Link, RunLogLine, RunOutcome, SyncRun
from integrations.sync import push as push_module
from integrations.sync import runs, schedule
from integrations.sync.execute import execute
from tests.integrations import toy_handlers
from tests.integrations.toy_handlers import sent, want
from tests.integrations.toy_shop import ToyShop, ToyShopConnector

State = SyncRun.State


@pytest.fixture
def flow(make_flow: Callable[..., Flow]) -> Flow:
    return make_flow("stock", "push")


def run(flow: Flow) -> SyncRun:
    row = runs.start_flow(flow, trigger="manual", at=timezone.now())
    execute(row.pk)
    row.refresh_from_db()
    return row


def test_what_differs_is_sent_as_absolute_figures_and_only_once(
    far_shop: ToyShop, flow: Flow, toy_store: Connection
) -> None:
    want(toy_store, MUG=7, CUP=0)
    row = run(flow)
    assert (row.state, row.seen, row.updated, row.failed) == (State.DONE, 2, 2, 0)
    assert far_shop.stock == {"MUG": "7", "CUP": "0"}
    assert sent(toy_store) == far_shop.stock
    again = run(flow)
    assert (again.state, again.seen) == (State.DONE, 0)
    want(toy_store, MUG=9)
    run(flow)
    assert [[one["sku"] for one in body] for body in far_shop.writes] == [["MUG", "CUP"], ["MUG"]]
    assert far_shop.stock["MUG"] == "9"


def test_many_figures_go_in_several_requests_none_twice(far_shop: ToyShop, flow: Flow, toy_store: Connection) -> None:
    want(toy_store, **{f"S{n}": n for n in range(250)})
    row = run(flow)
    assert (row.updated, len(far_shop.writes)) == (250, 3)
    skus = [one["sku"] for body in far_shop.writes for one in body]
    assert len(skus) == len(set(skus)) == 250
    assert far_shop.stock["S249"] == "249"


def test_the_brake_stops_before_anything_is_sent_and_a_person_may_go_on(
    far_shop: ToyShop, flow: Flow, toy_store: Connection
) -> None:
    want(toy_store, MUG=0)
    toy_handlers.brakes.append("40 of 100 articles would go to zero.")
    row = run(flow)
    assert (row.state, row.error_code, row.message) == (State.FAILED, "BRAKE", "40 of 100 articles would go to zero.")
    assert far_shop.writes == []
    assert sent(toy_store) == {"MUG": ""}
    anyway = schedule.start_again(row, at=timezone.now())
    assert execute(anyway.pk) == State.DONE
    assert far_shop.stock == {"MUG": "0"}
    want(toy_store, MUG=1)
    assert run(flow).error_code == "BRAKE", "the next run brakes again"


def test_a_refused_figure_is_kept_as_refused_and_the_others_are_taken(
    far_shop: ToyShop, flow: Flow, toy_store: Connection
) -> None:
    want(toy_store, MUG=7, CUP=3)
    far_shop.refuses = {"CUP"}
    row = run(flow)
    assert (row.state, row.seen, row.updated, row.failed) == (State.DONE, 2, 1, 1)
    assert far_shop.stock == {"MUG": "7"}
    outcome = RunOutcome.plain.get()
    assert (outcome.outcome, outcome.external_id, outcome.code) == ("failed", "CUP", "REFUSED")
    assert outcome.message == "Stock is not managed here."
    assert run(flow).seen == 0, "clean until the wanted figure changes"
    far_shop.refuses = set()
    want(toy_store, CUP=4)
    assert run(flow).updated == 1
    assert far_shop.stock["CUP"] == "4"


def test_an_unknown_outcome_is_unknown_for_all_and_goes_again(
    far_shop: ToyShop, flow: Flow, toy_store: Connection
) -> None:
    want(toy_store, MUG=7, CUP=3)
    far_shop.faults = [599]
    row = run(flow)
    assert (row.state, row.updated, row.failed) == (State.DONE, 0, 2)
    assert sent(toy_store) == {"MUG": "", "CUP": ""}
    assert set(RunOutcome.plain.values_list("code", flat=True)) == {"UNKNOWN"}
    want(toy_store, MUG=5)
    assert run(flow).updated == 2
    assert far_shop.stock == {"MUG": "5", "CUP": "3"}
    assert sent(toy_store) == far_shop.stock


def test_an_article_the_answer_leaves_out_is_unknown(
    far_shop: ToyShop, flow: Flow, toy_store: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    want(toy_store, MUG=7, CUP=3)
    send = ToyShopConnector.push_stock
    monkeypatch.setattr(ToyShopConnector, "push_stock", lambda self, items: send(self, items)[:1])
    row = run(flow)
    assert (row.updated, row.failed) == (1, 1)
    assert RunOutcome.plain.get().message == "No answer for this article."


@pytest.mark.parametrize("state", ["watching", "needs_reauth", "paused", "draft", "disabled"])
def test_a_connection_that_is_not_live_is_never_written_to(
    far_shop: ToyShop, flow: Flow, toy_store: Connection, state: str
) -> None:
    want(toy_store, MUG=7, CUP=3)
    Connection.plain.update(state=state)
    row = run(flow)
    assert far_shop.asked == []
    assert sent(toy_store) == {"MUG": "", "CUP": ""}
    if state == "watching":
        assert row.state == State.DONE
        assert RunLogLine.plain.filter(message="Toy shop is watching: 2 figures would be sent.").count() == 1
    else:
        assert row.error_code == "CONNECTION_NOT_READING"


def test_a_paused_part_sends_nothing_and_says_so(far_shop: ToyShop, flow: Flow, toy_store: Connection) -> None:
    want(toy_store, MUG=7)
    Connection.plain.update(stock_paused=True)
    row = run(flow)
    assert row.state == State.DONE
    assert far_shop.asked == []
    assert RunLogLine.plain.filter(message="Sending stock to Toy shop is paused.").count() == 1


def test_a_person_who_pauses_stops_a_push_under_way(
    far_shop: ToyShop, flow: Flow, toy_store: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    want(toy_store, **{f"S{n}": n + 1 for n in range(250)})
    send = ToyShopConnector.push_stock

    def send_and_pause(self: ToyShopConnector, items: Any) -> Any:
        Connection.plain.update(stock_paused=True)
        return send(self, items)

    monkeypatch.setattr(ToyShopConnector, "push_stock", send_and_pause)
    row = run(flow)
    assert (row.state, row.updated, len(far_shop.writes)) == (State.DONE, push_module.AT_ONCE, 1)
    assert len(far_shop.stock) == 100


def test_a_worker_that_dies_between_sending_and_settling_repeats_the_same_figure(
    far_shop: ToyShop, flow: Flow, toy_store: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    want(toy_store, MUG=7)
    send = ToyShopConnector.push_stock

    def send_and_die(self: ToyShopConnector, items: Any) -> Any:
        send(self, items)
        raise KeyboardInterrupt

    row = runs.start_flow(flow, trigger="manual", at=timezone.now())
    with monkeypatch.context() as patch:
        patch.setattr(ToyShopConnector, "push_stock", send_and_die)
        with pytest.raises(KeyboardInterrupt):
            execute(row.pk)
    assert sent(toy_store) == {"MUG": ""}
    assert execute(row.pk) == "", "its lease has not run out"
    Flow.plain.update(lease_until=timezone.now())
    assert execute(row.pk) == State.DONE
    assert [body[0]["quantity"] for body in far_shop.writes] == ["7", "7"]
    row.refresh_from_db()
    assert (row.seen, row.updated) == (1, 1)
    assert Link.plain.get().external_number == "7"


def test_a_platform_that_is_away_gets_the_same_figures_later(
    far_shop: ToyShop, flow: Flow, toy_store: Connection
) -> None:
    want(toy_store, MUG=7)
    far_shop.faults = [429]
    row = run(flow)
    assert (row.state, row.error_code) == (State.QUEUED, "RATE_LIMITED")
    assert row.next_attempt_at > timezone.now()
    assert far_shop.writes == []
    assert (row.seen, sent(toy_store)) == (0, {"MUG": ""})
