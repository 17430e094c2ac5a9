"""An order's whole life in Odoo: what we tell it, what its people do, and what every read then says, exactly."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from integrations.contract import records as r
from integrations.contract.errors import OutcomeUnknown, Rejected
from tests.connectors.odoo.live import PLACED_AT, TAX_5, TAX_20, Live, customer, line, live_odoo, order

D = Decimal
State = r.DocumentState


class Shop:
    """Ten mugs and ten books in Odoo, a delivery fee, and a buyer who is not known there yet."""

    def __init__(self, live: Live) -> None:
        self.live, self.odoo, self.staff = live, live.odoo, live.staff
        self.mug = str(self.staff.product("MUG", price="12.50", stock="10"))
        self.book = str(self.staff.product("BOOK", price="7.99", stock="10"))
        self.fee = live.service("Delivery", "4.95")

    def document(self, reference: str = "N-1001", buyer: str = "") -> r.OrderDocument:
        return order(
            reference,
            buyer or self.odoo.create_customer(customer("C-77")).external_id,
            line(self.mug, "3", "12.50", "7.50", TAX_20, sku="MUG", name="Mug"),
            line(self.book, "2", "7.99", "0.80", TAX_5, sku="BOOK", name="Book"),
            line("", "1", "4.95", "0.99", TAX_20, item_external_id=self.fee, kind=r.LineKind.SHIPPING, name="Delivery"),
        )

    def ship(self, number: str, tracking: str, **quantities: str) -> dict[str, Any]:
        """The open delivery leaves: these, or without any named, all that is reserved."""
        lines = [{"sku": sku, "quantity": quantity} for sku, quantity in quantities.items()]
        found: dict[str, Any] = self.staff.control(
            "shipments", {"order": number, "lines": lines or None, "tracking": tracking}
        )
        return found

    def free(self) -> dict[str, Decimal]:
        """By pull_stock: what can still be promised of mugs and books."""
        rows = {row.external_id: row.quantity for row in self.odoo.pull_stock(None, "").records}
        assert rows.keys() == {self.mug, self.book}, "a service has no stock"
        return {"MUG": rows[self.mug], "BOOK": rows[self.book]}

    def amounts(self, lines: tuple[r.OrderLineRecord, ...]) -> list[tuple[str, Decimal, Decimal, Decimal, Decimal]]:
        return [(one.variant_external_id, one.quantity, one.net, one.tax, one.gross) for one in lines]


@pytest.fixture
def shop() -> Iterator[Shop]:
    with live_odoo() as live:
        yield Shop(live)


# --- from the quotation to the money back ----------------------------------------------------------------------------


def test_a_customer_is_looked_for_made_once_and_found(shop: Shop) -> None:
    assert list(shop.odoo.find_customer("C-77")) == []
    made = shop.odoo.create_customer(customer("C-77"))
    (found,) = shop.odoo.find_customer("C-77")
    assert (found.external_id, found.number) == (made.external_id, "C-77")
    row = shop.staff.one("res.partner", int(made.external_id), "name", "email", "street", "zip", "country_id", "ref")
    assert (row["name"], row["email"], row["ref"]) == ("Ada Lovelace", "ada@example.com", "C-77")
    assert (row["street"], row["zip"], row["country_id"][1]) == ("12 Dorset Street", "W1U 6QS", "United Kingdom")


def test_an_order_is_placed_delivered_billed_and_paid(shop: Shop) -> None:
    odoo, before = shop.odoo, datetime.now(UTC).replace(microsecond=0)
    assert shop.free() == {"MUG": D(10), "BOOK": D(10)}
    document = shop.document()
    assert document.total == D("67.72")
    placed = odoo.create_order(document)
    number = placed.external_id
    assert (placed.total, placed.line_count, placed.currency, placed.state) == (D("67.72"), 3, "GBP", State.OPEN)

    read = odoo.fetch_order(number)
    assert (read.number, read.total, read.currency, read.status_text) == (placed.number, D("67.72"), "GBP", "sale")
    assert (read.cancelled, read.fulfilment, read.location_external_id) == (False, r.FulfilmentStatus.UNFULFILLED, "1")
    assert read.customer == r.CustomerRecord(external_id=document.customer_external_id, name="Ada Lovelace")
    assert read.placed_at >= before, "Odoo's date is the confirmation's"
    assert shop.amounts(read.lines) == [
        (shop.mug, D(3), D("37.5"), D("7.5"), D("45.0")),
        (shop.book, D(2), D("15.98"), D("0.8"), D("16.78")),
        (shop.fee, D(1), D("4.95"), D("0.99"), D("5.94")),
    ]
    assert shop.free() == {"MUG": D(7), "BOOK": D(8)}

    assert odoo.pull_shipments(None, "").records == ()
    first = shop.ship(number, "TR-1", MUG="2")
    assert odoo.fetch_order(number).fulfilment is r.FulfilmentStatus.PARTIALLY_FULFILLED
    second = shop.ship(number, "TR-2")
    assert odoo.fetch_order(number).fulfilment is r.FulfilmentStatus.FULFILLED
    shipments = odoo.pull_shipments(None, "").records
    assert [(one.external_id, one.number, one.tracking_number) for one in shipments] == [
        (first["id"], first["number"], "TR-1"),
        (second["id"], second["number"], "TR-2"),
    ]
    assert {(one.order_external_id, one.state) for one in shipments} == {(number, State.DONE)}
    assert [[(x.variant_external_id, x.quantity) for x in one.lines] for one in shipments] == [
        [(shop.mug, D(2))],
        [(shop.mug, D(1)), (shop.book, D(2))],
    ]
    assert all(one.shipped_at and one.shipped_at >= before for one in shipments)
    assert shop.free() == {"MUG": D(7), "BOOK": D(8)}, "what left was promised already"

    assert odoo.pull_invoices(None, "").records == ()
    invoice = odoo.create_invoice(
        r.InvoiceDocument(reference="N-1001", order_external_id=number, order_reference="N-1001")
    )
    assert (invoice.total, invoice.line_count, invoice.state) == (D("67.72"), 3, State.OPEN)
    (billed,) = odoo.pull_invoices(None, "").records
    assert (billed.external_id, billed.order_external_id, billed.credit) == (invoice.external_id, number, False)
    assert (billed.total, billed.open_amount, billed.currency, billed.state) == (
        D("67.72"), D("67.72"), "GBP", State.OPEN,
    )  # fmt: skip
    assert [(x.variant_external_id, x.quantity, x.net, x.tax) for x in billed.lines] == [
        (shop.mug, D(3), D("37.5"), D("7.5")),
        (shop.book, D(2), D("15.98"), D("0.80")),
        (shop.fee, D(1), D("4.95"), D("0.99")),
    ]
    buyer = document.customer_external_id
    assert odoo.get_account(buyer) == r.AccountRecord(customer_external_id=buyer, currency="GBP", balance=D("67.72"))

    shop.live.pay(invoice.external_id, "50.00")
    (billed,) = odoo.pull_invoices(None, "").records
    assert (billed.open_amount, billed.state) == (D("17.72"), State.OPEN)
    shop.live.pay(invoice.external_id, "17.72")
    (billed,) = odoo.pull_invoices(None, "").records
    assert (billed.total, billed.open_amount, billed.state) == (D("67.72"), D(0), State.DONE)
    assert odoo.get_account(buyer).balance == 0


def test_what_came_back_is_taken_in_and_its_money_given_back(shop: Shop) -> None:
    odoo = shop.odoo
    document = shop.document()
    number = odoo.create_order(document).external_id
    delivery = shop.ship(number, "TR-1")
    invoice = odoo.create_invoice(
        r.InvoiceDocument(reference="N-1001", order_external_id=number, order_reference="N-1001")
    )
    shop.live.pay(invoice.external_id, "67.72")
    one_mug = line(shop.mug, "1", "12.50", "2.50", TAX_20, sku="MUG")

    back = odoo.create_return(
        r.ReturnDocument(reference="N-1001-B1", order_external_id=number, order_reference="N-1001", lines=(one_mug,))
    )
    assert back.state is State.OPEN
    assert shop.free() == {"MUG": D(7), "BOOK": D(8)}, "nothing has come yet"
    (waiting,) = odoo.pull_returns(None, "").records
    assert (waiting.external_id, waiting.order_external_id, waiting.state) == (back.external_id, number, State.OPEN)
    shop.staff.call("stock.picking", "button_validate", [int(back.external_id)])
    (taken,) = odoo.pull_returns(None, "").records
    assert (taken.number, taken.reason, taken.state) == (back.number, "N-1001-B1", State.DONE)
    assert [(x.variant_external_id, x.quantity) for x in taken.lines] == [(shop.mug, D(1))]
    assert shop.free() == {"MUG": D(8), "BOOK": D(8)}
    assert [one.external_id for one in odoo.pull_shipments(None, "").records] == [delivery["id"]], "a return is none"

    credit = odoo.create_refund(
        r.RefundDocument(
            reference="N-1001-R1", order_external_id=number, order_reference="N-1001", currency="GBP",
            amount=D("15.00"), at=PLACED_AT, lines=(one_mug,),
        )
    )  # fmt: skip
    assert (credit.total, credit.line_count, credit.state) == (D("15.0"), 1, State.OPEN)
    documents = {one.external_id: one for one in odoo.pull_invoices(None, "").records}
    assert documents.keys() == {invoice.external_id, credit.external_id}
    note = documents[credit.external_id]
    assert (note.credit, note.total, note.open_amount, note.state) == (True, D("15.0"), D("15.0"), State.OPEN)
    assert note.order_external_id == number
    assert [(x.variant_external_id, x.quantity, x.net, x.tax) for x in note.lines] == [
        (shop.mug, D(1), D("12.5"), D("2.5"))
    ]
    buyer = document.customer_external_id
    assert odoo.get_account(buyer).balance == D("-15.0")
    shop.live.pay(credit.external_id, "15.00")
    documents = {one.external_id: one for one in odoo.pull_invoices(None, "").records}
    assert (documents[credit.external_id].open_amount, documents[credit.external_id].state) == (D(0), State.DONE)
    assert (documents[invoice.external_id].open_amount, documents[invoice.external_id].state) == (D(0), State.DONE)
    assert odoo.get_account(buyer).balance == 0


def test_payments_settle_the_invoice_once_and_name_their_order(shop: Shop) -> None:
    odoo = shop.odoo
    number = odoo.create_order(shop.document()).external_id
    other = odoo.create_order(shop.document("N-2002")).external_id
    shop.ship(number, "TR-1")
    made = r.InvoiceDocument(reference="N-1001-B", order_external_id=number, order_reference="N-1001")
    invoice = odoo.create_invoice(made)
    bank = next(one.code for one in odoo.list_values("payment") if one.label.startswith("Bank"))
    document = r.PaymentDocument(
        reference="N-1001-P1", order_external_id=number, order_reference="N-1001", currency="GBP", amount=D("60.00"),
        invoice_external_id=invoice.external_id, method=bank, at=PLACED_AT,
    )  # fmt: skip
    paid = odoo.create_payment(document)
    assert (paid.total, paid.currency, paid.state) == (D("60.00"), "GBP", State.DONE)
    (billed,) = odoo.pull_invoices(None, "").records
    assert (billed.open_amount, billed.state) == (D("7.72"), State.OPEN)
    assert [one.external_id for one in odoo.find_payment("N-1001-P1")] == [paid.external_id]
    ahead = odoo.create_payment(
        replace(document, reference="N-2002-P1", order_external_id=other, invoice_external_id="", amount=D("1.00"))
    )
    read = {one.external_id: one for one in odoo.pull_payments(None, "").records}
    assert read.keys() == {paid.external_id, ahead.external_id}
    mine = read[paid.external_id]
    assert (mine.order_external_id, mine.reference, mine.amount, mine.kind) == (
        number, "N-1001-P1", D("60.00"), r.PaymentKind.CAPTURE,
    )  # fmt: skip
    assert (mine.method, mine.currency) == (bank, "GBP")
    assert read[ahead.external_id].order_external_id == "", "it settles no invoice yet"
    with pytest.raises(Rejected, match="payment 'cash' is not an Odoo id"):
        odoo.create_payment(replace(document, reference="N-1001-P2", method="cash"))
    assert odoo.find_payment("N-1001-P2") == []


def test_an_order_cancelled_there_is_read_as_cancelled(shop: Shop) -> None:
    number = shop.odoo.create_order(shop.document()).external_id
    (read,) = shop.odoo.pull_orders(None, "").records
    assert (read.external_id, read.cancelled) == (number, False)
    shop.staff.call("sale.order", "action_cancel", [int(number)])
    (read,) = shop.odoo.pull_orders(None, "").records
    assert (read.external_id, read.cancelled) == (number, True)


def test_a_return_says_why_and_that_it_is_not_for_stock(shop: Shop) -> None:
    number = shop.odoo.create_order(shop.document()).external_id
    shop.ship(number, "TR-1")
    mug = line(shop.mug, "1", "12.50", "2.50", TAX_20, sku="MUG")
    made = r.ReturnDocument(reference="N-1001-T1", order_external_id=number, order_reference="N-1001", lines=(mug,),
                            reason="damaged: <cracked>", restock=False)  # fmt: skip
    back = shop.odoo.create_return(made)
    note = shop.staff.one("stock.picking", int(back.external_id), "note")["note"]
    assert note == "<p>damaged: &lt;cracked&gt;</p><p>Do not put these goods back into stock.</p>"
    (read,) = shop.odoo.pull_returns(None, "").records
    assert read.reference == "N-1001-T1"


def test_each_pull_then_brings_only_what_moved_since(shop: Shop) -> None:
    odoo = shop.odoo
    number = odoo.create_order(shop.document()).external_id
    shop.ship(number, "TR-1", MUG="1")
    page = odoo.pull_shipments(None, "")
    assert page.since is not None
    later = datetime.now(UTC).replace(year=2030)
    assert odoo.pull_shipments(later, "").records == ()
    assert odoo.pull_shipments(later, "").since == later
    shop.ship(number, "TR-2")
    assert [one.tracking_number for one in odoo.pull_shipments(page.since, "").records] == ["TR-1", "TR-2"]


def test_more_than_was_delivered_is_not_taken_back(shop: Shop) -> None:
    number = shop.odoo.create_order(shop.document()).external_id
    document = r.ReturnDocument(
        reference="N-1001-B1", order_external_id=number, order_reference="N-1001",
        lines=(line(shop.mug, "1", "12.50", "2.50", TAX_20),),
    )  # fmt: skip
    with pytest.raises(Rejected) as caught:
        shop.odoo.create_return(document)
    assert caught.value.code == "NOTHING_DELIVERED"
    assert shop.odoo.pull_returns(None, "").records == ()


# --- cancelled -------------------------------------------------------------------------------------------------------


def test_a_cancelled_order_frees_its_goods_and_moves_nothing(shop: Shop) -> None:
    odoo, document = shop.odoo, shop.document()
    placed = odoo.create_order(document)
    number = placed.external_id
    assert shop.free() == {"MUG": D(7), "BOOK": D(8)}
    for _ in range(2):
        gone = odoo.cancel_order(number)
        assert (gone.success, gone.state, gone.total) == (True, State.CANCELLED, D("67.72"))
    read = odoo.fetch_order(number)
    assert (read.cancelled, read.fulfilment, read.status_text) == (True, r.FulfilmentStatus.CANCELLED, "cancel")
    assert shop.free() == {"MUG": D(10), "BOOK": D(10)}
    (found,) = odoo.find_order("N-1001")
    assert (found.external_id, found.state) == (number, State.CANCELLED), "so that it is not taken for a live one"
    assert odoo.list_customer_orders(document.customer_external_id, None) == []
    assert odoo.pull_shipments(None, "").records == ()
    with pytest.raises(Rejected, match="No items are available to invoice"):
        odoo.create_invoice(r.InvoiceDocument(reference="N-1001", order_external_id=number, order_reference="N-1001"))
    assert odoo.pull_invoices(None, "").records == ()
    assert odoo.get_account(document.customer_external_id).balance == 0


def test_what_had_left_stays_delivered_when_the_rest_is_cancelled(shop: Shop) -> None:
    odoo = shop.odoo
    number = odoo.create_order(shop.document()).external_id
    shop.ship(number, "TR-1", MUG="1")
    shop.staff.control("cancellations", {"order": number})
    assert odoo.fetch_order(number).cancelled
    (left,) = odoo.pull_shipments(None, "").records
    assert [(x.variant_external_id, x.quantity) for x in left.lines] == [(shop.mug, D(1))]
    assert shop.free() == {"MUG": D(9), "BOOK": D(10)}


def test_a_line_is_cancelled_and_the_others_go_on(shop: Shop) -> None:
    odoo, document = shop.odoo, shop.document()
    number = odoo.create_order(document).external_id
    less = odoo.cancel_order(number, [replace(document.lines[0], quantity=D(2))])
    assert (less.success, less.total, less.state) == (True, D("37.72"), State.OPEN)
    assert shop.amounts(odoo.fetch_order(number).lines)[0] == (shop.mug, D(1), D("12.5"), D("2.5"), D("15.0"))


def test_a_locked_order_answers_no_and_stays(shop: Shop) -> None:
    number = shop.odoo.create_order(shop.document()).external_id
    shop.staff.call("sale.order", "action_lock", [int(number)])
    answer = shop.odoo.cancel_order(number)
    assert (answer.success, answer.message) == (
        False, "You cannot cancel a locked order. Please unlock it first.",
    )  # fmt: skip
    assert not shop.odoo.fetch_order(number).cancelled


# --- done twice ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("lost", ["sale.order/create", "sale.order/action_confirm"])
def test_an_order_whose_answer_was_lost_is_found_once_and_finished(shop: Shop, lost: str) -> None:
    """The trap: nothing in Odoo makes our reference unique, so a second create would be a second order."""
    document = shop.document()
    neighbour = shop.odoo.create_order(shop.document("N-10011", document.customer_external_id)).external_id
    shop.staff.dials(match=lost, error_after_commit=1)
    with pytest.raises(OutcomeUnknown):
        shop.odoo.create_order(document)
    shop.staff.dials(match="", error_after_commit=0)
    (found,) = shop.odoo.find_order("N-1001")
    assert found.external_id != neighbour
    assert (found.total, found.line_count) == (D("67.72"), 3)
    assert found.state is (State.DRAFT if lost.endswith("create") else State.OPEN)
    for _ in range(2):
        done = shop.odoo.complete_order(found.external_id)
        assert (done.external_id, done.total, done.state) == (found.external_id, D("67.72"), State.OPEN)
    references = [(row["reference"], row["state"]) for row in shop.staff.facts("orders")]
    assert sorted(references) == [("N-1001", "sale"), ("N-10011", "sale")]
    assert shop.free() == {"MUG": D(4), "BOOK": D(6)}, "reserved once for each of the two"


def test_an_order_made_twice_is_seen_to_be_two(shop: Shop) -> None:
    document = shop.document()
    made = [shop.odoo.create_order(document).external_id for _ in range(2)]
    assert [one.external_id for one in shop.odoo.find_order("N-1001")] == made


def test_an_invoice_asked_for_twice_is_one(shop: Shop) -> None:
    number = shop.odoo.create_order(shop.document()).external_id
    shop.ship(number, "TR-1")
    document = r.InvoiceDocument(reference="N-1001", order_external_id=number, order_reference="N-1001")
    shop.staff.dials(match="create_invoices", error_after_commit=1)
    with pytest.raises(OutcomeUnknown):
        shop.odoo.create_invoice(document)
    shop.staff.dials(match="", error_after_commit=0)
    first, second = shop.odoo.create_invoice(document), shop.odoo.create_invoice(document)
    assert (first.external_id, first.total, first.state) == (second.external_id, D("67.72"), State.OPEN)
    assert [one.external_id for one in shop.odoo.find_invoice("N-1001")] == [first.external_id]
    assert [row["total"] for row in shop.staff.facts("invoices")] == ["67.72"]


@pytest.mark.parametrize("lost", ["account.move/create", "account.move/action_post"])
def test_a_credit_note_whose_answer_was_lost_is_found_once_and_posted(shop: Shop, lost: str) -> None:
    number = shop.odoo.create_order(shop.document()).external_id
    document = r.RefundDocument(
        reference="N-1001-R1", order_external_id=number, order_reference="N-1001", currency="GBP",
        amount=D("15.00"), at=PLACED_AT, lines=(line(shop.mug, "1", "12.50", "2.50", TAX_20),),
    )  # fmt: skip
    shop.staff.dials(match=lost, error_after_commit=1)
    with pytest.raises(OutcomeUnknown):
        shop.odoo.create_refund(document)
    shop.staff.dials(match="", error_after_commit=0)
    (found,) = shop.odoo.find_refund("N-1001-R1")
    for _ in range(2):
        assert shop.odoo.complete_refund(found.external_id).state is State.OPEN
    (posted,) = shop.staff.facts("refunds")
    assert (posted["reference"], posted["total"]) == ("N-1001-R1", "15.00")


def test_a_customer_whose_answer_was_lost_is_found_once(shop: Shop) -> None:
    shop.staff.dials(match="res.partner/create", error_after_commit=1)
    with pytest.raises(OutcomeUnknown):
        shop.odoo.create_customer(customer("C-77"))
    shop.staff.dials(match="", error_after_commit=0)
    assert [one.number for one in shop.odoo.find_customer("C-77")] == ["C-77"]


def test_a_stock_figure_applied_twice_is_that_figure(shop: Shop) -> None:
    """The other trap: Odoo's second apply without a fresh count would count 0."""
    push = r.StockPush(key="MUG", external_id=shop.mug, quantity=D(25))
    for _ in range(2):
        assert [one.outcome for one in shop.odoo.push_stock([push])] == [r.PushOutcome.SENT]
        assert shop.free()["MUG"] == 25
    shop.staff.dials(match="action_apply_inventory", error_after_commit=1)
    assert [one.outcome for one in shop.odoo.push_stock([replace(push, quantity=D(9))])] == [r.PushOutcome.UNKNOWN]
    shop.staff.dials(match="", error_after_commit=0)
    assert [one.outcome for one in shop.odoo.push_stock([replace(push, quantity=D(9))])] == [r.PushOutcome.SENT]
    assert shop.free()["MUG"] == 9


def test_the_last_goods_that_came_in_say_what_they_cost(shop: Shop) -> None:
    odoo = shop.live.with_settings(inward_prices=True)
    before = datetime.now(UTC).replace(microsecond=0)
    shop.live.receive(shop.mug, quantity=6, price=4.10)
    shop.live.receive(shop.mug, quantity=3, price=3.95)
    rows = [row for row in odoo.pull_prices(None, "").records if row.slot == r.INWARD_SLOT]
    assert [(row.external_id, row.amount, row.currency) for row in rows] == [(shop.mug, D("3.95"), "GBP")]
    assert rows[0].inward_at is not None
    assert before <= rows[0].inward_at <= datetime.now(UTC)
    assert shop.free() == {"MUG": D(19), "BOOK": D(10)}
    plain = shop.odoo.pull_prices(None, "").records
    assert {row.slot for row in plain} == {""}, "only where it is asked for"
