"""Our documents to Odoo's values: pure. x2many values are command lists, [[0, 0, {…}]] creates, [[6, 0, ids]] sets
(https://www.odoo.com/documentation/19.0/developer/reference/backend/orm.html#odoo.fields.Command).
"""

from __future__ import annotations

import html
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from integrations.connectors.odoo.payloads import build_day, build_time, parse_decimal, related_id
from integrations.contract import records as r
from integrations.contract.errors import Rejected

Values = dict[str, Any]
CENT = Decimal("0.01")
CUSTOM_FIELD = re.compile(r"x_[a-z0-9_]{1,60}")


def build_number(value: Decimal) -> int | float:
    """JSON numbers only: Odoo's floats. 15 digits survive the way there and back."""
    return int(value) if value == value.to_integral_value() else float(value)


def build_ids(codes: Sequence[str], what: str) -> list[int]:
    wrong = [code for code in codes if not (code.isascii() and code.isdigit())]
    if wrong:
        raise Rejected(f"{what} '{wrong[0]}' is not an Odoo id: map it again.", code="ID_INVALID", field=what)
    return [int(code) for code in codes]


def build_partner(document: r.CustomerDocument, country_id: int | None) -> Values:
    customer = document.customer
    address = customer.billing or customer.shipping or r.AddressRecord()
    values: Values = {
        "name": customer.company or customer.name or address.name or customer.email or document.reference,
        "ref": document.reference,
        "is_company": bool(customer.company),
        "email": customer.email or address.email or False,
        "phone": customer.phone or address.phone or False,
        "vat": customer.tax_number or False,
        "street": address.line1 or False,
        "street2": address.line2 or False,
        "city": address.city or False,
        "zip": address.postcode or False,
    }
    if country_id is not None:
        values["country_id"] = country_id
    return values


def build_order(document: r.OrderDocument, *, partner_id: str, included_taxes: frozenset[str]) -> Values:
    """A quotation. `included_taxes`: ids of the taxes whose price_unit contains them, there."""
    if not partner_id:
        raise Rejected(
            f"Order {document.reference} has no customer in Odoo: link one, or name a partner for guests in the"
            " connection's settings.",
            code="CUSTOMER_MISSING",
        )
    values: Values = {
        "partner_id": build_ids([partner_id], "customer")[0],
        "client_order_ref": document.reference,
        "origin": build_origin(document),
        "date_order": build_time(document.placed_at),
        "order_line": [
            [0, 0, build_order_line(line, document.prices_include_tax, included_taxes)] for line in document.lines
        ],
    }
    if document.location_external_id:
        values["warehouse_id"] = build_ids([document.location_external_id], "location")[0]
    if note := build_note(document):
        values["note"] = note
    return values | build_extras(document)


def build_origin(document: r.OrderDocument) -> str:
    """The source document. The customer's own number stands beside the shop's, for `client_order_ref`, where Odoo would
    have it, is what our reference is found again by."""
    return ", ".join(filter(None, (document.number or document.reference, document.purchase_order)))


def build_extras(document: r.OrderDocument) -> Values:
    """Fields of sale.order that only rules fill. `carrier_id` is of the module delivery. A custom field's name there
    begins with x_ (https://www.odoo.com/documentation/19.0/applications/studio/fields.html): no other can be filled."""
    values: Values = {}
    if document.requested_at:
        values["commitment_date"] = build_time(document.requested_at)
    if document.shipping_method:
        values["carrier_id"] = build_ids([document.shipping_method], "shipping method")[0]
    if document.salesperson:
        values["user_id"] = build_ids([document.salesperson], "salesperson")[0]
    for name, value in document.custom.items():
        if not CUSTOM_FIELD.fullmatch(name):
            words = f"“{name}” is no custom field of Odoo: those begin with x_. Correct the rule that fills it."
            raise Rejected(words, code="FIELD_UNKNOWN", field=name)
        values[name] = value
    return values


