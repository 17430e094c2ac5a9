"""What there is and where, how much of it each shop may sell, what it should show, and why."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from catalog.admin.figures import ChannelFiguresAdmin
from catalog.models import AllocationRule, ChannelStock, Figures, StockRecord, Variant
from catalog.services.availability import explain_availability, tell
from catalog.services.sending import sends_at_once
from catalog.services.stock import delete_rule, save_rule
from integrations.models import Connection
from portal.base.admin import EVERYBODY, MerchantAdmin, ReadOnlyAdmin, ago


class InStock(admin.SimpleListFilter):
    title = _("on hand")
    parameter_name = "there"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("some", _("Some")), ("none", _("None left")), ("minus", _("Less than none"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        wanted = {"some": {"quantity__gt": 0}, "none": {"quantity": 0}, "minus": {"quantity__lt": 0}}
        return queryset.filter(**wanted.get(self.value() or "", {}))


@admin.register(StockRecord)
class StockRecordAdmin(ReadOnlyAdmin):
    """What back offices say each location has."""

    empty_words = _("No back office has said yet what there is: read its stock, or upload a feed.")
    view_roles = EVERYBODY
    list_display = ("article", "name", "location", "shown", "basis", "connection", "read")
    list_display_links = ("article",)
    list_select_related = ("variant__product", "location", "connection")
    list_filter = (InStock, "connection", "location")
    search_fields = ("variant__code__startswith", "variant__barcode__exact")
    search_help_text = _("Code or what it begins with, barcode")
    ordering = ("variant__code",)
    fields = ("variant", "location", "shown", "basis", "connection", "read")
    readonly_fields = ("shown", "read")

    def at_locations(self, rows: QuerySet[StockRecord], places: frozenset[int]) -> QuerySet[StockRecord]:
        return rows.filter(location_id__in=places)

    @admin.display(description=_("article"), ordering="variant__code")
    def article(self, row: StockRecord) -> str:
        return row.variant.code

    @admin.display(description=_("name"))
    def name(self, row: StockRecord) -> str:
        return row.variant.name or row.variant.product.name

    @admin.display(description=_("quantity"), ordering="quantity")
    def shown(self, row: StockRecord) -> str:
        return say_quantity(row.quantity, row.variant.unit)

    @admin.display(description=_("read"), ordering="read_at")
    def read(self, row: StockRecord) -> str:
        return ago(row.read_at)


@admin.register(ChannelStock)
class ChannelStockAdmin(ChannelFiguresAdmin):
    """What each shop should show, and what it last took."""

    empty_words = _("Nothing is shown yet: a figure comes with an article of a shop that is mapped and has stock.")
    list_display = ("article", "title", "connection", "wanted_shown", "sent_shown", "state_shown", "message")
    fields = ("binding", "connection", "wanted_shown", "why", "sent_shown", "sent_at", "state_shown", "message")
    readonly_fields = ("wanted_shown", "sent_shown", "state_shown", "why")

    @admin.display(description=_("should show"), ordering="wanted")
    def wanted_shown(self, row: ChannelStock) -> str:
        return tell(row.wanted)

    @admin.display(description=_("took last"), ordering="sent")
    def sent_shown(self, row: ChannelStock) -> str:
        return "" if row.sent is None else tell(row.sent)

    @admin.display(description=_("why"))
    def why(self, row: ChannelStock) -> SafeString | str:
        variant = row.binding.variant
        return tell_availability(variant, row.connection) if variant is not None else gettext("It is not mapped.")


@admin.register(AllocationRule)
class AllocationRuleAdmin(MerchantAdmin):
    everywhere = True
    list_display = ("connection", "category_shown", "place", "whose", "buffer", "stop_below", "share", "maximum")
    list_select_related = ("connection", "location", "group", "source")
    list_filter = ("connection",)
    ordering = ("connection", "category")
    fieldsets = (
        (None, {"fields": ("connection", "category")}),
        (_("Where its stock is"), {"fields": ("location", "group", "pick", "source")}),
        (_("How much of it is shown, in base units"), {"fields": ("buffer", "share", "maximum", "stop_below")}),
    )

    @admin.display(description="category", ordering="category")
    def category_shown(self, row: AllocationRule) -> str:
        return row.category or gettext("everything else")

    @admin.display(description="sells what is")
    def place(self, row: AllocationRule) -> str:
        if row.group is not None:
            return f"{row.group}: {row.get_pick_display()}"
        return str(row.location or gettext("anywhere"))

    @admin.display(description=_("by the figures of"))
    def whose(self, row: AllocationRule) -> str:
        return str(row.source or gettext("all back offices together"))

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
        if changed and sends_at_once(row.connection, Figures.STOCK):
            words = ngettext(
                "%(n)s figure of %(shop)s changes and is sent now.",
                "%(n)s figures of %(shop)s change and are sent now.",
                changed,
            )
        else:
            words = ngettext("%(n)s figure of %(shop)s changes.", "%(n)s figures of %(shop)s change.", changed)
        self.message_user(request, words % {"n": changed, "shop": row.connection})


def tell_availability(variant: Variant, shop: Connection | None = None) -> SafeString | str:
    """What each shop, or one, shows of the variant, line by line."""
    shops = Connection.objects.filter(bindings__variant=variant, role__in=Connection.SELLING_ROLES).distinct()
    shops = shops if shop is None else shops.filter(pk=shop.pk)
    found = [one for shop in shops.order_by("name") for one in explain_availability(variant=variant, connection=shop)]
    if not found:
        return gettext("No back office has said what there is, or no shop sells it.")
    rows = ((one.lines[0], format_html_join("", "<br>{}", ((line,) for line in one.lines[1:]))) for one in found)
    return format_html("{}", format_html_join("", "<p><strong>{}</strong>{}</p>", rows))


def say_quantity(quantity: Decimal, unit: str) -> str:
    """ "12 bottle", "0.5 kg"; without a unit the bare number"""
    return f"{tell(quantity)} {unit}".strip()
