"""Files of stock: through the API's door, checked as a whole, taken over by a run, nothing dropped in silence."""

from __future__ import annotations

import codecs
import io
import zipfile
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from django.conf import settings
from django.db import connection as database

from catalog import services
from catalog.mapping.feed_rows import BadCell, suggest_columns
from catalog.mapping.stock_rows import FIELDS, StockRows, parse_quantity
from catalog.models import ChannelStock, Feed, FeedMapping, FeedPart, Identify, Reservation, StockRecord
from catalog.services import feed_files, loading, staging
from catalog.tasks import forget_files
from integrations.models import Connection, Flow, RunOutcome, SyncRun, ValueMapping
from integrations.sync import runs
from integrations.sync.execute import execute
from portal.base.tables import open_table
from portal.base.tables.workbook import LARGEST_TEXTS
from portal.tenancy.models import Location
from tests.catalog import feed_door
from tests.world import NOON, D, World, make_world, stocked

HEAD = "sku,quantity\n"


class Door(feed_door.Door):
    """That of stock: what is refused changes no figure."""

    def __init__(self, world: World) -> None:
        super().__init__(world, "stock")

    def refuse(self, body: str | bytes, status: int = 400, **query: Any) -> Any:
        before = figures()
        problem = super().refuse(body, status, **query)
        assert figures() == before
        return problem


def figures() -> dict[str, Decimal]:
    return dict(StockRecord.plain.order_by("variant__code").values_list("variant__code", "quantity"))


def shown() -> dict[str, Decimal]:
    rows = ChannelStock.plain.filter(connection__name="Shop A").order_by("binding__variant__code")
    return dict(rows.values_list("binding__variant__code", "wanted"))


@pytest.fixture
def door(world: World) -> Door:
    stocked(world, "CUP", "MUG", "00123")
    return Door(world)


def workbook(*rows: str, extra: dict[str, bytes] | None = None, sheet: bytes = b"", texts: bytes = b"") -> bytes:
    """An XLSX of these rows, each a string of <c> elements."""
    body = "".join(f'<row r="{line}">{cells}</row>' for line, cells in enumerate(rows, 1))
    main = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    relations = "http://schemas.openxmlformats.org/package/2006/relationships"
    office = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    parts: dict[str, bytes] = {
        "xl/workbook.xml": f'<workbook xmlns="{main}" xmlns:r="{office}"><sheets><sheet name="S" r:id="rId1"/></sheets>'
        "</workbook>".encode(),
        "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{relations}"><Relationship Id="rId1" '
        'Target="worksheets/sheet1.xml"/></Relationships>'.encode(),
        "xl/worksheets/sheet1.xml": sheet
        or f'<worksheet xmlns="{main}"><sheetData>{body}</sheetData></worksheet>'.encode(),
        "xl/sharedStrings.xml": texts
        or f'<sst xmlns="{main}"><si><t>sku</t></si><si><t>quantity</t></si><si><r><t>M</t></r><r><t>UG</t></r></si>'
        "</sst>".encode(),
    }
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in {**parts, **(extra or {})}.items():
            archive.writestr(name, content)
    return file.getvalue()


HEADER = '<c r="A1" t="s"><v>0</v></c><c r="B1" t="s"><v>1</v></c>'


# What a file does -------------------------------------------------------------------------------------------------


def test_a_file_changes_what_differs_and_the_shops_follow(door: Door) -> None:
    told = door.take_over(HEAD + "MUG,7\nCUP,10\nNOBODY,5\n")
    assert told["state"] == "applied"
    assert {name: told[name] for name in ("seen", "created", "updated", "unchanged", "skipped", "failed")} == {
        "seen": 3, "created": 0, "updated": 1, "unchanged": 1, "skipped": 1, "failed": 0,
    }  # fmt: skip
    assert figures() == {"00123": 10, "CUP": 10, "MUG": 7}
    assert shown() == {"00123": 10, "CUP": 10, "MUG": 7}
    run = SyncRun.plain.get()
    assert (run.state, run.seen, run.updated, run.unchanged, run.skipped) == ("done", 3, 1, 1, 1)
    outcome = RunOutcome.plain.get()
    assert (outcome.external_id, outcome.code) == ("NOBODY", "unknown_article")
    assert outcome.message == "Line 4: nobody knows the article NOBODY."
    flow = Flow.plain.get(connection=door.world.erp, stream="stock", direction="pull")
    assert not flow.enabled, "a file makes nobody read the back office"


