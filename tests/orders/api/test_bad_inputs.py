"""BAD_INPUTS 24 to 28 and 30 to 32 at our API's orders: the code of each, and that nothing is kept."""

from __future__ import annotations

from typing import Any

import pytest

from orders.models import Order, Refund, Return
from portal.tenancy.models import IdempotencyKey
from tests.api_world import make_caller, refused
from tests.orders.api.conftest import Desk
from tests.orders.api.test_pos_story import SALE, make_till
from tests.world import make_world


def line(**more: Any) -> dict[str, Any]:
    return SALE | {"lines": [{"code": "MUG", "quantity": 1, "unit_price": "4.50", **more}]}


@pytest.mark.parametrize(
    ("body", "field"),
    [
        (line(unit_price="4.505"), "lines[0].unit_price"),
        (line(discount="0.001"), "lines[0].discount"),
        (line(taxes=[{"code": "VAT", "amount": "0.755"}]), "lines[0].taxes[0].amount"),
        (line() | {"currency": "JPY"}, "lines[0].unit_price"),
        (SALE | {"payment": {"amount": "12.005", "type": "cash"}}, "payment.amount"),
    ],
)
def test_bad_input_24_no_amount_is_finer_than_its_currency(desk: Desk, body: dict[str, Any], field: str) -> None:
    answer = make_till(desk).post("/sales-orders", body)
    assert refused(answer) == (400, "currency_precision")
    assert answer.json()["field"] == field
    assert not Order.plain.exists()


@pytest.mark.parametrize("currency", ["XXX", "gbp", "£", "EU"])
def test_bad_input_25_a_currency_there_is(desk: Desk, currency: str) -> None:
    assert refused(make_till(desk).post("/sales-orders", SALE | {"currency": currency})) == (400, "currency_invalid")
    assert not Order.plain.exists()


@pytest.mark.parametrize("quantity", [0, -1, "0", 1_000_001, "1e7"])
def test_bad_input_26_a_quantity_somebody_can_buy(desk: Desk, quantity: Any) -> None:
    answer = make_till(desk).post("/sales-orders", line(quantity=quantity))
    assert refused(answer) == (400, "quantity_out_of_range")
    assert not Order.plain.exists()


def test_bad_input_27_a_total_that_is_not_the_lines_is_told_with_both(desk: Desk) -> None:
    answer = make_till(desk).post("/sales-orders", SALE | {"total": "13.00"})
    assert refused(answer) == (422, "totals_mismatch")
    assert "12.00" in answer.json()["detail"]
    assert "13.00" in answer.json()["detail"]
    assert not Order.plain.exists()
    assert make_till(desk).post("/sales-orders", SALE | {"total": "12"}).status_code == 201


def test_bad_input_28_no_more_is_given_back_than_was_paid(desk: Desk) -> None:
    till = make_till(desk)
    made = till.post("/sales-orders", SALE).json()
    back = {"lines": [{"code": "MUG", "quantity": 1}], "reason": "damaged", "refund": "12.01"}
    address = f"/sales-orders/{made['id']}/returns"
    assert refused(till.post(address, back)) == (422, "refund_exceeds_capture")
    assert (Return.plain.count(), Refund.plain.count()) == (0, 0)
    assert till.post(address, back | {"refund": "4.50"}).status_code in (201, 202)
    refund = Refund.plain.get()
    assert (str(refund.amount), refund.counted) == ("4.500000", True)
    assert refused(till.post(address, back | {"refund": "7.51"})) == (422, "refund_exceeds_capture")


def test_bad_input_30_another_merchants_order_is_as_if_missing(desk: Desk) -> None:
    made = make_till(desk).post("/sales-orders", SALE).json()
    foreign = make_world("Elsewhere")
    foreign.shop.platform = "api"
    foreign.shop.save()
    stranger = make_caller(foreign.shop)
    missing = stranger.get("/sales-orders/no-such-order")
    theirs = stranger.get(f"/sales-orders/{made['id']}")
    assert refused(missing) == refused(theirs) == (404, "not_found")
    assert {**missing.json(), "correlation_id": ""} == {**theirs.json(), "correlation_id": ""}


def test_bad_input_31_one_key_two_bodies(desk: Desk) -> None:
    till = make_till(desk)
    without = {name: value for name, value in SALE.items() if name != "reference"}
    first = till.post("/sales-orders", without, Idempotency_Key="k1")
    assert first.status_code == 201
    again = till.post("/sales-orders", without, Idempotency_Key="k1")
    assert (again.status_code, again.json()) == (201, first.json())
    other = till.post("/sales-orders", without | {"note": "x"}, Idempotency_Key="k1")
    assert refused(other) == (409, "idempotency_mismatch")
    assert (Order.plain.count(), len(desk.orders_there())) == (1, 1)


def test_a_call_that_died_before_it_answered_finds_its_order_again(desk: Desk) -> None:
    till = make_till(desk)
    without = {name: value for name, value in SALE.items() if name != "reference"}
    first = till.post("/sales-orders", without, Idempotency_Key="k1")
    IdempotencyKey.plain.all().delete()
    again = till.post("/sales-orders", without, Idempotency_Key="k1")
    assert (again.status_code, again.json()["id"]) == (201, first.json()["id"])
    assert Order.plain.count() == 1


def test_bad_input_32_a_key_in_flight_is_told_to_come_back(desk: Desk) -> None:
    till = make_till(desk)
    till.post("/sales-orders", SALE, Idempotency_Key="k1")
    IdempotencyKey.plain.update(status=None)
    answer = till.post("/sales-orders", SALE, Idempotency_Key="k1")
    assert refused(answer) == (409, "in_progress")
    assert answer["Retry-After"] == "2"


def test_what_nobody_declared_is_refused_where_it_stands(desk: Desk) -> None:
    till = make_till(desk)
    for body, field in ((SALE | {"status": "Delivered"}, "status"), (line(net="1"), "lines[0].net")):
        answer = till.post("/sales-orders", body)
        assert (refused(answer), answer.json()["field"]) == ((400, "unknown_field"), field)
    assert refused(till.get("/sales-orders?ordering=password")) == (400, "parameter_not_allowed")
    assert refused(till.get("/sales-orders?placed_since=2026-01-01")) == (400, "timezone_required")
    assert refused(till.get("/sales-orders?page_size=1000000000")) == (400, "parameter_not_allowed")
    assert not Order.plain.exists()
