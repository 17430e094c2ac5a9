"""The routes of wc/v3 that are simulated: method and path to what is done.

documented: https://woocommerce.github.io/woocommerce-rest-api-docs/; codes and wording of refusals as in
https://github.com/woocommerce/woocommerce/tree/trunk/plugins/woocommerce/includes/rest-api/Controllers
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from werkzeug.wrappers import Request

from integrations.simulators.woocommerce import args as a
from integrations.simulators.woocommerce import hooks, lists, shapes
from integrations.simulators.woocommerce.args import WpError
from integrations.simulators.woocommerce.orders import LABELS, Shop
from integrations.simulators.woocommerce.shop import GATEWAYS, Record, amount_of, fold

MOST_IN_A_BATCH = 100
SHIPPING_METHODS = {"flat_rate": "Flat rate", "free_shipping": "Free shipping", "local_pickup": "Local pickup"}


@dataclass
class Call:
    """One request, as a route sees it. `given` is the body's JSON (or form) over the query."""

    shop: Shop
    base: str
    method: str
    path: str
    query: dict[str, Any]
    body: dict[str, Any]
    visible: Callable[[float], bool]
    ping: Callable[[Record], None]
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)

    def take(self, spec: dict[str, a.Spec]) -> dict[str, Any]:
        return a.take(spec, {**self.query, **self.body})

    def page(self, ids: Any, taken: dict[str, Any]) -> Any:
        plain = {name: str(value) for name, value in self.query.items() if not isinstance(value, dict)}
        self.headers |= lists.build_headers(len(ids), taken, f"{self.base}/{self.path}", plain)
        return lists.cut(ids, taken)

    def seen(self, record: Record) -> bool:
        return self.visible(record.get("touched", 0.0))


def parse_body(request: Request) -> dict[str, Any]:
    """documented: WP_REST_Request: JSON where the type says so, else a form."""
    raw = request.get_data()
    if request.mimetype.endswith("json") and raw:
        try:
            found = json.loads(raw)
        except ValueError as error:
            data = {"status": 400, "json_error_code": 4, "json_error_message": "Syntax error"}
            raise WpError("rest_invalid_json", "Invalid JSON body passed.", 400, data) from error
        return found if isinstance(found, dict) else {}
    return dict(request.form.items())


def dispatch(call: Call) -> Any:
    """What the route answers; WpError 404 rest_no_route where there is none."""
    for pattern, methods in ROUTES:
        match = pattern.fullmatch(call.path)
        if match is None:
            continue
        do = methods.get(call.method) or methods.get("PUT" if call.method in {"PATCH", "POST"} else "")
        if do is not None:
            return do(call, *(int(part) if part.isdecimal() else part for part in match.groups()))
    text = "No route was found matching the URL and request method."
    raise WpError("rest_no_route", text, 404)


def invalid_id(kind: str, method: str) -> WpError:
    """documented: 404 where it is read, 400 where it is to be changed."""
    return WpError(f"woocommerce_rest_{kind}_invalid_id", "Invalid ID.", 404 if method in {"GET", "DELETE"} else 400)


def no_trash(what: str) -> WpError:
    return WpError("woocommerce_rest_trash_not_supported", f"{what} do not support trashing.", 501)


def is_forced(call: Call) -> bool:
    return str({**call.query, **call.body}.get("force", "false")).lower() in {"true", "1"}


# --- orders ----------------------------------------------------------------------------------------------------------


def list_orders(call: Call) -> Any:
    taken = call.take(a.ORDER_LIST)

    def keep(order: Record) -> bool:
        return (
            lists.has_status(taken, order)
            and call.seen(order)
            and taken.get("customer") in {None, order["customer_id"]}
            and (taken.get("search") is None or taken["search"] in (order["number"], str(order["id"])))
        )

    shop = call.shop
    ids = lists.pick_posts(shop.orders, shop.order_indexes, taken, shop.gmt_offset, keep)
    return [shapes.order_json(shop, shop.orders[pk], call.base, taken["dp"]) for pk in call.page(ids, taken)]


def find_order(call: Call, number: int) -> Record:
    order = call.shop.orders.get(number)
    if order is None:
        raise invalid_id("shop_order", call.method)
    return order


def get_order(call: Call, number: int) -> Any:
    return shapes.order_json(call.shop, find_order(call, number), call.base)


