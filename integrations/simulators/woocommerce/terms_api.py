"""wc/v3 product categories, global attributes and their terms: what each method takes and answers.

documented: https://woocommerce.github.io/woocommerce-rest-api-docs/#product-categories, #product-attributes,
#product-attribute-terms; codes and wording as in WC_REST_Terms_Controller and WC_REST_Product_Attributes_V1_Controller:
https://github.com/woocommerce/woocommerce/tree/trunk/plugins/woocommerce/includes/rest-api/Controllers.
judgement: tags and brands are kept on products as they were posted, and have no routes.
"""

from __future__ import annotations

from typing import Any

from integrations.simulators.woocommerce import args as a
from integrations.simulators.woocommerce import lists, shapes
from integrations.simulators.woocommerce.args import WpError
from integrations.simulators.woocommerce.call import Call, no_trash
from integrations.simulators.woocommerce.records import Record
from integrations.simulators.woocommerce.terms import DEFAULT_CATEGORY

CATEGORIES = "products/categories"
ATTRIBUTES = "products/attributes"


def _invalid(code: str, text: str = "Resource does not exist.") -> WpError:
    return WpError(f"woocommerce_rest_{code}_invalid", text, 404)


def _page(call: Call, rows: list[Record]) -> list[Record]:
    """documented: get_terms: by name, upwards; hide_empty leaves out what no product has."""
    taken = call.take(a.TERM_LIST)
    part, slugs = str(taken.get("search") or "").lower(), taken.get("slug")
    wanted = {slugs} if isinstance(slugs, str) else set(slugs or ())
    names = {
        "name": lambda row: row["name"].lower(),
        "slug": lambda row: row["slug"],
        "description": lambda row: row["description"].lower(),
        "count": call.shop.count_products,
    }
    kept = [
        row
        for row in lists.sort_plain(rows, taken, names)
        if part in row["name"].lower()
        and (not wanted or row["slug"] in wanted)
        and (not taken["hide_empty"] or call.shop.count_products(row))
        and taken.get("parent") in {None, row.get("parent", 0)}
        and (not taken.get("product") or call.shop.has_word(taken["product"], row))
    ]
    return list(call.page(kept, taken))


# categories ----------------------------------------------------------------------------------------------------------


def list_categories(call: Call) -> Any:
    rows = _page(call, list(call.shop.categories.values()))
    return [shapes.category_json(call.shop, row, call.base) for row in rows]


def _find_category(call: Call, number: int) -> Record:
    if number not in call.shop.categories:
        raise _invalid("term")
    return call.shop.categories[number]


def get_category(call: Call, number: int) -> Any:
    return shapes.category_json(call.shop, _find_category(call, number), call.base)


def create_category(call: Call) -> Any:
    given = call.take(a.CATEGORY)
    category = call.shop.add_category(given)
    call.created(CATEGORIES, category["id"])
    return shapes.category_json(call.shop, category, call.base)


def change_category(call: Call, number: int) -> Any:
    category = _find_category(call, number)
    category.update(call.take(a.for_update(a.CATEGORY)))
    return shapes.category_json(call.shop, category, call.base)


def delete_category(call: Call, number: int) -> Any:
    category = _find_category(call, number)
    if not call.is_forced:
        raise no_trash("Resource does not")
    if number == DEFAULT_CATEGORY:
        raise WpError("woocommerce_rest_cannot_delete", "Default product category cannot be deleted.", 500)
    answer = shapes.category_json(call.shop, category, call.base)
    call.shop.remove_category(number)
    return answer


# attributes ----------------------------------------------------------------------------------------------------------


def list_attributes(call: Call) -> Any:
    """documented: all of them, on one page."""
    rows = [shapes.attribute_json(row, call.base) for row in call.shop.attributes.values()]
    call.headers |= {"X-WP-Total": str(len(rows)), "X-WP-TotalPages": "1"}
    return rows


def _find_attribute(call: Call, number: int) -> Record:
    if number not in call.shop.attributes:
        raise _invalid("taxonomy" if call.method != "GET" else "attribute")
    return call.shop.attributes[number]


def get_attribute(call: Call, number: int) -> Any:
    return shapes.attribute_json(_find_attribute(call, number), call.base)


def create_attribute(call: Call) -> Any:
    attribute = call.shop.add_attribute(call.take(a.ATTRIBUTE))
    call.created(ATTRIBUTES, attribute["id"])
    return shapes.attribute_json(attribute, call.base)


def change_attribute(call: Call, number: int) -> Any:
    """judgement: the slug stays; the vendor renames the taxonomy with it."""
    attribute = _find_attribute(call, number)
    given = call.take(a.for_update(a.ATTRIBUTE))
    attribute.update({name: value for name, value in given.items() if name != "slug"})
    return shapes.attribute_json(attribute, call.base)


def delete_attribute(call: Call, number: int) -> Any:
    attribute = _find_attribute(call, number)
    if not call.is_forced:
        raise no_trash("Resource does not")
    call.shop.attributes.pop(number)
    return shapes.attribute_json(attribute, call.base)


# terms ---------------------------------------------------------------------------------------------------------------


def _terms_of(call: Call, attribute: int) -> list[Record]:
    if attribute not in call.shop.attributes:
        raise _invalid("taxonomy", "Taxonomy does not exist.")
    return [row for row in call.shop.terms.values() if row["attribute_id"] == attribute]


def list_terms(call: Call, attribute: int) -> Any:
    rows = _page(call, _terms_of(call, attribute))
    return [shapes.term_json(call.shop, row, call.base) for row in rows]


def _find_term(call: Call, attribute: int, number: int) -> Record:
    term = next((row for row in _terms_of(call, attribute) if row["id"] == number), None)
    if term is None:
        raise _invalid("term")
    return term


def get_term(call: Call, attribute: int, number: int) -> Any:
    return shapes.term_json(call.shop, _find_term(call, attribute, number), call.base)


def create_term(call: Call, attribute: int) -> Any:
    _terms_of(call, attribute)
    term = call.shop.add_term(attribute, call.take(a.ATTRIBUTE_TERM))
    call.created(f"{ATTRIBUTES}/{attribute}/terms", term["id"])
    return shapes.term_json(call.shop, term, call.base)


def change_term(call: Call, attribute: int, number: int) -> Any:
    term = _find_term(call, attribute, number)
    term.update(call.take(a.for_update(a.ATTRIBUTE_TERM)))
    return shapes.term_json(call.shop, term, call.base)


def delete_term(call: Call, attribute: int, number: int) -> Any:
    term = _find_term(call, attribute, number)
    if not call.is_forced:
        raise no_trash("Resource does not")
    call.shop.terms.pop(number)
    return shapes.term_json(call.shop, term, call.base)
