"""The routes of wc/v3 that are simulated: method and path to what is done; batches.

documented: https://woocommerce.github.io/woocommerce-rest-api-docs/ and WC_REST_Controller::batch_items:
https://github.com/woocommerce/woocommerce/blob/trunk/plugins/woocommerce/includes/rest-api/Controllers/Version3/class-wc-rest-controller.php
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from integrations.simulators.woocommerce import accounts_api as accounts
from integrations.simulators.woocommerce import orders_api as orders
from integrations.simulators.woocommerce import products_api as products
from integrations.simulators.woocommerce import settings_api as settings
from integrations.simulators.woocommerce import terms_api as terms
from integrations.simulators.woocommerce.args import WpError
from integrations.simulators.woocommerce.call import Call, no_route
from integrations.simulators.woocommerce.lines import CRITICAL
from integrations.simulators.woocommerce.records import amount_of

Do = Callable[..., Any]
MOST_IN_A_BATCH = 100
EDITS = ("POST", "PUT", "PATCH")  # documented: WP_REST_Server::EDITABLE: an id may be changed by any of them


def find_route(method: str, path: str) -> tuple[Do, list[int | str]]:
    """What answers the request, and with what in its path; WpError 404 rest_no_route where nothing does."""
    for pattern, methods in ROUTES:
        match = pattern.fullmatch(path)
        do = methods.get(method) or (methods.get("PUT") if method in EDITS else None)
        if match is not None and do is not None:
            return do, [int(part) if part.isdecimal() else part for part in match.groups()]
    raise no_route()


def refuse_stranger(method: str, path: str) -> WpError:
    """documented: the permission callbacks of each route, which come after the route is found. judgement: arguments,
    which WordPress checks before, are not looked at."""
    last = path.rpartition("/")[2]
    if last == "batch":
        code, text = "cannot_batch", "Sorry, you are not allowed to batch manipulate this resource."
    elif method == "GET":
        code, text = "cannot_view", "Sorry, you cannot list resources."
        if last.isdecimal():
            text = "Sorry, you cannot view this resource."
    elif method == "DELETE":
        code, text = "cannot_delete", "Sorry, you are not allowed to delete this resource."
    elif last.isdecimal():
        code, text = "cannot_edit", "Sorry, you are not allowed to edit this resource."
    else:
        code, text = "cannot_create", "Sorry, you are not allowed to create resources."
    return WpError(f"woocommerce_rest_{code}", text, 401)


def batch(call: Call, *ids: int) -> Any:
    """One answer a row, in order of create, update, delete; a refused one says `error`. Quirk: nothing to do is
    answered with an empty list."""
    create, change, delete = BATCHES[call.path.partition("/")[0], len(ids)]
    rows = {name: call.given.get(name) or [] for name in ("create", "update", "delete")}
    if not all(isinstance(row, dict) for name in ("create", "update") for row in rows[name]):
        raise WpError("internal_server_error", CRITICAL, 500)  # judgement: PHP ends in a TypeError
    if sum(map(len, rows.values())) > MOST_IN_A_BATCH:
        text = f"Unable to accept more than {MOST_IN_A_BATCH} items for this request."
        raise WpError("woocommerce_rest_request_entity_too_large", text, 413)
    answer: dict[str, list[Any]] = {}
    for row in rows["create"]:
        answer.setdefault("create", []).append(_one(call, "POST", row, 0, create, ids))
    for row in rows["update"]:
        number = row.get("id", 0)
        answer.setdefault("update", []).append(_one(call, "PUT", row, number, change, (*ids, int(amount_of(number)))))
    for row in rows["delete"]:
        number = int(amount_of(row))
        if number:
            body = {"force": True}
            answer.setdefault("delete", []).append(_one(call, "DELETE", body, number, delete, (*ids, number)))
    call.status = 200
    return answer or []


def _one(call: Call, method: str, body: Any, number: Any, do: Do, ids: tuple[int, ...]) -> Any:
    """`number` is what the answer calls the row where it is refused: 0 when it was to be created."""
    kept = {name: value for name, value in body.items() if method == "POST" or name != "id"}
    inner = Call(
        shop=call.shop, base=call.base, path=call.path, query={}, visible=call.visible, ping=call.ping,
        method=method, body=kept, checked=False,
    )  # fmt: skip
    try:
        return do(inner, *ids)
    except WpError as error:
        return {"id": number, "error": error.body}


BATCHES: dict[tuple[str, int], tuple[Do, Do, Do]] = {
    ("products", 0): (products.create_product, products.change_product, products.delete_product),
    ("products", 1): (products.create_variation, products.change_variation, products.delete_variation),
    ("orders", 0): (orders.create_order, orders.change_order, orders.delete_order),
    ("customers", 0): (accounts.create_customer, accounts.change_customer, accounts.delete_customer),
    ("webhooks", 0): (accounts.create_webhook, accounts.change_webhook, accounts.delete_webhook),
}
_ORDER = {"GET": orders.get_order, "PUT": orders.change_order, "DELETE": orders.delete_order}
_PRODUCT = {"GET": products.get_product, "PUT": products.change_product, "DELETE": products.delete_product}
_VARIATION = {"GET": products.get_variation, "PUT": products.change_variation, "DELETE": products.delete_variation}
_CUSTOMER = {"GET": accounts.get_customer, "PUT": accounts.change_customer, "DELETE": accounts.delete_customer}
_WEBHOOK = {"GET": accounts.get_webhook, "PUT": accounts.change_webhook, "DELETE": accounts.delete_webhook}
_CATEGORY = {"GET": terms.get_category, "PUT": terms.change_category, "DELETE": terms.delete_category}
_ATTRIBUTE = {"GET": terms.get_attribute, "PUT": terms.change_attribute, "DELETE": terms.delete_attribute}
_TERM = {"GET": terms.get_term, "PUT": terms.change_term, "DELETE": terms.delete_term}
_TABLE: list[tuple[str, dict[str, Do]]] = [
    *((f"{name}/batch", {"PUT": batch}) for name in ("orders", "products", "customers", "webhooks")),
    (r"products/(\d+)/variations/batch", {"PUT": batch}),
    ("orders", {"GET": orders.list_orders, "POST": orders.create_order}),
    ("orders/statuses", {"GET": orders.list_statuses}),
    (r"orders/(\d+)", _ORDER),
    (r"orders/(\d+)/refunds", {"GET": orders.list_refunds, "POST": orders.create_refund}),
    (r"orders/(\d+)/refunds/(\d+)", {"GET": orders.get_refund, "DELETE": orders.delete_refund}),
    (r"orders/(\d+)/notes", {"GET": orders.list_notes, "POST": orders.create_note}),
    (r"orders/(\d+)/notes/(\d+)", {"GET": orders.get_note, "DELETE": orders.delete_note}),
    ("refunds", {"GET": orders.list_all_refunds}),
    ("products", {"GET": products.list_products, "POST": products.create_product}),
    (r"products/(\d+)", _PRODUCT),
    (r"products/(\d+)/variations", {"GET": products.list_variations, "POST": products.create_variation}),
    (r"products/(\d+)/variations/(\d+)", _VARIATION),
    ("variations", {"GET": products.list_all_variations}),
    ("products/categories", {"GET": terms.list_categories, "POST": terms.create_category}),
    (r"products/categories/(\d+)", _CATEGORY),
    ("products/attributes", {"GET": terms.list_attributes, "POST": terms.create_attribute}),
    (r"products/attributes/(\d+)", _ATTRIBUTE),
    (r"products/attributes/(\d+)/terms", {"GET": terms.list_terms, "POST": terms.create_term}),
    (r"products/attributes/(\d+)/terms/(\d+)", _TERM),
    ("customers", {"GET": accounts.list_customers, "POST": accounts.create_customer}),
    (r"customers/(\d+)", _CUSTOMER),
    ("webhooks", {"GET": accounts.list_webhooks, "POST": accounts.create_webhook}),
    (r"webhooks/(\d+)", _WEBHOOK),
    ("taxes", {"GET": settings.list_taxes, "POST": settings.create_tax}),
    (r"taxes/(\d+)", {"GET": settings.get_tax, "DELETE": settings.delete_tax}),
    ("payment_gateways", {"GET": settings.list_gateways}),
    ("shipping_methods", {"GET": settings.list_shipping_methods}),
    ("reports/orders/totals", {"GET": settings.list_order_totals}),
    ("system_status", {"GET": settings.get_status}),
    ("data/currencies/current", {"GET": settings.get_currency}),
    (r"settings/([a-z]+)", {"GET": settings.list_settings}),
    (r"settings/([a-z]+)/(\w+)", {"GET": settings.get_setting, "PUT": settings.change_setting}),
]
ROUTES = [(re.compile(pattern), methods) for pattern, methods in _TABLE]
