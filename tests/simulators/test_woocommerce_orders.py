"""Orders of the simulated shop: what is posted, what it comes to, the life of a status, and what it does to stock.

https://woocommerce.github.io/woocommerce-rest-api-docs/#orders
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.simulators.woocommerce_client import Store, open_store

SUMS = ("discount_total", "discount_tax", "shipping_total", "shipping_tax", "cart_tax", "total_tax", "total")


@pytest.fixture
def store() -> Iterator[Store]:
    with open_store() as store:
        yield store


def sums(order: dict[str, Any]) -> dict[str, str]:
    return {name: order[name] for name in SUMS if order[name] != "0.00"}


def notes(store: Store, order: dict[str, Any]) -> list[str]:
    """Oldest first."""
    return [note["note"] for note in store.get(f"orders/{order['id']}/notes")][::-1]


# --- to make ----------------------------------------------------------------------------------------------------------


def test_an_order_is_made(store: Store) -> None:
    product = store.product()
    billing = {"first_name": "Ada", "country": "GB", "email": "ada@example.com"}
    body = {
        "payment_method": "bacs", "payment_method_title": "Bank", "billing": billing,
        "line_items": [{"product_id": product, "quantity": 2}],
        "shipping_lines": [{"method_id": "flat_rate", "method_title": "Flat", "total": "4.50"}],
        "meta_data": [{"key": "ref", "value": "X-1"}],
    }  # fmt: skip
    response = store.send("POST", "orders", json=body)
    order = response.json()
    assert response.status_code == 201
    assert response.headers["Location"].endswith(f"/wp-json/wc/v3/orders/{order['id']}")
    assert (order["number"], order["status"], order["currency"]) == (str(order["id"]), "pending", "GBP")
    assert (order["created_via"], order["version"], order["customer_id"]) == ("rest-api", "11.0.1", 0)
    assert order["order_key"].startswith("wc_order_")
    assert sums(order) == {"shipping_total": "4.50", "total": "24.50"}
    line = order["line_items"][0]
    assert (line["name"], line["sku"], line["quantity"], line["price"]) == ("Thing A1", "A1", 2, 10)
    assert (line["subtotal"], line["total"], line["total_tax"], line["taxes"]) == ("20.00", "20.00", "0.00", [])
    assert order["billing"]["email"] == "ada@example.com"
    assert order["shipping"]["first_name"] == ""
    assert (order["date_paid"], order["date_completed"], order["needs_payment"]) == (None, None, True)
    assert (order["is_editable"], order["needs_processing"]) == (True, True)
    assert [(m["key"], m["value"]) for m in order["meta_data"]] == [("ref", "X-1")]
    assert store.get(f"orders/{order['id']}") == order


def test_a_line_names_its_product_in_three_ways(store: Store) -> None:
    first = store.product("A1")
    parent = store.post("products", {"name": "Shirt", "type": "variable"})["id"]
    second = store.post(f"products/{parent}/variations", {"regular_price": "5", "sku": "S-1"})["id"]
    order = store.order({"product_id": first}, {"product_id": parent, "variation_id": second}, {"sku": "s-1"})
    found = [(line["product_id"], line["variation_id"], line["sku"]) for line in order["line_items"]]
    assert found == [(first, 0, "A1"), (parent, second, "S-1"), (parent, second, "S-1")]
    assert order["line_items"][1]["parent_name"] == "Shirt"
    assert order["line_items"][0]["parent_name"] is None


def test_a_line_says_what_its_variation_was_chosen_by(store: Store) -> None:
    size = {"name": "Shoe size", "visible": True, "variation": True, "options": ["41", "42"]}
    parent = store.post("products", {"name": "Boot", "type": "variable", "attributes": [size]})["id"]
    choice = [{"name": "Shoe size", "option": "42"}, {"name": "Colour", "option": "red"}]  # of which it has one
    boot = store.post(f"products/{parent}/variations", {"regular_price": "5", "attributes": choice})["id"]
    line = store.order({"product_id": parent, "variation_id": boot})["line_items"][0]
    assert line["name"] == "Boot - 42"
    assert [(m["key"], m["value"]) for m in line["meta_data"]] == [("shoe-size", "42")]


def test_a_line_may_say_its_own_price(store: Store) -> None:
    line = {"product_id": store.product(), "quantity": 3, "subtotal": "30.00", "total": "20.00", "name": "Named"}
    order = store.order(line)
    assert sums(order) == {"discount_total": "10.00", "total": "20.00"}
    assert order["line_items"][0]["name"] == "Named"
    assert order["line_items"][0]["price"] == pytest.approx(20 / 3, abs=1e-12)
    only_total = store.order({"product_id": store.product("B2"), "quantity": 1, "total": "99.00"})
    assert only_total["line_items"][0]["subtotal"] == "99.00"  # never below the total
    assert only_total["discount_total"] == "0.00"


def test_fees(store: Store) -> None:
    order = store.order({"product_id": store.product()}, fee_lines=[{"name": "Wrap", "total": "2.50"}])
    assert order["total"] == "12.50"
    order = store.order({"sku": "A1"}, fee_lines=[{"name": "Gift", "total": "-99.00"}])
    assert (order["total"], order["fee_lines"][0]["total"]) == ("0.00", "-10.00")


def test_set_paid_and_status(store: Store) -> None:
    product = store.product()
    paid = store.order({"product_id": product}, set_paid=True, transaction_id="T-1")
    assert (paid["status"], paid["transaction_id"], paid["needs_payment"]) == ("processing", "T-1", False)
    assert paid["date_paid"] is not None
    held = store.order({"product_id": product}, status="on-hold")
    assert (held["status"], held["date_paid"]) == ("on-hold", None)
    done = store.order({"product_id": product}, status="completed", set_paid=True)
    assert (done["status"], done["date_completed"] is not None) == ("completed", True)
    light = store.post("products", {"virtual": True, "downloadable": True, "regular_price": "1"})["id"]
    assert store.order({"product_id": light}, set_paid=True)["status"] == "completed"
    assert store.order(created_via="till")["created_via"] == "till"


@pytest.mark.parametrize(
    ("body", "code", "message"),
    [
        ({"line_items": [{"quantity": 1}]}, "required_product_reference", "Product ID or SKU is required."),
        ({"shipping_lines": [{"total": "1"}]}, "invalid_shipping_item", "Shipping method ID is required."),
        ({"fee_lines": [{"total": "1"}]}, "invalid_fee_item", "Fee name is required."),
        ({"customer_id": 77}, "invalid_customer_id", "Customer ID is invalid."),
        ({"id": 5}, "shop_order_exists", "Cannot create existing shop_order."),
    ],
)
def test_refused_orders(store: Store, body: dict[str, Any], code: str, message: str) -> None:
    refused = (400, f"woocommerce_rest_{code}", message, {"status": 400})
    assert store.error("POST", "orders", body) == refused
    assert store.facts("orders") == []


def test_what_arguments_are_refused_for(store: Store) -> None:
    body = {"status": "shipped", "billing": {"email": "nobody"}, "line_items": [{"product_id": 1, "quantity": "two"}]}
    status, code, _, data = store.error("POST", "orders", body)
    assert (status, code) == (400, "rest_invalid_param")
    assert data["params"] == {
        "status": "status is not one of auto-draft, pending, processing, on-hold, completed, cancelled, refunded, "
        "failed, and checkout-draft.",
        "billing": "Invalid email address.",
        "line_items": "line_items[0][quantity] is not of type integer.",
    }


def test_a_refused_coupon_leaves_a_draft(store: Store) -> None:
    """By then the order is saved; its id is in the refusal."""
    body = {"line_items": [{"product_id": store.product()}], "coupon_lines": [{"code": "Nope"}]}
    status, code, message, data = store.error("POST", "orders", body)
    assert (status, code) == (400, "woocommerce_rest_invalid_coupon")
    assert message == "Coupon &quot;nope&quot; cannot be applied because it does not exist."
    assert store.get(f"orders/{data['new_draft_order_id']}")["status"] == "checkout-draft"
    assert store.facts("orders") == []


def test_unknown_orders(store: Store) -> None:
    code = "woocommerce_rest_shop_order_invalid_id"
    assert store.error("GET", "orders/99") == (404, code, "Invalid ID.", {"status": 404})
    assert store.error("PUT", "orders/99", {}) == (400, code, "Invalid ID.", {"status": 400})
    assert store.error("DELETE", "orders/99") == (404, code, "Invalid ID.", {"status": 404})


# --- sums -------------------------------------------------------------------------------------------------------------


def test_taxes_are_added(store: Store) -> None:
    rate = store.tax("20")
    order = store.order(
        {"product_id": store.product(price="9.99"), "quantity": 3},
        shipping_lines=[{"method_id": "flat_rate", "total": "5.00"}],
        fee_lines=[{"name": "Wrap", "total": "1.00"}], billing={"country": "GB"},
    )  # fmt: skip
    assert sums(order) == {
        "shipping_total": "5.00", "shipping_tax": "1.00", "cart_tax": "6.19", "total_tax": "7.19", "total": "43.16",
    }  # fmt: skip
    line = order["line_items"][0]
    assert line["taxes"] == [{"id": rate, "total": "5.994", "subtotal": "5.994"}]
    assert (line["total_tax"], line["subtotal_tax"]) == ("5.99", "5.99")
    assert order["shipping_lines"][0]["taxes"] == [{"id": rate, "total": "1", "subtotal": ""}]
    assert order["fee_lines"][0]["taxes"] == [{"id": rate, "total": "0.2", "subtotal": ""}]
    (tax,) = order["tax_lines"]
    assert {name: tax[name] for name in tax if name not in {"id", "meta_data"}} == {
        "rate_code": "GB-VAT-1", "rate_id": rate, "label": "VAT", "compound": False, "tax_total": "6.19",
        "shipping_tax_total": "1.00", "rate_percent": 20.0,
    }  # fmt: skip


def test_tax_is_rounded_line_by_line_or_at_the_end(store: Store) -> None:
    store.tax("10")
    lines = [{"product_id": store.product(f"P{n}", price="0.35")} for n in range(3)]
    assert store.order(*lines, billing={"country": "GB"})["total_tax"] == "0.12"  # 3 × 0.035
    store.put("settings/tax/woocommerce_tax_round_at_subtotal", {"value": "yes"})
    assert store.order(*lines, billing={"country": "GB"})["total_tax"] == "0.11"  # 0.105


def test_a_compound_rate_and_a_class(store: Store) -> None:
    store.tax("10")
    store.tax("5", priority=2, compound=True, name="Eco")
    store.tax("8", **{"class": "reduced-rate"})
    plain, reduced = store.product(price="100.00"), store.product("B2", price="100.00", tax_class="reduced-rate")
    order = store.order({"product_id": plain}, {"product_id": reduced}, billing={"country": "GB"})
    first, second = order["line_items"]
    assert [tax["total"] for tax in first["taxes"]] == ["10", "5.5"]
    assert (second["tax_class"], [tax["total"] for tax in second["taxes"]]) == ("reduced-rate", ["8"])
    assert order["total"] == "223.50"


def test_shipping_is_taxed_as_the_goods_are(store: Store) -> None:
    store.tax("20")
    store.tax("5", **{"class": "reduced-rate"})
    shipping = {"shipping_lines": [{"method_id": "flat_rate", "total": "10.00"}], "billing": {"country": "GB"}}
    free = store.product("F", tax_status="none")
    reduced = store.product("R", tax_class="reduced-rate")
    taxes = [
        store.order({"product_id": free}, **shipping)["shipping_tax"],
        store.order({"product_id": reduced}, **shipping)["shipping_tax"],
        store.order({"product_id": reduced}, {"product_id": store.product("S")}, **shipping)["shipping_tax"],
    ]
    assert taxes == ["0.00", "0.50", "2.00"]


def test_where_an_order_is_taxed(store: Store) -> None:
    store.tax("20", country="GB")
    store.tax("10", country="FR")
    product = store.product(price="100.00")
    line = {"product_id": product}
    pickup = [{"method_id": "local_pickup", "total": "0"}]
    found = [
        store.order(line)["total_tax"],
        store.order(line, billing={"country": "FR"})["total_tax"],
        store.order(line, billing={"country": "FR"}, shipping={"country": "GB"})["total_tax"],
        store.order(line, billing={"country": "US"})["total_tax"],
        store.order(line, billing={"country": "FR"}, shipping_lines=pickup)["total_tax"],
    ]
    assert found == ["20.00", "10.00", "20.00", "0.00", "20.00"]


def test_prices_that_include_tax(store: Store) -> None:
    store.put("settings/tax/woocommerce_prices_include_tax", {"value": "yes"})
    store.tax("20")
    order = store.order({"product_id": store.product(price="10.00"), "quantity": 3}, billing={"country": "GB"})
    assert (order["prices_include_tax"], order["line_items"][0]["total"]) == (True, "25.00")
    assert (order["total_tax"], order["total"]) == ("5.00", "30.00")


def test_a_shop_without_taxes_and_one_without_cents(store: Store) -> None:
    store.tax("20")
    product = store.product(price="1999")
    store.put("settings/general/woocommerce_price_num_decimals", {"value": "0"})
    order = store.order({"product_id": product}, billing={"country": "GB"})
    assert (order["line_items"][0]["total"], order["total_tax"], order["total"]) == ("1999", "400", "2399")
    store.put("settings/general/woocommerce_calc_taxes", {"value": "no"})
    assert store.order({"product_id": product}, billing={"country": "GB"})["total"] == "1999"


def test_a_coupon(store: Store) -> None:
    store.tax("20")
    order = store.order(
        {"product_id": store.product(price="50.00"), "quantity": 2}, coupon_lines=[{"code": "WELCOME10"}],
        billing={"country": "GB"},
    )  # fmt: skip
    assert sums(order) == {
        "discount_total": "10.00", "discount_tax": "2.00", "cart_tax": "18.00", "total_tax": "18.00", "total": "108.00",
    }  # fmt: skip
    (coupon,) = order["coupon_lines"]
    assert (coupon["code"], coupon["discount"], coupon["discount_tax"]) == ("welcome10", "10.00", "2.00")
    line = order["line_items"][0]
    assert (line["subtotal"], line["total"], line["subtotal_tax"], line["total_tax"]) == (
        "100.00", "90.00", "20.00", "18.00",
    )  # fmt: skip
    again = store.put(f"orders/{order['id']}", {"coupon_lines": []})
    assert (again["coupon_lines"], again["total"]) == ([], "120.00")
    readonly = store.error("PUT", f"orders/{order['id']}", {"coupon_lines": [{"id": coupon["id"], "code": "x"}]})
    assert readonly[1:3] == ("woocommerce_rest_coupon_item_id_readonly", "Coupon item ID is readonly.")


def test_an_empty_list_of_coupons_leaves_discounts_alone(store: Store) -> None:
    line = {"product_id": store.product(), "subtotal": "10.00", "total": "8.00"}
    order = store.order(line)
    assert store.put(f"orders/{order['id']}", {"coupon_lines": []})["total"] == "8.00"


# --- to change --------------------------------------------------------------------------------------------------------


def test_lines_are_changed_by_id(store: Store) -> None:
    a, b = store.product("A1"), store.product("B2", price="3.00")
    order = store.order({"product_id": a, "quantity": 2})
    first = order["line_items"][0]["id"]
    changed = store.put(f"orders/{order['id']}", {
        "line_items": [{"id": first, "quantity": 3, "total": "27.00"}, {"product_id": b, "quantity": 1}],
    })  # fmt: skip
    assert [(line["id"] == first, line["quantity"], line["total"]) for line in changed["line_items"]] == [
        (True, 3, "27.00"), (False, 1, "3.00"),
    ]  # fmt: skip
    assert changed["total"] == "30.00"
    only_quantity = store.put(f"orders/{order['id']}", {"line_items": [{"id": first, "quantity": 5}]})
    assert (only_quantity["line_items"][0]["total"], only_quantity["total"]) == ("27.00", "30.00")
    swapped = store.put(f"orders/{order['id']}", {"line_items": [{"id": first, "product_id": b}]})
    assert (swapped["line_items"][0]["sku"], swapped["line_items"][0]["total"]) == ("B2", "27.00")


def test_lines_are_taken_out(store: Store) -> None:
    a, b = store.product("A1"), store.product("B2", price="3.00")
    order = store.order(
        {"product_id": a}, {"product_id": b}, shipping_lines=[{"method_id": "flat_rate", "total": "4.00"}],
    )  # fmt: skip
    first, second = (line["id"] for line in order["line_items"])
    shipping = order["shipping_lines"][0]["id"]
    left = store.put(f"orders/{order['id']}", {
        "line_items": [{"id": first, "quantity": 0}], "shipping_lines": [{"id": shipping, "method_id": None}],
    })  # fmt: skip
    assert ([line["id"] for line in left["line_items"]], left["shipping_lines"], left["total"]) == (
        [second],
        [],
        "3.00",
    )
    left = store.put(f"orders/{order['id']}", {"line_items": [{"id": second, "product_id": None}]})
    assert (left["line_items"], left["total"]) == ([], "0.00")


def test_lines_of_another_order_are_refused(store: Store) -> None:
    order, other = store.order({"product_id": store.product()}), store.order({"sku": "A1"})
    number = other["line_items"][0]["id"]
    text = "Order item ID provided is not associated with order."
    refused = (400, "woocommerce_rest_invalid_item_id", text, {"status": 400})
    path = f"orders/{order['id']}"
    assert store.error("PUT", path, {"line_items": [{"id": number, "quantity": 2}]}) == refused
    assert store.error("PUT", path, {"line_items": [{"id": number, "quantity": 0}]}) == refused
    assert store.error("PUT", path, {"line_items": [{"quantity": 0}]})[:2] == (500, "internal_server_error")


def test_a_refused_change_changes_nothing_but_the_lines_before_it(store: Store) -> None:
    order = store.order({"product_id": store.product()})
    line = order["line_items"][0]["id"]
    rows = [{"id": line, "quantity": 4}, {"sku": "A1"}, {"quantity": 1}]
    refused = store.error("PUT", f"orders/{order['id']}", {"customer_note": "x", "line_items": rows})
    assert refused[:2] == (400, "woocommerce_rest_required_product_reference")
    seen = store.get(f"orders/{order['id']}")
    assert [(row["id"], row["quantity"]) for row in seen["line_items"]] == [(line, 4)]
    assert (seen["customer_note"], seen["total"]) == ("", "10.00")


@pytest.mark.parametrize("number", ["NaN", "1e999", "-Infinity", "ten", "", "1e30"])
def test_sums_of_what_is_no_number(store: Store, number: str) -> None:
    order = store.order({"product_id": store.product(), "total": number}, fee_lines=[{"name": "F", "total": number}])
    assert (order["line_items"][0]["total"], order["total"]) == ("0.00", "0.00")
    path = f"orders/{order['id']}/refunds"
    assert store.post(path, {"amount": number, "api_refund": False})["amount"] == "0.00"
    assert store.product("B2", price=number) > 0


def test_numbers_and_dates_that_are_none(store: Store) -> None:
    body = '{"line_items": [{"product_id": 1, "quantity": 1e999}]}'
    response = store.send("POST", "orders", data=body, headers={"Content-Type": "application/json"})
    assert (response.status_code, response.json()["code"]) == (400, "rest_invalid_param")
    assert store.error("GET", "orders", per_page="nan")[3]["params"] == {"per_page": "per_page is not of type integer."}
    assert store.error("GET", "orders", after="2026-13-45T00:00:00")[3]["params"] == {"after": "Invalid date."}
    assert store.get("orders", after="2026-01-01t00:00:00z") == []
    product = store.product(date_on_sale_from="soon")
    assert store.get(f"products/{product}")["date_on_sale_from"] is None
    assert store.error("POST", "orders/batch", {"create": ["x"]})[:2] == (500, "internal_server_error")


def test_addresses_and_meta_data_change_by_part(store: Store) -> None:
    order = store.order(billing={"first_name": "Ada", "city": "London"}, meta_data=[{"key": "a", "value": "1"}])
    body = {"billing": {"city": "Paris"}, "meta_data": [{"key": "b", "value": "2"}], "customer_note": "Ring twice"}
    changed = store.put(f"orders/{order['id']}", body)
    assert (changed["billing"]["first_name"], changed["billing"]["city"]) == ("Ada", "Paris")
    assert [m["key"] for m in changed["meta_data"]] == ["a", "b"]
    assert (changed["customer_note"], changed["created_via"]) == ("Ring twice", "rest-api")


def test_paying_later(store: Store) -> None:
    order = store.order({"product_id": store.product()})
    paid = store.put(f"orders/{order['id']}", {"set_paid": True, "transaction_id": "T-9"})
    assert (paid["status"], paid["transaction_id"]) == ("processing", "T-9")
    free = store.order()
    assert store.put(f"orders/{free['id']}", {"set_paid": True})["status"] == "pending"  # nothing to be paid
    held = store.order({"sku": "A1"}, status="on-hold")
    assert store.put(f"orders/{held['id']}", {"set_paid": True})["status"] == "on-hold"  # nor does this one ask


def test_a_trashed_order(store: Store) -> None:
    order = store.order({"product_id": store.product()}, status="processing")
    path = f"orders/{order['id']}"
    assert store.delete(path)["status"] == "processing"  # as it was before
    assert store.get(path)["status"] == "trash"
    text = "The shop_order has already been deleted."
    assert store.error("DELETE", path) == (410, "woocommerce_rest_already_trashed", text, {"status": 410})
    assert store.delete(path, force="true")["status"] == "trash"
    assert store.error("GET", path)[0] == 404


# --- status, stock, notes ---------------------------------------------------------------------------------------------


def test_stock_follows_the_status(store: Store) -> None:
    product = store.product(stock=10)
    order = store.order({"product_id": product, "quantity": 3})
    path, seen = f"orders/{order['id']}", [store.stock(product)]
    for status in ("on-hold", "processing", "completed", "cancelled", "processing", "refunded", "pending"):
        assert store.put(path, {"status": status})["status"] == status
        seen.append(store.stock(product))
    assert seen == [10, 7, 7, 7, 10, 7, 7, 10]  # a refund puts nothing back, cancelling and pending do


def test_stock_may_fall_below_zero(store: Store) -> None:
    product = store.product(stock=2)
    store.order({"product_id": product, "quantity": 3}, set_paid=True)
    assert (store.stock(product), store.get(f"products/{product}")["stock_status"]) == (-1, "outofstock")


def test_changed_lines_move_stock_at_once(store: Store) -> None:
    """Even while the order is pending, as wc_maybe_adjust_line_item_product_stock does."""
    product = store.product(stock=10)
    order = store.order({"product_id": product, "quantity": 2}, status="processing")
    path, line = f"orders/{order['id']}", order["line_items"][0]["id"]
    store.put(path, {"line_items": [{"id": line, "quantity": 5}]})
    assert store.stock(product) == 5
    store.put(path, {"line_items": [{"id": line, "quantity": 1}]})
    assert store.stock(product) == 9
    store.put(path, {"status": "cancelled"})
    assert store.stock(product) == 10
    pending = store.order({"product_id": product, "quantity": 2})
    line = pending["line_items"][0]["id"]
    store.put(f"orders/{pending['id']}", {"line_items": [{"id": line, "quantity": 4}]})
    assert store.stock(product) == 6
    store.put(f"orders/{pending['id']}", {"line_items": [{"id": line, "quantity": 0}]})
    assert store.stock(product) == 10


def test_notes(store: Store) -> None:
    order = store.order({"product_id": store.product(stock=10), "quantity": 3}, set_paid=True)
    path = f"orders/{order['id']}/notes"
    response = store.send("POST", path, json={"note": "Sent today", "customer_note": True})
    made = response.json()
    assert (response.status_code, made["author"], made["customer_note"]) == (201, "WooCommerce", True)
    assert response.headers["Location"].endswith(f"/{path}/{made['id']}")
    assert store.post(path, {"note": "By hand", "added_by_user": True})["author"] == "admin"
    assert notes(store, order) == [
        "Order status changed from Pending payment to Processing.",
        "Stock levels reduced: Thing A1 (A1) 10&rarr;7",
        "Sent today",
        "By hand",
    ]
    assert [note["note"] for note in store.get(path, type="customer")] == ["Sent today"]
    assert len(store.get(path, type="internal")) == 3
    assert store.get(f"{path}/{made['id']}") == made
    assert store.error("DELETE", f"{path}/{made['id']}")[:2] == (501, "woocommerce_rest_trash_not_supported")
    assert store.delete(f"{path}/{made['id']}", force="true") == made
    assert store.error("GET", f"{path}/{made['id']}")[:3] == (
        404, "woocommerce_rest_invalid_id", "Invalid resource ID.",
    )  # fmt: skip
    assert store.error("POST", path, {})[1] == "rest_missing_callback_param"
    assert store.error("GET", "orders/99/notes")[:2] == (404, "woocommerce_rest_shop_order_invalid_id")
    assert store.error("POST", "orders/99/notes", {"note": "x"})[:2] == (404, "woocommerce_rest_order_invalid_id")


def test_statuses_and_their_totals(store: Store) -> None:
    store.order()
    store.order(status="on-hold")
    assert store.get("orders/statuses")[0] == {"slug": "pending", "name": "Pending payment"}
    totals = {row["slug"]: row["total"] for row in store.get("reports/orders/totals")}
    assert (totals["pending"], totals["on-hold"], totals["completed"]) == (1, 1, 0)
