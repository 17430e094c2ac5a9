"""The WooCommerce simulator's faults, its control plane, its facts and its memory."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from tests.simulators.woocommerce_client import Receiver, Store, open_receiver, open_store

CREATE = "POST /wp-json/wc/v3/orders$"
CODES = {
    401: "woocommerce_rest_cannot_view",
    403: "woocommerce_rest_cannot_edit",
    404: "rest_no_route",
    409: "woocommerce_rest_conflict",
    422: "rest_invalid_param",
    429: "too_many_requests",
    500: "internal_server_error",
    503: "internal_server_error",
}


@pytest.fixture
def store() -> Iterator[Store]:
    with open_store() as store:
        yield store


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with open_receiver() as receiver:
        yield receiver


def create(store: Store, **options: Any) -> requests.Response:
    return store.send("POST", "orders", json={}, **options)


# --- requests ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", list(CODES))
def test_an_error_before_anything_is_done(store: Store, status: int) -> None:
    store.dials(status={str(status): 1}, match=CREATE, retry_after="7")
    response = create(store)
    assert response.status_code == status
    assert response.headers["Content-Type"] == "application/json; charset=UTF-8"
    body = response.json()
    assert (body["code"], body["data"]) == (CODES[status], {"status": status})
    assert response.headers.get("Retry-After") == ("7" if status in (429, 503) else None)
    assert store.get("orders") == []  # and reading, which does not match, goes on


def test_writes_only(store: Store) -> None:
    store.dials(status={"500": 1}, writes_only=True)
    assert store.get("orders") == []
    assert create(store).status_code == 500
    assert store.send("DELETE", "orders/1").status_code == 500


@pytest.mark.parametrize(
    ("dial", "done"), [("timeout_before_commit", 0), ("timeout_after_commit", 1), ("late_commit", 0)]
)
def test_no_answer(store: Store, dial: str, done: int) -> None:
    store.dials(**{dial: 1, "match": CREATE, "timeout_seconds": 0.05, "late_commit_seconds": 0.4})
    with pytest.raises(requests.ConnectionError):
        create(store)
    assert len(store.get("orders")) == done
    if dial == "late_commit":
        time.sleep(0.8)
        assert len(store.get("orders")) == 1


def test_a_slow_timeout_is_the_clients(store: Store) -> None:
    store.dials(timeout_after_commit=1, match=CREATE, timeout_seconds=2)
    with pytest.raises(requests.ReadTimeout):
        create(store, timeout=0.3)
    assert len(store.get("orders")) == 1


@pytest.mark.parametrize(
    ("dial", "status", "kind", "done"),
    [
        ("error_after_commit", 500, "application/json", 1),
        ("html_200", 200, "text/html", 0),
        ("html_200_after_commit", 200, "text/html", 1),
    ],
)
def test_a_wrong_answer(store: Store, dial: str, status: int, kind: str, done: int) -> None:
    store.dials(**{dial: 1, "match": CREATE})
    response = create(store)
    assert (response.status_code, response.headers["Content-Type"].partition(";")[0]) == (status, kind)
    if kind == "text/html":
        assert "<form" in response.text
    assert len(store.get("orders")) == done


def test_a_cut_answer(store: Store) -> None:
    store.dials(truncate=1, match=CREATE)
    with pytest.raises((requests.ConnectionError, requests.exceptions.ChunkedEncodingError)):
        create(store)
    assert len(store.get("orders")) == 1


def test_a_slow_drip_and_latency(store: Store) -> None:
    product = store.product()
    store.dials(slow_drip=1, drip_seconds=0.02, match="GET /wp-json/wc/v3/products/")
    started = time.monotonic()
    assert store.get(f"products/{product}", _fields="id") == {"id": product}
    assert time.monotonic() - started >= 0.02 * len(f'{{"id":{product}}}')
    store.dials(slow_drip=0, latency_seconds=0.3)
    started = time.monotonic()
    assert store.get(f"products/{product}", _fields="id") == {"id": product}
    assert time.monotonic() - started >= 0.3


def test_a_rate_limit(store: Store) -> None:
    store.dials(rate_limit_per_second=2, retry_after="3")
    answers = [store.send("GET", "orders") for _ in range(4)]
    assert [answer.status_code for answer in answers[:2]] == [200, 200]
    refused = [answer for answer in answers if answer.status_code == 429]
    assert refused
    assert (refused[0].json()["code"], refused[0].headers["Retry-After"]) == ("too_many_requests", "3")


def test_half_of_the_requests(store: Store) -> None:
    store.dials(seed=3, status={"500": 0.5})
    first = [create(store).status_code for _ in range(12)]
    assert {201, 500} == set(first)
    store.dials(seed=3)
    assert [create(store).status_code for _ in range(12)] == first  # the seed decides


def test_search_lag_hides_what_is_new_from_lists_only(store: Store) -> None:
    product = store.product()
    store.dials(search_lag_seconds=1.0)
    time.sleep(1.1)
    assert store.ids("products") == [product]
    order = store.order({"product_id": product}, customer_note="x")
    buyer = store.post("customers", {"email": "ada@example.com"})["id"]
    refund = store.post(f"orders/{order['id']}/refunds", {"amount": "1.00", "api_refund": False})["id"]
    response = store.send("GET", "orders")
    assert (response.json(), response.headers["X-WP-Total"]) == ([], "0")
    assert store.ids("orders", search=str(order["id"])) == []
    assert store.ids("customers", email="ada@example.com") == []
    assert (store.ids("refunds"), store.ids(f"orders/{order['id']}/refunds")) == ([], [])
    assert store.get(f"orders/{order['id']}")["customer_note"] == "x"  # by id nothing is late
    assert store.get(f"customers/{buyer}")["email"] == "ada@example.com"
    time.sleep(1.1)
    assert (store.ids("orders"), store.ids("refunds")) == ([order["id"]], [refund])
    store.put(f"products/{product}", {"name": "New"})
    assert store.ids("products") == []  # a change hides it again, as a search index being rebuilt


def test_the_journal(store: Store) -> None:
    store.dials(status={"503": 1}, match=CREATE)
    create(store)
    store.get("orders")
    response = requests.get(f"{store.base_url}/_sim/requests", timeout=10)
    rows = [(row["method"], row["path"], row["status"], row["dial"]) for row in response.json()]
    assert rows == [("POST", "/wp-json/wc/v3/orders", 503, "503"), ("GET", "/wp-json/wc/v3/orders", 200, "")]


def test_refused_dials(store: Store) -> None:
    for dials in ({"nonsense": 1}, {"truncate": 2}, {"status": {"900": 1}}, {"match": "("}, {"writes_only": 1}):
        assert store.control("dials", dials, method="PUT", status=400)["error"]
    store.dials(truncate=0)


# --- webhooks ---------------------------------------------------------------------------------------------------------


def told(store: Store, receiver: Receiver, count: int) -> list[int]:
    store.post("webhooks", {"topic": "order.created", "delivery_url": receiver.url})
    assert store.sim.webhooks.flush()
    receiver.got.clear()
    made = [store.order()["id"] for _ in range(count)]
    assert store.sim.webhooks.flush()
    return [made.index(got.json["id"]) for got in receiver.got]


def test_webhooks_are_lost(store: Store, receiver: Receiver) -> None:
    store.dials(webhook_drop=1)
    assert told(store, receiver, 3) == []


def test_webhooks_are_repeated(store: Store, receiver: Receiver) -> None:
    store.dials(webhook_duplicate=1)
    assert sorted(told(store, receiver, 2)) == [0, 0, 1, 1]
    assert receiver.got[0].body == receiver.got[1].body or receiver.got[0].body == receiver.got[2].body


def test_webhooks_overtake_one_another(store: Store, receiver: Receiver) -> None:
    store.dials(webhook_reorder=0.5)
    order = told(store, receiver, 8)
    assert sorted(order) == list(range(8))
    assert order != list(range(8))


def test_webhooks_are_late(store: Store, receiver: Receiver) -> None:
    store.dials(webhook_delay_seconds=0.5)
    started = time.monotonic()
    assert told(store, receiver, 1) == [0]
    assert time.monotonic() - started >= 0.5


# --- the control plane ------------------------------------------------------------------------------------------------

VARIANTS = [
    {"sku": "T-S", "barcode": "400", "name": "", "options": {"Size": "S"}, "price": "10.00", "stock": "5"},
    {"sku": "T-M", "barcode": "401", "name": "", "options": {"Size": "M"}, "price": "11.00", "stock": "6"},
]
TEE = {"code": "T", "name": "Tee", "description": "Soft", "axes": [{"name": "Size", "values": ["S", "M"]}]}
ADA = {"external_ref": "ada", "name": "Ada Byron", "email": "ada@example.com", "phone": "1", "country": "GB"}


def test_a_catalogue_and_a_buyer(store: Store, receiver: Receiver) -> None:
    store.post("webhooks", {"topic": "product.created", "delivery_url": receiver.url})
    assert store.control("catalogue", {"products": [TEE | {"variants": VARIANTS}]}) == {"created": 2}
    store.sim.webhooks.flush()
    assert len(receiver.got) == 1  # the ping: the catalogue was there before
    (tee,) = store.get("products")
    assert (tee["name"], tee["type"], tee["attributes"][0]["options"]) == ("Tee", "variable", ["S", "M"])
    lines = [{"sku": "T-M", "quantity": "2", "price": "11.00"}]
    made = store.control("orders", {"customer": ADA, "lines": lines, "shipping": "3.00", "number": "WEB-7"})
    assert (made["number"], made["total"]) == ("WEB-7", "25.00")
    seen = store.get(f"orders/{made['id']}")
    assert (seen["number"], seen["status"], seen["created_via"]) == ("WEB-7", "processing", "checkout")
    assert seen["line_items"][0]["variation_id"] == store.ids("products", sku="T-M")[0]
    assert store.get(f"customers/{seen['customer_id']}")["is_paying_customer"] is True
    assert store.ids("orders", search="WEB-7") == [int(made["id"])]
    assert store.facts("orders") == [
        {
            "id": made["id"], "number": "WEB-7", "reference": "WEB-7", "state": "processing", "currency": "GBP",
            "total": "25.00", "lines": [{"sku": "T-M", "quantity": "2", "total": "22.00"}],
        }
    ]  # fmt: skip
    assert store.facts("stock") == [{"sku": "T-S", "quantity": "5"}, {"sku": "T-M", "quantity": "4"}]
    unpaid = store.control("orders", {"lines": lines, "paid": False})
    assert store.get(f"orders/{unpaid['id']}")["status"] == "pending"


def test_the_staff_refunds_and_cancels(store: Store) -> None:
    store.control("catalogue", {"products": [TEE | {"variants": VARIANTS}]})
    made = store.control("orders", {"lines": [{"sku": "T-S", "quantity": "2", "price": "10.00"}]})
    row = {"index": 0, "quantity": "1", "amount": "10.00"}
    refund = store.control("refunds", {"order": made["id"], "lines": [row], "reason": "Late", "restock": True})
    assert refund["amount"] == "10.00"
    assert store.facts("refunds") == [
        {
            "id": refund["id"], "order": made["id"], "reference": "", "amount": "10.00",
            "lines": [{"sku": "T-S", "quantity": "1", "total": "10.00"}],
        }
    ]  # fmt: skip
    assert store.facts("stock")[0] == {"sku": "T-S", "quantity": "4"}
    assert store.control("cancellations", {"order": made["id"]}) == {"id": made["id"], "state": "cancelled"}
    assert store.facts("stock")[0] == {"sku": "T-S", "quantity": "5"}


def test_what_the_control_plane_refuses(store: Store) -> None:
    lines = [{"sku": "NONE", "quantity": "1", "price": "1"}]
    assert store.control("orders", {"lines": lines}, status=400)["error"] == (
        "unknown_sku: The shop has no article NONE."
    )
    assert store.control("refunds", {"order": 99, "lines": []}, status=404)["error"].startswith("unknown_order")
    assert (
        store.control("shipments", {"order": 1}, status=404)["error"] == "The woocommerce simulator has no shipments."
    )
    assert store.control("orders", {"customer": None}, status=400)["error"] == "KeyError: 'lines'"
    assert requests.get(f"{store.base_url}/_sim/facts/invoices", timeout=10).status_code == 404


# --- memory -----------------------------------------------------------------------------------------------------------


def test_the_state_outlives_the_process(tmp_path: Path, receiver: Receiver) -> None:
    path = tmp_path / "shop.json"
    with open_store(state_path=path) as store:
        keys = dict(store.sim.credentials)
        store.tax("20")
        product = store.product(stock=10)
        buyer = store.post("customers", {"email": "ada@example.com"})["id"]
        order = store.order(
            {"product_id": product, "quantity": 2}, customer_id=buyer, status="processing", billing={"country": "GB"},
            coupon_lines=[{"code": "welcome10"}],
        )  # fmt: skip
        store.post(f"orders/{order['id']}/refunds", {"amount": "1.00", "api_refund": False})
        store.post("webhooks", {"topic": "order.updated", "delivery_url": receiver.url, "secret": "s"})
        shop = {path: store.get(path, _fields="id,status,total,number,email,stock_quantity,refunds,name,topic")
                for path in ("orders", "products", "customers", "refunds", "webhooks", "taxes")}  # fmt: skip
        notes = [note["note"] for note in store.get(f"orders/{order['id']}/notes")]
    assert json.loads(path.read_text(encoding="utf-8"))["credentials"] == keys
    with open_store(state_path=path) as store:
        assert store.sim.credentials == keys
        for name, rows in shop.items():
            assert store.get(name, _fields="id,status,total,number,email,stock_quantity,refunds,name,topic") == rows
        assert [note["note"] for note in store.get(f"orders/{order['id']}/notes")] == notes
        assert store.ids("orders", modified_after="2026-01-01T00:00:00") == [order["id"]]
        assert store.error("POST", "products", {"sku": "A1"})[1] == "product_invalid_sku"
        store.put(f"orders/{order['id']}", {"status": "cancelled"})
        assert store.stock(product) == 10
        assert store.order()["id"] > order["id"]


def test_a_read_saves_nothing(tmp_path: Path) -> None:
    path = tmp_path / "shop.json"
    with open_store(state_path=path) as store:
        assert store.get("orders") == []
    assert not path.exists()
