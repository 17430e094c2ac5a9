"""An order that is not sent after all: what stands behind it in its line ends too, and its money is free again."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from integrations.contract import records as r
from integrations.models import Command, Connection, Flow, Hold, Problem
from integrations.sync import replay
from integrations.sync.handlers import call
from integrations.sync.problems import note_problem
from integrations.sync.release import release
from orders.models import Cancellation, FulfilmentOrder, Order, Refund
from tests.orders.test_intake import MINUTE, Part, State, create_command, finish, take
from tests.orders.test_refunds import refunded
from tests.world import NOON, D, World, order, stocked

LATER = NOON + 2 * MINUTE


def cancelled(number: str = "1001") -> r.OrderRecord:
    return order(number, ("MUG", 2, "4.50"), cancelled=True, updated_at=LATER)


def money(row: Order) -> tuple[str, ...]:
    row.refresh_from_db()
    return tuple(f"{amount:.2f}" for amount in (row.captured, row.refund_pending, row.refunded))


def states(kind: str) -> list[str]:
    return list(Command.plain.filter(kind=kind).order_by("sequence").values_list("state", flat=True))


@pytest.fixture
def sent(world: World) -> Order:
    """On its way to the ERP, and half of it given back."""
    stocked(world, "MUG")
    take(world, order("1001", ("MUG", 2, "4.50")))
    take(world, refunded("1001", "4.50"))
    assert states("create_refund") == [State.PENDING]
    return Order.plain.get()


def test_a_refund_behind_a_withdrawn_order_ends_with_it(world: World, sent: Order) -> None:
    take(world, cancelled())
    assert (states("create_order"), states("create_refund")) == ([State.WITHDRAWN], [State.WITHDRAWN])
    assert Refund.plain.get().state == "closed"
    assert money(sent) == ("9.00", "0.00", "4.50"), "the shop gave it back, and there is nobody to tell"
    assert "not booked in ERP" in sent.timeline.get(code="refund_closed").message


def test_a_refund_that_comes_after_the_order_was_withdrawn_waits_for_nobody(world: World) -> None:
    stocked(world, "MUG")
    take(world, order("1001", ("MUG", 2, "4.50")))
    take(world, cancelled())
    take(world, replace(refunded("1001", "4.50"), cancelled=True, updated_at=LATER + MINUTE))
    assert not Command.plain.filter(kind="create_refund").exists()
    assert Refund.plain.get().state == "closed"
    assert money(Order.plain.get()) == ("9.00", "0.00", "4.50")


def test_a_refund_of_an_order_cancelled_before_it_could_go_waits_for_nobody(world: World) -> None:
    """Held for an article nobody knows, cancelled and given back in one word."""
    stocked(world, "MUG")
    take(world, order("1001", ("THEIRS", 2, "4.50")))
    gone = replace(
        order("1001", ("THEIRS", 2, "4.50"), cancelled=True, updated_at=LATER), refunds=refunded("1001", "9.00").refunds
    )
    take(world, gone)
    assert Refund.plain.get().state == "closed"
    assert money(Order.plain.get()) == ("9.00", "0.00", "9.00")
    assert not Hold.plain.filter(ended_at__isnull=True).exists()


def test_a_held_refund_of_an_order_that_never_went_is_over_too(world: World) -> None:
    stocked(world, "MUG")
    take(world, order("1001", ("MUG", 2, "4.50")))
    take(world, refunded("1001", "9.01"))
    take(world, cancelled())
    assert not Hold.plain.filter(ended_at__isnull=True).exists()
    refund = Refund.plain.get()
    assert (refund.state, refund.counted) == ("closed", False)
    assert money(Order.plain.get()) == ("9.00", "0.00", "0.00")


def test_never_sending_an_unclear_order_ends_its_cancel_and_its_refund(world: World, sent: Order) -> None:
    create = create_command()
    finish(world, create, State.UNKNOWN, payload=b"{}", message="no answer")
    take(world, cancelled())
    finish(world, create, State.NEEDS_HUMAN, message="Nobody but you can tell.")
    replay.say_never(command=create, by=None, at=LATER + MINUTE, reason="Bought at the till instead")
    assert states("cancel_order") == states("create_refund") == [State.WITHDRAWN]
    asked = Cancellation.plain.get()
    assert (asked.success, asked.answer) == (True, "It was never placed there.")
    assert FulfilmentOrder.plain.get().state == Part.NEVER
    assert money(sent) == ("9.00", "0.00", "4.50")


def test_an_unclear_order_that_is_not_there_is_not_sent_once_the_shop_cancelled_it(world: World, sent: Order) -> None:
    create = create_command()
    finish(world, create, State.UNKNOWN, payload=b"{}", message="no answer")
    take(world, cancelled())
    finish(world, create, State.NEEDS_HUMAN, message="Nobody but you can tell.")
    replay.say_it_is_not_there(command=create, by=None, at=LATER + MINUTE)
    assert states("create_order") == states("cancel_order") == states("create_refund") == [State.WITHDRAWN]
    assert FulfilmentOrder.plain.get().state == Part.CANCELLED


def test_an_unclear_order_that_is_there_is_cancelled_there(world: World, sent: Order) -> None:
    create = create_command()
    finish(world, create, State.UNKNOWN, payload=b"{}", message="no answer")
    take(world, cancelled())
    finish(world, create, State.NEEDS_HUMAN, message="Nobody but you can tell.")
    replay.say_it_is_there(command=create, external_id="17", by=None, at=LATER + MINUTE)
    assert states("cancel_order") == states("create_refund") == [State.PENDING]


def test_a_refund_never_to_be_booked_is_no_longer_pending(world: World, sent: Order) -> None:
    finish(world, create_command(), State.VERIFIED, external_id="17", external_number="SO017")
    refund = Command.plain.get(kind="create_refund")
    finish(world, refund, State.NEEDS_FIX, message="No journal.")
    assert money(sent) == ("9.00", "4.50", "0.00")
    replay.say_never(command=refund, by=None, at=LATER, reason="Booked by hand")
    assert (Refund.plain.get().state, *money(sent)) == ("closed", "9.00", "0.00", "4.50")


def test_two_back_offices_are_both_told_and_it_counts_once(world: World) -> None:
    stocked(world, "MUG")
    books = Connection(
        merchant=world.merchant, name="Books", platform="odoo", role="accounting", state="active", live_since=NOON,
        settings={"url": "https://example.org"},
    )  # fmt: skip
    books.save()
    Flow(merchant=world.merchant, connection=books, stream="order", direction="push").save()
    world.apply(books, "product", r.ProductRecord(external_id="b", name="MUG", variants=(
        r.VariantRecord(external_id="b-MUG", sku="MUG", name="MUG"),)))  # fmt: skip
    take(world, order("1001", ("MUG", 2, "4.50")))
    take(world, refunded("1001", "4.50"))
    told = Command.plain.filter(kind="create_refund")
    assert sorted(told.values_list("connection__name", flat=True)) == ["Books", "ERP"]
    for command in told.order_by("pk"):
        finish(world, command, State.VERIFIED, external_id=f"9{command.pk}", external_number="RINV")
    assert (Refund.plain.get().state, *money(Order.plain.get())) == ("done", "9.00", "0.00", "4.50")


# --- problems ---------------------------------------------------------------------------------------------------------


def test_a_refused_order_that_is_cancelled_leaves_its_problem(
    world: World, django_capture_on_commit_callbacks: Any
) -> None:
    stocked(world, "MUG")
    for number in ("1001", "1002"):
        take(world, order(number, ("MUG", 2, "4.50")))
    for create in Command.plain.filter(kind="create_order"):
        finish(world, create, State.NEEDS_FIX, error_code="TAX", message="No such tax.")
        note_problem(create, NOON)
    problem = Problem.plain.get()
    assert (problem.count, problem.amount) == (2, D("18.00"))
    with django_capture_on_commit_callbacks(execute=True):
        take(world, cancelled("1001"))
    problem.refresh_from_db()
    assert (problem.count, problem.amount, problem.state) == (1, D("9.00"), "open")
    with django_capture_on_commit_callbacks(execute=True):
        take(world, cancelled("1002"))
    problem.refresh_from_db()
    assert (problem.count, problem.amount, problem.state) == (0, D(0), "resolved")


# --- held refunds -----------------------------------------------------------------------------------------------------


def test_a_held_refund_is_booked_by_itself_once_its_money_was_captured(world: World) -> None:
    stocked(world, "MUG")
    take(world, order("1001", ("MUG", 2, "4.50")))
    late = refunded("1001", "9.50")
    take(world, late)
    assert Refund.plain.get().state == "held"
    more = r.PaymentRecord(external_id="p2", kind=r.PaymentKind.CAPTURE, method="cod", amount=D("1.00"))
    take(world, replace(late, payments=(*late.payments, more), updated_at=LATER))
    refund = Refund.plain.get()
    assert (refund.state, refund.counted) == ("queued", True)
    assert not Hold.plain.filter(ended_at__isnull=True).exists()
    command = Command.plain.get(kind="create_refund")
    assert (command.reference, command.amount) == ("A-1001-R1", D("9.50"))
    assert money(Order.plain.get()) == ("10.00", "9.50", "0.00")
    finish(world, command, State.VERIFIED, external_id="90", external_number="RINV1")
    assert money(Order.plain.get()) == ("10.00", "0.00", "9.50")


def test_a_held_refund_let_go_by_a_person_is_told_and_never_counted_beyond_the_captured(world: World) -> None:
    stocked(world, "MUG")
    take(world, order("1001", ("MUG", 2, "4.50")))
    take(world, refunded("1001", "9.50"))
    refund = Refund.plain.get()
    assert release(merchant_id=world.merchant.pk, key=f"refund:{refund.pk}", at=LATER) == 1
    command = Command.plain.get(kind="create_refund")
    assert (command.amount, command.line) == (D("9.50"), create_command().line)
    finish(world, command, State.VERIFIED, external_id="90", external_number="RINV1")
    refund.refresh_from_db()
    assert (refund.state, refund.counted, refund.remote_number) == ("done", False, "RINV1")
    assert money(Order.plain.get()) == ("9.00", "0.00", "0.00")
    assert release(merchant_id=world.merchant.pk, key=f"refund:{refund.pk}", at=LATER) == 0
    call("refund", "settle", world.merchant.pk, command=command, result=None, at=LATER)
    assert money(Order.plain.get()) == ("9.00", "0.00", "0.00")


def test_a_held_refund_let_go_that_fits_is_counted(world: World) -> None:
    """Finer than a penny, and less than what was paid."""
    stocked(world, "MUG")
    take(world, order("1001", ("MUG", 2, "4.50")))
    take(world, refunded("1001", "4.505"))
    refund = Refund.plain.get()
    release(merchant_id=world.merchant.pk, key=f"refund:{refund.pk}", at=LATER)
    assert Order.plain.get().refund_pending == D("4.505")
    finish(world, Command.plain.get(kind="create_refund"), State.VERIFIED, external_id="90", external_number="R1")
    assert Order.plain.get().refunded == D("4.505")
