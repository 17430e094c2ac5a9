"""What a till does with our API, over real requests to a simulated Odoo: the seed's calls and what follows them."""

from __future__ import annotations

import time
from typing import Any

import pytest

from integrations.models import Attempt, Command, Flow, Hold, ValueMapping
from integrations.sync.deliver import deliver
from orders.api import sales_orders
from orders.models import Bill, Customer, FulfilmentOrder, Order
from portal.tenancy.models import Location
from tests.api_world import Caller, make_caller, refused
from tests.orders.api.conftest import Desk
from tests.world import NOON

SALE: dict[str, Any] = {
    "reference": "R-1001",
    "customer": {"name": "Jo Doe", "phone": "+44 20 7946 0018", "email": "jo@example.com"},
    "lines": [
        {"code": "MUG", "quantity": 2, "unit_price": "4.50"},
        {"code": "CUP", "quantity": 1, "unit_price": "3.00"},
    ],
    "currency": "GBP",
    "payment": {"amount": "12.00", "type": "cash"},
}


def make_till(desk: Desk, **more: Any) -> Caller:
    return make_caller(desk.till, "orders:read", "orders:write", "customers:write", **more)


def test_an_order_of_a_new_customer_is_in_the_erp_when_the_call_returns(desk: Desk) -> None:
    till = make_till(desk)
    answer = till.post("/sales-orders", SALE)
    assert answer.status_code == 201, answer.content
    said = answer.json()
    there = desk.orders_there()
    assert len(there) == 1
    assert (said["status"], said["reference"], said["total"], said["paid"]) == ("Pending", "R-1001", "12.00", "12.00")
    assert said["erp_number"]
    assert said["erp_number"] == FulfilmentOrder.plain.get().external_number
    assert [step["step"] for step in said["progress"]] == ["pending", "placed"]
    assert said["waiting_for"] == []
    customer = Customer.plain.get()
    assert (customer.phone, customer.email, said["customer"]) == ("+442079460018", "jo@example.com", customer.public_id)
    assert Command.plain.filter(kind="create_customer", state__in=("accepted", "verified")).count() == 1
    assert answer["Location"] == said["url"] == f"/api/v1/sales-orders/{said['id']}"
    assert till.get(f"/sales-orders/{said['id']}").json() == said
    listed = till.get("/sales-orders?reference=R-1001").json()
    assert (listed["next"], [one["id"] for one in listed["results"]]) == (None, [said["id"]])
    assert till.get("/sales-orders?reference=R-1").json()["results"] == []


def test_the_same_order_again_is_the_same_and_another_of_its_name_is_refused(desk: Desk) -> None:
    till = make_till(desk)
    first = till.post("/sales-orders", SALE)
    again = till.post("/sales-orders", SALE)
    assert (again.status_code, again.json()) == (201, first.json())
    other = SALE | {"note": "gift"}
    assert refused(till.post("/sales-orders", other)) == (409, "order_exists")
    assert (Order.plain.count(), len(desk.orders_there())) == (1, 1)


def test_an_unknown_code_holds_the_order_and_is_told(desk: Desk) -> None:
    till = make_till(desk)
    lines = [{"code": "NOBODY-KNOWS", "quantity": 1, "unit_price": "5.00"}]
    answer = till.post(
        "/sales-orders", {"reference": "R-2", "lines": lines, "payment": {"amount": "5", "type": "cash"}}
    )
    assert answer.status_code == 202
    said = answer.json()
    assert (said["erp_number"], said["status"]) == (None, "Pending")
    assert [one["code"] for one in said["waiting_for"]] == ["unmapped"]
    assert "NOBODY-KNOWS" in said["waiting_for"][0]["message"]
    assert desk.orders_there() == []
    assert Hold.plain.filter(ended_at__isnull=True).count() == 1


def test_without_a_price_an_article_costs_what_ours_say_or_the_caller_is_asked(desk: Desk) -> None:
    till = make_till(desk)
    bare = {"lines": [{"code": "MUG", "quantity": 1}]}
    assert refused(till.post("/sales-orders", bare)) == (400, "price_required")
    assert Order.plain.count() == 0


