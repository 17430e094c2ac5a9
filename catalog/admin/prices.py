"""Price lists, their prices, the rules that make a shop's price of them, and what each shop should charge and why."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from catalog import services
from catalog.admin.figures import ChannelFiguresAdmin
from catalog.admin.stock import say_quantity
from catalog.models import ALWAYS, ChannelPrice, Figures, Price, PriceList, PriceRule
from catalog.services.prices import check_rule, decide_prices, find_shop_currency, list_rules
from catalog.services.sending import sends_at_once
from portal.base.admin import EVERYBODY, MerchantAdmin, ago, badge
from portal.base.admin_scope import MerchantForm
from portal.base.money import describe_money


class PriceListForm(MerchantForm):
    class Meta:
        model = PriceList
        fields = "__all__"

    def clean_currency(self) -> str:
        """Three letters; and a list that has prices keeps its currency, for we never convert them."""
        currency = str(self.cleaned_data["currency"]).upper()
        if not (len(currency) == 3 and currency.isalpha() and currency.isascii()):
            raise forms.ValidationError(_("Give the three letters of a currency: GBP."))
        if self.instance.pk and self.instance.currency != currency and self.instance.prices.exists():
            words = _("Its prices are in %(currency)s and are not converted: make another list for %(other)s.")
            raise forms.ValidationError(words % {"currency": self.instance.currency, "other": currency})
        return currency


@admin.register(PriceList)
class PriceListAdmin(MerchantAdmin):
    everywhere = True
    form = PriceListForm
    list_display = ("name", "code", "kind", "currency", "includes_tax", "for_whom", "valid_until", "source")
    list_select_related = ("connection", "channel")
    list_filter = ("kind", "currency")
    search_fields = ("code__startswith", "name")
    ordering = ("name",)
    fields = (
        "name", "code", "kind", "currency", "includes_tax", "channel", "customer_group", "customer",
        ("valid_from", "valid_until"), "connection", "external_id",
    )  # fmt: skip

    @admin.display(description="for")
    def for_whom(self, row: PriceList) -> str:
        whom = [row.customer and _("customer %s") % row.customer, row.customer_group and _("group %s")
                % row.customer_group, row.channel and str(row.channel)]  # fmt: skip
        return ", ".join(str(one) for one in whom if one) or gettext("everybody")

    @admin.display(description="from")
    def source(self, row: PriceList) -> str:
        return str(row.connection) if row.connection else gettext("entered here")

    def save_model(self, request: HttpRequest, obj: PriceList, form: Any, change: bool) -> None:
        services.save_price_list(price_list=obj, at=timezone.now())


class PriceForm(MerchantForm):
    class Meta:
        model = Price
        fields = ("price_list", "variant", "amount", "min_quantity", "valid_from", "valid_until")

    def clean_price_list(self) -> PriceList:
        row: PriceList = self.cleaned_data["price_list"]
        if row.connection is not None:
            words = _("%(list)s comes from %(source)s, which would overwrite it: change the price there.")
            raise forms.ValidationError(words % {"list": row.name, "source": row.connection})
        return row


@admin.register(Price)
class PriceAdmin(MerchantAdmin):
    """Prices that come from a back office are looked at here, those of lists kept here are entered."""

    empty_words = _("There are no prices yet: read those of a back office, or make a price list and enter them.")
    everywhere = True
    view_roles = EVERYBODY
    form = PriceForm
    list_display = ("article", "name", "price_list", "shown", "from_quantity", "begins", "ends", "inward")
    list_display_links = ("article",)
    list_select_related = ("variant__product", "price_list")
    list_filter = ("price_list__kind", "price_list")
    search_fields = ("variant__code__startswith", "variant__barcode__exact")
    search_help_text = _("Code or what it begins with, barcode")
    ordering = ("variant__code",)
    autocomplete_fields = ("variant",)

    @admin.display(description=_("article"), ordering="variant__code")
    def article(self, row: Price) -> str:
        return row.variant.code

    @admin.display(description=_("name"))
    def name(self, row: Price) -> str:
        return row.variant.name or row.variant.product.name

    @admin.display(description=_("price"), ordering="amount")
    def shown(self, row: Price) -> str:
        price = describe_money(row.amount, row.price_list.currency)
        return f"{price} / {row.variant.unit}" if row.variant.unit else price

    @admin.display(description=_("from quantity"))
    def from_quantity(self, row: Price) -> str:
        return "" if row.min_quantity == 1 else say_quantity(row.min_quantity, row.variant.unit)

    @admin.display(description=_("holds from"), ordering="valid_from")
    def begins(self, row: Price) -> str:
        return "" if row.valid_from == ALWAYS else f"{timezone.localtime(row.valid_from):%Y-%m-%d %H:%M}"

    @admin.display(description=_("until"), ordering="valid_until")
    def ends(self, row: Price) -> str:
        return "" if row.valid_until is None else f"{timezone.localtime(row.valid_until):%Y-%m-%d %H:%M}"

    @admin.display(description=_("last inward"))
    def inward(self, row: Price) -> str:
        return ago(row.inward_at) if row.inward_at else ""

    def has_change_permission(self, request: HttpRequest, obj: Price | None = None) -> bool:
        return super().has_change_permission(request, obj) and (obj is None or obj.price_list.connection_id is None)

    def has_delete_permission(self, request: HttpRequest, obj: Price | None = None) -> bool:
        return self.has_change_permission(request, obj)

    def save_model(self, request: HttpRequest, obj: Price, form: Any, change: bool) -> None:
        services.save_price(price=obj, at=timezone.now())

    def delete_model(self, request: HttpRequest, obj: Price) -> None:
        services.delete_price(price=obj, at=timezone.now())

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Price]) -> None:
        kept = queryset.filter(price_list__connection__isnull=False).count()
        for row in queryset.filter(price_list__connection__isnull=True):
            services.delete_price(price=row, at=timezone.now())
        if kept:
            words = _("%(count)s prices come from a back office and stay: delete them there.")
            messages.warning(request, words % {"count": kept})


class PriceRuleForm(MerchantForm):
    class Meta:
        model = PriceRule
        fields = "__all__"

    def clean(self) -> dict[str, Any]:
        """What `check_rule` refuses is an error of the form."""
        super().clean()
        data: dict[str, Any] = self.cleaned_data
        connection, price_list = data.get("connection"), data.get("price_list")
        if connection is None or price_list is None:
            return data
        rule = PriceRule(
            connection=connection, price_list=price_list, floor_list=data.get("floor_list"), rounding=data["rounding"]
        )
        if words := check_rule(rule, find_shop_currency(connection) or _other_currency(connection, self.instance.pk)):
            raise forms.ValidationError(words)
        return data


def _other_currency(connection: Any, mine: int | None) -> str:
    """What the shop's other rules say it sells in."""
    others = PriceRule.objects.filter(connection=connection).exclude(pk=mine).order_by("position")
    return str(others.values_list("price_list__currency", flat=True).first() or "")


