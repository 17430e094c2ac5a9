"""Customers: found by anything one knows of them, and a page that says who one is, owes and may be the same as."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import Count, Exists, OuterRef, Q, QuerySet, Sum
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils import timezone
from django.utils.text import slugify, smart_split
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.widgets import UnfoldAdminSelectWidget

from integrations.models import Link, Stream
from integrations.sync.platforms import list_capabilities
from orders.admin.acts import person as who_asks
from orders.admin.seen import at_places
from orders.models import Customer, CustomerMerge, CustomerRules, Order
from orders.services import accounts, credit, duplicates, erasure, merging, person
from orders.services.customers import normalise_phone
from orders.services.identity import read_rules
from portal.base.admin import (
    DESK,
    OFFICE,
    ORDER_READERS,
    OWNERS,
    ReadOnlyAdmin,
    ago,
    badge,
    is_limited,
    may,
    money,
)
from portal.base.admin_scope import MerchantForm
from portal.tenancy.scoping import current_scope

MIN_PHONE_DIGITS = 6
ORDERS_SHOWN, PAIRS_SHOWN = 20, 100
FIELDS = {
    "name": gettext_lazy("Name"),
    "company": gettext_lazy("Company"),
    "email": gettext_lazy("E-mail"),
    "phone": gettext_lazy("Phone"),
    "tax_number": gettext_lazy("Tax number"),
}


class KindFilter(admin.SimpleListFilter):
    title = gettext_lazy("who")
    parameter_name = "who"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("guests", _("Guests")), ("merged", _("Merged into another")), ("erased", _("Erased"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Customer]) -> QuerySet[Customer]:
        match self.value():
            case "guests":
                return queryset.filter(is_guest=True, erased_at__isnull=True)
            case "merged":
                return queryset.filter(merged_into__isnull=False)
            case "erased":
                return queryset.filter(erased_at__isnull=False, merged_into__isnull=True)
        return queryset.filter(merged_into__isnull=True)


class RulesForm(MerchantForm):
    class Meta:
        model = CustomerRules
        fields = ("match_by", "guests")
        widgets = {"match_by": UnfoldAdminSelectWidget(), "guests": UnfoldAdminSelectWidget()}

    def clean(self) -> dict[str, Any]:
        """The row is the merchant's only one, so that its uniqueness needs no check of the form's."""
        found: dict[str, Any] = super().clean() or self.cleaned_data
        return found


@admin.register(Customer)
class CustomerAdmin(ReadOnlyAdmin):
    view_roles = ORDER_READERS
    list_display = ("who", "email", "phone", "company", "place", "kind")
    list_filter = (KindFilter,)
    search_fields = ("name",)  # shows the box; get_search_results tells what it looks at
    search_help_text = gettext_lazy("Phone in any spelling, e-mail, name, their number in a shop or back office")
    list_before_template = "admin/customer/list.html"

    def at_locations(self, rows: QuerySet[Customer], places: frozenset[int]) -> QuerySet[Customer]:
        orders = at_places(Order.plain.filter(customer=OuterRef("pk")), places)
        return rows.filter(Exists(orders))

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        term = search_term.strip()
        country = request.merchant.country  # type: ignore[attr-defined]  # ScopeMiddleware's
        looks_like_phone = sum(map(str.isdigit, term)) >= MIN_PHONE_DIGITS and not any(map(str.isalpha, term))
        if looks_like_phone and (phone := normalise_phone(term, country)):
            exact = queryset.filter(phone=phone)
            if exact.exists():
                return exact, False
        for word in smart_split(term):
            queryset = queryset.filter(_list_ways(word))
        return queryset, False

    @admin.display(description=gettext_lazy("customer"), ordering="name")
    def who(self, row: Customer) -> str:
        return str(row)

    @admin.display(description=gettext_lazy("place"))
    def place(self, row: Customer) -> str:
        return " ".join(filter(None, (row.billing.get("postcode"), row.billing.get("city"))))

    @admin.display(description=gettext_lazy("kind"))
    def kind(self, row: Customer) -> str:
        if row.erased_at:
            return badge(_("erased"), "plain")
        if row.merged_into_id:
            return badge(_("merged"), "plain")
        return badge(_("guest"), "plain") if row.is_guest else ""

    def get_urls(self) -> list[Any]:
        wrap = self.admin_site.admin_view
        return [
            path("rules/", wrap(self.rules_view), name="orders_customer_rules"),
            path("duplicates/", wrap(self.duplicates_view), name="orders_customer_duplicates"),
            path("<path:object_id>/act/", wrap(self.act_view), name="orders_customer_act"),
            path("<path:object_id>/export/", wrap(self.export_view), name="orders_customer_export"),
            path("<path:object_id>/erase/", wrap(self.erase_view), name="orders_customer_erase"),
            *super().get_urls(),
        ]

    # pages ---------------------------------------------------------------------------------------------------------
    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        row = self._find(request, object_id)
        return TemplateResponse(request, "admin/customer/page.html", self._context(request, row))

    def rules_view(self, request: HttpRequest) -> HttpResponse:
        """How buyers are recognised; owners change it."""
        merchant = getattr(request, "merchant", None)
        if merchant is None or not may(request, OFFICE) or is_limited():
            raise PermissionDenied
        form = RulesForm(request.POST or None, instance=read_rules(merchant.pk))
        if request.method == "POST":
            if not may(request, OWNERS):
                raise PermissionDenied
            if form.is_valid():
                form.save()
                messages.success(request, _("Kept: from now on buyers are recognised so."))
                return HttpResponseRedirect(reverse("admin:orders_customer_rules"))
        context = {"title": _("How customers are recognised"), "form": form, "may_change": may(request, OWNERS)}
        return self._render(request, "admin/customer/rules.html", context)

    def duplicates_view(self, request: HttpRequest) -> HttpResponse:
        """Customers that may be one person, the likeliest first."""
        merchant = getattr(request, "merchant", None)
        if merchant is None or not may(request, OFFICE) or is_limited():
            raise PermissionDenied
        found = duplicates.list_duplicates(merchant.pk)
        context = {
            "title": _("Possible duplicates"),
            "pairs": found[:PAIRS_SHOWN],
            "more": max(0, len(found) - PAIRS_SHOWN),
            "may_merge": may(request, DESK),
        }
        return self._render(request, "admin/customer/duplicates.html", context)

    def act_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Merge, part again, say they are two, set the limit, ask for the balance."""
        row = self._find(request, object_id)
        if not may(request, DESK) or is_limited():
            raise PermissionDenied
        back = reverse("admin:orders_customer_change", args=(row.pk,))
        if request.method == "POST":
            try:
                messages.success(request, self._act(request, row))
            except (merging.NotPossible, accounts.NotPossible, ValueError) as error:
                messages.error(request, str(error))
            if request.POST.get("back") == "duplicates":
                back = reverse("admin:orders_customer_duplicates")
        return HttpResponseRedirect(back)

    def export_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """All that is kept about the person, as one file."""
        row = self._find(request, object_id)
        if not may(request, OWNERS) or is_limited():
            raise PermissionDenied
        if request.method != "POST":
            return HttpResponseRedirect(reverse("admin:orders_customer_change", args=(row.pk,)))
        now = timezone.now()
        content = person.export_person(customer=row, by=who_asks(request), at=now)
        response = HttpResponse(content, content_type="application/json")
        name = f"{slugify(str(row)) or 'customer'}-{row.pk}-{timezone.localdate(now)}.json"
        response["Content-Disposition"] = f'attachment; filename="{name}"'
        return response

    def erase_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Asked once more, with what goes and what stays; the name is typed."""
        row = self._find(request, object_id)
        if not may(request, OWNERS) or is_limited():
            raise PermissionDenied
        page = reverse("admin:orders_customer_change", args=(row.pk,))
        if request.method == "POST":
            reason = request.POST.get("reason", "")
            try:
                if request.POST.get("name", "").strip() != str(row):
                    raise ValueError(_("Type the name as it stands here, so that nobody is erased by mistake."))
                erasure.erase_person(customer_id=row.pk, by=who_asks(request), reason=reason, at=timezone.now())
                messages.success(request, _("The person's data is erased. Captures are being searched."))
                return HttpResponseRedirect(page)
            except (ValueError, erasure.NotPossible) as error:
                messages.error(request, str(error))
        about = person.Person(row)
        context = {
            "title": _("Erase %(who)s?") % {"who": row},
            "customer": row,
            "orders": len(about.orders),
            "systems": sorted({link.connection.name for link in about.links.filter(stream=Stream.CUSTOMER)}),
            "reason": request.POST.get("reason", ""),
        }
        return self._render(request, "admin/customer/erase.html", context)

    # parts ---------------------------------------------------------------------------------------------------------
    def _act(self, request: HttpRequest, row: Customer) -> str:
        given, now, by = request.POST, timezone.now(), who_asks(request)
        other_id = int(given.get("other", "")) if given.get("other", "").isdecimal() else 0
        other = self.get_queryset(request).filter(pk=other_id).first()
        match given.get("do", ""):
            case "merge" if other is not None:
                reason = given.get("reason", "")
                merging.merge(kept_id=row.pk, gone_id=other.pk, by=by, reason=reason, at=now)
                return _("%(other)s is one with %(who)s now; undo it here.") % {"other": other, "who": row}
            case "apart" if other is not None:
                duplicates.dismiss(first_id=row.pk, second_id=other.pk, merchant_id=row.merchant_id, by=str(by), at=now)
                return _("They are two people: not proposed again.")
            case "undo":
                merge = CustomerMerge.objects.filter(kept=row, pk=other_id).first()
                if merge is None:
                    raise merging.NotPossible(_("That was undone already."))
                merging.undo(merge_id=merge.pk, by=by, at=now)
                return _("They are two again.")
            case "limit":
                accounts.set_limit(
                    customer_id=row.pk, text=given.get("limit", ""), terms=given.get("terms", ""), at=now
                )
                return _("Kept. Orders on account above it wait from now on.")
            case "refresh":
                link = _list_links(row).filter(pk=other_id).first()
                if link is None:
                    raise accounts.NotPossible(_("He is not known there any more."))
                accounts.refresh(link, at=now)
                return _("Asked %(there)s: this is how it stands.") % {"there": link.connection}
        raise ValueError(_("Choose what to do."))

    def _context(self, request: HttpRequest, row: Customer) -> dict[str, Any]:
        orders, scope = Order.objects.filter(customer=row), current_scope()
        if scope is not None and scope.location_ids is not None:
            orders = at_places(orders, scope.location_ids)
        whole = may(request, OFFICE) and not is_limited()
        currency = row.account_currency or request.merchant.currency  # type: ignore[attr-defined]  # the middleware's
        links = list(_list_links(row))
        return {
            "title": str(row),
            "customer": row,
            "facts": [(label, getattr(row, name)) for name, label in FIELDS.items()],
            "addresses": [(_("billing"), row.billing.values()), (_("shipping"), row.shipping.values())],
            "orders": [
                (one, money(one.total, one.currency), ago(one.placed_at))
                for one in orders.order_by("-pk")[:ORDERS_SHOWN]
            ],
            "order_sums": [
                (one["n"], money(one["value"], one["currency"]))
                for one in orders.order_by().values("currency").annotate(n=Count("pk"), value=Sum("total"))
            ],
            "all_orders": f"{reverse('admin:orders_order_changelist')}?customer__id__exact={row.pk}",
            "links": [(link, _can_tell_account(link)) for link in links] if whole else [],
            "balance": money(row.balance, currency),
            "owed": money(credit.find_owed(row), currency) if whole else "",
            "limit": row.credit_limit,
            "currency": currency,
            "pairs": duplicates.find_duplicates(row) if whole else [],
            "merges": list(row.merges.select_related("gone").order_by("-pk")) if whole else [],
            "erasures": list(row.erasures.exclude(reason=erasure.AGAIN_TOLD).order_by("-pk")) if whole else [],
            "exports": list(row.exports.order_by("-pk")[:5]) if whole else [],
            "whole": whole,
            "may_merge": may(request, DESK) and not is_limited(),
            "may_erase": may(request, OWNERS) and not is_limited(),
            "act": reverse("admin:orders_customer_act", args=(row.pk,)),
        } | {**self.admin_site.each_context(request), "opts": self.opts, "object": row, "title": str(row)}

    def _render(self, request: HttpRequest, template: str, context: dict[str, Any]) -> HttpResponse:
        return TemplateResponse(
            request, template, {**self.admin_site.each_context(request), "opts": self.opts, **context}
        )

    def _find(self, request: HttpRequest, object_id: str) -> Customer:
        if not self.has_view_permission(request):
            raise PermissionDenied
        row = self.get_object(request, object_id)
        if row is None:
            raise Http404
        found: Customer = row
        return found


def _list_ways(word: str) -> Q:
    known = Link.objects.filter(Q(external_id=word) | Q(external_number=word), subject_type="customer")
    named = Q(name__icontains=word) | Q(company__icontains=word)
    return named | Q(email__iexact=word) | Q(phone=word) | Q(pk__in=known.values("subject_id"))


def _list_links(row: Customer) -> QuerySet[Link]:
    found: QuerySet[Link] = Link.objects.filter(
        stream=Stream.CUSTOMER, subject_type="customer", subject_id=row.pk
    ).select_related("connection")
    return found.order_by("connection__name", "pk")


def _can_tell_account(link: Link) -> bool:
    return "get_account" in list_capabilities(link.connection.platform, link.connection.settings)
