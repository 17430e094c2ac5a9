"""What callers send of an order that is there: to cancel it, take goods back, or bill it."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Annotated, Literal

from msgspec import Meta

from integrations.contract.records import ReturnReason
from orders.mapping.sales import BadValue, Short
from orders.models import Order, OrderLine
from portal.base.bodies import Amount, Body, Quantity

Why = Annotated[str, Meta(min_length=1, max_length=300)]


class Some(Body):
    """So many of a line of the order: by its `line`, or by its article's code where only one line has it."""

    quantity: Quantity
    line: Short = ""
    code: Short = ""


class CancelWanted(Body):
    """Without lines: all of it."""

    reason: Why
    lines: Annotated[list[Some], Meta(max_length=500)] = []


class ReturnWanted(Body):
    """What comes back, why, and what becomes of it; `refund`: so much of the money the caller has given back."""

    lines: Annotated[list[Some], Meta(min_length=1, max_length=500)]
    reason: ReturnReason
    note: Annotated[str, Meta(max_length=300)] = ""
    restock: Literal["sell", "damaged", "keep"] = "sell"
    refund: Amount | None = None


class BillWanted(Body):
    """`paid`: the money is here. `remember`: this way of paying is meant from now on."""

    payment_type: Annotated[str, Meta(max_length=200)] = ""
    paid: bool = True
    remember: bool = False


def pick_lines(order: Order, wanted: Sequence[Some]) -> dict[int, Decimal]:
    """Line → how many of the shop's article. BadValue where it is not clear which line is meant."""
    lines = [line for line in order.lines.all() if line.kind == OrderLine.Kind.ITEM]
    found: dict[int, Decimal] = {}
    for place, one in enumerate(wanted):
        given = one.line or one.code
        mine = [line for line in lines if given == (line.external_id if one.line else line.sku)]
        if not given or len(mine) != 1:
            words = f"{given!r} names {len(mine)} lines of order {order}: say which `line` is meant."
            raise BadValue("line_unknown", words, f"lines[{place}]")
        found[mine[0].pk] = found.get(mine[0].pk, Decimal(0)) + one.quantity
    return found
