"""A person at the admin, in the system's Chromium: log in, test a connection, watch a run, open an order."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect, sync_playwright
from pytest_django.live_server_helper import LiveServer

from integrations.models import Connection
from orders.models import Order
from portal.tenancy.models import Membership, User
from tests.integrations.shop import LiveShop, live_shop
from tests.world import stocked

pytestmark = [pytest.mark.browser, pytest.mark.slow]
PASSWORD = "correct horse battery"


@pytest.fixture
def shop(transactional_db: None) -> Iterator[LiveShop]:
    with live_shop() as live:
        live.stock("MUG")
        stocked(live.world, "MUG")
        yield live


@pytest.fixture(params=[(1440, 900), (390, 844)], ids=["desk", "phone"])
def page(
    request: pytest.FixtureRequest, chromium_path: str, live_server: LiveServer, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Page]:
    # Playwright's own loop runs in this thread; our queries are made between its calls, never inside.
    monkeypatch.setitem(os.environ, "DJANGO_ALLOW_ASYNC_UNSAFE", "true")
    width, height = request.param
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=chromium_path, args=["--no-sandbox"])
        opened = browser.new_page(viewport={"width": width, "height": height}, base_url=live_server.url)
        opened.set_default_timeout(20_000)
        yield opened
        browser.close()


def log_in(page: Page, shop: LiveShop) -> None:
    user = User.objects.create_user("anna@example.com", PASSWORD, is_staff=True)
    Membership(merchant=shop.world.merchant, user=user, role="owner").save()
    page.goto("/admin/")
    page.fill("input[name=username]", "anna@example.com")
    page.fill("input[name=password]", PASSWORD)
    page.click("button[type=submit]")
    expect(page.locator("h2", has_text="Orders today")).to_be_visible()


def assert_fits(page: Page) -> None:
    """Nothing makes the page wider than the window."""
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth + 1")


def test_log_in_test_a_connection_and_see_its_run(page: Page, shop: LiveShop) -> None:
    log_in(page, shop)
    assert_fits(page)
    shop.order("MUG")
    run = shop.run("order")
    page.goto(f"/admin/integrations/connection/{shop.connection.pk}/change/")
    page.get_by_role("button", name="Test connection").click()
    expect(page.get_by_text(f"Connected to {shop.address}").first).to_be_visible()
    assert Connection.plain.get(pk=shop.connection.pk).check_ok
    assert_fits(page)
    page.goto(f"/admin/integrations/syncrun/{run.pk}/change/")
    expect(page.get_by_text("1 = 1 created + 0 updated + 0 unchanged + 0 skipped + 0 failed")).to_be_visible()


def test_an_order_tells_its_story(page: Page, shop: LiveShop) -> None:
    log_in(page, shop)
    shop.order("MUG", quantity=3)
    shop.run("order")
    order = Order.plain.get()
    page.goto(f"/admin/orders/order/{order.pk}/change/")
    expect(page.get_by_text(f"#{order.number}").first).to_be_visible()
    expect(page.get_by_text("Received from Shop A: 6.00 GBP.")).to_be_visible()
    expect(page.get_by_text("MUG").first).to_be_visible()
    assert_fits(page)


def test_no_page_breaks_the_content_policy(page: Page, shop: LiveShop) -> None:
    complaints: list[str] = []
    page.on(
        "console",
        lambda message: complaints.append(message.text) if "Content Security Policy" in message.text else None,
    )
    log_in(page, shop)
    for address in ("orders/order/", "integrations/connection/", "catalog/binding/", "integrations/connection/add/"):
        assert (answer := page.goto(f"/admin/{address}")) is not None
        assert answer.status == 200
    assert [text for text in complaints if "Content Security Policy" in text] == []
