"""The handlers SYNC_HANDLERS names where the toy shop is tested: Link rows stand for orders and for stock figures.

An order's Link keeps its version in `external_number`. A stock figure's keeps the wanted one in `subject_id`, the one
last sent in `external_number` ('' where nobody knows), and a refused one in `subject_type` as `refused:<figure>`.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal

from integrations.contract import records as r
from integrations.models import Command, Connection, Link
from integrations.sync.handlers import Applied, Skipped

brakes: list[str] = []


def apply_orders(
    *, connection: Connection, records: Sequence[r.OrderRecord], read_at: datetime, at: datetime
) -> Applied:
    created, updated, unchanged, skipped = 0, 0, 0, []
    for record in records:
        if record.number.startswith("bad"):
            raise ValueError(f"Nobody understands {record.number}.")
        if record.number.startswith("skip"):
            skipped.append(Skipped(external_id=record.external_id, code="not_ours", message="By rule."))
            continue
        row, new = Link.objects.get_or_create(
            merchant_id=connection.merchant_id,
            connection=connection,
            stream="order",
            external_id=record.external_id,
            defaults={"external_number": record.note, "subject_type": record.number[:40], "subject_id": 1},
        )
        if new:
            created += 1
        elif int(record.note) > int(row.external_number):
            Link.objects.filter(pk=row.pk).update(external_number=record.note)
            updated += 1
        else:
            unchanged += 1
    return Applied(created=created, updated=updated, unchanged=unchanged, skipped=tuple(skipped))


def gone_order(*, connection: Connection, external_id: str, at: datetime) -> None:
    Link.objects.filter(connection=connection, stream="order", external_id=external_id).delete()


def want(connection: Connection, **figures: int) -> None:
    """These figures are to be shown there."""
    for sku, quantity in figures.items():
        Link.plain.update_or_create(
            merchant_id=connection.merchant_id,
            connection=connection,
            stream="stock",
            external_id=sku,
            defaults={"subject_id": quantity},
            create_defaults={"subject_id": quantity, "subject_type": "figure"},
        )


def sent(connection: Connection) -> dict[str, str]:
    rows = Link.plain.filter(connection=connection, stream="stock")
    return dict(rows.values_list("external_id", "external_number"))


def claim_stock(*, connection: Connection, after: int, limit: int, at: datetime) -> list[r.StockPush]:
    rows = Link.objects.filter(connection=connection, stream="stock", pk__gt=after).order_by("pk")
    return [
        r.StockPush(key=str(row.pk), external_id=row.external_id, quantity=Decimal(row.subject_id))
        for row in rows
        if str(row.subject_id) != row.external_number and row.subject_type != f"refused:{row.subject_id}"
    ][:limit]


def settle_stock(
    *, connection: Connection, items: Sequence[r.StockPush], results: Sequence[r.PushResult], at: datetime
) -> None:
    quantities = {item.key: item.quantity for item in items}
    for result in results:
        row = Link.objects.filter(pk=int(result.key))
        if result.outcome is r.PushOutcome.SENT:
            row.update(external_number=str(quantities[result.key]))
        elif result.outcome is r.PushOutcome.REFUSED:
            row.update(subject_type=f"refused:{quantities[result.key]}")
        else:
            row.update(external_number="")


def brake_stock(*, connection: Connection, at: datetime) -> str:
    return brakes[0] if brakes else ""


def count_stock(*, connection: Connection) -> int:
    return len(claim_stock(connection=connection, after=0, limit=1000, at=connection.created_at))


def build_order(*, command: Command, at: datetime) -> r.OrderDocument:
    raise KeyError("no such order")


def settle_order(*, command: Command, result: r.CommandResult | None, at: datetime) -> None:
    """Nothing to tell."""


HANDLERS = {
    "order": {
        "apply": f"{__name__}.apply_orders",
        "gone": f"{__name__}.gone_order",
        "build": f"{__name__}.build_order",
        "settle": f"{__name__}.settle_order",
    },
    "stock": {
        "claim": f"{__name__}.claim_stock",
        "settle_push": f"{__name__}.settle_stock",
        "brake": f"{__name__}.brake_stock",
        "count": f"{__name__}.count_stock",
    },
}
