"""Field rules: how an order becomes a document for one back office, in versions."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from integrations.models import Connection
from orders.models.order import Order
from portal.tenancy.scoping import MerchantModel


class FieldRuleVersion(MerchantModel):
    """All rules for one destination, in order. Once published its rules never change; an earlier one may be published
    again. `number` counts up for each destination; documents name the one they were built under."""

    class State(models.TextChoices):
        DRAFT = "draft", _("Draft")
        PUBLISHED = "published", _("Published")
        RETIRED = "retired", _("Retired")

    connection = models.ForeignKey(Connection, on_delete=models.CASCADE, related_name="field_rule_versions")
    number = models.PositiveIntegerField()
    state = models.CharField(max_length=10, choices=State, default=State.DRAFT)
    made_at = models.DateTimeField()
    made_by = models.CharField(max_length=254)
    published_at = models.DateTimeField(null=True, blank=True)  # the last time
    published_by = models.CharField(max_length=254, blank=True, default="")

    class Meta(MerchantModel.Meta):
        verbose_name = _("version of field rules")
        verbose_name_plural = _("field rules")
        constraints = (
            models.UniqueConstraint(fields=("merchant", "connection", "number"), name="field_rules_number"),
            models.UniqueConstraint(
                fields=("merchant", "connection"), condition=Q(state="published"), name="field_rules_one_published"
            ),
            models.UniqueConstraint(
                fields=("merchant", "connection"), condition=Q(state="draft"), name="field_rules_one_draft"
            ),
        )

    def __str__(self) -> str:
        return f"Version {self.number} for {self.connection}"


class FieldRule(MerchantModel):
    """One rule of a version; what its fields mean is in `orders.mapping.rules.Rule`. Without `shop` it is for all."""

    version = models.ForeignKey(FieldRuleVersion, on_delete=models.CASCADE, related_name="rules")
    position = models.PositiveIntegerField()
    target = models.CharField(max_length=30)
    name = models.CharField(max_length=63, blank=True, default="")
    shop = models.ForeignKey(Connection, null=True, blank=True, on_delete=models.CASCADE, related_name="+")
    source = models.CharField(max_length=500, blank=True, default="")
    expression = models.CharField(max_length=500, blank=True, default="")
    default = models.CharField(max_length=500, blank=True, default="")
    required = models.BooleanField(default=False)

    class Meta(MerchantModel.Meta):
        constraints = (models.UniqueConstraint(fields=("merchant", "version", "position"), name="field_rule_position"),)

    def __str__(self) -> str:
        return f"{self.target} ← {self.source or self.expression or self.default}"


class OrderPayload(MerchantModel):
    """The order as its shop last sent it: JSON of `contract.records.OrderRecord`, the raw payload inside. What rules
    look into, and what a difference is explained from."""

    order = models.OneToOneField(Order, on_delete=models.CASCADE, related_name="payload")
    body = models.BinaryField()
    at = models.DateTimeField()

    class Meta(MerchantModel.Meta):
        pass

    def __str__(self) -> str:
        return f"Payload of order {self.order_id}"
