"""A connection's page: its state, its test, Go live, pausing; and the form its platform asks for."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils import timezone

from integrations.contract.errors import ConnectorError
from integrations.forms import ConnectionForm
from integrations.models import Command, Connection, Exchange, InboundEvent, SyncRun
from integrations.sync import connections
from integrations.sync.platforms import get_platform, list_capabilities, list_platforms
from integrations.sync.vault import store_credentials
from portal.base.admin import OWNERS, MerchantAdmin, ago, badge, may

TONES = {
    "active": "good", "watching": "plain", "draft": "plain", "degraded": "wait",
    "needs_reauth": "bad", "paused": "wait", "disabled": "plain",
}  # fmt: skip


@admin.register(Connection)
class ConnectionAdmin(MerchantAdmin):
    everywhere = True
    list_display = ("name", "platform_shown", "role", "state_shown", "tested", "last_success")
    search_fields = ("name",)
    list_filter = ("role", "state")
    ordering = ("name",)

    @admin.display(description="platform", ordering="platform")
    def platform_shown(self, row: Connection) -> str:
        return f"{get_platform(row.platform).label}{' · simulator' if row.environment == 'simulator' else ''}"

    @admin.display(description="state", ordering="state")
    def state_shown(self, row: Connection) -> str:
        return badge(row.get_state_display(), TONES[row.state])

    @admin.display(description="tested")
    def tested(self, row: Connection) -> str:
        if row.checked_at is None:
            return badge("never", "wait")
        return badge(f"{row.check_latency_ms} ms" if row.check_ok else "failed", "good" if row.check_ok else "bad")

    @admin.display(description="last success", ordering="last_success_at")
    def last_success(self, row: Connection) -> str:
        return ago(row.last_success_at)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False  # its orders and documents stay; disable it instead

    def get_urls(self) -> list[Any]:
        own = [
            path(f"<path:object_id>/{name}/", self.admin_site.admin_view(view), name=f"integrations_connection_{name}")
            for name, view in (
                ("edit", self.edit_view),
                ("test", self.test_view),
                ("sending", self.sending_view),
                ("golive", self.go_live_view),
            )
        ]
        return [*own, *super().get_urls()]

    # adding and editing --------------------------------------------------------------------------------------------

    def add_view(self, request: HttpRequest, form_url: str = "", extra_context: Any = None) -> HttpResponse:
        """First which platform, then what it asks for."""
        if not may(request, OWNERS):
            raise PermissionDenied
        key = request.GET.get("platform", "")
        if key not in {platform.key for platform in list_platforms()}:
            return self._page(request, "choose", {"title": "Add a connection", "platforms": list_platforms()})
        platform = get_platform(key)
        row = Connection(platform=key, name=platform.label, role=min(platform.roles))
        return self._form(request, row, title=f"Connect {platform.label}")

    def edit_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        row = self._find(request, object_id, changing=True)
        return self._form(request, row, title=f"Settings of {row}")

    def _form(self, request: HttpRequest, row: Connection, *, title: str) -> HttpResponse:
        platform = get_platform(row.platform)
        form = ConnectionForm(request.POST or None, instance=row, platform=platform)
        if request.method == "POST" and form.is_valid():
            saved = form.save(commit=False)
            saved.settings = form.read_settings()
            saved.save()
            store_credentials(saved, form.read_secrets())
            messages.success(request, f"{saved} is saved. Test it next.")
            return HttpResponseRedirect(reverse("admin:integrations_connection_change", args=(saved.pk,)))
        return self._page(request, "form", {"title": title, "form": form, "platform": platform, "row": row})

    # its page ------------------------------------------------------------------------------------------------------

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        row = self._find(request, object_id)
        platform = get_platform(row.platform)
        flows = row.flows.order_by("direction", "stream")
        open_commands = self._rows(request, Command, row).filter(state__in=Command.OPEN_STATES)
        context = {
            "title": row.name,
            "row": row,
            "object": row,
            "platform": platform,
            "state_badge": badge(row.get_state_display(), TONES[row.state]),
            "may_change": may(request, OWNERS),
            "capabilities": sorted(name.replace("_", " ") for name in list_capabilities(row.platform, row.settings)),
            "flows": flows,
            "waiting": open_commands.count(),
            "runs": self._rows(request, SyncRun, row, "flow__connection").select_related("flow")[:8],
            "events": self._rows(request, InboundEvent, row)[:8],
            "exchanges": self._rows(request, Exchange, row)[:8],
            "parts": [(part, getattr(row, f"{part}_paused")) for part in connections.PARTS],
        }
        return self._page(request, "page", context)

    # what can be done with it --------------------------------------------------------------------------------------

    def test_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        row = self._find(request, object_id, changing=True)
        if request.method == "POST":
            result = connections.check_connection(row, at=timezone.now())
            say = messages.success if result is not None else messages.error
            say(request, f"{row.check_message} ({row.check_latency_ms} ms)")
        return self._back(row)

    def sending_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        row = self._find(request, object_id, changing=True)
        part = request.POST.get("part", "")
        if request.method == "POST" and part in connections.PARTS:
            if request.POST.get("do") == "pause":
                connections.pause(row, (part,))
                messages.success(request, f"Sending {part} to {row} is paused; receiving goes on.")
            else:
                waiting = connections.resume(row, (part,), at=timezone.now())
                messages.success(request, f"{row} gets {part} again; {waiting} messages wait, 5 go first.")
        return self._back(row)

    def go_live_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        row = self._find(request, object_id, changing=True)
        if request.method == "POST":
            try:
                connections.go_live(row, at=timezone.now())
                messages.success(request, f"{row} is live.")
            except (connections.NotWatching, ConnectorError) as error:
                messages.error(request, str(error))
            return self._back(row)
        plan = connections.plan_go_live(row)
        return self._page(request, "golive", {"title": f"Go live with {row}", "row": row, "plan": plan})

    # helpers -------------------------------------------------------------------------------------------------------

    def _rows(self, request: HttpRequest, model: Any, row: Connection, path: str = "connection") -> QuerySet[Any]:
        """As many as the person sees on their own page, the newest first."""
        rows: QuerySet[Any] = self.admin_site.get_model_admin(model).get_queryset(request)
        return rows.filter(**{path: row}).order_by("-pk")

    def _find(self, request: HttpRequest, object_id: str, *, changing: bool = False) -> Connection:
        if not self.has_view_permission(request):
            raise PermissionDenied
        if changing and not may(request, OWNERS):
            raise PermissionDenied
        row = self.get_object(request, object_id)
        if row is None:
            raise Http404
        found: Connection = row
        return found

    def _back(self, row: Connection) -> HttpResponse:
        return HttpResponseRedirect(reverse("admin:integrations_connection_change", args=(row.pk,)))

    def _page(self, request: HttpRequest, name: str, context: dict[str, Any]) -> HttpResponse:
        context = {**self.admin_site.each_context(request), "opts": self.opts, **context}
        return TemplateResponse(request, f"admin/connection/{name}.html", context)
