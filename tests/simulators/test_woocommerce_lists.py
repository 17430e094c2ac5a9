"""Lists of the simulated shop: pages, order, filters, and what is refused.

https://woocommerce.github.io/woocommerce-rest-api-docs/#pagination, #parameters
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.simulators.woocommerce_client import Store, open_store

BOUNDS = "must be between 1 (inclusive) and 100 (inclusive)"
NOON = datetime(2026, 3, 10, 12, 0, tzinfo=UTC)


@pytest.fixture
def store() -> Iterator[Store]:
    with open_store() as store:
        yield store


@pytest.fixture
def orders(store: Store) -> list[int]:
    """Five orders, an hour apart, the first at noon GMT; their ids."""
    store.product(stock=1000)
    found = []
    for hour in range(5):
        placed_at = (NOON + timedelta(hours=hour)).isoformat()
        lines = [{"sku": "A1", "quantity": "1", "price": "10.00"}]
        buyer = {"name": f"Ada Buyer{hour}", "email": f"b{hour}@example.com", "phone": "555"}
        made = store.control("orders", {"customer": buyer, "lines": lines, "placed_at": placed_at})
        found.append(int(made["id"]))
    return found


# --- pages ------------------------------------------------------------------------------------------------------------


def test_ten_a_page_newest_first(store: Store) -> None:
    made = [store.product(f"P{number}") for number in range(12)]
    response = store.send("GET", "products")
    assert [row["id"] for row in response.json()] == made[:1:-1]
    assert (response.headers["X-WP-Total"], response.headers["X-WP-TotalPages"]) == ("12", "2")
    assert response.headers["Link"] == f'<{store.url("products")}?page=2>; rel="next"'.replace("http:", "https:")


def test_links_hold_the_whole_query(store: Store, orders: list[int]) -> None:
    query = "per_page=2&page=2&status[]=processing&status[]=completed&after=2026-01-01T00:00:00&search="
    response = store.send("GET", f"orders?{query}")
    base = store.url("orders").replace("http:", "https:")
    kept = "status%5B0%5D=processing&status%5B1%5D=completed&after=2026-01-01T00%3A00%3A00&search"
    assert response.headers["Link"] == (
        f'<{base}?per_page=2&page=1&{kept}>; rel="prev", <{base}?per_page=2&page=3&{kept}>; rel="next"'
    )
    assert [row["id"] for row in response.json()] == [orders[2], orders[1]]
    assert (response.headers["X-WP-Total"], response.headers["X-WP-TotalPages"]) == ("5", "3")


def test_a_page_behind_the_last(store: Store, orders: list[int]) -> None:
    response = store.send("GET", "orders?per_page=2&page=9")
    assert response.json() == []
    assert (response.headers["X-WP-Total"], response.headers["X-WP-TotalPages"]) == ("5", "3")
    assert response.headers["Link"].endswith('?per_page=2&page=3>; rel="prev"')


def test_an_offset_takes_the_place_of_the_page(store: Store, orders: list[int]) -> None:
    assert store.ids("orders", offset=3, page=1, per_page=2) == [orders[1], orders[0]]


@pytest.mark.parametrize(
    ("query", "name", "code", "message"),
    [
        ({"per_page": 101}, "per_page", "rest_out_of_bounds", f"per_page {BOUNDS}"),
        ({"per_page": 0}, "per_page", "rest_out_of_bounds", f"per_page {BOUNDS}"),
        ({"page": 0}, "page", "rest_out_of_bounds", "page must be greater than or equal to 1"),
        ({"order": "up"}, "order", "rest_not_in_enum", "order is not one of asc and desc."),
        ({"after": "yesterday"}, "after", "rest_invalid_date", "Invalid date."),
    ],
)  # fmt: skip
def test_what_a_list_is_refused_for(store: Store, query: dict[str, Any], name: str, code: str, message: str) -> None:
    detail = {"code": code, "message": message, "data": None}
    data = {"status": 400, "params": {name: message}, "details": {name: detail}}
    assert store.error("GET", "orders", **query) == (
        400, "rest_invalid_param", f"Invalid parameter(s): {name}", data,
    )  # fmt: skip


def test_a_type_is_refused_by_name(store: Store) -> None:
    status, code, message, data = store.error("GET", "orders", per_page="many", customer="x")
    assert (status, code, message) == (400, "rest_invalid_param", "Invalid parameter(s): per_page, customer")
    assert data["params"]["customer"] == "customer is not of type integer."
    assert data["details"]["customer"]["data"] == {"param": "customer"}


def test_an_unknown_status_is_refused(store: Store) -> None:
    status, code, _, data = store.error("GET", "orders", status="any,shipped")
    assert (status, code) == (400, "rest_invalid_param")
    assert data["params"]["status"] == (
        "status[1] is not one of any, trash, auto-draft, pending, processing, on-hold, completed, cancelled, refunded, "
        "failed, and checkout-draft."
    )


# --- order and choice -------------------------------------------------------------------------------------------------


def test_orderby(store: Store, orders: list[int]) -> None:
    store.put(f"orders/{orders[1]}", {"customer_note": "late"})
    store.sim.shop.save_order(store.sim.shop.orders[orders[1]], modified=2_000_000_000)
    assert store.ids("orders", orderby="date", order="asc") == orders
    assert store.ids("orders", orderby="id", order="desc") == orders[::-1]
    assert store.ids("orders", orderby="modified", order="desc", per_page=1) == [orders[1]]
    wanted = f"{orders[3]},{orders[0]},{orders[2]}"
    assert store.ids("orders", orderby="include", include=wanted) == [orders[3], orders[0], orders[2]]


def test_include_and_exclude(store: Store, orders: list[int]) -> None:
    assert store.ids("orders", include=f"{orders[0]},{orders[4]}") == [orders[4], orders[0]]
    assert store.ids("orders", **{"include[]": [orders[0], orders[4]]}) == [orders[4], orders[0]]
    assert store.ids("orders", exclude=f"{orders[0]} {orders[4]}") == [orders[3], orders[2], orders[1]]


def test_products_are_sorted_by_more(store: Store) -> None:
    cheap, dear = store.product("C", price="1.00", name="beta"), store.product("D", price="9.00", name="Alpha")
    assert store.ids("products", orderby="price", order="asc") == [cheap, dear]
    assert store.ids("products", orderby="title", order="asc") == [dear, cheap]
    assert store.ids("products", orderby="slug", order="desc") == [cheap, dear]


# --- dates ------------------------------------------------------------------------------------------------------------


def test_a_date_is_the_shops_local_time(store: Store, orders: list[int]) -> None:
    """The shop is two hours ahead of GMT. Both ends are exclusive."""
    order = store.get(f"orders/{orders[0]}")
    assert (order["date_created"], order["date_created_gmt"]) == ("2026-03-10T14:00:00", "2026-03-10T12:00:00")
    assert store.ids("orders", after="2026-03-10T15:00:00") == orders[:1:-1]
    assert store.ids("orders", before="2026-03-10T15:00:00") == [orders[0]]
    assert store.ids("orders", after="2026-03-10T13:59:59", before="2026-03-10T15:00:01") == [orders[1], orders[0]]


def test_dates_are_gmt(store: Store, orders: list[int]) -> None:
    assert store.ids("orders", after="2026-03-10T13:00:00", dates_are_gmt="true") == orders[:1:-1]


def test_a_date_with_a_zone(store: Store, orders: list[int]) -> None:
    """With the zone said, dates_are_gmt makes it wrong by the shop's offset, as WordPress does."""
    assert store.ids("orders", after="2026-03-10T13:00:00Z") == orders[:1:-1]
    assert store.ids("orders", after="2026-03-10T15:00:00+02:00") == orders[:1:-1]
    assert store.ids("orders", after="2026-03-10T13:00:00Z", dates_are_gmt="true") == [orders[4]]


