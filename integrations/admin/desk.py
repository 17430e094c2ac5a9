"""Support's desk: what waits and why, what failed together, and the messages themselves."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy

from integrations.admin import bulk
from integrations.admin.replays import ReplayPages
from integrations.models import Attempt, Command, Exchange, Hold, Replay
from integrations.sync import replay
from integrations.sync.candidates import NoneOfThem, find_there
from portal.base.admin import DESK, ReadOnlyAdmin, ago, badge, may, money

TONES = {
    "pending": "plain", "leased": "wait", "sending": "wait", "unknown": "wait", "accepted": "good", "verified": "good",
    "needs_fix": "bad", "needs_human": "bad", "withdrawn": "plain",
}  # fmt: skip


@admin.register(Command)
class CommandAdmin(ReplayPages, ReadOnlyAdmin):
    """What a remote system must do once. People call it a message."""

    list_display = ("reference", "kind_shown", "connection", "state_shown", "amount_shown", "message", "since")
    list_select_related = ("connection",)
    list_filter = ("state", "kind", "connection")
    search_fields = ("reference__exact", "external_number__exact")
    actions = ("send_again",)

    def has_desk_permission(self, request: HttpRequest) -> bool:
        return may(request, DESK)

    @admin.action(description=gettext_lazy("Send refused ones again"), permissions=["desk"])
    def send_again(self, request: HttpRequest, rows: QuerySet[Command]) -> HttpResponse | None:
        return bulk.send_again(self, request, rows)

    @admin.display(description="what", ordering="kind")
    def kind_shown(self, row: Command) -> str:
        return row.kind.replace("_", " ")

    @admin.display(description="state", ordering="state")
    def state_shown(self, row: Command) -> str:
        return badge(row.get_state_display(), TONES[row.state])

    @admin.display(description="amount", ordering="amount")
    def amount_shown(self, row: Command) -> str:
        return money(row.amount, row.currency) if row.amount else ""

    @admin.display(description="since", ordering="pk")
    def since(self, row: Command) -> str:
        return ago(row.state_at)

    def get_urls(self) -> list[Any]:
        decide = path(
            "<path:object_id>/decide/", self.admin_site.admin_view(self.decide_view), name="integrations_command_decide"
        )
        return [decide, *super().get_urls()]

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        row = self.find_message(request, object_id)
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": f"{row.kind.replace('_', ' ').capitalize()} {row.reference}",
            "row": row,
            "object": row,
            "state_badge": badge(row.get_state_display(), TONES[row.state]),
            "amount": money(row.amount, row.currency),
            "tries": Attempt.objects.filter(command=row).order_by("number"),
            "exchanges": Exchange.objects.filter(attempt__command=row).order_by("pk"),
            "replays": Replay.objects.filter(command=row).select_related("by", "second").order_by("pk"),
            "may_decide": may(request, DESK),
            "request_waits": replay.find_request(row),
            "action": reverse("admin:integrations_command_decide", args=(row.pk,)),
        }
        return TemplateResponse(request, "admin/command/page.html", context)

    def decide_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """One of the ways out: send again, rebuild, it is there, it is not there, never."""
        row = self.find_message(request, object_id)
        if not may(request, DESK):
            raise PermissionDenied
        if request.method == "POST":
            try:
                decide(row, request)
                messages.success(request, f"{row}: done.")
            except replay.NotPossible as error:
                messages.error(request, str(error))
        return HttpResponseRedirect(reverse("admin:integrations_command_change", args=(row.pk,)))


def decide(row: Command, request: HttpRequest) -> None:
    """What the form says is done with the message; NotPossible says why not."""
    given = request.POST
    common: dict[str, Any] = {"command": row, "by": request.user, "at": timezone.now()}
    reason = given.get("reason", "").strip()
    match given.get("do"):
        case "retry":
            replay.retry(**common, reason=reason)
        case "rebuild":
            replay.rebuild(**common, reason=reason)
        case "is_there":
            _link(common, given.get("external_id", "").strip(), reason)
        case "not_there":
            replay.say_it_is_not_there(**common, reason=reason)
        case "never":
            if not reason:
                raise replay.NotPossible("Say why it is never sent.")
            replay.say_never(**common, reason=reason)
        case _:
            raise replay.NotPossible("Choose what to do.")


def _link(common: dict[str, Any], typed: str, reason: str) -> None:
    """It is there under the number or id a person typed or picked; checked where the platform can be asked."""
    if not typed:
        raise replay.NotPossible("Type the number it has there.")
    try:
        found = find_there(common["command"], typed)
    except NoneOfThem as error:
        raise replay.NotPossible(str(error)) from error
    external_id, number = (found.external_id, found.number) if found else (typed, typed)
    replay.say_it_is_there(**common, external_id=external_id, external_number=number, reason=reason, found=found)


@admin.register(Hold)
class HoldAdmin(ReadOnlyAdmin):
    list_display = ("message", "reason", "connection", "amount_shown", "waits", "ended_at")
    list_select_related = ("connection",)
    list_filter = (("ended_at", admin.EmptyFieldListFilter), "reason", "connection")
    search_fields = ("message",)

    @admin.display(description="amount", ordering="amount")
    def amount_shown(self, row: Hold) -> str:
        return money(row.amount, row.currency)

    @admin.display(description="since", ordering="since")
    def waits(self, row: Hold) -> str:
        return ago(row.since)
