"""A merchant whose till and app call our API over HTTP, with an Odoo behind."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from urllib.parse import urlsplit

import pytest
from django.core.cache import cache

from integrations.models import Connection, Flow, SyncRun
from integrations.simulators.base import serve
from integrations.simulators.odoo.simulator import OdooSimulator
from integrations.sync import runs
from integrations.sync.execute import execute
from integrations.sync.vault import store_credentials
from tests.api_world import connect_api
from tests.simulators.odoo_client import Far
from tests.world import NOON, World, make_world

PRICES = {"MUG": Decimal("4.50"), "CUP": Decimal("3.00"), "BOWL": Decimal("12.00")}
STOCK = 100


@dataclass
class Desk:
    """The merchant, the till's connection, and what Odoo has."""

    world: World
    till: Connection
    odoo: Far
    sim: OdooSimulator

    @property
    def erp(self) -> Connection:
        return self.world.erp

    def read(self, stream: str) -> None:
        flow, _ = Flow.plain.get_or_create(
            merchant=self.world.merchant, connection=self.erp, stream=stream, direction="pull"
        )
        run = runs.start_flow(flow, trigger="manual", at=NOON)
        execute(run.pk)
        done = SyncRun.plain.get(pk=run.pk)
        assert done.state == "done", done.message

    def orders_there(self) -> list[dict[str, object]]:
        return [dict(one) for one in self.sim.fact_orders()]


@pytest.fixture
def desk(transactional_db: None) -> Iterator[Desk]:
    cache.clear()
    sim = OdooSimulator()
    with serve(sim) as address:
        world, far = make_world(), Far(sim, address)
        for sku, price in PRICES.items():
            far.product(sku, price=str(price), stock=str(STOCK))
        world.erp.settings = {
            "url": address, "requests_per_second": 10_000, "guest_partner_id": str(far.partner("Guests")),
        }  # fmt: skip
        world.erp.allowed_private = [urlsplit(address).netloc]
        world.erp.deadline_seconds, world.erp.settle_seconds = 10, 0
        world.erp.save()
        store_credentials(world.erp, sim.credentials)
        found = Desk(world=world, till=connect_api(world), odoo=far, sim=sim)
        for stream in ("product", "stock", "price"):
            found.read(stream)
        yield found
