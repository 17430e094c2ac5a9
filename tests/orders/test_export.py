"""Orders as a file: a row a line, texts as they are, no formula, nobody else's, and written down who took it."""

from __future__ import annotations

import csv
import io
import json
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.db import connection as database
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from integrations.contract import records as r
from orders.models import FulfilmentOrder, Order, OrderLine
from portal.base.tables import read_sheet
from portal.tenancy.models import Location
from tests.portal.people import log_in
from tests.world import World, order, stocked

LIST = "admin:orders_order_changelist"
HOME = r.AddressRecord(name="Ada Lovelace", line1="1 High Street", city="London", postcode="00123", country="GB")


def export(client: Client, kind: str, *rows: Order, **more: str) -> Any:
    given = {"action": f"export_{kind}", "_selected_action": [str(row.pk) for row in rows], **more}
    return client.post(reverse(LIST), given)


def read(kind: str, response: Any) -> list[dict[str, str]]:
    data = b"".join(response) if response.streaming else response.content
    if kind == "json":
        return [json.loads(line) for line in data.splitlines()]
    if kind == "xlsx":
        sheet = read_sheet("orders.xlsx", data)
        return [dict(zip(sheet.headers, row, strict=True)) for row in sheet.rows]
    assert data.startswith(b"\xef\xbb\xbf")
    return list(csv.DictReader(io.StringIO(data.decode("utf-8-sig"))))


@pytest.fixture
def sold(world: World) -> Order:
    """Two lines, billed and shipped to one address, in the ERP as S1."""
    stocked(world, "00123", "CUP")
    record = order("1", ("00123", 2, "4.50"), ("CUP", 1, "3.00"), billing=HOME, shipping=HOME)
    world.apply(world.shop, "order", record)
    row = Order.plain.get()
    FulfilmentOrder.plain.filter(order=row).update(external_number="S1")
    return row


@pytest.mark.parametrize(("kind", "type_"), [
    ("csv", "text/csv; charset=utf-8"),
    ("xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
    ("json", "application/jsonl; charset=utf-8"),
])  # fmt: skip
def test_a_row_a_line_with_addresses_payment_and_money(world: World, sold: Order, kind: str, type_: str) -> None:
    response = export(log_in(world.merchant, "sales"), kind, sold)
    assert response.headers["Content-Type"] == type_
    ending = "jsonl" if kind == "json" else kind
    assert response.headers["Content-Disposition"].endswith(f'.{ending}"')
    rows = [list(row.values()) for row in read(kind, response)]
    mug, cup = rows
    address = ["Ada Lovelace", "", "1 High Street", "", "London", "", "00123", "GB", "", ""]
    money = ["GBP", "12.00", "12.00", "0.00", "Paid", "Not shipped", "bacs", "p1"]
    head = ["1", "Shop A", "2026-11-20T12:00:00+00:00", "Ada Lovelace", "", "", *address, *address, *money]
    head += ["ERP", "S1", "A-1", "", "", ""]
    codes = ["00123"] * 3
    assert mug == [*head, "1", "Article", *codes, "2", "0", "4.50", "0.00", "9.00", "0.00", "", "9.00"]
    assert cup == [*head, "2", "Article", "CUP", "CUP", "CUP", "1", "0", "3.00", "0.00", "3.00", "0.00", "", "3.00"]


def test_who_exported_is_written_down(world: World, sold: Order) -> None:
    client = log_in(world.merchant, "sales")
    export(client, "csv", sold)
    entry = LogEntry.objects.get()
    assert str(entry.user_id) == client.session["_auth_user_id"]
    assert entry.change_message == f"Exported 1 orders as csv: {sold.pk}"


@pytest.mark.parametrize("text", ["=HYPERLINK(1)", "+442079460018", "-1", "@x", "\tx", "\rx"])
def test_bad_input_46_formula_characters_are_prefixed(world: World, sold: Order, text: str) -> None:
    Order.plain.update(customer_name=text)
    OrderLine.plain.update(name=text)
    client = log_in(world.merchant, "sales")
    (row, _cup) = read("csv", export(client, "csv", sold))
    assert (row["customer"], row["name"]) == (f"'{text}", f"'{text}")
    assert read("json", export(client, "json", sold))[0]["customer"] == text, "nothing runs it there"


def test_the_filtered_list_is_exported_and_its_queries_do_not_grow(world: World, sold: Order) -> None:
    client = log_in(world.merchant, "support")

    def take_all() -> tuple[list[dict[str, str]], int]:
        with CaptureQueriesContext(database) as caught:
            rows = read("csv", export(client, "csv", sold, select_across="1"))
        return rows, len(caught)

    one, few = take_all()
    for number in range(2, 8):
        world.apply(world.shop, "order", order(str(number), ("CUP", 1, "3.00")))
    many, same = take_all()
    assert ([row["number"] for row in one], few) == (["1", "1"], same)
    assert [row["number"] for row in many] == ["7", "6", "5", "4", "3", "2", "1", "1"]


@pytest.mark.parametrize("kind", ["csv", "xlsx", "json"])
def test_a_person_limited_to_a_location_exports_its_orders_only(world: World, sold: Order, kind: str) -> None:
    north = Location(merchant=world.merchant, code="NORTH", name="North")
    north.save()
    world.apply(world.shop, "order", order("2", ("CUP", 1, "3.00")))
    mine = Order.plain.get(number="2")
    Order.plain.filter(pk=mine.pk).update(location=north)
    limited = log_in(world.merchant, "support", north)
    found = read(kind, export(limited, kind, sold, mine, select_across="1"))
    assert [row["number"] for row in found] == ["2"]
