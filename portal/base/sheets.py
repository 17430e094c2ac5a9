"""Tables people bring and take: CSV and XLSX as text, cell for cell. No formula is kept, none is made.

XLSX is ECMA-376's smallest part: one sheet, every cell written as an inline string in the format "text", so that 00123
stays 00123. https://ecma-international.org/publications-and-standards/standards/ecma-376/
"""

from __future__ import annotations

import csv
import io
import re
import zipfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any
from xml.parsers import expat
from xml.sax.saxutils import escape

CSV, XLSX = "csv", "xlsx"
MOST_BYTES, MOST_UNPACKED, MOST_PARTS = 5_000_000, 60_000_000, 200
MOST_ROWS, MOST_COLUMNS, LONGEST_CELL = 100_000, 100, 32_767
ZIP = b"PK\x03\x04"
_FORMULA = re.compile(r"'*[=+\-@\t\r]")
_QUOTED_FORMULA = re.compile(r"'+[=+\-@\t\r]")
_ILLEGAL = re.compile(r"[\x00-\x08\x0b-\x1f\ufffe\uffff]|_(?=x[0-9A-Fa-f]{4}_)")
_ESCAPED = re.compile(r"_x([0-9A-Fa-f]{4})_")
_CELL = re.compile(r"([A-Z]{1,3})(\d+)")


class SheetError(Exception):
    """A file that cannot be read: `code` as in the API's problems, words for the person who brought it."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code, self.message = code, message


@dataclass(frozen=True, slots=True, kw_only=True)
class Sheet:
    """`rows` are as wide as `headers`; `lines[i]` is where row i stands in the file. `numbers`: the (line, column) of
    cells that were kept there as numbers, whose zeros in front are lost already."""

    headers: list[str]
    rows: list[list[str]]
    lines: list[int]
    numbers: frozenset[tuple[int, int]] = field(default_factory=frozenset)


def protect(text: str) -> str:
    """What a spreadsheet would run as a formula gets ' in front; `unprotect` takes exactly that off again."""
    return f"'{text}" if _FORMULA.match(text) else text


def unprotect(text: str) -> str:
    return text[1:] if _QUOTED_FORMULA.match(text) else text


def read_sheet(name: str, data: bytes) -> Sheet:
    """The first sheet of a .csv or .xlsx file, cells as text with the ' of `protect` taken off; SheetError."""
    if len(data) > MOST_BYTES:
        raise SheetError("too_large", f"The file has {len(data):,} bytes; {MOST_BYTES:,} is the most.")
    kind = name.rpartition(".")[2].lower()
    if kind not in {CSV, XLSX} or (data[:4] == ZIP) != (kind == XLSX):
        raise SheetError("file_type_not_allowed", f"{name} is neither a CSV nor an XLSX file: save it as one.")
    numbers: set[tuple[int, int]] = set()
    found = _read_xlsx(data, numbers) if kind == XLSX else _read_csv(data)
    table = [(line, cells) for line, cells in found if any(cells)]
    if not table:
        raise SheetError("headers_missing", "The file is empty: its first row must name the columns.")
    headers = [cell.strip() for cell in table[0][1]]
    while headers and not headers[-1]:
        headers.pop()
    rows, lines = [], []
    for line, cells in table[1:]:
        if any(cells[len(headers) :]):
            raise SheetError("row_too_long", f"Line {line} has more cells than there are columns.")
        rows.append([unprotect(cell) for cell in cells[: len(headers)]] + [""] * (len(headers) - len(cells)))
        lines.append(line)
    return Sheet(headers=headers, rows=rows, lines=lines, numbers=frozenset(numbers))


def write_sheet(kind: str, table: Iterable[Sequence[str]]) -> bytes:
    """A .csv (UTF-8 with a mark, as spreadsheets want it) or .xlsx file of these rows."""
    safe = ([protect(cell) for cell in row] for row in table)
    return _write_xlsx(safe) if kind == XLSX else _write_csv(safe)


# --- CSV --------------------------------------------------------------------------------------------------------------


