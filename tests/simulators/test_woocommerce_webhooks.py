"""Webhooks of the simulated shop: the ping, what is signed, what is sent once, and when a hook is given up.

https://woocommerce.github.io/woocommerce-rest-api-docs/#webhooks
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Iterator
from typing import Any

import pytest

from tests.simulators.woocommerce_client import Receiver, Store, open_receiver, open_store


@pytest.fixture
def store() -> Iterator[Store]:
    with open_store() as store:
        yield store


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with open_receiver() as receiver:
        yield receiver


def hook(store: Store, receiver: Receiver, topic: str = "order.updated", **more: Any) -> dict[str, Any]:
    """A webhook whose ping has come and is forgotten."""
    body = {"topic": topic, "delivery_url": receiver.url, "secret": "s3cret", **more}
    made: dict[str, Any] = store.post("webhooks", body)
    settle(store)
    receiver.got.clear()
    return made


def settle(store: Store) -> None:
    assert store.sim.webhooks.flush()


def topics(receiver: Receiver) -> list[tuple[str, int]]:
    return [(got.headers["X-WC-Webhook-Topic"], got.json["id"]) for got in receiver.got]


# --- to make and change -----------------------------------------------------------------------------------------------


def test_a_webhook_is_made_and_pinged(store: Store, receiver: Receiver) -> None:
    body = {"topic": "order.created", "delivery_url": receiver.url, "secret": "s3cret", "status": "paused"}
    response = store.send("POST", "webhooks", json=body)
    made = response.json()
    assert response.status_code == 201
    assert response.headers["Location"].endswith(f"/webhooks/{made['id']}")
    assert (made["resource"], made["event"], made["hooks"]) == ("order", "created", ["woocommerce_new_order"])
    assert made["status"] == "active"  # whatever was posted
    assert made["name"].startswith("Webhook created on ")
    assert "secret" not in made
    settle(store)
    (ping,) = receiver.got
    assert ping.body == f"webhook_id={made['id']}".encode()
    assert ping.headers["Content-Type"] == "application/x-www-form-urlencoded"
    assert ping.headers["User-Agent"] == "WooCommerce/11.0.1 Hookshot (WordPress/7.1.3)"
    assert not [name for name in ping.headers if name.startswith("X-WC-")]


@pytest.mark.parametrize(
    ("body", "code", "message"),
    [
        ({"topic": "order.paid"}, "invalid_topic", "Webhook topic is required and must be valid."),
        (
            {"delivery_url": "ftp://example.com"},
            "invalid_delivery_url",
            "Webhook delivery URL must be a valid URL starting with http:// or https://.",
        ),
    ],
)
def test_refused_webhooks(store: Store, body: dict[str, str], code: str, message: str) -> None:
    given = {"topic": "order.created", "delivery_url": "http://127.0.0.1:1/", **body}
    refused = (400, f"woocommerce_rest_shop_webhook_{code}", message, {"status": 400})
    assert store.error("POST", "webhooks", given) == refused
    assert store.get("webhooks") == []


def test_missing_and_unknown(store: Store) -> None:
    data = {"status": 400, "params": ["topic", "delivery_url"]}
    missing = (400, "rest_missing_callback_param", "Missing parameter(s): topic, delivery_url", data)
    assert store.error("POST", "webhooks", {}) == missing
    code = "woocommerce_rest_shop_webhook_invalid_id"
    assert store.error("GET", "webhooks/9") == (400, code, "ID is invalid.", {"status": 400})
    assert store.error("PUT", "webhooks/9", {}) == (400, code, "ID is invalid.", {"status": 400})
    assert store.error("DELETE", "webhooks/9", force="true") == (404, code, "Invalid ID.", {"status": 404})
    text = "Webhooks do not support trashing."
    refused = (501, "woocommerce_rest_trash_not_supported", text, {"status": 501})
    assert store.error("DELETE", "webhooks/9") == refused


def test_lists_of_webhooks(store: Store, receiver: Receiver) -> None:
    first, second = hook(store, receiver, name="B")["id"], hook(store, receiver, "order.created", name="A")["id"]
    store.put(f"webhooks/{first}", {"status": "paused"})
    assert store.ids("webhooks") == [second, first]
    assert store.ids("webhooks", orderby="title", order="asc") == [second, first]
    assert store.ids("webhooks", status="paused") == [first]
    assert store.ids("webhooks", search="b") == [first]
    assert store.delete(f"webhooks/{first}", force="true")["id"] == first
    assert store.ids("webhooks") == [second]


def test_a_webhook_that_moves_is_pinged_again(store: Store, receiver: Receiver) -> None:
    made = hook(store, receiver)
    changed = store.put(f"webhooks/{made['id']}", {"name": "Named", "delivery_url": receiver.url})
    settle(store)
    assert (changed["name"], receiver.got) == ("Named", [])
    store.put(f"webhooks/{made['id']}", {"delivery_url": f"{receiver.url}/2", "topic": "order.created"})
    settle(store)
    assert [got.body for got in receiver.got] == [f"webhook_id={made['id']}".encode()]
    assert store.get(f"webhooks/{made['id']}")["topic"] == "order.created"


# --- what is sent -----------------------------------------------------------------------------------------------------


def test_a_delivery_is_signed(store: Store, receiver: Receiver) -> None:
    made = hook(store, receiver, "order.created")
    order = store.order({"product_id": store.product(name="Größe ½")})
    settle(store)
    (got,) = receiver.got
    digest = hmac.new(b"s3cret", got.body, hashlib.sha256).digest()
    assert got.headers["X-WC-Webhook-Signature"] == base64.b64encode(digest).decode()
    assert got.headers["X-WC-Webhook-Source"] == f"{store.base_url}/"
    assert got.headers["X-WC-Webhook-Topic"] == "order.created"
    assert (got.headers["X-WC-Webhook-Resource"], got.headers["X-WC-Webhook-Event"]) == ("order", "created")
    assert got.headers["X-WC-Webhook-ID"] == str(made["id"])
    assert len(got.headers["X-WC-Webhook-Delivery-ID"]) == 32
    assert got.headers["Content-Type"] == "application/json"
    assert b"Gr\\u00f6\\u00dfe" in got.body  # as PHP writes JSON
    sent = {name: value for name, value in got.json.items() if name not in {"_links", "payment_url"}}
    assert sent == {name: value for name, value in order.items() if name in sent}


def test_a_webhook_without_a_secret_is_signed_by_one_nobody_knows(store: Store, receiver: Receiver) -> None:
    store.post("webhooks", {"topic": "order.created", "delivery_url": receiver.url})
    store.order()
    settle(store)
    got = receiver.got[-1]
    empty = base64.b64encode(hmac.new(b"", got.body, hashlib.sha256).digest()).decode()
    assert got.headers["X-WC-Webhook-Signature"] != empty


def test_the_delivery_id_is_shared_within_a_second(store: Store, receiver: Receiver) -> None:
    """A hash of webhook and second: never to be taken for the delivery's own."""
    hook(store, receiver)
    orders = [store.order() for _ in range(6)]
    settle(store)
    assert len(receiver.got) == len(orders)
    ids = {got.headers["X-WC-Webhook-Delivery-ID"] for got in receiver.got}
    assert 1 <= len(ids) < len(orders)


