"""The mapping pages of a product: its grid, its axis values, its codes, and the undo of each."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, cast

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db import IntegrityError
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.shortcuts import render
from django.template.loader import render_to_string
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.http import urlencode
from django.utils.translation import ngettext

from catalog.admin.matrix_rows import MOST_CELLS, cut, read_edits
from catalog.mapping.patterns import PatternError
from catalog.models import AxisValueMapping, MappingChange, MappingConflict, Product
from catalog.services import axis_values, cells, changes, generation, matrix
from integrations.models import Connection
from portal.base.admin import MAPPERS, OFFICE, MerchantAdmin, may
from portal.tenancy.models import User

DEFAULT_PATTERN = "{product.code}-{1|upper|3}-{2|upper|3}"
MOST_SHOWN = 200
MARKS = {"bound": "●", "suggested": "◌", "conflict": "▲", "stale": "✕", "missing": "○"}
WORDS = {
    "bound": "mapped", "suggested": "suggested", "conflict": "needs a decision", "stale": "gone there",
    "missing": "missing",
}  # fmt: skip


class MatrixPages(MerchantAdmin):
    """Mixed into the product's admin: Mapper and Owner change, the rest of the office reads."""

    def get_urls(self) -> list[Any]:
        own = [
            path(f"{route}/", self.admin_site.admin_view(view), name=f"catalog_product_{name}")
            for route, name, view in (
                ("codes", "codes", self.codes_view),
                ("<path:object_id>/matrix", "matrix", self.matrix_view),
                ("<path:object_id>/axes", "axes", self.axes_view),
                ("<path:object_id>/values", "values", self.values_view),
                ("changes/<int:change_id>/undo", "undo", self.undo_view),
            )
        ]
        return [*own, *super().get_urls()]

    @admin.display(description="mapping")
    def grid(self, row: Product) -> str:
        return format_html(
            '<a class="text-primary-600" href="{}">Open the grid</a>',
            reverse("admin:catalog_product_matrix", args=(row.pk,)),
        )

    def has_map_permission(self, request: HttpRequest) -> bool:
        return may(request, MAPPERS)

    @admin.action(description="Generate codes…", permissions=["map"])
    def make_codes(self, request: HttpRequest, rows: QuerySet[Product]) -> HttpResponse:
        return self._codes(request, list(rows.order_by().values_list("pk", flat=True)))

    # the grid ------------------------------------------------------------------------------------------------------

    def matrix_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        product = self._find(request, object_id, changing=request.method == "POST")
        shops = matrix.list_shops(product.merchant_id)
        chosen = _choose(request.GET.get("shop", ""), shops)
        if request.method == "POST":
            return self._save_cells(request, product, shops, chosen)
        if request.GET.get("rows"):
            return self._rows(request, product, chosen)
        return self._grid(request, product, shops, chosen)

    def _grid(
        self,
        request: HttpRequest,
        product: Product,
        shops: Sequence[Connection],
        chosen: Sequence[Connection],
        refused: Sequence[cells.Refused] = (),
    ) -> HttpResponse:
        grid = matrix.get_grid(product=product, shops=chosen)
        only, start = _number(request.GET.get("part")), _number(request.GET.get("from")) or 0
        parts = cut(grid, refused=refused, only=only, start=start)
        context = {
            "title": f"{product.name} · {' × '.join(str(len(grid.values[axis.pk])) for axis in grid.axes) or '1'}",
            "product": product,
            "object": product,
            "shops": shops,
            "shop": chosen[0] if len(chosen) == 1 else None,
            "grid": grid,
            "parts": parts,
            "whole": only is None,
            "refused": refused,
            "axis_words": _list_axis_words(product, chosen),
            "changes": _list_changes(product),
            **self._common(request, grid),
        }
        return self._page(request, "matrix", context)

    def _rows(self, request: HttpRequest, product: Product, chosen: Sequence[Connection]) -> HttpResponse:
        """The next rows of one table, as one scrolls."""
        grid = matrix.get_grid(product=product, shops=chosen)
        part, start = _number(request.GET.get("part")) or 0, _number(request.GET.get("from")) or 0
        parts = cut(grid, only=part, start=start, most=MOST_CELLS // 2)
        context = {"part": parts[0] if parts else None, **self._common(request, grid)}
        return render(request, "admin/catalog/matrix_rows.html", context)

    def _common(self, request: HttpRequest, grid: matrix.Grid) -> dict[str, Any]:
        """What the rows need as well as the page. `query`: the shop, for the addresses of more rows."""
        shop = grid.connections[0].pk if len(grid.connections) == 1 else "all"
        counts = [(WORDS[state], grid.counts[state], MARKS[state]) for state in WORDS if grid.counts.get(state)]
        return {
            "may_change": may(request, MAPPERS),
            "many": len(grid.connections) != 1,
            "query": urlencode({"shop": shop}),
            "marks": MARKS,
            "words": WORDS,
            "counts": counts,
        }

    def _save_cells(
        self, request: HttpRequest, product: Product, shops: Sequence[Connection], chosen: Sequence[Connection]
    ) -> HttpResponse:
        edits = read_edits(request.POST)
        saved = cells.save_cells(product=product, edits=edits, by=_person(request), at=timezone.now())
        message = _say_saved(saved)
        if "application/json" in request.headers.get("Accept", ""):
            return self._answer(request, product, chosen, edits, saved, message)
        (messages.warning if saved.refused else messages.success)(request, message)
        if saved.refused:
            return self._grid(request, product, shops, chosen, saved.refused)
        return HttpResponseRedirect(request.get_full_path())

    def _answer(
        self,
        request: HttpRequest,
        product: Product,
        chosen: Sequence[Connection],
        edits: Sequence[cells.Edit],
        saved: cells.SavedCells,
        message: str,
    ) -> JsonResponse:
        """The cells that were sent as they are now, for the page to put in place."""
        grid = matrix.get_grid(product=product, shops=chosen)
        common = self._common(request, grid)
        keys = {f"{edit.variant_id}-{edit.connection_id}" for edit in edits}
        shown = {
            one.cell.key: render_to_string("admin/catalog/matrix_cell.html", {"one": one, **common})
            for part in cut(grid, refused=saved.refused, most=None)
            for row in part.rows
            for one in row.cells
            if one.cell.key in keys
        }
        context = {"changes": _list_changes(product), **common}
        return JsonResponse(
            {
                "message": message,
                "refused": len(saved.refused),
                "cells": shown,
                "counts": render_to_string("admin/catalog/matrix_counts.html", {"grid": grid, **common}),
                "changes": render_to_string("admin/catalog/matrix_changes.html", context, request),
            }
        )

    # axis values ---------------------------------------------------------------------------------------------------

    def axes_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        product = self._find(request, object_id, changing=request.method == "POST")
        shops = matrix.list_shops(product.merchant_id)
        chosen = _choose(request.GET.get("shop", ""), shops)
        if len(chosen) != 1:
            chosen = shops[:1]
        if not chosen:
            messages.warning(request, "There is no shop yet whose articles could be mapped.")
            return HttpResponseRedirect(reverse("admin:catalog_product_matrix", args=(product.pk,)))
        shop, said = chosen[0], request.GET.get("q", "").strip()
        found = axis_values.find_remote_products(product=product, connection=shop, text=said)
        there = request.GET.get("there", "") or (found[0].external_id if found else "")
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
            "view": axis_values.get_axes(product=product, connection=shop, parent=there) if there else None,
            "conflicts": conflicts.order_by("type", "pk")[:MOST_SHOWN],
            "changes": _list_changes(product),
            "may_change": may(request, MAPPERS),
        }
        return self._page(request, "axes", context)

    def _save_axes(self, request: HttpRequest, product: Product, shop: Connection, there: str) -> None:
        words = {}
        for field, given in request.POST.items():
            key = field.removeprefix("value-")
            axis, tab, word = str(given).partition("\t")
            if field.startswith("value-") and key.isdecimal() and tab:
                words[int(key)] = (axis, word)
        try:
            followed = axis_values.save_axes(
                product=product, connection=shop, parent=there, words=words, by=_person(request), at=timezone.now()
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

    # codes ---------------------------------------------------------------------------------------------------------

    def codes_view(self, request: HttpRequest) -> HttpResponse:
        """Codes for the products chosen (`ids`), or for all."""
        given = request.POST.get("ids", "") if request.method == "POST" else request.GET.get("ids", "")
        return self._codes(request, [int(one) for one in given.split(",") if one.isdecimal()])

    def _codes(self, request: HttpRequest, ids: Sequence[int]) -> HttpResponse:
        if not may(request, MAPPERS):
            raise PermissionDenied
        products = self.get_queryset(request)
        products = products.filter(pk__in=ids) if ids else products
        given = request.POST if "pattern" in request.POST else request.GET
        pattern = given.get("pattern", "").strip()
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
        one = products.first() if len(ids) == 1 else None
        axes, values = matrix.list_axes(one) if one else ([], {})
        context = {
            "title": f"Generate codes: {one.name if one else f'{len(ids)} products' if ids else 'all products'}",
            "product": one,
            "ids": ",".join(str(pk) for pk in ids),
            "pattern": pattern or DEFAULT_PATTERN,
            "targets": targets,
            "target": target,
            "error": error,
            "preview": preview,
            "lines": _list_lines(preview) if preview else (),
            "most": MOST_SHOWN,
            "axes": [(axis, values[axis.pk]) for axis in axes],
            "changes": _list_changes(one) if one else _list_code_changes(),
            "may_change": True,
        }
        return self._page(request, "codes", context)

    def _save_codes(
        self,
        request: HttpRequest,
        products: QuerySet[Product],
        pattern: str,
        target: Connection | None,
        ids: Sequence[int],
    ) -> HttpResponse:
        saved = generation.save_codes(
            merchant_id=request.merchant.pk,  # type: ignore[attr-defined]  # ours
            products=products,
            pattern=pattern,
            connection=target,
            token=request.POST["token"],
            by=_person(request),
            at=timezone.now(),
        )
        follow = f"; {saved.bound} articles of shops are mapped by them" if saved.bound else ""
        messages.success(request, f"{saved.saved} codes are saved{follow}.")
        query = urlencode({"ids": ",".join(str(pk) for pk in ids[:MOST_SHOWN])}) if ids else ""
        return HttpResponseRedirect(f"{reverse('admin:catalog_product_codes')}?{query}")

    def values_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """The codes of option values, which patterns use."""
        product = self._find(request, object_id, changing=True)
        if request.method == "POST":
            pairs = ((field.removeprefix("code-"), str(given)) for field, given in request.POST.items())
            codes = {int(pk): text for pk, text in pairs if pk.isdecimal()}
            change = generation.save_value_codes(product=product, codes=codes, by=_person(request), at=timezone.now())
            messages.success(request, f"{change}." if change else "Nothing was changed.")
        return HttpResponseRedirect(f"{reverse('admin:catalog_product_codes')}?ids={product.pk}")

    # undo ----------------------------------------------------------------------------------------------------------

    def undo_view(self, request: HttpRequest, change_id: int) -> HttpResponse:
        if not may(request, MAPPERS):
            raise PermissionDenied
        change = MappingChange.objects.filter(pk=change_id).first()
        if change is None:
            raise Http404
        if request.method == "POST":
            try:
                undone = changes.undo(change_id=change.pk, by=_person(request), at=timezone.now())
                messages.success(request, f"Undone: {change}. {undone.restored} articles are as they were.")
                for words in undone.kept[:10]:
                    messages.warning(request, words)
            except changes.NotPossible as error:
                messages.error(request, str(error))
        back = request.POST.get("back", "")
        home = reverse("admin:catalog_product_changelist")
        return HttpResponseRedirect(back if back.startswith(home) else home)

    # helpers -------------------------------------------------------------------------------------------------------

    def _find(self, request: HttpRequest, object_id: str, *, changing: bool = False) -> Product:
        if not may(request, MAPPERS if changing else OFFICE):
            raise PermissionDenied
        row = self.get_object(request, object_id)
        if row is None:
            raise Http404
        return cast("Product", row)

    def _page(self, request: HttpRequest, name: str, context: dict[str, Any]) -> HttpResponse:
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "here": request.get_full_path(),
            **context,
        }
        return TemplateResponse(request, f"admin/catalog/{name}.html", context)


