"""Goods that come back, and the order that goes out for them."""

from __future__ import annotations

from django.db import models

from orders.models.fulfilment import Return
from orders.models.order import Order
from portal.tenancy.scoping import MerchantModel


class Exchange(MerchantModel):
    """A return plus a new order: each says the other. One return is exchanged for one order."""

    parent = models.ForeignKey(Return, on_delete=models.CASCADE, related_name="exchanges")
    new_order = models.ForeignKey(Order, on_delete=models.CASCADE, related_name="exchanged_for")
    made_at = models.DateTimeField()
    made_by = models.CharField(max_length=100)

    class Meta(MerchantModel.Meta):
        constraints = (
            models.UniqueConstraint(fields=("merchant", "parent"), name="exchange_of_return"),
            models.UniqueConstraint(fields=("merchant", "new_order"), name="exchange_of_order"),
        )

    def __str__(self) -> str:
        return f"Return {self.parent_id} for order {self.new_order_id}"
