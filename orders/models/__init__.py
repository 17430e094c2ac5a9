"""Orders and what follows them."""

from orders.models.bill import Bill, BillSeries
from orders.models.cancelling import CancellationLine
from orders.models.customer import (
    Customer,
    CustomerCopy,
    CustomerMerge,
    CustomerRules,
    Erasure,
    NotDuplicate,
    PersonExport,
)
from orders.models.delivery import HomeDelivery, HomeDeliveryEvent
from orders.models.edit import OrderEdit
from orders.models.exchange import Exchange
from orders.models.field_rule import FieldRule, FieldRuleVersion, OrderPayload
from orders.models.fulfilment import (
    Cancellation,
    FulfilmentLine,
    FulfilmentOrder,
    FulfilmentShare,
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
from orders.models.routing import RoutingRule
from orders.models.rule import OrderRule
from orders.models.session import CustomerSession, LoginCode, Quote, SessionCopy

__all__ = [
    "Bill",
    "BillSeries",
    "Cancellation",
    "CancellationLine",
    "Customer",
    "CustomerCopy",
    "CustomerMerge",
    "CustomerRules",
    "CustomerSession",
    "DiscountLine",
    "Erasure",
    "Exchange",
    "FieldRule",
    "FieldRuleVersion",
    "FulfilmentLine",
    "FulfilmentOrder",
    "FulfilmentShare",
    "HomeDelivery",
    "HomeDeliveryEvent",
    "Invoice",
    "LedgerEntry",
    "LoginCode",
    "NotDuplicate",
    "Order",
    "OrderEdit",
    "OrderEvent",
    "OrderLine",
    "OrderPayload",
    "OrderRule",
    "Payment",
    "PersonExport",
    "Quote",
    "Refund",
    "RefundLine",
    "Return",
    "ReturnLine",
    "RoutingRule",
    "SessionCopy",
    "Shipment",
    "ShipmentLine",
    "TaxLine",
]
