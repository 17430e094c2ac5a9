"""The filter behind the numbers of "Every order accounted for"."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from orders.models import Order
from orders.services.accounting import ACCOUNTS, list_at


class AccountFilter(admin.SimpleListFilter):
    """Where it is: each order at exactly one place."""

    title = _("where it is")
    parameter_name = "account"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(key, str(words)[:1].upper() + str(words)[1:]) for key, words in ACCOUNTS.items()]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Order]) -> QuerySet[Order]:
        if self.value() not in ACCOUNTS:
            return queryset
        merchant = request.merchant  # type: ignore[attr-defined]  # ScopeMiddleware's
        chosen: QuerySet[Order] = list_at(queryset, self.value() or "", merchant_id=merchant.pk)
        return chosen
