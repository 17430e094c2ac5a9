"""Make bill: at the destination with its payment, or a numbered one of our own; the way of paying by the map."""

from __future__ import annotations

from typing import Any

import pytest

from integrations.contract import records as r
from integrations.models import Command, Connection, ValueMapping
from orders.models import Bill, BillSeries, Invoice, Order, Payment
from orders.outbound.bills import build_bill, build_payment
from orders.services import bills
from orders.services.desk import NotPossible
from orders.services.status import derive
from tests.orders.test_goods import place
from tests.orders.test_intake import finish, take
from tests.world import NOON, D, World, make_world, order, stocked


def name(connection: Connection, theirs: str, ours: str, label: str = "") -> None:
    row = ValueMapping(merchant=connection.merchant, connection=connection, kind="payment", theirs=theirs, ours=ours,
                       label=label)  # fmt: skip
    row.save()


@pytest.fixture
def placed(world: World) -> Order:
    """Paid in the shop by "bacs"; the ERP has a bank (7) and a till (8)."""
    stocked(world, "MUG")
    name(world.erp, "7", "bank", "Bank")
    name(world.erp, "8", "", "Till")
    return place(world, order("1001", ("MUG", 2, "4.50")), "501")


def make(row: Order, payment: str, **more: Any) -> Bill:
    part = row.fulfilment_orders.first()
    values = {"part_id": part.pk if part else None, "paid": False, "remember": False, "by": "ann", "at": NOON, **more}
    return bills.make(order_id=row.pk, payment=payment, **values)


def sent(kind: str) -> list[Command]:
    return list(Command.plain.filter(kind=kind).exclude(connection__role="store").order_by("pk"))


def answer(world: World, number: str = "INV/7") -> None:
    finish(world, sent("create_invoice")[0], "verified", external_id="70", external_number=number,
           remote_total=D("9.00"))  # fmt: skip


def test_the_destination_makes_the_bill_and_books_its_payment(world: World, placed: Order) -> None:
    name(world.shop, "bacs", "bank")
    [choice] = bills.list_choices(placed)
    assert (choice.where, choice.chosen, choice.method) == ("ERP", "7", "bacs")
    assert [(one.code, one.label) for one in choice.types] == [("7", "Bank"), ("8", "Till")]
    bill = make(placed, choice.chosen)
    [command] = sent("create_invoice")
    document = build_bill(command=command, at=NOON)
    assert (document.reference, document.order_external_id, document.number) == ("A-1001-B", "17", "")
    assert sent("create_payment") == []
    answer(world)
    bill.refresh_from_db()
    assert (bill.state, bill.number, bill.payment_type) == ("made", "INV/7", "bank")
    [payment] = sent("create_payment")
    assert payment.line == command.line, "behind the bill"
    paid = build_payment(command=payment, at=NOON)
    assert (paid.invoice_external_id, paid.method, paid.amount, paid.reference) == ("70", "7", D("9.00"), "A-1001-P1")
    assert [(row.external_id, row.total) for row in Invoice.plain.all()] == [("70", D("9.00"))]
    record = r.InvoiceRecord(external_id="70", order_external_id="17", number="INV/7", currency="GBP", total=D("9.00"),
                             state=r.DocumentState.DONE)  # fmt: skip
    assert world.apply(world.erp, "invoice", record).updated == 1, "read from there it is the same one"
    assert Invoice.plain.count() == 1


def test_a_second_bill_is_not_made(world: World, placed: Order) -> None:
    make(placed, "7")
    with pytest.raises(NotPossible, match="it has one, or is not placed there yet"):
        make(placed, "7")
    assert (Bill.plain.count(), len(sent("create_invoice"))) == (1, 1)


def test_an_unknown_way_of_paying_is_never_guessed(world: World, placed: Order) -> None:
    assert bills.list_choices(placed)[0].chosen == "", "nobody mapped bacs"
    for payment in ("", "9"):
        with pytest.raises(ValueError, match="Choose how it is paid"):
            make(placed, payment)
    assert not Bill.plain.exists()


def test_a_choice_is_remembered_where_the_person_says_so(world: World, placed: Order) -> None:
    make(placed, "8", remember=True)
    names = dict(ValueMapping.plain.filter(kind="payment").values_list("theirs", "ours"))
    assert names == {"7": "bank", "8": "Till", "bacs": "Till"}
    assert bills._offer(placed, placed.fulfilment_orders.get()).chosen == "8"


