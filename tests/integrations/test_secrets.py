"""A canary in every secret: it must not come out anywhere."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import Any

import pytest
from celery.signals import before_task_publish
from django.contrib import admin
from django.core.management import call_command
from django.test import Client
from django.urls import reverse

from integrations.models import Exchange, InboundEvent
from integrations.sync import inbox
from integrations.sync.connections import check_connection, register_webhooks
from portal.tenancy.models import Membership, User
from portal.tenancy.scoping import MerchantModel
from tests.integrations.shop import LiveShop, live_shop
from tests.integrations.test_webhooks import deliver, payload
from tests.world import NOON


@pytest.fixture
def shop(transactional_db: None) -> Iterator[LiveShop]:
    with live_shop() as live:
        live.stock("MUG")
        yield live


def test_no_secret_comes_out_of_logs_captures_pages_tasks_or_dumps(
    shop: LiveShop, caplog: pytest.LogCaptureFixture, tmp_path: Any
) -> None:
    caplog.set_level(logging.DEBUG)
    published: list[str] = []
    before_task_publish.connect(lambda **given: published.append(repr(given)), weak=False, dispatch_uid="canary")
    secrets = [value for value in shop.simulator.credentials.values() if value]
    assert len(secrets) == 3
    check_connection(shop.connection, at=NOON)
    register_webhooks(shop.connection, "http://127.0.0.1:9", at=NOON)
    number = shop.order("MUG")
    deliver(shop, payload(number))
    inbox.process(InboundEvent.plain.get().pk)
    shop.run("order")
    shop.dial(status={"401": 1})
    check_connection(shop.connection, at=NOON)
    before_task_publish.disconnect(dispatch_uid="canary")
    said = [caplog.text, *published, *_captures(), *_pages(shop)]
    dump = tmp_path / "dump.json"
    call_command("dumpdata", "integrations", output=str(dump))
    said.append(dump.read_text())
    assert Exchange.plain.count() >= 5
    assert sum(map(len, said)) > 10_000
    for secret in secrets:
        assert not [text for text in said if secret in text]


def _captures() -> list[str]:
    found = []
    for row in Exchange.plain.all():
        bodies = f"{bytes(row.request_body)!r} {bytes(row.response_body)!r}"
        found.append(f"{row.url} {row.request_headers} {row.response_headers} {bodies}")
    return found


def _pages(shop: LiveShop) -> list[str]:
    user = User.objects.create_superuser("operator@example.com", "pw")
    Membership(merchant=shop.world.merchant, user=user, role="owner").save()
    client = Client()
    client.force_login(user)
    addresses = [reverse("admin:index"), reverse("admin:integrations_connection_edit", args=(shop.connection.pk,))]
    for model in admin.site._registry:
        if issubclass(model, MerchantModel):
            info = f"admin:{model._meta.app_label}_{model._meta.model_name}"
            addresses.append(reverse(f"{info}_changelist"))
            addresses += [reverse(f"{info}_change", args=(row.pk,)) for row in model.plain.all()[:5]]
    return [client.get(address).content.decode() for address in addresses]
