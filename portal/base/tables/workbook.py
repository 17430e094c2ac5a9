"""The first sheet of an XLSX file, row by row: in memory are a block of it and its shared texts, which are capped.

ECMA-376 part 1, 18.3 (sheets) and 18.4.8 (shared texts):
https://ecma-international.org/publications-and-standards/standards/ecma-376/
"""

from __future__ import annotations

import re
import zipfile
import zlib
from collections.abc import Iterator
from decimal import Decimal
from pathlib import PurePosixPath
from typing import BinaryIO
from xml.parsers import expat

from portal.base.tables.cells import (
    BLOCK,
    LONGEST_CELL,
    MOST_COLUMNS,
    Formula,
    Row,
    Table,
    TableError,
    Typed,
    check_header,
    too_long,
)

MOST_PARTS = 2_000
LARGEST = 512 << 20  # unpacked
LARGEST_TEXTS = 64 << 20  # the table of shared texts is held in memory
MOST_PACKED = 250  # times; plain sheets reach 10 to 50
# What is raised where the archive, its compression, its XML or a number in it is not what it should be.
DAMAGED = (zipfile.BadZipFile, zlib.error, expat.ExpatError, OSError, EOFError, ValueError, IndexError)
SYMLINK, FILE_TYPE = 0o120000, 0o170000
CELL = re.compile(r"([A-Z]{1,3})[0-9]+")
ESCAPED = re.compile(r"_x((?![Dd][89A-Fa-f])[0-9A-Fa-f]{4})_")  # half a surrogate pair is no letter


def open_workbook(file: BinaryIO, *, largest: int = LARGEST) -> Table:
    """The table; TableError where it is too large, no workbook, or brings macros along."""
    try:
        book = zipfile.ZipFile(file)
        _check_parts(book.infolist(), largest)
        texts = list(_read_texts(book))
        rows = _guard(_read_rows(book, _find_sheet(book), texts))
        header = check_header(next(rows, (0, list[str]()))[1])
    except (KeyError, NotImplementedError, RuntimeError, *DAMAGED) as error:
        raise TableError("file_type_not_allowed", f"This is not a workbook that can be read: {error}.") from error
    return Table(header=header, rows=rows, encoding="xlsx")


def _guard(rows: Iterator[tuple[int, Row]]) -> Iterator[tuple[int, Row]]:
    try:
        yield from rows
    except DAMAGED as error:
        raise TableError("file_damaged", f"The workbook is damaged: {error}.") from error


def _check_parts(parts: list[zipfile.ZipInfo], largest: int) -> None:
    """Before anything is unpacked: no bomb, no path out, no macros, no links."""
    unpacked, packed = sum(part.file_size for part in parts), sum(part.compress_size for part in parts)
    if len(parts) > MOST_PARTS or unpacked > largest or unpacked > BLOCK + MOST_PACKED * packed:
        raise TableError("file_too_large", "The workbook is too large when unpacked: send it as CSV.", status=413)
    for part in parts:
        path = PurePosixPath(part.filename.replace("\\", "/"))
        if path.is_absolute() or ".." in path.parts or (part.external_attr >> 16) & FILE_TYPE == SYMLINK:
            raise TableError("file_type_not_allowed", "The workbook's parts lead outside of it.")
        if path.name.lower() == "vbaproject.bin" or path.suffix.lower() in {".exe", ".dll"} or part.flag_bits & 1:
            words = "Workbooks with macros or a password are not taken: save it as plain XLSX or CSV."
            raise TableError("file_type_not_allowed", words)


