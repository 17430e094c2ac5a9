"""The WooCommerce simulator against a real 11.0.1 server's description of itself, and the documentation's examples."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from integrations.simulators.woocommerce import args as a
from integrations.simulators.woocommerce import routes
from tests.conftest import missing
from tests.simulators.woocommerce_client import Store, open_store

DATE = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d")

# Where the vendor's answers are not what its schema says, and the simulator follows the answers; `*` is any of the way.
# Sources: WC_REST_Orders_V2_Controller::get_order_item_data and get_formatted_item_data, the examples of
# https://woocommerce.github.io/woocommerce-rest-api-docs/, WC_REST_Product_Variations_Controller.
DEVIATIONS = (
    # of a line without an image the id is ""; of a line that is no variation the parent's name is null
    "*line_items[].image.id: str",
    "*line_items[].parent_name: NoneType",
    # lines of an order and of a refund are made by one function; what it adds is described for some kinds only
    "*[].meta_data[].display_key: not described",
    "*[].meta_data[].display_value: not described",
    "*fee_lines[].amount: not described",
    "*shipping_lines[].tax_status: not described",
    "*shipping_lines[].taxes[].subtotal: not described",
    "*tax_lines[].rate_percent: not described",
    "*refunds*.line_items[].image: not described",
    "*refunds*.line_items[].parent_name: not described",
    "*refunds*.line_items[].global_unique_id: not described",
    # shipping addresses have a telephone since 5.6
    "orders*.shipping.phone: not described",
    # the examples show 0, and null where no stock is counted
    "*.shipping_class_id: int",
    "*.stock_quantity: NoneType",
    "*variations*.image: NoneType",
    "products/categories*.image: NoneType",
    "*variations*.date_created_gmt: not described",
    "*variations*.date_modified_gmt: not described",
    "*variations*.name: not described",
    "products*.attributes[].slug: not described",
    # the number of orders is a number
    "reports/orders/totals.total: int",
    # options and placeholders are there where a setting has any
    "settings*.options: missing",
    "settings*.placeholder: missing",
    # a gateway's settings are objects by name, described as one of them. judgement: the simulated ones have none
    "payment_gateways.settings.*: missing",
    # dropins_mu_plugins is an object. judgement: of the state of the server only what clients ask is there
    "system_status.dropins_mu_plugins: dict",
    "system_status.*: missing",
)


def described(shared: Path, name: str) -> dict[str, Any]:
    path = shared / "specs" / "woocommerce" / "live-11.0.1" / f"wc_v3_{name}.json"
    if not path.exists():
        missing(f"the live description {path.name} is not there")
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return found


@pytest.fixture(scope="module")
def store() -> Iterator[Store]:
    """A shop in which everything there is, is there once."""
    with open_store() as store:
        fill(store)
        yield store


def fill(store: Store) -> None:
    colour = store.post("products/attributes", {"name": "Colour"})["id"]
    store.post(f"products/attributes/{colour}/terms", {"name": "red"})
    store.tax("20")
    buyer = store.post("customers", {"email": "ada@example.com", "first_name": "Ada", "meta_data": META})["id"]
    product = store.product(stock=10, sale_price="8.00", date_on_sale_to="2099-01-01T00:00:00", meta_data=META)
    size = {"name": "Size", "visible": True, "variation": True, "options": ["S", "M"]}
    parent = store.post("products", {"name": "Shirt", "type": "variable", "attributes": [size]})["id"]
    body = {"regular_price": "5", "attributes": [{"name": "Size", "option": "S"}], "meta_data": META}
    variation = store.post(f"products/{parent}/variations", body)["id"]
    order = store.order(
        {"product_id": product, "quantity": 2, "meta_data": META},
        {"product_id": parent, "variation_id": variation},
        shipping_lines=[{"method_id": "flat_rate", "method_title": "Flat", "total": "5", "meta_data": META}],
        fee_lines=[{"name": "Wrap", "total": "1", "meta_data": META}], coupon_lines=[{"code": "welcome10"}],
        billing={"country": "GB", "email": "ada@example.com"}, payment_method="card", status="completed",
        customer_id=buyer, meta_data=META,
    )  # fmt: skip
    line, shipping = order["line_items"][0], order["shipping_lines"][0]["id"]
    rate = order["tax_lines"][0]["rate_id"]
    rows = [
        {"id": line["id"], "quantity": 1, "refund_total": 1, "refund_tax": [{"id": rate, "refund_total": 0.2}]},
        {"id": shipping, "refund_total": 1, "refund_tax": [{"id": rate, "refund_total": 0.2}]},
        {"id": order["fee_lines"][0]["id"], "refund_total": 1},
    ]
    store.post(f"orders/{order['id']}/refunds", {"line_items": rows, "meta_data": META})
    store.order()
    store.post("webhooks", {"topic": "order.created", "delivery_url": "http://127.0.0.1:9/"})


META = [{"key": "colour", "value": "red"}]

# what is asked → the description of what is answered
ANSWERS = {
    "orders": "orders",
    "orders/{order}": "orders_p_id_d",
    "orders/{order}/refunds": "orders_p_order_id_d_refunds",
    "orders/{order}/refunds/{refund}": "orders_p_order_id_d_refunds_p_id_d",
    "orders/{order}/notes": "orders_p_order_id_d_notes",
    "orders/{order}/notes/{note}": "orders_p_order_id_d_notes_p_id_d",
    "orders/statuses": "orders_statuses",
    "refunds": "refunds",
    "products": "products",
    "products/{product}": "products_p_id_d",
    "products/{parent}": "products_p_id_d",
    "products/{parent}/variations": "products_p_product_id_d_variations",
    "products/{parent}/variations/{variation}": "products_p_product_id_d_variations_p_id_d",
    "variations": "variations",
    "products/categories": "products_categories",
    "products/categories/15": "products_categories_p_id_d",
    "products/attributes": "products_attributes",
    "products/attributes/1": "products_attributes_p_id_d",
    "products/attributes/1/terms": "products_attributes_p_attribute_id_d_terms",
    "customers": "customers",
    "customers/{customer}": "customers_p_id_d",
    "webhooks": "webhooks",
    "webhooks/{webhook}": "webhooks_p_id_d",
    "taxes": "taxes",
    "taxes/{tax}": "taxes_p_id_d",
    "payment_gateways": "payment_gateways",
    "shipping_methods": "shipping_methods",
    "reports/orders/totals": "reports_orders_totals",
    "system_status": "system_status",
    "data/currencies/current": "data_currencies_current",
    "settings/general": "settings_p_group_id_w",
    "settings/general/woocommerce_currency": "settings_p_group_id_w_p_id_w",
}


def path_of(store: Store, pattern: str) -> str:
    order = store.ids("orders", status="completed")[0]
    parent = store.ids("products", type="variable")[0]
    found = {
        "order": order,
        "refund": store.ids(f"orders/{order}/refunds")[0],
        "note": store.get(f"orders/{order}/notes")[0]["id"],
        "product": store.ids("products", type="simple")[0],
        "parent": parent,
        "variation": store.ids(f"products/{parent}/variations")[0],
        "customer": store.ids("customers")[0],
        "webhook": store.ids("webhooks")[0],
        "tax": store.ids("taxes")[0],
    }
    return pattern.format(**found)


def differences(schema: dict[str, Any], value: Any, at: str, context: str) -> Iterator[str]:
    """Where `value` is not of `schema`: of another type, not described, or described but not there."""
    kinds = schema.get("type", [])
    kinds = [kinds] if isinstance(kinds, str) else kinds
    if kinds and "mixed" not in kinds and not any(is_of(kind, value) for kind in kinds):
        yield f"{at}: {type(value).__name__}"
    if "enum" in schema and value not in schema["enum"]:
        yield f"{at}: {value!r} is not in the enum"
    if isinstance(value, list):
        for item in value:
            yield from differences(schema.get("items", {}), item, f"{at}[]", context)
    properties = schema.get("properties")
    if isinstance(value, dict) and properties:
        yield from (f"{at}.{name}: not described" for name in value if name not in properties and name != "_links")
        for name, inner in properties.items():
            contexts = inner.get("context", [context])
            if name in value:
                yield from differences(inner, value[name], f"{at}.{name}", context)
                if context not in contexts:
                    yield f"{at}.{name}: not of the context {context}"
            elif context in contexts and contexts != ["edit"]:  # what only "edit" has is mostly only taken
                yield f"{at}.{name}: missing"


def is_of(kind: str, value: Any) -> bool:
    if kind == "date-time":
        return value is None or (isinstance(value, str) and DATE.fullmatch(value) is not None)
    if kind == "integer":
        return isinstance(value, int) and not isinstance(value, bool)
    if kind == "number":
        return isinstance(value, int | float) and not isinstance(value, bool)
    types: dict[str, type] = {"string": str, "boolean": bool, "array": list, "object": dict, "null": type(None)}
    types["bool"] = bool
    return isinstance(value, types[kind])


def found_in(store: Store, shared: Path, pattern: str, context: str) -> set[str]:
    schema = described(shared, ANSWERS[pattern])["schema"]
    answer = store.get(path_of(store, pattern), context=context)
    rows = answer if isinstance(answer, list) else [answer]
    assert rows
    return {text for row in rows for text in differences(schema, row, pattern, context)}


def is_known(text: str, deviation: str) -> bool:
    return re.fullmatch(".*".join(re.escape(part) for part in deviation.split("*")), text) is not None


@pytest.mark.parametrize("pattern", list(ANSWERS))
def test_every_answer_is_as_described(store: Store, shared_dir: Path, pattern: str) -> None:
    found = found_in(store, shared_dir, pattern, "view")
    assert {text for text in found if not any(is_known(text, known) for known in DEVIATIONS)} == set()


@pytest.mark.parametrize("pattern", ["orders", "refunds", "products", "products/{parent}/variations", "customers"])
def test_answers_to_edit(store: Store, shared_dir: Path, pattern: str) -> None:
    found = found_in(store, shared_dir, pattern, "edit")
    assert {text for text in found if not any(is_known(text, known) for known in DEVIATIONS)} == set()


def test_the_deviations_are_still_deviations(store: Store, shared_dir: Path) -> None:
    found = {text for pattern in ANSWERS for text in found_in(store, shared_dir, pattern, "view")}
    assert [known for known in DEVIATIONS if not any(is_known(text, known) for text in found)] == []


# --- what is written, and what webhooks carry -------------------------------------------------------------------------


def test_answers_to_writes(store: Store, shared_dir: Path) -> None:
    order = store.order({"product_id": store.product("W1"), "quantity": 1}, payment_method="card", status="processing")
    answers = {
        "orders": [order, store.put(f"orders/{order['id']}", {"customer_note": "x"})],
        "orders/{order}/refunds": [store.post(f"orders/{order['id']}/refunds", {"amount": "1.00"})],
        "orders/{order}/notes": [store.post(f"orders/{order['id']}/notes", {"note": "x"})],
        "products": [store.post("products", {"name": "W2"}), store.get("products", sku="W1")[0]],
        "customers": [store.post("customers", {"email": "w@example.com"})],
        "taxes": [store.post("taxes", {"rate": "5"})],
        "settings/general": [store.put("settings/general/woocommerce_currency_pos", {"value": "left"})],
    }
    for pattern, rows in answers.items():
        schema = described(shared_dir, ANSWERS[pattern])["schema"]
        found = {text for row in rows for text in differences(schema, row, pattern, "edit")}
        assert {text for text in found if not any(is_known(text, known) for known in DEVIATIONS)} == set(), pattern


# --- the documentation's examples -------------------------------------------------------------------------------------

EXAMPLES = {
    "Retrieve an order": "orders/{order}",
    "Retrieve a refund": "orders/{order}/refunds/{refund}",
    "Retrieve an order note": "orders/{order}/notes/{note}",
    "Retrieve a product": "products/{product}",
    "Retrieve a product variation": "products/{parent}/variations/{variation}",
    "Retrieve a customer": "customers/{customer}",
    "Retrieve a webhook": "webhooks/{webhook}",
    "Retrieve a tax rate": "taxes/{tax}",
    "Retrieve a setting option": "settings/general/woocommerce_currency",
}
GONE = {"Retrieve a setting option: options"}  # as above: only where a setting has any


def test_every_field_of_the_examples_is_there(store: Store, shared_dir: Path) -> None:
    path = shared_dir / "specs" / "woocommerce" / "docs_examples_wc_v3.json"
    if not path.exists():
        missing("the documentation's examples are not there")
    rows = json.loads(path.read_text(encoding="utf-8"))
    shown = {row["section"]: row["body"] for row in rows if row["kind"] == "response" and row["section"] in EXAMPLES}
    assert set(shown) == set(EXAMPLES)
    lost = set()
    for section, body in shown.items():
        answer = store.get(path_of(store, EXAMPLES[section]))
        lost |= {f"{section}: {name}" for name in body if name not in answer}
        links = {name for name in body["_links"] if name not in answer["_links"]}
        lost |= {f"{section}: {name}" for name in links}
        for name in ("line_items", "tax_lines", "shipping_lines"):
            inner = {field for line in body.get(name, []) for field in line}
            lost |= {f"{section}: {name}.{field}" for field in inner if field not in answer[name][0]}
    assert lost == GONE


def test_what_was_read_is_not_what_may_be_written(store: Store) -> None:
    """A line as it was read is refused: null and "" are not what its schema says of what it only shows."""
    order = store.order({"product_id": store.product("R1")})
    status, code, _, data = store.error("PUT", f"orders/{order['id']}", {"line_items": order["line_items"]})
    assert (status, code) == (400, "rest_invalid_param")
    assert data["params"] == {"line_items": "line_items[0][parent_name] is not of type string."}


# --- arguments --------------------------------------------------------------------------------------------------------

ARGUMENTS = [
    ("orders", "GET", a.ORDER_LIST),
    ("orders", "POST", a.ORDER),
    ("orders_p_id_d", "PUT", a.for_update(a.ORDER)),
    ("orders_p_order_id_d_refunds", "GET", a.REFUND_LIST),
    ("orders_p_order_id_d_refunds", "POST", a.REFUND),
    ("refunds", "GET", a.REFUND_LIST),
    ("orders_p_order_id_d_notes", "GET", a.NOTE_LIST),
    ("orders_p_order_id_d_notes", "POST", a.NOTE),
    ("products", "GET", a.PRODUCT_LIST),
    ("products", "POST", a.PRODUCT),
    ("products_p_id_d", "PUT", a.for_update(a.PRODUCT)),
    ("products_p_product_id_d_variations", "GET", a.VARIATION_LIST),
    ("products_p_product_id_d_variations", "POST", a.VARIATION),
    ("variations", "GET", a.VARIATION_LIST),
    ("products_categories", "GET", a.TERM_LIST),
    ("products_categories", "POST", a.CATEGORY),
    ("products_attributes", "POST", a.ATTRIBUTE),
    ("products_attributes_p_attribute_id_d_terms", "GET", a.TERM_LIST),
    ("products_attributes_p_attribute_id_d_terms", "POST", a.ATTRIBUTE_TERM),
    ("customers", "GET", a.CUSTOMER_LIST),
    ("customers", "POST", a.CUSTOMER),
    ("customers_p_id_d", "PUT", a.for_update(a.CUSTOMER_CHANGE)),
    ("webhooks", "GET", a.WEBHOOK_LIST),
    ("webhooks", "POST", a.WEBHOOK),
    ("webhooks_p_id_d", "PUT", a.WEBHOOK_CHANGE),
    ("taxes", "GET", a.TAX_LIST),
    ("taxes", "POST", a.TAX),
]
IN_THE_PATH = {"id", "order_id", "product_id", "attribute_id"}


def plain(spec: Any, *, top: bool = True) -> Any:
    """An argument without its words, and without what is never taken from inside a record."""
    names = ("type", "enum", "default", "format", "minimum", "maximum")
    kept = {name: spec[name] for name in names if spec.get(name) is not None}
    if spec.get("required"):
        kept["required"] = True
    if "items" in spec:
        kept["items"] = plain(spec["items"], top=False)
    if "properties" in spec:
        kept["properties"] = {name: plain(inner, top=False) for name, inner in spec["properties"].items()}
    return kept


@pytest.mark.parametrize(("name", "method", "ours"), ARGUMENTS, ids=[f"{m} {n}" for n, m, _ in ARGUMENTS])
def test_every_argument_is_the_servers(name: str, method: str, ours: dict[str, Any], shared_dir: Path) -> None:
    endpoints = described(shared_dir, name)["endpoints"]
    theirs = next(one["args"] for one in endpoints if method in one["methods"])
    theirs = {name: plain(spec) for name, spec in theirs.items() if name not in IN_THE_PATH}
    assert {name: plain(spec) for name, spec in ours.items()} == theirs


def test_every_route_is_the_servers(shared_dir: Path) -> None:
    path = shared_dir / "specs" / "woocommerce" / "live-11.0.1" / "index.json"
    index = json.loads(path.read_text(encoding="utf-8"))["routes"]
    theirs = {route.removeprefix("/wc/v3/"): set(row["methods"]) for route, row in index.items()}
    assert len(routes.ROUTES) > 30
    for pattern, methods in routes.ROUTES:
        example = re.sub(r"\([^)]*\)", "1", pattern.pattern)
        known = [names for route, names in theirs.items() if re.fullmatch(route, example)]
        assert any(set(methods) <= names for names in known), pattern.pattern
