"""What a back office writes to us in bulk, each item answered for itself: what of it is refused stops none of the
others. What is taken goes the way of a pull."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import TypeVar

from django.db import transaction

from catalog.models import PriceList
from catalog.services.item_codes import Article, find_articles
from catalog.services.price_lists import open_list
from catalog.services.prices import refresh_wanted_prices
from catalog.services.sending import send_on_commit
from catalog.services.taking import PriceKey, Shelf, TakenPrices, take_figures
from integrations.contract import records as r
from integrations.models import Connection, ValueMapping
from portal.tenancy.models import Location

ONE = Decimal(1)
C = TypeVar("C")
K = TypeVar("K")
CREATED, UPDATED, UNCHANGED, REFUSED = "created", "updated", "unchanged", "refused"


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of one item. `error`: a stable code where it was refused, and `message` what to do about it."""

    code: str
    status: str
    error: str = ""
    message: str = ""
    field: str = ""


class Refused(Exception):
    """One item cannot be taken; the others can."""

    def __init__(self, error: str, message: str, field: str = "") -> None:
        super().__init__(message)
        self.error, self.message, self.field = error, message, field


@dataclass(frozen=True, slots=True, kw_only=True)
class StockChange:
    """So many units of the article there are at a location: its code, or what the back office calls it; '' for the
    back office's own."""

    code: str
    quantity: Decimal
    location: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceChange:
    """What one unit of the article costs in a list of the back office ('' for its base prices)."""

    code: str
    amount: Decimal
    currency: str
    price_list: str = ""
    min_quantity: Decimal = ONE
    inward_at: datetime | None = None


@transaction.atomic
def take_stock(
    *,
    connection: Connection,
    changes: Sequence[StockChange],
    places: frozenset[int] | None = None,
    at: datetime,
) -> list[Outcome]:
    """Absolute figures. `places`: the locations that may be written, None for all of the merchant's."""
    articles = find_articles(connection=connection, codes=[one.code for one in changes])
    shelves = _Shelves(connection, places)
    figures: dict[Shelf, Decimal] = {}
    seen: set[tuple[str, int]] = set()

    def plan(change: StockChange) -> Shelf:
        article = _require(articles, change.code)
        place = shelves.find(change.location)
        if (change.code, place) in seen:
            raise Refused("duplicate_item", f"{change.code} is there twice for the same location.", "code")
        seen.add((change.code, place))
        key = article.variant_id, place
        figures[key] = figures.get(key, Decimal(0)) + change.quantity * article.factor
        return key

    planned = [_try(plan, change) for change in changes]
    taken = take_figures(connection=connection, figures=figures, read_at=at, at=at)
    variants = {variant_id for variant_id, _place in taken.created | taken.updated}
    if variants:
        send_on_commit(merchant_id=connection.merchant_id, variant_ids=sorted(variants), at=at)
    return [_tell(change.code, key, taken.created, taken.updated) for change, key in zip(changes, planned, strict=True)]


@transaction.atomic
def take_prices(*, connection: Connection, changes: Sequence[PriceChange], at: datetime) -> list[Outcome]:
    """Amounts a unit of their article. A list nobody knows is opened, in the currency of its first price."""
    articles = find_articles(connection=connection, codes=[one.code for one in changes])
    lists: dict[str, PriceList] = {}
    prices = TakenPrices(read_at=at)
    seen: set[tuple[str, str, Decimal]] = set()

    def plan(change: PriceChange) -> PriceKey:
        article = _require(articles, change.code)
        name = change.code, change.price_list, change.min_quantity
        if name in seen:
            raise Refused("duplicate_item", f"{change.code} has two prices in the same list.", "code")
        seen.add(name)
        if change.price_list not in lists:
            lists[change.price_list] = open_list(
                connection=connection, slot=change.price_list, currency=change.currency
            )
        price_list = lists[change.price_list]
        if price_list.currency != change.currency:
            words = f"“{price_list.name}” is in {price_list.currency}, and amounts are not converted."
            raise Refused("other_currency", words, "currency")
        row = r.PriceRow(
            change.code, change.price_list, change.amount, change.currency, change.min_quantity, change.inward_at
        )
        return prices.take(row, price_list, article.variant_id, article.factor)

    planned = [_try(plan, change) for change in changes]
    taken = prices.write()
    variants = {variant_id for _list, variant_id, _pieces in taken.created | taken.updated}
    refresh_wanted_prices(merchant_id=connection.merchant_id, variant_ids=variants, at=at)
    return [_tell(change.code, key, taken.created, taken.updated) for change, key in zip(changes, planned, strict=True)]


class _Shelves:
    """Which of our locations the back office means by a word."""

    def __init__(self, connection: Connection, places: frozenset[int] | None) -> None:
        rows = Location.plain.filter(merchant_id=connection.merchant_id, is_active=True).order_by("pk")
        ours = {row.code: row.pk for row in rows}
        mapped = ValueMapping.plain.filter(connection=connection, kind=ValueMapping.Kind.LOCATION, ours__in=ours)
        self._ids = ours | {row.theirs: ours[row.ours] for row in mapped}
        self._else = connection.location_id or next(iter(ours.values()), None)
        self._places = places

    def find(self, name: str) -> int:
        place = self._ids.get(name) if name else self._else
        if place is None or (self._places is not None and place not in self._places):
            words = f"There is no location {name!r} for this key." if name else "Say which location it is."
            raise Refused("unknown_location", words, "location")
        return place


def _require(articles: dict[str, Article], code: str) -> Article:
    if code not in articles:
        words = f"Nobody knows the article {code}, or several are called so: write the product first."
        raise Refused("unknown_article", words, "code")
    return articles[code]


def _try(plan: Callable[[C], K], change: C) -> K | Refused:
    try:
        return plan(change)
    except Refused as error:
        return error


def _tell(code: str, key: K | Refused, created: frozenset[K], updated: frozenset[K]) -> Outcome:
    if isinstance(key, Refused):
        return refuse(code, key)
    return Outcome(code=code, status=CREATED if key in created else UPDATED if key in updated else UNCHANGED)


def refuse(code: str, error: Refused) -> Outcome:
    return Outcome(code=code, status=REFUSED, error=error.error, message=error.message, field=error.field)
