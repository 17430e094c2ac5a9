"""Which orders are taken in, and which a person looks at first."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _
from simple_history.models import HistoricalRecords

from integrations.models import Connection
from portal.tenancy.scoping import MerchantModel


class OrderRule(MerchantModel):
    """ "When [the payment state] [is none of] [paid], then [leave it out]". `values` is one a line.

    A rule without a shop is for all of them. All rules are looked at; leaving out goes before holding.
    """

    class What(models.TextChoices):
        FINANCIAL = "financial", _("the payment state")
        STATUS = "status", _("the shop's own status")
        TAG = "tag", _("a tag")
        METHOD = "method", _("the payment type")
        TOTAL = "total", _("the total")
        COUNTRY = "country", _("the delivery country")
        EMAIL = "email", _("the buyer's e-mail address or its domain")
        FLAG = "flag", _("the shop's warning of fraud")
        ADDRESS = "address", _("the delivery address")
        GUEST = "guest", _("the buyer")

    class How(models.TextChoices):
        ANY = "any", _("is one of")
        NONE = "none", _("is none of")
        MORE = "more", _("is more than")
        LESS = "less", _("is less than")
        SET = "set", _("is there")
        UNLIKE = "unlike", _("differs from the billing address")
        INCOMPLETE = "incomplete", _("is incomplete")
        NO_ACCOUNT = "no_account", _("has no account")

    class Then(models.TextChoices):
        LEAVE_OUT = "leave_out", _("leave it out")
        HOLD = "hold", _("hold it until somebody lets it go")

    # What can be said of each; the first is the usual one.
    WORDS = (How.ANY, How.NONE)
    WAYS = {
        What.FINANCIAL: (How.NONE, How.ANY),
        What.STATUS: WORDS,
        What.TAG: WORDS,
        What.METHOD: WORDS,
        What.TOTAL: (How.MORE, How.LESS),
        What.COUNTRY: (How.NONE, How.ANY),
        What.EMAIL: WORDS,
        What.FLAG: (How.SET,),
        What.ADDRESS: (How.INCOMPLETE, How.UNLIKE),
        What.GUEST: (How.NO_ACCOUNT,),
    }

    connection = models.ForeignKey(
        Connection, null=True, blank=True, on_delete=models.CASCADE, related_name="order_rules",
        verbose_name=_("shop"), help_text=_("Empty: all shops."),
    )  # fmt: skip
    what = models.CharField(_("when"), max_length=10, choices=What)
    how = models.CharField(_("how"), max_length=10, choices=How)
    values = models.TextField(
        _("values"), blank=True, default="",
        help_text=_("One a line. Payment states: pending, authorized, partially_paid, paid, partially_refunded,"
                    " refunded, voided. Countries as two letters. A total in the order's own currency."),
    )  # fmt: skip
    then = models.CharField(_("then"), max_length=10, choices=Then)
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+",
        verbose_name=_("who looks at it"), help_text=_("Orders that are held are this person's."),
    )  # fmt: skip
    enabled = models.BooleanField(_("in use"), default=True)
    history = HistoricalRecords()

    class Meta(MerchantModel.Meta):
        verbose_name = _("order rule")
        indexes = (models.Index(fields=("merchant", "enabled"), name="order_rule_merchant"),)

    def __str__(self) -> str:
        return f"{self.get_what_display()} {self.get_how_display()} {', '.join(self.list_values())}".strip()

    def list_values(self) -> list[str]:
        return [line.strip() for line in self.values.splitlines() if line.strip()]
