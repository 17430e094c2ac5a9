"""PROMISES 4, with real worker processes that are killed -9 while a flaky Odoo loses answers and lags behind."""

from __future__ import annotations

import os
import random
import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from functools import partial
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.conf import settings as django_settings
from django.db import transaction
from django.utils import timezone
from werkzeug import Request, Response

from integrations.models import Attempt, Command, Connection
from integrations.simulators.base import serve
from integrations.simulators.odoo.simulator import OdooSimulator
from integrations.sync import lease
from integrations.sync.outbox import enqueue
from integrations.sync.vault import store_credentials
from portal.tenancy.models import Merchant
from tests.reliability import odoo_orders
from tests.reliability.running import worker
from tests.simulators.odoo_client import Far

FULL = os.environ.get("RELIABILITY_FULL") == "1"
PATIENCE = 1_800 if FULL else 120  # seconds; ends what hangs, measures nothing
WORKER = {"TOY_HANDLERS": "tests.reliability.odoo_orders", "WORKER_THREADS": "8" if FULL else "1"}


@dataclass(frozen=True, kw_only=True)
class Form:
    """Of each request to Odoo so many fail in each way; times in seconds. An outcome settles longer than a late commit
    and the longest lag of the search together."""

    orders: int
    kills: int
    rates: dict[str, float]
    deadline: int
    late: float
    lag: float
    settle: int


# The short form has the same faults, oftener and faster, so that its few orders meet each of them.
FORM = (
    Form(
        orders=10_000,
        kills=200,
        rates={"timeout_after_commit": 0.05, "timeout_before_commit": 0.03, "late_commit": 0.01,
               "error_after_commit": 0.02},
        deadline=2, late=2.0, lag=10.0, settle=14,
    )
    if FULL
    else Form(
        orders=30,
        kills=3,
        rates={"timeout_after_commit": 0.10, "timeout_before_commit": 0.06, "late_commit": 0.06,
               "error_after_commit": 0.06},
        deadline=1, late=0.8, lag=1.5, settle=3,
    )
)  # fmt: skip


class OdooFar(Far):
    sim: CatchingOdoo


class CatchingOdoo(OdooSimulator):
    """Tells the test of a write while its answer is still out, so that a kill surely meets one."""

    def __init__(self) -> None:
        super().__init__()
        self.wanted = ""
        self.caught = threading.Event()

    def catch_a_write(self, *, before: bool) -> None:
        """Returns when a write has come, before or after it is done; its answer takes another half second."""
        self.caught.clear()
        self.wanted = "before" if before else "after"
        assert self.caught.wait(60), "nothing was written"

    def handle(self, request: Request) -> Response:
        is_write = request.path.endswith(("/create", "/action_confirm"))
        moment, self.wanted = (self.wanted, "") if is_write else ("", self.wanted)
        if moment == "before":
            self._pause()
        response = super().handle(request)
        if moment == "after":
            self._pause()
        return response

    def _pause(self) -> None:
        self.caught.set()
        time.sleep(0.5)


@pytest.fixture
def far(transactional_db: None) -> Iterator[OdooFar]:
    simulator = CatchingOdoo()
    simulator.journal = deque()  # all that is asked, not only the last of it
    with serve(simulator) as address:
        yield OdooFar(simulator, address)


@pytest.fixture
def connection(far: OdooFar, monkeypatch: pytest.MonkeyPatch) -> Connection:
    monkeypatch.setattr(django_settings, "SYNC_HANDLERS", odoo_orders.HANDLERS)
    articles = [str(far.product(sku, price="6.25", stock="1000000")) for sku in ("MUG", "PLATE")]
    row = Connection(
        merchant=Merchant.objects.create(name="Northwind", slug="northwind"),
        name="ERP",
        platform="odoo",
        role=Connection.Role.BACK_OFFICE,
        state=Connection.State.ACTIVE,
        settings={
            "url": far.base_url,
            "guest_partner_id": str(far.partner("Guests")),
            "articles": articles,
            "requests_per_second": 10_000,
        },
        allowed_private=[urlsplit(far.base_url).netloc],
        deadline_seconds=FORM.deadline,
        settle_seconds=FORM.settle,
    )
    row.save()
    store_credentials(row, far.sim.credentials)
    return row


