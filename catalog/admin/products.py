"""Products: what people write of them, and what shops lack of them."""

from __future__ import annotations

from typing import Any, ClassVar

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import Count, OuterRef, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext
from unfold.decorators import action
from unfold.widgets import UnfoldAdminTextareaWidget

from catalog import services
from catalog.admin.matrix import MatrixPages
from catalog.admin.photos import PicturesField, may_open, open_photo, read_files, show_photos
from catalog.models import Product, Variant
from catalog.services import photos
from integrations.contract.records import FIELD_GROUPS
from integrations.models import Connection
from portal.base.admin import EVERYBODY, MAPPERS, MerchantAdmin, ReadOnlyInline, ago, badge, may
from portal.base.admin_scope import MerchantForm

WRITTEN = ("name", "description", "status", "brand", "categories", "image_urls")
PAGE = 200
STATUS_TONES: dict[str, str] = {
    Product.Status.ACTIVE: "good",
    Product.Status.DRAFT: "wait",
    Product.Status.ARCHIVED: "plain",
}


class VariantInline(ReadOnlyInline):
    model = Variant
    fields = ("code", "barcode", "name", "option_key", "unit", "is_active")
    verbose_name_plural = _("articles")
    show_change_link = True


class LinesField(forms.CharField):
    """A list, one item a line."""

    widget = UnfoldAdminTextareaWidget(attrs={"rows": 4})

    def prepare_value(self, value: Any) -> str:
        return "\n".join(value) if isinstance(value, list) else str(value or "")

    def to_python(self, value: Any) -> Any:
        return [line.strip() for line in (super().to_python(value) or "").splitlines() if line.strip()]

    def has_changed(self, initial: Any, data: Any) -> bool:
        return bool((initial or []) != self.to_python(data))


