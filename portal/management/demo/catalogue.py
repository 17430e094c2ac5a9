"""The catalogue of the file: families of codes that differ in letters become products with a "Variant" axis. Pure."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from decimal import Decimal
from itertools import product
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


# --- what is to be mapped in the living demo: the ERP's and the shop's names for the same things ---------------------

COLOURS = (("Red", "RED", "Rot"), ("Green", "GRN", "Grün"), ("Blue", "BLU", "Blau"))
SIZES = (("Small", "S", "Klein"), ("Large", "L", "Groß"))
TOY_PRICE, TEAPOT_PRICE = "12.50", "24.00"
TEAPOT_IN_ERP, TEAPOT_IN_SHOP = "TEAPOT-1", "KANNE"
TOYS_IN_SHOP = tuple(str(4411 + place) for place in range(len(COLOURS) * len(SIZES)))


def build_unmapped() -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """(the ERP's, the shop's) products that no code joins: a toy car of 3 colours × 2 sizes, and a teapot."""
    erp_toys, shop_toys = [], []
    for place, ((colour, colour_code, farbe), (size, size_code, mass)) in enumerate(product(COLOURS, SIZES)):
        erp_toys.append(
            _article(f"TOY-{colour_code}-{size_code}", "Toy car", TOY_PRICE, {"Colour": colour, "Size": size})
        )
        shop_toys.append(_article(TOYS_IN_SHOP[place], "Toy car", TOY_PRICE, {"Farbe": farbe, "Größe": mass}))
    axes = [[one[index] for one in COLOURS] for index in (0, 2)], [[one[index] for one in SIZES] for index in (0, 2)]
    erp = [
        _matrix("TOY", "Toy car", {"Colour": axes[0][0], "Size": axes[1][0]}, erp_toys),
        _matrix(TEAPOT_IN_ERP, "Teapot, enamel", {}, [_article(TEAPOT_IN_ERP, "Teapot, enamel", TEAPOT_PRICE, {})]),
    ]
    shop = [
        _matrix("AUTO", "Toy car", {"Farbe": axes[0][1], "Größe": axes[1][1]}, shop_toys),
        _matrix(TEAPOT_IN_SHOP, "Emailkanne", {}, [_article(TEAPOT_IN_SHOP, "Emailkanne", TEAPOT_PRICE, {})]),
    ]
    return erp, shop


def _article(code: str, name: str, price: str, options: dict[str, str]) -> dict[str, Any]:
    return {"sku": code, "barcode": "", "name": name, "options": options, "price": price, "stock": "200"}


def _matrix(code: str, name: str, axes: dict[str, list[str]], variants: list[dict[str, Any]]) -> dict[str, Any]:
    shown = [{"name": axis, "values": values} for axis, values in axes.items()]
    return {"code": code, "name": name, "description": "", "axes": shown, "variants": variants}
