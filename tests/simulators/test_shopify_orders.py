"""The Shopify simulator's orders, cancelled or sent, as a client that knows nothing of us would use them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.simulators.shopify_client import Store, open_store
from tests.simulators.shopify_orders import SHIP, buyer, line, pounds, read, send, shop


@pytest.fixture
def store() -> Iterator[Store]:
    with open_store() as store:
        yield store


CREATE = """mutation($order: OrderCreateOrderInput!, $options: OrderCreateOptionsInput) {
  orderCreate(order: $order, options: $options) { order { id name } userErrors { code field message } } }"""
CANCEL = """mutation($id: ID!, $refund: Boolean!, $restock: Boolean!) {
  orderCancel(orderId: $id, reason: CUSTOMER, restock: $restock,
    refundMethod: {originalPaymentMethodsRefund: $refund}) {
    job { id done } orderCancelUserErrors { code field message } } }"""


# --- what was bought --------------------------------------------------------------------------------------------------


def test_a_buyers_order(store: Store) -> None:
    store.article("A1", stock=10)
    order = read(store, store.buy(("A1", 3, "10.00"), tax_rate="20", shipping="5"))
    assert (order["name"], order["displayFinancialStatus"], order["displayFulfillmentStatus"]) == (
        "#1001", "PAID", "UNFULFILLED")  # fmt: skip
    sums = {name: shop(bag) for name, bag in order.items() if name.endswith("Set")}
    assert sums == {
        "totalPriceSet": "42.0", "subtotalPriceSet": "30.0", "totalTaxSet": "7.0", "totalDiscountsSet": "0.0",
        "totalShippingPriceSet": "5.0", "currentTotalPriceSet": "42.0", "totalRefundedSet": "0.0",
        "totalOutstandingSet": "0.0", "netPaymentSet": "42.0", "refundDiscrepancySet": "0.0",
    }  # fmt: skip
    assert [(one["title"], one["rate"], shop(one["priceSet"])) for one in line(order)["taxLines"]] == [
        ("VAT", 0.2, "6.0")
    ]
    assert [(one["kind"], one["status"], shop(one["amountSet"])) for one in order["transactions"]] == [
        ("SALE", "SUCCESS", "42.0")
    ]
    assert order["customer"]["email"] == "ada@example.com"
    assert order["shippingAddress"]["formatted"] == ["1 Engine Way", "United Kingdom"]
    assert store.quantities(store.article("A2")["item"])["committed"] == 0


def test_the_buyers_currency_stands_beside_the_shops(store: Store) -> None:
    store.article("A1")
    order = read(store, store.buy(("A1", 3, "9.99"), currency="EUR"))
    assert (order["currencyCode"], order["presentmentCurrencyCode"]) == ("GBP", "EUR")
    assert (shop(order["totalPriceSet"]), buyer(order["totalPriceSet"])) == ("29.97", "34.47 EUR")
    assert buyer(line(order)["originalUnitPriceSet"]) == "11.49 EUR"


def test_a_discount_is_shared_out_to_the_coin(store: Store) -> None:
    store.article("A1")
    store.article("A2")
    order = read(store, store.buy(("A1", 1, "10.00"), ("A2", 2, "10.00"), discount="10"))
    shares = [shop(one["discountedTotalSet"]) for one in order["lineItems"]["nodes"]]
    assert shares == ["6.67", "13.33"]
    assert (shop(order["totalDiscountsSet"]), shop(order["totalPriceSet"])) == ("10.0", "20.0")


def test_what_is_not_paid_yet(store: Store) -> None:
    store.article("A1", stock=50)
    states = {
        payment: read(store, store.buy(("A1", 1, "10.00"), payment=payment, paid=False))["displayFinancialStatus"]
        for payment in ("card", "cod")
    }
    assert states == {"card": "AUTHORIZED", "cod": "PENDING"}
    order = store.buy(("A1", 1, "10.00"), payment="cod", paid=False)
    assert shop(read(store, order)["totalOutstandingSet"]) == "10.0"
    paid = "mutation($id: ID!) { orderMarkAsPaid(input: {id: $id}) { order { fullyPaid } userErrors { message } } }"
    assert store.mutate(paid, id=order)["order"] == {"fullyPaid": True}
    assert store.refused(paid, id=order)["message"] == "Order cannot be marked as paid."
    card = store.buy(("A1", 1, "10.00"), payment="card", paid=False)
    parent = read(store, card)["transactions"][0]["id"]
    capture = """mutation($id: ID!, $parent: ID!, $amount: Money!) { orderCapture(input: {
        id: $id, parentTransactionId: $parent, amount: $amount}) { transaction { kind } userErrors { message } } }"""
    assert store.refused(capture, id=card, parent=parent, amount="10.01")["message"].startswith("Amount is greater")
    assert store.mutate(capture, id=card, parent=parent, amount="10")["transaction"] == {"kind": "CAPTURE"}
    assert read(store, card)["displayFinancialStatus"] == "PAID"


def test_an_order_is_made_by_the_api(store: Store) -> None:
    things = store.article("A1", stock=10)
    given = {
        "lineItems": [{"variantId": things["variant"], "quantity": 2, "priceSet": pounds("8")}],
        "email": "bob@example.com", "sourceIdentifier": "WEB-7", "tags": ["import"], "note": "Ring twice",
        "customer": {"toUpsert": {"email": "bob@example.com", "firstName": "Bob"}},
        "taxLines": [{"title": "VAT", "rate": 0.2, "priceSet": pounds("3.2")}],
        "transactions": [{"kind": "SALE", "status": "SUCCESS", "gateway": "manual", "amountSet": pounds("19.2")}],
    }  # fmt: skip
    made = store.mutate(CREATE, order=given, options={"inventoryBehaviour": "DECREMENT_OBEYING_POLICY"})["order"]
    order = read(store, made["id"])
    assert (shop(order["totalPriceSet"]), order["displayFinancialStatus"], order["tags"]) == (
        "19.2",
        "PAID",
        ["import"],
    )
    assert (order["customer"]["displayName"], order["note"]) == ("Bob", "Ring twice")
    assert store.quantities(things["item"]) == {"available": 8, "committed": 2, "on_hand": 10}
    found = store.call('{ orders(first: 5, query: "source_identifier:WEB-7") { nodes { id } } }')["orders"]["nodes"]
    assert found == [{"id": made["id"]}]
    store.mutate(CREATE, order=given)  # BYPASS is the default: no stock is promised
    assert store.available(things["item"]) == 8


def test_an_order_the_stock_does_not_have(store: Store) -> None:
    things = store.article("A1", stock=1)
    given = {"lineItems": [{"variantId": things["variant"], "quantity": 2}]}
    error = store.refused(CREATE, order=given, options={"inventoryBehaviour": "DECREMENT_OBEYING_POLICY"})
    assert error["code"] == "INVENTORY_CLAIM_FAILED"
    assert store.refused(CREATE, order={"lineItems": []})["message"].startswith("Line items")
    missing = {"lineItems": [{"variantId": "gid://shopify/ProductVariant/1", "quantity": 1}]}
    assert store.refused(CREATE, order=missing)["field"] == ["order", "lineItems", "0", "variantId"]
    assert store.facts("orders") == []


def test_orders_are_found(store: Store) -> None:
    store.article("A1", stock=50)
    first = store.buy(("A1", 1, "10.00"), number="WEB-1")
    second = store.buy(("A1", 1, "10.00"), payment="cod", paid=False)
    query = "query($query: String!) { orders(first: 5, query: $query) { nodes { id } } }"
    for text, found in {
        "name:WEB-1": [first],
        "name:'#1002'": [second],
        "name:1002": [second],
        "financial_status:paid": [first],
        "financial_status:pending": [second],
        "fulfillment_status:unshipped AND email:ada@example.com": [first, second],
        "status:cancelled": [],
        "status:not_closed": [first, second],
        "email:eve@example.com": [],
        f"id:>{second.rpartition('/')[2]}": [],
        f"id:>={second.rpartition('/')[2]}": [second],
    }.items():
        assert (text, [one["id"] for one in store.call(query, query=text)["orders"]["nodes"]]) == (text, found)
    store.mutate("""mutation($id: ID!) { metafieldsSet(metafields: [{ownerId: $id, namespace: "portal", key: "ref",
        type: "single_line_text_field", value: "R-1"}]) { userErrors { message } } }""", id=first)  # fmt: skip
    found = store.call(query, query="metafields.portal.ref:'R-1'")["orders"]["nodes"]
    assert found == [{"id": first}]


# --- cancelled --------------------------------------------------------------------------------------------------------


def test_a_cancelled_order_gives_back_money_and_goods(store: Store) -> None:
    things = store.article("A1", stock=10)
    order = store.buy(("A1", 3, "10.00"), shipping="5")
    payload = store.mutate(CANCEL, id=order, refund=True, restock=True)
    assert payload["job"]["done"] is False
    assert store.call("query($id: ID!) { job(id: $id) { done } }", id=payload["job"]["id"])["job"] == {"done": True}
    found = read(store, order)
    assert (found["displayFinancialStatus"], found["cancelReason"], found["closed"]) == ("REFUNDED", "CUSTOMER", True)
    assert (shop(found["totalRefundedSet"]), shop(found["currentTotalPriceSet"])) == ("35.0", "0.0")
    assert line(found)["currentQuantity"] == 0
    assert [one["status"] for one in found["fulfillmentOrders"]["nodes"]] == ["CLOSED"]
    assert store.quantities(things["item"]) == {"available": 10, "committed": 0, "on_hand": 10}
    assert store.refused(CANCEL, id=order, refund=True, restock=True)["message"].endswith("already been cancelled")


def test_a_cancelled_order_that_was_not_paid_is_void(store: Store) -> None:
    store.article("A1", stock=10)
    order = store.buy(("A1", 1, "10.00"), payment="card", paid=False)
    store.mutate(CANCEL, id=order, refund=False, restock=True)
    found = read(store, order)
    assert found["displayFinancialStatus"] == "VOIDED"
    assert [one["kind"] for one in found["transactions"]] == ["AUTHORIZATION", "VOID"]
    assert [shop(one["totalRefundedSet"]) for one in found["refunds"]] == ["0.0"]


def test_what_was_sent_is_not_cancelled(store: Store) -> None:
    store.article("A1", stock=10)
    order = store.buy(("A1", 3, "10.00"))
    send(store, order)
    error = store.refused(CANCEL, id=order, refund=True, restock=True)
    assert (error["code"], error["field"]) == ("INVALID", ["orderId"])
    assert read(store, order)["cancelledAt"] is None


# --- fulfilment orders and fulfilments --------------------------------------------------------------------------------


def test_a_part_is_sent_and_then_the_rest(store: Store) -> None:
    things = store.article("A1", stock=10)
    order = store.buy(("A1", 3, "10.00"))
    owner = read(store, order)["fulfillmentOrders"]["nodes"][0]
    part = {"id": owner["lineItems"]["nodes"][0]["id"], "quantity": 2}
    given = {
        "lineItemsByFulfillmentOrder": [{"fulfillmentOrderId": owner["id"], "fulfillmentOrderLineItems": [part]}],
        "trackingInfo": {"number": "GB123", "company": "Royal Mail", "url": "https://example.com/GB123"},
    }
    store.mutate(SHIP, fulfillment=given)
    found = read(store, order)
    assert found["displayFulfillmentStatus"] == "PARTIALLY_FULFILLED"
    assert found["fulfillmentOrders"]["nodes"][0]["status"] == "IN_PROGRESS"
    assert line(found)["unfulfilledQuantity"] == 1
    tracking = {"number": "GB123", "company": "Royal Mail", "url": "https://example.com/GB123"}
    assert [(one["totalQuantity"], one["trackingInfo"]) for one in found["fulfillments"]] == [(2, [tracking])]
    assert store.quantities(things["item"]) == {"available": 7, "committed": 1, "on_hand": 8}
    assert (
        store.refused(SHIP, fulfillment=given)["message"] == "Invalid fulfillment order line item quantity requested."
    )
    send(store, order)
    found = read(store, order)
    assert (found["displayFulfillmentStatus"], len(found["fulfillments"])) == ("FULFILLED", 2)
    assert found["fulfillmentOrders"]["nodes"][0]["status"] == "CLOSED"
    assert store.quantities(things["item"]) == {"available": 7, "committed": 0, "on_hand": 7}
    closed = {"lineItemsByFulfillmentOrder": [{"fulfillmentOrderId": owner["id"]}]}
    assert "unfulfillable status= closed" in store.refused(SHIP, fulfillment=closed)["message"]


def test_tracking_is_told_later(store: Store) -> None:
    store.article("A1", stock=10)
    order = store.buy(("A1", 1, "10.00"))
    made = send(store, order)
    update = """mutation($id: ID!, $info: FulfillmentTrackingInput!) { fulfillmentTrackingInfoUpdate(
        fulfillmentId: $id, trackingInfoInput: $info) {
        fulfillment { trackingInfo { number } } userErrors { message } } }"""
    payload = store.mutate(update, id=made["id"], info={"numbers": ["A", "B"], "company": "DHL"})
    assert payload["fulfillment"]["trackingInfo"] == [{"number": "A"}, {"number": "B"}]
    assert [row["tracking"] for row in store.facts("shipments")] == ["A"]


def test_a_parcel_that_did_not_go_is_to_be_sent_again(store: Store) -> None:
    things = store.article("A1", stock=10)
    order = store.buy(("A1", 2, "10.00"))
    made = send(store, order)
    cancel = "mutation($id: ID!) { fulfillmentCancel(id: $id) { fulfillment { status } userErrors { message } } }"
    assert store.mutate(cancel, id=made["id"])["fulfillment"] == {"status": "CANCELLED"}
    found = read(store, order)
    assert found["displayFulfillmentStatus"] == "UNFULFILLED"
    assert [one["status"] for one in found["fulfillmentOrders"]["nodes"]] == ["CLOSED", "OPEN"]
    assert store.quantities(things["item"]) == {"available": 8, "committed": 2, "on_hand": 10}


def test_a_fulfilment_order_on_hold_cannot_be_sent(store: Store) -> None:
    store.article("A1", stock=10)
    order = store.buy(("A1", 1, "10.00"))
    owner = read(store, order)["fulfillmentOrders"]["nodes"][0]["id"]
    hold = """mutation($id: ID!) { fulfillmentOrderHold(id: $id, fulfillmentHold: {reason: AWAITING_PAYMENT}) {
        fulfillmentOrder { status fulfillmentHolds { reason } } userErrors { message } } }"""
    held = store.mutate(hold, id=owner)["fulfillmentOrder"]
    assert held == {"status": "ON_HOLD", "fulfillmentHolds": [{"reason": "AWAITING_PAYMENT"}]}
    given = {"lineItemsByFulfillmentOrder": [{"fulfillmentOrderId": owner}]}
    assert "on_hold" in store.refused(SHIP, fulfillment=given)["message"]
    assert read(store, order)["displayFulfillmentStatus"] == "ON_HOLD"
    release = """mutation($id: ID!) { fulfillmentOrderReleaseHold(id: $id) {
        fulfillmentOrder { status } userErrors { message } } }"""
    assert store.mutate(release, id=owner)["fulfillmentOrder"] == {"status": "OPEN"}
    store.mutate(SHIP, fulfillment=given)
