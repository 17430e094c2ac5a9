"""Deliveries of WooCommerce, proven and read without any network.

https://woocommerce.github.io/woocommerce-rest-api-docs/#webhooks; the headers, the ping and the delivery id as in
https://github.com/woocommerce/woocommerce/blob/trunk/plugins/woocommerce/includes/class-wc-webhook.php
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import re
from typing import Any

from integrations.connectors.woocommerce.values import parse_id, row_stamp
from integrations.contract.errors import WebhookRejected
from integrations.contract.records import WebhookAnswer, WebhookEvent, WebhookRequest

SIGNATURE = "x-wc-webhook-signature"
TOPIC = "x-wc-webhook-topic"
RESOURCE = "x-wc-webhook-resource"
STREAMS = frozenset({"order", "product", "customer"})
MOST_SIGNATURES = 5
PING = re.compile(rb"webhook_id=\d{1,20}")


def receive(request: WebhookRequest, secret: str) -> WebhookAnswer:
    """What a delivery says, once its signature proves it.

    A proven body that is no JSON object with an id (a cut one; the error WooCommerce sends where the webhook's user may
    no longer read) gives an event with external_id '': the engine keeps it as payload_invalid. The dedupe_key is
    sha256(body):topic:resource. Quirk: the delivery id is a hash of the webhook's id and the second, so two orders
    of one second share it. Quirk: saving a webhook sends an unsigned form `webhook_id=N` that wants a 200.
    """
    signed = request.headers.get(SIGNATURE, "")
    topic = request.headers.get(TOPIC, "")
    if not signed and not topic and PING.fullmatch(request.body):
        return WebhookAnswer()
    _prove(request.body, signed, secret)
    resource = request.headers.get(RESOURCE) or topic.partition(".")[0]
    stream = topic.partition(".")[0]
    payload = _parse(request.body)
    event = WebhookEvent(
        stream=stream if stream in STREAMS else "",
        external_id=_record_id(stream, payload),
        topic=topic[:60],
        dedupe_key=f"{hashlib.sha256(request.body).hexdigest()}:{topic[:60]}:{resource[:60]}",
        occurred_at=row_stamp(payload),
    )
    return WebhookAnswer(events=(event,))


def _prove(body: bytes, signed: str, secret: str) -> None:
    if not signed.strip():
        raise WebhookRejected("The delivery has no signature.", code="signature_missing")
    if not signed.isascii():
        raise WebhookRejected("The delivery's signature is not ASCII.", code="signature_malformed")
    if not secret:
        raise WebhookRejected("This connection has no webhook secret to check deliveries with: enter one.")
    expected = base64.b64encode(hmac.new(secret.encode(), body, hashlib.sha256).digest())
    given = [one.strip().encode() for one in signed.split(",")[:MOST_SIGNATURES]]
    if not any(hmac.compare_digest(one, expected) for one in given):
        raise WebhookRejected("The delivery is not signed with this connection's secret.", code="signature_invalid")


def _parse(body: bytes) -> dict[str, Any]:
    try:
        payload = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return payload if isinstance(payload, dict) else {}


def _record_id(stream: str, payload: dict[str, Any]) -> str:
    """Quirk: a variation is announced as a product; its product is what is read."""
    found = payload.get("id")
    if stream == "product" and payload.get("type") == "variation":
        found = payload.get("parent_id") or found
    return parse_id(found) if isinstance(found, int | str) and not isinstance(found, bool) else ""
