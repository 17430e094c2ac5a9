"""What follows an order, in a browser, wide and narrow: a partial refund, a return by hand, a bill."""

from __future__ import annotations

import pytest
from django.utils import timezone
from playwright.sync_api import expect

from integrations.models import Command, ValueMapping
from integrations.sync.deliver import deliver
from orders.models import Bill, FulfilmentOrder, Order, Refund, Return
from tests.browser.conftest import DESK, PHONE, Visitor
from tests.integrations.shop import LiveShop
from tests.world import D, order, stocked

pytestmark = pytest.mark.browser
WIDTHS = pytest.mark.parametrize("width", [DESK, PHONE])


def sell(shop: LiveShop) -> Order:
    """An order the simulated shop has, and the ERP too."""
    stocked(shop.world, "MUG")
    shop.stock("MUG")
    number = shop.order("MUG", quantity=3)
    shop.run("order")
    row = Order.plain.get(external_id=number)
    FulfilmentOrder.plain.filter(order=row).update(state="placed", external_id="17", external_number="SO017")
    return row


@WIDTHS
def test_a_part_of_the_money_is_given_back(shop: LiveShop, visit: Visitor, width: int) -> None:
    row = sell(shop)
    visitor = visit(shop.world.merchant, "support", width)
    page = visitor.open("admin:orders_order_change", row.pk)
    expect(page.get_by_text("6.00 GBP is left of what was paid.")).to_be_visible()
    page.get_by_text("Refund…").click()
    page.locator(f"#money-{row.lines.get(kind='item').pk}").fill("1")
    page.get_by_label("Why it is given back").fill("Arrived cracked")
    visitor.assert_sound()
    page.get_by_role("button", name="Ask Shop A to give it back").press("Enter")
    expect(page.get_by_text("Shop A is asked to give back 2.00 GBP.")).to_be_visible()
    visitor.assert_sound()
    command = Command.plain.get(kind="create_refund")
    assert deliver(command.pk) == "verified"
    refund = Refund.plain.get()
    assert (refund.amount, refund.state) == (D("2.00"), "queued")
    assert list(shop.simulator.shop.refunds) == [int(refund.external_id)]
    page.reload()
    expect(page.get_by_text("4.00 GBP is left of what was paid.")).to_be_visible()


@WIDTHS
def test_goods_come_back_by_hand(shop: LiveShop, visit: Visitor, width: int) -> None:
    row = sell(shop)
    visitor = visit(shop.world.merchant, "support", width)
    page = visitor.open("admin:orders_order_change", row.pk)
    page.get_by_text("Goods come back…").click()
    page.locator(f"#back-{row.lines.get(kind='item').pk}").fill("2")
    page.get_by_label("Why", exact=True).select_option("damaged")
    page.get_by_label("What becomes of the goods").select_option("damaged")
    page.get_by_label("In the buyer's words").fill("The handle is off")
    page.get_by_role("button", name="Make the return").press("Enter")
    expect(page.get_by_text("is made.")).to_be_visible()
    made = Return.plain.get()
    expect(page.get_by_text("damaged: The handle is off").first).to_be_visible()
    visitor.assert_sound()
    note = Command.plain.get(kind="create_return", connection=shop.connection)
    assert deliver(note.pk) == "accepted"
    [said] = [one["note"] for one in shop.simulator.shop.notes[int(row.external_id)] if made.reference in one["note"]]
    assert said.endswith("2 × MUG (damaged: The handle is off); not into stock")


@WIDTHS
def test_a_bill_is_made_and_printed(shop: LiveShop, visit: Visitor, width: int) -> None:
    shop.world.erp.flows.all().delete()
    now = timezone.now()
    shop.world.apply(shop.connection, "order", order("1001", ("MUG", 2, "4.50"), placed_at=now, updated_at=now), at=now)
    row = Order.plain.get()
    ValueMapping(merchant=shop.world.merchant, connection=shop.connection, kind="payment", theirs="bacs",
                 ours="bank transfer").save()  # fmt: skip
    visitor = visit(shop.world.merchant, "support", width)
    page = visitor.open("admin:orders_order_change", row.pk)
    expect(page.get_by_label("Paid by")).to_have_value("bank transfer")
    page.get_by_label("Paid by").select_option("card")
    page.get_by_label("Remember this for “bacs”").check()
    page.get_by_role("button", name="Make bill").press("Enter")
    expect(page.get_by_text("Bill 000001 is made.")).to_be_visible()
    visitor.assert_sound()
    page.get_by_role("link", name="000001").click()
    expect(page.get_by_role("heading", name="Bill 000001")).to_be_visible()
    expect(page.get_by_text("Paid by: card")).to_be_visible()
    visitor.assert_sound()
    assert Bill.plain.get().payment_type == "card"
    assert ValueMapping.plain.get(theirs="bacs").ours == "card"
