"""An order as the rules see it: one JSON object, the same for every shop. Pure.

Its shape is promised: people write paths into it. Fields are added, never renamed or taken away. Amounts and quantities
are texts with all their digits ("12.50"), times ISO 8601 in UTC, what is not known is ''.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from integrations.contract.formulas.values import write_number
from orders.models import Order, OrderLine, Payment
from portal.base.money import exact_money

ADDRESS = ("name", "company", "line1", "line2", "city", "region", "postcode", "country", "phone", "email")


def build_view(
    order: Order, *, lines: Sequence[OrderLine], payments: Sequence[Payment], raw: Any = None
) -> dict[str, Any]:
    """`lines` in their order, with `variant` and `taxes` at hand; `raw` is the shop's own payload, parsed."""
    return {
        "number": order.number,
        "external_id": order.external_id,
        "shop": order.connection.name,
        "location": order.location.code if order.location else "",
        "placed_at": _moment(order.placed_at),
        "currency": order.currency,
        "total": _amount(order.total, order.currency),
        "status": order.status_text,
        "financial": order.financial,
        "cash_on_delivery": order.cash_on_delivery,
        "note": order.note,
        "customer": {"name": order.customer_name, "email": order.email, "phone": order.phone},
        "billing": {name: order.billing.get(name, "") for name in ADDRESS},
        "shipping": {name: order.shipping.get(name, "") for name in ADDRESS},
        "payments": [_payment(payment, order.currency) for payment in payments],
        "lines": [_line(line, order.currency) for line in lines],
        "raw": raw,
    }


def _line(line: OrderLine, currency: str) -> dict[str, Any]:
    amounts = ("unit_price", "discount", "net", "tax", "gross")
    return {
        "kind": line.kind,
        "sku": line.sku,
        "article": line.variant.code if line.variant else "",
        "name": line.name,
        "quantity": write_number(line.quantity.normalize()),
        **{name: _amount(getattr(line, name), currency) for name in amounts},
        "taxes": [tax.code for tax in line.taxes.all()],
    }


def _payment(payment: Payment, currency: str) -> dict[str, Any]:
    return {
        "kind": payment.kind,
        "method": payment.method,
        "amount": _amount(payment.amount, currency),
        "at": _moment(payment.at),
    }


def _moment(at: datetime | None) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ") if at else ""


def _amount(amount: Decimal, currency: str) -> str:
    return write_number(exact_money(amount, currency))
