"""The admin as a whole: Today in front, the merchant picked on top."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils.translation import gettext as _
from unfold.forms import AuthenticationForm
from unfold.sites import UnfoldAdminSite

from portal.base.admin import OFFICE, may
from portal.reports.orders import orders_view
from portal.reports.stock import stock_view
from portal.search import search
from portal.tenancy.middleware import MERCHANT_KEY
from portal.tenancy.models import Membership, Merchant


class LoginForm(AuthenticationForm):
    """Lets in every active person: what he may see comes from his memberships, not from a flag."""

    def confirm_login_allowed(self, user: Any) -> None:
        if not user.is_active or not (user.is_superuser or Membership.plain.filter(user=user).exists()):
            raise self.get_invalid_login_error()


class PortalAdminSite(UnfoldAdminSite):
    """Whoever belongs to a merchant may come in; what he sees is decided page by page."""

    login_form = LoginForm
    index_template = "admin/today.html"

    def has_permission(self, request: HttpRequest) -> bool:
        if not request.user.is_active or not request.user.is_authenticated:
            return False
        return bool(request.user.is_superuser or getattr(request, "membership", None) is not None)

    def get_urls(self) -> list[Any]:
        switch = path("merchant/", self.admin_view(self.merchant_view), name="merchant")
        accounts = path("reports/orders/", self.admin_view(orders_view), name="reports_orders")
        stock = path("reports/stock/", self.admin_view(stock_view), name="reports_stock")
        return [switch, accounts, stock, *super().get_urls()]

    def index(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        """Today for those who run the merchant (portal.dashboard fills it), a greeting for the others."""
        if not may(request, OFFICE):
            context = {**self.each_context(request), "title": "Welcome", **(extra_context or {})}
            return TemplateResponse(request, "admin/welcome.html", context)
        page: HttpResponse = super().index(request, {"title": "Today", **(extra_context or {})})
        return page

    def search(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        """What portal.search finds: a list for the dialog that "/" opens, else a page. Nothing is kept: unfold's own
        search would remember one merchant's rows for the same person's next."""
        term = request.GET.get("s", "").strip()
        context = {"term": term, "hits": search(request, term)}
        if request.headers.get("HX-Request"):
            return TemplateResponse(request, "admin/search/results.html", context)
        whole = {**self.each_context(request), "title": _("Search"), **context}
        return TemplateResponse(request, "admin/search/page.html", whole)

    def merchant_view(self, request: HttpRequest) -> HttpResponse:
        """Work for another merchant from now on; only for one the person belongs to."""
        wanted = request.POST.get("merchant", "")
        if request.method == "POST" and wanted.isdecimal() and list_merchants(request).filter(pk=int(wanted)).exists():
            request.session[MERCHANT_KEY] = int(wanted)
        elif request.method == "POST":
            messages.error(request, "You do not belong to that merchant.")
        return HttpResponseRedirect(reverse("admin:index"))

    def each_context(self, request: HttpRequest) -> dict[str, Any]:
        context: dict[str, Any] = super().each_context(request)
        if request.user.is_authenticated:
            context["merchants"] = list(list_merchants(request)[:50])
            context["merchant"] = getattr(request, "merchant", None)
        return context


def list_merchants(request: HttpRequest) -> Any:
    """Those the person works for; all of them for an operator."""
    rows = Merchant.objects.filter(is_active=True).order_by("name")
    if request.user.is_superuser:
        return rows
    mine = Membership.plain.filter(user_id=request.user.pk or 0).values("merchant_id")
    return rows.filter(pk__in=mine)
