"""Problems: what was refused for one reason, or waits for one thing; what it costs, and the fix that frees it all."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import path, reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from integrations.admin.advice import REFUSAL, advise, classify, find_cause, find_kind, list_codes, list_kinds
from integrations.admin.bulk import ASK_ABOVE, is_meant
from integrations.admin.desk import TONES as COMMAND_TONES
from integrations.admin.traffic import EVENT_TONES
from integrations.admin.waiting import WaitingPages, acting, describe_release, find_address, say_money
from integrations.models import Attempt, Command, Exchange, Problem, SyncRun, ValueMapping
from integrations.sync import mending, problems, releases
from integrations.sync.runs import start_flow
from integrations.sync.values import map_value
from portal.base.admin import DESK, MAPPERS, ReadOnlyAdmin, ago, badge, may, money

TONES = {"open": "bad", "snoozed": "wait", "resolved": "good", "ignored": "plain"}
SHOWN = 50
BODY = 4_000
SNOOZE = timedelta(days=1)
FIXED_HERE = (ValueMapping.Kind.TAX, ValueMapping.Kind.SPECIAL_LINE, ValueMapping.Kind.PAYMENT)


class KindFilter(admin.SimpleListFilter):
    title = gettext_lazy("class")
    parameter_name = "kind"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return list_kinds()

    def queryset(self, request: HttpRequest, queryset: QuerySet[Problem]) -> QuerySet[Problem]:
        kind = self.value()
        if not kind:
            return queryset
        codes = list_codes(kind)
        return queryset.exclude(code__in=codes) if kind == REFUSAL else queryset.filter(code__in=codes)


@admin.register(Problem)
class ProblemAdmin(WaitingPages, ReadOnlyAdmin):
    list_display = (
        "title",
        "class_shown",
        "state_shown",
        "count",
        "amount_shown",
        "connection",
        "fix",
        "first",
        "last",
    )
    list_select_related = ("connection",)
    list_filter = ("state", KindFilter, "connection")
    list_before_template = "admin/problem/waiting_list.html"

    @admin.display(description=gettext_lazy("class"), ordering="code")
    def class_shown(self, row: Problem) -> str:
        return classify(row.code)

    @admin.display(description=gettext_lazy("state"), ordering="state")
    def state_shown(self, row: Problem) -> str:
        return badge(row.get_state_display(), TONES[row.state])

    @admin.display(description=gettext_lazy("money at risk"), ordering="amount")
    def amount_shown(self, row: Problem) -> str:
        return money(row.amount, row.currency) if row.amount else ""

    @admin.display(description=gettext_lazy("what to do"))
    def fix(self, row: Problem) -> str:
        return advise(row.code) if row.state in problems.WAITING else row.resolution

    @admin.display(description=gettext_lazy("first seen"), ordering="first_seen_at")
    def first(self, row: Problem) -> str:
        return ago(row.first_seen_at)

    @admin.display(description=gettext_lazy("last seen"), ordering="last_seen_at")
    def last(self, row: Problem) -> str:
        return ago(row.last_seen_at)

    def get_urls(self) -> list[Any]:
        wrap = self.admin_site.admin_view
        own = [
            path("waiting/", wrap(self.waiting_view), name="integrations_problem_waiting"),
            path("<path:object_id>/act/", wrap(self.act_view), name="integrations_problem_act"),
        ]
        return [*own, *super().get_urls()]

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        """Above the refusals, what waits before it is sent."""
        extra = {}
        if self.has_view_permission(request):
            groups = [(one, say_money(one.money)) for one in mending.list_waiting(self._holds(request))]
            extra = {"waiting": groups}
        page: HttpResponse = super().changelist_view(request, {**extra, **(extra_context or {})})
        return page

    # one problem ---------------------------------------------------------------------------------------------------

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        row = self._find(request, object_id)
        stopped = problems.list_stopped(row)
        count, sums = mending.sum_stopped(row)
        context = {
            "title": row.title,
            "object": row,
            "problem": row,
            "state_badge": badge(row.get_state_display(), TONES[row.state]),
            "class_shown": classify(row.code),
            "advice": advise(row.code),
            "cause": find_cause(row.code),
            "fixes": self._list_fixes(request, row),
            "release": describe_release(f"problem:{row.pk}", row.merchant_id),
            "ask_above": ASK_ABOVE,
            "count": count,
            "money": say_money(sums),
            "refused": _count_releasable(row),
            "events": _show_events(row),
            "runs": _show_runs(row),
            "first": releases.FIRST,
            "records": [
                (one, one.kind.replace("_", " "), badge(one.get_state_display(), COMMAND_TONES[one.state]),
                 money(one.amount, one.currency), find_address(one.subject_type, one.subject_id))
                for one in stopped[:SHOWN]
            ],
            "more": max(0, count - SHOWN),
            "example": _show_example(row),
            "may_act": may(request, DESK),
        }  # fmt: skip
        return self._page(request, "page", context)

    def act_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Send again, put off, ignore, open again."""
        row = self._find(request, object_id)
        if not may(request, DESK):
            raise PermissionDenied
        if request.method == "POST":
            self._act(request, row)
        return HttpResponseRedirect(reverse("admin:integrations_problem_change", args=(row.pk,)))

    def _act(self, request: HttpRequest, row: Problem) -> None:
        now, person = timezone.now(), acting(request)
        match request.POST.get("do"):
            case "release":
                self._release_problem(request, row)
            case "stop":
                going = releases.find_last(merchant_id=row.merchant_id, key=f"problem:{row.pk}")
                if going is not None:
                    releases.stop(going, by=acting(request), at=now)
                messages.success(request, _("No more of them are sent; what has gone has gone."))
            case "run":
                for flow in {one.flow for one in problems.list_failed_runs(row).select_related("flow")}:
                    start_flow(flow, trigger="manual", at=now, by=person)
                messages.success(request, _("It runs again; the problem closes by itself once it goes through."))
            case "fix":
                self._fix(request, row)
            case "snooze":
                problems.snooze(row, until=now + SNOOZE)
                messages.success(request, _("It comes back tomorrow, unless it is solved by then."))
            case "ignore":
                try:
                    problems.ignore(row, by=person, reason=request.POST.get("reason", ""), at=now)
                    messages.success(request, _("It is ignored from now on; its records stay where they are."))
                except ValueError as error:
                    messages.error(request, str(error))
            case "reopen":
                problems.reopen(row)
                messages.success(request, _("It is open again."))
            case _:
                messages.error(request, _("Choose what to do."))

    def _release_problem(self, request: HttpRequest, row: Problem) -> None:
        """Five first; over a hundred only where their number was typed."""
        refused = _count_releasable(row)
        if not is_meant(request, refused):
            messages.error(request, _("Type %(n)s to say that you mean all of them.") % {"n": refused})
            return
        try:
            one = releases.release_problem(row, by=acting(request), at=timezone.now())
        except releases.Going as error:
            messages.error(request, str(error))
            return
        words = ngettext("%(n)s message is built anew and sent.", "%(n)s messages are built anew and sent.", one.sent)
        if releases.list_fetched(one).exists():
            words = ngettext("%(n)s record is read again.", "%(n)s records are read again.", one.sent)
        messages.success(request, words % {"n": one.sent})
        if refused > one.sent:
            words = _("The other %(n)s follow by themselves once these have arrived; none goes after a new error.")
            messages.info(request, words % {"n": refused - one.sent})

    def _list_fixes(self, request: HttpRequest, row: Problem) -> QuerySet[ValueMapping] | None:
        """What of the mapping can be put right on the problem's own page; None where it is no matter of that."""
        if find_kind(row.code) not in {"mapping", REFUSAL} or not may(request, MAPPERS):
            return None
        mine = ValueMapping.objects.filter(connection_id=row.connection_id, kind__in=FIXED_HERE).exclude(ours="")
        found: QuerySet[ValueMapping] = mine.order_by("kind", "ours")[:SHOWN]
        return found

    def _fix(self, request: HttpRequest, row: Problem) -> None:
        """One value is called otherwise there."""
        if not may(request, MAPPERS):
            raise PermissionDenied
        given = request.POST
        wanted, theirs = given.get("mapping", ""), given.get("theirs", "").strip()[:200]
        mine = ValueMapping.objects.filter(connection_id=row.connection_id, kind__in=FIXED_HERE)
        value = mine.filter(pk=int(wanted) if wanted.isdecimal() else 0).first()
        if value is None or not theirs:
            messages.error(request, _("Choose the value, and type what it is there."))
        elif mine.filter(kind=value.kind, theirs=theirs).exclude(pk=value.pk).exclude(ours="").exists():
            messages.error(request, _("“%(theirs)s” stands for another value there already.") % {"theirs": theirs})
        else:
            mine.filter(kind=value.kind, theirs=theirs, ours="").delete()
            value.theirs = theirs
            map_value(value, at=timezone.now())
            count, sums = mending.sum_stopped(row)
            words = _("“%(ours)s” is “%(theirs)s” there from now on. Releasing sends %(n)s messages, %(money)s.")
            facts = {"ours": value.ours, "theirs": theirs, "n": count, "money": say_money(sums)}
            messages.success(request, words % facts)

    # helpers -------------------------------------------------------------------------------------------------------

    def _find(self, request: HttpRequest, object_id: str) -> Problem:
        if not self.has_view_permission(request):
            raise PermissionDenied
        row = self.get_object(request, object_id)
        if row is None:
            raise Http404
        found: Problem = row
        return found


