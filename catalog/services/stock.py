"""What is there, what is promised, and what each shop should therefore show."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal

from django.db import connection as database
from django.db import transaction

from catalog.models import AllocationRule, Figures, Reservation, StockRecord
from catalog.services.figures import from_whole
from catalog.services.sending import RULE, send_on_commit
from catalog.services.wanted import read_sellable, write_wanted, write_wanted_of_shop
from portal.base.bulk import insert
from portal.tenancy.models import LocationGroup

BATCH = 500


def reserve(*, merchant_id: int, subject: tuple[str, int], quantities: Mapping[int, Decimal], at: datetime) -> None:
    """Promise these quantities (variant id → base units) to `subject`; the shops' figures fall in this transaction.

    Called again with other quantities it changes the promise; one the back office has taken over is left alone.
    """
    reserve_all(merchant_id=merchant_id, subject_type=subject[0], promises={subject[1]: quantities}, at=at)


def reserve_all(
    *,
    merchant_id: int,
    subject_type: str,
    promises: Mapping[int, Mapping[int, Decimal]],
    are_new: bool = False,
    at: datetime,
) -> None:
    """The same for many subjects at once (subject id → variant id → base units). `are_new`: they were saved in this
    transaction, and nothing was promised to them yet."""
    mine = Reservation.plain.filter(
        merchant_id=merchant_id, subject_type=subject_type, subject_id__in=list(promises)
    )  # fmt: skip
    known = [] if are_new else list(mine.values_list("variant_id", flat=True))
    wanted = {variant_id for quantities in promises.values() for variant_id in quantities}
    lock_stock(merchant_id=merchant_id, variant_ids=[*wanted, *known])
    rows = mine.select_for_update().order_by("pk") if known else ()
    before = {(row.subject_id, row.variant_id): row for row in rows}
    new, changed = list[Reservation](), set[int]()
    for subject_id, quantities in sorted(promises.items()):
        for variant_id, quantity in sorted(quantities.items()):
            row = before.pop((subject_id, variant_id), None)
            if row is None:
                new.append(
                    Reservation(
                        merchant_id=merchant_id,
                        subject_type=subject_type,
                        subject_id=subject_id,
                        variant_id=variant_id,
                        quantity=quantity,
                        created_at=at,
                    )
                )
            elif row.settled_at is None and (row.ended_at is not None or row.quantity != quantity):
                Reservation.plain.filter(pk=row.pk).update(quantity=quantity, ended_at=None)  # or promised once more
            else:
                continue
            changed.add(variant_id)
    insert(new)
    gone = [row for row in before.values() if row.ended_at is None]
    if gone:
        Reservation.plain.filter(pk__in=[row.pk for row in gone], settled_at__isnull=True).update(ended_at=at)
    _tell_shops(merchant_id, sorted(changed.union(row.variant_id for row in gone)), at)


def settle_reservation(
    *, merchant_id: int, subject: tuple[str, int], at: datetime, variant_ids: Sequence[int] | None = None
) -> None:
    """The back office counts it now (only these articles of it, where they are given): the promise ends with the first
    figure read from here on."""
    rows = Reservation.plain.filter(
        merchant_id=merchant_id,
        subject_type=subject[0],
        subject_id=subject[1],
        settled_at__isnull=True,
        ended_at__isnull=True,
    )
    (rows if variant_ids is None else rows.filter(variant_id__in=variant_ids)).update(settled_at=at)


@transaction.atomic
def cancel_reservation(*, merchant_id: int, subject: tuple[str, int], at: datetime) -> None:
    """Nothing is promised any more; what the back office has taken over, it will give back itself."""
    rows = Reservation.plain.filter(
        merchant_id=merchant_id,
        subject_type=subject[0],
        subject_id=subject[1],
        settled_at__isnull=True,
        ended_at__isnull=True,
    )
    variants = list(rows.values_list("variant_id", flat=True))
    lock_stock(merchant_id=merchant_id, variant_ids=variants)
    rows.update(ended_at=at)
    _tell_shops(merchant_id, variants, at)


def end_settled(*, merchant_id: int, variant_ids: Sequence[int], read_at: datetime, at: datetime) -> None:
    """Promises that the figures just read have already counted."""
    for start in range(0, len(variant_ids), BATCH):
        Reservation.plain.filter(
            merchant_id=merchant_id,
            variant_id__in=variant_ids[start : start + BATCH],
            settled_at__lt=read_at,
            ended_at__isnull=True,
        ).update(ended_at=at)


def list_available(
    *, merchant_id: int, connection_id: int, variant_ids: Sequence[int], but_for: tuple[str, int] = ("", 0)
) -> dict[int, Decimal]:
    """What this shop may still sell, in base units, of the variants whose stock is known: by its rule, as the figures
    it shows are (all back offices together or the one chosen, its locations, buffer, share, maximum), never below 0.

    `but_for`: what was promised to this subject counts as there.
    """
    found: dict[int, int] = {}
    for start in range(0, len(variant_ids), BATCH):
        found |= read_sellable(
            merchant_id=merchant_id, connection_id=connection_id, variant_ids=variant_ids[start : start + BATCH],
            but_for=but_for,
        )  # fmt: skip
    return {pk: from_whole(Figures.STOCK, amount) for pk, amount in found.items()}


def lock_stock(*, merchant_id: int, variant_ids: Iterable[int]) -> None:
    """Whoever changes what these variants have or promise waits for whoever does, so that neither works out the shops'
    figures without the other's change. Called before any row of them is written; SQLite has one writer anyway."""
    if not database.features.has_select_for_update:
        return
    rows = StockRecord.plain.filter(merchant_id=merchant_id, variant_id__in=sorted(set(variant_ids)))
    list(rows.select_for_update(no_key=True).order_by("pk").values_list("pk", flat=True))


