"""Flows, where their next pull starts, and the procedures that run them in order."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _
from simple_history.models import HistoricalRecords

from integrations.models.connection import Connection
from portal.base.models import PublicIdMixin
from portal.tenancy.scoping import MerchantModel


class Stream(models.TextChoices):
    """A kind of record."""

    PRODUCT = "product", _("Products")
    STOCK = "stock", _("Stock")
    PRICE = "price", _("Prices")
    CUSTOMER = "customer", _("Customers")
    ORDER = "order", _("Orders")
    PAYMENT = "payment", _("Payments")
    SHIPMENT = "shipment", _("Shipments")
    INVOICE = "invoice", _("Invoices")
    RETURN = "return", _("Returns")
    REFUND = "refund", _("Refunds")


class Flow(MerchantModel):
    """One stream, one direction, one connection. A run leases the Flow, so one runs at a time."""

    class Direction(models.TextChoices):
        PULL = "pull", _("from there to us")
        PUSH = "push", _("from us to there")

    connection = models.ForeignKey(Connection, on_delete=models.CASCADE, related_name="flows")
    stream = models.CharField(max_length=20, choices=Stream)
    direction = models.CharField(max_length=4, choices=Direction)
    enabled = models.BooleanField(default=True)
    settings = models.JSONField(default=dict, blank=True)
    overlap_seconds = models.PositiveIntegerField(default=120)
    lease_token = models.CharField(max_length=32, blank=True, default="")
    lease_until = models.DateTimeField(null=True, blank=True)
    fence = models.PositiveBigIntegerField(default=0)
    history = HistoricalRecords(excluded_fields=["lease_token", "lease_until", "fence"])

    class Meta(MerchantModel.Meta):
        constraints = (
            models.UniqueConstraint(fields=("merchant", "connection", "stream", "direction"), name="flow_identity"),
        )

    def __str__(self) -> str:
        return f"{self.get_stream_display()} {self.get_direction_display()}"


class Cursor(MerchantModel):
    """Where a pull goes on: `page` within the pull under way ('' between pulls), `since` for the next pull."""

    flow = models.OneToOneField(Flow, on_delete=models.CASCADE, related_name="cursor")
    since = models.DateTimeField(null=True, blank=True)
    page = models.TextField(blank=True, default="")
    pull_since = models.DateTimeField(null=True, blank=True)
    pull_started_at = models.DateTimeField(null=True, blank=True)
    newest_at = models.DateTimeField(null=True, blank=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta(MerchantModel.Meta):
        pass

    def __str__(self) -> str:
        return f"Cursor of flow {self.flow_id}"


class Procedure(PublicIdMixin, MerchantModel):
    """Flows in order, started by a timer, an event, a call or by hand."""

    name = models.CharField(max_length=100)
    enabled = models.BooleanField(default=True)
    every_seconds = models.PositiveIntegerField(default=0, help_text=_("0 = no timer."))
    event = models.CharField(max_length=40, blank=True, default="", help_text=_("e.g. order.created; empty = none."))
    next_due_at = models.DateTimeField(null=True, blank=True)
    history = HistoricalRecords(excluded_fields=["next_due_at"])

    class Meta(MerchantModel.Meta):
        constraints = (models.UniqueConstraint(fields=("merchant", "name"), name="procedure_name"),)
        indexes = (models.Index(fields=("next_due_at",), name="procedure_due"),)

    def __str__(self) -> str:
        return self.name


class ProcedureStep(MerchantModel):
    """One flow of a procedure, and what has to hold before the next one starts."""

    class Gate(models.TextChoices):
        CONTINUE = "continue", _("Go on")
        STOP = "stop", _("Stop if this one failed")
        IF_CHANGED = "if_changed", _("Go on only if something changed")
        PERSON = "person", _("Wait for a person")

    procedure = models.ForeignKey(Procedure, on_delete=models.CASCADE, related_name="steps")
    position = models.PositiveIntegerField()
    flow = models.ForeignKey(Flow, on_delete=models.CASCADE, related_name="steps")
    gate = models.CharField(max_length=12, choices=Gate, default=Gate.CONTINUE)

    class Meta(MerchantModel.Meta):
        constraints = (models.UniqueConstraint(fields=("merchant", "procedure", "position"), name="step_position"),)

    def __str__(self) -> str:
        return f"{self.position}. {self.flow}"


class ProcedureRun(PublicIdMixin, MerchantModel):
    """One execution of a procedure. `slot` is the due time it holds (or a random word for a call or a click)."""

    class State(models.TextChoices):
        QUEUED = "queued", _("Waiting to start")
        RUNNING = "running", _("Running")
        WAITING = "waiting", _("Waits for a person")
        DONE = "done", _("Done")
        FAILED = "failed", _("Failed")
        CANCELLED = "cancelled", _("Cancelled")

    OPEN_STATES = (State.QUEUED, State.RUNNING)

    procedure = models.ForeignKey(Procedure, on_delete=models.CASCADE, related_name="runs")
    slot = models.CharField(max_length=64)
    state = models.CharField(max_length=10, choices=State, default=State.QUEUED)
    position = models.PositiveIntegerField(default=0)
    trigger = models.CharField(max_length=40, default="timer")
    started_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    message = models.CharField(max_length=500, blank=True, default="")
    created_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta(MerchantModel.Meta):
        verbose_name = _("run of a procedure")
        verbose_name_plural = _("runs of procedures")
        constraints = (models.UniqueConstraint(fields=("merchant", "procedure", "slot"), name="procedure_slot"),)
        indexes = (models.Index(fields=("state", "created_at"), name="procedurerun_state"),)

    def __str__(self) -> str:
        return f"{self.procedure_id} {self.slot}"
