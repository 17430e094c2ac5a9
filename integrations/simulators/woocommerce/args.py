"""What wc/v3 endpoints take, and how WordPress refuses the rest.

The tables are the self-description of a WooCommerce 11.0.1 server (OPTIONS of each route), for the routes simulated;
a test compares them. Rules and wording of refusals: https://developer.wordpress.org/reference/functions/rest_validate_value_from_schema/
and https://developer.wordpress.org/reference/classes/wp_rest_request/has_valid_params/
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any

from integrations.simulators.woocommerce.records import parse_date

Spec = dict[str, Any]

_DATE = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d(:\d\d)?)?")
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")


class WpError(Exception):
    """A WP_Error. `data` is what the body's "data" holds; by default {"status": status}."""

    def __init__(self, code: str, message: str, status: int, data: Any = None) -> None:
        super().__init__(message)
        self.status = status
        self.data: Any = {"status": status} if data is None else data
        self.body = {"code": code, "message": message, "data": self.data}


def one_of(*values: str, default: str | None = None) -> Spec:
    spec: Spec = {"type": "string", "enum": list(values)}
    return spec if default is None else spec | {"default": default}


def many(item: Spec) -> Spec:
    return {"type": "array", "items": item}


def obj(**properties: Spec) -> Spec:
    return {"type": "object", "properties": properties}


INT: Spec = {"type": "integer"}
STR: Spec = {"type": "string"}
BOOL: Spec = {"type": "boolean"}
NO: Spec = {"type": "boolean", "default": False}
YES: Spec = {"type": "boolean", "default": True}
NUMBER: Spec = {"type": "number"}
DATE: Spec = {"type": "string", "format": "date-time"}
MAYBE_DATE: Spec = {"type": ["null", "string"]}
URI: Spec = {"type": "string", "format": "uri"}
ANY: Spec = {"type": ["null", "object", "string", "number", "boolean", "integer", "array"]}
REQUIRED: Spec = {"type": "string", "required": True}
IDS = many(INT) | {"default": []}
WORDS = many(STR) | {"default": []}
META = many(obj(id=INT, key=STR, value=ANY))

STATUSES = (
    "auto-draft",
    "pending",
    "processing",
    "on-hold",
    "completed",
    "cancelled",
    "refunded",
    "failed",
    "checkout-draft",
)
_CURRENCIES = (
    "AED AFN ALL AMD ANG AOA ARS AUD AWG AZN BAM BBD BDT BGN BHD BIF BMD BND BOB BRL BSD BTC BTN BWP BYR BYN BZD CAD "
    "CDF CHF CLP CNY COP CRC CUC CUP CVE CZK DJF DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GGP GHS GIP GMD GNF GTQ "
    "GYD HKD HNL HRK HTG HUF IDR ILS IMP INR IQD IRR IRT ISK JEP JMD JOD JPY KES KGS KHR KMF KPW KRW KWD KYD KZT LAK "
    "LBP LKR LRD LSL LYD MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MYR MZN NAD NGN NIO NOK NPR NZD OMR PAB PEN "
    "PGK PHP PKR PLN PRB PYG QAR RON RSD RUB RWF SAR SBD SCR SDG SEK SGD SHP SLL SOS SRD SSP STN SYP SZL THB TJS TMT "
    "TND TOP TRY TTD TWD TZS UAH UGX USD UYU UZS VEF VES VND VUV WST XAF XCD XOF XPF YER ZAR ZMW"
)
CURRENCIES = _CURRENCIES.split()

