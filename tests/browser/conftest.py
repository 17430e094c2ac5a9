"""A page of the system's Chromium, at a desk's width and at a telephone's."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from django.urls import reverse
from playwright.sync_api import Browser, Page, expect, sync_playwright

from portal.tenancy.models import Merchant
from tests.integrations.shop import LiveShop, live_shop
from tests.portal.people import PASSWORD, make_person

DESK, PHONE = 1440, 390
# How long a page may take before a test gives it up. It bounds a broken one and measures nothing: a busy computer
# takes longer than playwright's five seconds for a page that is right.
PATIENCE = 60_000  # milliseconds
expect.set_options(timeout=PATIENCE)


@pytest.fixture
def shop(transactional_db: None) -> Iterator[LiveShop]:
    with live_shop() as live:
        yield live


@pytest.fixture
def browser(transactional_db: None, chromium_path: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Browser]:
    """One a test: playwright keeps an event loop in this thread, in which Django would refuse the test's own queries,
    and other tests are not to run inside it."""
    monkeypatch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "1")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium_path, args=["--no-sandbox"])
        yield browser
        browser.close()


@dataclass
class Visit:
    """One person's browser: what it opened, and what its console complained about."""

    page: Page
    address: str
    errors: list[str]

    def open(self, name: str, *args: Any, query: str = "") -> Page:
        answer = self.page.goto(f"{self.address}{reverse(name, args=args)}{query}")
        assert answer is not None
        assert answer.status == 200
        return self.page

    def assert_sound(self) -> None:
        """Nothing failed to load or run, and nothing sticks out to the right."""
        assert self.errors == []
        overflow = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
        assert self.page.evaluate(overflow) <= 1


Visitor = Callable[[Merchant, str, int], Visit]


@pytest.fixture
def visit(live_server: Any, browser: Browser) -> Iterator[Visitor]:
    """Logs a new person of this role in through the form."""
    opened = []

    def log_in(merchant: Merchant, role: str, width: int) -> Visit:
        user = make_person(merchant, role)
        context = browser.new_context(viewport={"width": width, "height": 900})
        context.set_default_timeout(PATIENCE)
        opened.append(context)
        page, errors = context.new_page(), list[str]()
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.on("console", lambda line: errors.append(f"{line.text} {line.location}") if line.type == "error" else None)
        page.goto(f"{live_server.url}{reverse('admin:login')}")
        page.get_by_label("E-mail").fill(user.email)
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("button", name="Log in").click()
        page.wait_for_url(f"{live_server.url}{reverse('admin:index')}")
        return Visit(page=page, address=live_server.url, errors=errors)

    yield log_in
    for context in opened:
        context.close()
