"""What the rows of every feed share: which column is what, how a cell is read, and the words for what is wrong."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from portal.base.tables import Row, Table, Typed

MOST_SAID, MOST_DOUBTS = 200, 20
LONGEST_CODE = 200
OPTION = "option:"  # how the key of a column begins that says one of the options of an article
# Headers that are options where nobody has said so; the name of one may stand in a column beside its value.
USUAL_OPTIONS = {"colour", "color", "size", "material", "flavour", "flavor", "scent", "pattern"}
VALUE_OF = re.compile(r"(.*\d.*?)[ _-]?values?(?:\(s\))?", re.IGNORECASE)
PLAIN = re.compile(r"[+-]?[0-9]{1,12}(\.[0-9]+)?")
COMMA = re.compile(r"[+-]?[0-9.]{1,15},[0-9]+")
DECIMALS = {2: "two", 3: "three", 6: "six"}
# What a spreadsheet makes of a code: 1E5, 2024-05-01; and a code whose zeros it would take away.
DOUBTFUL = re.compile(r"0[0-9]+|[0-9]+(?:\.[0-9]+)?[eE][+-]?[0-9]+|[0-9]{1,4}[-/.][0-9]{1,2}[-/.][0-9]{1,4}")
ISO = re.compile(
    r"([0-9]{4})-?([0-9]{2})-?([0-9]{2})"
    r"(?:[T ]([0-9]{2}):([0-9]{2})(?::([0-9]{2}))?(Z|[+-][0-9]{2}:[0-9]{2})?)?"
)
DOTTED = re.compile(r"([0-9]{1,2})\.([0-9]{1,2})\.([0-9]{4})")
SERIAL = re.compile(r"[0-9]{1,6}(?:\.[0-9]+)?")
FIRST_DAY = datetime(1899, 12, 30)  # noqa: DTZ001  day 0 of a spreadsheet, in the merchant's zone once it is added to
LAST_YEAR = 9998  # what comes later is how systems write "for ever"
YES = {"yes", "y", "true", "1", "x", "incl", "included", "inclusive", "gross"}
NO = {"no", "n", "false", "0", "excl", "excluded", "exclusive", "net", ""}


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """What a column may be: its key, what people call it, and the headers it usually has. `is_code`: a spreadsheet may
    have changed it."""

    name: str
    label: Any
    usual: frozenset[str] = frozenset()
    required: bool = False
    is_code: bool = False


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

    def refuse(self, note: RowNote) -> None:
        self.failed += 1
        if len(self.errors) < MOST_SAID:
            self.errors.append(note)

    def warn(self, note: RowNote) -> None:
        if len(self.warnings) < MOST_DOUBTS:
            self.warnings.append(note)


class BadCell(Exception):
    """`column` is the field's key, '' where it is no cell's fault."""

    def __init__(self, column: str, code: str, message: str) -> None:
        super().__init__(message)
        self.column, self.code, self.message = column, code, message


# --- columns ----------------------------------------------------------------------------------------------------------


def suggest_columns(fields: Sequence[Field], header: Sequence[str], remembered: Mapping[str, str]) -> dict[str, str]:
    """field → header: as last time where those columns are there, else by their usual names."""
    if remembered:
        return {name: column for name, column in remembered.items() if column in header}
    found: dict[str, str] = {}
    for one in fields:
        matching = [column for column in header if _fold(column) in one.usual and column not in found.values()]
        if matching:
            found[one.name] = min(matching, key=lambda column: list(header).index(column))
    return found


def suggest_options(header: Sequence[str], taken: Mapping[str, str]) -> dict[str, str]:
    """The columns that look like options: Colour; or "Option1 Value", with its name in "Option1 Name"."""
    free = [column for column in header if column not in taken.values()]
    return {
        f"{OPTION}{column}": column
        for column in free
        if _fold(column) in USUAL_OPTIONS or find_name_column(column, header)
    }


def find_name_column(column: str, header: Sequence[str]) -> str:
    """The column that names the option whose value is in this one; '' where its own header does."""
    match = VALUE_OF.fullmatch(column)
    if match is None:
        return ""
    wanted = _fold(f"{match[1]} name")
    return next((other for other in header if _fold(other) == wanted), "")


def list_options(columns: Mapping[str, str]) -> list[str]:
    return [column for name, column in columns.items() if name.startswith(OPTION)]


def _fold(text: str) -> str:
    return re.sub(r"[ _-]+", " ", text.strip()).casefold()


# --- rows -------------------------------------------------------------------------------------------------------------


def fit(row: Row, width: int, *, is_sheet: bool) -> Row:
    """A sheet leaves empty cells at the end out; a line of CSV with too few or too many is not understood."""
    if is_sheet and len(row) < width:
        return row + [""] * (width - len(row))
    if not any(row[width:]) and len(row) > width:
        return row[:width]
    raise BadCell("", "wrong_number_of_cells", f"The line has {len(row)} cells, the first row {width}.")


class Rows:
    """The rows of a table as (line, what `parse` makes of it); `notes` is complete when they are through.

    `parse` gets the texts of the columns that mean something, by their fields, and raises BadCell.
    """

    def __init__(
        self,
        table: Table,
        columns: Mapping[str, str],
        fields: Sequence[Field],
        parse: Callable[[Mapping[str, str]], dict[str, Any]],
    ) -> None:
        self.notes = Notes()
        self._table, self._columns, self._parse = table, dict(columns), parse
        # In the file's order, which is that of the options: PostgreSQL does not keep that of a mapping's keys.
        places = ((name, table.header.index(column)) for name, column in columns.items())
        self._places = dict(sorted(places, key=lambda one: one[1]))
        for column in list_options(columns):
            if name := find_name_column(column, table.header):
                self._places[name_key(column)] = table.header.index(name)
        self._codes = [one.name for one in fields if one.is_code and one.name in columns]

    def __iter__(self) -> Iterator[tuple[int, dict[str, Any]]]:
        width, is_sheet = len(self._table.header), self._table.encoding == "xlsx"
        for line, cells in self._table.rows:
            if not any(cells):
                continue
            self.notes.seen += 1
            try:
                row = cells if len(cells) == width else fit(cells, width, is_sheet=is_sheet)
                texts = {name: row[place] for name, place in self._places.items()}
                values = self._parse(texts)
            except BadCell as error:
                column = self._columns.get(error.column, error.column.removeprefix(OPTION))
                self.notes.refuse(RowNote(line=line, column=column, code=error.code, message=error.message))
                continue
            for name in self._codes:
                self._note_doubt(line, name, texts[name])
            yield line, values

    def _note_doubt(self, line: int, name: str, text: str) -> None:
        if text and is_doubtful(text):
            self.notes.warn(describe_doubt(line, self._columns[name], text))


def name_key(column: str) -> str:
    """The key of the column that names the option whose value is in this one."""
    return f"name:{column}"


def is_doubtful(text: str) -> bool:
    return isinstance(text, Typed) or bool(DOUBTFUL.fullmatch(text.strip()))


def describe_doubt(line: int, column: str, text: str) -> RowNote:
    words = f"{text[:80]} is kept as it is written; a spreadsheet may have changed it. Format codes as text."
    return RowNote(line=line, column=column, code="code_doubtful", message=words)


# --- cells ------------------------------------------------------------------------------------------------------------


def read_text(texts: Mapping[str, str], name: str, longest: int, *, needed: bool = False) -> str:
    """A text in one line or many, trimmed; BadCell where it is too long, or missing though it is `needed`."""
    text = str(texts.get(name, "")).strip()
    if needed and not text:
        raise BadCell(name, "value_missing", "This is missing.")
    if len(text) > longest:
        raise BadCell(name, "value_too_long", f"{text[:40]}… has more than {longest} characters.")
    return text


def read_code(texts: Mapping[str, str], name: str, longest: int, *, needed: bool = False) -> str:
    """A text in one line that identifies something."""
    text = read_text(texts, name, longest, needed=needed)
    if any(unicodedata.category(letter) in {"Cc", "Cs"} for letter in text):
        raise BadCell(name, "code_invalid", "A code has no line break and no other invisible character.")
    return text


def read_number(text: str, name: str, *, decimal_comma: bool, places: int, largest: int) -> Decimal:
    """BadCell where it is no number, too large or too fine."""
    plain = text.strip()
    if decimal_comma and COMMA.fullmatch(plain):
        plain = plain.replace(".", "").replace(",", ".")
    if not (plain.isascii() and PLAIN.fullmatch(plain)):
        if COMMA.fullmatch(plain):
            words = f"{text!r}: write 1.5, or say that the file has decimal commas."
            raise BadCell(name, "decimal_separator", words)
        raise BadCell(name, "invalid_decimal", f"{str(text)[:40]!r} is no number.")
    number = Decimal(plain)
    if number.scaleb(places) % 1:
        raise BadCell(name, "too_fine", f"{plain} has more than {DECIMALS[places]} decimals.")
    if abs(number) > largest:
        raise BadCell(name, "quantity_out_of_range", f"{plain} is more than {largest:,}.")
    return number


def read_yes(texts: Mapping[str, str], name: str) -> bool:
    text = texts.get(name, "").strip().casefold()
    if text not in YES | NO:
        raise BadCell(name, "invalid_choice", f"{text[:40]!r} is neither yes nor no.")
    return text in YES


def read_moment(text: str, name: str, zone: ZoneInfo, *, ends: bool = False) -> datetime | None:
    """When something begins or, with `ends`, is over: a day that is the last one is over when the next begins.

    2026-12-31, 20261231, 31.12.2026, with or without a time, or a day as a spreadsheet counts it; None for nothing, and
    for an end that systems write as the year 9999.
    """
    plain = text.strip()
    if not plain:
        return None
    try:
        day, clock, offset = _split_moment(plain, is_typed=isinstance(text, Typed))
    except ValueError:
        words = f"{plain[:40]!r} is no day: write it as 2026-12-31."
        raise BadCell(name, "date_invalid", words) from None
    if day.year > LAST_YEAR and ends:
        return None
    if not 1970 <= day.year <= LAST_YEAR:
        raise BadCell(name, "date_out_of_range", f"{plain[:40]} is not between 1970 and {LAST_YEAR}.")
    if clock is None:
        return datetime.combine(day + timedelta(days=1) if ends else day, time(), zone).astimezone(UTC)
    return datetime.combine(day, clock, offset or zone).astimezone(UTC)


def _split_moment(text: str, *, is_typed: bool) -> tuple[date, time | None, Any]:
    if is_typed and SERIAL.fullmatch(text) and len(text.partition(".")[0]) < 8:
        moment = FIRST_DAY + timedelta(days=float(text))
        return moment.date(), moment.time().replace(microsecond=0) if "." in text else None, None
    if match := DOTTED.fullmatch(text):
        return date(int(match[3]), int(match[2]), int(match[1])), None, None
    match = ISO.fullmatch(text)
    if match is None or not text.isascii():
        raise ValueError(text)
    day = date(int(match[1]), int(match[2]), int(match[3]))
    if match[4] is None:
        return day, None, None
    offset = datetime.fromisoformat(f"2000-01-01T00:00:00{match[7]}").tzinfo if match[7] else None
    return day, time(int(match[4]), int(match[5]), int(match[6] or 0)), offset
