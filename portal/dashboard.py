"""Today: what needs somebody, where today's orders are, how the connections do. Counts, each a link to its rows."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from django.db.models import Count, Exists, Max, Min, OuterRef, Q, Sum
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone

from catalog.models import Binding
from integrations.models import Command, Connection, Flow, Hold, Procedure, ProcedureRun
from orders.models import FulfilmentOrder, Order
from portal.base.admin import ago, badge, money

SHOPS = (Connection.Role.STORE, Connection.Role.CHANNEL)
STATE_TONES = {"active": "good", "needs_reauth": "bad", "degraded": "wait", "paused": "wait"}
RUN_TONES = {"done": "good", "failed": "bad", "running": "wait", "waiting": "wait"}
# Why an order waits → what a person does about it.
_HOLDS, _VALUES = "admin:integrations_hold_changelist", "admin:integrations_valuemapping_changelist"
VERBS = {
    "unmapped": (
        "wait for articles nobody has mapped",
        "Map them",
        "admin:catalog_binding_changelist",
        "state__exact=conflict",
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
BY_THEMSELVES = ("customer",)  # reasons that end without anybody


def build_today(request: HttpRequest) -> dict[str, Any]:
    """The page's context; inside the merchant's scope."""
    now = timezone.now()
    return {
        "needs": [*_holds(), *_stopped(), *_broken_connections()],
        "orders": _orders(now),
        "connections": [_connection(row) for row in Connection.objects.order_by("role", "name")],
        "mapped": _mapped(),
        "procedures": [_procedure(row) for row in Procedure.objects.filter(enabled=True).order_by("name")],
        "setup": _setup(),
        "merchant": getattr(request, "merchant", None),
    }


def _holds() -> list[dict[str, Any]]:
    """One line a reason: how many orders, how much money, since when."""
    rows = (
        Hold.objects.filter(ended_at__isnull=True, subject_type="order")
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
            "words": f"{row['orders']} order{'s' if row['orders'] != 1 else ''} {words}",
            "money": money(row["amount"], row["currency"]),
            "since": ago(row["oldest"]),
            "verb": verb,
            "url": f"{reverse(name)}?{query}",
        })  # fmt: skip
    return found


def _stopped() -> list[dict[str, Any]]:
    """Messages a back office refused, or whose outcome nobody knows."""
    words = {Command.State.NEEDS_FIX: "refuses", Command.State.NEEDS_HUMAN: "may or may not have"}
    rows = (
        Command.objects.filter(state__in=list(words))
        .values("connection__name", "connection_id", "state", "currency")
        .annotate(count=Count("pk"), amount=Sum("amount"), oldest=Min("state_at"))
    )
    return [
        {
            "words": f"{row['connection__name']} {words[Command.State(row['state'])]} {row['count']} messages",
            "money": money(row["amount"], row["currency"]),
            "since": ago(row["oldest"]),
            "verb": "Decide",
            "url": f"{reverse('admin:integrations_command_changelist')}?state__exact={row['state']}",
        }
        for row in rows
    ]


def _broken_connections() -> list[dict[str, Any]]:
    return [
        {
            "words": f"{row.name}: {row.state_reason or 'needs new credentials'}",
            "money": "",
            "since": "",
            "verb": "Re-connect",
            "url": reverse("admin:integrations_connection_change", args=(row.pk,)),
        }
        for row in Connection.objects.filter(state=Connection.State.NEEDS_REAUTH)
    ]


def _orders(now: datetime) -> dict[str, Any]:
    """Today's orders by where they are; the parts add up to all."""
    since = timezone.localtime(now).replace(hour=0, minute=0, second=0, microsecond=0)
    rows = Order.objects.filter(received_at__gte=since)
    of_state = FulfilmentOrder.objects.filter(order=OuterRef("pk"))
    there = Q(Exists(of_state.filter(state=FulfilmentOrder.State.PLACED)))
    stopped = Q(Exists(of_state.filter(state__in=("needs_fix", "needs_human"))))
    cancelled = Q(fulfilment=Order.Fulfilment.CANCELLED)
    some = Q(Exists(of_state))
    parts = (
        ("in the back office", "see=there", there & ~cancelled),
        ("refused or unclear", "see=needs", stopped & ~there & ~cancelled),
        ("waiting", "see=waiting", some & ~there & ~stopped & ~cancelled),
        ("cancelled", "fulfilment__exact=cancelled", cancelled),
        ("not sent by us", "", ~some & ~cancelled),
    )
    url = reverse("admin:orders_order_changelist")
    lines, total, counted = [], rows.count(), 0
    for words, query, wanted in parts:
        found = rows.filter(wanted).values("currency").annotate(count=Count("pk"), amount=Sum("total"))
        for one in found:
            counted += one["count"]
            shown = money(one["amount"], one["currency"])
            lines.append({"count": one["count"], "words": words, "money": shown, "url": f"{url}?{query}"})
    return {"total": total, "lines": lines, "url": url, "balanced": counted == total}


def _connection(row: Connection) -> dict[str, Any]:
    waiting = Command.objects.filter(connection=row, state__in=Command.OPEN_STATES).count()
    return {
        "name": row.name,
        "badge": badge(row.get_state_display(), STATE_TONES.get(row.state, "plain")),
        "last": ago(row.last_success_at),
        "waiting": waiting,
        "url": reverse("admin:integrations_connection_change", args=(row.pk,)),
        "waiting_url": f"{reverse('admin:integrations_command_changelist')}?connection__id__exact={row.pk}",
    }


def _mapped() -> dict[str, Any]:
    rows = Binding.objects.filter(connection__role__in=SHOPS).exclude(state__in=("ignored", "stale"))
    total, bound = rows.count(), rows.filter(state=Binding.State.BOUND).count()
    percent = f"{Decimal(100) * bound / total:.1f} %" if total else "–"
    return {"total": total, "bound": bound, "percent": percent, "url": reverse("admin:catalog_binding_changelist")}


def _procedure(row: Procedure) -> dict[str, Any]:
    last = row.runs.aggregate(pk=Max("pk"))["pk"]
    run = ProcedureRun.objects.filter(pk=last).first() if last else None
    soon = row.next_due_at - timezone.now() if row.next_due_at else None
    words = f"in {max(soon, timedelta()).total_seconds():.0f} s" if soon is not None else f"at {row.event or 'a click'}"
    return {
        "name": row.name,
        "badge": badge(run.get_state_display(), RUN_TONES.get(run.state, "plain")) if run else "",
        "next": words,
        "url": f"{reverse('admin:integrations_procedurerun_changelist')}?procedure__id__exact={row.pk}",
    }


def _setup() -> list[dict[str, Any]]:
    """The way of a new merchant, until his first connection is live."""
    rows = list(Connection.objects.all())
    shops = [row for row in rows if row.role in SHOPS]
    offices = [row for row in rows if row.role not in SHOPS]
    if any(row.live_since for row in shops) and any(row.live_since for row in offices):
        return []
    add = reverse("admin:integrations_connection_add")
    pages = {
        "flows": reverse("admin:integrations_flow_changelist"),
        "codes": reverse("admin:catalog_binding_changelist"),
    }
    return [
        {"label": "Add your shop", "done": bool(shops), "url": add},
        {"label": "Add your ERP", "done": bool(offices), "url": add},
        {"label": "Say what flows where", "done": Flow.objects.exists(), "url": pages["flows"]},
        {"label": "Map the codes", "done": Binding.objects.filter(state="bound").exists(), "url": pages["codes"]},
        {"label": "Go live", "done": False, "url": reverse("admin:integrations_connection_changelist")},
    ]
