"""The Shopify simulator's door, its price of a query, its faults, its control plane and its memory."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from integrations.simulators.shopify.simulator import GRAPHQL
from tests.simulators.shopify_client import Store, key, open_store

CREATE = 'mutation { customerCreate(input: {firstName: "Ada"}) { customer { id } userErrors { message } } }'
COUNT = "{ customersCount { count } }"
LIST = "query($first: Int!) { customers(first: $first) { nodes { id firstName } } }"
MATCH = f"POST {GRAPHQL}"


@pytest.fixture
def store() -> Iterator[Store]:
    with open_store() as store:
        yield store


def customers(store: Store) -> int:
    return len(store.sim.shop.rows["Customer"])


# --- the door ---------------------------------------------------------------------------------------------------------


def post(store: Store, path: str, **options: Any) -> requests.Response:
    return requests.post(f"{store.base_url}{path}", timeout=10, **options)


def test_without_a_token_nobody_comes_in(store: Store) -> None:
    for headers in ({}, {"X-Shopify-Access-Token": "shpat_nobody"}, {"Authorization": "Bearer x"}):
        response = post(store, GRAPHQL, json={"query": COUNT}, headers=headers)
        assert response.status_code == 401
        text = "[API] Invalid API key or access token (unrecognized login or wrong password)"
        assert response.json() == {"errors": text}


def test_a_token_is_granted_for_client_credentials(store: Store) -> None:
    known = {name: store.sim.credentials[name] for name in ("client_id", "client_secret")}
    given = {"grant_type": "client_credentials", **known}
    for body in ({"data": given}, {"json": given}):
        granted = post(store, "/admin/oauth/access_token", **body).json()
        assert (granted["expires_in"], "write_inventory" in granted["scope"].split(",")) == (86399, True)
        headers = {"X-Shopify-Access-Token": granted["access_token"]}
        assert post(store, GRAPHQL, json={"query": COUNT}, headers=headers).status_code == 200
        store.sim.shop.tokens[granted["access_token"]] = time.time() - 1
        assert post(store, GRAPHQL, json={"query": COUNT}, headers=headers).status_code == 401
    wrong = post(store, "/admin/oauth/access_token", data={**given, "client_secret": "x"})
    assert (wrong.status_code, wrong.json()) == (401, {"error": "application_cannot_be_found"})
    assert post(store, "/admin/oauth/access_token", data={**given, "grant_type": "password"}).status_code == 400


def test_an_app_may_do_what_its_scopes_say() -> None:
    with open_store(scopes=("read_orders", "write_products")) as store:
        store.article("A1", stock=5)
        store.buy(("A1", 1, "10.00"))
        store.buy(("A1", 1, "10.00"), placed_at="2020-01-01T00:00:00+00:00")
        body = store.body("{ products(first: 1) { nodes { title } } customers(first: 1) { nodes { id } } }")
        (error,) = body["errors"]
        assert (error["extensions"]["code"], error["path"]) == ("ACCESS_DENIED", ["customers"])
        assert error["extensions"]["requiredAccess"] == "`read_customers` access scope."
        assert store.codes(CREATE) == ["ACCESS_DENIED"]
        assert customers(store) == 1  # who ordered
        found = store.call("{ currentAppInstallation { accessScopes { handle } } }")["currentAppInstallation"]
        assert [one["handle"] for one in found["accessScopes"]] == ["read_orders", "write_products"]
        # those older than 60 days need read_all_orders
        assert store.call("{ ordersCount { count } }")["ordersCount"] == {"count": 1}


def test_other_addresses_are_not_there(store: Store) -> None:
    headers = {"X-Shopify-Access-Token": store.sim.credentials["access_token"]}
    for path in ("/admin/api/2019-01/graphql.json", "/admin/api/2026-07/products.json", "/"):
        assert post(store, path, json={"query": COUNT}, headers=headers).status_code == 404
    response = post(store, GRAPHQL, data=b"{", headers=headers)
    assert (response.status_code, "errors" in response.json()) == (400, True)
    assert requests.get(f"{store.base_url}{GRAPHQL}", headers=headers, timeout=10).status_code == 404


def test_what_is_wrong_with_a_query_comes_with_200(store: Store) -> None:
    for query, code in (
        ("{ customers(first: 1) { nodes { nope } } }", "invalidQuery"),
        ("query($first: Int!) { customers(first: $first) { nodes { id } } }", "INVALID_VARIABLE"),
    ):
        (error,) = store.errors(query)
        assert (error["extensions"]["code"], "locations" in error) == (code, True)
    assert "Syntax" in store.errors("{ customers(")[0]["message"]
    assert store.errors("") == [{"message": "Required parameter missing or invalid: query"}]
    assert store.errors("query A { __typename } query B { __typename }")[0]["message"].startswith("An operation name")


# --- the price of a query ---------------------------------------------------------------------------------------------


def cost(store: Store, query: str, **variables: Any) -> dict[str, Any]:
    found: dict[str, Any] = store.body(query, **variables)["extensions"]["cost"]
    return found


def test_what_queries_cost(store: Store) -> None:
    """The second is the example of https://github.com/Shopify/shopify-api-js/issues/602: ten customers cost twelve."""
    store.mutate(CREATE)
    for query, requested, actual in (
        ("{ shop { name plan { displayName } } }", 2, 2),
        ("{ customers(first: 10) { nodes { id email phone } } }", 12, 3),
        ("{ customers(first: 10) { edges { cursor node { id } } pageInfo { hasNextPage } } }", 12, 3),
        ("{ customers(first: 5) { nodes { id addressesV2(first: 3) { nodes { id } } } } }", 32, 5),
        ('{ nodes(ids: ["gid://shopify/Order/1", "gid://shopify/Order/2"]) { id } }', 2, 0),
        ('{ node(id: "gid://shopify/Shop/1") { ... on Shop { plan { displayName } } } }', 2, 2),
        ("{ products(first: 2) { nodes { priceRangeV2 { minVariantPrice { amount } } } } }", 8, 2),
    ):
        found = cost(store, query)
        assert (query, found["requestedQueryCost"], found["actualQueryCost"]) == (query, requested, actual)
    assert cost(store, CREATE)["requestedQueryCost"] == 10
    assert cost(store, LIST, first=20)["requestedQueryCost"] == 22


