"""What an order waits for: told once, ended when it is there, and for good when the order is over."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from decimal import Decimal

from django.db.models import QuerySet

from integrations.models import Connection, Hold
from integrations.sync.release import hold
from orders.models import Order
from orders.services.timeline import note

# What routing works out anew whenever it looks; whatever else an order waits for is a person's to end.
RECHECKED = ("binding:", "variant:", "value:", "customer:", "reference:", "route:", "rules:")


def wait(
    order: Order,
    reason: str,
    key: str,
    words: str,
    *,
    at: datetime,
    amount: Decimal | None = None,
    connection: Connection | None = None,
) -> None:
    """One more reason the order waits, told once. One released just now for nothing goes on, with its age and owner.

    `connection` is whose page shows it; the shop's unless said.
    """
    key = key[:200]
    mine = Hold.plain.filter(merchant_id=order.merchant_id, subject_type="order", subject_id=order.pk, key=key)
    if waits := mine.filter(ended_at__isnull=True).first():
        if waits.message != words[:500]:
            Hold.plain.filter(pk=waits.pk).update(message=words[:500])
        return
    again = mine.filter(ended_at=at, reason=reason).order_by("-pk").first()
    if again is not None:
        Hold.plain.filter(pk=again.pk).update(ended_at=None, message=words[:500])
        return
    hold(
        merchant_id=order.merchant_id,
        subject=("order", order.pk),
        reason=reason,
        key=key,
        message=words,
        amount=order.total if amount is None else amount,
        currency=order.currency,
        connection=connection or order.connection,
        at=at,
    )
    note(order, reason, words, at=at)


def list_open_keys(order: Order) -> set[str]:
    return set(_open(order).values_list("key", flat=True))


def end(order: Order, keys: Collection[str], *, at: datetime) -> int:
    """These reasons are none any more; how many there were."""
    return _open(order).filter(key__in=[key[:200] for key in keys]).update(ended_at=at) if keys else 0


def end_all(order: Order, *, at: datetime) -> None:
    """The order is over: nothing waits for it."""
    _open(order).update(ended_at=at)


def is_rechecked(key: str) -> bool:
    return key.startswith(RECHECKED)


def _open(order: Order) -> QuerySet[Hold]:
    return Hold.plain.filter(
        merchant_id=order.merchant_id, subject_type="order", subject_id=order.pk, ended_at__isnull=True
    )  # fmt: skip
