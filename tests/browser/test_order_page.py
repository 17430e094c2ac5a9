"""An order's page in a browser, wide and narrow: what the shop changed is settled, and what waits is let go."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from django.utils import timezone
from playwright.sync_api import expect

from integrations.models import Hold
from orders.models import FulfilmentOrder, Order, OrderEdit
from tests.browser.conftest import DESK, PHONE, Visitor
from tests.integrations.shop import LiveShop
from tests.world import D, order, stocked

pytestmark = pytest.mark.browser
WIDTHS = pytest.mark.parametrize("width", [DESK, PHONE])


@WIDTHS
def test_a_change_is_settled_and_a_reason_ended_by_keyboard(shop: LiveShop, visit: Visitor, width: int) -> None:
    stocked(shop.world, "MUG", "CUP")
    now = timezone.now()
    sold = order("1001", ("MUG", 2, "4.50"), ("CUP", 1, "3.00"), placed_at=now, updated_at=now)
    shop.world.apply(shop.connection, "order", sold, at=now)
    row = Order.plain.get()
    FulfilmentOrder.plain.update(state="placed", external_id="17", external_number="SO017", remote_total=D("11.99"))
    changed = order("1001", ("MUG", 3, "4.50"), placed_at=now, updated_at=now + timedelta(seconds=1))
    shop.world.apply(shop.connection, "order", replace(changed, payments=sold.payments), at=now)
    visitor = visit(shop.world.merchant, "support", width)
    page = visitor.open("admin:orders_order_change", row.pk)
    expect(page.get_by_role("heading", name="after it was sent")).to_be_visible()
    visitor.assert_sound()
    page.get_by_label("Why it is held").fill("fraud?")
    page.keyboard.press("Enter")
    expect(page.get_by_text("#1001 is held.")).to_be_visible()
    visitor.assert_sound()
    page.get_by_label("Why you let it go").fill("Called him")
    page.keyboard.press("Enter")
    expect(page.get_by_text("#1001 does not wait for that any more.")).to_be_visible()
    page.get_by_role("button", name="Take it over here").press("Enter")
    expect(page.get_by_text("The change of #1001 is settled.")).to_be_visible()
    visitor.assert_sound()
    assert OrderEdit.plain.get().state == "accepted"
    assert not Hold.plain.filter(ended_at__isnull=True).exists()
