"""An order the shop cancelled and took up again: unpaid for too long, say, and paid after all."""

from __future__ import annotations

from catalog.models import ChannelStock, Reservation
from integrations.contract import records as r
from integrations.models import Command, Hold
from integrations.sync.documents import CancelRequest
from integrations.sync.release import release
from orders.models import FulfilmentOrder, Order
from orders.outbound import build_order
from tests.orders.test_intake import MINUTE, Part, State, create_command, finish, take
from tests.world import NOON, D, World, order, stocked


def word(minutes: int, *, cancelled: bool = False, paid: bool = True) -> r.OrderRecord:
    return order("1001", ("MUG", 4, "4.50"), cancelled=cancelled, paid=paid, updated_at=NOON + minutes * MINUTE)


def test_paid_after_the_shop_had_given_it_up_it_is_sent(world: World) -> None:
    stocked(world, "MUG")
    take(world, word(0, paid=False))
    take(world, word(1, paid=False, cancelled=True))
    assert FulfilmentOrder.plain.get().state == Part.CANCELLED
    assert {row.wanted for row in ChannelStock.plain.all()} == {D(10)}
    assert take(world, word(2)) == "updated"
    row = Order.plain.get()
    assert (row.fulfilment, row.intake) == ("unfulfilled", "ready")
    assert create_command().reference == "A-1001"
    assert Reservation.plain.get().ended_at is None
    assert {row.wanted for row in ChannelStock.plain.all()} == {D(6)}
    assert row.timeline.get(code="restored").message == "Taken up again in Shop A."


def test_withdrawn_and_taken_up_again_it_is_a_new_message_of_the_same_reference(world: World) -> None:
    stocked(world, "MUG")
    take(world, word(0))
    take(world, word(1, cancelled=True))
    take(world, word(2))
    found = Command.plain.order_by("pk").values_list("operation_key", "state")
    assert list(found) == [("A-1001:create_order:1", State.WITHDRAWN), ("A-1001:create_order:2", State.PENDING)]
    take(world, word(3, cancelled=True))
    assert set(Command.plain.values_list("state", flat=True)) == {State.WITHDRAWN}


def test_cancelled_there_already_it_is_a_persons_business(world: World) -> None:
    stocked(world, "MUG")
    take(world, word(0))
    finish(world, create_command(), State.VERIFIED, external_id="17", external_number="SO017", payload=b"{}")
    take(world, word(1, cancelled=True))
    cancel = Command.plain.get(kind="cancel_order")
    finish(world, cancel, State.ACCEPTED, r.CommandResult(external_id="17"))
    take(world, word(2))
    held = Hold.plain.get(ended_at__isnull=True)
    assert held.message == "Shop A has taken up order #1001 again, and ERP was asked to cancel it; look there."
    assert Command.plain.count() == 2
    assert release(merchant_id=world.merchant.pk, key=held.key, at=NOON) == 1
    assert Command.plain.count() == 2
    assert Order.plain.get().fulfilment == "unfulfilled"


def test_taken_up_again_before_the_back_office_heard_of_the_cancel_nothing_is_cancelled(world: World) -> None:
    stocked(world, "MUG")
    take(world, word(0))
    finish(world, create_command(), State.VERIFIED, external_id="17", external_number="SO017", payload=b"{}")
    take(world, word(1, cancelled=True))
    take(world, word(2))
    assert Command.plain.get(kind="cancel_order").state == State.WITHDRAWN
    assert FulfilmentOrder.plain.get().state == Part.PLACED
    assert not Hold.plain.filter(ended_at__isnull=True).exists()
    take(world, word(3, cancelled=True))
    cancel = Command.plain.get(kind="cancel_order", revision=2)
    assert cancel.state == State.PENDING
    asked = build_order(command=cancel, at=NOON)
    assert isinstance(asked, CancelRequest)
    assert asked.external_id == "17"


def test_a_line_taken_off_and_put_back_is_promised_again(world: World) -> None:
    stocked(world, "MUG", "CUP")
    both = (("MUG", 1, "4.50"), ("CUP", 2, "3.00"))
    take(world, order("1001", *both, paid=False))
    take(world, order("1001", both[0], paid=False, updated_at=NOON + MINUTE))
    take(world, order("1001", *both, paid=False, updated_at=NOON + 2 * MINUTE))
    promised = Reservation.plain.filter(ended_at__isnull=True).order_by("pk")
    assert list(promised.values_list("variant__code", "quantity")) == [("MUG", D(1)), ("CUP", D(2))]