def _read_csv(data: bytes) -> Iterable[tuple[int, list[str]]]:
    text = _decode(data)
    if "\x00" in text:
        line = text.count("\n", 0, text.index("\x00")) + 1
        raise SheetError("nul_character", f"Line {line} has a NUL character in it.")
    first = text.partition("\n")[0]
    delimiter = max(",;\t", key=first.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    line = 1
    while True:
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            if "field larger" in str(error):
                raise _too_long(line) from error
            raise SheetError(
                "unclosed_quote", f'The quote that begins at line {line} is not closed: "{error}".'
            ) from error
        _check_row(line, cells)
        yield line, cells
        line = reader.line_num + 1


def _decode(data: bytes) -> str:
    if data[:2] in {b"\xff\xfe", b"\xfe\xff"}:
        encodings: tuple[str, ...] = ("utf-16",)
    else:
        encodings = ("utf-8-sig", "cp1252")
    for encoding in encodings:
        try:
            return data.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise SheetError("encoding_unknown", "Nobody can tell how the file writes its letters: save it as UTF-8.")


def _check_row(line: int, cells: Sequence[str]) -> None:
    if line > MOST_ROWS:
        raise SheetError("too_large", f"The file has more than {MOST_ROWS:,} rows: split it.")
    if len(cells) > MOST_COLUMNS:
        raise SheetError("row_too_long", f"Line {line} has more than {MOST_COLUMNS} cells.")
    if any(len(cell) > LONGEST_CELL for cell in cells):
        raise _too_long(line)


def _too_long(line: int) -> SheetError:
    return SheetError("cell_too_long", f"A cell in line {line} is longer than {LONGEST_CELL:,} characters.")


def _write_csv(table: Iterable[Sequence[str]]) -> bytes:
    out = io.StringIO(newline="")
    csv.writer(out, lineterminator="\r\n").writerows(table)
    return out.getvalue().encode("utf-8-sig")


# --- XLSX -------------------------------------------------------------------------------------------------------------


def _read_xlsx(data: bytes, numbers: set[tuple[int, int]]) -> Iterable[tuple[int, list[str]]]:
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as book:
            _check_parts(book)
            names = set(book.namelist())
            strings = _read_strings(book.read("xl/sharedStrings.xml")) if "xl/sharedStrings.xml" in names else []
            sheets = sorted(
                (name for name in names if re.fullmatch(r"xl/worksheets/[^/]+\.xml", name)),
                key=lambda name: (len(name), name),
            )
            if not sheets:
                raise SheetError("file_type_not_allowed", "There is no sheet in the file.")
            return _SheetReader(strings, numbers).read(book.read(sheets[0]))
    except (zipfile.BadZipFile, expat.ExpatError, RuntimeError, NotImplementedError, EOFError) as error:
        raise SheetError("file_type_not_allowed", f"The file cannot be read as XLSX: {error}.") from error


def _check_parts(book: zipfile.ZipFile) -> None:
    """Before anything is unpacked: no bomb, no path out, no macros, no links."""
    parts = book.infolist()
    if len(parts) > MOST_PARTS or sum(part.file_size for part in parts) > MOST_UNPACKED:
        raise SheetError("too_large", "The file unpacks to more than a table may be.")
    for part in parts:
        is_link = (part.external_attr >> 16) & 0o170000 == 0o120000
        bad = part.filename.startswith(("/", "\\")) or ".." in part.filename.replace("\\", "/").split("/")
        if bad or is_link or part.filename.lower().endswith(("vbaproject.bin", ".exe", ".dll")):
            raise SheetError("file_type_not_allowed", f"The file has {part.filename!r} in it, which no table needs.")


def _parse(data: bytes, reader: Any) -> None:
    """Feed expat, with no document type: no entity is declared, fetched or expanded."""

    def refuse(*_args: Any) -> None:
        raise SheetError("dtd_forbidden", "The file declares a document type; no table does.")

    parser = expat.ParserCreate()
    parser.buffer_text = True
    parser.StartDoctypeDeclHandler = refuse
    parser.StartElementHandler = lambda name, attributes: reader.start(name.rpartition(":")[2], attributes)
    parser.EndElementHandler = lambda name: reader.end(name.rpartition(":")[2])
    parser.CharacterDataHandler = reader.text
    parser.Parse(data, True)


class _Strings:
    """The shared strings; of rich text the runs together, without its reading aids."""

    def __init__(self) -> None:
        self.found: list[str] = []
        self._parts: list[str] = []
        self._in_text = self._in_aid = False

    def start(self, name: str, attributes: dict[str, str]) -> None:
        if name == "si":
            self._parts = []
        elif name == "rPh":
            self._in_aid = True
        elif name == "t":
            self._in_text = not self._in_aid

    def end(self, name: str) -> None:
        if name == "si":
            self.found.append(_unescape("".join(self._parts)))
        elif name == "rPh":
            self._in_aid = False
        elif name == "t":
            self._in_text = False

    def text(self, data: str) -> None:
        if self._in_text:
            self._parts.append(data)


def _read_strings(data: bytes) -> list[str]:
    reader = _Strings()
    _parse(data, reader)
    return reader.found


class _SheetReader:
    """The rows of a sheet. A formula is its own text, never its result."""

    def __init__(self, strings: list[str], numbers: set[tuple[int, int]]) -> None:
        self._strings, self._numbers = strings, numbers
        self._rows: list[tuple[int, list[str]]] = []
        self._line = self._column = 0
        self._kind, self._reading = "", ""
        self._parts: dict[str, list[str]] = {}

    def read(self, data: bytes) -> list[tuple[int, list[str]]]:
        _parse(data, self)
        return self._rows

    def start(self, name: str, attributes: dict[str, str]) -> None:
        if name == "row":
            self._line = int(attributes.get("r") or self._line + 1)
            self._rows.append((self._line, []))
            self._column = 0
        elif name == "c":
            place = _CELL.fullmatch(attributes.get("r", ""))
            self._column = _column_number(place[1]) if place else self._column + 1
            self._kind, self._parts = attributes.get("t", "n"), {}
        elif name in {"v", "f", "t"}:
            self._reading = name

    def end(self, name: str) -> None:
        if name == "c":
            self._keep()
        elif name in {"v", "f", "t"}:
            self._reading = ""
        elif name == "row":
            _check_row(self._line, self._rows[-1][1])

    def text(self, data: str) -> None:
        if self._reading:
            self._parts.setdefault(self._reading, []).append(data)

    def _keep(self) -> None:
        got = {name: "".join(parts) for name, parts in self._parts.items()}
        value = got.get("v", "")
        if "f" in got:
            text = f"={got['f']}"
        elif self._kind == "s":
            text = self._strings[int(value)] if value.isdecimal() and int(value) < len(self._strings) else ""
        elif self._kind == "inlineStr":
            text = _unescape(got.get("t", ""))
        else:
            text = _unescape(value)
            if self._kind == "n" and text:
                self._numbers.add((self._line, self._column))
        cells = self._rows[-1][1] if self._rows else []
        if self._column > MOST_COLUMNS:
            if text:
                raise SheetError("row_too_long", f"Line {self._line} has more than {MOST_COLUMNS} cells.")
            return
        cells.extend([""] * (self._column - len(cells)))
        cells[self._column - 1] = text


def _column_number(letters: str) -> int:
    number = 0
    for letter in letters:
        number = number * 26 + ord(letter) - 64
    return number


def _column_name(number: int) -> str:
    letters = ""
    while number:
        number, rest = divmod(number - 1, 26)
        letters = chr(65 + rest) + letters
    return letters


def _escape(text: str) -> str:
    """As ECMA-376 22.9.2.19 writes what XML cannot: _x000D_."""
    return escape(_ILLEGAL.sub(lambda found: f"_x{ord(found[0]):04X}_", text))


def _unescape(text: str) -> str:
    return _ESCAPED.sub(lambda found: chr(int(found[1], 16)), text)


_MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_RELATIONS = "http://schemas.openxmlformats.org/package/2006/relationships"
_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml"
_HEAD = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>'
_PARTS = {
    "[Content_Types].xml": (
        f'{_HEAD}<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">'
        '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
        f'<Override PartName="/xl/workbook.xml" ContentType="{_TYPE}.sheet.main+xml"/>'
        f'<Override PartName="/xl/styles.xml" ContentType="{_TYPE}.styles+xml"/>'
        f'<Override PartName="/xl/worksheets/sheet1.xml" ContentType="{_TYPE}.worksheet+xml"/></Types>'
    ),
    "_rels/.rels": (
        f'{_HEAD}<Relationships xmlns="{_RELATIONS}">'
        f'<Relationship Id="rId1" Type="{_OFFICE}/officeDocument" Target="xl/workbook.xml"/></Relationships>'
    ),
    "xl/workbook.xml": (
        f'{_HEAD}<workbook xmlns="{_MAIN}" xmlns:r="{_OFFICE}">'
        '<sheets><sheet name="Sheet1" sheetId="1" r:id="rId1"/></sheets></workbook>'
    ),
    "xl/_rels/workbook.xml.rels": (
        f'{_HEAD}<Relationships xmlns="{_RELATIONS}">'
        f'<Relationship Id="rId1" Type="{_OFFICE}/worksheet" Target="worksheets/sheet1.xml"/>'
        f'<Relationship Id="rId2" Type="{_OFFICE}/styles" Target="styles.xml"/></Relationships>'
    ),
    # Style 1 is number format 49, "@": text.
    "xl/styles.xml": (
        f'{_HEAD}<styleSheet xmlns="{_MAIN}"><fonts count="1"><font/></fonts><fills count="1"><fill/></fills>'
        '<borders count="1"><border/></borders><cellStyleXfs count="1"><xf/></cellStyleXfs>'
        '<cellXfs count="2"><xf/><xf numFmtId="49" applyNumberFormat="1"/></cellXfs></styleSheet>'
    ),
}


def _write_xlsx(table: Iterable[Sequence[str]]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as book:
        for name, text in _PARTS.items():
            book.writestr(name, text)
        with book.open("xl/worksheets/sheet1.xml", "w") as sheet:
            sheet.write(f'{_HEAD}<worksheet xmlns="{_MAIN}"><sheetData>'.encode())
            for line, row in enumerate(table, start=1):
                cells = "".join(
                    f'<c r="{_column_name(place)}{line}" s="1" t="inlineStr"><is>'
                    f'<t xml:space="preserve">{_escape(cell)}</t></is></c>'
                    for place, cell in enumerate(row, start=1)
                )
                sheet.write(f'<row r="{line}">{cells}</row>'.encode())
            sheet.write(b"</sheetData></worksheet>")
    return out.getvalue()
