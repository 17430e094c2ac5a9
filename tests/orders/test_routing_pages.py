"""Settings → Routing rules, and the order's page that says why it goes where it goes."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from integrations.contract import records as r
from integrations.models import Command, Connection, Flow, Hold
from orders.models import FulfilmentOrder, Order, RoutingRule
from tests.orders.routes import add_rule, connect
from tests.orders.test_intake import take
from tests.portal.people import log_in
from tests.world import NOON, World, make_world, order, stocked

LIST = "admin:orders_routingrule_changelist"
CHANGE = "admin:orders_routingrule_change"


@pytest.fixture
def berlin(world: World) -> Connection:
    stocked(world, "MUG")
    return connect(world, "Berlin", "MUG")


def form(destination: Connection, **more: Any) -> dict[str, Any]:
    """What the form of a rule sends."""
    return {"name": "Germany", "position": 1, "enabled": "on", "destination": destination.pk, "takes": "order",
            "extras": "first", **more}  # fmt: skip


def test_an_owner_makes_a_rule_and_what_waited_goes(world: World, berlin: Connection) -> None:
    add_rule(world, world.erp, countries="FR")
    take(world, order("1001", ("MUG", 1, "4.50"), shipping=r.AddressRecord(country="DE")))
    row = Order.plain.get()
    owner = log_in(world.merchant, "owner")
    page = owner.get(reverse("admin:orders_order_change", args=(row.pk,))).content.decode()
    assert "No rule says where order #1001 goes" in page
    assert f'href="{reverse(LIST)}"' in page
    answer = owner.post(reverse("admin:orders_routingrule_add"), form(berlin, countries="DE"), follow=True)
    assert "1 order that had nowhere to go was looked at again." in answer.content.decode()
    assert FulfilmentOrder.plain.get().destination == berlin
    page = owner.get(reverse("admin:orders_order_change", args=(row.pk,))).content.decode()
    assert "Berlin, because rule 1 “Germany”: country is DE." in page
    assert "Version 1 of the rule." in page


def test_a_rule_says_what_it_would_have_taken_and_who_changed_it(world: World, berlin: Connection) -> None:
    take(world, order("1001", ("MUG", 1, "4.50"), shipping=r.AddressRecord(country="DE")))
    take(world, order("1002", ("MUG", 1, "4.50"), shipping=r.AddressRecord(country="FR")))
    rule = add_rule(world, berlin, name="Germany", countries="DE")
    owner = log_in(world.merchant, "owner")
    page = owner.get(reverse(CHANGE, args=(rule.pk,))).content.decode()
    assert "Of the last 2 orders this rule would have taken 1" in page
    assert "#1001" in page
    assert "#1002" not in page
    owner.post(reverse(CHANGE, args=(rule.pk,)), form(berlin, countries="FR"))
    page = owner.get(reverse(CHANGE, args=(rule.pk,))).content.decode()
    assert "Version 2</span>" in page or "Version 2: countries" in page
    rule.refresh_from_db()
    assert (rule.version, rule.countries) == (2, "FR")
    assert rule.history.count() == 2


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"takes": "lines"}, "Name the categories or brands whose lines it takes."),
        ({"takes": "stock"}, "needs a group of locations to look at"),
        ({"in_stock": "on"}, "needs a location or a group of them"),
        ({"takes": "lines", "brands": "A", "goes_on": "on"}, "Only a rule that takes the whole order"),
    ],
)
def test_a_rule_that_makes_no_sense_is_refused_in_words(
    world: World, berlin: Connection, given: dict[str, str], words: str
) -> None:
    owner = log_in(world.merchant, "owner")
    page = owner.post(reverse("admin:orders_routingrule_add"), form(berlin, **given)).content.decode()
    assert words in page
    assert not RoutingRule.plain.exists()


def test_the_list_says_who_gets_orders_when_and_changes_it(world: World, berlin: Connection) -> None:
    owner, flow = log_in(world.merchant, "owner"), Flow.plain.get(connection=berlin)
    page = owner.get(reverse(LIST)).content.decode()
    assert "There are no rules: everyone named here gets every order." in page
    when = {"flow": flow.pk, "when": "accepted", "after": world.erp.pk}
    page = owner.post(reverse("admin:orders_routingrule_when"), when, follow=True).content.decode()
    assert "From here on Berlin gets it so." in page
    flow.refresh_from_db()
    assert flow.settings == {"send_when": "accepted", "after": world.erp.public_id}
    owner.post(reverse("admin:orders_routingrule_when"), {"flow": flow.pk, "when": "paid", "after": world.erp.pk})
    flow.refresh_from_db()
    assert flow.settings == {"send_when": "paid"}
    answer = owner.post(reverse("admin:orders_routingrule_when"), {"flow": flow.pk, "when": "?"}, follow=True)
    assert "Choose when it is sent." in answer.content.decode()


def test_the_list_switches_and_sorts(world: World, berlin: Connection) -> None:
    rules = [add_rule(world, berlin, countries="DE"), add_rule(world, world.erp)]
    owner = log_in(world.merchant, "owner")
    page = owner.get(reverse(LIST)).content.decode()
    assert "country DE" in page
    assert "everything" in page
    rows = {"form-TOTAL_FORMS": 2, "form-INITIAL_FORMS": 2, "_save": "Save"}
    for place, rule in enumerate(rules):
        rows |= {f"form-{place}-id": rule.pk, f"form-{place}-position": 9 - place}
    owner.post(reverse(LIST), {**rows, "form-1-enabled": "on"})
    found = RoutingRule.plain.order_by("position").values_list("name", "position", "enabled", "version")
    assert list(found) == [("R2", 8, True, 2), ("R1", 9, False, 2)]


@pytest.mark.parametrize(("role", "status"), [("support", 403), ("mapper", 403), ("auditor", 403), ("sales", 403)])
def test_only_owners_change_who_gets_what(world: World, berlin: Connection, role: str, status: int) -> None:
    rule, client = add_rule(world, berlin), log_in(world.merchant, role)
    assert client.post(reverse("admin:orders_routingrule_add"), form(berlin)).status_code == status
    assert client.post(reverse("admin:orders_routingrule_when"), {"flow": 1, "when": "paid"}).status_code == status
    page = client.get(reverse(LIST))
    assert page.status_code == (403 if role == "sales" else 200)
    assert 'name="when"' not in page.content.decode()
    assert RoutingRule.plain.get() == rule


def move(client: Client, row: Order, **given: Any) -> str:
    address = reverse("admin:orders_order_desk", args=(row.pk,))
    return client.post(address, {"do": "move", **given}, follow=True).content.decode()


def test_support_moves_a_part_and_says_why(world: World, berlin: Connection) -> None:
    add_rule(world, world.erp)
    take(world, order("1001", ("MUG", 1, "4.50")))
    row, part = Order.plain.get(), FulfilmentOrder.plain.get()
    assert (
        'value="move"'
        not in log_in(world.merchant, "auditor")
        .get(reverse("admin:orders_order_change", args=(row.pk,)))
        .content.decode()
    )
    support = log_in(world.merchant, "support")
    assert "Choose the part, and where it goes." in move(support, row, part="x", to=berlin.pk, reason="a")
    assert "takes orders" in move(support, row, part=part.pk, to=world.shop.pk, reason="a")
    page = move(support, row, part=part.pk, to=berlin.pk, reason="Mugs are in Berlin")
    assert "A-1001 goes to Berlin now." in page
    assert "moved it there from ERP: Mugs are in Berlin" in page
    Command.plain.filter(connection=berlin).update(state="sending", payload=b"{}")
    FulfilmentOrder.plain.update(state="placed")
    assert "a part is moved before it is sent" in move(support, row, part=part.pk, to=world.erp.pk, reason="Back")
    assert not Hold.plain.filter(ended_at=None).exists()
    assert row.timeline.filter(code="moved", at__gt=NOON).count() == 1


def test_a_foreign_destination_is_none(world: World, berlin: Connection) -> None:
    theirs = connect(make_world("Other"), "Theirs")
    add_rule(world, world.erp)
    take(world, order("1001", ("MUG", 1, "4.50")))
    row, part = Order.plain.get(), FulfilmentOrder.plain.get()
    support = log_in(world.merchant, "support")
    assert "Choose a back office that takes orders." in move(support, row, part=part.pk, to=theirs.pk, reason="a")
    owner = log_in(world.merchant, "owner")
    page = owner.post(reverse("admin:orders_routingrule_add"), form(theirs)).content.decode()
    assert "valid choice" in page
    owner.post(reverse("admin:orders_routingrule_when"), {"flow": Flow.plain.get(connection=theirs).pk, "when": "paid"})
    assert Flow.plain.get(connection=theirs).settings == {}
