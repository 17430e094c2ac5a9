"""A customer who is logged in at an app or shop, what was read for him meanwhile, and the codes he logs in with."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from integrations.models import Connection
from orders.models.customer import Customer
from orders.models.order import Order
from portal.base.models import PublicIdMixin
from portal.tenancy.models import ApiKey
from portal.tenancy.scoping import MerchantModel


class CustomerSession(PublicIdMixin, MerchantModel):
    """One customer at one app or shop, until he logs out or `ends_at`. Of its token only the SHA-256 is kept."""

    api_key = models.ForeignKey(ApiKey, on_delete=models.CASCADE, related_name="+")
    customer = models.ForeignKey(Customer, on_delete=models.CASCADE, related_name="sessions")
    token_hash = models.CharField(max_length=64, unique=True)
    opened_at = models.DateTimeField()
    ends_at = models.DateTimeField()

    class Meta(MerchantModel.Meta):
        indexes = (models.Index(fields=("ends_at",), name="session_end"),)

    def __str__(self) -> str:
        return f"Session {self.public_id}"


class SessionCopy(MerchantModel):
    """What a back office last said to a session: shown with its age while the back office does not answer, and gone
    with the session. `body` is JSON."""

    session = models.ForeignKey(CustomerSession, on_delete=models.CASCADE, related_name="copies")
    kind = models.CharField(max_length=20)
    body = models.BinaryField()
    as_of = models.DateTimeField()

    class Meta(MerchantModel.Meta):
        verbose_name_plural = "session copies"
        constraints = (models.UniqueConstraint(fields=("merchant", "session", "kind"), name="session_copy_once"),)

    def __str__(self) -> str:
        return f"{self.kind} of session {self.session_id}"


class LoginCode(PublicIdMixin, MerchantModel):
    """A one-time code somebody asked for at an app. Without a customer nobody was found, and no code opens it."""

    api_key = models.ForeignKey(ApiKey, on_delete=models.CASCADE, related_name="+")
    customer = models.ForeignKey(Customer, null=True, blank=True, on_delete=models.CASCADE, related_name="+")
    code_hash = models.CharField(max_length=64)
    tries = models.PositiveSmallIntegerField(default=0)
    asked_at = models.DateTimeField()

    class Meta(MerchantModel.Meta):
        indexes = (
            models.Index(fields=("asked_at",), name="login_code_age"),
            models.Index(fields=("customer", "asked_at"), name="login_code_customer"),
        )

    def __str__(self) -> str:
        return f"Login code {self.public_id}"


class Quote(PublicIdMixin, MerchantModel):
    """What a basket costs, as it was told a customer: `content` is all of it. `order` is what it became."""

    class Source(models.TextChoices):
        LIVE = "live"
        CACHED = "cached"

    connection = models.ForeignKey(Connection, on_delete=models.CASCADE, related_name="quotes")
    customer = models.ForeignKey(Customer, null=True, blank=True, on_delete=models.CASCADE, related_name="quotes")
    content = models.JSONField()
    price_source = models.CharField(max_length=6, choices=Source)
    quoted_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    reserved = models.BooleanField(default=False)
    order = models.OneToOneField(Order, null=True, blank=True, on_delete=models.SET_NULL, related_name="quote")

    class Meta(MerchantModel.Meta):
        indexes = (
            models.Index(fields=("expires_at",), condition=Q(reserved=True), name="quote_promise_end"),
            models.Index(fields=("quoted_at",), name="quote_age"),
        )

    def __str__(self) -> str:
        return f"Quote {self.public_id}"
