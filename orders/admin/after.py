"""What follows an order, on its page: home delivery, returns, exchanges, refunds, cancelling, bills."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.core.exceptions import PermissionDenied
from django.db.models import Q
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, render
from django.urls import path, reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as later

from integrations.contract.records import ReturnReason
from orders.admin.after_acts import act
from orders.models import Bill, Cancellation, Exchange, FulfilmentOrder, HomeDelivery, Order, Return, Shipment
from orders.services import bills, cancelling, exchanges, giving_back, home_delivery, refunds, returns, status
from orders.services.desk import NotPossible
from orders.services.shop import is_made_here
from portal.base.admin import DESK, ReadOnlyAdmin, badge, may, money

TONES = {"packed": "wait", "out": "wait", "delivered": "good", "failed": "bad", "back": "bad",
         "draft": "wait", "open": "wait", "done": "good", "cancelled": "plain", "unknown": "plain",
         "asked": "wait", "made": "good", "refused": "bad", "given_up": "plain"}  # fmt: skip
RETURN_STATES = {"draft": later("expected"), "open": later("expected"), "done": later("goods are back"),
                 "cancelled": later("cancelled"), "unknown": later("unknown")}  # fmt: skip
ZERO = Decimal(0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Door:
    """One home delivery that is under way, or may begin: of a shipment, or of a whole part."""

    part: FulfilmentOrder
    shipment: Shipment | None
    label: str
    now: HomeDelivery | None
    badge: str
    reason: str
    following: Sequence[HomeDelivery.State]


# --- what the page shows ----------------------------------------------------------------------------------------------


def build_context(order: Order, parts: Sequence[FulfilmentOrder], *, may_act: bool) -> dict[str, Any]:
    """What has followed the order for everybody; the forms only for who may fill them in."""
    standing = status.derive(order)
    goes_out_for = Exchange.objects.filter(new_order=order).select_related("parent__order").first()
    due = exchanges.find_due(order) if goes_out_for else ZERO
    shown: dict[str, Any] = {
        "address": reverse("admin:orders_order_after", args=(order.pk,)),
        "standing": standing,
        "doors": [door for door in list_doors(order, parts) if may_act or door.now],
        "returns": _list_returns(order),
        "due": money(due, order.currency) if due else "",
        "pays_here": is_made_here(order),
        "exchanged_for": goes_out_for,
        "cancellations": _list_cancellations(order),
        "bills": _list_bills(order, may_act=may_act),
    }  # fmt: skip
    return shown | (_build_forms(order) if may_act else {})


def _build_forms(order: Order) -> dict[str, Any]:
    lines = {line.pk: line for line in order.lines.order_by("position")}
    return {
        "reasons": [(one.value, one.value.replace("_", " ")) for one in ReturnReason],
        "restocks": Return.Restock.choices,
        "can_return": [(lines[pk], left) for pk, left in returns.count_left(order).items() if left > 0],
        "no_refund": giving_back.why_not(order),
        "can_refund": giving_back.list_left(order),
        "room": money(refunds.count_room(order), order.currency),
        "waits_for": order.refunds.filter(state="asked").order_by("-pk").first(),
        "can_cancel": [] if order.is_over else list(cancelling.list_left(order).values()),
        "can_bill": bills.list_choices(order),
    }


def list_doors(order: Order, parts: Sequence[FulfilmentOrder]) -> list[Door]:
    """The home deliveries there are; and what one may begin for: each part, or each of its shipments."""
    if order.is_over:
        return []
    mine = [part for part in parts if part.state not in part.OVER]
    known = {
        (row.fulfilment_order_id, row.shipment_id): row
        for row in HomeDelivery.objects.filter(fulfilment_order__in=mine).prefetch_related("events")
    }
    shipments = list(Shipment.objects.filter(fulfilment_order__in=mine).exclude(state="cancelled").order_by("pk"))
    found = []
    for part in mine:
        own = [one for one in shipments if one.fulfilment_order_id == part.pk]
        whole = known.get((part.pk, None))
        if whole or not own:
            found.append(_door(part, None, whole))
        else:
            found += [_door(part, one, known.get((part.pk, one.pk))) for one in own]
    return found


def _door(part: FulfilmentOrder, shipment: Shipment | None, now: HomeDelivery | None) -> Door:
    words = _("Delivery %(number)s") % {"number": shipment} if shipment else _("All of %(number)s") % {"number": part}
    return Door(
        part=part,
        shipment=shipment,
        label=words,
        now=now,
        badge=badge(now.get_state_display(), TONES[now.state]) if now else "",
        reason=max(now.events.all(), key=lambda one: one.pk).reason if now else "",
        following=home_delivery.list_next(now.state if now else home_delivery.BEGIN),
    )


def _list_returns(order: Order) -> list[tuple[Return, str, str, Exchange | None, str]]:
    """Each with its state, its reason, what goes out for it, and who takes its goods in."""
    rows = order.returns.prefetch_related(
        "lines__order_line__variant", "exchanges__new_order", "exchanges__refund"
    ).order_by("pk")
    found: list[tuple[Return, str, str, Exchange | None, str]] = []
    takers = returns.list_takers(order) if rows else {}
    for row in rows:
        one = next(iter(row.exchanges.all()), None)
        words = str(RETURN_STATES.get(row.state, row.state))
        reason, state = row.reason_code.replace("_", " "), badge(words, TONES.get(row.state, "plain"))
        found.append((row, state, reason, one, takers.get(row.pk, "")))
    return found


def _list_bills(order: Order, *, may_act: bool) -> list[tuple[Bill, str, str, Sequence[bills.PaymentType]]]:
    """Each with the ways of paying it can be corrected to."""
    found: list[tuple[Bill, str, str, Sequence[bills.PaymentType]]] = []
    for bill in Bill.objects.filter(order=order).select_related("fulfilment_order__destination").order_by("pk"):
        there = bill.fulfilment_order.destination if bill.fulfilment_order else None
        types = bills.list_types(order, there) if may_act and bills.may_correct(bill) else []
        words = badge(bill.get_state_display(), TONES[bill.state])
        found.append((bill, words, money(bill.total, bill.currency), types))
    return found


def _list_cancellations(order: Order) -> Any:
    mine = Q(order=order) | Q(fulfilment_order__order=order)
    rows = Cancellation.objects.filter(mine).select_related("fulfilment_order__destination")
    return rows.prefetch_related("lines__order_line").order_by("pk")


# --- its addresses ----------------------------------------------------------------------------------------------------


class AfterPages(ReadOnlyAdmin):
    """The addresses of an order's page that this module answers."""

    def find_order(self, request: HttpRequest, object_id: str) -> Order:
        """The order, for who may see it; PermissionDenied or Http404 else."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        row = self.get_object(request, object_id)
        if row is None:
            raise Http404
        found: Order = row
        return found

    def get_urls(self) -> list[Any]:
        wrap = self.admin_site.admin_view
        after = path("<path:object_id>/after/", wrap(self.after_view), name="orders_order_after")
        bill = path("<path:object_id>/bill/<int:bill_id>/", wrap(self.bill_view), name="orders_order_bill")
        return [after, bill, *super().get_urls()]

    def after_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Deliver, take back, give back, cancel, bill."""
        row = self.find_order(request, object_id)
        if not may(request, DESK):
            raise PermissionDenied
        if request.method == "POST":
            try:
                self.message_user(request, act(row, request.POST, by=str(request.user), at=timezone.now()))
            except NotPossible as error:
                self.message_user(request, str(error), level="error")
        return HttpResponseRedirect(reverse("admin:orders_order_change", args=(row.pk,)) + "#after")

    def bill_view(self, request: HttpRequest, object_id: str, bill_id: int) -> HttpResponse:
        """The merchant's own bill, to be printed."""
        row = self.find_order(request, object_id)
        found = Bill.objects.filter(order=row, sequence__gt=0).select_related("merchant")
        bill = get_object_or_404(found, pk=bill_id)
        return render(request, "admin/order/bill.html", {"bill": bill, "order": row})
