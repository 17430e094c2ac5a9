"""Articles, their stock and prices, and which of a shop's articles is which of ours."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from unfold.widgets import UnfoldAdminDecimalFieldWidget

from catalog import services
from catalog.admin import drift, feeds, plan, prices, products, stock
from catalog.admin.changes import ChangesPages
from catalog.admin.conflicts import ConflictPages
from catalog.admin.exchange import MappingExchange
from catalog.admin.worklist import WorklistPages
from catalog.models import (
    Binding,
    ChannelStock,
    MappingConflict,
    StockRecord,
)
from portal.base.admin import (
    EVERYBODY,
    MAPPERS,
    ReadOnlyAdmin,
    ReadOnlyInline,
    ago,
    badge,
)
from portal.base.admin_scope import MerchantForm

__all__ = ["drift", "feeds", "plan", "prices", "products", "stock"]  # each registers its own pages
TONES = {"bound": "good", "suggested": "wait", "conflict": "bad", "ignored": "plain", "stale": "plain"}


class BindingForm(MerchantForm):
    """What a person decides: which of our articles it is, and how many of them are in one of theirs."""

    factor = forms.DecimalField(min_value=Decimal("0.001"), decimal_places=3, widget=UnfoldAdminDecimalFieldWidget)

    class Meta:
        model = Binding
        fields = ("variant", "factor")


class ConflictInline(ReadOnlyInline):
    model = MappingConflict
    fields = ("type", "message", "opened_at", "resolved_at", "resolution")
    verbose_name_plural = "why it was not mapped by itself"


@admin.register(Binding)
class BindingAdmin(MappingExchange, WorklistPages, ChangesPages):
    """What a shop or back office sells, and which of our articles it is; the worklist stands before it."""

    everywhere = True
    change_roles = MAPPERS
    list_before_template = "admin/catalog/list_tabs.html"
    form = BindingForm
    list_display = ("reference_code", "title", "connection", "state_shown", "variant", "why")
    sortable_by = ("reference_code",)
    list_select_related = ("connection", "variant")
    list_filter = ("state", "connection")
    search_fields = ("reference_code__startswith", "external_id__exact", "barcode__exact", "title")
    ordering = ("reference_code",)
    autocomplete_fields = ("variant",)
    readonly_fields = ("connection", "external_id", "reference_code", "barcode", "title", "state_shown", "why")
    fields = (
        "connection",
        "reference_code",
        "title",
        "barcode",
        "external_id",
        "state_shown",
        "why",
        "variant",
        "factor",
    )
    inlines = (ConflictInline,)
    actions = ("ignore_them",)

    @admin.display(description="state")
    def state_shown(self, row: Binding) -> str:
        return badge(row.get_state_display(), TONES[row.state])

    @admin.display(description="why")
    def why(self, row: Binding) -> str:
        return row.reason

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def save_model(self, request: HttpRequest, obj: Binding, form: Any, change: bool) -> None:
        if obj.variant_id is None:
            services.ignore(binding_id=obj.pk, at=timezone.now())
            self.message_user(request, f"{obj} is ignored: orders that sell it still wait.")
            return
        freed = services.bind(
            binding_id=obj.pk,
            variant_id=obj.variant_id,
            factor=form.cleaned_data["factor"],
            at=timezone.now(),
            reason=f"chosen by {request.user}",
        )
        self.message_user(request, f"{obj} is {obj.variant}; {freed} records went on.")

    @admin.action(description="Ignore: these are none of ours", permissions=["change"])
    def ignore_them(self, request: HttpRequest, rows: QuerySet[Binding]) -> None:
        for pk in rows.values_list("pk", flat=True):
            services.ignore(binding_id=pk, at=timezone.now())


@admin.register(MappingConflict)
class MappingConflictAdmin(ConflictPages):
    everywhere = True


@admin.register(StockRecord)
class StockRecordAdmin(ReadOnlyAdmin):
    view_roles = EVERYBODY
    list_display = ("variant", "location", "quantity", "basis", "connection", "read")
    list_select_related = ("variant", "location", "connection")
    list_filter = ("connection", "location")
    search_fields = ("variant__code__startswith",)
    ordering = ("variant__code",)

    def at_locations(self, rows: QuerySet[StockRecord], places: frozenset[int]) -> QuerySet[StockRecord]:
        return rows.filter(location_id__in=places)

    @admin.display(description="read", ordering="read_at")
    def read(self, row: StockRecord) -> str:
        return ago(row.read_at)


@admin.register(ChannelStock)
class ChannelStockAdmin(ReadOnlyAdmin):
    """What each shop should show, and what it last took."""

    list_display = ("binding", "connection", "wanted", "sent", "message")
    list_select_related = ("binding", "connection")
    list_filter = ("connection",)
    search_fields = ("binding__reference_code__startswith",)