class _Xml:
    """Runs expat over a part of the workbook; a document type is refused, and with it every entity of its own."""

    def __init__(self) -> None:
        self._parser = expat.ParserCreate(namespace_separator=" ")
        self._parser.buffer_text = True
        self._parser.StartDoctypeDeclHandler = self._refuse
        self._parser.StartElementHandler = lambda name, attributes: self.start(name.rpartition(" ")[2], attributes)
        self._parser.EndElementHandler = lambda name: self.end(name.rpartition(" ")[2])
        self._parser.CharacterDataHandler = self.text

    def _refuse(self, *_: object) -> None:
        raise TableError("dtd_forbidden", "The workbook declares a document type.")

    def start(self, name: str, attributes: dict[str, str]) -> None:
        """An element begins."""

    def end(self, name: str) -> None:
        """An element ends."""

    def text(self, text: str) -> None:
        """Text of the element open."""

    def feed(self, book: zipfile.ZipFile, part: str) -> Iterator[None]:
        """Runs it; pauses after each block."""
        with book.open(part) as stream:
            while block := stream.read(BLOCK // 8):
                self._parser.Parse(block, False)
                yield
            self._parser.Parse(b"", True)
            yield


class _Names(_Xml):
    """The sheets of the workbook by their relation, and where relations lead."""

    def __init__(self) -> None:
        super().__init__()
        self.sheets: list[str] = []
        self.targets: dict[str, str] = {}

    def start(self, name: str, attributes: dict[str, str]) -> None:
        if name == "sheet":
            self.sheets += [value for key, value in attributes.items() if key.endswith(" id")]
        elif name == "Relationship":
            self.targets[attributes.get("Id", "")] = attributes.get("Target", "")


def _find_sheet(book: zipfile.ZipFile) -> str:
    names = _Names()
    for _ in names.feed(book, "xl/workbook.xml"):
        pass
    relations = _Names()
    for _ in relations.feed(book, "xl/_rels/workbook.xml.rels"):
        pass
    target = relations.targets.get(names.sheets[0], "") if names.sheets else ""
    return target.lstrip("/") if target.startswith("/") else f"xl/{target}"


class _Texts(_Xml):
    """Shared texts in their order; the phonetic runs of a text are no part of it."""

    def __init__(self) -> None:
        super().__init__()
        self.done: list[str] = []
        self._parts: list[str] = []
        self._inside = self._phonetic = False

    def start(self, name: str, attributes: dict[str, str]) -> None:
        self._inside = name == "t" and not self._phonetic
        if name == "si":
            self._parts = []
        elif name == "rPh":
            self._phonetic = True

    def end(self, name: str) -> None:
        self._inside = False
        if name == "si":
            self.done.append(_unescape("".join(self._parts)))
        elif name == "rPh":
            self._phonetic = False

    def text(self, text: str) -> None:
        if self._inside:
            self._parts.append(text)


def _read_texts(book: zipfile.ZipFile) -> Iterator[str]:
    name = "xl/sharedStrings.xml"
    if name not in book.namelist():
        return
    if book.getinfo(name).file_size > LARGEST_TEXTS:
        raise TableError("file_too_large", "The workbook has too many different texts: send it as CSV.", status=413)
    texts = _Texts()
    for _ in texts.feed(book, name):
        yield from texts.done
        texts.done.clear()


class _Sheet(_Xml):
    """Rows as they end. A cell: its column, its kind, and the text of <v> or <t>."""

    def __init__(self, texts: list[str]) -> None:
        super().__init__()
        self.done: list[tuple[int, Row]] = []
        self._texts, self._row, self._line = texts, list[str](), 0
        self._column, self._kind = 0, ""
        self._parts, self._formula = list[str](), list[str]()
        self._inside: list[str] | None = None  # where the text of the element open goes
        self._has_formula = False

    def start(self, name: str, attributes: dict[str, str]) -> None:
        self._inside = self._parts if name in {"v", "t"} else None
        if name == "c":
            match = CELL.fullmatch(attributes.get("r", ""))
            self._column = _number(match[1]) if match else self._column + 1
            self._kind, self._parts, self._formula = attributes.get("t", "n"), [], []
            self._has_formula = False
        elif name == "row":
            self._line, self._row, self._column = int(attributes.get("r", self._line + 1)), [], 0
        elif name == "f":
            self._inside, self._has_formula = self._formula, True

    def text(self, text: str) -> None:
        if self._inside is not None:
            self._inside.append(text)

    def end(self, name: str) -> None:
        self._inside = None
        if name == "c" and (self._parts or self._has_formula):
            if self._column > MOST_COLUMNS:
                raise TableError("too_many_columns", f"A table has at most {MOST_COLUMNS} columns.", line=self._line)
            self._row += [""] * (self._column - len(self._row) - 1)
            self._row.append(self._value("".join(self._parts)))
        elif name == "row" and any(cell or isinstance(cell, Formula) for cell in self._row):
            self.done.append((self._line, self._row))

    def _value(self, raw: str) -> str:
        if self._kind == "s":
            raw = self._texts[int(raw)]
        elif self._kind != "n":
            raw = _unescape(raw)
        if len(raw) > LONGEST_CELL:
            raise too_long(self._line)
        if "\0" in raw:
            raise TableError("nul_character", f"Line {self._line} has a NUL character.", line=self._line)
        if self._kind == "n" and raw and not (raw.isascii() and raw.isdecimal()):
            # Fifteen digits are what a spreadsheet shows; behind them are the traces of its binary fractions.
            raw = f"{Decimal(f'{float(raw):.15g}'):f}"
        if self._has_formula:
            kept = Formula(raw)
            kept.formula = "".join(self._formula)
            return kept
        return Typed(raw) if self._kind in {"n", "b", "e", "d"} and raw else raw


def _unescape(text: str) -> str:
    """What XML cannot write: _x000D_ (ECMA-376 22.9.2.19)."""
    return ESCAPED.sub(lambda found: chr(int(found[1], 16)), text) if "_x" in text else text


def _number(letters: str) -> int:
    """A = 1, Z = 26, AA = 27"""
    number = 0
    for letter in letters:
        number = number * 26 + ord(letter) - 64
    return number


def _read_rows(book: zipfile.ZipFile, part: str, texts: list[str]) -> Iterator[tuple[int, Row]]:
    sheet = _Sheet(texts)
    for _ in sheet.feed(book, part):
        yield from sheet.done
        sheet.done.clear()
