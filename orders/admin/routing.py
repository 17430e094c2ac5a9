"""Settings → Routing rules: which back office gets what, when; what a rule would have taken; who changed it."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import path, reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from integrations.models import Connection, Flow, Stream
from orders.models import FulfilmentOrder, RoutingRule
from orders.services import rules
from orders.services.describing import describe_action, describe_conditions
from orders.services.routes import Routes, send_when_of
from portal.base.admin import OWNERS, MerchantAdmin, is_limited, may

VERSIONS = 20
SHOWN = 10
SHOPS = ("shop",)
SELLING = Connection.SELLING_ROLES


@admin.register(RoutingRule)
class RoutingRuleAdmin(MerchantAdmin):
    everywhere = True
    list_display = ("name", "position", "enabled", "asks", "does", "version")
    list_editable = ("position", "enabled")
    list_select_related = ("shop", "sold_at", "destination", "location", "group")
    ordering = ("position", "pk")
    sortable_by = ()
    list_before_template = "admin/routing/destinations.html"
    change_form_after_template = "admin/routing/preview.html"
    fieldsets = (
        (None, {"fields": ("name", "position", "enabled")}),
        (
            gettext_lazy("It takes an order that meets all of these; without any, every order"),
            {"fields": ("shop", "sold_at", "countries", "postcodes", "shipping_methods", "payment_types", "categories",
                        "brands", "tags", "currency", "total_over", "total_under", "in_stock")},
        ),
        (gettext_lazy("It goes to"), {"fields": ("destination", "location", "group")}),
        (gettext_lazy("What of it"), {"fields": ("takes", "split_lines", "extras", "goes_on")}),
    )  # fmt: skip

    @admin.display(description=gettext_lazy("takes"))
    def asks(self, row: RoutingRule) -> str:
        return describe_conditions(row)

    @admin.display(description=gettext_lazy("goes to"))
    def does(self, row: RoutingRule) -> str:
        return describe_action(row)

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        field = super().formfield_for_foreignkey(db_field, request, **kwargs)
        if db_field.name == "shop":
            field.queryset = field.queryset.filter(role__in=SELLING)
        elif db_field.name == "destination":
            takes = Q(flows__stream=Stream.ORDER, flows__direction=Flow.Direction.PUSH)
            field.queryset = field.queryset.filter(takes, role=Connection.Role.BACK_OFFICE).distinct()
            field.help_text = _("Back offices that orders are sent to; switch a flow of orders on to see more.")
        return field

    def save_model(self, request: HttpRequest, obj: RoutingRule, form: Any, change: bool) -> None:
        if not change or form.has_changed():
            self._tell(request, rules.save_rule(rule=obj, at=timezone.now()))

    def delete_model(self, request: HttpRequest, obj: RoutingRule) -> None:
        self._tell(request, rules.delete_rule(rule=obj, at=timezone.now()))

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[RoutingRule]) -> None:
        for row in queryset:
            self.delete_model(request, row)

    def _tell(self, request: HttpRequest, freed: int) -> None:
        if freed:
            words = ngettext(
                "%(n)s order that had nowhere to go was looked at again.",
                "%(n)s orders that had nowhere to go were looked at again.",
                freed,
            )
            messages.success(request, words % {"n": freed})

    # --- pages -----------------------------------------------------------------------------------------------------

    def get_urls(self) -> list[Any]:
        when = path("when/", self.admin_site.admin_view(self.when_view), name="orders_routingrule_when")
        return [when, *super().get_urls()]

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        more = {
            "destinations": _list_destinations(request),
            "may_change": self.may_change(request),
            "choices": FulfilmentOrder.SendWhen.choices,
            "has_rules": self.get_queryset(request).exists(),
        }
        page: HttpResponse = super().changelist_view(request, {**(extra_context or {}), **more})
        return page

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        row = self.get_object(request, object_id) if self.has_view_permission(request) else None
        more: dict[str, Any] = {}
        if row is not None:
            found = rules.preview_rule(row)
            more = {"preview": found, "some": found.taken[:SHOWN], "versions": _list_versions(row)}
        page: HttpResponse = super().change_view(request, object_id, form_url, {**(extra_context or {}), **more})
        return page

    def when_view(self, request: HttpRequest) -> HttpResponse:
        """When a destination gets orders."""
        if not may(request, OWNERS) or is_limited():
            raise PermissionDenied
        wanted, after = request.POST.get("flow", ""), request.POST.get("after", "")
        flow = next((one for one in _flows(request) if str(one.pk) == wanted), None)
        if request.method == "POST" and flow is not None:
            first = Connection.objects.filter(pk=int(after)).first() if after.isdecimal() else None
            try:
                freed = rules.save_send_when(
                    flow=flow, when=request.POST.get("when", ""), after=first, at=timezone.now()
                )
            except ValueError as error:
                messages.error(request, str(error))
            else:
                messages.success(request, _("From here on %(there)s gets it so.") % {"there": flow.connection})
                self._tell(request, freed)
        return HttpResponseRedirect(reverse("admin:orders_routingrule_changelist"))


def _flows(request: HttpRequest) -> list[Flow]:
    merchant = getattr(request, "merchant", None)
    return Routes(merchant.pk).flows if merchant is not None else []


def _list_destinations(request: HttpRequest) -> list[dict[str, Any]]:
    flows = _flows(request)
    return [
        {
            "flow": flow,
            "gets": _("invoices") if flow.stream == Stream.INVOICE else _("orders"),
            "when": send_when_of(flow),
            "after": flow.settings.get("after", ""),
            "others": [one.connection for one in flows if one.pk != flow.pk and one.stream == Stream.ORDER],
        }
        for flow in flows
    ]


def _list_versions(row: RoutingRule) -> list[dict[str, Any]]:
    """Its changes, the newest first: what was there before and is there now."""
    versions = list(row.history.select_related("history_user").order_by("-history_date", "-history_id")[: VERSIONS + 1])
    found = []
    for new, old in zip(versions[:VERSIONS], [*versions[1:], None], strict=False):
        names = () if old is None else new.diff_against(old, excluded_fields=["version"]).changed_fields
        labels = [str(field.verbose_name) for field in RoutingRule._meta.fields if field.name in names]
        what = ", ".join(labels) or (_("made") if old is None else _("saved"))
        found.append({"version": new.version, "at": new.history_date, "by": new.history_user, "what": what})
    return found
