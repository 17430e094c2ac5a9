"""Tables people and systems send us, as CSV or XLSX: what the file is, its header, and its rows one after another.

Nothing of a file but a block of it is held in memory (XLSX: also its table of shared texts, which is capped). CSV as in
https://www.rfc-editor.org/rfc/rfc4180; the parts of an XLSX as in ECMA-376 part 1, 18.3 (sheets) and 18.4.8 (shared
texts): https://ecma-international.org/publications-and-standards/standards/ecma-376/
"""

from __future__ import annotations

import codecs
import csv
import io
import re
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass
from functools import partial
from itertools import chain
from pathlib import PurePosixPath
from typing import BinaryIO

BLOCK = 1 << 20
LONGEST_CELL = 32_767  # what a cell of a spreadsheet holds
MOST_COLUMNS = 500
DELIMITERS = ",;\t|"
BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
# How files begin that are neither text nor XLSX, whatever their name says.
FOREIGN = (b"\xd0\xcf\x11\xe0", b"%PDF", b"\x89PNG", b"\xff\xd8\xff", b"GIF8", b"MZ", b"\x7fELF", b"\x1f\x8b", b"Rar!",
           b"7z\xbc\xaf", b"{\\rtf", b"SQLite format 3")  # fmt: skip
FORMULA = ("=", "+", "-", "@", "\t", "\r")
# Bytes of a plain line that mean themselves: of ASCII all but quotes, backslashes and what cannot be seen.
THEMSELVES = bytes(byte for byte in range(32, 127) if byte not in b'"\\') + b"\n"
Row = list[str]


class TableError(Exception):
    """The file cannot be read as a table: `code`, words for its sender, and where: its line and column, 0 and '' where
    it has none. `status` is 413 where it is too large, else 400."""

    def __init__(self, code: str, message: str, *, line: int = 0, column: str = "", status: int = 400) -> None:
        super().__init__(message)
        self.code, self.message, self.line, self.column, self.status = code, message, line, column, status


class Typed(str):
    """A cell a spreadsheet holds as a number, a date or a formula: what was typed may have been something else."""

    __slots__ = ()


class NotPlain(Exception):
    """A line of the file must be read by its rules: its cells are not simply what is between the delimiters."""


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


def open_table(file: BinaryIO, filename: str) -> Table:
    """The table in this file; TableError where there is none. The file must be seekable and stay open."""
    suffix = _check_name(filename)
    start = file.read(8)
    file.seek(0)
    if start.startswith(b"PK\x03\x04") and suffix in {".xlsx", ""}:
        from portal.base.spreadsheets import open_sheet

        return open_sheet(file)
    if suffix == ".xlsx" or start.startswith((b"PK", *FOREIGN)):
        raise TableError("file_type_not_allowed", f"{filename} is not what its name says: send CSV or XLSX.")
    return _open_csv(file)


def escape_cell(text: str) -> str:
    """A cell of an export that no spreadsheet takes for a formula."""
    return f"'{text}" if text.startswith(FORMULA) else text


def check_header(header: Row) -> Row:
    """The names of the columns, trimmed; TableError that lists what is wrong with them."""
    names = [name.strip() for name in header]
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


def _check_name(filename: str) -> str:
    path = PurePosixPath(filename.replace("\\", "/"))
    if len(path.parts) > 1 or path.name in {"", "..", "."} or "\0" in filename:
        raise TableError("file_type_not_allowed", "A file's name is a name, not a path.")
    suffix = path.suffix.lower()
    if suffix not in {".csv", ".txt", ".tsv", ".xlsx", ""}:
        words = f"{suffix} files are not taken: save it as CSV or as XLSX without macros."
        raise TableError("file_type_not_allowed", words)
    return suffix


