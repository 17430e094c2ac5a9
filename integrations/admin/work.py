"""Flows, and the values that are mapped."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone

from integrations.admin.values import ValuesPages
from integrations.forms import FlowForm
from integrations.models import Flow, Stream, ValueMapping
from integrations.sync import runs
from integrations.sync.connections import CATALOGUE, tell_of_flow
from integrations.sync.values import map_value
from portal.base.admin import DESK, MAPPERS, MerchantAdmin, may


@admin.register(Flow)
class FlowAdmin(MerchantAdmin):
    form = FlowForm
    everywhere = True
    list_display = ("connection", "stream", "direction", "enabled")
    list_select_related = ("connection",)
    list_filter = ("connection", "stream", "direction")
    ordering = ("connection", "direction", "stream")
    fields = ("connection", "stream", "direction", "enabled", "groups", "settings", "overlap_seconds")
    actions = ("run_now",)

    def save_model(self, request: HttpRequest, obj: Flow, form: Any, change: bool) -> None:
        """Other settings mean a full run of their own."""
        if obj.stream == Stream.PRODUCT:
            obj.settings = {**obj.settings, "groups": form.cleaned_data.get("groups", [])}
        super().save_model(request, obj, form, change)
        if {"groups", "settings"}.intersection(form.changed_data) and obj.stream in CATALOGUE:
            runs.start_over(obj, at=timezone.now())
            messages.success(request, f"{obj} of {obj.connection} begins anew, with everything; see Runs.")
        if not change or form.changed_data:
            tell_of_flow(obj, at=timezone.now())

    def has_desk_permission(self, request: HttpRequest) -> bool:
        return may(request, DESK)

    @admin.action(description="Run now", permissions=["desk"])
    def run_now(self, request: HttpRequest, rows: QuerySet[Flow]) -> None:
        for row in rows:
            runs.start_flow(row, trigger="manual", at=timezone.now(), by=request.user)  # type: ignore[arg-type]  # logged in
        messages.success(request, f"{rows.count()} flows start; see Runs.")


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
