"""Everything that is kept about one person: which rows those are, and one copy of them to hand out."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django.core.serializers.json import DjangoJSONEncoder
from django.db import models, transaction
from django.db.models import Q, QuerySet

from integrations.models import Command, Exchange, Hold, InboundEvent, Link, Stream
from orders.models import (
    Customer,
    CustomerCopy,
    CustomerMerge,
    CustomerSession,
    DiscountLine,
    FulfilmentOrder,
    Invoice,
    LedgerEntry,
    Order,
    OrderEvent,
    OrderLine,
    OrderPayload,
    Payment,
    PersonExport,
    Quote,
    Refund,
    Return,
    Shipment,
    TaxLine,
)
from portal.tenancy.models import User

LONGEST_BODY = 100_000
HIDDEN = {"merchant", "lease_token", "lease_until", "fence", "raw", "needles"}


class Person:
    """The rows about one customer: his own, those merged into him, their orders and all that follows them."""

    def __init__(self, customer: Customer) -> None:
        self.customer = customer
        self.ids = _family(customer)
        self.orders = list(Order.plain.filter(customer_id__in=self.ids).order_by("pk"))
        self.order_ids = [order.pk for order in self.orders]
        self.refund_ids = list(Refund.plain.filter(order_id__in=self.order_ids).values_list("pk", flat=True))
        parts = Shipment.plain.filter(fulfilment_order__order_id__in=self.order_ids)
        self.shipment_ids = list(parts.values_list("pk", flat=True))

    @property
    def customers(self) -> QuerySet[Customer]:
        return Customer.plain.filter(pk__in=self.ids).order_by("pk")

    @property
    def links(self) -> QuerySet[Link]:
        mine = Q(subject_type="customer", subject_id__in=self.ids) | Q(
            subject_type="order", subject_id__in=self.order_ids
        )
        return Link.plain.filter(mine).select_related("connection").order_by("pk")

    @property
    def commands(self) -> QuerySet[Command]:
        return Command.plain.filter(self._about()).select_related("connection").order_by("pk")

    @property
    def holds(self) -> QuerySet[Hold]:
        return Hold.plain.filter(self._about()).order_by("pk")

    @property
    def events(self) -> QuerySet[InboundEvent]:
        """Webhooks and records set aside that name his account or one of his orders."""
        wanted = Q(pk__in=[])
        for order in self.orders:
            wanted |= Q(connection_id=order.connection_id, stream=Stream.ORDER, external_id=order.external_id)
        for link in self.links.filter(stream=Stream.CUSTOMER):
            wanted |= Q(connection_id=link.connection_id, stream=Stream.CUSTOMER, external_id=link.external_id)
        return InboundEvent.plain.filter(wanted, merchant_id=self.customer.merchant_id).order_by("pk")

    @property
    def exchanges(self) -> QuerySet[Exchange]:
        """Requests made to send what is about him, and their answers."""
        return Exchange.plain.filter(attempt__command__in=self.commands.values("pk")).order_by("pk")

    def _about(self) -> Q:
        return (
            Q(subject_type="customer", subject_id__in=self.ids)
            | Q(subject_type="order", subject_id__in=self.order_ids)
            | Q(subject_type="refund", subject_id__in=self.refund_ids)
            | Q(subject_type="shipment", subject_id__in=self.shipment_ids)
        ) & Q(merchant_id=self.customer.merchant_id)


@transaction.atomic
def export_person(*, customer: Customer, by: User, at: datetime) -> str:
    """One JSON of all that is kept about the customer; that it was given out is written down."""
    person = Person(customer)
    PersonExport.plain.create(merchant_id=customer.merchant_id, customer=customer, at=at, by=str(by)[:100])
    found = {
        "about": str(customer),
        "exported_at": at.isoformat(),
        "exported_by": str(by),
        "customer": _rows(person.customers),
        "known_as": _rows(person.links, connection="connection__name"),
        "told_by_systems": _rows(CustomerCopy.plain.filter(link__in=person.links.values("pk"))),
        "merges": _rows(CustomerMerge.plain.filter(Q(kept__in=person.ids) | Q(gone__in=person.ids))),
        "quotes": _rows(Quote.plain.filter(customer__in=person.ids)),
        "logged_in": list(CustomerSession.plain.filter(customer__in=person.ids).values("opened_at", "ends_at")),
        "ledger": _rows(LedgerEntry.plain.filter(customer__in=person.ids)),
        "orders": [_order(order) for order in person.orders],
        "waited_for": _rows(person.holds),
        "messages": [_message(command) for command in person.commands],
        "received": [_event(event) for event in person.events],
        "requests": [_exchange(row) for row in person.exchanges],
    }
    return json.dumps(found, cls=DjangoJSONEncoder, ensure_ascii=False, indent=1)


def _family(customer: Customer) -> list[int]:
    """His key and those of all that were merged into him, one after another."""
    ids, new = [customer.pk], [customer.pk]
    while new:
        merged = Customer.plain.filter(merged_into__in=new).exclude(pk__in=ids)
        new = list(merged.order_by("pk").values_list("pk", flat=True))
        ids += new
    return ids


def _order(order: Order) -> dict[str, Any]:
    parts = FulfilmentOrder.plain.filter(order=order)
    lines = OrderLine.plain.filter(order=order).order_by("position")
    return {
        **_row(order),
        "shop": order.connection.name,
        "as_the_shop_sent_it": [_text(bytes(one.body)) for one in OrderPayload.plain.filter(order=order)],
        "lines": _rows(lines),
        "taxes": _rows(TaxLine.plain.filter(line__in=lines)),
        "discounts": _rows(DiscountLine.plain.filter(order=order)),
        "payments": _rows(Payment.plain.filter(order=order)),
        "given_to": _rows(parts),
        "shipments": _rows(Shipment.plain.filter(fulfilment_order__in=parts)),
        "invoices": _rows(Invoice.plain.filter(fulfilment_order__in=parts)),
        "refunds": _rows(Refund.plain.filter(order=order)),
        "returns": _rows(Return.plain.filter(order=order)),
        "timeline": _rows(OrderEvent.plain.filter(order=order)),
    }


def _message(command: Command) -> dict[str, Any]:
    payload = bytes(command.payload) if command.payload is not None else b""
    row = _row(command, but=("payload",))
    return {**row, "to": command.connection.name, "content": _text(payload), "tries": _rows(command.tries.all())}


def _event(event: InboundEvent) -> dict[str, Any]:
    return {**_row(event, but=("body", "headers")), "content": _text(bytes(event.body))}


def _exchange(row: Exchange) -> dict[str, Any]:
    plain = _row(row, but=("request_headers", "response_headers", "request_body", "response_body"))
    return {**plain, "asked": _text(bytes(row.request_body)), "answered": _text(bytes(row.response_body))}


def _rows(rows: QuerySet[Any] | Iterable[Any], **more: str) -> list[dict[str, Any]]:
    ordered = rows.order_by("pk") if isinstance(rows, QuerySet) and not rows.query.order_by else rows
    return [_row(row) | {name: _follow(row, path) for name, path in more.items()} for row in ordered]


def _row(row: models.Model, but: tuple[str, ...] = ()) -> dict[str, Any]:
    """The row's own fields, none of the portal's inside."""
    fields = (field for field in row._meta.concrete_fields if field.name not in HIDDEN and field.name not in but)
    return {field.name: field.value_from_object(row) for field in fields}


def _follow(row: models.Model, path: str) -> Any:
    found: Any = row
    for name in path.split("__"):
        found = getattr(found, name)
    return found


def _text(body: bytes) -> Any:
    """As what it is, where that is JSON; cut where it is very long."""
    try:
        return json.loads(body)
    except ValueError:
        return body[:LONGEST_BODY].decode("utf-8", "replace")
