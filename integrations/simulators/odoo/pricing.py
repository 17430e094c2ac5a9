"""Units, categories, taxes and price lists.

documented: specs/odoo/live-doc/product.pricelist*.json; odoo/addons/product/models/product_pricelist*.py and
odoo/addons/account/models/account_tax.py.
"""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from integrations.simulators.odoo.fields import (
    boolean,
    char,
    choice,
    html,
    integer,
    many2one,
    moment,
    number,
    one2many,
    percent_of,
    round_to,
)
from integrations.simulators.odoo.orm import Model


class Uom(Model):
    name = "uom.uom"
    FIELDS = {"name": char(required=True), "active": boolean(default=True)}


class Category(Model):
    name = "product.category"
    rec_name = "complete_name"
    FIELDS = {
        "name": char(required=True),
        "complete_name": char(compute="display_name"),
        "parent_id": many2one("product.category", index=True),
        "child_id": one2many("product.category", "parent_id"),
    }

    def display_name(self, row: Any) -> str:
        parent = self.rows.get(row.parent_id) if row.parent_id else None
        return f"{self.display_name(parent)} / {row.name}" if parent is not None else row.name


class Tax(Model):
    name = "account.tax"
    order = "sequence, id"
    FIELDS = {
        "name": char(required=True),
        "amount": number(required=True, digits=4),
        "amount_type": choice("group", "fixed", "percent", "division", default="percent", required=True),
        "type_tax_use": choice("sale", "purchase", "none", default="sale", required=True),
        "price_include_override": choice("tax_included", "tax_excluded"),
        "price_include": boolean(compute="price_include"),
        "sequence": integer(default=1),
        "active": boolean(default=True),
        "company_id": many2one("res.company", default=1),
        "description": html(),
    }

    def price_include(self, row: Any) -> bool:
        return bool(row.price_include_override == "tax_included")

    def amounts(self, taxes: tuple[int, ...], amount: float) -> tuple[float, float]:
        """(net, tax) of a line's amount in cents, each tax rounded half up to the cent.

        judgement: `tax_calculation_rounding_method` = round_per_line, so that a document's total is its lines' sum.
        """
        rows = [self.rows[one] for one in taxes]
        included = float(sum(tax.amount for tax in rows if self.price_include(tax)))
        net = round_to(Decimal(repr(amount)) / (1 + Decimal(repr(included)) / 100)) if included else amount
        tax = round_to(sum(round_to(percent_of(net, one.amount)) for one in rows))
        if included and all(self.price_include(one) for one in rows):
            tax = round_to(amount - net)  # the price stays what it was
        return net, tax


class Pricelist(Model):
    name = "product.pricelist"
    order = "sequence, id"
    FIELDS = {
        "name": char(required=True),
        "active": boolean(default=True),
        "sequence": integer(default=16),
        "currency_id": many2one(
            "res.currency", required=True, default=lambda m: m.db["res.company"].rows[1].currency_id
        ),
        "company_id": many2one("res.company"),
        "item_ids": one2many("product.pricelist.item", "pricelist_id"),
    }

    def display_name(self, row: Any) -> str:
        return f"{row.name} ({self.db['res.currency'].rows[row.currency_id].name})"

    def price(self, pricelist: Any, product: Any, quantity: float) -> float:
        """The most specific rule that fits, else the catalogue's price.

        documented: odoo/addons/product/models/product_pricelist.py, `_compute_price_rule`, and the item's `_order`
        (applied_on, min_quantity desc, categ_id desc, id desc).
        """
        products, items = self.db["product.product"], self.db["product.pricelist.item"]
        listed = products.lst_price(product)
        fitting = [
            items.rows[one]
            for one in items.index["pricelist_id"].get(pricelist, ())
            if items.fits(items.rows[one], product, quantity)
        ]
        if not fitting:
            return float(listed)
        best = min(fitting, key=lambda item: (item.applied_on, -item.min_quantity, -item.id))
        return float(items.amount(best, product, quantity))


