"""Forms that change how things run: a connection's address and prefix, a procedure's steps."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from integrations.models import Connection, Flow, Procedure, ProcedureStep
from integrations.sync.vault import read_credentials, store_credentials
from tests.portal.people import log_in
from tests.world import World, make_world, order, stocked

FORM = {
    "name": "Shop A", "role": "store", "environment": "live", "order_prefix": "A-", "deadline_seconds": "30",
    "settle_seconds": "60", "setting_url": "https://example.com", "setting_new_order_status": "processing",
    "setting_search_days": "30", "secret_consumer_key": "", "secret_consumer_secret": "",
}  # fmt: skip


@pytest.fixture
def world(db: None) -> World:
    world = make_world()
    store_credentials(world.shop, {"consumer_key": "ck_1", "consumer_secret": "cs_1"})
    return world


def edit(client: Client, row: Connection, **changes: str) -> str:
    """What the page says; the row is read again."""
    address = reverse("admin:integrations_connection_edit", args=(row.pk,))
    page = client.post(address, {**FORM, **changes}, follow=True).content.decode()
    row.refresh_from_db()
    return page


@pytest.mark.parametrize("address", ["https://elsewhere.example.com", "http://example.com", "https://example.com:8443"])
def test_kept_secrets_are_not_sent_to_another_host(world: World, address: str) -> None:
    client = log_in(world.merchant, "owner")
    assert "type all the secrets again" in edit(client, world.shop, setting_url=address, secret_consumer_key="ck_2")
    assert world.shop.settings["url"] == "https://example.com"
    assert read_credentials(world.shop) == {"consumer_key": "ck_1", "consumer_secret": "cs_1"}
    edit(client, world.shop, setting_url="https://example.com/shop", name="Same host")
    assert (world.shop.settings["url"], world.shop.name) == ("https://example.com/shop", "Same host")
    both = {"secret_consumer_key": "ck_2", "secret_consumer_secret": "cs_2"}
    edit(client, world.shop, setting_url="https://elsewhere.example.com", **both)
    assert world.shop.settings["url"] == "https://elsewhere.example.com"
    assert read_credentials(world.shop) == {"consumer_key": "ck_2", "consumer_secret": "cs_2"}


def test_the_prefix_is_frozen_at_the_first_order(world: World) -> None:
    client = log_in(world.merchant, "owner")
    assert "begin with B-" in edit(client, world.shop, order_prefix="B-"), "it is Shop B's"
    edit(client, world.shop, order_prefix="N-")
    assert world.shop.order_prefix == "N-"
    stocked(world, "MUG")
    world.apply(world.shop, "order", order("1", ("MUG", 1, "4.50")))
    edit(client, world.shop, order_prefix="X-", name="Renamed")
    assert (world.shop.order_prefix, world.shop.name) == ("N-", "Renamed")


def test_a_name_is_taken_once(world: World) -> None:
    page = edit(log_in(world.merchant, "owner"), world.shop, name="Shop B")
    assert "already exists" in page
    assert world.shop.name == "Shop A"


def change_steps(client: Client, procedure: Procedure, *steps: tuple[ProcedureStep, int]) -> Any:
    values = {"name": procedure.name, "enabled": "on", "every_seconds": "0", "event": "",
              "steps-TOTAL_FORMS": str(len(steps)), "steps-INITIAL_FORMS": str(len(steps))}  # fmt: skip
    for place, (step, position) in enumerate(steps):
        values |= {f"steps-{place}-id": str(step.pk), f"steps-{place}-procedure": str(procedure.pk),
                   f"steps-{place}-flow": str(step.flow_id), f"steps-{place}-position": str(position),
                   f"steps-{place}-gate": step.gate}  # fmt: skip
    return client.post(reverse("admin:integrations_procedure_change", args=(procedure.pk,)), values)


def test_steps_change_places(world: World) -> None:
    procedure = Procedure(merchant=world.merchant, name="Nightly")
    procedure.save()
    steps = []
    for position, flow in enumerate(Flow.plain.filter(merchant=world.merchant).order_by("pk")[:2], start=1):
        step = ProcedureStep(merchant=world.merchant, procedure=procedure, flow=flow, position=position)
        step.save()
        steps.append(step)
    first, second = steps
    client = log_in(world.merchant, "owner")
    assert change_steps(client, procedure, (first, 2), (second, 1)).status_code == 302
    assert list(procedure.steps.order_by("position").values_list("pk", flat=True)) == [second.pk, first.pk]
    same = change_steps(client, procedure, (first, 1), (second, 1))
    assert same.status_code == 200, "two at one place are an error of the form"
    assert sorted(procedure.steps.values_list("position", flat=True)) == [1, 2]
