"""How many of an article a shop should show, and why, in words; the same arithmetic as the SQL of services.wanted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import ROUND_FLOOR, Decimal

from django.utils.translation import gettext as _

from catalog.models import AllocationRule, Binding, Reservation, StockRecord, Variant
from integrations.models import Connection
from portal.tenancy.models import Location, LocationGroupMember

ZERO = Decimal(0)
THOUSANDTH = Decimal("0.001")


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """What a location has and has promised of a variant, in base units."""

    name: str
    on_hand: Decimal
    reserved: Decimal
    location_id: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Availability:
    """`wanted`: whole units of the shop's article. `lines`: how it comes about, one thought each."""

    shop: str
    wanted: Decimal
    lines: tuple[str, ...]


def choose_rule(rules: Sequence[AllocationRule], categories: Sequence[str]) -> AllocationRule | None:
    """The rule of one of the product's categories, the oldest where there are several; else the shop's general one."""
    for rule in sorted(rules, key=lambda rule: (rule.category == "", rule.pk)):
        if rule.category == "" or rule.category in categories:
            return rule
    return None


def compute_wanted(available: Decimal, factor: Decimal, rule: AllocationRule | None) -> Decimal:
    """Whole units of the remote article of what is available in base units; never negative, 0 below the shop's limit.

    The share is rounded down to a thousandth of the base unit.
    """
    if rule is None:
        return _whole(max(ZERO, available), factor)
    if available < rule.stop_below:
        return ZERO
    sellable = max(ZERO, available - rule.buffer)
    sellable = (sellable * rule.share / 100).quantize(THOUSANDTH, ROUND_FLOOR)
    if rule.maximum is not None:
        sellable = min(sellable, rule.maximum)
    return _whole(sellable, factor)


def _whole(quantity: Decimal, factor: Decimal) -> Decimal:
    return quantity // factor


def pick_places(places: Sequence[Place], rule: AllocationRule | None) -> Sequence[Place]:
    """The locations whose stock counts: all of them, or the first in order that has any left."""
    if rule is None or rule.group_id is None or rule.pick != AllocationRule.Pick.FIRST:
        return places
    return pick_first(places)


def pick_first(places: Sequence[Place]) -> Sequence[Place]:
    """Of locations in their order the first that has any left; none where none has."""
    return [place for place in places if place.on_hand > place.reserved][:1]


def explain(
    *, shop: str, places: Sequence[Place], unplaced: Decimal, factor: Decimal, rule: AllocationRule | None
) -> Availability:
    """`places` in the shop's order; `unplaced`: promised without a location, in base units."""
    counted = pick_places(places, rule)
    on_hand = sum((place.on_hand for place in counted), ZERO)
    reserved = sum((place.reserved for place in counted), unplaced)
    available = on_hand - reserved
    buffer = rule.buffer if rule else ZERO
    words = _("%(on_hand)s on hand − %(reserved)s reserved − %(buffer)s buffer = %(rest)s for %(shop)s") % {
        "on_hand": tell(on_hand),
        "reserved": tell(reserved),
        "buffer": tell(buffer),
        "rest": tell(available - buffer),
        "shop": shop,
    }
    lines = [words]
    if len(counted) > 1 or counted is not places:
        lines += [f"{place.name}: {tell(place.on_hand)} − {tell(place.reserved)}" for place in counted]
    wanted = compute_wanted(available, factor, rule)
    lines += _limits(available, factor, rule)
    lines.append(_("Shown there: %(wanted)s") % {"wanted": tell(wanted)})
    return Availability(shop=shop, wanted=wanted, lines=tuple(lines))


def _limits(available: Decimal, factor: Decimal, rule: AllocationRule | None) -> list[str]:
    lines = []
    if rule and available < rule.stop_below:
        words = _("Stops: %(available)s available is below %(limit)s")
        return [words % {"available": tell(available), "limit": tell(rule.stop_below)}]
    if rule and rule.share != 100:
        lines.append(_("%(share)s %% of it is this shop's") % {"share": rule.share})
    if rule and rule.maximum is not None:
        lines.append(_("At most %(maximum)s") % {"maximum": tell(rule.maximum)})
    if factor != 1:
        lines.append(_("Sold there by %(factor)s") % {"factor": tell(factor)})
    return lines


def explain_availability(*, variant: Variant, connection: Connection) -> list[Availability]:
    """One for each of the shop's articles that is this variant; none where no back office knows its stock."""
    rules = list(AllocationRule.plain.filter(connection=connection))
    rule = choose_rule(rules, variant.product.categories)
    stock = StockRecord.plain.filter(variant=variant).select_related("location")
    if rule and rule.source_id:
        stock = stock.filter(connection_id=rule.source_id)
    figures = list(stock)
    if not figures:
        return []
    promised = list(Reservation.plain.filter(variant=variant, ended_at__isnull=True).select_related("location"))
    places: dict[int, Place] = {}
    known = {row.location_id: row.location for row in figures}
    known |= {row.location.pk: row.location for row in promised if row.location}
    for location in _order(rule, known):
        places[location.pk] = Place(
            name=location.name,
            on_hand=sum((row.quantity for row in figures if row.location_id == location.pk), ZERO),
            reserved=sum((row.quantity for row in promised if row.location_id == location.pk), ZERO),
        )
    unplaced = sum((row.quantity for row in promised if row.location_id is None), ZERO)
    bindings = Binding.plain.filter(connection=connection, variant=variant, state=Binding.State.BOUND).order_by("pk")
    return [
        explain(shop=connection.name, places=list(places.values()), unplaced=unplaced, factor=row.factor, rule=rule)
        for row in bindings
    ]


def _order(rule: AllocationRule | None, known: dict[int, Location]) -> list[Location]:
    """The shop's locations among these: the rule's one, its group's in their order, or all by name."""
    if rule and rule.location_id:
        return [known[rule.location_id]] if rule.location_id in known else []
    if rule and rule.group_id:
        members = LocationGroupMember.plain.filter(group_id=rule.group_id).order_by("position")
        return [known[pk] for pk in members.values_list("location_id", flat=True) if pk in known]
    return sorted(known.values(), key=lambda location: location.name)


def tell(quantity: Decimal) -> str:
    """ "12", "0.5" """
    return f"{quantity.normalize():f}"
