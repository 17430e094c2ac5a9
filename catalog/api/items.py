"""Articles with their prices and stock: `curl -H "Authorization: Bearer sbk_…" …/api/v1/items?q=mug&location=MAIN`."""

from __future__ import annotations

from django.http import Http404
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from catalog.api.asking import CHANGED, FILTER_NAMES, FILTERS, PLACE_NAMES, PLACES, read_filters, read_where
from catalog.api.describing import ItemAnswer, ItemList, describe_item
from catalog.services.items import OVERLAP, find_item, is_live, read_items, select_items
from integrations.api.door import ConnectedView
from portal.base import paging
from portal.base.answers import build
from portal.base.problems import ProblemSerializer
from portal.tenancy.models import Location

ERRORS = dict.fromkeys((400, 401, 403, 404, 409, 429), ProblemSerializer)


class ItemsView(ConnectedView):
    """The articles that are sold."""

    key_scope = "items:read"
    query_parameters = FILTER_NAMES | PLACE_NAMES | paging.NAMES | {CHANGED.name}

    @extend_schema(
        operation_id="list_items",
        parameters=[*FILTERS, CHANGED, *PLACES, *paging.PARAMETERS],
        responses={200: ItemList, **ERRORS},
    )
    def get(self, request: Request) -> Response:
        """With `changed_since` in the order they changed, and those that went with them as `deleted`."""
        at, filters = timezone.now(), read_filters(request)
        where = read_where(request, self.location_ids)
        order = ("pk",) if filters.changed_since is None else ("updated_at", "pk")
        page = paging.read_page(request, select_items(connection=self.connection, filters=filters), order=order)
        items = read_items(connection=self.connection, variants=page.rows, where=where, at=at)
        places = list_places()
        answer = ItemList(
            results=[describe_item(one, places) for one in items],
            next=page.next or None,
            as_of=(at - OVERLAP).replace(second=0, microsecond=0),  # the same for a minute, and so is the tag
        )
        return Response(build(answer))


class ItemView(ConnectedView):
    """One article."""

    key_scope = "items:read"
    query_parameters = PLACE_NAMES

    @extend_schema(operation_id="get_item", parameters=[*PLACES], responses={200: ItemAnswer, **ERRORS})
    def get(self, request: Request, code: str) -> Response:
        """By a code of the key's connection, or our own."""
        where = read_where(request, self.location_ids)
        row = find_item(connection=self.connection, code=code) if "\x00" not in code else None
        if row is None or not is_live(row):
            raise Http404
        (item,) = read_items(connection=self.connection, variants=[row], where=where, at=timezone.now())
        return Response(build(describe_item(item, list_places())))


def list_places() -> dict[int, str]:
    """The codes of the merchant's locations."""
    return dict(Location.objects.values_list("pk", "code"))