class PricelistItem(Model):
    name = "product.pricelist.item"
    UNSEARCHABLE = frozenset({"name", "price", "product_variant_count"})
    order = "applied_on, min_quantity desc, id desc"
    FIELDS = {
        "pricelist_id": many2one("product.pricelist", index=True),
        "company_id": many2one("res.company"),
        "currency_id": many2one("res.currency", related="pricelist_id.currency_id"),
        "date_start": moment(),
        "date_end": moment(),
        "min_quantity": number(digits=2),
        "applied_on": choice(
            "3_global", "2_product_category", "1_product", "0_product_variant", default="3_global", required=True
        ),
        "categ_id": many2one("product.category"),
        "product_tmpl_id": many2one("product.template", index=True),
        "product_id": many2one("product.product", index=True),
        "base": choice("list_price", "standard_price", "pricelist", default="list_price", required=True),
        "compute_price": choice("percentage", "formula", "fixed", default="fixed", required=True),
        "fixed_price": number(),
        "percent_price": number(),
        "price_discount": number(digits=2),
        "price_surcharge": number(),
        "price_round": number(),
        "price_markup": number(digits=2),
        "price_min_margin": number(),
        "price_max_margin": number(),
        "base_pricelist_id": many2one("product.pricelist"),
        "display_applied_on": choice("1_product", "2_product_category", default="1_product", required=True),
        "product_uom_name": char(related="product_tmpl_id.uom_name"),
        "product_variant_count": integer(related="product_tmpl_id.product_variant_count"),
        "name": char(compute="rule_name"),
        "price": char(compute="price_text"),
    }

    def fits(self, item: Any, product: Any, quantity: float) -> bool:
        now = self.db.now
        if item.min_quantity > quantity or (item.date_start and item.date_start > now):
            return False
        if item.date_end and item.date_end < now:
            return False
        template = self.db["product.template"].rows[product.product_tmpl_id]
        if item.applied_on == "0_product_variant":
            return bool(item.product_id == product.id)
        if item.applied_on == "1_product":
            return bool(item.product_tmpl_id == template.id)
        if item.applied_on == "2_product_category":
            return template.categ_id in self.db["product.category"].descendants([item.categ_id])
        return True

    def amount(self, item: Any, product: Any, quantity: float) -> float:
        """What a rule makes of its base price: discounted, rounded, surcharged, kept within its margins.

        documented: product_pricelist_item.py, `_compute_price` and `_compute_base_price`; on a cost a markup is a
        discount below nothing.
        """
        if item.compute_price == "fixed":
            return float(item.fixed_price)
        base = self._base(item, product, quantity)
        if item.compute_price == "percentage":
            return float(base * (1 - item.percent_price / 100))
        discount = -item.price_markup if item.base == "standard_price" else item.price_discount
        price = base * (1 - discount / 100)
        if item.price_round:
            step = Decimal(repr(item.price_round))
            price = float((Decimal(repr(round(price, 6))) / step).quantize(Decimal(1), rounding=ROUND_HALF_UP) * step)
        price += item.price_surcharge
        if item.price_min_margin:
            price = max(price, base + item.price_min_margin)
        if item.price_max_margin:
            price = min(price, base + item.price_max_margin)
        return float(price)

    def _base(self, item: Any, product: Any, quantity: float) -> float:
        if item.base == "standard_price":
            return float(product.standard_price)
        if item.base == "pricelist" and item.base_pricelist_id:
            return float(self.db["product.pricelist"].price(item.base_pricelist_id, product, quantity))
        return float(self.db["product.product"].lst_price(product))

    def rule_name(self, row: Any) -> str:
        if row.applied_on == "0_product_variant" and row.product_id:
            products = self.db["product.product"]
            return f"Variant: {products.display_name(products.rows[row.product_id])}"
        return "All Products" if row.applied_on == "3_global" else row.applied_on

    def price_text(self, row: Any) -> str:
        return f"{row.fixed_price:.2f}" if row.compute_price == "fixed" else f"{row.percent_price:.2f} % discount"

    def display_name(self, row: Any) -> str:
        return self.rule_name(row)


MODELS: tuple[type[Model], ...] = (
    Uom,
    Category,
    Tax,
    Pricelist,
    PricelistItem,
)
