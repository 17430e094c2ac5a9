"""The daily summary: yesterday's orders and where they are, what is open, how the connections do."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

from django.db.models import Count

from integrations.models import AlertSetting, Connection, Mail, Problem
from integrations.sync.alerts import write_mail
from orders.models import Order
from orders.services import accounting
from portal.base.money import describe_money
from portal.tenancy.models import Merchant
from portal.tenancy.services import get_zone

HOUR, LAST_HOUR = 7, 12  # local; a portal that stood still in the morning still tells until noon


def list_due(at: datetime) -> list[Merchant]:
    """Merchants where it is morning, and who were not told today."""
    silent = AlertSetting.plain.filter(digest=False).values("merchant_id")
    rows = Merchant.objects.filter(is_active=True).exclude(pk__in=silent).order_by("pk")
    return [
        one for one in rows if HOUR <= _local(one, at).hour < LAST_HOUR and not _is_told(one, _local(one, at).date())
    ]


def write(merchant: Merchant, *, at: datetime) -> Mail | None:
    """Yesterday's summary, once a day; None where nobody wants it, or nothing is connected."""
    if not Connection.plain.filter(merchant=merchant).exclude(state=Connection.State.DRAFT).exists():
        return None
    today = _local(merchant, at).date()
    context = build(merchant, today - timedelta(days=1))
    subject = f"{context['received']} orders on {context['day']:%Y-%m-%d}"
    return write_mail(
        merchant=merchant, key=_key(today), about="digest", subject=subject, template="digest", context=context, at=at,
        kind="digest",
    )  # fmt: skip


def build(merchant: Merchant, day: date) -> dict[str, Any]:
    """What the summary of this day says; the numbers of the page "Every order accounted for"."""
    begin, end = accounting.bounds_of(day, get_zone(merchant))
    mine = Order.plain.filter(merchant=merchant)
    accounts = accounting.add_up(mine.filter(received_at__gte=begin, received_at__lt=end), merchant_id=merchant.pk)
    oldest = accounting.find_oldest_waiting(mine, merchant_id=merchant.pk)
    problems = Problem.plain.filter(merchant=merchant, state=Problem.State.OPEN)
    states = Connection.plain.filter(merchant=merchant).exclude(state=Connection.State.DISABLED)
    return {
        "day": day,
        "received": sum(one.received[0] for one in accounts),
        "balanced": all(one.balanced for one in accounts),
        "sums": [_sum(currency, parts) for currency, parts in sorted(accounting.add_together(accounts).items())],
        "oldest": oldest.astimezone(get_zone(merchant)) if oldest else None,
        "problems": problems.aggregate(n=Count("pk"))["n"],
        "connections": [(row.name, row.get_state_display()) for row in states.order_by("role", "name")],
        "path": "/admin/reports/orders/",
    }


def _sum(currency: str, parts: dict[str, Any]) -> dict[str, Any]:
    count, value = parts["received"]
    return {
        "received": (count, describe_money(value, currency)),
        "parts": [
            (words, parts[key][0], describe_money(parts[key][1], currency))
            for key, words in accounting.ACCOUNTS.items()
            if key in parts
        ],
    }


def _local(merchant: Merchant, at: datetime) -> datetime:
    return at.astimezone(get_zone(merchant))


def _key(day: date) -> str:
    return f"digest:{day.isoformat()}"


def _is_told(merchant: Merchant, day: date) -> bool:
    return Mail.plain.filter(merchant=merchant, key=_key(day)).exists()
