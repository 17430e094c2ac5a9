"""Runs of flows: the list, and one run's page with its live log, its balanced counts and what was left out."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import Count, QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from integrations.models import Exchange, RunLogLine, RunOutcome, SyncRun
from integrations.sync import runs
from integrations.sync.progress import measure
from integrations.sync.schedule import start_again
from portal.base.admin import DESK, ReadOnlyAdmin, ago, badge, may

TONES = {"queued": "plain", "running": "wait", "done": "good", "failed": "bad", "cancelled": "plain"}
LINES, RECORDS = 200, 100  # shown at once
TRIGGERS = {
    "manual": gettext_lazy("by hand"),
    "anyway": gettext_lazy("by hand, past the brake"),
    "timer": gettext_lazy("by its timer"),
    "event": gettext_lazy("because something happened"),
    "api": gettext_lazy("by a call from outside"),
    "history": gettext_lazy("for the record, orders from before"),
    "command": gettext_lazy("on the server's command line"),
}


def describe_start(run: Any) -> str:
    """Who or what started a run of a flow or a procedure."""
    words = str(TRIGGERS.get(run.trigger, run.trigger))
    return f"{words}, {run.started_by}" if run.started_by else words


@admin.register(SyncRun)
class SyncRunAdmin(ReadOnlyAdmin):
    list_display = ("flow_shown", "state_shown", "counts", "trigger_shown", "started", "message")
    list_select_related = ("flow__connection", "started_by")
    list_filter = ("state", "flow__connection")
    actions = ("run_again", "cancel")

    @admin.display(description=gettext_lazy("flow"))
    def flow_shown(self, row: SyncRun) -> str:
        return f"{row.flow.connection}: {row.flow}"

    @admin.display(description=gettext_lazy("state"), ordering="state")
    def state_shown(self, row: SyncRun) -> str:
        return badge(row.get_state_display(), TONES[row.state])

    @admin.display(description=gettext_lazy("seen = created + updated + unchanged + skipped + failed"))
    def counts(self, row: SyncRun) -> str:
        parts = (row.created, row.updated, row.unchanged, row.skipped, row.failed)
        return f"{row.seen:,} = {' + '.join(f'{part:,}' for part in parts)}"

    @admin.display(description=gettext_lazy("started"))
    def trigger_shown(self, row: SyncRun) -> str:
        return describe_start(row)

    @admin.display(description=gettext_lazy("when"), ordering="pk")
    def started(self, row: SyncRun) -> str:
        return ago(row.started_at or row.created_at)

    def has_desk_permission(self, request: HttpRequest) -> bool:
        return may(request, DESK)

    @admin.action(description=gettext_lazy("Run again"), permissions=["desk"])
    def run_again(self, request: HttpRequest, rows: QuerySet[SyncRun]) -> None:
        chosen = list(rows.select_related("flow"))
        for row in chosen:
            start_again(row, at=timezone.now(), by=request.user)  # type: ignore[arg-type]  # logged in
        words = ngettext("%(n)s run is asked for.", "%(n)s runs are asked for.", len(chosen))
        messages.success(request, words % {"n": len(chosen)})

    @admin.action(description=gettext_lazy("Cancel"), permissions=["desk"])
    def cancel(self, request: HttpRequest, rows: QuerySet[SyncRun]) -> None:
        asked = sum(runs.cancel(row, by=str(request.user), at=timezone.now()) for row in rows)
        words = ngettext("%(n)s run stops at its next page.", "%(n)s runs stop at their next page.", asked)
        messages.success(request, words % {"n": asked})

    # its page ------------------------------------------------------------------------------------------------------

    def get_urls(self) -> list[Any]:
        wrap = self.admin_site.admin_view
        own = [
            path(f"<path:object_id>/{name}/", wrap(view), name=f"integrations_syncrun_{name}")
            for name, view in (("live", self.live_view), ("cancel", self.cancel_view), ("again", self.again_view))
        ]
        return [*own, *super().get_urls()]

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        run = self._find(request, object_id)
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": _("Run %(number)s: %(flow)s") % {"number": run.pk, "flow": run.flow},
            "object": run,
            "may_act": may(request, DESK),
            "exchanges": Exchange.objects.filter(run=run).exists(),
            "outcomes": _outcomes(run, request.GET.get("outcome", "")),
            "outcome": request.GET.get("outcome", ""),
            "records": RECORDS,
            **_live(run, request),
        }
        return TemplateResponse(request, "admin/run/page.html", context)

    def live_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """What of the page changes while it runs, asked for again and again; once it is over, the page as a whole."""
        context = _live(self._find(request, object_id), request)
        over = "open" in request.GET and not context["is_open"]
        return TemplateResponse(
            request, "admin/run/live.html", context, headers={"HX-Refresh": "true"} if over else None
        )

    def cancel_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        run = self._find(request, object_id, acting=True)
        if request.method == "POST":
            if runs.cancel(run, by=str(request.user), at=timezone.now()):
                messages.success(request, _("The run stops at its next page; what it has done stays."))
            else:
                messages.error(request, _("The run is over already."))
        return self._page_of(run)

    def again_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        run = self._find(request, object_id, acting=True)
        if request.method == "POST":
            run = start_again(run, at=timezone.now(), by=request.user)  # type: ignore[arg-type]  # logged in
            messages.success(request, _("This is the new run."))
        return self._page_of(run)

    def _page_of(self, run: SyncRun) -> HttpResponse:
        return HttpResponseRedirect(reverse("admin:integrations_syncrun_change", args=(run.pk,)))

    def _find(self, request: HttpRequest, object_id: str, *, acting: bool = False) -> SyncRun:
        if not self.has_view_permission(request) or (acting and not may(request, DESK)):
            raise PermissionDenied
        rows = self.get_queryset(request).select_related("flow__connection", "started_by", "procedure_run__procedure")
        run: SyncRun | None = rows.filter(pk=object_id).first() if object_id.isdecimal() else None
        if run is None:
            raise Http404
        return run


def _live(run: SyncRun, request: HttpRequest) -> dict[str, Any]:
    """State, progress, counts and the newest lines of the log, filtered."""
    level, text = request.GET.get("level", ""), request.GET.get("text", "").strip()
    lines = RunLogLine.objects.filter(run=run)
    if level == "warning":
        lines = lines.exclude(level="info")
    if text:
        lines = lines.filter(message__icontains=text)
    found = list(lines.order_by("-pk")[: LINES + 1])
    return {
        "run": run,
        "connection": run.flow.connection,
        "badge": badge(run.get_state_display(), TONES[run.state]),
        "is_open": run.state in SyncRun.OPEN_STATES,
        "started": describe_start(run),
        "progress": measure(run, at=timezone.now()),
        "lines": found[:LINES],
        "more_lines": len(found) > LINES,
        "level": level,
        "text": text,
        "live": reverse("admin:integrations_syncrun_live", args=(run.pk,)),
    }


def _outcomes(run: SyncRun, wanted: str) -> list[dict[str, Any]]:
    """What was skipped and what failed: how many for which reason, and the first records by name."""
    found = []
    for outcome, count in ((RunOutcome.Outcome.FAILED, run.failed), (RunOutcome.Outcome.SKIPPED, run.skipped)):
        if not count or wanted not in ("", outcome.value):
            continue
        rows = RunOutcome.objects.filter(run=run, outcome=outcome)
        reasons = rows.values("code").annotate(n=Count("pk")).order_by("-n", "code")[:20]
        found.append({
            "key": outcome.value,
            "label": outcome.label,
            "count": count,
            "reasons": list(reasons),
            "rows": list(rows.select_related("event").order_by("pk")[:RECORDS]),
            "named": rows.count(),
        })  # fmt: skip
    return found
