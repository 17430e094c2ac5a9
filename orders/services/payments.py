"""Payments registered in one system reach the other: each movement once, under a reference of ours."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from decimal import Decimal

from django.db.models import Q, QuerySet, Sum

from integrations.contract import records as r
from integrations.models import Command, Connection, Flow, Link, Stream, ValueMapping
from integrations.sync.outbox import enqueue
from orders.models import FulfilmentOrder, Order, Payment
from orders.services.money import is_whole, storable
from orders.services.references import build_reference, line_of
from orders.services.shop import MADE_HERE, can, line_at_shop, may_be_told
from orders.services.timeline import note
from orders.state import FINANCIAL, move
from portal.base.money import describe_money

ZERO = Decimal(0)
Kind = Payment.Kind
TELLABLE = (Kind.CAPTURE, Kind.REFUND)
CREATED, UPDATED, UNCHANGED = "created", "updated", "unchanged"


# --- what a back office says ------------------------------------------------------------------------------------------


def save_payment(*, connection: Connection, record: r.PaymentRecord, order: Order, at: datetime) -> str:
    """Keep what a back office registered for the order, and tell the shop; "created" or "unchanged". One we had made
    there, or know already, changes nothing. The caller holds the order's lock."""
    if not record.amount or record.kind.value not in TELLABLE or _is_known(connection, record, order):
        return UNCHANGED
    row = Payment.plain.create(
        merchant_id=order.merchant_id,
        order=order,
        connection=connection,
        external_id=f"{connection.pk}:{record.external_id}"[:200],
        kind=record.kind.value,
        method=record.method[:100],
        amount=storable(record.amount),
        at=record.at,
        reference=_next_reference(order),
    )
    amount = describe_money(row.amount, order.currency)
    what = "was paid" if row.kind == Kind.CAPTURE else "was paid back"
    how = record.title or record.method or record.external_id
    note(order, "payment", f"{amount} {what}, says {connection.name}: {how}.", at=at)
    if row.kind == Kind.CAPTURE:
        count_captured(order, row.amount)
        _tell_shop(order, row, at=at)
    return CREATED


def _is_known(connection: Connection, record: r.PaymentRecord, order: Order) -> bool:
    """Ours, by the reference it bears or the link its making left; or read before."""
    if Link.plain.filter(connection=connection, stream=Stream.PAYMENT, external_id=record.external_id).exists():
        return True
    ids = [f"{connection.pk}:{record.external_id}"[:200]]
    if order.payments.filter(external_id__in=ids, kind=record.kind.value).exists():
        return True
    return bool(record.reference) and order.payments.filter(reference=record.reference).exists()


def count_captured(order: Order, amount: Decimal) -> None:
    """More was paid: the order's sum and its financial state."""
    order.captured += amount
    paid = order.captured - order.refunded >= order.total
    state = Order.Financial.PAID if paid else Order.Financial.PARTIALLY_PAID
    if order.financial in (Order.Financial.PENDING, Order.Financial.AUTHORIZED, Order.Financial.PARTIALLY_PAID):
        order.financial = move(FINANCIAL, order.financial, state)
    order.save(update_fields=["captured", "financial"])


def _not_the_shops(order: Order) -> QuerySet[Payment]:
    """Registered in a back office, or here with a bill."""
    return order.payments.filter(Q(connection__isnull=False) | Q(external_id__startswith=MADE_HERE))


def sum_elsewhere(order: Order) -> Decimal:
    """What was paid that the shop does not count itself."""
    return _not_the_shops(order).filter(kind=Kind.CAPTURE).aggregate(sum=Sum("amount"))["sum"] or ZERO


def without_echoes(order: Order, payments: Sequence[r.PaymentRecord]) -> list[r.PaymentRecord]:
    """The shop's payments but those it has because we told it of them."""
    told = set(_not_the_shops(order).values_list("reference", flat=True))
    return [one for one in payments if one.external_id not in told]


