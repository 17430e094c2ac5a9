"""Checkout: quotes and the orders they become, with the back office fast, slow and down."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.utils import timezone

from catalog.models import Binding, PriceList, PriceRule, Reservation
from integrations.models import Command, Hold
from orders.models import Order, Quote
from orders.services import quotes, standing
from tests.api_world import Caller, refused
from tests.orders.api.conftest import Desk
from tests.orders.api.test_app_story import DOWN, log_in, turn

BASKET = {"lines": [{"code": "MUG", "quantity": 2}, {"code": "BOWL", "quantity": 1}]}


@pytest.fixture
def customer(desk: Desk) -> Caller:
    return log_in(desk)[1]


def ask(customer: Caller, **more: Any) -> dict[str, Any]:
    answer = customer.post("/quotes", BASKET | more)
    assert answer.status_code == 201, answer.content
    found: dict[str, Any] = answer.json()
    return found


def sell_at_own_prices(desk: Desk) -> None:
    """The ERP's base prices, as they were read, are what the till sells at."""
    base = PriceList.plain.filter(connection=desk.erp).order_by("pk").first()
    assert base is not None
    PriceRule(merchant=desk.world.merchant, connection=desk.till, price_list=base).save()


def change_price(desk: Desk, code: str, price: str) -> None:
    article = Binding.plain.get(connection=desk.erp, reference_code=code).external_id
    desk.odoo.call("product.product", "write", [int(article)], vals={"list_price": float(price)})


def test_a_quote_is_live_and_becomes_one_order_at_its_prices(desk: Desk, customer: Caller) -> None:
    said = ask(customer)
    assert (said["price_source"], said["total"], said["freight"], said["reserved"]) == ("live", "21.00", "0", False)
    assert [(one["code"], one["unit_price"], one["amount"]) for one in said["lines"]] == [
        ("MUG", "4.5", "9.00"), ("BOWL", "12.0", "12.00"),
    ]  # fmt: skip
    wanted = {"quote": said["quote"], "on_account": True, "note": "Ring twice"}
    made = customer.post("/sales-orders", wanted)
    assert made.status_code == 201, made.content
    assert (made.json()["total"], bool(made.json()["erp_number"])) == ("21.00", True)
    again = customer.post("/sales-orders", wanted)
    assert again.json()["id"] == made.json()["id"]
    assert (Order.plain.count(), len(desk.orders_there())) == (2, 2)


def test_a_price_that_has_changed_is_told_with_a_new_quote(desk: Desk, customer: Caller) -> None:
    first = ask(customer)
    change_price(desk, "MUG", "5.00")
    answer = customer.post("/sales-orders", {"quote": first["quote"], "on_account": True})
    assert refused(answer) == (409, "price_changed")
    new = answer.json()["quote"]
    assert (new["total"], new["price_source"]) == ("22.00", "live")
    assert Order.plain.count() == 1
    made = customer.post("/sales-orders", {"quote": new["quote"], "on_account": True})
    assert (made.status_code, made.json()["total"]) == (201, "22.00")


def test_a_quote_expires_and_nobody_makes_one_up(desk: Desk, customer: Caller) -> None:
    said = ask(customer)
    public_id = Quote.plain.get().public_id
    for wrong in (said["quote"][:-1] + "x", public_id, "x"):
        answer = customer.post("/sales-orders", {"quote": wrong, "on_account": True})
        assert refused(answer) == (409, "quote_expired")
    Quote.plain.update(expires_at=timezone.now())
    answer = customer.post("/sales-orders", {"quote": said["quote"], "on_account": True})
    assert refused(answer) == (409, "quote_expired")
    assert Order.plain.count() == 1


