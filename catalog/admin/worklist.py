"""The mapping worklist: products by the money that waits, and accepting suggestions all at once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import NoReverseMatch, path, reverse
from django.utils import timezone
from django.utils.http import url_has_allowed_host_and_scheme, urlencode
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from catalog.models import MappingDecision
from catalog.services import accepting, decisions, worklist
from catalog.services.decisions import Decided
from integrations.models import Connection
from integrations.sync.waiting import say_gone_on
from portal.base.admin import MAPPERS, OFFICE, MerchantAdmin, is_limited, may

WORKLIST = "admin:catalog_binding_worklist"
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
            ("worklist/undo/<int:decision_id>/", self.undo_view, "undo"),
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
        context = {
            "title": _("Mapping worklist"),
            "shops": shops,
            "columns": chosen,
            "rows": [_show(row, chosen) for row in page.rows],
            "filters": [(words, f"?{urlencode({**kept, 'show': key})}", key == show) for key, words in SHOWN.items()],
            "show": show,
            "query": query,
            "shop": wanted,
            "next_url": f"?{urlencode({**kept, 'show': show, 'after': page.next})}" if page.next else "",
            "may_change": may(request, MAPPERS),
            "least": USUAL_LEAST,
            "last": last_decision(request),
        }
        return render_page(self, request, "worklist", context)

    def next_view(self, request: HttpRequest) -> HttpResponse:
        """On to the next product that is not finished (the key n)."""
        merchant_id = enter(request)
        shops = worklist.list_shops(merchant_id=merchant_id)
        after = read_int(request.GET.get("after", ""))
        found = worklist.find_next(merchant_id=merchant_id, shops=shops, after=after)
        if found is None:
            messages.success(request, _("Every product is mapped in every shop."))
            return HttpResponseRedirect(reverse(WORKLIST))
        return HttpResponseRedirect(product_url(found))

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

    def undo_view(self, request: HttpRequest, decision_id: int) -> HttpResponse:
        merchant_id = enter(request, changing=True)
        if request.method == "POST":
            done = decisions.undo(merchant_id=merchant_id, decision_id=decision_id, at=timezone.now())
            tell(request, done, ngettext("%d article is as it was.", "%d articles are as they were.", done.count))
        return HttpResponseRedirect(_back(request))


def _show(row: worklist.Row, shops: Sequence[Connection]) -> tuple[worklist.Row, str, list[Any]]:
    """A row, the address of its product, and its cells with their shops."""
    return row, product_url(row.product.pk), list(zip(shops, row.cells, strict=True))


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


def last_decision(request: HttpRequest) -> MappingDecision | None:
    """What the person decided last, while it can be undone."""
    if not may(request, MAPPERS):
        return None
    found: MappingDecision | None = MappingDecision.objects.filter(by_id=request.user.pk).order_by("-pk").first()
    return found if found is not None and found.undone_at is None else None


def product_url(pk: int) -> str:
    """Its grid of codes, or its own page where there is none."""
    try:
        return reverse("admin:catalog_product_matrix", args=(pk,))
    except NoReverseMatch:
        return reverse("admin:catalog_product_change", args=(pk,))


def enter(request: HttpRequest, *, changing: bool = False) -> int:
    """The merchant whose pages these are; PermissionDenied for whom they are not."""
    merchant = getattr(request, "merchant", None)
    if merchant is None or not may(request, MAPPERS if changing else OFFICE):
        raise PermissionDenied
    pk: int = merchant.pk
    return pk


def _back(request: HttpRequest) -> str:
    wanted = request.POST.get("next", "")
    safe = url_has_allowed_host_and_scheme(
        wanted, allowed_hosts={request.get_host()}, require_https=request.is_secure()
    )
    return wanted if safe else reverse(WORKLIST)


def read_int(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 19 else None


def render_page(page: MerchantAdmin, request: HttpRequest, name: str, context: dict[str, Any]) -> HttpResponse:
    context = {**page.admin_site.each_context(request), "content_title": context["title"], **context}
    return TemplateResponse(request, f"admin/catalog/{name}.html", context)
