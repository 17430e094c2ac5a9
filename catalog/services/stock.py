"""What is there, what is promised, and what each shop should therefore show."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from decimal import ROUND_FLOOR, Decimal

from django.db.models import Sum

from catalog.models import AllocationRule, Binding, ChannelStock, Reservation, StockRecord
from integrations.models import Connection, Flow, Stream

ZERO = Decimal(0)
SHOPS = (Connection.Role.STORE, Connection.Role.CHANNEL)
BATCH = 500


def reserve(*, merchant_id: int, subject: tuple[str, int], quantities: Mapping[int, Decimal], at: datetime) -> None:
    """Promise these quantities (variant id → base units) to `subject`; the shops' figures fall in this transaction.

    Called again with other quantities it changes the promise; one the back office has taken over is left alone.
    """
    mine = Reservation.plain.filter(merchant_id=merchant_id, subject_type=subject[0], subject_id=subject[1])
    before = {row.variant_id: row for row in mine.select_for_update().order_by("pk")}
    changed: set[int] = set()
    for variant_id, quantity in sorted(quantities.items()):
        row = before.get(variant_id)
        if row is None:
            Reservation.plain.create(
                merchant_id=merchant_id,
                subject_type=subject[0],
                subject_id=subject[1],
                variant_id=variant_id,
                quantity=quantity,
                created_at=at,
            )
        elif row.settled_at is None and (row.ended_at is not None or row.quantity != quantity):
            Reservation.plain.filter(pk=row.pk).update(quantity=quantity, ended_at=None)  # or promised once more
        else:
            continue
        changed.add(variant_id)
    gone = [pk for pk, row in before.items() if pk not in quantities and row.ended_at is None]
    mine.filter(variant_id__in=gone, settled_at__isnull=True).update(ended_at=at)
    refresh_wanted(merchant_id=merchant_id, variant_ids=[*changed, *gone], at=at)


def settle_reservation(*, merchant_id: int, subject: tuple[str, int], at: datetime) -> None:
    """The back office counts it now: the promise ends with the first figure read from here on."""
    Reservation.plain.filter(
        merchant_id=merchant_id,
        subject_type=subject[0],
        subject_id=subject[1],
        settled_at__isnull=True,
        ended_at__isnull=True,
    ).update(settled_at=at)


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
    rows.update(ended_at=at)
    refresh_wanted(merchant_id=merchant_id, variant_ids=variants, at=at)


def end_settled(*, merchant_id: int, variant_ids: Sequence[int], read_at: datetime, at: datetime) -> None:
    """Promises that the figures just read have already counted."""
    for start in range(0, len(variant_ids), BATCH):
        Reservation.plain.filter(
            merchant_id=merchant_id,
            variant_id__in=variant_ids[start : start + BATCH],
            settled_at__lt=read_at,
            ended_at__isnull=True,
        ).update(ended_at=at)


def list_available(*, merchant_id: int, variant_ids: Sequence[int]) -> dict[int, Decimal]:
    """What the back offices have less what is promised, in base units, for the variants whose stock is known."""
    found: dict[int, Decimal] = {}
    for start in range(0, len(variant_ids), BATCH):
        ids = variant_ids[start : start + BATCH]
        stock = StockRecord.plain.filter(merchant_id=merchant_id, variant_id__in=ids).values("variant_id")
        found |= {row["variant_id"]: row["total"] for row in stock.annotate(total=Sum("quantity"))}
        promised = Reservation.plain.filter(merchant_id=merchant_id, variant_id__in=ids, ended_at__isnull=True)
        for row in promised.values("variant_id").annotate(total=Sum("quantity")):
            if row["variant_id"] in found:
                found[row["variant_id"]] -= row["total"]
    return found


def refresh_wanted(*, merchant_id: int, variant_ids: Iterable[int], at: datetime) -> int:
    """Work out anew what each shop should show of these variants; how many figures changed. Unknown stock stays out."""
    ids = sorted(set(variant_ids))
    shops = _pushing_shops(merchant_id)
    if not ids or not shops:
        return 0
    available = list_available(merchant_id=merchant_id, variant_ids=ids)
    rules = {rule.connection_id: rule for rule in AllocationRule.plain.filter(connection_id__in=shops)}
    changed = 0
    for start in range(0, len(ids), BATCH):
        bindings = Binding.plain.filter(
            connection_id__in=shops, variant_id__in=ids[start : start + BATCH], state=Binding.State.BOUND
        )
        wanted = {}
        for row in bindings.order_by("pk"):
            if row.variant_id in available:
                quantity = compute_wanted(available[row.variant_id], row.factor, rules.get(row.connection_id))
                wanted[row.pk] = (row.connection_id, quantity)
        changed += _write_wanted(merchant_id, wanted, at)
    return changed


def compute_wanted(available: Decimal, factor: Decimal, rule: AllocationRule | None) -> Decimal:
    """Whole units of the remote article: (available − buffer) / factor, never negative; 0 below the shop's limit."""
    buffer, stop_below = (rule.buffer, rule.stop_below) if rule else (ZERO, ZERO)
    if available < stop_below:
        return ZERO
    return max(ZERO, ((available - buffer) / factor).to_integral_value(ROUND_FLOOR))


def _pushing_shops(merchant_id: int) -> list[int]:
    flows = Flow.plain.filter(
        merchant_id=merchant_id,
        stream=Stream.STOCK,
        direction=Flow.Direction.PUSH,
        enabled=True,
        connection__role__in=SHOPS,
    )
    return list(flows.values_list("connection_id", flat=True))


def _write_wanted(merchant_id: int, wanted: dict[int, tuple[int, Decimal]], at: datetime) -> int:
    before = dict(ChannelStock.plain.filter(binding_id__in=list(wanted), slot="").values_list("binding_id", "wanted"))
    rows = [
        ChannelStock(merchant_id=merchant_id, connection_id=connection_id, binding_id=pk, wanted=quantity, wanted_at=at)
        for pk, (connection_id, quantity) in wanted.items()
        if before.get(pk) != quantity
    ]
    ChannelStock.plain.bulk_create(
        rows,
        update_conflicts=True,
        unique_fields=["merchant", "connection", "binding", "slot"],
        update_fields=["wanted", "wanted_at"],
    )
    return len(rows)
