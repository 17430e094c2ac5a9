"""The figures a shop should show, told apart from those it has: what is sent, what the brake stops, what is kept."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import ROUND_CEILING, Decimal
from typing import Any

from django.db.models import Exists, F, OuterRef, Q, QuerySet, Subquery, Sum
from django.db.models.functions import Coalesce
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from catalog.models import Binding, ChannelPrice, ChannelStock, Figures, KeptFigure, PlanLine, PushPlan, Reservation
from integrations.models import Connection
from portal.base.fields import FixedPointField, MoneyField, QuantityField

MODELS: dict[str, type[Any]] = {Figures.STOCK: ChannelStock, Figures.PRICE: ChannelPrice}
FIELDS: dict[str, type[FixedPointField]] = {Figures.STOCK: QuantityField, Figures.PRICE: MoneyField}
PAUSED_BY: dict[str, str] = {Figures.STOCK: "stock_paused", Figures.PRICE: "prices_paused"}
MOST_ZEROED, SMALLEST_SHOP = Decimal("0.10"), 10
MOST_MOVED = Decimal("0.30")


def to_whole(stream: str, figure: Decimal) -> int:
    """As plans keep it: thousandths of stock, millionths of money."""
    return int(figure.scaleb(FIELDS[stream].places))


def from_whole(stream: str, whole: int) -> Decimal:
    return Decimal(whole).scaleb(-FIELDS[stream].places)


def list_figures(stream: str, connection: Connection) -> QuerySet[Any]:
    """Each mapped article's row with `target`: what it shall show, a kept figure before the one worked out."""
    rows = MODELS[stream].plain.filter(connection=connection, binding__state=Binding.State.BOUND)
    kept = KeptFigure.plain.filter(merchant_id=connection.merchant_id, connection=connection, stream=stream)
    if not kept.exists():
        plain: QuerySet[Any] = rows.annotate(target=F("wanted"))
        return plain
    field = FIELDS[stream]()
    mine = kept.filter(binding=OuterRef("binding_id"), slot=OuterRef("slot")).values("figure")[:1]
    found: QuerySet[Any] = rows.annotate(
        target=Coalesce(Subquery(mine, output_field=field), F("wanted"), output_field=field)
    )
    return found


def list_dirty(stream: str, connection: Connection, at: datetime | None = None, *, only: str = "") -> QuerySet[Any]:
    """Figures that differ from what was last taken there and were not refused; NULL: never sent, or nobody knows.

    `only`: "plan 7" or "undo 7", for what a person looked at and nothing else.
    """
    rows = list_figures(stream, connection)
    rows = rows.filter(Q(sent__isnull=True) | ~Q(sent=F("target")))
    rows = rows.filter(Q(refused__isnull=True) | ~Q(refused=F("target")))
    if at is not None:
        settled = at - timedelta(seconds=connection.settle_seconds)
        rows = rows.filter(Q(unknown_at__isnull=True) | Q(unknown_at__lte=settled))
    return _only(rows, connection, only) if only else rows


def _only(rows: QuerySet[Any], connection: Connection, only: str) -> QuerySet[Any]:
    """Of a plan what is wanted still as it was looked at; of an undo what is kept since."""
    word, _space, plan_id = only.partition(" ")
    mine: dict[str, Any] = {"binding": OuterRef("binding_id"), "slot": OuterRef("slot")}
    plan = PushPlan.plain.filter(pk=int(plan_id), connection=connection)
    if word == "undo":
        return rows.filter(Exists(KeptFigure.plain.filter(plan__in=plan, **mine)))
    ready = plan.filter(state=PushPlan.State.APPLIED)
    return rows.filter(Exists(PlanLine.plain.filter(plan__in=ready, after=OuterRef("target"), **mine)))


def find_brake(stream: str, connection: Connection, at: datetime) -> str:
    """Words where a push is more likely an empty answer or a slip than a good day's work; '' where it may go."""
    dirty = list_dirty(stream, connection, at)
    if stream == Figures.STOCK:
        everything = list_figures(stream, connection).count()
        if everything < SMALLEST_SHOP:
            return ""
        zeroed = dirty.filter(target=0, sent__gt=0).count()
        return describe_zeroed(zeroed, everything, connection) if zeroed > everything * MOST_ZEROED else ""
    moved = [
        row
        for row in dirty.filter(sent__gt=0).select_related("binding")
        if abs(row.target - row.sent) > row.sent * MOST_MOVED
    ]
    if not moved:
        return ""
    first = moved[0]
    example = f"{first.binding.reference_code} from {first.sent} to {first.target} {first.currency}"
    return describe_moved(len(moved), example, connection)


def describe_zeroed(zeroed: int, everything: int, connection: Connection) -> str:
    return _("%(zeroed)s of %(all)s articles of %(shop)s would go to zero. Look at them, then send them anyway.") % {
        "zeroed": zeroed,
        "all": everything,
        "shop": connection,
    }


def describe_moved(moved: int, example: str, connection: Connection) -> str:
    words = ngettext(
        "%(count)s price of %(shop)s would move by more than 30 %%: %(example)s. Look at it, then send anyway.",
        "%(count)s prices of %(shop)s would move by more than 30 %%: %(example)s. Look at them, then send anyway.",
        moved,
    )
    return words % {"count": moved, "shop": connection, "example": example}


def lower_kept_stock(connection: Connection) -> None:
    """What was sold since stock was taken back is not shown any more: kept figures never oversell.

    Goods that came in are not added: that is what following again is for.
    """
    kept = KeptFigure.plain.filter(merchant_id=connection.merchant_id, connection=connection, stream=Figures.STOCK)
    for plan_id, since in kept.order_by("plan_id").values_list("plan_id", "since").distinct():
        mine = kept.filter(plan_id=plan_id, since=since)
        sold = (
            Reservation.plain.filter(
                merchant_id=connection.merchant_id,
                variant_id__in=mine.values("binding__variant_id"),
                created_at__gte=since,
            )
            .exclude(ended_at__isnull=False, settled_at__isnull=True)
            .values_list("variant_id")
            .annotate(total=Sum("quantity"))
        )
        pieces = dict(sold)
        rows = list(mine.filter(binding__variant_id__in=list(pieces)).select_related("binding"))
        for row in rows:
            units = (pieces[row.binding.variant_id or 0] / row.binding.factor).to_integral_value(ROUND_CEILING)
            row.figure = max(0, row.undone_to - to_whole(Figures.STOCK, units))
        KeptFigure.plain.bulk_update(rows, ["figure"])
