"""Which connection a key of the API belongs to."""

from __future__ import annotations

from django.db import models

from integrations.models.connection import Connection
from portal.tenancy.models import ApiKey
from portal.tenancy.scoping import MerchantModel


class ApiAccess(MerchantModel):
    """A key speaks the codes of its connection, and its orders are that connection's."""

    api_key = models.OneToOneField(ApiKey, on_delete=models.CASCADE, related_name="access")
    connection = models.ForeignKey(Connection, on_delete=models.PROTECT, related_name="api_keys")

    class Meta(MerchantModel.Meta):
        pass

    def __str__(self) -> str:
        return f"Key {self.api_key_id} of connection {self.connection_id}"
