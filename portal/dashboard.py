"""Today: what needs somebody, where today's orders are, how the connections do. Counts, each a link to its rows."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from django.contrib import admin
from django.contrib.humanize.templatetags.humanize import naturaltime
from django.db.models import Count, Max, Min, Q, QuerySet, Sum
from django.db.models.functions import TruncDate
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from catalog.services.worklist import list_progress
from integrations.models import (
    Command,
    Connection,
    Credential,
    Flow,
    Hold,
    InboundEvent,
    Problem,
    Procedure,
    ProcedureRun,
    Stream,
    SyncRun,
    ValueMapping,
)
from integrations.sync.problems import SET_ASIDE
from orders.admin.filters import start_of_day
from orders.admin.seen import list_stages
from orders.models import Order
from portal.base.admin import OFFICE, ago, badge, is_limited, may, money
from portal.reports.orders import is_balanced

CHART_DAYS = 14
OVERDUE_SECONDS = 120
EXPIRY_TOLD = timedelta(days=14)

STATE_TONES = {"active": "good", "needs_reauth": "bad", "degraded": "wait", "paused": "wait"}
RUN_TONES = {"done": "good", "failed": "bad", "running": "wait", "waiting": "wait"}
# Why an order waits → what a person does about it.
_HOLDS, _VALUES = "admin:integrations_hold_changelist", "admin:integrations_valuemapping_changelist"
VERBS = {
    "unmapped": (
        "wait for articles nobody has mapped",
        "Map them",
        "admin:catalog_mappingconflict_changelist",
        "type=",
    ),
    "no_article_there": (
        "wait for articles the back office does not have",
        "Look",
        _HOLDS,
        "reason=no_article_there",
    ),
    "tax": ("wait for a tax to be mapped", "Map the tax", _VALUES, "kind__exact=tax"),
    "special_line": ("wait for shipping or fees to be mapped", "Map them", _VALUES, "kind__exact=special_line"),
    "amount_mismatch": ("do not add up", "Look", _HOLDS, "reason=amount_mismatch"),
}
BY_THEMSELVES = ("customer", "account")  # reasons that end without anybody


def build_today(request: HttpRequest, context: dict[str, Any]) -> dict[str, Any]:
    """The page's context; inside the merchant's scope. Unfold calls it (UNFOLD["DASHBOARD_CALLBACK"])."""
    if not may(request, OFFICE):
        return context
    orders: QuerySet[Any] = admin.site.get_model_admin(Order).get_queryset(request)
    return {
        **context,
        "needs": [*_holds(orders), *_stopped(orders), *_unread(), *_broken_connections()],
        "orders": _orders(orders, request.merchant.pk),  # type: ignore[attr-defined]  # the middleware's
        "connections": [_connection(row) for row in Connection.objects.order_by("role", "name")],
        "mapped": _mapped(request.merchant.pk),  # type: ignore[attr-defined]  # the middleware's
        "procedures": [_procedure(row) for row in Procedure.objects.filter(enabled=True).order_by("name")],
        "setup": _setup(request.merchant.pk),  # type: ignore[attr-defined]  # the middleware's
        "chart": _chart(orders),
    }


def _holds(orders: QuerySet[Any]) -> list[dict[str, Any]]:
    """One line a reason: how many orders, how much money, since when."""
    rows = (
        Hold.objects.filter(ended_at__isnull=True, subject_type="order")
        .filter(Q(subject_id__in=orders.values("pk")) if is_limited() else Q())
        .exclude(reason__in=BY_THEMSELVES)
        .values("reason", "currency")
        .annotate(orders=Count("subject_id", distinct=True), amount=Sum("amount"), oldest=Min("since"))
        .order_by("oldest")
    )
    found = []
    for row in rows:
        fallback = ("wait", "Look", "admin:integrations_hold_changelist", f"reason={row['reason']}")
        words, verb, name, query = VERBS.get(row["reason"], fallback)
        found.append({
            "words": _say_orders(row["orders"], words),
            "money": money(row["amount"], row["currency"]),
            "since": ago(row["oldest"]),
            "verb": verb,
            "url": f"{reverse(name)}?{query}",
        })  # fmt: skip
    return found


def _say_orders(count: int, words: str) -> str:
    if count != 1:
        return f"{count} orders {words}"
    return f"1 order {words.replace('wait', 'waits', 1).replace('do not', 'does not', 1)}"


def _say_messages(name: str, verb: str, count: int) -> str:
    return f"{name} {verb} {count} message{'s' if count != 1 else ''}"


def _stopped(orders: QuerySet[Any]) -> list[dict[str, Any]]:
    """Messages a back office refused, or whose outcome nobody knows."""
    words = {Command.State.NEEDS_FIX: "refuses", Command.State.NEEDS_HUMAN: "may or may not have"}
    rows = (
        Command.objects.filter(state__in=list(words))
        .filter(Q(subject_type="order", subject_id__in=orders.values("pk")) if is_limited() else Q())
        .values("connection__name", "connection_id", "state", "currency")
        .annotate(count=Count("pk"), amount=Sum("amount"), oldest=Min("state_at"))
    )
    return [
        {
            "words": _say_messages(row["connection__name"], words[Command.State(row["state"])], row["count"]),
            "money": money(row["amount"], row["currency"]) if row["amount"] else "",
            "since": ago(row["oldest"]),
            **_stopped_where(row["state"], row["connection_id"]),
        }
        for row in rows
    ]


def _unread() -> list[dict[str, Any]]:
    """Records that could not be taken over, and flows whose run failed, by connection."""
    if is_limited():
        return []
    shown = {"problem__state": Problem.State.OPEN}
    events = InboundEvent.objects.filter(state__in=SET_ASIDE, **shown).values("connection__name", "connection_id")
    runs = SyncRun.objects.filter(**shown).exclude(flow__connection__state=Connection.State.NEEDS_REAUTH)
    flows = runs.values("flow__connection__name", "flow__connection_id", "flow__stream", "flow__direction")
    found = [
        (row["connection__name"], row["connection_id"], row["oldest"], ngettext(
            "%(n)s record could not be taken over", "%(n)s records could not be taken over", row["n"]
        ) % {"n": row["n"]})
        for row in events.annotate(n=Count("pk"), oldest=Min("received_at")).order_by("oldest")
    ]  # fmt: skip
    for row in flows.annotate(oldest=Min("finished_at")).order_by("oldest"):
        does = _("reading") if row["flow__direction"] == Flow.Direction.PULL else _("sending")
        words = _("%(does)s %(what)s fails") % {"does": does, "what": Stream(row["flow__stream"]).label.lower()}
        found.append((row["flow__connection__name"], row["flow__connection_id"], row["oldest"], words))
    url = reverse("admin:integrations_problem_changelist")
    return [
        {
            "words": f"{name}: {words}",
            "money": "",
            "since": ago(since),
            "verb": _("See why"),
            "url": f"{url}?state__exact=open&connection__id__exact={pk}",
        }
        for name, pk, since, words in found
    ]


def _stopped_where(state: str, connection_id: int) -> dict[str, str]:
    """Refusals are mended together, by their problem; what nobody knows is decided one by one."""
    if state == Command.State.NEEDS_FIX and not is_limited():
        query = f"state__exact=open&connection__id__exact={connection_id}"
        return {"verb": _("See why"), "url": f"{reverse('admin:integrations_problem_changelist')}?{query}"}
    return {"verb": _("Decide"), "url": f"{reverse('admin:integrations_command_changelist')}?state__exact={state}"}


def _broken_connections() -> list[dict[str, Any]]:
    """Connections nobody is let into, secrets about to end, and webhooks that were lost and could not be mended."""
    broken = [
        _need(row, row.state_reason or _("needs new credentials"), _("Re-connect"), "credentials")
        for row in Connection.objects.filter(state=Connection.State.NEEDS_REAUTH)
    ]
    ending = Credential.objects.filter(expires_at__lte=timezone.now() + EXPIRY_TOLD).select_related("connection")
    running = ending.exclude(connection__state=Connection.State.DISABLED).order_by("expires_at")
    broken += [
        _need(one.connection, _describe_expiry(one.expires_at), _("Renew them"), "credentials")
        for one in running
        if one.expires_at
    ]
    deaf = Connection.objects.filter(state__in=Connection.WRITING_STATES).exclude(webhooks_missing=[]).order_by("name")
    words = _("no longer tells us of %(topics)s; it is polled meanwhile")
    broken += [
        _need(row, words % {"topics": ", ".join(row.webhooks_missing)}, _("Register again"), "webhooks") for row in deaf
    ]
    return broken


def _describe_expiry(at: datetime) -> str:
    ended = at <= timezone.now()
    words = _("its credentials ended %(when)s") if ended else _("its credentials end %(when)s")
    return words % {"when": naturaltime(at)}


def _need(row: Connection, words: str, verb: str, tab: str) -> dict[str, Any]:
    url = reverse("admin:integrations_connection_change", args=(row.pk,))
    return {"words": f"{row.name}: {words}", "money": "", "since": "", "verb": verb, "url": f"{url}?tab={tab}"}


def _orders(rows: QuerySet[Any], merchant_id: int) -> dict[str, Any]:
    """Today's orders by where they are; the stages add up to all."""
    rows = rows.filter(received_at__gte=start_of_day())
    url = f"{reverse('admin:orders_order_changelist')}?received=0"
    lines, counted = [], 0
    total = _sums(rows)
    for key, (words, wanted) in list_stages().items():
        for one in _sums(rows.filter(wanted)):
            counted += one["count"]
            shown = money(one["amount"], one["currency"])
            lines.append({"count": one["count"], "words": words, "money": shown, "url": f"{url}&see={key}"})
    count = sum(one["count"] for one in total)
    balanced = counted == count and is_balanced(rows, merchant_id=merchant_id)
    received = " + ".join(money(one["amount"], one["currency"]) for one in total)
    return {"total": count, "money": received, "lines": lines, "url": url, "balanced": balanced}


