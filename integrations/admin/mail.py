"""Who is told, and the mails written so far."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.widgets import UnfoldAdminTextInputWidget, UnfoldBooleanSwitchWidget

from integrations.models import AlertSetting, Mail
from integrations.sync.alerts import read_setting
from portal.base.admin import OWNERS, ReadOnlyAdmin, ago, badge, is_limited, may
from portal.base.admin_scope import MerchantForm
from portal.tenancy.services import list_owner_addresses

TONES = {"pending": "wait", "sending": "wait", "sent": "good", "failed": "bad"}
SHOWN = 20


class AlertForm(MerchantForm):
    class Meta:
        model = AlertSetting
        fields = ("addresses", "alerts", "digest")
        widgets = {
            "addresses": UnfoldAdminTextInputWidget(),
            "alerts": UnfoldBooleanSwitchWidget(),
            "digest": UnfoldBooleanSwitchWidget(),
        }

    def clean(self) -> dict[str, Any]:
        """The row is the merchant's only one, so that its uniqueness needs no check of the form's."""
        found: dict[str, Any] = super().clean() or self.cleaned_data
        return found


@admin.register(Mail)
class MailAdmin(ReadOnlyAdmin):
    """Owners alone: a mail tells of the whole merchant."""

    view_roles = OWNERS
    list_display = ("subject", "to", "how", "written")
    list_filter = ("state",)
    fields = ("subject", "recipients", "state", "attempts", "created_at", "sent_at", "message", "text")

    @admin.display(description=gettext_lazy("to"))
    def to(self, row: Mail) -> str:
        return ", ".join(row.recipients)

    @admin.display(description=gettext_lazy("state"), ordering="state")
    def how(self, row: Mail) -> str:
        return badge(row.get_state_display(), TONES[row.state])

    @admin.display(description=gettext_lazy("written"), ordering="pk")
    def written(self, row: Mail) -> str:
        return ago(row.created_at)

    def get_urls(self) -> list[Any]:
        own = path("told/", self.admin_site.admin_view(self.told_view), name="integrations_mail_told")
        return [own, *super().get_urls()]

    def told_view(self, request: HttpRequest) -> HttpResponse:
        """Whom to write to, and of what; owners change it."""
        merchant = getattr(request, "merchant", None)
        if merchant is None or not may(request, frozenset(self.view_roles)) or is_limited():
            raise PermissionDenied
        form: forms.ModelForm[Any] = AlertForm(request.POST or None, instance=read_setting(merchant.pk))
        if request.method == "POST" and form.is_valid():
            form.save()
            messages.success(request, _("Kept: from now on they are told so."))
            return HttpResponseRedirect(reverse("admin:integrations_mail_told"))
        rows = Mail.objects.order_by("-pk")[:SHOWN]
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": _("Who is told"),
            "form": form,
            "owners": list_owner_addresses(merchant.pk),
            "mails": [(row, badge(row.get_state_display(), TONES[row.state])) for row in rows],
        }
        return TemplateResponse(request, "admin/mail/told.html", context)
