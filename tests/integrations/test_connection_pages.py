"""The connection's form and page: what it refuses, what it never shows, and what its buttons do."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.test import Client
from django.urls import reverse

from integrations.models import Connection, Credential
from integrations.sync.vault import read_credentials
from portal.tenancy.models import Membership, User
from tests.integrations.shop import LiveShop, live_shop
from tests.world import World, make_world

REFUSED = "Address not allowed: private network"


@pytest.fixture
def world(db: None) -> World:
    return make_world()


def login(world: World, role: str = "owner") -> Client:
    user = User.objects.create_user("owner@example.com", "pw")
    Membership(merchant=world.merchant, user=user, role=role).save()
    client = Client()
    client.force_login(user)
    return client


FORM = {
    "name": "Second shop", "role": "store", "environment": "live", "order_prefix": "Z-", "deadline_seconds": "30",
    "settle_seconds": "60", "setting_url": "https://shop.example.com", "setting_new_order_status": "processing",
    "setting_search_days": "30", "secret_consumer_key": "ck_1", "secret_consumer_secret": "cs_SECRET_1",
}  # fmt: skip


def add(client: Client, **changes: str) -> str:
    """What the page says after the form was posted."""
    response = client.post(
        reverse("admin:integrations_connection_add") + "?platform=woocommerce", {**FORM, **changes}, follow=True
    )
    assert response.status_code == 200
    return response.content.decode()


def test_a_connection_is_added_as_a_draft_that_watches_nothing_yet(world: World) -> None:
    page = add(login(world))
    row = Connection.plain.get(name="Second shop")
    assert (row.state, row.platform, row.settings["url"]) == ("draft", "woocommerce", "https://shop.example.com")
    assert read_credentials(row)["consumer_secret"] == "cs_SECRET_1"
    assert "Test connection" in page
    assert "cs_SECRET_1" not in page


@pytest.mark.parametrize(
    "address",
    ["http://127.0.0.1", "http://169.254.169.254", "https://user:pw@shop.example.com", "http://localhost:6379"],
)
def test_bad_input_62_private_addresses(world: World, address: str) -> None:
    assert REFUSED in add(login(world), setting_url=address)
    assert not Connection.plain.filter(name="Second shop").exists()


@pytest.mark.parametrize(
    "host",
    ["127.1", "2130706433", "0x7f000001", "[::ffff:127.0.0.1]", "100.64.0.1", "[64:ff9b::a9fe:a9fe]", "[fec0::1]"],
)
def test_bad_input_63_private_addresses_in_disguise(world: World, host: str) -> None:
    assert REFUSED in add(login(world), setting_url=f"http://{host}")
    assert not Connection.plain.filter(name="Second shop").exists()


def test_bad_input_64_a_secret_with_a_line_break(world: World) -> None:
    client = login(world)
    assert "there is a line break inside" in add(client, secret_consumer_secret="one\ntwo")
    assert not Connection.plain.filter(name="Second shop").exists()
    add(client, secret_consumer_secret="  trimmed\n")
    assert read_credentials(Connection.plain.get(name="Second shop"))["consumer_secret"] == "trimmed"


def test_bad_input_65_an_empty_secret_keeps_the_old_one_and_is_never_echoed(world: World) -> None:
    client = login(world)
    add(client)
    row = Connection.plain.get(name="Second shop")
    address = reverse("admin:integrations_connection_edit", args=(row.pk,))
    assert "cs_SECRET_1" not in client.get(address).content.decode()
    changed = {**FORM, "secret_consumer_key": "", "secret_consumer_secret": "", "name": "Renamed"}
    client.post(address, changed)
    row.refresh_from_db()
    assert row.name == "Renamed"
    assert read_credentials(row) == {"consumer_key": "ck_1", "consumer_secret": "cs_SECRET_1"}
    assert b"cs_SECRET_1" not in bytes(Credential.plain.get(connection=row).ciphertext)


def test_a_store_needs_a_prefix(world: World) -> None:
    assert "Orders of a store need a prefix" in add(login(world), order_prefix="")


def test_support_sees_a_connection_and_cannot_change_it(world: World) -> None:
    client = login(world, "support")
    page = client.get(reverse("admin:integrations_connection_change", args=(world.shop.pk,))).content.decode()
    assert "Test connection" not in page
    address = reverse("admin:integrations_connection_sending", args=(world.shop.pk,))
    assert client.post(address, {"part": "orders", "do": "pause"}).status_code == 403


@pytest.fixture
def shop(transactional_db: None) -> Iterator[LiveShop]:
    with live_shop() as live:
        yield live


def test_the_test_button_says_who_answered_or_what_the_shop_said(shop: LiveShop) -> None:
    client = login(shop.world)
    row = shop.connection
    test = reverse("admin:integrations_connection_test", args=(row.pk,))
    page = client.post(test, follow=True).content.decode()
    assert f"Connected to {shop.address}" in page
    shop.dial(status={"401": 1})
    page = client.post(test, follow=True).content.decode()
    assert "Sorry, you cannot list resources." in page
    row.refresh_from_db()
    assert not row.check_ok


def test_a_new_connection_watches_and_goes_live_only_when_told(shop: LiveShop) -> None:
    client = login(shop.world)
    row = shop.connection
    Connection.plain.filter(pk=row.pk).update(state="draft", live_since=None)
    client.post(reverse("admin:integrations_connection_test", args=(row.pk,)))
    row.refresh_from_db()
    assert (row.state, row.live_since) == ("watching", None)
    shop.stock("MUG")
    shop.run("product")
    address = reverse("admin:integrations_connection_golive", args=(row.pk,))
    assert "Articles not mapped: what sells them waits" in client.get(address).content.decode()
    row.refresh_from_db()
    assert row.state == "watching", "looking changes nothing"
    client.post(address)
    row.refresh_from_db()
    assert row.state == "active"
    assert row.live_since is not None


def test_pausing_stops_sending_a_part_and_resuming_says_what_waits(shop: LiveShop) -> None:
    client = login(shop.world)
    address = reverse("admin:integrations_connection_sending", args=(shop.connection.pk,))
    client.post(address, {"part": "stock", "do": "pause"})
    row = Connection.plain.get(pk=shop.connection.pk)
    assert (row.stock_paused, row.orders_paused, row.prices_paused) == (True, False, False)
    page = client.post(address, {"part": "stock", "do": "resume"}, follow=True).content.decode()
    assert "Shop A gets stock again: its flow runs now." in page
