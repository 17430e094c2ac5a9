"""Runs at the edges: what ends one, what only delays it, and what a page may not do to the next."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from integrations.models import (
    Connection,
    Cursor,
    Exchange,
    Flow,
    InboundEvent,
    Link,
    RateBudget,
    RunLogLine,
    RunOutcome,
    SyncRun,
)
from integrations.sync import pull, runs
from integrations.sync.execute import execute
from integrations.sync.words import keep_words
from tests.integrations.toy_shop import ToyShop, ToyShopConnector

MakeFlow = Callable[..., Flow]
State = SyncRun.State


def start(flow: Flow) -> SyncRun:
    return runs.start_flow(flow, trigger="manual", at=timezone.now())


def run(flow: Flow) -> SyncRun:
    row = start(flow)
    execute(row.pk)
    row.refresh_from_db()
    return row


def die(row: SyncRun, far_shop: ToyShop, monkeypatch: pytest.MonkeyPatch) -> None:
    """A worker takes the run, and is killed at its first request; its lease has run out."""
    with monkeypatch.context() as patch:
        patch.setattr(ToyShopConnector, "pull_orders", _killed)
        with pytest.raises(KeyboardInterrupt):
            execute(row.pk)
    Flow.plain.update(lease_until=timezone.now())


def _killed(*_: Any) -> None:
    raise KeyboardInterrupt


def links() -> list[int]:
    return sorted(map(int, Link.plain.filter(stream="order").values_list("external_id", flat=True)))


def test_a_bad_record_of_fifty_is_set_aside_and_the_other_forty_nine_are_applied(
    far_shop: ToyShop, make_flow: MakeFlow
) -> None:
    far_shop.add_orders(120)
    far_shop.orders[59]["number"] = "bad one"
    row = run(make_flow("order"))
    assert (row.state, row.seen, row.created, row.failed, row.total) == (State.DONE, 120, 119, 1, 120)
    assert links() == [n for n in range(1, 121) if n != 60]
    event = InboundEvent.plain.get()
    assert (event.kind, event.state, event.stream, event.external_id) == ("record", "quarantined", "order", "60")
    assert bytes(event.body) == b'{"id":60,"number":"bad one"}'
    assert event.message == "Nobody understands bad one."
    outcome = RunOutcome.plain.get()
    assert (outcome.external_id, outcome.event, outcome.message) == ("60", event, "Nobody understands bad one.")
    assert Cursor.plain.get().page == ""


def test_a_record_the_connector_could_not_read_is_set_aside_as_well(far_shop: ToyShop, make_flow: MakeFlow) -> None:
    far_shop.add_orders(3)
    del far_shop.orders[1]["number"]
    row = run(make_flow("order"))
    assert (row.state, row.seen, row.created, row.failed) == (State.DONE, 3, 2, 1)
    event = InboundEvent.plain.get()
    assert (event.state, bytes(event.body), event.message) == ("quarantined", b'{"id":2}', "It has no number.")


def test_words_are_kept_as_both_databases_can() -> None:
    assert keep_words("bad \ud800 and \x00", 100) == "bad \\ud800 and \\x00"
    assert keep_words("long", 2) == "lo"


@pytest.mark.parametrize("number", ["bad \x00"], ids=["nul"])
def test_text_no_database_can_keep_does_not_stop_the_pull(far_shop: ToyShop, make_flow: MakeFlow, number: str) -> None:
    far_shop.add_orders(3)
    far_shop.orders[1]["number"] = number
    row = run(make_flow("order"))
    assert (row.state, row.created, row.failed) == (State.DONE, 2, 1)
    event = InboundEvent.plain.get()
    assert event.external_id == "2"
    assert b"\\u0000" in bytes(event.body)


def test_skipped_records_are_all_counted_and_the_first_named(
    far_shop: ToyShop, make_flow: MakeFlow, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pull, "MOST_SKIPPED", 60)
    far_shop.add_orders(120)
    for order in far_shop.orders:
        order["number"] = "skip"
    row = run(make_flow("order"))
    assert (row.seen, row.skipped, row.state) == (120, 120, State.DONE)
    assert RunOutcome.plain.count() == 60


def test_a_kept_page_that_ran_out_there_begins_the_pull_anew(far_shop: ToyShop, make_flow: MakeFlow) -> None:
    far_shop.add_orders(120)
    far_shop.faults = [0, 503]
    row = run(make_flow("order"))
    assert (row.state, row.error_code, row.seen) == (State.QUEUED, "REMOTE_UNAVAILABLE", 50)
    assert Cursor.plain.get().page == "50"
    far_shop.expired_pages = {"50"}
    SyncRun.plain.update(next_attempt_at=timezone.now())
    assert execute(row.pk) == State.DONE
    assert links() == list(range(1, 121))
    words = RunLogLine.plain.filter(level="warning").get().message
    assert words.startswith("The page kept from the last try is refused, so the pull begins anew:")


def test_a_page_that_is_refused_in_the_middle_of_a_pull_fails_the_run(far_shop: ToyShop, make_flow: MakeFlow) -> None:
    far_shop.add_orders(120)
    far_shop.expired_pages = {"50"}
    row = run(make_flow("order"))
    assert (row.state, row.error_code, row.seen) == (State.FAILED, "REJECTED", 50)
    assert Cursor.plain.get().page == "50"
    assert len(far_shop.asked) == 2


def test_an_unforeseen_error_ends_the_run_in_words_and_frees_the_flow(
    far_shop: ToyShop, make_flow: MakeFlow, monkeypatch: pytest.MonkeyPatch
) -> None:
    def odd(*_: Any) -> None:
        raise TypeError("'NoneType' object is not subscriptable")

    monkeypatch.setattr(ToyShopConnector, "pull_orders", odd)
    flow = make_flow("order")
    row = run(flow)
    assert (row.state, row.error_code) == (State.FAILED, "UNFORESEEN")
    assert "TypeError: 'NoneType' object is not subscriptable" in row.message
    flow.refresh_from_db()
    assert (flow.lease_until, flow.lease_token) == (None, "")


def test_a_run_that_kills_its_worker_three_times_stops(
    far_shop: ToyShop, make_flow: MakeFlow, monkeypatch: pytest.MonkeyPatch
) -> None:
    row = start(make_flow("order"))
    for _ in range(3):
        die(row, far_shop, monkeypatch)
    assert execute(row.pk) == State.FAILED
    row.refresh_from_db()
    assert (row.error_code, row.message) == ("WORKER_DIED", "The worker died 3 times at this.")
    assert far_shop.asked == []


def test_a_run_that_met_a_refusal_before_stops_after_three_deaths_too(
    far_shop: ToyShop, make_flow: MakeFlow, monkeypatch: pytest.MonkeyPatch
) -> None:
    far_shop.faults = [503]
    row = run(make_flow("order"))
    assert row.state == State.QUEUED
    SyncRun.plain.update(next_attempt_at=timezone.now())
    for _ in range(3):
        die(row, far_shop, monkeypatch)
    assert execute(row.pk) == State.FAILED
    row.refresh_from_db()
    assert row.error_code == "WORKER_DIED"


def test_two_deaths_and_six_refusals_are_no_three_deaths(
    far_shop: ToyShop, make_flow: MakeFlow, monkeypatch: pytest.MonkeyPatch
) -> None:
    far_shop.add_orders(1)
    row = start(make_flow("order"))
    die(row, far_shop, monkeypatch)
    die(row, far_shop, monkeypatch)
    far_shop.faults = [503] * 3
    for _ in range(3):
        assert execute(row.pk) == State.QUEUED
        SyncRun.plain.update(next_attempt_at=timezone.now())
    assert execute(row.pk) == State.DONE


def test_a_platform_that_is_down_is_given_up_after_eight_tries_and_one_that_asks_to_wait_is_not(
    far_shop: ToyShop, make_flow: MakeFlow
) -> None:
    far_shop.faults = [503] * 8
    row = start(make_flow("order"))
    states = []
    for _ in range(8):
        states.append(execute(row.pk))
        SyncRun.plain.update(next_attempt_at=timezone.now())
    assert states == [State.QUEUED] * 7 + [State.FAILED]
    far_shop.faults = [429] * 12
    row = start(row.flow)
    for _ in range(12):
        assert execute(row.pk) == State.QUEUED
        row.refresh_from_db()
        assert timedelta(seconds=5) < row.next_attempt_at - timezone.now() <= timedelta(seconds=7)
        SyncRun.plain.update(next_attempt_at=timezone.now())
        RateBudget.plain.all().delete()
    assert execute(row.pk) == State.DONE


def test_a_page_of_slow_requests_renews_its_lease(
    far_shop: ToyShop, make_flow: MakeFlow, toy_store: Connection
) -> None:
    """Half of the lease is over before a request: it is taken anew, so that the page does not outlive it."""
    far_shop.add_orders(1)
    row = runs.take(start(make_flow("order")).pk, timezone.now())
    assert row is not None
    taken_until = row.flow.lease_until
    assert taken_until is not None
    runs.renew(row, timezone.now())
    assert Flow.plain.get().lease_until == taken_until, "not with every request"
    later = taken_until - timedelta(seconds=10)
    runs.renew(row, later)
    assert Flow.plain.get().lease_until == row.flow.lease_until
    assert row.flow.lease_until == later + timedelta(seconds=toy_store.deadline_seconds * 8 + 30)


def test_a_worker_that_slept_past_its_lease_asks_nothing_more(far_shop: ToyShop, make_flow: MakeFlow) -> None:
    far_shop.add_orders(1)
    first = runs.take(start(make_flow("order")).pk, timezone.now())
    assert first is not None
    awake = timezone.now() + timedelta(hours=1)
    second = runs.take(first.pk, awake)
    assert second is not None
    with pytest.raises(runs.LeaseLost):
        runs.renew(first, awake)
    runs.finish(first, State.DONE, at=awake)
    second.refresh_from_db()
    assert second.state == State.RUNNING, "what the first says no longer counts"
    runs.renew(second, awake)


def test_each_page_leaves_its_exchange_when_it_is_done(
    far_shop: ToyShop, make_flow: MakeFlow, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They are not gathered until the end, where a pull of ten thousand pages would hold them all in memory."""
    far_shop.add_orders(120)
    kept = []
    ask = ToyShopConnector.pull_orders

    def look_and_ask(self: ToyShopConnector, since: Any, cursor: str) -> Any:
        kept.append(Exchange.plain.count())
        return ask(self, since, cursor)

    monkeypatch.setattr(ToyShopConnector, "pull_orders", look_and_ask)
    row = run(make_flow("order"))
    assert kept == [0, 1, 2]
    assert Exchange.plain.filter(run=row).count() == 3


def test_a_watching_connection_reads_and_a_paused_one_does_not(
    far_shop: ToyShop, make_flow: MakeFlow, toy_store: Connection
) -> None:
    far_shop.add_orders(2)
    Connection.plain.update(state="watching")
    flow = make_flow("order")
    assert run(flow).created == 2
    Connection.plain.update(state="paused")
    row = run(flow)
    assert (row.state, row.error_code) == (State.FAILED, "CONNECTION_NOT_READING")
    assert row.message == "Toy shop is paused; nothing was read or sent."
    assert len(far_shop.asked) == 1


def test_a_second_pull_overlaps_the_first_and_changes_nothing(far_shop: ToyShop, make_flow: MakeFlow) -> None:
    far_shop.add_orders(130)
    flow = make_flow("order")
    run(flow)
    far_shop.orders[129]["version"] = 2
    row = run(flow)
    assert (row.seen, row.updated, row.unchanged, row.created) == (121, 1, 120, 0)
    assert Link.plain.get(external_id="130").external_number == "2"


def test_asking_twice_for_a_run_gives_the_one_that_waits(make_flow: MakeFlow) -> None:
    flow = make_flow("order")
    assert start(flow).pk == start(flow).pk
