"""What there is of articles, for whoever asks: everywhere, at one location, or in a group with its fallback order."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from django.db.models import Sum

from catalog.models import Reservation, StockRecord
from catalog.services.availability import Place, pick_first
from catalog.services.stock import BATCH
from integrations.models import Connection
from portal.tenancy.models import Location, LocationGroup, LocationGroupMember

ZERO = Decimal(0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Where:
    """The locations asked for, in their order; None: all there are. `first`: only the first of them that has any left
    counts. `source`: the back office whose figures count; None: those of all of them together."""

    locations: tuple[int, ...] | None = None
    first: bool = False
    source: int | None = None


EVERYWHERE = Where()


@dataclass(frozen=True, slots=True, kw_only=True)
class Stock:
    """In base units. `available` is what is left of it, never less than 0; `places`: what counts, in its order; of
    promises without a location nobody can say where, so they are only in the sum."""

    on_hand: Decimal
    reserved: Decimal
    places: tuple[Place, ...]

    @property
    def available(self) -> Decimal:
        return max(ZERO, self.on_hand - self.reserved)


def at_location(location: Location, *, source: Connection | None = None) -> Where:
    return Where(locations=(location.pk,), source=source.pk if source else None)


def in_group(group: LocationGroup, *, first: bool = False, source: Connection | None = None) -> Where:
    """All of the group together, or (`first`) the first in its order that has any left."""
    members = LocationGroupMember.plain.filter(group=group).order_by("position")
    places = tuple(members.values_list("location_id", flat=True))
    return Where(locations=places, first=first, source=source.pk if source else None)


def read_stock(*, merchant_id: int, variant_ids: Sequence[int], where: Where = EVERYWHERE) -> dict[int, Stock]:
    """variant id → its stock there, for those any back office (that counts) knows; two statements a batch."""
    names = dict(Location.plain.filter(merchant_id=merchant_id).values_list("pk", "name"))
    order = where.locations if where.locations is not None else sorted(names, key=lambda pk: names[pk])
    found: dict[int, Stock] = {}
    for start in range(0, len(variant_ids), BATCH):
        ids = variant_ids[start : start + BATCH]
        has = _read_on_hand(merchant_id, ids, where.source)
        promised = _read_promised(merchant_id, ids)
        for variant_id, on_hand in has.items():
            mine = promised[variant_id]
            known = {pk for pk in (*on_hand, *mine) if pk is not None}
            places: Sequence[Place] = [
                Place(name=names[pk], on_hand=on_hand.get(pk, ZERO), reserved=mine.get(pk, ZERO), location_id=pk)
                for pk in order
                if pk in known
            ]
            places = pick_first(places) if where.first else places
            found[variant_id] = Stock(
                on_hand=sum((one.on_hand for one in places), ZERO),
                reserved=sum((one.reserved for one in places), mine.get(None, ZERO)),
                places=tuple(places),
            )
    return found


def _read_on_hand(merchant_id: int, ids: Sequence[int], source: int | None) -> dict[int, dict[int, Decimal]]:
    rows = StockRecord.plain.filter(merchant_id=merchant_id, variant_id__in=ids)
    rows = rows if source is None else rows.filter(connection_id=source)
    found: dict[int, dict[int, Decimal]] = defaultdict(dict)
    for row in rows.order_by().values("variant_id", "location_id").annotate(total=Sum("quantity")):
        found[row["variant_id"]][row["location_id"]] = row["total"]
    return found


def _read_promised(merchant_id: int, ids: Sequence[int]) -> dict[int, dict[int | None, Decimal]]:
    rows = Reservation.plain.filter(merchant_id=merchant_id, variant_id__in=ids, ended_at__isnull=True)
    found: dict[int, dict[int | None, Decimal]] = defaultdict(dict)
    for row in rows.order_by().values("variant_id", "location_id").annotate(total=Sum("quantity")):
        found[row["variant_id"]][row["location_id"]] = row["total"]
    return found
