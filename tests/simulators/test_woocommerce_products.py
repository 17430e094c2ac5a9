"""Products and variations of the simulated shop: prices, stock, what a variation inherits, and refusals.

https://woocommerce.github.io/woocommerce-rest-api-docs/#products, #product-variations
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.simulators.woocommerce_client import Store, open_store


@pytest.fixture
def store() -> Iterator[Store]:
    with open_store() as store:
        yield store


def shirt(store: Store, **more: Any) -> int:
    size = {"name": "Size", "visible": True, "variation": True, "options": ["S", "M"]}
    return int(store.post("products", {"name": "Shirt", "type": "variable", "attributes": [size], **more})["id"])


def variation(store: Store, parent: int, **more: Any) -> dict[str, Any]:
    body = {"regular_price": "5.00", "attributes": [{"name": "size", "option": "S"}], **more}
    made: dict[str, Any] = store.post(f"products/{parent}/variations", body)
    return made


# --- to make, change and delete ---------------------------------------------------------------------------------------


def test_a_product_is_made_and_found_again(store: Store) -> None:
    response = store.send("POST", "products", json={"name": "Oak Chair", "regular_price": "49.90", "sku": "OAK"})
    made = response.json()
    assert response.status_code == 201
    assert response.headers["Location"].endswith(f"/wp-json/wc/v3/products/{made['id']}")
    assert (made["type"], made["status"], made["slug"], made["price"]) == ("simple", "publish", "oak-chair", "49.90")
    assert (made["manage_stock"], made["stock_quantity"], made["stock_status"]) == (False, None, "instock")
    assert made["categories"] == [{"id": 15, "name": "Uncategorized", "slug": "uncategorized"}]
    seen = store.get(f"products/{made['id']}")
    assert seen == {k: v for k, v in made.items() if k not in {"permalink_template", "generated_slug"}}


def test_an_empty_product_is_called_product(store: Store) -> None:
    first, second = store.post("products", {}), store.post("products", {})
    assert (first["name"], first["slug"], first["price"], first["purchasable"]) == ("Product", "product", "", False)
    assert second["slug"] != "product"


def test_only_what_is_named_changes(store: Store) -> None:
    product = store.product(weight="1.5", dimensions={"length": "2", "width": "3", "height": ""})
    changed = store.put(f"products/{product}", {"name": "New", "dimensions": {"width": "4"}, "sku": None})
    assert (changed["name"], changed["sku"], changed["weight"]) == ("New", "A1", "1.5")
    assert changed["dimensions"] == {"length": "2", "width": "4", "height": ""}
    for method in ("PATCH", "POST"):
        assert store.call(method, f"products/{product}", {"name": method})["name"] == method


def test_a_sku_is_there_once(store: Store) -> None:
    product, other = store.product("A1"), store.product("B2")
    data = {"status": 400, "resource_id": product, "unique_sku": "a1-1"}
    refused = (400, "product_invalid_sku", "Invalid or duplicated SKU.", data)
    assert store.error("POST", "products", {"name": "X", "sku": "a1"}) == refused
    assert store.error("PUT", f"products/{other}", {"sku": "a1"}) == refused
    assert store.put(f"products/{product}", {"sku": "A1"})["sku"] == "A1"
    store.put(f"products/{product}", {"sku": "Z9"})
    assert store.put(f"products/{other}", {"sku": "A1"})["sku"] == "A1"


def test_unknown_products(store: Store) -> None:
    code = "woocommerce_rest_product_invalid_id"
    assert store.error("GET", "products/99") == (404, code, "Invalid ID.", {"status": 404})
    assert store.error("PUT", "products/99", {"name": "X"}) == (400, code, "Invalid ID.", {"status": 400})
    assert store.error("DELETE", "products/99", force="true") == (404, code, "Invalid ID.", {"status": 404})
    exists = store.error("POST", "products", {"id": 99, "name": "X"})
    assert exists == (400, "woocommerce_rest_product_exists", "Cannot create existing product.", {"status": 400})


def test_the_trash(store: Store) -> None:
    product = store.product("A1")
    assert store.delete(f"products/{product}")["status"] == "publish"  # as it was before
    assert store.get(f"products/{product}")["status"] == "trash"
    again = store.error("DELETE", f"products/{product}")
    text = "The product has already been deleted."
    assert again == (410, "woocommerce_rest_already_trashed", text, {"status": 410})
    assert store.ids("products") == []
    assert store.ids("products", sku="A1") == []
    assert store.product("A1") != product  # the SKU is free again
    assert store.delete(f"products/{product}", force="true")["id"] == product
    assert store.error("GET", f"products/{product}")[0] == 404


def test_what_arguments_are_refused_for(store: Store) -> None:
    body = {"type": "bundle", "stock_quantity": "many", "images": [{"src": 5}], "backorders": "maybe"}
    status, code, message, data = store.error("POST", "products", body)
    assert (status, code) == (400, "rest_invalid_param")
    assert message == "Invalid parameter(s): stock_quantity, backorders, type, images"
    assert data["params"] == {
        "type": "type is not one of simple, grouped, external, and variable.",
        "stock_quantity": "stock_quantity is not of type integer.",
        "images": "images[0][src] is not of type string.",
        "backorders": "backorders is not one of no, notify, and yes.",
    }


# --- meta data --------------------------------------------------------------------------------------------------------


def test_meta_data(store: Store) -> None:
    product = store.product(meta_data=[{"key": "a", "value": "1"}, {"key": "b", "value": {"deep": [1, 2]}}])
    first, second = store.get(f"products/{product}")["meta_data"]
    assert (first["key"], first["value"], second["value"]) == ("a", "1", {"deep": [1, 2]})
    change = [{"key": "a", "value": "2"}, {"id": second["id"], "key": "c", "value": "3"}, {"key": "d", "value": "4"}]
    rows = store.put(f"products/{product}", {"meta_data": change})["meta_data"]
    assert [(row["id"], row["key"], row["value"]) for row in rows[:2]] == [
        (first["id"], "a", "2"), (second["id"], "c", "3"),
    ]  # fmt: skip
    assert (rows[2]["key"], rows[2]["value"]) == ("d", "4")
    rows = store.put(f"products/{product}", {"meta_data": [{"key": "a", "value": None}]})["meta_data"]
    assert [row["key"] for row in rows] == ["c", "d"]


# --- prices -----------------------------------------------------------------------------------------------------------


def test_a_sale_price(store: Store) -> None:
    product = store.product(price="10.00", sale_price="8")
    seen = store.get(f"products/{product}")
    assert (seen["price"], seen["regular_price"], seen["sale_price"], seen["on_sale"]) == ("8", "10.00", "8", True)
    dear = store.put(f"products/{product}", {"sale_price": "12.00"})
    assert (dear["price"], dear["sale_price"], dear["on_sale"]) == ("10.00", "12.00", False)
    ended = store.put(f"products/{product}", {"sale_price": ""})
    assert (ended["price"], ended["on_sale"]) == ("10.00", False)


def test_a_sale_holds_within_its_dates(store: Store) -> None:
    """Posted in the shop's time or as GMT: it is one moment. The shop is two hours ahead."""
    tomorrow = (datetime.now(UTC) + timedelta(days=1)).strftime("%Y-%m-%dT%H:%M:%S")
    product = store.product(price="10.00", sale_price="8.00", date_on_sale_from_gmt=tomorrow)
    seen = store.get(f"products/{product}")
    local = (datetime.fromisoformat(tomorrow) + timedelta(hours=2)).isoformat()
    assert (seen["date_on_sale_from"], seen["date_on_sale_from_gmt"]) == (local, tomorrow)
    assert (seen["price"], seen["on_sale"]) == ("10.00", False)
    assert store.ids("products", on_sale="true") == []
    begun = store.put(f"products/{product}", {"date_on_sale_from": "2020-01-01T01:00:00"})
    assert begun["date_on_sale_from_gmt"] == "2019-12-31T23:00:00"
    assert (begun["price"], begun["on_sale"]) == ("8.00", True)
    over = store.put(f"products/{product}", {"date_on_sale_to": "2021-01-01T00:00:00"})
    assert (over["price"], over["on_sale"]) == ("10.00", False)


