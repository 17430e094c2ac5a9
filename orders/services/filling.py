"""What a shop says of an order, put on the order: its fields, its buyer, its lines, what is odd about it."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.utils.translation import gettext as _

from integrations.contract import records as r
from integrations.models import Connection
from integrations.sync.release import list_new_keys, lock_keys
from orders.models import Customer, CustomerRules, Order, Payment
from orders.services import holds, payments
from orders.services.customers import build_address, normalise_phone, save_buyer
from orders.services.identity import WHO, Match, describe_several, list_meant
from orders.services.money import AmountMismatch, balance_lines, captured, round_lines, storable
from orders.state import FINANCIAL, move

AMOUNT_MISMATCH = "amount_mismatch"
NOT_PAID = (Order.Financial.PENDING, Order.Financial.AUTHORIZED)
PERSONAL = ("email", "phone", "customer_name", "billing", "shipping", "note")
FINANCIALS = {state.value: Order.Financial(state.value) for state in r.FinancialStatus if state.value != "unknown"}


def fill(order: Order, record: r.OrderRecord, *, sent: bool) -> list[str]:
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


def find_buyer(
    order: Order,
    connection: Connection,
    record: r.OrderRecord,
    rules: CustomerRules,
    *,
    guests: list[Customer] | None = None,
    at: datetime,
) -> Match:
    """Say who bought it; the match, with its `customer` where that is news. `guests` are given with a new order: those
    among them are still to be saved."""
    if record.customer is None or order.erased_at is not None:
        return Match()
    if order.customer_id and not record.customer.external_id:
        return Match()
    customer, match = save_buyer(
        connection=connection,
        record=record.customer,
        is_new=guests is not None,
        quiet=order.admission == Order.Admission.HISTORY,
        placed_at=record.placed_at,
        rules=rules,
        guests=guests,
        at=at,
    )
    if customer is None and order.customer_id:
        return Match()  # a person has said who it is
    if customer is None or (order.customer_id and order.customer_id == customer.pk):
        return Match(several=match.several, key=match.key)
    order.customer = customer
    return Match(customer=customer)


def hold_several(order: Order, record: r.OrderRecord, who: Match, *, is_new: bool, at: datetime) -> None:
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


def hold_mismatch(order: Order, mismatch: str, at: datetime) -> None:
    holds.wait(order, AMOUNT_MISMATCH, f"amount:{order.pk}", f"Order {order}: {mismatch}", at=at)


def balance(record: r.OrderRecord) -> tuple[tuple[r.OrderLineRecord, ...], str]:
    """The lines, and in words why they do not come to the total, '' where they do."""
    try:
        return balance_lines(record), ""
    except AmountMismatch as error:
        return round_lines(record), str(error)


def build_payments(order: Order, record: r.OrderRecord, known: Collection[tuple[str, str]]) -> list[Payment]:
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
