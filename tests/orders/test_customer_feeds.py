"""Files of customers: stored as a pull stores them, with what was agreed beside."""

from __future__ import annotations

from typing import Any

import pytest

from integrations.contract import records as r
from integrations.models import Link, Procedure, ProcedureRun, ValueMapping
from orders.models import Customer
from portal.base.tables import write_table
from tests.catalog.feed_door import Door
from tests.world import D, World

HEAD = "Customer number,Name,E-mail,Phone,Street,City,Postcode,Country,Group,Payment terms,Credit limit\n"
ANNA = "00017,Anna Ash,anna@example.com,020 7946 0018,1 High St,London,N1 1AA,gb,dealer,30 days,500.50\n"
BEN = "18,Ben Birch,,,,,,,,,\n"


@pytest.fixture
def door(world: World) -> Door:
    return Door(world, "customers")


def known(code: str) -> Customer:
    return Customer.plain.get(pk=Link.plain.get(stream="customer", external_id=code).subject_id)


def everything() -> list[Any]:
    return [list(model.plain.order_by("pk").values()) for model in (Customer, Link)]


def test_rows_become_customers_with_what_was_agreed(door: Door) -> None:
    told = door.take_over(HEAD + ANNA + BEN)
    assert {name: told[name] for name in ("seen", "created", "updated", "unchanged", "skipped", "failed")} == {
        "seen": 2, "created": 2, "updated": 0, "unchanged": 0, "skipped": 0, "failed": 0,
    }  # fmt: skip
    anna = known("00017")
    assert (anna.name, anna.email, anna.phone) == ("Anna Ash", "anna@example.com", "+442079460018")
    assert anna.billing == {"line1": "1 High St", "city": "London", "postcode": "N1 1AA", "country": "GB"}
    assert (anna.customer_group, anna.terms, anna.credit_limit, anna.account_currency) == (
        "dealer", "30 days", D("500.50"), "GBP",
    )  # fmt: skip
    assert not anna.is_guest
    assert (known("18").credit_limit, known("18").account_currency) == (None, "")


def test_the_same_file_again_changes_nothing_and_a_dry_run_writes_nothing(door: Door) -> None:
    before = everything()
    answer = door.send(HEAD + ANNA, dry_run="1").json()
    assert (answer["state"], answer["created"], everything()) == ("checked", 1, before)
    door.take_over(HEAD + ANNA)
    before = everything()
    told = door.take_over(HEAD + ANNA)
    assert (told["created"], told["updated"], told["unchanged"]) == (0, 0, 1)
    assert everything() == before


def test_what_has_no_column_stays_and_what_was_agreed_alone_is_a_change(door: Door) -> None:
    door.take_over(HEAD + ANNA + BEN)
    told = door.take_over("code,credit limit,currency\n00017,,\n18,100,EUR\n")
    assert (told["updated"], told["unchanged"]) == (2, 0)
    anna = known("00017")
    assert (anna.name, anna.phone, anna.billing["city"], anna.terms) == (
        "Anna Ash", "+442079460018", "London", "30 days",
    )  # fmt: skip
    assert anna.credit_limit is None
    assert (known("18").credit_limit, known("18").account_currency) == (D(100), "EUR")
    told = door.take_over("code,name,credit limit\n18,Ben Beech,120\n")
    assert (told["updated"], told["unchanged"]) == (1, 0), "one customer, one change"


def test_a_group_that_was_mapped_is_ours(door: Door) -> None:
    ValueMapping(
        merchant=door.world.merchant, connection=door.world.erp, kind="customer_group", theirs="dealer", ours="trade"
    ).save()
    door.take_over(HEAD + ANNA)
    assert known("00017").customer_group == "trade"


def test_a_customer_read_over_the_api_before_is_the_same_in_a_file(door: Door) -> None:
    record = r.CustomerRecord(external_id="00017", name="A. Ash", company="Ash Ltd")
    door.world.apply(door.world.erp, "customer", record)
    told = door.take_over("code,name\n00017,Anna Ash\n")
    assert told["updated"] == 1
    assert (known("00017").name, known("00017").company) == ("Anna Ash", "Ash Ltd")


@pytest.mark.parametrize(
    ("row", "column", "code", "words"),
    [
        (",Anna,,,", "code", "value_missing", "This is missing."),
        ("1,Anna,anna@,,", "email", "email_invalid", "'anna@' is no e-mail address."),
        ("1,Anna,a\u202eb@example.com,,", "email", "email_invalid", "'a\\u202eb@example.com' is no e-mail address."),
        ("1,Anna,,England,", "country", "country_unknown", "'ENGLAND' is no country: write it as two letters, GB."),
        ("1,Anna,,,-5", "credit limit", "price_negative", "-5 is less than nothing."),
        ("1,Anna,,,5.001", "credit limit", "too_fine", "5.001 has more than two decimals."),
    ],
)
def test_bad_input_41_a_wrong_row_says_its_line_and_column(
    door: Door, row: str, column: str, code: str, words: str
) -> None:
    problem = door.refuse(f"code,name,email,country,credit limit\n2,Ben,,,\n{row}\n")
    assert (problem["code"], problem["field"], problem["detail"]) == (code, column, f"Line 3: {words}")
    assert not Customer.plain.exists()
    told = door.take_over(f"code,name,email,country,credit limit\n2,Ben,,,\n{row}\n", only_good_rows="1")
    assert (told["created"], told["failed"]) == (1, 1)


def test_bad_inputs_42_and_43(door: Door) -> None:
    problem = door.refuse(HEAD + ANNA + BEN + ANNA)
    assert (problem["code"], problem["detail"]) == ("duplicate_row", "Line 4: 00017 is in line 2 and again in line 4.")
    told = door.take_over(HEAD + ANNA)
    assert [(note["line"], note["column"], note["code"]) for note in told["warnings"]] == [
        (2, "Customer number", "code_doubtful")
    ]


def test_nobody_is_deleted_because_a_file_leaves_him_out(door: Door) -> None:
    problem = door.refuse(HEAD + ANNA, mode="complete")
    assert (problem["code"], problem["field"]) == ("mode_not_possible", "mode")


def test_what_waits_for_customers_begins(door: Door) -> None:
    Procedure(merchant=door.world.merchant, name="New ones", event="customer.created").save()
    door.take_over(HEAD + ANNA)
    assert ProcedureRun.plain.get().trigger == "event"


def test_a_workbook_is_read_like_a_csv(door: Door) -> None:
    rows = [line.split(",") for line in (HEAD + ANNA).splitlines()]
    assert door.take_over(write_table("xlsx", rows), filename="customers.xlsx")["created"] == 1
    assert known("00017").terms == "30 days"
