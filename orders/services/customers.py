"""Customers: one person, however many shops know him."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from typing import Any

import phonenumbers

from integrations.contract import records as r
from integrations.models import Connection, Link, Stream
from orders.models import Customer

FIELDS = ("name", "company", "email", "phone", "phone_as_given", "tax_number", "is_guest", "billing", "shipping")


def normalise_phone(text: str, country: str) -> str:
    """E.164, or '' where it is no number anybody could dial."""
    if not text:
        return ""
    try:
        number = phonenumbers.parse(text, country or None)
    except phonenumbers.NumberParseException:
        return ""
    if not phonenumbers.is_possible_number(number):
        return ""
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def build_address(record: r.AddressRecord | None) -> dict[str, Any]:
    """What is kept of an address: only what is filled in."""
    return {name: value for name, value in asdict(record).items() if value} if record else {}


def save_customer(*, connection: Connection, record: r.CustomerRecord, at: datetime) -> tuple[Customer, str]:
    """The customer and what became of him ("created", "updated", "unchanged"). A guest is a customer of one order."""
    del at
    customer = find_customer(connection, record)
    created = customer is None
    customer = customer or Customer(merchant_id=connection.merchant_id)
    changed = _fill(customer, record)
    if not changed and not created:
        return customer, "unchanged"
    customer.save()
    if created and record.external_id:
        Link.plain.create(
            merchant_id=connection.merchant_id,
            connection=connection,
            stream=Stream.CUSTOMER,
            external_id=record.external_id,
            subject_type="customer",
            subject_id=customer.pk,
        )
    return customer, "created" if created else "updated"


def find_customer(connection: Connection, record: r.CustomerRecord) -> Customer | None:
    if not record.external_id:
        return None
    link = Link.plain.filter(connection=connection, stream=Stream.CUSTOMER, external_id=record.external_id).first()
    return Customer.plain.select_for_update().filter(pk=link.subject_id).first() if link else None


def _fill(customer: Customer, record: r.CustomerRecord) -> bool:
    address = record.billing or record.shipping or r.AddressRecord()
    given = record.phone or address.phone
    values = {
        "name": (record.name or address.name)[:200],
        "company": (record.company or address.company)[:200],
        "email": (record.email or address.email)[:254],
        "phone": normalise_phone(given, address.country),
        "phone_as_given": given[:50],
        "tax_number": record.tax_number[:40],
        "is_guest": not record.external_id,
        "billing": build_address(record.billing),
        "shipping": build_address(record.shipping),
    }
    changed = [name for name in FIELDS if getattr(customer, name) != values[name]]
    for name in changed:
        setattr(customer, name, values[name])
    return bool(changed)
