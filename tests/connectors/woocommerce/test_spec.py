"""Every request the connector makes is one that a real WooCommerce's description of itself takes: each method is driven
against the simulator over HTTP, and what was sent is held against that.

Known deviations, each with its page, are spec.UNDESCRIBED and UNDESCRIBED_PROPERTIES.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from integrations.connectors.woocommerce.connector import WooCommerce
from integrations.contract.http import Exchange
from tests.conftest import missing
from tests.connectors.woocommerce import spec
from tests.connectors.woocommerce.drives import DRIVES, World
from tests.connectors.woocommerce.live import live_woo

WITHOUT_NETWORK = {"receive_webhook"}


@pytest.fixture(autouse=True)
def index(shared_dir: Path) -> Path:
    if not spec.INDEX.is_file():
        missing("the file ../shared/specs/woocommerce/live-11.0.1/index.json is not there")
    return spec.INDEX


@pytest.fixture
def world() -> Iterator[World]:
    with live_woo() as live:
        yield World(live)


def test_every_method_is_driven() -> None:
    assert set(DRIVES) == WooCommerce.capabilities({})


@pytest.mark.parametrize("name", sorted(DRIVES))
def test_every_request_is_one_the_shop_describes(name: str, world: World) -> None:
    before = len(world.live.exchanges)
    DRIVES[name](world)
    assert (len(world.live.exchanges) > before) == (name not in WITHOUT_NETWORK), f"{name} asked nothing"
    assert [fault for one in world.live.exchanges for fault in faults_of(one)] == []


def faults_of(exchange: Exchange) -> list[str]:
    parts = urlsplit(exchange.url)
    faults = list(spec.request_faults(exchange.method, parts.path, parts.query, exchange.request_body))
    if exchange.request_body and exchange.request_headers["Content-Type"] != "application/json":
        faults.append(f"{parts.path}: the body is not said to be JSON")
    return faults


# --- the oracle itself bites -----------------------------------------------------------------------------------------

API = "/wp-json/wc/v3"
ORDER: dict[str, Any] = {"status": "processing", "customer_id": 0, "line_items": [{"product_id": 1, "quantity": 2}]}


def test_sound_requests_have_no_fault() -> None:
    listed = "per_page=50&orderby=modified&status=any&exclude=1,2&modified_after=2026-11-20T09:00:00&oauth_nonce=x"
    assert list(spec.request_faults("GET", f"{API}/orders", listed, b"")) == []
    assert list(spec.request_faults("POST", f"{API}/orders", "", json.dumps(ORDER).encode())) == []
    assert list(spec.request_faults("DELETE", f"{API}/webhooks/7", "force=true", b"")) == []
    body = {"create": [{"name": "A"}], "update": [{"id": 7, "regular_price": "1.00"}], "delete": [8]}
    assert list(spec.request_faults("POST", f"{API}/products/batch", "", json.dumps(body).encode())) == []


@pytest.mark.parametrize(
    ("call", "query", "fault"),
    [
        ("GET /order", "", "/wp-json/wc/v3/order is no route"),
        ("GET /orders/7/refund", "", "/wp-json/wc/v3/orders/7/refund is no route"),
        ("PATCH /data/currencies/current", "", "PATCH is no method of /wc/v3/data/currencies/current"),
        ("GET /orders", "modified_since=2026-11-20T09:00:00", "GET /wc/v3/orders has no argument modified_since"),
        ("GET /orders", "exclude[]=1", "GET /wc/v3/orders has no argument exclude[]"),
        ("GET /orders", "modified_after=20.11.2026", "modified_after is a date-time, not '20.11.2026'"),
        ("GET /orders", "orderby=updated", "orderby is never 'updated'"),
        ("GET /orders", "status=any,done", "status is never 'done'"),
        ("GET /orders", "per_page=all", "per_page is integer, not 'all'"),
        ("GET /orders", "per_page=101", "per_page is out of bounds: 101"),
        ("GET /orders", "exclude=1,x", "exclude is integer, not 'x'"),
        ("GET /orders", "dates_are_gmt=yes", "dates_are_gmt is boolean, not 'yes'"),
        ("GET /orders", "page=1&page=2", "page is given more than once"),
        ("GET /customers", "email=ada", "email is a email, not 'ada'"),
        ("DELETE /webhooks/7", "forced=true", "DELETE /wc/v3/webhooks/(?P<id>[\\d]+) has no argument forced"),
    ],
)
def test_a_misspelt_address_is_a_fault(call: str, query: str, fault: str) -> None:
    method, path = call.split()
    assert list(spec.request_faults(method, API + path, query, b"")) == [fault]


@pytest.mark.parametrize(
    ("call", "body", "fault"),
    [
        ("POST /orders", ORDER | {"state": "processing"}, "state is no property"),
        ("POST /orders", ORDER | {"total": "10.00"}, "total is no property"),
        ("POST /orders", ORDER | {"status": "paid"}, "status is never 'paid'"),
        ("POST /orders", ORDER | {"customer_id": "0"}, "customer_id is integer, not '0'"),
        ("POST /orders", ORDER | {"currency": "EURO"}, "currency is never 'EURO'"),
        ("POST /orders", ORDER | {"billing": {"mail": "a@b.c"}}, "billing.mail is no property"),
        ("POST /orders", ORDER | {"billing": {"email": "none"}}, "billing.email is a email, not 'none'"),
        ("POST /orders", ORDER | {"line_items": {"product_id": 1}}, "line_items is array, not {'product_id': 1}"),
        ("POST /orders", ORDER | {"line_items": [{"qty": 1}]}, "line_items[0].qty is no property"),
        ("POST /orders", ORDER | {"line_items": [{"quantity": 1.5}]}, "line_items[0].quantity is integer, not 1.5"),
        ("POST /orders", ORDER | {"line_items": [{"total": 10}]}, "line_items[0].total is string, not 10"),
        ("POST /orders", ORDER | {"line_items": [{"total_tax": "1"}]}, "line_items[0].total_tax is read-only"),
        ("POST /orders", [ORDER], "POST /wc/v3/orders takes no such body"),
        ("GET /orders", ORDER, "GET /wc/v3/orders takes no such body"),
        ("POST /orders/7/notes", {"customer_note": True},
         "POST /wc/v3/orders/(?P<order_id>[\\d]+)/notes lacks its argument note"),
        ("POST /orders/7/refunds", {"line_items": [{"id": 1, "total": "1"}]}, "line_items[0].total is no property"),
        ("POST /orders/7/refunds", {"line_items": [{"id": "1"}]}, "line_items[0].id is integer, not '1'"),
        ("POST /products", {"image": []}, "image is no property"),
        ("POST /products", {"images": [{"src": "cup.jpg"}]}, "images[0].src is a uri, not 'cup.jpg'"),
        ("POST /products/batch", {"updates": []}, "/wc/v3/products/batch has no updates"),
        ("POST /products/batch", {"update": [{"sku": "A"}]}, "update[0] lacks its id"),
        ("POST /products/batch", {"update": [{"id": 1, "price": "1"}]}, "update[0].price is no property"),
        ("POST /products/batch", {"update": [{"id": 1}] * 101}, "/wc/v3/products/batch takes 100 at once"),
        ("POST /products/batch", {"delete": ["1"]}, "delete[0] is integer, not '1'"),
        ("POST /products/7/variations/batch", {"create": [{"name": "S"}]}, "create[0].name is no property"),
        ("POST /webhooks", {"topic": "order.created", "delivery_url": "https://x.example", "status": "on"},
         "status is never 'on'"),
    ],
)  # fmt: skip
def test_a_misspelt_body_is_a_fault(call: str, body: Any, fault: str) -> None:
    method, path = call.split()
    assert list(spec.request_faults(method, API + path, "", json.dumps(body).encode())) == [fault]
