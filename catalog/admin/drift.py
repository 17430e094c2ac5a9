"""What the shops show against what they should: how many differ, which, since when, and sending them again."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import Max
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from catalog.admin.plan import may_send, to_number
from catalog.models import Figures, ShopFigure
from catalog.services import drift
from integrations.models import Connection
from portal.base.admin import ReadOnlyAdmin, is_limited
from portal.base.money import describe_money

A_PAGE = 100
SHOPS = (Connection.Role.STORE, Connection.Role.CHANNEL)


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    binding: Any
    shown: str
    sent: str
    wanted: str
    since: datetime


@admin.register(ShopFigure)
class ShopFigureAdmin(ReadOnlyAdmin):
    """Its list is the comparison: a row a shop and kind of figure."""

    def get_urls(self) -> list[Any]:
        own = [
            path(
                f"<int:connection_id>/<str:stream>/{address}",
                self.admin_site.admin_view(view),
                name=f"catalog_shopfigure_{name}",
            )
            for name, address, view in (
                ("compare", "", self.compare_view),
                ("again", "again/", self.again_view),
                ("read", "read/", self.read_view),
            )
        ]
        return [*own, *super().get_urls()]

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        if not self.has_view_permission(request):
            raise PermissionDenied
        shops = Connection.objects.filter(role__in=SHOPS).order_by("name")
        read = self._last_read()
        rows = [
            {
                "shop": shop,
                "stream": stream,
                "label": Figures(stream).label,
                "found": drift.compare(connection=shop, stream=stream),
                "read_at": read.get((shop.pk, stream)),
            }
            for shop in ([] if is_limited() else shops)
            for stream in Figures.values
        ]
        return self._page(request, "overview", {"title": _("Compare with the shops"), "rows": rows})

    def _last_read(self) -> dict[tuple[int, str], datetime]:
        found = ShopFigure.objects.order_by().values_list("connection_id", "stream").annotate(last=Max("read_at"))
        return {(pk, stream): last for pk, stream, last in found}

    def compare_view(self, request: HttpRequest, connection_id: int, stream: str) -> HttpResponse:
        shop = self._find(request, connection_id, stream)
        found = drift.compare(connection=shop, stream=stream)
        rows = drift.list_differing(connection=shop, stream=stream).select_related("binding").order_by("pk")
        page = list(rows.filter(pk__gt=to_number(request.GET.get("after")))[: A_PAGE + 1])
        context = {
            "title": f"{shop}: {Figures(stream).label}",
            "shop": shop,
            "stream": stream,
            "found": found,
            "read_at": self._last_read().get((shop.pk, stream)),
            "rows": [_describe(row, stream) for row in page[:A_PAGE]],
            "next": page[A_PAGE - 1].pk if len(page) > A_PAGE else None,
            "may_send": may_send(request),
        }
        return self._page(request, "compare", context)

    def again_view(self, request: HttpRequest, connection_id: int, stream: str) -> HttpResponse:
        shop = self._find(request, connection_id, stream, sending=True)
        if request.method == "POST":
            chosen = [to_number(pk) for pk in request.POST.getlist("binding")]
            everything = request.POST.get("which") == "all"
            if not chosen and not everything:
                messages.warning(request, _("Tick the articles to send again first."))
                return self._back(shop, stream)
            count = drift.send_again(
                connection=shop, stream=stream, binding_ids=None if everything else chosen, at=timezone.now()
            )
            words = _("%(count)s of %(shop)s go again with the push that starts now, under the brake; then read anew.")
            messages.success(request, words % {"count": f"{count:,}", "shop": shop})
        return self._back(shop, stream)

    def read_view(self, request: HttpRequest, connection_id: int, stream: str) -> HttpResponse:
        shop = self._find(request, connection_id, stream, sending=True)
        if request.method == "POST":
            try:
                drift.read_now(connection=shop, stream=stream, at=timezone.now())
                messages.success(request, _("%s is read from the beginning; see Runs.") % shop)
            except drift.CannotRead as error:
                messages.error(request, str(error))
        return self._back(shop, stream)

    def _find(self, request: HttpRequest, connection_id: int, stream: str, *, sending: bool = False) -> Connection:
        allowed = may_send(request) if sending else self.has_view_permission(request) and not is_limited()
        if not allowed:
            raise PermissionDenied
        row = Connection.objects.filter(pk=connection_id, role__in=SHOPS).first()
        if row is None or stream not in Figures.values:
            raise Http404
        found: Connection = row
        return found

    def _back(self, shop: Connection, stream: str) -> HttpResponse:
        return HttpResponseRedirect(reverse("admin:catalog_shopfigure_compare", args=(shop.pk, stream)))

    def _page(self, request: HttpRequest, name: str, context: dict[str, Any]) -> HttpResponse:
        context = {**self.admin_site.each_context(request), "opts": self.opts, **context}
        return TemplateResponse(request, f"admin/catalog/drift/{name}.html", context)


def _describe(row: Any, stream: str) -> Row:
    def show(figure: Any, currency: str) -> str:
        if figure is None:
            return _("nothing, or nobody knows")
        return describe_money(figure, currency) if stream == Figures.PRICE else f"{figure.normalize():f}"

    return Row(
        binding=row.binding,
        shown=show(row.shown, row.shown_currency),
        sent=show(row.sent, row.our_currency),
        wanted=show(row.target, row.our_currency),
        since=row.since,
    )
