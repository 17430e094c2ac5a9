"""The admin's forms and filters stay inside the merchant; who is limited to locations sees theirs only."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib import admin
from django.test import Client
from django.urls import reverse

from catalog.models import PriceList
from integrations.models import Command, Connection, Exchange, Flow, InboundEvent, Procedure, ValueMapping
from integrations.sync.release import hold
from orders.models import FulfilmentOrder, Order
from portal.tenancy.models import Location, Membership, Role, User
from portal.tenancy.scoping import MerchantModel
from tests.portal.people import log_in
from tests.world import NOON, World, make_world, order, stocked

CANARY = "CANARY-4711"


def list_pages() -> list[str]:
    return [
        f"admin:{model._meta.app_label}_{model._meta.model_name}"
        for model in admin.site._registry
        if issubclass(model, MerchantModel)
    ]


@pytest.mark.parametrize("role", [Role.OWNER, Role.SUPPORT, Role.SALES])
def test_promise_18_no_filter_and_no_choice_names_another_merchants_rows(db: None, role: str) -> None:
    mine, theirs = make_world("Mine"), make_world("Theirs")
    client = log_in(mine.merchant, role)
    for place, row in enumerate(Connection.plain.filter(merchant=theirs.merchant)):
        Connection.plain.filter(pk=row.pk).update(name=f"{CANARY}-{place}")
    Location.plain.filter(merchant=theirs.merchant).update(name=CANARY)
    Procedure(merchant=theirs.merchant, name=CANARY).save()
    PriceList(merchant=theirs.merchant, name=CANARY, code="x", currency="GBP").save()
    stocked(theirs, CANARY)
    stocked(mine, "MUG")
    offered = 0
    for page in list_pages():
        for suffix in ("changelist", "add"):
            content = client.get(reverse(f"{page}_{suffix}")).content.decode()
            assert CANARY not in content, f"{page}_{suffix}"
            offered += "Shop B" in content
    assert offered or role == Role.SALES


def post(client: Client, page: str, **values: Any) -> str:
    response = client.post(reverse(f"admin:{page}_add"), values)
    assert response.status_code == 200, "it was saved"
    return response.content.decode()


def test_a_second_row_of_the_same_name_is_an_error_of_the_form(db: None) -> None:
    world = make_world()
    client = log_in(world.merchant, "owner")
    ValueMapping(merchant=world.merchant, connection=world.shop, kind="tax", theirs="VAT").save()
    assert "already exists" in post(client, "tenancy_location", code="MAIN", name="Again", is_active="on")
    flow = {"connection": world.shop.pk, "stream": "stock", "direction": "push", "settings": "{}"}
    assert "already exists" in post(client, "integrations_flow", **flow, overlap_seconds="60")
    value = {"connection": world.shop.pk, "kind": "tax", "theirs": "VAT", "label": "", "ours": "x"}
    assert "already exists" in post(client, "integrations_valuemapping", **value)
    assert Location.plain.filter(merchant=world.merchant).count() == 1
    assert Flow.plain.filter(connection=world.shop, stream="stock", direction="push").count() == 1


def test_the_same_name_at_another_merchant_is_no_error(db: None) -> None:
    world = make_world("Mine")
    make_world("Theirs")
    client = log_in(world.merchant, "owner")
    Location.plain.filter(merchant=world.merchant).update(code="ELSE")
    response = client.post(reverse("admin:tenancy_location_add"), {"code": "MAIN", "name": "Main", "is_active": "on"})
    assert response.status_code == 302
    assert Location.plain.filter(merchant=world.merchant, code="MAIN").count() == 1


# --- people limited to locations --------------------------------------------------------------------------------------


@pytest.fixture
def places(db: None) -> tuple[World, Location]:
    """An order that waits, a message, a capture and a webhook; and a location that has nothing to do with them."""
    world = make_world()
    stocked(world, "MUG")
    world.apply(world.shop, "order", order(CANARY, ("MUG", 2, "4.50")))
    row = Order.plain.get(number=CANARY)
    hold(merchant_id=world.merchant.pk, subject=("order", row.pk), reason="tax", key="k", message=CANARY,
         amount=row.total, currency="GBP", connection=world.erp, at=NOON)  # fmt: skip
    Command.plain.filter(subject_id=row.pk, kind="create_order").update(state="needs_human")
    FulfilmentOrder.plain.filter(order=row).update(state="needs_human")
    common: dict[str, Any] = {"merchant": world.merchant, "connection": world.shop}
    Exchange(**common, at=NOON, method="GET", url=f"https://{CANARY}/", request_body=b"", response_body=b"").save()
    InboundEvent(**common, dedupe_key="k", topic=CANARY, body=b"{}", received_at=NOON).save()
    north = Location(merchant=world.merchant, code="NORTH", name="North")
    north.save()
    return world, north


@pytest.mark.parametrize("role", [Role.OWNER, Role.SUPPORT, Role.AUDITOR, Role.SALES])
def test_promise_18_a_person_of_one_location_sees_nothing_of_another(places: tuple[World, Location], role: str) -> None:
    world, north = places
    client = log_in(world.merchant, role, north)
    for page in list_pages():
        response = client.get(reverse(f"{page}_changelist"))
        assert response.status_code in {200, 403}, page
        assert CANARY not in response.content.decode(), page
    today = client.get(reverse("admin:index")).content.decode()
    assert CANARY not in today
    assert "9.00 GBP" not in today
    row = Order.plain.get(number=CANARY)
    assert client.get(reverse("admin:orders_order_change", args=(row.pk,))).status_code == 404
    connection = client.get(reverse("admin:integrations_connection_change", args=(world.shop.pk,)))
    assert CANARY not in connection.content.decode()


def test_promise_18_the_same_person_at_the_orders_location_sees_it(places: tuple[World, Location]) -> None:
    world, north = places
    row = Order.plain.get(number=CANARY)
    address = reverse("admin:orders_order_change", args=(row.pk,))
    assert CANARY in log_in(world.merchant, "support", world.place).get(address).content.decode()
    Order.plain.filter(pk=row.pk).update(location=None)
    part = FulfilmentOrder.plain.get(order=row)
    FulfilmentOrder.plain.filter(pk=part.pk).update(location=north)
    assert log_in(world.merchant, "support", north).get(address).status_code == 200, "a part of it is sent from there"
    assert log_in(world.merchant, "support", world.place).get(address).status_code == 404


def test_promise_18_a_person_of_one_location_decides_about_its_orders_only(places: tuple[World, Location]) -> None:
    world, north = places
    row = Order.plain.get(number=CANARY)
    command = Command.plain.get(kind="create_order", subject_id=row.pk)
    address = reverse("admin:orders_order_decide", args=(row.pk,))
    never = {"command": command.pk, "do": "never", "reason": "sold out"}
    assert log_in(world.merchant, "support", north).post(address, never).status_code == 404
    assert log_in(world.merchant, "auditor", world.place).post(address, never).status_code == 403
    command.refresh_from_db()
    assert command.state == "needs_human"
    done = log_in(world.merchant, "support", world.place).post(address, never, follow=True)
    assert "create order A-CANARY-4711: done." in done.content.decode()
    command.refresh_from_db()
    assert (command.state, command.message) == ("withdrawn", "Never sent: sold out")


def test_a_message_of_another_order_is_not_decided_on_this_ones_page(places: tuple[World, Location]) -> None:
    world, _ = places
    world.apply(world.shop, "order", order("other", ("MUG", 1, "4.50")))
    other, row = Order.plain.get(number="other"), Order.plain.get(number=CANARY)
    command = Command.plain.get(kind="create_order", subject_id=row.pk)
    address = reverse("admin:orders_order_decide", args=(other.pk,))
    client = log_in(world.merchant, "support")
    for wanted in (str(command.pk), "", "x"):
        assert client.post(address, {"command": wanted, "do": "never", "reason": "x"}).status_code == 404
    command.refresh_from_db()
    assert command.state == "needs_human"


def test_a_person_of_one_location_makes_nobody_see_more(places: tuple[World, Location]) -> None:
    world, north = places
    client = log_in(world.merchant, "owner", north)
    assert client.get(reverse("admin:tenancy_membership_add")).status_code == 403
    assert client.get(reverse("admin:tenancy_apikey_add")).status_code == 403
    own = Membership.plain.get(user=User.objects.get(email__startswith="owner"))
    response = client.post(reverse("admin:tenancy_membership_change", args=(own.pk,)), {"role": "owner"})
    assert response.status_code in {302, 403}
    assert list(own.locations.values_list("code", flat=True)) == ["NORTH"]


def test_an_order_is_at_one_stage_of_the_list(places: tuple[World, Location]) -> None:
    world, _ = places
    client = log_in(world.merchant, "support")
    listed = client.get(reverse("admin:orders_order_changelist"), {"see": "unclear"}).content.decode()
    held = client.get(reverse("admin:orders_order_changelist"), {"see": "held"}).content.decode()
    assert (CANARY in listed, CANARY in held) == (True, False), "an order is at exactly one stage"
