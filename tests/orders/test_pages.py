"""Many orders at once: the same as one after another, in a few statements."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from django.db import connection as database
from django.test.utils import CaptureQueriesContext

from catalog.models import Binding, ChannelStock, Reservation
from integrations.contract import records as r
from integrations.models import Command, Hold
from integrations.sync.outbox import enqueue, enqueue_first
from orders.models import FulfilmentOrder, Order, OrderLine
from tests.world import NOON, D, World, order, stocked

# The savepoint of `apply` here among them. SQLite has nothing to lock, and takes a table a statement.
ONE_ORDER, PAGE_OF_50 = (18, 20) if database.vendor == "postgresql" else (25, 31)
MINUTE = timedelta(minutes=1)


def three_lines(number: str) -> r.OrderRecord:
    tax = (r.TaxRecord(code="7", name="VAT", amount=D("0.20")),)
    record = order(number, ("MUG", 1, "4.50"), ("CUP", 2, "3.25"), ("JUG", 1, "9.00"))
    lines = tuple(replace(line, tax=D("0.20"), gross=line.gross + D("0.20"), taxes=tax) for line in record.lines)
    return replace(record, lines=lines, total=record.total + D("0.60"))


def count_statements(world: World, *records: r.OrderRecord) -> int:
    with CaptureQueriesContext(database) as asked:
        world.apply(world.shop, "order", *records)
    return len(asked)


def map_tax(world: World) -> None:
    for connection, theirs in ((world.shop, "7"), (world.erp, "31")):
        connection.values.create(merchant=world.merchant, kind="tax", theirs=theirs, ours="vat")


def test_an_order_costs_so_many_statements_and_no_more(world: World) -> None:
    stocked(world, "MUG", "CUP", "JUG", quantity="1000")
    map_tax(world)
    assert count_statements(world, three_lines("1001")) <= ONE_ORDER
    assert Command.plain.get().state == Command.State.PENDING


def test_a_page_of_fifty_orders_costs_little_more_than_one(world: World) -> None:
    stocked(world, "MUG", "CUP", "JUG", quantity="1000")
    map_tax(world)
    page = [three_lines(str(number)) for number in range(1000, 1050)]
    assert count_statements(world, *page) <= PAGE_OF_50
    assert Command.plain.filter(kind="create_order", state="pending").count() == 50
    assert Order.plain.filter(intake="ready").count() == 50
    assert FulfilmentOrder.plain.filter(state="queued").count() == 50
    assert {one.quantity for one in Reservation.plain.all()} == {D(1), D(2)}
    assert set(ChannelStock.plain.values_list("binding__variant__code", "wanted")) == {
        ("MUG", D(950)), ("CUP", D(900)), ("JUG", D(950)),
    }  # fmt: skip
    assert not Hold.plain.exists()


def test_of_a_page_each_order_has_its_own_story(world: World) -> None:
    stocked(world, "MUG")
    page = [
        order("1001", ("MUG", 1, "4.50")),
        order("1002", ("MUG", 1, "4.50"), paid=False),
        order("1003", ("THEIRS", 1, "4.50")),
        order("1004", ("MUG", 1, "4.50"), cancelled=True),
        order("1005", ("MUG", 1, "4.50"), total=D("9.99")),
    ]
    applied = world.apply(world.shop, "order", *page)
    assert applied.created == 5
    rows = {row.number: row for row in Order.plain.all()}
    told = {number: list(row.timeline.order_by("pk").values_list("code", flat=True)) for number, row in rows.items()}
    assert told == {
        "1001": ["received", "queued"],
        "1002": ["received"],
        "1003": ["received", "unmapped"],
        "1004": ["received", "cancelled"],
        "1005": ["received", "amount_mismatch"],
    }
    assert {number: row.intake for number, row in rows.items()} == {
        "1001": "ready", "1002": "ready", "1003": "received", "1004": "received", "1005": "received",
    }  # fmt: skip
    assert [command.reference for command in Command.plain.all()] == ["A-1001"]
    assert set(Reservation.plain.filter(ended_at=None).values_list("subject_id", flat=True)) == {
        rows["1001"].pk, rows["1002"].pk, rows["1005"].pk,
    }  # fmt: skip


def test_an_order_named_twice_on_a_page_is_one_and_its_newer_word_counts(world: World) -> None:
    stocked(world, "MUG")
    first = order("1001", ("MUG", 1, "4.50"), paid=False)
    applied = world.apply(
        world.shop, "order", first, order("1001", ("MUG", 1, "4.50"), updated_at=NOON + MINUTE), first
    )
    assert (applied.created, applied.updated, applied.unchanged) == (1, 1, 1)
    row = Order.plain.get()
    assert (row.financial, row.intake) == ("paid", "ready")
    assert Command.plain.get().reference == "A-1001"


def test_new_and_known_orders_share_a_page(world: World) -> None:
    stocked(world, "MUG")
    world.apply(world.shop, "order", order("1001", ("MUG", 1, "4.50"), paid=False))
    applied = world.apply(
        world.shop,
        "order",
        order("1002", ("MUG", 2, "4.50")),
        order("1001", ("MUG", 1, "4.50"), updated_at=NOON + MINUTE),
    )
    assert (applied.created, applied.updated) == (1, 1)
    assert sorted(Command.plain.values_list("reference", flat=True)) == ["A-1001", "A-1002"]
    assert {row.wanted for row in ChannelStock.plain.all()} == {D(7)}


def test_a_shop_that_began_to_count_anew_gives_the_second_a_name_of_its_own(world: World) -> None:
    stocked(world, "MUG")
    again = replace(order("2001", ("MUG", 1, "4.50")), number="1001")
    world.apply(world.shop, "order", order("1001", ("MUG", 1, "4.50")), again)
    second = Order.plain.get(external_id="2001")
    assert sorted(Command.plain.values_list("reference", flat=True)) == ["A-1001", f"A-1001~{second.pk}"]


def test_what_was_given_back_already_is_told_after_the_order(world: World) -> None:
    stocked(world, "MUG")
    refund = r.RefundRecord(external_id="r1", order_external_id="1001", amount=D("1.00"), currency="GBP")
    world.apply(world.shop, "order", order("1001", ("MUG", 1, "4.50"), refunds=(refund,)))
    line = Command.plain.order_by("sequence").values_list("kind", "sequence", "line")
    part = FulfilmentOrder.plain.get()
    assert list(line) == [
        ("create_order", 1, f"fulfilment:{part.pk}"), ("create_refund", 2, f"fulfilment:{part.pk}"),
    ]  # fmt: skip


def test_a_known_article_is_on_the_line_from_the_start_and_an_unknown_one_keeps_nothing_back(world: World) -> None:
    stocked(world, "MUG")
    world.apply(world.shop, "order", order("1001", ("MUG", 1, "4.50"), ("THEIRS", 1, "1.00")))
    lines = {line.sku: line for line in OrderLine.plain.all()}
    assert lines["MUG"].binding == Binding.plain.get(connection=world.shop, external_id="s-MUG")
    assert lines["MUG"].variant == world.variant("MUG")
    assert (lines["THEIRS"].binding, lines["THEIRS"].variant) == (None, None)


def test_the_same_operation_is_one_message_and_the_next_of_a_line_follows_it(world: World) -> None:
    def ask(kind: str) -> Command:
        return enqueue(
            connection=world.erp, kind=kind, stream="order", subject=("order", 1), line="x", reference="A-1", at=NOON
        )

    first, same, second = ask("create_order"), ask("create_order"), ask("cancel_order")
    assert (first.pk, first.sequence, second.sequence) == (same.pk, 1, 2)
    assert Command.plain.count() == 2
    enqueue_first([])
    assert Command.plain.count() == 2
