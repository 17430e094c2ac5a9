"""Rows of a table of stock, made into what staging takes; what is wrong with a row is said of that row."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator, Mapping
from typing import Any

from django.utils.translation import gettext_lazy as _

from catalog.mapping.feed_rows import (
    MOST_DOUBTS,
    BadCell,
    Field,
    Notes,
    RowNote,
    describe_doubt,
    fit,
    is_doubtful,
    read_code,
    read_number,
)
from portal.base.tables import NotPlain, Table, Typed

ARTICLE, QUANTITY, LOCATION = "article", "quantity", "location"
USUAL_ARTICLE = frozenset({
    "sku", "code", "article", "item", "item code", "product code", "reference", "barcode", "ean",
})  # fmt: skip
FIELDS = (
    Field(name=ARTICLE, label=_("The article"), usual=USUAL_ARTICLE, required=True, is_code=True),
    Field(
        name=QUANTITY,
        label=_("How many there are"),
        usual=frozenset({"quantity", "qty", "stock", "on hand", "available", "inventory"}),
        required=True,
    ),
    Field(
        name=LOCATION,
        label=_("Where (none: the back office's own location)"),
        usual=frozenset({"location", "warehouse", "store", "site", "branch"}),
    ),
)
LONGEST_ARTICLE = 200
LARGEST = 10**9  # units
BLOCK = 5_000
MOST_PLAIN = 16  # columns: all of them are staged
KNOWN_FIGURES, LONGEST_KNOWN = 50_000, 20
THOUSAND = 1000
StagedRow = tuple[int, str, int, int]  # line, article, location, thousandths


def parse_quantity(text: str, *, decimal_comma: bool) -> int:
    """Thousandths of a unit; BadCell where it is no number, too large or too fine."""
    if not text:
        raise BadCell(QUANTITY, "invalid_decimal", "The quantity is missing.")
    number = read_number(text, QUANTITY, decimal_comma=decimal_comma, places=3, largest=LARGEST)
    return int(number * THOUSAND)


class StockRows:
    """Blocks of rows for staging; `notes` is complete when they are through.

    `places`: what the file may call a location → its key; `elsewhere`: where a row without a location is.
    """

    def __init__(
        self,
        table: Table,
        columns: Mapping[str, str],
        *,
        places: Mapping[str, int],
        elsewhere: int,
        decimal_comma: bool = False,
    ) -> None:
        self.notes = Notes()
        self._table, self._columns, self._places = table, dict(columns), places
        self.elsewhere, self._decimal_comma = elsewhere, decimal_comma
        self._figures: dict[str, int] = {}
        self.width, self.delimiter = len(table.header), table.delimiter
        self.article_at, self.quantity_at = (table.header.index(columns[name]) for name in (ARTICLE, QUANTITY))
        self.place_at = table.header.index(columns[LOCATION]) if columns.get(LOCATION) else None

    def read_lines(self) -> Generator[bytes, None, None]:
        """The lines as they lie in the file, for a database that splits them; NotPlain where one cannot be."""
        if self._table.read_plain is None or self.width > MOST_PLAIN:
            raise NotPlain
        return self._table.read_plain()

    def read_figures(self, texts: Iterable[str]) -> list[tuple[str, int]]:
        """(cell, thousandths) of different quantities; NotPlain where there are many, or one is none."""
        return [(text, self._or_not_plain(self._read_quantity, text)) for text in self._few(texts)]

    def read_places(self, texts: Iterable[str]) -> list[tuple[str, int]]:
        """(cell, location) of different places; NotPlain where there are many, or nobody knows one."""
        return [(text, self._or_not_plain(self._read_place, text)) for text in self._few(texts)]

    def _few(self, texts: Iterable[str]) -> Iterator[str]:
        for number, text in enumerate(texts):
            if number == KNOWN_FIGURES or len(text) >= LONGEST_ARTICLE:
                raise NotPlain
            yield text

    def _or_not_plain(self, read: Callable[[str], int], text: str) -> int:
        try:
            return read(text)
        except BadCell as error:
            raise NotPlain from error

    def note_plain(self, seen: int, doubtful: Iterable[tuple[int, str]]) -> None:
        """So many lines are staged, and a spreadsheet may have changed these: (line, article)."""
        self.notes.seen = seen
        for line, article in doubtful:
            self._note_doubts(line, article)

    def __iter__(self) -> Iterator[list[StagedRow]]:
        notes, figures, elsewhere = self.notes, self._figures, self.elsewhere
        article_at, quantity_at, place_at = self.article_at, self.quantity_at, self.place_at
        width, doubts = self.width, self._note_doubts
        block: list[StagedRow] = []
        for line, cells in self._table.rows:
            notes.seen += 1
            try:
                row = cells if len(cells) == width else fit(cells, width, is_sheet=self._table.encoding == "xlsx")
                article = row[article_at]
                if not article.isprintable() or article[:1] in {"", " "} or article[-1] == " " or len(article) > 99:
                    article = self._clean(article)
                text = row[quantity_at]
                quantity = figures.get(text)
                if quantity is None:
                    quantity = self._read_quantity(text)
                place = elsewhere if place_at is None else self._read_place(row[place_at])
            except BadCell as error:
                self._refuse(line, error)
                continue
            if doubts is not None and article[0] in "0123456789":
                doubts = doubts(line, article)
            block.append((line, article, place, quantity))
            if len(block) == BLOCK:
                yield block
                block = []
        yield block

    def _clean(self, article: str) -> str:
        if not article.strip():
            raise BadCell(ARTICLE, "article_missing", "The article is missing.")
        cleaned = read_code({ARTICLE: article}, ARTICLE, LONGEST_ARTICLE)
        return Typed(cleaned) if isinstance(article, Typed) else cleaned

    def _read_quantity(self, text: str) -> int:
        quantity = parse_quantity(text, decimal_comma=self._decimal_comma)
        if len(self._figures) < KNOWN_FIGURES and len(text) < LONGEST_KNOWN:
            self._figures[text] = quantity
        return quantity

    def _read_place(self, text: str) -> int:
        name = text.strip()
        if not name:
            return self.elsewhere
        place = self._places.get(name)
        if place is None:
            words = f"Nobody knows the location {name[:80]!r}: map it under Values → Location, or use one of our codes."
            raise BadCell(LOCATION, "unknown_location", words)
        return place

    def _refuse(self, line: int, error: BadCell) -> None:
        column = self._columns.get(error.column, "")
        self.notes.refuse(RowNote(line=line, column=column, code=error.code, message=error.message))

    def _note_doubts(self, line: int, article: str) -> Any:
        """Says it where a spreadsheet may have changed the code; None once enough was said."""
        if is_doubtful(article):
            self.notes.warn(describe_doubt(line, self._columns[ARTICLE], article))
        return self._note_doubts if len(self.notes.warnings) < MOST_DOUBTS else None