def create_order(call: Call) -> Any:
    if call.body.get("id"):
        raise WpError("woocommerce_rest_shop_order_exists", "Cannot create existing shop_order.", 400)
    given = {name: value for name, value in call.take(a.ORDER).items() if name in call.body or name == "status"}
    order = call.shop.add_order(given)
    if given.get("set_paid"):
        call.shop.pay(order, str(given.get("transaction_id") or ""))
    else:
        call.shop.set_status(order, str(given["status"]))
    call.shop.save_order(order, event="")
    call.status = 201
    return shapes.order_json(call.shop, order, call.base)


def change_order(call: Call, number: int) -> Any:
    order = find_order(call, number)
    given = call.take(a.for_update(a.ORDER))
    if call.shop.apply_order(order, given):
        call.shop.calculate(order)
    if given.get("set_paid"):
        call.shop.pay(order, str(given.get("transaction_id") or ""))
    if given.get("status"):
        call.shop.set_status(order, str(given["status"]))
    call.shop.save_order(order)
    return shapes.order_json(call.shop, order, call.base)


def delete_order(call: Call, number: int) -> Any:
    order = find_order(call, number)
    if not is_forced(call) and order["status"] == "trash":
        raise WpError("woocommerce_rest_already_trashed", "The shop_order has already been deleted.", 410)
    if is_forced(call):
        answer = shapes.order_json(call.shop, order, call.base)
        call.shop.remove_order(order)
        call.shop.emit("order", "deleted", number)
        return answer
    order["status"] = "trash"
    call.shop.save_order(order, event="deleted")
    return shapes.order_json(call.shop, order, call.base)


def list_refunds(call: Call, number: int) -> Any:
    order = find_order(call, number)
    taken = call.take(a.REFUND_LIST)
    newest_first = [pk for pk in reversed(order["refunds"]) if call.seen(call.shop.refunds[pk])]
    ids = sorted(newest_first) if taken["order"] == "asc" else newest_first
    return [shapes.refund_json(call.shop, call.shop.refunds[pk], call.base) for pk in call.page(ids, taken)]


def list_all_refunds(call: Call) -> Any:
    """documented: GET /refunds since 9.0. judgement: a refund never changes: both its dates are when it was made."""
    taken = call.take(a.REFUND_LIST)
    shop, gmt = call.shop, bool(taken.get("dates_are_gmt"))
    after = [
        lists.parse_moment(taken.get(name), gmt=gmt, offset=shop.gmt_offset) for name in ("after", "modified_after")
    ]
    start = max([moment for moment in after if moment is not None], default=None)
    excluded = set(taken.get("exclude") or ())
    ids = [
        pk
        for pk, row in shop.refunds.items()
        if pk not in excluded and (start is None or row["created"] > start) and call.seen(row)
    ]
    ids.sort(key=lambda pk: (shop.refunds[pk]["created"], pk), reverse=taken["order"] == "desc")
    return [shapes.refund_json(shop, shop.refunds[pk], call.base) for pk in call.page(ids, taken)]


def create_refund(call: Call, number: int) -> Any:
    order = call.shop.orders.get(number)
    if order is None:
        raise WpError("woocommerce_rest_invalid_order", "Invalid order ID.", 404)
    given = {name: value for name, value in call.take(a.REFUND).items() if name in call.body}
    given["line_items"] = call.body.get("line_items")
    refund = call.shop.add_refund(order, given)
    call.status = 201
    return shapes.refund_json(call.shop, refund, call.base)


def get_refund(call: Call, number: int, refund_id: int) -> Any:
    refund = call.shop.refunds.get(refund_id)
    if refund is None or refund["order_id"] != number:
        raise WpError("woocommerce_rest_invalid_order_refund_id", "Invalid order refund ID.", 404)
    return shapes.refund_json(call.shop, refund, call.base)


def list_notes(call: Call, number: int) -> Any:
    order = find_order(call, number)
    wanted = call.take(a.NOTE_LIST)["type"]
    notes = [
        note
        for note in reversed(call.shop.notes.get(order["id"], []))
        if wanted == "any" or note["customer_note"] == (wanted == "customer")
    ]
    return [shapes.note_json(call.shop, number, note, call.base) for note in notes]


def create_note(call: Call, number: int) -> Any:
    order = find_order(call, number)
    given = call.take(a.NOTE)
    note = call.shop.add_note(order, given["note"], customer=given["customer_note"])
    call.status = 201
    return shapes.note_json(call.shop, number, note, call.base)


# --- products --------------------------------------------------------------------------------------------------------