def test_a_query_of_more_than_1000_points_is_not_run(store: Store) -> None:
    query = "{ customers(first: 250) { nodes { id addressesV2(first: 2) { nodes { id } } } } }"
    (error,) = store.errors(query)
    assert (error["extensions"]["code"], error["extensions"]["cost"]) == ("MAX_COST_EXCEEDED", 1252)


def test_the_bucket_runs_dry_and_fills_again(store: Store) -> None:
    query = "{ customers(first: 125) { nodes { id addressesV2(first: 2) { nodes { id } } } } }"  # 627 points
    for _ in range(3):
        store.mutate(CREATE)
    store.sim.bucket.left = 600
    body = store.body(query)
    (error,) = body["errors"]
    assert (error["message"], error["extensions"]["code"]) == ("Throttled", "THROTTLED")
    assert "data" not in body
    spent = body["extensions"]["cost"]
    assert (spent["requestedQueryCost"], spent["actualQueryCost"]) == (627, None)
    status = spent["throttleStatus"]
    assert (status["maximumAvailable"], status["restoreRate"]) == (2000, 100)
    assert 600 <= status["currentlyAvailable"] < 627
    time.sleep((627 - status["currentlyAvailable"]) / 100 + 0.05)
    found = cost(store, query)
    assert found["actualQueryCost"] == 2 + 3 * 3
    assert found["throttleStatus"]["currentlyAvailable"] >= 600  # what the answer cost less was given back


def test_a_bigger_plan_has_a_bigger_bucket() -> None:
    with open_store(plan="plus") as store:
        status = cost(store, COUNT)["throttleStatus"]
        assert (status["maximumAvailable"], status["restoreRate"]) == (20000, 1000)


# --- dials ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [401, 403, 404, 409, 422, 423, 429, 500, 503])
def test_an_error_before_anything_is_done(store: Store, status: int) -> None:
    store.dials(status={str(status): 1}, match=MATCH, retry_after="7")
    response = store.send(CREATE)
    assert (response.status_code, list(response.json())) == (status, ["errors"])
    assert response.headers.get("Retry-After") == ("7" if status in (429, 503) else None)
    assert customers(store) == 0