@pytest.mark.reliability
@pytest.mark.slow
@pytest.mark.timeout(14_400 if FULL else 300)
def test_promise_04_no_order_is_lost_or_doubled_when_the_worker_is_killed(far: OdooFar, connection: Connection) -> None:
    chance = random.Random(4)
    references = [f"A-{number}" for number in range(FORM.orders)]
    with transaction.atomic():
        for reference in references:
            give(connection, reference)
    far.dials(match="^POST /json/2/", timeout_seconds=FORM.deadline * 1.5, late_commit_seconds=FORM.late, **FORM.rates)
    for kill in range(1, FORM.kills + 1):
        far.dials(search_lag_seconds=FORM.lag * ((kill - 1) % 3) / 2)
        with worker(**WORKER):
            enough = FORM.orders * kill // (FORM.kills + 1)
            wait_until(partial(has_orders, far, enough), seconds=PATIENCE)
            if kill % 2:
                far.sim.catch_a_write(before=chance.random() < 0.5)
            else:
                time.sleep(chance.uniform(0, 0.3))
        age_leases()
    far.dials(search_lag_seconds=FORM.lag)
    with worker(**WORKER):
        wait_until(lambda: not still_open(), seconds=3 * 3600 if FULL else 200)

    met = Counter(entry["dial"] for entry in far.sim.journal)
    assert all(met[name] for name in FORM.rates), met
    ended = set(Attempt.plain.values_list("outcome", flat=True))
    assert ended >= {"accepted", "found", "unknown", "crashed"}, "each way to end was gone"
    check(far, connection, references)


def check(far: OdooFar, connection: Connection, references: list[str]) -> None:
    """What Odoo has is what was to be sent, each once; what nobody can vouch for is in a person's hands."""
    states = dict(Command.plain.values_list("reference", "state"))
    assert states.keys() == set(references)
    assert set(states.values()) <= {Command.State.VERIFIED, Command.State.NEEDS_HUMAN}, Counter(states.values())
    verified = {reference for reference, state in states.items() if state == Command.State.VERIFIED}
    assert len(verified) >= FORM.orders - FORM.kills
    there: dict[str, list[dict[str, Any]]] = {}
    for row in far.facts("orders"):
        there.setdefault(row["reference"], []).append(row)
    assert there.keys() <= set(references)
    assert [reference for reference, rows in there.items() if len(rows) > 1] == [], "doubled"
    assert verified - there.keys() == set(), "lost"
    for reference in verified:
        (row,), document = there[reference], wanted(connection, reference)
        assert (row["state"], Decimal(row["total"])) == ("sale", document.total)
        quantities = [Decimal(line["quantity"]) for line in row["lines"]]
        assert quantities == [line.quantity for line in document.lines]


def wanted(connection: Connection, reference: str) -> Any:
    return odoo_orders.build_order(reference, connection.settings["articles"])


def give(connection: Connection, reference: str) -> Command:
    return enqueue(
        connection=connection,
        kind="create_order",
        stream="order",
        subject=("order", 1),
        line=reference,
        reference=reference,
        at=timezone.now(),
    )


def has_orders(far: OdooFar, enough: int) -> bool:
    return len(far.sim.db["sale.order"].rows) >= enough or not still_open()


def still_open() -> bool:
    return Command.plain.filter(state__in=("pending", "leased", "sending", "unknown")).exists()


def age_leases() -> None:
    """The worker is dead: let its leases run out now rather than in some minutes, and no back-off be long."""
    now = timezone.now()
    Command.plain.filter(state__in=("leased", "sending")).update(lease_until=now)
    Command.plain.filter(state="unknown", lease_until__gt=now).update(lease_until=now)
    lease.recover(now)


def wait_until(holds: Callable[[], bool], *, seconds: float) -> None:
    """Meanwhile no back-off is long; a settle window is kept."""
    ends = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < ends, f"it took too long: {Counter(Command.plain.values_list('state', flat=True))}"
        time.sleep(0.1)
        now = timezone.now()
        settled = now + timedelta(seconds=FORM.settle)
        Command.plain.filter(state="pending", next_attempt_at__gt=now).update(next_attempt_at=now)
        Command.plain.filter(state="unknown", next_attempt_at__gt=settled).update(next_attempt_at=settled)
