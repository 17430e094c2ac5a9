"""The way of a new merchant on Today: each step says what is done and what is next."""

from __future__ import annotations

import pytest
from django.urls import reverse

from catalog.models import Binding
from integrations.models import Connection, Flow, ValueMapping
from portal.tenancy.models import Merchant
from tests.portal.people import log_in
from tests.world import make_world, order, stocked

STEPS = [
    "Connect your shop",
    "Connect your ERP",
    "Say which location each belongs to",
    "Say what flows where",
    "Map taxes, payments and shipping",
    "Map the codes",
    "Place a test order in your shop, and see it here",
    "Go live",
]


def path(merchant: Merchant) -> list[tuple[str, bool, str]]:
    client = log_in(merchant, "owner")
    steps = client.get(reverse("admin:index")).context["setup"]
    for step in steps:
        assert client.get(step["url"]).status_code == 200, step
    return [(step["label"], step["done"], step["note"]) for step in steps]


@pytest.mark.django_db
def test_an_empty_merchant_has_it_all_before_him() -> None:
    found = path(Merchant.objects.create(name="Empty", slug="empty"))
    assert [label for label, _, _ in found] == STEPS
    assert {done for _, done, _ in found} == {False}


@pytest.mark.django_db
def test_each_step_is_done_when_it_is() -> None:
    world = make_world()
    rows = Connection.plain.filter(merchant=world.merchant)
    rows.update(live_since=None, state="draft", location=None)
    Flow.plain.all().delete()
    assert path(world.merchant) == [
        ("Connect your shop", False, "test Shop A next"),
        ("Connect your ERP", False, "test ERP next"),
        ("Say which location each belongs to", False, "3 without one"),
        ("Say what flows where", False, "nothing of ERP yet"),
        ("Map taxes, payments and shipping", False, "none was seen yet"),
        ("Map the codes", False, "read the shop's products first"),
        ("Place a test order in your shop, and see it here", False, ""),
        ("Go live", False, ""),
    ]
    rows.update(check_ok=True, state="watching", location=world.place)
    for row in rows:
        Flow(merchant=world.merchant, connection=row, stream="product", direction="pull").save()
    stocked(world, "MUG")
    world.apply(world.shop, "order", order("1", ("MUG", 1, "4.50")))
    value = ValueMapping(merchant=world.merchant, connection=world.shop, kind="tax", theirs="5")
    value.save()
    Binding.plain.filter(connection=world.other).update(state="conflict", variant=None)
    found = {label: (done, note) for label, done, note in path(world.merchant)}
    assert found["Map taxes, payments and shipping"] == (False, "1 are not mapped")
    assert found["Map the codes"] == (False, "1 of 2 are known")
    assert found["Go live"] == (False, "next: ERP")
    assert [label for label, (done, _) in found.items() if not done] == [
        "Map taxes, payments and shipping", "Map the codes", "Go live",
    ]  # fmt: skip
    value.ours = "VAT 5"
    value.save()
    assert ("Map taxes, payments and shipping", True, "") in path(world.merchant)


@pytest.mark.django_db
def test_with_a_shop_and_an_erp_live_the_path_is_gone() -> None:
    assert path(make_world().merchant) == []