def test_a_variable_product_has_no_price_of_its_own(store: Store) -> None:
    parent = shirt(store, regular_price="99.00")
    assert store.get(f"products/{parent}")["price"] == ""
    variation(store, parent, regular_price="7.00")
    variation(store, parent, regular_price="5.00", sale_price="4.50")
    seen = store.get(f"products/{parent}")
    assert (seen["price"], seen["regular_price"], seen["on_sale"]) == ("4.50", "", True)


# --- stock ------------------------------------------------------------------------------------------------------------


def test_a_counted_stock_decides_its_own_state(store: Store) -> None:
    product = store.product(stock=3)
    states = []
    for change in (
        {"stock_quantity": 0},
        {"stock_quantity": 0, "stock_status": "instock"},
        {"backorders": "notify"},
        {"stock_quantity": -2},
        {"stock_quantity": 5},
    ):
        seen = store.put(f"products/{product}", change)
        states.append((seen["stock_quantity"], seen["stock_status"], seen["backorders_allowed"], seen["backordered"]))
    assert states == [
        (0, "outofstock", False, False),
        (0, "outofstock", False, False),
        (0, "onbackorder", True, True),
        (-2, "onbackorder", True, True),
        (5, "instock", True, False),
    ]


def test_an_uncounted_stock_is_only_a_state(store: Store) -> None:
    product = store.product(stock=3, backorders="yes")
    seen = store.put(f"products/{product}", {"manage_stock": False, "stock_status": "outofstock"})
    assert (seen["manage_stock"], seen["stock_quantity"], seen["stock_status"]) == (False, None, "outofstock")
    assert seen["backorders"] == "no"
    seen = store.put(f"products/{product}", {"stock_quantity": 9})
    assert seen["stock_quantity"] is None


