"""What a store changed of an order after it had been sent on."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from orders.models.order import Order
from portal.base.fields import MoneyField
from portal.tenancy.scoping import MerchantModel


class OrderEdit(MerchantModel):
    """The lines as the store has them now, until a person takes them over, sends them on or leaves them. `lines` is
    JSON of `contract.records.OrderLineRecord`s in whole units; `problem` says why they do not come to `total`, ''
    where they do."""

    class State(models.TextChoices):
        OPEN = "open", _("Waiting for a person")
        SENDING = "sending", _("To be sent on")
        SENT = "sent", _("Sent on")
        ACCEPTED = "accepted", _("Taken over here")
        IGNORED = "ignored", _("Left as it was")
        GONE = "gone", _("Taken back in the shop")

    order = models.ForeignKey(Order, on_delete=models.CASCADE, related_name="edits")
    at = models.DateTimeField()
    total = MoneyField()
    lines = models.BinaryField()
    problem = models.CharField(max_length=500, blank=True, default="")
    state = models.CharField(max_length=10, choices=State, default=State.OPEN)
    decided_at = models.DateTimeField(null=True, blank=True)
    decided_by = models.CharField(max_length=100, blank=True, default="")

    class Meta(MerchantModel.Meta):
        constraints = (
            models.UniqueConstraint(fields=("merchant", "order"), condition=Q(state="open"), name="edit_one_open"),
        )

    def __str__(self) -> str:
        return f"Change of order {self.order_id}"
