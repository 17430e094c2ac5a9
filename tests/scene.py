"""A simulated WooCommerce and a simulated Odoo on loopback, both live, with the articles they share; real requests."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from urllib.parse import urlsplit

from django.utils import timezone

from integrations.models import Connection, Flow, SyncRun
from integrations.simulators.base import serve
from integrations.simulators.odoo.simulator import OdooSimulator
from integrations.sync import lease, runs
from integrations.sync.deliver import deliver
from integrations.sync.execute import execute
from integrations.sync.vault import store_credentials
from tests.simulators.odoo_client import Far
from tests.simulators.woocommerce_client import Store, open_store
from tests.world import World, make_world

PLENTY = 1_000_000


@dataclass
class Scene:
    """The far sides and our rows, made once for all sequences; each sequence has orders of its own."""

    store: Store
    odoo: Far
    shop: Connection
    erp: Connection
    world: World

    def run(self, connection: Connection, stream: str) -> SyncRun:
        flow, _ = Flow.plain.get_or_create(
            merchant=connection.merchant, connection=connection, stream=stream, direction="pull"
        )
        run = runs.start_flow(flow, trigger="manual", at=timezone.now())
        execute(run.pk)
        done = SyncRun.plain.get(pk=run.pk)
        assert done.state == "done", done.message
        return done

    def order(self, sku: str, many: int = 1, *, paid: bool = True) -> str:
        """A buyer orders; its number."""
        product = next(row["id"] for row in self.store.get("products", sku=sku))
        body = {"line_items": [{"product_id": product, "quantity": many}], "payment_method": "bacs", "set_paid": paid}
        return str(self.store.post("orders", body)["id"])

    def work(self) -> list[str]:
        """What a worker does in one go: deliver whatever is due; the states afterwards."""
        now = timezone.now()
        return [deliver(pk) for pk in lease.due(now).order_by("next_attempt_at", "pk").values_list("pk", flat=True)]


@contextmanager
def open_scene(prices: Mapping[str, Decimal]) -> Iterator[Scene]:
    odoo = OdooSimulator()
    with open_store() as store, serve(odoo) as address:
        far, world = Far(odoo, address), make_world()
        for sku, price in prices.items():
            store.product(sku, price=str(price), stock=PLENTY)
            far.product(sku, price=str(price), stock=str(PLENTY))
        # Told apart by their platforms' own addresses; an outcome settles at once, since nothing commits late here.
        guests = {"guest_partner_id": str(far.partner("Guests"))}
        for connection, base_url, credentials, more in (
            (world.shop, store.base_url, store.sim.credentials, {}),
            (world.erp, address, odoo.credentials, guests),
        ):
            connection.settings = {"url": base_url, "requests_per_second": 10_000, **more}
            connection.allowed_private = [urlsplit(base_url).netloc]
            connection.deadline_seconds, connection.settle_seconds = 10, 0
            connection.save()
            store_credentials(connection, credentials)
        scene = Scene(store=store, odoo=far, shop=world.shop, erp=world.erp, world=world)
        scene.run(world.erp, "product")
        scene.run(world.shop, "product")
        yield scene