def test_cancelled_there_and_then(desk: Desk) -> None:
    till = make_till(desk)
    made = till.post("/sales-orders", SALE).json()
    answer = till.post(f"/sales-orders/{made['id']}/cancel", {"reason": "He changed his mind"})
    assert answer.status_code == 200, answer.content
    assert (answer.json()["status"], answer.json()["progress"][-1]["step"]) == ("Cancelled", "cancelled")
    assert [one["state"] for one in desk.orders_there()] == ["cancel"]
    assert not Order.plain.get().timeline.filter(code="cancel_by_hand").exists()
    again = till.post(f"/sales-orders/{made['id']}/cancel", {"reason": "Again"})
    assert refused(again) == (409, "not_possible")


def test_some_of_it_is_cancelled_by_code(desk: Desk) -> None:
    till = make_till(desk)
    made = till.post("/sales-orders", SALE).json()
    wanted = {"reason": "One is enough", "lines": [{"code": "MUG", "quantity": 1}]}
    answer = till.post(f"/sales-orders/{made['id']}/cancel", wanted)
    assert answer.status_code == 200, answer.content
    assert [one["cancelled_quantity"] for one in answer.json()["lines"]] == ["1", "0"]
    wanted["lines"] = [{"code": "NONE", "quantity": 1}]
    assert refused(till.post(f"/sales-orders/{made['id']}/cancel", wanted)) == (400, "line_unknown")


def test_goods_come_back_and_more_than_were_sold_do_not(desk: Desk) -> None:
    till = make_till(desk)
    made = till.post("/sales-orders", SALE).json()
    wanted = {"lines": [{"code": "MUG", "quantity": 1}], "reason": "damaged", "note": "A crack", "restock": "damaged"}
    answer = till.post(f"/sales-orders/{made['id']}/returns", wanted)
    assert answer.status_code in (201, 202), answer.content
    assert answer.json()["reference"] == "T-R-1001-T1"
    wanted["lines"] = [{"code": "MUG", "quantity": 2}]
    assert refused(till.post(f"/sales-orders/{made['id']}/returns", wanted)) == (409, "not_possible")
    assert refused(till.post(f"/sales-orders/{made['id']}/returns", wanted | {"reason": "x"})) == (400, "invalid_value")


def test_another_merchants_and_another_shops_orders_are_not_there(desk: Desk) -> None:
    till, other = make_till(desk), make_caller(desk.world.shop)
    made = till.post("/sales-orders", SALE).json()
    desk.world.shop.platform = "api"
    desk.world.shop.save()
    for path in ("", "/cancel", "/returns", "/bill"):
        call = other.get if not path else other.post
        assert refused(call(f"/sales-orders/{made['id']}{path}")) == (404, "not_found")
    assert other.get("/sales-orders").json()["results"] == []


def test_two_users_two_locations_see_each_his_own_and_an_owner_both(desk: Desk) -> None:
    """G1: one user one location; two users two locations; two users one location."""
    north = Location(merchant=desk.world.merchant, code="NORTH", name="North")
    south = Location(merchant=desk.world.merchant, code="SOUTH", name="South")
    for one in (north, south):
        one.save()
    anna, ben = make_till(desk, places=(north,)), make_till(desk, places=(south,))
    beth, boss = make_till(desk, places=(south,)), make_till(desk)
    both = make_till(desk, places=(north, south))

    def sell(who: Caller, reference: str, **more: Any) -> Any:
        return who.post("/sales-orders", SALE | {"reference": reference, **more})

    assert sell(anna, "N1").json()["location"] == "NORTH"
    assert sell(ben, "S1").json()["location"] == "SOUTH"
    assert sell(boss, "M1").json()["location"] == "MAIN"
    assert sell(boss, "S2", location="SOUTH").json()["location"] == "SOUTH"
    assert refused(sell(both, "X")) == (400, "location_required")
    assert refused(sell(anna, "X", location="SOUTH")) == (400, "location_unknown")

    def see(who: Caller) -> list[str]:
        return sorted(one["reference"] for one in who.get("/sales-orders").json()["results"])

    assert see(anna) == ["N1"]
    assert see(ben) == see(beth) == ["S1", "S2"]
    assert see(both) == ["N1", "S1", "S2"]
    assert see(boss) == ["M1", "N1", "S1", "S2"]
    foreign = Order.plain.get(external_id="S1").public_id
    assert refused(anna.get(f"/sales-orders/{foreign}")) == (404, "not_found")


