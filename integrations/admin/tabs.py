"""What each tab of a connection's page shows; only the open one is computed."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from integrations.admin.advice import advise, describe_next
from integrations.admin.runs import TONES as RUN_TONES
from integrations.admin.waiting import describe_release
from integrations.contract.errors import AuthFailed
from integrations.forms import CredentialsForm
from integrations.models import Connection, Credential, Exchange, Flow, Hold, InboundEvent, Stream, SyncRun
from integrations.sync import connections, resuming, webhook_doctor
from integrations.sync.housekeeping import read_captures_days
from integrations.sync.platforms import BY_MESSAGE, build_matrix, find_level, get_platform
from integrations.sync.vault import list_stored
from portal.base.admin import badge, is_limited, money

Rows = Callable[..., QuerySet[Any]]  # (request, model, connection, path): as many as the person sees on their own page
SHOWN, CAPTURES, CHANGES = 20, 25, 40
BODY = 4_000  # characters of a capture shown here; all of it is on its own page
NOT_TOLD = ("check_ok", "check_message", "check_latency_ms", "checked_at", "last_success_at")


def build_overview(request: HttpRequest, row: Connection, rows: Rows) -> dict[str, Any]:
    """State, test, backlog by part, what it can do."""
    waits = None if is_limited() else connections.count_backlog(row)
    counts = {"orders": waits.messages, "stock": waits.stock, "prices": waits.prices} if waits else {}
    can = set(connections.list_possible_flows(row))
    parts = [
        (part, label, getattr(row, f"{part}_paused"), counts.get(part))
        for part, label, flow in (
            ("orders", _("orders"), ("order", "push")),
            ("stock", _("stock"), ("stock", "push")),
            ("prices", _("prices"), ("price", "push")),
        )
        if flow in can or part == "orders"
    ]
    return {
        "next": describe_next(row),
        "level": find_level(row.platform, row.settings),
        "advice": "" if row.check_ok else advise(row.check_code),
        "backlog": waits,
        "backlog_money": " + ".join(money(amount, currency) for currency, amount in waits.money) if waits else "",
        "held": rows(request, Hold, row).filter(ended_at__isnull=True).count(),
        "parts": parts,
        "release": _find_release(row),
        "matrix": build_matrix(row.platform, row.settings),
        "runs": [
            (run, badge(run.get_state_display(), RUN_TONES[run.state]))
            for run in rows(request, SyncRun, row, "flow__connection").select_related("flow")[:8]
        ],
    }


def _find_release(row: Connection) -> dict[str, Any] | None:
    """What goes on after a pause; one that was stopped, while it stands still for that."""
    found = describe_release(f"{resuming.KEY}{row.pk}", row.merchant_id)
    return found if found and (found["going"] or row.orders_paused) else None


def build_credentials(request: HttpRequest, row: Connection, rows: Rows) -> dict[str, Any]:
    """Which secrets there are, since when and until when; never what they say."""
    platform = get_platform(row.platform)
    kept = Credential.objects.filter(connection=row).first()
    trouble = ""
    try:
        stored = list_stored(row)
    except AuthFailed as error:
        stored, trouble = frozenset(), f"{error.message} {advise(error.code)}"
    expires_at = kept.expires_at if kept else None
    return {
        "credential": kept,
        "trouble": trouble,
        "expired": bool(expires_at and expires_at <= timezone.now()),
        "secrets": [(field.label, field.name in stored, field.required) for field in platform.credential_fields],
        "credentials_form": CredentialsForm(platform=platform, expires_at=expires_at),
    }


def build_flows(request: HttpRequest, row: Connection, rows: Rows) -> dict[str, Any]:
    """What flows, with its last run; what could flow; what cannot."""
    flows = list(row.flows.order_by("direction", "stream").prefetch_related("steps__procedure"))
    last: dict[int, SyncRun] = {}
    for flow in flows:
        if run := rows(request, SyncRun, row, "flow__connection").filter(flow=flow).first():
            last[flow.pk] = run
    there = {(flow.stream, flow.direction) for flow in flows}
    possible = connections.list_possible_flows(row)
    return {
        "flows": [
            {
                "row": flow,
                "run": last.get(flow.pk),
                "badge": badge(last[flow.pk].get_state_display(), RUN_TONES[last[flow.pk].state])
                if flow.pk in last
                else "",
                "procedures": [step.procedure for step in flow.steps.all()],
                "runs_itself": (flow.stream, flow.direction) not in BY_MESSAGE,
            }
            for flow in flows
        ],
        "possible": [
            (stream, direction, f"{Stream(stream).label} {Flow.Direction(direction).label}")
            for stream, direction in possible
            if (stream, direction) not in there
        ],
        "impossible": [
            (subject, ability) for subject, cells in build_matrix(row.platform, row.settings) for ability in cells
            if not ability.can
        ],
    }  # fmt: skip


def build_webhooks(request: HttpRequest, row: Connection, rows: Rows) -> dict[str, Any]:
    """Whether it tells us of changes, what is missing there, what came in."""
    events = rows(request, InboundEvent, row).filter(kind=InboundEvent.Kind.WEBHOOK)
    bad = (InboundEvent.State.FAILED, InboundEvent.State.QUARANTINED)
    return {
        "expected": webhook_doctor.list_expected(row),
        "can_look": webhook_doctor.can_look(row),
        "public_url": settings.PUBLIC_URL,
        "address": connections.build_webhook_address(row, settings.PUBLIC_URL) if settings.PUBLIC_URL else "",
        "last_event": events.first(),
        "bad_events": events.filter(state__in=bad).count(),
        "events": events[:SHOWN],
    }


def build_captures(request: HttpRequest, row: Connection, rows: Rows) -> dict[str, Any]:
    """The newest requests with their answers."""
    only = request.GET.get("only", "")
    found = rows(request, Exchange, row)
    if only == "errors":
        found = found.filter(Q(status__gte=400) | Q(status__isnull=True))
    return {
        "only": only,
        "days": read_captures_days(row.merchant_id),
        "captures": [
            {"row": one, "asked": _text(one.request_body), "answered": _text(one.response_body)}
            for one in found[:CAPTURES]
        ],
    }


def _text(body: Any) -> str:
    raw = bytes(body)
    text = raw[:BODY].decode("utf-8", "replace")
    return f"{text}\n…" if len(raw) > BODY else text


def build_history(request: HttpRequest, row: Connection, rows: Rows) -> dict[str, Any]:
    """Who changed what of its settings, the newest first."""
    versions = list(row.history.select_related("history_user").order_by("-history_date", "-history_id")[: CHANGES + 1])
    changes = []
    for new, old in zip(versions, [*versions[1:], None], strict=True):
        if old is None:
            if len(versions) <= CHANGES:
                changes.append({"at": new.history_date, "by": new.history_user, "what": [_("The connection is made.")]})
            continue
        what = _describe_changes(new, old)
        if what:
            changes.append({"at": new.history_date, "by": new.history_user, "what": what})
    return {"changes": changes}


def _describe_changes(new: Any, old: Any) -> list[str]:
    found = []
    for change in new.diff_against(old, excluded_fields=NOT_TOLD).changes:
        if change.field == "settings":
            keys = sorted({*change.old, *change.new})
            found += [
                f"{key}: {_say(change.old.get(key))} → {_say(change.new.get(key))}"
                for key in keys
                if change.old.get(key) != change.new.get(key)
            ]
            continue
        field = Connection._meta.get_field(change.field)
        words = dict(getattr(field, "flatchoices", ()))
        before, after = (_say(words.get(value, value) if words else value) for value in (change.old, change.new))
        found.append(f"{getattr(field, 'verbose_name', change.field)}: {before} → {after}")
    return found


def _say(value: Any) -> str:
    if isinstance(value, datetime):
        return f"{timezone.localtime(value):%Y-%m-%d %H:%M}"
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    if isinstance(value, list):
        return ", ".join(map(str, value)) or "–"
    return "–" if value in (None, "") else str(value)


TABS: dict[str, tuple[Any, Callable[[HttpRequest, Connection, Rows], dict[str, Any]]]] = {
    "overview": (gettext_lazy("Overview"), build_overview),
    "credentials": (gettext_lazy("Credentials"), build_credentials),
    "flows": (gettext_lazy("Flows"), build_flows),
    "webhooks": (gettext_lazy("Webhooks"), build_webhooks),
    "captures": (gettext_lazy("Captures"), build_captures),
    "history": (gettext_lazy("History"), build_history),
}
