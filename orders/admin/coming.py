"""What happens next to an order, whose turn it is, and when: in a few words, for the list and the page."""

from __future__ import annotations

from datetime import datetime

from django.contrib.humanize.templatetags.humanize import naturaltime
from django.db.models import OuterRef, Subquery
from django.utils.translation import gettext as _

from integrations.models import Command, Connection
from orders.models import FulfilmentOrder, Order
from orders.services import standing
from orders.services.holds import is_rechecked

Part = FulfilmentOrder.State
MADE_THERE = "customer:"


def next_try() -> Subquery:
    """When the order's first message that is on its way is tried."""
    waiting = (Command.State.PENDING, Command.State.UNKNOWN)
    mine = Command.plain.filter(subject_type="order", subject_id=OuterRef("pk"), state__in=waiting)
    return Subquery(mine.order_by("next_attempt_at", "pk").values("next_attempt_at")[:1])


def describe_coming(order: Order, parts: list[FulfilmentOrder], *, key: str, at: datetime | None, now: datetime) -> str:
    """'' where nothing comes. `key`: that of its oldest open Hold, '' for none; `at`: the next try, if there is one."""
    if order.is_over:
        return ""
    stopped = next((part for part in parts if part.state in (Part.NEEDS_FIX, Part.NEEDS_HUMAN)), None)
    if stopped is not None:
        if stopped.state == Part.NEEDS_FIX:
            return _("you mend it, then send again")
        return _("you say whether %(there)s has it") % {"there": stopped.destination}
    if key.startswith(MADE_THERE):
        return _("the customer is made there, then it goes by itself")
    if key.startswith(standing.KEY):
        return _("the back office says how the customer stands, then it goes by itself")
    if key:
        return _("you map it, then it goes by itself") if is_rechecked(key) else _("you let it go")
    if not parts:
        return ""
    return _describe_part(order, parts, at, now)


def _describe_part(order: Order, parts: list[FulfilmentOrder], at: datetime | None, now: datetime) -> str:
    going = next((part for part in parts if part.state == Part.QUEUED), None)
    if going is not None:
        return _describe_sending(going.destination, at, now)
    waiting = next((part for part in parts if part.state == Part.WAITING), None)
    if waiting is not None:
        return _("it is sent %(when)s") % {"when": waiting.get_send_when_display()}
    if order.fulfilment in (Order.Fulfilment.UNFULFILLED, Order.Fulfilment.PARTIALLY_FULFILLED):
        there = next((part.destination for part in parts if part.state == Part.PLACED), None)
        return _("%(there)s ships it") % {"there": there} if there else ""
    return ""


def _describe_sending(there: Connection, at: datetime | None, now: datetime) -> str:
    if there.orders_paused or there.state == Connection.State.PAUSED:
        return _("%(there)s is paused: it goes when that goes on") % {"there": there}
    if not there.may_write:
        facts = {"there": there, "state": there.get_state_display().lower()}
        return _("%(there)s is %(state)s: it goes when that is live") % facts
    if at is None or at <= now:
        return _("%(there)s gets it now") % {"there": there}
    return _("%(there)s is asked again %(when)s") % {"there": there, "when": naturaltime(at)}
