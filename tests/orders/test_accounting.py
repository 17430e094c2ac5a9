"""Nothing lost: every order is at exactly one place, and the places add up, whatever became of the orders."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from decimal import Decimal
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.core.management import call_command
from django.urls import reverse
from django.utils import timezone

from integrations.models import Connection, Flow
from orders.models import FulfilmentOrder, Order
from orders.services import accounting
from orders.services.accounting import ACCOUNTS, Account
from tests.portal.people import log_in
from tests.world import NOON, D, World, make_world, order, stocked

REPORT = "admin:reports_orders"
Part = FulfilmentOrder.State


@pytest.fixture
def ready(world: World) -> World:
    stocked(world, "MUG")
    return world


def sell(world: World, number: str, sku: str = "MUG", price: str = "4.50", shop: Connection | None = None,
         at: datetime = NOON, **more: Any) -> Order:  # fmt: skip
    world.apply(shop or world.shop, "order", order(number, (sku, 1, price), placed_at=at, **more), at=at)
    return Order.plain.get(merchant=world.merchant, number=number)


def place(row: Order, state: str) -> Order:
    FulfilmentOrder.plain.filter(order=row).update(state=state, placed_at=NOON if state == "placed" else None)
    return row


def account_of(row: Order) -> str:
    found = [
        key
        for key in ACCOUNTS
        if accounting.list_at(Order.plain.filter(pk=row.pk), key, merchant_id=row.merchant_id).exists()
    ]
    assert len(found) == 1, found
    return found[0]


@pytest.mark.parametrize(
    ("state", "expected"),
    [("waiting", "waiting"), ("queued", "waiting"), ("needs_human", "waiting"), ("needs_fix", "refused"),
     ("placed", "placed"), ("never", "closed"), ("cancelled", "cancelled")],
)  # fmt: skip
def test_where_an_order_is_follows_from_its_part(ready: World, state: str, expected: str) -> None:
    assert account_of(place(sell(ready, "1"), state)) == expected


def test_cancelled_before_and_after_it_was_sent_are_two_things(ready: World) -> None:
    early, late = sell(ready, "1", paid=False), place(sell(ready, "2"), "placed")
    for number in ("1", "2"):
        again = order(number, ("MUG", 1, "4.50"), cancelled=True, updated_at=NOON + timedelta(hours=1))
        ready.apply(ready.shop, "order", again, read_at=NOON + timedelta(hours=1))
    FulfilmentOrder.plain.filter(order=late).update(state="cancelled")  # there, too
    assert (account_of(early), account_of(late)) == ("cancelled", "placed")


def test_before_go_live_is_a_rule_and_without_a_back_office_it_waits(ready: World) -> None:
    Flow.plain.filter(stream="order").delete()
    ready.shop.live_since = NOON
    ready.shop.save()
    before, after = sell(ready, "1", at=NOON - timedelta(seconds=1)), sell(ready, "2")
    assert (account_of(before), account_of(after)) == ("excluded", "waiting")
    Connection.plain.filter(pk=ready.shop.pk).update(live_since=None)
    assert account_of(after) == "excluded"


def test_a_shop_no_flow_takes_orders_of_is_excluded_by_rule(ready: World) -> None:
    Flow.plain.filter(stream="order").update(settings={"sources": [ready.other.public_id]})
    taken = sell(ready, "1", shop=ready.other)
    assert account_of(sell(ready, "2")) == "excluded"
    assert account_of(taken) == "waiting"


def test_random_orders_add_up_by_day_shop_and_currency(ready: World) -> None:
    random, zone = Random(4711), ZoneInfo("Pacific/Auckland")
    wanted: dict[tuple[date, int, str], list[Decimal]] = {}
    for number in range(60):
        shop = random.choice([ready.shop, ready.other])
        price, state = f"{random.randint(1, 99_999) / 100:.2f}", random.choice(list(Part))
        at = NOON + timedelta(minutes=random.randint(0, 4 * 24 * 60))
        row = place(sell(ready, str(number), price=price, shop=shop, at=at), state)
        currency = random.choice(["GBP", "EUR", "JPY"])
        gone = random.choice(["", "", "cancelled", "source_deleted", "no part", "two parts", "old"])
        if gone in {"no part", "old"}:
            FulfilmentOrder.plain.filter(order=row).delete()
        if gone == "two parts":
            FulfilmentOrder.plain.create(merchant=ready.merchant, order=row, destination=ready.other, number=2,
                                         reference=f"x{number}", state=random.choice(list(Part)))  # fmt: skip
        Order.plain.filter(pk=row.pk).update(
            currency=currency,
            fulfilment="cancelled" if gone == "cancelled" else row.fulfilment,
            intake="source_deleted" if gone == "source_deleted" else row.intake,
            placed_at=NOON - timedelta(days=999) if gone == "old" else row.placed_at,
        )
        wanted.setdefault((at.astimezone(zone).date(), shop.pk, currency), []).append(D(price))
    rows = Order.plain.filter(merchant=ready.merchant)
    found = accounting.add_up(rows, merchant_id=ready.merchant.pk, zone=zone)
    assert {(one.day, one.connection_id, one.currency): one.received for one in found} == {
        key: (len(values), sum(values)) for key, values in wanted.items()
    }
    assert [one for one in found if not one.balanced] == []
    assert len({one.day for one in found}) >= 4
    seen: set[int] = set()
    for key in ACCOUNTS:
        mine = set(accounting.list_at(rows, key, merchant_id=ready.merchant.pk).values_list("pk", flat=True))
        assert mine, f"no order is {key}: the test says nothing of it"
        assert not mine & seen
        seen |= mine
    assert len(seen) == 60
    sums = accounting.add_together(found)
    for parts in sums.values():
        received = parts.pop("received")
        assert received == (sum(n for n, _ in parts.values()), sum(value for _, value in parts.values()))


def test_parts_that_are_not_the_whole_are_told() -> None:
    one = Account(connection_id=1, day=None, currency="GBP", received=(2, D("9.00")), parts={"placed": (1, D("9.00"))})
    assert not one.balanced
    one.parts["waiting"] = (1, D("0.01"))
    assert not one.balanced
    one.received = (2, D("9.01"))
    assert one.balanced


def test_a_day_whose_clock_is_changed_has_its_own_length() -> None:
    zone = ZoneInfo("Europe/London")
    begin, end = accounting.bounds_of(date(2026, 10, 25), zone)
    assert end.timestamp() - begin.timestamp() == 25 * 3600


def test_each_number_of_the_report_leads_to_its_rows(ready: World) -> None:
    now = timezone.now()
    for number, state in (("1", "placed"), ("2", "placed"), ("3", "needs_fix"), ("4", "never")):
        place(sell(ready, number, at=now), state)
    sell(ready, "5", sku="nobody-knows-it", at=now, shop=ready.other)
    client = log_in(ready.merchant, "support")
    page = client.get(reverse(REPORT))
    assert "✓ every order accounted for" in page.content.decode()
    lines = {line["shop"]: line for line in page.context["lines"]}
    cells = {str(words): (count, value) for words, count, value, _ in lines["Shop A"]["cells"]}
    assert lines["Shop A"]["received"][:2] == (4, "18.00 GBP")
    assert {words: cell for words, cell in cells.items() if cell[0]} == {
        "in the back office": (2, "9.00 GBP"), "refused": (1, "4.50 GBP"), "closed by hand": (1, "4.50 GBP"),
    }  # fmt: skip
    links = [(count, url) for line in lines.values() for _, count, _, url in line["cells"] if count]
    for count, url in [*links, (4, lines["Shop A"]["received"][2])]:
        assert client.get(url).context["cl"].result_count == count, url
    assert client.get(reverse("admin:index")).context["orders"]["balanced"] is True


def test_the_report_is_the_merchants_own_and_of_his_locations(ready: World) -> None:
    theirs = make_world("Theirs")
    stocked(theirs, "MUG")
    now = timezone.now()
    sell(theirs, "CANARY-1", at=now)
    mine = sell(ready, "1", at=now)
    assert log_in(theirs.merchant, "sales").get(reverse(REPORT)).context["sums"][0]["received"][0] == 1
    owner = log_in(ready.merchant, "owner")
    page = owner.get(reverse(REPORT), {"days": "7"})
    assert (page.context["sums"][0]["received"][0], page.context["days"]) == (1, 7)
    assert owner.get(reverse(REPORT), {"days": "9" * 40}).context["days"] == 14
    north = ready.place.__class__(merchant=ready.merchant, code="NORTH", name="North")
    north.save()
    limited = log_in(ready.merchant, "sales", north).get(reverse(REPORT))
    assert (limited.context["lines"], limited.context["counts"]) == ([], [])
    here = log_in(ready.merchant, "sales", ready.place).get(reverse(REPORT))
    assert [line["received"][0] for line in here.context["lines"]] == [1]
    assert log_in(ready.merchant, "reseller").get(reverse(REPORT)).status_code == 403
    assert mine.location_id == ready.place.pk


def test_the_doctor_says_whether_orders_are_accounted_for(ready: World, capsys: pytest.CaptureFixture[str]) -> None:
    row = sell(ready, "1")
    call_command("doctor", "orders")
    assert capsys.readouterr().out == "orders: ok\n"
    other = make_world("Theirs")
    Order.plain.filter(pk=row.pk).update(connection=other.shop)
    assert accounting.find_unbalanced() == [f"Order row {row.pk} belongs to another merchant than its shop."]
