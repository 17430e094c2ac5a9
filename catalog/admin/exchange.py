"""Mappings as a table and back: export, edit in a spreadsheet, look at what would change, import all or nothing."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import messages
from django.core import signing
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from import_export.results import Result
from unfold.widgets import UnfoldAdminFileFieldWidget

from catalog.admin.changes import get_person
from catalog.admin.exchange_rows import (
    MOST_ERRORS,
    MappingResource,
    check_sheet,
    list_faults,
    list_warnings,
    to_dataset,
)
from catalog.models import Binding
from integrations.models import Connection
from portal.base.admin import MAPPERS, may
from portal.base.tables import CONTENT_TYPES, CSV, MOST_BYTES, Sheet, TableError, read_sheet, write_table

State = Binding.State
MOST_CHANGES = 200
KEEP_SECONDS = 3600
MOST_SIGNED = 4_500_000  # characters; a form may have 5 MB


class TableForm(forms.Form):
    file = forms.FileField(
        widget=UnfoldAdminFileFieldWidget(attrs={"accept": ".csv,.xlsx", "aria-label": gettext_lazy("The table")})
    )


class MappingExchange:
    """The pages, for the admin of Binding."""

    admin_site: Any
    opts: Any

    def get_urls(self) -> list[Any]:
        wrap = self.admin_site.admin_view
        own = [
            path("exchange/", wrap(self.exchange_view), name="catalog_binding_exchange"),
            path("export/", wrap(self.export_view), name="catalog_binding_export"),
        ]
        return [*own, *super().get_urls()]  # type: ignore[misc]  # ModelAdmin's

    def export_view(self, request: HttpRequest) -> HttpResponse:
        """Every mapping of the merchant, or of one connection."""
        merchant_id = _merchant_of(request)
        kind = request.GET.get("format", CSV)
        kind = kind if kind in CONTENT_TYPES else CSV
        rows = Binding.objects.select_related("connection", "variant").order_by("connection__name", "external_id")
        if (chosen := request.GET.get("connection", "")).isdecimal():
            rows = rows.filter(connection_id=int(chosen))
        dataset = MappingResource(merchant_id).export(rows)
        data = write_table(kind, [dataset.headers, *([str(cell) for cell in row] for row in dataset)])
        name = f"mappings-{timezone.now():%Y%m%d-%H%M}.{kind}"
        return HttpResponse(
            data, content_type=CONTENT_TYPES[kind], headers={"Content-Disposition": f'attachment; filename="{name}"'}
        )

    def exchange_view(self, request: HttpRequest) -> HttpResponse:
        """Upload and look first; the table travels signed in the page, so that what was looked at is what is taken."""
        merchant_id = _merchant_of(request)
        title = _("Export and import mappings")
        context: dict[str, Any] = {"title": title, "content_title": title, "most": MOST_BYTES // 1_000_000}
        context |= {"connections": Connection.objects.order_by("name"), "form": TableForm()}
        if request.method == "POST":
            try:
                name, data, confirmed = _find_file(request, merchant_id)
                sheet = read_sheet(name, data)
            except TableError as error:
                context["refused"] = [error.message]
                return self._page(request, context)
            if refused := check_sheet(sheet):
                context["refused"] = refused
                return self._page(request, context)
            resource = MappingResource(merchant_id, filename=name, by=get_person(request))
            result = resource.import_data(
                to_dataset(sheet),
                dry_run=not confirmed,
                rollback_on_validation_errors=True,
                retain_instance_in_row_result=True,
            )
            context |= self._describe(sheet, result)
            if confirmed and not context["faults"]:
                words = _("%(count)s mappings are taken over; %(freed)s records went on. Undo it under Changes.")
                messages.success(request, words % {"count": context["count"], "freed": resource.freed})
                return HttpResponseRedirect(reverse("admin:catalog_binding_changelist"))
            context["token"] = token = _sign(name, data, merchant_id)
            if len(token) > MOST_SIGNED:
                context = {**context, "looked": False, "refused": [_("The file is too large: split it.")]}
        return self._page(request, context)

    def _describe(self, sheet: Sheet, result: Result) -> dict[str, Any]:
        changed = [(row.original, row.instance) for row in result.rows if row.instance is not None]
        return {
            "looked": True,
            "rows": len(sheet.rows),
            "count": len(changed),
            "changes": [_describe_change(before, after) for before, after in changed[:MOST_CHANGES]],
            "more": max(0, len(changed) - MOST_CHANGES),
            "faults": list_faults(sheet, result)[:MOST_ERRORS],
            "bad": len(result.invalid_rows) + len(result.row_errors()),
            "warnings": list_warnings(sheet),
        }

    def _page(self, request: HttpRequest, context: dict[str, Any]) -> HttpResponse:
        context = {**self.admin_site.each_context(request), "opts": self.opts, **context}
        return TemplateResponse(request, "admin/catalog/exchange.html", context)


def _describe_change(before: Binding, after: Binding) -> dict[str, Any]:
    def say(row: Binding) -> str:
        code = row.variant.code if row.variant is not None else "–"
        times = "" if row.factor == 1 else f" × {row.factor.normalize():f}"
        return f"{code}{times}, {State(row.state).label.lower()}"

    return {"row": after, "before": say(before), "after": say(after)}


def _merchant_of(request: HttpRequest) -> int:
    if not may(request, MAPPERS):
        raise PermissionDenied
    merchant_id: int = request.merchant.pk  # type: ignore[attr-defined]  # the middleware's
    return merchant_id


def _find_file(request: HttpRequest, merchant_id: int) -> tuple[str, bytes, bool]:
    """The file brought now, or the one looked at before and confirmed."""
    if upload := request.FILES.get("file"):
        if (upload.size or 0) > MOST_BYTES:
            raise TableError("file_too_large", _("The file is too large: split it."), status=413)
        return upload.name or "", upload.read(), False
    try:
        kept = signing.loads(request.POST.get("token", ""), salt="mapping-exchange", max_age=KEEP_SECONDS)
    except signing.BadSignature as error:
        raise TableError("file_missing", _("Choose a file first; what was looked at is kept for an hour.")) from error
    if kept["merchant"] != merchant_id:
        raise TableError("file_missing", _("This table was looked at for another merchant: choose it again."))
    return kept["name"], bytes.fromhex(kept["data"]), True


def _sign(name: str, data: bytes, merchant_id: int) -> str:
    kept = {"name": name, "data": data.hex(), "merchant": merchant_id}
    return signing.dumps(kept, salt="mapping-exchange", compress=True)
