"""The page on which the calls of a connection configured by form are tried and certified."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django import forms
from django.http import Http404, HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from integrations.admin.advice import advise
from integrations.models import Connection
from integrations.sync import trials
from integrations.sync.platforms import find_level

LABELS = {
    "check": gettext_lazy("Test the connection"),
    "pull_products": gettext_lazy("Items"),
    "pull_stock": gettext_lazy("Stock"),
    "pull_prices": gettext_lazy("Prices"),
    "pull_orders": gettext_lazy("Status of orders"),
    "pull_shipments": gettext_lazy("Deliveries"),
    "pull_invoices": gettext_lazy("Bills"),
    "find_order": gettext_lazy("Search an order"),
    "find_customer": gettext_lazy("Search a customer"),
    "find_return": gettext_lazy("Search a return"),
    "get_account": gettext_lazy("A customer's account"),
    "list_ledger": gettext_lazy("A customer's ledger"),
    "list_customer_orders": gettext_lazy("A customer's orders"),
    "quote_prices": gettext_lazy("Quote prices"),
    "create_customer": gettext_lazy("Create a customer"),
    "create_order": gettext_lazy("Create an order"),
    "cancel_order": gettext_lazy("Cancel an order"),
    "create_return": gettext_lazy("Create a return"),
}
BODY = 20_000  # characters of a body shown


class SampleForm(forms.Form):
    """What the documents of a trial are made of."""

    reference = forms.CharField(max_length=20, label=gettext_lazy("Reference"))
    customer = forms.CharField(max_length=200, required=False, label=gettext_lazy("Customer's id there"))
    article = forms.CharField(max_length=200, required=False, label=gettext_lazy("Item's id there"))
    sku = forms.CharField(max_length=200, required=False, label=gettext_lazy("Item's code"))
    price = forms.DecimalField(
        max_digits=12, decimal_places=2, min_value=Decimal(0), initial=Decimal(1), label=gettext_lazy("Its price")
    )
    currency = forms.RegexField(r"\A[A-Z]{3}\Z", label=gettext_lazy("Currency"))
    order = forms.CharField(
        max_length=200, required=False, label=gettext_lazy("Order's id there, to cancel or to return")
    )

    def read(self) -> trials.Sample:
        return trials.Sample(**self.cleaned_data)


class TrialPages:
    """Of ConnectionAdmin; the page itself is `calls_view`."""

    def calls_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        row: Connection = self._find(request, object_id, changing=True)  # type: ignore[attr-defined]  # ConnectionAdmin's
        if find_level(row.platform, row.settings) is None:
            raise Http404
        currency = str(row.settings.get("currency") or "GBP").upper()
        form = SampleForm(request.POST or None, initial={"reference": trials.make_reference(), "currency": currency})
        shown: dict[str, Any] = {"title": _("Try the calls of %(row)s") % {"row": row}, "row": row, "form": form}
        if request.method == "POST" and form.is_valid():
            shown |= self._carry_out(request, row, form.read())
        calls = [(name, LABELS[name], writes) for name, writes in trials.list_calls(row)]
        level = find_level(row.platform, row.settings)
        page: HttpResponse = self._page(request, "calls", {**shown, "calls": calls, "level": level})  # type: ignore[attr-defined]  # ConnectionAdmin's
        return page

    def _carry_out(self, request: HttpRequest, row: Connection, sample: trials.Sample) -> dict[str, Any]:
        """What came of it, for the page. On a live connection its name is typed as well."""
        wanted = request.POST.get("call", "")
        is_live = row.environment == Connection.Environment.LIVE
        agreed = bool(request.POST.get("agreed")) and (not is_live or request.POST.get("name", "") == row.name)
        try:
            if wanted == "certify":
                findings = trials.certify(row, sample, at=timezone.now(), agreed=agreed)
                return {"findings": [(LABELS[one.name], one) for one in findings], "certified": True}
            if wanted not in dict(trials.list_calls(row)):
                raise Http404
            trial = trials.try_call(row, wanted, sample, at=timezone.now(), agreed=agreed)
        except trials.NotAgreed as error:
            more = _("Type the connection's name, too: it is a live one.") if is_live else ""
            return {"refused": f"{error} {more}".strip()}
        exchanges = [(one, _text(one.request_body), _text(one.response_body)) for one in trial.exchanges]
        return {"trial": trial, "label": LABELS[wanted], "exchanges": exchanges, "advice": advise(trial.code)}


def _text(body: bytes) -> str:
    return body[:BODY].decode("utf-8", "replace")
