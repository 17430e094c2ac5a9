"""Keys of the API: which connection one belongs to."""

from __future__ import annotations

from integrations.models import ApiAccess, Connection
from portal.tenancy.models import ApiKey

API = "api"


def assign(*, key: ApiKey, connection: Connection | None) -> None:
    """From now on the key speaks this connection's codes; None: no connection's."""
    if connection is None:
        ApiAccess.plain.filter(api_key=key).delete()
        return
    ApiAccess.plain.update_or_create(
        api_key=key, defaults={"connection": connection}, create_defaults={
            "connection": connection, "merchant_id": key.merchant_id,
        },
    )  # fmt: skip
