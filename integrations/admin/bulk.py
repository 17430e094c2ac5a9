"""Many messages sent again at once, after a look at what would go; more than a hundred only where their number is
typed."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.contrib.admin import helpers
from django.db.models import Count, QuerySet, Sum
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from integrations.models import Command
from integrations.sync import replay
from integrations.sync.preview import Preview, preview
from portal.base.admin import MerchantAdmin, money

ASK_ABOVE = 100
MOST = 1000  # in one go; the rest is sent with the next
COMPARED = 20  # of the first so many it is shown what would be sent differently
WAYS = {"rebuild": replay.rebuild, "retry": replay.retry}


def is_meant(request: HttpRequest, count: int) -> bool:
    """Whether the person may mean so many: over a hundred he has typed their number."""
    typed = "".join(filter(str.isdecimal, request.POST.get("typed", "")))
    return count <= ASK_ABOVE or typed == str(count)


def send_again(page: MerchantAdmin, request: HttpRequest, commands: QuerySet[Command]) -> HttpResponse | None:
    """First what would be sent, beside what was sent; then each refused message is sent, built anew or as it was."""
    refused = commands.filter(state=Command.State.NEEDS_FIX).order_by("pk")
    count = refused.count()
    way = WAYS.get(request.POST.get("how", ""))
    if not count:
        messages.warning(request, _("None of them was refused: there is nothing to send again."))
        return None
    if way is None or not is_meant(request, count):
        if way is not None:
            messages.error(request, _("Type %(n)s to say that you mean all of them.") % {"n": count})
        return _ask(page, request, refused, count)
    done, errors = 0, set[str]()
    for row in refused[:MOST]:
        try:
            way(command=row, by=request.user, at=timezone.now(), reason="many at once")  # type: ignore[arg-type]  # logged in
            done += 1
        except replay.NotPossible as error:
            errors.add(f"{row}: {error}")
    messages.success(request, ngettext("%(n)s message is sent.", "%(n)s messages are sent.", done) % {"n": done})
    if count > MOST:
        messages.info(request, _("%(n)s are left for another go.") % {"n": count - MOST})
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
        "title": ngettext("Send %(n)s message again?", "Send %(n)s messages again?", count) % {"n": count},
        "count": count,
        "most": MOST,
        "asks": count > ASK_ABOVE,
        "lines": lines,
        "dry": [_look(row) for row in refused.select_related("connection")[:COMPARED]],
        "compared": min(count, COMPARED),
        "action": request.POST.get("action", ""),
        "selected": request.POST.getlist(helpers.ACTION_CHECKBOX_NAME),
        "select_across": request.POST.get("select_across", "0"),
    }
    return TemplateResponse(request, "admin/command/confirm.html", context)


def _look(row: Command) -> tuple[Command, Preview]:
    return row, preview(row, at=timezone.now())