def test_the_same_file_again_changes_nothing(door: Door) -> None:
    door.take_over(HEAD + "MUG,7\n")
    before = list(StockRecord.plain.order_by("pk").values()), list(ChannelStock.plain.order_by("pk").values())
    told = door.take_over(HEAD + "MUG,7\n")
    assert (told["updated"], told["unchanged"]) == (0, 1)
    after = list(StockRecord.plain.order_by("pk").values()), list(ChannelStock.plain.order_by("pk").values())
    assert after == before


def test_a_dry_run_reports_and_changes_nothing(door: Door) -> None:
    before = figures()
    answer = door.send(HEAD + "MUG,7\nCUP,many\nCUP,10\n", dry_run="true")
    assert answer.status_code == 200
    told = answer.json()
    assert (told["state"], told["updated"], told["unchanged"], told["failed"]) == ("checked", 1, 1, 1)
    assert told["errors"] == [
        {"line": 3, "column": "quantity", "code": "invalid_decimal", "message": "'many' is no number."}
    ]
    assert figures() == before
    assert not SyncRun.plain.exists()


def test_a_complete_file_empties_what_it_leaves_out_where_it_speaks(door: Door) -> None:
    north = Location(merchant=door.world.merchant, code="NORTH", name="North")
    north.save()
    StockRecord.plain.create(merchant=door.world.merchant, connection=door.world.erp, location=north, quantity=D(4),
                             variant=door.world.variant("CUP"), basis="on_hand", read_at=NOON)  # fmt: skip
    told = door.take_over(HEAD + "MUG,10\nCUP,9\n", mode="complete")
    assert (told["seen"], told["updated"], told["unchanged"]) == (3, 2, 1)
    assert shown() == {"00123": 0, "CUP": 13, "MUG": 10}


def test_a_complete_file_that_empties_a_tenth_is_stopped_first(door: Door) -> None:
    stocked(door.world, *(f"M{n}" for n in range(9)))
    body = HEAD + "".join(f"M{n},10\n" for n in range(9)) + "MUG,10\n"
    problem = door.refuse(body, mode="complete")
    assert problem["code"] == "brake"
    assert problem["detail"] == "2 of 12 articles in stock would go to zero. Is the file really complete?"
    door.take_over(body, mode="complete", ignore_brake="true")
    assert [figures()[code] for code in ("CUP", "00123", "M3")] == [0, 0, 10]


def test_new_figures_at_a_location_of_the_file(door: Door) -> None:
    Location(merchant=door.world.merchant, code="NORTH", name="North").save()
    ValueMapping(
        merchant=door.world.merchant, connection=door.world.erp, kind="location", theirs="W2", ours="NORTH"
    ).save()
    told = door.take_over("sku;quantity;warehouse\nMUG;1,5;W2\nMUG;10;MAIN\nCUP;3;\n", decimal_comma="true")
    assert (told["created"], told["updated"], told["unchanged"]) == (1, 1, 1)
    assert sorted(StockRecord.plain.filter(variant__code="MUG").values_list("location__code", "quantity")) == [
        ("MAIN", D(10)), ("NORTH", D("1.5")),
    ]  # fmt: skip
    assert shown()["MUG"] == 11
    problem = door.send("sku;quantity;warehouse\nMUG;1;W9\n").json()
    assert (problem["code"], problem["field"]) == ("unknown_location", "warehouse")


