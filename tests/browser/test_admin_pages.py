"""The admin in a browser: come in, see what needs somebody, test a connection, free an order."""

from __future__ import annotations

import re

import pytest
from django.utils import timezone
from playwright.sync_api import expect

from integrations.models import Command, Connection
from orders.models import FulfilmentOrder, Order
from portal.tenancy.models import Membership, Merchant, User
from tests.browser.conftest import DESK, PHONE, Visitor
from tests.integrations.shop import LiveShop
from tests.world import make_world, order, stocked

pytestmark = pytest.mark.browser
WIDTHS = pytest.mark.parametrize("width", [DESK, PHONE])


def sell(shop: LiveShop, number: str, state: str) -> tuple[Order, Command]:
    """An order whose message stopped there."""
    now = timezone.now()
    shop.world.apply(shop.connection, "order", order(number, ("MUG", 2, "4.50"), placed_at=now), at=now)
    row = Order.plain.get(number=number)
    FulfilmentOrder.plain.filter(order=row).update(state=state)
    Command.plain.filter(subject_id=row.pk, kind="create_order").update(state=state, message="No such tax")
    return row, Command.plain.get(subject_id=row.pk, kind="create_order")


@WIDTHS
def test_today_leads_to_the_order_that_needs_somebody(shop: LiveShop, visit: Visitor, width: int) -> None:
    stocked(shop.world, "MUG")
    sell(shop, "1001", "needs_human")
    visitor = visit(shop.world.merchant, "support", width)
    page = visitor.page
    expect(page.get_by_role("heading", name="Needs you")).to_be_visible()
    expect(page.get_by_text("every order accounted for")).to_be_visible()
    visitor.assert_sound()
    page.get_by_role("link", name="1 for a person to decide").click()
    expect(page.get_by_text("#1001")).to_be_visible()
    visitor.assert_sound()
    page.get_by_role("link", name="#1001").click()
    expect(page.get_by_role("heading", name="A person must decide")).to_be_visible()
    visitor.assert_sound()


@WIDTHS
def test_a_person_decides_on_the_orders_page(shop: LiveShop, visit: Visitor, width: int) -> None:
    stocked(shop.world, "MUG")
    row, command = sell(shop, "1001", "needs_human")
    visitor = visit(shop.world.merchant, "support", width)
    page = visitor.open("admin:orders_order_change", row.pk)
    expect(page.get_by_text("9.00 GBP").first).to_be_visible()
    page.get_by_role("button", name="Never send").click()
    command.refresh_from_db()
    assert command.state == "needs_human", "the browser asks for the reason first"
    page.get_by_label("Why it is never sent").fill("paid twice")
    page.get_by_role("button", name="Never send").click()
    expect(page.get_by_text("Never sent: paid twice").first).to_be_visible()
    visitor.assert_sound()
    command.refresh_from_db()
    assert command.state == "withdrawn"


@WIDTHS
def test_a_connection_is_tested_and_paused(shop: LiveShop, visit: Visitor, width: int) -> None:
    visitor = visit(shop.world.merchant, "owner", width)
    page = visitor.open("admin:integrations_connection_change", shop.connection.pk)
    page.get_by_role("button", name="Test connection").click()
    expect(page.get_by_text(re.compile(rf"✓ Connected to {re.escape(shop.address)}"))).to_be_visible()
    visitor.assert_sound()
    shop.dial(status={"401": 1})
    page.get_by_role("button", name="Test connection").click()
    expect(page.get_by_text("Sorry, you cannot list resources.").first).to_be_visible()
    page.get_by_role("button", name="Pause sending stock").click()
    page.get_by_role("link", name="Resume sending stock").click()
    expect(page.get_by_text("Only the newest figures go; the brake stops what looks wrong.")).to_be_visible()
    page.get_by_role("link", name="Not yet").click()
    expect(page.get_by_role("link", name="Resume sending stock")).to_be_visible()
    visitor.assert_sound()
    row = Connection.plain.get(pk=shop.connection.pk)
    assert (row.stock_paused, row.orders_paused) == (True, False)


@WIDTHS
def test_a_new_merchant_is_led_to_his_first_connection(shop: LiveShop, visit: Visitor, width: int) -> None:
    visitor = visit(Merchant.objects.create(name="New", slug="new"), "owner", width)
    page = visitor.page
    page.get_by_role("link", name="Connect your shop").click()
    page.get_by_role("link", name=re.compile("WooCommerce")).click()
    page.get_by_label("Name").fill("Third shop")
    page.get_by_label("Order prefix").fill("T-")
    page.get_by_label("Shop address").fill("http://169.254.169.254")
    page.get_by_label("Consumer key").fill("ck")
    page.get_by_label("Consumer secret").fill("cs_SECRET")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("Address not allowed: private network")).to_be_visible()
    assert page.get_by_label("Consumer secret").input_value() == "", "a secret is typed again, never echoed"
    visitor.assert_sound()
    assert not Connection.plain.filter(name="Third shop").exists()


def test_the_merchant_is_picked_on_top_of_every_page(shop: LiveShop, visit: Visitor) -> None:
    stocked(shop.world, "MUG")
    sell(shop, "1001", "needs_human")
    visitor = visit(shop.world.merchant, "owner", DESK)
    other = make_world("Southwind")
    Membership(merchant=other.merchant, user=User.objects.get(email__startswith="owner"), role="owner").save()
    page = visitor.open("admin:orders_order_changelist")
    expect(page.get_by_text("#1001")).to_be_visible()
    page.get_by_label("Merchant").select_option("Southwind")
    page.wait_for_url(visitor.address + "/admin/")
    page = visitor.open("admin:orders_order_changelist")
    expect(page.get_by_label("Merchant")).to_have_value(str(other.merchant.pk))
    expect(page.get_by_text("#1001")).to_have_count(0)
    visitor.assert_sound()