def test_modified_after(store: Store, orders: list[int]) -> None:
    since = datetime.now(UTC) - timedelta(seconds=5)
    for order in orders[:4]:
        store.sim.shop.save_order(store.sim.shop.orders[order], modified=1_700_000_000)
    text = since.strftime("%Y-%m-%dT%H:%M:%S")
    assert store.ids("orders", modified_after=text, dates_are_gmt="true") == [orders[4]]
    assert store.ids("orders", modified_before=text, dates_are_gmt="true", orderby="id") == orders[3::-1]
    both = {"modified_after": text, "after": "2026-03-10T12:30:00", "dates_are_gmt": "true", "orderby": "modified"}
    assert store.ids("orders", **both) == [orders[4]]


# --- what is looked for -----------------------------------------------------------------------------------------------


def test_status(store: Store, orders: list[int]) -> None:
    store.put(f"orders/{orders[0]}", {"status": "completed"})
    store.delete(f"orders/{orders[1]}")
    assert store.ids("orders", status="completed") == [orders[0]]
    assert store.ids("orders", status="completed,processing") == [orders[4], orders[3], orders[2], orders[0]]
    assert store.ids("orders", status="trash") == [orders[1]]
    assert orders[1] not in store.ids("orders", status="any")
    assert orders[1] not in store.ids("orders")


