"""What the mapping pages of a product share."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.template.response import TemplateResponse

from catalog.admin.worklist import next_url, worklist_url
from catalog.models import Product
from integrations.models import Connection
from portal.base.admin import MAPPERS, OFFICE, MerchantAdmin, may

MOST_SHOWN = 200


class MappingPage(MerchantAdmin):
    """Mixed into the product's admin: Mapper and Owner change, the rest of the office reads."""

    def find_product(self, request: HttpRequest, object_id: str, *, changing: bool = False) -> Product:
        if not may(request, MAPPERS if changing else OFFICE):
            raise PermissionDenied
        row = self.get_object(request, object_id)
        if row is None:
            raise Http404
        return cast("Product", row)

    def show_page(self, request: HttpRequest, name: str, context: dict[str, Any]) -> HttpResponse:
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            **({} if context.get("object") else {"content_title": context["title"]}),
            "here": request.get_full_path(),
            **_place(request, context.get("product")),
            **context,
        }
        return TemplateResponse(request, f"admin/catalog/{name}.html", context)


def _place(request: HttpRequest, product: Product | None) -> dict[str, str]:
    """The way back to the worklist one came from, and on to its next unfinished product."""
    place = request.GET.get("list", "")
    if product is None:
        return {"place": place}
    return {"place": place, "back_url": worklist_url(place, product.pk), "further_url": next_url(place, product.pk)}


def choose_shops(given: str, shops: Sequence[Connection]) -> list[Connection]:
    """The shop the address names; "all" of them; else the first."""
    if given == "all":
        return list(shops)
    return [shop for shop in shops if str(shop.pk) == given] or list(shops[:1])
