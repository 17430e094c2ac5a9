"""Every order accounted for: per shop and day, what came and where it is; and what the shop itself counts."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone

from integrations.models import Connection, SourceCount
from orders.models import Order
from orders.services import accounting
from orders.services.accounting import ACCOUNTS, Account
from portal.base.admin import OFFICE, ORDER_READERS, is_limited, may, money
from portal.tenancy.services import get_zone

DAYS, MOST_DAYS = 14, 92


def orders_view(request: HttpRequest) -> HttpResponse:
    """The page. Whoever is limited to locations sees the orders there, and not what a whole shop counts."""
    if not may(request, ORDER_READERS):
        raise PermissionDenied
    merchant = request.merchant  # type: ignore[attr-defined]  # ScopeMiddleware's
    asked = request.GET.get("days", "")
    days = min(max(int(asked), 1), MOST_DAYS) if asked.isdecimal() and len(asked) < 4 else DAYS
    zone = get_zone(merchant)
    first = timezone.now().astimezone(zone).date() - timedelta(days=days - 1)
    rows: QuerySet[Any] = Order.objects.filter(pk__in=_visible(request).order_by().values("pk"))
    rows = rows.filter(received_at__gte=accounting.bounds_of(first, zone)[0])
    accounts = accounting.add_up(rows, merchant_id=merchant.pk, zone=zone)
    names = dict(Connection.objects.values_list("pk", "name"))
    context = {
        **admin.site.each_context(request),
        "title": "Every order accounted for",
        "days": days,
        "choices": (7, DAYS, 31, MOST_DAYS),
        "accounts": list(ACCOUNTS.items()),
        "lines": [_line(one, names[one.connection_id], zone) for one in accounts],
        "sums": [_sum(currency, parts) for currency, parts in sorted(accounting.add_together(accounts).items())],
        "balanced": all(one.balanced for one in accounts),
        "counts": [] if is_limited() else list_counts(),
        "rules_url": reverse("admin:orders_orderrule_changelist") if may(request, OFFICE) else "",
    }
    return TemplateResponse(request, "admin/reports/orders.html", context)


def is_balanced(rows: QuerySet[Any], *, merchant_id: int) -> bool:
    """Whether every one of these orders is accounted for, in count and value."""
    plain = Order.objects.filter(pk__in=rows.order_by().values("pk"))
    return all(one.balanced for one in accounting.add_up(plain, merchant_id=merchant_id))


def list_counts() -> QuerySet[Any]:
    """What each source counted when it was last asked, beside what is here."""
    rows: QuerySet[Any] = SourceCount.objects.select_related("connection").order_by("connection__name", "stream")
    return rows


def _visible(request: HttpRequest) -> QuerySet[Any]:
    rows: QuerySet[Any] = admin.site.get_model_admin(Order).get_queryset(request)
    return rows


def _line(one: Account, shop: str, zone: ZoneInfo) -> dict[str, Any]:
    """A day of a shop, each number with the address of its rows."""
    query: dict[str, Any] = {"connection__id__exact": one.connection_id}
    if one.day:
        begin, end = accounting.bounds_of(one.day, zone)
        query |= {"received_at__gte": begin.isoformat(), "received_at__lt": end.isoformat()}
    url = f"{reverse('admin:orders_order_changelist')}?{urlencode(query)}"
    return {
        "day": one.day,
        "shop": shop,
        "received": (*_cell(one.received, one.currency), url),
        "cells": [
            (words, *_cell(one.parts.get(key), one.currency), f"{url}&account={key}") for key, words in ACCOUNTS.items()
        ],
        "balanced": one.balanced,
    }


def _sum(currency: str, parts: dict[str, tuple[int, Decimal]]) -> dict[str, Any]:
    return {
        "received": _cell(parts["received"], currency),
        "cells": [(words, *_cell(parts[key], currency)) for key, words in ACCOUNTS.items() if key in parts],
    }


def _cell(found: tuple[int, Decimal] | None, currency: str) -> tuple[int, str]:
    count, value = found or (0, Decimal(0))
    return count, money(value, currency)
