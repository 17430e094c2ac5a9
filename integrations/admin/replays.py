"""Sending one message again: first what would be sent beside what was sent; edited by hand, or forced, with a reason.

A mixin of the messages' admin.
"""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from unfold.widgets import UnfoldBooleanSwitchWidget

from integrations.contract.errors import ConnectorError
from integrations.models import Command, DeskRule
from integrations.sync import documents, replay
from integrations.sync.candidates import list_there
from integrations.sync.preview import Change, preview
from portal.base.admin import DESK, OFFICE, OWNERS, MerchantAdmin, is_limited, may, money
from portal.base.admin_scope import MerchantForm
from portal.tenancy.models import User

LONGEST = 200_000
State = Command.State


class RuleForm(MerchantForm):
    class Meta:
        model = DeskRule
        fields = ("second_person",)
        widgets = {"second_person": UnfoldBooleanSwitchWidget()}

    def clean(self) -> dict[str, Any]:
        """The row is the merchant's only one, so that its uniqueness needs no check of the form's."""
        found: dict[str, Any] = super().clean() or self.cleaned_data
        return found


class ReplayPages(MerchantAdmin):
    def get_urls(self) -> list[URLPattern]:
        wrap = self.admin_site.admin_view
        own = [
            path("rules/", wrap(self.rules_view), name="integrations_command_rules"),
            path("<path:object_id>/replay/", wrap(self.replay_view), name="integrations_command_replay"),
        ]
        return [*own, *super().get_urls()]

    def rules_view(self, request: HttpRequest) -> HttpResponse:
        """Whether a second person confirms; owners say so."""
        merchant = getattr(request, "merchant", None)
        if merchant is None or not may(request, OFFICE) or is_limited():
            raise PermissionDenied
        form: forms.ModelForm[Any] = RuleForm(
            request.POST if request.method == "POST" else None, instance=replay.read_rule(merchant.pk)
        )
        if request.method == "POST":
            if not may(request, OWNERS):
                raise PermissionDenied
            if form.is_valid():
                form.save()
                messages.success(request, _("Kept: it holds from now on."))
            return HttpResponseRedirect(reverse("admin:integrations_command_rules"))
        return self._show(
            request, "rules", {"title": _("Rules of the desk"), "form": form, "may": may(request, OWNERS)}
        )

    def replay_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """A dry run; then, from the same page, what is done."""
        row = self.find_message(request, object_id)
        if request.method != "POST":
            return self._look(request, row)
        if not may(request, DESK):
            raise PermissionDenied
        given, now = request.POST, timezone.now()
        reason, edited = given.get("reason", "").strip(), given.get("payload", "")[:LONGEST]
        by: User = request.user  # type: ignore[assignment]  # the admin lets nobody else in
        try:
            match given.get("do"):
                case "look":
                    changes = replay.read_edit(row, edited.encode(), at=now)
                    return self._look(request, row, edited=edited, changes=changes, reason=reason)
                case "there":
                    return self._look(request, row, there=list_there(row), asked=True)
                case "edit":
                    replay.edit(command=row, payload=edited.encode(), by=by, at=now, reason=reason)
                    messages.success(request, _("%(row)s is sent as you edited it.") % {"row": row})
                case "force":
                    typed = given.get("typed", "")
                    done = replay.force_new(command=row, typed=typed, by=by, at=now, reason=reason)
                    words = _("%(row)s is made anew.") if done else _("A second person must confirm it now.")
                    messages.success(request, words % {"row": row})
                case "confirm" | "decline" as what:
                    self._settle(request, row, what, by)
                case _:
                    messages.error(request, _("Choose what to do."))
        except replay.NotPossible as error:
            messages.error(request, str(error))
            if edited:
                return self._look(request, row, edited=edited, reason=reason)
        except ConnectorError as error:
            messages.error(request, error.message)
            return self._look(request, row)
        return HttpResponseRedirect(reverse("admin:integrations_command_change", args=(row.pk,)))

    def _settle(self, request: HttpRequest, row: Command, what: str, by: User) -> None:
        waits = replay.find_request(row)
        if waits is None:
            raise replay.NotPossible(_("Nothing waits for a second person any more."))
        if what == "confirm":
            replay.confirm(request=waits, by=by, at=timezone.now())
            messages.success(request, _("%(row)s is made anew.") % {"row": row})
        else:
            replay.decline(request=waits, by=by)
            messages.success(request, _("It stays as it is."))

    def _look(
        self,
        request: HttpRequest,
        row: Command,
        *,
        edited: str = "",
        changes: dict[str, list[Any]] | None = None,
        reason: str = "",
        there: Any = (),
        asked: bool = False,
    ) -> HttpResponse:
        look, waits = preview(row, at=timezone.now()), replay.find_request(row)
        stored = documents.decode(row.kind, bytes(row.payload)) if row.payload else None
        context = {
            "title": _("Send %(row)s again?") % {"row": row},
            "row": row,
            "object": row,
            "amount": money(row.amount, row.currency),
            "look": look,
            "text": edited or look.stored or look.now,
            "changes": [Change(path=path, before=old, after=new) for path, (old, new) in (changes or {}).items()],
            "confirming": changes is not None,
            "reason": reason,
            "may_send": row.state in replay.STOPPED_OR_WAITING and may(request, DESK),
            "may_force": row.kind == replay.FORCEABLE
            and row.state in (*Command.DONE_STATES, State.NEEDS_HUMAN)
            and may(request, DESK),
            "request_waits": waits,
            "mine": waits is not None and waits.by_id == request.user.pk,
            "second": replay.needs_second_person(row.merchant_id),
            "there": [
                (one, money(one.total, one.currency), documents.difference(stored, one) if stored else "")
                for one in there
            ],
            "asked": asked,
            "action": reverse("admin:integrations_command_decide", args=(row.pk,)),
            "may_decide": may(request, DESK),
        }
        return self._show(request, "replay", context)

    def find_message(self, request: HttpRequest, object_id: str) -> Command:
        if not self.has_view_permission(request):
            raise PermissionDenied
        row = self.get_object(request, object_id)
        if row is None:
            raise Http404
        found: Command = row
        return found

    def _show(self, request: HttpRequest, name: str, context: dict[str, Any]) -> HttpResponse:
        context = {**self.admin_site.each_context(request), "opts": self.opts, **context}
        return TemplateResponse(request, f"admin/command/{name}.html", context)
