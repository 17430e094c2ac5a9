"""Price lists and their prices, rules for shops, and what each shop should show."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

from django.db import models
from simple_history.models import HistoricalRecords

from catalog.models.binding import Binding
from catalog.models.product import Product, Variant
from integrations.models import Connection
from portal.base.fields import MoneyField, QuantityField
from portal.tenancy.scoping import MerchantModel

ALWAYS = datetime(1970, 1, 1, tzinfo=UTC)


class PriceList(MerchantModel):
    """Prices of one currency and one tax basis. `external_id` is the list's id in the back office it comes from."""

    code = models.CharField(max_length=60)
    name = models.CharField(max_length=100)
    currency = models.CharField(max_length=3)
    includes_tax = models.BooleanField(default=False)
    connection = models.ForeignKey(
        Connection, null=True, blank=True, on_delete=models.SET_NULL, related_name="price_lists"
    )
    external_id = models.CharField(max_length=200, blank=True, default="")

    class Meta(MerchantModel.Meta):
        constraints = (models.UniqueConstraint(fields=("merchant", "code"), name="price_list_code"),)

    def __str__(self) -> str:
        return f"{self.name} ({self.currency})"


class Price(MerchantModel):
    """A variant's price in a list, from a quantity and a day on."""

    price_list = models.ForeignKey(PriceList, on_delete=models.CASCADE, related_name="prices")
    variant = models.ForeignKey(Variant, on_delete=models.CASCADE, related_name="prices")
    amount = MoneyField()
    min_quantity = QuantityField(default=Decimal(1))
    valid_from = models.DateTimeField(default=ALWAYS)
    valid_until = models.DateTimeField(null=True, blank=True)

    class Meta(MerchantModel.Meta):
        constraints = (
            models.UniqueConstraint(
                fields=("merchant", "price_list", "variant", "min_quantity", "valid_from"), name="price_once"
            ),
        )

    def __str__(self) -> str:
        return f"{self.amount} for variant {self.variant_id}"


class PriceRule(MerchantModel):
    """How a shop's price is made of a list's: amount × factor, rounded to the currency."""

    connection = models.ForeignKey(Connection, on_delete=models.CASCADE, related_name="price_rules")
    price_list = models.ForeignKey(PriceList, on_delete=models.PROTECT, related_name="rules")
    factor = models.DecimalField(max_digits=9, decimal_places=4, default=Decimal(1))
    history = HistoricalRecords()

    class Meta(MerchantModel.Meta):
        constraints = (models.UniqueConstraint(fields=("merchant", "connection"), name="price_rule_once"),)

    def __str__(self) -> str:
        return f"{self.price_list} × {self.factor}"


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
