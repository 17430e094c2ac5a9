"""How the simulated shop's records look in wc/v3 answers: pure functions from record to JSON.

documented: the response schemas of https://woocommerce.github.io/woocommerce-rest-api-docs/ and of a WooCommerce 11.0.1
server's self-description; a test validates every shape against them.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import UTC, datetime
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from integrations.simulators.woocommerce.orders import Shop
from integrations.simulators.woocommerce.records import GATEWAYS, VERSION, WORDPRESS_VERSION, Record, amount_of, slugify
from integrations.simulators.woocommerce.terms import DEFAULT_CATEGORY

SYMBOLS = {"EUR": "&euro;", "USD": "&#36;", "GBP": "&pound;", "JPY": "&yen;"}


def to_json(data: Any) -> str:
    """documented: wp_json_encode, PHP's json_encode: slashes and everything beyond ASCII are escaped."""
    return json.dumps(data, separators=(",", ":")).replace("/", "\\/")


def dates(name: str, moment: int | None, offset: int) -> dict[str, str | None]:
    """documented: wc_rest_prepare_date_response: ISO 8601 without an offset, in the shop's time and in GMT."""
    if moment is None:
        return {name: None, f"{name}_gmt": None}
    return {name: _iso(moment + offset), f"{name}_gmt": _iso(moment)}


def _iso(moment: int) -> str:
    return datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%dT%H:%M:%S")


def money(value: Any, places: int = 2) -> str:
    """documented: wc_format_decimal with decimal places."""
    return str(amount_of(value).quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP) + 0)  # no "-0.00"


def number(value: Decimal) -> int | float:
    """A JSON number as PHP writes it: without a fraction where there is none."""
    return int(value) if value == value.to_integral_value() else float(value)


def links(base: str, path: str, record_id: Any, **more: str) -> dict[str, list[dict[str, Any]]]:
    found: dict[str, list[dict[str, Any]]] = {
        "self": [{"href": f"{base}/{path}/{record_id}"}],
        "collection": [{"href": f"{base}/{path}"}],
    }
    return found | {name: [{"href": f"{base}/{target}"}] for name, target in more.items()}


def pick_meta(meta: list[Record], include: Iterable[str] = (), exclude: Iterable[str] = ()) -> list[Record]:
    kept = [m for m in meta if not include or m["key"] in include]
    return [dict(m) for m in kept if m["key"] not in exclude]


def _item_meta(meta: list[Record]) -> list[Record]:
    return [dict(m) | {"display_key": m["key"], "display_value": m["value"]} for m in meta]


# orders -------------------------------------------------------------------------------------------------------------
def order_json(shop: Shop, order: Record, base: str, places: int, *, edit: bool = False) -> Record:
    """`edit`: what a coupon is shows in the context "view" only."""
    taken = ("id", "parent_id", "number", "order_key", "created_via", "version", "status", "currency")
    data: Record = {name: order[name] for name in taken}
    data |= dates("date_created", order["created"], shop.gmt_offset)
    data |= dates("date_modified", order["modified"], shop.gmt_offset)
    totals = ("discount_total", "discount_tax", "shipping_total", "shipping_tax", "cart_tax", "total", "total_tax")
    data |= {name: money(order[name], places) for name in totals}
    plain = ("prices_include_tax", "customer_id", "customer_ip_address", "customer_user_agent", "customer_note")
    data |= {name: order[name] for name in (*plain, "billing", "shipping", "payment_method", "payment_method_title")}
    data["transaction_id"] = order["transaction_id"]
    data |= dates("date_paid", order["paid"], shop.gmt_offset)
    data |= dates("date_completed", order["completed"], shop.gmt_offset)
    data |= {"cart_hash": order["cart_hash"], "meta_data": pick_meta(order["meta_data"])}
    data |= _lines_json(shop, order, places)
    data["coupon_lines"] = [_coupon_json(shop, line, places, edit=edit) for line in order["coupon_lines"]]
    # documented: newest first, as posts are listed. judgement: total_tax, which the schema has since 11.0, is negative.
    data["refunds"] = [_refund_of_order(shop.refunds[pk], places) for pk in reversed(order["refunds"])]
    data["payment_url"] = f"{base.partition('/wp-json')[0]}/checkout/order-pay/{order['id']}/?pay_for_order=true"
    data["payment_url"] += f"&key={order['order_key']}"
    data["is_editable"] = order["status"] in {"pending", "on-hold", "auto-draft"}
    data["needs_payment"] = shop.needs_payment(order)
    data["needs_processing"] = shop.needs_processing(order)
    more = {"customer": f"customers/{order['customer_id']}"} if order["customer_id"] else {}
    more |= {"up": f"orders/{order['parent_id']}"} if order["parent_id"] else {}
    return data | {"_links": links(base, "orders", order["id"], **more)}


