"""A connection that fails says so, pauses where nothing goes through, and goes on by itself."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from decimal import Decimal

import pytest
from django.utils import timezone

from integrations.models import Command, Connection, Exchange, Mail
from integrations.sync import condition
from integrations.sync.connections import switch_off
from integrations.tasks import judge_connections
from tests.integrations.toy import ToyErp
from tests.portal.people import make_person
from tests.scene import Scene, open_scene
from tests.world import NOON, World, make_world

MINUTE = timedelta(minutes=1)


@pytest.fixture
def world(db: None) -> World:
    return make_world()


def calls(connection: Connection, good: int, bad: int, *, since: timedelta = 10 * MINUTE, at: datetime = NOON) -> None:
    """So many of each, the bad ones first."""
    for number in range(good + bad):
        ago = since * (good + bad - number) / (good + bad)
        status = 503 if number < bad else 200
        Exchange(merchant=connection.merchant, connection=connection, at=at - ago, method="POST", url="https://e.com/",
                 request_body=b"", response_body=b"", status=status).save()  # fmt: skip


def state(connection: Connection) -> tuple[str, str]:
    row = Connection.plain.get(pk=connection.pk)
    return row.state, row.state_reason


@pytest.mark.parametrize(
    ("good", "bad", "expected"),
    [(8, 2, "degraded"), (81, 19, "active"), (80, 20, "degraded"), (0, 9, "active"), (0, 10, "paused"),
     (1, 9, "degraded")],
)  # fmt: skip
def test_the_share_that_fails_says_how_it_is(world: World, good: int, bad: int, expected: str) -> None:
    calls(world.erp, good, bad)
    condition.judge_all(NOON)
    assert state(world.erp)[0] == expected
    assert state(world.shop)[0] == "active", "nobody else's calls count"


def test_what_failed_is_said_and_told_once(world: World) -> None:
    make_person(world.merchant, "owner")
    calls(world.erp, 8, 2)
    for _ in range(3):
        condition.judge_all(NOON)
    assert state(world.erp) == ("degraded", "2 of its last 10 calls failed: it answered 503")
    assert Mail.plain.get().subject == "Northwind: ERP works only in part"


def test_it_is_well_again_when_hardly_any_call_fails(world: World) -> None:
    Connection.plain.filter(pk=world.erp.pk).update(state="degraded", state_reason="x")
    calls(world.erp, 90, 10)
    condition.judge_all(NOON)
    assert state(world.erp)[0] == "degraded", "between the two it stays as it is"
    calls(world.erp, 200, 0)
    condition.judge_all(NOON)
    assert state(world.erp) == ("active", "")


def test_old_calls_and_a_moment_of_failing_say_nothing(world: World) -> None:
    calls(world.erp, 0, 20, at=NOON - timedelta(hours=1))
    condition.judge_all(NOON)
    assert state(world.erp)[0] == "active"
    calls(world.erp, 0, 20, since=MINUTE)
    condition.judge_all(NOON)
    assert state(world.erp)[0] == "degraded", "not paused before five minutes of it"


def test_what_a_person_switched_off_or_only_watches_is_left_alone(world: World) -> None:
    Connection.plain.filter(pk=world.shop.pk).update(state="watching")
    switch_off(world.erp)
    for row in (world.erp, world.shop):
        calls(row, 0, 20)
    condition.judge_all(NOON)
    assert (state(world.erp)[0], state(world.shop)[0]) == ("disabled", "watching")


@pytest.fixture
def scene(transactional_db: None) -> Iterator[Scene]:
    with open_scene({"MUG": Decimal("2.50")}) as scene:
        yield scene


def test_an_erp_that_was_down_is_tested_and_goes_on_five_first(scene: Scene) -> None:
    for _ in range(7):
        scene.order("MUG")
    scene.run(scene.shop, "order")
    now = timezone.now()
    Exchange.plain.all().delete()  # of a quarter of an hour ago, when it still answered
    calls(scene.erp, 0, 12, at=now)
    scene.odoo.dials(status={"503": 1.0})
    judge_connections()
    assert state(scene.erp)[0] == "paused"
    assert scene.work() == [], "nothing is tried while it is paused"
    assert condition.list_to_probe(now) == [scene.erp.pk]
    assert not condition.probe(scene.erp.pk, at=now)
    assert state(scene.erp)[0] == "paused"
    assert condition.list_to_probe(now + 4 * MINUTE) == [], "not before five minutes"
    scene.odoo.dials(status={})
    assert condition.list_to_probe(now + 6 * MINUTE) == [scene.erp.pk]
    assert condition.probe(scene.erp.pk, at=timezone.now())
    assert state(scene.erp) == ("active", "")
    assert scene.work() == ["verified"] * 5
    assert set(Command.plain.filter(state="pending").values_list("tried_seconds", flat=True)) == {0}
    Command.plain.filter(state="pending").update(next_attempt_at=timezone.now())
    assert scene.work() == ["verified"] * 2


def test_one_that_refuses_our_credentials_is_not_probed(
    erp: ToyErp, connection: Connection, make_command: Callable[..., Command]
) -> None:
    Connection.plain.filter(pk=connection.pk).update(state="needs_reauth")
    assert condition.list_to_probe(timezone.now()) == []
    assert not condition.probe(connection.pk, at=timezone.now())
