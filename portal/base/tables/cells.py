"""What a table is once it is open: its header, its rows of cells, and what is wrong with it."""

from __future__ import annotations

import re
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass

BLOCK = 1 << 20
LONGEST_CELL = 32_767  # what a cell of a spreadsheet holds
MOST_COLUMNS = 500
CSV, XLSX = "csv", "xlsx"
_FORMULA = re.compile(r"'*[=+\-@\t\r]")
_QUOTED_FORMULA = re.compile(r"'+[=+\-@\t\r]")
Row = list[str]


class TableError(Exception):
    """The file cannot be read as a table: `code`, words for its sender, and where: its line and column, 0 and '' where
    it has none. `status` is 413 where it is too large, else 400."""

    def __init__(self, code: str, message: str, *, line: int = 0, column: str = "", status: int = 400) -> None:
        super().__init__(message)
        self.code, self.message, self.line, self.column, self.status = code, message, line, column, status


class NotPlain(Exception):
    """A line of the file must be read by its rules: its cells are not simply what is between the delimiters."""


class Typed(str):
    """A cell a spreadsheet holds as a number, a date or a formula: what was typed may have been something else."""

    __slots__ = ()


class Formula(Typed):
    """The result a spreadsheet kept of `formula`."""

    __slots__ = ("formula",)
    formula: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """`rows` gives (line in the file, cells) once, empty lines left out; the header is not among them.

    `read_plain`, before or instead of them, gives blocks of whole lines as UTF-8 as they lie below the header, the
    first of them line 2, ended by line feeds (the last one maybe by nothing); NotPlain as soon as one is not plain.
    """

    header: Row
    rows: Iterator[tuple[int, Row]]
    encoding: str
    delimiter: str = ""
    read_plain: Callable[[], Generator[bytes, None, None]] | None = None


def protect(text: str) -> str:
    """What a spreadsheet would run as a formula gets ' in front; `unprotect` takes exactly that off again.
    https://owasp.org/www-community/attacks/CSV_Injection"""
    return f"'{text}" if _FORMULA.match(text) else text


def unprotect(text: str) -> str:
    return text[1:] if _QUOTED_FORMULA.match(text) else text


def check_header(header: Row) -> Row:
    """The names of the columns, trimmed; TableError that lists what is wrong with them."""
    names = [str(name).strip() for name in header]
    if len(names) > MOST_COLUMNS:
        raise TableError("too_many_columns", f"A table has at most {MOST_COLUMNS} columns, this one {len(names)}.")
    while names and not names[-1]:
        names.pop()
    if empty := [str(place) for place, name in enumerate(names, 1) if not name]:
        raise TableError(
            "header_wrong", f"The first row must name each column; these have no name: {', '.join(empty)}."
        )
    folded = [name.casefold() for name in names]
    if twice := sorted({name for name in names if folded.count(name.casefold()) > 1}):
        raise TableError("header_wrong", f"These columns are there twice: {', '.join(twice)}.")
    if not names:
        raise TableError("file_empty", "The file has no rows.")
    return names


def too_long(line: int) -> TableError:
    return TableError("cell_too_long", f"A cell in line {line} has more than {LONGEST_CELL:,} characters.", line=line)
