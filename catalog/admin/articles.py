"""What a shop or back office sells, one article at a time: which of ours it is, and how many of them."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext
from unfold.widgets import UnfoldAdminDecimalFieldWidget

from catalog import services
from catalog.admin.changes import ChangesPages, get_person
from catalog.admin.conflicts import ConflictPages
from catalog.admin.exchange import MappingExchange
from catalog.admin.worklist import WorklistPages, tell
from catalog.models import Binding, MappingConflict
from catalog.services import decisions
from portal.base.admin import MAPPERS, ReadOnlyInline, badge
from portal.base.admin_scope import MerchantForm

TONES = {"bound": "good", "suggested": "wait", "conflict": "bad", "ignored": "plain", "stale": "plain"}


class BindingForm(MerchantForm):
    """What a person decides: which of our articles it is, and how many of them are in one of theirs."""

    factor = forms.DecimalField(
        label=_("Contains"),
        min_value=Decimal("0.001"),
        decimal_places=3,
        max_digits=12,
        widget=UnfoldAdminDecimalFieldWidget,
        help_text=_("How many of ours one of theirs is: 24 for a crate of 24. Stock, prices and orders follow."),
    )

    class Meta:
        model = Binding
        fields = ("variant", "factor")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.pk and "factor" in self.fields:
            self.initial["factor"] = f"{self.instance.factor.normalize():f}"
        if "variant" in self.fields:
            self.fields["variant"].label = _("Our article")
            self.fields["variant"].help_text = _("Empty: it is none of ours.")


class ConflictInline(ReadOnlyInline):
    model = MappingConflict
    fields = ("type", "message", "opened_at", "resolved_at", "resolution")
    verbose_name_plural = _("why it was not mapped by itself")


@admin.register(Binding)
class BindingAdmin(MappingExchange, WorklistPages, ChangesPages):
    """All articles; the worklist stands before them."""

    everywhere = True
    change_roles = MAPPERS
    list_before_template = "admin/catalog/list_tabs.html"
    empty_words = _("No article of a shop or back office is known yet: connect one, then read its products.")
    form = BindingForm
    list_display = ("code", "title", "connection", "state_shown", "ours", "contains", "why")
    list_display_links = ("code",)
    sortable_by = ("code",)
    list_select_related = ("connection", "variant")
    list_filter = ("state", "connection")
    search_fields = ("reference_code__startswith", "external_id__exact", "barcode__exact", "title")
    search_help_text = _("Code or what it begins with, id, barcode, a part of the title")
    ordering = ("reference_code",)
    autocomplete_fields = ("variant",)
    readonly_fields = ("connection", "id_there", "code", "barcode", "title", "state_shown", "why")
    fields = (
        ("connection", "id_there"),
        ("code", "barcode"),
        "title",
        ("state_shown", "why"),
        ("variant", "factor"),
    )
    inlines = (ConflictInline,)
    actions = ("ignore_them",)

    @admin.display(description=_("code there"), ordering="reference_code")
    def code(self, row: Binding) -> str:
        return row.reference_code or _("without a code (%s)") % row.external_id

    @admin.display(description=_("id there"))
    def id_there(self, row: Binding) -> str:
        return row.external_id

    @admin.display(description=_("state"))
    def state_shown(self, row: Binding) -> str:
        return badge(row.get_state_display(), TONES[row.state])

    @admin.display(description=_("our article"))
    def ours(self, row: Binding) -> SafeString | str:
        if row.variant is None:
            return ""
        address = reverse("admin:catalog_variant_change", args=(row.variant_id,))
        return format_html('<a class="text-primary-600" href="{}">{}</a>', address, row.variant)

    @admin.display(description=_("contains"))
    def contains(self, row: Binding) -> str:
        return say_pack(row)

    @admin.display(description=_("why"))
    def why(self, row: Binding) -> str:
        return row.reason

    def get_inlines(self, request: HttpRequest, obj: Binding | None) -> Any:
        """Why it was not mapped by itself, where it was not."""
        return self.inlines if obj is not None and obj.conflicts.exists() else ()

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def save_model(self, request: HttpRequest, obj: Binding, form: Any, change: bool) -> None:
        by, at = get_person(request), timezone.now()
        if obj.variant_id is None:
            services.ignore(binding_id=obj.pk, by=by, at=at)
            words = _("%(article)s is ignored: orders that sell it still wait. Undo it under Changes.")
            messages.success(request, words % {"article": obj})
            return
        factor = form.cleaned_data["factor"]
        freed = services.bind(binding_id=obj.pk, variant_id=obj.variant_id, factor=factor, by=by, at=at)
        went = ngettext("%(n)d record went on.", "%(n)d records went on.", freed) % {"n": freed}
        words = _("%(article)s is %(ours)s; %(went)s Undo it under Changes.")
        messages.success(request, words % {"article": obj, "ours": obj.variant, "went": went})

    @admin.action(description=_("Ignore: these are none of ours"), permissions=["change"])
    def ignore_them(self, request: HttpRequest, rows: QuerySet[Binding]) -> None:
        done = decisions.ignore_all(
            merchant_id=request.merchant.pk,  # type: ignore[attr-defined]  # ours
            binding_ids=list(rows.values_list("pk", flat=True)),
            by=get_person(request),
            at=timezone.now(),
        )
        tell(request, done, ngettext("%d article is ignored.", "%d articles are ignored.", done.count))


@admin.register(MappingConflict)
class MappingConflictAdmin(ConflictPages):
    everywhere = True


def say_pack(row: Binding) -> str:
    """ "24 × bottle"; nothing where one of theirs is one of ours."""
    if row.variant is None or row.factor == 1:
        return ""
    return f"{row.factor.normalize():f} × {row.variant.unit or row.variant.code}"
