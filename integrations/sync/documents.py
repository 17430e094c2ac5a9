"""The documents commands carry, and how they are stored: JSON, typed on the way back."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import msgspec

from integrations.contract import records as r
from integrations.contract.connector import Connector
from integrations.models import Command


@dataclass(frozen=True, slots=True, kw_only=True)
class StatusChange:
    """What update_order_status sends."""

    external_id: str
    status: str
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class CancelRequest:
    """What cancel_order (without lines, the whole order) and cancel_invoice send."""

    external_id: str
    lines: tuple[r.OrderDocumentLine, ...] | None = None


DOCUMENTS: dict[str, type[Any]] = {
    "create_product": r.ProductDocument,
    "create_customer": r.CustomerDocument,
    "update_customer": r.CustomerDocument,
    "create_order": r.OrderDocument,
    "update_order": r.OrderDocument,
    "create_invoice": r.InvoiceDocument,
    "create_payment": r.PaymentDocument,
    "create_shipment": r.ShipmentDocument,
    "create_return": r.ReturnDocument,
    "create_refund": r.RefundDocument,
    "update_order_status": StatusChange,
    "cancel_order": CancelRequest,
    "cancel_invoice": CancelRequest,
    "notify": r.Notice,
}


def encode(document: Any) -> bytes:
    return msgspec.json.encode(document)


def decode(kind: str, payload: bytes) -> Any:
    return msgspec.json.decode(payload, type=DOCUMENTS[kind])


class _Versioned(msgspec.Struct):
    rules_version: int = 0
    order: _Versioned | None = None  # of an invoice: the order it is made of


def read_rules_version(command: Command) -> int:
    """The version of the field rules that what was sent was built under; 0 for none, and before it was sent."""
    if not command.payload:
        return 0
    found = msgspec.json.decode(command.payload, type=_Versioned)
    return (found.order or found).rules_version


def send(connector: Connector, kind: str, document: Any) -> r.CommandResult:
    """Make the one call that carries the command out."""
    if isinstance(document, StatusChange):
        return connector.update_order_status(document.external_id, document.status, document.note)
    if kind == "cancel_invoice":
        return connector.cancel_invoice(document.external_id)
    if isinstance(document, CancelRequest):
        return connector.cancel_order(document.external_id, document.lines)
    result: r.CommandResult = getattr(connector, kind)(document)
    return result


def safety_name(kind: str, document: Any) -> str:
    """The name its idempotency is declared under: cancelling lines is not as harmless twice as cancelling all."""
    return "cancel_order_lines" if isinstance(document, CancelRequest) and document.lines else kind


def difference(document: Any, result: r.CommandResult) -> str:
    """'' where the remote document is the one we meant, else what differs, in words."""
    document = getattr(document, "order", None) or document  # an invoice of an order they do not have
    total: Decimal | None = getattr(document, "total", getattr(document, "amount", None))
    if total is not None and result.total is not None and result.total != total:
        return f"the total there is {result.total}, ours is {total}"
    if result.currency and getattr(document, "currency", "") not in {"", result.currency}:
        return f"the currency there is {result.currency}, ours is {document.currency}"
    lines = getattr(document, "lines", None)
    if lines and result.line_count is not None and result.line_count != len(lines):
        return f"there are {result.line_count} lines there, ours has {len(lines)}"
    return ""
