"""The conflicts: both sides, what each holds up, and the ways out of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db.models import Q
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from catalog.admin.changes import last_change
from catalog.admin.worklist import enter, read_int, render_page, tell
from catalog.models import Binding, MappingConflict, Product, Variant
from catalog.services import conflicts, decisions, making, worklist
from catalog.services.conflicts import Case, Wanted
from catalog.services.decisions import Choice, Decided
from integrations.sync.outbox import ring_on_commit
from portal.base.admin import MAPPERS, ReadOnlyAdmin, is_limited, may

CHANGELIST, CHANGE = "admin:catalog_mappingconflict_changelist", "admin:catalog_mappingconflict_change"
FOUND_AT_MOST = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """A case as the page shows it: our candidates, and whether the first is proposed."""

    case: Case
    candidates: Sequence[dict[str, Any]]
    url: str

    @property
    def key(self) -> str:
        return str(self.case.conflict.pk)

    @property
    def grid(self) -> str:
        """Where it is seen among its siblings: the cell it may be, the axis values where its options are others; ''
        where nobody knows the product."""
        conflict = self.case.conflict
        if conflict.product_id is None:
            return ""
        name = "axes" if conflict.type == MappingConflict.Type.AXIS_MISMATCH else "matrix"
        query: dict[str, Any] = {"shop": conflict.connection_id}
        if name == "axes" and conflict.binding is not None:
            query["there"] = conflict.binding.parent_external_id
        cell = self.candidates[0]["variant"] if self.candidates else None
        anchor = f"#cell-{cell}-{conflict.connection_id}" if cell and name == "matrix" else ""
        return reverse(f"admin:catalog_product_{name}", args=(conflict.product_id,), query=query) + anchor

    @property
    def proposed(self) -> int | None:
        """The candidate that is chosen unless the person says otherwise: only where it is well ahead."""
        binding = self.case.conflict.binding
        return binding.variant_id if binding is not None and binding.state == Binding.State.SUGGESTED else None


class ConflictPages(ReadOnlyAdmin):
    """In place of Django's list and form: what waits first, many decided at once."""

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        merchant_id = enter(request)
        if request.method == "POST":
            self._decide_many(request)
            return HttpResponseRedirect(request.get_full_path())
        given = request.GET
        wanted = Wanted(
            type=given.get("type", "") if given.get("type") in MappingConflict.Type.values else "",
            connection_id=read_int(given.get("shop", "")),
            product_id=read_int(given.get("product", "")),
            query=given.get("q", ""),
        )
        page = conflicts.list_cases(
            merchant_id=merchant_id, wanted=wanted, after=given.get("after", ""), with_money=not is_limited()
        )
        kept = {"shop": wanted.connection_id or "", "product": wanted.product_id or "", "q": wanted.query}
        context = {
            "title": _("Conflicts"),
            "sides": [_side(case) for case in page.cases],
            "types": _types(merchant_id, wanted, kept),
            "shops": worklist.list_shops(merchant_id=merchant_id),
            "wanted": wanted,
            "product": Product.objects.filter(pk=wanted.product_id).first() if wanted.product_id else None,
            "next_url": f"?{urlencode({**kept, 'type': wanted.type, 'after': page.next})}" if page.next else "",
            "may_change": may(request, MAPPERS),
            "last": last_change(request),
        }
        return render_page(self, request, "conflicts", context)

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        """One conflict, with a search among ours."""
        merchant_id = enter(request)
        case = conflicts.find_case(
            merchant_id=merchant_id, conflict_id=read_int(object_id) or 0, with_money=not is_limited()
        )
        if case is None:
            raise Http404
        if request.method == "POST":
            return self._decide_one(request, case)
        query = request.GET.get("q", "").strip()
        context = {
            "title": _("One conflict"),
            "side": _side(case),
            "found": _search(query) if query else [],
            "query": query,
            "may_change": may(request, MAPPERS) and case.conflict.resolved_at is None,
            "last": last_change(request),
        }
        return render_page(self, request, "conflict", context)

    def _decide_many(self, request: HttpRequest) -> None:
        """A button of one card ("accept:17"), or one for all that are ticked ("accept")."""
        if not may(request, MAPPERS):
            raise PermissionDenied
        verb, _colon, one = request.POST.get("do", "").partition(":")
        if verb == "look":
            self._look_again(request)
            return
        picked = [one] if one else request.POST.getlist("pick")
        ids = [pk for pk in map(read_int, picked) if pk is not None]
        rows = list(
            MappingConflict.objects.filter(pk__in=ids, resolved_at__isnull=True, binding__isnull=False).order_by("pk")
        )
        if not rows:
            messages.warning(request, _("Tick the articles it is about first; one may have been decided meanwhile."))
            return
        if verb == "accept":
            chosen = {row.binding_id or 0: read_int(request.POST.get(f"candidate-{row.pk}", "")) for row in rows}
            _accept(request, chosen)
        elif verb in {"ignore", "create"}:
            _ignore_or_create(request, verb, [row.binding_id or 0 for row in rows])

    def _decide_one(self, request: HttpRequest, case: Case) -> HttpResponse:
        if not may(request, MAPPERS):
            raise PermissionDenied
        verb, binding_id = request.POST.get("do", ""), case.conflict.binding_id or 0
        if verb == "accept":
            _accept(request, {binding_id: read_int(request.POST.get("variant", ""))})
        elif verb in {"ignore", "create"}:
            _ignore_or_create(request, verb, [binding_id])
        case.conflict.refresh_from_db()
        if case.conflict.resolved_at is None:
            return HttpResponseRedirect(request.get_full_path())
        return HttpResponseRedirect(reverse(CHANGELIST))

    def _look_again(self, request: HttpRequest) -> None:
        """Compare the shops' open articles with ours once more, in the background."""
        for shop in worklist.list_shops(merchant_id=enter(request)):
            ring_on_commit("catalog.suggest", connection_id=shop.pk)
        messages.success(request, _("The articles are compared again; load this page anew in a moment."))


