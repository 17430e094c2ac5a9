"""A live connection to a simulated WooCommerce shop on loopback, and the ERP rows beside it."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import requests
from werkzeug.serving import WSGIRequestHandler, make_server

from integrations.models import Connection, Flow, SyncRun
from integrations.simulators.woocommerce.simulator import WooCommerceSimulator
from integrations.sync import runs
from integrations.sync.execute import execute
from integrations.sync.vault import store_credentials
from tests.world import NOON, World, make_world


class _Quiet(WSGIRequestHandler):
    def log(self, *args: Any) -> None:
        """Say nothing."""


@dataclass
class LiveShop:
    """The simulator, its address, and the world its connection belongs to."""

    world: World
    simulator: WooCommerceSimulator
    address: str

    @property
    def connection(self) -> Connection:
        return self.world.shop

    def post(self, what: str, body: Mapping[str, Any]) -> dict[str, Any]:
        answer = requests.post(f"{self.address}/_sim/{what}", json=body, timeout=10)
        assert answer.ok, answer.text
        found: dict[str, Any] = answer.json()
        return found

    def dial(self, **dials: Any) -> None:
        assert requests.put(f"{self.address}/_sim/dials", json=dials, timeout=10).ok

    def stock(self, *skus: str, quantity: int = 50) -> None:
        """Articles there, with stock."""
        products = [
            {"name": sku, "variants": [{"sku": sku, "price": "2.00", "stock": str(quantity), "name": sku}]}
            for sku in skus
        ]
        self.post("catalogue", {"products": products})

    def order(self, sku: str, *, quantity: int = 1, paid: bool = True) -> str:
        line = {"sku": sku, "quantity": str(quantity), "price": "2.00"}
        return str(self.post("orders", {"customer": None, "lines": [line], "paid": paid})["id"])

    def flow(self, stream: str, direction: str = "pull") -> Flow:
        row: Flow = Flow.plain.get_or_create(
            merchant=self.world.merchant, connection=self.connection, stream=stream, direction=direction
        )[0]
        return row

    def run(self, stream: str, direction: str = "pull") -> SyncRun:
        run = runs.start_flow(self.flow(stream, direction), trigger="manual", at=NOON)
        SyncRun.plain.filter(pk=run.pk).update(next_attempt_at=NOON)
        execute(run.pk)
        return SyncRun.plain.get(pk=run.pk)


@contextmanager
def live_shop() -> Iterator[LiveShop]:
    simulator = WooCommerceSimulator()
    server = make_server("127.0.0.1", 0, simulator, threaded=True, request_handler=_Quiet)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
    address = f"http://127.0.0.1:{server.server_port}"
    simulator.base_url = address
    world = make_world()
    shop = world.shop
    shop.settings = {"url": address, "requests_per_second": 10_000}
    shop.allowed_private = [urlsplit(address).netloc]
    shop.deadline_seconds, shop.settle_seconds = 3, 0
    shop.save()
    store_credentials(shop, simulator.credentials)
    try:
        yield LiveShop(world=world, simulator=simulator, address=address)
    finally:
        server.shutdown()
        simulator.close()
