"""Customers: one person, however many systems know him; recognised, filled in, and never told his own words back."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict
from datetime import datetime
from functools import lru_cache
from typing import Any

import phonenumbers

from integrations.contract import records as r
from integrations.models import Connection, Flow, Link, Stream
from integrations.sync.release import hold
from orders.models import Customer, CustomerCopy, CustomerRules
from orders.services import customer_updates, erasure
from orders.services.identity import Match, describe_several, identify, read_rules

CREATED, UPDATED, UNCHANGED = "created", "updated", "unchanged"
PLAIN = ("name", "company", "email", "phone", "tax_number")
ADDRESSES = ("billing", "shipping")
LENGTHS = {"name": 200, "company": 200, "email": 254, "tax_number": 40}
Told = dict[str, str]


@lru_cache(maxsize=1024)  # an order says its buyer's more than once
def normalise_phone(text: str, country: str, *others: str) -> str:
    """E.164, or '' where it is no number anybody could dial. Of several countries the first in which it is a number
    somebody can have, else the first in which it could be one."""
    possible = ""
    for one in (country, *others) if text else ():
        try:
            number = phonenumbers.parse(text, one or None)
        except phonenumbers.NumberParseException:
            continue
        if not phonenumbers.is_possible_number(number):
            continue
        written = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
        if not others or phonenumbers.is_valid_number(number):
            return written
        possible = possible or written
    return possible


def build_address(record: r.AddressRecord | None) -> dict[str, Any]:
    """What is kept of an address: only what is filled in."""
    return {name: value for name, value in asdict(record).items() if value} if record else {}


def save_customer(*, connection: Connection, record: r.CustomerRecord, at: datetime) -> tuple[Customer, str]:
    """A customer as a system has him, and what became of him ("created", "updated", "unchanged").

    Only what is different from that system's last word is news; where it changes him here, the other systems that know
    him are told. An account made in a store since it went live is made in the back office at once. Where several of
    our customers could be meant he is kept as one more, and made nowhere before a person says who he is.
    """
    told = describe(connection, record)
    match = identify(connection, record, told)
    customer = match.customer
    if customer is not None and customer.erased_at is not None:
        erasure.forget_captures(customer.pk, erasure.list_words(record, record.billing, record.shipping), at=at)
        return customer, UNCHANGED
    link, created = match.link, customer is None
    customer = customer or _begin(connection, record, told, read_rules(connection.merchant_id))
    copy = CustomerCopy.plain.filter(link=link).first() if link else None
    overwrite = created or link is not None
    changed = _take(customer, _list_news(told, copy), overwrite=overwrite)
    if created or changed:
        customer.save()
    if record.external_id:
        _remember(link or _link(connection, record, customer), copy, told)
    if created:
        _announce(customer, connection, record, match, at)
    elif changed and not customer.is_guest:
        customer_updates.tell_others(customer, but=connection, at=at)
    if created:
        return customer, CREATED
    return customer, UPDATED if changed or (record.external_id and link is None) else UNCHANGED


def save_buyer(
    *,
    connection: Connection,
    record: r.CustomerRecord,
    is_new: bool,
    quiet: bool,
    placed_at: datetime,
    rules: CustomerRules,
    guests: list[Customer] | None = None,
    at: datetime,
) -> tuple[Customer | None, Match]:
    """Who bought, by what the order says of him; None where several could be meant. `rules` are the merchant's. A guest
    is put among `guests`, where they are given, for the caller to save: nobody looks for him.

    An order fills in what we do not know of him. It changes what we know where it is new, names his account, and its
    shop tells of its customers in no other way; never a `quiet` one, which is from long ago.
    """
    told = describe(connection, record)
    match = identify(connection, record, told, rules)
    if match.several:
        return None, match
    customer, link = match.customer, match.link
    if customer is not None and customer.erased_at is not None:
        if placed_at <= customer.erased_at:
            return customer, match
        customer = None  # he bought again, and is somebody new
    if customer is None:
        customer = _begin(connection, record, told, rules)
        _take(customer, told, overwrite=True)
        if customer.is_guest and guests is not None:
            guests.append(customer)
            return customer, match
        customer.save()
        changed = []
    else:
        news = {name: value for name, value in told.items() if value}
        missing = _list_missing(customer, news)
        overwrite = bool(missing and link) and is_new and not quiet and not _tells_of_customers(connection)
        changed = _take(customer, news, overwrite=overwrite)
        if changed:
            customer.save()
    if record.external_id and (link is None or link.subject_id != customer.pk):
        _link(connection, record, customer, link)
    if changed and not quiet and not customer.is_guest:
        customer_updates.tell_others(customer, but=connection, at=at)
    return customer, match


def lock_known(connection: Connection, external_ids: Iterable[str]) -> None:
    """Hold those of a page at once, in one order, ahead of taking them over one by one."""
    ids = [pk for pk in external_ids if pk]
    if len(ids) < 2:
        return
    links = Link.plain.filter(connection=connection, stream=Stream.CUSTOMER, external_id__in=ids)
    rows = Customer.plain.filter(pk__in=links.values("subject_id")).select_for_update().order_by("pk")
    list(rows.values_list("pk"))


def describe(connection: Connection, record: r.CustomerRecord) -> Told:
    """What the record says, by field; an address's as "billing.city". '' is said, too: it is not there any more."""
    address = record.billing or record.shipping or r.AddressRecord()
    given = record.phone or address.phone
    phone = normalise_phone(given, address.country, connection.merchant.country) if given else ""
    told = {
        "name": record.name or address.name,
        "company": record.company or address.company,
        "email": record.email or address.email,
        "phone": phone or given[:50],
        "tax_number": record.tax_number,
    }
    for kind, one in (("billing", record.billing), ("shipping", record.shipping)):
        told |= {f"{kind}.{name}": value for name, value in (asdict(one) if one else {}).items()}
    return {name: value[: LENGTHS.get(name, 300)].strip() for name, value in told.items()}


