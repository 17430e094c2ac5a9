"""The parts of the simulated shop's records: blanks, settings, ordered lists and how names and prices are read.

documented: https://woocommerce.github.io/woocommerce-rest-api-docs/ for what there is
"""

from __future__ import annotations

import re
from bisect import bisect_left, insort
from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Any

Record = dict[str, Any]

VERSION = "11.0.1"
WORDPRESS_VERSION = "7.1.3"
ADDRESS = (
    "first_name",
    "last_name",
    "company",
    "address_1",
    "address_2",
    "city",
    "state",
    "postcode",
    "country",
)
SELLABLE: Record = {
    "description": "",
    "sku": "",
    "global_unique_id": "",
    "regular_price": "",
    "sale_price": "",
    "date_on_sale_from": None,
    "date_on_sale_from_gmt": None,
    "date_on_sale_to": None,
    "date_on_sale_to_gmt": None,
    "status": "publish",
    "virtual": False,
    "downloadable": False,
    "downloads": [],
    "download_limit": -1,
    "download_expiry": -1,
    "tax_status": "taxable",
    "tax_class": "",
    "manage_stock": False,
    "stock_quantity": None,
    "stock_status": "instock",
    "backorders": "no",
    "low_stock_amount": None,
    "weight": "",
    "dimensions": {"length": "", "width": "", "height": ""},
    "shipping_class": "",
    "menu_order": 0,
    "attributes": [],
    "parent_id": 0,
    "total_sales": 0,
}
PRODUCT: Record = SELLABLE | {
    "type": "simple",
    "featured": False,
    "catalog_visibility": "visible",
    "short_description": "",
    "external_url": "",
    "button_text": "",
    "sold_individually": False,
    "reviews_allowed": True,
    "post_password": "",
    "upsell_ids": [],
    "cross_sell_ids": [],
    "purchase_note": "",
    "categories": [],
    "brands": [],
    "tags": [],
    "images": [],
    "default_attributes": [],
    "variations": [],
}
# judgement: what a small shop runs; GMT+2, so that mistaking local dates for GMT is noticed.
SETTINGS: dict[str, str] = {
    "woocommerce_store_address": "1 Market Street",
    "woocommerce_store_city": "London",
    "woocommerce_default_country": "GB",
    "woocommerce_store_postcode": "EC1A 1AA",
    "woocommerce_allowed_countries": "all",
    "woocommerce_calc_taxes": "yes",
    "woocommerce_enable_coupons": "yes",
    "woocommerce_currency": "GBP",
    "woocommerce_currency_pos": "left",
    "woocommerce_price_num_decimals": "2",
}
TAX_SETTINGS: dict[str, str] = {
    "woocommerce_prices_include_tax": "no",
    "woocommerce_tax_based_on": "shipping",
    "woocommerce_tax_round_at_subtotal": "no",
    "woocommerce_tax_display_shop": "excl",
}
PRODUCT_SETTINGS: dict[str, str] = {
    "woocommerce_weight_unit": "kg",
    "woocommerce_manage_stock": "yes",
    "woocommerce_hold_stock_minutes": "60",
    "woocommerce_notify_no_stock_amount": "0",
}
# judgement: the gateways WooCommerce brings, which cannot give money back by themselves, and one for cards that can.
GATEWAYS: dict[str, tuple[str, list[str]]] = {
    "bacs": ("Direct bank transfer", ["products"]),
    "cheque": ("Check payments", ["products"]),
    "cod": ("Cash on delivery", ["products"]),
    "card": ("Credit card", ["products", "refunds"]),
}


class Index:
    """Record ids in the order of a number (a time, an id), kept sorted as they change."""

    def __init__(self) -> None:
        self._entries: list[tuple[int, int]] = []
        self._value_of: dict[int, int] = {}

    def put(self, record_id: int, value: int) -> None:
        self.drop(record_id)
        self._value_of[record_id] = value
        insort(self._entries, (value, record_id))

    def drop(self, record_id: int) -> None:
        value = self._value_of.pop(record_id, None)
        if value is not None:
            del self._entries[bisect_left(self._entries, (value, record_id))]

    def between(self, after: int | None, before: int | None) -> tuple[int, int]:
        """The positions of the ids whose value is > after and < before."""
        low = 0 if after is None else bisect_left(self._entries, (after + 1, 0))
        high = len(self._entries) if before is None else bisect_left(self._entries, (before, 0))
        return low, max(low, high)

    def ids(self, low: int, high: int, *, descending: bool = False) -> Iterable[int]:
        entries = self._entries[low:high]
        return (entry[1] for entry in (reversed(entries) if descending else entries))


def slugify(text: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")


def title_slug(name: Any) -> str:
    """judgement: sanitize_title, as far as names of attributes need it."""
    return re.sub(r"[\s_]+", "-", str(name).strip().casefold())


def fold(sku: str) -> str:
    """judgement: codes are compared as MySQL's usual collation does, without regard to case."""
    return sku.casefold()


def amount_of(value: Any) -> Decimal:
    """A price as text; '' is 0, nonsense too (WooCommerce's wc_format_decimal drops what is no number), and what no
    column of the database holds."""
    try:
        amount = Decimal(str(value))
    except InvalidOperation:
        return Decimal(0)
    return amount if amount.is_finite() and abs(amount.adjusted()) < 20 else Decimal(0)


def parse_date(text: str) -> datetime | None:
    """An ISO 8601 date as WordPress takes it (rest_parse_date); None for what is no date."""
    try:
        return datetime.fromisoformat(text.upper().replace("Z", "+00:00"))
    except ValueError:
        return None


def clean_price(value: Any) -> str:
    """documented: wc_format_decimal: what is no number is dropped."""
    text = str(value or "").strip()
    return text if re.fullmatch(r"-?\d+(\.\d*)?|-?\.\d+", text) else re.sub(r"[^0-9.-]", "", text)
