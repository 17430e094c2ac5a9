"""Our articles: what is there of each, what it is counted in, and what each shop shows of it and why."""

from __future__ import annotations

from typing import Any, ClassVar

from django.contrib import admin
from django.db.models import OuterRef, QuerySet, Subquery, Sum
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from catalog import services
from catalog.admin.articles import TONES, say_pack
from catalog.admin.stock import say_quantity, tell_availability
from catalog.models import Binding, StockRecord, Variant
from catalog.services.learning import read_values
from portal.base.admin import EVERYBODY, MAPPERS, OFFICE, MerchantAdmin, ReadOnlyInline, badge, is_limited, may
from portal.tenancy.scoping import current_scope


class ArticlesInline(ReadOnlyInline):
    """What shops and back offices sell it as."""

    model = Binding
    fields = ("connection", "reference_code", "title", "state_shown", "contains")
    readonly_fields = ("state_shown", "contains")
    verbose_name_plural = _("sold as")
    show_change_link = True

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return may(request, OFFICE)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Binding]:
        rows: QuerySet[Binding] = super().get_queryset(request)
        return rows.select_related("connection", "variant").order_by("connection__name", "pk")

    @admin.display(description=_("state"))
    def state_shown(self, row: Binding) -> str:
        return badge(row.get_state_display(), TONES[row.state])

    @admin.display(description=_("contains"))
    def contains(self, row: Binding) -> str:
        return say_pack(row) or "1"


@admin.register(Variant)
class VariantAdmin(MerchantAdmin):
    """Also where a shop's article looks for its variant. All but the unit is the back office's."""

    everywhere = True
    view_roles = EVERYBODY
    change_roles = MAPPERS
    empty_words = _("There are no articles yet: read the products of a back office, or upload a feed.")
    list_display = ("code", "name_shown", "product_shown", "barcode", "unit", "on_hand", "is_active")
    list_display_links = ("code",)
    list_editable: ClassVar[Any] = ("unit",)
    sortable_by = ("code", "barcode")
    list_select_related = ("product",)
    list_filter = ("is_active",)
    search_fields = ("code__startswith", "barcode__exact", "name")
    search_help_text = _("Code or what it begins with, barcode, a part of the name")
    ordering = ("code",)
    fields = (("code", "barcode"), "name", ("product", "options_shown"), ("unit", "is_active"))
    readonly_fields = ("code", "barcode", "name", "product", "options_shown", "is_active")
    inlines = (ArticlesInline,)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def get_queryset(self, request: HttpRequest) -> QuerySet[Variant]:
        """With what is on hand at the locations the person sees."""
        rows: QuerySet[Variant] = super().get_queryset(request)
        stock = StockRecord.plain.filter(variant=OuterRef("pk"))
        current = current_scope()
        if current is not None and current.location_ids is not None:
            stock = stock.filter(location__in=current.location_ids)
        total = stock.order_by().values("variant").annotate(total=Sum("quantity")).values("total")
        return rows.annotate(on_hand=Subquery(total))

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """A person limited to locations is not told what others have."""
        fields = super().get_fields(request, obj)
        return (*fields, "shown_in_the_shops") if may(request, OFFICE) and not is_limited() else fields

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return (*super().get_readonly_fields(request, obj), "shown_in_the_shops")

    @admin.display(description=_("options"))
    def options_shown(self, row: Variant) -> str:
        return ", ".join(read_values(row.option_key))

    @admin.display(description=_("name"))
    def name_shown(self, row: Variant) -> str:
        values = ", ".join(read_values(row.option_key))
        return row.name or (f"{row.product.name}: {values}" if values else row.product.name)

    @admin.display(description=_("product"))
    def product_shown(self, row: Variant) -> SafeString:
        address = reverse("admin:catalog_product_change", args=(row.product_id,))
        return format_html('<a class="text-primary-600" href="{}">{}</a>', address, row.product.code)

    @admin.display(description=_("on hand"))
    def on_hand(self, row: Variant) -> SafeString | str:
        total = row.on_hand  # type: ignore[attr-defined]  # annotated
        if total is None:
            return gettext("unknown")
        address = reverse("admin:catalog_stockrecord_changelist", query={"variant__id__exact": row.pk})
        return format_html('<a class="text-primary-600" href="{}">{}</a>', address, say_quantity(total, row.unit))

    @admin.display(description=_("shown in the shops"))
    def shown_in_the_shops(self, row: Variant) -> str:
        return tell_availability(row)

    def save_model(self, request: HttpRequest, obj: Variant, form: Any, change: bool) -> None:
        services.set_unit(variant=obj, unit=form.cleaned_data["unit"], at=timezone.now())
