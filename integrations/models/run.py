"""What a flow did: balanced counts, a log, and the records that were skipped or failed."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import F
from django.utils.translation import gettext_lazy as _

from integrations.models.flow import Flow, ProcedureRun
from portal.base.models import PublicIdMixin
from portal.tenancy.scoping import MerchantModel


class SyncRun(PublicIdMixin, MerchantModel):
    """One execution of a flow. seen = created + updated + unchanged + skipped + failed, at every commit."""

    class State(models.TextChoices):
        QUEUED = "queued", _("Waiting to start")
        RUNNING = "running", _("Running")
        DONE = "done", _("Done")
        FAILED = "failed", _("Failed")
        CANCELLED = "cancelled", _("Cancelled")

    OPEN_STATES = (State.QUEUED, State.RUNNING)

    flow = models.ForeignKey(Flow, on_delete=models.CASCADE, related_name="runs")
    procedure_run = models.ForeignKey(
        ProcedureRun, null=True, blank=True, on_delete=models.SET_NULL, related_name="runs"
    )
    state = models.CharField(max_length=10, choices=State, default=State.QUEUED)
    trigger = models.CharField(max_length=40, default="manual")
    started_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    created_at = models.DateTimeField()
    started_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)
    next_attempt_at = models.DateTimeField()
    attempts = models.PositiveIntegerField(default=0)
    total = models.PositiveBigIntegerField(null=True, blank=True)
    seen = models.PositiveBigIntegerField(default=0)
    created = models.PositiveBigIntegerField(default=0)
    updated = models.PositiveBigIntegerField(default=0)
    unchanged = models.PositiveBigIntegerField(default=0)
    skipped = models.PositiveBigIntegerField(default=0)
    failed = models.PositiveBigIntegerField(default=0)
    cancel_requested = models.BooleanField(default=False)
    error_code = models.CharField(max_length=60, blank=True, default="")
    message = models.CharField(max_length=2000, blank=True, default="")
    problem = models.ForeignKey(  # while its flow has not gone through since
        "integrations.Problem", null=True, blank=True, on_delete=models.SET_NULL, related_name="runs"
    )
    correlation_id = models.CharField(max_length=64, blank=True, default="")

    class Meta(MerchantModel.Meta):
        verbose_name = _("run")
        constraints = (
            models.CheckConstraint(
                condition=models.Q(seen=F("created") + F("updated") + F("unchanged") + F("skipped") + F("failed")),
                name="run_balances",
            ),
        )
        indexes = (
            models.Index(fields=("state", "next_attempt_at"), name="run_due"),
            models.Index(fields=("flow", "-id"), name="run_flow"),
            models.Index(fields=("flow",), condition=models.Q(problem__isnull=False), name="run_problem"),
        )

    def __str__(self) -> str:
        return f"Run {self.pk}"


class HistoryPlace(MerchantModel):
    """How far a run is that reads what is from before: beside its flow's Cursor, which it leaves alone.

    `pull_since` is the day it begins at; the other fields are as the Cursor's.
    """

    run = models.OneToOneField(SyncRun, on_delete=models.CASCADE, related_name="place")
    pull_since = models.DateTimeField()
    since = models.DateTimeField(null=True, blank=True)
    page = models.TextField(blank=True, default="")
    newest_at = models.DateTimeField(null=True, blank=True)

    class Meta(MerchantModel.Meta):
        pass

    def __str__(self) -> str:
        return f"Place of run {self.run_id}"


class RunOutcome(MerchantModel):
    """A record that was skipped (why) or failed (with its raw payload set aside)."""

    class Outcome(models.TextChoices):
        SKIPPED = "skipped", _("Skipped")
        FAILED = "failed", _("Failed")

    run = models.ForeignKey(SyncRun, on_delete=models.CASCADE, related_name="outcomes")
    outcome = models.CharField(max_length=8, choices=Outcome)
    external_id = models.CharField(max_length=200, blank=True, default="")
    code = models.CharField(max_length=60)
    message = models.CharField(max_length=2000)
    event = models.ForeignKey(
        "integrations.InboundEvent", null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    at = models.DateTimeField()

    class Meta(MerchantModel.Meta):
        indexes = (models.Index(fields=("at",), name="outcome_at"),)

    def __str__(self) -> str:
        return f"{self.outcome} {self.external_id}: {self.code}"


class RunLogLine(MerchantModel):
    """One line of a run's live log."""

    run = models.ForeignKey(SyncRun, on_delete=models.CASCADE, related_name="log")
    at = models.DateTimeField()
    level = models.CharField(max_length=8, default="info")
    message = models.CharField(max_length=500)

    class Meta(MerchantModel.Meta):
        indexes = (models.Index(fields=("at",), name="logline_at"),)

    def __str__(self) -> str:
        return self.message
