"""Their words ↔ ours: payment, shipping, tax, status, unit, location and the like."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _
from simple_history.models import HistoricalRecords

from integrations.models.connection import Connection
from portal.tenancy.scoping import MerchantModel


class ValueMapping(MerchantModel):
    """One of the connection's values and what we call it. `ours` '' = seen, and not mapped yet."""

    class Kind(models.TextChoices):
        TAX = "tax", _("Tax")
        PAYMENT = "payment", _("Payment")
        SHIPPING = "shipping", _("Shipping")
        STATUS = "status", _("Status")
        UNIT = "unit", _("Unit")
        LOCATION = "location", _("Location")
        RETURN_REASON = "return_reason", _("Return reason")
        CATEGORY = "category", _("Category")
        CUSTOMER_GROUP = "customer_group", _("Customer group")
        SPECIAL_LINE = "special_line", _("Special line")

    connection = models.ForeignKey(Connection, on_delete=models.CASCADE, related_name="values")
    kind = models.CharField(max_length=20, choices=Kind)
    theirs = models.CharField(max_length=200)
    label = models.CharField(max_length=200, blank=True, default="")
    ours = models.CharField(max_length=200, blank=True, default="")
    seen = models.PositiveIntegerField(default=0)
    created_at = models.DateTimeField(auto_now_add=True)
    history = HistoricalRecords(excluded_fields=["seen"])

    class Meta(MerchantModel.Meta):
        verbose_name = _("value")
        constraints = (models.UniqueConstraint(fields=("merchant", "connection", "kind", "theirs"), name="value_once"),)
        indexes = (models.Index(fields=("connection", "kind", "ours"), name="value_ours"),)

    def __str__(self) -> str:
        return f"{self.theirs} ↔ {self.ours or '?'}"
