"""Who buys, how a buyer is recognised, and what became of two rows about one person."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _
from simple_history.models import HistoricalRecords

from integrations.models import Link
from portal.base.fields import MoneyField
from portal.base.models import PublicIdMixin
from portal.tenancy.scoping import MerchantModel


class Customer(PublicIdMixin, MerchantModel):
    """A customer of the merchant, whichever store or back office knows him (`integrations.Link` says which).

    One `merged_into` another stays as it was, so that the merge can be undone. `postcode` is the billing address's in
    capitals without spaces, for finding who lives there. `customer_group` is what price lists call those he belongs to.
    Balance and limit are in `account_currency`, as of `account_at` where a back office told them.
    """

    name = models.CharField(max_length=200, blank=True, default="")
    company = models.CharField(max_length=200, blank=True, default="")
    email = models.CharField(max_length=254, blank=True, default="")
    phone = models.CharField(max_length=20, blank=True, default="")  # E.164
    phone_as_given = models.CharField(max_length=50, blank=True, default="")
    tax_number = models.CharField(max_length=40, blank=True, default="")
    is_guest = models.BooleanField(default=False)
    billing = models.JSONField(default=dict, blank=True)
    shipping = models.JSONField(default=dict, blank=True)
    postcode = models.CharField(max_length=20, blank=True, default="", db_default="")
    merged_into = models.ForeignKey("self", null=True, blank=True, on_delete=models.PROTECT, related_name="merged")
    erased_at = models.DateTimeField(null=True, blank=True)
    customer_group = models.CharField(max_length=100, blank=True, default="", db_default="")
    terms = models.CharField(max_length=100, blank=True, default="", db_default="")
    credit_limit = MoneyField(null=True, blank=True)
    balance = MoneyField(null=True, blank=True)
    account_currency = models.CharField(max_length=3, blank=True, default="", db_default="")
    account_at = models.DateTimeField(null=True, blank=True)
    account_asked_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta(MerchantModel.Meta):
        indexes = (
            models.Index(fields=("merchant", "email"), name="customer_email"),
            models.Index(fields=("merchant", "phone"), name="customer_phone"),
            models.Index(fields=("merchant", "postcode"), name="customer_postcode", condition=~Q(postcode="")),
        )

    def __str__(self) -> str:
        return self.name or self.company or self.email or self.phone or f"Customer {self.pk}"


class CustomerCopy(MerchantModel):
    """What one system last told of a customer (`told`, by field): only what is different next time is news from there.

    `written` are the fields, or "billing" and "shipping", that we have changed there since: its next word about them is
    our own, as it understood it.
    """

    link = models.OneToOneField(Link, on_delete=models.CASCADE, related_name="customer_copy")
    told = models.JSONField(default=dict)
    written = models.JSONField(default=list)

    class Meta(MerchantModel.Meta):
        pass

    def __str__(self) -> str:
        return f"What link {self.link_id} last said"


class CustomerRules(MerchantModel):
    """How the merchant recognises a buyer; one row a merchant, once he said it. An account's own number comes first
    whatever is chosen: it is nobody else's."""

    class MatchBy(models.TextChoices):
        PHONE_EMAIL = "phone,email", _("account number, then phone, then e-mail")
        EMAIL_PHONE = "email,phone", _("account number, then e-mail, then phone")
        PHONE = "phone", _("account number, then phone")
        EMAIL = "email", _("account number, then e-mail")
        ACCOUNT = "", _("account number only")

    class Guests(models.TextChoices):
        PHONE = "phone", _("a new customer where a phone number was left, else a guest")
        CONTACT = "contact", _("a new customer where a phone number or an e-mail address was left, else a guest")
        GUEST = "guest", _("always a guest")

    match_by = models.CharField(
        _("recognised by"), max_length=20, choices=MatchBy, default=MatchBy.PHONE_EMAIL, blank=True,
        help_text=_("The first of these that finds somebody decides. Where it finds several, the order waits."),
    )  # fmt: skip
    guests = models.CharField(
        _("who buys without an account is"), max_length=10, choices=Guests, default=Guests.PHONE,
        help_text=_("Guests are booked on the customer for guests that the back office's connection names."),
    )  # fmt: skip
    history = HistoricalRecords()

    class Meta(MerchantModel.Meta):
        constraints = (models.UniqueConstraint(fields=("merchant",), name="customer_rules_once"),)

    def __str__(self) -> str:
        return f"How merchant {self.merchant_id} recognises customers"


class CustomerMerge(MerchantModel):
    """Two customers made one: `gone`'s orders, links and ledger went to `kept`. `moved` lists their ids and `filled`
    says what `kept` got from `gone`, by field [before, after], so that undoing puts exactly those back."""

    kept = models.ForeignKey(Customer, on_delete=models.PROTECT, related_name="merges")
    gone = models.ForeignKey(Customer, on_delete=models.PROTECT, related_name="+")
    moved = models.JSONField(default=dict)
    filled = models.JSONField(default=dict)
    reason = models.CharField(max_length=200, blank=True, default="")
    at = models.DateTimeField()
    by = models.CharField(max_length=100)
    undone_at = models.DateTimeField(null=True, blank=True)
    undone_by = models.CharField(max_length=100, blank=True, default="")

    class Meta(MerchantModel.Meta):
        constraints = (
            models.UniqueConstraint(
                fields=("merchant", "gone"), condition=Q(undone_at__isnull=True), name="merge_gone_once"
            ),
            models.CheckConstraint(condition=~Q(kept=F("gone")), name="merge_of_two"),
        )

    def __str__(self) -> str:
        return f"{self.gone_id} into {self.kept_id}"


class NotDuplicate(MerchantModel):
    """A person said that these two are not one; `first` has the lower key."""

    first = models.ForeignKey(Customer, on_delete=models.CASCADE, related_name="+")
    second = models.ForeignKey(Customer, on_delete=models.CASCADE, related_name="+")
    at = models.DateTimeField()
    by = models.CharField(max_length=100)

    class Meta(MerchantModel.Meta):
        constraints = (
            models.UniqueConstraint(fields=("merchant", "first", "second"), name="not_duplicate_once"),
            models.CheckConstraint(condition=Q(first__lt=F("second")), name="not_duplicate_order"),
        )

    def __str__(self) -> str:
        return f"{self.first_id} is not {self.second_id}"


class Erasure(MerchantModel):
    """A person's data was erased: who asked, who did it, how much there was. It names nobody.

    `needles` are what the captures of requests are searched by; they are deleted with the search, when it is done. One
    by nobody stands for what systems that still have him told later.
    """

    customer = models.ForeignKey(Customer, on_delete=models.PROTECT, related_name="erasures")
    at = models.DateTimeField()
    by = models.CharField(max_length=100)
    reason = models.CharField(max_length=200)
    counts = models.JSONField(default=dict)
    needles = models.JSONField(default=list)
    searched_to = models.BigIntegerField(default=0)
    done_at = models.DateTimeField(null=True, blank=True)

    class Meta(MerchantModel.Meta):
        indexes = (models.Index(fields=("at",), condition=Q(done_at__isnull=True), name="erasure_open"),)

    def __str__(self) -> str:
        return f"Erasure of customer {self.customer_id}"


class PersonExport(MerchantModel):
    """A copy of all that is kept about a person was given out: to whom and when, not what was in it."""

    customer = models.ForeignKey(Customer, on_delete=models.PROTECT, related_name="exports")
    at = models.DateTimeField()
    by = models.CharField(max_length=100)

    class Meta(MerchantModel.Meta):
        pass

    def __str__(self) -> str:
        return f"Export of customer {self.customer_id}"
