"""PROMISES 1: 2xx only after durable storage. Real web processes, killed -9 while deliveries arrive."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import requests

from integrations.models import InboundEvent
from tests.integrations.shop import live_shop
from tests.integrations.test_webhooks import payload, sign
from tests.processes import free_port
from tests.reliability.test_command_delivery import database_url

DELIVERIES, KILLS = (20_000, 100) if os.environ.get("RELIABILITY_FULL") == "1" else (150, 3)


class Web:
    """A web process that can be killed and started anew at the same port."""

    def __init__(self, folder: Any) -> None:
        self.port = free_port()
        self.environment = {**os.environ, "DATABASE_URL": database_url(), "VAR_DIR": str(folder), "LOG_LEVEL": "ERROR"}
        self.start()

    def start(self) -> None:
        argv = [sys.executable, "-m", "gunicorn", "portal.wsgi:application", "--bind", f"127.0.0.1:{self.port}"]
        argv += ["--threads", "4", "--no-control-socket", "--log-level", "critical"]
        self.process = subprocess.Popen(argv, env=self.environment, process_group=0)

    def kill(self) -> None:
        os.killpg(self.process.pid, 9)
        self.process.wait()


@pytest.mark.reliability
@pytest.mark.slow
@pytest.mark.timeout(300)
def test_promise_01_what_was_answered_with_2xx_is_in_the_inbox(
    transactional_db: None, tmp_path: Any, settings: Any
) -> None:
    from django.conf import settings as own

    keys = ",".join(f"{name}:{key}" for name, key in own.CREDENTIAL_KEYS.items())
    with live_shop() as shop:
        os.environ["CREDENTIAL_KEYS"] = keys
        try:
            web = Web(tmp_path)
        finally:
            del os.environ["CREDENTIAL_KEYS"]
        address = f"http://127.0.0.1:{web.port}/hooks/{shop.connection.public_id}/"

        def post(number: int) -> int | None:
            body = payload(number + 1)
            headers = {"X-WC-Webhook-Topic": "order.created", "X-WC-Webhook-Signature": sign(shop, body),
                       "Content-Type": "application/json"}  # fmt: skip
            for _ in range(200):
                try:
                    answer = requests.post(address, body, headers=headers, timeout=10)
                except requests.RequestException:
                    time.sleep(0.1)
                    continue
                return number + 1 if answer.status_code == 200 else None
            return None

        try:
            with ThreadPoolExecutor(8) as pool:
                pending = [pool.submit(post, number) for number in range(DELIVERIES)]
                for done in range(1, KILLS + 1):
                    while sum(one.done() for one in pending) < DELIVERIES * done // (KILLS + 1):
                        time.sleep(0.05)
                    web.kill()
                    web.start()
                accepted = {found for one in pending if (found := one.result())}
        finally:
            web.kill()
        kept = {int(pk) for pk in InboundEvent.plain.values_list("external_id", flat=True)}
    assert len(accepted) == DELIVERIES, "everything was taken in the end"
    assert accepted <= kept
