"""What every admin page shares: only the merchant's own rows, only what the role may do, nothing slow."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any, ClassVar

from django.contrib.humanize.templatetags.humanize import naturaltime
from django.core.paginator import Paginator
from django.db import models
from django.http import HttpRequest
from django.utils.functional import cached_property
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold.admin import ModelAdmin, TabularInline

from portal.base.admin_scope import MerchantForm, scope_filters
from portal.base.money import exact_money
from portal.tenancy.models import Role
from portal.tenancy.scoping import current_scope

EVERYBODY = frozenset(Role)
OFFICE = frozenset({Role.OWNER, Role.MAPPER, Role.SUPPORT, Role.AUDITOR})  # who sees settings and what is stuck
ORDER_READERS = OFFICE | {Role.SALES}
OWNERS = frozenset({Role.OWNER})
MAPPERS = frozenset({Role.OWNER, Role.MAPPER})
DESK = frozenset({Role.OWNER, Role.SUPPORT})
DEEPEST_PAGE = 200


def may(request: HttpRequest, roles: frozenset[Role]) -> bool:
    """Whether the person may, as a member of the merchant picked; an operator may everything."""
    if getattr(request, "merchant", None) is None or not request.user.is_active:
        return False
    membership = getattr(request, "membership", None)
    if membership is None:
        return bool(request.user.is_superuser)
    return Role(membership.role) in roles


def is_limited() -> bool:
    """Whether the person sees some of the merchant's locations only."""
    current = current_scope()
    return current is not None and current.location_ids is not None


def see_as_everybody(request: HttpRequest) -> bool:
    """The navigation's permissions: settings name them."""
    return may(request, EVERYBODY)


def see_as_office(request: HttpRequest) -> bool:
    return may(request, OFFICE)


def see_as_order_readers(request: HttpRequest) -> bool:
    return may(request, ORDER_READERS)


def see_as_mappers(request: HttpRequest) -> bool:
    return may(request, MAPPERS)


def see_as_owners(request: HttpRequest) -> bool:
    return may(request, OWNERS)


class CappedPaginator(Paginator):  # type: ignore[type-arg]  # not subscriptable at run time
    """Counts no further than the pages anybody turns: a COUNT(*) of a large table costs more than the page."""

    @cached_property
    def count(self) -> int:
        most = self.per_page * DEEPEST_PAGE
        rows: Any = self.object_list
        return int(rows.order_by().values("pk")[: most + 1].count())


class MerchantAdmin(ModelAdmin):
    """Rows of the merchant picked. `view_roles` and `change_roles` say who may see and who may change them; a person
    limited to locations sees rows that are `everywhere`, or those `at_locations` picks, and no others."""

    view_roles: ClassVar[frozenset[Role]] = OFFICE
    change_roles: ClassVar[frozenset[Role]] = OWNERS
    everywhere: ClassVar[bool] = False  # the rows tell nothing of other locations' orders, customers or people
    empty_words: ClassVar[Any] = ""  # what to do where the list has no rows at all
    form = MerchantForm
    paginator = CappedPaginator
    show_full_result_count = False
    list_per_page = 50
    list_fullwidth = True
    warn_unsaved_form = True
    actions: Sequence[Any] | None = None

    def get_queryset(self, request: HttpRequest) -> models.QuerySet[Any]:
        rows: models.QuerySet[Any] = self.model._default_manager.none()
        current = current_scope()
        if current is None:
            return rows
        rows = self.model.objects.order_by(*self.get_ordering(request))  # the scoped manager
        return rows if current.location_ids is None else self.at_locations(rows, current.location_ids)

    def at_locations(self, rows: models.QuerySet[Any], places: frozenset[int]) -> models.QuerySet[Any]:
        """What of it a person limited to these locations sees."""
        return rows if self.everywhere else rows.none()

    def get_list_filter(self, request: HttpRequest) -> Sequence[Any]:
        return scope_filters(self.model, super().get_list_filter(request))

    def get_ordering(self, request: HttpRequest) -> Sequence[str]:
        return self.ordering or ("-pk",)

    def has_module_permission(self, request: HttpRequest) -> bool:
        return may(request, self.view_roles)

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return may(request, self.view_roles)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return self.may_change(request)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.may_change(request)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.may_change(request)

    def may_change(self, request: HttpRequest) -> bool:
        """Rows that belong to locations are not changed by somebody who sees only some of them."""
        return may(request, self.change_roles) and (self.everywhere or not is_limited())

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        """Only the merchant's own rows can be chosen."""
        manager = getattr(db_field.related_model, "objects", None)
        if hasattr(db_field.related_model, "merchant") and manager is not None:
            kwargs["queryset"] = manager.all()
        return super().formfield_for_foreignkey(db_field, request, **kwargs)

    def formfield_for_manytomany(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        if hasattr(db_field.related_model, "merchant"):
            kwargs["queryset"] = db_field.related_model.objects.all()
        return super().formfield_for_manytomany(db_field, request, **kwargs)

    def get_exclude(self, request: HttpRequest, obj: Any = None) -> Sequence[str]:
        """The merchant is the one picked on top of the page, never a field."""
        return [*(super().get_exclude(request, obj) or ()), "merchant"]


class ReadOnlyAdmin(MerchantAdmin):
    """Rows that are looked at here and changed elsewhere."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class ReadOnlyInline(TabularInline):
    """Rows inside another's page."""

    extra = 0
    can_delete = False
    show_change_link = False

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return may(request, EVERYBODY)


def money(amount: Decimal | None, currency: str) -> str:
    """ "1,240.50 GBP": the currency's decimals, more only where there are more."""
    return "" if amount is None else f"{exact_money(Decimal(amount), currency):,f} {currency}".strip()


def ago(moment: datetime | None) -> SafeString | str:
    """Relative, the exact time on hover."""
    if moment is None:
        return "never"
    return format_html('<span title="{}">{}</span>', moment.isoformat(timespec="seconds"), naturaltime(moment))


def badge(text: str, tone: str) -> SafeString:
    """A state as a label; tones: good, wait, bad, plain."""
    colours = {
        "good": "bg-green-100 text-green-700 dark:bg-green-500/20 dark:text-green-400",
        "wait": "bg-orange-100 text-orange-700 dark:bg-orange-500/20 dark:text-orange-400",
        "bad": "bg-red-100 text-red-700 dark:bg-red-500/20 dark:text-red-400",
        "plain": "bg-base-100 text-base-700 dark:bg-base-500/20 dark:text-base-200",
    }
    shape = "inline-block rounded-default px-2 h-6 leading-6 text-xs font-semibold whitespace-nowrap"
    return format_html('<span class="{} {}">{}</span>', shape, colours[tone], text)
