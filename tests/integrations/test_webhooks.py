"""/hooks/<connection>/: what each bad delivery gets, and what becomes of a good one."""

from __future__ import annotations

import base64
import gzip
import hashlib
import hmac
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from typing import Any

import pytest
import requests
from django.http import HttpResponse
from django.test import Client

from integrations.models import Connection, InboundEvent
from integrations.sync import inbox
from integrations.sync.vault import store_credentials
from orders.models import Order
from tests.integrations.shop import LiveShop, live_shop
from tests.processes import free_port

State = InboundEvent.State
DATE = "2026-11-20T09:00:0{}"


@pytest.fixture
def shop(transactional_db: None) -> Iterator[LiveShop]:
    with live_shop() as live:
        live.stock("MUG")
        yield live


def sign(shop: LiveShop, body: bytes, secret: str = "") -> str:
    key = secret or shop.simulator.credentials["webhook_secret"]
    return base64.b64encode(hmac.new(key.encode(), body, hashlib.sha256).digest()).decode()


def deliver(shop: LiveShop, body: bytes, **headers: str) -> Any:
    """A delivery, signed unless `signature` says otherwise."""
    signature = headers.pop("signature", sign(shop, body))
    given = {"X-WC-Webhook-Topic": "order.updated", "X-WC-Webhook-Resource": "order", **headers}
    if signature:
        given["X-WC-Webhook-Signature"] = signature
    public_id = given.pop("public_id", shop.connection.public_id)
    return Client().post(f"/hooks/{public_id}/", body, content_type="application/json", headers=given)


def payload(external_id: str | int, second: int = 0) -> bytes:
    return json.dumps({"id": int(external_id), "date_modified_gmt": DATE.format(second)}).encode()


def said(response: HttpResponse) -> tuple[int, str]:
    return response.status_code, response.content.decode()


def test_a_good_delivery_is_stored_answered_and_then_the_order_is_fetched(shop: LiveShop) -> None:
    number = shop.order("MUG")
    assert said(deliver(shop, payload(number))) == (200, "stored")
    event = InboundEvent.plain.get()
    assert (event.state, event.stream, event.external_id, bytes(event.body)) == (
        "received",
        "order",
        number,
        payload(number),
    )
    assert inbox.process(event.pk) == State.DONE
    assert Order.plain.get().external_id == number


def test_the_simulators_own_webhooks_are_taken(shop: LiveShop) -> None:
    """The unsigned ping and a signed delivery, as the simulated shop sends them, in a real web process' stead."""
    assert Client().post(f"/hooks/{shop.connection.public_id}/", "webhook_id=7",
                         content_type="application/x-www-form-urlencoded").status_code == 200  # fmt: skip
    assert not InboundEvent.plain.exists()


def test_bad_input_01_no_signature(shop: LiveShop) -> None:
    assert said(deliver(shop, payload(1), signature="")) == (401, "signature_missing")
    assert not InboundEvent.plain.exists()


def test_bad_input_02_a_wrong_signature_and_the_body_stays_out_of_the_log(
    shop: LiveShop, caplog: pytest.LogCaptureFixture
) -> None:
    body = b'{"id": 1, "note": "do-not-log-me"}'
    assert said(deliver(shop, body, signature=sign(shop, b"other"))) == (401, "signature_invalid")
    assert "do-not-log-me" not in caplog.text
    assert not InboundEvent.plain.exists()


def test_bad_input_03_a_signature_that_is_not_ascii(shop: LiveShop) -> None:
    assert said(deliver(shop, payload(1), signature="sígnature")) == (401, "signature_malformed")


def test_bad_input_04_any_of_several_signatures(shop: LiveShop) -> None:
    body = payload(1)
    several = ",".join(["wrong", "wronger", sign(shop, body)])
    assert said(deliver(shop, body, signature=several)) == (200, "stored")
    too_many = ",".join(["wrong"] * 5 + [sign(shop, payload(2))])
    assert said(deliver(shop, payload(2), signature=too_many))[0] == 401


def test_bad_input_06_and_07_another_shops_signature_and_an_unknown_connection_hear_the_same(shop: LiveShop) -> None:
    other = shop.world.other
    Connection.plain.filter(pk=other.pk).update(
        settings={"url": shop.address}, allowed_private=shop.connection.allowed_private
    )
    store_credentials(other, {"consumer_key": "k", "consumer_secret": "s", "webhook_secret": "another secret"})
    body = payload(1)
    theirs = deliver(shop, body, public_id=other.public_id)
    unknown = deliver(shop, body, public_id="nobodyKnowsThisOne4711")
    assert said(theirs) == said(unknown) == (401, "signature_invalid")
    assert not InboundEvent.plain.exists()


def test_bad_input_08_too_large_or_of_unknown_length(shop: LiveShop) -> None:
    assert deliver(shop, b"x" * (2 * 1024 * 1024 + 1)).status_code == 413
    chunked = Client().generic("POST", f"/hooks/{shop.connection.public_id}/", b"", CONTENT_LENGTH="")
    assert chunked.status_code == 413


