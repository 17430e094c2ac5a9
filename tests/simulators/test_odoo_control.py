"""The Odoo simulator's control plane, its faults, and its memory."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from integrations.simulators.base import serve
from integrations.simulators.odoo.simulator import OdooSimulator
from tests.simulators.odoo_client import Far


@pytest.fixture
def far() -> Iterator[Far]:
    sim = OdooSimulator(seed=7)
    with serve(sim) as base_url:
        yield Far(sim, base_url)


def test_a_parcel_at_a_time(far: Far) -> None:
    first, second = far.product("A1", stock="10"), far.product("B2", stock="10")
    order = far.order({"product_id": first, "product_uom_qty": 2}, {"product_id": second, "product_uom_qty": 3})
    sent = far.control("shipments", {"order": str(order), "lines": [{"sku": "B2", "quantity": "1"}], "tracking": "T1"})
    assert sent["state"] == "done"
    assert sent["backorder"]
    assert (far.on_hand(first), far.on_hand(second)) == (10.0, 9.0)
    assert (far.free(first), far.free(second)) == (8.0, 7.0)
    far.control("shipments", {"order": order, "lines": None, "tracking": "T2"})
    assert [(s["tracking"], s["lines"]) for s in far.facts("shipments")] == [
        ("T1", [{"sku": "B2", "quantity": "1"}]),
        ("T2", [{"sku": "A1", "quantity": "2"}, {"sku": "B2", "quantity": "2"}]),
    ]
    assert far.control("shipments", {"order": order, "lines": None, "tracking": ""}, status=422)["error"]


def test_more_than_the_delivery_holds_does_not_leave(far: Far) -> None:
    product = far.product(stock="10")
    order = far.order({"product_id": product})
    far.control("shipments", {"order": order, "lines": [{"sku": "A1", "quantity": "2"}], "tracking": ""}, status=422)
    assert (far.on_hand(product), far.free(product)) == (10.0, 9.0)


def test_the_office_bills_and_cancels(far: Far) -> None:
    product = far.product()
    order = far.order({"product_id": product, "product_uom_qty": 2}, client_order_ref="W-1")
    bill = far.control("invoices", {"order": order})
    assert bill["total"] == "20.00"
    (fact,) = far.facts("invoices")
    assert (fact["number"], fact["order"], fact["reference"], fact["total"]) == (
        bill["number"],
        "S00001",
        "W-1",
        "20.00",
    )
    other = far.order({"product_id": product})
    assert far.control("cancellations", {"order": other}) == {"id": str(other), "state": "cancel"}
    assert far.facts("orders")[0] == {
        "id": str(order), "number": "S00001", "reference": "W-1", "state": "sale", "currency": "GBP", "total": "20.00",
        "lines": [{"sku": "A1", "quantity": "2", "total": "20.00"}],
    }  # fmt: skip
    assert far.facts("stock") == [{"sku": "A1", "quantity": "8"}]
    assert far.control("cancellations", {"order": 999}, status=404)["error"].startswith("MissingError")


CREATE = "POST /json/2/sale.order/create"


def new_order(far: Far, product: int, partner: int, **options: float) -> requests.Response:
    vals = {"partner_id": partner, "client_order_ref": "W-1", "order_line": [[0, 0, {"product_id": product}]]}
    return far.post("sale.order", "create", {"vals_list": [vals]}, **options)


@pytest.mark.parametrize("status", [401, 403, 404, 409, 422, 429, 500, 503])
def test_an_error_before_anything_is_done(far: Far, status: int) -> None:
    product, partner = far.product(), far.partner()
    far.dials(status={str(status): 1}, match=CREATE, retry_after="7")
    response = new_order(far, product, partner)
    assert response.status_code == status
    if status == 429 or status >= 500:  # from the proxy in front
        assert response.headers["Content-Type"].startswith("text/html")
    else:
        assert set(response.json()) == {"name", "message", "arguments", "context", "debug"}
    assert response.headers.get("Retry-After") == ("7" if status in (429, 503) else None)
    assert far.facts("orders") == []


@pytest.mark.parametrize(
    ("dial", "done"),
    [("timeout_before_commit", 0), ("timeout_after_commit", 1), ("late_commit", 0)],
)
def test_no_answer(far: Far, dial: str, done: int) -> None:
    product, partner = far.product(), far.partner()
    far.dials(**{dial: 1, "match": CREATE, "timeout_seconds": 0.05, "late_commit_seconds": 0.4})
    with pytest.raises(requests.ConnectionError):
        new_order(far, product, partner)
    assert len(far.facts("orders")) == done
    if dial == "late_commit":
        time.sleep(0.8)
        assert len(far.facts("orders")) == 1


@pytest.mark.parametrize(
    ("dial", "status", "kind", "done"),
    [
        ("error_after_commit", 500, "text/html", 1),
        ("html_200", 200, "text/html", 0),
        ("html_200_after_commit", 200, "text/html", 1),
    ],
)
def test_a_wrong_answer(far: Far, dial: str, status: int, kind: str, done: int) -> None:
    product, partner = far.product(), far.partner()
    far.dials(**{dial: 1, "match": CREATE})
    response = new_order(far, product, partner)
    assert response.status_code == status
    assert response.headers["Content-Type"].startswith(kind)
    assert len(far.facts("orders")) == done


def test_a_cut_answer(far: Far) -> None:
    product, partner = far.product(), far.partner()
    far.dials(truncate=1, match=CREATE)
    with pytest.raises((requests.ConnectionError, requests.exceptions.ChunkedEncodingError)):
        new_order(far, product, partner)
    assert len(far.facts("orders")) == 1


def test_a_slow_answer_and_a_late_one(far: Far) -> None:
    product, partner = far.product(), far.partner()
    far.dials(slow_drip=1, drip_seconds=0.1, match=CREATE)
    started = time.monotonic()
    assert new_order(far, product, partner).json() == [1]
    assert time.monotonic() - started >= 0.3  # three bytes
    far.dials(slow_drip=0, latency_seconds=0.3)
    started = time.monotonic()
    assert new_order(far, product, partner).json() == [2]
    assert time.monotonic() - started >= 0.3


def test_a_rate_limit(far: Far) -> None:
    far.dials(rate_limit_per_second=2)
    statuses = [far.post("res.users", "search_count", {"domain": []}).status_code for _ in range(4)]
    assert statuses[:2] == [200, 200]
    assert 429 in statuses


def test_writes_only_goes_by_the_method(far: Far) -> None:
    """Every JSON-2 call is a POST: a search is none the less a read."""
    product, partner = far.product(), far.partner()
    far.dials(status={"500": 1}, writes_only=True)
    assert far.post("sale.order", "search_read", {"domain": []}).status_code == 200
    assert new_order(far, product, partner).status_code == 500


def test_search_lag_hides_what_is_new_from_searches_only(far: Far) -> None:
    product = far.product()
    known = far.partner("Known")
    far.dials(search_lag_seconds=1.0)
    time.sleep(1.1)
    assert far.call("res.partner", "search", domain=[["name", "=", "Known"]]) == [known]
    order = far.order({"product_id": product}, partner_id=known, client_order_ref="LAG", confirm=False)
    by_reference = [["client_order_ref", "=", "LAG"]]
    assert far.call("sale.order", "search", domain=by_reference) == []
    assert far.call("sale.order", "search_read", domain=by_reference, fields=["name"]) == []
    assert far.call("sale.order", "search_count", domain=by_reference) == 0
    assert far.one("sale.order", order, "client_order_ref")["client_order_ref"] == "LAG"
    assert far.call("sale.order", "action_confirm", [order]) is True  # by id nothing is late
    assert far.call("sale.order.line", "search_count", domain=[["order_id", "=", order]]) == 0
    assert far.call("product.product", "search_count", domain=[["default_code", "=", "A1"]]) == 1
    time.sleep(1.1)
    assert far.call("sale.order", "search", domain=by_reference) == [order]


def test_the_state_outlives_the_process(tmp_path: Path) -> None:
    path = tmp_path / "odoo.json"
    first = OdooSimulator(state_path=path)
    with serve(first) as base_url:
        far = Far(first, base_url)
        product = far.product(stock="10")
        order = far.order({"product_id": product, "product_uom_qty": 4}, client_order_ref="W-1")
        facts = far.facts("orders")
    second = OdooSimulator(seed=99, state_path=path)
    assert second.credentials == first.credentials
    with serve(second) as base_url:
        far = Far(second, base_url)
        assert far.facts("orders") == facts
        assert far.call("sale.order", "search", domain=[["client_order_ref", "=", "W-1"]]) == [order]
        assert far.free(product) == 6.0
        far.call("sale.order", "action_cancel", [order])
        assert far.free(product) == 10.0
        assert far.order({"product_id": product}, confirm=False) == order + 1
        assert far.facts("orders")[1]["number"] == "S00002"


def test_a_read_saves_nothing(tmp_path: Path) -> None:
    path = tmp_path / "odoo.json"
    sim = OdooSimulator(state_path=path)
    with serve(sim) as base_url:
        assert Far(sim, base_url).call("res.users", "search_count", domain=[]) == 2
    assert not path.exists()


def test_a_large_history_is_searched_by_index(far: Far) -> None:
    """A look-up by reference must not grow with the orders there are: 300 of them cost what one costs."""
    products = far.sim.db["product.product"]
    far.product(stock="1000000")
    far.sim.db.begin()
    for number in range(2000):
        far.sim.db["sale.order"].new({
            "partner_id": 1, "client_order_ref": f"H-{number}",
            "order_line": [[0, 0, {"product_id": next(iter(products.rows)), "tax_ids": [[6, 0, []]]}]],
        })  # fmt: skip
    far.sim.db.commit()
    looked_at: list[int] = []
    sales = far.sim.db["sale.order"]
    rows = sales.rows

    class Counting(dict[int, object]):
        def values(self):
            looked_at.append(1)
            return super().values()

    sales.rows = Counting(rows)
    found = far.call("sale.order", "search_read", domain=[["client_order_ref", "=", "H-1500"]], fields=["order_line"])
    assert len(found) == 1
    assert far.call("sale.order", "search_count", domain=[["client_order_ref", "in", ["H-1", "H-2"]], ["state", "=", "draft"]]) == 2  # noqa: E501  # fmt: skip
    assert looked_at == []
    assert far.call("sale.order", "search_count", domain=[["note", "=", False]]) == 2000
    assert looked_at == [1]
