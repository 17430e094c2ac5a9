"""What a push of stock or prices reads, and what it writes back: the figures a shop should show and last took."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from django.db.models import F, Q, QuerySet

from catalog.models import Binding, ChannelProduct, Figures, Product
from catalog.services import creating, photos
from catalog.services.content import describe_product, hash_fields, list_codes, refresh_whole_flow
from catalog.services.figures import MODELS, find_brake, list_dirty, lower_kept_stock, to_whole
from catalog.services.plan import Settled, settle_plan
from catalog.services.price_lists import DUE_TASK, list_due
from integrations.contract import records as r
from integrations.models import Command, Connection, Flow
from integrations.sync.outbox import ring_on_commit
from integrations.sync.platforms import get_platform
from portal.base.money import round_money


def count_stock(*, connection: Connection) -> int:
    return list_dirty(Figures.STOCK, connection).count()


def count_prices(*, connection: Connection) -> int:
    return list_dirty(Figures.PRICE, connection).count()


def ring_due_prices(*, at: datetime) -> None:
    """Ring for the price lists of all merchants in which something began or ended."""
    if ids := list_due(at=at):
        ring_on_commit(DUE_TASK, price_list_ids=ids)


def count_products(*, connection: Connection) -> int:
    """Field groups that would be sent."""
    return _dirty_products(connection).count()


def count_unmapped(*, connection: Connection) -> int:
    """Articles there that nobody has told us what they are."""
    waiting = (Binding.State.CONFLICT, Binding.State.SUGGESTED)
    return Binding.plain.filter(connection=connection, state__in=waiting).count()


def claim_stock(*, connection: Connection, after: int, limit: int, at: datetime, only: str = "") -> list[r.StockPush]:
    """`only`: "plan 7" or "undo 7", where a person looked at what goes."""
    if not after:
        lower_kept_stock(connection)
    rows = list_dirty(Figures.STOCK, connection, at, only=only).filter(pk__gt=after)
    return [
        r.StockPush(
            key=str(row.pk),
            external_id=row.binding.external_id,
            parent_external_id=row.binding.parent_external_id,
            slot=row.slot,
            quantity=row.target,
        )
        for row in rows.select_related("binding").order_by("pk")[:limit]
    ]


def claim_prices(*, connection: Connection, after: int, limit: int, at: datetime, only: str = "") -> list[r.PricePush]:
    rows = list_dirty(Figures.PRICE, connection, at, only=only).filter(pk__gt=after)
    return [
        r.PricePush(
            key=str(row.pk),
            external_id=row.binding.external_id,
            parent_external_id=row.binding.parent_external_id,
            slot=row.slot,
            amount=round_money(row.target, row.currency),  # 3.00, where the database says 3.000000
            currency=row.currency,
        )
        for row in rows.select_related("binding").order_by("pk")[:limit]
    ]


def settle_stock(
    *,
    connection: Connection,
    items: Sequence[r.StockPush],
    results: Sequence[r.PushResult],
    at: datetime,
    only: str = "",
) -> None:
    _settle(Figures.STOCK, connection, {item.key: item.quantity for item in items}, results, at, only)


def settle_prices(
    *,
    connection: Connection,
    items: Sequence[r.PricePush],
    results: Sequence[r.PushResult],
    at: datetime,
    only: str = "",
) -> None:
    _settle(Figures.PRICE, connection, {item.key: item.amount for item in items}, results, at, only)


def _settle(
    stream: str,
    connection: Connection,
    figures: dict[str, Decimal],
    results: Sequence[r.PushResult],
    at: datetime,
    only: str,
) -> None:
    """Write the platform's word on each figure: taken, refused, or nobody knows, whatever is wanted by now."""
    model = MODELS[stream]
    rows: dict[int, Any] = {
        row.pk: row
        for row in model.plain.filter(connection=connection, pk__in=[int(key) for key in figures])
        .select_for_update()
        .order_by("pk")
    }
    settled = []
    for result in results:
        row = rows.get(int(result.key))
        if row is None:
            continue
        former = None if row.sent is None else to_whole(stream, row.sent)
        settled.append(
            Settled(
                binding_id=row.binding_id, slot=row.slot, former=former, outcome=result.outcome, message=result.message
            )
        )
        row.message = result.message[:500]
        if result.outcome is r.PushOutcome.SENT:
            row.sent, row.sent_at, row.refused, row.unknown_at = figures[result.key], at, None, None
        elif result.outcome is r.PushOutcome.REFUSED:
            row.refused = figures[result.key]
        else:
            row.sent, row.unknown_at = None, at
    model.plain.bulk_update(rows.values(), ["sent", "sent_at", "refused", "unknown_at", "message"])
    if only:
        settle_plan(only=only, settled=settled, at=at)


