"""Goods that come back, and the order that goes out for them."""

from __future__ import annotations

from decimal import Decimal

from django.db import models

from orders.models.fulfilment import Refund, Return
from orders.models.order import Order
from portal.base.fields import MoneyField
from portal.tenancy.scoping import MerchantModel


class Exchange(MerchantModel):
    """A return plus a new order: each says the other. One return is exchanged for one order.

    `value_back` is what was paid for what comes back, `value_new` what is to be paid for what goes out; `refund` gives
    back what is left over.
    """

    parent = models.ForeignKey(Return, on_delete=models.CASCADE, related_name="exchanges")
    new_order = models.ForeignKey(Order, on_delete=models.CASCADE, related_name="exchanged_for")
    value_back = MoneyField(default=Decimal(0))
    value_new = MoneyField(default=Decimal(0))
    refund = models.ForeignKey(Refund, null=True, blank=True, on_delete=models.SET_NULL, related_name="exchanges")
    made_at = models.DateTimeField()
    made_by = models.CharField(max_length=100)

    class Meta(MerchantModel.Meta):
        constraints = (
            models.UniqueConstraint(fields=("merchant", "parent"), name="exchange_of_return"),
            models.UniqueConstraint(fields=("merchant", "new_order"), name="exchange_of_order"),
        )

    @property
    def difference(self) -> Decimal:
        """Above 0 the buyer pays it, below 0 it is given back to him."""
        found: Decimal = self.value_new - self.value_back
        return found

    @property
    def to_give_back(self) -> Decimal:
        """Nobody was asked for it yet."""
        return Decimal(0) if self.refund_id else max(-self.difference, Decimal(0))

    def __str__(self) -> str:
        return f"Return {self.parent_id} for order {self.new_order_id}"
