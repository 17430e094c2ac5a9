"""Procedures: their steps and gates, when they run next, and each of their runs."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import path, reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from unfold.admin import TabularInline

from integrations.admin.runs import describe_start
from integrations.models import Flow, Procedure, ProcedureRun, ProcedureStep, SyncRun
from integrations.sync import schedule
from portal.base.admin import DESK, OWNERS, MerchantAdmin, ReadOnlyAdmin, ReadOnlyInline, ago, badge, may
from portal.base.admin_places import PlacesFormSet, step_aside

TONES = {"queued": "plain", "running": "wait", "waiting": "wait", "done": "good", "failed": "bad", "cancelled": "plain"}
RUNS = 5


class StepInline(TabularInline):
    model = ProcedureStep
    formset = PlacesFormSet
    fields = ("position", "flow", "gate")
    extra = 0
    ordering = ("position",)

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        kwargs["queryset"] = Flow.objects.select_related("connection")
        return super().formfield_for_foreignkey(db_field, request, **kwargs)

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return True

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return may(request, OWNERS)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return may(request, OWNERS)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return may(request, OWNERS)


@admin.register(Procedure)
class ProcedureAdmin(MerchantAdmin):
    everywhere = True
    list_display = ("name", "enabled", "when", "next_due_at", "last")
    fields = ("name", "enabled", "every_seconds", "event")
    ordering = ("name",)
    inlines = (StepInline,)
    actions = ("run_now",)
    change_form_outer_before_template = "admin/procedure/before.html"

    @admin.display(description=gettext_lazy("runs"))
    def when(self, row: Procedure) -> str:
        words = [_("every %(seconds)s s") % {"seconds": row.every_seconds}] if row.every_seconds else []
        at = [_("at %(event)s") % {"event": row.event}] if row.event else []
        return _(" and ").join([*words, *at]) or _("by hand")

    @admin.display(description=gettext_lazy("last result"))
    def last(self, row: Procedure) -> str:
        run = row.runs.order_by("-pk").first()
        return badge(run.get_state_display(), TONES[run.state]) if run else ""

    def has_desk_permission(self, request: HttpRequest) -> bool:
        return may(request, DESK)

    def save_model(self, request: HttpRequest, obj: Procedure, form: Any, change: bool) -> None:
        """A timer begins, changes or stops with its interval."""
        if "every_seconds" in form.changed_data or "enabled" in form.changed_data:
            obj.next_due_at = timezone.now() if obj.every_seconds and obj.enabled else None
        super().save_model(request, obj, form, change)

    def save_formset(self, request: HttpRequest, form: Any, formset: Any, change: bool) -> None:
        step_aside(formset)
        super().save_formset(request, form, formset, change)

    @admin.action(description=gettext_lazy("Run now"), permissions=["desk"])
    def run_now(self, request: HttpRequest, rows: QuerySet[Procedure]) -> None:
        for row in rows:
            schedule.start_procedure(row, trigger="manual", at=timezone.now(), by=request.user)  # type: ignore[arg-type]  # logged in
        words = ngettext("%(n)s procedure starts.", "%(n)s procedures start.", rows.count())
        messages.success(request, words % {"n": rows.count()})

    def get_urls(self) -> list[Any]:
        wrap = self.admin_site.admin_view
        own = path("<path:object_id>/run/", wrap(self.run_view), name="integrations_procedure_run")
        return [own, *super().get_urls()]

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        row = self.get_object(request, object_id)
        extra = {} if row is None else self._before(request, row)
        page: HttpResponse = super().change_view(request, object_id, form_url, {**extra, **(extra_context or {})})
        return page

    def _before(self, request: HttpRequest, row: Procedure) -> dict[str, Any]:
        """What stands above the form: the steps in words, the next times, the last runs."""
        # Runs may tell of orders elsewhere: who sees some locations only sees none of them, as on their own page.
        seen = self.admin_site.get_model_admin(ProcedureRun).get_queryset(request)
        found = seen.filter(procedure=row).select_related("started_by").order_by("-pk")[:RUNS]
        return {
            "procedure": row,
            "when": self.when(row),
            "slots": schedule.list_next_slots(row, at=timezone.now()),
            "steps": row.steps.select_related("flow__connection").order_by("position"),
            "runs": [(one, badge(one.get_state_display(), TONES[one.state]), describe_start(one)) for one in found],
            "may_run": may(request, DESK),
        }

    def run_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Start it now; its run's page says how far it is."""
        if not may(request, DESK):
            raise PermissionDenied
        row = self.get_object(request, object_id)
        if row is None:
            raise Http404
        if request.method != "POST":
            return HttpResponseRedirect(reverse("admin:integrations_procedure_change", args=(row.pk,)))
        run = schedule.start_procedure(row, trigger="manual", at=timezone.now(), by=request.user)  # type: ignore[arg-type]  # logged in
        messages.success(request, _("%(procedure)s starts.") % {"procedure": row})
        return HttpResponseRedirect(reverse("admin:integrations_procedurerun_change", args=(run.pk,)))


class RunInline(ReadOnlyInline):
    model = SyncRun
    fields = ("flow", "state", "seen", "created", "updated", "unchanged", "skipped", "failed", "message")
    verbose_name_plural = gettext_lazy("steps")
    show_change_link = True


@admin.register(ProcedureRun)
class ProcedureRunAdmin(ReadOnlyAdmin):
    list_display = ("procedure", "state_shown", "trigger_shown", "began", "message")
    list_select_related = ("procedure", "started_by")
    list_filter = ("state", "procedure")
    fields = ("procedure", "state_shown", "trigger_shown", "created_at", "finished_at", "message")
    readonly_fields = ("state_shown", "trigger_shown")
    inlines = (RunInline,)
    actions = ("go_on",)

    @admin.display(description=gettext_lazy("state"), ordering="state")
    def state_shown(self, row: ProcedureRun) -> str:
        return badge(row.get_state_display(), TONES[row.state])

    @admin.display(description=gettext_lazy("started"))
    def trigger_shown(self, row: ProcedureRun) -> str:
        return describe_start(row)

    @admin.display(description=gettext_lazy("began"), ordering="pk")
    def began(self, row: ProcedureRun) -> str:
        return ago(row.created_at)

    def has_desk_permission(self, request: HttpRequest) -> bool:
        return may(request, DESK)

    @admin.action(description=gettext_lazy("Go on (where it waits for a person)"), permissions=["desk"])
    def go_on(self, request: HttpRequest, rows: QuerySet[ProcedureRun]) -> None:
        for row in rows:
            schedule.go_on(row)
