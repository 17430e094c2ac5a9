"""Order rules: which orders are left out, and which somebody looks at first."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from integrations.models import Connection
from orders.admin.acts import list_people
from orders.models import Order, OrderRule
from portal.base.admin import MerchantAdmin, badge
from portal.base.admin_scope import MerchantForm

What, How = OrderRule.What, OrderRule.How
WITHOUT_VALUES = (How.SET, How.UNLIKE, How.INCOMPLETE, How.NO_ACCOUNT)


class RuleForm(MerchantForm):
    """Says in words what does not go together."""

    class Meta:
        model = OrderRule
        fields = ("connection", "what", "how", "values", "then", "owner", "enabled")

    def clean(self) -> dict[str, Any]:
        found: dict[str, Any] = super().clean() or self.cleaned_data
        what, how, values = found.get("what"), found.get("how"), (found.get("values") or "").strip()
        if not what or not how:
            return found
        ways = OrderRule.WAYS[What(what)]
        if how not in ways:
            names = ", ".join(f"“{How(way).label}”" for way in ways)
            self.add_error(
                "how", _("Of %(what)s a rule can say: %(ways)s.") % {"what": What(what).label, "ways": names}
            )
        elif how in WITHOUT_VALUES:
            found["values"] = ""
        elif not values:
            self.add_error("values", _("Say which."))
        elif words := _find_wrong(what, values.splitlines()):
            self.add_error("values", words)
        return found


def _find_wrong(what: str, values: list[str]) -> str:
    """What no order could ever be, in words."""
    given = [value.strip().lower() for value in values if value.strip()]
    if what == What.FINANCIAL and (wrong := sorted(set(given) - set(Order.Financial.values))):
        return _("%(wrong)s is no payment state: %(all)s.") % {
            "wrong": wrong[0],
            "all": ", ".join(Order.Financial.values),
        }
    if what == What.COUNTRY and any(len(value) != 2 for value in given):
        return _("Countries are two letters, as GB.")
    if what == What.TOTAL:
        try:
            amount = forms.DecimalField(min_value=0).clean(given[0])
        except forms.ValidationError:
            amount = None
        if amount is None or len(given) > 1:
            return _("One amount, as 250.00.")
    return ""


@admin.register(OrderRule)
class OrderRuleAdmin(MerchantAdmin):
    form = RuleForm
    list_display = ("rule", "then_shown", "shop", "owner", "in_use", "left_out")
    list_select_related = ("connection", "owner")
    list_filter = ("then", "enabled", "connection")
    list_before_template = "admin/order/rules.html"
    ordering = ("pk",)

    @admin.display(description=gettext_lazy("when an order's"))
    def rule(self, row: OrderRule) -> str:
        return str(row)

    @admin.display(description=gettext_lazy("then"))
    def then_shown(self, row: OrderRule) -> str:
        return badge(row.get_then_display(), "bad" if row.then == OrderRule.Then.LEAVE_OUT else "wait")

    @admin.display(description=gettext_lazy("shop"))
    def shop(self, row: OrderRule) -> str:
        return str(row.connection or _("all shops"))

    @admin.display(description=gettext_lazy("in use"), boolean=True)
    def in_use(self, row: OrderRule) -> bool:
        return row.enabled

    @admin.display(description=gettext_lazy("left out so far"))
    def left_out(self, row: OrderRule) -> str:
        count = _list_left_out(row).count()
        url = f"{reverse('admin:orders_order_changelist')}?account=excluded"
        return format_html('<a href="{}">{}</a>', url, count) if count else "–"

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        field = super().formfield_for_foreignkey(db_field, request, **kwargs)
        if db_field.name == "connection":
            field.queryset = field.queryset.filter(role__in=Connection.SELLING_ROLES)
        if db_field.name == "owner":
            field.queryset = list_people()
        return field

    def save_model(self, request: HttpRequest, obj: OrderRule, form: Any, change: bool) -> None:
        super().save_model(request, obj, form, change)
        self._tell(request, obj)

    def delete_model(self, request: HttpRequest, obj: OrderRule) -> None:
        self._tell(request, obj)
        super().delete_model(request, obj)

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[OrderRule]) -> None:
        for row in queryset:
            self.delete_model(request, row)

    def _tell(self, request: HttpRequest, row: OrderRule) -> None:
        messages.info(request, _("It holds from now on, for orders that come or change; those that are sent stay."))
        if count := _list_left_out(row).count():
            words = ngettext(
                "%(n)s order it left out stays out until the shop changes it or somebody takes it in by hand.",
                "%(n)s orders it left out stay out until the shop changes them or somebody takes them in by hand.",
                count,
            )
            messages.info(request, words % {"n": count})


def _list_left_out(row: OrderRule) -> QuerySet[Order]:
    rows = Order.plain.filter(
        merchant_id=row.merchant_id, admission=Order.Admission.EXCLUDED, admission_words=str(row)[:300]
    )
    return rows.filter(connection=row.connection_id) if row.connection_id else rows
