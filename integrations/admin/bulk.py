"""Many messages sent again at once: more than a hundred only after a look at what would go."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.contrib.admin import helpers
from django.db.models import Count, QuerySet, Sum
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils import timezone

from integrations.models import Command
from integrations.sync import replay
from portal.base.admin import MerchantAdmin, money

ASK_ABOVE = 100
MOST = 1000  # in one go; the rest is sent with the next


def send_again(page: MerchantAdmin, request: HttpRequest, commands: QuerySet[Command]) -> HttpResponse | None:
    """Build each refused message anew and send it; a page that asks first where they are many."""
    refused = commands.filter(state=Command.State.NEEDS_FIX).order_by("pk")
    count = refused.count()
    if count > ASK_ABOVE and "confirmed" not in request.POST:
        return _ask(page, request, refused, count)
    done, errors = 0, set[str]()
    for row in refused[:MOST]:
        try:
            replay.rebuild(command=row, by=request.user, at=timezone.now(), reason="many at once")  # type: ignore[arg-type]  # logged in
            done += 1
        except replay.NotPossible as error:
            errors.add(f"{row}: {error}")
    left = f"; {count - MOST} are left for another go" if count > MOST else ""
    messages.success(request, f"{done} messages are built anew and sent{left}.")
    for words in sorted(errors)[:5]:
        messages.error(request, words)
    return None


def _ask(page: MerchantAdmin, request: HttpRequest, refused: QuerySet[Command], count: int) -> HttpResponse:
    groups = refused.order_by().values("connection__name", "message", "currency")
    totals = groups.annotate(n=Count("pk"), amount=Sum("amount")).order_by("-n")[:20]
    lines: list[dict[str, Any]] = [
        {
            "count": one["n"],
            "where": one["connection__name"],
            "message": one["message"],
            "money": money(one["amount"], one["currency"]),
        }
        for one in totals
    ]
    context = {
        **page.admin_site.each_context(request),
        "opts": page.opts,
        "title": f"Send {count} messages again?",
        "count": count,
        "most": MOST,
        "lines": lines,
        "action": request.POST.get("action", ""),
        "selected": request.POST.getlist(helpers.ACTION_CHECKBOX_NAME),
        "select_across": request.POST.get("select_across", "0"),
    }
    return TemplateResponse(request, "admin/command/confirm.html", context)
