"""What a shop is told of its orders: whether it may be, and the line its messages stand in."""

from __future__ import annotations

from integrations.models import Command, Connection, Flow
from integrations.sync.platforms import list_capabilities
from orders.models import Order

LIVE_STATES = (*Connection.WRITING_STATES, Connection.State.NEEDS_REAUTH, Connection.State.PAUSED)
MADE_HERE = "made-here:"  # how the external id of an order begins that the shop does not know


def is_made_here(order: Order) -> bool:
    return order.external_id.startswith(MADE_HERE)


def may_be_told(order: Order, stream: str) -> bool:
    """Not of an order it does not know, not while it is only watched, nor where its flow of this stream is switched
    off."""
    shop = order.connection
    if is_made_here(order) or shop.live_since is None or shop.state not in LIVE_STATES:
        return False
    flows = Flow.plain.filter(connection=shop, stream=stream, direction=Flow.Direction.PUSH)
    return not flows.exists() or flows.filter(enabled=True).exists()


def can(connection: Connection, command: str) -> bool:
    """Whether the connection's platform can be asked for this at all."""
    return command in list_capabilities(connection.platform, connection.settings)


def line_at_shop(order: Order) -> str:
    """What the shop is asked about one order goes one after another."""
    return f"shop:{order.pk}"


def last_command(order: Order, kind: str, subject: tuple[str, int]) -> Command | None:
    """The newest message of this kind to the shop about this record."""
    rows = Command.plain.filter(connection=order.connection_id, kind=kind, subject_type=subject[0])
    return rows.filter(subject_id=subject[1]).order_by("-pk").first()
