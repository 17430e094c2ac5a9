"""The daily summary: at seven where the merchant is, once, of yesterday."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from pytest_django import Settings

from integrations.models import AlertSetting, Connection, Mail
from orders.models import FulfilmentOrder
from orders.services import digest
from tests.portal.people import make_person
from tests.world import NOON, World, order, stocked

SEVEN = datetime(2026, 11, 21, 7, 0, tzinfo=UTC)


@pytest.fixture
def told(world: World, settings: Settings) -> World:
    settings.PUBLIC_URL = "https://portal.example.org"
    stocked(world, "MUG")
    make_person(world.merchant, "owner")
    return world


def test_it_says_where_yesterdays_orders_are(told: World) -> None:
    for number in ("1", "2", "3"):
        told.apply(told.shop, "order", order(number, ("MUG", 1, "4.50")))
    told.apply(told.shop, "order", order("4", ("MUG", 1, "100.00")), at=NOON - timedelta(days=1))
    FulfilmentOrder.plain.filter(order__number__in=("1", "4")).update(state="placed")
    FulfilmentOrder.plain.filter(order__number="2").update(state="needs_fix")
    mail = digest.write(told.merchant, at=SEVEN)
    assert mail is not None
    assert mail.subject == "Northwind: 3 orders on 2026-11-20"
    for line in (
        "3 received, 13.50 GBP =",
        "1 in the back office, 4.50 GBP",
        "1 waiting, 4.50 GBP",
        "1 refused, 4.50 GBP",
        "Every order is accounted for.",
        "The oldest that waits came 2026-11-20 12:00.",
        "Problems open: 0",
        "ERP: Live",
        "https://portal.example.org/admin/reports/orders/",
    ):
        assert line in mail.text, mail.text
    assert "100.00" not in mail.text
    assert digest.write(told.merchant, at=SEVEN + timedelta(hours=1)) == mail
    assert Mail.plain.count() == 1


@pytest.mark.parametrize(
    ("zone", "utc_hour", "due"),
    [("UTC", 6, False), ("UTC", 7, True), ("UTC", 12, False), ("Asia/Tokyo", 22, True), ("America/New_York", 11, False),
     ("America/New_York", 12, True), ("Nowhere/At all", 7, True)],
)  # fmt: skip
def test_it_is_due_at_seven_where_the_merchant_is(told: World, zone: str, utc_hour: int, due: bool) -> None:
    told.merchant.time_zone = zone
    told.merchant.save()
    at = SEVEN.replace(hour=utc_hour, minute=1)
    assert digest.list_due(at) == ([told.merchant] if due else [])
    if due:
        digest.write(told.merchant, at=at)
        assert digest.list_due(at + timedelta(hours=1)) == []
        assert digest.list_due(at + timedelta(days=1)) == [told.merchant]


def test_who_does_not_want_it_gets_none(told: World) -> None:
    AlertSetting(merchant=told.merchant, digest=False).save()
    assert digest.list_due(SEVEN) == []
    assert digest.write(told.merchant, at=SEVEN) is None


def test_a_merchant_with_nothing_connected_is_left_alone(told: World) -> None:
    Connection.plain.update(state="draft")
    assert digest.write(told.merchant, at=SEVEN) is None
