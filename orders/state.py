"""Which moves an order and its parts may make. Pure: tables and one function over them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

from integrations.contract.records import Progress
from orders.models import FulfilmentOrder, HomeDelivery, Order

Intake, Financial, Fulfilment = Order.Intake, Order.Financial, Order.Fulfilment
Placement, Home = FulfilmentOrder.State, HomeDelivery.State
Table = Mapping[str, frozenset[str]]


def _table(rows: Mapping[str, Iterable[str]]) -> Table:
    return {str(old): frozenset(str(new) for new in news) for old, news in rows.items()}


INTAKE = _table({
    Intake.RECEIVED: (Intake.READY, Intake.SOURCE_DELETED),
    Intake.READY: (Intake.RECEIVED, Intake.SOURCE_DELETED),
    Intake.SOURCE_DELETED: (Intake.RECEIVED,),  # restored in the shop
})  # fmt: skip
_PAYING = (Financial.AUTHORIZED, Financial.PARTIALLY_PAID, Financial.PAID)
_GIVING_BACK = (Financial.PARTIALLY_REFUNDED, Financial.REFUNDED)
FINANCIAL = _table({
    Financial.PENDING: (*_PAYING, *_GIVING_BACK, Financial.VOIDED),
    Financial.AUTHORIZED: (Financial.PENDING, *_PAYING, *_GIVING_BACK, Financial.VOIDED),
    Financial.PARTIALLY_PAID: (Financial.PENDING, *_PAYING, *_GIVING_BACK, Financial.VOIDED),
    Financial.PAID: (*_GIVING_BACK, Financial.PARTIALLY_PAID, Financial.PENDING, Financial.VOIDED),
    Financial.PARTIALLY_REFUNDED: (Financial.REFUNDED, Financial.PAID),
    Financial.REFUNDED: (Financial.PARTIALLY_REFUNDED,),
    Financial.VOIDED: (Financial.PENDING, *_PAYING),
})  # fmt: skip
FULFILMENT = _table({
    Fulfilment.UNFULFILLED: (Fulfilment.PARTIALLY_FULFILLED, Fulfilment.FULFILLED, Fulfilment.CANCELLED),
    Fulfilment.PARTIALLY_FULFILLED: (Fulfilment.FULFILLED, Fulfilment.RETURNED, Fulfilment.CANCELLED),
    Fulfilment.FULFILLED: (Fulfilment.RETURNED, Fulfilment.PARTIALLY_FULFILLED),
    Fulfilment.RETURNED: (Fulfilment.FULFILLED,),
    Fulfilment.CANCELLED: (Fulfilment.UNFULFILLED, Fulfilment.PARTIALLY_FULFILLED, Fulfilment.FULFILLED),
})  # fmt: skip
_STOPPED = (Placement.NEEDS_FIX, Placement.NEEDS_HUMAN)
PLACEMENT = _table({
    Placement.WAITING: (Placement.QUEUED, Placement.CANCELLED, Placement.NEVER),
    Placement.QUEUED: (Placement.PLACED, *_STOPPED, Placement.CANCELLED, Placement.NEVER, Placement.WAITING),
    Placement.NEEDS_FIX: (
        Placement.QUEUED, Placement.PLACED, Placement.NEEDS_HUMAN, Placement.CANCELLED, Placement.NEVER,
        Placement.WAITING,  # a person gives it to another back office
    ),
    Placement.NEEDS_HUMAN: (
        Placement.QUEUED, Placement.PLACED, Placement.NEEDS_FIX, Placement.CANCELLED, Placement.NEVER,
    ),
    Placement.PLACED: (Placement.CANCELLED, Placement.QUEUED),  # queued: a person has it made anew
    Placement.CANCELLED: (Placement.WAITING,),  # never sent, and taken up again in the shop
    Placement.NEVER: (Placement.QUEUED,),
})  # fmt: skip
HOME = _table({
    "": (Home.PACKED, Home.OUT),
    Home.PACKED: (Home.OUT, Home.BACK),
    Home.OUT: (Home.DELIVERED, Home.FAILED, Home.BACK),
    Home.FAILED: (Home.OUT, Home.BACK),
    Home.BACK: (Home.PACKED, Home.OUT),
})  # fmt: skip
# How far the buyer's goods are, where they are carried to his door.
DOOR = {
    Home.PACKED: Progress.PACKED,
    Home.OUT: Progress.OUT_FOR_DELIVERY,
    Home.DELIVERED: Progress.DELIVERED,
    Home.FAILED: Progress.DELIVERY_FAILED,
    Home.BACK: Progress.BACK_IN_STORE,
}


def may_move(table: Table, old: str, new: str) -> bool:
    """Whether `old` may become `new`; staying is always allowed."""
    return old == new or new in table.get(old, frozenset())


def move(table: Table, old: str, new: str) -> str:
    """The state afterwards: `new` where the table allows it, else `old`."""
    return new if may_move(table, old, new) else old


def simple_status(*, kept: int, cancelled: int, fulfilled: int, billed: bool) -> str:
    """The one word of the API: lines kept, cancelled, and (of the kept) fulfilled."""
    if kept == 0 and cancelled:
        return "Cancelled"
    if kept and (fulfilled == kept or billed):
        return "Delivered"
    return "Pending"


def list_progress(
    *, simple: str, fulfilment: str, placed: bool, billed: bool, doors: Collection[str]
) -> tuple[Progress, ...]:
    """What can be said of an order, the finest first: a shop is told the first it has a word for. `doors` are the
    states of its home deliveries; of several, the one that went wrong counts, else the one that is furthest behind."""
    if simple == "Cancelled":
        return (Progress.CANCELLED,)
    found: list[Progress] = []
    if fulfilment == Fulfilment.RETURNED:
        found.append(Progress.RETURNED)
    if behind := [state for state in (Home.BACK, Home.FAILED, Home.PACKED, Home.OUT) if state in doors]:
        return (*found, DOOR[behind[0]], Progress.PENDING)  # what is at no door yet is no more than under way
    if doors or simple == "Delivered":
        found.append(Progress.DELIVERED)
    if fulfilment in (Fulfilment.FULFILLED, Fulfilment.RETURNED):
        found.append(Progress.FULFILLED)
    if fulfilment == Fulfilment.PARTIALLY_FULFILLED:
        found.append(Progress.PARTIALLY_FULFILLED)
    if billed:
        found.append(Progress.BILLED)
    if placed:
        found.append(Progress.PLACED)
    return tuple(dict.fromkeys([*found, Progress.PENDING] if simple == "Pending" else found))
