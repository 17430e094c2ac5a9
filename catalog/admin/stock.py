"""How much of what is available each shop may sell, and why it shows what it shows."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from catalog.models import AllocationRule, Variant
from catalog.services.availability import explain_availability
from catalog.services.stock import delete_rule, save_rule
from integrations.models import Connection
from portal.base.admin import MerchantAdmin


@admin.register(AllocationRule)
class AllocationRuleAdmin(MerchantAdmin):
    everywhere = True
    list_display = ("connection", "category_shown", "place", "buffer", "stop_below", "share", "maximum")
    list_select_related = ("connection", "location", "group")
    list_filter = ("connection",)
    ordering = ("connection", "category")
    fieldsets = (
        (None, {"fields": ("connection", "category")}),
        ("Where its stock is", {"fields": ("location", "group", "pick", "source")}),
        ("How much of it is shown, in base units", {"fields": ("buffer", "share", "maximum", "stop_below")}),
    )

    @admin.display(description="category", ordering="category")
    def category_shown(self, row: AllocationRule) -> str:
        return row.category or _("everything else")

    @admin.display(description="sells what is")
    def place(self, row: AllocationRule) -> str:
        return str(row.location or row.group or _("anywhere"))

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        field = super().formfield_for_foreignkey(db_field, request, **kwargs)
        if db_field.name in {"connection", "source"}:
            shops = (Connection.Role.STORE, Connection.Role.CHANNEL)
            wanted = {"role__in": shops} if db_field.name == "connection" else {"role": Connection.Role.BACK_OFFICE}
            field.queryset = field.queryset.filter(**wanted)
        return field

    def save_model(self, request: HttpRequest, obj: AllocationRule, form: Any, change: bool) -> None:
        self._tell(request, obj, save_rule(rule=obj, at=timezone.now()))

    def delete_model(self, request: HttpRequest, obj: AllocationRule) -> None:
        self._tell(request, obj, delete_rule(rule=obj, at=timezone.now()))

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[AllocationRule]) -> None:
        for row in queryset:
            self.delete_model(request, row)

    def _tell(self, request: HttpRequest, row: AllocationRule, changed: int) -> None:
        words = ngettext("%(n)s figure of %(shop)s changes.", "%(n)s figures of %(shop)s change.", changed)
        self.message_user(request, words % {"n": changed, "shop": row.connection})


def tell_availability(variant: Variant) -> SafeString | str:
    """What each shop shows of the variant, line by line."""
    shops = Connection.objects.filter(bindings__variant=variant, role__in=("store", "channel")).distinct()
    found = [one for shop in shops.order_by("name") for one in explain_availability(variant=variant, connection=shop)]
    if not found:
        return _("No back office has said what there is, or no shop sells it.")
    rows = ((one.lines[0], format_html_join("", "<br>{}", ((line,) for line in one.lines[1:]))) for one in found)
    return format_html("{}", format_html_join("", "<p><strong>{}</strong>{}</p>", rows))