def test_goods_are_promised_for_a_quarter_of_an_hour(desk: Desk, customer: Caller) -> None:
    said = ask(customer, reserve=True)
    mine = Reservation.plain.filter(subject_type="quote", ended_at__isnull=True)
    assert (said["reserved"], sorted(mine.values_list("quantity", flat=True))) == (True, [Decimal(1), Decimal(2)])
    quote = Quote.plain.get()
    assert quote.expires_at - quote.quoted_at == timedelta(minutes=15)
    assert quotes.end_promises(quote.expires_at - timedelta(seconds=1)) == 0
    assert quotes.end_promises(quote.expires_at) == 1
    assert not mine.exists()


def test_too_little_is_told_by_line_and_promises_nothing(desk: Desk, customer: Caller) -> None:
    wanted = {"lines": [{"code": "MUG", "quantity": 1000}, {"code": "BOWL", "quantity": 1}], "reserve": True}
    answer = customer.post("/quotes", wanted)
    assert refused(answer) == (409, "out_of_stock")
    assert [one["code"] for one in answer.json()["lines"]] == ["MUG"]
    assert Decimal(answer.json()["lines"][0]["available"]) < 1000
    assert not Quote.plain.exists()
    late = customer.post("/quotes", {"lines": wanted["lines"]}).json()["quote"]
    assert refused(customer.post("/sales-orders", {"quote": late, "on_account": True})) == (409, "out_of_stock")
    assert Order.plain.count() == 1


def test_with_the_erp_down_our_prices_are_told_and_the_order_waits_until_they_are_confirmed(
    desk: Desk, customer: Caller
) -> None:
    sell_at_own_prices(desk)
    turn(desk, **DOWN)
    said = ask(customer)
    assert (said["price_source"], said["total"]) == ("cached", "21.00")
    made = customer.post("/sales-orders", {"quote": said["quote"], "on_account": True})
    assert made.status_code == 202, made.content
    assert (made.json()["erp_number"], [one["code"] for one in made.json()["waiting_for"]]) == (
        None,
        ["checked", "checked"],
    )
    assert quotes.check_held(timezone.now()) == 0
    turn(desk, status={})
    assert quotes.check_held(timezone.now()) == 1
    assert list(Hold.plain.filter(ended_at__isnull=True).values_list("reason", flat=True)) == ["account"]
    assert standing.ask(Order.plain.latest("pk").customer_id or 0, at=timezone.now() + timedelta(minutes=2))
    assert not Hold.plain.filter(ended_at__isnull=True).exists()


def test_prices_that_differ_wait_for_a_person_but_within_the_merchants_limit(desk: Desk, customer: Caller) -> None:
    sell_at_own_prices(desk)
    turn(desk, **DOWN)
    said = ask(customer)
    customer.post("/sales-orders", {"quote": said["quote"], "on_account": True})
    turn(desk, status={})
    change_price(desk, "MUG", "4.75")
    assert quotes.check_held(timezone.now()) == 0
    held = Hold.plain.get(ended_at__isnull=True, reason="person")
    assert "taken at 21.00 GBP, and the back office asks 21.50 GBP" in held.message
    assert not Command.plain.filter(subject_id=held.subject_id, kind="create_order").exclude(state="pending").exists()
    desk.till.settings = {"price_difference": "0.50"}
    desk.till.save()
    assert quotes.check_held(timezone.now()) == 1


def test_a_code_nobody_knows_is_named(desk: Desk, customer: Caller) -> None:
    answer = customer.post("/quotes", {"lines": [{"code": "NOPE", "quantity": 1}]})
    assert refused(answer) == (422, "code_unknown")
    assert answer.json()["field"] == "lines[0].code"


def test_freight_is_added_up_to_an_amount(desk: Desk, customer: Caller) -> None:
    desk.till.settings = {"freight": "4.95", "freight_free_from": "50"}
    desk.till.save()
    said = ask(customer)
    assert (said["freight"], said["total"]) == ("4.95", "25.95")
    many = customer.post("/quotes", {"lines": [{"code": "BOWL", "quantity": 5}]}).json()
    assert (many["freight"], many["total"]) == ("0", "60.00")
