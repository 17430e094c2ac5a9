"""Rows of a table of stock, made into what staging takes; what is wrong with a row is said of that row."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from portal.base.tables import NotPlain, Table, Typed

ARTICLE, QUANTITY, LOCATION = "article", "quantity", "location"
FIELDS = (ARTICLE, QUANTITY, LOCATION)
REQUIRED = (ARTICLE, QUANTITY)
# Headers that are taken for a field where nobody has said which is.
USUAL = {
    ARTICLE: ("sku", "code", "article", "item", "item code", "product code", "reference", "barcode", "ean"),
    QUANTITY: ("quantity", "qty", "stock", "on hand", "available", "inventory"),
    LOCATION: ("location", "warehouse", "store", "site", "branch"),
}
LONGEST_ARTICLE = 200
LARGEST = 10**9  # units
MOST_SAID, MOST_DOUBTS = 200, 20
BLOCK = 5_000
MOST_PLAIN = 16  # columns: all of them are staged
KNOWN_FIGURES, LONGEST_KNOWN = 50_000, 20
THOUSAND = 1000
PLAIN = re.compile(r"[+-]?[0-9]{1,12}(\.[0-9]+)?")
COMMA = re.compile(r"[+-]?[0-9.]{1,15},[0-9]+")
# What a spreadsheet makes of a code: 1E5, 2024-05-01; and a code whose zeros it would take away.
DOUBTFUL = re.compile(r"0[0-9]+|[0-9]+(?:\.[0-9]+)?[eE][+-]?[0-9]+|[0-9]{1,4}[-/.][0-9]{1,2}[-/.][0-9]{1,4}")
StagedRow = tuple[int, str, int, int]  # line, article, location, thousandths


@dataclass(frozen=True, slots=True, kw_only=True)
class RowNote:
    """Something about a cell: `column` is its header."""

    line: int
    column: str
    code: str
    message: str


@dataclass(kw_only=True)
class Notes:
    """How many rows there were and how many cannot be used, and the first of what is to be said about them."""

    seen: int = 0
    failed: int = 0
    errors: list[RowNote] = field(default_factory=list)
    warnings: list[RowNote] = field(default_factory=list)


class BadCell(Exception):
    def __init__(self, column: str, code: str, message: str) -> None:
        super().__init__(message)
        self.column, self.code, self.message = column, code, message


def suggest_columns(header: list[str], remembered: Mapping[str, str]) -> dict[str, str]:
    """field → header: as last time where those columns are there, else by their usual names."""
    found = {name: column for name, column in remembered.items() if column in header}
    for name, usual in USUAL.items():
        if name not in found and not remembered:
            matching = [column for column in header if column.casefold() in usual and column not in found.values()]
            if matching:
                found[name] = matching[0]
    return found


def parse_quantity(text: str, *, decimal_comma: bool) -> int:
    """Thousandths of a unit; BadCell where it is no number, too large or too fine."""
    plain = text.strip()
    if decimal_comma and COMMA.fullmatch(plain):
        plain = plain.replace(".", "").replace(",", ".")
    if not (plain.isascii() and PLAIN.fullmatch(plain)):
        if COMMA.fullmatch(plain):
            words = f"{text!r}: write 1.5, or say that the file has decimal commas."
            raise BadCell(QUANTITY, "decimal_separator", words)
        raise BadCell(
            QUANTITY, "invalid_decimal", f"{text[:40]!r} is no number." if text else "The quantity is missing."
        )
    scaled = Decimal(plain) * THOUSAND
    if scaled != scaled.to_integral_value():
        raise BadCell(QUANTITY, "too_fine", f"{plain} has more than three decimals.")
    if abs(scaled) > LARGEST * THOUSAND:
        raise BadCell(QUANTITY, "quantity_out_of_range", f"{plain} is more than {LARGEST:,}.")
    return int(scaled)


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
        self.article_at, self.quantity_at = (table.header.index(columns[name]) for name in REQUIRED)
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
                row = cells if len(cells) == width else self._fit(cells, width)
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

    def _fit(self, row: list[str], width: int) -> list[str]:
        """A sheet leaves empty cells at the end out; a line of CSV with too few or too many is not understood."""
        if self._table.encoding == "xlsx" and len(row) < width:
            return row + [""] * (width - len(row))
        if not any(row[width:]) and len(row) > width:
            return row[:width]
        words = f"The line has {len(row)} cells, the first row {width}."
        raise BadCell("", "wrong_number_of_cells", words)

    def _clean(self, article: str) -> str:
        cleaned = article.strip()
        if not cleaned:
            raise BadCell(ARTICLE, "article_missing", "The article is missing.")
        if len(cleaned) > LONGEST_ARTICLE:
            raise BadCell(ARTICLE, "article_too_long", f"An article has at most {LONGEST_ARTICLE} characters.")
        if any(unicodedata.category(letter) in {"Cc", "Cs"} for letter in cleaned):
            raise BadCell(ARTICLE, "article_invalid", "The article has a line break or another invisible character.")
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
        self.notes.failed += 1
        if len(self.notes.errors) < MOST_SAID:
            column = self._columns.get(error.column, "")
            self.notes.errors.append(RowNote(line=line, column=column, code=error.code, message=error.message))

    def _note_doubts(self, line: int, article: str) -> Any:
        """Says it where a spreadsheet may have changed the code; None once enough was said."""
        if isinstance(article, Typed) or DOUBTFUL.fullmatch(article):
            words = f"{article[:80]} is kept as it is written; a spreadsheet may have changed it. Format codes as text."
            note = RowNote(line=line, column=self._columns[ARTICLE], code="code_doubtful", message=words)
            self.notes.warnings.append(note)
        return self._note_doubts if len(self.notes.warnings) < MOST_DOUBTS else None