class ProductForm(MerchantForm):
    categories = LinesField(required=False, help_text=_("One a line."))
    image_urls = LinesField(
        required=False,
        label=_("Order of the photos"),
        help_text=_(
            "One a line, first the one shops show first: an address, or the name of a file above. "
            "Take a line away and the photo goes."
        ),
    )
    new_photos = PicturesField(
        required=False,
        label=_("Add photos"),
        help_text=_("JPEG, PNG, WebP or GIF, up to 10 MB each, several at once. They come last."),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.pk:
            self.initial["image_urls"] = photos.list_lines(self.instance)

    class Meta:
        model = Product
        fields = WRITTEN

    def clean_image_urls(self) -> list[str]:
        """The addresses; `photo_order` has the files too."""
        self.photo_order = photos.read_lines(self.instance, self.cleaned_data["image_urls"])
        addresses = [one for one in self.photo_order if isinstance(one, str)]
        validate = forms.URLField(assume_scheme="https").run_validators
        for address in addresses:
            if photos.is_name(address):
                raise forms.ValidationError(
                    _("%(name)s is no photo of this product; look at the names above."), params={"name": address}
                )
            if not address.startswith(("https://", "http://")):
                raise forms.ValidationError(_("%(address)s is no web address."), params={"address": address})
            validate(address)
        return addresses


@admin.register(Product)
class ProductAdmin(MatrixPages, MerchantAdmin):
    """What a back office owns is read here; the rest is written here and sent to the shops at once."""

    everywhere = True
    list_before_template = "admin/catalog/list_tabs.html"
    view_roles = EVERYBODY
    change_roles = MAPPERS
    empty_words = _("There are no products yet: read those of a back office, or upload a feed.")
    form = ProductForm
    list_display = ("code", "name", "status_shown", "brand", "articles", "grid", "changed")
    sortable_by = ("code", "name")
    search_fields = ("code__startswith", "name")
    search_help_text = _("Code or what it begins with, a part of the name")
    list_filter = ("status",)
    ordering = ("code",)
    fields = ("code", "grid", *WRITTEN[:-1], "pictures", "image_urls", "new_photos", "owners")
    actions = ("make_codes",)
    inlines = (VariantInline,)
    actions_list: ClassVar[list[str]] = ["what_shops_lack"]

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        owned = services.find_owners(obj.merchant_id) if obj is not None else {}
        return ("code", "grid", "pictures", "owners", *(field for field in WRITTEN if field in owned))

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """Photos a back office owns, and those of somebody who only reads, are shown and no more."""
        owned = obj is not None and "image_urls" in services.find_owners(obj.merchant_id)
        hidden = {"image_urls", "new_photos"} if owned or not self.has_change_permission(request, obj) else set()
        return [field for field in super().get_fields(request, obj) if field not in hidden]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Product]:
        rows: QuerySet[Product] = super().get_queryset(request)
        mine = Variant.plain.filter(product=OuterRef("pk")).order_by().values("product").annotate(n=Count("pk"))
        return rows.annotate(article_count=Coalesce(Subquery(mine.values("n")), 0))

    @admin.display(description=_("status"))
    def status_shown(self, row: Product) -> str:
        return badge(row.get_status_display(), STATUS_TONES[row.status])

    @admin.display(description=_("articles"))
    def articles(self, row: Product) -> SafeString:
        address = reverse("admin:catalog_variant_changelist", query={"product__id__exact": row.pk})
        count = row.article_count  # type: ignore[attr-defined]  # annotated
        return format_html('<a class="text-primary-600" href="{}">{}</a>', address, count)

    @admin.display(description=_("changed"), ordering="updated_at")
    def changed(self, row: Product) -> str:
        return ago(row.updated_at)

    @admin.display(description=_("photos"))
    def pictures(self, row: Product) -> str:
        return show_photos(row)

    @admin.display(description=_("written by"))
    def owners(self, row: Product) -> str:
        owners = services.find_owners(row.merchant_id)
        found = {group: str(owners.get(fields[0], _("you, here"))) for group, fields in FIELD_GROUPS.items()}
        return " · ".join(f"{group}: {owner}" for group, owner in found.items())

    def save_model(self, request: HttpRequest, obj: Product, form: Any, change: bool) -> None:
        shops = services.save_product(
            product=obj,
            at=timezone.now(),
            order=getattr(form, "photo_order", None),
            files=read_files(form.cleaned_data.get("new_photos") or []),
        )
        if shops:
            names = ", ".join(map(str, shops))
            messages.success(request, _("Sent to %(shops)s now.") % {"shops": names})

    # what shops lack -----------------------------------------------------------------------------------------------

    def get_urls(self) -> list[Any]:
        view = self.admin_site.admin_view
        return [
            path("missing/", view(self.missing_page), name="catalog_product_missing"),
            path("missing/<int:connection_id>/", view(self.create_page), name="catalog_product_create_missing"),
            path("<int:product_id>/photos/<int:photo_id>/", view(self.photo_page), name="catalog_product_photo"),
            *super().get_urls(),
        ]

    @action(description=_("What shops lack"), permissions=["view"])
    def what_shops_lack(self, request: HttpRequest) -> HttpResponse:
        return HttpResponseRedirect(reverse("admin:catalog_product_missing"))

    def missing_page(self, request: HttpRequest) -> HttpResponse:
        """Each shop, with how many of our products it does not have."""
        if not may(request, MAPPERS):
            raise PermissionDenied
        shops = (
            Connection.objects.filter(role__in=Connection.SELLING_ROLES)
            .exclude(state=Connection.State.DISABLED)
            .order_by("name")
        )
        rows = [(shop, services.why_not_create(shop), services.list_missing(shop).count()) for shop in shops]
        return self._show(request, "admin/product/missing.html", _("What shops lack"), rows=rows)

    def photo_page(self, request: HttpRequest, product_id: int, photo_id: int) -> HttpResponseBase:
        if not may_open(request, self, product_id):
            raise Http404
        return open_photo(product_id, photo_id)

    def create_page(self, request: HttpRequest, connection_id: int) -> HttpResponse:
        """The plan, and the button that carries it out."""
        if not may(request, MAPPERS):
            raise PermissionDenied
        shop = Connection.objects.filter(pk=connection_id, role__in=Connection.SELLING_ROLES).first()
        if shop is None:
            raise Http404
        missing, why_not = services.list_missing(shop), services.why_not_create(shop)
        if request.method == "POST" and not why_not:
            chosen = [int(pk) for pk in request.POST.getlist("product") if pk.isdigit()]
            everything = "all" in request.POST
            ids = list(missing.values_list("pk", flat=True)) if everything else chosen
            made = services.create_missing(connection=shop, product_ids=ids, at=timezone.now())
            words = ngettext(
                "%(count)d product is on its way to %(shop)s; see Commands.",
                "%(count)d products are on their way to %(shop)s; see Commands.",
                made,
            )
            messages.success(request, words % {"count": made, "shop": shop})
            return HttpResponseRedirect(reverse("admin:catalog_product_create_missing", args=(shop.pk,)))
        title = _("What %(shop)s lacks") % {"shop": shop}
        rows = list(missing.prefetch_related("variants")[:PAGE])
        return self._show(
            request, "admin/product/create_missing.html", title, shop=shop, rows=rows, count=missing.count(),
            why_not=why_not, may_write=shop.may_write and not shop.orders_paused,
        )  # fmt: skip

    def _show(self, request: HttpRequest, template: str, title: Any, **context: Any) -> HttpResponse:
        return TemplateResponse(
            request, template, {**self.admin_site.each_context(request), "title": title, "opts": self.opts, **context}
        )
