"""What can be sold now, where, and for how much: one page to look at for sales teams and resellers."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.translation import gettext as _

from catalog.services.items import Filters, Item, read_items, select_items
from catalog.services.reading import EVERYWHERE, Where
from integrations.models import Connection
from portal.base.admin import EVERYBODY, may, money
from portal.tenancy.models import Location
from portal.tenancy.scoping import current_scope

A_PAGE, LONGEST = 50, 100


def stock_view(request: HttpRequest) -> HttpResponse:
    """Whoever is limited to locations sees their stock, and the prices of the shops that sell from them."""
    if not may(request, EVERYBODY):
        raise PermissionDenied
    places, shops = list(_list_places()), list(_list_shops())
    asked = request.GET.get("q", "").replace("\x00", "").strip()[:LONGEST]
    location = next((one for one in places if one.code == request.GET.get("location", "")), None)
    shop = next((one for one in shops if str(one.pk) == request.GET.get("shop", "")), shops[0] if shops else None)
    items, after = _read(shop, asked, _where(location), request.GET.get("after", "")) if shop else ([], 0)
    context = {
        **admin.site.each_context(request),
        "title": _("Stock and prices"),
        "q": asked,
        "places": places,
        "location": location,
        "shops": shops,
        "shop": shop,
        "lines": [_line(one) for one in items],
        "after": after,
    }
    return TemplateResponse(request, "admin/reports/stock.html", context)


def _list_places() -> QuerySet[Location]:
    rows: QuerySet[Location] = Location.objects.filter(is_active=True).order_by("name")
    mine = _find_limits()
    return rows if mine is None else rows.filter(pk__in=mine)


def _list_shops() -> QuerySet[Connection]:
    """Whose prices may be seen."""
    rows: QuerySet[Connection] = Connection.objects.filter(role__in=Connection.SELLING_ROLES).order_by("name")
    mine = _find_limits()
    return rows if mine is None else rows.filter(location__in=mine)


def _where(location: Location | None) -> Where:
    mine = _find_limits()
    if location is not None:
        return Where(locations=(location.pk,))
    return EVERYWHERE if mine is None else Where(locations=tuple(sorted(mine)))


def _find_limits() -> frozenset[int] | None:
    """The locations the person sees; None: all."""
    current = current_scope()
    return current.location_ids if current is not None else None


def _read(shop: Connection, asked: str, where: Where, after: str) -> tuple[list[Item], int]:
    """A page of items, and behind which the next one begins (0: it is the last)."""
    rows = select_items(connection=shop, filters=Filters(q=asked))
    if after.isdecimal() and len(after) < 19:
        rows = rows.filter(pk__gt=int(after))
    found = list(rows.order_by("pk")[: A_PAGE + 1])
    more = found[A_PAGE - 1].pk if len(found) > A_PAGE else 0
    return read_items(connection=shop, variants=found[:A_PAGE], where=where, at=timezone.now()), more


def _line(item: Item) -> dict[str, Any]:
    row, stock, price = item.variant, item.stock, item.price
    return {
        "code": item.code,
        "name": row.name or row.product.name,
        "available": None if item.available is None else f"{item.available.normalize():f} {row.unit}".strip(),
        "is_out": item.available is not None and item.available <= 0,
        "places": [
            (one.name, f"{(one.on_hand - one.reserved).normalize():f}") for one in (stock.places if stock else ())
        ],
        "price": money(price.amount, price.currency) if price is not None else "",
        "includes_tax": price is not None and price.includes_tax,
    }
