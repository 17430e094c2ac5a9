"""What a shop shows against what we sent and what we want: noted as it is read, compared in the database."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import Count, F, OuterRef, Q, QuerySet, Subquery, Value
from django.db.models.functions import Greatest
from django.utils.translation import gettext as _

from catalog.models import Figures, ShopFigure
from catalog.services.figures import FIELDS, MODELS, list_figures, lower_kept_stock
from integrations.models import Connection, Cursor, Flow, SyncRun
from integrations.sync import runs
from integrations.sync.platforms import list_capabilities

PULLS = {Figures.STOCK: "pull_stock", Figures.PRICE: "pull_prices"}


class CannotRead(Exception):
    """Why a shop's own figures cannot be read; words for the person who asked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """How many figures of a shop are what they should be. `coming`: sent after they were last read; `unread`: not read
    yet, or the shop does not show them."""

    equal: int
    differ: int
    coming: int
    unread: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Noted:
    created: int = 0
    updated: int = 0
    unchanged: int = 0


def note_shown(
    *, connection: Connection, stream: str, figures: Mapping[tuple[int, str], tuple[int, str]], read_at: datetime
) -> Noted:
    """Keep what the shop shows: (binding id, slot) → (whole figure, currency). An older answer changes nothing."""
    ids = {binding_id for binding_id, _slot in figures}
    rows = ShopFigure.plain.filter(
        merchant_id=connection.merchant_id, connection=connection, stream=stream, binding_id__in=ids
    )
    before = {(row.binding_id, row.slot): row for row in rows.select_for_update().order_by("pk")}
    new, changed, seen, late = [], [], [], 0
    for key, (shown, currency) in sorted(figures.items()):
        row = before.get(key)
        if row is None:
            row = ShopFigure(
                merchant_id=connection.merchant_id, connection=connection, stream=stream, binding_id=key[0], slot=key[1]
            )
            new.append(row)
        elif row.read_at > read_at:
            late += 1
            continue
        elif (row.shown, row.currency) == (shown, currency):
            seen.append(row.pk)
            continue
        else:
            changed.append(row)
        row.shown, row.currency, row.read_at, row.changed_at = shown, currency, read_at, read_at
    ShopFigure.plain.bulk_create(new)
    ShopFigure.plain.bulk_update(changed, ["shown", "currency", "read_at", "changed_at"])
    ShopFigure.plain.filter(pk__in=seen).update(read_at=read_at)
    return Noted(created=len(new), updated=len(changed), unchanged=len(seen) + late)


def compare(*, connection: Connection, stream: str) -> Comparison:
    """One statement over all of a shop's mapped articles."""
    same, differs, coming = _conditions(stream)
    found = _list_compared(stream, connection).aggregate(
        equal=Count("pk", filter=same),
        differ=Count("pk", filter=differs),
        coming=Count("pk", filter=coming),
        unread=Count("pk", filter=Q(shown__isnull=True)),
    )
    return Comparison(**found)


def list_differing(*, connection: Connection, stream: str) -> QuerySet[Any]:
    """Rows with `shown`, `shown_currency`, `target`, and `since`: when the shop began to show that or we began to want
    this, whichever came later."""
    _same, differs, _coming = _conditions(stream)
    rows = _list_compared(stream, connection).filter(differs)
    found: QuerySet[Any] = rows.annotate(since=Greatest(F("changed_at"), F("wanted_at")))
    return found


def _list_compared(stream: str, connection: Connection) -> QuerySet[Any]:
    field = FIELDS[stream]()
    mine = ShopFigure.plain.filter(
        merchant_id=connection.merchant_id,
        connection=connection,
        stream=stream,
        binding=OuterRef("binding_id"),
        slot=OuterRef("slot"),
    )
    rows: QuerySet[Any] = list_figures(stream, connection).annotate(
        shown=Subquery(mine.values("shown")[:1], output_field=field),
        shown_currency=Subquery(mine.values("currency")[:1]),
        read_at=Subquery(mine.values("read_at")[:1]),
        changed_at=Subquery(mine.values("changed_at")[:1]),
        our_currency=F("currency") if stream == Figures.PRICE else Value(""),
    )
    return rows


def _conditions(stream: str) -> tuple[Q, Q, Q]:
    """The same; another although it was read since we sent; another, but read before we sent."""
    same = Q(shown=F("target"))
    other = Q(shown__isnull=False) & ~Q(shown=F("target"))
    if stream == Figures.PRICE:
        same &= Q(shown_currency=F("our_currency"))
        other |= Q(shown__isnull=False) & ~Q(shown_currency=F("our_currency"))
    read_since = Q(sent_at__isnull=True) | Q(read_at__gte=F("sent_at"))
    return same, other & read_since, other & ~read_since


@transaction.atomic
def send_again(*, connection: Connection, stream: str, binding_ids: Iterable[int] | None = None, at: datetime) -> int:
    """Take what the shop shows for what it has, so that what differs goes again, under the brake; how many.

    A price in another currency than the shop's is not sent: that is no drift but a wrong list.
    """
    if stream == Figures.STOCK:
        lower_kept_stock(connection)
    rows = list_differing(connection=connection, stream=stream)
    if stream == Figures.PRICE:
        rows = rows.filter(shown_currency=F("our_currency"))
    if binding_ids is not None:
        rows = rows.filter(binding_id__in=list(binding_ids))
    found = list(rows.values_list("pk", "shown", "read_at"))
    model = MODELS[stream]
    changed = [model(pk=pk, sent=shown, sent_at=read_at, refused=None, unknown_at=None) for pk, shown, read_at in found]
    model.plain.bulk_update(changed, ["sent", "sent_at", "refused", "unknown_at"], batch_size=500)
    flow = Flow.plain.filter(connection=connection, stream=stream, direction=Flow.Direction.PUSH, enabled=True).first()
    if changed and flow is not None:
        runs.start_flow(flow, trigger="send again", at=at)
    return len(changed)


@transaction.atomic
def read_now(*, connection: Connection, stream: str, at: datetime) -> SyncRun:
    """Read all the shop shows, from the beginning; CannotRead where it cannot be asked."""
    if PULLS[Figures(stream)] not in list_capabilities(connection.platform, connection.settings):
        raise CannotRead(_("%s does not tell these figures: they cannot be compared.") % connection)
    if not connection.may_read:
        words = _("%(shop)s is %(state)s and is not read: test the connection first.")
        raise CannotRead(words % {"shop": connection, "state": connection.get_state_display().lower()})
    flow, _made = Flow.plain.get_or_create(
        merchant_id=connection.merchant_id, connection=connection, stream=stream, direction=Flow.Direction.PULL
    )
    if not SyncRun.plain.filter(flow=flow, state__in=SyncRun.OPEN_STATES).exists():
        Cursor.plain.filter(flow=flow).update(since=None, page="", newest_at=None)
    return runs.start_flow(flow, trigger="compare", at=at)
