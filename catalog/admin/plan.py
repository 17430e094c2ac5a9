"""Plan, apply, undo: what a push would change, line by line, before it is sent and after."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.translation import gettext as _

from catalog.models import Figures, KeptFigure, PlanLine, PushPlan
from catalog.services import plan as plans
from catalog.services.figures import MODELS, from_whole, list_dirty
from catalog.services.reasons import list_reasons
from integrations.models import Flow
from portal.base.admin import DESK, ReadOnlyAdmin, ago, badge, is_limited, may
from portal.base.money import describe_money

A_PAGE = 100
TONES = {"ready": "plain", "applied": "good", "undone": "wait", "following": "plain"}
State = PushPlan.State


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A row of the page."""

    binding: Any
    now: str
    later: str
    why: str
    state: str


def may_send(request: HttpRequest) -> bool:
    return may(request, DESK) and not is_limited()


@admin.register(PushPlan)
class PushPlanAdmin(ReadOnlyAdmin):
    list_display = ("shop", "stream", "state_shown", "changes_shown", "made", "made_by")
    list_select_related = ("connection", "made_by")
    list_filter = ("connection", "stream", "state")

    @admin.display(description="shop")
    def shop(self, row: PushPlan) -> str:
        return str(row.connection)

    @admin.display(description="state", ordering="state")
    def state_shown(self, row: PushPlan) -> str:
        return badge(row.get_state_display(), TONES[row.state])

    @admin.display(description="would change")
    def changes_shown(self, row: PushPlan) -> str:
        return _("%(changes)s of %(total)s") % {"changes": f"{row.changes:,}", "total": f"{row.total:,}"}

    @admin.display(description="made", ordering="pk")
    def made(self, row: PushPlan) -> str:
        return ago(row.made_at)

    def get_urls(self) -> list[Any]:
        own = [
            path(f"<path:object_id>/{name}/", self.admin_site.admin_view(view), name=f"catalog_pushplan_{name}")
            for name, view in (("apply", self.apply_view), ("undo", self.undo_view), ("follow", self.follow_view))
        ]
        return [*own, *super().get_urls()]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return super().get_queryset(request).select_related("connection", "made_by", "applied_by", "undone_by")

    def has_add_permission(self, request: HttpRequest) -> bool:
        return may_send(request)

    # a new plan ----------------------------------------------------------------------------------------------------

    def add_view(self, request: HttpRequest, form_url: str = "", extra_context: Any = None) -> HttpResponse:
        """Which shop, and which figures."""
        if not may_send(request):
            raise PermissionDenied
        flows = Flow.objects.filter(direction=Flow.Direction.PUSH, stream__in=Figures.values, enabled=True)
        flows = flows.select_related("connection").order_by("connection__name", "stream")
        if request.method == "POST":
            flow = flows.filter(pk=to_number(request.POST.get("flow"))).first()
            if flow is None:
                raise Http404
            made = plans.make_plan(connection=flow.connection, stream=flow.stream, by=_who(request), at=timezone.now())
            return self._back(made)
        rows = [(flow, list_dirty(flow.stream, flow.connection, timezone.now()).count()) for flow in flows]
        return self._page(request, "choose", {"title": _("Plan a push"), "rows": rows})

    # the page ------------------------------------------------------------------------------------------------------

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        plan = self._find(request, object_id)
        show = "braked" if request.GET.get("show") == "braked" else ""
        mine = PlanLine.objects.filter(plan=plan)
        lines = mine.filter(pk__gt=to_number(request.GET.get("after")), **({"braked": True} if show else {}))
        rows = list(lines.select_related("binding").order_by("pk")[: A_PAGE + 1])
        sent = mine.filter(sent_at__isnull=False)
        context = {
            "title": f"{plan.get_stream_display()}: {plan.connection}",
            "plan": plan,
            "object": plan,
            "state_badge": badge(plan.get_state_display(), TONES[plan.state]),
            "lines": self._lines(plan, rows[:A_PAGE]),
            "next": rows[A_PAGE - 1].pk if len(rows) > A_PAGE else None,
            "show": show,
            "sent": sent.count(),
            "undoable": sent.filter(before__isnull=False).count(),
            "kept": KeptFigure.objects.filter(plan=plan).count(),
            "may_send": may_send(request),
            "cannot": plans.check_sending(plan),
        }
        return self._page(request, "page", context)

    def _lines(self, plan: PushPlan, rows: list[PlanLine]) -> list[Line]:
        ids = [row.binding_id for row in rows]
        reasons = list_reasons(plan.stream, plan.connection, [row.binding for row in rows], at=timezone.now())
        figures = MODELS[plan.stream].objects.filter(connection=plan.connection, binding_id__in=ids)
        wanted = {(row.binding_id, row.slot): row.wanted for row in figures}
        mine = KeptFigure.objects.filter(plan=plan, binding_id__in=ids)
        kept = {(row.binding_id, row.slot): row.figure for row in mine}
        return [
            Line(
                binding=row.binding,
                now=_("nobody knows") if row.before is None else _show(plan, row, row.before),
                later=_show(plan, row, row.after),
                why=reasons.get(row.binding_id, ""),
                state=self._state(plan, row, wanted.get((row.binding_id, row.slot)), kept),
            )
            for row in rows
        ]

    def _state(self, plan: PushPlan, line: PlanLine, wanted: Any, kept: dict[tuple[int, str], int]) -> str:
        if plan.state == State.READY:
            return badge(_("the brake stops it"), "bad") if line.braked else ""
        figure = kept.get((line.binding_id, line.slot))
        if figure is not None:
            words = _("keeps %s") if line.undone_at else _("goes back to %s")
            return badge(words % _show(plan, line, figure), "wait")
        if line.message:
            return badge(line.message, "wait" if line.sent_at else "bad")
        if line.sent_at:
            return badge(_("sent"), "good")
        if wanted != from_whole(plan.stream, line.after):
            return badge(_("changed since: plan again"), "plain")
        return badge(_("on its way"), "wait")

    # what can be done ----------------------------------------------------------------------------------------------

    def apply_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        def do(plan: PushPlan) -> str:
            plans.apply_plan(plan_id=plan.pk, by=_who(request), at=timezone.now())
            return _("%(n)s of %(shop)s are on their way.") % {"n": f"{plan.changes:,}", "shop": plan.connection}

        return self._do(request, object_id, do)

    def undo_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        def do(plan: PushPlan) -> str:
            plans.undo_plan(plan_id=plan.pk, by=_who(request), at=timezone.now())
            return _("The former figures go back, and stay until you let them follow again.")

        return self._do(request, object_id, do)

    def follow_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        def do(plan: PushPlan) -> str:
            count = plans.follow_again(plan_id=plan.pk)
            return _("%s figures follow again: the next push sends what is worked out by then.") % f"{count:,}"

        return self._do(request, object_id, do)

    # helpers -------------------------------------------------------------------------------------------------------

    def _do(self, request: HttpRequest, object_id: str, do: Callable[[PushPlan], str]) -> HttpResponse:
        plan = self._find(request, object_id)
        if not may_send(request):
            raise PermissionDenied
        if request.method == "POST":
            try:
                messages.success(request, do(plan))
            except plans.NotPossible as error:
                messages.error(request, str(error))
        return self._back(plan)

    def _find(self, request: HttpRequest, object_id: str) -> PushPlan:
        if not self.has_view_permission(request):
            raise PermissionDenied
        row = self.get_object(request, object_id)
        if row is None:
            raise Http404
        found: PushPlan = row
        return found

    def _back(self, plan: PushPlan) -> HttpResponse:
        return HttpResponseRedirect(reverse("admin:catalog_pushplan_change", args=(plan.pk,)))

    def _page(self, request: HttpRequest, name: str, context: dict[str, Any]) -> HttpResponse:
        context = {**self.admin_site.each_context(request), "opts": self.opts, **context}
        return TemplateResponse(request, f"admin/catalog/plan/{name}.html", context)


