"""The inbox: raw webhooks, and pulled records that were set aside."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from integrations.models.connection import Connection
from portal.tenancy.scoping import MerchantModel


class InboundEvent(MerchantModel):
    """Bytes as they came, kept and replayable. A webhook is a hint: `stream` and `external_id` say what to fetch."""

    class Kind(models.TextChoices):
        WEBHOOK = "webhook", _("Webhook")
        RECORD = "record", _("Pulled record")

    class State(models.TextChoices):
        RECEIVED = "received", _("Received")
        LEASED = "leased", _("Being applied")
        DONE = "done", _("Applied")
        IGNORED = "ignored", _("Ignored")
        STALE = "stale", _("Older than what we have")
        QUARANTINED = "quarantined", _("Set aside")
        FAILED = "failed", _("Failed")

    connection = models.ForeignKey(Connection, on_delete=models.CASCADE, related_name="events")
    kind = models.CharField(max_length=8, choices=Kind, default=Kind.WEBHOOK)
    stream = models.CharField(max_length=20, blank=True, default="")
    external_id = models.CharField(max_length=200, blank=True, default="")
    topic = models.CharField(max_length=100, blank=True, default="")
    dedupe_key = models.CharField(max_length=200)
    headers = models.JSONField(default=dict)
    body = models.BinaryField()
    state = models.CharField(max_length=12, choices=State, default=State.RECEIVED)
    received_at = models.DateTimeField()
    occurred_at = models.DateTimeField(null=True, blank=True)
    next_attempt_at = models.DateTimeField(null=True, blank=True)
    attempts = models.PositiveIntegerField(default=0)
    lease_token = models.CharField(max_length=32, blank=True, default="")
    lease_until = models.DateTimeField(null=True, blank=True)
    error_code = models.CharField(max_length=60, blank=True, default="")
    message = models.CharField(max_length=2000, blank=True, default="")
    problem = models.ForeignKey(
        "integrations.Problem", null=True, blank=True, on_delete=models.SET_NULL, related_name="events"
    )
    duplicates = models.PositiveIntegerField(default=0)
    correlation_id = models.CharField(max_length=64, blank=True, default="")
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta(MerchantModel.Meta):
        verbose_name = _("webhook")
        constraints = (models.UniqueConstraint(fields=("merchant", "connection", "dedupe_key"), name="event_once"),)
        indexes = (
            models.Index(fields=("next_attempt_at",), condition=Q(state="received"), name="event_due"),
            models.Index(fields=("lease_until",), condition=Q(state="leased"), name="event_leased"),
            models.Index(fields=("connection", "-id"), name="event_connection"),
            models.Index(fields=("connection", "stream", "external_id"), name="event_record"),
            models.Index(
                fields=("connection", "stream", "external_id"),
                condition=Q(state__in=("failed", "quarantined")),
                name="event_set_aside",
            ),
            models.Index(
                fields=("received_at",), condition=Q(state__in=("done", "ignored", "stale")), name="event_finished"
            ),
        )

    def __str__(self) -> str:
        return f"{self.topic or self.stream} {self.external_id}"
