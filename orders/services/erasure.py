"""Erasing a person: names, phones, e-mails and addresses go, amounts and numbers stay for the books.

What belongs to rows of his goes at once. Captures of requests hold pages with many people in them: those are searched
afterwards, a few at a time, and emptied where they speak of him.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote, quote_plus

from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils.translation import gettext as _

from integrations.contract import records as r
from integrations.models import Attempt, Command, Exchange, Hold, InboundEvent, Problem, RunOutcome
from integrations.sync.outbox import ring_on_commit
from orders.models import (
    Cancellation,
    Customer,
    CustomerCopy,
    CustomerMerge,
    CustomerSession,
    Erasure,
    FulfilmentOrder,
    LoginCode,
    Order,
    OrderEvent,
    OrderPayload,
    Refund,
    Return,
)
from orders.services.person import Person
from portal.tenancy.models import User

ERASED = "(erased)"
GONE = b"(erased)"
SEARCHED_AT_ONCE = 200
SHORTEST = 6  # characters: shorter ones are found in everything
BUSY = (FulfilmentOrder.State.WAITING, FulfilmentOrder.State.QUEUED, FulfilmentOrder.State.NEEDS_FIX,
        FulfilmentOrder.State.NEEDS_HUMAN)  # fmt: skip
AGAIN = timedelta(minutes=5)
AGAIN_TOLD = "A system told of the person again."


class NotPossible(Exception):
    """The data is still needed; the message says what for."""


@transaction.atomic
def erase_person(*, customer_id: int, by: User, reason: str, at: datetime) -> Erasure:
    """Erase all that tells who the customer is, here. ValueError without a reason, NotPossible while an order of his is
    on its way: it needs the address. A later word of a shop on the same orders or account brings nothing back."""
    if not reason.strip():
        raise ValueError(_("Say who asked for it, and when."))
    customer = Customer.plain.get(pk=customer_id)
    if customer.merged_into_id is not None:
        raise NotPossible(_("Erase the customer he was merged into."))
    person = Person(customer)
    list(Order.plain.filter(pk__in=person.order_ids).select_for_update().order_by("pk").values_list("pk"))
    rows = list(Customer.plain.select_for_update().filter(pk__in=person.ids).order_by("pk"))
    _prove_idle(person)
    needles = _list_needles(person, rows)
    counts = _erase_rows(person, rows, needles, at)
    row = Erasure.plain.create(
        merchant_id=customer.merchant_id,
        customer=customer,
        at=at,
        by=str(by)[:100],
        reason=_without(reason.strip(), needles)[:200],
        counts=counts,
        needles=needles,
    )
    ring_on_commit("orders.search_captures", erasure_ids=[row.pk])
    return row


def search_captures(row: Erasure, *, at: datetime) -> bool:
    """Empty the next captures that speak of the person; whether all there are were looked at. Safe to repeat. It is
    done a while after the erasure, when answers that were under way then have come in."""
    marks = _list_marks(row.needles)
    rows = Exchange.plain.filter(merchant_id=row.merchant_id, pk__gt=row.searched_to, at__lte=row.at + AGAIN)
    batch = list(rows.order_by("pk")[:SEARCHED_AT_ONCE])
    caught_up = len(batch) < SEARCHED_AT_ONCE
    found = [one for one in batch if _speaks_of(one, marks)]
    with transaction.atomic():
        _empty(Exchange.plain.filter(pk__in=[one.pk for one in found]))
        row.counts = {**row.counts, "captures": row.counts.get("captures", 0) + len(found)}
        row.searched_to = batch[-1].pk if batch else row.searched_to
        if caught_up and at > row.at + AGAIN:
            _search_events(row, marks)
            row.done_at, row.needles = at, []
        row.save(update_fields=["counts", "searched_to", "done_at", "needles"])
    return caught_up


def list_open(at: datetime) -> list[int]:
    """Searches that are not done."""
    rows = Erasure.plain.filter(done_at__isnull=True, at__lte=at)
    return list(rows.order_by("pk").values_list("pk", flat=True))


def forget_events(order: Order, record: r.OrderRecord, *, at: datetime) -> None:
    """The shop has spoken again of an order whose buyer was erased: its words are not kept, nor the captures they stand
    in."""
    events = InboundEvent.plain.filter(connection=order.connection_id, stream="order", external_id=order.external_id)
    events.update(body=GONE, headers={})
    if order.customer_id is not None:
        forget_captures(order.customer_id, list_words(record.customer, record.billing, record.shipping), at=at)


def forget_captures(customer_id: int, words: Iterable[str], *, at: datetime) -> None:
    """A system still has the person who was erased here, and told of him: the captures of that are searched as after
    his erasure, once those under way have come in. One row a person, however often he is told of."""
    needles = _tidy(words)
    if not needles:
        return
    customer = Customer.plain.get(pk=customer_id)
    rows = Erasure.plain.select_for_update().filter(
        merchant_id=customer.merchant_id, customer=customer, reason=AGAIN_TOLD
    )
    row = rows.first() or Erasure(merchant_id=customer.merchant_id, customer=customer, by="", reason=AGAIN_TOLD)
    if row.done_at is not None or row.pk is None:
        begun = Exchange.plain.filter(merchant_id=customer.merchant_id, at__lt=at - AGAIN).order_by("-pk")
        row.searched_to = begun.values_list("pk", flat=True).first() or 0
    row.needles = sorted({*row.needles, *needles}, key=lambda text: (-len(text), text))
    row.at, row.done_at = at, None
    row.save()


def _prove_idle(person: Person) -> None:
    if person.customer.erased_at is not None:
        raise NotPossible(_("That was done already."))
    busy = Order.plain.filter(pk__in=person.order_ids, fulfilment_orders__state__in=BUSY).distinct().order_by("pk")
    numbers = [str(order) for order in busy[:5]]
    if numbers:
        words = _("%(orders)s are still to be sent and need the address: finish or cancel them first.")
        raise NotPossible(words % {"orders": ", ".join(numbers)})
    open_ones = person.commands.filter(state__in=Command.OPEN_STATES)
    if command := open_ones.first():
        words = _("A message to %(there)s about him is still open (%(message)s): finish it first.")
        raise NotPossible(words % {"there": command.connection, "message": command})


def _erase_rows(person: Person, rows: list[Customer], needles: list[str], at: datetime) -> dict[str, int]:
    """How many of each."""
    events = list(person.events.values_list("pk", flat=True))
    exchanges = list(person.exchanges.values_list("pk", flat=True))
    commands = list(person.commands.values_list("pk", flat=True))
    problems = Problem.plain.filter(Q(commands__in=commands) | Q(events__in=events))
    for model, found, names in (
        (OrderEvent, OrderEvent.plain.filter(order__in=person.order_ids), ("message",)),
        (Hold, person.holds, ("message", "key")),
        (Command, Command.plain.filter(pk__in=commands), ("message",)),
        (Attempt, Attempt.plain.filter(command__in=commands), ("message",)),
        (Problem, Problem.plain.filter(pk__in=problems.values("pk")), ("title",)),
        (Cancellation, Cancellation.plain.filter(fulfilment_order__order__in=person.order_ids), ("reason", "answer")),
        (Refund, Refund.plain.filter(order__in=person.order_ids), ("reason",)),
        (Return, Return.plain.filter(order__in=person.order_ids), ("reason",)),
        (RunOutcome, RunOutcome.plain.filter(event__in=events), ("message",)),
    ):
        _replace(model, found, names, needles)
    OrderPayload.plain.filter(order__in=person.order_ids).delete()
    Command.plain.filter(pk__in=commands).exclude(payload=None).update(payload=None)
    InboundEvent.plain.filter(pk__in=events).update(body=GONE, headers={}, message="")
    _empty(Exchange.plain.filter(pk__in=exchanges))
    CustomerCopy.plain.filter(link__in=person.links.values("pk")).delete()
    CustomerSession.plain.filter(customer__in=person.ids).delete()
    LoginCode.plain.filter(customer__in=person.ids).delete()
    for merge in CustomerMerge.plain.filter(kept__in=person.ids):
        merge.filled, merge.reason = {}, _without(merge.reason, needles)
        merge.save(update_fields=["filled", "reason"])
    Order.plain.filter(pk__in=person.order_ids).update(
        customer_name=ERASED, email="", phone="", billing={}, shipping={}, note="", flagged="", erased_at=at
    )
    for row in rows:
        _blank(row, at)
    for order in person.orders:
        OrderEvent.plain.create(
            merchant_id=order.merchant_id, order=order, at=at, code="erased",
            message=_("The buyer's data was erased. Amounts and numbers stay for the books."),
        )  # fmt: skip
    return {
        "customers": len(rows),
        "orders": len(person.orders),
        "messages": len(commands),
        "received": len(events),
        "captures": len(exchanges),
    }


def _blank(row: Customer, at: datetime) -> None:
    row.name, row.company, row.email, row.phone, row.phone_as_given, row.tax_number = ERASED, "", "", "", "", ""
    row.billing, row.shipping, row.postcode, row.erased_at = {}, {}, "", at
    row.save()


def _list_needles(person: Person, rows: list[Customer]) -> list[str]:
    """What tells who he is: looked for in texts and captures."""
    found: set[str] = set()
    mine: list[Customer | Order] = [*rows, *person.orders]
    for one in mine:
        found |= {one.email, one.phone}
        found |= {one.name, one.phone_as_given} if isinstance(one, Customer) else {one.customer_name}
        for address in (one.billing, one.shipping):
            found |= {str(address.get(name, "")) for name in ("name", "email", "phone", "line1")}
    for copy in CustomerCopy.plain.filter(link__in=person.links.values("pk")):
        found |= {str(copy.told.get(name, "")) for name in ("name", "email", "phone", "billing.line1", "billing.phone")}
    return _tidy(found)


def list_words(customer: r.CustomerRecord | None, *addresses: r.AddressRecord | None) -> list[str]:
    """What tells who a record is about."""
    found = [customer.name, customer.email, customer.phone] if customer else []
    for address in filter(None, addresses):
        found += [address.name, address.email, address.phone, address.line1]
    return found


def _tidy(words: Iterable[str]) -> list[str]:
    """The longest first; short ones are found in everything."""
    found = {text.strip() for text in words if len(text.strip()) >= SHORTEST}
    return sorted(found, key=lambda text: (-len(text), text))


def _list_marks(needles: Iterable[str]) -> list[bytes]:
    """The same as they stand in requests and answers: plain, escaped in JSON, quoted in an address."""
    found: set[bytes] = set()
    for text in needles:
        escaped = json.dumps(text)[1:-1]
        for one in (text, escaped, escaped.replace("/", "\\/"), quote(text), quote_plus(text)):
            found.add(one.lower().encode())
    return sorted(found)


def _speaks_of(row: Exchange, marks: list[bytes]) -> bool:
    whole = b"\n".join((bytes(row.request_body), bytes(row.response_body), row.url.encode())).lower()
    return any(mark in whole for mark in marks)


def _search_events(row: Erasure, marks: list[bytes]) -> None:
    """What came in and names nothing we know (it could not be read) is searched, too."""
    rows = InboundEvent.plain.filter(merchant_id=row.merchant_id, received_at__lte=row.at + AGAIN)
    unread = rows.filter(external_id="").exclude(body=GONE)
    ids = [one.pk for one in unread.iterator(chunk_size=200) if any(mark in bytes(one.body).lower() for mark in marks)]
    InboundEvent.plain.filter(pk__in=ids).update(body=GONE, headers={}, message="")


def _empty(rows: QuerySet[Exchange]) -> None:
    rows.update(request_body=GONE, response_body=GONE, request_headers={}, response_headers={}, url=ERASED, error="")


def _replace(model: Any, rows: QuerySet[Any], names: tuple[str, ...], needles: list[str]) -> None:
    changed = []
    for row in rows.only("pk", *names).iterator(chunk_size=500):
        before = [getattr(row, name) for name in names]
        after = [_without(text, needles) for text in before]
        if before != after:
            for name, text in zip(names, after, strict=True):
                setattr(row, name, text)
            changed.append(row)
    if changed:
        model.plain.bulk_update(changed, names, batch_size=200)


def _without(text: str, needles: list[str]) -> str:
    for needle in needles:
        text = text.replace(needle, ERASED)
    return text