def test_orders_by_customer_product_and_source(store: Store, orders: list[int]) -> None:
    buyer = store.post("customers", {"email": "c@example.com"})["id"]
    other = store.product("B2")
    mine = store.order({"product_id": other}, customer_id=buyer)["id"]
    assert store.ids("orders", customer=buyer) == [mine]
    assert store.ids("orders", customer=0) == orders[::-1]
    assert store.ids("orders", product=other) == [mine]
    assert store.ids("orders", created_via="rest-api") == [mine]
    assert store.ids("orders", created_via="checkout", per_page=1) == [orders[4]]
    child = store.order({"product_id": other}, parent_id=mine)["id"]
    assert store.ids("orders", parent=mine) == [child]
    assert child not in store.ids("orders", parent_exclude=mine)


def test_orders_are_searched_by_id_item_and_address(store: Store, orders: list[int]) -> None:
    """OrdersTableSearchQuery: no other field, so no meta data and no note."""
    other = store.product("B2", name="Red Chair")
    mine = store.order(
        {"product_id": other}, customer_note="green", meta_data=[{"key": "ref", "value": "X-77"}],
    )["id"]  # fmt: skip
    assert store.ids("orders", search=str(orders[2])) == [orders[2]]
    assert store.ids("orders", search="red cha") == [mine]
    assert store.ids("orders", search="b3@example.com") == [orders[3]]
    assert store.ids("orders", search="Buyer3") == [orders[3]]
    assert store.ids("orders", search="X-77") == []
    assert store.ids("orders", search="green") == []


def test_products_by_what_they_are(store: Store) -> None:
    a, b = store.product("A1", stock=0), store.product("B2", status="draft", featured=True)
    variable = store.post("products", {"name": "Shirt", "type": "variable"})["id"]
    assert store.ids("products", stock_status="outofstock") == [a]
    assert store.ids("products", status="draft") == [b]
    assert store.ids("products", exclude_status="draft", exclude_types="variable") == [a]
    assert store.ids("products", type="variable") == [variable]
    assert store.ids("products", featured="true") == [b]
    assert store.ids("products", slug="thing-a1") == [a]
    assert store.ids("products", search="thing b2") == [b]
    assert store.ids("products", min_price="5", max_price="20", order="asc") == [a, b]
    assert store.ids("products", category="15") == [variable, b, a]
    assert store.ids("products", category="99") == []


def test_customers(store: Store) -> None:
    zoe = store.post("customers", {"email": "z@example.com", "first_name": "Zoe"})["id"]
    abe = store.post("customers", {"email": "abe@example.org", "username": "abraham"})["id"]
    assert store.ids("customers") == [abe, zoe]  # by name, upwards
    assert store.ids("customers", orderby="id") == [zoe, abe]
    assert store.ids("customers", email="Z@example.com") == [zoe]
    assert store.ids("customers", search="example.org") == [abe]
    assert store.ids("customers", search="braha") == [abe]
    assert store.ids("customers", role="administrator") == []
    assert store.error("GET", "customers", email="nobody")[:2] == (400, "rest_invalid_param")


# --- fields, meta data, context ---------------------------------------------------------------------------------------


def test_fields(store: Store, orders: list[int]) -> None:
    assert store.get("orders", _fields="id,status", per_page=1) == [{"id": orders[4], "status": "processing"}]
    assert store.get(f"orders/{orders[0]}", _fields="number") == {"number": str(orders[0])}
    nested = store.get(f"orders/{orders[0]}", _fields="billing.email,line_items.sku,_links.self")
    assert nested["billing"] == {"email": "b0@example.com"}
    assert nested["line_items"] == []  # WordPress takes the positions of a list for names
    assert set(nested["_links"]) == {"self"}
    response = store.send("GET", "orders?_fields[]=id&_fields[]=total&per_page=1")
    assert response.json() == [{"id": orders[4], "total": "10.00"}]
    assert response.headers["X-WP-Total"] == "5"
    made = store.call("POST", "orders", {}, expect=201, _fields="status")
    assert made == {"status": "pending"}
    assert store.error("GET", "orders/9", _fields="id")[1] == "woocommerce_rest_shop_order_invalid_id"


def test_meta_data_is_chosen(store: Store) -> None:
    meta = [{"key": "a", "value": "1"}, {"key": "b", "value": "2"}]
    store.order(meta_data=meta)

    def keys(**query: str) -> list[str]:
        return [m["key"] for m in store.get("orders", **query)[0]["meta_data"]]

    assert keys() == ["a", "b"]
    assert keys(include_meta="b") == ["b"]
    assert keys(exclude_meta="b") == ["a"]


