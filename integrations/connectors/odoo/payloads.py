"""Odoo rows to records. Field names and types: a 19.0 server's own /doc (https://www.odoo.com/documentation/19.0/
developer/reference/external_api.html); Odoo writes False for "nothing", times without a zone in UTC and to the second.
"""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from integrations.contract import records as r
from integrations.contract.errors import PayloadInvalid

Row = Mapping[str, Any]

ORDER_STATES = {
    "draft": r.DocumentState.DRAFT,
    "sent": r.DocumentState.DRAFT,
    "sale": r.DocumentState.OPEN,
    "done": r.DocumentState.DONE,  # up to 16
    "cancel": r.DocumentState.CANCELLED,
}
PICKING_STATES = {
    "draft": r.DocumentState.DRAFT,
    "waiting": r.DocumentState.OPEN,
    "confirmed": r.DocumentState.OPEN,
    "assigned": r.DocumentState.OPEN,
    "done": r.DocumentState.DONE,
    "cancel": r.DocumentState.CANCELLED,
}
DELIVERY = {
    "pending": r.FulfilmentStatus.UNFULFILLED,
    "started": r.FulfilmentStatus.UNFULFILLED,
    "partial": r.FulfilmentStatus.PARTIALLY_FULFILLED,
    "full": r.FulfilmentStatus.FULFILLED,
}
PAYMENT_STATES = {
    "draft": r.DocumentState.DRAFT,
    "in_process": r.DocumentState.OPEN,
    "paid": r.DocumentState.DONE,
    "canceled": r.DocumentState.CANCELLED,
    "rejected": r.DocumentState.CANCELLED,
}
LEDGER_KINDS = {"out_invoice": "invoice", "out_receipt": "invoice", "out_refund": "credit_note"}


# --- Odoo's plain values ---------------------------------------------------------------------------------------------


def parse_text(value: Any) -> str:
    return "" if value is None or value is False else str(value)


def parse_decimal(value: Any) -> Decimal:
    """Numbers come as JSON numbers; a float's shortest form is what Odoo shows."""
    if isinstance(value, bool) or value is None:
        return Decimal(0)
    return value if isinstance(value, Decimal) else Decimal(str(value))


def parse_time(value: Any) -> datetime | None:
    """`2026-01-31 10:00:00` is UTC."""
    if not value:
        return None
    try:
        return datetime.fromisoformat(str(value)).replace(tzinfo=UTC)
    except ValueError as error:
        raise PayloadInvalid(f"Odoo sent the time '{value}', which cannot be read.", field="write_date") from error


def parse_day(value: Any) -> datetime | None:
    day = parse_time(value)
    return day.replace(hour=0, minute=0, second=0) if day else None


