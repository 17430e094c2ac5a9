"""A merchant with one live connection to the toy ERP."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from urllib.parse import urlsplit

import pytest
from django.conf import settings as django_settings
from django.utils import timezone

from integrations import registry
from integrations.models import Command, Connection
from integrations.sync.outbox import enqueue
from integrations.sync.vault import store_credentials
from portal.tenancy.models import Merchant
from tests.integrations import toy


@pytest.fixture
def erp() -> toy.ToyErp:
    return toy.ToyErp()


@pytest.fixture
def connection(transactional_db: None, erp: toy.ToyErp, monkeypatch: pytest.MonkeyPatch) -> Iterator[Connection]:
    monkeypatch.setitem(registry.CONNECTORS, "toy", "tests.integrations.toy.ToyConnector")
    monkeypatch.setattr(django_settings, "SYNC_HANDLERS", toy.HANDLERS)
    toy.settled.clear()
    with toy.serve(erp) as url:
        row = Connection(
            merchant=Merchant.objects.create(name="Northwind", slug="northwind"),
            name="Toy",
            platform="toy",
            role=Connection.Role.BACK_OFFICE,
            state=Connection.State.ACTIVE,
            settings={"url": url},
            allowed_private=[urlsplit(url).netloc],
            deadline_seconds=1,
            settle_seconds=0,
        )
        row.save()
        store_credentials(row, {"token": toy.SECRET})
        yield row


@pytest.fixture
def make_command(connection: Connection) -> Callable[..., Command]:
    def make(reference: str = "A-1", line: str = "") -> Command:
        return enqueue(
            connection=connection,
            kind="create_order",
            stream="order",
            subject=("order", 1),
            line=line or reference,
            reference=reference,
            at=timezone.now(),
        )

    return make
