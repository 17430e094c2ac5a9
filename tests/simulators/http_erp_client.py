"""Plain HTTP to a served http_erp simulator: no client of ours in between."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from xml.etree import ElementTree

import requests

from integrations.simulators.base import serve
from integrations.simulators.http_erp.simulator import HttpErpSimulator

ORDER = """<Order><Reference>{reference}</Reference><Currency>GBP</Currency><Total>{total}</Total><Lines>
<Line><Code>MUG</Code><Quantity>2</Quantity><UnitPrice>10.00</UnitPrice></Line>
<Line><Text>Postage</Text><Amount>4.50</Amount></Line></Lines></Order>"""


class Erp:
    """`xml` and `json` speak with the legacy ERP, `sample` with Commerceup's calls, `pos` with the POS."""

    def __init__(self, sim: HttpErpSimulator, base: str) -> None:
        self.sim, self.base = sim, base
        self.keys = sim.credentials

    # legacy ----------------------------------------------------------------------------------------------------------
    def send(self, method: str, path: str, body: str = "", **options: Any) -> requests.Response:
        options.setdefault("auth", (self.keys["username"], self.keys["password"]))
        options.setdefault("timeout", 10)
        headers = {"Content-Type": "text/xml; charset=utf-8"} | options.pop("headers", {})
        return requests.request(method, f"{self.base}/legacy/{path}", data=body.encode(), headers=headers, **options)

    def xml(self, method: str, path: str, body: str = "", **options: Any) -> ElementTree.Element:
        answer = self.send(method, path, body, **options)
        assert answer.status_code == 200, answer.text
        assert answer.headers["Content-Type"] == "text/xml; charset=utf-8"
        return ElementTree.fromstring(answer.content)

    def ok(self, method: str, path: str, body: str = "", **options: Any) -> ElementTree.Element:
        found = self.xml(method, path, body, **options)
        assert found.findtext("Status") == "OK", ElementTree.tostring(found)
        return found

    def refused(self, method: str, path: str, body: str = "", **options: Any) -> tuple[int, str]:
        found = self.xml(method, path, body, **options)
        assert found.findtext("Status") == "ERROR", ElementTree.tostring(found)
        return int(found.findtext("ErrorCode") or 0), found.findtext("ErrorDescription") or ""

    def json(self, method: str, path: str, body: Any = None) -> Any:
        auth = (self.keys["username"], self.keys["password"])
        headers = {"Accept": "application/json"}
        address = f"{self.base}/legacy/{path}"
        return requests.request(method, address, json=body, auth=auth, headers=headers, timeout=10).json()

    def order(self, reference: str = "N-1", total: str = "24.50", **options: Any) -> str:
        made = self.ok("POST", "Orders", ORDER.format(reference=reference, total=total), **options)
        return made.findtext("OrderNo") or ""

    def orders(self, reference: str = "") -> list[str]:
        body = f"<Query><Reference>{reference}</Reference></Query>"
        return [one.findtext("OrderNo") or "" for one in self.ok("GET", "Orders", body).iterfind("Orders/Order")]

    # the others ------------------------------------------------------------------------------------------------------
    def sample(self, path: str, body: Any, method: str = "POST", **options: Any) -> requests.Response:
        options.setdefault("headers", {"UserName": self.keys["username"], "Password": self.keys["password"]})
        return requests.request(method, f"{self.base}/{path}", json=body, timeout=10, **options)

    def pos(self, method: str, path: str, body: Any = None, **params: Any) -> Any:
        headers = {"X-Auth-Token": self.keys["api_key"]}
        address = f"{self.base}/WebReporter/api/v1/{path}"
        answer = requests.request(method, address, json=body, params=params, headers=headers, timeout=10)
        assert answer.status_code == 200, answer.text
        return answer.json()

    # control plane ---------------------------------------------------------------------------------------------------
    def control(self, path: str, body: Any, *, method: str = "POST", status: int = 201) -> Any:
        response = requests.request(method, f"{self.base}/_sim/{path}", json=body, timeout=10)
        assert response.status_code == status, response.text
        return response.json()

    def dials(self, **dials: Any) -> None:
        self.control("dials", dials, method="PUT", status=200)

    def facts(self, what: str) -> list[dict[str, Any]]:
        response = requests.get(f"{self.base}/_sim/facts/{what}", timeout=10)
        return [json.loads(line) for line in response.text.splitlines()]

    def stock(self) -> dict[str, str]:
        return {row["sku"]: row["quantity"] for row in self.facts("stock")}

    def catalogue(self) -> None:
        """A mug of 12, and a shirt in two sizes of 5 and 0."""
        shirts = [
            {
                "sku": f"TEE-{size}",
                "barcode": "",
                "name": "",
                "options": {"Size": size},
                "price": "15.00",
                "stock": stock,
            }
            for size, stock in (("S", "5"), ("M", "0"))
        ]
        mug = {"sku": "MUG", "barcode": "4006381333931", "name": "", "options": {}, "price": "10.00", "stock": "12"}
        products = [
            {"code": "MUG", "name": "Mug", "description": "Blue", "axes": [], "variants": [mug]},
            {"code": "TEE", "name": "Tee", "axes": [{"name": "Size", "values": ["S", "M"]}], "variants": shirts},
        ]
        assert self.control("catalogue", {"products": products}) == {"created": 3}


@contextmanager
def open_erp(**options: Any) -> Iterator[Erp]:
    sim = HttpErpSimulator(seed=7, **options)
    with serve(sim) as base:
        erp = Erp(sim, base)
        if not sim.books.items:
            erp.catalogue()
        yield erp