def test_a_file_by_the_back_offices_own_numbers_adds_pieces_and_crates(door: Door) -> None:
    world = door.world
    row = world.variant("MUG").bindings.get(connection=world.erp)
    row.pk, row.external_id, row.factor = None, "crate", D(24)
    row.save()
    told = door.take_over(
        "id,qty\ne-MUG-MUG,3\ncrate,2\nx,1\ny,1\n", article="id", quantity="qty", identify="external_id"
    )
    assert (told["updated"], told["unchanged"], told["skipped"]) == (1, 1, 2)
    assert figures()["MUG"] == 51


def test_a_barcode_of_two_variants_names_neither(door: Door) -> None:
    for code, barcode in (("MUG", "501"), ("CUP", "502"), ("00123", "502")):
        variant = door.world.variant(code)
        variant.barcode = barcode
        variant.save()
    told = door.take_over("ean,qty\n501,8\n502,9\n", identify="barcode")
    assert (told["updated"], told["skipped"]) == (1, 1)
    assert figures() == {"00123": 10, "CUP": 10, "MUG": 8}


def test_a_promise_taken_over_before_the_file_ends_with_it(door: Door) -> None:
    who: dict[str, Any] = {"merchant_id": door.world.merchant.pk, "subject": ("order", 1)}
    services.reserve(**who, quantities={door.world.variant("MUG").pk: D(4)}, at=NOON)
    services.settle_reservation(**who, at=NOON)
    assert shown()["MUG"] == 6
    told = door.take_over(HEAD + "MUG,10\n")
    assert told["unchanged"] == 1
    assert Reservation.plain.get().ended_at is not None
    assert shown()["MUG"] == 10


def test_a_figure_newer_than_the_file_stays(door: Door) -> None:
    answer = door.send(HEAD + "MUG,3\n")
    feed = Feed.plain.get()
    StockRecord.plain.filter(variant__code="MUG").update(quantity=D(8), read_at=feed.received_at.replace(year=2999))
    execute(feed.run_id)  # type: ignore[arg-type]  # queued
    assert answer.status_code == 202
    assert figures()["MUG"] == 8


def test_what_came_in_the_way_since_the_check_stops_the_run_with_words(door: Door) -> None:
    door.send(HEAD + "MUG,3\n")
    FeedPart.plain.all().delete()
    feed = Feed.plain.get()
    assert execute(feed.run_id) == "failed"  # type: ignore[arg-type]  # queued
    feed.refresh_from_db()
    assert feed.state == "failed"
    assert SyncRun.plain.get().message == "The file is kept for a week only: send it again."
    assert figures()["MUG"] == 10


def test_columns_are_remembered_and_the_next_file_must_have_them(door: Door) -> None:
    mapping = FeedMapping(merchant=door.world.merchant, connection=door.world.erp, stream="stock",
                          columns={"article": "Artikel", "quantity": "Bestand"}, decimal_comma=True)  # fmt: skip
    mapping.save()
    door.take_over('Name,Artikel,Bestand\nMug,MUG,"3,5"\n')
    assert figures()["MUG"] == D("3.5")
    problem = door.send("sku,quantity\nMUG,1\n").json()
    assert problem["code"] == "header_wrong"
    assert problem["detail"] == "These columns are not there: Artikel, Bestand. The file has: sku, quantity."


def test_several_back_offices_must_be_told_apart(door: Door) -> None:
    till = Connection(merchant=door.world.merchant, name="Till", platform="odoo", role="back_office", state="active")
    till.save()
    assert door.refuse(HEAD + "MUG,1\n")["code"] == "connection_required"
    door.take_over(HEAD + "MUG,1\n", connection=till.public_id)
    assert shown()["MUG"] == 11, "both have some"


def test_a_file_is_not_taken_for_a_connection_that_does_not_read(door: Door) -> None:
    door.world.erp.state = Connection.State.PAUSED
    door.world.erp.save()
    assert door.refuse(HEAD + "MUG,1\n", status=409)["code"] == "connection_not_reading"


