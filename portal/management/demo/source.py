"""Sales lines as orders and refunds, by csv and Decimal alone: what the portal has to reproduce. Pure but for the file.

The columns are those of UCI "Online Retail" (https://archive.ics.uci.edu/dataset/352/online+retail): InvoiceNo,
StockCode, Description, Quantity, InvoiceDate (London time), UnitPrice, CustomerID, Country. C begins a credit's number.
"""

from __future__ import annotations

import csv
import lzma
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path
from typing import TextIO
from zoneinfo import ZoneInfo

CENT = Decimal("0.01")
LONDON = ZoneInfo("Europe/London")
NEGATIVE_QUANTITY, ZERO_VALUE, ADJUSTMENT = "negative_quantity", "zero_value", "adjustment"
CREDIT_WITHOUT_SALE = "credit_without_sale"
REJECTED = (NEGATIVE_QUANTITY, ZERO_VALUE, ADJUSTMENT)


@dataclass(frozen=True, slots=True)
class Line:
    """One row of the file. `value` = quantity × price, half up to the cent."""

    code: str
    name: str
    quantity: Decimal
    price: Decimal
    value: Decimal

    @property
    def reason(self) -> str:
        """Why a sale of this line cannot be placed; '' where it can."""
        if self.quantity <= 0:
            return NEGATIVE_QUANTITY
        if self.price < 0:
            return ADJUSTMENT
        return ZERO_VALUE if self.price == 0 else ""


@dataclass(slots=True)
class Invoice:
    """The rows of one InvoiceNo, in file order."""

    number: str
    customer: str
    country: str
    at: datetime
    lines: list[Line] = field(default_factory=list)

    @property
    def is_credit(self) -> bool:
        return self.number.startswith("C")

    @property
    def placeable(self) -> list[tuple[int, Line]]:
        """The lines a shop can sell, with their place among the invoice's lines."""
        return [(index, line) for index, line in enumerate(self.lines) if not line.reason]


@dataclass(frozen=True, slots=True)
class Credit:
    """A C line and the sale line it gives back; `sale` None: there is none."""

    invoice: str
    line: Line
    sale: tuple[str, int] | None


def open_text(path: Path) -> TextIO:
    if path.suffix == ".xz":
        return lzma.open(path, "rt", encoding="utf-8", newline="")
    return path.open(encoding="utf-8", newline="")


def read_invoices(path: Path, limit: int | None = None) -> list[Invoice]:
    """The first `limit` distinct invoices of the file, credits included, with all their lines, in file order."""
    found: dict[str, Invoice] = {}
    with open_text(path) as file:
        for row in csv.DictReader(file):
            number = row["InvoiceNo"]
            invoice = found.get(number)
            if invoice is None:
                if limit is not None and len(found) >= limit:
                    continue
                at = datetime.fromisoformat(row["InvoiceDate"]).replace(tzinfo=LONDON).astimezone(UTC)
                invoice = found[number] = Invoice(number, row["CustomerID"].partition(".")[0], row["Country"], at)
            invoice.lines.append(parse_line(row))
    return list(found.values())


def parse_line(row: dict[str, str]) -> Line:
    quantity, price = Decimal(row["Quantity"]), Decimal(row["UnitPrice"])
    value = (quantity * price).quantize(CENT, ROUND_HALF_UP)
    return Line(row["StockCode"], row["Description"].strip() or row["StockCode"], quantity, price, value)


def match_credits(invoices: Iterable[Invoice]) -> Iterator[Credit]:
    """Each C line against the latest earlier sale line of the same customer, code and price with enough left."""
    left: dict[tuple[str, str, Decimal], list[tuple[str, int, Decimal]]] = defaultdict(list)
    for invoice in invoices:
        if not invoice.is_credit:
            for index, line in invoice.placeable:
                if invoice.customer:
                    left[invoice.customer, line.code, line.price].append((invoice.number, index, line.quantity))
            continue
        for line in invoice.lines:
            yield Credit(invoice.number, line, _take(left[invoice.customer, line.code, line.price], -line.quantity))


def _take(sales: list[tuple[str, int, Decimal]], quantity: Decimal) -> tuple[str, int] | None:
    if quantity <= 0:
        return None
    for place in range(len(sales) - 1, -1, -1):
        number, index, enough = sales[place]
        if enough >= quantity:
            sales[place] = (number, index, enough - quantity)
            return number, index
    return None


def sold(invoices: Iterable[Invoice]) -> dict[str, Decimal]:
    """How many of each article the invoices sell, by folded code."""
    total: dict[str, Decimal] = defaultdict(Decimal)
    for invoice in invoices:
        if not invoice.is_credit:
            for _, line in invoice.placeable:
                total[fold(line.code)] += line.quantity
    return dict(total)


def fold(code: str) -> str:
    """The article a code means: a shop's index of SKUs does not tell small letters from capitals."""
    return code.strip().upper()
