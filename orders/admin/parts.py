"""What of an order goes where, and why: the parts as the order's page shows them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from django.utils.translation import gettext as _

from integrations.models import Connection
from orders.models import FulfilmentOrder, Order, OrderLine
from orders.services.moving import MOVABLE
from orders.services.parts import list_part_lines, load_shares, total_of
from orders.services.routes import Routes
from orders.services.timing import is_time, list_awaited
from portal.tenancy.models import Location

WHEN = FulfilmentOrder.SendWhen


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownPart:
    """`lines`: its share, where it has not the whole order. `waits`: what it is not sent before."""

    part: FulfilmentOrder
    badge: str
    waits: str
    total: Decimal
    lines: list[OrderLine]
    may_move: bool


def show_parts(
    order: Order, parts: Sequence[FulfilmentOrder], lines: Sequence[OrderLine], badges: Sequence[str], *, may_move: bool
) -> list[ShownPart]:
    shares = load_shares(parts)
    return [
        ShownPart(
            part=part,
            badge=badge,
            waits="" if order.is_over else _describe_wait(part, order, parts),
            total=total_of(part, order),
            lines=list_part_lines(part, lines, shares) if part.amount is not None else [],
            may_move=may_move and not order.is_over and part.state in MOVABLE and part.document == part.Document.ORDER,
        )
        for part, badge in zip(parts, badges, strict=True)
    ]


def list_targets(order: Order) -> tuple[list[Connection], list[Location]]:
    """Where a part can be moved: back offices that take orders, and locations."""
    flows = Routes(order.merchant_id).flows
    there = [flow.connection for flow in flows if flow.connection.role == Connection.Role.BACK_OFFICE]
    return there, list(Location.objects.filter(is_active=True).order_by("name"))


def _describe_wait(part: FulfilmentOrder, order: Order, parts: Sequence[FulfilmentOrder]) -> str:
    if part.state != part.State.WAITING or is_time(part, order, parts):
        return ""
    match part.send_when:
        case WHEN.ACCEPTED:
            names = " + ".join(dict.fromkeys(one.destination.name for one in list_awaited(part, parts)))
            return _("It is sent once %(there)s has accepted the order.") % {"there": names or _("another back office")}
        case WHEN.SHIPPED:
            return _("It is sent once the order is shipped.")
        case WHEN.CONFIRMED:
            return _("It is sent once the order is confirmed.")
    return _("It is sent once the order is paid.")
