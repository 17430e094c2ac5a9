"""Orders, customers and what follows them as documents for other systems, and what becomes of them there."""

from orders.outbound.customers import build_customer, lock_customers, release_customers, settle_customer
from orders.outbound.orders import build_order, count_orders, lock_orders, release_orders, settle_order
from orders.outbound.refunds import build_refund, lock_refunds, release_refunds, settle_refund
from orders.outbound.shipments import build_shipment, lock_shipments, settle_shipment

__all__ = [
    "build_customer",
    "build_order",
    "build_refund",
    "build_shipment",
    "count_orders",
    "lock_customers",
    "lock_orders",
    "lock_refunds",
    "lock_shipments",
    "release_customers",
    "release_orders",
    "release_refunds",
    "settle_customer",
    "settle_order",
    "settle_refund",
    "settle_shipment",
]
