"""A row of a table of prices: what an article costs, in which list, from which quantity and day on; what it cost us."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from django.utils.translation import gettext_lazy as _

from catalog.mapping.feed_rows import BadCell, Field, read_code, read_moment, read_number, read_yes
from catalog.mapping.stock_rows import USUAL_ARTICLE
from integrations.contract.records import INWARD_SLOT

ARTICLE, PRICE, CURRENCY, LIST = "article", "price", "currency", "list"
MIN_QUANTITY, VALID_FROM, VALID_UNTIL, TAX = "min_quantity", "valid_from", "valid_until", "tax_included"
INWARD_PRICE, INWARD_AT = "inward_price", "inward_at"
FIELDS = (
    Field(name=ARTICLE, label=_("The article"), usual=USUAL_ARTICLE, required=True, is_code=True),
    Field(
        name=PRICE,
        label=_("Price of one"),
        usual=frozenset({"price", "unit price", "amount", "sales price", "selling price", "list price", "net price"}),
    ),
    Field(
        name=CURRENCY,
        label=_("Currency (none: that of the list)"),
        usual=frozenset({"currency", "currency code", "iso currency"}),
    ),
    Field(
        name=LIST,
        label=_("Price list (none: the base prices)"),
        usual=frozenset({"list", "price list", "pricelist", "price list code", "price group", "tariff"}),
    ),
    Field(
        name=MIN_QUANTITY,
        label=_("From how many on"),
        usual=frozenset({"min quantity", "minimum quantity", "min qty", "from quantity", "quantity from", "scale"}),
    ),
    Field(name=VALID_FROM, label=_("Valid from"), usual=frozenset({"valid from", "from", "from date", "start date"})),
    Field(
        name=VALID_UNTIL,
        label=_("Valid to, the last day included"),
        usual=frozenset({"valid to", "valid until", "to", "to date", "end date", "until"}),
    ),
    Field(
        name=TAX,
        label=_("With tax (yes, no)"),
        usual=frozenset({"tax", "tax included", "includes tax", "with tax", "gross", "vat included", "tax basis"}),
    ),
    Field(
        name=INWARD_PRICE,
        label=_("What was paid for the last goods that came in"),
        usual=frozenset({"inward price", "last purchase price", "last cost", "cost", "purchase price"}),
    ),
    Field(
        name=INWARD_AT,
        label=_("When they came in"),
        usual=frozenset({"inward at", "inward date", "last purchase date", "goods in date", "last received"}),
    ),
)
LARGEST_PRICE, LARGEST_QUANTITY = 10**9, 10**6
BETWEEN = "\x1f"  # the parts of a key


def parse_price(texts: Mapping[str, str], *, decimal_comma: bool, zone: ZoneInfo) -> dict[str, Any]:
    """{key, family, name, article, price, currency, list, min_quantity, valid_from, valid_until, tax_included?,
    inward_price, inward_at}: amounts as text, '' where there is none, moments as ISO 8601. BadCell."""
    article = read_code(texts, ARTICLE, 200, needed=True)
    price, inward = (_read_amount(texts, name, decimal_comma) for name in (PRICE, INWARD_PRICE))
    if not price and not inward:
        name = PRICE if PRICE in texts else INWARD_PRICE
        raise BadCell(name, "value_missing", "The price is missing.")
    currency = read_code(texts, CURRENCY, 10).upper()
    if currency and not (len(currency) == 3 and currency.isascii() and currency.isalpha()):
        raise BadCell(CURRENCY, "currency_invalid", f"{currency!r} is no currency: write three letters, as GBP.")
    begins = read_moment(texts.get(VALID_FROM, ""), VALID_FROM, zone)
    ends = read_moment(texts.get(VALID_UNTIL, ""), VALID_UNTIL, zone, ends=True)
    if ends is not None and begins is not None and ends <= begins:
        raise BadCell(VALID_UNTIL, "date_out_of_range", "The price ends before it begins.")
    came = read_moment(texts.get(INWARD_AT, ""), INWARD_AT, zone)
    values: dict[str, Any] = {
        "article": article,
        "name": article,
        "price": price,
        "currency": currency,
        "list": _read_list(texts),
        "min_quantity": _read_quantity(texts, decimal_comma),
        "valid_from": begins.isoformat() if begins else "",
        "valid_until": ends.isoformat() if ends else "",
        "inward_price": inward,
        "inward_at": came.isoformat() if came else "",
    }
    if TAX in texts:
        values["tax_included"] = read_yes(texts, TAX)
    values["key"] = BETWEEN.join(values[name] for name in ("list", "article", "min_quantity", "valid_from"))
    return {**values, "family": values["key"]}


def _read_list(texts: Mapping[str, str]) -> str:
    name = read_code(texts, LIST, 50)
    if name == INWARD_SLOT:
        words = f"“{INWARD_SLOT}” is the list of what was paid for goods: give those prices a column of their own."
        raise BadCell(LIST, "list_reserved", words)
    return name


def _read_amount(texts: Mapping[str, str], name: str, decimal_comma: bool) -> str:
    text = texts.get(name, "")
    if not text.strip():
        return ""
    amount = read_number(text, name, decimal_comma=decimal_comma, places=6, largest=LARGEST_PRICE)
    if amount < 0:
        raise BadCell(name, "price_negative", f"{text.strip()} is less than nothing.")
    return f"{amount:f}"


def _read_quantity(texts: Mapping[str, str], decimal_comma: bool) -> str:
    text = texts.get(MIN_QUANTITY, "")
    if not text.strip():
        return "1"
    number = read_number(text, MIN_QUANTITY, decimal_comma=decimal_comma, places=3, largest=LARGEST_QUANTITY)
    if number < 0:
        raise BadCell(MIN_QUANTITY, "quantity_out_of_range", f"{text.strip()} is less than nothing.")
    return f"{number.normalize():f}" if number else "1"  # many systems write 0 for: from the first on


def to_amount(text: str) -> Decimal | None:
    return Decimal(text) if text else None
