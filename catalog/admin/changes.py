"""What people decided and changed on the mapping pages, the latest first, each with its undo."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils import timezone
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from catalog.models import MappingChange, Product
from catalog.services import changes
from portal.base.admin import MAPPERS, OFFICE, MerchantAdmin, may
from portal.tenancy.models import User

CHANGES = "admin:catalog_binding_changes"
PAGE, MOST_KEPT_SHOWN, FEW = 50, 10, 5


class ChangesPages(MerchantAdmin):
    """The one place where recent changes are listed, and the one undo of all mapping pages."""

    def get_urls(self) -> list[Any]:
        view = self.admin_site.admin_view
        own = [
            path("changes/", view(self.changes_view), name="catalog_binding_changes"),
            path("changes/<int:change_id>/undo/", view(self.undo_view), name="catalog_binding_undo"),
        ]
        return [*own, *super().get_urls()]

    def changes_view(self, request: HttpRequest) -> HttpResponse:
        if getattr(request, "merchant", None) is None or not may(request, OFFICE):
            raise PermissionDenied
        rows = MappingChange.objects.all()
        after = request.GET.get("after", "")
        if after.isascii() and after.isdecimal() and len(after) < 19:
            rows = rows.filter(pk__lt=int(after))
        found = list(_brief(rows).order_by("-pk")[: PAGE + 1])
        context = {
            **self.admin_site.each_context(request),
            "title": _("Changes of the mapping"),
            "content_title": _("Changes of the mapping"),
            "changes": found[:PAGE],
            "next_url": f"?after={found[PAGE - 1].pk}" if len(found) > PAGE else "",
            "may_change": may(request, MAPPERS),
        }
        return TemplateResponse(request, "admin/catalog/changes.html", context)

    def undo_view(self, request: HttpRequest, change_id: int) -> HttpResponse:
        if not may(request, MAPPERS):
            raise PermissionDenied
        change = MappingChange.objects.filter(pk=change_id).first()
        if change is None:
            raise Http404
        if request.method == "POST":
            _undo(request, change)
        wanted = request.POST.get("next", "")
        hosts = {request.get_host()}
        safe = url_has_allowed_host_and_scheme(wanted, allowed_hosts=hosts, require_https=request.is_secure())
        return HttpResponseRedirect(wanted if safe else reverse(CHANGES))


def _undo(request: HttpRequest, change: MappingChange) -> None:
    try:
        undone = changes.undo(change_id=change.pk, by=get_person(request), at=timezone.now())
    except changes.NotPossible as error:
        messages.error(request, str(error))
        return
    words = ngettext("%d article is as it was.", "%d articles are as they were.", undone.restored) % undone.restored
    messages.success(request, _("Undone: %(change)s. %(words)s") % {"change": change, "words": words})
    for kept in undone.kept[:MOST_KEPT_SHOWN]:
        messages.warning(request, kept)
    if len(undone.kept) > MOST_KEPT_SHOWN:
        messages.warning(request, _("… and %d more.") % (len(undone.kept) - MOST_KEPT_SHOWN))


def get_person(request: HttpRequest) -> User | None:
    return request.user if isinstance(request.user, User) else None


def list_changes(product: Product | None, kind: str = "") -> Sequence[MappingChange]:
    """The latest of this product; without one those of no single product."""
    rows = _brief(MappingChange.objects.filter(product=product))
    return list((rows.filter(kind=kind) if kind else rows).order_by("-made_at", "-pk")[:FEW])


def last_change(request: HttpRequest) -> MappingChange | None:
    """What the person changed last, while it can be undone."""
    if not may(request, MAPPERS):
        return None
    found: MappingChange | None = _brief(MappingChange.objects.filter(by_id=request.user.pk)).order_by("-pk").first()
    return found if found is not None and found.undone_at is None else None


def _brief(rows: Any) -> Any:
    return rows.select_related("by", "undone_by", "product", "connection").defer("images")
