"""The outbox: what a remote system must do once, each try at it, and each request made."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from integrations.models.connection import Connection
from integrations.models.run import SyncRun
from portal.base.fields import MoneyField
from portal.base.models import PublicIdMixin
from portal.tenancy.scoping import MerchantModel


class Command(PublicIdMixin, MerchantModel):
    """One thing to be done there once. `subject` is our record; commands of one `line` go one after another by
    `sequence`; `payload` is the record as built, stored before the first request and sent unchanged ever after."""

    class State(models.TextChoices):
        PENDING = "pending", _("Waiting to be sent")
        LEASED = "leased", _("About to be sent")
        SENDING = "sending", _("Being sent")
        UNKNOWN = "unknown", _("Sent, outcome unknown")
        ACCEPTED = "accepted", _("Accepted")
        VERIFIED = "verified", _("Accepted and checked")
        NEEDS_FIX = "needs_fix", _("Refused there")
        NEEDS_HUMAN = "needs_human", _("A person must decide")
        WITHDRAWN = "withdrawn", _("Withdrawn")

    BUSY_STATES = (State.LEASED, State.SENDING, State.UNKNOWN)
    OPEN_STATES = (State.PENDING, *BUSY_STATES, State.NEEDS_FIX, State.NEEDS_HUMAN)
    DONE_STATES = (State.ACCEPTED, State.VERIFIED)

    connection = models.ForeignKey(Connection, on_delete=models.PROTECT, related_name="commands")
    kind = models.CharField(max_length=40)
    stream = models.CharField(max_length=20)
    subject_type = models.CharField(max_length=40)
    subject_id = models.BigIntegerField()
    line = models.CharField(max_length=80)
    sequence = models.PositiveIntegerField()
    reference = models.CharField(max_length=40)
    revision = models.PositiveIntegerField(default=1)
    operation_key = models.CharField(max_length=120)
    payload = models.BinaryField(null=True, blank=True)
    state = models.CharField(max_length=12, choices=State, default=State.PENDING)
    state_at = models.DateTimeField()
    next_attempt_at = models.DateTimeField()
    attempts = models.PositiveIntegerField(default=0)
    crashes = models.PositiveIntegerField(default=0)
    tried_seconds = models.PositiveIntegerField(default=0)
    lease_token = models.CharField(max_length=32, blank=True, default="")
    lease_until = models.DateTimeField(null=True, blank=True)
    fence = models.PositiveBigIntegerField(default=0)
    search_first = models.BooleanField(default=False)
    amount = MoneyField(default=0)
    currency = models.CharField(max_length=3, blank=True, default="")
    external_id = models.CharField(max_length=200, blank=True, default="")
    external_number = models.CharField(max_length=200, blank=True, default="")
    remote_total = MoneyField(null=True, blank=True)
    error_code = models.CharField(max_length=60, blank=True, default="")
    message = models.CharField(max_length=2000, blank=True, default="")
    problem = models.ForeignKey(
        "integrations.Problem", null=True, blank=True, on_delete=models.SET_NULL, related_name="commands"
    )
    correlation_id = models.CharField(max_length=64, blank=True, default="")
    created_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True, blank=True)

    attempt: Attempt | None = None  # the one under way, where this row was leased for it

    class Meta(MerchantModel.Meta):
        verbose_name = _("message")
        constraints = (
            models.UniqueConstraint(fields=("merchant", "connection", "operation_key"), name="command_operation"),
            models.UniqueConstraint(fields=("merchant", "connection", "line", "sequence"), name="command_sequence"),
            models.UniqueConstraint(
                fields=("merchant", "connection", "line"),
                condition=Q(state__in=("leased", "sending", "unknown")),
                name="command_one_at_a_time",
            ),
        )
        indexes = (
            models.Index(
                fields=("next_attempt_at",), condition=Q(state__in=("pending", "unknown")), name="command_due"
            ),
            models.Index(fields=("lease_until",), condition=Q(state__in=("leased", "sending")), name="command_leased"),
            models.Index(fields=("subject_type", "subject_id"), name="command_subject"),
            models.Index(fields=("connection", "reference"), name="command_reference"),
            models.Index(fields=("merchant", "state", "-id"), name="command_state"),
        )

    def __str__(self) -> str:
        return f"{self.kind.replace('_', ' ')} {self.reference}"


class Attempt(MerchantModel):
    """One try at a command (or one search for it)."""

    class Outcome(models.TextChoices):
        STARTED = "started", _("Started")
        ACCEPTED = "accepted", _("Accepted")
        FOUND = "found", _("Found there")
        NOT_FOUND = "not_found", _("Not found there")
        REFUSED = "refused", _("Refused")
        NOT_SENT = "not_sent", _("Not sent")
        UNKNOWN = "unknown", _("Outcome unknown")
        CRASHED = "crashed", _("The worker died")

    command = models.ForeignKey(Command, on_delete=models.CASCADE, related_name="tries")
    number = models.PositiveIntegerField()
    fence = models.PositiveBigIntegerField()
    started_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True, blank=True)
    outcome = models.CharField(max_length=10, choices=Outcome, default=Outcome.STARTED)
    error_code = models.CharField(max_length=60, blank=True, default="")
    message = models.CharField(max_length=2000, blank=True, default="")

    class Meta(MerchantModel.Meta):
        constraints = (models.UniqueConstraint(fields=("merchant", "command", "number"), name="attempt_number"),)

    def __str__(self) -> str:
        return f"Try {self.number} of command {self.command_id}"


class Exchange(MerchantModel):
    """One redacted request and its answer."""

    connection = models.ForeignKey(Connection, on_delete=models.CASCADE, related_name="exchanges")
    attempt = models.ForeignKey(Attempt, null=True, blank=True, on_delete=models.SET_NULL, related_name="exchanges")
    run = models.ForeignKey(SyncRun, null=True, blank=True, on_delete=models.SET_NULL, related_name="exchanges")
    at = models.DateTimeField()
    method = models.CharField(max_length=10)
    url = models.CharField(max_length=2000)
    request_headers = models.JSONField(default=dict)
    request_body = models.BinaryField()
    status = models.PositiveIntegerField(null=True, blank=True)
    response_headers = models.JSONField(default=dict)
    response_body = models.BinaryField()
    error = models.CharField(max_length=500, blank=True, default="")
    elapsed_ms = models.PositiveIntegerField(default=0)

    class Meta(MerchantModel.Meta):
        verbose_name = _("capture")
        indexes = (
            models.Index(fields=("connection", "-id"), name="exchange_connection"),
            models.Index(fields=("at",), name="exchange_at"),
        )

    def __str__(self) -> str:
        return f"{self.method} {self.url} → {self.status or self.error}"