def test_pages_follow_each_other(desk: Desk) -> None:
    till = make_till(desk)
    Flow.plain.filter(connection=desk.erp, stream="order").delete()
    for number in range(5):
        till.post("/sales-orders", SALE | {"reference": f"P{number}"})
    seen: list[str] = []
    cursor = ""
    for _ in range(3):
        page = till.get(f"/sales-orders?page_size=2{cursor and '&cursor=' + cursor}").json()
        seen += [one["reference"] for one in page["results"]]
        cursor = page["next"]
    assert seen == ["P4", "P3", "P2", "P1", "P0"]
    assert cursor is None


def name_payment(desk: Desk, *, ours: str = "cash") -> None:
    """The till's "cash" is ours, and Odoo's journal of cash."""
    journal = desk.odoo.call("account.journal", "search", domain=[["type", "=", "cash"]])[0]
    for connection, theirs in ((desk.till, "cash"), (desk.erp, str(journal))):
        ValueMapping(
            merchant=connection.merchant, connection=connection, kind="payment", theirs=theirs, ours=ours, label="Till"
        ).save()


def test_the_bill_is_made_in_the_erp_with_the_payment_type_the_map_gives(desk: Desk) -> None:
    till = make_till(desk)
    made = till.post("/sales-orders", SALE).json()
    bill = f"/sales-orders/{made['id']}/bill"
    assert refused(till.post(bill, {})) == (422, "payment_type_required")
    name_payment(desk)
    answer = till.post(bill, {})
    assert answer.status_code == 201, answer.content
    said = answer.json()
    assert (said["state"], said["payment_type"], said["total"]) == ("made", "cash", "12.00")
    assert said["number"] == Bill.plain.get().number
    assert "billed" in [step["step"] for step in said["order"]["progress"]]
    assert refused(till.post(bill, {})) == (409, "not_possible")
    assert len(list(desk.sim.fact_invoices())) == 1


def test_with_the_erp_down_the_order_is_kept_and_goes_later_once(desk: Desk) -> None:
    till = make_till(desk)
    desk.sim.dials.merge({"status": {"503": 1.0}})
    answer = till.post("/sales-orders", SALE)
    assert answer.status_code == 202
    assert answer.json()["erp_number"] is None
    assert till.get(answer.json()["url"].removeprefix("/api/v1")).json()["erp_number"] is None
    desk.sim.dials.merge({"status": {}})
    Command.plain.update(next_attempt_at=NOON)
    for _ in range(4):
        for pk in list(Command.plain.filter(state__in=("pending", "unknown")).values_list("pk", flat=True)):
            deliver(pk)
        Command.plain.filter(state="unknown").update(next_attempt_at=NOON)
    assert till.get(answer.json()["url"].removeprefix("/api/v1")).json()["erp_number"]
    assert len(desk.orders_there()) == 1


def test_a_slow_erp_is_not_waited_for_and_the_request_under_way_is_not_sent_again(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    till = make_till(desk)
    assert till.post("/sales-orders", SALE).status_code == 201
    monkeypatch.setattr(sales_orders, "WAITS_SECONDS", 0.5)
    desk.sim.dials.merge({"latency_seconds": 1.0})
    answer = till.post("/sales-orders", SALE | {"reference": "R-2"})
    assert answer.status_code == 202
    desk.sim.dials.merge({"latency_seconds": 0.0})
    address = answer.json()["url"].removeprefix("/api/v1")
    until = time.monotonic() + 20
    while not till.get(address).json()["erp_number"] and time.monotonic() < until:
        time.sleep(0.2)
    assert till.get(address).json()["erp_number"]
    assert len(desk.orders_there()) == 2
    assert Attempt.plain.filter(command__kind="create_order").count() == 2
