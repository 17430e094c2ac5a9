"""What the mapping pages of a product share."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.template.response import TemplateResponse

from catalog.models import MappingChange, Product
from integrations.models import Connection
from portal.base.admin import MAPPERS, OFFICE, MerchantAdmin, may
from portal.tenancy.models import User

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
            "here": request.get_full_path(),
            **context,
        }
        return TemplateResponse(request, f"admin/catalog/{name}.html", context)


def choose_shops(given: str, shops: Sequence[Connection]) -> list[Connection]:
    """The shop the address names; "all" of them; else the first."""
    if given == "all":
        return list(shops)
    return [shop for shop in shops if str(shop.pk) == given] or list(shops[:1])


def get_person(request: HttpRequest) -> User | None:
    return request.user if isinstance(request.user, User) else None


def list_changes(product: Product) -> QuerySet[MappingChange]:
    rows: QuerySet[MappingChange] = MappingChange.objects.filter(product=product)
    return rows.select_related("by", "undone_by").defer("images").order_by("-made_at", "-pk")[:5]