def list_products(call: Call) -> Any:
    taken = call.take(a.PRODUCT_LIST)
    shop = call.shop

    def keep(product: Record) -> bool:
        return (
            lists.has_status(taken, product)
            and call.seen(product)
            and taken.get("type") in {None, product["type"]}
            and taken.get("stock_status") in {None, product["stock_status"]}
            and str(taken.get("search") or "").lower() in product["name"].lower()
        )

    if taken.get("sku"):
        # documented: the filter by SKU finds variations, too, as their own products.
        found = [shop.sku_ids.get(fold(code.strip()), 0) for code in str(taken["sku"]).split(",")]
        ids = [pk for pk in found if pk in shop.products and keep(shop.products[pk])]
    else:
        ids = lists.pick_posts(shop.products, shop.product_indexes, taken, shop.gmt_offset, keep)
    return [shapes.product_json(shop, shop.products[pk], call.base) for pk in call.page(ids, taken)]


def find_product(call: Call, number: int, parent: int | None = None) -> Record:
    product = call.shop.products.get(number)
    if product is None or (parent is not None and product["parent_id"] != parent):
        raise invalid_id("product" if parent is None else "product_variation", call.method)
    return product


def get_product(call: Call, number: int) -> Any:
    return shapes.product_json(call.shop, find_product(call, number), call.base)


def create_product(call: Call) -> Any:
    given = {name: value for name, value in call.take(a.PRODUCT).items() if name in call.body}
    call.status = 201
    return shapes.product_json(call.shop, call.shop.add_product(given), call.base)


def change_product(call: Call, number: int) -> Any:
    product = find_product(call, number)
    call.shop.change_product(product, call.take(a.for_update(a.PRODUCT)))
    return shapes.product_json(call.shop, product, call.base)


def delete_product(call: Call, number: int) -> Any:
    product = find_product(call, number)
    answer = shapes.product_json(call.shop, product, call.base)
    if is_forced(call):
        call.shop.remove_product(product)
    else:
        product["status"] = "trash"
        call.shop.save_product(product, event="deleted")
        return answer | {"status": "trash"}
    call.shop.emit("product", "deleted", number)
    return answer


def list_variations(call: Call, parent: int) -> Any:
    product = call.shop.products.get(parent)
    if product is None:
        raise WpError("woocommerce_rest_product_invalid_id", "Invalid ID.", 404)
    taken = call.take(a.VARIATION_LIST)
    ids = [pk for pk in product.get("variations", []) if pk not in set(taken["exclude"])]
    ids = [pk for pk in ids if taken.get("sku") in {None, call.shop.products[pk]["sku"]}]
    ids.sort(reverse=taken["order"] == "desc")
    return [shapes.variation_json(call.shop, call.shop.products[pk], call.base) for pk in call.page(ids, taken)]


def get_variation(call: Call, parent: int, number: int) -> Any:
    return shapes.variation_json(call.shop, find_product(call, number, parent), call.base)


def create_variation(call: Call, parent: int) -> Any:
    given = {name: value for name, value in call.take(a.VARIATION).items() if name in call.body}
    variation = call.shop.add_product(given, parent=find_product(call, parent))
    call.status = 201
    return shapes.variation_json(call.shop, variation, call.base)


def change_variation(call: Call, parent: int, number: int) -> Any:
    variation = find_product(call, number, parent)
    call.shop.change_product(variation, call.take(a.for_update(a.VARIATION)))
    return shapes.variation_json(call.shop, variation, call.base)


def delete_variation(call: Call, parent: int, number: int) -> Any:
    variation = find_product(call, number, parent)
    answer = shapes.variation_json(call.shop, variation, call.base)
    call.shop.remove_product(variation)
    return answer


def batch(call: Call, *ids: int) -> Any:
    """documented: WC_REST_Controller::batch_items: one answer a row, in order; a refused one says `error`."""
    create, change, delete = BATCHES[call.path.partition("/")[0], len(ids)]
    rows = {name: call.body.get(name) or [] for name in ("create", "update", "delete")}
    if sum(map(len, rows.values())) > MOST_IN_A_BATCH:
        text = f"Unable to accept more than {MOST_IN_A_BATCH} items for this request."
        raise WpError("woocommerce_rest_request_entity_too_large", text, 413)
    answer: dict[str, list[Any]] = {}
    for name, do in (("create", create), ("update", change), ("delete", delete)):
        for row in rows[name]:
            answer.setdefault(name, []).append(_one_of_batch(call, name, do, ids, row))
    call.status = 200
    return answer