def test_bad_input_09_a_gzip_bomb_is_not_even_opened(shop: LiveShop) -> None:
    bomb = gzip.compress(b"0" * 50_000_000)
    response = deliver(shop, bomb, **{"Content-Encoding": "gzip"})
    assert response.status_code == 413
    assert not InboundEvent.plain.exists()


def test_bad_input_10_proven_but_no_json_is_kept_for_a_person(shop: LiveShop) -> None:
    body = b'{"id": 17, "cut o'
    assert said(deliver(shop, body)) == (200, "quarantined")
    event = InboundEvent.plain.get()
    assert (event.state, event.error_code, bytes(event.body)) == ("quarantined", "payload_invalid", body)


def test_bad_input_11_a_topic_nobody_reads(shop: LiveShop) -> None:
    headers = {"X-WC-Webhook-Topic": "coupon.updated", "X-WC-Webhook-Resource": "coupon"}
    assert said(deliver(shop, payload(1), **headers)) == (200, "ignored_topic")
    assert InboundEvent.plain.get().state == State.IGNORED


def test_bad_input_13_the_same_delivery_again(shop: LiveShop) -> None:
    number = shop.order("MUG")
    assert said(deliver(shop, payload(number)))[1] == "stored"
    assert said(deliver(shop, payload(number))) == (200, "duplicate")
    assert InboundEvent.plain.get().duplicates == 1


def test_bad_input_14_an_older_delivery_than_the_one_applied(shop: LiveShop) -> None:
    number = shop.order("MUG")
    deliver(shop, payload(number, second=5))
    assert inbox.process(InboundEvent.plain.get().pk) == State.DONE
    assert said(deliver(shop, payload(number, second=1))) == (200, "stale")
    assert Order.plain.count() == 1


def test_bad_input_15_paid_before_created(shop: LiveShop) -> None:
    """The update is the first we hear of it: the order itself is fetched, and the late "created" changes nothing."""
    number = shop.order("MUG", paid=True)
    deliver(shop, payload(number, second=2))
    inbox.process(InboundEvent.plain.get().pk)
    assert Order.plain.get().financial == "paid"
    created = {"X-WC-Webhook-Topic": "order.created"}
    assert said(deliver(shop, payload(number, second=1), **created)) == (200, "stale")


def test_promise_03_two_orders_of_one_second_are_two_although_their_delivery_id_is_one(shop: LiveShop) -> None:
    numbers = [shop.order("MUG") for _ in range(20)]
    for number in numbers:
        same_id = {"X-WC-Webhook-Delivery-ID": "one-for-all", "X-WC-Webhook-Topic": "order.created"}
        assert said(deliver(shop, payload(number), **same_id)) == (200, "stored")
    for pk in InboundEvent.plain.values_list("pk", flat=True):
        assert inbox.process(pk) == State.DONE
    assert sorted(Order.plain.values_list("external_id", flat=True)) == sorted(numbers)


def test_an_order_that_is_gone_when_it_is_fetched(shop: LiveShop) -> None:
    deliver(shop, payload(4711))
    event = InboundEvent.plain.get()
    assert inbox.process(event.pk) == State.DONE
    event.refresh_from_db()
    assert event.message == "It does not exist there any more."


def test_bad_input_61_a_token_that_was_rotated_pauses_the_connection_and_the_event_waits(shop: LiveShop) -> None:
    number = shop.order("MUG")
    deliver(shop, payload(number))
    shop.dial(status={"401": 1})
    assert inbox.process(InboundEvent.plain.get().pk) == State.RECEIVED
    row = Connection.plain.get(pk=shop.connection.pk)
    assert row.state == Connection.State.NEEDS_REAUTH
    shop.dial(status={})
    assert inbox.process(InboundEvent.plain.get().pk) == "", "a connection that asks for credentials is left alone"
    Connection.plain.filter(pk=row.pk).update(state=Connection.State.ACTIVE)
    assert inbox.process(InboundEvent.plain.get().pk) == State.DONE


def test_bad_input_12_a_database_that_is_down(tmp_path: Any) -> None:
    """A real web process whose database does not answer: asked to come again, never told 200."""
    port = free_port()
    environment = {**os.environ, "DATABASE_URL": "postgres://nobody@127.0.0.1:1/none", "VAR_DIR": str(tmp_path)}
    argv = [
        sys.executable,
        "-m",
        "gunicorn",
        "portal.wsgi:application",
        "--bind",
        f"127.0.0.1:{port}",
        "--no-control-socket",
    ]
    process = subprocess.Popen(argv, env=environment, stderr=subprocess.DEVNULL)
    try:
        for _ in range(200):
            try:
                answer = requests.post(f"http://127.0.0.1:{port}/hooks/abc/", data=b"{}", timeout=20)
                break
            except requests.ConnectionError:
                time.sleep(0.1)
        assert (answer.status_code, answer.headers["Retry-After"]) == (503, "30")
    finally:
        process.terminate()
        process.wait(10)
