"""Webhook subscriptions, and the deliveries of what happened.

documented: https://shopify.dev/docs/apps/build/webhooks/delivery-structure (headers),
https://shopify.dev/docs/apps/build/webhooks/verify-deliveries (HMAC), https://shopify.dev/docs/api/webhooks (topics);
https://shopify.dev/changelog/updates-to-webhook-retry-mechanism: eight more tries over four hours with the payload of
the first, then a subscription made by the API is deleted. judgement: all that one request does to one record is one
event; a filter is kept and not applied; plain HTTP is taken for addresses on this machine.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

from integrations.simulators.base_webhooks import Message
from integrations.simulators.shopify.records import Record, UserError, number_of, plain_id, stamp
from integrations.simulators.shopify.schema import Computed
from integrations.simulators.shopify.shop import DOMAIN, Shop

VERSION = "2026-07"
RETRY_SECONDS = (10, 40, 150, 500, 1200, 2400, 4000, 6100)
LOOPBACK = {"127.0.0.1", "localhost", "::1"}


def create(shop: Shop, args: dict[str, Any]) -> Record:
    given = args["webhookSubscription"]
    address = _address(given)
    _check(shop, address, args["topic"], None)
    row = shop.add("WebhookSubscription", {
        "topic": args["topic"], "uri": address, "format": given.get("format") or "JSON", "name": given.get("name"),
        "filter": given.get("filter") or "", "includeFields": list(given.get("includeFields") or []),
        "metafieldNamespaces": list(given.get("metafieldNamespaces") or []), "metafields": [],
    })  # fmt: skip
    return {"webhookSubscription": row["id"]}


def update(shop: Shop, args: dict[str, Any]) -> Record:
    row, given = _need(shop, args["id"]), args["webhookSubscription"]
    if given.get("uri") or given.get("callbackUrl"):
        address = _address(given)
        _check(shop, address, row["topic"], row)
        row["uri"] = address
    for name in ("format", "filter", "includeFields", "metafieldNamespaces", "name"):
        if given.get(name) is not None:
            row[name] = given[name]
    shop.touch(row)
    return {"webhookSubscription": row["id"]}


def delete(shop: Shop, args: dict[str, Any]) -> Record:
    row = _need(shop, args["id"])
    shop.remove(row)
    return {"deletedWebhookSubscriptionId": row["id"]}


def pick(rows: Sequence[Record], args: Mapping[str, Any]) -> list[Record]:
    """The arguments of the root's list beside its query."""
    address = args.get("uri") or args.get("callbackUrl")
    return [
        row
        for row in rows
        if row["topic"] in (args.get("topics") or [row["topic"]])
        and row["uri"] == (address or row["uri"])
        and row["format"] == (args.get("format") or row["format"])
    ]


def _need(shop: Shop, gid: str) -> Record:
    gid = plain_id(gid, "WebhookSubscription")
    return shop.need(gid, "WebhookSubscription", ["id"], message="Webhook subscription does not exist")


def _address(given: Mapping[str, Any]) -> str:
    return str(given.get("uri") or given.get("callbackUrl") or "")


def _check(shop: Shop, address: str, topic: str, own: Record | None) -> None:
    field = ["webhookSubscription", "callbackUrl"]
    parts = urlsplit(address)
    if not address:
        raise UserError("Address can't be blank", field)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise UserError("Address is invalid", field)
    if parts.scheme == "http" and parts.hostname not in LOOPBACK:
        raise UserError("Address protocol http:// is not supported", field)
    for row in shop.all("WebhookSubscription"):
        if row is not own and row["topic"] == topic and row["uri"] == address:
            raise UserError("Address for this topic has already been taken", field)


# deliveries -----------------------------------------------------------------------------------------------------------
def enum_of(topic: str) -> str:
    return topic.replace("/", "_").upper()


def build_message(
    row: Record, topic: str, payload: Mapping[str, Any], *, secret: str, event: str, delivery: str, at: str
) -> Message:
    shown = {key: value for key, value in payload.items() if not row["includeFields"] or key in row["includeFields"]}
    body = json.dumps(shown, separators=(",", ":"), ensure_ascii=False).encode()
    headers = {
        "User-Agent": "Shopify-Captain-Hook",
        "Content-Type": "application/json",
        "X-Shopify-Topic": topic,
        "X-Shopify-Hmac-Sha256": sign(secret, body),
        "X-Shopify-Shop-Domain": DOMAIN,
        "X-Shopify-API-Version": VERSION,
        "X-Shopify-Webhook-Id": delivery,
        "X-Shopify-Event-Id": event,
        "X-Shopify-Triggered-At": at,
    }
    if row["name"]:
        headers["X-Shopify-Name"] = row["name"]
    return Message(url=row["uri"], body=body, headers=headers)


def sign(secret: str, body: bytes) -> str:
    return base64.b64encode(hmac.new(secret.encode(), body, hashlib.sha256).digest()).decode()


def trigger_moment(shop: Shop) -> str:
    """documented: with fractions of a second: 2023-03-29T18:00:27.877041743Z."""
    return stamp(shop.now()).replace("Z", f".{shop.now().microsecond:06d}000Z")


MUTATIONS = {
    "webhookSubscriptionCreate": create,
    "webhookSubscriptionUpdate": update,
    "webhookSubscriptionDelete": delete,
}
COMPUTED: dict[str, dict[str, Computed]] = {
    "WebhookSubscription": {
        "legacyResourceId": lambda shop, row, args: number_of(row["id"]),
        "callbackUrl": lambda shop, row, args: row["uri"],
        "endpoint": lambda shop, row, args: {"__typename": "WebhookHttpEndpoint", "callbackUrl": row["uri"]},
        "apiVersion": lambda shop, row, args: {"handle": VERSION, "displayName": VERSION, "supported": True},
    },
}
