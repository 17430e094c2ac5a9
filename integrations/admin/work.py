"""Flows, and the values that are mapped."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone

from integrations.models import Flow, ValueMapping
from integrations.sync import connections, runs
from integrations.sync.values import map_value
from portal.base.admin import DESK, MAPPERS, MerchantAdmin, may
from portal.base.admin_scope import MerchantForm


class FlowForm(MerchantForm):
    """Refuses what the platform cannot do, and says why."""

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or {}
        connection, stream, direction = (cleaned.get(name) for name in ("connection", "stream", "direction"))
        if connection and stream and direction and (words := connections.why_no_flow(connection, stream, direction)):
            raise ValidationError(words)
        return cleaned


@admin.register(Flow)
class FlowAdmin(MerchantAdmin):
    form = FlowForm
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
            runs.start_flow(row, trigger="manual", at=timezone.now(), by=request.user)  # type: ignore[arg-type]  # logged in
        messages.success(request, f"{rows.count()} flows start; see Runs.")


@admin.register(ValueMapping)
class ValueMappingAdmin(MerchantAdmin):
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
