"""Refunds of the simulated shop: by amount and by line, by the gateway and by hand, and what goes back into stock.

https://woocommerce.github.io/woocommerce-rest-api-docs/#order-refunds
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.simulators.woocommerce_client import Store, open_store

CANNOT = "woocommerce_rest_cannot_create_order_refund"


@pytest.fixture
def store() -> Iterator[Store]:
    with open_store() as store:
        yield store


@pytest.fixture
def order(store: Store) -> dict[str, Any]:
    """Two of A1 at 10.00 and shipping of 5.00, 20 % tax, paid by card: 30.00 in all."""
    store.tax("20")
    product = store.product(stock=10)
    return store.order(
        {"product_id": product, "quantity": 2}, shipping_lines=[{"method_id": "flat_rate", "total": "5.00"}],
        billing={"country": "GB"}, payment_method="card", set_paid=True,
    )  # fmt: skip


def by_hand(amount: str | None = None, **more: Any) -> dict[str, Any]:
    return {"api_refund": False, **({} if amount is None else {"amount": amount}), **more}


def test_an_amount_by_hand(store: Store, order: dict[str, Any]) -> None:
    path = f"orders/{order['id']}/refunds"
    made = store.post(path, by_hand("7.50", reason="Scratched", meta_data=[{"key": "ref", "value": "R-1"}]))
    assert (made["amount"], made["reason"], made["refunded_payment"], made["refunded_by"]) == (
        "7.50", "Scratched", False, 1,
    )  # fmt: skip
    assert (made["line_items"], made["shipping_lines"], made["tax_lines"]) == ([], [], [])
    assert [(m["key"], m["value"]) for m in made["meta_data"]] == [("ref", "R-1")]
    assert made["_links"]["up"][0]["href"].endswith(f"/orders/{order['id']}")
    assert store.get(f"{path}/{made['id']}") == made
    seen = store.get(f"orders/{order['id']}")
    assert seen["refunds"] == [{"id": made["id"], "reason": "Scratched", "total": "-7.50", "total_tax": "0.00"}]
    assert (seen["status"], seen["total"]) == ("processing", "30.00")
    assert store.facts("refunds")[0]["amount"] == "7.50"


def test_a_line_by_its_id(store: Store, order: dict[str, Any]) -> None:
    line, rate = order["line_items"][0], order["tax_lines"][0]["rate_id"]
    taxes = [{"id": rate, "refund_total": 2}]
    rows = [{"id": line["id"], "quantity": 1, "refund_total": 10, "refund_tax": taxes}]
    made = store.post(f"orders/{order['id']}/refunds", by_hand(line_items=rows))
    assert made["amount"] == "12.00"  # of the lines and their taxes
    (back,) = made["line_items"]
    assert back["id"] != line["id"]
    assert (back["quantity"], back["subtotal"], back["total"], back["total_tax"]) == (-1, "-10.00", "-10.00", "-2.00")
    assert (back["price"], back["sku"], back["name"]) == (10, "A1", "Thing A1")
    assert back["taxes"] == [{"id": rate, "total": "-2", "subtotal": "-2"}]
    assert [(m["key"], m["value"]) for m in back["meta_data"]] == [("_refunded_item_id", str(line["id"]))]
    (tax,) = made["tax_lines"]
    assert (tax["rate_id"], tax["tax_total"], tax["shipping_tax_total"]) == (rate, "-2.00", "0.00")
    seen = store.get(f"orders/{order['id']}")
    assert seen["line_items"] == order["line_items"]
    assert seen["refunds"] == [{"id": made["id"], "reason": "", "total": "-12.00", "total_tax": "-2.00"}]
    assert store.facts("refunds")[0]["lines"] == [{"sku": "A1", "quantity": "1", "total": "10.00"}]


def test_shipping_and_the_other_forms(store: Store, order: dict[str, Any]) -> None:
    line, shipping = order["line_items"][0]["id"], order["shipping_lines"][0]["id"]
    rate = str(order["tax_lines"][0]["rate_id"])
    rows = {
        str(line): {"qty": 1, "refund_total": "1.00", "refund_tax": {rate: "0.20"}},
        str(shipping): {"refund_total": "5.00", "refund_tax": {rate: 1}},
        "999999": {"refund_total": "3.00"},
    }
    made = store.post(f"orders/{order['id']}/refunds", by_hand("7.20", line_items=rows))
    assert (made["line_items"][0]["total"], made["shipping_lines"][0]["total"]) == ("-1.00", "-5.00")
    assert made["shipping_lines"][0]["total_tax"] == "-1.00"
    assert len(made["line_items"]) == 1  # what is not of the order is passed over
    assert (made["tax_lines"][0]["tax_total"], made["tax_lines"][0]["shipping_tax_total"]) == ("-0.20", "-1.00")


def test_lines_do_not_set_the_amount_where_one_is_given(store: Store, order: dict[str, Any]) -> None:
    line = order["line_items"][0]["id"]
    made = store.post(f"orders/{order['id']}/refunds", by_hand("3.00", line_items=[{"id": line, "refund_total": 9}]))
    assert (made["amount"], made["line_items"][0]["total"]) == ("3.00", "-9.00")
    odd = store.post(f"orders/{order['id']}/refunds", by_hand(line_items=[{"id": line, "quantity": 1}]))
    assert odd["amount"] == "0.00"  # a line without a total: nothing can be worked out


# --- money ------------------------------------------------------------------------------------------------------------


def test_the_gateway_gives_back_unless_told_otherwise(store: Store, order: dict[str, Any]) -> None:
    assert store.post(f"orders/{order['id']}/refunds", {"amount": "1.00"})["refunded_payment"] is True
    cash = store.order({"sku": "A1"}, payment_method="cod")
    path = f"orders/{cash['id']}/refunds"
    text = "The payment gateway for this order does not support automatic refunds."
    assert store.error("POST", path, {"amount": "1.00"}) == (500, CANNOT, text, 500)
    text = "The payment gateway for this order does not exist."
    other = store.order({"sku": "A1"}, payment_method="barter")
    assert store.error("POST", f"orders/{other['id']}/refunds", {"amount": "1.00"}) == (500, CANNOT, text, 500)
    assert store.get(path) == []
    assert store.post(path, by_hand("1.00"))["refunded_payment"] is False


def test_no_more_than_was_paid(store: Store, order: dict[str, Any]) -> None:
    path = f"orders/{order['id']}/refunds"
    refused = (500, CANNOT, "Invalid refund amount.", 500)
    assert store.error("POST", path, by_hand("30.01")) == refused
    store.post(path, by_hand("20.00"))
    assert store.error("POST", path, by_hand("10.01")) == refused
    code, text = "woocommerce_rest_invalid_order_refund", "Refund amount must be greater than zero."
    assert store.error("POST", path, by_hand("-1.00")) == (500, code, text, 400)
    assert store.error("POST", path, {"amount": 5})[3]["params"] == {"amount": "amount is not of type string."}
    assert len(store.get(path)) == 1


def test_all_given_back_is_refunded(store: Store, order: dict[str, Any]) -> None:
    path = f"orders/{order['id']}"
    store.post(f"{path}/refunds", by_hand("10.00"))
    store.post(f"{path}/refunds", by_hand("20.00"))
    seen = store.get(path)
    assert (seen["status"], [refund["total"] for refund in seen["refunds"]]) == ("refunded", ["-20.00", "-10.00"])


def test_the_status_refunded_makes_a_refund(store: Store, order: dict[str, Any]) -> None:
    """By hand, of what is left, without lines, and nothing goes back into stock."""
    path = f"orders/{order['id']}"
    store.post(f"{path}/refunds", by_hand("10.00"))
    seen = store.put(path, {"status": "refunded"})
    assert [(refund["reason"], refund["total"]) for refund in seen["refunds"]] == [
        ("Order fully refunded.", "-20.00"), ("", "-10.00"),
    ]  # fmt: skip
    refund = store.get(f"{path}/refunds/{seen['refunds'][0]['id']}")
    assert (refund["refunded_payment"], refund["line_items"]) == (False, [])
    assert store.stock(order["line_items"][0]["product_id"]) == 8


# --- stock ------------------------------------------------------------------------------------------------------------


def test_refunded_quantities_go_back_into_stock(store: Store, order: dict[str, Any]) -> None:
    line = order["line_items"][0]
    path, product = f"orders/{order['id']}/refunds", line["product_id"]
    row = {"id": line["id"], "quantity": 1, "refund_total": 1}
    store.post(path, by_hand(line_items=[row], api_restock=False))
    assert store.stock(product) == 8
    store.post(path, by_hand(line_items=[row]))
    assert store.stock(product) == 9
    assert store.get(f"orders/{order['id']}/notes")[0]["note"] == f"Item #{product} stock increased from 8 to 9."
    store.post(path, by_hand(line_items=[{"id": line["id"], "refund_total": 1}]))
    assert store.stock(product) == 9  # money alone brings no goods
    store.put(f"orders/{order['id']}", {"status": "cancelled"})
    assert store.stock(product) == 10  # only what the order still had


def test_goods_that_were_never_taken_do_not_come_back(store: Store) -> None:
    product = store.product(stock=10)
    pending = store.order({"product_id": product, "quantity": 2})
    row = {"id": pending["line_items"][0]["id"], "quantity": 2, "refund_total": 1}
    store.post(f"orders/{pending['id']}/refunds", by_hand(line_items=[row]))
    assert store.stock(product) == 10


# --- to find and to delete --------------------------------------------------------------------------------------------


def test_lists_of_refunds(store: Store, order: dict[str, Any]) -> None:
    other = store.order({"sku": "A1"})
    first = store.post(f"orders/{order['id']}/refunds", by_hand("1.00"))["id"]
    second = store.post(f"orders/{order['id']}/refunds", by_hand("2.00"))["id"]
    third = store.post(f"orders/{other['id']}/refunds", by_hand("3.00"))["id"]
    assert store.ids(f"orders/{order['id']}/refunds") == [second, first]
    assert store.ids(f"orders/{order['id']}/refunds", order="asc", per_page=1) == [first]
    response = store.send("GET", "refunds?per_page=2")
    assert [(row["id"], row["parent_id"]) for row in response.json()] == [(third, other["id"]), (second, order["id"])]
    assert (response.headers["X-WP-Total"], response.headers["X-WP-TotalPages"]) == ("3", "2")
    assert "parent_id" not in store.get(f"orders/{order['id']}/refunds/{first}")
    assert store.ids("refunds", exclude=f"{first},{third}") == [second]
    assert store.ids("refunds", include=first) == [first]
    assert store.ids("refunds", after="2100-01-01T00:00:00") == []
    assert store.ids("refunds", before="2000-01-01T00:00:00") == []


def test_refunds_and_orders_that_are_not_there(store: Store, order: dict[str, Any]) -> None:
    """A refusal with a bare number as its data is HTTP 500, whatever the number."""
    refund = store.post(f"orders/{order['id']}/refunds", by_hand("1.00"))["id"]
    other = store.order({"sku": "A1"})["id"]
    no_order = (500, "woocommerce_rest_invalid_order_id", "Invalid order ID.", 404)
    assert store.error("POST", "orders/99/refunds", by_hand("1.00")) == no_order
    assert store.error("GET", f"orders/99/refunds/{refund}") == no_order
    code = "woocommerce_rest_invalid_order_refund_id"
    assert store.error("GET", f"orders/{other}/refunds/{refund}") == (500, code, "Invalid order refund ID.", 404)
    code = "woocommerce_rest_shop_order_refund_invalid_id"
    unknown = (404, code, "Invalid ID.", {"status": 404})
    assert store.error("GET", f"orders/{order['id']}/refunds/99") == unknown
    assert store.get("orders/99/refunds") == []
    assert store.error("GET", f"orders/{refund}")[:2] == (404, "woocommerce_rest_shop_order_invalid_id")


def test_a_refund_is_deleted(store: Store, order: dict[str, Any]) -> None:
    path = f"orders/{order['id']}/refunds"
    refund = store.post(path, by_hand("30.00"))["id"]
    text = "The shop_order_refund does not support trashing."
    refused = (501, "woocommerce_rest_trash_not_supported", text, {"status": 501})
    assert store.error("DELETE", f"{path}/{refund}", force="false") == refused
    assert store.delete(f"{path}/{refund}")["id"] == refund
    seen = store.get(f"orders/{order['id']}")
    assert (seen["refunds"], seen["status"]) == ([], "refunded")
    assert store.facts("refunds") == []
