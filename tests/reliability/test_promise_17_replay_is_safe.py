"""PROMISES 17: whatever is tried with orders that succeeded, nothing new appears at the ERP."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.utils import timezone

from integrations.models import Command, Replay
from integrations.sync import replay
from integrations.sync.deliver import deliver
from tests.integrations.conftest import connection, erp, make_command  # noqa: F401  fixtures
from tests.integrations.toy import ToyErp

pytestmark = pytest.mark.reliability
WAYS = (replay.retry, replay.rebuild, replay.say_it_is_not_there)


def test_promise_17_replaying_succeeded_orders_makes_nothing_new(
    erp: ToyErp,  # noqa: F811
    make_command: Callable[..., Command],  # noqa: F811
    full_run: bool,
) -> None:
    count = 1000 if full_run else 20
    commands = [make_command(f"A-{number}") for number in range(count)]
    assert {deliver(command.pk) for command in commands} == {"verified"}
    assert len(erp.orders) == count
    before = list(Command.plain.order_by("pk").values())
    for command in commands:
        for way in WAYS:
            with pytest.raises(replay.NotPossible):
                way(command=command, by=None, at=timezone.now())
        assert deliver(command.pk) == "", "a bell rung again finds nothing due"
    assert (len(erp.orders), erp.posts) == (count, count)
    assert list(Command.plain.order_by("pk").values()) == before
    assert not Replay.plain.exists()


def test_promise_17_orders_that_arrived_unseen_are_found_and_not_sent_again(
    erp: ToyErp,  # noqa: F811
    make_command: Callable[..., Command],  # noqa: F811
    full_run: bool,
) -> None:
    """As above, where the portal has forgotten that they succeeded: they stopped, and people send them again."""
    count = 1000 if full_run else 20
    commands = [make_command(f"A-{number}") for number in range(count)]
    assert {deliver(command.pk) for command in commands} == {"verified"}
    Command.plain.update(state=Command.State.NEEDS_FIX, external_id="", external_number="", finished_at=None)
    for number, command in enumerate(commands):
        way = WAYS[number % 2]
        way(command=command, by=None, at=timezone.now())
        assert deliver(command.pk) == "verified"
    assert (len(erp.orders), erp.posts) == (count, count)
    assert sorted(Command.plain.values_list("external_id", flat=True), key=int) == [str(n + 1) for n in range(count)]
