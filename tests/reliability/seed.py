"""Makes a merchant with a live toy shop in DATABASE_URL, and prints the connection's public id."""

from __future__ import annotations

import sys

import django

if __name__ == "__main__":
    django.setup()
    from integrations.models import Connection
    from integrations.sync.vault import store_credentials
    from portal.tenancy.models import Merchant
    from tests.integrations import toy_shop
    from tests.reliability.platforms import register

    register()
    row = Connection(
        merchant=Merchant.objects.create(name="Northwind", slug="northwind"),
        name="Toy shop",
        platform="toyshop",
        role=Connection.Role.STORE,
        state=Connection.State.ACTIVE,
        settings={"url": "http://127.0.0.1:1"},
        allowed_private=["127.0.0.1:1"],
    )
    row.save()
    store_credentials(row, {"token": toy_shop.TOKEN, "webhook_secret": toy_shop.WEBHOOK_SECRET})
    sys.stdout.write(row.public_id)
