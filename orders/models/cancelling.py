"""Which items a cancellation is about; one without lines is about the whole order."""

from __future__ import annotations

from django.db import models

from orders.models.fulfilment import Cancellation
from orders.models.order import OrderLine
from portal.base.fields import QuantityField
from portal.tenancy.scoping import MerchantModel


class CancellationLine(MerchantModel):
    """How many of a line, of the shop's article, are not wanted any more."""

    cancellation = models.ForeignKey(Cancellation, on_delete=models.CASCADE, related_name="lines")
    order_line = models.ForeignKey(OrderLine, on_delete=models.CASCADE, related_name="cancellations")
    quantity = QuantityField()

    class Meta(MerchantModel.Meta):
        constraints = (
            models.UniqueConstraint(fields=("merchant", "cancellation", "order_line"), name="cancellation_line_once"),
        )

    def __str__(self) -> str:
        return f"{self.quantity} of line {self.order_line_id}"
