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

# Models the live-doc has no file for: where they are declared, and what of them is used ("name:type", a selection's
# values in brackets). Whatever else is asked of them is a fault, too.
ADDONS = "https://github.com/odoo/odoo/tree/19.0/addons"
BASE = "https://github.com/odoo/odoo/tree/19.0/odoo/addons/base/models"
UNDOCUMENTED_MODELS = {
    "res.users": (f"{BASE}/res_users.py", "login:char company_id:many2one"),
    "res.company": (f"{BASE}/res_company.py", "name:char currency_id:many2one"),
    "res.country": (f"{BASE}/res_country.py", "code:char"),
    "account.tax": (
        f"{ADDONS}/account/models/account_tax.py",
        "price_include:boolean type_tax_use:selection(sale,purchase,none)",
    ),
    "account.journal": (
        f"{ADDONS}/account/models/account_journal.py",
        "type:selection(sale,purchase,cash,bank,credit,general)",
    ),
    "account.payment.register": (
        f"{ADDONS}/account/wizard/account_payment_register.py",
        "amount:monetary payment_date:date journal_id:many2one communication:char",
    ),
    "account.payment.term": (f"{ADDONS}/account/models/account_payment_term.py", ""),
    "account.move.line": (
        f"{ADDONS}/account/models/account_move_line.py",
        (
            "move_id:many2one move_name:char date:date partner_id:many2one debit:monetary credit:monetary"
            " amount_residual:monetary company_currency_id:many2one payment_id:many2one name:char product_id:many2one"
            " quantity:float price_unit:float discount:float tax_ids:many2many price_subtotal:monetary"
            " price_total:monetary parent_state:selection(draft,posted,cancel)"
            " account_type:selection(asset_receivable,liability_payable)"
            " move_type:selection(entry,out_invoice,out_refund,in_invoice,in_refund,out_receipt,in_receipt)"
            " display_type:selection(product,cogs,tax,discount,rounding,payment_term,line_section,line_subsection,"
            "line_note,epd)"
        ),
    ),
    "delivery.carrier": (f"{ADDONS}/delivery/models/delivery_carrier.py; the module may be missing", ""),
    "uom.uom": (f"{ADDONS}/uom/models/uom_uom.py", ""),
    "product.attribute": (f"{ADDONS}/product/models/product_attribute.py", "name:char"),
    "product.attribute.value": (
        f"{ADDONS}/product/models/product_attribute_value.py",
        "name:char attribute_id:many2one",
    ),
    "product.template.attribute.line": (
        f"{ADDONS}/product/models/product_template_attribute_line.py",
        "attribute_id:many2one value_ids:many2many",
    ),
    "product.template.attribute.value": (
        f"{ADDONS}/product/models/product_template_attribute_value.py",
        "name:char attribute_id:many2one attribute_line_id:many2one product_tmpl_id:many2one ptav_active:boolean",
    ),
    "stock.return.picking.line": (
        f"{ADDONS}/stock/wizard/stock_picking_return.py",
        "wizard_id:many2one product_id:many2one move_id:many2one quantity:float",
    ),
}
UNDOCUMENTED_METHODS = {
    ("res.users", "context_get"): "named by the external API's own page",
    (
        "account.payment.register",
        "action_create_payments",
    ): f"{ADDONS}/account/wizard/account_payment_register.py; the button of its form",
}
OF_RECORDS = frozenset({"action_create_payments"})  # of those methods, the ones that work on ids
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
OPERATIONS = frozenset({"create", "read", "write", "unlink"})  # of has_access
# https://www.odoo.com/documentation/19.0/developer/reference/backend/orm.html#search-domains
CONNECTIVES = frozenset({"&", "|", "!"})
OPERATORS = frozenset(
    {"=", "!=", ">", ">=", "<", "<=", "=?", "=like", "like", "ilike", "=ilike", "not like", "not ilike", "in", "not in",
     "child_of", "parent_of", "any", "not any"}
)  # fmt: skip
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
    """The documented model; for an undocumented one what is listed above, with the methods every model has."""
    path = LIVE_DOC / f"{model}.json"
    if path.exists():
        found: dict[str, Any] = json.loads(path.read_text())
        return found
    if model not in UNDOCUMENTED_MODELS or not LIVE_DOC.exists():
        return None
    every = json.loads((LIVE_DOC / "res.partner.json").read_text())
    fields = {name: every["fields"][name] for name in ("id", "display_name", "active", "create_date", "write_date")}
    methods = {name: one for name, one in every["methods"].items() if one["module"] == "core"}
    named = [name for of, name in UNDOCUMENTED_METHODS if of == model]
    methods |= {name: {"parameters": {}, "api": [] if name in OF_RECORDS else ["model"]} for name in named}
    described = UNDOCUMENTED_MODELS[model][1].split()
    return {"fields": fields | dict(map(_parse_field, described)), "methods": methods}


def _parse_field(text: str) -> tuple[str, dict[str, Any]]:
    name, kind = text.split(":")
    kind, _, values = kind.rstrip(")").partition("(")
    return name, {"type": kind, "readonly": False, "selection": [[value, value] for value in values.split(",")]}


