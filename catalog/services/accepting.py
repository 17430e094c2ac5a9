"""Accepting suggestions all at once: counted first, undone after if need be."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.db.models import QuerySet
from django.utils.translation import ngettext

from catalog.models import Binding
from catalog.services.binding import hold_keys
from catalog.services.decisions import Choice, Decided, choose
from integrations.sync.waiting import Waiting, add_up, sum_waiting
from portal.tenancy.models import User

State = Binding.State


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What accepting all suggestions of a score would do."""

    count: int
    by_shop: Mapping[str, int]
    waiting: Waiting
    examples: Sequence[Binding]


def plan_accepting(*, merchant_id: int, least: int, connection_id: int | None = None, examples: int = 20) -> Plan:
    """What accepting every suggestion of `least` points and more would bind and free; nothing is changed."""
    rows = _suggested(merchant_id, least, connection_id)
    shops: dict[str, int] = {}
    keys: list[str] = []
    for row in rows.select_related("connection").only("connection__name", "external_id", "variant_id", "merchant_id"):
        shops[row.connection.name] = shops.get(row.connection.name, 0) + 1
        keys += hold_keys(row)
    waiting = sum_waiting(merchant_id=merchant_id, keys=keys)
    shown = rows.select_related("connection", "variant").order_by("score", "pk")[:examples]
    return Plan(
        count=sum(shops.values()),
        by_shop=dict(sorted(shops.items())),
        waiting=add_up(waiting.values()),
        examples=list(shown),
    )


@transaction.atomic
def accept_suggestions(
    *, merchant_id: int, least: int, connection_id: int | None = None, by: User | None, at: datetime
) -> Decided:
    """Bind every article whose suggestion has `least` points and more."""
    rows = _suggested(merchant_id, least, connection_id).select_for_update().order_by("pk")
    choices = [
        Choice(binding_id=pk, variant_id=variant_id)
        for pk, variant_id in rows.values_list("pk", "variant_id")
        if variant_id is not None
    ]
    words = ngettext(
        "%(count)d suggestion of %(least)d %% and more accepted",
        "%(count)d suggestions of %(least)d %% and more accepted",
        len(choices),
    )
    what = words % {"count": len(choices), "least": least}
    return choose(merchant_id=merchant_id, choices=choices, what=what, by=by, at=at)


def _suggested(merchant_id: int, least: int, connection_id: int | None) -> QuerySet[Binding]:
    rows = Binding.plain.filter(merchant_id=merchant_id, state=State.SUGGESTED, score__gte=least)
    return rows if connection_id is None else rows.filter(connection_id=connection_id)