def _sums(rows: QuerySet[Any]) -> list[dict[str, Any]]:
    sums = rows.order_by().values("currency").annotate(count=Count("pk"), amount=Sum("total"))
    return list(sums.order_by("currency"))


def _chart(rows: QuerySet[Any]) -> str:
    """Orders of each of the last days, as chart.js wants them."""
    first = start_of_day(CHART_DAYS - 1)
    days = rows.order_by().filter(received_at__gte=first).values(day=TruncDate("received_at")).annotate(n=Count("pk"))
    found = {row["day"]: row["n"] for row in days.order_by("day")}
    labels = [(first + timedelta(days=i)).date() for i in range(CHART_DAYS)]
    bars = {"label": "Orders", "data": [found.get(day, 0) for day in labels], "backgroundColor": "rgb(147 51 234)"}
    return json.dumps({"labels": [f"{day:%d %b}" for day in labels], "datasets": [bars]})


def _connection(row: Connection) -> dict[str, Any]:
    waiting = 0 if is_limited() else Command.objects.filter(connection=row, state__in=Command.OPEN_STATES).count()
    return {
        "name": row.name,
        "badge": badge(row.get_state_display(), STATE_TONES.get(row.state, "plain")),
        "last": ago(row.last_success_at),
        "waiting": waiting,
        "url": reverse("admin:integrations_connection_change", args=(row.pk,)),
        "waiting_url": f"{reverse('admin:integrations_command_changelist')}?connection__id__exact={row.pk}",
    }