@pytest.mark.parametrize(
    ("dial", "done"), [("timeout_before_commit", 0), ("timeout_after_commit", 1), ("late_commit", 0)]
)
def test_no_answer(store: Store, dial: str, done: int) -> None:
    store.dials(**{dial: 1, "match": MATCH, "timeout_seconds": 0.05, "late_commit_seconds": 0.4})
    with pytest.raises(requests.ConnectionError):
        store.send(CREATE)
    assert customers(store) == done
    if dial == "late_commit":
        time.sleep(0.8)
        assert customers(store) == 1


@pytest.mark.parametrize(
    ("dial", "status", "kind", "done"),
    [
        ("error_after_commit", 500, "application/json", 1),
        ("html_200", 200, "text/html", 0),
        ("html_200_after_commit", 200, "text/html", 1),
    ],
)
def test_a_wrong_answer(store: Store, dial: str, status: int, kind: str, done: int) -> None:
    store.dials(**{dial: 1, "match": MATCH})
    response = store.send(CREATE)
    assert (response.status_code, response.headers["Content-Type"].partition(";")[0]) == (status, kind)
    assert customers(store) == done


def test_a_cut_and_a_dripping_answer(store: Store) -> None:
    store.dials(truncate=1)
    with pytest.raises((requests.ConnectionError, requests.exceptions.ChunkedEncodingError)):
        store.send(CREATE)
    assert customers(store) == 1
    store.dials(truncate=0, slow_drip=1, drip_seconds=0.002)
    started = time.monotonic()
    assert store.call(COUNT)["customersCount"] == {"count": 1}
    assert time.monotonic() - started >= 0.1


def test_a_limit_of_requests(store: Store) -> None:
    store.dials(rate_limit_per_second=2, retry_after="3")
    answers = [store.send(COUNT) for _ in range(4)]
    assert [answer.status_code for answer in answers[:2]] == [200, 200]
    refused = [answer for answer in answers if answer.status_code == 429]
    assert {answer.headers["Retry-After"] for answer in refused} == {"3"}


def test_search_lag_hides_what_is_new_from_lists_only(store: Store) -> None:
    store.dials(search_lag_seconds=0.6)
    made = store.mutate(CREATE)["customer"]["id"]
    assert store.call(LIST, first=5)["customers"]["nodes"] == []
    found = store.call("query($id: ID!) { customer(id: $id) { firstName } }", id=made)
    assert found["customer"] == {"firstName": "Ada"}
    time.sleep(0.7)
    assert store.call(LIST, first=5)["customers"]["nodes"] == [{"id": made, "firstName": "Ada"}]


def test_a_repeated_request_with_a_key_counts_once_though_no_answer_came(store: Store) -> None:
    things = store.article(stock=10)
    adjust = """mutation($key: String!, $item: ID!, $place: ID!) { inventoryAdjustQuantities(input: {name: "available",
        reason: "restock", changes: [{inventoryItemId: $item, locationId: $place, delta: 5, changeFromQuantity: null}]})
        @idempotent(key: $key) { userErrors { message } } }"""
    given = {"key": key(), "item": things["item"], "place": things["location"]}
    store.dials(timeout_after_commit=1, timeout_seconds=0.05)
    with pytest.raises(requests.ConnectionError):
        store.send(adjust, **given)
    store.dials(timeout_after_commit=0)
    store.mutate(adjust, **given)
    assert store.available(things["item"]) == 15


# --- the control plane and memory -------------------------------------------------------------------------------------