CONTEXT = {"context": one_of("view", "edit", default="view")}
PAGING: dict[str, Spec] = CONTEXT | {
    "page": {"type": "integer", "minimum": 1, "default": 1},
    "per_page": {"type": "integer", "minimum": 1, "maximum": 100, "default": 10},
    "search": STR,
    "exclude": IDS,
    "include": IDS,
    "offset": INT,
}
POSTS: dict[str, Spec] = PAGING | {
    "after": DATE,
    "before": DATE,
    "modified_after": DATE,
    "modified_before": DATE,
    "dates_are_gmt": NO,
    "order": one_of("asc", "desc", default="desc"),
    "orderby": one_of("date", "id", "include", "title", "slug", "modified", default="date"),
    "parent": IDS,
    "parent_exclude": IDS,
    "include_meta": WORDS,
    "exclude_meta": WORDS,
}
ORDER_LIST: dict[str, Spec] = POSTS | {
    "status": many(one_of("any", "trash", *STATUSES)) | {"default": "any"},
    "customer": INT,
    "product": INT,
    "dp": {"type": "integer", "default": 2},
    "order_item_display_meta": NO,
    "created_via": many(STR),
}
REFUND_LIST: dict[str, Spec] = POSTS | {"dp": ORDER_LIST["dp"], "order_item_display_meta": NO}
_STOCK_STATES = ("instock", "outofstock", "onbackorder")
_POST_STATES = ("any", "future", "trash", "draft", "pending", "private", "publish")
_TYPES = ("simple", "grouped", "external", "variable")
PRODUCT_LIST: dict[str, Spec] = POSTS | {
    "orderby": one_of(
        *POSTS["orderby"]["enum"],
        *("popularity", "rating", "post__in", "price", "sales", "menu_order", "random", "popularity", "rating"),
        *("menu_order", "price", "popularity", "rating"),
        default="date",
    ),
    "brand": STR,
    "slug": STR,
    "status": one_of(*_POST_STATES, default="any"),
    "type": one_of(*_TYPES),
    "sku": STR,
    "featured": BOOL,
    "category": STR,
    "tag": STR,
    "shipping_class": STR,
    "attribute": STR,
    "attribute_term": STR,
    "on_sale": BOOL,
    "min_price": STR,
    "max_price": STR,
    "image_size": STR | {"default": "full"},
    "stock_status": one_of(*_STOCK_STATES),
    "search_sku": STR,
    "search_name_or_sku": STR,
    "search_fields": many(one_of("name", "global_unique_id", "description", "short_description", "sku"))
    | {"default": []},
    "include_status": many(one_of(*_POST_STATES)),
    "exclude_status": many(one_of(*_POST_STATES[1:])),
    "include_types": many(one_of(*_TYPES)),
    "exclude_types": many(one_of(*_TYPES)),
    "downloadable": BOOL,
    "virtual": BOOL,
    "pos_products_only": BOOL,
}
VARIATION_LIST: dict[str, Spec] = POSTS | {
    "orderby": one_of(*POSTS["orderby"]["enum"], "menu_order", default="date"),
    "slug": STR,
    "status": one_of(*_POST_STATES, default="any"),
    "sku": STR,
    "on_sale": BOOL,
    "min_price": STR,
    "max_price": STR,
    "image_size": STR | {"default": "full"},
    "stock_status": one_of(*_STOCK_STATES),
    "has_price": BOOL,
    "attributes": many(obj(attribute=STR, term=STR, terms={"type": "array"})),
    "virtual": BOOL,
    "downloadable": BOOL,
    "include_status": many(one_of(*_POST_STATES)),
    "exclude_status": many(one_of(*_POST_STATES[1:])),
    "pos_products_only": BOOL,
}
CUSTOMER_LIST: dict[str, Spec] = PAGING | {
    "order": one_of("asc", "desc", default="asc"),
    "orderby": one_of("id", "include", "name", "registered_date", default="name"),
    "email": STR | {"format": "email"},
    "role": one_of(
        *("all", "administrator", "editor", "author", "contributor", "subscriber", "customer", "shop_manager"),
        default="customer",
    ),
}
TERM_LIST: dict[str, Spec] = PAGING | {
    "order": CUSTOMER_LIST["order"],
    "orderby": one_of("id", "include", "name", "slug", "term_group", "description", "count", default="name"),
    "hide_empty": NO,
    "parent": INT,
    "product": INT,
    "slug": {"type": ["string", "array"], "items": STR},
}
WEBHOOK_LIST: dict[str, Spec] = PAGING | {
    "after": DATE,
    "before": DATE,
    "order": POSTS["order"],
    "orderby": one_of("date", "id", "title", default="date"),
    "status": one_of("all", "active", "paused", "disabled", default="all"),
}
NOTE_LIST: dict[str, Spec] = CONTEXT | {"type": one_of("any", "customer", "internal", default="any")}
_TAX_CLASSES = ("standard", "reduced-rate", "zero-rate")
TAX_LIST: dict[str, Spec] = {name: PAGING[name] for name in ("context", "page", "per_page", "offset")} | {
    "order": CUSTOMER_LIST["order"],
    "orderby": one_of("id", "order", "priority", default="order"),
    "class": one_of(*_TAX_CLASSES),
}
TAX: dict[str, Spec] = {
    **dict.fromkeys(("country", "state", "postcode", "city", "rate", "name"), STR),
    "priority": {"type": "integer", "default": 1},
    "compound": NO,
    "shipping": YES,
    "order": INT,
    "class": one_of(*_TAX_CLASSES, default="standard"),
    "postcodes": many(STR),
    "cities": many(STR),
}

