"""Orders on account: how much a customer owes, and how much he may."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

from django.db.models import F, Q, Sum
from django.utils.translation import gettext as _

from integrations.contract import records as r
from integrations.models import Hold
from orders.models import Customer, FulfilmentOrder, Order
from orders.services import holds
from portal.base.money import describe_money

CREDIT_LIMIT = "credit_limit"
ZERO = Decimal(0)


def check_limit(order: Order, *, at: datetime) -> None:
    """Hold an order on account that brings its customer above his limit; the caller holds its lock. Where a person let
    it go once it is not held again."""
    customer, key = order.customer, f"credit:{order.pk}"
    too_much = ZERO
    if customer is not None and order.on_account and not order.is_over and not order.stays_here:
        too_much = find_excess(customer, order)
    if too_much <= 0 or customer is None:
        holds.end(order, [key], at=at)
        return
    mine = Hold.plain.filter(merchant_id=order.merchant_id, subject_type="order", subject_id=order.pk, key=key)
    if mine.filter(ended_at__isnull=False).exists():
        return
    words = _(
        "%(customer)s may owe %(limit)s and owes %(owes)s: order %(order)s is %(over)s too much. Let it go, wait for"
        " a payment, or raise the limit on the customer's page."
    )
    told = {
        "customer": customer,
        "limit": describe_money(customer.credit_limit or ZERO, order.currency),
        "owes": describe_money(find_owed(customer, but=order), order.currency),
        "order": order,
        "over": describe_money(too_much, order.currency),
    }
    holds.wait(order, CREDIT_LIMIT, key, words % told, at=at)


def find_excess(customer: Customer, order: Order) -> Decimal:
    """By how much the order would bring him above his limit; 0 or less where it does not, or there is none in the
    order's currency."""
    if customer.credit_limit is None or (customer.account_currency or order.currency) != order.currency:
        return ZERO
    left: Decimal = order.total - order.captured
    limit: Decimal = customer.credit_limit
    return find_owed(customer, but=order) + left - limit


def find_owed(customer: Customer, *, but: Order | None = None) -> Decimal:
    """What the back office says he owes, and what he has ordered on account that it cannot have counted yet."""
    rows = Order.plain.filter(customer=customer, on_account=True).exclude(fulfilment=Order.Fulfilment.CANCELLED)
    rows = rows.exclude(admission__in=Order.STAYS_HERE)
    if but is not None:
        rows = rows.exclude(pk=but.pk)
    if customer.account_at is not None:
        there = FulfilmentOrder.plain.filter(
            order__customer=customer, state=FulfilmentOrder.State.PLACED, placed_at__lte=customer.account_at
        )
        rows = rows.exclude(pk__in=there.values("order_id"))
    sums = rows.filter(~Q(total=F("captured"))).aggregate(total=Sum("total"), captured=Sum("captured"))
    ordered: Decimal = (sums["total"] or ZERO) - (sums["captured"] or ZERO)
    return (customer.balance or ZERO) + ordered


def save_account(customer: Customer, account: r.AccountRecord, *, at: datetime) -> None:
    """The customer's standing as the back office tells it; a limit it does not know leaves the one typed here."""
    customer.balance, customer.account_currency, customer.account_at = account.balance, account.currency, at
    if account.credit_limit is not None:
        customer.credit_limit = account.credit_limit
    if account.terms:
        customer.terms = account.terms[:100]
    customer.save(update_fields=["balance", "account_currency", "account_at", "credit_limit", "terms"])
