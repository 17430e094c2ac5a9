"""What waits for one value: how much, what it is over there, and its release, five first."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import NoReverseMatch, reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from integrations.admin.bulk import ASK_ABOVE, is_meant
from integrations.models import Command, Connection, Hold, Release, ValueMapping
from integrations.sync import mending, releases
from integrations.sync.values import Taken, Unmapped, answer_value, parse_key
from portal.base.admin import MAPPERS, MerchantAdmin, ago, badge, may, money
from portal.tenancy.models import User

SHOWN = 50
OFFICES = (Connection.Role.BACK_OFFICE, Connection.Role.ACCOUNTING)
SUBJECTS = {"order": "admin:orders_order_change", "refund": "admin:orders_refund_change"}
RELEASE_TONES = {"going": "wait", "stopped": "bad", "done": "good"}


class WaitingPages(MerchantAdmin):
    """The part of the problems' pages that is about Holds."""

    def _holds(self, request: HttpRequest) -> QuerySet[Hold]:
        rows: QuerySet[Hold] = self.admin_site.get_model_admin(Hold).get_queryset(request)
        return rows.filter(ended_at__isnull=True)

    def waiting_view(self, request: HttpRequest) -> HttpResponse:
        """Choose what a value is over there; all that waits for it goes on, or five first."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        key = request.POST.get("key") or request.GET.get("key", "")
        waiting = parse_key(key)
        group = mending.find_waiting(self._holds(request), key) if waiting else None
        if waiting is None or group is None:
            messages.success(request, _("Nothing waits for it any more."))
            return HttpResponseRedirect(f"{reverse('admin:integrations_problem_changelist')}?state__exact=open")
        if request.method == "POST":
            if not may(request, MAPPERS):
                raise PermissionDenied
            if request.POST.get("do") == "stop":
                self._stop(request, key)
            else:
                self._release(request, key, waiting, group.records)
            return HttpResponseRedirect(f"{reverse('admin:integrations_problem_waiting')}?{request.GET.urlencode()}")
        offices = Connection.objects.filter(pk=waiting.connection_id, role__in=OFFICES) or Connection.objects.filter(
            role__in=OFFICES
        ).exclude(state=Connection.State.DISABLED)
        known = ValueMapping.objects.filter(connection__in=offices, kind=waiting.kind).order_by("label", "theirs")
        rows = self._holds(request).filter(key=key).order_by("pk")[:SHOWN]
        context = {
            "title": _("%(kind)s “%(name)s” is not mapped")
            % {"kind": ValueMapping.Kind(waiting.kind).label, "name": waiting.name},
            "group": group,
            "money": say_money(group.money),
            "oldest": ago(group.oldest),
            "waiting": waiting,
            "offices": list(offices.order_by("name")),
            "known": known[:500],
            "rows": [(one, money(one.amount, one.currency), find_address(one.subject_type, one.subject_id))
                     for one in rows],
            "first": releases.FIRST,
            "ask_above": ASK_ABOVE,
            "release": describe_release(key, request.merchant.pk),  # type: ignore[attr-defined]  # the middleware's
            "may_map": may(request, MAPPERS),
        }  # fmt: skip
        return self._page(request, "waiting", context)

    def _release(self, request: HttpRequest, key: str, waiting: Unmapped, count: int) -> None:
        """Say what it is there, and let what waits for it go on, five first."""
        given, now = request.POST, timezone.now()
        wanted, theirs = given.get("there", ""), given.get("theirs", "").strip()[:200]
        there = Connection.objects.filter(pk=int(wanted) if wanted.isdecimal() else 0).first()
        if not is_meant(request, count):
            messages.error(request, _("Type %(n)s to say that you mean all of them.") % {"n": count})
            return
        try:
            if given.get("do") != "rest" and there is not None and theirs:
                answer_value(waiting=waiting, key=key, there=there, theirs=theirs, at=now, limit=0)
            elif given.get("do") != "rest" or there is None:
                messages.error(request, _("Choose or type what it is over there."))
                return
            one = releases.release_key(merchant_id=there.merchant_id, key=key, by=acting(request), at=now)
        except (Taken, releases.Going) as error:
            messages.error(request, str(error))
            return
        words = ngettext("%(n)s record goes on.", "%(n)s records go on.", one.sent)
        messages.success(request, words % {"n": one.sent})
        if count > one.sent:
            words = _("The other %(n)s follow by themselves once these have arrived; none goes after a new error.")
            messages.info(request, words % {"n": count - one.sent})

    def _stop(self, request: HttpRequest, key: str) -> None:
        going = releases.find_last(merchant_id=request.merchant.pk, key=key)  # type: ignore[attr-defined]  # the middleware's
        if going is not None:
            releases.stop(going, by=acting(request), at=timezone.now())
        messages.success(request, _("No more of them go on; what has gone has gone."))

    def _page(self, request: HttpRequest, name: str, context: dict[str, Any]) -> HttpResponse:
        context = {**self.admin_site.each_context(request), "opts": self.opts, **context}
        return TemplateResponse(request, f"admin/problem/{name}.html", context)


def describe_release(key: str, merchant_id: int) -> dict[str, Any] | None:
    """The newest one, and how many of what it sent have arrived."""
    one = releases.find_last(merchant_id=merchant_id, key=key)
    if one is None:
        return None
    sent = releases.list_sent(one)
    return {
        "row": one,
        "going": one.state == Release.State.GOING,
        "tone": badge(one.get_state_display(), RELEASE_TONES[one.state]),
        "arrived": sent.filter(state__in=Command.DONE_STATES).count(),
        "way": sent.filter(state__in=releases.ON_THE_WAY).count(),
    }


def acting(request: HttpRequest) -> User:
    found: User = request.user  # type: ignore[assignment]  # the admin lets nobody else in
    return found


def say_money(sums: Any) -> str:
    return " + ".join(money(amount, currency) for currency, amount in sums if amount)


def find_address(subject_type: str, subject_id: int) -> str:
    """The page of the record a message or a hold is about; '' where it has none."""
    try:
        return reverse(SUBJECTS[subject_type], args=(subject_id,))
    except (KeyError, NoReverseMatch):
        return ""
