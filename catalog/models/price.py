"""Price lists and their prices, rules for shops, and what each shop should show."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _
from simple_history.models import HistoricalRecords

from catalog.models.binding import Binding
from catalog.models.product import Product, Variant
from integrations.models import Connection
from portal.base.fields import MoneyField, QuantityField
from portal.tenancy.scoping import MerchantModel

ALWAYS = datetime(1970, 1, 1, tzinfo=UTC)


class PriceList(MerchantModel):
    """Prices of one currency and one tax basis. `external_id` is the list's id in the back office it comes from.

    `channel`, `customer_group` and `customer` (its number here) say whom the list is for; empty: for all. What was
    agreed with a customer or group is the price; lists without either are what shops' rules are made from.
    `due_at`: when the shops' prices made of it must be worked out again, `due_after`: the variant that was done last;
    `refreshed_at`: up to when they are right, NULL where the list or a rule was changed and all of it counts.
    """

    class Kind(models.TextChoices):
        PRICES = "prices", _("Selling prices")
        COST = "cost", _("Cost")
        INWARD = "inward", _("Price of the last inward stock")

    code = models.CharField(max_length=60)
    name = models.CharField(max_length=100)
    kind = models.CharField(max_length=10, choices=Kind, default=Kind.PRICES)
    currency = models.CharField(max_length=3)
    includes_tax = models.BooleanField(default=False)
    connection = models.ForeignKey(
        Connection, null=True, blank=True, on_delete=models.SET_NULL, related_name="price_lists"
    )
    external_id = models.CharField(max_length=200, blank=True, default="")
    channel = models.ForeignKey(
        Connection, null=True, blank=True, on_delete=models.CASCADE, related_name="own_price_lists",
        verbose_name=_("only for the shop"),
    )  # fmt: skip
    customer_group = models.CharField(max_length=100, blank=True, default="")
    customer = models.CharField(max_length=100, blank=True, default="")
    valid_from = models.DateTimeField(default=ALWAYS)
    valid_until = models.DateTimeField(null=True, blank=True)
    due_at = models.DateTimeField(null=True, blank=True, editable=False)
    due_after = models.BigIntegerField(default=0, editable=False)
    refreshed_at = models.DateTimeField(null=True, blank=True, editable=False)

    class Meta(MerchantModel.Meta):
        constraints = (
            models.UniqueConstraint(fields=("merchant", "code"), name="price_list_code"),
            models.CheckConstraint(
                condition=Q(valid_until__isnull=True) | Q(valid_until__gt=F("valid_from")), name="price_list_validity"
            ),
        )
        indexes = (models.Index(fields=("due_at",), name="price_list_due"),)

    def __str__(self) -> str:
        return f"{self.name} ({self.currency})"


class Price(MerchantModel):
    """A variant's price in a list, a base unit, from a quantity and a moment on. `inward_at`: when the goods came in
    that the amount was paid for, in a list of inward prices."""

    price_list = models.ForeignKey(PriceList, on_delete=models.CASCADE, related_name="prices")
    variant = models.ForeignKey(Variant, on_delete=models.CASCADE, related_name="prices")
    amount = MoneyField()
    min_quantity = QuantityField(default=Decimal(1))
    valid_from = models.DateTimeField(default=ALWAYS)
    valid_until = models.DateTimeField(null=True, blank=True)
    inward_at = models.DateTimeField(null=True, blank=True)

    class Meta(MerchantModel.Meta):
        constraints = (
            models.UniqueConstraint(
                fields=("merchant", "price_list", "variant", "min_quantity", "valid_from"), name="price_once"
            ),
            models.CheckConstraint(condition=Q(amount__gte=0), name="price_not_negative"),
            models.CheckConstraint(
                condition=Q(valid_until__isnull=True) | Q(valid_until__gt=F("valid_from")), name="price_validity"
            ),
        )
        indexes = (
            models.Index(fields=("price_list", "valid_from"), name="price_begins"),
            models.Index(fields=("price_list", "valid_until"), name="price_ends"),
        )

    def __str__(self) -> str:
        return f"{self.amount} for variant {self.variant_id}"


class PriceRule(MerchantModel):
    """How a shop's price is made of a list's, for a base unit: × factor or by margin, then `plus`, then not below
    `floor_list`; a crate is so many times that, and only then it is rounded.

    Of a shop's rules the first by `position` decides whose category fits and whose list has a price now.
    """

    class Method(models.TextChoices):
        FACTOR = "factor", _("Times a factor")
        MARGIN = "margin", _("With a margin on the selling price")

    class Rounding(models.TextChoices):
        UNIT = "unit", _("To the currency's unit")
        FIVES = "0.05", _("To 0.05")
        WHOLE = "whole", _("To whole amounts")
        FIVE = "5", _("To 5")
        END_99 = ".99", _("To end in .99")
        END_95 = ".95", _("To end in .95")
        END_90 = ".90", _("To end in .90")

    connection = models.ForeignKey(Connection, on_delete=models.CASCADE, related_name="price_rules")
    position = models.PositiveIntegerField(default=1, help_text=_("The lowest that fits an article decides."))
    category = models.CharField(max_length=200, blank=True, default="", help_text=_("Empty: every category."))
    price_list = models.ForeignKey(PriceList, on_delete=models.PROTECT, related_name="rules")
    method = models.CharField(max_length=10, choices=Method, default=Method.FACTOR)
    factor = models.DecimalField(max_digits=9, decimal_places=4, default=Decimal(1))
    margin = models.DecimalField(
        max_digits=5, decimal_places=2, default=Decimal(0), help_text=_("Per cent of the selling price, below 100.")
    )
    plus = MoneyField(default=Decimal(0), help_text=_("Added to each base unit; negative takes off."))
    floor_list = models.ForeignKey(
        PriceList, null=True, blank=True, on_delete=models.PROTECT, related_name="floor_rules",
        verbose_name=_("never below"), help_text=_("The list, cost for example, below which no price may fall."),
    )  # fmt: skip
    rounding = models.CharField(max_length=10, choices=Rounding, default=Rounding.UNIT)
    history = HistoricalRecords()

    class Meta(MerchantModel.Meta):
        constraints = (
            models.UniqueConstraint(fields=("merchant", "connection", "position"), name="price_rule_position"),
            models.CheckConstraint(condition=Q(factor__gte=0), name="price_rule_factor"),
            models.CheckConstraint(condition=Q(margin__gte=0, margin__lt=100), name="price_rule_margin"),
        )

    def __str__(self) -> str:
        by_margin = self.method == self.Method.MARGIN
        how = f"{self.margin.normalize():f} % margin" if by_margin else f"× {self.factor.normalize():f}"
        return f"{self.price_list} {how}"


class ChannelPrice(MerchantModel):
    """What a shop should charge for an article, and what it last took. Dirty as in ChannelStock."""

    connection = models.ForeignKey(Connection, on_delete=models.CASCADE, related_name="channel_prices")
    binding = models.ForeignKey(Binding, on_delete=models.CASCADE, related_name="channel_prices")
    slot = models.CharField(max_length=100, blank=True, default="")
    currency = models.CharField(max_length=3)
    wanted = MoneyField()
    wanted_at = models.DateTimeField()
    sent = MoneyField(null=True, blank=True)
    sent_at = models.DateTimeField(null=True, blank=True)
    refused = MoneyField(null=True, blank=True)
    unknown_at = models.DateTimeField(null=True, blank=True)
    message = models.CharField(max_length=500, blank=True, default="")

    class Meta(MerchantModel.Meta):
        verbose_name = _("price in a shop")
        verbose_name_plural = _("prices in the shops")
        constraints = (
            models.UniqueConstraint(fields=("merchant", "connection", "binding", "slot"), name="channel_price_once"),
        )

    def __str__(self) -> str:
        return f"{self.wanted} {self.currency} for binding {self.binding_id}"


class ChannelProduct(MerchantModel):
    """What a shop should say of a product: one hash per field group (`slot` is the group)."""

    connection = models.ForeignKey(Connection, on_delete=models.CASCADE, related_name="channel_products")
    product = models.ForeignKey(Product, on_delete=models.CASCADE, related_name="channel_products")
    external_id = models.CharField(max_length=200)
    slot = models.CharField(max_length=40)
    wanted = models.CharField(max_length=64)
    wanted_at = models.DateTimeField()
    sent = models.CharField(max_length=64, blank=True, default="")
    sent_at = models.DateTimeField(null=True, blank=True)
    refused = models.CharField(max_length=64, blank=True, default="")
    unknown_at = models.DateTimeField(null=True, blank=True)
    message = models.CharField(max_length=500, blank=True, default="")

    class Meta(MerchantModel.Meta):
        constraints = (
            models.UniqueConstraint(
                fields=("merchant", "connection", "product", "external_id", "slot"), name="channel_product_once"
            ),
        )

    def __str__(self) -> str:
        return f"{self.slot} of product {self.product_id}"
