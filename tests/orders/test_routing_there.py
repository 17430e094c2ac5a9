"""Two Odoos and a third that keeps the books, over HTTP: the order split between two, its invoice once both have it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from decimal import Decimal
from urllib.parse import urlsplit

import pytest

from catalog.models import Product
from integrations.contract import records as r
from integrations.models import Command, Connection, Flow, ValueMapping
from integrations.simulators.base import serve
from integrations.simulators.odoo.simulator import OdooSimulator
from integrations.sync.deliver import deliver
from integrations.sync.vault import store_credentials
from orders.models import FulfilmentOrder, Invoice, Order
from tests.orders.routes import add_rule, describe
from tests.orders.test_intake import MINUTE, take
from tests.simulators.odoo_client import Far
from tests.world import LONG_AGO, NOON, World, make_world, order, stocked

D = Decimal
LATER = NOON + MINUTE
SKUS = ("MUG", "CUP")


@dataclass
class There:
    """One Odoo, and our connection to it."""

    far: Far
    connection: Connection

    def sales(self) -> list[tuple[str, float, str]]:
        rows = self.far.call(
            "sale.order", "search_read", domain=[], fields=["client_order_ref", "amount_total", "state"]
        )
        return [(row["client_order_ref"], row["amount_total"], row["state"]) for row in rows]

    def moves(self) -> list[tuple[str, str, float, str]]:
        rows = self.far.call(
            "account.move", "search_read", domain=[], fields=["move_type", "ref", "amount_total", "state"]
        )
        return [(row["move_type"], row["ref"], row["amount_total"], row["state"]) for row in rows]


@pytest.fixture
def world(transactional_db: None) -> World:
    world = make_world()
    stocked(world, *SKUS)
    Product.plain.filter(merchant=world.merchant, variants__code="MUG").update(categories=["Mugs"])
    Flow.plain.filter(connection=world.erp).delete()
    return world


@pytest.fixture
def three(world: World) -> Iterator[list[There]]:
    """Main and Berlin take orders, Books gets the invoice once both have accepted."""
    with ExitStack() as stack:
        yield [
            connect(world, stack, "Main", "back_office", "order"),
            connect(world, stack, "Berlin", "back_office", "order"),
            connect(world, stack, "Books", "accounting", "invoice"),
        ]


def connect(world: World, stack: ExitStack, name: str, role: str, stream: str) -> There:
    simulator = OdooSimulator()
    address = stack.enter_context(serve(simulator))
    far = Far(simulator, address)
    row = Connection(
        merchant=world.merchant, name=name, platform="odoo", role=role, state="active", live_since=LONG_AGO,
        settings={"url": address, "guest_partner_id": str(far.partner("Guests")), "requests_per_second": 10_000},
        allowed_private=[urlsplit(address).netloc], deadline_seconds=10, settle_seconds=1,
    )  # fmt: skip
    row.save()
    store_credentials(row, simulator.credentials)
    Flow(merchant=world.merchant, connection=row, stream=stream, direction="push").save()
    for sku in (*SKUS, "POST"):
        number = str(far.product(sku, price="1.00", stock="100"))
        if sku == "POST":
            ValueMapping(
                merchant=world.merchant, connection=row, kind="special_line", theirs=number, ours="shipping"
            ).save()
            continue
        article = r.VariantRecord(external_id=number, sku=sku, name=sku)
        world.apply(row, "product", r.ProductRecord(external_id=f"p{name}-{number}", name=sku, variants=(article,)))
    return There(far, row)


def parcel(**more: object) -> r.OrderRecord:
    record = order("1001", ("MUG", 3, "4.50"), ("CUP", 1, "3.25"), **more)  # type: ignore[arg-type]
    freight = r.OrderLineRecord(
        external_id="f", kind=r.LineKind.SHIPPING, name="Post", unit_price=D(5), net=D(5), gross=D(5)
    )
    payment = replace(record.payments[0], amount=D("21.75"))
    return replace(record, lines=(*record.lines, freight), total=D("21.75"), payments=(payment,))


def send_all() -> list[str]:
    """As the worker does, until nothing is due; what became of each."""
    found = []
    while command := Command.plain.filter(state="pending").order_by("pk").first():
        found.append(f"{command.connection.name} {command.kind} {deliver(command.pk)}")
    return found


def test_an_order_in_two_back_offices_and_its_invoice_after_both(world: World, three: list[There]) -> None:
    main, berlin, books = three
    add_rule(world, berlin.connection, name="Mugs", categories="Mugs", takes="lines", extras="value")
    add_rule(world, main.connection, name="All else")
    take(world, parcel())
    row = Order.plain.get()
    first = Command.plain.get(connection=berlin.connection)
    assert deliver(first.pk) == "verified"
    assert not Command.plain.filter(connection=books.connection).exists(), "the other has not accepted yet"
    assert send_all() == ["Main create_order verified", "Books create_invoice verified"]
    assert berlin.sales() == [("A-1001.1", 17.53, "sale")]
    assert main.sales() == [("A-1001.2", 4.22, "sale")]
    assert books.sales() == []
    assert books.moves() == [("out_invoice", "A-1001", 21.75, "posted")]
    assert [(name, state) for name, _, state, _, _ in describe(row)] == [
        ("Berlin", "placed"), ("Main", "placed"), ("Books", "placed"),
    ]  # fmt: skip
    parts = FulfilmentOrder.plain.filter(order=row).order_by("number")
    assert [part.remote_total for part in parts] == [D("17.53"), D("4.22"), D("21.75")]
    invoice = Invoice.plain.get()
    assert (invoice.number, invoice.total) == (parts[2].external_number, D("21.75"))

    back = r.RefundRecord(
        external_id="r1", order_external_id="1001", amount=D("4.50"), at=NOON,
        lines=(r.RefundLineRecord(order_line_external_id="1001-0", quantity=D(1), net=D("4.50")),),
    )  # fmt: skip
    take(world, replace(parcel(updated_at=LATER), refunds=(back,)))
    assert send_all() == ["Berlin create_refund verified", "Books create_refund verified"]
    assert berlin.moves() == [("out_refund", "A-1001-R1.1", 4.5, "posted")]
    assert main.moves() == []
    assert sorted(books.moves()) == [
        ("out_invoice", "A-1001", 21.75, "posted"),
        ("out_refund", "A-1001-R1", 4.5, "posted"),
    ]
    row.refresh_from_db()
    assert (row.refund_pending, row.refunded) == (D(0), D("4.50"))


def test_a_cancelled_order_is_cancelled_in_all_three(world: World, three: list[There]) -> None:
    main, berlin, books = three
    add_rule(world, berlin.connection, name="Mugs", categories="Mugs", takes="lines")
    add_rule(world, main.connection, name="All else")
    take(world, parcel())
    send_all()
    take(world, replace(parcel(updated_at=LATER), cancelled=True))
    assert sorted(one.rpartition(" ")[0] for one in send_all()) == [
        "Berlin cancel_order", "Books cancel_invoice", "Main cancel_order",
    ]  # fmt: skip
    assert [there.sales()[0][2] for there in (main, berlin)] == ["cancel", "cancel"]
    assert books.moves() == [("out_invoice", "A-1001", 21.75, "cancel")]
    assert {state for _, _, state, _, _ in describe(Order.plain.get())} == {"cancelled"}


def test_an_invoice_whose_answer_is_lost_is_made_once(world: World, three: list[There]) -> None:
    main, _, books = three
    add_rule(world, main.connection)
    books.far.dials(match="action_post", error_after_commit=1)
    take(world, parcel())
    assert send_all() == ["Main create_order verified", "Books create_invoice unknown"]
    books.far.dials(match="action_post", error_after_commit=0)
    command = Command.plain.get(kind="create_invoice")
    Command.plain.filter(pk=command.pk).update(next_attempt_at=command.state_at)
    assert deliver(command.pk) == "verified"
    assert books.moves() == [("out_invoice", "A-1001", 21.75, "posted")]