@pytest.mark.parametrize("query", [{"mode": "all"}, {"identify": "name"}, {"dry_run": "maybe"}, {"colour": "red"}])
def test_what_nobody_declared_is_refused(door: Door, query: dict[str, Any]) -> None:
    assert door.refuse(HEAD + "MUG,1\n", **query)["code"] in {"invalid_option", "parameter_not_allowed"}


def test_other_streams_are_not_there(door: Door) -> None:
    address = "/api/v1/feeds/nonsense"
    answer = door.client.post(address, headers={"Authorization": f"Bearer {door.key}"}, content_type="text/csv")
    assert answer.status_code == 404


def test_a_run_that_reads_is_not_the_files(door: Door) -> None:
    door.send(HEAD + "MUG,1\n")
    flow = Flow.plain.get(connection=door.world.erp, stream="stock", direction="pull")
    started = runs.start_flow(flow, trigger="manual", at=NOON)
    assert started.trigger == "manual"


@pytest.mark.django_db(transaction=True)
def test_a_file_that_breaks_off_leaves_no_transaction_and_no_table_behind() -> None:
    world = make_world()
    stocked(world, "MUG")
    problem = Door(world).refuse(HEAD + "MUG,1\n" * 20_000 + '"')
    assert problem["code"] == "unclosed_quote"
    assert database.connection is not None
    if database.vendor == "sqlite":
        assert not database.connection.in_transaction
    told = Door(world).take_over(HEAD + "MUG,1\n")
    assert told["updated"] == 1


def test_files_are_forgotten_after_a_week(door: Door) -> None:
    door.send(HEAD + "MUG,1\n", dry_run="1")
    feed = Feed.plain.get()
    assert feed_files.forget_files(at=feed.received_at) == 0
    assert feed_files.forget_files(at=feed.received_at.replace(year=feed.received_at.year + 1)) == 1
    assert not FeedPart.plain.exists()
    assert Feed.plain.exists()
    assert settings.CELERY_BEAT_SCHEDULE["catalog.forget_files"]["task"] == forget_files.name
    assert forget_files() == 0


def test_only_the_good_rows_when_asked(door: Door) -> None:
    told = door.take_over(HEAD + "MUG,7\nCUP,x\n", only_good_rows="true")
    assert (told["updated"], told["failed"]) == (1, 1)
    assert figures()["MUG"] == 7
    outcome = RunOutcome.plain.get()
    assert (outcome.outcome, outcome.external_id, outcome.message) == ("failed", "line 3", "'x' is no number.")


# BAD_INPUTS 36 to 46 ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "encode",
    [
        lambda text: text.encode("utf-16"),
        lambda text: text.encode("utf-16-le"),
        lambda text: text.encode("utf-16-be"),
        lambda text: text.encode("cp1252"),
        lambda text: codecs.BOM_UTF8 + text.encode(),
        lambda text: text.encode().replace(b"\n", b"\r\n"),
    ],
)
def test_bad_input_36_encodings_are_detected(door: Door, encode: Any) -> None:
    variant = door.world.variant("MUG")
    variant.code = "BÉCHER"
    variant.save()
    told = door.take_over(encode("sku\tquantity\nBÉCHER\t3\n"))
    assert (told["updated"], told["skipped"]) == (1, 0)


@pytest.mark.parametrize("body", [b"sku,quantity\nM\x81\x8dG,1\n", codecs.BOM_UTF8 + b"sku\xff,x\n"])
def test_bad_input_36_an_unknown_encoding_is_refused(door: Door, body: bytes) -> None:
    assert door.refuse(body)["code"] == "encoding_unknown"


def test_bad_input_37_a_nul_is_refused_with_its_row(door: Door) -> None:
    problem = door.refuse(HEAD + "MUG,1\nCU\0P,2\n")
    assert (problem["code"], problem["detail"]) == ("nul_character", "Line 3 has a NUL character.")


