"""Whether an order is as far as the destination of a part wants it. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from orders.models import FulfilmentOrder, Order

State, SendWhen = FulfilmentOrder.State, FulfilmentOrder.SendWhen
PAID = (Order.Financial.PAID, Order.Financial.PARTIALLY_REFUNDED, Order.Financial.REFUNDED)
GONE = (Order.Fulfilment.FULFILLED, Order.Fulfilment.RETURNED)


def is_time(part: FulfilmentOrder, order: Order, parts: Sequence[FulfilmentOrder]) -> bool:
    """Created, confirmed, paid (on delivery, on account), accepted where it goes first, or shipped; `parts`: all."""
    match part.send_when:
        case SendWhen.CREATED:
            return True
        case SendWhen.ACCEPTED:
            first = list_awaited(part, parts)
            over = all(one.state == State.PLACED or one.state in one.OVER for one in first)
            return over and any(one.state == State.PLACED for one in first)
        case SendWhen.SHIPPED:
            return order.fulfilment in GONE
    if order.cash_on_delivery or order.on_account:
        return True
    if part.send_when == SendWhen.CONFIRMED:
        return order.financial != Order.Financial.PENDING
    return order.financial in PAID


def list_awaited(part: FulfilmentOrder, parts: Sequence[FulfilmentOrder]) -> list[FulfilmentOrder]:
    """Those that must be accepted before this one is sent: the named back office's, else all that wait for nobody's
    acceptance."""
    others = [one for one in parts if one.pk != part.pk and one.document == one.Document.ORDER]
    if part.after_id:
        return [one for one in others if one.destination_id == part.after_id]
    return [one for one in others if one.send_when != SendWhen.ACCEPTED]


def is_in_vain(part: FulfilmentOrder, parts: Sequence[FulfilmentOrder]) -> bool:
    """Whether it waits for an acceptance that never comes: all who were to accept it are over without it."""
    first = list_awaited(part, parts) if part.send_when == SendWhen.ACCEPTED else []
    return bool(first) and all(one.state in one.OVER for one in first)
