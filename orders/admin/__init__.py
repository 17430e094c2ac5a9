"""Orders: the list that opens on what needs someone, and the page that tells one order's whole story."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import Q, QuerySet, Subquery, Value
from django.db.models.functions import Coalesce
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.text import smart_split, unescape_string_literal
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from integrations.admin import bulk
from integrations.admin.desk import TONES as COMMAND_TONES
from integrations.admin.desk import decide
from integrations.models import Command, Link
from integrations.sync import replay
from orders.admin import acts, before, export, many, story
from orders.admin.accounted import AccountFilter
from orders.admin.acts import person
from orders.admin.after import AfterPages, build_context
from orders.admin.coming import describe_coming, next_try
from orders.admin.customers import CustomerAdmin
from orders.admin.field_rules import FieldRulesAdmin
from orders.admin.filters import OwnerFilter, ReceivedFilter, StageFilter
from orders.admin.parts import list_targets, show_parts
from orders.admin.routing import RoutingRuleAdmin
from orders.admin.rules import OrderRuleAdmin
from orders.admin.seen import at_places, find_by_word, open_holds, stopped_commands
from orders.models import Bill, FieldRuleVersion, Invoice, Order, OrderLine, Payment, Refund, Return, Shipment
from orders.services import totals
from orders.services.customers import normalise_phone
from portal.base.admin import DESK, OFFICE, ORDER_READERS, ReadOnlyAdmin, ago, badge, is_limited, may, money
from portal.base.tables import CSV, XLSX

__all__ = ["CustomerAdmin", "OrderAdmin", "OrderRuleAdmin", "RefundAdmin", "RoutingRuleAdmin"]

MIN_PHONE_DIGITS = 8
TONES = {"waiting": "wait", "queued": "wait", "placed": "good", "needs_fix": "bad", "needs_human": "bad",
         "cancelled": "plain", "never": "plain"}  # fmt: skip


@admin.register(Order)
class OrderAdmin(AfterPages):
    view_roles = ORDER_READERS
    list_display = ("number_shown", "connection", "customer_name", "total_shown", "where", "reason", "owner_shown",
                    "age")  # fmt: skip
    list_select_related = ("connection", "owner")
    list_filter = (StageFilter, OwnerFilter, AccountFilter, ReceivedFilter, "connection", "financial", "fulfilment",
                   "admission")  # fmt: skip
    search_fields = ("number__exact",)  # shows the box; find_by_word tells what it looks at
    sortable_by = ("number_shown", "age")
    actions = ("send_again", "hold", "let_go", "assign", "take_in", "export_csv", "export_xlsx", "export_json")

    def has_desk_permission(self, request: HttpRequest) -> bool:
        return may(request, DESK)

    @admin.action(description=gettext_lazy("Send refused ones again"), permissions=["desk"])
    def send_again(self, request: HttpRequest, rows: QuerySet[Order]) -> HttpResponse | None:
        chosen = Command.objects.filter(subject_type="order", subject_id__in=rows.order_by().values("pk"))
        return bulk.send_again(self, request, chosen)

    @admin.action(description=gettext_lazy("Hold"), permissions=["desk"])
    def hold(self, request: HttpRequest, rows: QuerySet[Order]) -> HttpResponse | None:
        return many.hold(self, request, rows)

    @admin.action(description=gettext_lazy("Release what a person held"), permissions=["desk"])
    def let_go(self, request: HttpRequest, rows: QuerySet[Order]) -> None:
        many.let_go(self, request, rows)

    @admin.action(description=gettext_lazy("Assign to somebody"), permissions=["desk"])
    def assign(self, request: HttpRequest, rows: QuerySet[Order]) -> HttpResponse | None:
        return many.assign(self, request, rows)

    @admin.action(description=gettext_lazy("Take in by hand what was left out"), permissions=["desk"])
    def take_in(self, request: HttpRequest, rows: QuerySet[Order]) -> None:
        many.take_in(self, request, rows)

    @admin.action(description=gettext_lazy("Export as CSV"), permissions=["view"])
    def export_csv(self, request: HttpRequest, rows: QuerySet[Order]) -> HttpResponseBase:
        return self._export(request, rows, CSV)

    @admin.action(description=gettext_lazy("Export as XLSX"), permissions=["view"])
    def export_xlsx(self, request: HttpRequest, rows: QuerySet[Order]) -> HttpResponseBase:
        return self._export(request, rows, XLSX)

    @admin.action(description=gettext_lazy("Export as JSON lines"), permissions=["view"])
    def export_json(self, request: HttpRequest, rows: QuerySet[Order]) -> HttpResponseBase:
        return self._export(request, rows, export.JSON_LINES)

    def _export(self, request: HttpRequest, rows: QuerySet[Order], kind: str) -> HttpResponseBase:
        if len(rows.order_by().values_list("pk", flat=True)[: export.MOST + 1]) > export.MOST:
            words = _("%(n)s orders at most go into one file: filter the list, by when they were received, say.")
            messages.error(request, words % {"n": export.MOST})
            return HttpResponseRedirect(request.get_full_path())
        name = f"orders-{timezone.localdate():%Y-%m-%d}"
        return export.respond(rows, kind=kind, by=person(request), at=timezone.now(), name=name)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        held = Subquery(open_holds().order_by("since", "pk").values("message")[:1])
        stopped = Subquery(stopped_commands().order_by("pk").values("message")[:1])
        key = Subquery(open_holds().order_by("since", "pk").values("key")[:1])
        rows: QuerySet[Any] = super().get_queryset(request)
        rows = rows.annotate(
            why=Coalesce(held, stopped, Value("")), waits_for=Coalesce(key, Value("")), next_try=next_try()
        )
        return rows.prefetch_related("fulfilment_orders__destination")

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """A number with its "#", a phone in any spelling."""
        term = search_term.strip().removeprefix("#")
        country = request.merchant.country  # type: ignore[attr-defined]  # ScopeMiddleware's
        looks_like_phone = sum(map(str.isdigit, term)) >= MIN_PHONE_DIGITS and not any(map(str.isalpha, term))
        if looks_like_phone and (phone := normalise_phone(term, country)):
            exact = queryset.filter(phone=phone)
            if exact.exists():
                return exact, False
        for word in smart_split(term):  # a phrase in quotes is one word, as in Django's own lists
            is_phrase = len(word) > 1 and word[0] in "\"'" and word[0] == word[-1]
            queryset = queryset.filter(pk__in=find_by_word(unescape_string_literal(word) if is_phrase else word))
        return queryset, False

    def at_locations(self, rows: QuerySet[Order], places: frozenset[int]) -> QuerySet[Order]:
        return at_places(rows, places)

    @admin.display(description="number", ordering="number")
    def number_shown(self, row: Order) -> str:
        return f"#{row.number}"

    @admin.display(description="total")
    def total_shown(self, row: Order) -> str:
        return money(row.total, row.currency)

    @admin.display(description="where it is")
    def where(self, row: Order) -> str:
        parts = sorted(row.fulfilment_orders.all(), key=lambda part: part.number)
        if not parts:
            waits = row.why  # type: ignore[attr-defined]  # get_queryset's
            return badge("waiting", "wait") if waits and not row.is_over else badge("not sent by us", "plain")
        part = parts[0]
        number = part.external_number or part.reference
        more = f" + {len(parts) - 1}" if len(parts) > 1 else ""
        return badge(f"{part.get_state_display()} · {number}{more}", TONES[part.state])

    @admin.display(description=gettext_lazy("waits because, and what comes next"))
    def reason(self, row: Any) -> str:
        return format_html('{}<p class="sb-muted">{}</p>', row.why, self.coming(row))

    def coming(self, row: Any) -> str:
        """Whose turn it is, and when."""
        parts = list(row.fulfilment_orders.all())
        return describe_coming(row, parts, key=row.waits_for, at=row.next_try, now=timezone.now())

    @admin.display(description=gettext_lazy("owner"))
    def owner_shown(self, row: Order) -> str:
        return str(row.owner) if row.owner else ""

    @admin.display(description="placed", ordering="placed_at")
    def age(self, row: Order) -> str:
        return ago(row.placed_at)

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        return TemplateResponse(
            request, "admin/order/page.html", self._context(request, self.find_order(request, object_id))
        )

    def get_urls(self) -> list[Any]:
        wrap = self.admin_site.admin_view
        own = path("<path:object_id>/decide/", wrap(self.decide_view), name="orders_order_decide")
        desk = path("<path:object_id>/desk/", wrap(self.desk_view), name="orders_order_desk")
        buyer = path("<path:object_id>/buyer/", wrap(self.buyer_view), name="orders_order_buyer")
        older = path("before/", wrap(self.before_view), name="orders_order_before")
        return [own, desk, buyer, older, *super().get_urls()]

    def before_view(self, request: HttpRequest) -> HttpResponse:
        return before.before_view(self, request)

    def buyer_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        row = self.find_order(request, object_id)
        if not may(request, DESK):
            raise PermissionDenied
        return before.buyer_view(self, request, row)

    def desk_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Hold it, let it go, say whose it is, settle what the shop changed, write a note."""
        row = self.find_order(request, object_id)
        if not may(request, DESK):
            raise PermissionDenied
        if request.method == "POST":
            try:
                messages.success(request, acts.act(row, request))
            except acts.NotPossible as error:
                messages.error(request, str(error))
        return HttpResponseRedirect(reverse("admin:orders_order_change", args=(row.pk,)))

    def decide_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """A person decides about one of the order's own messages, without leaving its page."""
        row = self.find_order(request, object_id)
        if not may(request, DESK):
            raise PermissionDenied
        if request.method == "POST":
            wanted = request.POST.get("command", "")
            command = list_commands(row).filter(pk=int(wanted) if wanted.isdecimal() else 0).first()
            if command is None:
                raise Http404
            try:
                decide(command, request)
                messages.success(request, f"{command}: done.")
            except replay.NotPossible as error:
                messages.error(request, str(error))
        return HttpResponseRedirect(reverse("admin:orders_order_change", args=(row.pk,)))

    def _context(self, request: HttpRequest, row: Order) -> dict[str, Any]:
        parts = list(row.fulfilment_orders.select_related("destination", "location").order_by("number"))
        found = OrderLine.objects.filter(order=row).select_related("variant").prefetch_related("taxes")
        lines = list(found.order_by("position"))
        badges = [badge(part.get_state_display(), TONES[part.state]) for part in parts]
        shown = show_parts(row, parts, lines, badges, may_move=may(request, DESK) and not is_limited())
        commands = list(list_commands(row))
        steps, sums = story.build_steps(row, parts, lines), totals.read_sums(row, parts, lines)
        return {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": f"#{row.number}",
            "object": row,
            "order": row,
            "total": money(row.total, row.currency),
            "parts": shown,
            "targets": list_targets(row) if any(one.may_move for one in shown) else (),
            "steps": steps,
            "next": story.describe_next(row, steps, parts),
            "coming": self.coming(row),
            "lines": lines,
            "sums": sums,
            "sum_rows": story.list_sum_rows(sums),
            "waits": acts.list_waits(row),
            "change": acts.find_change(row),
            "people": acts.list_people() if may(request, DESK) else (),
            "desk": reverse("admin:orders_order_desk", args=(row.pk,)),
            "commands": [
                (one, one.kind.replace("_", " "), badge(one.get_state_display(), COMMAND_TONES[one.state]))
                for one in commands
            ],
            "rules_used": story.list_rules_used(commands),
            "action": reverse("admin:orders_order_decide", args=(row.pk,)),
            "may_open_messages": may(request, OFFICE) and not is_limited(),
            "timeline": row.timeline.select_related("command").order_by("at", "pk"),
            "payments": row.payments.order_by("pk"),
            "refunds": row.refunds.order_by("pk"),
            "invoices": Invoice.objects.filter(fulfilment_order__in=parts).order_by("pk"),
            "superseded": Link.objects.filter(subject_type="order", subject_id=row.pk, superseded_at__isnull=False)
            .select_related("connection")
            .order_by("pk"),
            "shipments": Shipment.objects.filter(fulfilment_order__in=parts).order_by("pk"),
            "may_decide": may(request, DESK),
            "after": build_context(row, parts, may_act=may(request, DESK)),
        }