@pytest.mark.parametrize("rest", ["", "CUP,2\n" * 40_000])
def test_bad_input_38_an_unclosed_quote_is_refused_with_its_line(door: Door, rest: str) -> None:
    problem = door.refuse(HEAD + 'CUP,1\n"MUG,1\n' + rest)
    assert (problem["code"], problem["detail"]) == ("unclosed_quote", "The quote opened in line 3 is never closed.")


@pytest.mark.parametrize("cell", ["x" * 32_768, "x" * 140_000, '"' + "x\n" * 17_000 + '"', "x" * 3_000_000])
def test_bad_input_39_a_cell_too_long_is_refused(door: Door, cell: str) -> None:
    assert door.refuse(f"{HEAD}{cell},1\n")["code"] == "cell_too_long"


@pytest.mark.parametrize(
    ("head", "words"),
    [
        ("sku,number", "No column is said to be the quantity. The file has: sku, number."),
        ("sku,quantity,SKU", "These columns are there twice: SKU, sku."),
        ("sku,,quantity", "The first row must name each column; these have no name: 2."),
        ("", "The file is empty."),
    ],
)
def test_bad_input_40_wrong_headers_are_listed_and_nothing_is_imported(door: Door, head: str, words: str) -> None:
    problem = door.refuse(f"{head}\nMUG,1,1\n" if head else "")
    assert problem["detail"] == words
    assert problem["code"] == ("header_wrong" if head else "file_empty")


def test_bad_input_41_one_bad_row_of_ten_thousand_stops_all_of_them(door: Door) -> None:
    body = HEAD + "".join(f"A{n},{n}\n" for n in range(9_998)) + "MUG,1.2345\nCUP,1\n"
    problem = door.refuse(body)
    assert (problem["code"], problem["field"]) == ("too_fine", "quantity")
    assert problem["detail"] == "Line 10000: 1.2345 has more than three decimals."
    told = door.send(body, dry_run="1").json()
    assert (told["seen"], told["updated"], told["skipped"], told["failed"]) == (10_000, 1, 9_998, 1)


def test_bad_input_42_the_same_article_twice_is_refused_with_both_lines(door: Door) -> None:
    problem = door.refuse(HEAD + "MUG,1\nCUP,2\nMUG,1\n")
    assert (problem["code"], problem["detail"]) == ("duplicate_row", "Line 4: MUG is in line 2 and again in line 4.")
    assert door.refuse(HEAD + "X,1\nX,2\n", only_good_rows="1")["code"] == "duplicate_row", "nor is one nobody knows"


def test_bad_input_43_codes_that_look_like_numbers_stay_text_and_are_warned_of(door: Door) -> None:
    told = door.take_over(HEAD + "00123,4\n1E5,1\n2024-05-01,1\n")
    assert figures()["00123"] == 4
    assert told["skipped"] == 2
    assert [(note["line"], note["column"], note["code"]) for note in told["warnings"]] == [
        (line, "sku", "code_doubtful") for line in (2, 3, 4)
    ]


