"""Promising goods on request: a basket or a quote may be told no, where an order is a fact."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from django.db import transaction

from catalog.models import Reservation
from catalog.services.stock import list_available, lock_stock, reserve

ZERO = Decimal(0)


class TakenOver(Exception):
    """A back office has taken the goods over already: the promise cannot be changed any more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Promise:
    """Whether all of it is promised, and of each variant what this subject may have, in base units; 0 where no back
    office says what there is. `short`: the variants there is too little of; nothing was promised because of them."""

    reserved: bool
    available: Mapping[int, Decimal]
    short: tuple[int, ...] = ()


@transaction.atomic
def reserve_if_available(
    *, merchant_id: int, connection_id: int, subject: tuple[str, int], quantities: Mapping[int, Decimal], at: datetime
) -> Promise:
    """Promise these quantities (variant id → base units) to `subject` if this shop may sell that many of each, else
    change nothing.

    What it may sell is what it shows: see `list_available`. Asked again, it counts what the subject itself was promised
    as available to it. Whoever asks meanwhile waits for the answer. Raises TakenOver where a back office counts the
    subject's goods already.
    """
    lock_stock(merchant_id=merchant_id, variant_ids=quantities)
    mine = Reservation.plain.filter(merchant_id=merchant_id, subject_type=subject[0], subject_id=subject[1])
    if mine.filter(settled_at__isnull=False).exists():
        raise TakenOver(f"What was promised to {subject[0]} {subject[1]} is in a back office's hands.")
    there = list_available(
        merchant_id=merchant_id, connection_id=connection_id, variant_ids=list(quantities), but_for=subject
    )
    available = {pk: there.get(pk, ZERO) for pk in quantities}
    short = tuple(sorted(pk for pk, quantity in quantities.items() if quantity > available[pk]))
    if not short:
        reserve(merchant_id=merchant_id, subject=subject, quantities=quantities, at=at)
    return Promise(reserved=not short, available=available, short=short)
