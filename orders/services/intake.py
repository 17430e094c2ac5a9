"""Saving an order as the store has it: before anything is mapped, once, and only ever by a newer word."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from integrations.contract import records as r
from integrations.models import Connection
from integrations.sync.release import list_new_keys, lock_keys
from orders.models import DiscountLine, Order, OrderEvent, OrderRule, Payment
from orders.services import (
    admission,
    changes,
    credit,
    edits,
    erasure,
    holds,
    payloads,
    payments,
    refunds,
    routing,
)
from orders.services.customers import build_address, lock_known, normalise_phone, save_buyer
from orders.services.identity import WHO, Match, describe_several, list_meant
from orders.services.lines import create_lines, find_differing, write_lines
from orders.services.money import AmountMismatch, balance_lines, captured, round_lines, storable
from orders.services.page import Page
from orders.services.routes import Routes
from orders.services.timeline import build_event, note_all
from orders.state import FINANCIAL, move
from portal.base.money import describe_money

CREATED, UPDATED, UNCHANGED = "created", "updated", "unchanged"
AMOUNT_MISMATCH = "amount_mismatch"
NOT_PAID = (Order.Financial.PENDING, Order.Financial.AUTHORIZED)
PERSONAL = ("email", "phone", "customer_name", "billing", "shipping", "note")
FINANCIALS = {state.value: Order.Financial(state.value) for state in r.FinancialStatus if state.value != "unknown"}


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
    known = _lock_known(connection, [record.external_id for record in records])
    lock_known(connection, (record.customer.external_id for record in records if record.customer))
    new = dict[str, r.OrderRecord]()
    for record in records:
        if record.external_id not in known:
            new.setdefault(record.external_id, record)
    for together in _part(list(new.values())):
        made = [_Made(connection, record, at, read_at, history=history) for record in together]
        _save_new(connection, made, routes, at)
        known |= {one.order.external_id: one.order for one in made}
    return [
        CREATED
        if new.pop(record.external_id, None)
        else _save_known(known[record.external_id], record, routes, at, read_at)
        for record in records
    ]


def _part(records: Sequence[r.OrderRecord]) -> list[list[r.OrderRecord]]:
    """Those that may be saved together: whether one on account is within the limit is told by those before it."""
    found: list[list[r.OrderRecord]] = []
    for record in records:
        if not found or record.on_account or found[-1][-1].on_account:
            found.append([])
        found[-1].append(record)
    return found


def _lock_known(connection: Connection, external_ids: Sequence[str]) -> dict[str, Order]:
    """Those we have, all at once and in one order."""
    mine = Order.plain.filter(
        merchant_id=connection.merchant_id, connection=connection, external_id__in=external_ids
    )  # fmt: skip
    found = {order.external_id: order for order in mine.select_for_update().order_by("pk")}
    for order in found.values():
        order.connection = connection
    return found


# --- new ones --------------------------------------------------------------------------------------------------------


class _Made:
    """A new order, not saved yet, with what the shop says of it and who bought it."""

    def __init__(
        self, connection: Connection, record: r.OrderRecord, at: datetime, read_at: datetime, *, history: bool
    ) -> None:
        self.record = record
        self.order = Order(
            merchant_id=connection.merchant_id,
            connection=connection,
            external_id=record.external_id,
            location_id=connection.location_id,
            received_at=at,
            source_updated_at=record.updated_at,
            source_read_at=read_at,
        )
        _fill(self.order, record, sent=False)
        if history:
            self.order.admission = Order.Admission.HISTORY
        self.who = _customer(self.order, connection, record, is_new=True, at=at)
        self.lines, self.mismatch = _balance(record)

    def describe_arrival(self, at: datetime) -> OrderEvent:
        order = self.order
        words = f"Received from {order.connection.name}: {describe_money(order.total, order.currency)}."
        return build_event(order, "received", words, at=at)


def _save_new(connection: Connection, made: Sequence[_Made], routes: Routes, at: datetime) -> None:
    """All of them with a few statements; then each goes its way."""
    Order.plain.bulk_create([one.order for one in made])
    lines, taxes, bindings = create_lines(connection, ((one.order, one.lines) for one in made))
    Payment.plain.bulk_create(row for one in made for row in _build_payments(one.order, one.record, set()))
    DiscountLine.plain.bulk_create(row for one in made for row in _build_discount(one.order, one.record))
    payloads.save_new(((one.order, one.record) for one in made), at=at)
    note_all(one.describe_arrival(at) for one in made)
    page = Page(connection, {one.order: lines.get(one.order, []) for one in made}, taxes, bindings)
    rules = admission.list_rules(made[0].order)
    for one in made:
        _hold_several(one.order, one.record, one.who, is_new=True, at=at)
        if one.mismatch and not one.order.stays_here:
            _hold_mismatch(one.order, one.mismatch, at)
        changes.follow_status(one.order, one.record, at=at)
        _admit(one.order, at, rules)
    for one in made:
        routing.forward(one.order, at=at, routes=routes, page=page)
    page.write(at=at)
    for one in made:
        refunds.save_refunds(one.order, one.record.refunds, at=at)


def _admit(order: Order, at: datetime, rules: Sequence[OrderRule] | None = None) -> None:
    """What the merchant's own rules and limits say of it."""
    if not order.stays_here or order.admission == Order.Admission.EXCLUDED:
        admission.admit(order, at=at, rules=rules)
        if order.on_account:
            credit.check_limit(order, at=at)


