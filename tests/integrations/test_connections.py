"""A connection's life: tested, watching, live, paused; and what is written to it in each: nothing until Go live."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from pytest_django import Settings

from integrations.contract import errors as e
from integrations.models import Command, Connection, Exchange, Release
from integrations.sync import connections, lease, releases
from integrations.sync.deliver import deliver
from integrations.sync.vault import store_credentials
from tests.integrations import toy
from tests.integrations.toy_handlers import want
from tests.integrations.toy_shop import TOKEN, ToyShop

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
State = Connection.State


def test_a_good_check_makes_a_draft_watch(far_shop: ToyShop, toy_store: Connection) -> None:
    toy_store.state = State.DRAFT
    toy_store.save()
    result = connections.check_connection(toy_store, at=NOON)
    assert result is not None
    row = Connection.plain.get()
    assert (row.state, row.check_ok, row.checked_at, row.check_message) == ("watching", True, NOON, "Connected to Toy.")
    exchange = Exchange.plain.get()
    assert (exchange.url.rpartition("/")[2], exchange.request_headers["Authorization"]) == ("me", "•••")


def test_a_bad_check_keeps_the_state_and_the_platforms_words(far_shop: ToyShop, toy_store: Connection) -> None:
    far_shop.token = "rotated"
    toy_store.state = State.DRAFT
    toy_store.save()
    assert connections.check_connection(toy_store, at=NOON) is None
    row = Connection.plain.get()
    assert (row.state, row.check_ok) == ("draft", False)
    assert row.check_message == "The platform answered 401: no no"
    assert TOKEN not in str(list(Exchange.plain.values_list("request_headers", "response_body")))


@pytest.mark.parametrize(("live_since", "state"), [(NOON, "active"), (None, "watching")])
def test_new_credentials_put_it_back_where_it_was(
    far_shop: ToyShop, toy_store: Connection, live_since: datetime | None, state: str
) -> None:
    far_shop.token = "toy-shop-token-2"
    toy_store.state, toy_store.state_reason, toy_store.live_since = State.NEEDS_REAUTH, "401", live_since
    toy_store.save()
    assert connections.check_connection(toy_store, at=NOON) is None
    assert Connection.plain.get().state == State.NEEDS_REAUTH
    store_credentials(toy_store, {"token": "toy-shop-token-2"})
    assert connections.check_connection(toy_store, at=NOON) is not None
    row = Connection.plain.get()
    assert (row.state, row.state_reason) == (state, "")


@pytest.mark.parametrize("state", ["active", "disabled"])
def test_a_check_changes_nothing_else(far_shop: ToyShop, toy_store: Connection, state: str) -> None:
    toy_store.state = state
    toy_store.save()
    connections.check_connection(toy_store, at=NOON)
    assert Connection.plain.get().state == state


def test_go_live_is_planned_without_a_request_and_goes_only_from_watching(
    far_shop: ToyShop, toy_store: Connection
) -> None:
    want(toy_store, MUG=7, CUP=3)
    with pytest.raises(connections.NotWatching, match="Toy shop is live: test it first, then go live"):
        connections.go_live(toy_store, at=NOON)
    toy_store.state = State.WATCHING
    toy_store.save()
    assert connections.plan_go_live(toy_store) == connections.GoLivePlan(stock=2, prices=0, orders=0, unmapped=0)
    assert far_shop.asked == []
    connections.go_live(toy_store, at=NOON)
    row = Connection.plain.get()
    assert (row.state, row.live_since) == ("active", NOON)
    assert far_shop.asked == [], "without a public address no webhooks are asked for"


def test_going_live_again_keeps_the_day_it_first_did(toy_store: Connection) -> None:
    first = datetime(2026, 1, 1, tzinfo=UTC)
    toy_store.state, toy_store.live_since = State.WATCHING, first
    toy_store.save()
    connections.go_live(toy_store, at=NOON)
    assert Connection.plain.get().live_since == first


def test_go_live_asks_for_webhooks_where_we_have_an_address(
    far_shop: ToyShop, toy_store: Connection, settings: Settings
) -> None:
    settings.PUBLIC_URL = "https://portal.example.org"
    toy_store.state = State.WATCHING
    toy_store.save()
    connections.go_live(toy_store, at=NOON)
    assert far_shop.subscribed == [f"https://portal.example.org/hooks/{toy_store.public_id}/"]
    assert Connection.plain.get().webhooks_at == NOON


def test_a_shop_that_refuses_our_webhooks_is_live_all_the_same_and_says_so(
    far_shop: ToyShop, toy_store: Connection, settings: Settings
) -> None:
    settings.PUBLIC_URL = "https://portal.example.org"
    toy_store.state = State.WATCHING
    toy_store.save()
    far_shop.faults = [422]
    with pytest.raises(e.Rejected):
        connections.go_live(toy_store, at=NOON)
    row = Connection.plain.get()
    assert (row.state, row.webhooks_at) == ("active", None), "its orders are polled"


def test_pause_holds_orders_and_resume_rings_for_the_first_five(
    erp: toy.ToyErp, connection: Connection, make_command: Callable[..., Command]
) -> None:
    commands = [make_command(f"A-{n}") for n in range(7)]
    connections.pause(connection, ("orders",))
    assert [deliver(command.pk) for command in commands] == [""] * 7
    assert erp.posts == 0
    row = Connection.plain.get()
    assert (row.orders_paused, row.stock_paused, row.prices_paused) == (True, False, False)
    resumed_at = commands[-1].next_attempt_at
    assert connections.resume(row, at=resumed_at) == 7
    assert not Connection.plain.get().orders_paused
    assert [deliver(command.pk) for command in commands] == ["verified"] * 5 + ["", ""]
    rest = Command.plain.filter(state="pending").values_list("reference", "next_attempt_at")
    later = resumed_at + timedelta(minutes=2)
    assert list(rest.order_by("pk")) == [("A-5", later), ("A-6", later)]
    assert erp.posts == 5, "the others wait until these have arrived"
    releases.advance_all(resumed_at)
    assert [deliver(command.pk) for command in commands[5:]] == ["verified"] * 2
    releases.advance_all(resumed_at)
    assert Release.plain.values_list("state", "sent").get() == ("done", 7)


def wait_for(connection: Connection, how: str, at: datetime) -> None:
    """It goes on, one way or another."""
    if how == "resume":
        Connection.plain.update(orders_paused=True)
        connections.resume(Connection.plain.get(), at=at)
    elif how == "switch_on":
        Connection.plain.update(state="disabled", check_ok=True, live_since=NOON)
        connections.switch_on(Connection.plain.get(), at=at)
    else:
        Connection.plain.update(state="paused", live_since=NOON)
        assert connections.check_connection(Connection.plain.get(), at=at) is not None


@pytest.mark.parametrize("how", ["resume", "switch_on", "test"])
def test_however_it_goes_on_five_go_first_and_none_after_a_new_error(
    erp: toy.ToyErp, connection: Connection, make_command: Callable[..., Command], how: str
) -> None:
    commands = [make_command(f"A-{n}") for n in range(7)]
    at = commands[-1].next_attempt_at
    wait_for(connection, how, at)
    assert list(lease.due(at).order_by("pk")) == commands[:5]
    for command in commands[:4]:
        assert deliver(command.pk) == "verified"
    Command.plain.filter(pk=commands[4].pk).update(state="needs_fix", message="The customer is blocked.")
    releases.advance_all(at + timedelta(seconds=5))
    one = Release.plain.get()
    assert (one.state, one.sent, one.message) == ("stopped", 5, "A-4: The customer is blocked.")
    assert Connection.plain.get().orders_paused, "so that nothing more goes, whatever time passes"
    assert not lease.due(at + timedelta(days=1)).exists()
    assert erp.posts == 4


def test_what_has_not_had_its_turn_is_put_off_and_goes_after_all_where_nobody_advances_it(
    erp: toy.ToyErp, connection: Connection, make_command: Callable[..., Command]
) -> None:
    commands = [make_command(f"A-{n}") for n in range(7)]
    at = commands[-1].next_attempt_at
    wait_for(connection, "resume", at)
    Command.plain.filter(pk__in=[one.pk for one in commands[:5]]).update(state="unknown")
    for minutes in (1, 2, 3):
        releases.advance_all(at + timedelta(minutes=minutes))
    rest = Command.plain.filter(state="pending")
    assert not lease.due(at + timedelta(minutes=3)).filter(pk__in=rest.values("pk")).exists(), "the first five are out"
    assert lease.due(at + timedelta(minutes=6)).filter(pk__in=rest.values("pk")).count() == 2


def test_pausing_again_ends_the_release(
    erp: toy.ToyErp, connection: Connection, make_command: Callable[..., Command]
) -> None:
    commands = [make_command(f"A-{n}") for n in range(7)]
    at = commands[-1].next_attempt_at
    wait_for(connection, "resume", at)
    connections.pause(Connection.plain.get(), ("orders",), at=at)
    releases.advance_all(at)
    assert Release.plain.values_list("state", "sent").get() == ("stopped", 5)
    connections.resume(Connection.plain.get(), at=at)
    assert Release.plain.filter(state="going").count() == 1


def test_time_paused_does_not_count_towards_giving_up(
    erp: toy.ToyErp, connection: Connection, make_command: Callable[..., Command]
) -> None:
    command = make_command()
    connections.pause(connection)
    assert deliver(command.pk) == ""
    command.refresh_from_db()
    assert (command.tried_seconds, command.attempts) == (0, 0)


def test_a_connection_that_watches_is_sent_no_command(
    erp: toy.ToyErp, connection: Connection, make_command: Callable[..., Command]
) -> None:
    command = make_command()
    Connection.plain.update(state="watching")
    assert deliver(command.pk) == ""
    assert erp.posts == 0
    Connection.plain.update(state="active")
    assert deliver(command.pk) == "verified"
