"""A merchant with one live connection to the toy ERP, or to the toy shop."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from urllib.parse import urlsplit

import pytest
from django.conf import settings as django_settings
from django.utils import timezone

from integrations import registry
from integrations.models import Command, Connection, Flow
from integrations.sync.outbox import enqueue
from integrations.sync.vault import store_credentials
from portal.tenancy.models import Merchant
from tests.integrations import toy, toy_handlers, toy_shop


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


@pytest.fixture
def far_shop() -> toy_shop.ToyShop:
    return toy_shop.ToyShop()


@pytest.fixture
def toy_store(db: None, far_shop: toy_shop.ToyShop, monkeypatch: pytest.MonkeyPatch) -> Iterator[Connection]:
    """A live connection to the toy shop. Tests with threads or processes ask for `transactional_db` as well."""
    monkeypatch.setitem(registry.CONNECTORS, "toyshop", "tests.integrations.toy_shop.ToyShopConnector")
    monkeypatch.setattr(django_settings, "SYNC_HANDLERS", toy_handlers.HANDLERS)
    toy_handlers.brakes.clear()
    with toy.serve(far_shop) as url:
        row = Connection(
            merchant=Merchant.objects.create(name="Northwind", slug="northwind"),
            name="Toy shop",
            platform="toyshop",
            role=Connection.Role.STORE,
            state=Connection.State.ACTIVE,
            settings={"url": url},
            allowed_private=[urlsplit(url).netloc],
            deadline_seconds=2,
            settle_seconds=0,
        )
        row.save()
        store_credentials(row, {"token": toy_shop.TOKEN, "webhook_secret": toy_shop.WEBHOOK_SECRET})
        yield row


@pytest.fixture
def make_flow(toy_store: Connection) -> Callable[..., Flow]:
    def make(stream: str, direction: str = "pull") -> Flow:
        flow = Flow(merchant_id=toy_store.merchant_id, connection=toy_store, stream=stream, direction=direction)
        flow.save()
        return flow

    return make
