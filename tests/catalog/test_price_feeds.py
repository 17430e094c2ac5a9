"""Files of prices: into lists, from quantities and days on; what goods cost; the brake where one moves too much."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.db import connection as database
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from catalog.mapping.feed_rows import BadCell, read_moment
from catalog.models import ALWAYS, ChannelPrice, Feed, Price, PriceList, PriceRule
from integrations.models import Procedure, ProcedureRun, RunOutcome
from portal.base.tables import Typed, write_table
from tests.catalog.feed_door import Door
from tests.world import D, World, stocked

HEAD = "sku,price,currency\n"


@pytest.fixture
def door(world: World) -> Door:
    stocked(world, "CUP", "MUG", "00123")
    return Door(world, "prices")


def prices(name: str = "") -> list[tuple[Any, ...]]:
    rows = Price.plain.filter(price_list__external_id=name).order_by("variant__code", "min_quantity", "valid_from")
    return list(rows.values_list("variant__code", "amount", "min_quantity"))


def everything() -> list[Any]:
    return [list(model.plain.order_by("pk").values()) for model in (PriceList, Price, ChannelPrice)]


def sell_by_rule(world: World, price_list: PriceList, **more: Any) -> None:
    PriceRule(merchant=world.merchant, connection=world.shop, price_list=price_list, **more).save()


def shown() -> dict[str, Any]:
    return dict(ChannelPrice.plain.values_list("binding__variant__code", "wanted"))


def test_prices_come_into_the_back_offices_list_and_to_the_shops(door: Door) -> None:
    told = door.take_over(HEAD + "MUG,4.99,GBP\nCUP,3,GBP\nNOBODY,1,GBP\n")
    assert {name: told[name] for name in ("seen", "created", "updated", "unchanged", "skipped", "failed")} == {
        "seen": 3, "created": 2, "updated": 0, "unchanged": 0, "skipped": 1, "failed": 0,
    }  # fmt: skip
    assert prices() == [("CUP", D(3), D(1)), ("MUG", D("4.99"), D(1))]
    row = PriceList.plain.get()
    assert (row.connection, row.currency, row.includes_tax, row.kind) == (door.world.erp, "GBP", False, "prices")
    outcome = RunOutcome.plain.get()
    assert (outcome.code, outcome.external_id, outcome.message) == (
        "unknown_article", "NOBODY", "Line 4: nobody knows the article NOBODY.",
    )  # fmt: skip
    sell_by_rule(door.world, row)
    told = door.take_over(HEAD + "MUG,5.49,GBP\nCUP,3,GBP\n")
    assert (told["updated"], told["unchanged"]) == (1, 1)
    assert shown() == {"MUG": D("5.49")}, "what has not changed is not worked out anew"


def test_a_dry_run_writes_nothing_and_the_same_file_again_changes_nothing(door: Door) -> None:
    before = everything()
    told = door.send(HEAD + "MUG,4.99,GBP\n", dry_run="1").json()
    assert (told["state"], told["created"]) == ("checked", 1)
    assert everything() == before
    door.take_over(HEAD + "MUG,4.99,GBP\n")
    before = everything()
    assert door.take_over(HEAD + "MUG,4.99,GBP\n")["unchanged"] == 1
    assert everything() == before


def test_lists_quantities_days_and_tax(door: Door) -> None:
    ours = PriceList(merchant=door.world.merchant, code="TRADE", name="Trade", currency="EUR", includes_tax=True)
    ours.save()
    door.take_over(
        "sku;price;currency;price list;min qty;valid from;valid to;tax included\n"
        "MUG;4,99;GBP;RETAIL;;;;no\n"
        "MUG;4,49;GBP;RETAIL;12;2030-01-01;31.12.2030;no\n"
        "MUG;6;EUR;TRADE;0;;9999-12-31;yes\n",
        decimal_comma="true",
    )
    assert prices("RETAIL") == [("MUG", D("4.99"), D(1)), ("MUG", D("4.49"), D(12))]
    scale = Price.plain.get(min_quantity=12)
    assert (scale.valid_from, scale.valid_until) == (
        datetime(2030, 1, 1, tzinfo=UTC), datetime(2031, 1, 1, tzinfo=UTC),
    )  # fmt: skip
    assert PriceList.plain.get(external_id="RETAIL").due_at == datetime(2030, 1, 1, tzinfo=UTC)
    mine = Price.plain.get(price_list=ours)
    assert (mine.amount, mine.min_quantity, mine.valid_from, mine.valid_until) == (D(6), D(1), ALWAYS, None)


@pytest.mark.parametrize(
    ("row", "column", "code", "words"),
    [
        ("MUG,,GBP,,", "price", "value_missing", "The price is missing."),
        ("MUG,4,,,", "currency", "currency_missing", "The list of base prices is new: say in which currency it is."),
        ("MUG,4,Pounds,,", "currency", "currency_invalid", "'POUNDS' is no currency: write three letters, as GBP."),
        ("MUG,-4,GBP,,", "price", "price_negative", "-4 is less than nothing."),
        ("MUG,4.1234567,GBP,,", "price", "too_fine", "4.1234567 has more than six decimals."),
        ('MUG,"4,9",GBP,,', "price", "decimal_separator", "'4,9': write 1.5, or say that the file has decimal commas."),
        ("MUG,£4,GBP,,", "price", "invalid_decimal", "'£4' is no number."),
        ("MUG,4,GBP,12/31/2030,", "valid from", "date_invalid", "'12/31/2030' is no day: write it as 2026-12-31."),
        ("MUG,4,GBP,0000-01-01,", "valid from", "date_invalid", "'0000-01-01' is no day: write it as 2026-12-31."),
        ("MUG,4,GBP,2030-01-02,2030-01-01", "valid to", "date_out_of_range", "The price ends before it begins."),
    ],
)  # fmt: skip
def test_bad_input_41_a_wrong_row_says_its_line_and_column(
    door: Door, row: str, column: str, code: str, words: str
) -> None:
    before = everything()
    problem = door.refuse(f"sku,price,currency,valid from,valid to\n{row}\nCUP,3,GBP,,\n")
    assert (problem["code"], problem["field"], problem["detail"]) == (code, column, f"Line 2: {words}")
    assert everything() == before


def test_currencies_and_tax_never_mix_in_a_list(door: Door) -> None:
    door.take_over("sku,price,currency,tax\nMUG,4.99,GBP,yes\n")
    problem = door.send("sku,price,currency,tax\nCUP,1,GBP,yes\nMUG,5,EUR,yes\n").json()
    assert (problem["code"], problem["field"], problem["detail"]) == (
        "other_currency", "currency", "Line 3: 5 EUR does not belong into “ERP: base prices”, which is in GBP.",
    )  # fmt: skip
    problem = door.send("sku,price,currency,tax\nMUG,5,,no\n").json()
    assert (problem["code"], problem["field"]) == ("other_tax_basis", "tax")
    told = door.take_over("sku,price,currency,tax\nCUP,1,GBP,yes\nMUG,5,EUR,yes\n", only_good_rows="1")
    assert (told["created"], told["failed"]) == (1, 1)
    assert prices() == [("CUP", D(1), D(1)), ("MUG", D("4.99"), D(1))]


def test_bad_input_42_the_same_price_twice_names_both_lines(door: Door) -> None:
    body = "sku,price,currency,min qty\nMUG,4,GBP,1\nMUG,3,GBP,10\nMUG,5,GBP,1.0\n"
    problem = door.refuse(body)
    assert (problem["code"], problem["detail"]) == ("duplicate_row", "Line 4: MUG is in line 2 and again in line 4.")


def test_bad_input_43_codes_stay_as_they_are_written(door: Door) -> None:
    told = door.take_over(HEAD + "00123,4,GBP\n")
    assert (told["created"], [note["code"] for note in told["warnings"]]) == (1, ["code_doubtful"])
    assert prices() == [("00123", D(4), D(1))]


def test_a_price_that_moves_by_more_than_thirty_per_cent_is_stopped_first(door: Door) -> None:
    door.take_over(HEAD + "MUG,10,GBP\nCUP,10,GBP\n00123,10,GBP\n")
    before = everything()
    body = HEAD + "MUG,13,GBP\nCUP,13.01,GBP\n00123,6.99,GBP\n"
    problem = door.send(body).json()
    assert problem["code"] == "brake"
    assert problem["detail"] == (
        "2 prices would move by more than 30 %: CUP from 10.00 GBP to 13.01 GBP (line 3);"
        " 00123 from 10.00 GBP to 6.99 GBP (line 4)."
    )
    assert everything() == before
    door.take_over(body, ignore_brake="true")
    assert [amount for _code, amount, _quantity in prices()] == [D("6.99"), D("13.01"), D(13)]
    later = "sku,price,currency,valid from\nMUG,99,GBP,2030-01-01\n"
    assert door.send(later).json()["code"] == "brake", "nor does a later price come unseen"


def test_the_price_of_the_last_inward_stock(door: Door) -> None:
    head = "sku,inward price,inward date,currency\n"
    door.take_over(head + "MUG,2.50,2026-03-01,GBP\nCUP,1,,GBP\n")
    inward = PriceList.plain.get()
    assert (inward.kind, inward.external_id, inward.connection) == ("inward", "inward", door.world.erp)
    mug = Price.plain.get(variant__code="MUG")
    assert (mug.amount, mug.inward_at) == (D("2.50"), datetime(2026, 3, 1, tzinfo=UTC))
    came = Price.plain.get(variant__code="CUP").inward_at
    assert came is not None
    assert timezone.now() - came < timedelta(minutes=10), "without a day: now"
    sell_by_rule(door.world, inward, factor=D(2))
    told = door.take_over(head + "MUG,9,2026-02-01,GBP\n", ignore_brake="1")
    assert told["unchanged"] == 1, "an older arrival never replaces a newer one"
    door.take_over(head + "MUG,3,2026-04-01,GBP\n")
    assert shown() == {"MUG": D(6)}
    told = door.take_over("sku,price,inward price,inward date,currency\nMUG,8,3,2026-04-01,GBP\n")
    assert (told["updated"], told["created"]) == (1, 0), "a price beside what was known already"


def test_a_crates_price_is_that_of_its_pieces(door: Door) -> None:
    row = door.world.variant("MUG").bindings.get(connection=door.world.erp)
    row.pk, row.external_id, row.factor = None, "crate", D(24)
    row.save()
    door.take_over("id,price,currency\ncrate,48,GBP\n", article="id", identify="external_id")
    assert prices() == [("MUG", D(2), D(24))]


def test_a_complete_file_ends_what_it_leaves_out_of_its_lists(door: Door) -> None:
    head = "sku,price,currency,list,min qty\n"
    door.take_over(head + "MUG,4,GBP,A,\nMUG,3,GBP,A,10\nCUP,5,GBP,A,\nCUP,6,GBP,B,\n")
    told = door.take_over(head + "MUG,4,GBP,A,\n", mode="complete")
    assert (told["seen"], told["updated"], told["unchanged"]) == (3, 2, 1)
    assert Feed.plain.latest("pk").report["left_out"] == 2
    ended = Price.plain.filter(valid_until__isnull=False).order_by("pk")
    assert [(row.variant.code, row.min_quantity) for row in ended] == [("MUG", D(10)), ("CUP", D(1))]
    assert Price.plain.get(price_list__external_id="B").valid_until is None, "of another list it says nothing"


def test_the_brake_stops_a_complete_file_without_a_tenth_of_the_prices(door: Door) -> None:
    stocked(door.world, *(f"A{n}" for n in range(11)))
    body = HEAD + "".join(f"A{n},4,GBP\n" for n in range(11))
    door.take_over(body)
    problem = door.send(HEAD + "".join(f"A{n},4,GBP\n" for n in range(9)), mode="complete").json()
    assert (problem["code"], problem["detail"]) == (
        "brake", "2 of 11 prices are not in it and would end. Is the file really complete?",
    )  # fmt: skip
    assert not Price.plain.filter(valid_until__isnull=False).exists()


def test_what_waits_for_prices_begins(door: Door) -> None:
    for event in ("price.created", "price.updated"):
        Procedure(merchant=door.world.merchant, name=event, event=event).save()
    door.take_over(HEAD + "MUG,4,GBP\n")
    assert list(ProcedureRun.plain.values_list("procedure__name", flat=True)) == ["price.created"]


def test_a_page_costs_the_same_however_many_prices(door: Door) -> None:
    stocked(door.world, *(f"A{n}" for n in range(60)))
    costs = []
    for count in (2, 60):
        Price.plain.all().delete()
        body = HEAD + "".join(f"A{n},4,GBP\n" for n in range(count))
        with CaptureQueriesContext(database) as asked:
            door.take_over(body)
        costs.append(len([one for one in asked if "INSERT INTO feed_" not in one["sql"]]))
    assert costs[1] - costs[0] <= 2


def test_a_workbook_with_its_own_days_is_read_like_a_csv(door: Door) -> None:
    rows = [["sku", "price", "currency", "valid to"], ["MUG", "4", "GBP", "20301231"]]
    door.take_over(write_table("xlsx", rows), filename="prices.xlsx")
    assert Price.plain.get().valid_until == datetime(2031, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "ends", "moment"),
    [
        ("2026-07-01", False, datetime(2026, 6, 30, 22, tzinfo=UTC)),
        ("20260701", True, datetime(2026, 7, 1, 22, tzinfo=UTC)),
        ("01.07.2026", False, datetime(2026, 6, 30, 22, tzinfo=UTC)),
        ("2026-07-01T08:30", False, datetime(2026, 7, 1, 6, 30, tzinfo=UTC)),
        ("2026-07-01 08:30:15Z", True, datetime(2026, 7, 1, 8, 30, 15, tzinfo=UTC)),
        (Typed("46204"), False, datetime(2026, 6, 30, 22, tzinfo=UTC)),
        (Typed("46204.5"), False, datetime(2026, 7, 1, 10, tzinfo=UTC)),
        ("9999-12-31", True, None),
        ("", True, None),
    ],
)
def test_days_are_the_merchants(text: str, ends: bool, moment: datetime | None) -> None:
    assert read_moment(text, "x", ZoneInfo("Europe/Berlin"), ends=ends) == moment


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("46204", "date_invalid"), ("1.2.26", "date_invalid"), ("2026-02-30", "date_invalid"),
        ("９９９９-01-01", "date_invalid"), ("9999-12-31", "date_out_of_range"), ("1066-10-14", "date_out_of_range"),
    ],
)  # fmt: skip
def test_what_is_no_day_is_said(text: str, code: str) -> None:
    with pytest.raises(BadCell) as raised:
        read_moment(text, "x", ZoneInfo("UTC"))
    assert raised.value.code == code
