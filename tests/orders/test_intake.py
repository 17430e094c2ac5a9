"""An order from the shop to the command that gives it to the ERP, and everything that can hold it up."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection as database
from django.test.utils import CaptureQueriesContext

from catalog import services as catalog
from catalog.models import Binding, ChannelStock, Reservation
from integrations.contract import records as r
from integrations.models import Command, Connection, Flow, Hold, Link, ValueMapping
from integrations.sync import documents
from integrations.sync.handlers import call
from integrations.sync.values import map_value
from orders.models import Cancellation, Customer, FulfilmentOrder, Order, OrderLine
from orders.outbound import build_order
from orders.services.lines import MOST_NAMED
from tests.world import LONG_AGO, NOON, D, World, order, product, stocked

MINUTE = timedelta(minutes=1)
State, Part = Command.State, FulfilmentOrder.State


def take(world: World, record: r.OrderRecord) -> str:
    applied = world.apply(world.shop, "order", record)
    return "created" if applied.created else "updated" if applied.updated else "unchanged"


def finish(world: World, command: Command, state: str, result: r.CommandResult | None = None, **values: Any) -> None:
    """What deliver does at the end: the row, then its subject."""
    Command.plain.filter(pk=command.pk).update(state=state, **values)
    command.refresh_from_db()
    call(command.stream, "settle", world.merchant.pk, command=command, result=result, at=NOON)


def create_command() -> Command:
    return Command.plain.get(kind="create_order")


def test_a_paid_order_is_queued_with_their_articles_and_exact_amounts(world: World) -> None:
    stocked(world, "MUG", "CUP")
    assert take(world, order("1001", ("MUG", 2, "4.50"), ("CUP", 1, "3.25"))) == "created"
    row = Order.plain.get()
    assert (row.total, row.captured, row.intake, row.financial) == (D("12.25"), D("12.25"), "ready", "paid")
    part = row.fulfilment_orders.get()
    assert (part.reference, part.state, part.destination) == ("A-1001", Part.QUEUED, world.erp)
    document = build_order(command=create_command(), at=NOON)
    assert isinstance(document, r.OrderDocument)
    assert (document.reference, document.total, document.currency) == ("A-1001", D("12.25"), "GBP")
    assert [(line.variant_external_id, line.quantity, line.net, line.tax_codes) for line in document.lines] == [
        ("e-MUG-MUG", D(2), D("9.00"), ()),
        ("e-CUP-CUP", D(1), D("3.25"), ()),
    ]
    assert documents.decode("create_order", documents.encode(document)) == document


def test_selling_in_one_shop_lowers_the_other_in_the_same_transaction(world: World) -> None:
    stocked(world, "MUG")
    take(world, order("1001", ("MUG", 4, "4.50")))
    figures = ChannelStock.plain.select_related("connection")
    assert {row.connection.name: row.wanted for row in figures} == {"Shop A": 6, "Shop B": 6}


def test_the_same_word_twice_changes_nothing(world: World) -> None:
    stocked(world, "MUG")
    record = order("1001", ("MUG", 1, "4.50"))
    assert [take(world, record) for _ in range(3)] == ["created", "unchanged", "unchanged"]
    assert Command.plain.count() == 1
    assert Order.plain.get().timeline.filter(code="received").count() == 1


def test_an_older_word_is_not_taken(world: World) -> None:
    stocked(world, "MUG")
    take(world, order("1001", ("MUG", 1, "4.50"), paid=True, updated_at=NOON + MINUTE))
    assert take(world, order("1001", ("MUG", 1, "4.50"), paid=False, updated_at=NOON)) == "unchanged"
    assert Order.plain.get().financial == "paid"


def test_an_unpaid_order_waits_and_goes_when_it_is_paid(world: World) -> None:
    stocked(world, "MUG")
    take(world, order("1001", ("MUG", 1, "4.50"), paid=False))
    assert not Command.plain.exists()
    assert Reservation.plain.get().quantity == 1, "it is promised all the same"
    take(world, order("1001", ("MUG", 1, "4.50"), paid=True, updated_at=NOON + MINUTE))
    assert create_command().reference == "A-1001"


def test_cash_on_delivery_goes_unpaid(world: World) -> None:
    stocked(world, "MUG")
    take(world, order("1001", ("MUG", 1, "4.50"), paid=False, cash_on_delivery=True))
    assert create_command().state == State.PENDING


def test_an_unmapped_article_holds_the_order_and_mapping_it_frees_it(world: World) -> None:
    stocked(world, "MUG")
    world.apply(world.erp, "product", product("e-NEW", "OURS"))
    take(world, order("1001", ("MUG", 1, "4.50"), ("THEIRS", 2, "1.00")))
    waiting = Hold.plain.get()
    assert (waiting.reason, waiting.key, waiting.amount) == ("unmapped", f"binding:{world.shop.pk}:s-THEIRS", D("2.00"))
    assert not Command.plain.exists()
    assert Order.plain.get().intake == "received"
    binding = Binding.plain.get(connection=world.shop, external_id="s-THEIRS")
    assert catalog.bind(binding_id=binding.pk, variant_id=world.variant("OURS").pk, at=NOON) == 1
    assert create_command().state == State.PENDING
    assert Order.plain.get().intake == "ready"
    assert set(OrderLine.plain.values_list("variant__code", flat=True)) == {"MUG", "OURS"}


def test_an_article_the_erp_does_not_have_holds_the_order_until_it_has(world: World) -> None:
    stocked(world, "MUG")
    Binding.plain.filter(connection=world.erp).update(state="conflict", variant=None)
    take(world, order("1001", ("MUG", 1, "4.50")))
    assert Hold.plain.get().key == f"variant:{world.erp.pk}:{world.variant('MUG').pk}"
    binding = Binding.plain.get(connection=world.erp)
    catalog.bind(binding_id=binding.pk, variant_id=world.variant("MUG").pk, at=NOON)
    assert create_command().state == State.PENDING


def test_a_tax_is_mapped_once_for_all_orders(world: World) -> None:
    stocked(world, "MUG")
    for number in ("1001", "1002"):
        record = order(number, ("MUG", 1, "4.00"))
        line = replace(
            record.lines[0],
            tax=D("0.20"),
            gross=D("4.20"),
            taxes=(r.TaxRecord(code="7", name="VAT 5 %", amount=D("0.20")),),
        )
        take(world, replace(record, lines=(line,), total=D("4.20")))
    assert Hold.plain.count() == 2
    assert "does not know the tax “VAT 5 %” (order #1001)" in Hold.plain.order_by("pk")[0].message
    ValueMapping(merchant=world.merchant, connection=world.erp, kind="tax", theirs="31", ours="vat5").save()
    row = ValueMapping.plain.get(connection=world.shop, kind="tax", theirs="7")
    row.ours = "vat5"
    assert map_value(row, at=NOON) == 2
    assert Command.plain.filter(kind="create_order").count() == 2
    document: Any = build_order(command=Command.plain.filter(kind="create_order").order_by("pk")[0], at=NOON)
    assert document.lines[0].tax_codes == ("31",)


def test_shipping_needs_an_item_there(world: World) -> None:
    stocked(world, "MUG")
    shipping = r.OrderLineRecord(external_id="ship", kind=r.LineKind.SHIPPING, name="Flat rate", net=D(5), gross=D(5))
    record = order("1001", ("MUG", 1, "4.00"))
    take(world, replace(record, lines=(*record.lines, shipping), total=D("9.00")))
    assert Hold.plain.get().key == f"value:{world.erp.pk}:special_line:shipping"
    row = ValueMapping(merchant=world.merchant, connection=world.erp, kind="special_line", theirs="88", ours="shipping")
    assert map_value(row, at=NOON) == 1
    document: Any = build_order(command=create_command(), at=NOON)
    assert [(line.item_external_id, line.net) for line in document.lines] == [("", D(4)), ("88", D(5))]


def with_fee(number: str, name: str, *, kind: r.LineKind = r.LineKind.FEE) -> r.OrderRecord:
    """A mug for 4.00, and 1.50 under this name."""
    record = order(number, ("MUG", 1, "4.00"))
    fee = r.OrderLineRecord(external_id="fee", kind=kind, name=name, unit_price=D("1.5"), net=D("1.5"), gross=D("1.5"))
    return replace(record, lines=(*record.lines, fee), total=D("5.50"))


def test_a_fee_is_the_deposit_a_person_says_it_is_from_then_on(world: World) -> None:
    stocked(world, "MUG")
    take(world, with_fee("1001", "Bottle deposit"))
    assert OrderLine.plain.get(order__number="1001", external_id="fee").kind == "fee"
    row = ValueMapping.plain.get(connection=world.shop, kind="special_line")
    assert (row.theirs, row.ours) == ("Bottle deposit", "fee"), (
        "noted as what the shop says it is; nothing waits for it"
    )
    row.ours = "deposit"
    map_value(row, at=NOON)
    ValueMapping(merchant=world.merchant, connection=world.erp, kind="special_line", theirs="55", ours="deposit").save()
    take(world, with_fee("1002", " Bottle deposit "))
    take(world, with_fee("1003", "Gift wrap"))
    lines = OrderLine.plain.filter(external_id="fee").order_by("order__number")
    assert list(lines.values_list("kind", "gross")) == [
        ("fee", D("1.5")), ("deposit", D("1.5")), ("fee", D("1.5")),
    ]  # fmt: skip
    document: Any = build_order(command=create_command(), at=NOON)
    assert [(line.kind, line.item_external_id, line.net) for line in document.lines] == [
        (r.LineKind.ITEM, "", D(4)), (r.LineKind.DEPOSIT, "55", D("1.5")),
    ]  # fmt: skip
    assert document.number == "1002"


def test_a_fee_is_never_an_article_shipping_or_rounding_and_other_lines_stay_what_they_are(world: World) -> None:
    stocked(world, "MUG")
    for theirs, ours in (("A", "item"), ("B", "shipping"), ("C", "rounding"), ("D", "nonsense"), ("E", "deposit")):
        ValueMapping(
            merchant=world.merchant, connection=world.shop, kind="special_line", theirs=theirs, ours=ours
        ).save()
        take(world, with_fee(f"20{theirs}", theirs))
    take(world, with_fee("20F", "E", kind=r.LineKind.SHIPPING))
    lines = OrderLine.plain.filter(external_id="fee").order_by("order__number")
    assert list(lines.values_list("kind", flat=True)) == ["fee", "fee", "fee", "fee", "deposit", "shipping"]


def test_names_of_fees_without_end_are_not_noted_without_end(world: World) -> None:
    stocked(world, "MUG")
    for number in range(MOST_NAMED):
        ValueMapping(
            merchant=world.merchant, connection=world.shop, kind="special_line", theirs=f"n{number}", ours="fee"
        ).save()
    take(world, with_fee("1001", "one more"))
    assert not ValueMapping.plain.filter(theirs="one more").exists()
    assert OrderLine.plain.get(external_id="fee").kind == "fee"


def test_lines_that_miss_the_total_by_a_penny_get_a_rounding_line_and_by_more_a_hold(world: World) -> None:
    stocked(world, "MUG")
    row = ValueMapping(merchant=world.merchant, connection=world.erp, kind="special_line", theirs="99", ours="rounding")
    row.save()
    take(world, replace(order("1001", ("MUG", 3, "3.33")), total=D("10.00")))
    assert OrderLine.plain.get(kind="rounding").gross == D("0.01")
    assert create_command().amount == D("10.00")
    take(world, replace(order("1002", ("MUG", 3, "3.33")), total=D("11.00")))
    assert Hold.plain.get().reason == "amount_mismatch"
    assert Command.plain.filter(kind="create_order").count() == 1


def test_a_customer_is_made_there_first_and_once_for_all_his_orders(world: World) -> None:
    stocked(world, "MUG")
    ada = r.CustomerRecord(external_id="c7", name="Ada Lovelace", email="ada@example.com", phone="020 7946 0018",
                           billing=r.AddressRecord(country="GB", city="London"))  # fmt: skip
    for number in ("1001", "1002"):
        take(world, order(number, ("MUG", 1, "4.50"), customer=ada))
    made = Command.plain.get()
    assert (made.kind, made.subject_type) == ("create_customer", "customer")
    assert Customer.plain.get().phone == "+442079460018"
    finish(world, made, State.ACCEPTED, external_id="55")
    assert Link.plain.get(connection=world.erp, stream="customer").external_id == "55"
    created = Command.plain.filter(kind="create_order")
    assert created.count() == 2
    document: Any = build_order(command=created.order_by("pk")[0], at=NOON)
    assert document.customer_external_id == "55"


@pytest.mark.parametrize(("state", "since"), [("watching", None), ("active", NOON + MINUTE)])
def test_orders_of_before_go_live_are_kept_and_never_sent(world: World, state: str, since: Any) -> None:
    stocked(world, "MUG")
    Connection.plain.filter(pk=world.shop.pk).update(state=state, live_since=since)
    world.shop.refresh_from_db()
    take(world, order("1001", ("MUG", 1, "4.50")))
    assert Order.plain.count() == 1
    assert not Command.plain.exists()
    assert not FulfilmentOrder.plain.exists()
    assert not Reservation.plain.exists()


def test_a_flow_may_take_only_some_shops(world: World) -> None:
    stocked(world, "MUG")
    Flow.plain.filter(stream="order").update(settings={"sources": [world.other.public_id]})
    take(world, order("1001", ("MUG", 1, "4.50")))
    assert not FulfilmentOrder.plain.exists()
    world.apply(world.other, "order", order("7", ("MUG", 1, "4.50")))
    assert FulfilmentOrder.plain.get().reference == "B-7"


def test_placed_is_said_with_their_number_and_found_is_said_too(world: World) -> None:
    stocked(world, "MUG")
    take(world, order("1001", ("MUG", 1, "4.50")))
    finish(world, create_command(), State.UNKNOWN, message="no answer")
    finish(
        world,
        create_command(),
        State.VERIFIED,
        external_id="17",
        external_number="SO017",
        remote_total=D("4.50"),
        message="",
    )
    part = FulfilmentOrder.plain.get()
    assert (part.state, part.external_id, part.external_number, part.remote_total) == (
        Part.PLACED,
        "17",
        "SO017",
        D("4.50"),
    )
    assert Link.plain.get(stream="order", connection=world.erp).subject_id == Order.plain.get().pk
    words = list(Order.plain.get().timeline.order_by("pk").values_list("message", flat=True))
    assert words[-2:] == [
        "Sent to ERP, no answer; it is looked for there before anything else happens.",
        "In ERP as SO017. Total and lines were read back.",
    ]
    assert Reservation.plain.get().settled_at == NOON


def test_cancelled_before_it_was_sent_takes_both_back(world: World) -> None:
    stocked(world, "MUG")
    take(world, order("1001", ("MUG", 4, "4.50")))
    take(world, order("1001", ("MUG", 4, "4.50"), cancelled=True, updated_at=NOON + MINUTE))
    assert create_command().state == State.WITHDRAWN
    assert Command.plain.count() == 1
    assert FulfilmentOrder.plain.get().state == Part.CANCELLED
    assert Order.plain.get().fulfilment == "cancelled"
    assert {row.wanted for row in ChannelStock.plain.all()} == {D(10)}


def test_cancelled_after_it_was_placed_asks_there_and_keeps_the_answer(world: World) -> None:
    stocked(world, "MUG")
    take(world, order("1001", ("MUG", 4, "4.50")))
    finish(world, create_command(), State.VERIFIED, external_id="17", external_number="SO017")
    take(world, order("1001", ("MUG", 4, "4.50"), cancelled=True, updated_at=NOON + MINUTE))
    cancel = Command.plain.get(kind="cancel_order")
    assert cancel.line == create_command().line
    assert build_order(command=cancel, at=NOON) == documents.CancelRequest(external_id="17")
    said_no = r.CommandResult(external_id="17", success=False, message="It has left already.")
    finish(world, cancel, State.ACCEPTED, said_no)
    answer = Cancellation.plain.get()
    assert (answer.success, answer.answer) == (False, "It has left already.")
    assert FulfilmentOrder.plain.get().state == Part.PLACED


def test_cancelled_while_nobody_knows_waits_behind_its_create(world: World) -> None:
    stocked(world, "MUG")
    take(world, order("1001", ("MUG", 1, "4.50")))
    Command.plain.update(state=State.UNKNOWN, payload=b"{}")
    take(world, order("1001", ("MUG", 1, "4.50"), cancelled=True, updated_at=NOON + MINUTE))
    create, cancel = Command.plain.order_by("sequence")
    assert (create.state, cancel.kind, cancel.state) == (State.UNKNOWN, "cancel_order", State.PENDING)
    assert cancel.line == create.line


def test_cancelled_before_it_ever_came(world: World) -> None:
    stocked(world, "MUG")
    take(world, order("1001", ("MUG", 1, "4.50"), cancelled=True))
    assert not Command.plain.exists()
    assert Order.plain.get().fulfilment == "cancelled"


def test_an_order_deleted_in_the_shop_says_so(world: World) -> None:
    stocked(world, "MUG")
    take(world, order("1001", ("MUG", 1, "4.50"), paid=False))
    call("order", "gone", world.merchant.pk, connection=world.shop, external_id="1001", at=NOON)
    assert Order.plain.get().intake == "source_deleted"
    assert Reservation.plain.get().ended_at == NOON
    take(world, order("1001", ("MUG", 1, "4.50"), paid=True, updated_at=NOON + MINUTE))
    assert not Command.plain.exists()


def test_an_order_changed_after_it_was_sent_is_a_persons_business(world: World) -> None:
    stocked(world, "MUG")
    take(world, order("1001", ("MUG", 1, "4.50")))
    take(world, order("1001", ("MUG", 2, "4.50"), updated_at=NOON + MINUTE))
    assert Hold.plain.get().reason == "changed_after_sending"
    assert OrderLine.plain.get().quantity == 1


def test_what_the_erp_ships_reaches_the_order(world: World) -> None:
    stocked(world, "MUG", "CUP")
    take(world, order("1001", ("MUG", 2, "4.50"), ("CUP", 1, "3.00")))
    finish(world, create_command(), State.VERIFIED, external_id="17", external_number="SO017")

    def shipment(pk: str, article: str, quantity: int) -> r.ShipmentRecord:
        line = r.DocumentLineRecord(variant_external_id=article, quantity=Decimal(quantity))
        return r.ShipmentRecord(external_id=pk, order_external_id="17", number=f"OUT/{pk}", lines=(line,),
                                state=r.DocumentState.DONE, tracking_number=f"T{pk}")  # fmt: skip

    world.apply(world.erp, "shipment", shipment("1", "e-MUG-MUG", 2))
    assert Order.plain.get().fulfilment == "partially_fulfilled"
    applied = world.apply(world.erp, "shipment", shipment("1", "e-MUG-MUG", 2), shipment("2", "e-CUP-CUP", 1))
    assert (applied.created, applied.unchanged) == (1, 1)
    assert Order.plain.get().fulfilment == "fulfilled"
    foreign = replace(shipment("9", "e-MUG-MUG", 1), order_external_id="4711")
    assert [one.code for one in world.apply(world.erp, "shipment", foreign).skipped] == ["not_ours"]


def test_a_new_order_of_five_lines_costs_few_statements(world: World) -> None:
    skus = [f"S{n}" for n in range(5)]
    stocked(world, *skus)
    record = order("1001", *((sku, 1, "1.00") for sku in skus))
    with CaptureQueriesContext(database) as asked:
        take(world, record)
    assert len(asked) <= 60
    assert LONG_AGO < NOON
