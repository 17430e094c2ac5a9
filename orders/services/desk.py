"""What people do with orders at the desk: hold them, let them go, say whose they are."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction
from django.db.models import QuerySet

from integrations.models import Hold
from integrations.sync.release import PERSON, hold, release
from orders.models import FulfilmentOrder, Order
from orders.services.timeline import note
from portal.tenancy.models import User

# Reasons a person ends by looking; all others end when what they wait for is there.
PERSONS_KEYS = ("person:", "amount:", "restored:")


@transaction.atomic
def hold_order(*, order_id: int, by: User, reason: str, at: datetime) -> bool:
    """Nothing of the order is sent before somebody lets it go; ValueError without a reason. False where it is over
    (cancelled) or held by a person already."""
    if not reason.strip():
        raise ValueError("Say why it is held.")
    order = Order.plain.select_for_update().select_related("connection").get(pk=order_id)
    if order.fulfilment == Order.Fulfilment.CANCELLED or _open(order).filter(reason=PERSON).exists():
        return False
    words = f"{by} holds it: {reason.strip()}"
    row = hold(
        merchant_id=order.merchant_id,
        subject=("order", order.pk),
        reason=PERSON,
        key=f"person:{order.pk}",
        message=words,
        amount=order.total,
        currency=order.currency,
        connection=order.connection,
        at=at,
    )
    Hold.plain.filter(pk=row.pk).update(owner=by)
    note(order, "held", words, at=at, actor=str(by))
    return True


@transaction.atomic
def let_go(*, order_id: int, by: User, at: datetime) -> int:
    """End the reasons a person may end, and go on with the order; how many they were. What waits for a mapping waits
    on."""
    order = Order.plain.select_for_update().get(pk=order_id)
    keys = list(_open(order).order_by("pk").values_list("key", flat=True))
    mine = [key for key in keys if key.startswith(PERSONS_KEYS)]
    if mine:
        note(order, "let_go", f"{by} let it go.", at=at, actor=str(by))
    for key in mine:
        release(merchant_id=order.merchant_id, key=key, at=at)
    return len(mine)


@transaction.atomic
def assign(*, order_id: int, to: User | None, by: User, at: datetime) -> bool:
    """Somebody looks after the order and what it waits for (None: nobody); False where it was so already."""
    order = Order.plain.select_for_update().get(pk=order_id)
    _open(order).update(owner=to)
    if order.owner_id == (to.pk if to else None):
        return False
    order.owner = to
    order.save(update_fields=["owner"])
    note(order, "assigned", f"{to or 'Nobody'} looks after it.", at=at, actor=str(by))
    return True


def is_there(order_id: int) -> bool:
    """Whether a back office has it already: then holding keeps back only what follows."""
    return FulfilmentOrder.plain.filter(order_id=order_id, state=FulfilmentOrder.State.PLACED).exists()


def _open(order: Order) -> QuerySet[Hold]:
    return Hold.plain.filter(
        merchant_id=order.merchant_id, subject_type="order", subject_id=order.pk, ended_at__isnull=True
    )
