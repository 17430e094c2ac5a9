"""A platform that is configured by form: its presets, what the form refuses, and the level it must reach."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from integrations.connectors.http_erp.connector import HttpErp
from integrations.models import Connection
from integrations.sync.connections import NotWatching, go_live
from integrations.sync.vault import read_credentials
from tests.integrations.test_connection_pages import login
from tests.world import NOON, World, make_world

COMMERCEUP = HttpErp.presets["commerceup"].settings


@pytest.fixture
def world(db: None) -> World:
    return make_world()


def build_form(**changes: Any) -> dict[str, Any]:
    given = {field.name: field.default for field in HttpErp.settings_fields} | dict(COMMERCEUP)
    given |= {"url": "https://erp.example.com/api", **changes}
    return {
        "name": "Custom ERP", "role": "back_office", "environment": "live", "deadline_seconds": "30",
        "settle_seconds": "60", "secret_username": "commerceup", "secret_password": "pw-1",
        **{f"setting_{name}": value for name, value in given.items()},
    }  # fmt: skip


def add(client: Client, **changes: Any) -> str:
    address = reverse("admin:integrations_connection_add") + "?platform=http_erp"
    response = client.post(address, build_form(**changes), follow=True)
    assert response.status_code == 200
    return response.content.decode()


def test_a_preset_fills_the_form_in_and_the_level_is_said(world: World) -> None:
    client = login(world)
    address = reverse("admin:integrations_connection_add") + "?platform=http_erp"
    empty = client.get(address).content.decode()
    assert "Not Basic yet." in empty
    assert '<option value="back_office" selected>' in empty
    assert "createCustomer" not in empty
    page = client.get(f"{address}&preset=commerceup").content.decode()
    assert 'value="createCustomer"' in page
    assert "<b>Advanced.</b>" in page
    assert COMMERCEUP["create_order_body"].splitlines()[1].strip() in page.replace("&quot;", '"')


def test_it_is_added_with_what_was_typed(world: World) -> None:
    assert "<b>Level: Advanced.</b>" in add(login(world))
    row = Connection.plain.get(name="Custom ERP")
    assert row.settings["create_order_answer"] == "id: orderId"
    assert row.settings["create_order_body"].split() == COMMERCEUP["create_order_body"].split()
    assert {"create_order", "create_customer", "cancel_order", "create_return"} < HttpErp.capabilities(row.settings)
    assert read_credentials(row) == {"username": "commerceup", "password": "pw-1"}


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"create_order_body": "{{ lines[ }}"}, "is no path"),
        ({"create_order_answer": ""}, "Say where id is in the answer."),
        ({"create_order_safety": "search"}, "This needs the call: Search an order by our reference."),
        ({"url": "http://127.0.0.1"}, "Address not allowed: private network"),
    ],
)
def test_what_is_wrong_is_said_at_its_field_and_nothing_is_saved(
    world: World, changes: dict[str, str], words: str
) -> None:
    page = add(login(world), **changes)
    assert words in page
    assert not Connection.plain.filter(name="Custom ERP").exists()
    if "create_order" in next(iter(changes)):
        assert '<details class="sb-capture" open><summary>Create an order' in page


def test_another_host_gets_no_secret_that_was_not_typed_for_it(world: World) -> None:
    client = login(world)
    add(client)
    row = Connection.plain.get(name="Custom ERP")
    address = reverse("admin:integrations_connection_edit", args=(row.pk,))
    moved = {**build_form(url="https://other.example.com"), "secret_username": "", "secret_password": ""}
    assert "type all the secrets again" in client.post(address, moved).content.decode()
    client.post(address, {**moved, "secret_password": "pw-2"})
    row.refresh_from_db()
    assert row.settings["url"] == "https://other.example.com"
    assert read_credentials(row) == {"password": "pw-2"}


def test_less_than_basic_does_not_go_live(world: World) -> None:
    add(login(world), create_customer_method="")
    row = Connection.plain.get(name="Custom ERP")
    row.state = Connection.State.WATCHING
    with pytest.raises(NotWatching, match=r"Not Basic yet.*configure how to create a customer"):
        go_live(row, at=NOON)
    row.settings = {**row.settings, "create_customer_method": "POST", "cancel_order_method": ""}
    go_live(row, at=NOON)
    assert row.state == Connection.State.ACTIVE
