"""The Shopify simulator's refunds and returns, which are not the same, as a stranger would use them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.simulators.shopify_client import Store, key, open_store
from tests.simulators.shopify_orders import line, read, send, shop


@pytest.fixture
def store() -> Iterator[Store]:
    with open_store() as store:
        yield store


REFUND = """mutation($input: RefundInput!, $key: String!) { refundCreate(input: $input) @idempotent(key: $key) {
  refund { id totalRefundedSet { shopMoney { amount } presentmentMoney { amount } } }
  userErrors { field message } } }"""


# --- refunds ----------------------------------------------------------------------------------------------------------


def refund_of(order: dict[str, Any], quantity: int, amount: str, **more: Any) -> dict[str, Any]:
    return {
        "refundLineItems": [{"lineItemId": line(order)["id"], "quantity": quantity, **more}],
        "transactions": [{"amount": amount, "gateway": order["paymentGatewayNames"][0], "kind": "REFUND",
                          "parentId": order["transactions"][0]["id"], "orderId": "gid://shopify/Order/1"}],
    }  # fmt: skip


def test_a_refund_takes_lines_off_and_gives_money_back_once(store: Store) -> None:
    things = store.article("A1", stock=10)
    order = store.buy(("A1", 3, "10.00"), tax_rate="20")
    found = read(store, order)
    given = {"orderId": order, "note": "Too many", **refund_of(found, 1, "12.00", restockType="CANCEL")}
    mark = key()
    first = store.mutate(REFUND, input=given, key=mark)["refund"]
    assert store.mutate(REFUND, input=given, key=mark)["refund"] == first
    found = read(store, order)
    assert (found["displayFinancialStatus"], shop(found["totalRefundedSet"])) == ("PARTIALLY_REFUNDED", "12.0")
    assert (shop(found["currentTotalPriceSet"]), shop(found["totalPriceSet"])) == ("24.0", "36.0")
    (made,) = found["refunds"]
    (row,) = made["refundLineItems"]["nodes"]
    assert (row["quantity"], shop(row["subtotalSet"]), shop(row["totalTaxSet"])) == (1, "10.0", "2.0")
    assert (made["note"], made["return"], found["returns"]["nodes"]) == ("Too many", None, [])
    assert (line(found)["currentQuantity"], line(found)["unfulfilledQuantity"]) == (2, 2)
    assert store.quantities(things["item"]) == {"available": 8, "committed": 2, "on_hand": 10}
    assert [one["parentTransaction"] for one in found["transactions"]][1] == {"id": found["transactions"][0]["id"]}


def test_goods_that_came_back_are_put_where_it_is_said(store: Store) -> None:
    things = store.article("A1", stock=10)
    order = store.buy(("A1", 2, "10.00"))
    send(store, order)
    given = refund_of(read(store, order), 1, "10", restockType="RETURN", locationId=things["location"])
    store.mutate(REFUND, input={"orderId": order, **given}, key=key())
    assert store.quantities(things["item"]) == {"available": 9, "committed": 0, "on_hand": 9}
    without = refund_of(read(store, order), 1, "10", restockType="RETURN")
    error = store.refused(REFUND, input={"orderId": order, **without}, key=key())
    assert error["field"] == ["refundLineItems", "0", "locationId"]


def test_more_than_was_paid_or_bought_is_refused(store: Store) -> None:
    store.article("A1", stock=10)
    order = store.buy(("A1", 2, "10.00"))
    found = read(store, order)
    error = store.refused(REFUND, input={"orderId": order, **refund_of(found, 3, "1")}, key=key())
    assert error["message"] == "Quantity cannot refund more items than were purchased"
    error = store.refused(REFUND, input={"orderId": order, **refund_of(found, 1, "20.01")}, key=key())
    assert error["field"] == ["transactions"]
    assert read(store, order)["refunds"] == []
    assert store.codes(REFUND.replace("@idempotent(key: $key)", "").replace(", $key: String!", ""),
                       input={"orderId": order, **refund_of(found, 1, "1")}) == ["BAD_REQUEST"]  # fmt: skip


def test_money_beside_the_lines_is_a_discrepancy(store: Store) -> None:
    store.article("A1", stock=10)
    order = store.buy(("A1", 2, "10.00"))
    given = {"orderId": order, **refund_of(read(store, order), 1, "7")}
    store.mutate(REFUND, input=given, key=key())
    found = read(store, order)
    assert (shop(found["totalRefundedSet"]), shop(found["refundDiscrepancySet"])) == ("7.0", "3.0")
    assert shop(found["totalOutstandingSet"]) == "0.0"


def test_a_refund_is_in_the_buyers_currency(store: Store) -> None:
    store.article("A1", stock=10)
    order = store.buy(("A1", 2, "10.00"), currency="EUR")
    given = {"orderId": order, **refund_of(read(store, order), 1, "11.50")}
    assert store.refused(REFUND, input=given, key=key())["field"] == ["currency"]
    made = store.mutate(REFUND, input={**given, "currency": "EUR"}, key=key())["refund"]
    assert made["totalRefundedSet"] == {"shopMoney": {"amount": "10.0"}, "presentmentMoney": {"amount": "11.5"}}


def test_a_refund_is_suggested(store: Store) -> None:
    store.article("A1", stock=10)
    order = store.buy(("A1", 2, "10.00"), tax_rate="10", shipping="4")
    query = """query($id: ID!, $lines: [RefundLineItemInput!]) { order(id: $id) {
        suggestedRefund(refundLineItems: $lines) {
        amountSet { shopMoney { amount } } suggestedTransactions { gateway amountSet { shopMoney { amount } } } } } }"""
    lines = [{"lineItemId": line(read(store, order))["id"], "quantity": 1}]
    found = store.call(query, id=order, lines=lines)["order"]["suggestedRefund"]
    assert shop(found["amountSet"]) == "11.0"
    assert [shop(one["amountSet"]) for one in found["suggestedTransactions"]] == ["11.0"]


# --- returns ----------------------------------------------------------------------------------------------------------

RETURN = """mutation($input: ReturnInput!) { returnCreate(returnInput: $input) {
  return { id status name returnLineItems(first: 5) { nodes { id quantity } }
    reverseFulfillmentOrders(first: 1) { nodes { lineItems(first: 5) { nodes { id totalQuantity } } } } }
  userErrors { code field message } } }"""
PROCESS = """mutation($input: ReturnProcessInput!) { returnProcess(input: $input) {
  return { id status refunds(first: 2) { nodes { id totalRefundedSet { shopMoney { amount } } } } }
  userErrors { code field message } } }"""


def send_back(store: Store, order: str, quantity: int) -> dict[str, Any]:
    sent = read(store, order)["fulfillments"][0]["fulfillmentLineItems"]["nodes"][0]
    row = {"fulfillmentLineItemId": sent["id"], "quantity": quantity, "returnReason": "DEFECTIVE"}
    made: dict[str, Any] = store.mutate(RETURN, input={"orderId": order, "returnLineItems": [row]})["return"]
    return made


def test_a_return_moves_no_money_and_no_goods(store: Store) -> None:
    things = store.article("A1", stock=10)
    order = store.buy(("A1", 3, "10.00"))
    send(store, order)
    made = send_back(store, order, 2)
    assert (made["status"], made["name"]) == ("OPEN", "#1001-R1")
    found = read(store, order)
    assert (found["returnStatus"], found["displayFinancialStatus"], found["refunds"]) == ("IN_PROGRESS", "PAID", [])
    assert (line(found)["currentQuantity"], store.available(things["item"])) == (3, 7)
    close = "mutation($id: ID!) { returnClose(id: $id) { return { status } userErrors { message } } }"
    assert store.mutate(close, id=made["id"])["return"] == {"status": "CLOSED"}
    found = read(store, order)
    assert (found["returnStatus"], found["refunds"]) == ("RETURNED", [])


def test_a_return_is_processed_with_goods_and_money(store: Store) -> None:
    things = store.article("A1", stock=10)
    order = store.buy(("A1", 3, "10.00"))
    send(store, order)
    made = send_back(store, order, 2)
    reverse = made["reverseFulfillmentOrders"]["nodes"][0]["lineItems"]["nodes"][0]["id"]
    dispositions = [
        {"reverseFulfillmentOrderLineItemId": reverse, "quantity": 1, "dispositionType": "RESTOCKED",
         "locationId": things["location"]},
        {"reverseFulfillmentOrderLineItemId": reverse, "quantity": 1, "dispositionType": "NOT_RESTOCKED"},
    ]  # fmt: skip
    payment = {"parentId": read(store, order)["transactions"][0]["id"],
               "transactionAmount": {"amount": "20", "currencyCode": "GBP"}}  # fmt: skip
    lines = [{"id": made["returnLineItems"]["nodes"][0]["id"], "quantity": 2, "dispositions": dispositions}]
    transfer = {"issueRefund": {"orderTransactions": [payment]}}
    given = {"returnId": made["id"], "returnLineItems": lines, "financialTransfer": transfer}
    payload = store.mutate(PROCESS, input=given)["return"]
    assert payload["status"] == "CLOSED"
    assert [shop(one["totalRefundedSet"]) for one in payload["refunds"]["nodes"]] == ["20.0"]
    found = read(store, order)
    assert [one["return"] for one in found["refunds"]] == [{"id": made["id"]}]
    assert (found["returnStatus"], line(found)["currentQuantity"]) == ("RETURNED", 1)
    assert store.quantities(things["item"]) == {"available": 8, "committed": 0, "on_hand": 8}
    assert store.refused(PROCESS, input=given)["code"] == "INVALID_STATE"


def test_only_what_was_sent_and_is_not_back_can_be_returned(store: Store) -> None:
    store.article("A1", stock=10)
    order = store.buy(("A1", 2, "10.00"))
    send(store, order)
    send_back(store, order, 1)
    sent = read(store, order)["fulfillments"][0]["fulfillmentLineItems"]["nodes"][0]["id"]
    row = {"fulfillmentLineItemId": sent, "quantity": 2, "returnReason": "OTHER"}
    error = store.refused(RETURN, input={"orderId": order, "returnLineItems": [row]})
    assert (error["code"], error["field"][-1]) == ("INVALID", "quantity")
    query = """query($id: ID!) { returnableFulfillments(orderId: $id, first: 5) { nodes {
        returnableFulfillmentLineItems(first: 5) { nodes { quantity } } } } }"""
    (found,) = store.call(query, id=order)["returnableFulfillments"]["nodes"]
    assert found["returnableFulfillmentLineItems"]["nodes"] == [{"quantity": 1}]


def test_a_buyer_asks_to_return_and_is_answered(store: Store) -> None:
    store.article("A1", stock=10)
    order = store.buy(("A1", 2, "10.00"))
    send(store, order)
    sent = read(store, order)["fulfillments"][0]["fulfillmentLineItems"]["nodes"][0]["id"]
    ask = """mutation($input: ReturnRequestInput!) { returnRequest(input: $input) {
        return { id status } userErrors { message } } }"""
    row = {"fulfillmentLineItemId": sent, "quantity": 1, "returnReason": "COLOR", "customerNote": "Too blue"}
    given = {"orderId": order, "returnLineItems": [row]}
    first = store.mutate(ask, input=given)["return"]
    assert (first["status"], read(store, order)["returnStatus"]) == ("REQUESTED", "RETURN_REQUESTED")
    decline = """mutation($id: ID!) { returnDeclineRequest(input: {id: $id, declineReason: FINAL_SALE}) {
        return { status decline { reason } } userErrors { message } } }"""
    answer = {"status": "DECLINED", "decline": {"reason": "FINAL_SALE"}}
    assert store.mutate(decline, id=first["id"])["return"] == answer
    second = store.mutate(ask, input=given)["return"]
    approve = (
        "mutation($id: ID!) { returnApproveRequest(input: {id: $id}) { return { status } userErrors { message } } }"
    )
    assert store.mutate(approve, id=second["id"])["return"] == {"status": "OPEN"}
    assert read(store, order)["returnStatus"] == "IN_PROGRESS"