def read(customer: Customer) -> Told:
    """What we have of him, by the same fields."""
    found = {name: str(getattr(customer, name)) for name in PLAIN}
    found["phone"] = customer.phone or customer.phone_as_given
    for kind in ADDRESSES:
        found |= {f"{kind}.{name}": str(value) for name, value in getattr(customer, kind).items()}
    return found


def _begin(connection: Connection, record: r.CustomerRecord, told: Told, rules: CustomerRules) -> Customer:
    """One nobody knows yet: a guest where he has no account, and left nothing the merchant knows people by."""
    customer = Customer(merchant_id=connection.merchant_id)
    if not record.external_id:
        left = {CustomerRules.Guests.PHONE: ("phone",), CustomerRules.Guests.CONTACT: ("phone", "email")}
        usable = told | {"phone": told["phone"] if told["phone"].startswith("+") else ""}
        customer.is_guest = not any(usable[name] for name in left.get(CustomerRules.Guests(rules.guests), ()))
    return customer


def _list_news(told: Told, copy: CustomerCopy | None) -> Told:
    """What is different from what the system said last; what we wrote there ourselves is none."""
    before: Mapping[str, str] = copy.told if copy else {}
    written = set(copy.written) if copy else set()
    return {
        name: value
        for name, value in told.items()
        if value != before.get(name, "") and name.partition(".")[0] not in written
    }  # fmt: skip


def _take(customer: Customer, news: Told, *, overwrite: bool) -> list[str]:
    """Put the news on the customer; without `overwrite` only where we have nothing. The fields that changed."""
    changed = []
    mine = read(customer)
    for name, value in news.items():
        before = mine.get(name, "")
        if before == value or (before and not overwrite):
            continue
        _set(customer, name, value)
        changed.append(name)
    if changed:
        customer.postcode = str(customer.billing.get("postcode", "")).replace(" ", "").upper()[:20]
    return changed


def _set(customer: Customer, name: str, value: str) -> None:
    kind, _, part = name.partition(".")
    if part:
        address = {**getattr(customer, kind), part: value}
        setattr(customer, kind, {key: one for key, one in address.items() if one})
    elif name == "phone":
        customer.phone = value if value.startswith("+") else ""
        customer.phone_as_given = value[:50]
    else:
        setattr(customer, name, value)


def _list_missing(customer: Customer, news: Told) -> list[str]:
    mine = read(customer)
    return [name for name, value in news.items() if mine.get(name, "") != value]


def _tells_of_customers(connection: Connection) -> bool:
    flows = Flow.plain.filter(connection=connection, stream=Stream.CUSTOMER, direction=Flow.Direction.PULL)
    return flows.filter(enabled=True).exists()


def _link(connection: Connection, record: r.CustomerRecord, customer: Customer, link: Link | None = None) -> Link:
    """Theirs is ours from now on; an old link of an erased one leads to the new one."""
    if link is not None:
        Link.plain.filter(pk=link.pk).update(subject_id=customer.pk)
        CustomerCopy.plain.filter(link=link).delete()
        return link
    return Link.plain.create(
        merchant_id=connection.merchant_id,
        connection=connection,
        stream=Stream.CUSTOMER,
        external_id=record.external_id[:200],
        subject_type="customer",
        subject_id=customer.pk,
    )


def _remember(link: Link, copy: CustomerCopy | None, told: Told) -> None:
    kept = {name: value for name, value in told.items() if value}
    if copy is None:
        CustomerCopy.plain.create(merchant_id=link.merchant_id, link=link, told=kept)
    elif copy.told != kept or copy.written:
        copy.told, copy.written = kept, []
        copy.save(update_fields=["told", "written"])


def _announce(customer: Customer, connection: Connection, record: r.CustomerRecord, match: Match, at: datetime) -> None:
    """A new one: made in the back office at once, unless nobody can tell whether he is new."""
    if match.several:
        hold(
            merchant_id=customer.merchant_id,
            subject=("customer", customer.pk),
            reason="several_customers",
            key=match.key,
            message=describe_several(str(customer), match),
            connection=connection,
            at=at,
        )
    elif connection.role in Connection.SELLING_ROLES:
        customer_updates.create_at_once(customer, connection, record.created_at, at=at)
