"""Orders: the list that opens on what needs someone, and the page that tells one order's whole story."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.template.response import TemplateResponse

from integrations.models import Command, Hold
from orders.models import Customer, FulfilmentOrder, Invoice, Order, OrderLine, Refund, Shipment
from portal.base.admin import DESK, ORDER_READERS, ReadOnlyAdmin, ago, badge, may, money

Part = FulfilmentOrder.State
STOPPED = (Part.NEEDS_FIX, Part.NEEDS_HUMAN)
TONES = {"waiting": "wait", "queued": "wait", "placed": "good", "needs_fix": "bad", "needs_human": "bad",
         "cancelled": "plain", "never": "plain"}  # fmt: skip


def open_holds() -> QuerySet[Hold]:
    return Hold.plain.filter(subject_type="order", subject_id=OuterRef("pk"), ended_at__isnull=True)


def with_needs(rows: QuerySet[Order]) -> QuerySet[Order]:
    """Orders that wait for a person: an open reason, or a refusal."""
    stopped = FulfilmentOrder.plain.filter(order=OuterRef("pk"), state__in=STOPPED)
    return rows.filter(Q(Exists(open_holds())) | Q(Exists(stopped)))


class NeedsFilter(admin.SimpleListFilter):
    title = "what to see"
    parameter_name = "see"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("needs", "Needs someone"), ("there", "In the back office"), ("waiting", "Waiting")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Order]) -> QuerySet[Order]:
        match self.value():
            case "needs":
                return with_needs(queryset)
            case "there":
                return queryset.filter(fulfilment_orders__state=Part.PLACED).distinct()
            case "waiting":
                return queryset.filter(fulfilment_orders__state__in=(Part.WAITING, Part.QUEUED)).distinct()
        return queryset


@admin.register(Order)
class OrderAdmin(ReadOnlyAdmin):
    view_roles = ORDER_READERS
    list_display = ("number_shown", "connection", "customer_name", "total_shown", "financial", "where", "reason", "age")
    list_select_related = ("connection",)
    list_filter = (NeedsFilter, "connection", "financial", "fulfilment")
    search_fields = (
        "number__exact", "email__iexact", "phone__exact", "customer_name", "lines__sku__exact",
        "fulfilment_orders__external_number__exact", "fulfilment_orders__reference__exact",
        "fulfilment_orders__shipments__tracking_number__exact",
    )  # fmt: skip

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return super().get_queryset(request).prefetch_related("fulfilment_orders__destination")

    def at_locations(self, rows: QuerySet[Order], places: frozenset[int]) -> QuerySet[Order]:
        return rows.filter(Q(location_id__in=places) | Q(fulfilment_orders__location_id__in=places)).distinct()

    @admin.display(description="number", ordering="number")
    def number_shown(self, row: Order) -> str:
        return f"#{row.number}"

    @admin.display(description="total", ordering="total")
    def total_shown(self, row: Order) -> str:
        return money(row.total, row.currency)

    @admin.display(description="where it is")
    def where(self, row: Order) -> str:
        parts = list(row.fulfilment_orders.all())
        if not parts:
            return badge("not sent by us", "plain")
        part = parts[0]
        number = part.external_number or part.reference
        return badge(f"{part.get_state_display()} · {number}", TONES[part.state])

    @admin.display(description="waits because")
    def reason(self, row: Order) -> str:
        first = Hold.objects.filter(subject_type="order", subject_id=row.pk, ended_at__isnull=True).first()
        return first.message if first else ""

    @admin.display(description="placed", ordering="placed_at")
    def age(self, row: Order) -> str:
        return ago(row.placed_at)

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        if not self.has_view_permission(request):
            raise PermissionDenied
        row = self.get_object(request, object_id)
        if row is None:
            raise Http404
        return TemplateResponse(request, "admin/order/page.html", self._context(request, row))

    def _context(self, request: HttpRequest, row: Order) -> dict[str, Any]:
        parts = list(row.fulfilment_orders.select_related("destination").order_by("pk"))
        subjects = Q(subject_type="order", subject_id=row.pk) | Q(
            subject_type="refund", subject_id__in=Refund.objects.filter(order=row).values("pk")
        )
        lines = OrderLine.objects.filter(order=row).select_related("variant").order_by("position")
        return {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": f"#{row.number}",
            "order": row,
            "total": money(row.total, row.currency),
            "parts": [(part, badge(part.get_state_display(), TONES[part.state])) for part in parts],
            "steps": build_steps(row, parts),
            "lines": lines,
            "sum": sum((line.gross for line in lines), start=row.total * 0),
            "holds": Hold.objects.filter(subjects, ended_at__isnull=True).order_by("since"),
            "commands": Command.objects.filter(subjects).select_related("connection").order_by("pk"),
            "timeline": row.timeline.select_related("command").order_by("at", "pk"),
            "payments": row.payments.order_by("pk"),
            "refunds": row.refunds.order_by("pk"),
            "invoices": Invoice.objects.filter(fulfilment_order__in=parts).order_by("pk"),
            "shipments": Shipment.objects.filter(fulfilment_order__in=parts).order_by("pk"),
            "may_decide": may(request, DESK),
        }


def build_steps(order: Order, parts: list[FulfilmentOrder]) -> list[dict[str, str]]:
    """The order's way, each step done, bad or still to come."""
    states = {part.state for part in parts}
    mapped = not order.lines.filter(kind=OrderLine.Kind.ITEM, variant__isnull=True).exists()
    placed = Part.PLACED in states
    steps = [
        ("Received", "done"),
        ("Mapped", "done" if mapped else "bad"),
        ("In the back office", "done" if placed else "bad" if states & set(STOPPED) else ""),
        ("Shipped", "done" if order.fulfilment == Order.Fulfilment.FULFILLED else ""),
        ("Paid", "done" if order.financial in {"paid", "partially_refunded", "refunded"} else ""),
    ]
    if order.fulfilment == Order.Fulfilment.CANCELLED:
        steps.append(("Cancelled", "bad"))
    return [{"label": label, "state": state} for label, state in steps]


@admin.register(Customer)
class CustomerAdmin(ReadOnlyAdmin):
    view_roles = ORDER_READERS
    list_display = ("__str__", "email", "phone", "company", "is_guest")
    search_fields = ("email__iexact", "phone__exact", "name")
    exclude = ("public_id",)

    def at_locations(self, rows: QuerySet[Customer], places: frozenset[int]) -> QuerySet[Customer]:
        mine = Q(orders__location_id__in=places) | Q(orders__fulfilment_orders__location_id__in=places)
        return rows.filter(mine).distinct()


@admin.register(Refund)
class RefundAdmin(ReadOnlyAdmin):
    list_display = ("order", "amount", "state", "reason", "remote_number")
    list_select_related = ("order",)
    list_filter = ("state",)

    def at_locations(self, rows: QuerySet[Refund], places: frozenset[int]) -> QuerySet[Refund]:
        return rows.filter(order__location_id__in=places)
