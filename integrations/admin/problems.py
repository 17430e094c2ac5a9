"""Problems: what was refused for one reason, or waits for one thing; what it costs, and the fix that frees it all."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import NoReverseMatch, path, reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from integrations.admin.advice import advise, classify
from integrations.admin.desk import TONES as COMMAND_TONES
from integrations.models import Attempt, Command, Connection, Exchange, Hold, Problem, ValueMapping
from integrations.sync import mending, problems
from integrations.sync.release import release
from integrations.sync.values import Taken, Unmapped, answer_value, parse_key
from portal.base.admin import DESK, MAPPERS, ReadOnlyAdmin, ago, badge, may, money

TONES = {"open": "bad", "snoozed": "wait", "resolved": "good", "ignored": "plain"}
SHOWN = 50
BODY = 4_000
SNOOZE = timedelta(days=1)
OFFICES = (Connection.Role.BACK_OFFICE, Connection.Role.ACCOUNTING)
SUBJECTS = {"order": "admin:orders_order_change", "refund": "admin:orders_refund_change"}


@admin.register(Problem)
class ProblemAdmin(ReadOnlyAdmin):
    list_display = ("title", "class_shown", "state_shown", "count", "amount_shown", "connection", "first", "last")
    list_select_related = ("connection",)
    list_filter = ("state", "connection", "code")
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
            groups = [(one, _say_money(one.money)) for one in mending.list_waiting(self._holds(request))]
            extra = {"waiting": groups}
        page: HttpResponse = super().changelist_view(request, {**extra, **(extra_context or {})})
        return page

    def _holds(self, request: HttpRequest) -> QuerySet[Hold]:
        rows: QuerySet[Hold] = self.admin_site.get_model_admin(Hold).get_queryset(request)
        return rows.filter(ended_at__isnull=True)

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
            "count": count,
            "money": _say_money(sums),
            "refused": stopped.filter(state=Command.State.NEEDS_FIX).count(),
            "first": mending.FIRST,
            "records": [
                (one, one.kind.replace("_", " "), badge(one.get_state_display(), COMMAND_TONES[one.state]),
                 money(one.amount, one.currency), _find_address(one.subject_type, one.subject_id))
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
        now, person = timezone.now(), request.user
        match request.POST.get("do"):
            case "first" | "all" as how:
                limit = mending.FIRST if how == "first" else None
                done, errors = mending.send_again(row, by=person, at=now, limit=limit)  # type: ignore[arg-type]  # logged in
                words = ngettext(
                    "%(n)s message is built anew and sent.", "%(n)s messages are built anew and sent.", done
                )
                messages.success(request, words % {"n": done})
                for error in errors[:5]:
                    messages.error(request, error)
            case "snooze":
                problems.snooze(row, until=now + SNOOZE)
                messages.success(request, _("It comes back tomorrow, unless it is solved by then."))
            case "ignore":
                try:
                    problems.ignore(row, by=person, reason=request.POST.get("reason", ""), at=now)  # type: ignore[arg-type]  # logged in
                    messages.success(request, _("It is ignored from now on; its records stay where they are."))
                except ValueError as error:
                    messages.error(request, str(error))
            case "reopen":
                problems.reopen(row)
                messages.success(request, _("It is open again."))
            case _:
                messages.error(request, _("Choose what to do."))

    # what waits for one value --------------------------------------------------------------------------------------

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
            self._release(request, key, waiting)
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
            "money": _say_money(group.money),
            "oldest": ago(group.oldest),
            "waiting": waiting,
            "offices": list(offices.order_by("name")),
            "known": known[:500],
            "rows": [(one, money(one.amount, one.currency), _find_address(one.subject_type, one.subject_id))
                     for one in rows],
            "first": mending.FIRST,
            "may_map": may(request, MAPPERS),
        }  # fmt: skip
        return self._page(request, "waiting", context)

    def _release(self, request: HttpRequest, key: str, waiting: Unmapped) -> None:
        given, now = request.POST, timezone.now()
        limit = mending.FIRST if given.get("do") == "first" else None
        wanted, theirs = given.get("there", ""), given.get("theirs", "").strip()[:200]
        there = Connection.objects.filter(pk=int(wanted) if wanted.isdecimal() else 0).first()
        try:
            if given.get("do") == "rest" and there is not None:
                freed = release(merchant_id=there.merchant_id, key=key, at=now)
            elif there is not None and theirs:
                freed = answer_value(waiting=waiting, key=key, there=there, theirs=theirs, at=now, limit=limit)
            else:
                messages.error(request, _("Choose or type what it is over there."))
                return
        except Taken as error:
            messages.error(request, str(error))
            return
        words = ngettext("%(n)s record goes on.", "%(n)s records go on.", freed)
        messages.success(request, words % {"n": freed})

    # helpers -------------------------------------------------------------------------------------------------------

    def _find(self, request: HttpRequest, object_id: str) -> Problem:
        if not self.has_view_permission(request):
            raise PermissionDenied
        row = self.get_object(request, object_id)
        if row is None:
            raise Http404
        found: Problem = row
        return found

    def _page(self, request: HttpRequest, name: str, context: dict[str, Any]) -> HttpResponse:
        context = {**self.admin_site.each_context(request), "opts": self.opts, **context}
        return TemplateResponse(request, f"admin/problem/{name}.html", context)


def _say_money(sums: Any) -> str:
    return " + ".join(money(amount, currency) for currency, amount in sums if amount)


def _find_address(subject_type: str, subject_id: int) -> str:
    """The page of the record a message or a hold is about; '' where it has none."""
    try:
        return reverse(SUBJECTS[subject_type], args=(subject_id,))
    except (KeyError, NoReverseMatch):
        return ""


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
