"""Mappings as a table: out and in again changes nothing; what a person edited is taken as a whole or not at all."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection as database
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from catalog.models import Binding, ChannelStock, MappingChange, MappingConflict
from integrations.contract import records as r
from orders.models import Order
from portal.base.tables import protect, read_sheet, write_table
from tests.portal.people import log_in
from tests.world import D, World, make_world, order, product, stocked

State = Binding.State
HEADERS = ["connection", "external_id", "code_there", "title", "our_code", "factor", "state"]
ADDRESS = "/admin/catalog/binding/exchange/"


@pytest.fixture
def client(world: World) -> Client:
    return log_in(world.merchant, "mapper")


def sell(world: World, external_id: str, sku: str, title: str = "Mug") -> Binding:
    record = r.ProductRecord(
        external_id=f"p{external_id}", name=title,
        variants=(r.VariantRecord(external_id=external_id, sku=sku, name=title),),
    )  # fmt: skip
    world.apply(world.shop, "product", record)
    row: Binding = Binding.plain.get(connection=world.shop, external_id=external_id)
    return row


def export(client: Client, kind: str, **query: Any) -> list[list[str]]:
    answer = client.get(reverse("admin:catalog_binding_export"), {"format": kind, **query})
    assert answer.status_code == 200
    sheet = read_sheet(f"x.{kind}", answer.content)
    assert sheet.headers == HEADERS
    return sheet.rows


def bring(client: Client, rows: list[list[str]], headers: list[str] = HEADERS, kind: str = "csv") -> str:
    file = SimpleUploadedFile(f"mappings.{kind}", write_table(kind, [headers, *rows]))
    answer = client.post(reverse("admin:catalog_binding_exchange"), {"file": file})
    assert answer.status_code == 200
    return answer.content.decode()


def take(client: Client, page: str) -> Any:
    token = page.partition('name="token" value="')[2].partition('"')[0]
    assert token
    return client.post(reverse("admin:catalog_binding_exchange"), {"token": token}, follow=True)


def snapshot() -> list[dict[str, Any]]:
    return [{**row} for row in Binding.plain.order_by("pk").values()]


@pytest.mark.parametrize("kind", ["csv", "xlsx"])
def test_out_and_in_again_changes_nothing(world: World, client: Client, kind: str) -> None:
    world.apply(world.erp, "product", product("1", "00123"), product("2", "=A1"), product("3", "'+x"))
    for external_id, sku in (("10", "00123"), ("11", "=A1"), ("12", "'+x"), ("13", "@nobody"), ("14", "-none\t")):
        sell(world, external_id, sku, '=HYPERLINK("https://example.com";"x")\r\n"quoted", ünï')
    Binding.plain.filter(external_id="10", connection=world.shop).update(factor=D("0.125"))
    Binding.plain.filter(external_id="13").update(state=State.IGNORED)
    Binding.plain.filter(external_id="14").update(state=State.STALE)
    before = snapshot()
    rows = export(client, kind)
    assert len(rows) == len(before) == 8
    mine = {row[1]: row for row in rows}
    assert mine["10"][2:] == ["00123", mine["10"][3], "00123", "0.125", "mapped"]
    assert (mine["11"][4], mine["12"][4], mine["13"][6]) == ("=A1", "'+x", "ignored")
    page = bring(client, rows, kind=kind)
    assert "0 of 8 in the table would change" in page
    assert "nothing to import" in page
    assert snapshot() == before


def test_bad_input_46_no_cell_of_an_export_is_a_formula(world: World, client: Client) -> None:
    sell(world, "10", "-1+1", "@SUM(A1)")
    text = client.get(reverse("admin:catalog_binding_export")).content.decode("utf-8-sig")
    assert text.splitlines()[1] == "Shop A,10,'-1+1,'@SUM(A1),,1,needs a decision"


def test_what_a_person_wrote_is_looked_at_then_taken_and_frees_what_waited(world: World, client: Client) -> None:
    stocked(world, "MUG", "CUP")
    sell(world, "10", "theirs-1")
    sell(world, "11", "theirs-2")
    line = r.OrderLineRecord(
        external_id="l1", variant_external_id="10", sku="theirs-1", name="x", unit_price=D(2), net=D(2), gross=D(2)
    )
    world.apply(world.shop, "order", order("1001", total=D(2), lines=(line,)))
    assert Order.plain.get().intake == "received"
    rows = export(client, "xlsx", connection=world.shop.pk)
    edited = {row[1]: row for row in rows}
    assert set(edited) == {"10", "11", "s-MUG", "s-CUP"}
    edited["10"][4] = "MUG"  # a code where none was is a decision
    edited["11"][6] = "ignored"
    edited["s-CUP"][5] = "3"
    before = snapshot()
    page = bring(client, list(edited.values()), kind="xlsx")
    assert snapshot() == before, "looking changes nothing"
    assert "3 of 4 in the table would change" in page
    for words in ("MUG, mapped", "–, ignored", "CUP × 3, mapped"):
        assert words in page
    answer = take(client, page).content.decode()
    assert "3 mappings are taken over; 1 records went on. Undo it under Changes." in answer
    ten, eleven, cup = (Binding.plain.get(connection=world.shop, external_id=pk) for pk in ("10", "11", "s-CUP"))
    assert (ten.state, ten.variant, ten.reason) == (State.BOUND, world.variant("MUG"), "from a table")
    assert (eleven.state, eleven.variant) == (State.IGNORED, None)
    assert (cup.factor, ChannelStock.plain.get(binding=cup).wanted) == (3, 3)
    assert Order.plain.get().intake == "ready"
    assert sorted(MappingConflict.plain.values_list("binding__external_id", "resolution")) == [
        ("10", "bound"), ("11", "ignored"),
    ]  # fmt: skip


def test_a_table_that_was_taken_over_is_undone_as_a_whole(world: World, client: Client) -> None:
    stocked(world, "MUG", "CUP", "POT")
    world.apply(world.erp, "product", product("j", "JAR"))
    sell(world, "10", "theirs-1")
    before = [(row["external_id"], row["variant_id"], row["factor"], row["state"], row["reason"]) for row in snapshot()]
    figures = list(ChannelStock.plain.order_by("binding_id").values_list("binding_id", "wanted"))
    rows = [
        ["Shop A", "10", "", "", "JAR", "1", "mapped"],
        ["Shop A", "s-MUG", "", "", "CUP", "1", "mapped"],
        ["Shop A", "s-CUP", "", "", "CUP", "3", "mapped"],
        ["Shop A", "s-POT", "", "", "", "1", "ignored"],
    ]
    page = bring(client, rows)
    assert "4 of 4 in the table would change" in page
    take(client, page)
    change = MappingChange.plain.get()
    assert (change.kind, change.summary, change.connection) == (
        "table", "4 articles by the table mappings.csv", world.shop,
    )  # fmt: skip
    assert change.by is not None
    assert (
        "4 articles by the table mappings.csv" in client.get(reverse("admin:catalog_binding_changes")).content.decode()
    )
    wanted = dict(ChannelStock.plain.filter(connection=world.shop).values_list("binding__external_id", "wanted"))
    assert wanted["s-CUP"] == 3
    Binding.plain.filter(connection=world.shop, external_id="10").update(reason="chosen by Bob")
    undone = client.post(reverse("admin:catalog_binding_undo", args=(change.pk,)), follow=True).content.decode()
    assert "3 articles are as they were." in undone
    assert "theirs-1 Mug is JAR now (chosen by Bob); it stays so." in undone
    now = [(row["external_id"], row["variant_id"], row["factor"], row["state"], row["reason"]) for row in snapshot()]
    assert [row for row in now if row[0] != "10"] == [row for row in before if row[0] != "10"]
    kept = ChannelStock.plain.exclude(binding__external_id="10").order_by("binding_id")
    assert list(kept.values_list("binding_id", "wanted")) == figures


@pytest.mark.parametrize(
    ("change", "column", "words"),
    [
        ({4: "NOBODY"}, "our_code", "None of our articles has the code NOBODY."),
        ({4: ""}, "our_code", "A mapped article needs our code: fill it in, or write ignored."),
        ({5: "1,5"}, "factor", "1,5 has a comma: write 1.5 with a point."),
        ({5: "0"}, "factor", "0 is no number of pieces above 0"),
        ({5: "１２"}, "factor", "１２ is no number of pieces above 0"),
        ({5: "1e3"}, "factor", "1e3 is no number of pieces above 0"),
        ({6: "perhaps"}, "state", "“perhaps” is no state: write one of mapped, suggested"),
        ({6: "gone there"}, "state", "A table can map articles or ignore them"),
        ({1: "4711"}, "external_id", "Shop A has no article 4711 here: read its products first."),
        ({0: "Shop Z"}, "external_id", "Shop Z has no article s-CUP here"),
    ],
)
def test_bad_input_41_one_bad_row_says_its_line_and_column_and_nothing_is_taken(
    world: World, client: Client, change: dict[int, str], column: str, words: str
) -> None:
    stocked(world, "MUG", "CUP")
    rows = [["Shop A", "s-MUG", "", "", "MUG", "5", "mapped"], ["Shop A", "s-CUP", "", "", "CUP", "1", "mapped"]]
    for place, text in change.items():
        rows[1][place] = text
    before = snapshot()
    page = bring(client, rows)
    assert "1 line is wrong" in page
    assert f'<td class="num">3</td><td>{column}</td><td>{words}' in page
    assert 'name="token"' not in page
    assert snapshot() == before


def test_a_table_that_became_wrong_after_it_was_looked_at_is_not_taken(world: World, client: Client) -> None:
    stocked(world, "MUG", "CUP")
    rows = [["Shop A", "s-MUG", "", "", "CUP", "1", "mapped"], ["Shop A", "s-CUP", "", "", "CUP", "2", "mapped"]]
    page = bring(client, rows)
    Binding.plain.filter(connection=world.shop, external_id="s-CUP").delete()
    before = snapshot()
    assert "1 line is wrong" in take(client, page).content.decode()
    assert snapshot() == before


@pytest.mark.parametrize(
    ("headers", "words"),
    [
        (["connection", "external_id"], "Missing columns: our_code."),
        ([*HEADERS, "sku"], "Unknown columns: sku."),
        ([*HEADERS, "factor"], "These columns are there twice: factor."),
    ],
)
def test_bad_input_40_headers_are_listed_and_nothing_is_imported(
    world: World, client: Client, headers: list[str], words: str
) -> None:
    page = bring(client, [["x"] * len(headers)], headers)
    assert words in page
    assert "Nothing was imported." in page


def test_bad_input_42_the_same_row_twice_names_both_lines(world: World, client: Client) -> None:
    stocked(world, "MUG", "CUP")
    row = ["Shop A", "s-MUG", "", "", "MUG", "1", "mapped"]
    page = bring(client, [row, ["Shop A", "s-CUP", "", "", "CUP", "1", "mapped"], row])
    assert "Lines 2 and 4 are both article s-MUG of Shop A: keep one." in page


def test_only_what_is_needed_may_stand_in_the_table(world: World, client: Client) -> None:
    stocked(world, "MUG", "CUP")
    page = bring(client, [["Shop A", "s-MUG", "CUP"]], ["connection", "external_id", "our_code"])
    assert "1 of 1 in the table would change" in page


def test_another_merchants_articles_are_neither_exported_nor_changed(world: World, client: Client) -> None:
    theirs = make_world("Other")
    stocked(theirs, "SECRET")
    stocked(world, "MUG")
    assert not [row for row in export(client, "csv") if "SECRET" in row]
    assert export(client, "csv", connection=theirs.shop.pk) == []
    page = bring(client, [["Shop A", "s-SECRET", "", "", "MUG", "1", "mapped"]])
    assert "Shop A has no article s-SECRET here" in page
    page = bring(client, [["Shop A", "s-MUG", "", "", "SECRET", "1", "mapped"]])
    assert "None of our articles has the code SECRET." in page
    page = bring(client, [["Shop A", "s-MUG", "", "", "MUG", "2", "mapped"]])
    stranger = log_in(theirs.merchant, "owner")
    assert "looked at for another merchant" in take(stranger, page).content.decode()
    assert set(Binding.plain.values_list("factor", flat=True)) == {D(1)}


@pytest.mark.parametrize(("role", "status"), [("owner", 200), ("mapper", 200), ("support", 403), ("sales", 403)])
def test_who_maps_may_exchange(world: World, role: str, status: int) -> None:
    client = log_in(world.merchant, role)
    assert client.get(reverse("admin:catalog_binding_exchange")).status_code == status
    assert client.get(reverse("admin:catalog_binding_export")).status_code == status


@pytest.mark.parametrize("data", [b"\xff\xfe\x00", b"PK\x03\x04nonsense", b"", b'a,b\n"x'])
def test_what_is_no_table_is_refused_with_words(world: World, client: Client, data: bytes) -> None:
    answer = client.post(ADDRESS, {"file": SimpleUploadedFile("x.csv", data or b"\n")})
    assert answer.status_code == 200
    assert "The table cannot be taken" in answer.content.decode()
    assert "Choose a file first" in client.post(ADDRESS, {"token": "made:up"}).content.decode()


def test_a_thousand_rows_cost_few_statements(world: World, client: Client) -> None:
    skus = [f"A{n:04}" for n in range(1000)]
    world.apply(world.erp, "product", product("1", *skus))
    world.apply(world.shop, "product", product("9", *(f"x{sku}" for sku in skus)))
    rows = [["Shop A", f"9-x{sku}", sku] for sku in skus]
    page = bring(client, rows, ["connection", "external_id", "our_code"])
    assert "1,000 of 1,000 in the table would change" in page
    assert "and 800 more" in page
    with CaptureQueriesContext(database) as asked:
        take(client, page)
    assert Binding.plain.filter(connection=world.shop, state=State.BOUND).count() == 1000
    reads = [one for one in asked if one["sql"].startswith("SELECT")]
    assert len(reads) <= 60


def test_protect_is_what_the_export_uses() -> None:
    assert [protect(text) for text in ("=1", "+1", "-1", "@x", "\tx", "\rx", "'=1", "x=1")] == [
        "'=1", "'+1", "'-1", "'@x", "'\tx", "'\rx", "''=1", "x=1",
    ]  # fmt: skip
