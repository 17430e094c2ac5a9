"""Upload a feed: the file, what its columns mean, what it would change, and taking it over."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from unfold.widgets import (
    UnfoldAdminCheckboxSelectMultipleWidget,
    UnfoldAdminFileFieldWidget,
    UnfoldAdminSelectWidget,
    UnfoldBooleanSwitchWidget,
)

from catalog.mapping.feed_rows import OPTION, list_options
from catalog.models import Feed, Identify
from catalog.services import feed_files, feeds
from catalog.services.feed_kinds import FeedKind, get_kind, is_stuck, obstacle
from integrations.models import Connection, Stream
from portal.base.admin import MAPPERS, ReadOnlyAdmin, ago, badge, is_limited, may
from portal.base.tables import TableError

TONES = {
    "uploaded": "wait",
    "checking": "wait",
    "checked": "wait",
    "queued": "wait",
    "applied": "good",
    "failed": "bad",
}
KINDS = (
    (Stream.PRODUCT, gettext_lazy("Items: products, their articles and options")),
    (Stream.STOCK, gettext_lazy("Stock: how many there are, and where")),
    (Stream.PRICE, gettext_lazy("Prices: lists, quantities, validity, what goods cost us")),
    (Stream.CUSTOMER, gettext_lazy("Customers: who they are, what was agreed with them")),
)
MODES = (
    (Feed.Mode.PARTIAL, gettext_lazy("Some of them: what it leaves out stays as it is")),
    (Feed.Mode.COMPLETE, gettext_lazy("All of them: what it leaves out is gone, or there is none of it")),
)
RECENT = 5
SHOWN_ERRORS = 50
REFRESH_SECONDS = 3


class UploadForm(forms.Form):
    stream = forms.ChoiceField(label=gettext_lazy("It is about"), choices=KINDS, widget=UnfoldAdminSelectWidget)
    connection = forms.ModelChoiceField(
        Connection.plain.none(), label=gettext_lazy("From"), empty_label=None, widget=UnfoldAdminSelectWidget
    )
    mode = forms.ChoiceField(label=gettext_lazy("The file has"), choices=MODES, widget=UnfoldAdminSelectWidget)
    file = forms.FileField(
        label=gettext_lazy("File"),
        help_text=gettext_lazy("CSV or XLSX, the first row names the columns."),
        widget=UnfoldAdminFileFieldWidget,
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        senders = Connection.objects.filter(role__in=feed_files.SENDERS).order_by("name")
        self.fields["connection"].queryset = senders  # type: ignore[attr-defined]  # a ModelChoiceField

    def clean(self) -> dict[str, Any]:
        given = super().clean() or {}
        stream, mode = given.get("stream"), given.get("mode")
        if stream and mode == Feed.Mode.COMPLETE and not get_kind(stream).may_be_complete:
            self.add_error("mode", _("Nobody is deleted because a file leaves him out: choose the first."))
        return given


class ColumnsForm(forms.Form):
    """Which of the file's columns is what. `seldom`: the fields that nothing was found for and that need not be there,
    which the page folds away."""

    def __init__(self, *args: Any, kind: type[FeedKind], header: list[str], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        choices = [("", "—"), *((name, name) for name in header)]
        for one in kind.fields:
            self.fields[one.name] = forms.ChoiceField(
                label=one.label, choices=choices, required=one.required, widget=UnfoldAdminSelectWidget
            )
        if kind.has_options:
            self.fields["options"] = forms.MultipleChoiceField(
                label=_("Options, as colour and size: tick the columns of their values"),
                choices=choices[1:],
                required=False,
                widget=UnfoldAdminCheckboxSelectMultipleWidget,
            )
        if kind.identifies:
            self.fields["identify"] = forms.ChoiceField(
                label=_("It names an article by"), choices=Identify.choices, widget=UnfoldAdminSelectWidget
            )
        if kind.has_numbers:
            self.fields["decimal_comma"] = forms.BooleanField(
                label=_("Numbers have a decimal comma (1,5)"), required=False, widget=UnfoldBooleanSwitchWidget
            )
        self._names = [one.name for one in kind.fields]
        self._seldom = {
            one.name
            for one in kind.fields
            if not one.required and not (self.initial.get(one.name) or self.data.get(one.name))
        }

    @property
    def usual(self) -> list[Any]:
        return [field for field in self if field.name not in self._seldom]

    @property
    def seldom(self) -> list[Any]:
        return [field for field in self if field.name in self._seldom]

    def list_columns(self) -> dict[str, str]:
        """field → header, options by their own keys."""
        given = self.cleaned_data
        options = {f"{OPTION}{column}": column for column in given.get("options", ())}
        return {name: given[name] for name in self._names} | options


@admin.register(Feed)
class FeedAdmin(ReadOnlyAdmin):
    """Seen and sent by those who see every location: a file speaks of all of them."""

    list_display = ("filename", "connection", "stream", "state_shown", "result", "came")
    list_select_related = ("connection",)
    list_filter = ("stream", "state", "connection")

    @admin.display(description="state", ordering="state")
    def state_shown(self, row: Feed) -> str:
        return badge(row.get_state_display(), TONES[row.state])

    @admin.display(description="result")
    def result(self, row: Feed) -> str:
        return tell_counts(row) if row.report else ""

    @admin.display(description="received", ordering="pk")
    def came(self, row: Feed) -> str:
        return ago(row.received_at)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return may(request, MAPPERS) and not is_limited()

    def add_view(self, request: HttpRequest, form_url: str = "", extra_context: Any = None) -> HttpResponse:
        """Keep the file, then ask what its columns mean."""
        if not self.has_add_permission(request):
            raise PermissionDenied
        form = UploadForm(request.POST or None, request.FILES or None, initial={"stream": request.GET.get("stream")})
        if request.method == "POST" and form.is_valid():
            file = form.cleaned_data["file"]
            try:
                feed = feed_files.receive(
                    connection=form.cleaned_data["connection"],
                    stream=form.cleaned_data["stream"],
                    filename=file.name,
                    chunks=file.chunks(),
                    at=timezone.now(),
                    by_id=request.user.pk,
                    mode=form.cleaned_data["mode"],
                )
                return HttpResponseRedirect(reverse("admin:catalog_feed_change", args=(feed.pk,)))
            except TableError as error:
                form.add_error("file", error.message)
        rows = [(row, badge(row.get_state_display(), TONES[row.state]), self.result(row)) for row in self._recent()]
        senders = form.fields["connection"].queryset.exists()  # type: ignore[attr-defined]  # a ModelChoiceField
        context = {"title": _("Upload a feed"), "form": form, "recent": rows, "has_senders": senders}
        return self._page(request, "upload", context)

    def _recent(self) -> list[Feed]:
        return list(Feed.objects.select_related("connection").order_by("-pk")[:RECENT])

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        """The file's columns until they are set, then its report."""
        feed: Feed | None = self.get_object(request, object_id)
        if not self.has_view_permission(request):
            raise PermissionDenied
        if feed is None:
            raise Http404
        if request.method == "POST" and not self.has_add_permission(request):
            raise PermissionDenied
        if feed.state == Feed.State.UPLOADED or (feed.state == Feed.State.CHECKED and "columns" in request.GET):
            return self._columns(request, feed)
        if request.method == "POST":
            return self._take_over(request, feed)
        report = feed.report
        errors = report.get("errors", [])[:SHOWN_ERRORS]
        context = {
            "title": feed.filename,
            "feed": feed,
            "state_badge": badge(feed.get_state_display(), TONES[feed.state]),
            "kind": dict(KINDS)[Stream(feed.stream)],
            "mode": dict(MODES)[Feed.Mode(feed.mode)],
            "counts": tell_counts(feed) if report else "",
            "progress": feeds.describe_progress(feed) if feed.state == Feed.State.CHECKING else "",
            "refresh_seconds": REFRESH_SECONDS,
            "button": tell_button(feed),
            "nothing": not report.get("created") and not report.get("updated"),
            "obstacle": obstacle(feed) if feed.state == Feed.State.CHECKED else None,
            "is_stuck": is_stuck(feed),
            "errors": errors,
            "more_errors": max(0, report.get("failed", 0) + report.get("duplicates", 0) - len(errors)),
            "may_change": self.has_add_permission(request),
        }
        return self._page(request, "page", context)

    def _columns(self, request: HttpRequest, feed: Feed) -> HttpResponse:
        try:
            header, rows, columns = feeds.read_columns(feed)
        except TableError as error:
            messages.error(request, error.message)
            return HttpResponseRedirect(reverse("admin:catalog_feed_add"))
        known = feeds.find_mapping(feed)
        options = set(list_options(columns))
        initial: dict[str, Any] = {**columns, "identify": known.identify}
        initial["options"] = [name for name in header if name in options]
        initial["decimal_comma"] = known.decimal_comma
        form = ColumnsForm(request.POST or None, kind=get_kind(feed.stream), header=header, initial=initial)
        if request.method == "POST" and form.is_valid():
            given = form.cleaned_data
            try:
                feeds.set_columns(
                    feed=feed,
                    columns=form.list_columns(),
                    identify=given.get("identify", Identify.CODE),
                    decimal_comma=given.get("decimal_comma", False),
                    mode=feed.mode,
                    remember=True,
                )
                if feeds.is_large(feed):
                    feeds.check_later(feed=feed, goes_on=False, at=timezone.now())
                else:
                    feeds.check(feed=feed)
                return HttpResponseRedirect(reverse("admin:catalog_feed_change", args=(feed.pk,)))
            except TableError as error:
                form.add_error(None, error.message)
            except feeds.NotPossible as error:
                form.add_error(None, str(error))
        context = {"title": feed.filename, "feed": feed, "form": form, "header": header, "rows": rows}
        context["kind"] = dict(KINDS)[Stream(feed.stream)]
        return self._page(request, "columns", context)

    def _take_over(self, request: HttpRequest, feed: Feed) -> HttpResponse:
        try:
            feeds.queue(
                feed=feed,
                only_good_rows="only_good_rows" in request.POST,
                ignore_brake="ignore_brake" in request.POST,
                at=timezone.now(),
            )
            messages.success(request, _("%(file)s is being taken over.") % {"file": feed})
        except feeds.NotPossible as error:
            messages.error(request, str(error))
        return HttpResponseRedirect(reverse("admin:catalog_feed_change", args=(feed.pk,)))

    def _page(self, request: HttpRequest, name: str, context: dict[str, Any]) -> HttpResponse:
        context = {**self.admin_site.each_context(request), "opts": self.opts, **context}
        return TemplateResponse(request, f"admin/feed/{name}.html", context)