# --- those we have ---------------------------------------------------------------------------------------------------


def _save_known(order: Order, record: r.OrderRecord, routes: Routes, at: datetime, read_at: datetime) -> str:
    if _is_older(record, read_at, order):
        return UNCHANGED
    sent = routing.is_sent(order)
    changed = _fill(order, record, sent=sent)
    who = _customer(order, order.connection, record, is_new=False, at=at)
    changed += ["customer"] if who.customer is not None else []
    order.source_updated_at, order.source_read_at = record.updated_at, read_at
    if changed:
        order.save()
    else:
        order.save(update_fields=["source_updated_at", "source_read_at"])
    _hold_several(order, record, who, is_new=False, at=at)
    if sent:
        changed += edits.save_edit(order, *_balance(record), total=storable(record.total), at=at)
    else:
        changed += _save_lines(order, record, new_total="total" in changed, at=at)
    changed += (paid := _save_payments(order, record))
    if paid and sent:
        payments.tell_back_offices(order, at=at)
    if changed and order.erased_at is None:
        payloads.save(order, record, at=at)
    changed += changes.follow_status(order, record, at=at)
    _admit(order, at)
    routing.forward(order, at=at, routes=routes)
    changed += refunds.save_refunds(order, record.refunds, at=at)
    if order.erased_at is not None:
        erasure.forget_events(order)
    return UPDATED if changed else UNCHANGED


def _is_older(record: r.OrderRecord, read_at: datetime, order: Order) -> bool:
    if record.updated_at != order.source_updated_at:
        return record.updated_at < order.source_updated_at
    return order.source_read_at is not None and read_at < order.source_read_at


def _fill(order: Order, record: r.OrderRecord, *, sent: bool) -> list[str]:
    """Put the record on the order; the names of what is new. Once it was sent, its total changes with its lines. A
    buyer whose data was erased stays so."""
    billing, shipping = record.billing or r.AddressRecord(), record.shipping or r.AddressRecord()
    customer = record.customer or r.CustomerRecord()
    values: dict[str, Any] = {
        "number": record.number[:60],
        "status_text": record.status_text[:100],
        "cash_on_delivery": record.cash_on_delivery,
        "currency": record.currency,
        "total": storable(record.total),
        "prices_include_tax": record.prices_include_tax,
        **_presentment(record),
        "captured": storable(captured(record.payments)),
        "placed_at": record.placed_at,
        "email": (customer.email or billing.email)[:254],
        "phone": normalise_phone(
            customer.phone or billing.phone,
            billing.country or shipping.country or order.connection.merchant.country,
        ),
        "customer_name": (customer.name or billing.name or shipping.name)[:200],
        "billing": build_address(record.billing),
        "shipping": build_address(record.shipping),
        "note": record.note,
        "tags": "\n".join(record.tags),
        "flagged": record.flagged[:200],
        "payment_method": record.payment_method[:100],
        "on_account": record.on_account,
    }
    if order.erased_at is not None:
        values = {name: value for name, value in values.items() if name not in PERSONAL}
    elsewhere = Decimal(0) if order._state.adding else _count_elsewhere(order, record, values)
    if (wanted := FINANCIALS.get(record.financial.value)) and not (elsewhere and wanted in NOT_PAID):
        values["financial"] = move(FINANCIAL, order.financial, wanted)
    if sent:
        values |= {"total": order.total, "currency": order.currency}
    values["captured"] = max(values["captured"], order.refunded + order.refund_pending)
    changed = [name for name, value in values.items() if getattr(order, name) != value]
    for name in changed:
        setattr(order, name, values[name])
    return changed


