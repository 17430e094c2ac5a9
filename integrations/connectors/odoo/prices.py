"""What a price list makes of a product's price: pure, the part of Odoo's rules that can be told from its public fields.

Order and formula: https://github.com/odoo/odoo/blob/19.0/addons/product/models/product_pricelist_item.py and
https://www.odoo.com/documentation/19.0/applications/sales/sales/products_prices/prices/pricing.html. Odoo's own
computation (`_get_product_price`) is private. Limits, each refused rather than guessed: rules based on the cost or on
another price list, rules on a category, and lists in another currency than the product's.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from integrations.connectors.odoo.payloads import parse_decimal, parse_time, related_id
from integrations.contract.errors import Unsupported

Row = Mapping[str, Any]
RULE_FIELDS = (
    "id",
    "pricelist_id",
    "applied_on",
    "product_tmpl_id",
    "product_id",
    "categ_id",
    "min_quantity",
    "date_start",
    "date_end",
    "base",
    "compute_price",
    "fixed_price",
    "percent_price",
    "price_discount",
    "price_round",
    "price_surcharge",
    "price_min_margin",
    "price_max_margin",
)


def is_running(rule: Row, at: Any) -> bool:
    start, end = parse_time(rule.get("date_start")), parse_time(rule.get("date_end"))
    return (start is None or start <= at) and (end is None or at <= end)


def rules_for(product: Row, rules: Sequence[Row]) -> list[Row]:
    """The rules of a price list that speak of the product, the deciding one first."""
    own = [rule for rule in rules if _applies(rule, product)]
    return sorted(own, key=lambda rule: (rule["applied_on"], -parse_decimal(rule["min_quantity"]), -rule["id"]))


def _applies(rule: Row, product: Row) -> bool:
    if rule["applied_on"] == "0_product_variant":
        return related_id(rule.get("product_id")) == str(product["id"])
    if rule["applied_on"] == "1_product":
        return related_id(rule.get("product_tmpl_id")) == related_id(product["product_tmpl_id"])
    return True


def price_at(product: Row, rules: Sequence[Row], quantity: Decimal) -> Decimal:
    """The unit price of `quantity` pieces; `rules` as rules_for orders them."""
    base = parse_decimal(product["lst_price"])
    for rule in rules:
        if parse_decimal(rule["min_quantity"]) > quantity:
            continue
        if rule["applied_on"] == "2_product_category":
            raise Unsupported("Odoo's price list has rules on categories, which cannot be computed from outside.")
        if rule["compute_price"] == "fixed":
            return parse_decimal(rule["fixed_price"])
        if rule["base"] != "list_price":
            raise Unsupported(f"Odoo's price rule {rule['id']} builds on '{rule['base']}', which cannot be computed.")
        if rule["compute_price"] == "percentage":
            return base - base * parse_decimal(rule["percent_price"]) / 100
        return _formula(rule, base)
    return base


def _formula(rule: Row, base: Decimal) -> Decimal:
    price = base - base * parse_decimal(rule["price_discount"]) / 100
    if step := parse_decimal(rule["price_round"]):
        price = (price / step).quantize(Decimal(1), ROUND_HALF_UP) * step
    price += parse_decimal(rule["price_surcharge"])
    if lowest := parse_decimal(rule["price_min_margin"]):
        price = max(price, base + lowest)
    if highest := parse_decimal(rule["price_max_margin"]):
        price = min(price, base + highest)
    return price
