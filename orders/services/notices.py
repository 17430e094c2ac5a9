"""Apps are told how far an order is, at the addresses they gave us."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING, Any

from integrations.contract import records as r
from integrations.models import Command, Connection
from integrations.sync import documents, hooks
from integrations.sync.outbox import enqueue
from orders.models import FulfilmentOrder, Order

if TYPE_CHECKING:
    from orders.services.status import Standing

NOTICE = "notice"  # the stream of messages that tell apps
KIND = "notify"


def tell_apps(order: Order, derive: Callable[[Order], Standing], *, at: datetime) -> list[Command]:
    """Write down who is to be told, where the order is not as he was told last; the caller holds the order's lock. What
    is not sent yet says what is then, so that a busy order is one notice."""
    found = hooks.list_listening(merchant_id=order.merchant_id, topic=hooks.ORDER_STATUS)
    mine = [hook for hook in found if _concerns(hook, order)]
    if not mine:
        return []
    data = build_data(order, derive(order))
    told = [_tell(hook, order, data, at) for hook in mine]
    return [one for one in told if one is not None]


def build_data(order: Order, standing: Standing) -> dict[str, Any]:
    return {
        "id": order.public_id,
        "reference": order.external_id,
        "number": order.number,
        "status": standing.simple,
        "progress": [one.value for one in standing.finer],
    }


def build_status_notice(command: Command, data: dict[str, Any], *, at: datetime) -> r.Notice:
    """Its id is the message's own, the same at every try."""
    body = {"id": command.public_id, "topic": hooks.ORDER_STATUS, "at": at.isoformat(), "data": data}
    return r.Notice(reference=command.public_id, topic=hooks.ORDER_STATUS, body=json.dumps(body), at=at)


def _tell(hook: Connection, order: Order, data: dict[str, Any], at: datetime) -> Command | None:
    line = f"notice:{order.pk}"
    newest = Command.plain.filter(connection=hook, line=line).order_by("-sequence").first()
    if newest is not None and newest.state != Command.State.WITHDRAWN:
        if newest.payload is None:
            return None
        notice: r.Notice = documents.decode(newest.kind, bytes(newest.payload))
        if json.loads(notice.body)["data"] == data:
            return None
    return enqueue(
        connection=hook, kind=KIND, stream=NOTICE, subject=("order", order.pk), line=line,
        reference=f"order-{order.pk}", revision=newest.revision + 1 if newest else 1, at=at,
    )  # fmt: skip


def _concerns(hook: Connection, order: Order) -> bool:
    """Its own orders: those the connection sold, or was given; of the locations its key may see."""
    owner, places = hook.settings.get("owner"), hook.settings.get("places")
    parts = list(FulfilmentOrder.plain.filter(order=order).values_list("destination_id", "location_id"))
    if owner != order.connection_id and owner not in {destination for destination, _place in parts}:
        return False
    return not places or bool({order.location_id, *(place for _destination, place in parts)} & set(places))