def test_decimals(store: Store) -> None:
    store.order({"product_id": store.product(price="10.005"), "quantity": 1})
    assert store.get("orders")[0]["line_items"][0]["total"] == "10.01"
    four = store.get("orders", dp=4)[0]
    assert (four["line_items"][0]["total"], four["total"]) == ("10.0050", "10.0100")
    assert store.get("orders", dp=0)[0]["total"] == "10"


def test_context_edit(store: Store) -> None:
    """Writes answer in it; of orders it leaves out what a coupon is, to products it adds how their address is made."""
    order = store.order({"product_id": store.product()}, coupon_lines=[{"code": "welcome10"}])
    assert set(order["coupon_lines"][0]) == {"id", "code", "discount", "discount_tax", "meta_data"}
    seen = store.get(f"orders/{order['id']}")["coupon_lines"][0]
    assert (seen["discount_type"], seen["nominal_amount"], seen["free_shipping"]) == ("percent", 10, False)
    assert store.get(f"orders/{order['id']}", context="edit")["coupon_lines"] == order["coupon_lines"]
    product = store.get("products", context="edit")[0]
    assert product["generated_slug"] == "thing-a1"
    assert product["permalink_template"].endswith("/product/%pagename%/")
    assert "permalink_template" not in store.get("products")[0]


# --- batches ----------------------------------------------------------------------------------------------------------


def test_a_batch_answers_row_by_row(store: Store) -> None:
    known, gone = store.product("A1"), store.product("B2")
    answer = store.post("products/batch", {
        "create": [{"name": "New", "sku": "C3"}, {"name": "Twice", "sku": "A1"}],
        "update": [{"id": known, "name": "Named"}, {"id": 999, "name": "Nobody"}],
        "delete": [gone, 0, 998],
    }, expect=200)  # fmt: skip
    assert list(answer) == ["create", "update", "delete"]
    assert answer["create"][0]["name"] == "New"
    data = {"status": 400, "resource_id": known, "unique_sku": "A1-1"}
    refused = {"code": "product_invalid_sku", "message": "Invalid or duplicated SKU.", "data": data}
    assert answer["create"][1] == {"id": 0, "error": refused}
    assert answer["update"][0]["name"] == "Named"
    code = "woocommerce_rest_product_invalid_id"
    unknown = {"code": code, "message": "Invalid ID.", "data": {"status": 400}}
    assert answer["update"][1] == {"id": 999, "error": unknown}
    assert [row["id"] for row in answer["delete"]] == [gone, 998]  # 0 is passed over
    assert answer["delete"][1]["error"] == unknown | {"data": {"status": 404}}
    assert store.send("GET", f"products/{gone}").status_code == 404  # a batch deletes for good


def test_a_batch_has_a_limit(store: Store) -> None:
    rows = [{"name": "P"}] * 60
    assert store.error("POST", "products/batch", {"create": rows, "delete": list(range(1, 42))}) == (
        413, "woocommerce_rest_request_entity_too_large", "Unable to accept more than 100 items for this request.",
        {"status": 413},
    )  # fmt: skip
    assert store.facts("stock") == []
    assert store.ids("products") == []


def test_a_batch_does_not_check_its_rows(store: Store) -> None:
    """What a single request refuses, a row of a batch has cast."""
    product = store.product()
    refused = store.error("PUT", f"products/{product}", {"regular_price": 7.5})
    assert refused[3]["params"] == {"regular_price": "regular_price is not of type string."}
    row = {"id": product, "regular_price": 7.5, "stock_quantity": "12"}
    answer = store.call("PUT", "products/batch", {"update": [row]})["update"][0]
    assert (answer["regular_price"], answer["stock_quantity"]) == ("7.5", 12)
    order = store.post("orders/batch", {"create": [{"status": "shipped"}]}, expect=200)["create"][0]
    assert order["status"] == "pending"


def test_an_empty_batch(store: Store) -> None:
    assert store.post("orders/batch", {}, expect=200) == []


def test_variations_in_a_batch(store: Store) -> None:
    parent = store.post("products", {"name": "Shirt", "type": "variable"})["id"]
    rows = [{"sku": "S-1", "regular_price": "5"}, {"sku": "S-2", "regular_price": "6"}]
    made = store.post(f"products/{parent}/variations/batch", {"create": rows}, expect=200)["create"]
    assert [(row["sku"], row["parent_id"]) for row in made] == [("S-1", parent), ("S-2", parent)]
    answer = store.post(f"products/{parent}/variations/batch", {
        "update": [{"id": made[0]["id"], "manage_stock": True, "stock_quantity": 4}], "delete": [made[1]["id"]],
    }, expect=200)  # fmt: skip
    assert answer["update"][0]["stock_quantity"] == 4
    assert store.ids(f"products/{parent}/variations") == [made[0]["id"]]