def _dirty_products(connection: Connection, at: datetime | None = None) -> QuerySet[ChannelProduct]:
    rows = ChannelProduct.plain.filter(connection=connection).exclude(sent=F("wanted")).exclude(refused=F("wanted"))
    if at is not None:
        settled = at - timedelta(seconds=connection.settle_seconds)
        rows = rows.filter(Q(unknown_at__isnull=True) | Q(unknown_at__lte=settled))
    return rows


def claim_products(*, connection: Connection, after: int, limit: int, at: datetime) -> list[r.ProductPush]:
    rows = list(_dirty_products(connection, at).filter(pk__gt=after).select_related("product").order_by("pk")[:limit])
    taken = get_platform(connection.platform).product_fields
    codes = list_codes(connection, [row.external_id for row in rows if row.slot == "codes"])
    pictured = [row.product for row in rows if row.slot == "photos"]
    images = photos.list_addresses(connection=connection, products=pictured)
    return [
        r.ProductPush(
            key=str(row.pk),
            external_id=row.external_id,
            fields=describe_product(
                row.product, codes.get(row.external_id, ()), images.get(row.product_id, ()), row.slot, taken
            ),
        )
        for row in rows
    ]


def settle_products(
    *, connection: Connection, items: Sequence[r.ProductPush], results: Sequence[r.PushResult], at: datetime
) -> None:
    hashes = {item.key: hash_fields(item.fields) for item in items}
    mine = ChannelProduct.plain.filter(connection=connection, pk__in=[int(key) for key in hashes])
    rows = {row.pk: row for row in mine.select_for_update().order_by("pk")}
    for result in results:
        row = rows.get(int(result.key))
        if row is None:
            continue
        row.message = result.message[:500]
        if result.outcome is r.PushOutcome.SENT:
            row.sent, row.sent_at, row.refused, row.unknown_at = hashes[result.key], at, "", None
        elif result.outcome is r.PushOutcome.REFUSED:
            row.refused = hashes[result.key]
        else:
            row.sent, row.unknown_at = "", at
    ChannelProduct.plain.bulk_update(rows.values(), ["sent", "sent_at", "refused", "unknown_at", "message"])


def build_product(*, command: Command, at: datetime) -> r.ProductDocument:
    del at
    return creating.build_product(product=Product.plain.get(pk=command.subject_id), connection=command.connection)


def settle_product(*, command: Command, result: r.CommandResult | None, at: datetime) -> None:
    """What was made there is bound, and its price and stock go with the next push."""
    if result is not None and command.state in Command.DONE_STATES:
        product = Product.plain.get(pk=command.subject_id)
        creating.bind_created(connection=command.connection, product=product, result=result, at=at)


def change_flow(*, flow: Flow, at: datetime) -> int:
    """A flow's field groups were changed: what each product should say, anew."""
    return refresh_whole_flow(flow=flow, at=at)


def brake_stock(*, connection: Connection, at: datetime) -> str:
    """Words where a tenth of a shop's articles would vanish at once: more likely an empty answer than a good day."""
    return find_brake(Figures.STOCK, connection, at)


def brake_prices(*, connection: Connection, at: datetime) -> str:
    """Words where a price would move by more than 30 % at once."""
    return find_brake(Figures.PRICE, connection, at)
