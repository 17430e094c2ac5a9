"""Why something waits."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q

from integrations.models.connection import Connection
from portal.base.fields import MoneyField
from portal.tenancy.scoping import MerchantModel


class Hold(MerchantModel):
    """One reason one record waits. `key` names what frees it: whoever fixes that releases the key."""

    connection = models.ForeignKey(Connection, null=True, blank=True, on_delete=models.CASCADE, related_name="holds")
    subject_type = models.CharField(max_length=40)
    subject_id = models.BigIntegerField()
    reason = models.CharField(max_length=40)
    key = models.CharField(max_length=200)
    message = models.CharField(max_length=500)
    amount = MoneyField(default=0)
    currency = models.CharField(max_length=3, blank=True, default="")
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    since = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta(MerchantModel.Meta):
        constraints = (
            models.UniqueConstraint(
                fields=("merchant", "subject_type", "subject_id", "key"),
                condition=Q(ended_at__isnull=True),
                name="hold_once",
            ),
        )
        indexes = (
            models.Index(fields=("merchant", "key"), condition=Q(ended_at__isnull=True), name="hold_key"),
            models.Index(fields=("subject_type", "subject_id"), name="hold_subject"),
        )

    def __str__(self) -> str:
        return self.message