@admin.register(PriceRule)
class PriceRuleAdmin(MerchantAdmin):
    everywhere = True
    form = PriceRuleForm
    list_display = ("connection", "position", "category_shown", "how", "plus_shown", "rounding", "floor_list", "holds")
    list_select_related = ("connection", "price_list", "floor_list")
    list_filter = ("connection",)
    ordering = ("connection", "position")
    fields = (
        "connection", "position", "category", "price_list", "method", "factor", "margin", "plus", "floor_list",
        "rounding",
    )  # fmt: skip

    @admin.display(description="category")
    def category_shown(self, row: PriceRule) -> str:
        return row.category or gettext("every")

    @admin.display(description="made of")
    def how(self, row: PriceRule) -> str:
        return str(row)

    @admin.display(description="plus")
    def plus_shown(self, row: PriceRule) -> str:
        return describe_money(row.plus, row.price_list.currency) if row.plus else ""

    @admin.display(description="holds")
    def holds(self, row: PriceRule) -> str:
        words = check_rule(row, find_shop_currency(row.connection))
        return badge(words, "bad") if words else badge(gettext("yes"), "good")

    def save_model(self, request: HttpRequest, obj: PriceRule, form: Any, change: bool) -> None:
        services.save_rule(rule=obj, at=timezone.now())
        words = _("The prices it makes are worked out in the background; plan the push to see them.")
        if sends_at_once(obj.connection, Figures.PRICE):
            words = _("The prices it makes are worked out in the background and sent to %(shop)s as soon as they are.")
        messages.info(request, words % {"shop": obj.connection})

    def delete_model(self, request: HttpRequest, obj: PriceRule) -> None:
        services.delete_rule(rule=obj, at=timezone.now())

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[PriceRule]) -> None:
        for row in queryset:
            services.delete_rule(rule=row, at=timezone.now())


@admin.register(ChannelPrice)
class ChannelPriceAdmin(ChannelFiguresAdmin):
    """What each shop should charge and why, and what it last took."""

    empty_words = _("No shop is given prices yet: say under Settings → Price rules which list its prices are made of.")
    list_display = ("article", "title", "connection", "wanted_shown", "sent_shown", "state_shown", "message")
    fields = ("binding", "connection", "wanted_shown", "why", "sent_shown", "sent_at", "state_shown", "message")
    readonly_fields = ("wanted_shown", "sent_shown", "state_shown", "why")

    @admin.display(description=_("should charge"), ordering="wanted")
    def wanted_shown(self, row: ChannelPrice) -> str:
        return describe_money(row.wanted, row.currency)

    @admin.display(description=_("took last"), ordering="sent")
    def sent_shown(self, row: ChannelPrice) -> str:
        return "" if row.sent is None else describe_money(row.sent, row.currency)

    @admin.display(description="why")
    def why(self, row: ChannelPrice) -> str:
        rules = list_rules(row.merchant_id, row.connection)
        found = decide_prices([row.binding], rules, at=timezone.now())
        return found[0][1].words if found else gettext("No price of any of its lists holds now; the last one stays.")
