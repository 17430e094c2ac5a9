"""Two pages beside the list of orders: reading those from before, and saying who bought one."""

from __future__ import annotations

from datetime import datetime, time
from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.widgets import UnfoldAdminSelectWidget

from integrations.admin.runs import TONES
from integrations.models import Connection, Flow, Stream
from integrations.sync import history
from orders.admin.acts import person
from orders.models import Order
from orders.services import holds, merging
from orders.services.identity import WHO, list_meant
from portal.base.admin import MAPPERS, OFFICE, MerchantAdmin, badge, is_limited, may


class BeforeForm(forms.Form):
    """From which shop, and from which day."""

    shop = forms.ModelChoiceField(
        queryset=Connection.plain.none(), label=gettext_lazy("Shop"), widget=UnfoldAdminSelectWidget()
    )
    since = forms.DateField(
        label=gettext_lazy("Placed since"), widget=forms.DateInput(attrs={"type": "date", "class": "sb-select"})
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["shop"].queryset = list_shops()  # type: ignore[attr-defined]  # a ModelChoiceField's

    def clean_since(self) -> datetime:
        day = self.cleaned_data["since"]
        if not 1990 <= day.year <= 9000:
            raise forms.ValidationError(_("Choose a day that is over."))
        return timezone.make_aware(datetime.combine(day, time.min))


def list_shops() -> Any:
    """Those whose orders are read."""
    flows = Flow.objects.filter(stream=Stream.ORDER, direction=Flow.Direction.PULL)
    return Connection.objects.filter(role__in=Connection.SELLING_ROLES, pk__in=flows.values("connection")).order_by(
        "name"
    )


def before_view(page: MerchantAdmin, request: HttpRequest) -> HttpResponse:
    """Ask for orders from before Go live, for the record; what was asked for, with its progress."""
    if not may(request, OFFICE) or is_limited():
        raise PermissionDenied
    form = BeforeForm(request.POST or None)
    if request.method == "POST":
        if not may(request, MAPPERS):
            raise PermissionDenied
        if form.is_valid():
            shop, since = form.cleaned_data["shop"], form.cleaned_data["since"]
            try:
                run = history.start_history(connection=shop, since=since, by=person(request), at=timezone.now())
                return HttpResponseRedirect(reverse("admin:integrations_syncrun_change", args=(run.pk,)))
            except history.NotPossible as error:
                messages.error(request, str(error))
    runs = [run for shop in list_shops() for run in history.list_history_runs(shop)]
    kept = Order.objects.filter(admission=Order.Admission.HISTORY)
    context = {
        **page.admin_site.each_context(request),
        "opts": page.opts,
        "title": _("Orders from before"),
        "form": form,
        "may_start": may(request, MAPPERS),
        "runs": [(run, badge(run.get_state_display(), TONES[run.state])) for run in runs],
        "kept": kept.count(),
    }
    return TemplateResponse(request, "admin/order/before.html", context)


def buyer_view(page: MerchantAdmin, request: HttpRequest, order: Order) -> HttpResponse:
    """Several customers could have bought the order: a person says which, or somebody new."""
    back = HttpResponseRedirect(reverse("admin:orders_order_change", args=(order.pk,)))
    key = next((key for key in sorted(holds.list_open_keys(order)) if key.startswith(WHO)), "")
    if request.method == "POST":
        wanted = request.POST.get("customer", "")
        try:
            if wanted != "new" and not wanted.isdecimal():
                raise merging.NotPossible(_("Choose who it is."))
            chosen = int(wanted) if wanted != "new" else None
            customer = merging.say_who(order_id=order.pk, customer_id=chosen, by=person(request), at=timezone.now())
            messages.success(request, _("%(who)s bought it; the order goes on.") % {"who": customer})
        except merging.NotPossible as error:
            messages.error(request, str(error))
        return back
    if not key:
        return back
    context = {
        **page.admin_site.each_context(request),
        "opts": page.opts,
        "title": _("Who bought %(order)s?") % {"order": order},
        "order": order,
        "candidates": list(list_meant(order.merchant_id, key)),
    }
    return TemplateResponse(request, "admin/order/buyer.html", context)