def _mapped(merchant_id: int) -> dict[str, Any]:
    """How far each shop's mapping is; each number leads to its rows."""
    rows = list_progress(merchant_id=merchant_id)
    bound = sum(row.bound for row in rows)
    total = bound + sum(row.suggested + row.conflict for row in rows)
    percent = f"{Decimal(100) * bound / total:.1f} %" if total else "–"
    return {
        "total": total,
        "bound": bound,
        "percent": percent,
        "url": reverse("admin:catalog_binding_worklist"),
        "shops": [(row, _mapping_links(row.connection.pk)) for row in rows],
    }


def _mapping_links(pk: int) -> dict[str, str]:
    bindings, worklist = reverse("admin:catalog_binding_changelist"), reverse("admin:catalog_binding_worklist")
    return {
        "bound": f"{bindings}?connection__id__exact={pk}&state__exact=bound",
        "suggested": f"{worklist}?shop={pk}&show=suggested",
        "conflict": f"{reverse('admin:catalog_mappingconflict_changelist')}?shop={pk}",
        "missing": f"{worklist}?shop={pk}&show=missing",
    }


def _procedure(row: Procedure) -> dict[str, Any]:
    last = row.runs.aggregate(pk=Max("pk"))["pk"]
    run = ProcedureRun.objects.filter(pk=last).first() if last else None
    return {
        "name": row.name,
        "badge": badge(run.get_state_display(), RUN_TONES.get(run.state, "plain")) if run else "",
        "next": _next_words(row),
        "url": f"{reverse('admin:integrations_procedurerun_changelist')}?procedure__id__exact={row.pk}",
    }


