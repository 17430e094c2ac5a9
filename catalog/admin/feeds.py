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
from unfold.widgets import UnfoldAdminFileFieldWidget, UnfoldAdminSelectWidget, UnfoldBooleanSwitchWidget

from catalog.mapping.stock_rows import FIELDS, REQUIRED
from catalog.models import Feed, Identify
from catalog.services import feeds
from integrations.models import Connection, Stream
from portal.base.admin import MAPPERS, ReadOnlyAdmin, ago, badge, is_limited, may
from portal.base.tables import TableError

TONES = {"uploaded": "wait", "checked": "wait", "queued": "wait", "applied": "good", "failed": "bad"}
LABELS = {
    "article": gettext_lazy("The article"),
    "quantity": gettext_lazy("How many there are"),
    "location": gettext_lazy("Where (none: the back office's own location)"),
}


class UploadForm(forms.Form):
    connection = forms.ModelChoiceField(
        Connection.plain.none(), label=gettext_lazy("From"), widget=UnfoldAdminSelectWidget
    )
    mode = forms.ChoiceField(
        label=gettext_lazy("The file has"), choices=Feed.Mode.choices, widget=UnfoldAdminSelectWidget
    )
    file = forms.FileField(
        label=gettext_lazy("File"),
        help_text=gettext_lazy("CSV or XLSX, the first row names the columns."),
        widget=UnfoldAdminFileFieldWidget,
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        senders = Connection.objects.filter(role__in=feeds.SENDERS).order_by("name")
        self.fields["connection"].queryset = senders  # type: ignore[attr-defined]  # a ModelChoiceField


class ColumnsForm(forms.Form):
    """Which of the file's columns is what."""

    identify = forms.ChoiceField(
        label=gettext_lazy("It names an article by"), choices=Identify.choices, widget=UnfoldAdminSelectWidget
    )
    decimal_comma = forms.BooleanField(
        label=gettext_lazy("Numbers have a decimal comma (1,5)"), required=False, widget=UnfoldBooleanSwitchWidget
    )

    def __init__(self, *args: Any, header: list[str], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        choices = [("", "—"), *((name, name) for name in header)]
        for name in reversed(FIELDS):
            self.fields[name] = forms.ChoiceField(
                label=LABELS[name], choices=choices, required=name in REQUIRED, widget=UnfoldAdminSelectWidget
            )
        self.order_fields(FIELDS)


@admin.register(Feed)
class FeedAdmin(ReadOnlyAdmin):
    """Seen and sent by those who see every location: a file speaks of all of them."""

    list_display = ("filename", "connection", "stream", "state_shown", "result", "came")
    list_select_related = ("connection",)
    list_filter = ("state", "connection")

    @admin.display(description="state", ordering="state")
    def state_shown(self, row: Feed) -> str:
        return badge(row.get_state_display(), TONES[row.state])

    @admin.display(description="result")
    def result(self, row: Feed) -> str:
        return tell_counts(row.report) if row.report else ""

    @admin.display(description="received", ordering="pk")
    def came(self, row: Feed) -> str:
        return ago(row.received_at)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return may(request, MAPPERS) and not is_limited()

    def add_view(self, request: HttpRequest, form_url: str = "", extra_context: Any = None) -> HttpResponse:
        """Keep the file, then ask what its columns mean."""
        if not self.has_add_permission(request):
            raise PermissionDenied
        form = UploadForm(request.POST or None, request.FILES or None)
        if request.method == "POST" and form.is_valid():
            file = form.cleaned_data["file"]
            try:
                feed = feeds.receive(
                    connection=form.cleaned_data["connection"],
                    stream=Stream.STOCK,
                    filename=file.name,
                    chunks=file.chunks(),
                    at=timezone.now(),
                    by_id=request.user.pk,
                    mode=form.cleaned_data["mode"],
                )
                return HttpResponseRedirect(reverse("admin:catalog_feed_change", args=(feed.pk,)))
            except TableError as error:
                form.add_error("file", error.message)
        return self._page(request, "upload", {"title": _("Upload a feed of stock"), "form": form})

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
        context = {
            "title": feed.filename,
            "feed": feed,
            "state_badge": badge(feed.get_state_display(), TONES[feed.state]),
            "counts": tell_counts(report),
            "changes": report.get("created", 0) + report.get("updated", 0),
            "obstacle": feeds.obstacle(feed) if feed.state == Feed.State.CHECKED else None,
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
        initial = {**columns, "identify": known.identify, "decimal_comma": known.decimal_comma}
        form = ColumnsForm(request.POST or None, header=header, initial=initial)
        if request.method == "POST" and form.is_valid():
            given = form.cleaned_data
            try:
                feeds.set_columns(
                    feed=feed,
                    columns={name: given[name] for name in FIELDS},
                    identify=given["identify"],
                    decimal_comma=given["decimal_comma"],
                    mode=feed.mode,
                    remember=True,
                )
                feeds.check(feed=feed)
                return HttpResponseRedirect(reverse("admin:catalog_feed_change", args=(feed.pk,)))
            except TableError as error:
                form.add_error(None, error.message)
        context = {"title": feed.filename, "feed": feed, "form": form, "header": header, "rows": rows}
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


def tell_counts(report: dict[str, Any]) -> str:
    """ "1,000 rows: 3 new, 7 changed, 985 as they were, 4 nobody knows, 1 wrong" """
    rows = ngettext("%(n)s row", "%(n)s rows", report["seen"]) % {"n": f"{report['seen']:,}"}
    words = (
        (report["created"], _("new")),
        (report["updated"], _("changed")),
        (report["unchanged"], _("as they were")),
        (report["skipped"], _("nobody knows")),
        (report["failed"], _("wrong")),
    )
    return f"{rows}: " + ", ".join(f"{count:,} {word}" for count, word in words if count)
