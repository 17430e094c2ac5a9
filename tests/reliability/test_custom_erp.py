"""PROMISES 4 with an ERP that is configured by form: one that can be searched, and one that cannot."""

from __future__ import annotations

import os
import random
import time
from collections import Counter
from collections.abc import Iterator
from functools import partial
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.conf import settings as django_settings
from django.db import transaction

from integrations.models import Attempt, Command, Connection
from integrations.simulators.base import serve
from integrations.simulators.http_erp.simulator import HttpErpSimulator
from integrations.sync.vault import store_credentials
from portal.tenancy.models import Merchant
from tests.connectors.http_erp.simulated import OLD_ERP_XML
from tests.contract.far_side import build_product
from tests.reliability import odoo_orders
from tests.reliability.running import worker
from tests.reliability.test_command_delivery import FORM, WORKER, age_leases, give, still_open, wait_until
from tests.simulators.http_erp_client import Erp

FULL = os.environ.get("RELIABILITY_FULL") == "1"


@pytest.fixture
def far(transactional_db: None) -> Iterator[Erp]:
    simulator = HttpErpSimulator()
    with serve(simulator) as address:
        erp = Erp(simulator, address)
        erp.control("catalogue", {"products": [stocked(sku) for sku in ("MUG", "PLATE")]})
        yield erp


def stocked(sku: str) -> dict[str, Any]:
    product = build_product(sku)
    product["variants"][0] |= {"price": "6.25", "stock": "1000000"}
    return product


def connect(far: Erp, safety: str) -> Connection:
    address = far.base
    settings: dict[str, Any] = {
        **OLD_ERP_XML, "url": address, "articles": ["MUG", "PLATE"], "requests_per_second": 10_000,
        "create_order_safety": safety,
    }  # fmt: skip
    row = Connection(
        merchant=Merchant.objects.create(name="Northwind", slug="northwind"), name="ERP", platform="http_erp",
        role=Connection.Role.BACK_OFFICE, state=Connection.State.ACTIVE, settings=settings,
        allowed_private=[urlsplit(address).netloc], deadline_seconds=FORM.deadline, settle_seconds=FORM.settle,
    )  # fmt: skip
    row.save()
    store_credentials(row, far.keys)
    return row


@pytest.mark.reliability
@pytest.mark.slow
@pytest.mark.timeout(14_400 if FULL else 300)
@pytest.mark.parametrize("safety", ["search", "none"])
def test_promise_04_no_order_is_lost_or_doubled_at_an_erp_configured_by_form(
    far: Erp, safety: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(django_settings, "SYNC_HANDLERS", odoo_orders.HANDLERS)
    connection, chance = connect(far, safety), random.Random(4)
    references = [f"A-{number}" for number in range(FORM.orders)]
    with transaction.atomic():
        for reference in references:
            give(connection, reference)
    far.dials(
        match="/legacy/Orders", timeout_seconds=FORM.deadline * 1.5, late_commit_seconds=FORM.late,
        search_lag_seconds=FORM.lag, **FORM.rates,
    )  # fmt: skip
    for kill in range(1, FORM.kills + 1):
        with worker(**WORKER):
            enough = FORM.orders * kill // (FORM.kills + 1)
            wait_until(partial(has_orders, far, enough), seconds=120)
            time.sleep(chance.uniform(0, 0.3))
        age_leases()
    with worker(**WORKER):
        wait_until(lambda: not still_open(), seconds=3 * 3600 if FULL else 200)

    states = dict(Command.plain.values_list("reference", "state"))
    assert states.keys() == set(references)
    assert set(states.values()) <= {*Command.DONE_STATES, Command.State.NEEDS_HUMAN}, Counter(states.values())
    there = Counter(row["reference"] for row in far.facts("orders"))
    assert [reference for reference, count in there.items() if count > 1] == [], "doubled"
    done = {reference for reference, state in states.items() if state in Command.DONE_STATES}
    assert done <= there.keys(), "lost"
    outcomes = set(Attempt.plain.values_list("outcome", flat=True))
    assert "unknown" in outcomes
    if safety == "search":
        assert "found" in outcomes
        assert len(done) >= FORM.orders - FORM.kills
    else:
        assert "found" not in outcomes, "without a search a person decides"
        assert Command.State.NEEDS_HUMAN in states.values()


def has_orders(far: Erp, enough: int) -> bool:
    return len(far.facts("orders")) >= enough or not still_open()
