"""The order first, then its messages and Holds: who begins at a message never waits for who begins at the order."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.db import connection as database
from django.db import transaction
from django.db.models import QuerySet

from catalog.models import Reservation
from integrations.contract import records as r
from integrations.contract.errors import Rejected
from integrations.models import Attempt, Command, Hold
from integrations.sync import lease, replay
from integrations.sync.client import Captures
from integrations.sync.deliver import _Delivery
from integrations.sync.release import release
from orders.models import Customer, Order
from tests.orders.test_intake import MINUTE
from tests.processes import wait_until
from tests.world import NOON, World, make_world, order, stocked

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(database.vendor == "sqlite", reason="SQLite lets one transaction write at a time"),
]
ADA = r.CustomerRecord(external_id="c7", name="Ada Lovelace")


@pytest.fixture
def world(transactional_db: None) -> World:
    world = make_world()
    stocked(world, "MUG")
    return world


def count_waiting() -> int:
    with database.cursor() as cursor:
        cursor.execute("SELECT pg_stat_clear_snapshot()")  # a transaction sees the first look again
        cursor.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
        )
        return int(cursor.fetchone()[0])


def cross(rows: QuerySet[Reservation] | QuerySet[Customer], *steps: Callable[[], object]) -> None:
    """Each step in a thread of its own, begun when the one before waits for a lock; the first waits for `rows`. Raises
    what a step raised: PostgreSQL ends one of two that wait for each other."""

    def run(step: Callable[[], object]) -> None:
        try:
            step()
        finally:
            database.close()

    with ThreadPoolExecutor(len(steps)) as threads:
        with transaction.atomic():
            assert list(rows.select_for_update())
            futures = []
            for number, step in enumerate(steps, start=1):
                futures.append(threads.submit(run, step))
                wait_until(lambda number=number: count_waiting() >= number, 20, f"step {number} waits")  # type: ignore[misc]
        for future in futures:
            future.result(timeout=30)


def cancel(world: World) -> None:
    world.apply(world.shop, "order", order("1", ("MUG", 1, "4.50"), cancelled=True, updated_at=NOON + MINUTE))


def answer(command: Command) -> None:
    """The back office refuses it."""
    leased = lease.take(command.pk, NOON)
    assert leased is not None
    refusal = Rejected("No such article.", code="ITEM_MISSING")
    _Delivery(leased, Captures())._finish(Command.State.NEEDS_FIX, Attempt.Outcome.REFUSED, error=refusal)


def bury(command: Command) -> None:
    """Its worker died while sending."""
    assert lease.recover(NOON + timedelta(days=1)) == 1


def decide(command: Command) -> None:
    """Too late: the shop's cancel came first."""
    with pytest.raises(replay.NotPossible, match="create order A-1 is withdrawn"):
        replay.say_never(command=command, by=None, at=NOON, reason="x")


@pytest.mark.parametrize("settle", [answer, bury, decide])
def test_a_cancel_and_what_became_of_the_message_do_not_wait_for_each_other(
    world: World, settle: Callable[[Command], None]
) -> None:
    world.apply(world.shop, "order", order("1", ("MUG", 1, "4.50")))
    command = Command.plain.get(kind="create_order")
    if settle is bury:
        Command.plain.update(state="sending", payload=b"{}", lease_until=NOON, lease_token="x")
    cross(Reservation.plain.filter(subject_type="order"), lambda: cancel(world), lambda: settle(command))
    assert Order.plain.get().fulfilment == "cancelled"
    wanted = {"answer": "needs_fix", "bury": "unknown", "decide": "withdrawn"}
    assert Command.plain.get(kind="create_order").state == wanted[settle.__name__]


def test_a_cancel_and_a_release_do_not_wait_for_each_other(world: World) -> None:
    unknown = order("1", ("NEW", 1, "4.50"), customer=ADA)
    world.apply(world.shop, "order", unknown)
    key = Hold.plain.get(reason="unmapped").key
    gone = order("1", ("NEW", 1, "4.50"), customer=ADA, cancelled=True, updated_at=NOON + MINUTE)
    cross(
        Customer.plain.all(),
        lambda: world.apply(world.shop, "order", gone),
        lambda: release(merchant_id=world.merchant.pk, key=key, at=NOON + MINUTE),
    )
    assert not Hold.plain.filter(ended_at__isnull=True).exists()
    assert not Command.plain.filter(kind="create_order").exists()
