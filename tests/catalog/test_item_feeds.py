"""Files of items: products with their options, taken over as if they had been pulled, in part or as a whole."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection as database
from django.test.utils import CaptureQueriesContext

from catalog.mapping.feed_rows import suggest_columns, suggest_options
from catalog.mapping.item_rows import FIELDS
from catalog.models import Binding, Feed, MappingConflict, OptionValue, Product, Variant
from catalog.services import record_staging
from catalog.services.feed_kinds import kind_of
from integrations.models import Flow, Link, Procedure, ProcedureRun, RunOutcome, SyncRun
from integrations.sync.execute import execute
from portal.base.tables import write_table
from tests.catalog.feed_door import Door
from tests.world import World, product, stocked

HEAD = "Product code,SKU,Name,Description,Barcode,Brand,Category,Status,Colour,Size\n"
TOYS = (
    "TOY,TOY-R-S,Toy car,Fast,501,Zoom,Toys;Cars,active,Red,Small\n"
    "TOY,TOY-R-L,,,502,,,,Red,Large\n"
    "TOY,TOY-G-S,,,503,,,,Green,Small\n"
    ",00123,Mug,,504,,Mugs,active,,\n"
)


@pytest.fixture
def door(world: World) -> Door:
    return Door(world, "items")


def catalogue() -> dict[str, list[str]]:
    """Product → its articles that the ERP still has."""
    rows = Binding.plain.filter(connection__name="ERP", state="bound").order_by("variant__position", "pk")
    found: dict[str, list[str]] = {}
    for code, sku in rows.values_list("variant__product__code", "variant__code"):
        found.setdefault(code, []).append(sku)
    return found


def everything() -> list[Any]:
    models: Any = (Product, Variant, OptionValue, Binding, Link, MappingConflict)
    return [list(model.plain.order_by("pk").values()) for model in models]


def test_rows_become_products_with_their_options(door: Door) -> None:
    told = door.take_over(HEAD + TOYS)
    assert told["state"] == "applied"
    assert {name: told[name] for name in ("seen", "created", "updated", "unchanged", "skipped", "failed")} == {
        "seen": 2, "created": 2, "updated": 0, "unchanged": 0, "skipped": 0, "failed": 0,
    }  # fmt: skip
    assert catalogue() == {"TOY": ["TOY-R-S", "TOY-R-L", "TOY-G-S"], "00123": ["00123"]}
    toy = Product.plain.get(code="TOY")
    assert (toy.name, toy.description, toy.brand, toy.categories) == ("Toy car", "Fast", "Zoom", ["Toys", "Cars"])
    axes = {
        axis.name: [one.value for one in axis.values.order_by("position")] for axis in toy.axes.order_by("position")
    }
    assert list(axes.items()) == [("Colour", ["Red", "Green"]), ("Size", ["Small", "Large"])]
    variant = door.world.variant("TOY-G-S")
    assert (variant.barcode, variant.name, variant.option_key) == (
        "503", "Toy car (Green, Small)", "Colour=Green|Size=Small",
    )  # fmt: skip
    assert [(one.axis.name, one.value.value) for one in variant.options.order_by("axis__position")] == [
        ("Colour", "Green"), ("Size", "Small"),
    ]  # fmt: skip
    mug = door.world.variant("00123")
    assert (mug.option_key, mug.product.name) == ("", "Mug")
    assert not Flow.plain.get(connection=door.world.erp, stream="product").enabled


def test_the_same_file_again_changes_nothing(door: Door) -> None:
    door.take_over(HEAD + TOYS)
    before = everything()
    told = door.take_over(HEAD + TOYS)
    assert (told["created"], told["updated"], told["unchanged"]) == (0, 0, 2)
    assert everything() == before


def test_a_dry_run_counts_exactly_what_taking_over_does_and_writes_nothing(door: Door) -> None:
    door.take_over(HEAD + TOYS)
    changed = HEAD + TOYS.replace("Toy car", "Racing car") + ",NEW,New one,,,,,,,\n"
    before = everything()
    answer = door.send(changed, dry_run="true")
    assert answer.status_code == 200
    told = answer.json()
    assert (told["state"], told["created"], told["updated"], told["unchanged"]) == ("checked", 1, 1, 1)
    assert everything() == before
    assert SyncRun.plain.count() == 1
    taken = door.take_over(changed)
    assert {name: taken[name] for name in ("created", "updated", "unchanged")} == {
        "created": 1, "updated": 1, "unchanged": 1,
    }  # fmt: skip


def test_a_partial_file_leaves_the_other_articles_and_what_has_no_column(door: Door) -> None:
    door.take_over(HEAD + TOYS)
    told = door.take_over("Product code,SKU,Colour,Size\nTOY,TOY-B-S,Blue,Small\n")
    assert (told["updated"], told["unchanged"]) == (1, 0)
    assert catalogue()["TOY"] == ["TOY-R-S", "TOY-R-L", "TOY-G-S", "TOY-B-S"]
    toy = Product.plain.get(code="TOY")
    assert (toy.name, toy.description, toy.brand, toy.categories) == ("Toy car", "Fast", "Zoom", ["Toys", "Cars"])
    assert door.world.variant("TOY-R-S").barcode == "501"
    assert not MappingConflict.plain.exists()
    told = door.take_over("SKU,Name\nTOY-R-S,Racing car\n")
    assert told["updated"] == 1
    assert Product.plain.get(code="TOY").name == "Racing car"
    assert catalogue()["TOY"] == ["TOY-R-S", "TOY-R-L", "TOY-G-S", "TOY-B-S"]
    assert door.world.variant("TOY-R-S").option_key == "Colour=Red|Size=Small"


def test_a_complete_file_treats_what_it_leaves_out_as_deleted_there(door: Door) -> None:
    door.take_over(HEAD + TOYS)
    told = door.take_over(HEAD + TOYS.replace(",00123,Mug,,504,,Mugs,active,,\n", "").replace(
        "TOY,TOY-R-L,,,502,,,,Red,Large\n", ""), mode="complete")  # fmt: skip
    assert (told["seen"], told["updated"]) == (2, 2)
    assert catalogue() == {"TOY": ["TOY-R-S", "TOY-G-S"]}
    assert Product.plain.get(code="00123").status == "archived"
    assert Product.plain.get(code="TOY").status == "active"
    stale = Binding.plain.filter(state="stale").order_by("reference_code")
    assert [row.reference_code for row in stale] == ["00123", "TOY-R-L"]
    assert set(MappingConflict.plain.values_list("type", flat=True)) == {"deleted_at_source"}
    back = door.take_over("SKU,Name\n00123,Mug\n")
    assert back["updated"] == 1
    assert (Product.plain.get(code="00123").status, catalogue()["00123"]) == ("active", ["00123"])


def test_the_brake_stops_a_complete_file_without_a_tenth_of_the_articles(door: Door) -> None:
    door.take_over("SKU,Name\n" + "".join(f"A{n},Thing {n}\n" for n in range(20)))
    most = "SKU,Name\n" + "".join(f"A{n},Thing {n}\n" for n in range(17))
    before = everything()
    answer = door.send(most, mode="complete")
    assert (answer.status_code, answer.json()["code"]) == (400, "brake")
    assert answer.json()["detail"] == ("3 of 20 articles are not in it and would be gone. Is the file really complete?")
    assert everything() == before
    door.take_over("SKU,Name\n" + "".join(f"A{n},Thing {n}\n" for n in range(18)), mode="complete")
    assert len(catalogue()) == 18, "a tenth is not more than a tenth"
    door.take_over(most, mode="complete", ignore_brake="true")
    assert len(catalogue()) == 17


def test_a_complete_file_must_be_right_in_every_row(door: Door) -> None:
    door.take_over(HEAD + TOYS)
    before = everything()
    answer = door.send(HEAD + TOYS.replace("active,Red", "perhaps,Red"), mode="complete", only_good_rows="true")
    assert (answer.status_code, answer.json()["code"]) == (400, "status_unknown")
    assert "A complete file has to be right in every row" in answer.json()["detail"]
    assert everything() == before


def test_articles_read_over_the_api_before_are_the_same_in_a_file(door: Door) -> None:
    door.world.apply(door.world.erp, "product", product("77", "M-1", "M-2", name="Mug", code="MUG"))
    told = door.take_over("Product code,SKU,Name,Colour\nMUG,M-1,Big mug,M-1\nMUG,M-3,,M-3\n")
    assert (told["created"], told["updated"]) == (0, 1)
    assert Product.plain.get().name == "Big mug"
    rows = Binding.plain.filter(connection=door.world.erp).order_by("reference_code")
    assert [(row.external_id, row.parent_external_id, row.state) for row in rows] == [
        ("77-M-1", "77", "bound"), ("77-M-2", "77", "bound"), ("M-3", "77", "bound"),
    ]  # fmt: skip


def test_numbers_of_the_back_office_are_kept_as_its_own(door: Door) -> None:
    door.take_over("SKU,Name,Internal ID\nMUG,Mug,9001\n")
    assert Binding.plain.get().external_id == "9001"
    told = door.take_over("SKU,Name,Internal ID\nMUG-NEW,Mug,9001\n")
    assert told["updated"] == 1
    assert (Variant.plain.get().code, Binding.plain.get().reference_code) == ("MUG-NEW", "MUG-NEW")


def test_units_are_taken_over_and_stay_where_no_column_says_them(door: Door) -> None:
    door.take_over("SKU,Name,Unit\nMUG,Mug,piece\nOIL,Oil,bottle\n")
    assert (door.world.variant("MUG").unit, door.world.variant("OIL").unit) == ("piece", "bottle")
    assert door.take_over("SKU,Unit\nMUG,piece\nOIL,crate\n")["updated"] == 1
    door.take_over("SKU,Name\nOIL,Olive oil\n")
    assert (door.world.variant("OIL").unit, Product.plain.get(code="OIL").name) == ("crate", "Olive oil")


def test_only_the_groups_a_back_office_owns_are_written(door: Door) -> None:
    door.take_over(HEAD + TOYS)
    flow = Flow.plain.get(connection=door.world.erp, stream="product", direction="pull")
    flow.settings = {"groups": ["status"]}
    flow.save()
    told = door.take_over(HEAD + TOYS.replace("Toy car", "Other").replace("Toys;Cars,active", "Toys;Cars,draft"))
    toy = Product.plain.get(code="TOY")
    assert (told["updated"], toy.name, toy.status) == (1, "Toy car", "draft")


def test_an_article_that_is_archived_alone_is_gone_and_all_of_them_archive_the_product(door: Door) -> None:
    door.take_over(HEAD + TOYS)
    door.take_over("Product code,SKU,Status,Colour,Size\nTOY,TOY-R-S,no,Red,Small\nTOY,TOY-R-L,yes,Red,Large\n")
    assert catalogue()["TOY"] == ["TOY-R-L", "TOY-G-S"]
    assert Product.plain.get(code="TOY").status == "active"
    door.take_over("SKU,Status\n00123,discontinued\n")
    assert Product.plain.get(code="00123").status == "archived"


def test_what_shops_waited_for_is_bound_and_proposed_as_after_a_pull(door: Door) -> None:
    door.world.apply(door.world.shop, "product", product("s1", "TOY-R-S"))
    assert Binding.plain.get(connection=door.world.shop).state == "conflict"
    door.take_over(HEAD + TOYS)
    row = Binding.plain.get(connection=door.world.shop)
    assert (row.state, row.variant) == ("bound", door.world.variant("TOY-R-S"))


def test_what_waits_for_new_products_begins(door: Door) -> None:
    merchant = door.world.merchant
    for event in ("product.created", "product.updated", "stock.created"):
        Procedure(merchant=merchant, name=event, event=event).save()
    door.take_over(HEAD + TOYS)
    assert list(ProcedureRun.plain.values_list("procedure__name", "trigger")) == [("product.created", "event")]
    door.take_over(HEAD + TOYS)
    assert ProcedureRun.plain.count() == 1, "nothing has changed"
    door.take_over(HEAD + TOYS.replace("Toy car", "Car"))
    assert set(ProcedureRun.plain.values_list("procedure__name", flat=True)) == {"product.created", "product.updated"}


def test_a_page_costs_the_same_however_many_products(door: Door) -> None:
    costs = []
    for count in (5, 100):
        body = HEAD + "".join(f"P{count}-{n},S{count}-{n}-{v},Toy,,,,,,{v},S\n" for n in range(count) for v in "ab")
        with CaptureQueriesContext(database) as asked:
            door.take_over(body)
        costs.append([one["sql"] for one in asked if "INSERT INTO feed_" not in one["sql"]])
    assert Variant.plain.count() == 210
    assert len(costs[1]) - len(costs[0]) <= 15, "SQLite divides bulk statements by their size"


def test_a_worker_that_died_goes_on_behind_the_last_page(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(record_staging, "MOST_FAMILIES", 2)
    feed = door.receive("SKU,Name\n" + "".join(f"A{n},Thing\n" for n in range(5)))
    run = door.begin(feed)
    with pytest.raises(_Killed):
        _take_over_and_die(feed, run, monkeypatch, after=2)
    assert Product.plain.count() == 4
    run.refresh_from_db()
    assert run.seen == 4
    kind_of(feed).take_over(run)
    run.refresh_from_db()
    assert (Product.plain.count(), run.seen, run.created) == (5, 5, 5)


def test_a_run_that_a_person_stops_says_so_and_takes_no_more(door: Door) -> None:
    feed = door.receive(HEAD + TOYS)
    SyncRun.plain.update(cancel_requested=True)
    assert feed.run_id is not None
    assert execute(feed.run_id) == "cancelled"
    feed.refresh_from_db()
    assert (feed.state, Product.plain.count()) == ("failed", 0)


class _Killed(BaseException):
    """What a killed worker leaves behind is what it has committed."""


def _take_over_and_die(feed: Feed, run: SyncRun, monkeypatch: pytest.MonkeyPatch, *, after: int) -> None:
    kind: Any = kind_of(feed)
    apply, pages = kind.apply, list[Any]()

    def die(page: Any, at: Any) -> Any:
        if len(pages) == after:
            raise _Killed
        pages.append(page)
        return apply(page, at)

    kind.apply = die
    kind.take_over(run)


# What is wrong with rows ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("row", "column", "code", "words"),
    [
        (",,Mug,,,,,,,", "SKU", "value_missing", "This is missing."),
        (",X,Mug,,,,,maybe,,", "Status", "status_unknown", "'maybe' is no status: write active, draft or archived."),
        (f",X,{'n' * 301},,,,,,,", "Name", "value_too_long", f"{'n' * 40}… has more than 300 characters."),
        (f",{'s' * 101},Mug,,,,,,,", "SKU", "value_too_long", f"{'s' * 40}… has more than 100 characters."),
        (',"A\nB",Mug,,,,,,,', "SKU", "code_invalid", "A code has no line break and no other invisible character."),
        (",X,Mug", "", "wrong_number_of_cells", "The line has 3 cells, the first row 10."),
    ],
)  # fmt: skip
def test_bad_input_41_a_wrong_row_says_its_line_and_column(
    door: Door, row: str, column: str, code: str, words: str
) -> None:
    problem = door.refuse(HEAD + TOYS + row + "\n")
    assert (problem["code"], problem["field"], problem["detail"]) == (code, column, f"Line 6: {words}")
    assert not Product.plain.exists()
    told = door.take_over(HEAD + TOYS + row + "\n", only_good_rows="true")
    assert (told["created"], told["failed"], told["seen"]) == (2, 1, 3)
    outcome = RunOutcome.plain.get(outcome="failed")
    assert (outcome.external_id, outcome.code, outcome.message) == ("line 6", code, words)


def test_bad_input_42_the_same_article_twice_names_both_lines(door: Door) -> None:
    problem = door.refuse(HEAD + TOYS + ",TOY-R-L,Again,,,,,,,\n")
    assert (problem["code"], problem["detail"]) == (
        "duplicate_row", "Line 6: TOY-R-L is in line 3 and again in line 6.",
    )  # fmt: skip


def test_two_articles_with_the_same_options_are_told_apart_by_nobody(door: Door) -> None:
    problem = door.refuse(HEAD + TOYS + "TOY,TOY-X,,,,,,,Red,Large\n")
    assert (problem["code"], problem["field"], problem["detail"]) == (
        "duplicate_options", "SKU",
        "Line 6: TOY-X has the same options as TOY-R-L in line 3: Colour Red, Size Large.",
    )  # fmt: skip


def test_no_file_moves_an_article_to_another_product(door: Door) -> None:
    door.take_over(HEAD + TOYS)
    body = "Product code,SKU,Colour\nMUG,MUG-1,Red\nMUG,MUG-2,Blue\nMUG,TOY-R-S,Green\n"
    door.take_over(body.replace("MUG,TOY-R-S,Green\n", ""))
    problem = door.send(body).json()
    assert (problem["code"], problem["detail"]) == (
        "other_product",
        "Line 4: TOY-R-S is an article of TOY here already; a file moves no article to another product.",
    )  # fmt: skip


def test_bad_input_43_codes_stay_as_they_are_written(door: Door) -> None:
    told = door.take_over("SKU,Name\n00123,Mug\n1E5,Cup\n2024-05-01,Jug\n")
    assert sorted(catalogue()) == ["00123", "1E5", "2024-05-01"]
    assert [(note["line"], note["column"], note["code"]) for note in told["warnings"]] == [
        (line, "SKU", "code_doubtful") for line in (2, 3, 4)
    ]


def test_bad_input_46_formulas_are_text(door: Door) -> None:
    door.take_over('SKU,Name\nX,"=HYPERLINK(""http://x"")"\n')
    assert Product.plain.get().name == '=HYPERLINK("http://x")'


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "cp1252"])
def test_bad_input_36_letters_are_recognised(door: Door, encoding: str) -> None:
    door.take_over("SKU;Name\nX;Bécher\n".encode(encoding))
    assert Product.plain.get().name == "Bécher"


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (b"SKU,Name\nM\x81\x8dG,x\n", 400, "encoding_unknown"),
        (b"SKU,Name\nM\x00G,x\n", 400, "nul_character"),
        (b'SKU,Name\n"MUG,x\n', 400, "unclosed_quote"),
        (b"SKU,Name\n" + b"x" * 33_000 + b",x\n", 400, "cell_too_long"),
        (b"Name,Brand\nMug,x\n", 400, "header_wrong"),
        (b"SKU,sku\nMug,x\n", 400, "header_wrong"),
        (b"", 400, "file_empty"),
        (b"\x89PNG\r\n\x1a\n", 400, "file_type_not_allowed"),
    ],
)
def test_bad_inputs_37_to_45_are_refused_as_a_whole(door: Door, body: bytes, status: int, code: str) -> None:
    assert door.refuse(body, status)["code"] == code
    assert not Product.plain.exists()


def test_a_workbook_is_read_like_a_csv(door: Door) -> None:
    rows = [line.split(",") for line in (HEAD + TOYS).splitlines()]
    told = door.take_over(write_table("xlsx", rows), filename="items.xlsx")
    assert told["created"] == 2
    assert catalogue() == {"TOY": ["TOY-R-S", "TOY-R-L", "TOY-G-S"], "00123": ["00123"]}


# Columns -------------------------------------------------------------------------------------------------------------


def test_columns_are_found_by_their_usual_names_and_options_in_pairs() -> None:
    header = ["Handle", "Title", "Variant SKU", "Option1 Name", "Option1 Value", "Option2 Name", "Option2 Value", "x"]
    columns = suggest_columns(FIELDS, header, {})
    assert columns == {"sku": "Variant SKU", "product": "Handle", "name": "Title"}
    assert suggest_options(header, columns) == {
        "option:Option1 Value": "Option1 Value", "option:Option2 Value": "Option2 Value",
    }  # fmt: skip


def test_options_named_in_a_column_beside_their_values(door: Door) -> None:
    door.take_over(
        "Handle,Variant SKU,Option1 Name,Option1 Value,Option2 Name,Option2 Value\n"
        "tee,T-1,Colour,Red,Size,S\ntee,T-2,Colour,Red,Size,M\ncup,C-1,Glaze,Matt,,\n"
    )
    keys = dict(Variant.plain.values_list("code", "option_key"))
    assert keys == {"T-1": "Colour=Red|Size=S", "T-2": "Colour=Red|Size=M", "C-1": "Glaze=Matt"}


def test_columns_said_in_the_address(door: Door) -> None:
    door.take_over("Nr,Text,Farbe\nT-1,Tee,Rot\n", sku="Nr", name="Text", option="Farbe")
    assert (Product.plain.get().name, Variant.plain.get().option_key) == ("Tee", "Farbe=Rot")
    answer = door.send("Nr\nT-1\n", sku="Nr", quantity="Nr")
    assert (answer.status_code, answer.json()["code"]) == (400, "parameter_not_allowed")


def test_a_stocks_columns_are_not_an_items(door: Door) -> None:
    stocked(door.world, "MUG")
    other = Door(door.world, "stock")
    other.take_over("sku,quantity\nMUG,7\n")
    assert Feed.plain.get().stream == "stock"
    answer = door.client.get(
        f"/api/v1/feeds/items/{Feed.plain.get().public_id}", headers={"Authorization": f"Bearer {door.key}"}
    )
    assert answer.status_code == 404


def test_a_shop_sends_no_items(door: Door) -> None:
    answer = door.send(HEAD + TOYS, connection=door.world.shop.public_id)
    assert answer.status_code == 404