_NAMES = dict.fromkeys(("first_name", "last_name", "company", "address_1", "address_2", "city", "state"), STR)
_PLACE = obj(**_NAMES, postcode=STR, country=STR)
_SHIPPING_LINES = many(
    obj(
        id=INT,
        method_title=ANY,
        method_id=ANY,
        instance_id=STR,
        total=STR,
        total_tax=STR,
        taxes=many(obj(id=INT, total=STR)),
        meta_data=META,
    )
)
_FEE_LINES = many(
    obj(
        id=INT,
        name=ANY,
        tax_class=STR,
        tax_status=one_of("taxable", "none"),
        total=STR,
        total_tax=STR,
        taxes=many(obj(id=INT, total=STR, subtotal=STR)),
        meta_data=META,
    )
)
_TAXES = many(obj(id=INT, total=STR, subtotal=STR))
_SHOWN_META = many(obj(id=INT, key=STR, value=ANY, display_key=STR, display_value=STR))
# What is only shown is checked all the same where it is posted: a line that was read is not one that may be written.
_LINE_ITEMS = many(
    obj(
        **dict.fromkeys(("id", "variation_id", "quantity"), INT),
        **dict.fromkeys(("name", "product_id"), ANY),
        **dict.fromkeys(("parent_name", "tax_class", "subtotal", "subtotal_tax", "total", "total_tax"), STR),
        **dict.fromkeys(("sku", "global_unique_id"), STR),
        taxes=_TAXES,
        meta_data=_SHOWN_META,
        price=NUMBER,
        image=obj(id=INT, src=URI),
    )
)
_COUPON_LINES = many(
    obj(
        **dict.fromkeys(("discount", "discount_tax", "discount_type"), STR),
        id=INT,
        code=ANY,
        nominal_amount=NUMBER,
        free_shipping=BOOL,
        meta_data=META,
    )
)
ORDER: dict[str, Spec] = {
    "parent_id": INT,
    "created_via": STR,
    "status": one_of(*STATUSES, default="pending"),
    "currency": one_of(*CURRENCIES, default="USD"),
    "customer_id": {"type": "integer", "default": 0},
    "customer_note": STR,
    "billing": obj(**_PLACE["properties"], email={"type": ["string", "null"], "format": "email"}, phone=STR),
    "shipping": _PLACE,
    "payment_method": STR,
    "payment_method_title": STR,
    "transaction_id": STR,
    "meta_data": META,
    "line_items": _LINE_ITEMS,
    "shipping_lines": _SHIPPING_LINES,
    "fee_lines": _FEE_LINES,
    "coupon_lines": _COUPON_LINES,
    "set_paid": NO,
    "manual_update": NO,
}
REFUND: dict[str, Spec] = {
    "amount": STR,
    "reason": STR,
    "refunded_by": INT,
    "meta_data": META,
    "shipping_lines": _SHIPPING_LINES,
    "fee_lines": _FEE_LINES,
    "api_refund": YES,
    "api_restock": YES,
}
NOTE: dict[str, Spec] = {"note": REQUIRED, "customer_note": NO, "added_by_user": NO}
_SOLD: dict[str, Spec] = {
    "description": STR,
    "sku": STR,
    "global_unique_id": STR,
    "regular_price": STR,
    "sale_price": STR,
    "date_on_sale_from": MAYBE_DATE,
    "date_on_sale_from_gmt": MAYBE_DATE,
    "date_on_sale_to": MAYBE_DATE,
    "date_on_sale_to_gmt": MAYBE_DATE,
    "virtual": NO,
    "downloadable": NO,
    "downloads": many(obj(id=STR, name=STR, file=STR)),
    "download_limit": {"type": "integer", "default": -1},
    "download_expiry": {"type": "integer", "default": -1},
    "tax_status": one_of("taxable", "shipping", "none", default="taxable"),
    "tax_class": STR,
    "stock_quantity": INT,
    "stock_status": one_of(*_STOCK_STATES, default="instock"),
    "backorders": one_of("no", "notify", "yes", default="no"),
    "low_stock_amount": {"type": ["integer", "null"]},
    "weight": STR,
    "dimensions": obj(length=STR, width=STR, height=STR),
    "shipping_class": STR,
    "menu_order": INT,
    "meta_data": META,
}
_TERMS = many(obj(id=INT, name=STR, slug=STR))
_IMAGE = obj(
    id=INT,
    date_created=MAYBE_DATE,
    date_created_gmt=MAYBE_DATE,
    date_modified=MAYBE_DATE,
    date_modified_gmt=MAYBE_DATE,
    src=URI,
    name=STR,
    alt=STR,
)
PRODUCT: dict[str, Spec] = _SOLD | {
    "name": STR,
    "slug": STR,
    "date_created": MAYBE_DATE,
    "date_created_gmt": MAYBE_DATE,
    "type": one_of(*_TYPES, default="simple"),
    "status": one_of("draft", "pending", "private", "publish", "future", "auto-draft", "trash", default="publish"),
    "featured": NO,
    "catalog_visibility": one_of("visible", "catalog", "search", "hidden", default="visible"),
    "short_description": STR,
    "external_url": URI,
    "button_text": STR,
    "manage_stock": NO,
    "sold_individually": NO,
    "reviews_allowed": YES,
    "post_password": STR,
    "upsell_ids": many(INT),
    "cross_sell_ids": many(INT),
    "parent_id": INT,
    "purchase_note": STR,
    "categories": _TERMS,
    "brands": _TERMS,
    "tags": _TERMS,
    "images": many(_IMAGE),
    "attributes": many(obj(id=INT, name=STR, position=INT, visible=NO, variation=NO, options=many(STR))),
    "default_attributes": many(obj(id=INT, name=STR, option=STR)),
}
VARIATION: dict[str, Spec] = _SOLD | {
    "status": one_of("draft", "pending", "private", "publish", default="publish"),
    "manage_stock": {"type": ["boolean", "string"], "default": False},
    "image": _IMAGE,
    "gallery_image_ids": many({"type": "integer", "minimum": 1}),
    "attributes": many(obj(id=INT, name=STR, option=STR)),
}
CUSTOMER: dict[str, Spec] = {
    "email": REQUIRED,
    "first_name": STR,
    "last_name": STR,
    "username": STR,
    "password": STR,
    "billing": obj(**_PLACE["properties"], email=STR | {"format": "email"}, phone=STR),
    "shipping": obj(**_PLACE["properties"], phone=STR),
    "meta_data": META,
}
WEBHOOK: dict[str, Spec] = {
    "name": STR,
    "status": one_of("active", "paused", "disabled", default="active"),
    "topic": REQUIRED,
    "secret": STR,
    "delivery_url": REQUIRED,
}