def _open_csv(file: BinaryIO) -> Table:
    encoding = detect_encoding(file)
    text = io.TextIOWrapper(file, encoding=encoding, errors="strict", newline="")
    sample = text.read(BLOCK // 16)
    delimiter = _sniff(sample)
    text.seek(0)
    rows = _read_csv(text, delimiter)
    header = check_header(next(rows, (0, list[str]()))[1])
    plain = partial(_read_plain, file, delimiter) if encoding in {"utf-8", "utf-8-sig"} else None
    return Table(header=header, rows=rows, encoding=encoding, delimiter=delimiter, read_plain=plain)


def detect_encoding(file: BinaryIO) -> str:
    """By its byte order mark, else UTF-8 where all of it is, else cp1252; TableError where it is neither."""
    start = file.read(4096)
    file.seek(0)
    for mark, name in BOMS:
        if start.startswith(mark):
            return _decodes(file, name) or _unknown()
    if start.count(0) >= len(start) // 4 > 0:  # every second byte of plain text in UTF-16
        guess = "utf-16-le" if start[1::2].count(0) >= start[::2].count(0) else "utf-16-be"
        return _decodes(file, guess) or _unknown()
    return _decodes(file, "utf-8") or _decodes(file, "cp1252") or _unknown()


def _decodes(file: BinaryIO, encoding: str) -> str:
    decoder = codecs.getincrementaldecoder(encoding)()
    try:
        while block := file.read(BLOCK):
            if len(block) == BLOCK and b"\n" not in block and b"\r" not in block:
                raise TableError("cell_too_long", f"A line of the file has more than {BLOCK:,} bytes.")
            decoder.decode(block)
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return ""
    finally:
        file.seek(0)
    return encoding


def _unknown() -> str:
    raise TableError("encoding_unknown", "The file's encoding is not known: save it as UTF-8.")


def _sniff(sample: str) -> str:
    """The delimiter there is most of in the first line, outside quotes."""
    line = re.sub(r'"[^"]*"', "", sample).partition("\n")[0]
    best = max(DELIMITERS, key=line.count)
    return best if best in line else ","


def _read_csv(text: io.TextIOWrapper, delimiter: str) -> Iterator[tuple[int, Row]]:
    lines = _Lines(text)
    reader = csv.reader(chain.from_iterable(lines), delimiter=delimiter, strict=True)
    began = 1
    try:
        for row in reader:
            if lines.long and max(map(len, row), default=0) > LONGEST_CELL:
                raise _too_long(began)
            if row:
                yield began, row
            began = reader.line_num + 1
    except csv.Error as error:
        raise _explain(error, began, reader.line_num) from error


def _read_plain(file: BinaryIO, delimiter: str) -> Generator[bytes, None, None]:
    """Looked at a block at a time, in C; afterwards the file is where it was, for who reads it by the rules."""
    place, header = file.tell(), True
    file.seek(0)
    try:
        while block := file.read(BLOCK):
            block += file.readline(BLOCK)
            block = _check_plain(block.removeprefix(codecs.BOM_UTF8) if header else block, delimiter)
            if header:
                block, header = block.partition(b"\n")[2], False
            yield block
    finally:
        file.seek(place)


def _check_plain(block: bytes, delimiter: str) -> bytes:
    """The block with line feeds. Plain: one printable cell beside the other, no quotes, no spaces around them, no empty
    lines, no line that is as long as a cell may be."""
    if b"\r" in block:
        block = block.replace(b"\r\n", b"\n")
    mark, half = delimiter.encode(), LONGEST_CELL // 2
    others = block.translate(None, THEMSELVES + mark)
    if others and (not others.decode().isprintable() or b'"' in others or b"\\" in others):
        raise NotPlain
    beside = (b" " + mark, mark + b" ", b" \n", b"\n ", b"\n\n")
    if block.startswith((b" ", b"\n")) or block.endswith(b" ") or any(pair in block for pair in beside):
        raise NotPlain
    if any(block.find(b"\n", start, start + half) < 0 for start in range(0, len(block) - half, half)):
        raise NotPlain
    return block


class _Lines:
    """Blocks of lines, looked at as a whole: C is fast, a loop over cells is not."""

    def __init__(self, text: io.TextIOWrapper) -> None:
        self._text, self._done = text, 0
        self.long = False  # whether a cell may be too long

    def __iter__(self) -> Iterator[list[str]]:
        while lines := self._text.readlines(BLOCK):
            joined = "".join(lines)
            if "\0" in joined:
                line = next(place for place, line in enumerate(lines, self._done + 1) if "\0" in line)
                raise TableError("nul_character", f"Line {line} has a NUL character.", line=line)
            self.long = '"' in joined or max(map(len, lines)) > LONGEST_CELL
            self._done += len(lines)
            yield lines


def _explain(error: csv.Error, began: int, now: int) -> TableError:
    words = str(error)
    if "unexpected end" in words or ("field larger" in words and now > began):
        return TableError("unclosed_quote", f"The quote opened in line {began} is never closed.", line=began)
    if "field larger" in words:
        return _too_long(began)
    return TableError("row_malformed", f"Line {began} is no row of a CSV file: {words}.", line=began)


def _too_long(line: int) -> TableError:
    return TableError("cell_too_long", f"A cell in line {line} has more than {LONGEST_CELL:,} characters.", line=line)
