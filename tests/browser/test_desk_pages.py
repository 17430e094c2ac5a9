"""Support's pages in a browser: "/" finds an order, a run's page follows it to its end, orders are held together."""

from __future__ import annotations

import pytest
from django.utils import timezone
from playwright.sync_api import expect

from integrations.models import RunLogLine, SyncRun
from orders.models import Order
from tests.browser.conftest import DESK, PHONE, Visitor
from tests.integrations.shop import LiveShop
from tests.world import order, stocked

pytestmark = pytest.mark.browser
WIDTHS = pytest.mark.parametrize("width", [DESK, PHONE])


@WIDTHS
def test_the_slash_finds_an_order_and_the_keyboard_opens_it(shop: LiveShop, visit: Visitor, width: int) -> None:
    stocked(shop.world, "MUG")
    now = timezone.now()
    shop.world.apply(shop.connection, "order", order("1001", ("MUG", 2, "4.50"), placed_at=now), at=now)
    visitor = visit(shop.world.merchant, "support", width)
    page = visitor.open("admin:orders_order_changelist")
    page.keyboard.press("/")
    box = page.get_by_role("dialog").get_by_role("searchbox")
    expect(box).to_be_focused()
    page.keyboard.type("a-1001")
    expect(page.locator("#sb-hits a").first).to_contain_text("#1001")
    visitor.assert_sound()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    page.wait_for_url(f"**/orders/order/{Order.plain.get().pk}/change/")
    page.keyboard.press("/")
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_be_hidden()
    visitor.assert_sound()


@WIDTHS
def test_a_run_is_followed_to_its_end(shop: LiveShop, visit: Visitor, width: int) -> None:
    now = timezone.now()
    run = SyncRun(merchant=shop.world.merchant, flow=shop.flow("order"), state="running", created_at=now,
                  started_at=now, next_attempt_at=now, seen=50, created=50, total=100)  # fmt: skip
    run.save()
    visitor = visit(shop.world.merchant, "support", width)
    page = visitor.open("admin:integrations_syncrun_change", run.pk)
    expect(page.get_by_text("50 of about 100 seen")).to_be_visible()
    page.get_by_label("Lines that contain").fill("created")
    RunLogLine(merchant=shop.world.merchant, run=run, at=now, message="50 seen: 50 created.").save()
    SyncRun.plain.filter(pk=run.pk).update(seen=80, created=80)
    expect(page.get_by_text("80 of about 100 seen")).to_be_visible()
    expect(page.get_by_text("50 seen: 50 created.")).to_be_visible()
    expect(page.get_by_label("Lines that contain")).to_have_value("created")
    visitor.assert_sound()
    SyncRun.plain.filter(pk=run.pk).update(state="done", finished_at=timezone.now())
    expect(page.get_by_role("button", name="Cancel this run")).to_have_count(0)
    expect(page.get_by_text("Done", exact=True)).to_be_visible()
    visitor.assert_sound()


@WIDTHS
def test_the_tabs_of_a_connection_fit(shop: LiveShop, visit: Visitor, width: int) -> None:
    visitor = visit(shop.world.merchant, "owner", width)
    page = visitor.open("admin:integrations_connection_change", shop.connection.pk)
    for name, words in (
        ("Credentials", "Replace them"), ("Flows", "What flows"), ("Webhooks", "Does it tell us of changes?"),
        ("Captures", "Requests and answers"), ("History", "Who changed what"), ("Overview", "What happens next"),
    ):  # fmt: skip
        page.get_by_label("Parts of this connection").get_by_role("link", name=name).click()
        expect(page.get_by_role("heading", name=words)).to_be_visible()
        visitor.assert_sound()
