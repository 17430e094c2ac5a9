"""The connector and the WooCommerce simulator over HTTP, with what buyers and the shop's staff do beside them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import requests

from integrations.connectors.woocommerce.connector import WooCommerce
from integrations.contract.http import Exchange, HttpClient
from integrations.simulators.base import serve
from integrations.simulators.woocommerce.simulator import WooCommerceSimulator


@dataclass(frozen=True)
class Live:
    """`control` is the simulator's control plane; `exchanges` are the connector's."""

    woo: WooCommerce
    simulator: WooCommerceSimulator
    address: str
    exchanges: list[Exchange]

    def control(self, what: str, body: Any, method: str = "POST") -> Any:
        answer = requests.request(method, f"{self.address}/_sim/{what}", json=body, timeout=10)
        assert answer.ok, answer.text
        return answer.json()

    def tax(self, rate: str) -> str:
        """A rate of the standard class, of Britain; its id. The simulator's taxes are set up by no request."""
        number = self.simulator.shop.next_id("tax")
        row = {"id": number, "country": "GB", "state": "", "postcode": "", "city": "", "postcodes": [], "cities": []}
        row |= {"rate": rate, "name": "VAT", "priority": 1, "compound": False, "shipping": True, "order": 0}
        self.simulator.shop.taxes[number] = {**row, "class": "standard"}
        return str(number)

    def article(self, sku: str, *, price: str = "10.00", stock: str = "20") -> str:
        """A simple product; its id."""
        article = {"sku": sku, "barcode": "", "name": sku, "options": {}, "price": price, "stock": stock}
        product = {"code": sku, "name": sku, "description": "", "axes": [], "variants": [article]}
        self.control("catalogue", {"products": [product]})
        return self.woo.find_product(sku)[0].external_id

    def buy(self, sku: str, quantity: int = 2, **more: Any) -> str:
        """A buyer's paid order; its id."""
        line = {"sku": sku, "quantity": str(quantity), "price": "10.00"}
        buyer = {"external_ref": "ada", "name": "Ada Lovelace", "email": "ada@example.com", "country": "GB"}
        return str(self.control("orders", {"customer": buyer, "lines": [line], "shipping": "4.95", **more})["id"])


@contextmanager
def live_woo(**settings: Any) -> Iterator[Live]:
    simulator = WooCommerceSimulator()
    with serve(simulator) as address:
        exchanges: list[Exchange] = []
        http = HttpClient(
            base_url=address,
            allowed_private=frozenset({("127.0.0.1", int(address.rpartition(":")[2]))}),
            on_exchange=exchanges.append,
            secrets=list(simulator.credentials.values()),
        )
        woo = WooCommerce(http=http, credentials=simulator.credentials, settings={"url": address, **settings})
        try:
            yield Live(woo, simulator, address, exchanges)
        finally:
            http.close()