def _next_words(row: Procedure) -> str:
    """When it runs next; one long overdue tells that nobody works."""
    if row.next_due_at is None:
        return f"next at {row.event}" if row.event else "started by hand"
    seconds = (row.next_due_at - timezone.now()).total_seconds()
    if seconds < -OVERDUE_SECONDS:
        return f"was due {naturaltime(row.next_due_at)}: does the worker run?"
    return "due now" if seconds <= 0 else f"next {naturaltime(row.next_due_at)}"


def _setup(merchant_id: int) -> list[dict[str, Any]]:
    """The way of a new merchant, until a shop and a back office of his are live: each step, whether it is done, what is
    still open of it, and where it is done."""
    rows = list(Connection.objects.order_by("pk"))
    shops = [row for row in rows if row.role in Connection.SELLING_ROLES]
    offices = [row for row in rows if row.role not in Connection.SELLING_ROLES]
    if any(row.live_since for row in shops) and any(row.live_since for row in offices):
        return []
    return [
        _connect_step(_("Connect your shop"), shops),
        _connect_step(_("Connect your ERP"), offices),
        _step(
            _("Say which location each belongs to"),
            done=bool(shops and offices) and all(row.location_id for row in rows),
            note=_("%(n)s without one") % {"n": sum(row.location_id is None for row in rows)} if rows else "",
            url=reverse("admin:tenancy_location_changelist"),
        ),
        _flow_step(rows),
        _value_step(),
        _code_step(merchant_id),
        _step(
            _("Place a test order in your shop, and see it here"),
            done=Order.objects.exists(),
            url=reverse("admin:orders_order_changelist"),
        ),
        _live_step(rows),
    ]


def _step(label: str, *, done: bool, url: str, note: str = "") -> dict[str, Any]:
    return {"label": label, "done": done, "url": url, "note": "" if done else note}


def _connect_step(label: str, rows: list[Connection]) -> dict[str, Any]:
    """Done once one answered; one that is there and untested is tested next."""
    done = any(row.check_ok for row in rows)
    note = _("test %(row)s next") % {"row": rows[0]} if rows else ""
    url = reverse("admin:integrations_connection_change", args=(rows[0].pk,)) if rows else ""
    return _step(label, done=done, note=note, url=url or reverse("admin:integrations_connection_add"))


def _flow_step(rows: list[Connection]) -> dict[str, Any]:
    used = set(Flow.objects.filter(enabled=True).values_list("connection_id", flat=True))
    idle = [row for row in rows if row.pk not in used]
    url = reverse("admin:integrations_flow_changelist")
    if idle:
        url = f"{reverse('admin:integrations_connection_change', args=(idle[0].pk,))}?tab=flows"
    note = _("nothing of %(row)s yet") % {"row": idle[0]} if idle else ""
    return _step(_("Say what flows where"), done=bool(rows) and not idle, note=note, url=url)


def _value_step() -> dict[str, Any]:
    open_ones = ValueMapping.objects.filter(ours="").count()
    return _step(
        _("Map taxes, payments and shipping"),
        done=not open_ones and ValueMapping.objects.exists(),
        note=_("%(n)s are not mapped") % {"n": open_ones} if open_ones else _("none was seen yet"),
        url=reverse("admin:integrations_valuemapping_changelist"),
    )


def _code_step(merchant_id: int) -> dict[str, Any]:
    mapped = _mapped(merchant_id)
    note = _("%(bound)s of %(total)s are known") % mapped if mapped["total"] else _("read the shop's products first")
    done = bool(mapped["total"]) and mapped["bound"] == mapped["total"]
    return _step(_("Map the codes"), done=done, note=note, url=mapped["url"])


def _live_step(rows: list[Connection]) -> dict[str, Any]:
    """Never done here: with a shop and an ERP live the whole path is gone."""
    ready = [row for row in rows if row.state == Connection.State.WATCHING]
    url = reverse("admin:integrations_connection_changelist")
    if ready:
        url = reverse("admin:integrations_connection_golive", args=(ready[0].pk,))
    note = _("next: %(row)s") % {"row": ready[0]} if ready else ""
    return _step(_("Go live"), done=False, note=note, url=url)
