"""Saving an order as the store has it: before anything is mapped, once, and only ever by a newer word."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from django.db import transaction
from django.db.models import Q

from integrations.contract import records as r
from integrations.models import Connection
from orders.models import CustomerRules, Order, Payment
from orders.services import changes, edits, erasure, holds, payloads, payments, refunds, routing
from orders.services.arrivals import admit, save_new
from orders.services.customers import lock_known
from orders.services.filling import balance, build_payments, fill, find_buyer, hold_mismatch, hold_several
from orders.services.identity import read_rules
from orders.services.lines import find_differing, write_lines
from orders.services.money import storable
from orders.services.routes import Routes

CREATED, UPDATED, UNCHANGED = "created", "updated", "unchanged"


@transaction.atomic(savepoint=False)
def save_order(
    *,
    connection: Connection,
    record: r.OrderRecord,
    at: datetime,
    read_at: datetime | None = None,
    history: bool = False,
) -> str:
    """As `save_orders`, of one."""
    return save_orders(connection=connection, records=[record], at=at, read_at=read_at, history=history)[0]


@transaction.atomic(savepoint=False)
def save_orders(
    *,
    connection: Connection,
    records: Sequence[r.OrderRecord],
    at: datetime,
    read_at: datetime | None = None,
    history: bool = False,
) -> list[str]:
    """Save these orders and do what follows from them; of each "created", "updated" or "unchanged" (also for an older
    word).

    `read_at` is when the shop was asked (None: just now). Shops tell the time in whole seconds: of two words of one
    second the one asked for later is the newer. `history`: new ones are kept for the record, and nothing follows.
    """
    read_at, routes = read_at or at, Routes(connection.merchant_id)
    known, numbers = _lock_known(connection, records)
    lock_known(connection, (record.customer.external_id for record in records if record.customer))
    rules = read_rules(connection.merchant_id)
    new = dict[str, r.OrderRecord]()
    for record in records:
        if record.external_id not in known:
            new.setdefault(record.external_id, record)
    made = save_new(
        connection, list(new.values()), rules, numbers, routes, at=at, read_at=read_at, history=history
    )  # fmt: skip
    known |= {order.external_id: order for order in made}
    return [
        CREATED
        if new.pop(record.external_id, None)
        else _save_known(known[record.external_id], record, rules, routes, at, read_at)
        for record in records
    ]


def _lock_known(connection: Connection, records: Sequence[r.OrderRecord]) -> tuple[dict[str, Order], set[str]]:
    """Those we have, all at once and in one order; and which numbers of theirs orders of the shop have."""
    mine = Order.plain.filter(merchant_id=connection.merchant_id, connection=connection)
    ids, numbers = {record.external_id for record in records}, {record.number[:60] for record in records}
    there = mine.filter(Q(external_id__in=ids) | Q(number__in=numbers)).values_list("external_id", "number")
    taken, known = set[str](), set[str]()
    for external_id, number in there:
        taken.add(number)
        known |= ids & {external_id}
    rows = mine.filter(external_id__in=known).select_for_update().order_by("pk") if known else ()
    found = {order.external_id: order for order in rows}
    for order in found.values():
        order.connection = connection
    return found, taken


# --- those we have ---------------------------------------------------------------------------------------------------


def _save_known(
    order: Order, record: r.OrderRecord, rules: CustomerRules, routes: Routes, at: datetime, read_at: datetime
) -> str:
    if _is_older(record, read_at, order):
        return UNCHANGED
    sent = routing.is_sent(order)
    changed = fill(order, record, sent=sent)
    who = find_buyer(order, order.connection, record, rules, at=at)
    changed += ["customer"] if who.customer is not None else []
    order.source_updated_at, order.source_read_at = record.updated_at, read_at
    if changed:
        order.save()
    else:
        order.save(update_fields=["source_updated_at", "source_read_at"])
    hold_several(order, record, who, is_new=False, at=at)
    if sent:
        changed += edits.save_edit(order, *balance(record), total=storable(record.total), at=at)
    else:
        changed += _save_lines(order, record, new_total="total" in changed, at=at)
    changed += (paid := _save_payments(order, record))
    if paid and sent:
        payments.tell_back_offices(order, at=at)
    if changed and order.erased_at is None:
        payloads.save(order, record, at=at)
    changed += changes.follow_status(order, record, at=at)
    admit(order, at)
    routing.forward(order, at=at, routes=routes)
    changed += refunds.save_refunds(order, record.refunds, at=at)
    if order.erased_at is not None:
        erasure.forget_events(order, record, at=at)
    return UPDATED if changed else UNCHANGED


def _is_older(record: r.OrderRecord, read_at: datetime, order: Order) -> bool:
    if record.updated_at != order.source_updated_at:
        return record.updated_at < order.source_updated_at
    return order.source_read_at is not None and read_at < order.source_read_at


def _save_lines(order: Order, record: r.OrderRecord, *, new_total: bool, at: datetime) -> list[str]:
    """Write the lines of an order nobody was asked for yet."""
    lines, mismatch = balance(record)
    before = {row.external_id: row for row in order.lines.all()}
    differs = find_differing(before, lines)
    if not mismatch:
        holds.end(order, [f"amount:{order.pk}"], at=at)
    elif (differs or new_total) and not order.is_over and not order.stays_here:
        hold_mismatch(order, mismatch, at)
    if differs:
        write_lines(order, lines, before)
    return ["lines"] if differs else []


def _save_payments(order: Order, record: r.OrderRecord) -> list[str]:
    if not record.payments:
        return []
    rows = list(order.payments.all())
    known = {(row.kind, row.external_id) for row in rows} | {(row.kind, row.reference) for row in rows if row.reference}
    new = build_payments(order, record, known)
    Payment.plain.bulk_create(new)
    return ["payments"] if new else []
