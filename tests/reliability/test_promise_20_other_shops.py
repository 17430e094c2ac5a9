"""PROMISES 20: a sale in one shop lowers the others' stock with it, and is sent while the back office is silent."""

from __future__ import annotations

import math
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path

import pytest
from django.db import transaction
from django.utils import timezone

from catalog.models import ChannelStock
from integrations.contract import records as r
from integrations.models import Attempt, Command, Flow, SyncRun
from integrations.simulators.odoo.simulator import OdooSimulator
from integrations.sync import runs
from integrations.sync.vault import store_credentials
from orders.models import Order
from orders.services.intake import save_order
from tests.integrations.shop import LiveShop, live_shop
from tests.processes import wait_until
from tests.reliability.running import running
from tests.world import D, order, product

SENT_WITHIN = 10.0
ARTICLES = [f"MUG-{number}" for number in range(20)]  # so that one of them is not a tenth of what the shop sells
FIRST = 1_000
CELERY = ("celery", "--quiet", "-A", "portal.celery")


@pytest.fixture
def silent_erp() -> Iterator[str]:
    """Where connections are taken, and nothing is ever answered."""
    with socket.create_server(("127.0.0.1", 0), backlog=1_000) as server:
        yield f"127.0.0.1:{server.getsockname()[1]}"


@pytest.mark.reliability
@pytest.mark.slow
@pytest.mark.timeout(14_400)
def test_promise_20_a_sale_in_one_shop_is_sent_to_the_other(
    transactional_db: None, silent_erp: str, tmp_path: Path, full_run: bool
) -> None:
    with live_shop() as shop_b:
        prepare(shop_b, silent_erp)
        with worker_and_beat(tmp_path, shop_b):
            seconds = [sell(shop_b, number) for number in range(200 if full_run else 5)]
    seconds.sort()
    assert seconds[math.ceil(0.95 * len(seconds)) - 1] <= SENT_WITHIN, seconds
    assert not Order.plain.filter(fulfilment_orders__state="placed").exists(), "the back office never said a word"
    assert Attempt.plain.filter(command__connection=shop_b.world.erp).exists(), "it was asked"
    assert set(Command.plain.values_list("kind", flat=True)) == {"create_order"}


def prepare(shop_b: LiveShop, silent_erp: str) -> None:
    """Both shops sell what the back office had when it still answered; shop B is the simulator and up to date."""
    world = shop_b.world
    Flow.plain.filter(connection=world.other).delete()  # shop A only sells here
    for sku in ARTICLES:
        world.apply(world.erp, "product", product(f"e-{sku}", sku))
        world.apply(world.erp, "stock", r.StockRow(f"e-{sku}-{sku}", "", D(FIRST)))
        article = r.VariantRecord(external_id=f"s-{sku}", sku=sku, name=sku)
        world.apply(world.other, "product", r.ProductRecord(external_id=f"a-{sku}", name=sku, variants=(article,)))
    shop_b.stock(*ARTICLES, quantity=FIRST)
    shop_b.run("product")
    assert shop_b.run("stock", "push").state == "done"
    world.erp.settings = {"url": f"http://{silent_erp}", "guest_partner_id": "1"}
    world.erp.allowed_private = [silent_erp]
    world.erp.save()
    store_credentials(world.erp, OdooSimulator().credentials)


@contextmanager
def worker_and_beat(folder: Path, shop_b: LiveShop) -> Iterator[None]:
    """Until they have done something, they are starting."""
    environment = {"BROKER_URL": f"filesystem://{folder / 'broker'}", "VAR_DIR": str(folder), "LOG_LEVEL": "WARNING"}
    worker = (*CELERY, "worker", "--pool", "threads", "--concurrency", "4", "--without-mingle", "--without-gossip")
    beat = (*CELERY, "beat", "--pidfile", "")
    with (
        running(*worker, log=folder / "worker.log", **environment),
        running(*beat, log=folder / "beat.log", **environment),
    ):
        first = runs.start_flow(shop_b.flow("stock", "push"), trigger="manual", at=timezone.now())
        wait_until(SyncRun.plain.filter(pk=first.pk, state="done").exists, 90, "worker and beat do their work")
        yield


def sell(shop_b: LiveShop, number: int) -> float:
    """One of an article in shop A; the seconds until shop B shows one less."""
    world, sku = shop_b.world, ARTICLES[number % len(ARTICLES)]
    figure = ChannelStock.plain.filter(connection=shop_b.connection, binding__variant__code=sku)
    before = figure.get().wanted
    with transaction.atomic():
        save_order(connection=world.other, record=order(str(number), (sku, 1, "4.50")), at=timezone.now())
        assert figure.get().wanted == before - 1, "lowered in the transaction that saves the order"
    began = time.monotonic()
    wait_until(lambda: shown_there(shop_b, sku) == before - 1, 60, f"shop B shows {before - 1} of {sku}")
    took = time.monotonic() - began
    assert SyncRun.plain.filter(flow__connection=shop_b.connection, trigger="sale").exists()
    return took


def shown_there(shop_b: LiveShop, sku: str) -> Decimal:
    return next(Decimal(row["quantity"]) for row in shop_b.simulator.fact_stock() if row["sku"] == sku)
