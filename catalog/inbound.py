"""Records read from platforms into articles, stock and prices: a back office says what is, a shop what it sells."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from decimal import ROUND_CEILING, Decimal

from catalog.models import ALWAYS, Binding, Figures, Price, PriceList, StockRecord
from catalog.services import suggesting
from catalog.services.articles import apply_back_office
from catalog.services.binding import BACK_OFFICES
from catalog.services.drift import note_shown
from catalog.services.figures import to_whole
from catalog.services.price_lists import Inward, open_list, write_inward
from catalog.services.prices import refresh_wanted_prices
from catalog.services.shop_articles import apply_shop
from catalog.services.stock import end_settled, lock_stock, refresh_wanted
from integrations.contract import records as r
from integrations.models import Connection, ValueMapping
from integrations.sync.handlers import Applied, Skipped
from integrations.sync.platforms import get_platform
from portal.tenancy.models import Location

MILLIONTH, THOUSANDTH = Decimal("0.000001"), Decimal("0.001")  # as fine as amounts and quantities are kept
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
    created, updated = _write_stock(connection, wanted, read_at)
    variants = sorted({variant for variant, _ in wanted})
    end_settled(merchant_id=connection.merchant_id, variant_ids=variants, read_at=read_at, at=at)
    refresh_wanted(merchant_id=connection.merchant_id, variant_ids=variants, at=at)
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


def _write_stock(connection: Connection, wanted: dict[tuple[int, int], Decimal], read_at: datetime) -> tuple[int, int]:
    """How many figures are new, and how many differ from what we had; an older answer never replaces a newer one."""
    variants = {variant for variant, _ in wanted}
    lock_stock(merchant_id=connection.merchant_id, variant_ids=variants)
    rows = StockRecord.plain.filter(connection=connection, variant_id__in=variants)
    before = {(row.variant_id, row.location_id): row for row in rows}
    basis = get_platform(connection.platform).stock_basis
    new: list[StockRecord] = []
    changed: list[StockRecord] = []
    seen: list[StockRecord] = []
    for key, quantity in sorted(wanted.items()):
        row = before.get(key)
        if row is None:
            new.append(
                StockRecord(
                    merchant_id=connection.merchant_id,
                    connection=connection,
                    variant_id=key[0],
                    location_id=key[1],
                    quantity=quantity,
                    basis=basis,
                    read_at=read_at,
                )
            )
        elif row.read_at <= read_at:
            (seen if row.quantity == quantity else changed).append(row)
            row.quantity, row.read_at = quantity, read_at
    StockRecord.plain.bulk_create(new)
    StockRecord.plain.bulk_update(changed, ["quantity", "read_at"])
    StockRecord.plain.filter(pk__in=[row.pk for row in seen]).update(read_at=read_at)
    return len(new), len(changed)


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
    prices = _Prices(read_at=read_at)
    skipped: list[Skipped] = []
    for row in records:
        article = articles.get(row.external_id)
        if article is None:
            skipped.append(_unknown(row.external_id))
        elif row.currency != lists[row.slot].currency:
            skipped.append(_other_currency(row, lists[row.slot]))
        else:
            prices.take(row, lists[row.slot], *article)
    created, updated, variants = prices.write()
    refresh_wanted_prices(merchant_id=connection.merchant_id, variant_ids=variants, at=at)
    unchanged = len(records) - len(skipped) - created - updated
    return Applied(created=created, updated=updated, unchanged=unchanged, skipped=tuple(skipped))


class _Prices:
    """The prices of a page, a base unit: a crate's is that of each of its 24 pieces, from 24 of them on."""

    def __init__(self, *, read_at: datetime) -> None:
        self._read_at = read_at
        self._lists: dict[int, PriceList] = {}
        self._wanted: dict[tuple[int, int, Decimal], Decimal] = {}
        self._inward: dict[int, dict[int, Inward]] = {}

    def take(self, row: r.PriceRow, price_list: PriceList, variant_id: int, factor: Decimal) -> None:
        self._lists[price_list.pk] = price_list
        amount = row.amount if factor == 1 else (row.amount / factor).quantize(MILLIONTH)
        if price_list.kind == PriceList.Kind.INWARD and row.inward_at is not None:
            self._inward.setdefault(price_list.pk, {})[variant_id] = amount, row.inward_at
        else:
            pieces = (row.min_quantity * factor).quantize(THOUSANDTH, ROUND_CEILING)
            self._wanted[price_list.pk, variant_id, pieces] = amount

    def write(self) -> tuple[int, int, list[int]]:
        """How many prices are new and how many differ, and whose."""
        new, changed = self._write_plain()
        for pk, amounts in sorted(self._inward.items()):
            created, updated = write_inward(price_list=self._lists[pk], amounts=amounts)
            new, changed = [*new, *created], [*changed, *updated]
        return len(new), len(changed), sorted({*new, *changed})

    def _write_plain(self) -> tuple[list[int], list[int]]:
        """The variants of prices that are new, and of those that differ. In a list of inward prices a new amount says
        that goods came in."""
        lists, variants = {key[0] for key in self._wanted}, {key[1] for key in self._wanted}
        rows = Price.plain.filter(price_list_id__in=lists, variant_id__in=variants, valid_from=ALWAYS)
        before = {
            (row.price_list_id, row.variant_id, row.min_quantity): row
            for row in rows.select_for_update().order_by("pk")
        }
        new, changed = [], []
        for key, amount in sorted(self._wanted.items()):
            row, price_list = before.get(key), self._lists[key[0]]
            came = self._read_at if price_list.kind == PriceList.Kind.INWARD else None
            if row is None:
                new.append(
                    Price(
                        merchant_id=price_list.merchant_id, price_list=price_list, variant_id=key[1],
                        min_quantity=key[2], amount=amount, inward_at=came,
                    )
                )  # fmt: skip
            elif row.amount != amount:
                row.amount, row.inward_at = amount, came or row.inward_at
                changed.append(row)
        Price.plain.bulk_create(new)
        Price.plain.bulk_update(changed, ["amount", "inward_at"])
        return [row.variant_id for row in new], [row.variant_id for row in changed]


def count_known(*, connection: Connection, since: datetime | None) -> int:
    """How many of the shop's products are here; when they changed there is not kept, so `since` says nothing."""
    del since
    rows = Binding.plain.filter(connection=connection).exclude(state=Binding.State.STALE)
    return rows.exclude(parent_external_id="").values("parent_external_id").distinct().count()