def http_faults(method: str, path: str, query: str, body: bytes) -> Iterator[str]:
    """What in an HTTP request is not JSON-2: `POST /json/2/<model>/<method>` with an object (external_api.html)."""
    if (method, path, query, body) == ("GET", "/web/version", "", b""):
        return
    parts = path.split("/")
    if method != "POST" or parts[:3] != ["", "json", "2"] or len(parts) != 5 or query:
        yield f"{method} {path} is no address of JSON-2"
        return
    try:
        arguments = json.loads(body)
    except ValueError:
        arguments = None
    if not isinstance(arguments, dict):
        yield f"{path}: the body is no JSON object"
        return
    yield from request_faults(parts[3], parts[4], arguments)


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
    yield from _ids_faults(model, method, described, body)
    if not isinstance(body.get("context", {}), dict):
        yield f"{model}.{method}: context is no object"
    if method == "has_access" and body.get("operation") not in OPERATIONS:
        yield f"{model}.has_access knows no operation {body.get('operation')!r}"
    for name in body.get("fields", ()):
        if not _is_known(doc, model, name):
            yield f"{model} has no field {name}"
    yield from domain_faults(model, body.get("domain", ()))
    yield from order_faults(model, body.get("order", ""))
    for values in [*body.get("vals_list", ()), *([body["vals"]] if "vals" in body else ())]:
        yield from value_faults(model, values)


def _ids_faults(model: str, method: str, described: Mapping[str, Any], body: Mapping[str, Any]) -> Iterator[str]:
    ids = body.get("ids", [])
    if not isinstance(ids, list) or any(type(one) is not int for one in ids):
        yield f"{model}.{method}: ids are a list of integers, not {ids!r}"
    if ids and "model" in described.get("api", ()):
        yield f"{model}.{method} takes no ids (Odoo answers 422)"
    if not ids and (method in RECORDS_NEEDED or method.startswith(("action_", "button_"))):
        yield f"{model}.{method} without ids does nothing"


def _is_known(doc: Mapping[str, Any], model: str, name: str) -> bool:
    return name in doc["fields"] or (model, name) in UNDOCUMENTED_FIELDS


def domain_faults(model: str, domain: Sequence[Any]) -> Iterator[str]:
    """Polish notation: each connective has its operands, each term a field that can be searched, an operator and a
    value of the field's type."""
    doc = model_doc(model)
    if doc is None:
        return
    wanted = 0
    for term in domain:
        if isinstance(term, str):
            if term not in CONNECTIVES:
                yield f"{model}: {term!r} connects nothing in a domain"
            wanted = max(wanted, 1) + (term != "!")
            continue
        wanted = max(wanted - 1, 0)
        if not isinstance(term, list) or len(term) != 3:
            yield f"{model}: {term!r} is no term of a domain"
            continue
        yield from _term_faults(doc, model, *term)
    if wanted:
        yield f"{model}: a domain that lacks {wanted} terms"


def _term_faults(doc: Mapping[str, Any], model: str, path: str, operator: str, value: Any) -> Iterator[str]:
    name, _, rest = path.partition(".")
    if operator not in OPERATORS:
        yield f"{model}.{path}: a domain has no operator {operator!r}"
    field = doc["fields"].get(name)
    if field is None:
        if not _is_known(doc, model, name):
            yield f"{model} has no field {name}"
        return
    if rest:
        yield from domain_faults(field["relation"], [[rest, operator, value]])
        return
    if not field.get("searchable", True):
        yield f"{model}.{name} cannot be searched"
    if (operator in ("in", "not in")) != isinstance(value, list):
        yield f"{model}.{name} {operator} {value!r}: a list goes with in"
        return
    for one in value if isinstance(value, list) else [value]:
        if field["type"] in ("many2one", "one2many", "many2many"):
            fits = one is False or type(one) is int
        else:
            fits = type_fits(field, one, written=True)
        if not fits:
            yield f"{model}.{name} is a {field['type']}, never {one!r}"


def order_faults(model: str, order: str) -> Iterator[str]:
    doc = model_doc(model)
    if doc is None:
        return
    for part in filter(None, re.split(r",\s*", order)):
        name, _, direction = part.partition(" ")
        if name not in doc["fields"]:
            yield f"{model} has no field {name}"
        elif not doc["fields"][name].get("sortable", True):
            yield f"{model}.{name} cannot be sorted by"
        if direction not in ("", "asc", "desc"):
            yield f"{model}: nothing is ordered {direction!r}"


def value_faults(model: str, values: Mapping[str, Any]) -> Iterator[str]:
    doc = model_doc(model)
    if doc is None:
        yield f"{model} is neither documented nor excused"
        return
    for name, value in values.items():
        field = doc["fields"].get(name)
        if field is None:
            yield f"{model} has no field {name}"
        elif field["readonly"] and (model, name) not in FORM_READ_ONLY:
            yield f"{model}.{name} cannot be written"
        elif field["type"] in ("one2many", "many2many"):
            yield from _command_faults(model, name, field, value)
        elif not type_fits(field, value, written=True):
            yield f"{model}.{name} is a {field['type']}, not {value!r}"


def _command_faults(model: str, name: str, field: Mapping[str, Any], value: Any) -> Iterator[str]:
    """https://www.odoo.com/documentation/19.0/developer/reference/backend/orm.html#odoo.fields.Command"""
    for command in value if isinstance(value, list) else [value]:
        if not isinstance(command, list) or not command or command[0] not in range(7) or len(command) > 3:
            yield f"{model}.{name}: {command!r} is no command of an x2many"
        elif command[0] in (1, 2, 3, 4) and (len(command) < 2 or type(command[1]) is not int):
            yield f"{model}.{name}: {command!r} names no record"
        elif command[0] in (0, 1) and (len(command) < 3 or not isinstance(command[2], dict)):
            yield f"{model}.{name}: {command!r} has no values"
        elif command[0] in (0, 1):
            yield from value_faults(field["relation"], command[2])
        elif command[0] == 6 and (len(command) < 3 or any(type(one) is not int for one in command[2])):
            yield f"{model}.{name}: {command!r} sets no ids"


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
