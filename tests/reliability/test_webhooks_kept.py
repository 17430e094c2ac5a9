"""PROMISES 1 and 3: what was answered 2xx is in the inbox, whatever was killed; two events are never merged."""

from __future__ import annotations

import json
import queue
import random
import subprocess
import threading
import time
from collections import Counter
from functools import partial
from pathlib import Path

import psycopg
import pytest
import requests
from django.test import Client

from integrations.models import Connection, InboundEvent
from integrations.sync import inbox
from orders.models import Order
from tests.integrations.conftest import far_shop, toy_store
from tests.integrations.shop import live_shop
from tests.integrations.test_webhooks import sign as sign_as_woocommerce
from tests.integrations.toy_shop import sign
from tests.processes import free_port, wait_until
from tests.reliability.own_postgres import OwnPostgres, own_postgres
from tests.reliability.running import kill, run_to_end, start

__all__ = ["far_shop", "own_postgres", "toy_store"]  # fixtures

SENDERS = 8


def start_web(port: int, folder: Path, **environment: str) -> subprocess.Popen[bytes]:
    return start(
        "gunicorn", "tests.reliability.web:application", "--bind", f"127.0.0.1:{port}", "--worker-class", "gthread",
        "--workers", "2", "--threads", "4", "--no-control-socket", "--log-level", "error",
        log=folder / "web.log", VAR_DIR=str(folder), TOY_HANDLERS="tests.integrations.toy_handlers", LOG_LEVEL="ERROR",
        **environment,
    )  # fmt: skip


class Senders:
    """Post every delivery until it is answered 2xx, as a platform does; note which were."""

    def __init__(self, address: str, ids: list[str]) -> None:
        self.address = address
        self.waiting: queue.Queue[str] = queue.Queue()
        self.accepted: list[str] = []
        self.broken = self.refused = 0
        self.stopped = False
        for one in ids:
            self.waiting.put(one)
        self.threads = [threading.Thread(target=self._send, daemon=True) for _ in range(SENDERS)]
        for thread in self.threads:
            thread.start()

    def _send(self) -> None:
        while not self.stopped:
            try:
                external_id = self.waiting.get_nowait()
            except queue.Empty:
                return
            body = json.dumps({"id": external_id}).encode()
            try:
                answer = requests.post(self.address, data=body, headers={"X-Toy-Signature": sign(body)}, timeout=60)
            except requests.RequestException:
                self.broken += 1
                self.waiting.put(external_id)
                time.sleep(0.05)
                continue
            if answer.ok:
                self.accepted.append(external_id)
            else:
                self.refused += 1
                self.waiting.put(external_id)
                time.sleep(0.05)

    def have(self, enough: int) -> bool:
        return len(self.accepted) >= enough

    def join(self) -> None:
        for thread in self.threads:
            thread.join()

    def stop(self) -> None:
        self.stopped = True


@pytest.mark.reliability
@pytest.mark.slow
def test_promise_01_every_2xx_is_in_the_inbox_though_the_web_is_killed(
    transactional_db: None, toy_store: Connection, tmp_path: Path, full_run: bool
) -> None:
    count, kills = (20_000, 100) if full_run else (200, 3)
    ids = [str(number) for number in range(1, count + 1)]
    port, chance = free_port(), random.Random(1)
    web = start_web(port, tmp_path)
    senders = Senders(f"http://127.0.0.1:{port}/hooks/{toy_store.public_id}/", ids)
    try:
        for number in range(1, kills + 1):
            enough = count * number // (kills + 1)
            wait_until(partial(senders.have, enough), 60, f"{enough} deliveries are taken")
            time.sleep(chance.random() * 0.05)
            kill(web)
            kept = set(InboundEvent.plain.values_list("external_id", flat=True))
            assert set(senders.accepted) <= kept, "answered 2xx, and not there after the kill"
            web = start_web(port, tmp_path)
        senders.join()
    finally:
        senders.stop()
        kill(web)
    rows = list(InboundEvent.plain.values_list("external_id", flat=True))
    assert sorted(rows, key=int) == ids, "each once, though many were sent more than once"
    assert set(senders.accepted) == set(ids)
    assert senders.broken >= kills, "the kills met deliveries under way"
    assert set(InboundEvent.plain.values_list("state", flat=True)) == {"received"}


@pytest.mark.reliability
@pytest.mark.slow
@pytest.mark.processes
@pytest.mark.timeout(240)
def test_promise_01_every_2xx_is_in_the_inbox_though_postgresql_is_killed(
    own_postgres: OwnPostgres, tmp_path: Path, full_run: bool
) -> None:
    count, kills = (20_000, 100) if full_run else (200, 3)
    ids = [str(number) for number in range(1, count + 1)]
    environment = {"DATABASE_URL": own_postgres.url}
    run_to_end("django", "migrate", "--verbosity", "0", DJANGO_SETTINGS_MODULE="portal.settings", **environment)
    public_id = run_to_end("tests.reliability.seed", DJANGO_SETTINGS_MODULE="portal.settings", **environment)
    port, chance = free_port(), random.Random(1)
    web = start_web(port, tmp_path, **environment)
    senders = Senders(f"http://127.0.0.1:{port}/hooks/{public_id}/", ids)

    def kept() -> list[str]:
        with psycopg.connect(own_postgres.url) as database:
            return [row[0] for row in database.execute("SELECT external_id FROM integrations_inboundevent")]

    try:
        for number in range(1, kills + 1):
            enough = count * number // (kills + 1)
            wait_until(partial(senders.have, enough), 60, f"{enough} deliveries are taken")
            time.sleep(chance.random() * 0.05)
            own_postgres.kill()
            own_postgres.start()
            accepted = set(senders.accepted)
            assert accepted <= set(kept()), "answered 2xx, and not there after the kill"
        senders.join()
    finally:
        senders.stop()
        kill(web)
    assert sorted(kept(), key=int) == ids, "each once, though many were sent more than once"
    assert set(senders.accepted) == set(ids)
    assert senders.refused >= kills, "the kills met deliveries under way"


@pytest.mark.reliability
def test_promise_03_pairs_of_one_second_with_one_delivery_id_are_never_merged(
    transactional_db: None, full_run: bool
) -> None:
    """Quirk of WooCommerce: its delivery id is made of the webhook's id and the second."""
    pairs = 1000 if full_run else 50
    with live_shop() as live:
        live.stock("MUG", quantity=3 * pairs)
        numbers = [live.order("MUG") for _ in range(2 * pairs)]
        for pair in range(pairs):
            for number in numbers[2 * pair : 2 * pair + 2]:
                body = json.dumps({"id": int(number), "date_modified_gmt": "2026-11-20T09:00:00"}).encode()
                headers = {
                    "X-WC-Webhook-Topic": "order.created",
                    "X-WC-Webhook-Resource": "order",
                    "X-WC-Webhook-Delivery-ID": f"delivery-{pair}",
                    "X-WC-Webhook-Signature": sign_as_woocommerce(live, body),
                }
                address = f"/hooks/{live.connection.public_id}/"
                answer = Client().post(address, body, content_type="application/json", headers=headers)
                assert (answer.status_code, answer.content) == (200, b"stored")
        assert InboundEvent.plain.count() == 2 * pairs
        states = Counter(inbox.process(pk) for pk in InboundEvent.plain.values_list("pk", flat=True))
        assert states == {"done": 2 * pairs}
        assert sorted(Order.plain.values_list("external_id", flat=True)) == sorted(numbers)