def _refund_of_order(refund: Record, places: int) -> Record:
    data = {"id": refund["id"], "reason": refund["reason"], "total": "-" + money(refund["amount"], places)}
    taxes = [line["total_tax"] for kind in ("line_items", "shipping_lines", "fee_lines") for line in refund[kind]]
    return data | {"total_tax": money(sum(map(amount_of, taxes)), places)}


def _lines_json(shop: Shop, record: Record, places: int) -> Record:
    return {
        "line_items": [_line_json(shop, line, places) for line in record["line_items"]],
        "tax_lines": [
            line | {key: money(line[key], places) for key in ("tax_total", "shipping_tax_total")}
            for line in record["tax_lines"]
        ],
        "shipping_lines": [_other_json(line, places) for line in record["shipping_lines"]],
        "fee_lines": [_other_json(line, places) for line in record["fee_lines"]],
    }


def _line_json(shop: Shop, line: Record, places: int) -> Record:
    product = shop.products.get(line["variation_id"] or line["product_id"])
    parent = shop.products.get(line["product_id"])
    data = {name: line[name] for name in ("id", "name", "product_id", "variation_id", "quantity", "tax_class")}
    data |= {name: money(line[name], places) for name in ("subtotal", "subtotal_tax", "total", "total_tax")}
    data |= {"taxes": line["taxes"], "meta_data": _item_meta(line["meta_data"])}
    data["sku"] = shop.inherited(product, "sku") if product else None
    data["global_unique_id"] = product["global_unique_id"] if product else ""
    data["price"] = number(amount_of(line["total"]) / line["quantity"]) if line["quantity"] else 0
    data["image"] = {"id": "", "src": ""}
    data["parent_name"] = parent["name"] if line["variation_id"] and parent else None
    return data


def _other_json(line: Record, places: int) -> Record:
    """A shipping or fee line."""
    return line | {
        "total": money(line["total"], places),
        "total_tax": money(line["total_tax"], places),
        "meta_data": _item_meta(line["meta_data"]),
    }


def _coupon_json(shop: Shop, line: Record, places: int, *, edit: bool) -> Record:
    data = line | {"discount": money(line["discount"], places), "discount_tax": money(line["discount_tax"], places)}
    if edit:
        return data
    coupon = shop.coupons[line["code"]]
    data |= {"discount_type": coupon["discount_type"], "nominal_amount": number(amount_of(coupon["amount"]))}
    return data | {"free_shipping": False}


def refund_json(shop: Shop, refund: Record, base: str, places: int, *, parent: bool = False) -> Record:
    """`parent`: as GET /refunds shows it, which says of which order it is (WC_REST_Refunds_Controller)."""
    data: Record = {"id": refund["id"]} | ({"parent_id": refund["order_id"]} if parent else {})
    data |= dates("date_created", refund["created"], shop.gmt_offset)
    data |= {"amount": money(refund["amount"], places), "reason": refund["reason"]}
    data |= {"refunded_by": refund["refunded_by"], "refunded_payment": refund["refunded_payment"]}
    data |= {"meta_data": pick_meta(refund["meta_data"])} | _lines_json(shop, refund, places)
    path = f"orders/{refund['order_id']}/refunds"
    found = links(base, path, refund["id"], up=f"orders/{refund['order_id']}")
    if parent:
        user = f"{base.removesuffix('wc/v3')}wp/v2/users/{refund['refunded_by']}"
        found["refunded_by"] = [{"embeddable": True, "href": user}]
    return data | {"_links": found}


def note_json(shop: Shop, order_id: int, note: Record, base: str) -> Record:
    data = {"id": note["id"], "author": note["author"]} | dates("date_created", note["created"], shop.gmt_offset)
    data |= {"note": note["note"], "customer_note": note["customer_note"]}
    return data | {"_links": links(base, f"orders/{order_id}/notes", note["id"], up=f"orders/{order_id}")}