def _choose(given: str, shops: Sequence[Connection]) -> list[Connection]:
    """The shop the address names; "all" of them; else the first."""
    if given == "all":
        return list(shops)
    return [shop for shop in shops if str(shop.pk) == given] or list(shops[:1])


def _number(text: str | None) -> int | None:
    return int(text) if text and text.isdecimal() and len(text) < 10 else None


def _person(request: HttpRequest) -> User | None:
    return request.user if isinstance(request.user, User) else None


def _say_saved(saved: cells.SavedCells) -> str:
    parts = [ngettext("%d cell is saved", "%d cells are saved", len(saved.saved)) % len(saved.saved)]
    if saved.freed:
        parts.append(ngettext("%d record went on", "%d records went on", saved.freed) % saved.freed)
    if saved.refused:
        parts.append(ngettext("%d is not, see why", "%d are not, see why", len(saved.refused)) % len(saved.refused))
    return f"{'; '.join(parts)}."


def _list_changes(product: Product) -> QuerySet[MappingChange]:
    rows: QuerySet[MappingChange] = MappingChange.objects.filter(product=product)
    return rows.select_related("by", "undone_by").defer("images").order_by("-made_at", "-pk")[:5]


def _list_code_changes() -> QuerySet[MappingChange]:
    rows: QuerySet[MappingChange] = MappingChange.objects.filter(kind="codes", product__isnull=True)
    return rows.select_related("by", "undone_by").defer("images").order_by("-made_at", "-pk")[:5]


def _list_axis_words(product: Product, chosen: Sequence[Connection]) -> list[AxisValueMapping]:
    """Our values and their words at the one shop chosen."""
    if len(chosen) != 1:
        return []
    rows = AxisValueMapping.objects.filter(connection=chosen[0], axis__product=product)
    return list(rows.select_related("axis", "value").order_by("axis__position", "value__position", "pk"))


def _list_lines(preview: generation.Preview) -> Iterable[tuple[str, Any]]:
    """What is wrong first, then what changes."""
    shown = [*preview.problems, *preview.changing][:MOST_SHOWN]
    return [(preview.labels[one.key], one) for one in shown]
