"""Telling the other systems of a customer: made in the back office, changed wherever he is known, never echoed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime

from integrations.contract import records as r
from integrations.models import Command, Connection, Flow, Link, Stream
from integrations.sync.outbox import enqueue
from integrations.sync.platforms import list_capabilities
from orders.models import Customer, CustomerCopy
from orders.services.destination import line_of_customer, make_customer
from orders.services.references import next_revision
from orders.services.shop import LIVE_STATES

OFFICES = (Connection.Role.BACK_OFFICE, Connection.Role.ACCOUNTING)


def create_at_once(customer: Customer, shop: Connection, made_at: datetime | None, *, at: datetime) -> int:
    """An account made in a shop since it went live: have the back offices that take its orders make the customer now;
    how many are asked. One from before, or nobody knows when, is made there with his first order."""
    if shop.live_since is None or made_at is None or made_at < shop.live_since.replace(microsecond=0):
        return 0
    asked = 0
    for there in _list_offices(shop):
        if not Link.plain.filter(connection=there, **_about(customer)).exists():
            make_customer(customer, there, prefix=shop.order_prefix, at=at)
            asked += 1
    return asked


def tell_others(customer: Customer, *, but: Connection | None, at: datetime) -> list[Command]:
    """Have every other system that knows the customer change him; the caller holds his lock. A message that was not
    built yet will carry the change by itself."""
    links = Link.plain.filter(**_about(customer)).select_related("connection").order_by("pk")
    asked = []
    for link in links.exclude(connection=but) if but else links:
        there = link.connection
        if not _may_be_told(there) or "update_customer" not in list_capabilities(there.platform, there.settings):
            continue
        reference = f"C{customer.pk}-{link.pk}"
        mine = Command.plain.filter(connection=there, kind="update_customer", reference=reference)
        if mine.filter(state=Command.State.PENDING, payload__isnull=True).exists():
            continue
        asked.append(
            enqueue(
                connection=there,
                kind="update_customer",
                stream=Stream.CUSTOMER,
                subject=("customer", customer.pk),
                line=line_of_customer(customer.pk),
                reference=reference,
                revision=next_revision(there, "update_customer", reference, after=Command.State.values),
                at=at,
            )
        )
    return asked


def find_link(command: Command) -> Link | None:
    """Whom of theirs an update is about: its reference names the link."""
    return Link.plain.filter(pk=int(command.reference.rpartition("-")[2]), connection=command.connection).first()


def note_written(link: Link, sent: dict[str, str]) -> None:
    """The system has taken these: its next word about them is ours, not news; of an address, about all of it."""
    copy, _ = CustomerCopy.plain.select_for_update().get_or_create(
        link=link, defaults={"merchant_id": link.merchant_id}
    )
    changed = [name.partition(".")[0] for name, value in sent.items() if copy.told.get(name, "") != value]
    copy.written = sorted({*copy.written, *changed})
    copy.save(update_fields=["written"])


def build_record(customer: Customer) -> r.CustomerRecord:
    """Him as we know him, his billing address with his own phone and e-mail."""
    phone = customer.phone or customer.phone_as_given
    billing = r.AddressRecord(**customer.billing) if customer.billing else None
    if billing is not None:
        billing = replace(billing, phone=phone or billing.phone, email=customer.email or billing.email)
    return r.CustomerRecord(
        name=customer.name,
        company=customer.company,
        email=customer.email,
        phone=phone,
        tax_number=customer.tax_number,
        billing=billing,
        shipping=r.AddressRecord(**customer.shipping) if customer.shipping else None,
    )


def _list_offices(shop: Connection) -> Iterator[Connection]:
    """Back offices that take the shop's orders, and can make customers."""
    flows = Flow.plain.filter(
        merchant_id=shop.merchant_id,
        stream=Stream.ORDER,
        direction=Flow.Direction.PUSH,
        enabled=True,
        connection__role__in=OFFICES,
    ).select_related("connection")
    for flow in flows.order_by("pk"):
        there = flow.connection
        if shop.public_id not in flow.settings.get("sources", [shop.public_id]):
            continue
        if _may_be_told(there) and "create_customer" in list_capabilities(there.platform, there.settings):
            yield there


def _may_be_told(there: Connection) -> bool:
    """Live, and its flow of customers not switched off."""
    if there.live_since is None or there.state not in LIVE_STATES:
        return False
    flows = Flow.plain.filter(connection=there, stream=Stream.CUSTOMER, direction=Flow.Direction.PUSH)
    states = list(flows.values_list("enabled", flat=True))
    return not states or any(states)


def _about(customer: Customer) -> dict[str, object]:
    return {"stream": Stream.CUSTOMER, "subject_type": "customer", "subject_id": customer.pk}
