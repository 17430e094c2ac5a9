"""Why a shop should show what it should, in words, for a page of articles: few statements however many there are."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db.models import QuerySet, Sum
from django.utils.translation import gettext as _

from catalog.models import Binding, Figures, KeptFigure, Reservation, StockRecord
from catalog.services.prices import decide_prices, list_rules
from catalog.services.pricing import plain
from integrations.models import Connection


def list_reasons(stream: str, connection: Connection, bindings: Sequence[Binding], *, at: datetime) -> dict[int, str]:
    """binding id → words."""
    if stream == Figures.PRICE:
        reasons = _explain_prices(connection, bindings, at)
    else:
        reasons = _explain_stock(connection, bindings)
    kept = KeptFigure.plain.filter(
        merchant_id=connection.merchant_id,
        connection=connection,
        stream=stream,
        binding_id__in=[row.pk for row in bindings],
    )
    for pk in kept.values_list("binding_id", flat=True):
        reasons[pk] = _("taken back, and kept until it may follow again; otherwise: %s") % reasons[pk]
    return reasons


def _explain_prices(connection: Connection, bindings: Sequence[Binding], at: datetime) -> dict[int, str]:
    rules = list_rules(connection.merchant_id, connection)
    found = {row.pk: decision.words for row, decision in decide_prices(bindings, rules, at=at)}
    none = _("no price of any of its lists holds now; the last one stays")
    return {row.pk: found.get(row.pk, none) for row in bindings}


def _explain_stock(connection: Connection, bindings: Sequence[Binding]) -> dict[int, str]:
    """What is there and what is promised, in base units; the shop's stock rules do the rest."""
    mine: dict[str, Any] = {
        "merchant_id": connection.merchant_id,
        "variant_id__in": [row.variant_id for row in bindings if row.variant_id is not None],
    }
    there = _add_up(StockRecord.plain.filter(**mine))
    promised = _add_up(Reservation.plain.filter(**mine, ended_at__isnull=True))
    words = {}
    for row in bindings:
        variant_id = row.variant_id or 0
        text = _("%s there") % plain(there.get(variant_id, Decimal(0)))
        if variant_id in promised:
            text += _(", %s promised to orders") % plain(promised[variant_id])
        if row.factor != 1:
            text += _(", %s pieces each") % plain(row.factor)
        words[row.pk] = text
    return words


def _add_up(rows: QuerySet[Any]) -> dict[int, Decimal]:
    return {row["variant_id"]: row["total"] for row in rows.values("variant_id").annotate(total=Sum("quantity"))}