def refresh_wanted(*, merchant_id: int, variant_ids: Iterable[int], at: datetime) -> int:
    """Work out anew what each shop should show of these variants; how many figures changed. Unknown stock stays out."""
    ids = sorted(set(variant_ids))
    changed = 0
    for start in range(0, len(ids), BATCH):
        changed += write_wanted(merchant_id=merchant_id, variant_ids=ids[start : start + BATCH], at=at)
    return changed


def _tell_shops(merchant_id: int, variant_ids: Sequence[int], at: datetime) -> None:
    """Their figures change in this transaction, and are sent as soon as it is durable."""
    if variant_ids and refresh_wanted(merchant_id=merchant_id, variant_ids=variant_ids, at=at):
        send_on_commit(merchant_id=merchant_id, variant_ids=variant_ids, at=at)


@transaction.atomic
def save_rule(*, rule: AllocationRule, at: datetime) -> int:
    """Keep the rule; how many figures of its shop change because of it. They are sent at once, as after a sale."""
    before = AllocationRule.plain.filter(pk=rule.pk).values_list("connection_id", flat=True)
    shops = {*before, rule.connection_id}
    rule.save()
    return _tell_whole_shops(rule.merchant_id, shops, at)


@transaction.atomic
def delete_rule(*, rule: AllocationRule, at: datetime) -> int:
    """Sell by the shop's general rule again, or freely; how many figures change."""
    rule.delete()
    return _tell_whole_shops(rule.merchant_id, {rule.connection_id}, at)


@transaction.atomic
def refresh_group(*, group: LocationGroup, at: datetime) -> int:
    """The group's locations, or their order, were changed: its shops sell what is there now; how many figures
    change."""
    shops = AllocationRule.plain.filter(group=group).values_list("connection_id", flat=True)
    return _tell_whole_shops(group.merchant_id, set(shops), at)


def _tell_whole_shops(merchant_id: int, connection_ids: Iterable[int], at: datetime) -> int:
    changed = 0
    for pk in sorted(connection_ids):
        if figures := write_wanted_of_shop(merchant_id=merchant_id, connection_id=pk, at=at):
            send_on_commit(merchant_id=merchant_id, connection_id=pk, trigger=RULE, at=at)
            changed += figures
    return changed
