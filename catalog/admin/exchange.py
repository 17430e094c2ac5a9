"""Mappings as a table and back: export, edit in a spreadsheet, look at what would change, import all or nothing."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import tablib
from django import forms
from django.contrib import messages
from django.core import signing
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from import_export import resources
from import_export.fields import Field
from import_export.results import Result
from unfold.widgets import UnfoldAdminFileFieldWidget

from catalog import services
from catalog.admin.changes import get_person
from catalog.models import Binding, Variant
from integrations.models import Connection
from portal.base.admin import MAPPERS, may
from portal.base.tables import CONTENT_TYPES, CSV, MOST_BYTES, Sheet, TableError, read_sheet, write_table
from portal.tenancy.models import User

State = Binding.State
NEEDED = ("connection", "external_id", "our_code")
MOST_ERRORS, MOST_CHANGES = 100, 200
KEEP_SECONDS = 3600
MOST_SIGNED = 4_500_000  # characters; a form may have 5 MB
BATCH = 500
# The words of the table are the same in every language, so that a file comes back from anywhere.
WORDS = {"mapped": State.BOUND, "suggested": State.SUGGESTED, "needs a decision": State.CONFLICT,
         "ignored": State.IGNORED, "gone there": State.STALE}  # fmt: skip
FACTOR = re.compile(r"\d{1,9}(\.\d{1,3})?", re.ASCII)


class MappingResource(resources.ModelResource):
    """A row an article of a shop or back office, found by `connection` and `external_id`. What can be changed is
    `our_code`, `factor` and `state`; the rest is there to be read."""

    connection = Field(column_name="connection", attribute="connection__name")
    external_id = Field(column_name="external_id", attribute="external_id")
    code_there = Field(column_name="code_there", attribute="reference_code")
    title = Field(column_name="title", attribute="title")
    our_code = Field(column_name="our_code", attribute="variant__code")
    factor = Field(column_name="factor", attribute="factor")
    state = Field(column_name="state")

    class Meta:
        model = Binding
        fields = ("connection", "external_id", "code_there", "title", "our_code", "factor", "state")
        import_id_fields = ()
        use_bulk = True
        batch_size = None
        use_transactions = True
        skip_unchanged = True
        report_skipped = False
        skip_html_diff = True

    def __init__(self, merchant_id: int, *, filename: str = "", by: User | None = None) -> None:
        super().__init__()
        self.merchant_id, self.filename, self.by = merchant_id, filename, by
        self.freed = 0
        self._found: dict[tuple[str, str], Binding] = {}
        self._variants: dict[str, Variant] = {}

    # out -------------------------------------------------------------------------------------------------------------

    def dehydrate_factor(self, row: Binding) -> str:
        return f"{row.factor.normalize():f}"

    def dehydrate_state(self, row: Binding) -> str:
        return next(word for word, state in WORDS.items() if state == row.state)

    # in --------------------------------------------------------------------------------------------------------------

    def before_import(self, dataset: tablib.Dataset, **kwargs: Any) -> None:
        """Read the articles and variants the table names, in a few statements, and lock what may change."""
        names, ids = set(dataset["connection"]), set(dataset["external_id"])
        connections = Connection.plain.filter(merchant_id=self.merchant_id, name__in=names)
        rows = Binding.plain.filter(merchant_id=self.merchant_id, connection__in=list(connections))
        for some in _batches(ids):
            mine = rows.filter(external_id__in=some).select_related("connection", "variant").order_by("pk")
            self._found |= {(row.connection.name, row.external_id): row for row in mine.select_for_update(of=("self",))}
        for some in _batches(set(dataset["our_code"])):
            variants = Variant.plain.filter(merchant_id=self.merchant_id, code__in=some)
            self._variants |= {row.code: row for row in variants}

    def get_instance(self, instance_loader: Any, row: Mapping[str, str]) -> Binding:
        found = self._found.get((row["connection"], row["external_id"]))
        if found is None:
            words = _("%(connection)s has no article %(id)s here: read its products first.")
            raise ValidationError(
                {"external_id": words % {"connection": row["connection"] or "?", "id": row["external_id"] or "?"}}
            )
        return found

    def import_instance(self, instance: Binding, row: Mapping[str, str], **kwargs: Any) -> None:
        change(instance, row, self._variants)

    def skip_row(self, instance: Any, original: Any, row: Any, import_validation_errors: Any = None) -> bool:
        names = ("variant_id", "factor", "state")
        return not import_validation_errors and all(getattr(instance, n) == getattr(original, n) for n in names)

    def bulk_update(self, using_transactions: bool, dry_run: bool, *args: Any, **kwargs: Any) -> None:
        if not dry_run:
            self.freed = services.take_mappings(
                rows=self.update_instances, filename=self.filename, by=self.by, at=timezone.now()
            )
        self.update_instances.clear()


def change(row: Binding, cells: Mapping[str, str], variants: Mapping[str, Variant]) -> None:
    """Put what a person decided on the row; ValidationError by column. A code where none was is a decision by itself,
    whatever the state says."""
    row.factor = _read_factor(cells.get("factor", ""), row.factor)
    code = cells["our_code"]
    text = cells.get("state", "").strip().casefold()
    state = WORDS.get(text, text) or row.state
    if state not in State.values:
        words = _("“%(text)s” is no state: write one of %(all)s.")
        raise ValidationError({"state": words % {"text": cells.get("state", ""), "all": ", ".join(WORDS)}})
    before = row.variant.code if row.variant is not None else ""
    if state == row.state and code == before:
        return
    if state == State.IGNORED:
        if code and code != before:
            raise ValidationError({"our_code": _("An ignored article has no code of ours: empty this, or map it.")})
        row.variant, row.state, row.reason = None, State.IGNORED, "ignored"
        return
    if state != row.state and state != State.BOUND:
        raise ValidationError({"state": _("A table can map articles or ignore them; this state comes by itself.")})
    if row.state == State.STALE:
        raise ValidationError({"external_id": _("The article is gone there: it cannot be mapped.")})
    if not code:
        raise ValidationError({"our_code": _("A mapped article needs our code: fill it in, or write ignored.")})
    if code not in variants:
        raise ValidationError({"our_code": _("None of our articles has the code %s.") % code})
    row.variant, row.state, row.reason = variants[code], State.BOUND, "from a table"


def _read_factor(text: str, before: Decimal) -> Decimal:
    if not text.strip():
        return before
    if "," in text:
        raise ValidationError({"factor": _("%s has a comma: write 1.5 with a point.") % text})
    if not FACTOR.fullmatch(text.strip()) or not Decimal(text):
        raise ValidationError({"factor": _("%s is no number of pieces above 0 with three decimals at most.") % text})
    return Decimal(text)


def check_sheet(sheet: Sheet) -> list[str]:
    """What is wrong with the table as such, before any row is looked at: headers, and rows told twice."""
    known = [field.column_name for field in MappingResource.fields.values()]
    missing = [name for name in NEEDED if name not in sheet.headers]
    unknown = [name for name in sheet.headers if name not in known]
    found = [
        words % ", ".join(names)
        for names, words in (
            (missing, _("Missing columns: %s.")),
            (unknown, _("Unknown columns: %s.")),
        )
        if names
    ]
    if found:
        return found
    places = sheet.headers.index("connection"), sheet.headers.index("external_id")
    seen: dict[tuple[str, str], int] = {}
    for line, cells in zip(sheet.lines, sheet.rows, strict=True):
        key = cells[places[0]], cells[places[1]]
        if key in seen:
            words = _("Lines %(first)s and %(second)s are both article %(id)s of %(connection)s: keep one.")
            found.append(words % {"first": seen[key], "second": line, "id": key[1], "connection": key[0]})
        seen.setdefault(key, line)
    return found[:MOST_ERRORS]


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    line: int
    column: str
    words: str


def list_faults(sheet: Sheet, result: Result) -> list[Fault]:
    """Each with its line in the file and its column."""
    found = [
        Fault(line=sheet.lines[row.number - 1], column=column, words=" ".join(words))
        for row in result.invalid_rows[:MOST_ERRORS]
        for column, words in row.field_specific_errors.items()
    ]
    for number, errors in result.row_errors()[:MOST_ERRORS]:
        found += [Fault(line=sheet.lines[number - 1], column="", words=str(one.error)) for one in errors]
    return found + [Fault(line=0, column="", words=str(one.error)) for one in result.base_errors]


def list_warnings(sheet: Sheet) -> list[str]:
    """Codes that were kept as numbers: what stood in front of them is lost already."""
    codes = {place for place, name in enumerate(sheet.headers, start=1) if name in {"external_id", "our_code"}}
    lines = sorted({line for line, column in sheet.numbers if column in codes})
    if not lines:
        return []
    words = _("The codes of lines %s are kept as numbers: zeros in front of them are gone. Format the columns as text.")
    return [words % (", ".join(map(str, lines[:10])) + (" …" if len(lines) > 10 else ""))]


def to_dataset(sheet: Sheet) -> tablib.Dataset:
    return tablib.Dataset(*sheet.rows, headers=sheet.headers)


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


def _batches(values: Iterable[str]) -> Iterable[list[str]]:
    rows = sorted(values)
    return (rows[start : start + BATCH] for start in range(0, len(rows), BATCH))
