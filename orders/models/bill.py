"""Sales bills somebody made of an order."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from orders.models.fulfilment import FulfilmentOrder
from orders.models.order import Order
from portal.base.fields import MoneyField
from portal.tenancy.scoping import MerchantModel


class Bill(MerchantModel):
    """The bill of a part, made where the part is; or of the whole order, numbered and kept here (`sequence` > 0).

    `payment_type` is our word of how it is paid, `payment_code` the destination's own. `content` is what our own page
    prints, frozen: {"buyer": [lines], "lines": [{name, quantity, net, tax, gross}], "net", "tax", "gross"}.
    """

    class State(models.TextChoices):
        ASKED = "asked", _("Asked for")
        MADE = "made", _("Made")
        REFUSED = "refused", _("Refused there")
        GIVEN_UP = "given_up", _("Given up")

    order = models.ForeignKey(Order, on_delete=models.CASCADE, related_name="bills")
    fulfilment_order = models.ForeignKey(
        FulfilmentOrder, null=True, blank=True, on_delete=models.CASCADE, related_name="bills"
    )
    sequence = models.PositiveIntegerField(default=0)
    number = models.CharField(max_length=100, blank=True, default="")
    external_id = models.CharField(max_length=200, blank=True, default="")
    state = models.CharField(max_length=10, choices=State, default=State.ASKED)
    payment_type = models.CharField(max_length=200)
    payment_code = models.CharField(max_length=200, blank=True, default="")
    currency = models.CharField(max_length=3)
    total = MoneyField()
    content = models.JSONField(default=dict, blank=True)
    made_at = models.DateTimeField()
    made_by = models.CharField(max_length=100)

    class Meta(MerchantModel.Meta):
        constraints = (
            models.UniqueConstraint(
                fields=("merchant", "fulfilment_order"),
                condition=Q(fulfilment_order__isnull=False),
                name="bill_once_a_part",
            ),
            models.UniqueConstraint(
                fields=("merchant", "order"), condition=Q(fulfilment_order__isnull=True), name="bill_once_here"
            ),
            models.UniqueConstraint(
                fields=("merchant", "sequence"), condition=Q(sequence__gt=0), name="bill_number_once"
            ),
        )

    def __str__(self) -> str:
        return self.number or f"Bill of order {self.order_id}"


class BillSeries(MerchantModel):
    """The last number a merchant gave to a bill of his own; locked while the next is taken: none is left out."""

    last = models.PositiveIntegerField(default=0)

    class Meta(MerchantModel.Meta):
        verbose_name_plural = "bill series"
        constraints = (models.UniqueConstraint(fields=("merchant",), name="bill_series_once"),)

    def __str__(self) -> str:
        return f"Bills to {self.last}"
