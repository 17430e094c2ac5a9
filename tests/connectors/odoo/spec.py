"""The oracle: a 19.0 server's own /doc of its models (../shared/specs/odoo/live-doc), and what it is silent about."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

LIVE_DOC = Path(__file__).resolve().parents[4] / "shared" / "specs" / "odoo" / "live-doc"

# Models the live-doc has no file for. Their fields are those of Odoo 19.0's source, each with its address.
ADDONS = "https://github.com/odoo/odoo/tree/19.0/addons"
UNDOCUMENTED_MODELS = {
    "res.users": "base model; odoo/addons/base/models/res_users.py; context_get is in the external API's own page",
    "res.company": "base model; odoo/addons/base/models/res_company.py",
    "res.country": "base model; odoo/addons/base/models/res_country.py",
    "account.tax": f"{ADDONS}/account/models/account_tax.py",
    "account.journal": f"{ADDONS}/account/models/account_journal.py",
    "account.payment.term": f"{ADDONS}/account/models/account_payment_term.py",
    "account.move.line": f"{ADDONS}/account/models/account_move_line.py",
    "delivery.carrier": f"{ADDONS}/delivery/models/delivery_carrier.py; the module may be missing",
    "uom.uom": f"{ADDONS}/uom/models/uom_uom.py",
    "product.attribute": f"{ADDONS}/product/models/product_attribute.py",
    "product.attribute.value": f"{ADDONS}/product/models/product_attribute_value.py",
    "product.template.attribute.value": f"{ADDONS}/product/models/product_template_attribute_value.py",
    "stock.return.picking.line": f"{ADDONS}/stock/wizard/stock_picking_return.py",
}
UNDOCUMENTED_FIELDS = {
    (
        "stock.picking",
        name,
    ): f"{ADDONS}/stock_delivery/models/stock_picking.py; asked for only after fields_get named it"
    for name in ("carrier_id", "carrier_tracking_ref", "carrier_tracking_url")
}
# Read-only in Odoo's forms, not for its ORM: its own modules pass both to create().
FORM_READ_ONLY = {
    (
        "account.move",
        "move_type",
    ): f"{ADDONS}/account/models/account_move.py, a required field every invoice is made with",
    ("account.move", "invoice_origin"): f"{ADDONS}/sale/models/sale_order.py, _prepare_invoice",
}
RECORDS_NEEDED = frozenset({"write", "unlink"})
TYPES: dict[str, tuple[type, ...]] = {
    "integer": (int,),
    "float": (int, float, Decimal),
    "monetary": (int, float, Decimal),
    "boolean": (bool,),
    "many2one": (int, list),
    "one2many": (list,),
    "many2many": (list,),
    "json": (dict, list),
}


@cache
def model_doc(model: str) -> dict[str, Any] | None:
    path = LIVE_DOC / f"{model}.json"
    return json.loads(path.read_text()) if path.exists() else None


def request_faults(model: str, method: str, body: Mapping[str, Any]) -> Iterator[str]:
    """What in a request the documented server would not understand."""
    doc = model_doc(model)
    if doc is None:
        if model not in UNDOCUMENTED_MODELS:
            yield f"{model} is neither documented nor excused"
        return
    described = doc["methods"].get(method)
    if described is None:
        yield f"{model} has no public method {method}"
        return
    for name in body.keys() - described["parameters"].keys() - {"ids", "context"}:
        yield f"{model}.{method} has no argument {name}"
    for name, parameter in described["parameters"].items():
        if "default" not in parameter and parameter.get("kind") != "VAR_KEYWORD" and name not in body:
            yield f"{model}.{method} lacks its argument {name}"
    if body.get("ids") and "model" in described.get("api", ()):
        yield f"{model}.{method} takes no ids (Odoo answers 422)"
    if method in RECORDS_NEEDED and not body.get("ids"):
        yield f"{model}.{method} without ids does nothing"
    names = [*body.get("fields", ()), *domain_fields(body.get("domain", ())), *order_fields(body.get("order", ""))]
    for name in names:
        if name not in doc["fields"] and (model, name) not in UNDOCUMENTED_FIELDS:
            yield f"{model} has no field {name}"
    for name in [*domain_fields(body.get("domain", ())), *order_fields(body.get("order", ""))]:
        if name in doc["fields"] and not doc["fields"][name].get("searchable", True):
            yield f"{model}.{name} cannot be searched"
    for values in [*body.get("vals_list", ()), *([body["vals"]] if "vals" in body else ())]:
        yield from value_faults(model, values)


def domain_fields(domain: Sequence[Any]) -> list[str]:
    return [str(term[0]).split(".")[0] for term in domain if isinstance(term, list)]


def order_fields(order: str) -> list[str]:
    return [part.split()[0] for part in re.split(r",\s*", order) if part]


def value_faults(model: str, values: Mapping[str, Any]) -> Iterator[str]:
    doc = model_doc(model)
    if doc is None:
        return
    for name, value in values.items():
        field = doc["fields"].get(name)
        if field is None:
            yield f"{model} has no field {name}"
        elif field["readonly"] and (model, name) not in FORM_READ_ONLY:
            yield f"{model}.{name} cannot be written"
        elif field["type"] in ("one2many", "many2many"):
            for command in value:
                if command[0] in (0, 1):
                    yield from value_faults(field["relation"], command[2])
        elif not type_fits(field, value, written=True):
            yield f"{model}.{name} is a {field['type']}, not {value!r}"


def answer_faults(model: str, body: Mapping[str, Any], answer: Any) -> Iterator[str]:
    """What in the answer of a search_read the documented server would not say."""
    doc = model_doc(model)
    if not isinstance(answer, list):
        yield f"{model}.search_read answers {type(answer).__name__}, not a list"
        return
    asked = {"id", *body.get("fields", ())}
    for row in answer:
        if row.keys() != asked:
            yield f"{model} {row.get('id')}: fields {sorted(row.keys() ^ asked)} are missing or too many"
        for name, value in row.items():
            if doc is not None and name in doc["fields"] and not type_fits(doc["fields"][name], value, written=False):
                yield f"{model}.{name} is a {doc['fields'][name]['type']}, not {value!r}"


def type_fits(field: Mapping[str, Any], value: Any, *, written: bool) -> bool:
    kind = field["type"]
    if value is False:
        return True
    if kind == "selection":
        return any(choice[0] == value for choice in field["selection"])
    if kind in ("datetime", "date"):
        pattern = r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d" if kind == "datetime" else r"\d{4}-\d\d-\d\d"
        return isinstance(value, str) and re.fullmatch(pattern, value) is not None
    if kind == "many2one":
        return type(value) is int if written else isinstance(value, list) and len(value) == 2
    if isinstance(value, bool):
        return bool(kind == "boolean")
    return isinstance(value, TYPES.get(kind, (str,)))