def _one_of_batch(call: Call, name: str, do: Callable[..., Any], ids: tuple[int, ...], row: Any) -> Any:
    number = row if name == "delete" else row.get("id", 0)
    inner = Call(
        shop=call.shop, base=call.base, path=call.path, query={}, visible=call.visible, ping=call.ping,
        method={"create": "POST", "update": "PUT", "delete": "DELETE"}[name],
        body={"force": True} if name == "delete" else {key: value for key, value in row.items() if key != "id"},
    )  # fmt: skip
    try:
        return do(inner, *ids) if name == "create" else do(inner, *ids, int(amount_of(number)))
    except WpError as error:
        return {"id": number, "error": error.body}


# --- customers, webhooks ---------------------------------------------------------------------------------------------


def list_customers(call: Call) -> Any:
    taken = call.take(a.CUSTOMER_LIST)
    email = str(taken.get("email") or "").lower()
    rows = [
        row
        for row in lists.sort_plain(call.shop.customers.values(), taken)
        if call.seen(row)
        and taken["role"] in {"all", row["role"]}
        and (not email or row["email"].lower() == email)
        and str(taken.get("search") or "").lower() in row["email"].lower()
    ]
    return [shapes.customer_json(call.shop, row, call.base) for row in call.page(rows, taken)]


def find_customer(call: Call, number: int) -> Record:
    customer = call.shop.customers.get(number)
    if customer is None:
        status = 404 if call.method in {"GET", "DELETE"} else 400
        raise WpError("woocommerce_rest_invalid_id", "Invalid resource ID.", status)
    return customer


def get_customer(call: Call, number: int) -> Any:
    return shapes.customer_json(call.shop, find_customer(call, number), call.base)


def create_customer(call: Call) -> Any:
    customer = call.shop.add_customer(call.take(a.CUSTOMER))
    call.status = 201
    return shapes.customer_json(call.shop, customer, call.base)


def change_customer(call: Call, number: int) -> Any:
    customer = find_customer(call, number)
    call.shop.change_customer(customer, call.take(a.for_update(a.CUSTOMER)))
    return shapes.customer_json(call.shop, customer, call.base)


def delete_customer(call: Call, number: int) -> Any:
    customer = find_customer(call, number)
    if not is_forced(call):
        raise no_trash("Customers")
    call.shop.remove_customer(customer)
    call.shop.emit("customer", "deleted", number)
    return shapes.customer_json(call.shop, customer, call.base)


def list_webhooks(call: Call) -> Any:
    taken = call.take(a.WEBHOOK_LIST)
    rows = lists.sort_plain(call.shop.webhooks.values(), taken)
    rows = [row for row in rows if taken["status"] in {"all", row["status"]}]
    return [shapes.webhook_json(call.shop, row, call.base) for row in call.page(rows, taken)]


def find_webhook(call: Call, number: int) -> Record:
    webhook = call.shop.webhooks.get(number)
    if webhook is None:
        raise invalid_id("shop_webhook", call.method)
    return webhook


def get_webhook(call: Call, number: int) -> Any:
    return shapes.webhook_json(call.shop, find_webhook(call, number), call.base)


def create_webhook(call: Call) -> Any:
    """documented: WC_REST_Webhooks_V1_Controller::create_item: the address is pinged at once."""
    given = call.take(a.WEBHOOK)
    hooks.check_given(given, creating=True)
    now = call.shop.now()
    webhook: Record = {
        "id": call.shop.next_id("webhook"),
        "name": given.get("name") or f"Webhook created on {now}",
        "status": given["status"],
        "topic": given["topic"].lower(),
        "delivery_url": given["delivery_url"],
        "secret": given.get("secret") or "",
        "hooks": hooks.HOOKS[given["topic"].lower()],
        "created": now,
        "modified": now,
        "failure_count": 0,
    }
    call.shop.webhooks[webhook["id"]] = webhook
    call.ping(webhook)
    call.status = 201
    return shapes.webhook_json(call.shop, webhook, call.base)


def change_webhook(call: Call, number: int) -> Any:
    webhook = find_webhook(call, number)
    given = call.take(a.for_update(a.WEBHOOK))
    hooks.check_given(given, creating=False)
    webhook.update({name: value for name, value in given.items() if value is not None})
    if given.get("topic"):
        webhook["topic"] = given["topic"].lower()
        webhook["hooks"] = hooks.HOOKS[webhook["topic"]]
    if given.get("status") == "active":
        webhook["failure_count"] = 0
    webhook["modified"] = call.shop.now()
    return shapes.webhook_json(call.shop, webhook, call.base)


def delete_webhook(call: Call, number: int) -> Any:
    webhook = find_webhook(call, number)
    if not is_forced(call):
        raise no_trash("Webhooks")
    call.shop.webhooks.pop(number)
    return shapes.webhook_json(call.shop, webhook, call.base)


