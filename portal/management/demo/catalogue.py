"""The catalogue of the file: families of codes that differ in letters become products with a "Variant" axis. Pure."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

from portal.management.demo.source import Invoice, Line, fold

FAMILY = re.compile(r"(\d{5})([A-Z]{1,2})?")
AXIS, PLAIN = "Variant", "Plain"
SPARE = Decimal(10)


def build_catalogue(invoices: Iterable[Invoice], opening: Mapping[str, Decimal]) -> list[dict[str, Any]]:
    """Products as the simulators' control plane takes them; opening stock of a code = all that is sold of it + 10."""
    articles = _collect(invoices)
    families: dict[str, list[str]] = defaultdict(list)
    for code in articles:
        match = FAMILY.fullmatch(code)
        families[match[1] if match else code].append(code)
    return [_product(family, sorted(codes), articles, opening) for family, codes in sorted(families.items())]


def _collect(invoices: Iterable[Invoice]) -> dict[str, list[Line]]:
    found: dict[str, list[Line]] = defaultdict(list)
    for invoice in invoices:
        for line in invoice.lines:
            found[fold(line.code)].append(line)
    return found


def _product(
    family: str, codes: list[str], articles: Mapping[str, list[Line]], opening: Mapping[str, Decimal]
) -> dict[str, Any]:
    single = len(codes) == 1
    labels = {code: code.removeprefix(family) or PLAIN for code in codes}
    variants = [
        {
            "sku": code,
            "barcode": "",
            "name": _name(articles[code]),
            "options": {} if single else {AXIS: labels[code]},
            "price": str(_price(articles[code])),
            "stock": str(opening.get(code, Decimal(0)) + SPARE),
        }
        for code in codes
    ]
    return {
        "code": codes[0] if single else family,
        "name": variants[0]["name"],
        "description": "",
        "axes": [] if single else [{"name": AXIS, "values": [labels[code] for code in codes]}],
        "variants": variants,
    }


def _name(lines: list[Line]) -> str:
    """The description used most; the file has several for one code."""
    return Counter(line.name for line in lines).most_common(1)[0][0]


def _price(lines: list[Line]) -> Decimal:
    prices = Counter(line.price.quantize(Decimal("0.01")) for line in lines if line.price > 0)
    return prices.most_common(1)[0][0] if prices else Decimal("1.00")
