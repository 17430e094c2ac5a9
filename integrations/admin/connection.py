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
from django.utils.translation import gettext as _

from integrations.admin.advice import advise
from integrations.admin.tabs import TABS
from integrations.admin.trials import TrialPages
from integrations.admin.waiting import acting
from integrations.contract.errors import ConnectorError
from integrations.forms import ConnectionForm, CredentialsForm, RetentionForm
from integrations.models import Connection
from integrations.sync import connections, resuming, webhook_doctor
from integrations.sync.housekeeping import keep_captures
from integrations.sync.platforms import find_level, get_platform, list_platforms
from integrations.sync.runs import start_flow
from integrations.sync.vault import set_expiry, store_credentials
from portal.base.admin import DESK, OWNERS, MerchantAdmin, ago, badge, may

TONES = {
    "active": "good", "watching": "plain", "draft": "plain", "degraded": "wait",
    "needs_reauth": "bad", "paused": "wait", "disabled": "plain",
}  # fmt: skip
ENVIRONMENT_TONES = {"simulator": "plain", "sandbox": "wait", "live": "good"}


@admin.register(Connection)
class ConnectionAdmin(TrialPages, MerchantAdmin):
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
                ("switch", self.switch_view),
                ("credentials", self.credentials_view),
                ("flows", self.flows_view),
                ("webhooks", self.webhooks_view),
                ("retention", self.retention_view),
                ("calls", self.calls_view),
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
        first = next(one for one in Connection.Role.values if one in platform.roles)
        row = Connection(platform=key, name=platform.label, role=first)
        if preset := platform.presets.get(request.GET.get("preset", "")):
            row.name, row.settings = preset.label, dict(preset.settings)
        return self._form(request, row, title=f"Connect {platform.label}")

    def edit_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        row = self._find(request, object_id, changing=True)
        return self._form(request, row, title=f"Settings of {row}")

    def _form(self, request: HttpRequest, row: Connection, *, title: str) -> HttpResponse:
        platform = get_platform(row.platform)
        form = ConnectionForm(request.POST or None, instance=row, platform=platform)
        if request.method == "POST" and form.is_valid():
            saved, before = form.save(commit=False), row.settings
            saved.settings = form.read_settings()
            saved.save()
            store_credentials(saved, form.read_secrets(), keep=not form.is_moved)
            messages.success(request, f"{saved} is saved. Test it next.")
            if saved.settings != before and (flows := connections.read_anew(saved, at=timezone.now())):
                words = _("Its settings changed, so these begin anew, with everything: %(flows)s. See Runs.")
                messages.info(request, words % {"flows": ", ".join(str(flow) for flow in flows)})
            return HttpResponseRedirect(reverse("admin:integrations_connection_change", args=(saved.pk,)))
        shown = {"title": title, "form": form, "platform": platform, "row": row}
        level = find_level(row.platform, row.settings or {})
        return self._page(request, "form", {**shown, "level": level, "preset": request.GET.get("preset", "")})

    # its page ------------------------------------------------------------------------------------------------------

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        row = self._find(request, object_id)
        tab = request.GET.get("tab", "")
        tab = tab if tab in TABS else "overview"
        return self._page(request, "page", {**self._frame(request, row, tab), **TABS[tab][1](request, row, self._rows)})

    def _frame(self, request: HttpRequest, row: Connection, tab: str) -> dict[str, Any]:
        """What every tab has around it."""
        return {
            "title": row.name,
            "row": row,
            "object": row,
            "platform": get_platform(row.platform),
            "state_badge": badge(row.get_state_display(), TONES[row.state]),
            "environment_badge": badge(row.get_environment_display(), ENVIRONMENT_TONES[row.environment]),
            "may_change": may(request, OWNERS),
            "may_run": may(request, DESK),
            "tab": tab,
            "tab_template": f"admin/connection/tab_{tab}.html",
            "tabs": [(key, label) for key, (label, _build) in TABS.items()],
        }

    # what can be done with it --------------------------------------------------------------------------------------

    def test_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        row = self._find(request, object_id, changing=True)
        if request.method == "POST":
            result = connections.check_connection(row, at=timezone.now())
            say = messages.success if result is not None else messages.error
            say(request, f"{row.check_message} ({row.check_latency_ms} ms) {advise(row.check_code)}".strip())
        return self._back(row)

    def sending_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Pause at once; resume after a look at what waits."""
        row = self._find(request, object_id, changing=True)
        part = request.POST.get("part") or request.GET.get("part", "")
        if part not in connections.PARTS:
            return self._back(row)
        if request.method == "POST" and request.POST.get("do") == "pause":
            connections.pause(row, (part,))
            words = _("Sending %(part)s to %(row)s is paused; receiving goes on.")
            messages.success(request, words % {"part": part, "row": row})
        elif request.method == "POST":
            waiting = connections.resume(row, (part,), at=timezone.now(), by=acting(request))
            messages.success(request, self._describe_resumed(row, part, waiting))
        else:
            context = {"title": _("Resume sending %(part)s to %(row)s") % {"part": part, "row": row}, "row": row}
            backlog = connections.count_backlog(row)
            return self._page(request, "resume", {**context, "part": part, "backlog": backlog})
        return self._back(row)

    def _describe_resumed(self, row: Connection, part: str, waiting: int) -> str:
        if part != "orders":
            return _("%(row)s gets %(part)s again: its flow runs now.") % {"row": row, "part": part}
        words = _("%(row)s gets orders again; %(n)s messages wait.") % {"row": row, "n": waiting}
        if waiting > resuming.FIRST:
            words += " " + _("5 go now, the others once these have arrived; after a new error it is paused again.")
        return words

    def switch_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        row = self._find(request, object_id, changing=True)
        if request.method == "POST" and request.POST.get("do") == "off":
            connections.switch_off(row)
            messages.success(request, _("%(row)s is switched off: it neither reads nor sends.") % {"row": row})
        elif request.method == "POST":
            connections.switch_on(row, at=timezone.now(), by=acting(request))
            messages.success(
                request, _("%(row)s is %(state)s.") % {"row": row, "state": row.get_state_display().lower()}
            )
        return self._back(row)

    def credentials_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Secrets go in; the page they were typed on never shows them again."""
        row = self._find(request, object_id, changing=True)
        form = CredentialsForm(request.POST or None, platform=get_platform(row.platform), expires_at=None)
        if request.method == "POST" and form.is_valid():
            store_credentials(row, form.read_secrets())
            set_expiry(row, form.read_expiry())
            messages.success(
                request, _("The credentials of %(row)s are saved. Test the connection next.") % {"row": row}
            )
        elif request.method == "POST":
            frame = self._frame(request, row, "credentials")
            shown = TABS["credentials"][1](request, row, self._rows)
            return self._page(request, "page", {**frame, **shown, "credentials_form": form})
        return self._back(row, "credentials")

    def flows_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """One flow more, or one of them run now."""
        row = self._find(request, object_id, changing=request.POST.get("do") != "run")
        given = request.POST
        if request.method == "POST" and given.get("do") == "run":
            if not may(request, DESK):
                raise PermissionDenied
            wanted = given.get("flow", "")
            flow = row.flows.filter(pk=int(wanted) if wanted.isdecimal() else 0).first()
            if flow is None:
                raise Http404
            run = start_flow(flow, trigger="manual", at=timezone.now(), by=request.user)  # type: ignore[arg-type]  # logged in
            return HttpResponseRedirect(reverse("admin:integrations_syncrun_change", args=(run.pk,)))
        if request.method == "POST":
            try:
                flow = connections.add_flow(
                    row, stream=given.get("stream", ""), direction=given.get("direction", ""), at=timezone.now()
                )
                words = _("%(flow)s is on. Put it into a procedure, so that it runs by itself.")
                messages.success(request, words % {"flow": flow})
            except ConnectorError as error:
                messages.error(request, error.message)
        return self._back(row, "flows")

    def webhooks_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Look what is registered there; register again what is missing."""
        row = self._find(request, object_id, changing=True)
        if request.method == "POST" and webhook_doctor.can_look(row):
            try:
                if request.POST.get("do") == "mend":
                    lost = webhook_doctor.mend(row, at=timezone.now())
                    words = _("%(n)s webhooks were missing and are registered again.")
                else:
                    lost = webhook_doctor.look(row, at=timezone.now())
                    words = _("%(n)s webhooks are missing there.")
                messages.success(request, words % {"n": len(lost)} if lost else _("Every webhook is registered there."))
            except ConnectorError as error:
                messages.error(request, f"{error.message} {error.upstream} {advise(error.code)}")
        return self._back(row, "webhooks")

    def retention_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """How long captures are kept; for the merchant as a whole."""
        row = self._find(request, object_id, changing=True)
        form = RetentionForm(request.POST or None)
        if request.method == "POST" and form.is_valid():
            keep_captures(merchant_id=row.merchant_id, days=form.cleaned_data["days"])
            messages.success(request, _("Captures are kept %(days)s days from now on.") % form.cleaned_data)
        elif request.method == "POST":
            messages.error(request, _("Type a number of days between 1 and 365."))
        return self._back(row, "captures")

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

    def _back(self, row: Connection, tab: str = "") -> HttpResponse:
        address = reverse("admin:integrations_connection_change", args=(row.pk,))
        return HttpResponseRedirect(f"{address}?tab={tab}" if tab else address)

    def _page(self, request: HttpRequest, name: str, context: dict[str, Any]) -> HttpResponse:
        context = {**self.admin_site.each_context(request), "opts": self.opts, **context}
        return TemplateResponse(request, f"admin/connection/{name}.html", context)
