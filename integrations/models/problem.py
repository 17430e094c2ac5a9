"""Errors of one fingerprint, who re-ran what, and the releases that do so a few first."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q
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


class Release(MerchantModel):
    """What one thing held up, sent on a few first: the others go when those have arrived, and none where one of them is
    refused again. `key` is that of the Holds that waited, or "problem:…" where it is about a problem's messages."""

    class State(models.TextChoices):
        GOING = "going", _("Going")
        STOPPED = "stopped", _("Stopped at a new error")
        DONE = "done", _("Done")

    problem = models.ForeignKey(Problem, null=True, blank=True, on_delete=models.CASCADE, related_name="releases")
    key = models.CharField(max_length=200)
    state = models.CharField(max_length=8, choices=State, default=State.GOING)
    step = models.PositiveIntegerField(default=0)  # raised by whoever sends the next few, so that it is one
    sent = models.PositiveIntegerField(default=0)
    message = models.CharField(max_length=500, blank=True, default="")
    by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    started_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta(MerchantModel.Meta):
        constraints = (
            models.UniqueConstraint(fields=("merchant", "key"), condition=Q(state="going"), name="release_once"),
        )
        indexes = (models.Index(fields=("started_at",), condition=Q(state="going"), name="release_going"),)

    def __str__(self) -> str:
        return f"{self.get_state_display()}, {self.sent} sent"


class Replay(MerchantModel):
    """Who re-ran what, and why."""

    class Action(models.TextChoices):
        RETRY = "retry", _("Sent again as stored")
        REBUILD = "rebuild", _("Rebuilt under the current rules")
        EDIT = "edit", _("Sent as a person edited it")
        FORCE = "force", _("Forced: sent anew although it is there")
        IS_THERE = "is_there", _("Said: it is there")
        NOT_THERE = "not_there", _("Said: it is not there, send")
        NEVER = "never", _("Said: never send")
        EVENT = "event", _("Applied again")
        RESUME = "resume", _("Sent on after a pause")

    command = models.ForeignKey(Command, null=True, blank=True, on_delete=models.CASCADE, related_name="replays")
    event = models.ForeignKey(InboundEvent, null=True, blank=True, on_delete=models.SET_NULL, related_name="replays")
    action = models.CharField(max_length=10, choices=Action)
    reason = models.CharField(max_length=500, blank=True, default="")
    by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    edit = models.JSONField(default=dict, blank=True)  # path → [before, after]
    release = models.ForeignKey(Release, null=True, blank=True, on_delete=models.SET_NULL, related_name="replays")
    waits = models.BooleanField(default=False)  # for a second person
    second = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    at = models.DateTimeField()

    class Meta(MerchantModel.Meta):
        constraints = (
            models.UniqueConstraint(
                fields=("merchant", "command"), condition=Q(waits=True, command__isnull=False), name="replay_waits_once"
            ),
        )

    def __str__(self) -> str:
        return f"{self.get_action_display()} {self.at:%Y-%m-%d %H:%M}"


class DeskRule(MerchantModel):
    """One row a merchant, once he said it."""

    second_person = models.BooleanField(
        _("a second person confirms"),
        default=False,
        help_text=_("Sending anew what is there already is asked for by one person and confirmed by another."),
    )

    class Meta(MerchantModel.Meta):
        constraints = (models.UniqueConstraint(fields=("merchant",), name="deskrule_once"),)

    def __str__(self) -> str:
        return str(_("Rules of the desk"))