# products -----------------------------------------------------------------------------------------------------------
def _sold_json(shop: Shop, product: Record, site: str, *, edit: bool) -> Record:
    """What products and variations have in common. `edit`: the tax class as it was set, "parent" not resolved."""
    kept = (
        *("id", "type", "description", "sku", "global_unique_id", "regular_price", "sale_price"),
        *("date_on_sale_from", "date_on_sale_from_gmt", "date_on_sale_to", "date_on_sale_to_gmt", "status", "virtual"),
        *("downloadable", "downloads", "download_limit", "download_expiry", "tax_status", "tax_class", "backorders"),
        *("stock_status", "low_stock_amount", "weight", "dimensions", "shipping_class", "menu_order", "parent_id"),
    )
    data = {name: product[name] for name in kept}
    inherited = ("sku", "backorders", "stock_status", "weight", "dimensions", "shipping_class")
    data |= {name: shop.inherited(product, name) for name in (*inherited, *(() if edit else ("tax_class",)))}
    data |= dates("date_created", product["created"], shop.gmt_offset)
    data |= dates("date_modified", product["modified"], shop.gmt_offset)
    holder = shop.stock_holder(product)
    own = holder is product
    data["manage_stock"] = True if own else ("parent" if holder is not None else False)
    data["stock_quantity"] = holder["stock_quantity"] if holder is not None else None
    data["backorders_allowed"] = data["backorders"] != "no"
    data["backordered"] = data["stock_status"] == "onbackorder"
    data["price"] = shop.price_of(product)
    data["on_sale"] = shop.is_on_sale(product)
    data["purchasable"] = data["price"] != ""  # documented: is_purchasable: drafts, too, for who may edit them
    data["shipping_class_id"] = 0
    data["permalink"] = f"{site}/product/{product['slug'] or slugify(product['name'])}/"
    data["meta_data"] = pick_meta(product["meta_data"])
    return data


def product_json(shop: Shop, product: Record, base: str, *, edit: bool = False) -> Record:
    site = base.partition("/wp-json")[0]
    data = _sold_json(shop, product, site, edit=edit)
    if edit:
        data |= {"permalink_template": f"{site}/product/%pagename%/", "generated_slug": product["slug"]}
    whole = {"featured": False, "catalog_visibility": "visible", "short_description": "", "external_url": ""}
    whole |= {"button_text": "", "sold_individually": False, "reviews_allowed": True, "post_password": ""}
    whole |= {"upsell_ids": [], "cross_sell_ids": [], "purchase_note": "", "images": [], "default_attributes": []}
    whole |= {"variations": [], "brands": [], "tags": []}
    data |= {name: product.get(name, default) for name, default in whole.items()}
    data |= {"name": product["name"], "slug": product["slug"], "total_sales": product["total_sales"]}
    if product["type"] == "variation":
        data["name"] = shop.line_name(product)
    markup = f'<span class="woocommerce-Price-amount amount"><bdi>{data["price"]}</bdi></span>' if data["price"] else ""
    data |= {"price_html": markup, "average_rating": "0.00", "rating_count": 0, "related_ids": []}
    data |= {"shipping_required": not product["virtual"], "shipping_taxable": not product["virtual"]}
    data["categories"] = [
        {"id": c, "name": shop.categories[c]["name"], "slug": shop.categories[c]["slug"]}
        for c in product.get("categories") or [DEFAULT_CATEGORY]
        if c in shop.categories
    ]
    blank = {"id": 0, "name": "", "position": 0, "visible": False, "variation": False, "options": []}
    if product["type"] == "variation":
        data["attributes"] = product["attributes"]
    else:
        data["attributes"] = [blank | {"slug": a["name"]} | a for a in product["attributes"]]
    data |= {"grouped_products": [], "has_options": product["type"] == "variable"}
    return data | {"_links": links(base, "products", product["id"])}


def variation_json(shop: Shop, product: Record, base: str, *, edit: bool = False) -> Record:
    data = _sold_json(shop, product, base.partition("/wp-json")[0], edit=edit)
    data |= {"attributes": product["attributes"], "image": product["image"], "gallery_image_ids": []}
    data["name"] = ", ".join(str(a.get("option", "")) for a in product["attributes"])
    parent = f"products/{product['parent_id']}"
    return data | {"_links": links(base, f"{parent}/variations", product["id"], up=parent)}


# the rest -----------------------------------------------------------------------------------------------------------
def customer_json(shop: Shop, customer: Record, base: str) -> Record:
    data: Record = {"id": customer["id"]}
    data |= dates("date_created", customer["created"], shop.gmt_offset)
    data |= dates("date_modified", customer["modified"], shop.gmt_offset)
    kept = ("email", "first_name", "last_name", "role", "username", "billing", "shipping", "is_paying_customer")
    data |= {name: customer[name] for name in kept}
    data |= {"avatar_url": "https://secure.gravatar.com/avatar/?s=96", "meta_data": pick_meta(customer["meta_data"])}
    return data | {"_links": links(base, "customers", customer["id"])}


