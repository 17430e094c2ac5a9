"""Mails to the merchant's own people: whom to tell, and each mail as a row until it is sent."""

from __future__ import annotations

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from portal.tenancy.scoping import MerchantModel


def split_addresses(text: str) -> list[str]:
    """ "a@x.org, b@x.org" → the addresses, each once; commas, semicolons, spaces and new lines part them."""
    return list(dict.fromkeys(text.replace(",", " ").replace(";", " ").split()))


def check_addresses(text: str) -> None:
    """ValidationError naming the first that is no address."""
    for one in split_addresses(text):
        try:
            validate_email(one)
        except ValidationError as error:
            raise ValidationError(_("%(one)s is no e-mail address.") % {"one": one}) from error


class AlertSetting(MerchantModel):
    """One row a merchant, once he said it; until then the owners are told, of everything."""

    addresses = models.CharField(
        _("who is told"),
        max_length=1000,
        blank=True,
        default="",
        validators=(check_addresses,),
        help_text=_("E-mail addresses, parted by commas. Empty: all owners."),
    )
    alerts = models.BooleanField(
        _("tell at once"),
        default=True,
        help_text=_("When a problem opens, a connection stops, or credentials are about to end."),
    )
    digest = models.BooleanField(
        _("daily summary"), default=True, help_text=_("At 7 in the morning: yesterday's orders, and what is open.")
    )

    class Meta(MerchantModel.Meta):
        constraints = (models.UniqueConstraint(fields=("merchant",), name="alertsetting_once"),)

    def __str__(self) -> str:
        return self.addresses or str(_("all owners"))


class Mail(MerchantModel):
    """One mail, written in the transaction of what it tells. `key` names that, so that it is told once; `about` groups
    what is told of one thing. Its Message-ID is made from the row, the same at every try."""

    class State(models.TextChoices):
        PENDING = "pending", _("Waiting to be sent")
        SENDING = "sending", _("Being sent")
        SENT = "sent", _("Sent")
        FAILED = "failed", _("Could not be sent")

    key = models.CharField(max_length=120)
    about = models.CharField(max_length=60)
    recipients = models.JSONField()
    subject = models.CharField(max_length=200)
    text = models.TextField()
    html = models.TextField()
    state = models.CharField(max_length=8, choices=State, default=State.PENDING)
    attempts = models.PositiveIntegerField(default=0)
    next_attempt_at = models.DateTimeField()
    lease_token = models.CharField(max_length=32, blank=True, default="")
    created_at = models.DateTimeField()
    sent_at = models.DateTimeField(null=True, blank=True)
    message = models.CharField(max_length=500, blank=True, default="")

    class Meta(MerchantModel.Meta):
        verbose_name = _("e-mail")
        constraints = (models.UniqueConstraint(fields=("merchant", "key"), name="mail_once"),)
        indexes = (
            models.Index(fields=("next_attempt_at",), condition=Q(state__in=("pending", "sending")), name="mail_due"),
            models.Index(fields=("merchant", "about", "-created_at"), name="mail_about"),
        )

    def __str__(self) -> str:
        return self.subject