def test_stock_is_absolute_and_moves_the_date(store: Store) -> None:
    product = store.product(stock=3)
    store.sim.shop.products[product]["modified"] = 1_700_000_000
    assert store.put(f"products/{product}", {"stock_quantity": 7})["stock_quantity"] == 7
    assert store.put(f"products/{product}", {"stock_quantity": 7})["stock_quantity"] == 7
    assert store.get(f"products/{product}")["date_modified_gmt"] > "2026-01-01"


# --- variations -------------------------------------------------------------------------------------------------------


def test_a_variation(store: Store) -> None:
    parent = shirt(store)
    made = variation(store, parent, sku="S-1", manage_stock=True, stock_quantity=4)
    assert made["attributes"] == [{"id": 0, "name": "Size", "option": "S"}]
    assert (made["name"], made["parent_id"], made["type"], made["status"]) == ("S", parent, "variation", "publish")
    assert (made["manage_stock"], made["stock_quantity"]) == (True, 4)
    assert store.get(f"products/{parent}")["variations"] == [made["id"]]
    assert store.ids(f"products/{parent}/variations", sku="S-1") == [made["id"]]
    assert store.ids("variations") == [made["id"]]
    by_sku = store.get("products", sku="s-1,nothing")  # it is found among the products
    assert [(row["id"], row["type"], row["name"]) for row in by_sku] == [(made["id"], "variation", "Shirt - S")]
    assert store.ids("products", search_sku="-1") == [made["id"]]
    assert store.ids("products") == [parent]


def test_what_a_variation_inherits(store: Store) -> None:
    dimensions = {"length": "1", "width": "2", "height": "3"}
    parent = shirt(
        store, sku="SHIRT", weight="0.3", dimensions=dimensions, tax_class="reduced-rate", manage_stock=True,
        stock_quantity=0, backorders="notify",
    )  # fmt: skip
    made = variation(store, parent)
    assert made["tax_class"] == "parent"  # as it was set, where it is edited
    seen = store.get(f"products/{parent}/variations/{made['id']}")
    assert (seen["sku"], seen["weight"], seen["dimensions"]) == ("SHIRT", "0.3", dimensions)
    assert seen["tax_class"] == "reduced-rate"
    assert (seen["manage_stock"], seen["stock_quantity"], seen["stock_status"]) == ("parent", 0, "onbackorder")
    assert (seen["backorders"], seen["backordered"]) == ("notify", True)
    own = store.put(f"products/{parent}/variations/{made['id']}", {
        "sku": "SHIRT-S", "weight": "0.2", "manage_stock": True, "stock_quantity": 2, "dimensions": {"width": "9"},
    })  # fmt: skip
    assert (own["sku"], own["weight"], own["manage_stock"], own["stock_quantity"]) == ("SHIRT-S", "0.2", True, 2)
    assert (own["stock_status"], own["backorders"]) == ("instock", "no")
    assert own["dimensions"] == {"length": "1", "width": "9", "height": "3"}
    back = store.put(f"products/{parent}/variations/{made['id']}", {"manage_stock": "parent"})
    assert (back["manage_stock"], back["stock_quantity"]) == ("parent", 0)


def test_a_sale_takes_the_parents_stock(store: Store) -> None:
    parent = shirt(store, manage_stock=True, stock_quantity=10)
    made = variation(store, parent)
    store.order({"product_id": parent, "variation_id": made["id"], "quantity": 3}, status="processing")
    assert store.stock(parent) == 7
    assert store.get(f"products/{parent}/variations/{made['id']}")["stock_quantity"] == 7