def test_each_topic_hears_its_own(store: Store, receiver: Receiver) -> None:
    for topic in ("order.created", "order.updated", "order.deleted", "product.updated", "customer.created"):
        hook(store, receiver, topic)
    buyer = store.post("customers", {"email": "ada@example.com"})["id"]
    product = store.product()
    order = store.order({"product_id": product}, customer_id=buyer)["id"]
    settle(store)
    # A new order is saved again with its totals: it is told of twice.
    assert topics(receiver) == [("customer.created", buyer), ("order.created", order), ("order.updated", order)]
    receiver.got.clear()
    store.put(f"orders/{order}", {"status": "processing"})
    settle(store)
    assert sorted(topics(receiver)) == [("order.updated", order), ("product.updated", product)]
    receiver.got.clear()
    store.delete(f"orders/{order}")
    settle(store)
    assert [(got.headers["X-WC-Webhook-Topic"], got.json) for got in receiver.got] == [("order.deleted", {"id": order})]
    receiver.got.clear()
    store.delete(f"orders/{order}", force="true")
    settle(store)
    assert receiver.got == []  # nothing tells of what is deleted for good


def test_one_request_is_one_delivery(store: Store, receiver: Receiver) -> None:
    hook(store, receiver)
    order = store.order({"product_id": store.product()}, payment_method="card")["id"]
    settle(store)
    receiver.got.clear()
    store.put(f"orders/{order}", {"status": "completed", "customer_note": "x"})
    store.post(f"orders/{order}/refunds", {"amount": "10.00"})
    settle(store)
    assert [(got.json["id"], got.json["status"]) for got in receiver.got] in (
        [(order, "completed"), (order, "refunded")],
        [(order, "refunded"), (order, "refunded")],  # what is sent is what is there by then
    )


