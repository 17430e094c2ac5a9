"""The doctor of webhooks: what a shop has forgotten or switched off is found and registered again."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from pytest_django import Settings

from integrations.contract import errors as e
from integrations.models import Connection
from integrations.sync import webhook_doctor
from integrations.sync.connections import register_webhooks
from tests.integrations.shop import LiveShop, live_shop
from tests.world import NOON

# Nothing listens there, so that a ping fails at once.
PUBLIC_URL = "http://127.0.0.1:9"
TOPICS = [
    "customer.created", "customer.updated", "customer.deleted",
    "order.created", "order.updated", "order.deleted", "order.restored",
]  # fmt: skip


@pytest.fixture
def shop(transactional_db: None, settings: Settings) -> Iterator[LiveShop]:
    settings.PUBLIC_URL = PUBLIC_URL
    with live_shop() as live:
        yield live


def lose(shop: LiveShop, topic: str, *, status: str = "") -> None:
    """Its owner deletes a webhook there, or the shop gives it another status."""
    there = shop.simulator.shop.webhooks
    number = next(number for number, row in there.items() if row["topic"] == topic)
    if status:
        there[number]["status"] = status
    else:
        del there[number]


def alive(shop: LiveShop) -> list[str]:
    return sorted(row["topic"] for row in shop.simulator.shop.webhooks.values() if row["status"] == "active")


def test_the_topics_of_a_shop_and_of_an_erp_without_webhooks(shop: LiveShop) -> None:
    assert webhook_doctor.list_expected(shop.connection) == TOPICS
    assert webhook_doctor.list_expected(shop.world.erp) == []
    assert webhook_doctor.can_look(shop.connection)
    assert not webhook_doctor.can_look(shop.world.erp)


def test_looking_finds_what_was_deleted_or_switched_off_and_changes_nothing_there(shop: LiveShop) -> None:
    register_webhooks(shop.connection, PUBLIC_URL, at=NOON)
    assert webhook_doctor.look(shop.connection, at=NOON) == []
    lose(shop, "order.created")
    lose(shop, "order.updated", status="disabled")
    assert webhook_doctor.look(shop.connection, at=NOON) == ["order.created", "order.updated"]
    row = Connection.plain.get(pk=shop.connection.pk)
    assert (row.webhooks_missing, row.webhooks_checked_at) == (["order.created", "order.updated"], NOON)
    assert len(alive(shop)) == 5


def test_the_hourly_round_registers_again_what_was_lost(shop: LiveShop) -> None:
    register_webhooks(shop.connection, PUBLIC_URL, at=NOON)
    lose(shop, "order.created")
    lose(shop, "customer.deleted", status="disabled")
    webhook_doctor.mend_one(shop.connection.pk, at=NOON)
    assert alive(shop) == sorted(TOPICS)
    assert Connection.plain.get(pk=shop.connection.pk).webhooks_missing == []
    before = len(shop.simulator.shop.webhooks)
    webhook_doctor.mend_one(shop.connection.pk, at=NOON)
    assert len(shop.simulator.shop.webhooks) == before == 7, "what is there is not registered twice"


def test_webhooks_of_another_address_are_not_ours(shop: LiveShop, settings: Settings) -> None:
    register_webhooks(shop.connection, "http://127.0.0.1:10", at=NOON)
    assert webhook_doctor.look(shop.connection, at=NOON) == TOPICS


def test_a_shop_that_only_watches_or_has_no_way_back_is_left_alone(shop: LiveShop, settings: Settings) -> None:
    Connection.plain.filter(pk=shop.connection.pk).update(state="watching")
    webhook_doctor.mend_one(shop.connection.pk, at=NOON)
    assert alive(shop) == []
    Connection.plain.filter(pk=shop.connection.pk).update(state="active")
    settings.PUBLIC_URL = ""
    webhook_doctor.mend_one(shop.connection.pk, at=NOON)
    assert alive(shop) == []


def test_a_shop_that_does_not_answer_is_asked_at_the_next_round(shop: LiveShop) -> None:
    shop.dial(status={"401": 1})
    webhook_doctor.mend_one(shop.connection.pk, at=NOON)
    assert Connection.plain.get(pk=shop.connection.pk).webhooks_checked_at is None
    with pytest.raises(e.AuthFailed):
        webhook_doctor.mend(shop.connection, at=NOON)
