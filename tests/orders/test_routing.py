"""Orders to several back offices by rules: whose is what, when it is sent, and that all of it stays the order."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from django.db import connection as database
from django.test.utils import CaptureQueriesContext

from catalog.models import Product, Reservation, StockRecord
from integrations.contract import records as r
from integrations.models import Command, Connection, Flow, Hold, ValueMapping
from integrations.sync import connections, replay
from integrations.sync.documents import CancelRequest
from integrations.sync.values import map_value
from orders.models import FulfilmentOrder, FulfilmentShare, Invoice, Order, OrderLine, RoutingRule
from orders.outbound import build_order, build_refund
from orders.services import cancelling, edits, moving, rules
from orders.services.parts import list_part_lines
from tests.orders.routes import add_places, add_rule, connect, describe, list_commands
from tests.orders.test_intake import MINUTE, State, finish, take
from tests.world import NOON, D, World, order, stocked

LATER = NOON + 2 * MINUTE


@pytest.fixture
def berlin(world: World) -> Connection:
    """A second ERP; both have mugs and cups, of which there are ten each."""
    stocked(world, "MUG", "CUP")
    Product.plain.filter(merchant=world.merchant, variants__code="MUG").update(categories=["Mugs"], brand="Acme")
    return connect(world, "Berlin", "MUG", "CUP")


@pytest.fixture
def split(world: World, berlin: Connection) -> Order:
    """Mugs from Berlin, cups from the ERP, shipping by value; on its way to both."""
    add_rule(world, berlin, name="Mugs", categories="Mugs", takes="lines", extras="value")
    add_rule(world, world.erp, name="All else")
    for there in (world.erp, berlin):
        row = ValueMapping(merchant=world.merchant, connection=there, kind="special_line", theirs="77", ours="shipping")
        row.save()
    take(world, parcel())
    return Order.plain.get()


def parcel(*, mugs: int = 2, cups: int = 1, **more: Any) -> r.OrderRecord:
    """Mugs at 4.50, cups at 3.25, and 5.00 of shipping."""
    record = order("1001", ("MUG", mugs, "4.50"), ("CUP", cups, "3.25"), **more)
    freight = r.OrderLineRecord(
        external_id="f", kind=r.LineKind.SHIPPING, name="DHL", unit_price=D(5), net=D(5), gross=D(5)
    )
    total = record.total + 5
    payments = tuple(replace(payment, amount=total) for payment in record.payments)
    return replace(record, lines=(*record.lines, freight), total=total, payments=payments)


def command(there: Connection, kind: str = "create_order") -> Command:
    return Command.plain.filter(connection=there, kind=kind).order_by("-pk")[:1].get()


def place(world: World, there: Connection, number: str, kind: str = "create_order") -> None:
    finish(world, command(there, kind), State.VERIFIED, external_id=number, external_number=f"S{number}")


def test_without_rules_everyone_who_takes_orders_gets_it(world: World, berlin: Connection) -> None:
    take(world, order("1001", ("MUG", 1, "4.50")))
    row = Order.plain.get()
    assert describe(row) == [("ERP", "A-1001", "queued", None, "order"), ("Berlin", "A-1001", "queued", None, "order")]
    assert row.fulfilment_orders.get(number=2).why == (
        "Berlin, because it gets the orders of Shop A and no rules are set."
    )


def test_the_first_rule_that_takes_it_wins_and_the_part_keeps_which(world: World, berlin: Connection) -> None:
    german = add_rule(world, berlin, name="Germany from Berlin", countries="DE")
    add_rule(world, world.erp, name="All else")
    take(world, order("1001", ("MUG", 1, "4.50"), shipping=r.AddressRecord(country="DE", postcode="10115")))
    take(world, order("1002", ("MUG", 1, "4.50"), shipping=r.AddressRecord(country="FR")))
    part = FulfilmentOrder.plain.get(order__number="1001")
    assert (part.destination, part.rule, part.rule_version, part.reference) == (berlin, german, 1, "A-1001")
    assert part.why == "Berlin, because rule 1 “Germany from Berlin”: country is DE."
    german.countries = "FR"
    rules.save_rule(rule=german, at=LATER)
    part.refresh_from_db()
    assert (german.version, part.rule_version) == (2, 1), "what was sent keeps the version that sent it"
    assert describe(Order.plain.get(number="1002")) == [("ERP", "A-1002", "queued", None, "order")]


def test_an_order_no_rule_takes_waits_and_goes_once_one_does(world: World, berlin: Connection) -> None:
    add_rule(world, berlin, countries="DE")
    take(world, order("1001", ("MUG", 1, "4.50")))
    row = Order.plain.get()
    waits = Hold.plain.get(ended_at=None)
    assert (waits.reason, waits.key) == ("no_route", "route:")
    assert waits.message == (
        "No rule says where order #1001 goes: add one under Settings → Routing rules, or one without conditions."
    )
    assert (row.intake, describe(row), list_commands()) == ("received", [], [])
    assert Reservation.plain.get().quantity == 1, "it is promised all the same"
    add_rule(world, world.erp, name="All else")
    assert not Hold.plain.filter(ended_at=None).exists()
    assert describe(row) == [("ERP", "A-1001", "queued", None, "order")]


def test_a_rule_to_where_no_orders_are_taken_holds_the_order(world: World, berlin: Connection) -> None:
    add_rule(world, berlin)
    Flow.plain.filter(connection=berlin).update(enabled=False)
    take(world, order("1001", ("MUG", 1, "4.50")))
    assert "Rule “R1” sends it to Berlin, which takes no orders" in Hold.plain.get(ended_at=None).message
    assert list_commands() == []


def test_until_it_is_sent_an_order_follows_the_rules_as_they_are(world: World, berlin: Connection) -> None:
    add_rule(world, world.erp)
    take(world, order("1001", ("MUG", 1, "4.50"), paid=False))
    assert describe(Order.plain.get()) == [("ERP", "A-1001", "waiting", None, "order")]
    add_rule(world, berlin, position=0)
    take(world, order("1001", ("MUG", 1, "4.50"), updated_at=LATER))
    assert describe(Order.plain.get()) == [("Berlin", "A-1001", "queued", None, "order")]
    assert list_commands() == [("Berlin", "create_order", "A-1001", "pending")]


def test_lines_go_to_several_and_the_sums_are_the_orders(world: World, berlin: Connection, split: Order) -> None:
    assert describe(split) == [
        ("Berlin", "A-1001.1", "queued", D("12.67"), "order"),
        ("ERP", "A-1001.2", "queued", D("4.58"), "order"),
    ]
    documents = [build_order(command=command(there), at=NOON) for there in (berlin, world.erp)]
    assert [isinstance(one, r.OrderDocument) for one in documents] == [True, True]
    found = [
        (one.reference, one.total, [(line.variant_external_id or line.item_external_id, line.quantity, line.unit_price,
                                     line.gross) for line in one.lines])
        for one in documents if isinstance(one, r.OrderDocument)
    ]  # fmt: skip
    assert found == [
        (
            "A-1001.1",
            D("12.67"),
            [(f"{berlin.pk}-MUG", D(2), D("4.50"), D("9.00")), ("77", D(1), D("3.67"), D("3.67"))],
        ),
        ("A-1001.2", D("4.58"), [("e-CUP-CUP", D(1), D("3.25"), D("3.25")), ("77", D(1), D("1.33"), D("1.33"))]),
    ]
    assert sum(one.amount for one in Command.plain.all()) == split.total == D("17.25")


def test_accounting_gets_an_invoice_once_all_have_accepted(world: World, berlin: Connection, split: Order) -> None:
    connect(world, "Books", "MUG", "CUP", role="accounting", stream="invoice")
    books = Connection.plain.get(name="Books")
    ValueMapping(merchant=world.merchant, connection=books, kind="special_line", theirs="9", ours="shipping").save()
    take(world, replace(parcel(), external_id="2", number="1002"))
    row = Order.plain.get(number="1002")
    assert describe(row)[2] == ("Books", "A-1002", "waiting", None, "invoice")
    for there, number in ((berlin, "31"), (world.erp, "41")):
        assert not Command.plain.filter(connection=books).exists()
        place(world, there, number)
    assert list_commands("create_invoice") == [("Books", "create_invoice", "A-1002", "pending")]
    document = build_order(command=command(books, "create_invoice"), at=NOON)
    assert isinstance(document, r.InvoiceDocument)
    assert document.order is not None
    assert (document.order.total, len(document.order.lines)) == (D("17.25"), 3)
    finish(world, command(books, "create_invoice"), State.VERIFIED, external_id="71", external_number="INV/71",
           remote_total=D("17.25"))  # fmt: skip
    invoice = Invoice.plain.get()
    assert (invoice.number, invoice.total, invoice.fulfilment_order.order) == ("INV/71", D("17.25"), row)  # type: ignore[union-attr]


def test_what_waits_for_a_named_back_office_waits_for_no_other(world: World, berlin: Connection) -> None:
    Flow.plain.filter(connection=berlin).update(settings={"send_when": "accepted", "after": world.erp.public_id})
    last = connect(world, "Last", "MUG", "CUP", send_when="accepted", after=berlin.public_id)
    take(world, order("1001", ("MUG", 1, "4.50")))
    states = [state for _, _, state, _, _ in describe(Order.plain.get())]
    assert states == ["queued", "waiting", "waiting"]
    place(world, world.erp, "11")
    assert [state for _, _, state, _, _ in describe(Order.plain.get())] == ["placed", "queued", "waiting"]
    place(world, berlin, "12")
    assert command(last).reference == "A-1001"


def test_who_waits_for_an_acceptance_that_never_comes_is_not_asked(world: World, berlin: Connection) -> None:
    Flow.plain.filter(connection=berlin).update(settings={"send_when": "accepted"})
    take(world, order("1001", ("MUG", 1, "4.50")))
    finish(world, command(world.erp), State.NEEDS_FIX, message="No.")
    replay.say_never(command=command(world.erp), by=None, at=LATER, reason="Sold at the till")
    assert [state for _, _, state, _, _ in describe(Order.plain.get())] == ["never", "cancelled"]
    assert not Command.plain.filter(connection=berlin).exists()
    assert not Reservation.plain.filter(ended_at=None).exists()


def test_nobody_to_wait_for_is_said(world: World) -> None:
    stocked(world, "MUG")
    Flow.plain.filter(connection=world.erp, stream="order").update(settings={"send_when": "accepted"})
    take(world, order("1001", ("MUG", 1, "4.50")))
    assert "ERP waits until another back office has accepted order #1001" in Hold.plain.get(ended_at=None).message
    flow = Flow.plain.get(connection=world.erp, stream="order")
    assert rules.save_send_when(flow=flow, when="created", after=None, at=LATER) == 1
    take(world, order("1002", ("MUG", 1, "4.50"), paid=False))
    assert command(world.erp).reference == "A-1002"


def test_what_is_sent_when_shipped_goes_with_the_last_delivery(world: World, berlin: Connection) -> None:
    Flow.plain.filter(connection=berlin).update(settings={"send_when": "shipped"})
    take(world, order("1001", ("MUG", 2, "4.50")))
    place(world, world.erp, "11")
    assert not Command.plain.filter(connection=berlin).exists()
    gone = r.ShipmentRecord(
        external_id="d1", order_external_id="11", number="OUT/1", state=r.DocumentState.DONE,
        lines=(r.DocumentLineRecord(variant_external_id="e-MUG-MUG", quantity=D(2)),),
    )  # fmt: skip
    world.apply(world.erp, "shipment", gone)
    assert command(berlin).state == State.PENDING


# --- what happens to it later -----------------------------------------------------------------------------------------


def refund(*pieces: tuple[str, int, str], amount: str, number: str = "r1") -> r.RefundRecord:
    return r.RefundRecord(
        external_id=number, order_external_id="1001", amount=D(amount), at=NOON,
        lines=tuple(r.RefundLineRecord(order_line_external_id=pk, quantity=D(n), net=D(net)) for pk, n, net in pieces),
    )  # fmt: skip


def test_a_refund_goes_to_where_the_line_is(world: World, berlin: Connection, split: Order) -> None:
    place(world, berlin, "31")
    place(world, world.erp, "41")
    back = refund(("1001-0", 1, "4.50"), amount="4.50")
    take(world, replace(parcel(updated_at=LATER), refunds=(back,)))
    assert list_commands("create_refund") == [("Berlin", "create_refund", "A-1001-R1.1", "pending")]
    document = build_refund(command=command(berlin, "create_refund"), at=NOON)
    assert (document.order_external_id, document.amount) == ("31", D("4.50"))
    assert [(line.variant_external_id, line.quantity, line.gross) for line in document.lines] == [
        (f"{berlin.pk}-MUG", D(1), D("4.50"))
    ]


def test_a_refund_of_several_lines_is_parted_to_the_penny(world: World, berlin: Connection, split: Order) -> None:
    back = refund(("1001-0", 1, "4.50"), ("1001-1", 1, "3.25"), ("f", 1, "1.00"), amount="8.75")
    take(world, replace(parcel(updated_at=LATER), refunds=(back,)))
    rows = Command.plain.filter(kind="create_refund").order_by("pk")
    assert [(row.connection.name, row.amount) for row in rows] == [("Berlin", D("5.23")), ("ERP", D("3.52"))]
    for row in rows:
        finish(world, row, State.VERIFIED, external_id=f"9{row.pk}", external_number="RINV")
    split.refresh_from_db()
    assert (split.refund_pending, split.refunded) == (D(0), D("8.75"))


def test_a_cancellation_reaches_everyone_who_has_it(world: World, berlin: Connection, split: Order) -> None:
    place(world, berlin, "31")
    take(world, replace(parcel(updated_at=LATER), cancelled=True))
    assert [state for _, _, state, _, _ in describe(split)] == ["placed", "cancelled"]
    assert list_commands() == [
        ("Berlin", "create_order", "A-1001.1", "verified"),
        ("ERP", "create_order", "A-1001.2", "withdrawn"),
        ("Berlin", "cancel_order", "A-1001.1", "pending"),
    ]
    assert not Reservation.plain.filter(ended_at=None, settled_at=None).exists()


@pytest.fixture
def invoiced(world: World) -> Connection:
    """An order in the ERP, its invoice in the books."""
    stocked(world, "MUG")
    books = connect(world, "Books", "MUG", role="accounting", stream="invoice")
    take(world, order("1001", ("MUG", 2, "4.50")))
    place(world, world.erp, "11")
    place(world, books, "71", "create_invoice")
    return books


def test_a_cancellation_voids_the_invoice(world: World, invoiced: Connection) -> None:
    back = refund(("1001-0", 2, "9.00"), amount="9.00")
    gone = replace(order("1001", ("MUG", 2, "4.50"), updated_at=LATER), cancelled=True, refunds=(back,))
    take(world, gone)
    asked = command(invoiced, "cancel_invoice")
    assert build_order(command=asked, at=NOON) == CancelRequest(external_id="71")
    assert command(world.erp, "cancel_order").state == State.PENDING
    assert [row[0] for row in list_commands("create_refund")] == ["ERP"], "not voided and credited, too"
    finish(world, asked, State.ACCEPTED, r.CommandResult(external_id="71", success=False, message="It is paid."))
    assert [row[0] for row in list_commands("create_refund")] == ["ERP", "Books"], "it said no: credited instead"


def test_an_invoice_that_was_credited_is_not_voided(world: World, invoiced: Connection) -> None:
    back = refund(("1001-0", 2, "9.00"), amount="9.00")
    take(world, replace(order("1001", ("MUG", 2, "4.50"), updated_at=LATER), refunds=(back,)))
    document = build_refund(command=command(invoiced, "create_refund"), at=NOON)
    assert (document.invoice_external_id, document.order_external_id) == ("71", "")
    take(world, replace(order("1001", ("MUG", 2, "4.50"), updated_at=LATER + MINUTE), refunds=(back,), cancelled=True))
    assert not Command.plain.filter(kind="cancel_invoice").exists()
    assert command(world.erp, "cancel_order").state == State.PENDING
    assert "keeps the invoice S71" in Order.plain.get().timeline.get(code="invoice_kept").message


def push_edit(world: World, record: r.OrderRecord) -> Order:
    take(world, replace(record, updated_at=LATER))
    row = Order.plain.get()
    edits.push(order_id=row.pk, by="anna", at=LATER)
    return row


def test_an_edit_stays_with_the_parts_that_have_the_lines(world: World, berlin: Connection, split: Order) -> None:
    place(world, berlin, "31")
    place(world, world.erp, "41")
    push_edit(world, parcel(mugs=3))
    assert [(name, amount) for name, _, _, amount, _ in describe(split)] == [("Berlin", D("17.53")), ("ERP", D("4.22"))]
    assert list_commands("update_order") == [
        ("Berlin", "update_order", "A-1001.1", "pending"),
        ("ERP", "update_order", "A-1001.2", "pending"),
    ]
    split.refresh_from_db()
    assert split.total == D("21.75")
    assert sum(share.gross for share in FulfilmentShare.plain.all()) == D("21.75")


def test_a_part_that_an_edit_empties_is_cancelled_there_and_not_changed_to_nothing(
    world: World, berlin: Connection, split: Order
) -> None:
    place(world, berlin, "31")
    place(world, world.erp, "41")
    record = parcel()
    lines = (record.lines[0], record.lines[2])
    push_edit(world, replace(record, lines=lines, total=D("14.00"), payments=()))
    assert list_commands("update_order") == [("Berlin", "update_order", "A-1001.1", "pending")]
    assert list_commands("cancel_order") == [("ERP", "cancel_order", "A-1001.2", "pending")]
    cancel = command(world.erp, "cancel_order")
    assert build_order(command=cancel, at=LATER) == CancelRequest(external_id="41", lines=None)
    finish(world, cancel, State.ACCEPTED)
    assert [(name, state, amount) for name, _, state, amount, _ in describe(split)] == [
        ("Berlin", "placed", D("14.00")), ("ERP", "cancelled", D(0)),
    ]  # fmt: skip
    split.refresh_from_db()
    assert (split.fulfilment, split.total) == ("unfulfilled", D("14.00")), "the order itself goes on"


def test_a_part_that_is_emptied_before_it_was_sent_is_withdrawn(world: World, berlin: Connection, split: Order) -> None:
    place(world, berlin, "31")
    record = parcel()
    push_edit(world, replace(record, lines=(record.lines[0], record.lines[2]), total=D("14.00"), payments=()))
    assert command(world.erp).state == "withdrawn"
    assert list_commands("cancel_order") == []


def test_switching_a_flow_on_lets_go_what_had_nowhere_to_go(world: World) -> None:
    stocked(world, "MUG")
    add_rule(world, world.erp)
    flow = Flow.plain.get(connection=world.erp, stream="order")
    Flow.plain.filter(pk=flow.pk).update(enabled=False)
    take(world, order("1001", ("MUG", 1, "4.50")))
    assert list(Hold.plain.filter(ended_at=None).values_list("key", flat=True)) == ["route:"]
    connections.add_flow(world.erp, stream="order", direction="push", at=LATER)
    assert not Hold.plain.filter(ended_at=None).exists()
    assert command(world.erp).reference == "A-1001"


def test_a_new_line_goes_where_the_rules_send_it(world: World, berlin: Connection, split: Order) -> None:
    stocked(world, "PLATE")
    place(world, berlin, "31")
    place(world, world.erp, "41")
    record = parcel()
    plate = replace(record.lines[1], external_id="new", variant_external_id="s-PLATE", sku="PLATE")
    push_edit(world, replace(record, lines=(*record.lines, plate), total=record.total + D("3.25")))
    mine = FulfilmentShare.plain.filter(order_line__sku="PLATE").values_list("fulfilment_order__destination__name")
    assert list(mine.values_list("fulfilment_order__destination__name", flat=True)) == ["ERP"]
    assert sum(part.amount or D(0) for part in split.fulfilment_orders.all()) == D("20.50")


def test_an_invoice_made_before_the_change_is_a_persons_business(world: World, invoiced: Connection) -> None:
    push_edit(world, order("1001", ("MUG", 3, "4.50")))
    assert command(world.erp, "update_order").state == State.PENDING
    assert not Command.plain.filter(connection=invoiced, kind__startswith="update").exists()
    waits = Hold.plain.get(ended_at=None)
    assert (waits.reason, waits.key.partition(":")[0]) == ("invoiced", "invoiced")
    assert "correct S71 there" in waits.message


# --- where the stock is -----------------------------------------------------------------------------------------------


@pytest.fixture
def warehouses(world: World) -> RoutingRule:
    """Mugs in the North, cups in the South; the ERP knows both."""
    stocked(world, "MUG", "CUP")
    group, (north, south) = add_places(world, "NORTH", "SOUTH")
    for place_, theirs in ((north, "1"), (south, "2")):
        row = ValueMapping(
            merchant=world.merchant, connection=world.erp, kind="location", theirs=theirs, ours=place_.code
        )
        row.save()
    for sku, quantities in (("MUG", (2, 0)), ("CUP", (3, 3))):
        for place_, quantity in zip((north, south), quantities, strict=True):
            StockRecord(merchant=world.merchant, connection=world.erp, location=place_, variant=world.variant(sku),
                        quantity=D(quantity), basis="on_hand", read_at=NOON).save()  # fmt: skip
    return add_rule(world, world.erp, takes="stock", group=group, split_lines=True)


def where(number: str) -> list[tuple[str, str, int]]:
    parts = FulfilmentOrder.plain.filter(order__number=number).order_by("number").select_related("location")
    return [
        (
            part.location.name if part.location else "",
            part.reference,
            int(sum(share.quantity for share in part.shares.all())),
        )
        for part in parts
    ]


def test_goods_leave_where_they_are_and_what_is_promised_is_not_there(world: World, warehouses: RoutingRule) -> None:
    take(world, order("1001", ("CUP", 2, "3.25")))
    assert where("1001") == [("North", "A-1001", 0)]
    document = build_order(command=command(world.erp), at=NOON)
    assert isinstance(document, r.OrderDocument)
    assert document.location_external_id == "1"
    take(world, order("1002", ("CUP", 2, "3.25")))
    assert where("1002") == [("South", "A-1002", 0)], "two of the three in the North are promised"
    take(world, order("1003", ("CUP", 2, "3.25")))
    assert where("1003") == [("North", "A-1003.1", 1), ("South", "A-1003.2", 1)]
    take(world, order("1004", ("CUP", 1, "3.25")))
    assert where("1004") == [("North", "A-1004", 0)]
    assert "no location of its group has CUP" in FulfilmentOrder.plain.get(order__number="1004").why
    assert len(list_commands("create_order")) == 5


def test_a_location_the_back_office_does_not_know_is_asked_for(world: World, warehouses: RoutingRule) -> None:
    ValueMapping.plain.filter(kind="location", theirs="1").update(ours="")
    take(world, order("1001", ("MUG", 1, "4.50")))
    assert Hold.plain.get(ended_at=None).key == f"value:{world.erp.pk}:location:NORTH"
    row = ValueMapping.plain.get(kind="location", theirs="1")
    row.ours = "NORTH"
    map_value(row, at=LATER)
    assert command(world.erp).state == State.PENDING


def test_a_refund_fills_one_part_after_the_other(world: World, warehouses: RoutingRule) -> None:
    take(world, order("900", ("CUP", 1, "3.25")))
    take(world, order("1001", ("CUP", 5, "3.25")))
    assert where("1001") == [("North", "A-1001.1", 2), ("South", "A-1001.2", 3)]
    for amount, quantity, number in (("3.25", 1, "r1"), ("9.75", 3, "r2")):
        record = order("1001", ("CUP", 5, "3.25"), updated_at=LATER + MINUTE * quantity)
        take(world, replace(record, refunds=(refund(("1001-0", quantity, amount), amount=amount, number=number),)))
    rows = Command.plain.filter(kind="create_refund").order_by("pk")
    assert [(row.reference, row.amount) for row in rows] == [
        ("A-1001-R1.1", D("3.25")), ("A-1001-R2.1", D("3.25")), ("A-1001-R2.2", D("6.50")),
    ]  # fmt: skip


def test_a_part_never_sent_frees_what_only_it_was_to_have(world: World, warehouses: RoutingRule) -> None:
    take(world, order("1001", ("MUG", 2, "4.50"), ("CUP", 5, "3.25")))
    assert where("1001") == [("North", "A-1001.1", 5), ("South", "A-1001.2", 2)]
    first = Command.plain.get(reference="A-1001.1")
    finish(world, first, State.NEEDS_FIX, message="No.")
    replay.say_never(command=first, by=None, at=LATER, reason="Lost")
    open_ones = Reservation.plain.filter(ended_at=None)
    assert {row.variant.code: int(row.quantity) for row in open_ones} == {"CUP": 2}


# --- by hand ----------------------------------------------------------------------------------------------------------


def test_a_part_is_moved_before_it_is_sent(world: World, berlin: Connection) -> None:
    add_rule(world, world.erp)
    take(world, order("1001", ("MUG", 1, "4.50")))
    part = FulfilmentOrder.plain.get()
    common: dict[str, Any] = {"order_id": part.order_id, "part_id": part.pk, "by": "anna@example.com", "at": LATER}
    with pytest.raises(ValueError, match="Say why"):
        moving.move_part(**common, destination_id=berlin.pk, location_id=None, reason=" ")
    moving.move_part(**common, destination_id=berlin.pk, location_id=None, reason="The ERP is out of mugs")
    assert list_commands() == [
        ("ERP", "create_order", "A-1001", "withdrawn"),
        ("Berlin", "create_order", "A-1001", "pending"),
    ]
    part.refresh_from_db()
    assert part.why == "Berlin, because anna@example.com moved it there from ERP: The ERP is out of mugs"
    said = part.order.timeline.get(code="moved")
    assert (said.message, said.actor) == (
        "A-1001 goes to Berlin instead of ERP: The ERP is out of mugs",
        "anna@example.com",
    )
    take(world, order("1001", ("MUG", 1, "4.50"), updated_at=LATER))
    assert describe(part.order) == [("Berlin", "A-1001", "queued", None, "order")], "the rules do not move it back"
    Command.plain.filter(connection=berlin).update(payload=b"{}")
    with pytest.raises(moving.NotPossible, match="may have it"):
        moving.move_part(**common, destination_id=world.erp.pk, location_id=None, reason="No")


def test_a_moved_part_may_come_back(world: World, berlin: Connection) -> None:
    add_rule(world, world.erp)
    take(world, order("1001", ("MUG", 1, "4.50")))
    part = FulfilmentOrder.plain.get()
    for there in (berlin, world.erp):
        moving.move_part(order_id=part.order_id, part_id=part.pk, destination_id=there.pk, location_id=None, by="a",
                         reason="x", at=LATER)  # fmt: skip
    states = [(row.connection.name, row.revision, row.state) for row in Command.plain.order_by("pk")]
    assert states == [("ERP", 1, "withdrawn"), ("Berlin", 1, "withdrawn"), ("ERP", 2, "pending")]


# --- rules ------------------------------------------------------------------------------------------------------------


def test_a_rule_says_what_it_would_have_taken(world: World, berlin: Connection) -> None:
    for number, total in enumerate(["4.50", "9.00", "4.50"], start=1):
        take(
            world, order(str(number), ("MUG", 1, total), shipping=r.AddressRecord(country="DE" if number > 1 else "FR"))
        )
    add_rule(world, world.erp, total_over=D("5.00"))
    german = add_rule(world, berlin, countries="DE")
    found = rules.preview_rule(german)
    assert (found.seen, [one.number for one in found.taken], found.others) == (3, ["3"], 1)
    assert len(Command.plain.all()) == 6, "nothing was done"
    german.enabled = False
    rules.save_rule(rule=german, at=LATER)
    assert [one.number for one in rules.preview_rule(german).taken] == ["3"], "as if it were on"


def test_many_orders_read_the_rules_once(world: World, berlin: Connection) -> None:
    add_rule(world, world.erp, countries="DE")
    add_rule(world, berlin)
    take(world, order("1", ("MUG", 1, "4.50")))
    with CaptureQueriesContext(
        database,
    ) as found:
        world.apply(world.shop, "order", *(order(str(n), ("MUG", 1, "4.50")) for n in range(2, 6)))
    asked = [one["sql"] for one in found if 'FROM "orders_routingrule"' in one["sql"]]
    flows = [one["sql"] for one in found if 'FROM "integrations_flow"' in one["sql"] and '"stream" IN' in one["sql"]]
    assert (len(asked), len(flows)) == (1, 1)


def test_references_of_parts_are_short_and_nobody_elses(world: World, berlin: Connection, split: Order) -> None:
    take(world, replace(parcel(), external_id="x", number="1001.2"))
    long = "1234567890123456789"
    take(world, replace(parcel(), external_id="y", number=long))
    rows = {row.number: row.pk for row in Order.plain.all()}
    found = {row.reference for row in FulfilmentOrder.plain.exclude(order=split)}
    assert found == {
        f"A-1001.2~{rows['1001.2']}.1"[:20], f"A-1001.2~{rows['1001.2']}.2"[:20],
        *(("A-" + long)[: 20 - len(f"~{rows[long]}.{n}")] + f"~{rows[long]}.{n}" for n in (1, 2)),
    }  # fmt: skip
    assert all(len(one) <= 20 for one in found)


def test_lines_are_not_changed_by_their_shares(world: World, berlin: Connection, split: Order) -> None:
    build_order(command=command(berlin), at=NOON)
    assert [(line.sku, line.gross) for line in OrderLine.plain.order_by("position")] == [
        ("MUG", D("9.00")), ("CUP", D("3.25")), ("", D("5.00")),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("asked", "given"),
    [
        ({"payment_types": "bacs"}, {}),
        ({"payment_types": "Bank"}, {}),  # our word for it
        ({"payment_types": "cod"}, {"cash_on_delivery": True, "payments": ()}),
        ({"payment_types": "invoice"}, {"payment_method": "invoice", "payments": ()}),
        ({"tags": "vip"}, {"tags": ("new", "VIP")}),
        ({"shipping_methods": "dhl*"}, {}),
        ({"brands": "acme"}, {}),
        ({"sold_at": "place"}, {}),
        ({"shop": "shop"}, {}),
        ({"postcodes": "sw1"}, {"billing": r.AddressRecord(country="GB", postcode="SW1A 1AA")}),
    ],
)
def test_every_condition_is_asked_of_what_the_shop_said(
    world: World, berlin: Connection, asked: dict[str, Any], given: dict[str, Any]
) -> None:
    ValueMapping(merchant=world.merchant, connection=world.shop, kind="payment", theirs="bacs", ours="Bank").save()
    add_rule(world, berlin, **{name: getattr(world, str(value)) if value in ("place", "shop") else value
                               for name, value in asked.items()})  # fmt: skip
    add_rule(world, world.erp)
    take(world, parcel(**given))
    take(world, replace(order("2", ("CUP", 1, "3.25")), payments=()))
    found = FulfilmentOrder.plain.order_by("order__external_id").values_list("order__external_id", "destination__name")
    other = "Berlin" if set(asked) & {"sold_at", "shop"} else "ERP"
    assert list(found) == [("1001", "Berlin"), ("2", other)]


def test_what_is_cancelled_of_a_split_line_is_taken_from_its_own_part_only(
    world: World, warehouses: RoutingRule
) -> None:
    take(world, order("900", ("CUP", 1, "3.25")))
    take(world, order("1001", ("CUP", 5, "3.25")))
    row = Order.plain.get(number="1001")
    for number, part in enumerate(row.fulfilment_orders.order_by("number"), start=1):
        create = Command.plain.get(reference=part.reference)
        finish(world, create, State.VERIFIED, external_id=f"5{number}", external_number=f"S5{number}")
    line = row.lines.get()
    cancelling.ask_items(order_id=row.pk, quantities={line.pk: D(3)}, reason="Broken", by="anna", at=LATER)
    asked = list(Command.plain.filter(kind="cancel_order").order_by("pk"))
    assert [one.reference for one in asked] == ["A-1001.1", "A-1001.2"]
    for one in asked:
        finish(world, one, State.ACCEPTED, r.CommandResult(external_id="x"))
    line.refresh_from_db()
    assert line.cancelled_quantity == 3
    left = [list_part_lines(part, [line])[0] for part in row.fulfilment_orders.order_by("number")]
    assert [(one.quantity, one.cancelled_quantity) for one in left] == [(D(2), D(2)), (D(3), D(1))]
