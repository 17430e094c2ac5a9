"""Pages about orders, customers, rules and problems: empty, and with long names and many rows, wide and narrow."""

from __future__ import annotations

import pytest
from django.utils import timezone

from integrations.contract import records as r
from integrations.models import InboundEvent, Problem
from integrations.sync import unread
from orders.models import Customer, Order, OrderRule
from tests.browser.conftest import DESK, PHONE, Visit, Visitor
from tests.integrations.shop import LiveShop
from tests.orders.routes import add_rule
from tests.world import D, order, stocked

pytestmark = pytest.mark.browser
WIDTHS = pytest.mark.parametrize("width", [DESK, PHONE])
LONG = "Wolfeschlegelsteinhausenbergerdorff-Featherstonehaugh & Söhne Großhandelsgesellschaft mbH"
SKU = "TOY-CAR-REMOTE-CONTROLLED-METALLIC-MIDNIGHT-BLUE-XXL"
LISTS = (
    "admin:orders_customer_changelist", "admin:orders_customer_duplicates", "admin:orders_customer_rules",
    "admin:orders_orderrule_changelist", "admin:orders_orderrule_add", "admin:orders_routingrule_changelist",
    "admin:orders_routingrule_add", "admin:orders_order_changelist", "admin:integrations_problem_changelist",
    "admin:index",
)  # fmt: skip


def fill(shop: LiveShop) -> Order:
    """Thirty orders of people with long names, of long articles; rules; records that could not be read."""
    world, now = shop.world, timezone.now()
    stocked(world, SKU, "MUG")
    for number in range(30):
        sell(shop, number)
    add_rule(world, world.erp, name=LONG[:80], categories="\n".join([LONG] * 3), takes="lines")
    OrderRule(merchant=world.merchant, what="tag", how="any", values="\n".join([LONG] * 4), then="hold").save()
    for number in range(60):
        event = InboundEvent(
            merchant=world.merchant, connection=shop.connection, stream="order", external_id=f"{number}", body=b"{}",
            dedupe_key=f"{number}", state="failed", error_code="APPLY_FAILED", received_at=now,
            message=f"{LONG} could not be read: {SKU * 3}",
        )  # fmt: skip
        event.save()
        unread.note_event(event, now)
    return Order.plain.order_by("pk")[0]


def sell(shop: LiveShop, number: int) -> None:
    now = timezone.now()
    address = r.AddressRecord(name=LONG, line1="1 Llanfairpwllgwyngyllgogerychwyrndrobwllllantysiliogogogoch", city="X")
    email = f"{'a' * 60}{number}@example.com"
    buyer = r.CustomerRecord(external_id=f"c{number}", name=f"{LONG} {number % 28}", email=email)
    lines = [(SKU, 2, "1234.50"), *[("MUG", place + 1, "4.166667") for place in range(12)]]
    total = sum((D(price) * many for _, many, price in lines), D(0)).quantize(D("0.01"))
    sold = order(
        f"{number}-2026-EXTRAORDINARILY-LONG", *lines, placed_at=now, updated_at=now, customer=buyer, total=total,
        billing=address, shipping=address,
    )  # fmt: skip
    shop.world.apply(shop.connection, "order", sold, at=now)


def look(visitor: Visit, name: str, *args: int) -> None:
    visitor.open(name, *args)
    visitor.assert_sound()


@WIDTHS
def test_pages_are_sound_while_there_is_nothing(shop: LiveShop, visit: Visitor, width: int) -> None:
    visitor = visit(shop.world.merchant, "owner", width)
    for name in LISTS:
        look(visitor, name)


@WIDTHS
def test_pages_are_sound_with_long_names_and_many_rows(shop: LiveShop, visit: Visitor, width: int) -> None:
    row = fill(shop)
    visitor = visit(shop.world.merchant, "owner", width)
    for name in LISTS:
        look(visitor, name)
    look(visitor, "admin:orders_order_change", row.pk)
    look(visitor, "admin:orders_customer_change", Customer.plain.exclude(is_guest=True).order_by("pk")[0].pk)
    look(visitor, "admin:orders_routingrule_change", add_rule(shop.world, shop.world.erp).pk)
    look(visitor, "admin:integrations_problem_change", Problem.plain.get().pk)
