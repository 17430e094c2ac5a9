"""Plain GraphQL over HTTP to a served Shopify simulator: no client of ours in between."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import requests

from integrations.simulators.base import serve
from integrations.simulators.shopify.simulator import GRAPHQL, ShopifySimulator


class Store:
    """`call` answers `data`; `mutate` one mutation's payload, without user errors; `send` the raw response."""

    def __init__(self, sim: ShopifySimulator, base_url: str) -> None:
        self.sim, self.base_url = sim, base_url
        self.http = requests.Session()

    def send(self, query: str, /, **variables: Any) -> requests.Response:
        headers = {"X-Shopify-Access-Token": self.sim.credentials["access_token"]}
        body = {"query": query, "variables": variables}
        return self.http.post(f"{self.base_url}{GRAPHQL}", json=body, headers=headers, timeout=10)

    def body(self, query: str, /, **variables: Any) -> Any:
        response = self.send(query, **variables)
        assert response.status_code == 200, response.text[:500]
        return response.json()

    def call(self, query: str, /, **variables: Any) -> Any:
        body = self.body(query, **variables)
        assert "errors" not in body, body["errors"]
        return body["data"]

    def errors(self, query: str, /, **variables: Any) -> list[dict[str, Any]]:
        """What was wrong with a query."""
        found: list[dict[str, Any]] = self.body(query, **variables)["errors"]
        return found

    def codes(self, query: str, /, **variables: Any) -> list[str]:
        return [error["extensions"]["code"] for error in self.errors(query, **variables)]

    def mutate(self, query: str, /, **variables: Any) -> Any:
        data = self.call(query, **variables)
        (payload,) = data.values()
        for name, errors in payload.items():
            assert not name.endswith("rrors") or errors == [], errors
        return payload

    def refused(self, query: str, /, **variables: Any) -> dict[str, Any]:
        """The only user error."""
        data = self.call(query, **variables)
        (payload,) = data.values()
        (errors,) = (value for name, value in payload.items() if name.endswith("rrors"))
        (error,) = errors
        return dict(error)

    # control plane ----------------------------------------------------------------------------------------------------
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

    # what many tests begin with ---------------------------------------------------------------------------------------
    def article(self, sku: str = "A1", *, price: str = "10.00", stock: int = 10) -> dict[str, str]:
        """A product of one variant: the ids of product, variant, item and of the location that has its stock."""
        row = {"sku": sku, "price": price, "stock": str(stock), "name": f"Thing {sku}"}
        self.control("catalogue", {"products": [{"code": sku, "name": f"Thing {sku}", "variants": [row]}]})
        found = self.call(ARTICLE, query=f"sku:'{sku}'")["productVariants"]["nodes"][0]
        (level,) = found["inventoryItem"]["inventoryLevels"]["nodes"]
        return {
            "product": found["product"]["id"],
            "variant": found["id"],
            "item": found["inventoryItem"]["id"],
            "location": level["location"]["id"],
        }

    def available(self, item: str) -> int:
        return self.quantities(item)["available"]

    def quantities(self, item: str) -> dict[str, int]:
        """By name, of the only location that has it."""
        levels = self.call(LEVELS, id=item)["inventoryItem"]["inventoryLevels"]["nodes"]
        return {one["name"]: one["quantity"] for one in levels[0]["quantities"]}

    def buy(self, *lines: tuple[str, int, str], **more: Any) -> str:
        """A buyer's order by (SKU, quantity, price); its id."""
        rows = [{"sku": sku, "quantity": str(quantity), "price": price} for sku, quantity, price in lines]
        buyer = {"name": "Ada Lovelace", "email": "ada@example.com", "country": "GB", "address": "1 Engine Way"}
        made = self.control("orders", {"lines": rows, "customer": buyer, **more})
        return f"gid://shopify/Order/{made['id']}"


ARTICLE = """query($query: String!) { productVariants(first: 1, query: $query) { nodes {
    id product { id } inventoryItem { id inventoryLevels(first: 5) { nodes { location { id } } } } } } }"""
LEVELS = """query($id: ID!) { inventoryItem(id: $id) { inventoryLevels(first: 5) { nodes {
    quantities(names: ["available", "committed", "on_hand"]) { name quantity } } } } }"""


def key() -> str:
    return str(uuid.uuid4())


@contextmanager
def open_store(**options: Any) -> Iterator[Store]:
    sim = ShopifySimulator(seed=7, **options)
    with serve(sim) as base_url:
        yield Store(sim, base_url)
