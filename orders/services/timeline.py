"""The timeline of an order: what happened, in words for people."""

from __future__ import annotations

from datetime import datetime

from integrations.models import Command
from orders.models import Order, OrderEvent


def note(
    order: Order, code: str, message: str, *, at: datetime, actor: str = "", command: Command | None = None
) -> None:
    build_event(order, code, message, at=at, actor=actor, command=command).save(force_insert=True)


def build_event(
    order: Order, code: str, message: str, *, at: datetime, actor: str = "", command: Command | None = None
) -> OrderEvent:
    return OrderEvent(
        merchant_id=order.merchant_id,
        order=order,
        at=at,
        code=code,
        message=message[:500],
        actor=actor[:100],
        command=command,
    )
