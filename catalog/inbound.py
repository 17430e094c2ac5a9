"""Records read from platforms into articles, stock and prices: a back office says what is, a shop what it sells."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal

from catalog.models import Binding, Figures, PriceList
from catalog.services import suggesting
from catalog.services.articles import apply_back_office
from catalog.services.binding import BACK_OFFICES
from catalog.services.drift import note_shown
from catalog.services.figures import to_whole
from catalog.services.price_lists import open_list
from catalog.services.prices import refresh_wanted_prices
from catalog.services.shop_articles import apply_shop
from catalog.services.taking import TakenPrices, take_figures
from integrations.contract import records as r
from integrations.models import Connection, ValueMapping
from integrations.sync.handlers import Applied, Skipped
from portal.tenancy.models import Location

UNKNOWN_ARTICLE = "unknown_article"


def apply_products(
    *, connection: Connection, records: Sequence[r.ProductRecord], read_at: datetime, at: datetime
) -> Applied:
    del read_at
    apply = apply_back_office if connection.role in BACK_OFFICES else apply_shop
    return apply(connection=connection, records=records, at=at)


def finish_products(*, connection: Connection, at: datetime) -> None:
    """All of them were read, and some are new: propose what the shops' unknown articles are."""
    if connection.role in BACK_OFFICES:
        suggesting.suggest_for_shops(merchant_id=connection.merchant_id, at=at)
    else:
        suggesting.suggest(connection_id=connection.pk, at=at)


def apply_stock(*, connection: Connection, records: Sequence[r.StockRow], read_at: datetime, at: datetime) -> Applied:
    """Figures of a back office, by location; those of a shop are what it shows, kept to be compared and no more."""
    if connection.role not in BACK_OFFICES:
        shown = {(row.external_id, row.slot): (to_whole(Figures.STOCK, row.quantity), "") for row in records}
        return _note_shown(connection, Figures.STOCK, shown, len(records), read_at)
    articles = _articles(connection, {row.external_id for row in records})
    places = _Places(connection)
    wanted: dict[tuple[int, int], Decimal] = {}
    skipped: list[Skipped] = []
    repeated = 0
    for row in records:
        article = articles.get(row.external_id)
        if article is None:
            skipped.append(_unknown(row.external_id))
            continue
        key = (article[0], places.find(row.slot))
        repeated += key in wanted
        wanted[key] = wanted.get(key, Decimal(0)) + row.quantity * article[1]
    taken = take_figures(connection=connection, figures=wanted, read_at=read_at, at=at)
    created, updated = len(taken.created), len(taken.updated)
    unchanged = len(wanted) - created - updated + repeated
    return Applied(created=created, updated=updated, unchanged=unchanged, skipped=tuple(skipped))


def _articles(connection: Connection, external_ids: set[str]) -> dict[str, tuple[int, Decimal]]:
    """external id → our variant, and how many base units it is."""
    rows = Binding.plain.filter(connection=connection, external_id__in=external_ids, state=Binding.State.BOUND)
    return {row.external_id: (row.variant_id, row.factor) for row in rows if row.variant_id is not None}


def _note_shown(
    connection: Connection,
    stream: str,
    shown: dict[tuple[str, str], tuple[int, str]],
    read: int,
    read_at: datetime,
) -> Applied:
    """Keep a shop's own figures beside ours; rows told twice count as unchanged."""
    ids = {external_id for external_id, _slot in shown}
    known = dict(Binding.plain.filter(connection=connection, external_id__in=ids).values_list("external_id", "pk"))
    figures = {(known[key[0]], key[1]): value for key, value in shown.items() if key[0] in known}
    noted = note_shown(connection=connection, stream=stream, figures=figures, read_at=read_at)
    skipped = tuple(_unknown(external_id) for external_id, _slot in shown if external_id not in known)
    unchanged = read - noted.created - noted.updated - len(skipped)
    return Applied(created=noted.created, updated=noted.updated, unchanged=unchanged, skipped=skipped)


def _unknown(external_id: str) -> Skipped:
    words = f"Nobody knows the article {external_id}; read the products first."
    return Skipped(external_id=external_id, code=UNKNOWN_ARTICLE, message=words)


def _other_currency(row: r.PriceRow, price_list: PriceList) -> Skipped:
    words = f"{row.amount} {row.currency} does not belong into “{price_list.name}”, which is in {price_list.currency}."
    return Skipped(external_id=row.external_id, code="other_currency", message=words)


class _Places:
    """Which of our locations a remote one is: mapped by hand, else the connection's, else the merchant's first."""

    def __init__(self, connection: Connection) -> None:
        self._codes = dict(
            ValueMapping.plain.filter(connection=connection, kind=ValueMapping.Kind.LOCATION)
            .exclude(ours="")
            .values_list("theirs", "ours")
        )
        locations = list(Location.plain.filter(merchant_id=connection.merchant_id, is_active=True).order_by("pk"))
        self._ids = {location.code: location.pk for location in locations}
        self._else = connection.location_id or locations[0].pk

    def find(self, slot: str) -> int:
        return self._ids.get(self._codes.get(slot, ""), self._else)


def apply_prices(*, connection: Connection, records: Sequence[r.PriceRow], read_at: datetime, at: datetime) -> Applied:
    """Prices of a back office into its price lists; a shop's own are what it charges, kept to be compared."""
    if connection.role not in BACK_OFFICES:
        singles = [row for row in records if row.min_quantity <= 1]
        shown = {(row.external_id, row.slot): (to_whole(Figures.PRICE, row.amount), row.currency) for row in singles}
        return _note_shown(connection, Figures.PRICE, shown, len(records), read_at)
    articles = _articles(connection, {row.external_id for row in records})
    lists: dict[str, PriceList] = {}
    for row in records:
        if row.slot not in lists:
            lists[row.slot] = open_list(connection=connection, slot=row.slot, currency=row.currency)
    prices = TakenPrices(read_at=read_at)
    skipped: list[Skipped] = []
    for row in records:
        article = articles.get(row.external_id)
        if article is None:
            skipped.append(_unknown(row.external_id))
        elif row.currency != lists[row.slot].currency:
            skipped.append(_other_currency(row, lists[row.slot]))
        else:
            prices.take(row, lists[row.slot], *article)
    taken = prices.write()
    variants = {variant_id for _list, variant_id, _pieces in taken.created | taken.updated}
    refresh_wanted_prices(merchant_id=connection.merchant_id, variant_ids=variants, at=at)
    created, updated = len(taken.created), len(taken.updated)
    unchanged = len(records) - len(skipped) - created - updated
    return Applied(created=created, updated=updated, unchanged=unchanged, skipped=tuple(skipped))


def count_known(*, connection: Connection, since: datetime | None) -> int:
    """How many of the shop's products are here; when they changed there is not kept, so `since` says nothing."""
    del since
    rows = Binding.plain.filter(connection=connection).exclude(state=Binding.State.STALE)
    return rows.exclude(parent_external_id="").values("parent_external_id").distinct().count()
