"""wc/v3 customers and webhooks: what each method takes and answers.

documented: https://woocommerce.github.io/woocommerce-rest-api-docs/#customers, #webhooks; codes and wording as in
WC_REST_Customers_V1_Controller, WC_REST_Webhooks_V1_Controller and WC_Webhook_Data_Store:
https://github.com/woocommerce/woocommerce/tree/trunk/plugins/woocommerce/includes
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from integrations.simulators.woocommerce import args as a
from integrations.simulators.woocommerce import hooks, lists, shapes
from integrations.simulators.woocommerce.args import WpError
from integrations.simulators.woocommerce.call import Call, invalid_id, no_trash
from integrations.simulators.woocommerce.records import Record


def list_customers(call: Call) -> Any:
    """documented: WP_User_Query: a part of the address or the user name; `email` must be the whole address."""
    taken = call.take(a.CUSTOMER_LIST)
    email, part = str(taken.get("email") or "").lower(), str(taken.get("search") or "").lower()
    names = {"name": _display_name, "registered_date": lambda row: row["created"]}
    rows = [
        row
        for row in lists.sort_plain(call.shop.customers.values(), taken, names)
        if call.seen(row)
        and taken["role"] in {"all", row["role"]}
        and (not email or row["email"].lower() == email)
        and (email or any(part in value.lower() for value in (row["email"], row["username"], _display_name(row))))
    ]
    return [shapes.customer_json(call.shop, row, call.base) for row in call.page(rows, taken)]


def _display_name(customer: Record) -> str:
    """documented: wp_insert_user: both names, else the user name."""
    return f"{customer['first_name']} {customer['last_name']}".strip().lower() or str(customer["username"]).lower()


def find_customer(call: Call, number: int) -> Record:
    """documented: permissions_check answers 404 for every method before update_item could answer 400; batches do not
    ask it."""
    customer = call.shop.customers.get(number)
    if customer is None and not call.checked and call.method == "PUT":
        raise WpError("woocommerce_rest_invalid_id", "Invalid resource ID.", 400)
    if customer is None:
        raise WpError("wc_user_invalid_id", "Invalid user ID.", 404)
    return customer


def get_customer(call: Call, number: int) -> Any:
    return shapes.customer_json(call.shop, find_customer(call, number), call.base)


def create_customer(call: Call) -> Any:
    if call.body.get("id"):
        raise WpError("woocommerce_rest_customer_exists", "Cannot create existing resource.", 400)
    customer = call.shop.add_customer(call.take(a.CUSTOMER))
    call.created("customers", customer["id"])
    return shapes.customer_json(call.shop, customer, call.base)


def change_customer(call: Call, number: int) -> Any:
    customer = find_customer(call, number)
    call.shop.change_customer(customer, call.take(a.for_update(a.CUSTOMER_CHANGE)))
    return shapes.customer_json(call.shop, customer, call.base)


def delete_customer(call: Call, number: int) -> Any:
    customer = find_customer(call, number)
    if not call.is_forced:
        raise no_trash("Customers do not")
    call.shop.remove_customer(customer)
    call.shop.emit("customer", "deleted", number)
    return shapes.customer_json(call.shop, customer, call.base)


# webhooks ------------------------------------------------------------------------------------------------------------


def list_webhooks(call: Call) -> Any:
    """documented: search_webhooks. judgement: `after` and `before` are not simulated."""
    taken = call.take(a.WEBHOOK_LIST)
    part = str(taken.get("search") or "").lower()
    names = {"title": lambda row: row["name"].lower(), "date": lambda row: row["created"]}
    rows = lists.sort_plain(call.shop.webhooks.values(), taken, names)
    rows = [row for row in rows if taken["status"] in {"all", row["status"]} and part in row["name"].lower()]
    return [shapes.webhook_json(call.shop, row, call.base) for row in call.page(rows, taken)]


def find_webhook(call: Call, number: int) -> Record:
    """Quirk: to read one that is not there is HTTP 400, to delete it 404."""
    webhook = call.shop.webhooks.get(number)
    if webhook is None and call.method == "DELETE":
        raise invalid_id("shop_webhook", call.method)
    if webhook is None:
        raise WpError("woocommerce_rest_shop_webhook_invalid_id", "ID is invalid.", 400)
    return webhook


def get_webhook(call: Call, number: int) -> Any:
    return shapes.webhook_json(call.shop, find_webhook(call, number), call.base)


def create_webhook(call: Call) -> Any:
    """documented: create_item: the address is pinged at once. Quirk: a new webhook is active, whatever `status` says;
    without a secret it gets one nobody learns."""
    call.refuse_id("shop_webhook")
    given = call.take(a.WEBHOOK)
    hooks.check_given(given, creating=True)
    now = call.shop.now()
    made_on = datetime.fromtimestamp(now + call.shop.gmt_offset, UTC).strftime("%b %d, %Y @ %I:%M %p")
    webhook: Record = {
        "id": call.shop.next_id("webhook"),
        "name": given.get("name") or f"Webhook created on {made_on}",
        "status": "active",
        "topic": given["topic"].lower(),
        "delivery_url": given["delivery_url"],
        "secret": given.get("secret") or f"{call.shop.rng.getrandbits(200):050x}",
        "hooks": hooks.HOOKS[given["topic"].lower()],
        "created": now,
        "modified": now,
        "failure_count": 0,
        "pending_delivery": True,
    }
    call.shop.webhooks[webhook["id"]] = webhook
    call.ping(webhook)
    call.created("webhooks", webhook["id"])
    return shapes.webhook_json(call.shop, webhook, call.base)


def change_webhook(call: Call, number: int) -> Any:
    """documented: WC_Webhook_Data_Store::update: an active webhook is pinged when its address changed or its last ping
    was not answered 200. The count of failures stays."""
    webhook = find_webhook(call, number)
    taken = call.take(a.WEBHOOK_CHANGE) | {"delivery_url": call.given.get("delivery_url")}
    given = {name: value for name, value in taken.items() if value}
    hooks.check_given(given, creating=False)
    moved = given.get("delivery_url", webhook["delivery_url"]) != webhook["delivery_url"]
    webhook.update(given)
    if given.get("topic"):
        webhook["topic"] = given["topic"].lower()
        webhook["hooks"] = hooks.HOOKS[webhook["topic"]]
    webhook["modified"] = call.shop.now()
    if webhook["status"] == "active" and (moved or webhook.get("pending_delivery")):
        webhook["pending_delivery"] = True
        call.ping(webhook)
    return shapes.webhook_json(call.shop, webhook, call.base)


def delete_webhook(call: Call, number: int) -> Any:
    if not call.is_forced:
        raise no_trash("Webhooks do not")
    webhook = find_webhook(call, number)
    call.shop.webhooks.pop(number)
    return shapes.webhook_json(call.shop, webhook, call.base)
