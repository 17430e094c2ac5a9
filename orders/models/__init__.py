"""Orders and what follows them."""

from orders.models.customer import Customer
from orders.models.edit import OrderEdit
from orders.models.fulfilment import (
    Cancellation,
    FulfilmentLine,
    FulfilmentOrder,
    Invoice,
    LedgerEntry,
    Refund,
    RefundLine,
    Return,
    ReturnLine,
    Shipment,
    ShipmentLine,
)
from orders.models.order import DiscountLine, Order, OrderEvent, OrderLine, Payment, TaxLine

__all__ = [
    "Cancellation",
    "Customer",
    "DiscountLine",
    "FulfilmentLine",
    "FulfilmentOrder",
    "Invoice",
    "LedgerEntry",
    "Order",
    "OrderEdit",
    "OrderEvent",
    "OrderLine",
    "Payment",
    "Refund",
    "RefundLine",
    "Return",
    "ReturnLine",
    "Shipment",
    "ShipmentLine",
    "TaxLine",
]