def _count_releasable(problem: Problem) -> int:
    """What a release would send or read again."""
    stopped = problems.list_stopped(problem).filter(state=Command.State.NEEDS_FIX)
    return stopped.count() + releases.list_fetchable(problem).count()


def _show_events(problem: Problem) -> dict[str, Any]:
    rows = problems.list_set_aside(problem)
    count = rows.count()
    shown = [
        (one, one.stream or _("webhook"), badge(one.get_state_display(), EVENT_TONES[one.state]))
        for one in rows.defer("body", "headers")[:SHOWN]
    ]
    return {"count": count, "rows": shown, "more": max(0, count - SHOWN)}


def _show_runs(problem: Problem) -> list[tuple[SyncRun, str]]:
    rows = problems.list_failed_runs(problem).select_related("flow__connection")[:SHOWN]
    return [(one, str(one.flow)) for one in rows]


def _show_example(problem: Problem) -> dict[str, Any] | None:
    """The newest message with the request it made and the answer it got."""
    command = problem.example_command
    if command is None:
        return None
    attempt = Attempt.objects.filter(command=command).order_by("-number").first()
    found = Exchange.objects.filter(attempt=attempt).order_by("-pk") if attempt else Exchange.objects.none()
    one = found.first()
    return {
        "command": command,
        "exchange": one,
        "asked": bytes(one.request_body)[:BODY].decode("utf-8", "replace") if one else "",
        "answered": bytes(one.response_body)[:BODY].decode("utf-8", "replace") if one else "",
    }
