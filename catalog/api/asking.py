"""What requests about articles say in their address: filters, and whose stock counts."""

from __future__ import annotations

from datetime import datetime

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter
from rest_framework.request import Request

from catalog.services.items import Filters
from catalog.services.reading import EVERYWHERE, Where, at_location, in_group
from portal.base.bodies import FieldError, parse_moment
from portal.base.problems import Problem
from portal.tenancy.models import Location, LocationGroup

LONGEST = 200
FIRST, TOGETHER = "first", "together"
FILTERS = (
    OpenApiParameter("q", str, description="What the code begins with, or a part of the name."),
    OpenApiParameter("barcode", str, description="A barcode; a GTIN in any of its lengths."),
    OpenApiParameter("code", str, description="A code of the key's connection, or our own."),
    OpenApiParameter("category", str, description="A category, in full."),
)
CHANGED = OpenApiParameter(
    "changed_since",
    OpenApiTypes.DATETIME,
    description="Only what is new, other or gone since then; take `as_of` of the answer before.",
)
PLACES = (
    OpenApiParameter("location", str, description="The code of a location: only its stock counts."),
    OpenApiParameter("group", str, description="The name of a group of locations; not together with `location`."),
    OpenApiParameter(
        "pick",
        str,
        enum=[FIRST, TOGETHER],
        description="Of a group: the first location in its order that has any left, or all of them together.",
    ),
)
FILTER_NAMES = frozenset(one.name for one in FILTERS)
PLACE_NAMES = frozenset(one.name for one in PLACES)


def read_filters(request: Request) -> Filters:
    given = {name: _read_text(request, name) for name in FILTER_NAMES}
    return Filters(**given, changed_since=read_moment(request, CHANGED.name))


def read_moment(request: Request, name: str) -> datetime | None:
    given = request.query_params.get(name, "")
    if not given:
        return None
    try:
        return parse_moment(given)
    except FieldError as error:
        raise Problem(400, error.code, str(error), field=name) from error


def read_where(request: Request, seen: frozenset[int] | None) -> Where:
    """`seen`: the locations the key may see, None for all. One it may not see is not there."""
    location, group = _read_text(request, "location"), _read_text(request, "group")
    pick = request.query_params.get("pick", "")
    if pick not in {"", FIRST, TOGETHER} or (pick and not group):
        raise Problem(400, "parameter_not_allowed", f"pick is {FIRST} or {TOGETHER}, of a group.", field="pick")
    if location and group:
        raise Problem(400, "parameter_not_allowed", "Ask for a location or a group, not both.", field="group")
    if location:
        found = Location.objects.filter(code=location).first()
        if found is None or (seen is not None and found.pk not in seen):
            raise Problem(400, "unknown_location", f"There is no location {location[:80]!r}.", field="location")
        return at_location(found)
    if group:
        return _read_group(group, seen, first=pick != TOGETHER)
    return EVERYWHERE if seen is None else Where(locations=tuple(sorted(seen)))


def _read_group(name: str, seen: frozenset[int] | None, *, first: bool) -> Where:
    found = LocationGroup.objects.filter(name=name).first()
    where = in_group(found, first=first) if found is not None else Where(locations=())
    places = tuple(pk for pk in where.locations or () if seen is None or pk in seen)
    if found is None or (seen is not None and not places):
        raise Problem(400, "unknown_group", f"There is no group of locations {name[:80]!r}.", field="group")
    return Where(locations=places, first=first)


def _read_text(request: Request, name: str) -> str:
    given = request.query_params.get(name, "").strip()
    if len(given) > LONGEST:
        raise Problem(400, "parameter_not_allowed", f"{name} has at most {LONGEST} characters.", field=name)
    return given
