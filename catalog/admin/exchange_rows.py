"""A table of mappings: what its columns are, what each row would change, and what is wrong with it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import tablib
from django.core.exceptions import ValidationError
from django.utils import timezone
from django.utils.translation import gettext as _
from import_export import resources
from import_export.fields import Field
from import_export.results import Result

from catalog import services
from catalog.models import Binding, Variant
from integrations.models import Connection
from portal.base.tables import Sheet
from portal.tenancy.models import User

State = Binding.State
NEEDED = ("connection", "external_id", "our_code")
MOST_ERRORS = 100
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


def _batches(values: Iterable[str]) -> Iterable[list[str]]:
    rows = sorted(values)
    return (rows[start : start + BATCH] for start in range(0, len(rows), BATCH))
