"""The values page: theirs, how often seen, ours, and the orders that wait."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from integrations.contract.errors import ConnectorError
from integrations.models import Connection, ValueMapping
from integrations.sync.value_page import count_unmapped, list_values
from integrations.sync.values import discover_values, map_values
from integrations.sync.waiting import say_gone_on
from portal.base.admin import MAPPERS, OFFICE, MerchantAdmin, is_limited, may

Kind = ValueMapping.Kind
LONGEST = 200


class ValuesPages(MerchantAdmin):
    """In place of Django's list: a kind a tab, saved in place."""

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        merchant = getattr(request, "merchant", None)
        if merchant is None or not may(request, OFFICE):
            raise PermissionDenied
        if request.method == "POST":
            if not may(request, MAPPERS):
                raise PermissionDenied
            self._act(request)
            return HttpResponseRedirect(request.get_full_path())
        given = request.GET
        counts = count_unmapped(merchant_id=merchant.pk)
        wanted = given.get("kind") or given.get("kind__exact") or ""
        kind = (
            wanted if wanted in Kind.values else next((one for one in Kind.values if counts.get(one)), Kind.TAX.value)
        )
        shop, show_all, query = _read_int(given.get("shop", "")), given.get("show") == "all", given.get("q", "")
        kept = {"shop": shop or "", "q": query}
        context = {
            **self.admin_site.each_context(request),
            "title": _("Values"),
            "content_title": _("Values"),
            "values": list_values(
                merchant_id=merchant.pk,
                kind=kind,
                connection_id=shop,
                show_all=show_all,
                query=query,
                with_money=not is_limited(),
            ),
            "kind": kind,
            "kinds": [
                (one.label, counts.get(one.value, 0), f"?{urlencode({**kept, 'kind': one.value})}", one.value == kind)
                for one in Kind
            ],
            "connections": Connection.objects.order_by("name"),
            "shop": shop,
            "query": query,
            "show_all": show_all,
            "other_url": f"?{urlencode({**kept, 'kind': kind, 'show': '' if show_all else 'all'})}",
            "may_change": may(request, MAPPERS),
        }
        return TemplateResponse(request, "admin/values/page.html", context)

    def _act(self, request: HttpRequest) -> None:
        verb, _colon, one = request.POST.get("do", "").partition(":")
        if verb == "discover":
            _discover(request)
        elif verb == "line":
            _name_line(request, one)
        elif verb == "save":
            _save(request, [one] if one else request.POST.getlist("row"))


def _save(request: HttpRequest, given: Sequence[str]) -> None:
    """Write what was chosen for these rows, where it is something else than before."""
    ids = [pk for pk in map(_read_int, given) if pk is not None]
    rows: list[ValueMapping] = []
    for row in ValueMapping.objects.filter(pk__in=ids).select_related("connection").order_by("pk"):
        typed = request.POST.get(f"new-{row.pk}", "").strip()[:LONGEST]
        if typed:
            wanted, others = typed, list[ValueMapping]()
        else:
            wanted, others = _read_choice(request.POST.get(f"ours-{row.pk}"), row)
        if wanted != row.ours:
            row.ours = wanted
            rows += [row, *others]
    if not rows:
        messages.info(request, _("Nothing was chosen, so nothing is changed."))
        return
    _tell(request, rows)


def _read_choice(given: str | None, row: ValueMapping) -> tuple[str, list[ValueMapping]]:
    """The name of ours that was chosen; with a value of the other side that had none, that value, named."""
    sort, _colon, value = (f"name:{row.ours}" if given is None else given).partition(":")
    if sort == "name":
        return value[:LONGEST], []
    pk = _read_int(value)
    other = ValueMapping.objects.filter(pk=pk, kind=row.kind).first() if sort == "row" and pk else None
    if other is None:
        return "", []
    if not other.ours:
        name = other.label or other.theirs
        taken = ValueMapping.objects.filter(connection=other.connection, kind=other.kind, ours=name)
        other.ours = (f"{name} ({other.theirs})" if taken.exists() else name)[:LONGEST]
    return other.ours, [other]


def _name_line(request: HttpRequest, key: str) -> None:
    """A back office's item for one of our special lines."""
    pk, _colon, name = key.partition(":")
    there = Connection.objects.filter(pk=_read_int(pk) or 0).first()
    theirs = request.POST.get(f"theirs-{key}", "").strip()[:LONGEST]
    if there is None or not theirs or not name:
        messages.warning(request, _("Type the id of the item it is booked on there first."))
        return
    used = ValueMapping.objects.filter(connection=there, kind=Kind.SPECIAL_LINE, theirs=theirs).first()
    if used is not None and used.ours not in {"", name}:
        words = _("%(theirs)s is what %(name)s is booked on already; each needs an item of its own.")
        messages.error(request, words % {"theirs": theirs, "name": used.ours})
        return
    row = used or ValueMapping(merchant_id=there.merchant_id, connection=there, kind=Kind.SPECIAL_LINE, theirs=theirs)
    row.ours = name[:LONGEST]
    _tell(request, [row])


def _tell(request: HttpRequest, rows: list[ValueMapping]) -> None:
    waited, went = map_values(rows, at=timezone.now())
    words = [f"{row.label or row.theirs} ↔ {row.ours or _('not mapped')}" for row in rows[:3]]
    saved = _("%s is saved.") % ", ".join(words)
    messages.success(request, f"{saved} {'' if is_limited() else say_gone_on(waited, went)}".strip())


def _discover(request: HttpRequest) -> None:
    """Ask every connection that reads; what one of them answers wrongly does not hold up the others."""
    new = 0
    for row in Connection.objects.filter(state__in=Connection.READING_STATES).order_by("pk"):
        try:
            new += discover_values(row, at=timezone.now())
        except ConnectorError as error:
            messages.error(request, f"{row}: {error.message}")
    words = ngettext("%d new value was found.", "%d new values were found.", new)
    messages.success(request, words % new)


def _read_int(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 19 else None