def build_time(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S")


def build_day(at: datetime) -> str:
    return date.isoformat(at.astimezone(UTC).date())


def related_id(value: Any) -> str:
    """A many2one is [id, display name], a bare id with load=None, or False."""
    if isinstance(value, (list, tuple)) and value:
        return str(value[0])
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else ""


def related_name(value: Any) -> str:
    return str(value[1]) if isinstance(value, (list, tuple)) and len(value) > 1 else ""


def required(row: Row, name: str) -> Any:
    if row.get(name) in (None, False, ""):
        raise PayloadInvalid(f"Odoo's record {row.get('id', '?')} has no {name}.", field=name)
    return row[name]


def required_time(row: Row, name: str) -> datetime:
    at = parse_time(required(row, name))
    if at is None:
        raise PayloadInvalid(f"Odoo's record {row.get('id', '?')} has no {name}.", field=name)
    return at


def row_id(row: Row) -> str:
    return str(required(row, "id"))


# --- catalogue -------------------------------------------------------------------------------------------------------


def parse_product(template: Row, variants: Sequence[Row], attribute_values: Sequence[Row]) -> r.ProductRecord:
    """A template with its variants; the axes are its attribute lines. Archived variants of a live template (excluded
    combinations) are left out, those of an archived one stay, so that it is known what went."""
    active = template.get("active") is not False
    by_id = {row["id"]: row for row in attribute_values}
    kept = [row for row in variants if row.get("active") is not False or not active]
    return r.ProductRecord(
        external_id=row_id(template),
        code=parse_text(template.get("default_code")),
        name=str(required(template, "name")),
        description=parse_text(template.get("description_sale")),
        status=r.ProductStatus.ACTIVE if active else r.ProductStatus.ARCHIVED,
        status_text="active" if active else "archived",
        categories=tuple(filter(None, (related_name(template.get("categ_id")),))),
        axes=_parse_axes(template, attribute_values),
        variants=tuple(_parse_variant(row, str(template["name"]), by_id) for row in kept),
        currency=related_name(template.get("currency_id")),
        updated_at=parse_time(template.get("write_date")),
        raw={"template": dict(template), "variants": [dict(row) for row in variants]},
    )


def parse_images(row: Row) -> tuple[r.ImageRecord, ...]:
    """`image_1920` is base64, or False. What cannot be read goes on as it is, so that whoever keeps photos refuses
    that one and not the product. https://github.com/odoo/odoo/blob/19.0/odoo/addons/base/models/image_mixin.py"""
    text = parse_text(row.get("image_1920"))
    if not text:
        return ()
    try:
        return (r.ImageRecord(content=b64decode(text)),)
    except ValueError:
        return (r.ImageRecord(content=text.encode()),)


def _parse_axes(template: Row, attribute_values: Sequence[Row]) -> tuple[r.AxisRecord, ...]:
    axes = []
    for line_id in template.get("attribute_line_ids") or ():
        rows = [
            row
            for row in attribute_values
            if related_id(row.get("attribute_line_id")) == str(line_id) and row.get("ptav_active") is not False
        ]
        if rows:
            attribute = rows[0]["attribute_id"]
            names = tuple(parse_text(row.get("name")) for row in rows)
            axes.append(r.AxisRecord(name=related_name(attribute), values=names, external_id=related_id(attribute)))
    return tuple(axes)


def _parse_variant(row: Row, product_name: str, by_id: Mapping[int, Row]) -> r.VariantRecord:
    values = [by_id[number] for number in row.get("product_template_attribute_value_ids") or () if number in by_id]
    options = tuple((related_name(value["attribute_id"]), parse_text(value.get("name"))) for value in values)
    named = ", ".join(value for _, value in options)
    return r.VariantRecord(
        external_id=row_id(row),
        sku=parse_text(row.get("default_code")),
        barcode=parse_text(row.get("barcode")),
        name=f"{product_name} ({named})" if named else product_name,
        options=options,
        price=parse_decimal(row.get("lst_price")),
    )


# --- customers and orders --------------------------------------------------------------------------------------------


def parse_customer(row: Row) -> r.CustomerRecord:
    name = str(required(row, "name"))
    address = r.AddressRecord(
        name=name,
        line1=parse_text(row.get("street")),
        line2=parse_text(row.get("street2")),
        city=parse_text(row.get("city")),
        region=related_name(row.get("state_id")),
        postcode=parse_text(row.get("zip")),
        country=parse_text(row.get("country_code")),
        phone=parse_text(row.get("phone")),
        email=parse_text(row.get("email")),
    )
    return r.CustomerRecord(
        external_id=row_id(row),
        name=name,
        company=name if row.get("is_company") else parse_text(row.get("parent_name")),
        email=address.email,
        phone=address.phone,
        tax_number=parse_text(row.get("vat")),
        billing=address,
        updated_at=parse_time(row.get("write_date")),
        raw=dict(row),
    )


def parse_order_result(row: Row, *, message: str = "") -> r.CommandResult:
    """What a sale order came to; sections and notes are not in `order_line` counts because we never write any. Its ids
    come by sequence, which is the same for all of ours, then by id: as they were created."""
    return r.CommandResult(
        external_id=row_id(row),
        number=parse_text(row.get("name")),
        total=parse_decimal(row.get("amount_total")),
        tax=parse_decimal(row.get("amount_tax")),
        line_count=len(row.get("order_line") or ()),
        line_ids=tuple(str(number) for number in row.get("order_line") or ()),
        currency=related_name(row.get("currency_id")),
        state=ORDER_STATES.get(parse_text(row.get("state")), r.DocumentState.UNKNOWN),
        message=message,
        raw=dict(row),
    )


def parse_order(row: Row, lines: Sequence[Row]) -> r.OrderRecord:
    cancelled = row.get("state") == "cancel"
    delivery = DELIVERY.get(parse_text(row.get("delivery_status")), r.FulfilmentStatus.UNKNOWN)
    return r.OrderRecord(
        external_id=row_id(row),
        number=str(required(row, "name")),
        currency=related_name(required(row, "currency_id")),
        total=parse_decimal(row["amount_total"]),
        placed_at=required_time(row, "date_order"),
        updated_at=required_time(row, "write_date"),
        status_text=parse_text(row.get("state")),
        cancelled=cancelled,
        fulfilment=r.FulfilmentStatus.CANCELLED if cancelled else delivery,
        customer=r.CustomerRecord(
            external_id=related_id(row.get("partner_id")), name=related_name(row.get("partner_id"))
        ),
        location_external_id=related_id(row.get("warehouse_id")),
        lines=tuple(_parse_order_line(line) for line in lines if not line.get("display_type")),
        raw={"order": dict(row), "lines": [dict(line) for line in lines]},
    )


def _parse_order_line(row: Row) -> r.OrderLineRecord:
    return r.OrderLineRecord(
        external_id=row_id(row),
        variant_external_id=related_id(row.get("product_id")),
        name=parse_text(row.get("name")),
        quantity=parse_decimal(row.get("product_uom_qty")),
        unit_price=parse_decimal(row.get("price_unit")),
        net=parse_decimal(row.get("price_subtotal")),
        tax=parse_decimal(row.get("price_tax")),
        gross=parse_decimal(row.get("price_total")),
    )


# --- what follows an order -------------------------------------------------------------------------------------------


def _parse_move(row: Row) -> r.DocumentLineRecord:
    done = row.get("state") == "done"
    return r.DocumentLineRecord(
        external_id=row_id(row),
        order_line_external_id=related_id(row.get("sale_line_id")),
        variant_external_id=related_id(row.get("product_id")),
        quantity=parse_decimal(row.get("quantity" if done else "product_uom_qty")),
    )


def parse_shipment(row: Row, moves: Sequence[Row]) -> r.ShipmentRecord:
    return r.ShipmentRecord(
        external_id=row_id(row),
        order_external_id=related_id(row.get("sale_id")),
        number=parse_text(row.get("name")),
        state=PICKING_STATES.get(parse_text(row.get("state")), r.DocumentState.UNKNOWN),
        carrier=related_name(row.get("carrier_id")),
        tracking_number=parse_text(row.get("carrier_tracking_ref")),
        tracking_url=parse_text(row.get("carrier_tracking_url")),
        shipped_at=parse_time(row.get("date_done")),
        updated_at=parse_time(row.get("write_date")),
        lines=tuple(_parse_move(move) for move in moves if move.get("state") != "cancel"),
        raw=dict(row),
    )


def parse_return(row: Row, moves: Sequence[Row], order_external_id: str = "") -> r.ReturnRecord:
    return r.ReturnRecord(
        external_id=row_id(row),
        order_external_id=related_id(row.get("sale_id")) or order_external_id,
        number=parse_text(row.get("name")),
        state=PICKING_STATES.get(parse_text(row.get("state")), r.DocumentState.UNKNOWN),
        reference=parse_text(row.get("origin")),
        reason=parse_text(row.get("origin")),
        updated_at=parse_time(row.get("write_date")),
        lines=tuple(_parse_move(move) for move in moves if move.get("state") != "cancel"),
        raw=dict(row),
    )


def invoice_state(row: Row) -> r.DocumentState:
    if row.get("state") == "posted":
        settled = row.get("payment_state") in ("paid", "in_payment", "reversed")
        return r.DocumentState.DONE if settled else r.DocumentState.OPEN
    states = {"draft": r.DocumentState.DRAFT, "cancel": r.DocumentState.CANCELLED}
    return states.get(parse_text(row.get("state")), r.DocumentState.UNKNOWN)


def parse_invoice(row: Row, lines: Sequence[Row], order_external_id: str = "") -> r.InvoiceRecord:
    return r.InvoiceRecord(
        external_id=row_id(row),
        order_external_id=order_external_id,
        number=parse_text(row.get("name")),
        credit=row.get("move_type") == "out_refund",
        state=invoice_state(row),
        currency=related_name(row.get("currency_id")),
        total=abs(parse_decimal(row.get("amount_total"))),
        open_amount=abs(parse_decimal(row.get("amount_residual"))),
        issued_at=parse_day(row.get("invoice_date")),
        due_at=parse_day(row.get("invoice_date_due")),
        updated_at=parse_time(row.get("write_date")),
        lines=tuple(_parse_invoice_line(line) for line in lines if line.get("display_type") in ("product", False)),
        raw=dict(row),
    )


def _parse_invoice_line(row: Row) -> r.DocumentLineRecord:
    net = parse_decimal(row.get("price_subtotal"))
    return r.DocumentLineRecord(
        external_id=row_id(row),
        variant_external_id=related_id(row.get("product_id")),
        quantity=parse_decimal(row.get("quantity")),
        net=net,
        tax=parse_decimal(row.get("price_total")) - net,
    )


def parse_invoice_result(row: Row) -> r.CommandResult:
    return r.CommandResult(
        external_id=row_id(row),
        number=parse_text(row.get("name")),
        total=abs(parse_decimal(row.get("amount_total"))),
        line_count=len(row.get("invoice_line_ids") or ()),
        currency=related_name(row.get("currency_id")),
        state=invoice_state(row),
        raw=dict(row),
    )


def parse_picking_result(row: Row) -> r.CommandResult:
    state = PICKING_STATES.get(parse_text(row.get("state")), r.DocumentState.UNKNOWN)
    return r.CommandResult(external_id=row_id(row), number=parse_text(row.get("name")), state=state, raw=dict(row))


def parse_payment(row: Row, order_external_id: str) -> r.PaymentRecord:
    """`memo` is what it was booked for: our reference, where we had it made."""
    kind = r.PaymentKind.CAPTURE if row.get("payment_type") == "inbound" else r.PaymentKind.REFUND
    return r.PaymentRecord(
        external_id=row_id(row),
        kind=kind,
        method=related_id(row.get("journal_id")),
        amount=parse_decimal(row.get("amount")),
        at=parse_day(row.get("date")),
        title=" ".join(filter(None, (parse_text(row.get("name")), related_name(row.get("journal_id"))))),
        order_external_id=order_external_id,
        currency=related_name(row.get("currency_id")),
        reference=parse_text(row.get("memo")),
        updated_at=parse_time(row.get("write_date")),
        raw=dict(row),
    )


def parse_payment_result(row: Row) -> r.CommandResult:
    return r.CommandResult(
        external_id=row_id(row),
        number=parse_text(row.get("name")),
        total=parse_decimal(row.get("amount")),
        currency=related_name(row.get("currency_id")),
        state=PAYMENT_STATES.get(parse_text(row.get("state")), r.DocumentState.UNKNOWN),
        raw=dict(row),
    )


def parse_account(row: Row) -> r.AccountRecord:
    limited = bool(row.get("use_partner_credit_limit"))
    return r.AccountRecord(
        customer_external_id=row_id(row),
        currency=related_name(row.get("currency_id")),
        balance=parse_decimal(row.get("credit")),
        credit_limit=parse_decimal(row.get("credit_limit")) if limited else None,
        terms=related_name(row.get("property_payment_term_id")),
    )


def parse_ledger_row(row: Row) -> r.LedgerRow:
    kind = LEDGER_KINDS.get(parse_text(row.get("move_type")), "payment" if row.get("payment_id") else "other")
    return r.LedgerRow(
        external_id=row_id(row),
        kind=kind,
        number=parse_text(row.get("move_name")),
        at=required_time(row, "date"),
        currency=related_name(row.get("company_currency_id")),
        debit=parse_decimal(row.get("debit")),
        credit=parse_decimal(row.get("credit")),
        open_amount=parse_decimal(row.get("amount_residual")),
    )


def refused(result: r.CommandResult, words: str) -> r.CommandResult:
    """The same document, with Odoo's no."""
    return replace(result, success=False, message=words)