def _side(case: Case) -> Side:
    url = reverse(CHANGE, args=(case.conflict.pk,))
    return Side(case=case, candidates=case.conflict.candidates, url=url)


def _types(merchant_id: int, wanted: Wanted, kept: dict[str, Any]) -> list[tuple[str, int, str, bool]]:
    """(words, how many, address, whether it is shown) of each kind there is."""
    counts = conflicts.count_by_type(merchant_id=merchant_id, connection_id=wanted.connection_id)
    rows = [(str(_("All")), sum(counts.values()), f"?{urlencode(kept)}", not wanted.type)]
    return rows + [
        (str(kind.label), counts[kind.value], f"?{urlencode({**kept, 'type': kind.value})}", wanted.type == kind.value)
        for kind in MappingConflict.Type
        if kind.value in counts
    ]


def _search(text: str) -> list[Variant]:
    rows = Variant.objects.filter(is_active=True).filter(
        Q(code__istartswith=text) | Q(barcode=text) | Q(name__icontains=text) | Q(product__name__icontains=text)
    )
    return list(rows.select_related("product").order_by("code")[:FOUND_AT_MOST])


def _accept(request: HttpRequest, chosen: dict[int, int | None]) -> None:
    factor = _read_factor(request)
    if factor is None:
        messages.error(request, _("“How many of ours are in one” is a number above 0, such as 1 or 24."))
        return
    choices = [
        Choice(binding_id=binding_id, variant_id=variant_id, factor=factor, again=request.POST.get("again") == "yes")
        for binding_id, variant_id in chosen.items()
        if variant_id is not None
    ]
    if len(choices) < len(chosen):
        left = len(chosen) - len(choices)
        words = ngettext(
            "%d article has no candidate chosen: choose one first.",
            "%d articles have no candidate chosen: choose one each first.",
            left,
        )
        messages.warning(request, words % left)
    if not choices:
        return
    done = decisions.choose(**_common(request), choices=choices)
    _say(request, done, ngettext("%d article is mapped.", "%d articles are mapped.", done.count))


def _ignore_or_create(request: HttpRequest, verb: str, binding_ids: list[int]) -> None:
    if verb == "create":
        done = making.create_here(**_common(request), binding_ids=binding_ids)
        words = ngettext("%d article was made here and mapped.", "%d articles were made here and mapped.", done.count)
    else:
        done = decisions.ignore_all(**_common(request), binding_ids=binding_ids)
        words = ngettext(
            "%d article is ignored: orders that sell it still wait.",
            "%d articles are ignored: orders that sell them still wait.",
            done.count,
        )
    _say(request, done, words)


def _say(request: HttpRequest, done: Decided, words: str) -> None:
    tell(request, done, words)
    if done.count and request.POST.get("remember") == "yes":
        messages.info(request, _("It is remembered for this shop: articles with the same code follow by themselves."))


def _common(request: HttpRequest) -> dict[str, Any]:
    return {
        "merchant_id": enter(request, changing=True),
        "remember": request.POST.get("remember") == "yes",
        "by": request.user,
        "at": timezone.now(),
    }


def _read_factor(request: HttpRequest) -> Decimal | None:
    """How many of ours one of theirs is; None where what was typed is no such number."""
    try:
        number = Decimal(request.POST.get("factor", "").strip() or "1")
    except InvalidOperation:
        return None
    fits = number.is_finite() and 0 < number < 10**9 and number == round(number, 3)
    return number if fits else None
