"""What the list of orders is narrowed by."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from orders.admin.seen import list_stages, with_needs
from orders.models import Order


class StageFilter(admin.SimpleListFilter):
    title = "what to see"
    parameter_name = "see"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        stages = [(key, words[:1].upper() + words[1:]) for key, (words, _) in list_stages().items()]
        return [("needs", "Needs someone"), *stages]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Order]) -> QuerySet[Order]:
        if self.value() == "needs":
            return with_needs(queryset)
        stage = list_stages().get(self.value() or "")
        return queryset.filter(stage[1]) if stage else queryset


class OwnerFilter(admin.SimpleListFilter):
    title = gettext_lazy("who looks after it")
    parameter_name = "owner"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("me", _("I do")), ("nobody", _("Nobody"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Order]) -> QuerySet[Order]:
        match self.value():
            case "me":
                return queryset.filter(owner_id=request.user.pk)
            case "nobody":
                return queryset.filter(owner=None)
        return queryset


class ReceivedFilter(admin.SimpleListFilter):
    title = "received"
    parameter_name = "received"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("0", "Today"), ("6", "In the last 7 days"), ("29", "In the last 30 days")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Order]) -> QuerySet[Order]:
        days = self.value() or ""
        return queryset.filter(received_at__gte=start_of_day(int(days))) if days.isdecimal() else queryset


def start_of_day(days_ago: int = 0) -> datetime:
    today = timezone.localtime().replace(hour=0, minute=0, second=0, microsecond=0)
    return today - timedelta(days=min(days_ago, 366))