CATEGORY: dict[str, Spec] = {
    "name": REQUIRED,
    "slug": STR,
    "parent": INT,
    "description": STR,
    "display": one_of("default", "products", "subcategories", "both", default="default"),
    "image": _IMAGE,
}
ATTRIBUTE: dict[str, Spec] = {
    "name": REQUIRED,
    "slug": STR,
    "type": one_of("select", default="select"),
    "order_by": one_of("menu_order", "name", "name_num", "id", default="menu_order"),
    "has_archives": NO,
}
ATTRIBUTE_TERM: dict[str, Spec] = {"name": REQUIRED, "slug": STR, "description": STR, "menu_order": INT}
# Quirk: on PUT the address is described as read-only, so that it is not checked, and taken none the less.
WEBHOOK_CHANGE: dict[str, Spec] = {
    name: {key: value for key, value in spec.items() if key in {"type", "enum"}}
    for name, spec in WEBHOOK.items()
    if name != "delivery_url"
}
CUSTOMER_CHANGE: dict[str, Spec] = CUSTOMER | {"email": STR | {"format": "email"}}


def for_update(args: Mapping[str, Spec]) -> dict[str, Spec]:
    """The same arguments without defaults and requirements, as on PUT: nothing is changed that is not named."""
    return {name: {k: v for k, v in spec.items() if k not in {"default", "required"}} for name, spec in args.items()}


