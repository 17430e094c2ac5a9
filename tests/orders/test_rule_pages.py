"""The pages of field rules: written by those who map, previewed on orders that are here, published, gone back to."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from integrations.models import Command
from integrations.sync import documents
from orders.models import FieldRuleVersion, Order
from orders.services import field_rules
from tests.orders.test_field_rules import build, sold
from tests.orders.test_intake import create_command, take
from tests.portal.people import log_in
from tests.world import World, make_world, stocked

LIST = "admin:orders_fieldruleversion_changelist"
PAGE = "admin:orders_fieldruleversion_change"
PO = {"target": "purchase_order", "source": "raw.meta_data[?key=='po'].value | [0]", "required": "on"}
NOTE = {"target": "note", "source": "note", "expression": "upper(value)"}


def fill(*rules: dict[str, str], do: str = "save", initial: int = 0) -> dict[str, str]:
    data = {"form-TOTAL_FORMS": str(len(rules)), "form-INITIAL_FORMS": str(initial), "do": do}
    for place, rule in enumerate(rules):
        data |= {f"form-{place}-{name}": value for name, value in rule.items()}
    return data


def start(client: Client, world: World) -> FieldRuleVersion:
    client.post(reverse(LIST), {"connection": world.erp.pk})
    return FieldRuleVersion.plain.get(state="draft")


def post(client: Client, version: FieldRuleVersion, data: dict[str, str]) -> str:
    return client.post(reverse(PAGE, args=(version.pk,)), data, follow=True).content.decode()


def test_a_rule_is_written_previewed_and_published(world: World) -> None:
    stocked(world, "MUG")
    take(world, sold("1001", note="ring twice"))
    take(world, sold("1002", po=None))
    mapper = log_in(world.merchant, "mapper")
    assert "no rules are in force" in mapper.get(reverse(LIST)).content.decode()
    draft = start(mapper, world)
    page = post(mapper, draft, fill(PO, NOTE))
    assert "The draft is saved." in page
    assert "It gives nothing, and is required." in page, "the newest order is shown first"
    first = Order.plain.get(number="1001")
    page = mapper.get(reverse(PAGE, args=(draft.pk,)), {"order": str(first.pk), "try": "1"}).content.decode()
    assert "PO-77" in page
    assert "RING TWICE" in page
    assert "Of the last 2 orders 1 would change and 1 would be held." in page
    assert reverse("admin:orders_order_change", args=(Order.plain.get(number="1002").pk,)) in page
    assert "is in force: orders are built by it from now on." in post(mapper, draft, {"do": "publish"})
    command = Command.plain.get(kind="create_order", subject_id=first.pk)
    assert build(command).purchase_order == "PO-77"
    assert "version 1 is in force" in mapper.get(reverse(LIST)).content.decode()


def test_what_is_wrong_is_said_beside_its_field_and_nothing_is_saved(world: World) -> None:
    mapper = log_in(world.merchant, "mapper")
    draft = start(mapper, world)
    page = post(mapper, draft, fill({"target": "note", "expression": "value.__class__"}, {**NOTE, "source": "[a, b]"}))
    assert "Nothing is saved yet: correct what is marked." in page
    assert "is not possible here" in page
    assert "picks one value" in page
    assert 'value="value.__class__"' in page, "what was typed is still there"
    assert "[a, b]" in page
    assert not draft.rules.exists()


@pytest.mark.parametrize(
    "rule",
    [
        {"target": "note", "source": "x" * 501},
        {"target": "note", "source": "(" * 400},
        {"target": "reference", "default": "x"},
        {"target": "note", "default": "x", "shop": "999999"},
        {"target": "note", "default": "x", "shop": "nonsense"},
        {"target": "note", "expression": "9**9**9**9 ]"},
        {"target": "note", "default": "a\x00b"},
    ],
)
def test_bad_input_is_marked_and_never_breaks_the_page(world: World, rule: dict[str, str]) -> None:
    mapper = log_in(world.merchant, "mapper")
    draft = start(mapper, world)
    response = mapper.post(reverse(PAGE, args=(draft.pk,)), fill(rule))
    assert response.status_code == 200
    assert not draft.rules.exists()


@pytest.mark.parametrize("data", [{"do": "save"}, {"do": "dance"}, {}, {"do": "save", "form-TOTAL_FORMS": "10**9"}])
def test_a_form_that_is_none_changes_nothing(world: World, data: dict[str, str]) -> None:
    mapper = log_in(world.merchant, "mapper")
    draft = start(mapper, world)
    assert mapper.post(reverse(PAGE, args=(draft.pk,)), data).status_code in {200, 302}
    assert not draft.rules.exists()


def test_rules_are_reordered_and_taken_out(world: World) -> None:
    mapper = log_in(world.merchant, "mapper")
    draft = start(mapper, world)
    post(mapper, draft, fill({**NOTE, "ORDER": "2"}, {**PO, "ORDER": "1"}))
    assert [rule.target for rule in field_rules.list_rules(draft)] == ["purchase_order", "note"]
    post(mapper, draft, fill({**PO, "DELETE": "on"}, NOTE, initial=2))
    assert [rule.target for rule in field_rules.list_rules(draft)] == ["note"]


def test_an_earlier_version_is_gone_back_to(world: World) -> None:
    mapper = log_in(world.merchant, "mapper")
    first = start(mapper, world)
    post(mapper, first, fill(PO))
    post(mapper, first, {"do": "publish"})
    second = start(mapper, world)
    assert [rule.target for rule in field_rules.list_rules(second)] == ["purchase_order"], "a copy of what is in force"
    post(mapper, second, {"do": "publish"})
    page = mapper.get(reverse(PAGE, args=(first.pk,))).content.decode()
    assert "Go back to version 1" in page
    assert "Save and preview" not in page, "what was published is not changed"
    assert "Version 1 for ERP is in force" in post(mapper, first, {"do": "publish"})
    assert "is in force already" in post(mapper, first, {"do": "publish"})
    assert "is kept" in post(mapper, first, {"do": "discard"})
    assert FieldRuleVersion.plain.get(state="published") == first


def test_publishing_saves_what_was_typed_and_nothing_that_is_wrong(world: World) -> None:
    mapper = log_in(world.merchant, "mapper")
    draft = start(mapper, world)
    post(mapper, draft, fill(NOTE))
    assert "Nothing is saved yet" in post(mapper, draft, fill({**NOTE, "source": "[a"}, do="publish", initial=1))
    assert field_rules.find_published(world.erp) is None
    assert "is in force" in post(mapper, draft, fill(PO, do="publish", initial=1))
    assert [rule.target for rule in field_rules.list_rules(field_rules.find_published(world.erp))] == ["purchase_order"]


def test_a_draft_is_thrown_away(world: World) -> None:
    mapper = log_in(world.merchant, "mapper")
    draft = start(mapper, world)
    assert "The draft is thrown away." in post(mapper, draft, {"do": "discard"})
    assert not FieldRuleVersion.plain.exists()


@pytest.mark.parametrize(("role", "reads"), [("support", 200), ("auditor", 200), ("sales", 403), ("reseller", 403)])
def test_who_may_read_and_who_may_change(world: World, role: str, reads: int) -> None:
    draft = start(log_in(world.merchant, "owner"), world)
    client = log_in(world.merchant, role)
    for address in (reverse(LIST), reverse(PAGE, args=(draft.pk,))):
        assert client.get(address).status_code == reads
        assert client.post(address, {"do": "publish", "connection": world.erp.pk}).status_code == 403
    draft.refresh_from_db()
    assert draft.state == "draft"


def test_another_merchants_rules_and_shops_are_not_there(world: World) -> None:
    theirs = make_world("Theirs")
    foreign = start(log_in(theirs.merchant, "mapper"), theirs)
    mapper = log_in(world.merchant, "mapper")
    assert mapper.get(reverse(PAGE, args=(foreign.pk,))).status_code == 404
    assert mapper.post(reverse(PAGE, args=(foreign.pk,)), {"do": "publish"}).status_code == 404
    mapper.post(reverse(LIST), {"connection": theirs.erp.pk})
    assert FieldRuleVersion.plain.count() == 1
    mine = FieldRuleVersion(
        merchant=world.merchant, connection=world.erp, number=1, made_at=foreign.made_at, made_by="x"
    )
    mine.save()
    mapper.post(reverse(PAGE, args=(mine.pk,)), fill({**NOTE, "shop": str(theirs.shop.pk)}))
    assert not mine.rules.exists(), "a rule is only ever for one's own shop"


def test_an_order_held_by_a_rule_leads_to_it(world: World) -> None:
    stocked(world, "MUG")
    mapper = log_in(world.merchant, "mapper")
    draft = start(mapper, world)
    post(mapper, draft, fill(PO))
    post(mapper, draft, {"do": "publish"})
    take(world, sold(po=None))
    page = mapper.get(reverse("admin:orders_order_change", args=(Order.plain.get().pk,))).content.decode()
    assert "Customer&#x27;s purchase order number: It gives nothing, and is required." in page
    assert f'href="{reverse(LIST)}">Mend the rule</a>' in page


def test_the_orders_page_says_which_version_a_delivery_used(world: World) -> None:
    stocked(world, "MUG")
    mapper = log_in(world.merchant, "mapper")
    draft = start(mapper, world)
    post(mapper, draft, fill(PO))
    post(mapper, draft, {"do": "publish"})
    take(world, sold())
    command: Any = create_command()
    Command.plain.filter(pk=command.pk).update(payload=documents.encode(build(command)))
    second = start(mapper, world)
    post(mapper, second, {"do": "publish"})
    address = reverse("admin:orders_order_change", args=(Order.plain.get().pk,))
    page = mapper.get(address).content.decode()
    assert "A-1001 was built by field rules, version 1." in page, "the one it used, not the one in force"
    assert reverse(PAGE, args=(draft.pk,)) in page
    sales = log_in(world.merchant, "sales").get(address).content.decode()
    assert "was built by field rules, version 1." in sales
    assert reverse(PAGE, args=(draft.pk,)) not in sales
