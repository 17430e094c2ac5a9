"""Flows, procedures and the values that are mapped."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import ValidationError
from django.db.models import F, QuerySet
from django.forms import BaseInlineFormSet
from django.http import HttpRequest
from django.utils import timezone
from unfold.admin import TabularInline

from integrations.admin.values import ValuesPages
from integrations.models import Flow, Procedure, ProcedureRun, ProcedureStep, SyncRun, ValueMapping
from integrations.sync import runs, schedule
from integrations.sync.values import map_value
from portal.base.admin import DESK, MAPPERS, OWNERS, MerchantAdmin, ReadOnlyAdmin, ReadOnlyInline, ago, badge, may

ASIDE = 1_000_000  # beyond every place a person types
TONES = {"queued": "plain", "running": "wait", "waiting": "wait", "done": "good", "failed": "bad", "cancelled": "plain"}


@admin.register(Flow)
class FlowAdmin(MerchantAdmin):
    everywhere = True
    list_display = ("connection", "stream", "direction", "enabled")
    list_select_related = ("connection",)
    list_filter = ("connection", "stream", "direction")
    ordering = ("connection", "direction", "stream")
    fields = ("connection", "stream", "direction", "enabled", "settings", "overlap_seconds")
    actions = ("run_now",)

    def has_desk_permission(self, request: HttpRequest) -> bool:
        return may(request, DESK)

    @admin.action(description="Run now", permissions=["desk"])
    def run_now(self, request: HttpRequest, rows: QuerySet[Flow]) -> None:
        for row in rows:
            runs.start_flow(row, trigger="manual", at=timezone.now())
        messages.success(request, f"{rows.count()} flows start; see Runs.")


class StepFormSet(BaseInlineFormSet):  # type: ignore[type-arg]  # not subscriptable at run time
    """Places are compared within the form, not with the database's: two steps may swap theirs."""

    def clean(self) -> None:
        super().clean()
        kept = [form.cleaned_data for form in self.forms if form.is_valid() and form not in self.deleted_forms]
        places = [one["position"] for one in kept if one.get("position") is not None]
        if len(places) != len(set(places)):
            raise ValidationError("Two steps have the same place: give each its own number.")


class StepInline(TabularInline):
    model = ProcedureStep
    formset = StepFormSet
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

    @admin.display(description="runs")
    def when(self, row: Procedure) -> str:
        words = [f"every {row.every_seconds} s"] if row.every_seconds else []
        return " and ".join([*words, *([f"at {row.event}"] if row.event else [])]) or "by hand"

    @admin.display(description="last result")
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
        """Steps that change places step aside first: two of them may not hold one place even for a moment."""
        moved = [one.instance.pk for one in formset.initial_forms if "position" in one.changed_data]
        ProcedureStep.objects.filter(pk__in=moved).update(position=F("position") + ASIDE)
        super().save_formset(request, form, formset, change)

    @admin.action(description="Run now", permissions=["desk"])
    def run_now(self, request: HttpRequest, rows: QuerySet[Procedure]) -> None:
        for row in rows:
            schedule.start_procedure(row, trigger="manual", at=timezone.now())
        messages.success(request, f"{rows.count()} procedures start.")


class RunInline(ReadOnlyInline):
    model = SyncRun
    fields = ("flow", "state", "seen", "created", "updated", "unchanged", "skipped", "failed", "message")
    verbose_name_plural = "steps"


@admin.register(ProcedureRun)
class ProcedureRunAdmin(ReadOnlyAdmin):
    list_display = ("procedure", "state_shown", "trigger", "began", "message")
    list_select_related = ("procedure",)
    list_filter = ("state", "procedure")
    inlines = (RunInline,)
    actions = ("go_on",)

    @admin.display(description="state", ordering="state")
    def state_shown(self, row: ProcedureRun) -> str:
        return badge(row.get_state_display(), TONES[row.state])

    @admin.display(description="began", ordering="pk")
    def began(self, row: ProcedureRun) -> str:
        return ago(row.created_at)

    def has_desk_permission(self, request: HttpRequest) -> bool:
        return may(request, DESK)

    @admin.action(description="Go on (where it waits for a person)", permissions=["desk"])
    def go_on(self, request: HttpRequest, rows: QuerySet[ProcedureRun]) -> None:
        for row in rows:
            schedule.go_on(row)


@admin.register(ValueMapping)
class ValueMappingAdmin(ValuesPages):
    """Their words and ours; mapping one frees what waited for it."""

    everywhere = True
    change_roles = MAPPERS
    list_display = ("kind", "theirs", "label", "connection", "seen", "ours")
    list_select_related = ("connection",)
    list_filter = ("kind", "connection", ("ours", admin.EmptyFieldListFilter))
    search_fields = ("theirs", "label", "ours")
    fields = ("connection", "kind", "theirs", "label", "ours")

    def save_model(self, request: HttpRequest, obj: ValueMapping, form: Any, change: bool) -> None:
        freed = map_value(obj, at=timezone.now())
        messages.success(request, f"{obj} is saved; {freed} records went on.")