def webhook_json(shop: Shop, webhook: Record, base: str) -> Record:
    """documented: the secret is never shown again."""
    data = {name: webhook[name] for name in ("id", "name", "status", "topic", "delivery_url")}
    data["resource"], _, data["event"] = webhook["topic"].partition(".")
    data["hooks"] = webhook["hooks"]
    data |= dates("date_created", webhook["created"], shop.gmt_offset)
    data |= dates("date_modified", webhook["modified"], shop.gmt_offset)
    return data | {"_links": links(base, "webhooks", webhook["id"])}


def gateway_json(gateway_id: str, position: int, base: str) -> Record:
    title, supports = GATEWAYS[gateway_id]
    data: Record = {"id": gateway_id, "title": title, "description": f"{title}.", "order": position, "enabled": True}
    data |= {"method_title": title, "method_description": f"Take payments: {title}.", "method_supports": supports}
    return data | {"settings": {}, "_links": links(base, "payment_gateways", gateway_id)}


def tax_json(rate: Record, base: str) -> Record:
    data = {name: rate[name] for name in ("id", "country", "state", "postcode", "city", "name", "priority", "compound")}
    data |= {"rate": money(rate["rate"], 4), "shipping": rate["shipping"], "order": rate["order"]}
    data |= {"class": rate["class"], "postcodes": [], "cities": []}
    return data | {"_links": links(base, "taxes", rate["id"])}


def setting_json(shop: Shop, group: str, name: str, base: str) -> Record:
    value = shop.settings[group][name]
    label = name.removeprefix("woocommerce_").replace("_", " ").capitalize()
    data: Record = {"id": name, "label": label, "description": "", "type": "text", "default": value, "tip": ""}
    if value in {"yes", "no"}:
        data |= {"type": "checkbox", "default": "no"}
    return data | {"value": value, "group_id": group, "_links": links(base, f"settings/{group}", name)}


def currency_json(shop: Shop, base: str) -> Record:
    code = shop.currency
    data = {"code": code, "name": code, "symbol": SYMBOLS.get(code, code)}
    return data | {"_links": links(base, "data/currencies", code)}


def status_json(shop: Shop, site: str) -> Record:
    environment = {
        "home_url": site,
        "site_url": site,
        "version": VERSION,
        "wp_version": WORDPRESS_VERSION,
        "wp_multisite": False,
        "language": "en_US",
        "php_version": "8.2.0",
        "server_info": "simulator",
        "default_timezone": "UTC",
    }
    settings = {
        "api_enabled": True,
        "force_ssl": False,
        "currency": shop.currency,
        "currency_symbol": SYMBOLS.get(shop.currency, shop.currency),
        "currency_position": shop.settings["general"]["woocommerce_currency_pos"],
        "thousand_separator": ",",
        "decimal_separator": ".",
        "number_of_decimals": shop.decimals,
        "HPOS_enabled": True,
    }
    return {
        "environment": environment,
        "database": {"wc_database_version": VERSION, "database_prefix": "wp_"},
        "active_plugins": [],
        "inactive_plugins": [],
        "dropins_mu_plugins": {"dropins": [], "mu_plugins": []},
        "theme": {"name": "Storefront", "version": "4.6.0"},
        "settings": settings,
        "security": {"secure_connection": site.startswith("https"), "hide_errors": True},
        "pages": [],
        "post_type_counts": [],
        "logging": {"logging_enabled": True},
    }


# categories, attributes, terms ---------------------------------------------------------------------------------------
def category_json(shop: Shop, row: Record, base: str) -> Record:
    names = ("id", "name", "slug", "parent", "description", "display", "image", "menu_order")
    data = {name: row[name] for name in names} | {"count": shop.count_products(row)}
    more = {"up": f"products/categories/{row['parent']}"} if row["parent"] else {}
    return data | {"_links": links(base, "products/categories", row["id"], **more)}


def attribute_json(row: Record, base: str) -> Record:
    data = {name: row[name] for name in ("id", "name", "slug", "type", "order_by", "has_archives")}
    return data | {"_links": links(base, "products/attributes", row["id"])}


def term_json(shop: Shop, row: Record, base: str) -> Record:
    data = {name: row[name] for name in ("id", "name", "slug", "description", "menu_order")}
    path = f"products/attributes/{row['attribute_id']}/terms"
    return data | {"count": shop.count_products(row), "_links": links(base, path, row["id"])}
