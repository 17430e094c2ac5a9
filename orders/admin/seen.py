"""Which orders: those at a person's locations, and those at one stage of their way."""

from __future__ import annotations

from typing import Any

from django.db.models import Exists, OuterRef, Q, QuerySet

from integrations.models import Command, Hold
from orders.models import FulfilmentOrder, Invoice, Order, OrderLine, Refund, Shipment

Part = FulfilmentOrder.State
STOPPED = (Part.NEEDS_FIX, Part.NEEDS_HUMAN)


def open_holds() -> QuerySet[Hold]:
    return Hold.plain.filter(subject_type="order", subject_id=OuterRef("pk"), ended_at__isnull=True)


def stopped_commands() -> QuerySet[Command]:
    """The order's messages that somebody must look at."""
    states = (Command.State.NEEDS_FIX, Command.State.NEEDS_HUMAN)
    return Command.plain.filter(subject_type="order", subject_id=OuterRef("pk"), state__in=states)


def at_places(rows: QuerySet[Order], places: frozenset[int]) -> QuerySet[Order]:
    """Orders sold at, or given to, one of these locations."""
    given = FulfilmentOrder.plain.filter(order=OuterRef("pk"), location_id__in=places)
    return rows.filter(Q(location_id__in=places) | Q(Exists(given)))


def find_by_word(word: str) -> QuerySet[Any]:
    """Keys of the merchant's orders known by this word: each way of knowing is a look-up of its own, because one
    condition over several tables would use no index."""
    typed = {word, word.upper()}  # numbers and codes have capitals; people do not type them
    ways = [
        Order.objects.filter(number__in=typed).values("pk"),
        Order.objects.filter(email__iexact=word).values("pk"),
        Order.objects.filter(phone=word).values("pk"),
        Order.objects.filter(customer_name__icontains=word).values("pk"),
        OrderLine.objects.filter(sku__in=typed).values("order"),
        FulfilmentOrder.objects.filter(external_number__in=typed).values("order"),
        FulfilmentOrder.objects.filter(reference__in=typed).values("order"),
        Shipment.objects.filter(tracking_number__in=typed).values("fulfilment_order__order"),
        Shipment.objects.filter(number__in=typed).values("fulfilment_order__order"),
        Invoice.objects.filter(number__in=typed, fulfilment_order__isnull=False).values("fulfilment_order__order"),
        Refund.objects.filter(remote_number__in=typed).values("order"),
    ]
    return ways[0].union(*ways[1:], all=True)


def with_needs(rows: QuerySet[Order]) -> QuerySet[Order]:
    """Orders that wait for a person: an open reason of its own or of a refund, or a refusal."""
    refunds = Refund.plain.filter(order=OuterRef("pk"), state=Refund.State.HELD)
    return rows.filter(Q(Exists(open_holds())) | Q(Exists(refunds)) | _has(*STOPPED))


def list_stages() -> dict[str, tuple[str, Q]]:
    """Every stage: its words, and the orders at it. Each order is at exactly one."""
    cancelled = Q(fulfilment=Order.Fulfilment.CANCELLED)
    refused, unclear = _has(Part.NEEDS_FIX), _has(Part.NEEDS_HUMAN)
    held, there, going = Q(Exists(open_holds())), _has(Part.PLACED), _has(Part.WAITING, Part.QUEUED)
    found: dict[str, tuple[str, Q]] = {}
    before = Q()
    for key, words, wanted in (
        ("cancelled", "cancelled", cancelled),
        ("unclear", "for a person to decide", unclear),
        ("refused", "refused", refused),
        ("held", "waiting for a mapping or a person", held),
        ("going", "on the way", going),
        ("there", "in the back office", there),
    ):
        found[key] = (words, wanted & before)
        before &= ~wanted
    found["unsent"] = ("not sent by us", before)
    return found


def _has(*states: str) -> Q:
    return Q(Exists(FulfilmentOrder.plain.filter(order=OuterRef("pk"), state__in=states)))
