"""Which of their records is which of ours."""

from __future__ import annotations

from django.db import models

from integrations.models.connection import Connection
from integrations.models.flow import Stream
from portal.tenancy.scoping import MerchantModel


class Link(MerchantModel):
    """Our record ↔ theirs. One of theirs is never two of ours. `superseded_at`: it is still there, and another was made
    in its stead, which is ours now."""

    connection = models.ForeignKey(Connection, on_delete=models.CASCADE, related_name="links")
    stream = models.CharField(max_length=20, choices=Stream)
    external_id = models.CharField(max_length=200)
    external_number = models.CharField(max_length=200, blank=True, default="")
    subject_type = models.CharField(max_length=40)
    subject_id = models.BigIntegerField()
    created_at = models.DateTimeField(auto_now_add=True)
    superseded_at = models.DateTimeField(null=True, blank=True)

    class Meta(MerchantModel.Meta):
        constraints = (
            models.UniqueConstraint(fields=("merchant", "connection", "stream", "external_id"), name="link_once"),
        )
        indexes = (models.Index(fields=("subject_type", "subject_id", "connection"), name="link_subject"),)

    def __str__(self) -> str:
        return f"{self.stream} {self.external_number or self.external_id}"
