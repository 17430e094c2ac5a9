"""Where orders would be: builds what a command sends to an Odoo, from its reference alone. Named by TOY_HANDLERS."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from integrations.contract import records as r
from integrations.models import Command

PLACED_AT = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)


def build_order(reference: str, articles: list[str]) -> r.OrderDocument:
    """A guest's order of one line an article; the quantities differ from one reference to the next."""
    number = int(reference.rpartition("-")[2])
    lines = tuple(
        r.OrderDocumentLine(
            key=article,
            variant_external_id=article,
            name=f"Article {article}",
            quantity=Decimal(quantity),
            unit_price=Decimal("6.25"),
            net=Decimal("6.25") * quantity,
            gross=Decimal("6.25") * quantity,
        )
        for place, article in enumerate(articles)
        for quantity in [1 + (number + place) % 5]
    )
    total = sum((line.gross for line in lines), Decimal(0))
    return r.OrderDocument(reference=reference, currency="GBP", total=total, placed_at=PLACED_AT, lines=lines)


def build(*, command: Command, at: datetime) -> r.OrderDocument:
    return build_order(command.reference, command.connection.settings["articles"])


def settle(*, command: Command, result: r.CommandResult | None, at: datetime) -> None:
    """Nothing of ours waits for it."""


HANDLERS: dict[str, dict[str, Any]] = {"order": {"build": f"{__name__}.build", "settle": f"{__name__}.settle"}}
