"""Categories, global attributes and their terms in the simulated shop.

documented: wp_insert_term, wc_create_attribute and WC_Product_Attribute::get_terms:
https://github.com/woocommerce/woocommerce/blob/trunk/plugins/woocommerce/includes/wc-attribute-functions.php
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from integrations.simulators.woocommerce.args import WpError
from integrations.simulators.woocommerce.records import Record, title_slug

DEFAULT_CATEGORY = 15


class Terms:
    """The words products are sorted by. Categories and terms share one sequence of ids."""

    products: dict[int, Record]

    def __init__(self) -> None:
        self.counters: dict[str, int] = {"term": DEFAULT_CATEGORY}
        self.attributes: dict[int, Record] = {}
        self.terms: dict[int, Record] = {}
        first = {"id": DEFAULT_CATEGORY, "name": "Uncategorized", "slug": "uncategorized", "parent": 0}
        blank = {"description": "", "display": "default", "image": None, "menu_order": 0}
        self.categories: dict[int, Record] = {DEFAULT_CATEGORY: first | blank}

    def next_id(self, kind: str) -> int:
        """documented: WordPress keeps products, variations, orders and refunds in one sequence of post ids."""
        self.counters[kind] = self.counters.get(kind, 0) + 1
        return self.counters[kind]

    def add_category(self, given: Mapping[str, Any]) -> Record:
        parent = int(given.get("parent") or 0)
        beside = [row for row in self.categories.values() if row["parent"] == parent]
        _refuse_twice(beside, given, "A term with the name provided already exists with this parent.")
        blank = {"parent": 0, "description": "", "display": "default", "image": None, "menu_order": 0}
        number = self.next_id("term")
        slug = given.get("slug") or title_slug(given["name"])
        taken = {row["slug"] for row in self.categories.values()}
        category = {"id": number} | blank | dict(given) | {"slug": slug if slug not in taken else f"{slug}-{number}"}
        self.categories[number] = category
        return category

    def remove_category(self, number: int) -> None:
        """documented: a product always has a category; one without gets the first."""
        del self.categories[number]
        for product in self.products.values():
            if number in product.get("categories", []):
                product["categories"].remove(number)

    def add_attribute(self, given: Mapping[str, Any]) -> Record:
        slug = title_slug(given.get("slug") or given["name"])
        slug = slug.removeprefix("pa_").removeprefix("pa-")
        if any(row["slug"] == f"pa_{slug}" for row in self.attributes.values()):
            text = f'Slug "{slug}" is already in use. Change it, please.'
            raise WpError("woocommerce_rest_cannot_create", text, 400)
        attribute = {"id": self.next_id("attribute"), **given, "slug": f"pa_{slug}"}
        self.attributes[attribute["id"]] = attribute
        return attribute

    def add_term(self, attribute: int, given: Mapping[str, Any]) -> Record:
        beside = [row for row in self.terms.values() if row["attribute_id"] == attribute]
        _refuse_twice(beside, given, "A term with the name provided already exists in this taxonomy.")
        term = {"id": self.next_id("term"), "attribute_id": attribute, "description": "", "menu_order": 0, **given}
        term["slug"] = given.get("slug") or title_slug(given["name"])
        self.terms[term["id"]] = term
        return term

    def need_terms(self, attribute: int, names: list[str]) -> None:
        """documented: get_terms of a product's attribute makes the terms that are not there yet."""
        known = {row["name"] for row in self.terms.values() if row["attribute_id"] == attribute}
        for name in names:
            if name not in known:
                self.add_term(attribute, {"name": name})

    def count_products(self, row: Record) -> int:
        """documented: `count`: the published products of a category or term."""
        live = [p for p in self.products.values() if p["type"] != "variation" and p["status"] == "publish"]
        return sum(self.has_word(product["id"], row) for product in live)

    def has_word(self, product_id: int, row: Record) -> bool:
        """Whether the product is of this category, or offers this term."""
        product = self.products.get(product_id)
        if product is None:
            return False
        if "attribute_id" not in row:
            return row["id"] in (product.get("categories") or [DEFAULT_CATEGORY])
        axes = [axis for axis in product["attributes"] if axis["id"] == row["attribute_id"]]
        return any(row["name"] in axis.get("options", []) for axis in axes)


def _refuse_twice(rows: list[Record], given: Mapping[str, Any], text: str) -> None:
    known = next((row for row in rows if row["name"].lower() == str(given["name"]).lower()), None)
    if known is not None:
        raise WpError("term_exists", text, 400, {"status": 400, "resource_id": known["id"]})
