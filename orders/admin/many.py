"""What is done with many orders at once: hold, let go, assign; each asks first what it needs to know."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.contrib.admin import helpers
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from orders.admin.acts import list_people, person
from orders.models import Order
from orders.services import admission, desk
from portal.base.admin import MerchantAdmin

MOST = 1000  # in one go


def hold(page: MerchantAdmin, request: HttpRequest, rows: QuerySet[Order]) -> HttpResponse | None:
    reason = request.POST.get("reason", "").strip()
    if not reason:
        return ask(page, request, rows, title=_("Hold these orders?"), button=_("Hold"), wants="reason")
    ids = _list_ids(rows)
    held = [pk for pk in ids if desk.hold_order(order_id=pk, by=person(request), reason=reason, at=timezone.now())]
    words = ngettext("%(n)s order is held.", "%(n)s orders are held.", len(held))
    messages.success(request, words % {"n": len(held)})
    there = sum(map(desk.is_there, held))
    if there:
        words = _("%(n)s are in the back office already: only what follows is kept back.")
        messages.warning(request, words % {"n": there})
    return None


def let_go(page: MerchantAdmin, request: HttpRequest, rows: QuerySet[Order]) -> None:
    counts = [desk.let_go(order_id=pk, by=person(request), at=timezone.now()) for pk in _list_ids(rows)]
    freed = sum(1 for count in counts if count)
    words = ngettext("%(n)s order goes on.", "%(n)s orders go on.", freed)
    messages.success(request, words % {"n": freed})
    if freed < len(counts):
        words = _("%(n)s were not held by a person: what waits for a mapping goes on when it is mapped.")
        messages.warning(request, words % {"n": len(counts) - freed})


def take_in(page: MerchantAdmin, request: HttpRequest, rows: QuerySet[Order]) -> None:
    done, refused = 0, []
    for pk in _list_ids(rows):
        try:
            admission.take_in(order_id=pk, by=person(request), at=timezone.now())
            done += 1
        except admission.NotPossible as error:
            refused.append(str(error))
    words = ngettext("%(n)s order is taken in.", "%(n)s orders are taken in.", done)
    messages.success(request, words % {"n": done})
    for why in refused[:5]:
        messages.warning(request, why)
    if refused[5:]:
        messages.warning(request, _("And %(n)s more were not.") % {"n": len(refused[5:])})


def assign(page: MerchantAdmin, request: HttpRequest, rows: QuerySet[Order]) -> HttpResponse | None:
    people = list_people()
    wanted = request.POST.get("owner", "")
    if not wanted:
        return ask(
            page, request, rows, title=_("Who looks after them?"), button=_("Assign"), wants="owner", people=people
        )
    to = people.filter(pk=int(wanted)).first() if wanted.isdecimal() else None
    if to is None and wanted != "nobody":
        messages.error(request, _("Choose somebody who works at your desk."))
        return None
    now = timezone.now()
    done = sum(desk.assign(order_id=pk, to=to, by=person(request), at=now) for pk in _list_ids(rows))
    words = ngettext("%(n)s order is assigned.", "%(n)s orders are assigned.", done)
    messages.success(request, words % {"n": done})
    return None


def ask(
    page: MerchantAdmin,
    request: HttpRequest,
    rows: QuerySet[Order],
    *,
    title: str,
    button: str,
    wants: str,
    **more: Any,
) -> HttpResponse:
    """The page between: how many orders it is about, and the one thing that is missing."""
    context = {
        **page.admin_site.each_context(request),
        "opts": page.opts,
        "title": title,
        "button": button,
        "wants": wants,
        "count": len(_list_ids(rows)),
        "action": request.POST.get("action", ""),
        "selected": request.POST.getlist(helpers.ACTION_CHECKBOX_NAME),
        "select_across": request.POST.get("select_across", "0"),
        **more,
    }
    return TemplateResponse(request, "admin/order/bulk.html", context)


def _list_ids(rows: QuerySet[Order]) -> list[int]:
    return list(dict.fromkeys(rows.order_by("pk").values_list("pk", flat=True)[:MOST]))