def test_the_parents_state_is_its_variations(store: Store) -> None:
    parent = shirt(store)
    a = variation(store, parent, manage_stock=True, stock_quantity=0)["id"]
    assert store.get(f"products/{parent}")["stock_status"] == "outofstock"
    b = variation(store, parent, manage_stock=True, stock_quantity=1)["id"]
    assert store.get(f"products/{parent}")["stock_status"] == "instock"
    store.put(f"products/{parent}/variations/{b}", {"stock_quantity": 0})
    store.put(f"products/{parent}/variations/{a}", {"backorders": "yes"})
    assert store.get(f"products/{parent}")["stock_status"] == "onbackorder"


def test_variations_have_their_own_address(store: Store) -> None:
    parent, other = shirt(store), shirt(store)
    made = variation(store, parent)["id"]
    assert store.get(f"products/{made}")["type"] == "variation"  # reading is allowed
    address = "/products/&lt;product_id&gt;/variations/&lt;id&gt;"
    text = f"To manipulate product variations you should use the {address} endpoint."
    refused = (404, "woocommerce_rest_invalid_product_id", text, {"status": 404})
    assert store.error("PUT", f"products/{made}", {"name": "X"}) == refused
    assert store.error("DELETE", f"products/{made}", force="true") == refused
    assert store.error("PUT", f"products/{other}/variations/{made}", {"sku": "X"}) == (
        403, "woocommerce_rest_cannot_edit", "Parent product does not match current variation.", {"status": 403},
    )  # fmt: skip
    code = "woocommerce_rest_product_variation_invalid_id"
    assert store.error("GET", f"products/{parent}/variations/999") == (404, code, "Invalid ID.", {"status": 404})
    assert store.error("PUT", f"products/{parent}/variations/999", {}) == (400, code, "Invalid ID.", {"status": 400})
    assert store.get("products/999/variations") == []
    code = "woocommerce_rest_product_variation_invalid_parent"
    text = "Cannot set attributes due to invalid parent product."
    assert store.error("POST", "products/999/variations", {}) == (404, code, text, {"status": 404})


def test_a_variation_is_trashed_or_deleted(store: Store) -> None:
    parent = shirt(store)
    a, b = variation(store, parent, sku="V-1")["id"], variation(store, parent)["id"]
    assert store.delete(f"products/{parent}/variations/{a}")["status"] == "publish"
    assert store.ids(f"products/{parent}/variations") == [b]
    assert store.get(f"products/{parent}")["variations"] == [b]
    assert store.get(f"products/{parent}/variations/{a}")["status"] == "trash"
    assert store.error("DELETE", f"products/{parent}/variations/{a}")[:2] == (410, "woocommerce_rest_already_trashed")
    store.delete(f"products/{parent}/variations/{b}", force="true")
    assert store.error("GET", f"products/{parent}/variations/{b}")[0] == 404
    assert store.delete(f"products/{parent}", force="true")["id"] == parent


# --- customers --------------------------------------------------------------------------------------------------------


def test_a_customer(store: Store) -> None:
    body = {"email": "Ada@example.com", "first_name": "Ada", "billing": {"city": "London"}, "password": "secret"}
    made = store.post("customers", body)
    assert (made["username"], made["role"], made["is_paying_customer"]) == ("Ada", "customer", False)
    assert (made["billing"]["city"], made["shipping"]["city"]) == ("London", "")
    assert "password" not in made
    changed = store.put(f"customers/{made['id']}", {"last_name": "Byron", "meta_data": [{"key": "n", "value": "1"}]})
    assert (changed["first_name"], changed["last_name"], changed["meta_data"][0]["value"]) == ("Ada", "Byron", "1")
    code = "woocommerce_rest_trash_not_supported"
    text = "Customers do not support trashing."
    assert store.error("DELETE", f"customers/{made['id']}") == (501, code, text, {"status": 501})
    assert store.delete(f"customers/{made['id']}", force="true")["id"] == made["id"]


def test_refused_customers(store: Store) -> None:
    made = store.post("customers", {"email": "ada@example.com"})["id"]
    other = store.post("customers", {"email": "bob@example.com"})["id"]
    assert store.error("POST", "customers", {}) == (
        400, "rest_missing_callback_param", "Missing parameter(s): email", {"status": 400, "params": ["email"]},
    )  # fmt: skip
    assert store.error("POST", "customers", {"email": "ADA@example.com"})[1] == "registration-error-email-exists"
    taken = {"email": "c@example.com", "username": "ada"}
    assert store.error("POST", "customers", taken)[:2] == (400, "registration-error-username-exists")
    assert store.error("POST", "customers", {"email": "nobody"})[:3] == (
        400, "registration-error-invalid-email", "Please provide a valid email address.",
    )  # fmt: skip
    assert store.error("PUT", f"customers/{other}", {"email": "ada@example.com"})[:3] == (
        400, "woocommerce_rest_customer_invalid_email", "Email address is invalid.",
    )  # fmt: skip
    assert store.error("PUT", f"customers/{made}", {"username": "eve"})[:3] == (
        400, "woocommerce_rest_customer_invalid_argument", "Username isn't editable.",
    )  # fmt: skip
    for method in ("GET", "PUT", "DELETE"):
        unknown = (404, "wc_user_invalid_id", "Invalid user ID.", {"status": 404})
        assert store.error(method, "customers/99", {} if method == "PUT" else None) == unknown