def test_it_can_be_corrected_until_the_destination_has_the_payment(world: World, placed: Order) -> None:
    bill = make(placed, "7")
    assert bills.correct(bill_id=bill.pk, payment="8", remember=False, by="bob", at=NOON).payment_code == "8"
    answer(world)
    assert build_payment(command=sent("create_payment")[0], at=NOON).method == "8"
    with pytest.raises(NotPossible, match="ERP has the payment of bill INV/7: change it there"):
        bills.correct(bill_id=bill.pk, payment="7", remember=False, by="bob", at=NOON)
    assert placed.timeline.get(code="bill_corrected").actor == "bob"


def test_a_bill_given_up_can_be_made_anew(world: World, placed: Order) -> None:
    make(placed, "7")
    finish(world, sent("create_invoice")[0], "needs_fix", message="No account.")
    assert Bill.plain.get().state == "refused"
    finish(world, sent("create_invoice")[0], "withdrawn")
    assert Bill.plain.get().state == "given_up"
    make(placed, "8")
    assert [command.revision for command in sent("create_invoice")] == [1, 2]
    assert Bill.plain.get().payment_code == "8"


def test_money_that_came_with_the_bill_is_counted_and_told_to_the_shop(world: World) -> None:
    stocked(world, "MUG")
    name(world.erp, "8", "cash", "Till")
    row = place(world, order("1001", ("MUG", 2, "4.50"), paid=False, cash_on_delivery=True), "501")
    make(row, "8", paid=True)
    row.refresh_from_db()
    assert (row.captured, row.financial) == (D("9.00"), "paid")
    to_shop = Command.plain.get(kind="create_payment", connection=world.shop)
    document = build_payment(command=to_shop, at=NOON)
    assert (document.order_external_id, document.amount, document.complete) == ("1001", D("9.00"), True)
    answer(world)
    assert build_payment(command=sent("create_payment")[0], at=NOON).method == "8"
    assert Payment.plain.count() == 1


# --- of our own -------------------------------------------------------------------------------------------------------


@pytest.fixture
def alone(world: World) -> Order:
    """A merchant without a back office."""
    world.erp.flows.all().delete()
    take(world, order("1001", ("MUG", 2, "4.50")))
    return Order.plain.get()


def test_a_merchant_without_one_gets_numbered_bills_that_never_change(world: World, alone: Order) -> None:
    [choice] = bills.list_choices(alone)
    assert (choice.part, [one.code for one in choice.types]) == (None, ["bank transfer", "card", "cash", "on account"])
    bill = make(alone, "cash")
    assert (bill.number, bill.state, bill.payment_type) == ("000001", "made", "cash")
    assert bill.content["lines"] == [
        {"name": "MUG MUG", "quantity": "2", "net": "9.00", "tax": "0.00", "gross": "9.00"}
    ]
    alone.lines.update(name="Renamed")
    Order.plain.filter(pk=alone.pk).update(total=D("1.00"))
    bill.refresh_from_db()
    assert (bill.content["gross"], bill.content["lines"][0]["name"], bill.total) == ("9.00", "MUG MUG", D("9.00"))
    assert not Command.plain.exists()
    assert derive(alone).simple == "Delivered", "billed, where nobody ships"


def test_numbers_are_each_merchants_own_and_none_is_left_out(world: World, alone: Order) -> None:
    make(alone, "cash")
    with pytest.raises(NotPossible):
        make(alone, "cash")
    with pytest.raises(ValueError, match="Choose how it is paid"):
        make_second(world, "barter")
    assert make_second(world, "card").number == "000002"
    other = make_world("Other")
    other.erp.flows.all().delete()
    other.apply(other.shop, "order", order("1001", ("MUG", 1, "1.00")))
    theirs = Order.plain.get(merchant=other.merchant)
    assert make(theirs, "cash").number == "000001"
    assert BillSeries.plain.count() == 2


def make_second(world: World, payment: str) -> Bill:
    take(world, order("1002", ("MUG", 1, "4.50")))
    return make(Order.plain.get(number="1002"), payment)


def test_our_own_way_of_paying_is_preselected_and_can_be_corrected(world: World, alone: Order) -> None:
    name(world.shop, "bacs", "bank transfer")
    assert bills.list_choices(alone)[0].chosen == "bank transfer"
    bill = make(alone, "bank transfer")
    row = bills.correct(bill_id=bill.pk, payment="cash", remember=True, by="bob", at=NOON)
    assert (row.payment_type, row.number) == ("cash", "000001")
    assert ValueMapping.plain.get(theirs="bacs").ours == "cash"
