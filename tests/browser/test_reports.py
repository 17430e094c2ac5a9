"""The report of orders and who is told, at a desk's width and a telephone's."""

from __future__ import annotations

import os

import pytest
from django.utils import timezone

from integrations.models import SourceCount
from orders.models import FulfilmentOrder
from tests.browser.conftest import DESK, PHONE, Visitor
from tests.world import make_world, order, stocked

pytestmark = pytest.mark.browser


@pytest.mark.parametrize("width", [DESK, PHONE])
def test_orders_accounted_for_and_who_is_told(transactional_db: None, visit: Visitor, width: int) -> None:
    world, now = make_world(), timezone.now()
    stocked(world, "MUG")
    for number, state in (("1", "placed"), ("2", "needs_fix"), ("3", "queued")):
        world.apply(world.shop, "order", order(number, ("MUG", 1, "4.50"), placed_at=now), at=now)
        FulfilmentOrder.plain.filter(order__number=number).update(state=state)
    SourceCount.plain.create(merchant=world.merchant, connection=world.shop, stream="order", since=now, theirs=3,
                             ours=3, checked_at=now)  # fmt: skip
    visitor = visit(world.merchant, "owner", width)
    page = visitor.open("admin:reports_orders")
    page.get_by_role("heading", name="✓ every order accounted for").wait_for()
    visitor.assert_sound()
    if folder := os.environ.get("SHOTS"):
        page.screenshot(path=f"{folder}/orders-{width}.png", full_page=True)
    page = visitor.open("admin:integrations_mail_told")
    visitor.assert_sound()
    if folder:
        page.screenshot(path=f"{folder}/told-{width}.png", full_page=True)
    page.get_by_label("Who is told").fill("boss@example.org")
    page.get_by_role("button", name="Keep").click()
    page.get_by_text("Kept: from now on they are told so.").wait_for()