def test_bad_input_44_a_bomb_is_too_large(door: Door) -> None:
    bomb = workbook(HEADER, extra={"xl/media/zeros.bin": bytes(40 << 20)})
    assert len(bomb) < 100_000
    assert door.refuse(bomb, 413, filename="b.xlsx")["code"] == "file_too_large"
    texts = workbook(HEADER, texts=b"<sst>" + bytes(range(32, 127)) * (LARGEST_TEXTS // 95 + 1))
    assert door.refuse(texts, 413, filename="b.xlsx")["code"] == "file_too_large"


@pytest.mark.parametrize("name", ["../stock.csv", "/etc/passwd", "a\\b.csv", "stock.xlsm", "stock.exe", ".."])
def test_bad_input_45_a_path_or_a_macro_file_is_refused(door: Door, name: str) -> None:
    assert door.refuse(HEAD + "MUG,1\n", filename=name)["code"] == "file_type_not_allowed"


def test_bad_input_45_what_a_workbook_must_not_bring(door: Door) -> None:
    link = zipfile.ZipInfo("xl/link")
    link.external_attr = 0o120777 << 16
    file = io.BytesIO(workbook(HEADER))
    with zipfile.ZipFile(file, "a") as archive:
        archive.writestr(link, "/etc/passwd")
    for body in (
        workbook(HEADER, extra={"xl/vbaProject.bin": b"x"}),
        workbook(HEADER, extra={"../../evil": b"x"}),
        file.getvalue(),
        b"PK\x03\x04 no archive at all",
        HEAD.encode(),
    ):
        assert door.refuse(body, filename="stock.xlsx")["code"] == "file_type_not_allowed"
    for start in (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", b"%PDF-1.7 ", b"\x89PNG\r\n\x1a\n"):
        assert door.refuse(start + b"x" * 100, filename="stock.csv")["code"] == "file_type_not_allowed"


def test_bad_input_46_a_formula_is_text_and_exports_say_so(door: Door) -> None:
    told = door.send(HEAD + '"=HYPERLINK(""http://x"")",1\n', dry_run="1").json()
    assert told["skipped"] == 1
    assert Feed.plain.get().report["unknown"] == [{"line": 2, "article": '=HYPERLINK("http://x")'}]


# XLSX -------------------------------------------------------------------------------------------------------------


def test_a_workbook_is_read_like_a_csv(door: Door) -> None:
    told = door.take_over(
        workbook(
            HEADER,
            '<c r="A2" t="s"><v>2</v></c><c r="B2"><v>7</v></c>',
            "",
            '<c r="A4" t="inlineStr"><is><t>CUP</t></is></c><c r="B4"><f>1.1+2.2</f><v>3.3000000000000003</v></c>',
            '<c r="A5"><v>123</v></c><c r="B5"><v>1E1</v></c>',
            '<c r="A6" t="str"><f>HYPERLINK("x")</f><v>x</v></c><c r="C6" t="str"><v></v></c>',
        ),
        filename="stock.xlsx",
        only_good_rows="1",
    )
    assert (told["updated"], told["skipped"], told["failed"]) == (2, 1, 1)
    assert figures() == {"00123": 10, "CUP": D("3.3"), "MUG": 7}
    assert [(note["line"], note["code"]) for note in told["warnings"]] == [(5, "code_doubtful")]
    assert [(note["line"], note["message"]) for note in told["errors"]] == [(6, "The quantity is missing.")]


def test_a_workbook_with_a_document_type_is_refused(door: Door) -> None:
    sheet = b'<!DOCTYPE x [<!ENTITY a "aaaa">]><worksheet><row r="1"><c><v>&a;</v></c></row></worksheet>'
    assert door.refuse(workbook(sheet=sheet), filename="stock.xlsx")["code"] == "dtd_forbidden"


@pytest.mark.parametrize(
    "sheet", [b"<worksheet><sheetData><row", b'<worksheet><row><c t="s"><v>9</v></c></row></worksheet>']
)
def test_a_damaged_workbook_is_refused(door: Door, sheet: bytes) -> None:
    assert door.refuse(workbook(sheet=sheet), filename="stock.xlsx")["code"] == "file_damaged"


# Figures ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "comma", "thousandths"),
    [
        ("12", False, 12_000),
        (" -1.5 ", False, -1_500),
        ("+0.001", False, 1),
        ("1.50000", False, 1_500),
        ("1.234,5", True, 1_234_500),
        ("0,001", True, 1),
        ("7", True, 7_000),
    ],
)
def test_quantities_are_read_exactly(text: str, comma: bool, thousandths: int) -> None:
    assert parse_quantity(text, decimal_comma=comma) == thousandths


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("1,5", "decimal_separator"),
        ("1_000", "invalid_decimal"),
        ("１２", "invalid_decimal"),
        ("1e3", "invalid_decimal"),
        ("NaN", "invalid_decimal"),
        ("", "invalid_decimal"),
        ("0.0001", "too_fine"),
        ("1000000001", "quantity_out_of_range"),
        ("9" * 5000, "invalid_decimal"),
    ],
)
def test_what_is_no_quantity_is_said(text: str, code: str) -> None:
    with pytest.raises(BadCell) as raised:
        parse_quantity(text, decimal_comma=False)
    assert raised.value.code == code