@admin.register(KeptFigure)
class KeptFigureAdmin(ReadOnlyAdmin):
    """What was taken back and stays so: let it follow again, one by one or many."""

    list_display = ("binding", "connection", "stream", "figure_shown", "kept_since", "taken_back_with")
    list_select_related = ("binding", "connection")
    list_filter = ("connection", "stream")
    search_fields = ("binding__reference_code__startswith",)
    exclude = ("undone_to", "figure")
    readonly_fields = ("figure_shown",)
    actions = ("follow_again",)

    @admin.display(description="shows")
    def figure_shown(self, row: KeptFigure) -> str:
        return f"{from_whole(row.stream, row.figure).normalize():f}"

    @admin.display(description="since", ordering="since")
    def kept_since(self, row: KeptFigure) -> str:
        return ago(row.since)

    @admin.display(description="taken back with")
    def taken_back_with(self, row: KeptFigure) -> str:
        address = reverse("admin:catalog_pushplan_change", args=(row.plan_id,))
        return format_html('<a href="{}">{}</a>', address, _("plan %s") % row.plan_id)

    def has_desk_permission(self, request: HttpRequest) -> bool:
        return may_send(request)

    @admin.action(description="Let them follow again", permissions=["desk"])
    def follow_again(self, request: HttpRequest, rows: QuerySet[KeptFigure]) -> None:
        by_plan: dict[int, list[int]] = {}
        for plan_id, binding_id in rows.values_list("plan_id", "binding_id"):
            by_plan.setdefault(plan_id, []).append(binding_id)
        gone = sum(plans.follow_again(plan_id=pk, binding_ids=ids) for pk, ids in by_plan.items())
        messages.success(request, _("%s figures follow what is worked out again.") % f"{gone:,}")


def to_number(text: str | None) -> int:
    """0 for anything else."""
    return int(text) if text and text.isdecimal() and text.isascii() and len(text) < 19 else 0


def _show(plan: PushPlan, line: PlanLine, whole: int) -> str:
    figure = from_whole(plan.stream, whole)
    return describe_money(figure, line.currency) if plan.stream == Figures.PRICE else f"{figure.normalize():f}"


def _who(request: HttpRequest) -> Any:
    """Logged in, or the admin would not have let them here."""
    return request.user
