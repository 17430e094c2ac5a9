"""Customers as documents for a back office, and what becomes of them there."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from integrations.contract import records as r
from integrations.contract.errors import Rejected
from integrations.models import Command, Connection, Hold, Link, Stream
from integrations.sync.release import release
from orders.models import Customer
from orders.outbound.shared import link
from orders.services import customer_updates, customers
from orders.services.destination import customer_key
from orders.services.identity import find_kept

State = Command.State


def build_customer(*, command: Command, at: datetime) -> r.CustomerDocument:
    del at
    customer = find_kept(command.subject_id)
    if customer is None or customer.erased_at is not None:
        raise Rejected("The customer's data was erased here: end it.", code="CUSTOMER_ERASED")
    record = customer_updates.build_record(customer)
    if command.kind != "update_customer":
        return r.CustomerDocument(reference=command.reference, customer=record)
    link = customer_updates.find_link(command)
    if link is None:
        raise Rejected(f"{customer} is not known to be anybody there any more: end it.", code="CUSTOMER_MISSING")
    number = link.external_number or link.external_id
    return r.CustomerDocument(reference=number, external_id=link.external_id, customer=record)


def settle_customer(*, command: Command, result: r.CommandResult | None, at: datetime) -> None:
    """The customer is there now, or never will be: the orders that waited for him go on. Refused: they say so."""
    del result
    customer = find_kept(command.subject_id, lock=True)
    done = command.state in Command.DONE_STATES and customer is not None
    if command.kind == "update_customer":
        known = customer_updates.find_link(command) if done else None
        if known is not None and customer is not None:
            customer_updates.note_written(known, customers.read(customer))
        return
    key = customer_key(command.connection, command.subject_id)
    if done and customer is not None:
        made = link(command, "customer", customer.pk)
        customer_updates.note_written(made, customers.read(customer))
        release(merchant_id=command.merchant_id, key=key, at=at)
    elif command.state == State.WITHDRAWN:
        release(merchant_id=command.merchant_id, key=key, at=at)
    elif command.state in {State.NEEDS_FIX, State.NEEDS_HUMAN}:
        words = f"{command.connection.name} did not take the customer: {command.message}"[:500]
        Hold.plain.filter(merchant_id=command.merchant_id, key=key, ended_at__isnull=True).update(message=words)


def lock_customers(*, merchant_id: int, ids: Sequence[int]) -> None:
    rows = Customer.plain.filter(merchant_id=merchant_id, pk__in=ids)
    list(rows.select_for_update().order_by("pk").values_list("pk"))


def release_customers(*, merchant_id: int, ids: Sequence[int], at: datetime) -> None:
    """It is known now who these accounts are: those that are new are made in the back office."""
    rows = Customer.plain.filter(merchant_id=merchant_id, pk__in=ids, merged_into__isnull=True, erased_at__isnull=True)
    for customer in rows.order_by("pk"):
        links = Link.plain.filter(stream=Stream.CUSTOMER, subject_type="customer", subject_id=customer.pk)
        selling = links.filter(connection__role__in=Connection.SELLING_ROLES).select_related("connection")
        for one in selling.order_by("pk"):
            customer_updates.create_at_once(customer, one.connection, one.created_at, at=at)
