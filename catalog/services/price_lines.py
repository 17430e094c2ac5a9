"""A page of prices from a file: found, compared and written with a fixed number of statements."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db.models import Q

from catalog.mapping.feed_rows import RowNote
from catalog.mapping.packs import count_units, price_a_unit
from catalog.mapping.price_rows import ARTICLE, CURRENCY, INWARD_PRICE, LIST, PRICE, TAX, to_amount
from catalog.models import ALWAYS, Binding, Feed, Identify, Price, PriceList, Variant
from catalog.services.figures import MOST_MOVED
from catalog.services.price_lists import open_list
from catalog.services.record_feeds import Tally
from integrations.contract.records import INWARD_SLOT
from portal.base.money import describe_money

ONE = Decimal(1)
Row = tuple[int, dict[str, Any]]
Key = tuple[int, int, Decimal, datetime]  # list, variant, from how many on, from when on
Article = tuple[int, Decimal]  # our variant, and how many base units theirs is


@dataclass(frozen=True, slots=True, kw_only=True)
class _Line:
    """A price to be: a base unit's. `came`: when goods came in that it was paid for."""

    line: int
    name: str
    price_list: PriceList
    variant_id: int
    amount: Decimal
    min_quantity: Decimal = ONE
    valid_from: datetime = ALWAYS
    valid_until: datetime | None = None
    came: datetime | None = None

    @property
    def key(self) -> Key:
        return self.price_list.pk, self.variant_id, self.min_quantity, self.valid_from


class _Refused(Exception):
    def __init__(self, column: str, code: str, message: str) -> None:
        super().__init__(message)
        self.column, self.code, self.message = column, code, message


class PricePage:
    """`touched` and `moments` are known afterwards: whose prices changed, and when of a list something begins or
    ends."""

    def __init__(self, *, feed: Feed, at: datetime) -> None:
        self.feed, self.at = feed, at
        self.connection, self.merchant_id = feed.connection, feed.merchant_id
        self.touched: set[int] = set()
        self.moments: dict[int, list[datetime | None]] = defaultdict(list)
        self._tally = Tally()

    def write(self, rows: Sequence[Row]) -> Tally:
        articles = find_articles(self.feed, {values["article"] for _line, values in rows})
        lists = _Lists(self.feed, rows)
        work: list[list[_Line]] = []
        for line, values in rows:
            article = articles.get(values["article"])
            if article is None:
                words = f"nobody knows the article {values['article']}."
                note = RowNote(line=line, column=self.feed.columns[ARTICLE], code="unknown_article", message=words)
                self._tally.skip(values["article"], note)
                continue
            try:
                work.append(_plan(line, values, article, lists, self.feed.received_at))
            except _Refused as error:
                column = self.feed.columns.get(error.column, "")
                self._tally.refuse(RowNote(line=line, column=column, code=error.code, message=error.message))
        self._write([one for lines in work for one in lines], work)
        return self._tally

    def _write(self, lines: list[_Line], work: list[list[_Line]]) -> None:
        """What is new and what differs; a row counts once, whatever of it that is."""
        mine = {one.price_list.pk for one in lines}, {one.variant_id for one in lines}
        found = Price.plain.filter(price_list_id__in=mine[0], variant_id__in=mine[1])
        before: dict[Key, Price] = {}
        series: dict[tuple[int, int, Decimal], list[Price]] = defaultdict(list)
        for row in found.select_for_update().order_by("pk"):
            before[row.price_list_id, row.variant_id, row.min_quantity, row.valid_from] = row
            series[row.price_list_id, row.variant_id, row.min_quantity].append(row)
        new: dict[Key, Price] = {}
        changed: dict[int, Price] = {}
        for one in work:
            words = {self._take(line, before, series, new, changed) for line in one}
            self._count(words)
        Price.plain.bulk_create(new.values())
        Price.plain.bulk_update(changed.values(), ["amount", "valid_until", "inward_at"])
        for row in (*new.values(), *changed.values()):
            self.touched.add(row.variant_id)
            self.moments[row.price_list_id] += [row.valid_from, row.valid_until]
        met = [row for line in lines if line.came is None for row in series[line.key[:3]]]
        self._tally.kept = [(row.pk, row.price_list_id) for row in (*met, *new.values()) if row.inward_at is None]

    def _take(
        self,
        line: _Line,
        before: dict[Key, Price],
        series: dict[tuple[int, int, Decimal], list[Price]],
        new: dict[Key, Price],
        changed: dict[int, Price],
    ) -> str:
        """ "created", "updated" or "unchanged"."""
        row = before.get(line.key) or new.get(line.key)
        if row is None:
            new[line.key] = Price(
                merchant_id=self.merchant_id,
                price_list=line.price_list,
                variant_id=line.variant_id,
                amount=line.amount,
                min_quantity=line.min_quantity,
                valid_from=line.valid_from,
                valid_until=line.valid_until,
                inward_at=line.came,
            )
            earlier = [one for one in series[line.key[:3]] if one.valid_from <= line.valid_from]
            if earlier:
                self._look_at_move(line, max(earlier, key=lambda one: one.valid_from).amount)
            return "created"
        if line.came is not None and row.inward_at is not None and row.inward_at > line.came:
            return "unchanged"  # an older arrival never replaces a newer one; the bill may correct the same one
        if (row.amount, row.valid_until, row.inward_at) == (line.amount, line.valid_until, line.came or row.inward_at):
            return "unchanged"
        self._look_at_move(line, row.amount)
        row.amount, row.valid_until, row.inward_at = line.amount, line.valid_until, line.came or row.inward_at
        if row.pk:
            changed[row.pk] = row
        return "updated"

    def _look_at_move(self, line: _Line, amount: Decimal) -> None:
        if amount <= 0 or abs(line.amount - amount) <= amount * MOST_MOVED:
            return
        self._tally.moved += 1
        currency = line.price_list.currency
        words = f"{line.name} from {describe_money(amount, currency)} to {describe_money(line.amount, currency)}"
        self._tally.moves.append(f"{words} (line {line.line})")

    def _count(self, words: set[str]) -> None:
        counts = self._tally.counts
        if words == {"unchanged"}:
            counts.unchanged += 1
        elif "updated" in words or "unchanged" in words:
            counts.updated += 1
        else:
            counts.created += 1


