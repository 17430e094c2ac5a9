"""What an app needs when it begins: the first page of each part of the catalogue, and where to go on."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from django.db.models import QuerySet
from django.http import Http404
from django.urls import reverse
from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from catalog.api.asking import PLACE_NAMES, PLACES, read_where
from catalog.api.describing import ItemAnswer, describe_item
from catalog.api.items import ERRORS, list_places
from catalog.models import PriceList, PriceRule
from catalog.services.items import OVERLAP, Filters, list_categories, read_items, select_items
from catalog.services.reading import Where
from integrations.api.door import ConnectedView
from integrations.models import ValueMapping
from portal.base import paging
from portal.base.answers import Answer, build
from portal.tenancy.models import Location, LocationGroup, LocationGroupMember

Kind = ValueMapping.Kind


class LocationAnswer(Answer, frozen=True, kw_only=True):
    code: str
    name: str


class GroupAnswer(Answer, frozen=True, kw_only=True):
    """Locations in the order in which they stand in for each other."""

    name: str
    locations: list[str]


class PriceListAnswer(Answer, frozen=True, kw_only=True):
    """A list the connection's prices are made of."""

    code: str
    name: str
    currency: str
    includes_tax: bool


class ValueAnswer(Answer, frozen=True, kw_only=True):
    """A word of the connection's own, as it sends it with an order."""

    code: str
    name: str


class CategoryAnswer(Answer, frozen=True, kw_only=True):
    name: str


class MerchantAnswer(Answer, frozen=True, kw_only=True):
    name: str
    currency: str
    country: str
    time_zone: str


class ItemPart(Answer, frozen=True, kw_only=True):
    """`next` is the address of the page that follows, null on the last one."""

    results: list[ItemAnswer]
    next: str | None


class CategoryPart(Answer, frozen=True, kw_only=True):
    results: list[CategoryAnswer]
    next: str | None


class LocationPart(Answer, frozen=True, kw_only=True):
    results: list[LocationAnswer]
    next: str | None


class GroupPart(Answer, frozen=True, kw_only=True):
    results: list[GroupAnswer]
    next: str | None


class PriceListPart(Answer, frozen=True, kw_only=True):
    results: list[PriceListAnswer]
    next: str | None


class ValuePart(Answer, frozen=True, kw_only=True):
    results: list[ValueAnswer]
    next: str | None


class Bootstrap(Answer, frozen=True, kw_only=True):
    """`as_of`: ask /items for `changed_since` this later on."""

    as_of: datetime
    merchant: MerchantAnswer
    items: ItemPart
    categories: CategoryPart
    locations: LocationPart
    location_groups: GroupPart
    price_lists: PriceListPart
    payment_types: ValuePart
    shipping_methods: ValuePart


class AnyPart(Answer, frozen=True, kw_only=True):
    """A page of one part, in the same shape as in /bootstrap."""

    results: list[dict[str, Any]]
    next: str | None


PART_SHAPES: dict[str, Callable[..., Answer]] = {
    "categories": CategoryPart,
    "locations": LocationPart,
    "location_groups": GroupPart,
    "price_lists": PriceListPart,
    "payment_types": ValuePart,
    "shipping_methods": ValuePart,
}


class BootstrapView(ConnectedView):
    """Everything an app begins with."""

    key_scope = "items:read"
    query_parameters = PLACE_NAMES | {"page_size"}

    @extend_schema(
        operation_id="get_bootstrap",
        parameters=[*PLACES, paging.PARAMETERS[0]],
        responses={200: Bootstrap, **ERRORS},
    )
    def get(self, request: Request) -> Response:
        """The first page of each part; go on at each part's own `next`."""
        at, where = timezone.now(), read_where(request, self.location_ids)
        merchant = self.connection.merchant
        answer = Bootstrap(
            as_of=(at - OVERLAP).replace(second=0, microsecond=0),
            merchant=MerchantAnswer(
                name=merchant.name, currency=merchant.currency, country=merchant.country, time_zone=merchant.time_zone
            ),
            items=self._read_items(request, where, at),
            **{name: read_part(self, request, name) for name in PARTS},
        )
        return Response(build(answer))

    def _read_items(self, request: Request, where: Where, at: datetime) -> ItemPart:
        rows = select_items(connection=self.connection, filters=Filters())
        page = paging.read_page(request, rows, order=("pk",))
        places = list_places()
        found = read_items(connection=self.connection, variants=page.rows, where=where, at=at)
        given = request.query_params.copy()
        given["cursor"] = page.next
        address = f"{reverse('items')}?{given.urlencode()}" if page.next else None
        return ItemPart(results=[describe_item(one, places) for one in found], next=address)


