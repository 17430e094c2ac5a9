"""Figures a back office says: what there is at each location, and what things cost. The same for a pull and for a call
of our API; a page costs a fixed number of statements, run in the caller's transaction."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Generic, TypeVar

from catalog.mapping.packs import count_units, price_a_unit
from catalog.models import ALWAYS, Price, PriceList, StockRecord
from catalog.services.price_lists import Inward, write_inward
from catalog.services.prices import ONE
from catalog.services.stock import end_settled, lock_stock, refresh_wanted
from integrations.contract import records as r
from integrations.models import Connection
from integrations.sync.platforms import find_stock_basis

Shelf = tuple[int, int]  # variant, location
PriceKey = tuple[int, int, Decimal]  # list, variant, from how many on
K = TypeVar("K", Shelf, PriceKey)


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken(Generic[K]):
    """What is new, and what differs from before."""

    created: frozenset[K]
    updated: frozenset[K]


def take_figures(
    *, connection: Connection, figures: Mapping[Shelf, Decimal], read_at: datetime, at: datetime
) -> Taken[Shelf]:
    """Base units by variant and location. Promises they count end, and the shops' figures follow."""
    taken = _write_figures(connection, figures, read_at)
    variants = sorted({variant for variant, _ in figures})
    end_settled(merchant_id=connection.merchant_id, variant_ids=variants, read_at=read_at, at=at)
    refresh_wanted(merchant_id=connection.merchant_id, variant_ids=variants, at=at)
    return taken


def _write_figures(connection: Connection, figures: Mapping[Shelf, Decimal], read_at: datetime) -> Taken[Shelf]:
    """An older answer never replaces a newer one."""
    variants = {variant for variant, _ in figures}
    lock_stock(merchant_id=connection.merchant_id, variant_ids=variants)
    rows = StockRecord.plain.filter(connection=connection, variant_id__in=variants)
    before = {(row.variant_id, row.location_id): row for row in rows}
    basis = find_stock_basis(connection.platform, connection.settings)
    new: list[StockRecord] = []
    changed: list[StockRecord] = []
    seen: list[StockRecord] = []
    for key, quantity in sorted(figures.items()):
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
    StockRecord.plain.bulk_create(
        new,
        update_conflicts=True,  # somebody else may have said the first figure of it meanwhile
        unique_fields=["merchant", "variant", "location", "connection"],
        update_fields=["quantity", "read_at"],
    )
    StockRecord.plain.bulk_update(changed, ["quantity", "read_at"])
    StockRecord.plain.filter(pk__in=[row.pk for row in seen]).update(read_at=read_at)
    return Taken(
        created=frozenset((row.variant_id, row.location_id) for row in new),
        updated=frozenset((row.variant_id, row.location_id) for row in changed),
    )


class TakenPrices:
    """The prices of a page, a base unit: a crate's is that of each of its 24 pieces, from 24 of them on."""

    def __init__(self, *, read_at: datetime) -> None:
        self._read_at = read_at
        self._lists: dict[int, PriceList] = {}
        self._wanted: dict[PriceKey, Decimal] = {}
        self._inward: dict[int, dict[int, Inward]] = {}

    def take(self, row: r.PriceRow, price_list: PriceList, variant_id: int, factor: Decimal) -> PriceKey:
        """Have it written; under which key."""
        self._lists[price_list.pk] = price_list
        amount = price_a_unit(row.amount, factor)
        if price_list.kind == PriceList.Kind.INWARD and row.inward_at is not None:
            self._inward.setdefault(price_list.pk, {})[variant_id] = amount, row.inward_at
            return price_list.pk, variant_id, ONE
        pieces = count_units(row.min_quantity, factor)
        self._wanted[price_list.pk, variant_id, pieces] = amount
        return price_list.pk, variant_id, pieces

    def write(self) -> Taken[PriceKey]:
        new, changed = self._write_plain()
        for pk, amounts in sorted(self._inward.items()):
            created, updated = write_inward(price_list=self._lists[pk], amounts=amounts)
            new |= {(pk, variant_id, ONE) for variant_id in created}
            changed |= {(pk, variant_id, ONE) for variant_id in updated}
        return Taken(created=frozenset(new), updated=frozenset(changed))

    def _write_plain(self) -> tuple[set[PriceKey], set[PriceKey]]:
        """Prices that are new, and those that differ. In a list of inward prices a new amount says that goods came
        in."""
        lists, variants = {key[0] for key in self._wanted}, {key[1] for key in self._wanted}
        rows = Price.plain.filter(price_list_id__in=lists, variant_id__in=variants, valid_from=ALWAYS)
        before = {_key(row): row for row in rows.select_for_update().order_by("pk")}
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
        Price.plain.bulk_create(
            new,
            update_conflicts=True,
            unique_fields=["merchant", "price_list", "variant", "min_quantity", "valid_from"],
            update_fields=["amount", "inward_at"],
        )
        Price.plain.bulk_update(changed, ["amount", "inward_at"])
        return {_key(row) for row in new}, {_key(row) for row in changed}


def _key(row: Price) -> PriceKey:
    return row.price_list_id, row.variant_id, row.min_quantity
