"""A merchant's account on a platform, its secrets and its rate budget."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from simple_history.models import HistoricalRecords

from portal.base.models import PublicIdMixin
from portal.tenancy.scoping import MerchantModel


class Connection(PublicIdMixin, MerchantModel):
    """One account in one role. `watching` reads and plans but writes nothing; Go live makes it `active`."""

    class State(models.TextChoices):
        DRAFT = "draft", _("Draft")
        WATCHING = "watching", _("Watching")
        ACTIVE = "active", _("Live")
        DEGRADED = "degraded", _("Degraded")
        NEEDS_REAUTH = "needs_reauth", _("Needs new credentials")
        PAUSED = "paused", _("Paused")
        DISABLED = "disabled", _("Disabled")

    class Role(models.TextChoices):
        STORE = "store", _("Store")
        BACK_OFFICE = "back_office", _("Back office")
        ACCOUNTING = "accounting", _("Accounting")
        CHANNEL = "channel", _("Channel")

    class Environment(models.TextChoices):
        SIMULATOR = "simulator", _("Simulator")
        SANDBOX = "sandbox", _("Sandbox")
        LIVE = "live", _("Live")

    SELLING_ROLES = (Role.STORE, Role.CHANNEL)
    READING_STATES = (State.WATCHING, State.ACTIVE, State.DEGRADED)
    WRITING_STATES = (State.ACTIVE, State.DEGRADED)

    name = models.CharField(max_length=100)
    platform = models.CharField(max_length=40)
    role = models.CharField(max_length=20, choices=Role)
    environment = models.CharField(max_length=20, choices=Environment, default=Environment.LIVE)
    state = models.CharField(max_length=20, choices=State, default=State.DRAFT)
    state_reason = models.CharField(max_length=500, blank=True, default="")
    settings = models.JSONField(default=dict, blank=True)
    order_prefix = models.CharField(
        max_length=8, blank=True, default="", help_text=_("Begins every reference here, frozen at the first order.")
    )
    location = models.ForeignKey(
        "tenancy.Location", null=True, blank=True, on_delete=models.PROTECT, related_name="connections"
    )
    live_since = models.DateTimeField(null=True, blank=True)
    orders_paused = models.BooleanField(default=False)
    stock_paused = models.BooleanField(default=False)
    prices_paused = models.BooleanField(default=False)
    deadline_seconds = models.PositiveIntegerField(default=30)
    settle_seconds = models.PositiveIntegerField(
        default=60, help_text=_("How long after an unknown outcome a search there is trusted.")
    )
    allowed_private = models.JSONField(
        default=list, blank=True, help_text=_("host:port an operator allowed although the address is private.")
    )
    checked_at = models.DateTimeField(null=True, blank=True)
    check_ok = models.BooleanField(default=False)
    check_message = models.CharField(max_length=2000, blank=True, default="")
    check_code = models.CharField(max_length=60, blank=True, default="")
    check_latency_ms = models.PositiveIntegerField(default=0)
    last_success_at = models.DateTimeField(null=True, blank=True)
    webhooks_at = models.DateTimeField(null=True, blank=True)
    webhooks_checked_at = models.DateTimeField(null=True, blank=True)
    webhooks_missing = models.JSONField(default=list, blank=True)  # the platform's topics that do not reach us
    created_at = models.DateTimeField(auto_now_add=True)
    history = HistoricalRecords(excluded_fields=["check_code", "webhooks_checked_at", "webhooks_missing"])

    class Meta(MerchantModel.Meta):
        constraints = (
            models.UniqueConstraint(fields=("merchant", "name"), name="connection_name"),
            models.UniqueConstraint(
                fields=("merchant", "order_prefix"), condition=~Q(order_prefix=""), name="connection_order_prefix"
            ),
        )

    def __str__(self) -> str:
        return self.name

    @property
    def may_read(self) -> bool:
        return self.state in self.READING_STATES

    @property
    def may_write(self) -> bool:
        return self.state in self.WRITING_STATES


class Credential(MerchantModel):
    """A connection's secrets as one MultiFernet token; the plaintext begins with this row's id.

    `version` rises with each change, so that a worker which met a 401 can tell whether another has refreshed already.
    """

    connection = models.OneToOneField(Connection, on_delete=models.CASCADE, related_name="credential")
    key_id = models.CharField(max_length=40)
    ciphertext = models.BinaryField()
    version = models.PositiveIntegerField(default=1)
    expires_at = models.DateTimeField(null=True, blank=True)
    lease_token = models.CharField(max_length=32, blank=True, default="")
    lease_until = models.DateTimeField(null=True, blank=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta(MerchantModel.Meta):
        pass

    def __str__(self) -> str:
        return f"Credential of connection {self.connection_id}"


class RateBudget(MerchantModel):
    """What a connection may still ask, shared by all workers: the theoretical arrival time of the GCRA, and a stop the
    platform itself asked for."""

    connection = models.OneToOneField(Connection, on_delete=models.CASCADE, related_name="budget")
    arrival_at = models.DateTimeField()
    blocked_until = models.DateTimeField(null=True, blank=True)

    class Meta(MerchantModel.Meta):
        pass

    def __str__(self) -> str:
        return f"Budget of connection {self.connection_id}"