def test_what_happens_in_the_shop_and_what_it_holds(store: Store) -> None:
    store.article("A1", stock=10)
    order = {"lines": [{"sku": "A1", "quantity": "3", "price": "2.50"}], "number": "536365", "customer": None}
    made = store.control("orders", {**order, "payment": "bacs", "placed_at": "2010-12-01T08:26:00+00:00"})
    assert (made["number"], made["total"]) == ("536365", "7.50")
    refund = {"order": made["id"], "lines": [{"index": 0, "quantity": "1", "amount": "2.50"}], "reason": "Credit 9"}
    assert store.control("refunds", {**refund, "restock": False})["amount"] == "2.50"
    assert store.control("shipments", {"order": made["id"], "lines": None, "tracking": "GB9"})["order"] == made["id"]
    assert store.facts("orders") == [
        {"id": made["id"], "number": "536365", "reference": "536365", "state": "open", "currency": "GBP",
         "total": "7.50", "lines": [{"sku": "A1", "quantity": "3", "total": "7.50"}]}
    ]  # fmt: skip
    (row,) = store.facts("refunds")
    assert {name: row[name] for name in ("order", "reference", "amount", "lines")} == {
        "order": made["id"], "reference": "Credit 9", "amount": "2.50",
        "lines": [{"sku": "A1", "quantity": "1", "total": "2.50"}],
    }  # fmt: skip
    assert store.facts("stock") == [{"sku": "A1", "quantity": "7"}]
    (row,) = store.facts("shipments")
    assert (row["order"], row["tracking"], row["lines"]) == ("536365", "GB9", [{"sku": "A1", "quantity": "2"}])
    second = store.control("orders", {**order, "number": None})
    assert store.control("cancellations", {"order": second["id"]}) == {"id": second["id"], "state": "cancelled"}
    assert store.facts("stock") == [{"sku": "A1", "quantity": "7"}]
    for path, body in (
        ("orders", {"lines": [{"sku": "NONE", "quantity": "1", "price": "1"}]}),
        ("refunds", {"order": made["id"], "lines": [{"index": 0, "quantity": 9, "amount": "1"}]}),
        ("cancellations", {"order": second["id"]}),
        ("orders", {}),
    ):
        assert store.control(path, body, status=400)["error"]
    assert store.control("cancellations", {"order": "1"}, status=404)["error"] == "The shop has no order 1."


def test_a_line_of_a_price_no_coin_has(store: Store) -> None:
    store.article("A1", stock=1000)
    line = {"sku": "A1", "quantity": "300", "price": "0.045", "total": "13.50"}
    assert store.control("orders", {"lines": [line]})["total"] == "13.50"
    assert store.facts("orders")[0]["lines"] == [{"sku": "A1", "quantity": "300", "total": "13.50"}]


def test_a_catalogue_with_axes(store: Store) -> None:
    row = {"price": "5.00", "stock": "3"}
    rows = [{**row, "sku": f"T-{colour}", "options": {"Colour": colour}} for colour in ("red", "blue")]
    product = {"name": "Tee", "axes": [{"name": "Colour", "values": ["red", "blue"]}], "variants": rows}
    assert store.control("catalogue", {"products": [product]}) == {"created": 2}
    query = "{ products(first: 5) { nodes { title options { name values } variants(first: 5) { nodes { sku } } } } }"
    (found,) = store.call(query)["products"]["nodes"]
    assert found["options"] == [{"name": "Colour", "values": ["red", "blue"]}]
    assert [one["sku"] for one in found["variants"]["nodes"]] == ["T-red", "T-blue"]


def test_the_shop_remembers(tmp_path: Path) -> None:
    path, mark = tmp_path / "shop.json", key()
    adjust = """mutation($key: String!, $item: ID!, $place: ID!) { inventoryAdjustQuantities(input: {name: "available",
        reason: "restock", changes: [{inventoryItemId: $item, locationId: $place, delta: 5, changeFromQuantity: null}]})
        @idempotent(key: $key) { userErrors { message } } }"""
    with open_store(state_path=path) as store:
        things = store.article("A1", stock=10)
        order = store.buy(("A1", 2, "10.00"))
        store.mutate(adjust, key=mark, item=things["item"], place=things["location"])
        credentials = store.sim.credentials
        facts = store.facts("orders")
    assert json.loads(path.read_text())["rows"]["Order"]
    with open_store(state_path=path) as store:
        assert (store.sim.credentials, store.facts("orders")) == (credentials, facts)
        store.mutate(adjust, key=mark, item=things["item"], place=things["location"])
        assert store.available(things["item"]) == 13
        assert store.buy(("A1", 1, "10.00")) != order
        assert [row["number"] for row in store.facts("orders")] == ["#1001", "#1002"]


def test_the_journal(store: Store) -> None:
    store.dials(status={"503": 1}, match=MATCH)
    store.send(COUNT)
    rows = requests.get(f"{store.base_url}/_sim/requests", timeout=10).json()
    assert [(row["method"], row["path"], row["status"], row["dial"]) for row in rows] == [("POST", GRAPHQL, 503, "503")]