def _plan(line: int, values: dict[str, Any], article: Article, lists: _Lists, received_at: datetime) -> list[_Line]:
    """The row's price, and what was paid for the goods, of a base unit: a crate's is that of each of its 24 pieces."""
    variant_id, factor = article
    found = []
    common: dict[str, Any] = {"line": line, "name": values["article"], "variant_id": variant_id}
    if (amount := to_amount(values["price"])) is not None:
        found.append(
            _Line(
                **common,
                price_list=lists.find(values),
                amount=price_a_unit(amount, factor),
                min_quantity=count_units(Decimal(values["min_quantity"]), factor),
                valid_from=datetime.fromisoformat(values["valid_from"]) if values["valid_from"] else ALWAYS,
                valid_until=datetime.fromisoformat(values["valid_until"]) if values["valid_until"] else None,
            )
        )
    if (paid := to_amount(values["inward_price"])) is not None:
        came = datetime.fromisoformat(values["inward_at"]) if values["inward_at"] else received_at
        amount = price_a_unit(paid, factor)
        found.append(_Line(**common, price_list=lists.find_inward(values), amount=amount, came=came))
    return found


def find_articles(feed: Feed, names: set[str]) -> dict[str, Article]:
    """Which of ours a file calls so; a barcode that several carry names none of them."""
    variants = Variant.plain.filter(merchant_id=feed.merchant_id)
    if feed.identify == Identify.CODE:
        return {code: (pk, ONE) for code, pk in variants.filter(code__in=names).values_list("code", "pk")}
    if feed.identify == Identify.BARCODE:
        found: dict[str, list[int]] = defaultdict(list)
        for barcode, pk in variants.filter(barcode__in=names).values_list("barcode", "pk"):
            found[barcode].append(pk)
        return {barcode: (pks[0], ONE) for barcode, pks in found.items() if len(pks) == 1}
    rows = Binding.plain.filter(connection=feed.connection, external_id__in=names, state=Binding.State.BOUND)
    return {row.external_id: (row.variant_id, row.factor) for row in rows if row.variant_id is not None}


class _Lists:
    """The price lists a page names: the back office's own, else one of ours with that code, else a new one."""

    def __init__(self, feed: Feed, rows: Sequence[Row]) -> None:
        self._connection, self._columns = feed.connection, feed.columns
        names = {values["list"] for _line, values in rows}
        lists = PriceList.plain.filter(merchant_id=feed.merchant_id)
        theirs = Q(connection=feed.connection, external_id__in=[*names, INWARD_SLOT])
        ours = Q(connection__isnull=True, code__in=names - {""})
        found = list(lists.filter(theirs | ours).order_by("pk"))
        self._found = {row.code: row for row in found if row.connection_id is None}
        self._found |= {row.external_id: row for row in found if row.connection_id is not None and _is_plain(row)}
        self._inward = next((row for row in found if row.connection_id is not None and not _is_plain(row)), None)

    def find(self, values: dict[str, Any]) -> PriceList:
        """_Refused where the row's currency or tax basis is not the list's."""
        name = values["list"]
        row = self._found.get(name)
        if row is None:
            row = self._found[name] = self._make(name, values)
        self._require_currency(row, values, PRICE)
        tax = values.get("tax_included")
        if tax is not None and tax != row.includes_tax:
            basis = "with" if row.includes_tax else "without"
            words = f"The prices of “{row.name}” are {basis} tax, this one is not: give it a list of its own."
            raise _Refused(TAX, "other_tax_basis", words)
        return row

    def find_inward(self, values: dict[str, Any]) -> PriceList:
        if self._inward is None:
            self._inward = self._make(INWARD_SLOT, values)
        self._require_currency(self._inward, values, INWARD_PRICE)
        return self._inward

    def _require_currency(self, row: PriceList, values: dict[str, Any], column: str) -> None:
        if values["currency"] and values["currency"] != row.currency:
            said = f"{values[column]} {values['currency']}"
            words = f"{said} does not belong into “{row.name}”, which is in {row.currency}."
            raise _Refused(CURRENCY, "other_currency", words)

    def _make(self, name: str, values: dict[str, Any]) -> PriceList:
        """As a pull does; whether its prices are with tax, the first of them says."""
        if not values["currency"]:
            words = f"The list {name or 'of base prices'} is new: say in which currency it is."
            raise _Refused(CURRENCY if CURRENCY in self._columns else LIST, "currency_missing", words)
        row = open_list(connection=self._connection, slot=name, currency=values["currency"])
        if values.get("tax_included") and _is_plain(row):
            row.includes_tax = True
            row.save(update_fields=["includes_tax"])
        return row


def _is_plain(row: PriceList) -> bool:
    return row.kind != PriceList.Kind.INWARD
