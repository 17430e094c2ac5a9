"""Opening what somebody sent: which kind of file it is, whatever its name says, and the table in it."""

from __future__ import annotations

import io
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import BinaryIO

from portal.base.tables.cells import Formula, Row, Table, TableError, Typed, unprotect
from portal.base.tables.delimited import open_csv
from portal.base.tables.workbook import LARGEST, open_workbook

MOST_BYTES, MOST_UNPACKED, MOST_ROWS = 5_000_000, 60_000_000, 100_000  # of a table that is read as a whole
ZIP = b"PK\x03\x04"
# How files begin that are neither text nor XLSX, whatever their name says.
FOREIGN = (b"\xd0\xcf\x11\xe0", b"%PDF", b"\x89PNG", b"\xff\xd8\xff", b"GIF8", b"MZ", b"\x7fELF", b"\x1f\x8b", b"Rar!",
           b"7z\xbc\xaf", b"{\\rtf", b"SQLite format 3")  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Sheet:
    """A table as a whole. `rows` are as wide as `headers`; `lines[i]` is where row i stands in the file. `numbers`: the
    (line, column) of cells that were kept there as numbers, whose zeros in front are lost already."""

    headers: Row
    rows: list[Row]
    lines: list[int]
    numbers: frozenset[tuple[int, int]] = field(default_factory=frozenset)


def open_table(file: BinaryIO, filename: str, *, largest: int = LARGEST) -> Table:
    """The table in this file; TableError where there is none. The file must be seekable and stay open. `largest`:
    bytes a workbook may have when unpacked."""
    suffix = _check_name(filename)
    start = file.read(8)
    file.seek(0)
    if start.startswith(ZIP) and suffix in {".xlsx", ""}:
        return open_workbook(file, largest=largest)
    if suffix == ".xlsx" or start.startswith((b"PK", *FOREIGN)):
        raise TableError("file_type_not_allowed", f"{filename} is not what its name says: send CSV or XLSX.")
    return open_csv(file)


def read_sheet(filename: str, data: bytes) -> Sheet:
    """A table a person edits in a spreadsheet: cells as they were typed, a formula as its own text and never its
    result, the ' of `protect` taken off; TableError where it is none, or has more than a person edits."""
    if len(data) > MOST_BYTES:
        words = f"The file has {len(data):,} bytes; {MOST_BYTES:,} is the most: split it."
        raise TableError("file_too_large", words, status=413)
    table = open_table(io.BytesIO(data), filename, largest=MOST_UNPACKED)
    width = len(table.header)
    rows, lines, numbers = list[Row](), list[int](), set[tuple[int, int]]()
    for line, cells in table.rows:
        if not any(map(_as_typed, cells)):
            continue
        if any(map(_as_typed, cells[width:])):
            raise TableError("row_too_long", f"Line {line} has more cells than there are columns.", line=line)
        if len(rows) == MOST_ROWS:
            raise TableError("file_too_large", f"The file has more than {MOST_ROWS:,} rows: split it.", status=413)
        kept = cells[:width] + [""] * (width - len(cells))
        typed = [place for place, cell in enumerate(kept, 1) if isinstance(cell, Typed)]
        numbers.update((line, place) for place in typed if not isinstance(kept[place - 1], Formula))
        rows.append([unprotect(_as_typed(cell)) for cell in kept])
        lines.append(line)
    return Sheet(headers=table.header, rows=rows, lines=lines, numbers=frozenset(numbers))


def _as_typed(cell: str) -> str:
    return f"={cell.formula}" if isinstance(cell, Formula) else str(cell)


def _check_name(filename: str) -> str:
    path = PurePosixPath(filename.replace("\\", "/"))
    if len(path.parts) > 1 or path.name in {"", "..", "."} or "\0" in filename:
        raise TableError("file_type_not_allowed", "A file's name is a name, not a path.")
    suffix = path.suffix.lower()
    if suffix not in {".csv", ".txt", ".tsv", ".xlsx", ""}:
        words = f"{suffix} files are not taken: save it as CSV or as XLSX without macros."
        raise TableError("file_type_not_allowed", words)
    return suffix
