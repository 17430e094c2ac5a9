"""CSV, a block of it in memory at a time: https://www.rfc-editor.org/rfc/rfc4180"""

from __future__ import annotations

import codecs
import csv
import io
import re
from collections.abc import Generator, Iterator
from functools import partial
from itertools import chain
from typing import BinaryIO

from portal.base.tables.cells import BLOCK, LONGEST_CELL, NotPlain, Row, Table, TableError, check_header, too_long

DELIMITERS = ",;\t|"
BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
# Bytes of a plain line that mean themselves: of ASCII all but quotes, backslashes and what cannot be seen.
THEMSELVES = bytes(byte for byte in range(32, 127) if byte not in b'"\\') + b"\n"


def open_csv(file: BinaryIO) -> Table:
    """The table in this file; TableError where it is none. The file must be seekable and stay open."""
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
                raise too_long(began)
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
        return too_long(began)
    return TableError("row_malformed", f"Line {began} is no row of a CSV file: {words}.", line=began)
