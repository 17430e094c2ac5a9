"""Goods on their way to the buyer's door, carried by the merchant himself or a rider."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from orders.models.fulfilment import FulfilmentOrder, Shipment
from portal.tenancy.scoping import MerchantModel


class HomeDelivery(MerchantModel):
    """How far the goods of one shipment are, or (without one) all goods of a part."""

    class State(models.TextChoices):
        PACKED = "packed", _("Packed")
        OUT = "out", _("Out for delivery")
        DELIVERED = "delivered", _("Delivered")
        FAILED = "failed", _("Could not be delivered")
        BACK = "back", _("Back in the store")

    fulfilment_order = models.ForeignKey(FulfilmentOrder, on_delete=models.CASCADE, related_name="home_deliveries")
    shipment = models.ForeignKey(
        Shipment, null=True, blank=True, on_delete=models.CASCADE, related_name="home_deliveries"
    )
    state = models.CharField(max_length=10, choices=State)
    at = models.DateTimeField()

    class Meta(MerchantModel.Meta):
        verbose_name_plural = "home deliveries"
        constraints = (
            models.UniqueConstraint(
                fields=("merchant", "shipment"), condition=Q(shipment__isnull=False), name="home_delivery_of_shipment"
            ),
            models.UniqueConstraint(
                fields=("merchant", "fulfilment_order"),
                condition=Q(shipment__isnull=True),
                name="home_delivery_of_part",
            ),
        )

    def __str__(self) -> str:
        return f"{self.get_state_display()}"


class HomeDeliveryEvent(MerchantModel):
    """One move of a home delivery. Never changed."""

    delivery = models.ForeignKey(HomeDelivery, on_delete=models.CASCADE, related_name="events")
    state = models.CharField(max_length=10, choices=HomeDelivery.State)
    reason = models.CharField(max_length=300, blank=True, default="")
    actor = models.CharField(max_length=100)
    at = models.DateTimeField()

    class Meta(MerchantModel.Meta):
        indexes = (models.Index(fields=("delivery", "at", "id"), name="home_delivery_time"),)

    def __str__(self) -> str:
        return f"{self.get_state_display()} {self.reason}".strip()
