"""The grid of a product."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import BadRequest
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.shortcuts import render
from django.template.loader import render_to_string
from django.urls import path, reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.http import urlencode
from django.utils.translation import ngettext

from catalog.admin.axes import AxesPage
from catalog.admin.changes import get_person, list_changes
from catalog.admin.codes import CodesPage
from catalog.admin.mapping_page import choose_shops
from catalog.admin.matrix_rows import MOST_CELLS, cut, read_edits
from catalog.models import AxisValueMapping, Product
from catalog.services import cells, matrix
from integrations.models import Connection
from portal.base.admin import MAPPERS, OFFICE, may
from portal.base.strict_json import StrictJsonError

MARKS = {"bound": "●", "suggested": "◌", "conflict": "▲", "stale": "✕", "missing": "○"}
WORDS = {
    "bound": "mapped", "suggested": "suggested", "conflict": "needs a decision", "stale": "gone there",
    "missing": "missing",
}  # fmt: skip


class MatrixPages(AxesPage, CodesPage):
    """All the mapping pages of a product."""

    def get_urls(self) -> list[Any]:
        own = [
            path(f"{route}/", self.admin_site.admin_view(view), name=f"catalog_product_{name}")
            for route, name, view in (
                ("codes", "codes", self.codes_view),
                ("<path:object_id>/matrix", "matrix", self.matrix_view),
                ("<path:object_id>/axes", "axes", self.axes_view),
                ("<path:object_id>/values", "values", self.values_view),
            )
        ]
        return [*own, *super().get_urls()]

    def get_list_display(self, request: HttpRequest) -> Sequence[Any]:
        shown = super().get_list_display(request)
        return shown if may(request, OFFICE) else [one for one in shown if one != "grid"]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Sequence[Any]:
        fields = super().get_readonly_fields(request, obj)
        return fields if may(request, OFFICE) else [one for one in fields if one != "grid"]

    @admin.display(description="mapping")
    def grid(self, row: Product) -> str:
        return format_html(
            '<a class="text-primary-600" href="{}">Open the grid</a>',
            reverse("admin:catalog_product_matrix", args=(row.pk,)),
        )

    # the grid ------------------------------------------------------------------------------------------------------

    def matrix_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        product = self.find_product(request, object_id, changing=request.method == "POST")
        shops = matrix.list_shops(product.merchant_id)
        chosen = choose_shops(request.GET.get("shop", ""), shops)
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
            "changes": list_changes(product),
            **self._common(request, grid),
        }
        return self.show_page(request, "matrix", context)

    def _rows(self, request: HttpRequest, product: Product, chosen: Sequence[Connection]) -> HttpResponse:
        """The next rows of one table, as one scrolls."""
        grid = matrix.get_grid(product=product, shops=chosen)
        part, start = _number(request.GET.get("part")) or 0, _number(request.GET.get("from")) or 0
        parts = cut(grid, only=part, start=start, most=MOST_CELLS // 2)
        context = {"part": parts[0] if parts else None, **self._common(request, grid)}
        return render(request, "admin/catalog/matrix_rows.html", context)

    def _common(self, request: HttpRequest, grid: matrix.Grid) -> dict[str, Any]:
        """What the rows need as well as the page. `query`: shop and way back, for addresses of more rows."""
        shop = grid.connections[0].pk if len(grid.connections) == 1 else "all"
        counts = [(WORDS[state], grid.counts[state], MARKS[state]) for state in WORDS if grid.counts.get(state)]
        return {
            "may_change": may(request, MAPPERS),
            "many": len(grid.connections) != 1,
            "query": urlencode({"shop": shop, **({"list": place} if (place := request.GET.get("list")) else {})}),
            "marks": MARKS,
            "words": WORDS,
            "counts": counts,
        }

    def _save_cells(
        self, request: HttpRequest, product: Product, shops: Sequence[Connection], chosen: Sequence[Connection]
    ) -> HttpResponse:
        try:
            edits = read_edits(request.POST)
        except StrictJsonError as error:
            raise BadRequest(error.message) from error
        saved = cells.save_cells(product=product, edits=edits, by=get_person(request), at=timezone.now())
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
        context = {"changes": list_changes(product), **common}
        return JsonResponse(
            {
                "message": message,
                "refused": len(saved.refused),
                "cells": shown,
                "counts": render_to_string("admin/catalog/matrix_counts.html", {"grid": grid, **common}),
                "changes": render_to_string("admin/catalog/matrix_changes.html", context, request),
            }
        )


def _number(text: str | None) -> int | None:
    return int(text) if text and text.isdecimal() and len(text) < 10 else None


def _say_saved(saved: cells.SavedCells) -> str:
    parts = [ngettext("%d cell is saved", "%d cells are saved", len(saved.saved)) % len(saved.saved)]
    if saved.freed:
        parts.append(ngettext("%d record went on", "%d records went on", saved.freed) % saved.freed)
    if saved.refused:
        parts.append(ngettext("%d is not, see why", "%d are not, see why", len(saved.refused)) % len(saved.refused))
    return f"{'; '.join(parts)}."


def _list_axis_words(product: Product, chosen: Sequence[Connection]) -> list[AxisValueMapping]:
    """Our values and their words at the one shop chosen."""
    if len(chosen) != 1:
        return []
    rows = AxisValueMapping.objects.filter(connection=chosen[0], axis__product=product)
    return list(rows.select_related("axis", "value").order_by("axis__position", "value__position", "pk"))
