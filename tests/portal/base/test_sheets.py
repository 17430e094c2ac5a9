"""Tables as text: what is written is read again to the letter, and what is no table is refused with words."""

from __future__ import annotations

import io
import zipfile
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.base.sheets import (
    LONGEST_CELL,
    SheetError,
    protect,
    read_sheet,
    unprotect,
    write_sheet,
)

# Every character XML or CSV may choke on; no surrogates, which are no text, and no NUL, which CSV refuses.
texts = st.text(
    st.characters(codec="utf-8", exclude_characters="\x00") | st.sampled_from("='+-@\t\r\n\",;_x0D\ufeff"),
    max_size=12,
)
HEADERS = ["a", "b"]


def read(kind: str, data: bytes) -> list[list[str]]:
    return read_sheet(f"x.{kind}", data).rows


@pytest.mark.parametrize("kind", ["csv", "xlsx"])
@given(rows=st.lists(st.tuples(texts, texts).filter(any), max_size=4))
def test_what_is_written_is_read_again_to_the_letter(kind: str, rows: list[tuple[str, str]]) -> None:
    assert read(kind, write_sheet(kind, [HEADERS, *rows])) == [list(row) for row in rows]


@given(text=texts)
def test_a_protected_cell_is_no_formula_and_comes_back(text: str) -> None:
    assert protect(text)[:1] not in set("=+-@\t\r")
    assert unprotect(protect(text)) == text


@pytest.mark.parametrize("kind", ["csv", "xlsx"])
@pytest.mark.parametrize("text", ["00123", "1E5", "2026-11-20", '=HYPERLINK("https://example.com")', "'=1", "1,5"])
def test_bad_input_43_and_46_codes_stay_text(kind: str, text: str) -> None:
    data = write_sheet(kind, [HEADERS, [text, "x"]])
    assert read(kind, data) == [[text, "x"]]
    if kind == "xlsx":
        sheet = zipfile.ZipFile(io.BytesIO(data)).read("xl/worksheets/sheet1.xml").decode()
        assert (sheet.count('t="inlineStr"'), "<f>" in sheet, "<v>" in sheet) == (4, False, False)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
def test_bad_input_36_letters_are_recognised(encoding: str) -> None:
    assert read("csv", "a;b\r\nGrün;1\r\n".encode(encoding)) == [["Grün", "1"]]


def refused(name: str, data: bytes) -> tuple[str, str]:
    with pytest.raises(SheetError) as caught:
        read_sheet(name, data)
    return caught.value.code, caught.value.message


@pytest.mark.parametrize(
    ("data", "code", "words"),
    [
        (b"a,b\n\x81\x8d,1\n", "encoding_unknown", "save it as UTF-8"),
        (b"a,b\nx,1\ny\x00,2\n", "nul_character", "Line 3"),
        (b'a,b\nx,1\n"y,2\nz,3\n', "unclosed_quote", "line 3"),
        (b"a,b\n" + b"x" * (LONGEST_CELL + 1) + b",1\n", "cell_too_long", "line 2"),
        (b"a,b\nx,1,2\n", "row_too_long", "Line 2"),
        (b"", "headers_missing", "empty"),
        (b"x" * 5_000_001, "too_large", "5,000,001"),
    ],
)
def test_bad_inputs_36_to_40_say_where(data: bytes, code: str, words: str) -> None:
    found, message = refused("x.csv", data)
    assert found == code
    assert words in message


def archive(**parts: Any) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as book:
        for name, text in {"xl/worksheets/sheet1.xml": "<worksheet/>", **parts}.items():
            book.writestr(name, text)
    return out.getvalue()


def test_bad_inputs_44_and_45_no_bomb_no_path_out_no_macro_no_renamed_file() -> None:
    assert refused("x.xlsx", archive(**{"xl/worksheets/sheet2.xml": b" " * 70_000_000}))[0] == "too_large"
    for name in ("../x.xml", "/etc/x", "xl/vbaProject.bin"):
        assert refused("x.xlsx", archive(**{name: "x"}))[0] == "file_type_not_allowed"
    good = write_sheet("xlsx", [HEADERS, ["1", "2"]])
    for name, data in (("x.csv", good), ("x.xlsm", good), ("x.xlsx", b"a,b\n"), ("x.exe", b"MZ"), ("x", b"a,b\n")):
        assert refused(name, data)[0] == "file_type_not_allowed"
    assert refused("x.xlsx", good[:200])[0] == "file_type_not_allowed"


def test_bad_inputs_47_to_49_no_document_type_in_a_sheet() -> None:
    bomb = '<!DOCTYPE x [<!ENTITY a "aaaa">]><worksheet>&a;</worksheet>'
    assert refused("x.xlsx", archive(**{"xl/worksheets/sheet1.xml": bomb}))[0] == "dtd_forbidden"


def test_what_a_spreadsheet_writes_is_read_numbers_noted_formulas_as_text() -> None:
    sheet = (
        '<x:worksheet xmlns:x="m"><x:sheetData>'
        '<x:row r="1"><x:c r="A1" t="s"><x:v>0</x:v></x:c><x:c r="C1" t="s"><x:v>1</x:v></x:c></x:row>'
        '<x:row r="4"><x:c r="A4"><x:v>123</x:v></x:c><x:c r="B4" t="str"><x:f>1+1</x:f><x:v>2</x:v></x:c>'
        '<x:c r="C4" t="s"><x:v>1</x:v></x:c></x:row></x:sheetData></x:worksheet>'
    )
    strings = "<sst><si><r><t>co</t></r><r><t>de</t></r><rPh><t>aid</t></rPh></si><si><t>_x0041_&amp;b</t></si></sst>"
    found = read_sheet("x.xlsx", archive(**{"xl/worksheets/sheet1.xml": sheet, "xl/sharedStrings.xml": strings}))
    assert found.headers == ["code", "", "A&b"]
    assert (found.rows, found.lines) == ([["123", "=1+1", "A&b"]], [4])
    assert found.numbers == {(4, 1)}