def tell_counts(feed: Feed) -> str:
    """ "1,000 rows: 3 new, 7 changed, 985 as they were, 4 nobody knows, 1 wrong"; where several rows may be one record:
    "6 rows, 2 products: 1 new, 1 changed" """
    report = feed.report
    count = report.get("rows", report["seen"])
    rows = ngettext("%(n)s row", "%(n)s rows", count) % {"n": f"{count:,}"}
    if feed.stream == Stream.PRODUCT:
        rows = f"{rows}, {tell_many(feed.stream, report['seen'] - report['failed'])}"
    knows = _("left out") if feed.stream == Stream.CUSTOMER else _("nobody knows")
    words = (
        (report["created"], _("new")),
        (report["updated"], _("changed")),
        (report["unchanged"], _("as they were")),
        (report["skipped"], knows),
        (report["failed"], _("wrong")),
    )
    said = ", ".join(f"{count:,} {word}" for count, word in words if count)
    return f"{rows}: {said}" if said else rows


def tell_many(stream: str, count: int) -> str:
    """ "3 figures", "1 product" """
    if stream == Stream.PRODUCT:
        words = ngettext("%(n)s product", "%(n)s products", count)
    elif stream == Stream.PRICE:
        words = ngettext("%(n)s price", "%(n)s prices", count)
    elif stream == Stream.CUSTOMER:
        words = ngettext("%(n)s customer", "%(n)s customers", count)
    else:
        words = ngettext("%(n)s figure", "%(n)s figures", count)
    return words % {"n": f"{count:,}"}


def tell_button(feed: Feed) -> str:
    """What taking it over does, with its number."""
    report = feed.report
    if report.get("brake"):
        words = _("Change %(what)s all the same")
    elif report.get("failed"):
        words = _("Change %(what)s, leave the wrong rows out")
    else:
        words = _("Change %(what)s")
    return words % {"what": tell_many(feed.stream, report.get("created", 0) + report.get("updated", 0))}
