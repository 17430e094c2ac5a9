"""The page where the values of a product's axes are mapped."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone

from catalog.admin.changes import get_person, list_changes
from catalog.admin.mapping_page import MOST_SHOWN, MappingPage, choose_shops
from catalog.admin.matrix_rows import clean
from catalog.models import MappingConflict, Product
from catalog.services import axis_values, axis_views, matrix
from integrations.models import Connection
from portal.base.admin import MAPPERS, may


class AxesPage(MappingPage):
    def axes_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        product = self.find_product(request, object_id, changing=request.method == "POST")
        shops = matrix.list_shops(product.merchant_id)
        chosen = choose_shops(request.GET.get("shop", ""), shops)
        if len(chosen) != 1:
            chosen = shops[:1]
        if not chosen:
            messages.warning(request, "There is no shop yet whose articles could be mapped.")
            return HttpResponseRedirect(reverse("admin:catalog_product_matrix", args=(product.pk,)))
        shop, said = chosen[0], clean(request.GET.get("q", ""))
        found = axis_views.find_remote_products(product=product, connection=shop, text=said)
        there = clean(request.GET.get("there", "")) or (found[0].external_id if found else "")
        if request.method == "POST":
            self._save_axes(request, product, shop, there)
            return HttpResponseRedirect(request.get_full_path())
        conflicts = MappingConflict.objects.filter(
            product=product,
            connection=shop,
            resolved_at__isnull=True,
            type__in=("missing_combination", "axis_mismatch"),
        )
        context = {
            "title": f"{product.name}: axis values at {shop}",
            "product": product,
            "object": product,
            "shops": shops,
            "shop": shop,
            "said": said,
            "found": found,
            "there": there,
            "view": axis_views.get_axes(product=product, connection=shop, parent=there) if there else None,
            "conflicts": conflicts.order_by("type", "pk")[:MOST_SHOWN],
            "changes": list_changes(product),
            "may_change": may(request, MAPPERS),
        }
        return self.show_page(request, "axes", context)

    def _save_axes(self, request: HttpRequest, product: Product, shop: Connection, there: str) -> None:
        words = {}
        for field, given in request.POST.items():
            key = field.removeprefix("value-")
            axis, tab, word = str(given).partition("\t")
            if field.startswith("value-") and key.isdecimal() and tab:
                words[int(key)] = (axis, word)
        try:
            followed = axis_values.save_axes(
                product=product, connection=shop, parent=there, words=words, by=get_person(request), at=timezone.now()
            )
        except axis_values.AxisError as error:
            messages.error(request, str(error))
            return
        said = f"{len(words)} values are mapped; {followed.bound} articles of {shop} follow"
        already = f", {followed.already} were mapped already" if followed.already else ""
        freed = f"; {followed.freed} records went on" if followed.freed else ""
        messages.success(request, f"{said}{already}{freed}.")
        for kind, text in followed.problems[:5]:
            messages.warning(request, f"{MappingConflict.Type(kind).label}: {text}")
