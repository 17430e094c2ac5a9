"""Errors of one fingerprint, and who re-ran what."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from integrations.models.command import Command
from integrations.models.connection import Connection
from integrations.models.inbox import InboundEvent
from portal.base.fields import MoneyField
from portal.tenancy.scoping import MerchantModel


class Problem(MerchantModel):
    """Errors that have one cause: same connection, same code, same words."""

    class State(models.TextChoices):
        OPEN = "open", _("Open")
        SNOOZED = "snoozed", _("Snoozed")
        RESOLVED = "resolved", _("Resolved")
        IGNORED = "ignored", _("Ignored")

    connection = models.ForeignKey(Connection, null=True, blank=True, on_delete=models.CASCADE, related_name="problems")
    fingerprint = models.CharField(max_length=64)
    kind = models.CharField(max_length=40, blank=True, default="")
    code = models.CharField(max_length=60)
    title = models.CharField(max_length=500)
    state = models.CharField(max_length=10, choices=State, default=State.OPEN)
    count = models.PositiveIntegerField(default=0)
    amount = MoneyField(default=0)
    currency = models.CharField(max_length=3, blank=True, default="")
    example_command = models.ForeignKey(Command, null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    first_seen_at = models.DateTimeField()
    last_seen_at = models.DateTimeField()
    snoozed_until = models.DateTimeField(null=True, blank=True)
    resolved_at = models.DateTimeField(null=True, blank=True)
    resolved_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    resolution = models.CharField(max_length=500, blank=True, default="")

    class Meta(MerchantModel.Meta):
        constraints = (models.UniqueConstraint(fields=("merchant", "fingerprint"), name="problem_fingerprint"),)
        indexes = (models.Index(fields=("merchant", "state", "-last_seen_at"), name="problem_state"),)

    def __str__(self) -> str:
        return self.title


class Replay(MerchantModel):
    """Who re-ran what, and why."""

    class Action(models.TextChoices):
        RETRY = "retry", _("Sent again as stored")
        REBUILD = "rebuild", _("Rebuilt under the current rules")
        IS_THERE = "is_there", _("Said: it is there")
        NOT_THERE = "not_there", _("Said: it is not there, send")
        NEVER = "never", _("Said: never send")
        EVENT = "event", _("Applied again")

    command = models.ForeignKey(Command, null=True, blank=True, on_delete=models.CASCADE, related_name="replays")
    event = models.ForeignKey(InboundEvent, null=True, blank=True, on_delete=models.SET_NULL, related_name="replays")
    action = models.CharField(max_length=10, choices=Action)
    reason = models.CharField(max_length=500, blank=True, default="")
    by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    edit = models.JSONField(default=dict, blank=True)
    at = models.DateTimeField()

    class Meta(MerchantModel.Meta):
        pass

    def __str__(self) -> str:
        return f"{self.get_action_display()} {self.at:%Y-%m-%d %H:%M}"