# A file whose lines are taken as they lie, and one that is read row by row, are the same ------------------------------


@pytest.mark.parametrize(
    ("body", "plain"),
    [
        ("sku,quantity\nMUG,7\nCUP,0\nNOBODY,5\n", True),
        ("sku,quantity\r\nMUG,7\r\nCUP,12", True),
        ("\ufeffquantity;name;sku\n1.5;Bécher;MUG\n-2;;CUP\n+3.000;x,y;É\n", True),
        ("sku|quantity|warehouse\nMUG|7|MAIN\nCUP|2|\n00123|2|MAIN\n1E5|1|\n", True),
        ("sku\tquantity\nMUG\t7\n", True),
        ("sku,quantity\n", True),
        ('sku,quantity\n"MUG",7\n', False),
        ("sku,quantity\nMUG ,7\n", False),
        ("sku,quantity\nMUG,7 \n", False),
        ("sku,quantity\nMUG,7\n\nCUP,1\n", False),
        ("sku,quantity\nMUG,7,\nCUP,1\n", False),
        ("sku,quantity\nMUG,7\nCUP\n", False),
        ("sku,quantity\n,7\n", False),
        ("sku,quantity\nMUG,\nCUP,x\n", False),
        ("sku,quantity\nM\\UG,7\n\\.,1\n", False),
        ("sku,quantity\nMU\u200bG,7\n", False),
        ("sku,quantity\nMU\tG,7\n", False),
        ("sku,quantity\nMUG,7\rCUP,1\n", False),
        ("sku,quantity\n" + "x" * 100 + ",7\n", False),
        ("sku,quantity,warehouse\nMUG,7,MOON\n", False),
        ("sku,quantity\n" + "MUG,7\n" * 20_000 + "CUP\n", False),
    ],
)
def test_a_plain_file_is_staged_as_its_rows_are_read(body: str, plain: bool, world: World) -> None:
    found, said = [], []
    for by_rows in (False, True):
        table = open_table(io.BytesIO(body.encode()), "stock.csv")
        columns = suggest_columns(FIELDS, table.header, {})
        if by_rows:
            table = replace(table, read_plain=None)
        rows = StockRows(table, columns, places={"MAIN": 5}, elsewhere=9)
        with loading.staged(rows), database.cursor() as cursor:
            cursor.execute("SELECT line, article, place, quantity FROM feed_rows ORDER BY line")
            found.append(cursor.fetchall())
            if not by_rows:
                assert _is_there(cursor, "feed_lines") is plain
        said.append(rows.notes)
    assert found[0] == found[1]
    assert said[0] == said[1]


def _is_there(cursor: Any, table: str) -> bool:
    statement = "SELECT COUNT(*) FROM sqlite_temp_master WHERE name = %s"
    if database.vendor == "postgresql":
        statement = "SELECT COUNT(*) FROM pg_class WHERE relname = %s AND pg_table_is_visible(oid)"
    cursor.execute(statement, (table,))
    return bool(cursor.fetchone()[0])


@pytest.mark.parametrize("end", ["", "M9,1\n", "B,1\nM9,1\n"])
def test_what_is_there_twice_is_found_in_any_order(end: str, door: Door) -> None:
    body = HEAD + "A,1\nB,2\nM1,1\nM9,1\n" + end
    told = door.send(body, dry_run="1").json()
    assert [note["line"] for note in told["errors"]] == {"": [], "M9,1\n": [6], "B,1\nM9,1\n": [6, 7]}[end]


def test_every_way_to_name_an_article_has_its_sql() -> None:
    assert set(staging.KNOWN) == set(Identify)
