"""Deliveries: signed, forged, replayed."""

from __future__ import annotations

import base64
import hashlib
import hmac
from datetime import UTC, datetime

import pytest

from integrations.connectors.shopify import webhooks
from integrations.contract.errors import WebhookRejected
from integrations.contract.records import WebhookRequest
from tests.connectors.shopify.fixtures import read

SECRET = "hush"


def sign(body: bytes, secret: str = SECRET) -> str:
    return base64.b64encode(hmac.new(secret.encode(), body, hashlib.sha256).digest()).decode()


def delivery(
    body: bytes | None = None, topic: str = "orders/updated", headers: dict[str, str] | None = None
) -> WebhookRequest:
    body = read("webhook__orders_updated") if body is None else body
    given = {
        "x-shopify-topic": topic,
        "x-shopify-hmac-sha256": sign(body),
        "x-shopify-shop-domain": "northwind.myshopify.com",
        "x-shopify-webhook-id": "b54557e4-bdd9-4b37-8a5f-bf7d70bcd043",
        "x-shopify-event-id": "98880550-7158-44d4-b7cd-2c97c8a091b5",
        "x-shopify-triggered-at": "2026-11-20T12:30:00.123456789Z",
        "x-shopify-api-version": "2026-07",
    }
    return WebhookRequest(method="POST", query={}, headers=given | (headers or {}), body=body)


def test_a_signed_delivery_names_its_order() -> None:
    answer = webhooks.receive(delivery(), SECRET)
    assert answer.status == 200
    (event,) = answer.events
    assert (event.stream, event.external_id, event.topic) == ("order", "450789469", "orders/updated")
    assert event.dedupe_key == "northwind.myshopify.com:orders/updated:98880550-7158-44d4-b7cd-2c97c8a091b5"
    assert event.occurred_at == datetime(2026, 11, 20, 12, 30, 0, 123456, tzinfo=UTC)


def test_a_replay_has_the_same_key_and_another_topic_of_the_event_has_not() -> None:
    (first,) = webhooks.receive(delivery(), SECRET).events
    (again,) = webhooks.receive(delivery(headers={"x-shopify-webhook-id": "another"}), SECRET).events
    (other,) = webhooks.receive(delivery(topic="orders/paid"), SECRET).events
    assert first.dedupe_key == again.dedupe_key != other.dedupe_key


def test_without_an_event_id_the_body_tells_deliveries_apart() -> None:
    none = {"x-shopify-event-id": ""}
    keys = [
        webhooks.receive(delivery(body, headers=none), SECRET).events[0].dedupe_key
        for body in (b'{"id":1}', b'{"id":2}')
    ]
    assert keys[0].endswith(hashlib.sha256(b'{"id":1}').hexdigest())
    assert keys[0] != keys[1]


@pytest.mark.parametrize(
    ("topic", "body", "stream", "external_id"),
    [
        ("refunds/create", b'{"id":509562969,"order_id":450789469}', "order", "450789469"),
        ("orders/delete", b'{"id":820982911946154508}', "order", "820982911946154508"),
        ("products/update", b'{"id":788032119674292922}', "product", "788032119674292922"),
        ("customers/create", b'{"id":706405506930370084}', "customer", "706405506930370084"),
        (
            "inventory_levels/update",
            b'{"inventory_item_id":271878346596884015,"available":0}',
            "stock",
            "271878346596884015",
        ),
        ("app/uninstalled", b'{"id":5}', "", "5"),
        ("orders/create", b'{"id":true}', "order", ""),
        ("orders/create", b"[1]", "order", ""),
        ("orders/create", b"cut off", "order", ""),
    ],
)
def test_each_topic_names_the_record_to_fetch(topic: str, body: bytes, stream: str, external_id: str) -> None:
    (event,) = webhooks.receive(delivery(body, topic), SECRET).events
    assert (event.stream, event.external_id, event.topic) == (stream, external_id, topic)


@pytest.mark.parametrize(
    ("signature", "code"),
    [("", "signature_missing"), ("  ", "signature_missing"), ("é", "signature_malformed"),
     (sign(b"another body"), "signature_invalid"),
     (sign(read("webhook__orders_updated"), "guess"), "signature_invalid")],
)  # fmt: skip
def test_a_forged_delivery_is_refused(signature: str, code: str) -> None:
    with pytest.raises(WebhookRejected) as caught:
        webhooks.receive(delivery(headers={"x-shopify-hmac-sha256": signature}), SECRET)
    assert (caught.value.status, caught.value.code) == (401, code)


def test_without_a_secret_nothing_is_proven() -> None:
    with pytest.raises(WebhookRejected, match="no client secret"):
        webhooks.receive(delivery(), "")
