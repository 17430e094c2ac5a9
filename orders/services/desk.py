"""What people do with orders at the desk: hold them, let them go, say whose they are."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction
from django.db.models import Q, QuerySet

from integrations.models import Hold
from integrations.sync.release import PERSON, hold, release
from orders.models import FulfilmentOrder, Order, Refund
from orders.services.timeline import note
from portal.tenancy.models import User

# Reasons a person ends by looking; all others end when what they wait for is there.
PERSONS_KEYS = ("person:", "amount:", "restored:", "invoiced:")
FREED_BY_HAND = (*PERSONS_KEYS, "reference:", "refund:", "rule:", "credit:")  # one by one, with a reason


class NotPossible(Exception):
    """It cannot be done; the message says what to do instead."""


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
def free(*, order_id: int, hold_id: int, by: User, reason: str, at: datetime) -> None:
    """End one reason only a person can end, of the order or of a refund of it, and go on; the reason why stays in the
    timeline. ValueError without one, NotPossible where something else must come first."""
    if not reason.strip():
        raise ValueError("Say why you let it go.")
    order = Order.plain.select_for_update().get(pk=order_id)
    row = list_open(order).filter(pk=hold_id).first()
    if row is None:
        raise NotPossible(f"Order {order} does not wait for that any more.")
    if not row.key.startswith(FREED_BY_HAND):
        raise NotPossible("That ends by itself when what it waits for is there; nobody can end it by hand.")
    words = f"{by} let it go: {reason.strip().rstrip('.')[:250]}. It waited because: {row.message}"
    note(order, "let_go", words, at=at, actor=str(by))
    release(merchant_id=order.merchant_id, key=row.key, at=at)


@transaction.atomic
def write_note(*, order_id: int, by: User, words: str, at: datetime) -> None:
    """Something people should know of the order, on its timeline; ValueError where nothing is said."""
    if not words.strip():
        raise ValueError("Write what others should know.")
    note(Order.plain.select_for_update().get(pk=order_id), "note", words.strip(), at=at, actor=str(by))


def list_open(order: Order) -> QuerySet[Hold]:
    """What the order waits for, and its refunds."""
    refunds = Refund.plain.filter(order=order).values("pk")
    mine = Q(subject_type="order", subject_id=order.pk) | Q(subject_type="refund", subject_id__in=refunds)
    return Hold.plain.filter(mine, merchant_id=order.merchant_id, ended_at__isnull=True)


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
