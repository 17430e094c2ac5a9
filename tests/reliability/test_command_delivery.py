"""The core of PROMISES 4, with real worker processes that are killed -9 while a flaky back office loses answers."""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Callable
from functools import partial

import pytest
from django.db import transaction
from django.utils import timezone

from integrations.models import Command, Connection
from integrations.sync import lease
from tests.integrations import toy
from tests.integrations.conftest import connection, erp, make_command
from tests.reliability.running import worker

__all__ = ["connection", "erp", "make_command"]  # fixtures

ORDERS, KILLS = 60, 6
FAULTS = ["time-out after"] * 5 + ["time-out before"] * 3 + ["500 after"] * 3 + ["html after"] * 2 + ["503"] * 2


@pytest.mark.reliability
@pytest.mark.slow
@pytest.mark.timeout(300)
def test_no_order_is_lost_or_doubled_when_the_worker_is_killed(
    erp: toy.ToyErp, connection: Connection, make_command: Callable[..., Command]
) -> None:
    chance = random.Random(4)
    Connection.plain.update(settle_seconds=3)  # above the far side's slowest commit, 1.5 s
    erp.faults = [chance.choice(FAULTS) if chance.random() < 0.3 else "" for _ in range(ORDERS * 3)]
    with transaction.atomic():
        references = [make_command(f"A-{number}").reference for number in range(ORDERS)]
    for _ in range(KILLS):
        enough = erp.posts + 3
        with worker():
            wait_until(partial(reached, erp, enough), seconds=15)
        age_leases()
    with worker():
        wait_until(lambda: not still_open(), seconds=120)
    assert Counter(row["reference"] for row in erp.orders) == Counter(references)
    states = Counter(Command.plain.values_list("state", flat=True))
    assert set(states) <= {"verified", "needs_human"}, states
    assert states["verified"] >= ORDERS - KILLS


def reached(erp: toy.ToyErp, posts: int) -> bool:
    return erp.posts >= posts or not still_open()


def still_open() -> bool:
    return Command.plain.filter(state__in=("pending", "leased", "sending", "unknown")).exists()


def age_leases() -> None:
    """The worker is dead: let its leases run out now rather than in some minutes, and no back-off be long."""
    now = timezone.now()
    Command.plain.filter(state__in=("leased", "sending")).update(lease_until=now)
    lease.recover(now)
    Command.plain.filter(state="unknown", lease_until__gt=now).update(lease_until=now)


def wait_until(holds: Callable[[], bool], *, seconds: float) -> None:
    ends = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < ends, "it took too long"
        time.sleep(0.1)
        Command.plain.filter(state="pending").update(next_attempt_at=timezone.now())
