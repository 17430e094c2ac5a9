"""Who buys."""

from __future__ import annotations

from django.db import models

from portal.base.models import PublicIdMixin
from portal.tenancy.scoping import MerchantModel


class Customer(PublicIdMixin, MerchantModel):
    """A customer of the merchant, whichever store or back office knows him (`integrations.Link` says which)."""

    name = models.CharField(max_length=200, blank=True, default="")
    company = models.CharField(max_length=200, blank=True, default="")
    email = models.CharField(max_length=254, blank=True, default="")
    phone = models.CharField(max_length=20, blank=True, default="")  # E.164
    phone_as_given = models.CharField(max_length=50, blank=True, default="")
    tax_number = models.CharField(max_length=40, blank=True, default="")
    is_guest = models.BooleanField(default=False)
    billing = models.JSONField(default=dict, blank=True)
    shipping = models.JSONField(default=dict, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta(MerchantModel.Meta):
        indexes = (
            models.Index(fields=("merchant", "email"), name="customer_email"),
            models.Index(fields=("merchant", "phone"), name="customer_phone"),
        )

    def __str__(self) -> str:
        return self.name or self.company or self.email or self.phone or f"Customer {self.pk}"