def build_note(document: r.OrderDocument) -> str:
    """Odoo's note is HTML. A guest's address goes here too, for his partner is not his own."""
    parts = [document.note]
    address = document.shipping or document.billing
    if not document.customer_external_id and address is not None:
        lines = (
            address.name,
            address.company,
            address.line1,
            address.line2,
            f"{address.postcode} {address.city}".strip(),
            address.region,
            address.country,
            address.phone,
        )
        parts.append("\n".join(filter(None, lines)))
    return "".join(f"<p>{html.escape(part).replace(chr(10), '<br>')}</p>" for part in parts if part)


def build_order_line(line: r.OrderDocumentLine, prices_include_tax: bool, included_taxes: frozenset[str]) -> Values:
    """`tax_ids` is always sent, empty too: Odoo adds the product's own taxes where it is missing (39.80 → 45.77)."""
    product = line.variant_external_id or line.item_external_id
    if not product:
        raise Rejected(
            f"Line '{line.name or line.sku or line.key}' has no article in Odoo: bind or map it.",
            code="ITEM_MISSING",
            field=line.key,
        )
    price, percent = line_price(line, prices_include_tax, included_taxes)
    values: Values = {
        "product_id": build_ids([product], "article")[0],
        "product_uom_qty": build_number(line.quantity),
        "price_unit": build_number(price),
        "discount": build_number(percent),
        "tax_ids": [[6, 0, build_ids(line.tax_codes, "tax")]],
    }
    if line.name:
        values["name"] = line.name
    return values


def line_price(
    line: r.OrderDocumentLine, prices_include_tax: bool, included_taxes: frozenset[str]
) -> tuple[Decimal, Decimal]:
    """(price_unit, discount percent) that make Odoo's line come to ours.

    Odoo's price_unit contains a tax exactly where that tax says so (price_include), whatever the shop does. The store's
    own unit price and a percentage of two digits (Odoo's precision) are used where they give the amount; otherwise the
    price after discount.
    """
    gross = bool(included_taxes.intersection(line.tax_codes)) if line.tax_codes else prices_include_tax
    wanted = line.gross if gross else line.net
    if line.quantity == 0:
        return line.unit_price, Decimal(0)
    full = line.unit_price * line.quantity
    if gross == prices_include_tax and full:
        percent = ((full - wanted) / full * 100).quantize(CENT, ROUND_HALF_UP)
        if Decimal(0) <= percent <= 100 and _cents(full * (100 - percent) / 100) == _cents(wanted):
            return line.unit_price, percent
    return round(wanted / line.quantity, 6), Decimal(0)


def _cents(value: Decimal) -> Decimal:
    return value.quantize(CENT, ROUND_HALF_UP)


def build_line_changes(current: Sequence[Mapping[str, Any]], wanted: Sequence[Values], confirmed: bool) -> list[Any]:
    """Commands that turn the order's lines into `wanted`, matched by article in their order.

    A line of a confirmed order cannot be deleted in Odoo; it goes to quantity 0.
    """
    left = [row for row in current if not row.get("display_type")]
    commands: list[Any] = []
    for values in wanted:
        row = next((row for row in left if related_id(row["product_id"]) == str(values["product_id"])), None)
        if row is None:
            commands.append([0, 0, values])
            continue
        left.remove(row)
        changes = {name: value for name, value in values.items() if not _same(row.get(name), value, name)}
        if changes:
            commands.append([1, row["id"], changes])
    for row in left:
        if not confirmed:
            commands.append([2, row["id"], 0])
        elif parse_decimal(row["product_uom_qty"]) != 0:
            commands.append([1, row["id"], {"product_uom_qty": 0}])
    return commands


def _same(current: Any, wanted: Any, name: str) -> bool:
    if name == "tax_ids":
        return sorted(current or ()) == sorted(wanted[0][2])
    if isinstance(wanted, (int, float)) and name != "product_id":
        return parse_decimal(current) == parse_decimal(wanted)
    return name == "product_id" or current == wanted


