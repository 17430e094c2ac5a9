"""Telling apps how far an order is."""

from __future__ import annotations

from datetime import datetime

from integrations.contract import records as r
from integrations.models import Command
from orders.models import Order
from orders.services.notices import build_data, build_status_notice, tell_apps
from orders.services.status import derive


def build_notice(*, command: Command, at: datetime) -> r.Notice:
    """How far it is now."""
    order = Order.plain.select_related("connection").get(pk=command.subject_id)
    return build_status_notice(command, build_data(order, derive(order)), at=at)


def settle_notice(*, command: Command, result: r.CommandResult | None, at: datetime) -> None:
    """Nothing follows from it here, but that the order may have gone on while it was told."""
    del result
    if command.state in Command.DONE_STATES:
        rows = Order.plain.select_for_update(of=("self",)).select_related("connection")
        tell_apps(rows.get(pk=command.subject_id), derive, at=at)
