"""What one problem stops and what waits for one thing, with its money: counted before it is released."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db.models import Case, CharField, Count, F, Min, Q, QuerySet, Sum, Value, When

from integrations.models import Hold, Problem
from integrations.sync.problems import list_stopped

SHOWN = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """Records held for one thing. `key` names it, or is '' where each record waits for one of its own; `money` by
    currency."""

    reason: str
    key: str
    message: str
    records: int
    money: tuple[tuple[str, Decimal], ...]
    oldest: datetime


def sum_stopped(problem: Problem) -> tuple[int, list[tuple[str, Decimal]]]:
    """How many commands it holds up now, and their worth by currency."""
    stopped = list_stopped(problem)
    sums = stopped.exclude(currency="").order_by().values("currency").annotate(amount=Sum("amount"))
    return stopped.count(), [(row["currency"], row["amount"]) for row in sums.order_by("currency")]


def list_waiting(rows: QuerySet[Hold]) -> list[Waiting]:
    """The open holds among `rows`, grouped: those for a value by their key, the others by their reason."""
    by_key = Case(
        When(key__startswith="value:", then=F("key")), default=Value(""), output_field=CharField(max_length=200)
    )
    found = (
        rows.filter(ended_at__isnull=True)
        .order_by()
        .annotate(what=by_key)
        .values("reason", "what", "currency")
        .annotate(n=Count("subject_id", distinct=True), amount=Sum("amount"), oldest=Min("since"), first=Min("pk"))
        .order_by("oldest", "reason", "what", "currency")[:SHOWN]
    )
    groups: dict[tuple[str, str], list[Any]] = {}
    for row in found:
        groups.setdefault((row["reason"], row["what"]), []).append(row)
    words = dict(rows.filter(pk__in=[row["first"] for row in found]).order_by().values_list("pk", "message"))
    return [
        Waiting(
            reason=reason,
            key=key,
            message=words[parts[0]["first"]],
            records=sum(part["n"] for part in parts),
            money=tuple((part["currency"], part["amount"]) for part in parts if part["currency"]),
            oldest=parts[0]["oldest"],
        )
        for (reason, key), parts in groups.items()
    ]


def find_waiting(rows: QuerySet[Hold], key: str) -> Waiting | None:
    """The records among `rows` that wait for this key."""
    found = [one for one in list_waiting(rows.filter(Q(key=key))) if one.key == key]
    return found[0] if found else None