def take(args: Mapping[str, Spec], given: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments of `args` out of `given`, cast, with defaults; WpError 400 names every one that is wrong."""
    missing = [name for name, spec in args.items() if spec.get("required") and given.get(name) is None]
    if missing:
        text = "Missing parameter(s): " + ", ".join(missing)
        raise WpError("rest_missing_callback_param", text, 400, {"status": 400, "params": missing})
    taken: dict[str, Any] = {}
    details: dict[str, Any] = {}
    for name, spec in args.items():
        value = given.get(name)
        if value is None:  # null is "not given" at the top level
            if "default" in spec:
                taken[name] = _cast(spec, spec["default"])
            continue
        problem = _check(spec, value, name)
        if problem is None:
            taken[name] = _cast(spec, value)
        else:
            details[name] = problem
    if details:
        params = {name: problem["message"] for name, problem in details.items()}
        data = {"status": 400, "params": params, "details": details}
        raise WpError("rest_invalid_param", "Invalid parameter(s): " + ", ".join(details), 400, data)
    return taken


def take_as_is(args: Mapping[str, Spec], given: Mapping[str, Any]) -> dict[str, Any]:
    """What a batch does with a row: WC_REST_Controller::batch_items calls create_item and update_item directly, so that
    no row is validated; a value of another type becomes the one wanted, as PHP's setters cast it."""
    named = {name: _bend(spec, given[name]) for name, spec in args.items() if given.get(name) is not None}
    return {name: _cast(spec, spec["default"]) for name, spec in args.items() if "default" in spec} | named


def _bend(spec: Spec, value: Any) -> Any:
    kinds = spec.get("type", [])
    if kinds == "integer":
        return int(_number(value) or 0)
    if kinds == "string":
        return "" if isinstance(value, list | dict) else _php_text(value)
    if kinds == "boolean":
        return value if isinstance(value, bool) else str(value).lower() in {"true", "1", "yes"}
    if kinds == "array":
        return [_bend(spec.get("items", {}), item) for item in value] if isinstance(value, list) else []
    if kinds == "object":
        known = spec.get("properties", {})
        return {key: _bend(known.get(key, {}), item) for key, item in value.items()} if isinstance(value, dict) else {}
    return value


def _php_text(value: Any) -> str:
    if isinstance(value, bool):
        return "1" if value else ""
    return "" if value is None else str(value)


def _problem(code: str, message: str, data: Any = None) -> dict[str, Any]:
    return {"code": code, "message": message, "data": data}


def _check(spec: Spec, value: Any, name: str) -> dict[str, Any] | None:
    kinds = spec.get("type", [])
    kinds = [kinds] if isinstance(kinds, str) else kinds
    if kinds and not any(_is(kind, value) for kind in kinds):
        return _problem("rest_invalid_type", f"{name} is not of type {','.join(kinds)}.", {"param": name})
    if "enum" in spec and value not in spec["enum"]:
        return _problem("rest_not_in_enum", f"{name} is not one of {_and(spec['enum'])}.")
    if "array" in kinds and "items" in spec:
        for position, item in enumerate(_as_list(value)):
            problem = _check(spec["items"], item, f"{name}[{position}]")
            if problem is not None:
                return problem
    if "properties" in spec and isinstance(value, dict):
        for key, inner in spec["properties"].items():
            problem = _check(inner, value[key], f"{name}[{key}]") if key in value else None
            if problem is not None:
                return problem
    return _check_range(spec, value, name) or _check_format(spec, value)


def _check_range(spec: Spec, value: Any, name: str) -> dict[str, Any] | None:
    low, high = spec.get("minimum"), spec.get("maximum")
    if low is not None and high is not None and not low <= float(value) <= high:
        return _problem("rest_out_of_bounds", f"{name} must be between {low} (inclusive) and {high} (inclusive)")
    if low is not None and high is None and float(value) < low:
        return _problem("rest_out_of_bounds", f"{name} must be greater than or equal to {low}")
    return None


def _check_format(spec: Spec, value: Any) -> dict[str, Any] | None:
    if spec.get("format") == "date-time" and not (_DATE.fullmatch(str(value)) and parse_date(str(value))):
        return _problem("rest_invalid_date", "Invalid date.")
    # An empty address is allowed: WooCommerce clears one with it.
    if spec.get("format") == "email" and value and not _EMAIL.fullmatch(str(value)):
        return _problem("rest_invalid_email", "Invalid email address.")
    return None


def _is(kind: str, value: Any) -> bool:
    if kind == "integer":
        return _number(value) is not None and math.floor(_number(value) or 0) == _number(value)
    if kind == "number":
        return _number(value) is not None
    if kind == "boolean":
        return isinstance(value, bool) or str(value).lower() in {"true", "false", "0", "1"}
    if kind == "array":
        return isinstance(value, list | str | int)
    if kind == "object":
        return isinstance(value, dict) or value == "" or value == []
    if kind == "null":
        return value is None
    return isinstance(value, str)


def _number(value: Any) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None


def _as_list(value: Any) -> list[Any]:
    """Lists may come as text: separated by commas or spaces (wp_parse_list)."""
    if isinstance(value, list):
        return value
    return [part for part in re.split(r"[\s,]+", str(value)) if part]


def _cast(spec: Spec, value: Any) -> Any:
    kinds = spec.get("type", [])
    if kinds == "integer":
        return int(float(value))
    if kinds == "boolean":
        return value if isinstance(value, bool) else str(value).lower() in {"true", "1"}
    if kinds == "array":
        return [_cast(spec.get("items", {}), item) for item in _as_list(value)]
    if kinds == "object":
        known = spec.get("properties", {})
        return {key: _cast(known.get(key, {}), item) for key, item in value.items()} if value else {}
    return value


def _and(words: list[str]) -> str:
    """WordPress's wp_sprintf %l: a, b, and c."""
    if len(words) < 2:
        return "".join(words)
    return " and ".join(words) if len(words) == 2 else ", ".join(words[:-1]) + ", and " + words[-1]
