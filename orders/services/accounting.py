"""Nothing lost: every order received is at exactly one place. One function for the page, Today, the doctor, the mail.

received = placed + waiting + refused + excluded by rule + cancelled before sending + closed by hand, in count and in
value.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from django.db.models import Case, CharField, Count, Exists, F, Min, OuterRef, Q, QuerySet, Sum, Value, When
from django.db.models.functions import TruncDate, TruncSecond
from django.utils.translation import gettext_lazy as _

from integrations.models import Connection
from orders.models import FulfilmentOrder, Order
from orders.services.routing import list_ruled_out
from portal.tenancy.models import Merchant

Part = FulfilmentOrder.State
AT_ONCE = [when for when in FulfilmentOrder.SendWhen if when not in FulfilmentOrder.AFTER_OTHERS]
PLACED, WAITING, REFUSED, EXCLUDED, CANCELLED, CLOSED = (
    "placed", "waiting", "refused", "excluded", "cancelled", "closed",
)  # fmt: skip
ACCOUNTS = {
    PLACED: _("in the back office"),
    WAITING: _("waiting"),
    REFUSED: _("refused"),
    EXCLUDED: _("excluded by rule"),
    CANCELLED: _("cancelled before sending"),
    CLOSED: _("closed by hand"),
}


@dataclass(slots=True, kw_only=True)
class Account:
    """What one shop sent on one day, in one currency, and where it is: (count, value) of all and of each account."""

    connection_id: int
    day: date | None
    currency: str
    received: tuple[int, Decimal] = (0, Decimal(0))
    parts: dict[str, tuple[int, Decimal]] = field(default_factory=dict)

    @property
    def balanced(self) -> bool:
        """Whether the parts are the whole, in count and in value."""
        counts, values = zip(*self.parts.values(), strict=True) if self.parts else ((0,), (Decimal(0),))
        return (sum(counts), sum(values, Decimal(0))) == self.received


def with_account(rows: QuerySet[Order], *, merchant_id: int) -> QuerySet[Any]:
    """`rows` with `account`, the one place each of them is at; a key of ACCOUNTS.

    An order of several parts is where the part is that needs most: refused before waiting before placed. What a back
    office had once is placed, though it was cancelled there later, and though accounting, say, has yet to be told.
    """
    is_over = Q(fulfilment=Order.Fulfilment.CANCELLED) | Q(intake=Order.Intake.SOURCE_DELETED)
    # As routing decides it: shops tell the time in whole seconds.
    since_live = Q(connection__live_since__isnull=False) & Q(placed_at__gte=TruncSecond("connection__live_since"))
    by_hand = Q(admission=Order.Admission.BY_HAND)
    left_out = Q(connection_id__in=list_ruled_out(merchant_id=merchant_id)) | Q(admission__in=Order.STAYS_HERE)
    to_be_sent = (since_live | by_hand) & ~left_out
    account = Case(
        When(_has(state=Part.NEEDS_FIX), then=Value(REFUSED)),
        When(_has(state=Part.WAITING, send_when__in=AT_ONCE), then=Value(WAITING)),
        When(_has(state__in=(Part.QUEUED, Part.NEEDS_HUMAN)), then=Value(WAITING)),
        When(_has(state=Part.PLACED) | _has(placed_at__isnull=False), then=Value(PLACED)),
        When(_has(state=Part.WAITING), then=Value(WAITING)),
        When(_has(state=Part.NEVER), then=Value(CLOSED)),
        When(_has() | is_over, then=Value(CANCELLED)),
        When(to_be_sent, then=Value(WAITING)),  # no back office takes orders yet
        default=Value(EXCLUDED),
        output_field=CharField(max_length=10),
    )
    return rows.annotate(account=account)


def list_at(rows: QuerySet[Order], account: str, *, merchant_id: int) -> QuerySet[Any]:
    """Those of `rows` at this place; no order is at two."""
    return with_account(rows, merchant_id=merchant_id).filter(account=account)


def add_up(rows: QuerySet[Order], *, merchant_id: int, zone: ZoneInfo | None = None) -> list[Account]:
    """An Account for each shop and currency, of each day in `zone` where one is given: the newest day first.

    The whole is counted by itself and not from its parts, so that `balanced` says something.
    """
    day = TruncDate("received_at", tzinfo=zone) if zone else Value(None, output_field=CharField(null=True))
    rows = rows.order_by().annotate(day=day)
    keys = ("connection_id", "day", "currency")
    found: dict[tuple[Any, ...], Account] = {}

    def find(row: dict[str, Any]) -> Account:
        key = tuple(row[name] for name in keys)
        return found.setdefault(key, Account(**dict(zip(keys, key, strict=True))))

    for row in rows.values(*keys).annotate(n=Count("pk"), value=Sum("total")):
        find(row).received = (row["n"], row["value"])
    parts = with_account(rows, merchant_id=merchant_id).values(*keys, "account")
    for row in parts.annotate(n=Count("pk"), value=Sum("total")):
        find(row).parts[row["account"]] = (row["n"], row["value"])
    accounts = sorted(found.values(), key=lambda one: (one.connection_id, one.currency))
    return sorted(accounts, key=lambda one: one.day or date.min, reverse=True)


def find_oldest_waiting(rows: QuerySet[Order], *, merchant_id: int) -> datetime | None:
    """When the order that waits longest was received."""
    waiting = with_account(rows, merchant_id=merchant_id).filter(account__in=(WAITING, REFUSED))
    found: datetime | None = waiting.order_by().aggregate(oldest=Min("received_at"))["oldest"]
    return found


def add_together(accounts: Iterable[Account]) -> dict[str, dict[str, tuple[int, Decimal]]]:
    """currency → account, or "received", → (count, value) over all shops and days."""
    sums: dict[str, dict[str, tuple[int, Decimal]]] = {}
    for one in accounts:
        mine = sums.setdefault(one.currency, {})
        for key, (count, value) in {"received": one.received, **one.parts}.items():
            before = mine.get(key, (0, Decimal(0)))
            mine[key] = (before[0] + count, before[1] + value)
    return sums


def bounds_of(day: date, zone: ZoneInfo) -> tuple[datetime, datetime]:
    """When that day begins and ends there; a day in which the clock is changed has 23 or 25 hours."""
    begin, end = (datetime.combine(one, time(), tzinfo=zone) for one in (day, day + timedelta(days=1)))
    return begin, end


def find_unbalanced() -> list[str]:
    """For the doctor: the shops whose orders are not all accounted for, over all time."""
    found = []
    for merchant in Merchant.objects.order_by("pk"):
        names = dict(Connection.plain.filter(merchant=merchant).values_list("pk", "name"))
        for one in add_up(Order.plain.filter(merchant=merchant), merchant_id=merchant.pk):
            if not one.balanced:
                count, value = one.received
                shop = names[one.connection_id]
                found.append(f"{merchant}, {shop}: {count} orders, {value} {one.currency}, but {one.parts}.")
    wrong = Order.plain.exclude(connection__merchant_id=F("merchant_id"))
    found += [f"Order row {pk} belongs to another merchant than its shop." for pk in wrong.values_list("pk", flat=True)]
    return found


def _has(**wanted: Any) -> Q:
    return Q(Exists(FulfilmentOrder.plain.filter(order=OuterRef("pk"), **wanted)))