# --- categories, attributes and their terms ---------------------------------------------------------------------------


def test_categories(store: Store) -> None:
    chairs = store.post("products/categories", {"name": "Chairs"})
    oak = store.post("products/categories", {"name": "Oak", "parent": chairs["id"]})["id"]
    assert (chairs["slug"], chairs["parent"], chairs["display"], chairs["count"]) == ("chairs", 0, "default", 0)
    data = {"status": 400, "resource_id": chairs["id"]}
    text = "A term with the name provided already exists with this parent."
    assert store.error("POST", "products/categories", {"name": "chairs"}) == (400, "term_exists", text, data)
    product = store.product(categories=[{"id": oak}])
    assert store.get(f"products/{product}")["categories"] == [{"id": oak, "name": "Oak", "slug": "oak"}]
    assert store.ids("products", category=str(oak)) == [product]
    assert store.ids("products/categories") == [chairs["id"], oak, 15]  # by name
    assert store.ids("products/categories", parent=chairs["id"]) == [oak]
    assert store.ids("products/categories", hide_empty="true") == [oak]
    assert store.ids("products/categories", product=product) == [oak]
    assert store.put(f"products/categories/{oak}", {"name": "Oak wood"})["slug"] == "oak"
    code = "woocommerce_rest_term_invalid"
    assert store.error("GET", "products/categories/99") == (404, code, "Resource does not exist.", {"status": 404})
    assert store.error("DELETE", f"products/categories/{oak}")[:2] == (501, "woocommerce_rest_trash_not_supported")
    text = "Default product category cannot be deleted."
    assert store.error("DELETE", "products/categories/15", force="true")[:3] == (
        500, "woocommerce_rest_cannot_delete", text,
    )  # fmt: skip
    store.delete(f"products/categories/{oak}", force="true")
    assert store.get(f"products/{product}")["categories"][0]["slug"] == "uncategorized"


def test_global_attributes(store: Store) -> None:
    size = store.post("products/attributes", {"name": "Size"})
    assert (size["slug"], size["type"], size["order_by"], size["has_archives"]) == (
        "pa_size",
        "select",
        "menu_order",
        False,
    )
    text = 'Slug "size" is already in use. Change it, please.'
    refused = (400, "woocommerce_rest_cannot_create", text, {"status": 400})
    assert store.error("POST", "products/attributes", {"name": "Size"}) == refused
    path = f"products/attributes/{size['id']}/terms"
    small = store.post(path, {"name": "Small"})
    assert (small["slug"], small["count"]) == ("small", 0)
    axis = {"id": size["id"], "variation": True, "visible": True, "options": ["Small", "Large"]}
    parent = store.post("products", {"name": "Shirt", "type": "variable", "attributes": [axis]})
    assert (parent["attributes"][0]["name"], parent["attributes"][0]["options"]) == ("Size", ["Small", "Large"])
    assert [(row["name"], row["count"]) for row in store.get(path)] == [("Large", 1), ("Small", 1)]
    made = variation(store, parent["id"], attributes=[{"id": size["id"], "option": "Large"}])
    assert made["attributes"] == [{"id": size["id"], "name": "Size", "option": "Large"}]
    assert store.put(f"{path}/{small['id']}", {"menu_order": 3})["menu_order"] == 3
    assert store.delete(f"{path}/{small['id']}", force="true")["id"] == small["id"]
    assert store.error("GET", "products/attributes/99")[:2] == (404, "woocommerce_rest_attribute_invalid")
    code = "woocommerce_rest_taxonomy_invalid"
    missing = (404, code, "Taxonomy does not exist.", {"status": 404})
    assert store.error("GET", "products/attributes/99/terms") == missing
    assert store.put(f"products/attributes/{size['id']}", {"name": "Sizes"})["name"] == "Sizes"
    response = store.send("GET", "products/attributes")
    assert (response.headers["X-WP-Total"], response.headers["X-WP-TotalPages"]) == ("1", "1")
    assert store.delete(f"products/attributes/{size['id']}", force="true")["id"] == size["id"]
