"""The rate budget all workers share: so many at once, then one each interval, and nothing while asked to wait."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from integrations.contract.errors import RateLimited
from integrations.models import Connection, RateBudget
from integrations.sync.client import block_budget, take_from_budget
from tests.world import NOON, make_world

SECOND = timedelta(seconds=1)


@pytest.fixture
def shop(db: None) -> Connection:
    return make_world().shop


def ask(shop: Connection, at: datetime) -> float:
    """0 where the request may go, else the seconds to wait."""
    try:
        take_from_budget(shop, 2.0, 3, at=at)
    except RateLimited as error:
        return error.retry_after
    return 0.0


def test_a_burst_and_then_the_interval(shop: Connection) -> None:
    assert [ask(shop, NOON) for _ in range(4)] == [0, 0, 0, 0.5]
    assert ask(shop, NOON + SECOND / 2) == 0
    assert ask(shop, NOON + SECOND / 2) == 0.5
    assert [ask(shop, NOON + 60 * SECOND) for _ in range(4)] == [0, 0, 0, 0.5], "a pause saves no more than a burst"


def test_nothing_is_sent_while_the_platform_asked_to_wait(shop: Connection) -> None:
    assert ask(shop, NOON) == 0
    block_budget(shop, seconds=7, at=NOON)
    assert ask(shop, NOON + SECOND) == 6
    assert ask(shop, NOON + 8 * SECOND) == 0
    assert RateBudget.plain.get().arrival_at == NOON + 8 * SECOND + SECOND / 2
