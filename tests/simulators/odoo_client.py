"""Plain HTTP to a served Odoo simulator: no client of ours in between."""

from __future__ import annotations

import json
from typing import Any

import requests

from integrations.simulators.odoo.simulator import OdooSimulator


class Far:
    """`call` answers the JSON of a 200; `post` the raw response."""

    def __init__(self, sim: OdooSimulator, base_url: str) -> None:
        self.sim, self.base_url = sim, base_url

    def post(self, model: str, method: str, body: dict[str, Any] | None = None, **options: Any) -> requests.Response:
        headers = {"Authorization": f"bearer {self.sim.credentials['api_key']}", **options.pop("headers", {})}
        headers = {name: value for name, value in headers.items() if value is not None}
        options.setdefault("timeout", 10)
        return requests.post(
            f"{self.base_url}/json/2/{model}/{method}",
            json=body if body is not None else {},
            headers=headers,
            **options,
        )

    def call(self, model: str, method: str, ids: list[int] | None = None, **arguments: Any) -> Any:
        body = {**arguments, **({"ids": ids} if ids is not None else {})}
        response = self.post(model, method, body)
        assert response.status_code == 200, response.text
        return response.json()

    def error(self, model: str, method: str, ids: list[int] | None = None, **arguments: Any) -> tuple[int, str, str]:
        """(status, the exception's class, its message)."""
        response = self.post(model, method, {**arguments, **({"ids": ids} if ids is not None else {})})
        body = response.json()
        assert set(body) == {"name", "message", "arguments", "context", "debug"}
        return response.status_code, body["name"].rpartition(".")[2], body["message"]

    def one(self, model: str, record: int, *fields: str) -> dict[str, Any]:
        rows: list[dict[str, Any]] = self.call(model, "read", [record], fields=list(fields))
        return rows[0]

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

    # What many tests begin with

    def product(self, sku: str = "A1", *, stock: str = "10", price: str = "10.00") -> int:
        """A storable product without taxes in stock; its product.product id."""
        variant = {"sku": sku, "barcode": "", "name": sku, "options": {}, "price": price, "stock": stock}
        product = {"code": sku, "name": f"Thing {sku}", "description": "", "axes": [], "variants": [variant]}
        assert self.control("catalogue", {"products": [product]}) == {"created": 1}
        found: list[int] = self.call("product.product", "search", domain=[["default_code", "=", sku]])
        return found[0]

    def partner(self, name: str = "Ada Buyer", **more: Any) -> int:
        return int(self.call("res.partner", "create", vals_list=[{"name": name, **more}])[0])

    def order(self, *lines: dict[str, Any], confirm: bool = True, **more: Any) -> int:
        """A sale order; its lines carry no tax unless they say so."""
        vals = {"partner_id": more.pop("partner_id", None) or self.partner(), **more}
        vals["order_line"] = [[0, 0, {"tax_ids": [[6, 0, []]], **line}] for line in lines]
        order = int(self.call("sale.order", "create", vals_list=[vals])[0])
        if confirm:
            assert self.call("sale.order", "action_confirm", [order]) is True
        return order

    def free(self, product: int) -> float:
        return float(self.one("product.product", product, "free_qty")["free_qty"])

    def on_hand(self, product: int) -> float:
        return float(self.one("product.product", product, "qty_available")["qty_available"])
