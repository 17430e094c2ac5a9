"""What a person does on one order's page, and what the page needs to offer it."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from integrations.models import Hold
from integrations.sync.platforms import list_capabilities
from orders.models import FulfilmentOrder, Order, OrderEdit
from orders.services import admission, desk, edits, moving
from orders.services.identity import WHO
from orders.services.routing import NOT_THERE
from portal.base.admin import DESK, is_limited
from portal.tenancy.models import Membership, User

# What frees an order elsewhere, by how its key begins: the page, and the words of its link.
ELSEWHERE = {
    "binding:": ("admin:catalog_mappingconflict_changelist", "Map it"),
    "variant:": ("admin:catalog_binding_changelist", "Map the article"),
    "value:": ("admin:integrations_valuemapping_changelist", "Map the value"),
    "rules:": ("admin:orders_fieldruleversion_changelist", "Mend the rule"),
    "route:": ("admin:orders_routingrule_changelist", "Say where it goes"),
}
EDITS = {"accept": edits.accept, "push": edits.push, "ignore": edits.ignore}


class NotPossible(Exception):
    """It cannot be done; the message says what to do instead."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wait:
    """One reason the order waits: what frees it is at `url`, or a person (`by_hand`), or comes by itself."""

    hold: Hold
    url: str
    label: str
    by_hand: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What the shop changed after the order was sent. `no_push`: why it cannot be sent on, '' where it can."""

    edit: OrderEdit
    lines: list[tuple[edits.LineChange, Decimal]]
    delta: Decimal
    no_push: str


def person(request: HttpRequest) -> User:
    found: User = request.user  # type: ignore[assignment]  # the admin lets nobody else in
    return found


def list_people() -> QuerySet[User]:
    """Who can look after an order."""
    desks = Membership.objects.filter(role__in=DESK).values("user_id")
    return User.objects.filter(pk__in=desks, is_active=True).order_by("email")


def list_waits(order: Order) -> list[Wait]:
    """The order's own open reasons and its refunds', the oldest first."""
    return [_describe(hold) for hold in desk.list_open(order).select_related("owner").order_by("since", "pk")]


def _describe(hold: Hold) -> Wait:
    by_hand = hold.key.startswith(desk.FREED_BY_HAND)
    if hold.key.startswith(WHO):
        url = reverse("admin:orders_order_buyer", args=(hold.subject_id,))
        return Wait(hold=hold, url=url, label=_("Say who it is"), by_hand=False)
    if hold.key.startswith("changed:"):
        return Wait(hold=hold, url="#change", label=_("See the change"), by_hand=False)
    for start, (name, words) in ELSEWHERE.items():
        if hold.key.startswith(start):
            return Wait(hold=hold, url=reverse(name), label=_(words), by_hand=False)
    return Wait(hold=hold, url="", label="", by_hand=by_hand)


def find_change(order: Order) -> Change | None:
    edit = order.edits.select_related("order").filter(state=OrderEdit.State.OPEN).first()
    if edit is None:
        return None
    sent = order.fulfilment_orders.filter(document=FulfilmentOrder.Document.ORDER).exclude(state__in=NOT_THERE)
    parts = sent.select_related("destination").order_by("pk")
    unable = [
        part.destination.name
        for part in parts
        if "update_order" not in list_capabilities(part.destination.platform, part.destination.settings)
    ]
    why = _("%(names)s cannot change orders: change it there by hand, then take it over here.")
    return Change(
        edit=edit,
        lines=[(line, line.gross_now - line.gross_before) for line in edits.list_changes(edit)],
        delta=edit.total - order.total,
        no_push=why % {"names": ", ".join(unable)} if unable else "",
    )


def act(order: Order, request: HttpRequest) -> str:
    """Do what the form says; what has happened, in words. NotPossible says why not."""
    given, now = request.POST, timezone.now()
    what = given.get("do", "")
    words = given.get("reason", "").strip()
    common: dict[str, Any] = {"order_id": order.pk, "by": person(request), "at": now}
    try:
        match what:
            case "accept" | "push" | "ignore":
                EDITS[what](order_id=order.pk, by=str(person(request)), at=now)
                return _("The change of %(order)s is settled.") % {"order": order}
            case "hold":
                if not desk.hold_order(**common, reason=words):
                    raise NotPossible(_("It is over, or held by a person already."))
                return _("%(order)s is held.") % {"order": order}
            case "free":
                wanted = given.get("hold", "")
                desk.free(**common, hold_id=int(wanted) if wanted.isdecimal() else 0, reason=words)
                return _("%(order)s does not wait for that any more.") % {"order": order}
            case "move":
                return _move(order, given.get("part", ""), given.get("to", ""), given.get("place", ""), common, words)
            case "take_in":
                admission.take_in(**common)
                return _("%(order)s is taken in.") % {"order": order}
            case "note":
                desk.write_note(**common, words=words)
                return _("Noted.")
            case "assign":
                return _assign(given.get("owner", ""), common)
    except (edits.NotPossible, desk.NotPossible, moving.NotPossible, admission.NotPossible, ValueError) as error:
        raise NotPossible(str(error)) from error
    raise NotPossible(_("Choose what to do."))


def _move(order: Order, part: str, to: str, place: str, common: dict[str, Any], reason: str) -> str:
    found = order.fulfilment_orders.filter(pk=int(part)).first() if part.isdecimal() else None
    if found is None or not to.isdecimal():
        raise NotPossible(_("Choose the part, and where it goes."))
    if is_limited():
        raise NotPossible(_("Somebody who sees all locations moves parts between them."))
    moved = moving.move_part(
        order_id=order.pk,
        part_id=found.pk,
        destination_id=int(to),
        location_id=int(place) if place.isdecimal() else None,
        by=str(common["by"]),
        reason=reason,
        at=common["at"],
    )
    return _("%(part)s goes to %(there)s now.") % {"part": moved, "there": moved.destination}


def _assign(wanted: str, common: dict[str, Any]) -> str:
    to = list_people().filter(pk=int(wanted)).first() if wanted.isdecimal() else None
    if to is None and wanted != "nobody":
        raise NotPossible(_("Choose somebody who works at your desk."))
    desk.assign(**common, to=to)
    return _("%(person)s looks after it.") % {"person": to or _("Nobody")}
