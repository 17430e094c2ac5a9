"""The Shopify simulator's webhooks and bulk operations."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Iterator
from typing import Any

import pytest
import requests

from tests.simulators.shopify_client import Store, open_store
from tests.simulators.woocommerce_client import Delivery, Receiver, open_receiver

SUBSCRIBE = """mutation($topic: WebhookSubscriptionTopic!, $hook: WebhookSubscriptionInput!) {
  webhookSubscriptionCreate(topic: $topic, webhookSubscription: $hook) {
    webhookSubscription { id topic uri } userErrors { field message } } }"""
LIST = """query($topics: [WebhookSubscriptionTopic!]) { webhookSubscriptions(first: 10, topics: $topics) {
  nodes { id topic uri format includeFields } } }"""


@pytest.fixture
def store() -> Iterator[Store]:
    with open_store() as store:
        yield store


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with open_receiver() as receiver:
        yield receiver


def subscribe(store: Store, receiver: Receiver, *topics: str, **more: Any) -> list[str]:
    given = {"uri": receiver.url, **more}
    return [store.mutate(SUBSCRIBE, topic=one, hook=given)["webhookSubscription"]["id"] for one in topics]


def wait(store: Store) -> None:
    assert store.sim.webhooks.flush()


def topics(receiver: Receiver) -> list[str]:
    return [one.headers["X-Shopify-Topic"] for one in receiver.got]


def sign(store: Store, delivery: Delivery) -> str:
    digest = hmac.new(store.sim.credentials["client_secret"].encode(), delivery.body, hashlib.sha256).digest()
    return base64.b64encode(digest).decode()


# --- subscriptions ----------------------------------------------------------------------------------------------------


def test_subscriptions_are_made_listed_changed_and_ended(store: Store, receiver: Receiver) -> None:
    (first,) = subscribe(store, receiver, "ORDERS_CREATE", includeFields=["id", "name"])
    subscribe(store, receiver, "REFUNDS_CREATE")
    error = store.refused(SUBSCRIBE, topic="ORDERS_CREATE", hook={"uri": receiver.url})
    assert error["message"] == "Address for this topic has already been taken"
    for address in ("", "ftp://example.com/", "http://example.com/hook"):
        assert store.refused(SUBSCRIBE, topic="ORDERS_PAID", hook={"uri": address})["field"] is not None
    rows = store.call(LIST, topics=["ORDERS_CREATE"])["webhookSubscriptions"]["nodes"]
    assert rows == [
        {"id": first, "topic": "ORDERS_CREATE", "uri": receiver.url, "format": "JSON", "includeFields": ["id", "name"]}
    ]
    change = """mutation($id: ID!, $hook: WebhookSubscriptionInput!) { webhookSubscriptionUpdate(
        id: $id, webhookSubscription: $hook) { webhookSubscription { uri } userErrors { message } } }"""
    moved = store.mutate(change, id=first, hook={"uri": "https://example.com/x"})["webhookSubscription"]
    assert moved == {"uri": "https://example.com/x"}
    end = """mutation($id: ID!) { webhookSubscriptionDelete(id: $id) {
        deletedWebhookSubscriptionId userErrors { message } } }"""
    assert store.mutate(end, id=first)["deletedWebhookSubscriptionId"] == first
    assert [one["topic"] for one in store.call(LIST)["webhookSubscriptions"]["nodes"]] == ["REFUNDS_CREATE"]
    assert store.refused(end, id=first)["message"] == "Webhook subscription does not exist"


# --- deliveries -------------------------------------------------------------------------------------------------------


def test_an_order_is_told_signed(store: Store, receiver: Receiver) -> None:
    store.article("A1")
    subscribe(store, receiver, "ORDERS_CREATE", "ORDERS_PAID", "ORDERS_UPDATED")
    order = store.buy(("A1", 2, "10.00"), tax_rate="20", currency="EUR")
    wait(store)
    assert topics(receiver) == ["orders/create", "orders/paid"]
    first, second = receiver.got
    assert first.headers["X-Shopify-Hmac-Sha256"] == sign(store, first)
    assert first.headers["X-Shopify-Shop-Domain"] == "simulated.myshopify.com"
    assert first.headers["X-Shopify-API-Version"] == "2026-07"
    assert first.headers["X-Shopify-Event-Id"] == second.headers["X-Shopify-Event-Id"]
    assert first.headers["X-Shopify-Webhook-Id"] != second.headers["X-Shopify-Webhook-Id"]
    assert first.headers["X-Shopify-Triggered-At"].endswith("000Z")
    body = first.json
    assert (body["admin_graphql_api_id"], body["id"]) == (order, int(order.rpartition("/")[2]))
    assert (body["name"], body["total_price"], body["current_total_price"]) == ("#1001", "24.00", "24.00")
    assert (body["currency"], body["presentment_currency"], body["financial_status"]) == ("GBP", "EUR", "paid")
    assert body["total_price_set"]["presentment_money"] == {"amount": "27.60", "currency_code": "EUR"}
    assert body["created_at"].endswith("+04:00")
    assert [(one["sku"], one["quantity"], one["price"]) for one in body["line_items"]] == [("A1", 2, "10.00")]


def test_what_follows_an_order_is_told(store: Store, receiver: Receiver) -> None:
    store.article("A1")
    number = store.buy(("A1", 3, "10.00")).rpartition("/")[2]
    subscribe(store, receiver, "REFUNDS_CREATE", "FULFILLMENTS_CREATE", "ORDERS_CANCELLED", "ORDERS_FULFILLED")
    store.control("refunds", {"order": number, "lines": [{"index": 0, "quantity": 1, "amount": "10"}]})
    store.control("shipments", {"order": number, "tracking": "GB1"})
    other = store.buy(("A1", 1, "10.00")).rpartition("/")[2]
    store.control("cancellations", {"order": other})
    wait(store)
    told = [(one.headers["X-Shopify-Topic"], one.json) for one in receiver.got]
    assert [topic for topic, _ in told] == [
        "refunds/create", "orders/fulfilled", "fulfillments/create", "refunds/create", "orders/cancelled"
    ]  # fmt: skip
    refund, sent = told[0][1], told[2][1]
    assert (refund["order_id"], refund["transactions"][0]["amount"]) == (int(number), "10.00")
    assert [(one["quantity"], one["restock_type"]) for one in refund["refund_line_items"]] == [(1, "no_restock")]
    assert (sent["tracking_number"], sent["line_items"][0]["quantity"]) == ("GB1", 2)
    assert told[-1][1]["cancel_reason"] == "customer"


def test_stock_and_products_are_told(store: Store, receiver: Receiver) -> None:
    things = store.article("A1", stock=10)
    subscribe(store, receiver, "INVENTORY_LEVELS_UPDATE", "PRODUCTS_UPDATE", "PRODUCTS_DELETE")
    store.buy(("A1", 4, "10.00"))
    wait(store)
    assert sorted(topics(receiver)) == ["inventory_levels/update", "products/update"]
    (level,) = (one.json for one in receiver.got if one.headers["X-Shopify-Topic"] == "inventory_levels/update")
    assert (level["available"], level["inventory_item_id"]) == (6, int(things["item"].rpartition("/")[2]))
    receiver.got.clear()
    end = "mutation($id: ID!) { productDelete(input: {id: $id}) { deletedProductId userErrors { message } } }"
    store.mutate(end, id=things["product"])
    wait(store)
    assert (topics(receiver), receiver.got[0].json) == (
        ["products/delete"], {"id": int(things["product"].rpartition("/")[2])})  # fmt: skip


def test_only_the_fields_asked_for(store: Store, receiver: Receiver) -> None:
    store.article("A1")
    subscribe(store, receiver, "ORDERS_CREATE", includeFields=["id", "name"])
    store.buy(("A1", 1, "10.00"))
    wait(store)
    assert set(receiver.got[0].json) == {"id", "name"}
    assert receiver.got[0].headers["X-Shopify-Hmac-Sha256"] == sign(store, receiver.got[0])


def test_who_does_not_answer_is_told_again_and_then_given_up(store: Store, receiver: Receiver) -> None:
    store.sim.retry_seconds = (0.02,) * 8
    store.article("A1")
    subscribe(store, receiver, "ORDERS_CREATE")
    receiver.status = 500
    store.buy(("A1", 1, "10.00"))
    deadline = time.monotonic() + 5
    while store.sim.shop.rows["WebhookSubscription"] and time.monotonic() < deadline:
        time.sleep(0.02)
    assert store.call(LIST)["webhookSubscriptions"]["nodes"] == []
    assert len(receiver.got) == 9
    assert len({(one.body, one.headers["X-Shopify-Webhook-Id"]) for one in receiver.got}) == 1


def test_webhooks_are_lost_repeated_and_overtake_one_another(store: Store, receiver: Receiver) -> None:
    store.article("A1", stock=50)
    subscribe(store, receiver, "ORDERS_CREATE")

    def told(count: int) -> list[str]:
        receiver.got.clear()
        for _ in range(count):
            store.buy(("A1", 1, "10.00"))
        wait(store)
        return [one.json["name"] for one in receiver.got]

    store.dials(webhook_drop=1)
    assert told(2) == []
    store.dials(webhook_drop=0, webhook_duplicate=1)
    assert sorted(told(2)) == ["#1003", "#1003", "#1004", "#1004"]
    store.dials(webhook_duplicate=0, webhook_reorder=0.5)
    names = told(6)
    assert sorted(names) == [f"#{number}" for number in range(1005, 1011)]
    assert names != sorted(names)


# --- bulk operations --------------------------------------------------------------------------------------------------

RUN = """mutation($query: String!) { bulkOperationRunQuery(query: $query) {
  bulkOperation { id status url } userErrors { code field message } } }"""
READ = """query($id: ID!) { bulkOperation(id: $id) {
  status errorCode type url objectCount rootObjectCount fileSize } }"""


def test_everything_is_read_into_a_file(store: Store, receiver: Receiver) -> None:
    for sku in ("A1", "A2"):
        store.article(sku)
    subscribe(store, receiver, "BULK_OPERATIONS_FINISH")
    query = "{ products { edges { node { id title variants { edges { node { id sku } } } } } } }"
    started = store.mutate(RUN, query=query)["bulkOperation"]
    assert (started["status"], started["url"]) == ("CREATED", None)
    found = store.call(READ, id=started["id"])["bulkOperation"]
    assert (found["status"], found["objectCount"], found["rootObjectCount"]) == ("COMPLETED", "4", "2")
    text = requests.get(found["url"], timeout=10).content  # without a token: the address is the secret
    assert len(text) == int(found["fileSize"])
    lines = [json.loads(line) for line in text.splitlines()]
    assert [(one.get("title"), one.get("sku"), "__parentId" in one) for one in lines] == [
        ("Thing A1", None, False), (None, "A1", True), ("Thing A2", None, False), (None, "A2", True)
    ]  # fmt: skip
    assert lines[1]["__parentId"] == lines[0]["id"]
    wait(store)
    assert (receiver.got[0].json["admin_graphql_api_id"], receiver.got[0].json["status"]) == (
        started["id"],
        "completed",
    )
    empty = store.mutate(RUN, query="{ orders { edges { node { id } } } }")["bulkOperation"]["id"]
    assert store.call(READ, id=empty)["bulkOperation"]["url"] is None


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("{ shop { name } }", "at least one connection"),
        ("{ products { edges { node { title variants { edges { node { id } } } } } } }", "must select the 'id' field"),
        ("mutation { tagsAdd(id: 1, tags: []) { userErrors { message } } }", "Only `query` operations"),
        ("{ nope }", "Cannot query field"),
    ],
)
def test_bulk_queries_that_are_refused(store: Store, query: str, said: str) -> None:
    error = store.refused(RUN, query=query)
    assert said in error["message"]
    assert error["field"] == ["query"]
    assert store.call("{ currentBulkOperation { id } }")["currentBulkOperation"] is None


def test_a_mutation_is_run_once_a_line(store: Store) -> None:
    stage = """mutation { stagedUploadsCreate(input: [{resource: BULK_MUTATION_VARIABLES, filename: "in.jsonl",
        mimeType: "text/jsonl", httpMethod: POST}]) {
        stagedTargets { url parameters { name value } } userErrors { message } } }"""
    (target,) = store.mutate(stage)["stagedTargets"]
    fields = {one["name"]: one["value"] for one in target["parameters"]}
    lines = [json.dumps({"input": {"firstName": "Ada"}}), json.dumps({"input": {}}), json.dumps({})]
    sent = requests.post(target["url"], data=fields, files={"file": ("in.jsonl", "\n".join(lines))}, timeout=10)
    assert sent.status_code == 201
    run = """mutation($mutation: String!, $path: String!) { bulkOperationRunMutation(mutation: $mutation,
        stagedUploadPath: $path) { bulkOperation { id } userErrors { code message } } }"""
    inner = """mutation($input: CustomerInput!) { customerCreate(input: $input) {
        customer { firstName } userErrors { message } } }"""
    assert store.refused(run, mutation=inner, path="tmp/none")["code"] == "NO_SUCH_FILE"
    operation = store.mutate(run, mutation=inner, path=fields["key"])["bulkOperation"]["id"]
    found = store.call(READ, id=operation)["bulkOperation"]
    assert (found["status"], found["type"], found["objectCount"]) == ("COMPLETED", "MUTATION", "3")
    good, bad, wrong = (json.loads(line) for line in requests.get(found["url"], timeout=10).text.splitlines())
    assert good == {
        "data": {"customerCreate": {"customer": {"firstName": "Ada"}, "userErrors": []}}, "__lineNumber": 0
    }  # fmt: skip
    assert bad["data"]["customerCreate"]["customer"] is None
    assert (wrong["__lineNumber"], "errors" in wrong) == (2, True)
    assert store.call("{ customersCount { count } }")["customersCount"]["count"] == 1