def build_invoice(document: r.OrderDocument, *, partner_id: str, included_taxes: frozenset[str]) -> Values:
    """An invoice of an order that is not in this Odoo."""
    if not partner_id:
        raise Rejected(
            f"Invoice {document.reference} has no customer in Odoo: link one, or name a partner for guests in the"
            " connection's settings.",
            code="CUSTOMER_MISSING",
        )
    return {
        "move_type": "out_invoice",
        "partner_id": build_ids([partner_id], "customer")[0],
        "ref": document.reference,
        "invoice_origin": document.number or document.reference,
        "invoice_date": build_day(document.placed_at),
        "invoice_line_ids": _move_lines(document.lines, included_taxes),
    }


def _move_lines(lines: Sequence[r.OrderDocumentLine], included_taxes: frozenset[str]) -> list[Any]:
    """The amounts alone count here: a price is gross or net as the line's taxes there want it."""
    found = []
    for line in lines:
        values = build_order_line(replace(line, unit_price=Decimal(0)), False, included_taxes)
        values["quantity"] = values.pop("product_uom_qty")
        found.append([0, 0, values])
    return found


def build_refund(document: r.RefundDocument, *, partner_id: str, included_taxes: frozenset[str]) -> Values:
    """A credit note. Its amount tax included; the unit prices of a refund may be net or gross, it does not say."""
    lines = _move_lines(document.lines, included_taxes) or [[0, 0, _free_amount(document)]]
    return {
        "move_type": "out_refund",
        "partner_id": build_ids([partner_id], "customer")[0],
        "ref": document.reference,
        "invoice_origin": document.order_reference,
        "invoice_date": build_day(document.at),
        "invoice_line_ids": lines,
    }


def _free_amount(document: r.RefundDocument) -> Values:
    """Money back for no line in particular: one untaxed line without an article."""
    return {
        "name": document.reason or f"Refund of {document.order_reference}",
        "quantity": 1,
        "price_unit": build_number(document.amount),
        "tax_ids": [[6, 0, []]],
    }


def build_payment(document: r.PaymentDocument, partner_id: str) -> Values:
    """Money without an invoice yet: Odoo keeps it as the partner's credit until somebody matches the two."""
    return {
        "payment_type": "inbound" if document.kind is r.PaymentKind.CAPTURE else "outbound",
        "partner_type": "customer",
        "partner_id": build_ids([partner_id], "customer")[0],
        "amount": build_number(document.amount),
        "date": build_day(document.at),
        "journal_id": build_ids([document.method], "payment")[0],
        "memo": document.reference,
    }


def build_payment_wizard(document: r.PaymentDocument) -> Values:
    """account.payment.register; its context names the invoice."""
    return {
        "amount": build_number(document.amount),
        "payment_date": build_day(document.at),
        "journal_id": build_ids([document.method], "payment")[0],
        "communication": document.reference,
    }


def build_return_note(document: r.ReturnDocument) -> str:
    """Odoo's note is HTML. Restocking is decided where the goods are put, so people are told."""
    words = [document.reason, "" if document.restock else "Do not put these goods back into stock."]
    return "".join(f"<p>{html.escape(part)}</p>" for part in words if part)


def build_template(document: r.ProductDocument, attribute_lines: Sequence[Any]) -> Values:
    product = document.product
    only = product.variants[0] if len(product.variants) == 1 else None
    values: Values = {
        "name": product.name,
        "type": "consu",
        "is_storable": True,
        "description_sale": product.description or False,
        "attribute_line_ids": list(attribute_lines),
    }
    if only is not None and not product.axes:
        values["default_code"] = only.sku or document.reference
        values["barcode"] = only.barcode or False
    if (priced := next((v.price for v in product.variants if v.price is not None), None)) is not None:
        values["list_price"] = build_number(priced)
    return values
