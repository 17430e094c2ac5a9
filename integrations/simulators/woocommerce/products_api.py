"""wc/v3 products and variations: what each method takes and answers.

documented: https://woocommerce.github.io/woocommerce-rest-api-docs/#products, #product-variations; filters, codes and
wording as in WC_REST_Products_Controller and WC_REST_Product_Variations_Controller:
https://github.com/woocommerce/woocommerce/tree/trunk/plugins/woocommerce/includes/rest-api/Controllers/Version3.
judgement: inventory_delta, which no description lists, is not taken; images are kept as they were posted.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from integrations.simulators.woocommerce import args as a
from integrations.simulators.woocommerce import lists, shapes
from integrations.simulators.woocommerce.args import WpError
from integrations.simulators.woocommerce.call import Call, already_trashed, invalid_id
from integrations.simulators.woocommerce.records import Record, amount_of, fold
from integrations.simulators.woocommerce.terms import DEFAULT_CATEGORY

Keep = Callable[[Record], bool]


def list_products(call: Call) -> Any:
    taken, shop = call.take(a.PRODUCT_LIST), call.shop
    keep = _keep_product(call, taken)
    if taken.get("sku") and not taken.get("search_sku") and not taken.get("search_name_or_sku"):
        # documented: the filter by SKU finds variations, too, as products of their own
        found = [shop.sku_ids.get(fold(code), 0) for code in (*str(taken["sku"]).split(","), str(taken["sku"]))]
        rows = [shop.products[pk] for pk in dict.fromkeys(found) if pk in shop.products]
    elif any(taken.get(name) for name in ("search_sku", "search_name_or_sku")) or _searches_fields(taken):
        rows = list(shop.products.values())  # documented: these find variations, too
    elif taken["orderby"] in {"date", "modified", "id", "include", "post__in"}:
        ids = lists.pick_posts(shop.products, shop.product_indexes, taken, shop.gmt_offset, keep)
        return [_with_meta(_answer(call, shop.products[pk]), taken) for pk in call.page(ids, taken)]
    else:
        rows = [row for row in shop.products.values() if row["type"] != "variation"]
    found_rows = lists.pick_rows([row for row in rows if keep(row)], taken, shop.gmt_offset, _sort_key(call, taken))
    return [_with_meta(_answer(call, row), taken) for row in call.page(found_rows, taken)]


def _sort_key(call: Call, taken: dict[str, Any]) -> Callable[[Record], Any]:
    """documented: get_catalog_ordering_args. judgement: nobody rates, and "random" is by date."""
    keys: dict[str, Callable[[Record], Any]] = {
        "modified": lambda row: row["modified"],
        "id": lambda row: row["id"],
        "title": lambda row: row["name"].lower(),
        "slug": lambda row: row["slug"],
        "price": lambda row: amount_of(call.shop.price_of(row)),
        "popularity": lambda row: row["total_sales"],
        "sales": lambda row: row["total_sales"],
        "menu_order": lambda row: (row["menu_order"], row["name"].lower()),
    }
    return keys.get(str(taken["orderby"]), lambda row: row["created"])


def _searches_fields(taken: dict[str, Any]) -> bool:
    return bool(taken.get("search_fields") and taken.get("search"))


def _keep_product(call: Call, taken: dict[str, Any]) -> Keep:
    shop = call.shop
    finds = _keep_search(taken)
    types = set(taken.get("include_types") or ([taken["type"]] if taken.get("type") else []))
    category = int(amount_of(taken.get("category")))
    flags = [name for name in ("featured", "virtual", "downloadable") if taken.get(name) is not None]

    def keep(product: Record) -> bool:
        return (
            lists.has_status(taken, product)
            and call.seen(product)
            and (not types or product["type"] in types)
            and product["type"] not in (taken.get("exclude_types") or ())
            and taken.get("stock_status") in {None, shop.inherited(product, "stock_status")}
            and taken.get("slug") in {None, "", product["slug"]}
            and all(product.get(name, False) == taken[name] for name in flags)
            and (not category or category in (product.get("categories") or [DEFAULT_CATEGORY]))
            and _has_price(call, product, taken)
            and finds(product)
        )

    return keep


def _has_price(call: Call, product: Record, taken: dict[str, Any]) -> bool:
    """documented: on_sale, min_price and max_price; has_price of variations."""
    price = call.shop.price_of(product)
    low, high = taken.get("min_price"), taken.get("max_price")
    return (
        taken.get("on_sale") in {None, call.shop.is_on_sale(product)}
        and (not low or amount_of(price) >= amount_of(low))
        and (not high or amount_of(price) <= amount_of(high))
        and taken.get("has_price") in {None, price != ""}
    )


def _keep_search(taken: dict[str, Any]) -> Keep:
    """documented: every word must be in one of the fields. judgement: `search` alone looks into name and
    descriptions."""
    text, fields = str(taken.get("search") or ""), ["name", "description", "short_description"]
    if _searches_fields(taken):
        fields = taken["search_fields"]
    elif taken.get("search_name_or_sku"):
        text, fields = taken["search_name_or_sku"], ["name", "sku"]
    elif taken.get("search_sku"):
        part = str(taken["search_sku"]).lower()
        return lambda product: part in product["sku"].lower()
    words = text.lower().split()
    return lambda product: all(any(word in str(product.get(name) or "").lower() for name in fields) for word in words)


def _with_meta(data: Record, taken: dict[str, Any]) -> Record:
    data["meta_data"] = shapes.pick_meta(data["meta_data"], taken["include_meta"], taken["exclude_meta"])
    return data


def _answer(call: Call, product: Record) -> Any:
    return shapes.product_json(call.shop, product, call.base, edit=call.is_edit)


def find_product(call: Call, number: int) -> Record:
    product = call.shop.products.get(number)
    if product is None:
        raise invalid_id("product", call.method)
    return product


def _find_own_product(call: Call, number: int) -> Record:
    """documented: variations are read here, but not changed."""
    product = find_product(call, number)
    if product["type"] == "variation":
        text = "To manipulate product variations you should use the /products/&lt;product_id&gt;/variations/&lt;id&gt; "
        raise WpError("woocommerce_rest_invalid_product_id", f"{text}endpoint.", 404)
    return product


def get_product(call: Call, number: int) -> Any:
    return _answer(call, find_product(call, number))


def create_product(call: Call) -> Any:
    call.refuse_id("product")
    product = call.shop.add_product(call.take_named(a.PRODUCT))
    call.created("products", product["id"])
    return _answer(call, product)


def change_product(call: Call, number: int) -> Any:
    product = _find_own_product(call, number)
    call.shop.change_product(product, call.take(a.for_update(a.PRODUCT)))
    return _answer(call, product)


def delete_product(call: Call, number: int) -> Any:
    """Quirk: as with orders, product.deleted hangs on wp_trash_post: deleting for good is not told."""
    product = _find_own_product(call, number)
    answer = _answer(call, product)
    if call.is_forced:
        call.shop.remove_product(product)
        return answer
    if product["status"] == "trash":
        raise already_trashed("product")
    call.shop.trash_product(product)
    return answer


# variations ----------------------------------------------------------------------------------------------------------


def _variation_answer(call: Call, variation: Record) -> Any:
    return shapes.variation_json(call.shop, variation, call.base, edit=call.is_edit)


def list_variations(call: Call, parent: int) -> Any:
    """documented: the parent is only a filter: of a product that is not there, there are no variations."""
    product = call.shop.products.get(parent, {})
    return _page_of_variations(call, [call.shop.products[pk] for pk in product.get("variations", [])])


def list_all_variations(call: Call) -> Any:
    """documented: GET /variations since 9.9."""
    return _page_of_variations(call, [row for row in call.shop.products.values() if row["type"] == "variation"])


def _page_of_variations(call: Call, rows: list[Record]) -> Any:
    taken = call.take(a.VARIATION_LIST)
    keep = _keep_product(call, taken)
    codes = {fold(code) for code in str(taken.get("sku") or "").split(",") if code}
    options = {(str(o.get("attribute", "")).lower(), str(o.get("term", ""))) for o in taken.get("attributes") or []}

    def has(row: Record) -> bool:
        own = {(str(o["name"]).lower(), str(o.get("option", ""))) for o in row["attributes"]}
        return (not codes or fold(row["sku"]) in codes) and options <= own and keep(row)

    found = [row for row in rows if has(row)]
    found = lists.pick_rows(found, taken, call.shop.gmt_offset, _sort_key(call, taken))
    return [_with_meta(_variation_answer(call, row), taken) for row in call.page(found, taken)]


def find_variation(call: Call, parent: int, number: int) -> Record:
    """documented: update_item_permissions_check: one of another parent is not to be changed. judgement: a product that
    is no variation is not found; the vendor would read it."""
    variation = call.shop.products.get(number)
    if variation is None or variation["type"] != "variation":
        raise invalid_id("product_variation", call.method)
    if variation["parent_id"] != parent and call.method not in {"GET", "DELETE"}:
        raise WpError("woocommerce_rest_cannot_edit", "Parent product does not match current variation.", 403)
    return variation


def get_variation(call: Call, parent: int, number: int) -> Any:
    return _variation_answer(call, find_variation(call, parent, number))


def create_variation(call: Call, parent: int) -> Any:
    """judgement: a parent that is not there is refused even where no attributes are posted; the vendor makes an orphan.
    Quirk: the Location holds the route's pattern instead of the parent."""
    call.refuse_id("product_variation")
    product = call.shop.products.get(parent)
    if product is None or product["type"] == "variation":
        text = "Cannot set attributes due to invalid parent product."
        raise WpError("woocommerce_rest_product_variation_invalid_parent", text, 404)
    variation = call.shop.add_product(call.take_named(a.VARIATION), parent=product)
    call.created(r"products/(?P<product_id>[\d]+)/variations", variation["id"])
    return _variation_answer(call, variation)


def change_variation(call: Call, parent: int, number: int) -> Any:
    variation = find_variation(call, parent, number)
    call.shop.change_product(variation, call.take(a.for_update(a.VARIATION)))
    return _variation_answer(call, variation)


def delete_variation(call: Call, parent: int, number: int) -> Any:
    variation = find_variation(call, parent, number)
    answer = _variation_answer(call, variation)
    if call.is_forced:
        call.shop.remove_product(variation)
        return answer
    if variation["status"] == "trash":
        raise already_trashed("product_variation")
    call.shop.trash_product(variation)
    return answer
