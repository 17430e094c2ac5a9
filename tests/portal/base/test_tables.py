"""Tables as text: what is written is read again to the letter, and what is no table is refused with words."""

from __future__ import annotations

import io
import zipfile
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.base.tables import LONGEST_CELL, TableError, Typed, open_table, protect, read_sheet, unprotect, write_table
from portal.base.tables.cells import Formula

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
    assert read(kind, write_table(kind, [HEADERS, *rows])) == [list(row) for row in rows]


@given(text=texts)
def test_a_protected_cell_is_no_formula_and_comes_back(text: str) -> None:
    assert protect(text)[:1] not in set("=+-@\t\r")
    assert unprotect(protect(text)) == text


@pytest.mark.parametrize("kind", ["csv", "xlsx"])
@pytest.mark.parametrize("text", ["00123", "1E5", "2026-11-20", '=HYPERLINK("https://example.com")', "'=1", "1,5"])
def test_bad_input_43_and_46_codes_stay_text(kind: str, text: str) -> None:
    data = write_table(kind, [HEADERS, [text, "x"]])
    assert read(kind, data) == [[text, "x"]]
    if kind == "xlsx":
        sheet = zipfile.ZipFile(io.BytesIO(data)).read("xl/worksheets/sheet1.xml").decode()
        assert (sheet.count('t="inlineStr"'), "<f>" in sheet, "<v>" in sheet) == (4, False, False)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
def test_bad_input_36_letters_are_recognised(encoding: str) -> None:
    assert read("csv", "a;b\r\nGrün;1\r\n".encode(encoding)) == [["Grün", "1"]]


def refused(name: str, data: bytes) -> tuple[str, str]:
    with pytest.raises(TableError) as caught:
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
        (b"a,,c\nx,1,2\n", "header_wrong", "these have no name: 2"),
        (b"a,A\nx,1\n", "header_wrong", "twice: A, a"),
        (b"", "file_empty", "no rows"),
        (b"a\n" + b"x\n" * 100_001, "file_too_large", "100,000 rows"),
        (b"x" * 5_000_001, "file_too_large", "5,000,001"),
    ],
)
def test_bad_inputs_36_to_40_say_where(data: bytes, code: str, words: str) -> None:
    found, message = refused("x.csv", data)
    assert found == code
    assert words in message


WORKBOOK = {
    "xl/workbook.xml": '<workbook xmlns="m" xmlns:r="r"><sheets><sheet r:id="rId1"/></sheets></workbook>',
    "xl/_rels/workbook.xml.rels": '<R xmlns="r"><Relationship Id="rId1" Target="worksheets/sheet1.xml"/></R>',
    "xl/worksheets/sheet1.xml": "<worksheet/>",
}


def archive(**parts: Any) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as book:
        for name, text in {**WORKBOOK, **parts}.items():
            book.writestr(name, text)
    return out.getvalue()


def test_bad_inputs_44_and_45_no_bomb_no_path_out_no_macro_no_renamed_file() -> None:
    assert refused("x.xlsx", archive(**{"xl/worksheets/sheet2.xml": b" " * 70_000_000}))[0] == "file_too_large"
    for name in ("../x.xml", "..\\x.xml", "/etc/x", "xl/vbaProject.bin", "xl/run.exe"):
        assert refused("x.xlsx", archive(**{name: "x"}))[0] == "file_type_not_allowed"
    good = write_table("xlsx", [HEADERS, ["1", "2"]])
    for name, data in (("x.csv", good), ("x.xlsm", good), ("x.xlsx", b"a,b\n"), ("x.exe", b"MZ"), ("../x.csv", b"a\n")):
        assert refused(name, data)[0] == "file_type_not_allowed"
    assert refused("x.xlsx", good[:200])[0] == "file_type_not_allowed"


def test_bad_inputs_47_to_49_no_document_type_in_a_sheet() -> None:
    bomb = '<!DOCTYPE x [<!ENTITY a "aaaa">]><worksheet>&a;</worksheet>'
    assert refused("x.xlsx", archive(**{"xl/worksheets/sheet1.xml": bomb}))[0] == "dtd_forbidden"


SHEET = (
    '<x:worksheet xmlns:x="m"><x:sheetData>'
    '<x:row r="1"><x:c r="A1" t="s"><x:v>0</x:v></x:c><x:c r="B1" t="inlineStr"><x:is><x:t>n</x:t></x:is></x:c>'
    '<x:c r="C1" t="s"><x:v>1</x:v></x:c></x:row>'
    '<x:row r="4"><x:c r="A4"><x:v>123</x:v></x:c><x:c r="B4" t="str"><x:f>1+1</x:f><x:v>2</x:v></x:c>'
    '<x:c r="C4" t="s"><x:v>1</x:v></x:c></x:row>'
    '<x:row r="6"><x:c r="A6"><x:v>12345678901234567</x:v></x:c><x:c r="B6"><x:v>3.3000000000000003</x:v></x:c></x:row>'
    '<x:row r="7"><x:c r="B7"><x:f>A1</x:f></x:c></x:row></x:sheetData></x:worksheet>'
)
STRINGS = (
    '<sst xmlns="m"><si><r><t>co</t></r><r><t>de</t></r><rPh><t>aid</t></rPh></si><si><t>_x0041_&amp;b_xD83D_</t></si>'
    "</sst>"
)


def test_what_a_spreadsheet_writes_is_read_numbers_noted_formulas_as_text() -> None:
    data = archive(**{"xl/worksheets/sheet1.xml": SHEET, "xl/sharedStrings.xml": STRINGS})
    found = read_sheet("x.xlsx", data)
    assert found.headers == ["code", "n", "A&b_xD83D_"]
    assert found.rows == [["123", "=1+1", "A&b_xD83D_"], ["12345678901234567", "3.3", ""], ["", "=A1", ""]]
    assert found.lines == [4, 6, 7]
    assert found.numbers == {(4, 1), (6, 1), (6, 2)}


def test_a_table_read_row_by_row_has_the_results_of_formulas_and_says_so() -> None:
    data = archive(**{"xl/worksheets/sheet1.xml": SHEET, "xl/sharedStrings.xml": STRINGS})
    rows = list(open_table(io.BytesIO(data), "x.xlsx").rows)
    assert rows[:2] == [(4, ["123", "2", "A&b_xD83D_"]), (6, ["12345678901234567", "3.3"])]
    assert [type(cell) for cell in rows[0][1]] == [Typed, Formula, str]


@pytest.mark.parametrize(
    "parts",
    [
        {"xl/workbook.xml": "<workbook"},
        {"xl/sharedStrings.xml": "<sst"},
        {"xl/_rels/workbook.xml.rels": "<R/>"},
        {"xl/worksheets/sheet1.xml": "<worksheet><row r='x'><c><v>1</v></c></row></worksheet>"},
        {"xl/worksheets/sheet1.xml": "<worksheet><row><c t='s'><v>9</v></c></row></worksheet>"},
    ],
)
def test_a_damaged_workbook_is_refused_with_words(parts: dict[str, str]) -> None:
    assert refused("x.xlsx", archive(**parts))[0] in {"file_type_not_allowed", "file_damaged"}
