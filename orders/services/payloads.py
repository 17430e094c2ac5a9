"""The order as its shop sent it, kept beside ours: what rules look into, and what a difference is explained from."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any

import msgspec

from integrations.contract import records as r
from orders.models import Order, OrderPayload


def save(order: Order, record: r.OrderRecord, *, at: datetime) -> None:
    """Keep the newest word of the shop; the caller holds the order's lock."""
    row = build(order, record, at=at)
    if not OrderPayload.plain.filter(order=order).update(body=row.body, at=at):
        row.save()


def build(order: Order, record: r.OrderRecord, *, at: datetime) -> OrderPayload:
    """The row of an order that has none yet, not saved."""
    return OrderPayload(merchant_id=order.merchant_id, order=order, body=_encode(record), at=at)


def load(body: bytes) -> dict[str, Any]:
    """The record as plain JSON: amounts are texts, `raw` is the shop's own payload. {} for one that cannot be read."""
    try:
        found = msgspec.json.decode(body)
    except (msgspec.DecodeError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def load_lines(body: bytes) -> tuple[r.OrderLineRecord, ...]:
    """The shop's lines, exact; none where they cannot be read."""
    try:
        return msgspec.json.decode(body, type=_Lines).lines
    except (msgspec.DecodeError, msgspec.ValidationError, RecursionError):
        return ()


class _Lines(msgspec.Struct):
    lines: tuple[r.OrderLineRecord, ...] = ()


def _encode(record: r.OrderRecord) -> bytes:
    try:
        return msgspec.json.encode(record, enc_hook=str)
    except (OverflowError, RecursionError, TypeError, ValueError):  # JSON has no place for it
        return msgspec.json.encode(_without_raw(record), enc_hook=str)


def _without_raw(record: r.OrderRecord) -> r.OrderRecord:
    customer = replace(record.customer, raw={}) if record.customer else None
    return replace(record, raw={}, customer=customer, refunds=tuple(replace(one, raw={}) for one in record.refunds))
