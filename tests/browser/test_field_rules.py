"""A field rule in a browser, wide and narrow: written, previewed, published, and an order built anew by it."""

from __future__ import annotations

from dataclasses import replace

import pytest
from django.utils import timezone
from playwright.sync_api import expect

from integrations.models import Command
from integrations.sync import documents
from integrations.sync.handlers import call
from orders.models import FulfilmentOrder, Order
from tests.browser.conftest import DESK, PHONE, Visitor
from tests.integrations.shop import LiveShop
from tests.world import order, stocked

pytestmark = pytest.mark.browser


@pytest.mark.parametrize("width", [DESK, PHONE])
def test_a_rule_is_made_previewed_published_and_an_order_replayed_with_it(
    shop: LiveShop, visit: Visitor, width: int
) -> None:
    stocked(shop.world, "MUG")
    now = timezone.now()
    sold = order("1001", ("MUG", 2, "4.50"), placed_at=now, updated_at=now)
    raw = {"meta_data": [{"key": "po_number", "value": "po-77"}]}
    shop.world.apply(shop.connection, "order", replace(sold, raw=raw), at=now)
    row, command = Order.plain.get(), Command.plain.get(kind="create_order")
    payload = documents.encode(call("order", "build", command.merchant_id, command=command, at=now))
    Command.plain.filter(pk=command.pk).update(
        state=Command.State.NEEDS_FIX, payload=payload, message="A purchase order number is required."
    )
    FulfilmentOrder.plain.update(state=FulfilmentOrder.State.NEEDS_FIX)

    visitor = visit(shop.world.merchant, "owner", width)
    page = visitor.open("admin:orders_fieldruleversion_changelist")
    visitor.assert_sound()
    page.get_by_role("button", name="Write rules").click()
    page.get_by_label("Fills").select_option(label="Customer's purchase order number")
    page.get_by_label("From (path)").fill("raw.meta_data[?key=='po_number'].value | [0]")
    page.get_by_label("Then (expression)").fill("value.upper()")
    page.get_by_role("button", name="Save and preview").click()
    expect(page.get_by_text("Nothing is saved yet: correct what is marked.")).to_be_visible()
    visitor.assert_sound()
    page.get_by_label("Then (expression)").fill("upper(value)")
    page.get_by_label("Then (expression)").press("Enter")
    expect(page.get_by_role("cell", name="PO-77")).to_be_visible()
    page.get_by_role("link", name="Try the last 100").click()
    expect(page.get_by_text("Of the last 1 order 1 would change and 0 would be held.")).to_be_visible()
    visitor.assert_sound()
    page.get_by_role("button", name="Save and publish").click()
    expect(page.get_by_text("is in force: orders are built by it from now on.")).to_be_visible()
    visitor.assert_sound()

    visitor.open("admin:orders_order_change", row.pk)
    page.get_by_role("button", name="Build it anew and send").click()
    expect(page.get_by_text(f"{command}: done.")).to_be_visible()
    visitor.assert_sound()
    command.refresh_from_db()
    assert (command.state, command.revision, command.payload) == (Command.State.PENDING, 2, None)
    document = call("order", "build", command.merchant_id, command=command, at=now)
    assert (document.purchase_order, document.rules_version) == ("PO-77", 1)