def register(order: Order, *, amount: Decimal, method: str, by: str, at: datetime) -> Payment:
    """Money somebody received with a bill: counted, and the shop is told. The caller holds the order's lock."""
    if not is_whole(amount, order.currency) or amount <= 0:
        raise ValueError(f"{amount} {order.currency} cannot be paid.")
    reference = _next_reference(order)
    row = Payment.plain.create(
        merchant_id=order.merchant_id,
        order=order,
        external_id=f"{MADE_HERE}{reference}",
        kind=Kind.CAPTURE,
        method=method[:100],
        amount=amount,
        at=at,
        reference=reference,
    )
    count_captured(order, amount)
    note(order, "payment", f"{describe_money(amount, order.currency)} paid ({method}).", at=at, actor=by)
    _tell_shop(order, row, at=at)
    return row


# --- telling the other side -------------------------------------------------------------------------------------------


def tell_back_offices(order: Order, parts: Iterable[FulfilmentOrder] | None = None, *, at: datetime) -> None:
    """Have each back office that has the order, and is to have payments, register what was paid in the shop, behind
    the order itself in its line; the caller holds the order's lock. `parts`: the order's, by their keys, where they
    were read just now."""
    rows = order.fulfilment_orders.select_related("destination").order_by("pk") if parts is None else parts
    for part in rows:
        if part.state == part.State.PLACED and _takes_payments(part.destination):
            tell_back_office(order, part, at=at)


def _takes_payments(there: Connection) -> bool:
    """Only where somebody switched it on: most merchants book the payouts of their provider instead."""
    flows = Flow.plain.filter(connection=there, stream=Stream.PAYMENT, direction=Flow.Direction.PUSH, enabled=True)
    return can(there, "create_payment") and flows.exists()


def tell_back_office(order: Order, part: FulfilmentOrder, *, method: str = "", at: datetime) -> None:
    """Every payment that is not the destination's own, each once. `method` is theirs; the mapped one unless said."""
    rows = list(order.payments.filter(kind__in=TELLABLE).exclude(connection=part.destination).order_by("pk"))
    told = Command.plain.filter(connection=part.destination, kind="create_payment", subject_type="payment")
    known = set(told.filter(subject_id__in=[row.pk for row in rows]).values_list("subject_id", flat=True))
    for row in rows:
        if row.pk in known or row.amount <= 0:
            continue
        code = method or find_method(order, part.destination, row.method)
        if not code:
            words = f"{part.destination.name} has no way of paying for “{row.method}”: map it under Values → Payment."
            note(order, "payment_unmapped", words, at=at)
            continue
        if not row.reference:
            row.reference = _next_reference(order)
            row.save(update_fields=["reference"])
        _ask(order, row, part.destination, line_of(part), at)


def find_method(order: Order, there: Connection, method: str) -> str:
    """Their way of paying that stands for the shop's, '' where it is not mapped: never a guess."""
    rows = ValueMapping.plain.filter(connection__in=(order.connection, there), kind=ValueMapping.Kind.PAYMENT)
    named = {(row.connection_id, row.theirs): row.ours for row in rows if row.ours}
    ours = named.get((order.connection_id, method), "")
    theirs = [key[1] for key, name in sorted(named.items()) if key[0] == there.pk and name == ours]
    return theirs[0] if ours and theirs else ""


def _tell_shop(order: Order, row: Payment, *, at: datetime) -> None:
    if can(order.connection, "create_payment") and may_be_told(order, Stream.PAYMENT):
        _ask(order, row, order.connection, line_at_shop(order), at)


def _ask(order: Order, row: Payment, there: Connection, line: str, at: datetime) -> None:
    command = enqueue(
        connection=there,
        kind="create_payment",
        stream=Stream.PAYMENT,
        subject=("payment", row.pk),
        line=line,
        reference=row.reference,
        amount=row.amount,
        currency=order.currency,
        at=at,
    )
    amount = describe_money(row.amount, order.currency)
    note(order, "payment_asked", f"{there.name} is told of {amount} paid.", at=at, command=command)


def _next_reference(order: Order) -> str:
    return f"{build_reference(order)}-P{order.payments.exclude(reference='').count() + 1}"