# --- the rest --------------------------------------------------------------------------------------------------------


def list_taxes(call: Call) -> Any:
    rows = sorted(call.shop.taxes.values(), key=lambda row: row["id"])
    taken = call.take(a.TAX_LIST)
    return [shapes.tax_json(row, call.base) for row in call.page(rows, taken)]


def list_gateways(call: Call) -> Any:
    return [shapes.gateway_json(name, place, call.base) for place, name in enumerate(GATEWAYS)]


def list_shipping_methods(call: Call) -> Any:
    return [{"id": name, "title": title, "description": f"{title}."} for name, title in SHIPPING_METHODS.items()]


def list_order_totals(call: Call) -> Any:
    counts = dict.fromkeys(LABELS, 0)
    for order in call.shop.orders.values():
        counts[order["status"]] = counts.get(order["status"], 0) + 1
    shown = [name for name in LABELS if name != "auto-draft"]
    return [{"slug": name, "name": LABELS[name], "total": counts[name]} for name in shown]


def get_status(call: Call) -> Any:
    return shapes.status_json(call.shop, call.base.partition("/wp-json")[0])


def get_currency(call: Call) -> Any:
    return shapes.currency_json(call.shop, call.base)


def list_settings(call: Call, group: str) -> Any:
    if group not in call.shop.settings:
        raise WpError("rest_setting_setting_group_invalid", "Invalid setting group.", 404)
    return [shapes.setting_json(call.shop, group, name, call.base) for name in call.shop.settings[group]]


def get_setting(call: Call, group: str, name: str) -> Any:
    if name not in call.shop.settings.get(group, {}):
        raise WpError("rest_setting_setting_invalid", "Invalid setting.", 404)
    return shapes.setting_json(call.shop, group, name, call.base)


BATCHES: dict[tuple[str, int], tuple[Callable[..., Any], Callable[..., Any], Callable[..., Any]]] = {
    ("products", 0): (create_product, change_product, delete_product),
    ("products", 1): (create_variation, change_variation, delete_variation),
    ("orders", 0): (create_order, change_order, delete_order),
    ("customers", 0): (create_customer, change_customer, delete_customer),
    ("webhooks", 0): (create_webhook, change_webhook, delete_webhook),
}
_TABLE: list[tuple[str, dict[str, Callable[..., Any]]]] = [
    (r"(?:orders|products|customers|webhooks)/batch", {"POST": batch, "PUT": batch}),
    (r"products/(\d+)/variations/batch", {"POST": batch, "PUT": batch}),
    ("orders", {"GET": list_orders, "POST": create_order}),
    (r"orders/(\d+)", {"GET": get_order, "PUT": change_order, "DELETE": delete_order}),
    (r"orders/(\d+)/refunds", {"GET": list_refunds, "POST": create_refund}),
    (r"orders/(\d+)/refunds/(\d+)", {"GET": get_refund}),
    (r"orders/(\d+)/notes", {"GET": list_notes, "POST": create_note}),
    ("refunds", {"GET": list_all_refunds}),
    ("products", {"GET": list_products, "POST": create_product}),
    (r"products/(\d+)", {"GET": get_product, "PUT": change_product, "DELETE": delete_product}),
    (r"products/(\d+)/variations", {"GET": list_variations, "POST": create_variation}),
    (
        r"products/(\d+)/variations/(\d+)",
        {"GET": get_variation, "PUT": change_variation, "DELETE": delete_variation},
    ),
    ("customers", {"GET": list_customers, "POST": create_customer}),
    (r"customers/(\d+)", {"GET": get_customer, "PUT": change_customer, "DELETE": delete_customer}),
    ("webhooks", {"GET": list_webhooks, "POST": create_webhook}),
    (r"webhooks/(\d+)", {"GET": get_webhook, "PUT": change_webhook, "DELETE": delete_webhook}),
    ("taxes", {"GET": list_taxes}),
    ("payment_gateways", {"GET": list_gateways}),
    ("shipping_methods", {"GET": list_shipping_methods}),
    ("reports/orders/totals", {"GET": list_order_totals}),
    ("system_status", {"GET": get_status}),
    ("data/currencies/current", {"GET": get_currency}),
    (r"settings/([a-z]+)", {"GET": list_settings}),
    (r"settings/([a-z]+)/(\w+)", {"GET": get_setting}),
]
ROUTES = [(re.compile(pattern), methods) for pattern, methods in _TABLE]
