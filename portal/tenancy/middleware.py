"""Puts each request into the scope of the merchant its user works for."""

from __future__ import annotations

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase

from portal.tenancy.models import Membership, Merchant
from portal.tenancy.scoping import scope

MERCHANT_KEY = "merchant_id"


class ScopeMiddleware:
    """The membership is read each time, so that taking it away works at once."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        request.merchant = None  # type: ignore[attr-defined]  # ours
        request.membership = None  # type: ignore[attr-defined]  # ours
        if not request.user.is_authenticated:
            return self.get_response(request)
        merchant, membership = _choose(request)
        if merchant is None:
            return self.get_response(request)
        request.merchant, request.membership = merchant, membership  # type: ignore[attr-defined]  # ours
        seen = frozenset(membership.locations.values_list("pk", flat=True)) if membership else frozenset[int]()
        with scope(merchant.pk, seen or None):
            response = self.get_response(request)
            # A page must be rendered inside the scope its rows belong to.
            render = getattr(response, "render", None)
            if isinstance(response, HttpResponse) and render and not getattr(response, "is_rendered", True):
                response = render()
        return response


def _choose(request: HttpRequest) -> tuple[Merchant | None, Membership | None]:
    """The merchant picked on top of the page, else the first; operators may pick any."""
    wanted: int = request.session.get(MERCHANT_KEY) or 0
    memberships = (
        Membership.plain.filter(user_id=request.user.pk or 0, merchant__is_active=True)
        .select_related("merchant")
        .order_by("merchant_id")
    )
    found = memberships.filter(merchant_id=wanted).first() or memberships.first()
    if not request.user.is_superuser:
        return (found.merchant, found) if found else (None, None)
    merchants = Merchant.objects.filter(is_active=True).order_by("pk")
    merchant = merchants.filter(pk=wanted).first() or (found.merchant if found else merchants.first())
    return merchant, found if merchant and found and found.merchant_id == merchant.pk else None
