"""Deliveries of Shopify, proven and read without any network.

https://shopify.dev/docs/apps/build/webhooks/verify-deliveries and …/delivery-structure (headers).
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from typing import Any

from integrations.connectors.shopify.values import parse_time
from integrations.contract.errors import WebhookRejected
from integrations.contract.records import WebhookAnswer, WebhookEvent, WebhookRequest

SIGNATURE = "x-shopify-hmac-sha256"
STREAMS = {
    "orders": ("order", "id"),
    "refunds": ("order", "order_id"),
    "products": ("product", "id"),
    "customers": ("customer", "id"),
    "inventory_levels": ("stock", "inventory_item_id"),
}


def receive(request: WebhookRequest, secret: str) -> WebhookAnswer:
    """What a delivery says, once its signature proves it.

    A proven body that is no JSON object with an id gives an event with external_id '': the engine keeps it as
    payload_invalid. The dedupe_key is shop:topic:Event-Id, the Event-Id being the same for every delivery of one event
    (the Webhook-Id is that of the delivery); where it is missing, the body's hash takes its place.
    """
    _prove(request.body, request.headers.get(SIGNATURE, ""), secret)
    topic = request.headers.get("x-shopify-topic", "")[:60]
    shop = request.headers.get("x-shopify-shop-domain", "")[:100]
    event_id = request.headers.get("x-shopify-event-id", "")[:80] or hashlib.sha256(request.body).hexdigest()
    stream, field = STREAMS.get(topic.partition("/")[0], ("", "id"))
    event = WebhookEvent(
        stream=stream,
        external_id=_record_id(_parse(request.body), field),
        topic=topic,
        dedupe_key=f"{shop}:{topic}:{event_id}",
        occurred_at=parse_time(request.headers.get("x-shopify-triggered-at")),
    )
    return WebhookAnswer(events=(event,))


def _prove(body: bytes, signed: str, secret: str) -> None:
    if not signed.strip():
        raise WebhookRejected("The delivery has no signature.", code="signature_missing")
    if not signed.isascii():
        raise WebhookRejected("The delivery's signature is not ASCII.", code="signature_malformed")
    if not secret:
        raise WebhookRejected("This connection has no client secret to check deliveries with: enter it.")
    expected = base64.b64encode(hmac.new(secret.encode(), body, hashlib.sha256).digest())
    if not hmac.compare_digest(signed.strip().encode(), expected):
        raise WebhookRejected("The delivery is not signed with this app's client secret.", code="signature_invalid")


def _parse(body: bytes) -> dict[str, Any]:
    try:
        payload = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return payload if isinstance(payload, dict) else {}


def _record_id(payload: dict[str, Any], field: str) -> str:
    found = payload.get(field)
    return str(found) if isinstance(found, int | str) and not isinstance(found, bool) and found else ""
