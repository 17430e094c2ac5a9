"""Plain HTTP to a served WooCommerce simulator, and a receiver for its webhooks: no client of ours in between."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import requests

from integrations.simulators.base import serve
from integrations.simulators.woocommerce.simulator import WooCommerceSimulator

TLS = {"X-Forwarded-Proto": "https"}  # as a proxy that ended TLS says it


class Store:
    """`call` answers the JSON of the status expected; `send` the raw response. Both speak Basic over TLS."""

    def __init__(self, sim: WooCommerceSimulator, base_url: str) -> None:
        self.sim, self.base_url = sim, base_url

    @property
    def key(self) -> str:
        return self.sim.credentials["consumer_key"]

    @property
    def secret(self) -> str:
        return self.sim.credentials["consumer_secret"]

    def url(self, path: str) -> str:
        return f"{self.base_url}/wp-json/wc/v3/{path}"

    def send(self, method: str, path: str, **options: Any) -> requests.Response:
        options.setdefault("auth", (self.key, self.secret))
        options.setdefault("timeout", 10)
        options["headers"] = TLS | options.pop("headers", {})
        return requests.request(method, self.url(path), **options)

    def call(self, method: str, path: str, body: Any = None, *, expect: int = 200, **params: Any) -> Any:
        response = self.send(method, path, json=body, params=params)
        assert response.status_code == expect, response.text[:500]
        return response.json()

    def get(self, path: str, **params: Any) -> Any:
        return self.call("GET", path, **params)

    def post(self, path: str, body: Any, expect: int = 201) -> Any:
        return self.call("POST", path, body, expect=expect)

    def put(self, path: str, body: Any) -> Any:
        return self.call("PUT", path, body)

    def delete(self, path: str, **params: Any) -> Any:
        return self.call("DELETE", path, **params)

    def error(self, method: str, path: str, body: Any = None, **params: Any) -> tuple[int, str, str, Any]:
        """(HTTP status, code, message, data)."""
        response = self.send(method, path, json=body, params=params)
        answer = response.json()
        assert set(answer) == {"code", "message", "data"}, answer
        return response.status_code, answer["code"], answer["message"], answer["data"]

    def ids(self, path: str, **params: Any) -> list[int]:
        return [row["id"] for row in self.get(path, **params)]

    # control plane ---------------------------------------------------------------------------------------------------
    def control(self, path: str, body: Any = None, *, method: str = "POST", status: int = 201) -> Any:
        response = requests.request(method, f"{self.base_url}/_sim/{path}", json=body, timeout=10)
        assert response.status_code == status, response.text
        return response.json()

    def dials(self, **dials: Any) -> None:
        self.control("dials", dials, method="PUT", status=200)

    def facts(self, what: str) -> list[dict[str, Any]]:
        response = requests.get(f"{self.base_url}/_sim/facts/{what}", timeout=10)
        assert response.status_code == 200, response.text
        return [json.loads(line) for line in response.text.splitlines()]

    # what many tests begin with --------------------------------------------------------------------------------------
    def product(self, sku: str = "A1", *, price: str = "10.00", stock: int = 10, **more: Any) -> int:
        """A product whose stock is counted; its id."""
        body = {"name": f"Thing {sku}", "sku": sku, "regular_price": price, "manage_stock": True, **more}
        return int(self.post("products", {"stock_quantity": stock, **body})["id"])

    def stock(self, product: int) -> Any:
        return self.get(f"products/{product}")["stock_quantity"]

    def tax(self, rate: str = "20", **more: Any) -> int:
        return int(self.post("taxes", {"country": "GB", "rate": rate, "name": "VAT", **more})["id"])

    def order(self, *lines: dict[str, Any], **more: Any) -> dict[str, Any]:
        made: dict[str, Any] = self.post("orders", {"line_items": list(lines), **more})
        return made


@contextmanager
def open_store(**options: Any) -> Iterator[Store]:
    sim = WooCommerceSimulator(seed=7, **options)
    with serve(sim) as base_url:
        yield Store(sim, base_url)


@dataclass
class Delivery:
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class Receiver:
    """What came, in order; answers with `status`."""

    url: str = ""
    status: int = 200
    got: list[Delivery] = field(default_factory=list)


@contextmanager
def open_receiver() -> Iterator[Receiver]:
    receiver = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            receiver.got.append(Delivery(dict(self.headers.items()), body))
            self.send_response(receiver.status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    receiver.url = f"http://127.0.0.1:{server.server_port}/hook"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield receiver
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
