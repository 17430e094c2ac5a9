"""The mapping worklist: products by the money that waits, and accepting suggestions all at once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, QueryDict
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils import timezone
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from catalog.admin.changes import last_change
from catalog.services import accepting, worklist
from catalog.services.decisions import Decided
from integrations.models import Connection
from integrations.sync.waiting import say_gone_on
from portal.base.admin import MAPPERS, OFFICE, MerchantAdmin, is_limited, may

WORKLIST = "admin:catalog_binding_worklist"
PLACE = ("show", "shop", "q", "after")  # what of its address tells where in the worklist one is
USUAL_LEAST = 95
MOST_REFUSED_SHOWN = 5
SHOWN = {
    "": gettext_lazy("All"), worklist.MISSING: gettext_lazy("Missing"), worklist.SUGGESTED: gettext_lazy("Suggested"),
    worklist.CONFLICT: gettext_lazy("Needs a decision"), worklist.BOUND: gettext_lazy("All mapped"),
}  # fmt: skip


class WorklistPages(MerchantAdmin):
    """The pages of the worklist, beside the list of all articles."""

    def get_urls(self) -> list[Any]:
        pages = [
            ("worklist/", self.worklist_view, "worklist"),
            ("worklist/next/", self.next_view, "next"),
            ("worklist/accept/", self.accept_view, "accept"),
        ]
        own = [
            path(route, self.admin_site.admin_view(view), name=f"catalog_binding_{name}") for route, view, name in pages
        ]
        return [*own, *super().get_urls()]

    def worklist_view(self, request: HttpRequest) -> HttpResponse:
        merchant_id = enter(request)
        shops = worklist.list_shops(merchant_id=merchant_id)
        wanted = read_int(request.GET.get("shop", ""))
        chosen = [shop for shop in shops if shop.pk == wanted] or shops
        show = request.GET.get("show", "")
        query = request.GET.get("q", "")
        page = worklist.list_work(
            merchant_id=merchant_id,
            shops=chosen,
            show=show,
            query=query,
            after=request.GET.get("after", ""),
            with_money=not is_limited(),
        )
        kept = {"shop": wanted or "", "q": query}
        place = urlencode({name: request.GET[name] for name in PLACE if request.GET.get(name)})
        context = {
            "title": _("Mapping worklist"),
            "shops": shops,
            "columns": chosen,
            "rows": [_show(row, chosen, place) for row in page.rows],
            "place": place,
            "filters": [(words, f"?{urlencode({**kept, 'show': key})}", key == show) for key, words in SHOWN.items()],
            "show": show,
            "query": query,
            "shop": wanted,
            "next_url": f"?{urlencode({**kept, 'show': show, 'after': page.next})}" if page.next else "",
            "may_change": may(request, MAPPERS),
            "least": USUAL_LEAST,
            "last": last_change(request),
        }
        return render_page(self, request, "worklist", context)

    def next_view(self, request: HttpRequest) -> HttpResponse:
        """On to the next product that is not finished (the key n)."""
        merchant_id = enter(request)
        shops = worklist.list_shops(merchant_id=merchant_id)
        place = request.GET.get("list", "")
        wanted = read_int(QueryDict(place).get("shop", ""))
        shops = [shop for shop in shops if shop.pk == wanted] or shops
        after = read_int(request.GET.get("after", ""))
        found = worklist.find_next(merchant_id=merchant_id, shops=shops, after=after)
        if found is None:
            messages.success(request, _("Every product is mapped in every shop."))
            return HttpResponseRedirect(reverse(WORKLIST))
        return HttpResponseRedirect(product_url(found, place))

    def accept_view(self, request: HttpRequest) -> HttpResponse:
        """First how many, and what would go on; then all of them."""
        merchant_id = enter(request, changing=True)
        given = request.POST if request.method == "POST" else request.GET
        least = min(100, max(1, read_int(given.get("least", "")) or USUAL_LEAST))
        shop = Connection.objects.filter(pk=read_int(given.get("shop", "")) or 0).first()
        shop_id = shop.pk if shop is not None else None
        if request.method == "POST":
            done = accepting.accept_suggestions(
                merchant_id=merchant_id,
                least=least,
                connection_id=shop_id,
                by=request.user,  # type: ignore[arg-type]  # logged in
                at=timezone.now(),
            )
            tell(request, done, ngettext("%d suggestion is accepted.", "%d suggestions are accepted.", done.count))
            return HttpResponseRedirect(reverse(WORKLIST))
        plan = accepting.plan_accepting(merchant_id=merchant_id, least=least, connection_id=shop_id)
        context = {"title": _("Accept suggestions"), "plan": plan, "least": least, "shop": shop}
        context["waiting"] = None if is_limited() else plan.waiting
        return render_page(self, request, "accept", context)


def _show(row: worklist.Row, shops: Sequence[Connection], place: str) -> tuple[worklist.Row, str, list[Any]]:
    """A row, the address of its product, and its cells with their shops."""
    return row, product_url(row.product.pk, place), list(zip(shops, row.cells, strict=True))


def tell(request: HttpRequest, done: Decided, words: str) -> None:
    """What was done (`words` with the number in it), what went on because of it, and what was refused. Who sees some
    locations only is told nothing of the others' orders."""
    if done.count:
        went = "" if is_limited() else say_gone_on(done.waited, done.gone_on)
        messages.success(request, f"{words % done.count} {went}".strip())
    for one in done.refused[:MOST_REFUSED_SHOWN]:
        messages.warning(request, one)
    if len(done.refused) > MOST_REFUSED_SHOWN:
        messages.warning(request, _("… and %d more.") % (len(done.refused) - MOST_REFUSED_SHOWN))


def product_url(pk: int, place: str) -> str:
    """Its grid, at the shop the worklist shows; `place`: the worklist's query, so that one comes back to it."""
    shop = QueryDict(place).get("shop", "") or "all"
    return reverse("admin:catalog_product_matrix", args=(pk,), query={"shop": shop, "list": place})


def worklist_url(place: str, pk: int) -> str:
    """Back to the row of the product one came from."""
    query = QueryDict(place)
    kept = {name: query[name] for name in PLACE if query.get(name)}
    return f"{reverse(WORKLIST, query=kept)}#p{pk}"


def next_url(place: str, pk: int) -> str:
    """On from this product to the next unfinished one of the same worklist."""
    return reverse("admin:catalog_binding_next", query={"after": pk, "list": place})


def enter(request: HttpRequest, *, changing: bool = False) -> int:
    """The merchant whose pages these are; PermissionDenied for whom they are not."""
    merchant = getattr(request, "merchant", None)
    if merchant is None or not may(request, MAPPERS if changing else OFFICE):
        raise PermissionDenied
    pk: int = merchant.pk
    return pk


def read_int(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 19 else None


def render_page(page: MerchantAdmin, request: HttpRequest, name: str, context: dict[str, Any]) -> HttpResponse:
    context = {**page.admin_site.each_context(request), "content_title": context["title"], **context}
    return TemplateResponse(request, f"admin/catalog/{name}.html", context)
