"""Bodies as typed structs: what is taken, and the code and field of each refusal."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from portal.base.bodies import Amount, Body, Email, Moment, Quantity, read_value
from portal.base.problems import Problem


class Line(Body):
    code: str
    quantity: Quantity
    price: Amount = Amount(0)


class Sale(Body):
    lines: list[Line]
    email: Email = Email("")
    at: Moment | None = None


def take(**more: Any) -> Sale:
    return read_value({"lines": [{"code": "A", "quantity": 1}], **more}, Sale)


def refuse(**more: Any) -> tuple[str, str]:
    with pytest.raises(Problem) as caught:
        take(**more)
    assert caught.value.status_code == 400
    return caught.value.code, caught.value.field


def line(**more: Any) -> dict[str, Any]:
    return {"lines": [{"code": "A", "quantity": 1, **more}]}


@pytest.mark.parametrize(("given", "taken"), [(2, "2"), ("2.50", "2.50"), (Decimal("2.5"), "2.5"), ("-3", "-3")])
def test_a_figure_is_a_number_or_plain_digits(given: Any, taken: str) -> None:
    assert str(take(**line(price=given)).lines[0].price) == taken


@pytest.mark.parametrize(
    "given", ["１２", "1_000", "", " 1", "0x10", "NaN", "Infinity", "1e999", True, None, [], "--1"]
)
def test_bad_input_22_other_digits_are_no_figure(given: Any) -> None:
    assert refuse(**line(price=given)) == ("invalid_decimal", "lines[0].price")


@pytest.mark.parametrize("given", ["1,5", "1.000,50", "-0,1"])
def test_bad_input_23_a_comma_is_named(given: str) -> None:
    assert refuse(**line(price=given)) == ("decimal_separator", "lines[0].price")


@pytest.mark.parametrize("given", [0, -1, "0.0005", 1_000_001, "1.0001"])
def test_bad_input_26_a_quantity_has_limits(given: Any) -> None:
    assert refuse(**line(quantity=given)) == ("quantity_out_of_range", "lines[0].quantity")


def test_bad_input_29_what_is_not_declared_is_refused_where_it_stands() -> None:
    assert refuse(total=1) == ("unknown_field", "total")
    assert refuse(**line(net="1")) == ("unknown_field", "lines[0].net")
    assert refuse(lines=[{"code": "A"}]) == ("field_required", "lines[0].quantity")
    assert refuse(lines={}) == ("invalid_value", "lines")


def test_bad_input_34_times_say_their_zone_and_are_of_our_age() -> None:
    assert refuse(at="0000-01-01T00:00:00Z") == ("date_out_of_range", "at")
    assert refuse(at="9999-12-31T00:00:00Z") == ("date_out_of_range", "at")
    assert refuse(at="2026-11-20T12:00:00") == ("timezone_required", "at")
    assert refuse(at="yesterday") == ("invalid_value", "at")
    assert take(at="2026-11-20T13:00:00+01:00").at == datetime(2026, 11, 20, 12, tzinfo=UTC)


def test_bad_input_35_an_address_does_not_turn_the_reading() -> None:
    assert refuse(email="a\u202eb@example.com") == ("invalid_email", "email")
    assert refuse(email="nobody") == ("invalid_email", "email")
    assert take(email="jo@example.com").email == "jo@example.com"
