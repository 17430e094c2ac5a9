"""Lines and addresses as the far side's documents carry them: its own ids, its own units, none rounded."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from integrations.contract import records as r
from integrations.contract.errors import Rejected
from orders.models import Order, OrderLine, Refund, RefundLine, ReturnLine, ShipmentLine
from orders.services.destination import Names, choose_article, convert

ONE = Decimal(1)


def build_address(values: dict[str, Any]) -> r.AddressRecord | None:
    """As it was kept, only what is filled in; None for none."""
    return r.AddressRecord(**values) if values else None


def build_header(order: Order, *, reference: str = "") -> r.OrderDocument:
    """All of the document that is not its lines, before any field rule."""
    return r.OrderDocument(
        reference=reference,
        number=order.number,
        currency=order.currency,
        total=order.total,
        placed_at=order.placed_at,
        customer=r.CustomerRecord(name=order.customer_name, email=order.email, phone=order.phone),
        billing=build_address(order.billing),
        shipping=build_address(order.shipping),
        payment_method=next((one.method for one in sorted(order.payments.all(), key=lambda one: one.pk)), ""),
        prices_include_tax=order.prices_include_tax,
        note=order.note,
    )


def build_line(line: OrderLine, names: Names, quantity: Decimal | None = None) -> r.OrderDocumentLine:
    """The line in units of their article, with their ids of its taxes, none included; `quantity` of the shop's article,
    all that is not cancelled unless said."""
    special = "" if line.kind == OrderLine.Kind.ITEM else names.special.get(line.kind, "")
    article, factor = (("", ONE) if special else choose_article(line, names)) or ("", ONE)
    if not article and not special:
        raise Rejected(f"{line.sku or line.name} is not mapped there any more; map it again.", code="ITEM_MISSING")
    units = convert(line, line.quantity - line.cancelled_quantity if quantity is None else quantity, factor)
    if units is None:
        words = f"{line.quantity.normalize():f} × {line.sku or line.name} is no whole number of their article; map it."
        raise Rejected(words, code="FRACTION")
    return r.OrderDocumentLine(
        key=str(line.pk),
        kind=r.LineKind(line.kind),
        variant_external_id=article,
        item_external_id=special,
        sku=line.sku,
        name=line.name,
        quantity=units,
        unit_price=line.unit_price if factor == line.factor else line.unit_price * factor / line.factor,
        discount=line.discount,
        net=line.net,
        tax=line.tax,
        gross=line.gross,
        tax_codes=tuple(names.taxes[tax.code] for tax in line.taxes.all() if tax.code in names.taxes),
    )


def build_refund_line(row: RefundLine, names: Names) -> r.OrderDocumentLine:
    """As the order's line, for what was given back of it."""
    line = row.order_line
    whole = build_line(line, names, row.quantity)
    quantity = whole.quantity or ONE
    return r.OrderDocumentLine(
        key=str(row.pk),
        kind=whole.kind,
        variant_external_id=whole.variant_external_id,
        item_external_id=whole.item_external_id,
        sku=whole.sku,
        name=whole.name,
        quantity=quantity,
        unit_price=row.net / quantity,
        net=row.net,
        tax=row.tax,
        gross=row.net + row.tax,
        tax_codes=whole.tax_codes if row.tax else (),
    )


def build_free_amount(refund: Refund, names: Names) -> r.OrderDocumentLine:
    """Money for no line in particular: on the item that fees are booked on."""
    item = names.special.get("refund") or names.special.get(OrderLine.Kind.FEE)
    if not item:
        words = "A refund without lines: map “refund” to one of their items under Values → Special line."
        raise Rejected(words, code="ITEM_MISSING")
    return r.OrderDocumentLine(
        key="refund",
        kind=r.LineKind.FEE,
        item_external_id=item,
        name=refund.reason or "Refund",
        unit_price=refund.amount,
        net=refund.amount,
        gross=refund.amount,
    )


def build_moved_line(row: ShipmentLine | ReturnLine, how: str = "left") -> r.OrderDocumentLine:
    """What left of a line, or came back, in units of the shop's article; its `key` is the shop's own id of the line."""
    line = row.order_line
    quantity = row.quantity / line.factor
    if line.factor != 1 and quantity != quantity.to_integral_value():
        words = (
            f"{row.quantity.normalize():f} of {line.sku or line.name} {how}, which is no whole number of what was sold."
        )
        raise Rejected(f"{words} Tell the shop by hand.", code="FRACTION")
    return r.OrderDocumentLine(
        key=line.external_id,
        variant_external_id=line.variant_external_id,
        sku=line.sku,
        name=line.name,
        quantity=quantity,
    )


def build_shop_refund_line(row: RefundLine) -> r.OrderDocumentLine:
    """What the shop is to give back of its own line, which `key` names."""
    line = row.order_line
    return r.OrderDocumentLine(
        key=line.external_id,
        kind=r.LineKind(line.kind),
        variant_external_id=line.variant_external_id,
        sku=line.sku,
        name=line.name,
        quantity=row.quantity,
        unit_price=row.net / row.quantity,
        net=row.net,
        tax=row.tax,
        gross=row.net + row.tax,
    )
