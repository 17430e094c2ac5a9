"""The page where codes are made by a pattern, looked at and saved."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db import IntegrityError
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from django.utils.http import urlencode

from catalog.admin.changes import get_person, list_changes
from catalog.admin.mapping_page import MOST_SHOWN, MappingPage
from catalog.admin.matrix_rows import clean
from catalog.mapping.patterns import PatternError
from catalog.models import Product
from catalog.services import generation, matrix
from integrations.models import Connection
from portal.base.admin import MAPPERS, may

DEFAULT_PATTERN = "{product.code}-{1|upper|3}-{2|upper|3}"


class CodesPage(MappingPage):
    def has_map_permission(self, request: HttpRequest) -> bool:
        return may(request, MAPPERS)

    @admin.action(description="Generate codes…", permissions=["map"])
    def make_codes(self, request: HttpRequest, rows: QuerySet[Product]) -> HttpResponse:
        return self._codes(request, list(rows.order_by().values_list("pk", flat=True)))

    def codes_view(self, request: HttpRequest) -> HttpResponse:
        """Codes for the products chosen (`ids`), or for all."""
        given = request.POST.get("ids", "") if request.method == "POST" else request.GET.get("ids", "")
        ids = [int(one) for one in given.split(",") if one.isdecimal() and len(one) < 19]
        return self._codes(request, ids if given else None)

    def _codes(self, request: HttpRequest, ids: Sequence[int] | None) -> HttpResponse:
        if not may(request, MAPPERS):
            raise PermissionDenied
        products = self.get_queryset(request)
        products = products if ids is None else products.filter(pk__in=ids)
        given = request.POST if "pattern" in request.POST else request.GET
        pattern = clean(given.get("pattern", ""))
        targets = generation.list_targets(request.merchant.pk)  # type: ignore[attr-defined]  # ours
        target = next((shop for shop in targets if str(shop.pk) == given.get("target")), None)
        error, preview = "", None
        try:
            if request.method == "POST" and "token" in request.POST:
                return self._save_codes(request, products, pattern, target, ids)
            if pattern:
                preview = generation.preview_codes(products=products, pattern=pattern, connection=target)
        except (PatternError, generation.TooMany) as wrong:
            error = str(wrong)
        except (generation.Changed, IntegrityError):
            error = "Something changed meanwhile; nothing is saved. Look at the codes again."
            preview = generation.preview_codes(products=products, pattern=pattern, connection=target)
        one = products.first() if ids and len(ids) == 1 else None
        axes, values = matrix.list_axes(one) if one else ([], {})
        these = one.name if one else "all products" if ids is None else f"{len(ids)} products"
        context = {
            "title": f"Generate codes: {these}",
            "product": one,
            "ids": _join(ids),
            "pattern": pattern or DEFAULT_PATTERN,
            "targets": targets,
            "target": target,
            "error": error,
            "preview": preview,
            "lines": _list_lines(preview) if preview else (),
            "most": MOST_SHOWN,
            "axes": [(axis, values[axis.pk]) for axis in axes],
            "changes": list_changes(one) if one else list_changes(None, "codes"),
            "may_change": True,
        }
        return self.show_page(request, "codes", context)

    def _save_codes(
        self,
        request: HttpRequest,
        products: QuerySet[Product],
        pattern: str,
        target: Connection | None,
        ids: Sequence[int] | None,
    ) -> HttpResponse:
        saved = generation.save_codes(
            merchant_id=request.merchant.pk,  # type: ignore[attr-defined]  # ours
            products=products,
            pattern=pattern,
            connection=target,
            token=request.POST["token"],
            by=get_person(request),
            at=timezone.now(),
        )
        follow = f"; {saved.bound} articles of shops are mapped by them" if saved.bound else ""
        messages.success(request, f"{saved.saved} codes are saved{follow}.")
        query = urlencode({"ids": _join(ids[:MOST_SHOWN])}) if ids else ""
        return HttpResponseRedirect(f"{reverse('admin:catalog_product_codes')}?{query}")

    def values_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """The codes of option values, which patterns use."""
        product = self.find_product(request, object_id, changing=True)
        if request.method == "POST":
            pairs = ((field.removeprefix("code-"), str(given)) for field, given in request.POST.items())
            codes = {int(pk): clean(text) for pk, text in pairs if pk.isdecimal() and len(pk) < 19}
            change = generation.save_value_codes(
                product=product, codes=codes, by=get_person(request), at=timezone.now()
            )
            messages.success(request, f"{change}." if change else "Nothing was changed.")
        return HttpResponseRedirect(f"{reverse('admin:catalog_product_codes')}?ids={product.pk}")


def _join(ids: Sequence[int] | None) -> str:
    """For the form; '' = all products, "none" where none of those named is one."""
    return "" if ids is None else ",".join(str(pk) for pk in ids) or "none"


def _list_lines(preview: generation.Preview) -> Iterable[tuple[str, Any]]:
    """What is wrong first, then what changes."""
    shown = [*preview.problems, *preview.changing][:MOST_SHOWN]
    return [(preview.labels[one.key], one) for one in shown]
