"""Products a back office writes to us in bulk: its own go the way of a pull or a file of items; of another's it writes
the fields nobody else owns."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction

from catalog.mapping.feed_rows import OPTION, RowNote
from catalog.mapping.item_rows import SKU
from catalog.models import Binding, Product, Variant
from catalog.services.articles import write_products
from catalog.services.bulk_writes import UNCHANGED, UPDATED, Outcome, Refused, refuse
from catalog.services.content import find_owners, list_owned_fields
from catalog.services.item_records import Known, build_record, read_known
from catalog.services.record_staging import Family
from catalog.services.saving import save_product
from integrations.contract import records as r
from integrations.models import Connection, Link, Stream

FIELDS = ("name", "description", "status", "brand", "categories", "image_urls")
ROW_NAMES = {"name": "title", "image_urls": "images"}  # of a row of items, where it is another


@dataclass(frozen=True, slots=True, kw_only=True)
class ArticleChange:
    """One article of a product; None where nothing is said."""

    code: str
    barcode: str | None = None
    unit: str | None = None
    options: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ProductChange:
    """`values`: the FIELDS that are said. `articles` None: those it has; a new product is then its own article."""

    code: str
    values: Mapping[str, Any]
    articles: tuple[ArticleChange, ...] | None = None


@transaction.atomic
def take_products(*, connection: Connection, changes: Sequence[ProductChange], at: datetime) -> list[Outcome]:
    """What is left out stays as it is, articles that are not named among them. As many statements for many as for a
    few, but for products of other back offices."""
    page = _Page(connection, changes)
    outcomes: dict[int, Outcome] = {}
    records: dict[frozenset[str], list[tuple[int, r.ProductRecord]]] = defaultdict(list)
    for place, change in enumerate(changes):
        try:
            page.check(change)
            if change.code in page.foreign:
                outcomes[place] = _write_foreign(page.foreign[change.code], change, at)
            else:
                records[frozenset(FIELDS) - set(change.values)].append((place, page.build(change)))
        except Refused as error:
            outcomes[place] = refuse(change.code, error)
    for leave, rows in records.items():
        told = write_products(connection=connection, records=[record for _, record in rows], at=at, leave=leave)
        for number, (place, _record) in enumerate(rows):
            outcomes[place] = Outcome(code=changes[place].code, status=told[number])
    return [outcomes[place] for place in range(len(changes))]


class _Page:
    """What is known of the products named, read in a few statements."""

    def __init__(self, connection: Connection, changes: Sequence[ProductChange]) -> None:
        self.connection = connection
        self._owners, self._owned = find_owners(connection.merchant_id), list_owned_fields(connection)
        self._seen: set[str] = set()
        codes = [change.code for change in changes]
        ours = Product.plain.filter(merchant_id=connection.merchant_id, code__in=codes)
        links = Link.plain.filter(connection=connection, stream=Stream.PRODUCT, subject_type="product")
        linked = set(links.filter(subject_id__in=ours.values("pk")).values_list("subject_id", flat=True))
        self.foreign = {row.code: row for row in ours if row.pk not in linked}
        self._there = self._read_articles(codes)
        self._families: dict[str, Family] = {}
        for change in changes:
            if change.code not in self.foreign and change.code not in self._families:
                self._families[change.code] = self._family(change)
        self._known: Known = read_known(connection, list(self._families.values()))
        named = {one.code for change in changes for one in change.articles or ()} | set(codes)
        taken = Variant.plain.filter(merchant_id=connection.merchant_id, code__in=named)
        self._taken = dict(taken.values_list("code", "product__code"))

    def _read_articles(self, codes: Sequence[str]) -> dict[str, list[Binding]]:
        """This connection's articles of the products named, by our code of the product."""
        rows = Binding.plain.filter(connection=self.connection, variant__product__code__in=codes)
        found: dict[str, list[Binding]] = defaultdict(list)
        for row in rows.exclude(state=Binding.State.STALE).select_related("variant__product").order_by("pk"):
            if row.variant is not None:
                found[row.variant.product.code].append(row)
        return found

    def check(self, change: ProductChange) -> None:
        """Refused where another back office owns what is written, or an article is another product's."""
        if change.code in self._seen:
            raise Refused("duplicate_item", f"{change.code} is there twice.", "code")
        self._seen.add(change.code)
        said = {*change.values, *(("codes",) if change.articles is not None else ())}
        for name in sorted(said):
            owner = self._owners.get(name)
            if owner is not None and owner != self.connection:
                words = f"The {name.replace('_', ' ')} of products comes from {owner}: change it there, or make"
                raise Refused("other_owner", f"{words} this connection its owner under Flows.", name)
            if owner is None and name not in self._owned:
                words = f"The {name.replace('_', ' ')} of products is written by people here, not by this connection."
                raise Refused("other_owner", words, name)
        for one in change.articles or ():
            if self._taken.get(one.code, change.code) != change.code:
                words = f"{one.code} is an article of {self._taken[one.code]} already."
                raise Refused("code_taken", words, "variants")
        if change.code in self.foreign and change.articles is not None:
            words = f"{change.code} is another back office's product, which alone says what its articles are."
            raise Refused("other_owner", words, "variants")
        if change.code not in self.foreign and self._taken.get(change.code, change.code) != change.code:
            words = f"{change.code} is an article of {self._taken[change.code]}: name that product."
            raise Refused("code_taken", words, "code")

    def build(self, change: ProductChange) -> r.ProductRecord:
        columns = {SKU: "code"} | ({f"{OPTION}options": "options"} if _has_options(change) else {})
        made = build_record(self._families[change.code], self._known, columns, keeps_others=True)
        if isinstance(made, RowNote):
            raise Refused(made.code, made.message, "variants")
        return made

    def _family(self, change: ProductChange) -> Family:
        """The product as rows of a file of items: one an article."""
        said = {ROW_NAMES.get(name, name): value for name, value in change.values.items()}
        rows = self._list_rows(change)
        product = change.code if [row["sku"] for row in rows] != [change.code] else ""
        return Family(
            name=change.code,
            rows=[(place, {**row, "product": product, **said}) for place, row in enumerate(rows, start=1)],
        )

    def _list_rows(self, change: ProductChange) -> list[dict[str, Any]]:
        if change.articles is None and (there := self._there.get(change.code)):
            return [
                {"key": row.external_id, "external_id": row.external_id, "sku": row.reference_code, "options": []}
                for row in there
            ]
        articles = change.articles or (ArticleChange(code=change.code),)
        return [_row(one) for one in articles]


def _row(article: ArticleChange) -> dict[str, Any]:
    row: dict[str, Any] = {"key": article.code, "sku": article.code, "options": [list(one) for one in article.options]}
    row |= {"barcode": article.barcode} if article.barcode is not None else {}
    return row | ({"unit": article.unit} if article.unit is not None else {})


def _has_options(change: ProductChange) -> bool:
    return any(one.options for one in change.articles or ())


def _write_foreign(product: Product, change: ProductChange, at: datetime) -> Outcome:
    """Fields of another back office's product that nobody owns, as a person writes them."""
    changed = {name: value for name, value in change.values.items() if getattr(product, name) != value}
    if not changed:
        return Outcome(code=change.code, status=UNCHANGED)
    for name, value in changed.items():
        setattr(product, name, value)
    save_product(product=product, at=at)
    return Outcome(code=change.code, status=UPDATED)
