"""Saving an order as the store has it: before anything is mapped, once, and only ever by a newer word."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db import transaction

from integrations.contract import records as r
from integrations.models import Connection
from orders.models import DiscountLine, Order, Payment
from orders.services import changes, edits, holds, refunds, routing
from orders.services.customers import build_address, normalise_phone, save_customer
from orders.services.lines import find_differing, write_lines
from orders.services.money import AmountMismatch, balance_lines, captured, round_lines, storable
from orders.services.timeline import note
from orders.state import FINANCIAL, move
from portal.base.money import describe_money

CREATED, UPDATED, UNCHANGED = "created", "updated", "unchanged"
AMOUNT_MISMATCH = "amount_mismatch"
FINANCIALS = {state.value: Order.Financial(state.value) for state in r.FinancialStatus if state.value != "unknown"}


@transaction.atomic
def save_order(*, connection: Connection, record: r.OrderRecord, at: datetime, read_at: datetime | None = None) -> str:
    """Save the order and do what follows from it; "created", "updated" or "unchanged" (also for an older word).

    `read_at` is when the shop was asked (None: just now). Shops tell the time in whole seconds: of two words of one
    second the one asked for later is the newer.
    """
    read_at = read_at or at
    found = Order.plain.filter(connection=connection, external_id=record.external_id)
    order = found.select_for_update().first()
    if order is not None and _is_older(record, read_at, order):
        return UNCHANGED
    is_new = order is None
    order = order or Order(merchant_id=connection.merchant_id, connection=connection, external_id=record.external_id)
    sent = not is_new and routing.is_sent(order)
    changed = _fill(order, record, at, sent=sent)
    changed += _customer(order, connection, record, at)
    order.source_updated_at, order.source_read_at = record.updated_at, read_at
    if is_new or changed:
        order.save()
    else:
        order.save(update_fields=["source_updated_at", "source_read_at"])
    if is_new:
        note(
            order, "received", f"Received from {connection.name}: {describe_money(order.total, order.currency)}.", at=at
        )
    if sent:
        changed += edits.save_edit(order, *_balance(record), total=storable(record.total), at=at)
    else:
        changed += _save_lines(order, record, is_new=is_new, new_total="total" in changed, at=at)
    changed += _save_payments(order, record)
    if is_new:
        _save_discounts(order, record)
    changed += changes.follow_status(order, record, at=at)
    routing.forward(order, at=at)
    changed += refunds.save_refunds(order, record.refunds, at=at)
    if is_new:
        return CREATED
    return UPDATED if changed else UNCHANGED


def _is_older(record: r.OrderRecord, read_at: datetime, order: Order) -> bool:
    if record.updated_at != order.source_updated_at:
        return record.updated_at < order.source_updated_at
    return order.source_read_at is not None and read_at < order.source_read_at


def _fill(order: Order, record: r.OrderRecord, at: datetime, *, sent: bool) -> list[str]:
    """Put the record on the order; the names of what is new. Once it was sent, its total changes with its lines."""
    billing, shipping = record.billing or r.AddressRecord(), record.shipping or r.AddressRecord()
    customer = record.customer or r.CustomerRecord()
    values: dict[str, Any] = {
        "number": record.number[:60],
        "status_text": record.status_text[:100],
        "cash_on_delivery": record.cash_on_delivery,
        "currency": record.currency,
        "total": storable(record.total),
        "captured": storable(captured(record.payments)),
        "placed_at": record.placed_at,
        "email": (customer.email or billing.email)[:254],
        "phone": normalise_phone(customer.phone or billing.phone, billing.country or shipping.country),
        "customer_name": (customer.name or billing.name or shipping.name)[:200],
        "billing": build_address(record.billing),
        "shipping": build_address(record.shipping),
        "note": record.note,
    }
    if wanted := FINANCIALS.get(record.financial.value):
        values["financial"] = move(FINANCIAL, order.financial, wanted)
    if sent:
        values |= {"total": order.total, "currency": order.currency}
    if order._state.adding:
        order.received_at = at
        order.location_id = order.connection.location_id
    values["captured"] = max(values["captured"], order.refunded + order.refund_pending)
    changed = [name for name, value in values.items() if getattr(order, name) != value]
    for name in changed:
        setattr(order, name, values[name])
    return changed


def _customer(order: Order, connection: Connection, record: r.OrderRecord, at: datetime) -> list[str]:
    if record.customer is None or (order.customer_id and not record.customer.external_id):
        return []
    customer, _ = save_customer(connection=connection, record=record.customer, at=at)
    if order.customer_id == customer.pk:
        return []
    order.customer = customer
    return ["customer"]


def _save_lines(order: Order, record: r.OrderRecord, *, is_new: bool, new_total: bool, at: datetime) -> list[str]:
    """Write the lines of an order nobody was asked for yet."""
    lines, mismatch = _balance(record)
    before = {row.external_id: row for row in order.lines.all()} if not is_new else {}
    differs = find_differing(before, lines)
    if not is_new and not mismatch:
        holds.end(order, [f"amount:{order.pk}"], at=at)
    if mismatch and (differs or new_total) and not order.is_over:
        holds.wait(order, AMOUNT_MISMATCH, f"amount:{order.pk}", f"Order {order}: {mismatch}", at=at)
    if differs:
        write_lines(order, lines, before)
    return ["lines"] if differs else []


def _balance(record: r.OrderRecord) -> tuple[tuple[r.OrderLineRecord, ...], str]:
    """The lines, and in words why they do not come to the total, '' where they do."""
    try:
        return balance_lines(record), ""
    except AmountMismatch as error:
        return round_lines(record), str(error)


def _save_payments(order: Order, record: r.OrderRecord) -> list[str]:
    if not record.payments:
        return []
    known = {(row.kind, row.external_id) for row in order.payments.all()}
    new = [
        Payment(
            merchant_id=order.merchant_id,
            order=order,
            external_id=payment.external_id[:200],
            kind=payment.kind.value,
            method=payment.method[:100],
            amount=storable(payment.amount),
            at=payment.at,
        )
        for payment in record.payments
        if (payment.kind.value, payment.external_id[:200]) not in known
    ]
    Payment.plain.bulk_create(new)
    return ["payments"] if new else []


def _save_discounts(order: Order, record: r.OrderRecord) -> None:
    """One row for what the lines were reduced by, for people to read."""
    amount = storable(sum((line.discount for line in record.lines), Decimal(0)))
    if amount:
        DiscountLine.plain.create(merchant_id=order.merchant_id, order=order, code="discount", amount=amount)
