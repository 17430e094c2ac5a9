"""What a push of stock or prices reads, and what it writes back: the figures a shop should show and last took."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from django.db.models import F, Q, QuerySet

from catalog.models import Binding, ChannelPrice, ChannelStock
from catalog.services.price_lists import DUE_TASK, list_due
from integrations.contract import records as r
from integrations.models import Connection
from integrations.sync.outbox import ring_on_commit

MOST_ZEROED, SMALLEST_SHOP = Decimal("0.10"), 10
MOST_MOVED = Decimal("0.30")
Row = ChannelStock | ChannelPrice


def _dirty(model: type[Any], connection: Connection, at: datetime | None = None) -> QuerySet[Any]:
    """Figures that differ from what was last taken there and were not refused; NULL: never sent, or nobody knows."""
    rows = model.plain.filter(connection=connection, binding__state=Binding.State.BOUND)
    rows = rows.filter(Q(sent__isnull=True) | ~Q(sent=F("wanted")))
    rows = rows.filter(Q(refused__isnull=True) | ~Q(refused=F("wanted")))
    if at is not None:
        settled = at - timedelta(seconds=connection.settle_seconds)
        rows = rows.filter(Q(unknown_at__isnull=True) | Q(unknown_at__lte=settled))
    found: QuerySet[Any] = rows
    return found


def count_stock(*, connection: Connection) -> int:
    return _dirty(ChannelStock, connection).count()


def count_prices(*, connection: Connection) -> int:
    return _dirty(ChannelPrice, connection).count()


def ring_due_prices(*, at: datetime) -> None:
    """Ring for the price lists of all merchants in which something began or ended."""
    if ids := list_due(at=at):
        ring_on_commit(DUE_TASK, price_list_ids=ids)


def count_unmapped(*, connection: Connection) -> int:
    """Articles there that nobody has told us what they are."""
    waiting = (Binding.State.CONFLICT, Binding.State.SUGGESTED)
    return Binding.plain.filter(connection=connection, state__in=waiting).count()


def claim_stock(*, connection: Connection, after: int, limit: int, at: datetime) -> list[r.StockPush]:
    rows = _dirty(ChannelStock, connection, at).filter(pk__gt=after).select_related("binding").order_by("pk")[:limit]
    return [
        r.StockPush(
            key=str(row.pk),
            external_id=row.binding.external_id,
            parent_external_id=row.binding.parent_external_id,
            slot=row.slot,
            quantity=row.wanted,
        )
        for row in rows
    ]


def claim_prices(*, connection: Connection, after: int, limit: int, at: datetime) -> list[r.PricePush]:
    rows = _dirty(ChannelPrice, connection, at).filter(pk__gt=after).select_related("binding").order_by("pk")[:limit]
    return [
        r.PricePush(
            key=str(row.pk),
            external_id=row.binding.external_id,
            parent_external_id=row.binding.parent_external_id,
            slot=row.slot,
            amount=row.wanted,
            currency=row.currency,
        )
        for row in rows
    ]


def settle_stock(
    *, connection: Connection, items: Sequence[r.StockPush], results: Sequence[r.PushResult], at: datetime
) -> None:
    _settle(ChannelStock, connection, {item.key: item.quantity for item in items}, results, at)


def settle_prices(
    *, connection: Connection, items: Sequence[r.PricePush], results: Sequence[r.PushResult], at: datetime
) -> None:
    _settle(ChannelPrice, connection, {item.key: item.amount for item in items}, results, at)


def _settle(
    model: type[Any],
    connection: Connection,
    figures: dict[str, Decimal],
    results: Sequence[r.PushResult],
    at: datetime,
) -> None:
    """Write the platform's word on each figure: taken, refused, or nobody knows, whatever is wanted by now."""
    rows: dict[int, Any] = {
        row.pk: row
        for row in model.plain.filter(connection=connection, pk__in=[int(key) for key in figures])
        .select_for_update()
        .order_by("pk")
    }
    for result in results:
        row = rows.get(int(result.key))
        if row is None:
            continue
        row.message = result.message[:500]
        if result.outcome is r.PushOutcome.SENT:
            row.sent, row.sent_at, row.refused, row.unknown_at = figures[result.key], at, None, None
        elif result.outcome is r.PushOutcome.REFUSED:
            row.refused = figures[result.key]
        else:
            row.sent, row.unknown_at = None, at
    model.plain.bulk_update(rows.values(), ["sent", "sent_at", "refused", "unknown_at", "message"])


def brake_stock(*, connection: Connection, at: datetime) -> str:
    """Words where a tenth of a shop's articles would vanish at once: more likely an empty answer than a good day."""
    all_of_them = ChannelStock.plain.filter(connection=connection, binding__state=Binding.State.BOUND).count()
    if all_of_them < SMALLEST_SHOP:
        return ""
    zeroed = _dirty(ChannelStock, connection, at).filter(wanted=0, sent__gt=0).count()
    if zeroed <= all_of_them * MOST_ZEROED:
        return ""
    return f"{zeroed} of {all_of_them} articles of {connection} would go to zero. Look at them, then send them anyway."


def brake_prices(*, connection: Connection, at: datetime) -> str:
    """Words where a price would move by more than 30 % at once."""
    moved = [
        row
        for row in _dirty(ChannelPrice, connection, at).filter(sent__gt=0).select_related("binding")
        if abs(row.wanted - row.sent) > row.sent * MOST_MOVED
    ]
    if not moved:
        return ""
    first = moved[0]
    example = f"{first.binding.reference_code} from {first.sent} to {first.wanted} {first.currency}"
    return (
        f"{len(moved)} prices of {connection} would move by more than 30 %: {example}. Look at them, then send anyway."
    )