def test_a_variation_is_told_of_as_a_product(store: Store, receiver: Receiver) -> None:
    parent = store.post("products", {"name": "Shirt", "type": "variable"})["id"]
    hook(store, receiver, "product.updated")
    made = store.post(f"products/{parent}/variations", {"regular_price": "5"})["id"]
    store.put(f"products/{parent}/variations/{made}", {"manage_stock": True, "stock_quantity": 2})
    settle(store)
    assert {number for _, number in topics(receiver)} == {parent, made}


def test_a_paused_webhook_is_silent(store: Store, receiver: Receiver) -> None:
    made = hook(store, receiver)
    store.put(f"webhooks/{made['id']}", {"status": "paused"})
    store.order()
    settle(store)
    assert receiver.got == []


# --- when nobody answers ----------------------------------------------------------------------------------------------


def test_a_webhook_is_given_up_after_failures_in_a_row(store: Store, receiver: Receiver) -> None:
    """No delivery is repeated. Five more failures than the first are borne; the next one disables it."""
    made = hook(store, receiver)
    path = f"webhooks/{made['id']}"
    order = store.order()["id"]
    settle(store)

    def change(times: int) -> str:
        for number in range(times):
            store.put(f"orders/{order}", {"customer_note": str(number)})
            settle(store)
        return str(store.get(path)["status"])

    receiver.status = 500
    assert change(5) == "active"
    receiver.status = 302  # counts as heard
    assert change(1) == "active"
    receiver.status = 410
    receiver.got.clear()
    assert change(6) == "active"
    assert change(1) == "disabled"
    assert len(receiver.got) == 7
    receiver.status = 200
    assert change(1) == "disabled"
    assert len(receiver.got) == 7
    store.put(path, {"status": "active"})
    assert change(1) == "active"
    assert len(receiver.got) == 8
    receiver.status = 500
    assert change(6) == "active"


def test_a_webhook_made_active_again_remembers_its_failures(store: Store, receiver: Receiver) -> None:
    made = hook(store, receiver, "order.created")
    receiver.status = 500
    for _ in range(7):
        store.order()
        settle(store)
    assert store.get(f"webhooks/{made['id']}")["status"] == "disabled"
    store.put(f"webhooks/{made['id']}", {"status": "active"})
    store.order()
    settle(store)
    assert store.get(f"webhooks/{made['id']}")["status"] == "disabled"


def test_a_failed_ping_is_no_failure_but_is_sent_again(store: Store, receiver: Receiver) -> None:
    receiver.status = 404
    made = store.post("webhooks", {"topic": "order.created", "delivery_url": receiver.url})
    settle(store)
    assert made["status"] == "active"
    receiver.got.clear()
    receiver.status = 200
    store.put(f"webhooks/{made['id']}", {"name": "Named"})
    settle(store)
    assert [got.body for got in receiver.got] == [f"webhook_id={made['id']}".encode()]
    store.put(f"webhooks/{made['id']}", {"name": "Other"})
    settle(store)
    assert len(receiver.got) == 1
    assert store.sim.shop.webhooks[made["id"]]["failure_count"] == 0


def test_nobody_at_home(store: Store) -> None:
    made = store.post("webhooks", {"topic": "order.created", "delivery_url": "http://127.0.0.1:9/"})
    store.order()
    settle(store)
    assert store.sim.shop.webhooks[made["id"]]["failure_count"] == 1
