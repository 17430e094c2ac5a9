"""The file's own figures: by csv and Decimal alone."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest

from portal.management.demo.catalogue import build_catalogue
from portal.management.demo.live import SAMPLE
from portal.management.demo.source import fold, match_credits, read_invoices, sold

D = Decimal
HEAD = "InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country\n"


@pytest.fixture
def write(tmp_path: Path):
    def make(*rows: str) -> Path:
        path = tmp_path / "sales.csv"
        path.write_text(HEAD + "".join(f"{row}\n" for row in rows), encoding="utf-8")
        return path

    return make


def row(number: str, code: str, quantity: int, price: str, customer: str = "17.0") -> str:
    return f"{number},{code},THING,{quantity},2010-12-01 08:26:00,{price},{customer},United Kingdom"


def test_a_lines_value_is_rounded_half_up_to_the_cent(write) -> None:
    (invoice,) = read_invoices(write(row("1", "A", 3, "0.835")))
    assert invoice.lines[0].value == D("2.51")
    assert invoice.customer == "17"
    assert invoice.at.isoformat() == "2010-12-01T08:26:00+00:00"


@pytest.mark.parametrize(
    ("quantity", "price", "reason"),
    [(1, "2.00", ""), (-1, "2.00", "negative_quantity"), (-1, "0", "negative_quantity"), (2, "0.0", "zero_value"),
     (1, "-11062.06", "adjustment")],
)  # fmt: skip
def test_why_a_line_cannot_be_sold(write, quantity: int, price: str, reason: str) -> None:
    assert read_invoices(write(row("1", "A", quantity, price)))[0].lines[0].reason == reason


def test_a_limit_counts_distinct_invoices_in_file_order_and_keeps_all_their_lines(write) -> None:
    path = write(row("1", "A", 1, "1"), row("C2", "A", -1, "1"), row("3", "A", 1, "1"), row("1", "B", 1, "1"))
    found = read_invoices(path, 2)
    assert [(one.number, len(one.lines), one.is_credit) for one in found] == [("1", 2, False), ("C2", 1, True)]


def test_a_credit_takes_the_latest_earlier_sale_with_enough_left(write) -> None:
    path = write(
        row("1", "A", 5, "2"), row("2", "A", 3, "2"), row("C3", "A", -3, "2"), row("C4", "A", -3, "2"),
        row("C5", "A", -3, "2"), row("C6", "A", -1, "3"), row("C7", "a", -1, "2"), row("8", "A", 9, "2", ""),
        row("C9", "A", -1, "2", ""),
    )  # fmt: skip
    found = [(credit.invoice, credit.sale) for credit in match_credits(read_invoices(path))]
    assert found == [
        ("C3", ("2", 0)), ("C4", ("1", 0)), ("C5", None), ("C6", None), ("C7", None), ("C9", None),
    ]  # fmt: skip


def test_families_become_products_with_a_variant_axis_and_opening_stock(write) -> None:
    path = write(row("1", "85099B", 4, "1.95"), row("1", "85099c", 2, "1.95"), row("1", "POST", 1, "18"))
    invoices = read_invoices(path)
    family, postage = build_catalogue(invoices, sold(invoices))
    assert (family["code"], family["axes"]) == ("85099", [{"name": "Variant", "values": ["B", "C"]}])
    assert [(one["sku"], one["options"], one["stock"]) for one in family["variants"]] == [
        ("85099B", {"Variant": "B"}, "14"),
        ("85099C", {"Variant": "C"}, "12"),
    ]
    assert (postage["code"], postage["axes"], postage["variants"][0]["stock"]) == ("POST", [], "11")


def test_the_sample_is_small_and_has_a_bit_of_everything() -> None:
    invoices = read_invoices(SAMPLE)
    credits_ = list(match_credits(invoices))
    assert len(invoices) == 300
    assert sum(credit.sale is not None for credit in credits_) >= 40
    assert {line.reason for one in invoices if not one.is_credit for line in one.lines} >= {"", "zero_value"}


@pytest.mark.slow
def test_the_whole_files_own_figures(shared_dir: Path) -> None:
    invoices = read_invoices(shared_dir / "data" / "online-retail.csv.xz")
    sales = [one for one in invoices if not one.is_credit]
    assert len(sales) == 22_064
    assert sum(one.number.startswith("A") for one in sales) == 3
    assert sum(all(line.quantity < 0 for line in one.lines) for one in sales) == 1_336
    assert sum(sum((line.value for line in one.lines), D(0)) == 0 for one in sales) == 2_102
    codes = {line.code for one in invoices for line in one.lines}
    assert (len(codes), len({fold(code) for code in codes})) == (4_070, 3_958)
    assert sum(len(one.lines) for one in invoices) == 541_909
