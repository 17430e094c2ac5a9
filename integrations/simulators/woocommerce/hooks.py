"""The simulated shop's webhooks: which topics there are, what is sent, and when a hook is given up.

documented: https://woocommerce.github.io/woocommerce-rest-api-docs/#webhooks and the class WC_Webhook:
https://github.com/woocommerce/woocommerce/blob/trunk/plugins/woocommerce/includes/class-wc-webhook.php
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import time
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from integrations.simulators.base_webhooks import Message
from integrations.simulators.woocommerce.args import WpError
from integrations.simulators.woocommerce.records import VERSION, WORDPRESS_VERSION, Record
from integrations.simulators.woocommerce.shapes import to_json

HOOKS: dict[str, list[str]] = {
    "coupon.created": ["woocommerce_process_shop_coupon_meta", "woocommerce_new_coupon"],
    "coupon.updated": ["woocommerce_process_shop_coupon_meta", "woocommerce_update_coupon"],
    "coupon.deleted": ["wp_trash_post"],
    "coupon.restored": ["untrashed_post"],
    "customer.created": ["user_register", "woocommerce_created_customer", "woocommerce_new_customer"],
    "customer.updated": ["profile_update", "woocommerce_update_customer"],
    "customer.deleted": ["delete_user"],
    "order.created": ["woocommerce_new_order"],
    "order.updated": ["woocommerce_update_order", "woocommerce_order_refunded", "woocommerce_delete_order_refund"],
    "order.deleted": ["wp_trash_post", "woocommerce_trash_order"],
    "order.restored": ["untrashed_post", "woocommerce_untrash_order"],
    "product.created": [
        "woocommerce_process_product_meta",
        "woocommerce_new_product",
        "woocommerce_new_product_variation",
    ],
    "product.updated": [
        "woocommerce_process_product_meta",
        "woocommerce_update_product",
        "woocommerce_update_product_variation",
    ],
    "product.deleted": ["wp_trash_post"],
    "product.restored": ["untrashed_post"],
    "product.published": ["woocommerce_product_published"],
}
AGENT = f"WooCommerce/{VERSION} Hookshot (WordPress/{WORDPRESS_VERSION})"
MOST_FAILURES = 5  # documented: failed_delivery: disabled when it fails once more with a count above 5


def check_given(given: Mapping[str, Any], *, creating: bool) -> None:
    """documented: WC_REST_Webhooks_V1_Controller::create_item and update_item."""
    topic, address = given.get("topic"), given.get("delivery_url")
    if (creating or topic) and str(topic or "").lower() not in HOOKS:
        need = "is required and must" if creating else "must"
        raise WpError("woocommerce_rest_shop_webhook_invalid_topic", f"Webhook topic {need} be valid.", 400)
    if creating or address:
        parts = urlsplit(str(address or ""))
        if parts.scheme not in {"http", "https"} or not parts.netloc:
            text = "Webhook delivery URL must be a valid URL starting with http:// or https://."
            raise WpError("woocommerce_rest_shop_webhook_invalid_delivery_url", text, 400)


def build_ping(webhook: Record) -> Message:
    """documented: WC_Webhook::deliver_ping: a form of one field, not signed, without the X-WC headers."""
    headers = {"User-Agent": AGENT, "Content-Type": "application/x-www-form-urlencoded"}
    return Message(url=webhook["delivery_url"], body=f"webhook_id={webhook['id']}".encode(), headers=headers)


def build_delivery(webhook: Record, payload: Any, site: str) -> Message:
    """documented: WC_Webhook::deliver."""
    body = to_json(payload).encode()
    resource, _, event = webhook["topic"].partition(".")
    headers = {
        "User-Agent": AGENT,
        "Content-Type": "application/json",
        "X-WC-Webhook-Source": f"{site}/",
        "X-WC-Webhook-Topic": webhook["topic"],
        "X-WC-Webhook-Resource": resource,
        "X-WC-Webhook-Event": event,
        "X-WC-Webhook-Signature": sign(webhook["secret"], body),
        "X-WC-Webhook-ID": str(webhook["id"]),
        "X-WC-Webhook-Delivery-ID": delivery_id(webhook["id"], int(time.time())),
    }
    return Message(url=webhook["delivery_url"], body=body, headers=headers)


def sign(secret: str, body: bytes) -> str:
    return base64.b64encode(hmac.new(secret.encode(), body, hashlib.sha256).digest()).decode()


def delivery_id(webhook_id: int, second: int) -> str:
    """documented: get_new_delivery_id: wp_hash(id . unix time): two deliveries in one second share it."""
    return hmac.new(b"salt of this shop", f"{webhook_id}{second}".encode(), hashlib.md5).hexdigest()


def count_result(webhook: Record, status: int | None) -> None:
    """documented: log_delivery: 200 to 302 is a success and forgets the failures; there is no retry."""
    if status is not None and 200 <= status < 303:
        webhook["failure_count"] = 0
    elif webhook["failure_count"] > MOST_FAILURES:
        webhook["status"] = "disabled"
    else:
        webhook["failure_count"] += 1