def _count_elsewhere(order: Order, record: r.OrderRecord, values: dict[str, Any]) -> Decimal:
    """What a back office registered, or somebody with a bill, is paid whether the shop has it, too, or not."""
    elsewhere = payments.sum_elsewhere(order)
    if elsewhere:
        values["captured"] = storable(captured(payments.without_echoes(order, record.payments))) + elsewhere
    return elsewhere


def _presentment(record: r.OrderRecord) -> dict[str, Any]:
    """What the buyer saw stands beside, as the shop says it; we convert nothing."""
    if record.presentment_currency in {"", record.currency} or record.presentment_total is None:
        return {"presentment_currency": "", "presentment_total": None}
    total = storable(record.presentment_total)
    return {"presentment_currency": record.presentment_currency, "presentment_total": total}


def _customer(order: Order, connection: Connection, record: r.OrderRecord, *, is_new: bool, at: datetime) -> Match:
    """Say who bought it; the match, with its `customer` where that is news."""
    if record.customer is None or order.erased_at is not None:
        return Match()
    if order.customer_id and not record.customer.external_id:
        return Match()
    customer, match = save_buyer(
        connection=connection,
        record=record.customer,
        is_new=is_new,
        quiet=order.admission == Order.Admission.HISTORY,
        placed_at=record.placed_at,
        at=at,
    )
    if customer is None and order.customer_id:
        return Match()  # a person has said who it is
    if customer is None or order.customer_id == customer.pk:
        return Match(several=match.several, key=match.key)
    order.customer = customer
    return Match(customer=customer)


def _hold_several(order: Order, record: r.OrderRecord, who: Match, *, is_new: bool, at: datetime) -> None:
    """Where several customers could have bought it a person says who; where it is known by now nobody has to."""
    if who.several and not order.is_over and not order.stays_here:
        if list_new_keys(subject=("order", order.pk), keys=[who.key]):
            lock_keys([who.key])  # they may have been merged in between
            left = list(list_meant(order.merchant_id, who.key)[:2])
            if len(left) == 1:
                order.customer = left[0]
                order.save(update_fields=["customer"])
                return
        name = order.customer_name or _("the buyer of order %(order)s") % {"order": order}
        holds.wait(order, "several_customers", who.key, describe_several(name, who), at=at)
    elif who.customer is not None and not is_new:
        holds.end(order, [key for key in holds.list_open_keys(order) if key.startswith(WHO)], at=at)


def _save_lines(order: Order, record: r.OrderRecord, *, new_total: bool, at: datetime) -> list[str]:
    """Write the lines of an order nobody was asked for yet."""
    lines, mismatch = _balance(record)
    before = {row.external_id: row for row in order.lines.all()}
    differs = find_differing(before, lines)
    if not mismatch:
        holds.end(order, [f"amount:{order.pk}"], at=at)
    elif (differs or new_total) and not order.is_over and not order.stays_here:
        _hold_mismatch(order, mismatch, at)
    if differs:
        write_lines(order, lines, before)
    return ["lines"] if differs else []


def _hold_mismatch(order: Order, mismatch: str, at: datetime) -> None:
    holds.wait(order, AMOUNT_MISMATCH, f"amount:{order.pk}", f"Order {order}: {mismatch}", at=at)


def _balance(record: r.OrderRecord) -> tuple[tuple[r.OrderLineRecord, ...], str]:
    """The lines, and in words why they do not come to the total, '' where they do."""
    try:
        return balance_lines(record), ""
    except AmountMismatch as error:
        return round_lines(record), str(error)


def _save_payments(order: Order, record: r.OrderRecord) -> list[str]:
    if not record.payments:
        return []
    rows = list(order.payments.all())
    known = {(row.kind, row.external_id) for row in rows} | {(row.kind, row.reference) for row in rows if row.reference}
    new = _build_payments(order, record, known)
    Payment.plain.bulk_create(new)
    return ["payments"] if new else []


def _build_payments(order: Order, record: r.OrderRecord, known: Collection[tuple[str, str]]) -> list[Payment]:
    return [
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


def _build_discount(order: Order, record: r.OrderRecord) -> list[DiscountLine]:
    """One row for what the lines were reduced by, for people to read."""
    amount = storable(sum((line.discount for line in record.lines), Decimal(0)))
    return [DiscountLine(merchant_id=order.merchant_id, order=order, code="discount", amount=amount)] if amount else []