class BootstrapPartView(ConnectedView):
    """One part of it, page by page."""

    key_scope = "items:read"
    query_parameters = paging.NAMES

    @extend_schema(
        operation_id="get_bootstrap_part",
        parameters=[
            OpenApiParameter("part", str, OpenApiParameter.PATH, enum=sorted(PART_SHAPES)),
            *paging.PARAMETERS,
        ],
        responses={200: AnyPart, **ERRORS},
    )
    def get(self, request: Request, part: str) -> Response:
        """As in /bootstrap; items go on under /items."""
        if part not in PARTS:
            raise Http404
        return Response(build(read_part(self, request, part)))


def read_part(view: ConnectedView, request: Request, name: str) -> Any:
    rows, cursor = PARTS[name](view, request)
    address = None
    if cursor:
        size = request.query_params.get("page_size", "")
        address = f"{reverse('bootstrap-part', args=(name,))}?cursor={cursor}{f'&page_size={size}' if size else ''}"
    return PART_SHAPES[name](results=rows, next=address)


def _list_locations(view: ConnectedView, request: Request) -> tuple[list[Any], str]:
    rows = Location.objects.filter(is_active=True)
    rows = rows if view.location_ids is None else rows.filter(pk__in=view.location_ids)
    return _page(request, rows, lambda row: LocationAnswer(code=row.code, name=row.name))


def _list_groups(view: ConnectedView, request: Request) -> tuple[list[Any], str]:
    page = paging.read_page(request, LocationGroup.objects.all(), order=("pk",))
    members = LocationGroupMember.objects.filter(group__in=page.rows).order_by("position")
    codes: Mapping[int, list[str]] = defaultdict(list)
    for group_id, location_id, code in members.values_list("group_id", "location_id", "location__code"):
        if view.location_ids is None or location_id in view.location_ids:
            codes[group_id].append(code)
    mine = [row for row in page.rows if view.location_ids is None or codes[row.pk]]
    return [GroupAnswer(name=row.name, locations=codes[row.pk]) for row in mine], page.next


def _list_price_lists(view: ConnectedView, request: Request) -> tuple[list[Any], str]:
    mine = PriceRule.objects.filter(connection=view.connection).values("price_list")
    return _page(request, PriceList.objects.filter(pk__in=mine), _tell_price_list)


def _tell_price_list(row: PriceList) -> PriceListAnswer:
    return PriceListAnswer(code=row.code, name=row.name, currency=row.currency, includes_tax=row.includes_tax)


def _list_categories(view: ConnectedView, request: Request) -> tuple[list[Any], str]:
    size, given = paging.read_size(request), request.query_params.get("cursor", "")
    after = str(paging.decode_cursor(given, 1)[0]) if given else ""
    names = list_categories(merchant_id=view.connection.merchant_id, after=after, limit=size + 1)
    more = paging.encode_cursor([names[size - 1]]) if len(names) > size else ""
    return [CategoryAnswer(name=name) for name in names[:size]], more


def _list_values(kind: str) -> Callable[[ConnectedView, Request], tuple[list[Any], str]]:
    def read(view: ConnectedView, request: Request) -> tuple[list[Any], str]:
        rows = ValueMapping.objects.filter(connection=view.connection, kind=kind)
        return _page(request, rows, lambda row: ValueAnswer(code=row.theirs, name=row.label or row.theirs))

    return read


def _page(request: Request, rows: QuerySet[Any], tell: Callable[[Any], Answer]) -> tuple[list[Any], str]:
    page = paging.read_page(request, rows, order=("pk",))
    return [tell(row) for row in page.rows], page.next


PARTS: dict[str, Callable[[ConnectedView, Request], tuple[list[Any], str]]] = {
    "categories": _list_categories,
    "locations": _list_locations,
    "location_groups": _list_groups,
    "price_lists": _list_price_lists,
    "payment_types": _list_values(Kind.PAYMENT),
    "shipping_methods": _list_values(Kind.SHIPPING),
}