admin.site.register(FieldRuleVersion, FieldRulesAdmin)


def of_order(row: Order) -> Q:
    """What is about the order or something that followed it."""
    followed: dict[str, QuerySet[Any]] = {
        "refund": Refund.objects.filter(order=row),
        "return": Return.objects.filter(order=row),
        "payment": Payment.objects.filter(order=row),
        "bill": Bill.objects.filter(order=row),
        "shipment": Shipment.objects.filter(fulfilment_order__order=row),
        "invoice": Invoice.objects.filter(fulfilment_order__order=row),
    }
    found = Q(subject_type="order", subject_id=row.pk)
    for kind, rows in followed.items():
        found |= Q(subject_type=kind, subject_id__in=rows.values("pk"))
    return found


def list_commands(row: Order) -> QuerySet[Command]:
    found: QuerySet[Command] = Command.objects.filter(of_order(row)).select_related("connection").order_by("pk")
    return found


@admin.register(Refund)
class RefundAdmin(ReadOnlyAdmin):
    list_display = ("order", "amount", "state", "reason", "remote_number")
    list_select_related = ("order",)
    list_filter = ("state",)

    def at_locations(self, rows: QuerySet[Refund], places: frozenset[int]) -> QuerySet[Refund]:
        return rows.filter(order__in=at_places(Order.objects.all(), places))
