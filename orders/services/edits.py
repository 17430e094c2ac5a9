"""Orders the shop changed after they were sent on: kept as a difference, and settled by a person.

He takes the change over here (it was made there by hand), has it made there, or leaves the order as it was.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

import msgspec
from django.db import transaction
from django.db.models import Q

from integrations.contract import records as r
from integrations.sync.platforms import list_capabilities
from integrations.sync.release import release
from orders.models import Order, OrderEdit, OrderLine
from orders.services import goods, holds, routing
from orders.services.lines import differs, find_differing, write_lines
from orders.services.timeline import note
from portal.base.money import describe_money

State = OrderEdit.State
CHANGED_LATE = "changed_after_sending"
ZERO = Decimal(0)


class NotPossible(Exception):
    """The change cannot be settled that way; the message says what to do instead."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LineChange:
    """One line of the difference; quantities of the shop's article, amounts with tax. Nothing before: it is new;
    nothing now: it is gone."""

    name: str
    quantity_before: Decimal
    quantity_now: Decimal
    gross_before: Decimal
    gross_now: Decimal


def list_changes(edit: OrderEdit) -> list[LineChange]:
    """What is different in the shop, in the order of its lines; those that are gone last."""
    return _compare(_rows(edit.order), decode_lines(edit))


def describe_changes(edit: OrderEdit) -> str:
    """ "MUG 1 → 2, CUP new: 3; total 4.50 → 9.00 GBP"."""
    order = edit.order
    words = [_describe(one, order.currency) for one in list_changes(edit)]
    if edit.total != order.total:
        now = describe_money(edit.total, order.currency)
        words.append(f"total {describe_money(order.total, order.currency)} → {now}")
    return ", ".join(words)


def decode_lines(edit: OrderEdit) -> tuple[r.OrderLineRecord, ...]:
    return msgspec.json.decode(bytes(edit.lines), type=tuple[r.OrderLineRecord, ...])


# --- what the shop says -----------------------------------------------------------------------------------------------


def save_edit(
    order: Order, lines: Sequence[r.OrderLineRecord], problem: str, *, total: Decimal, at: datetime
) -> list[str]:
    """Keep the lines of an order that was sent where they differ from ours, once, and hold it; the caller holds its
    lock. Where they are ours again, there is nothing to decide any more."""
    if order.is_over:
        return []
    edit = order.edits.filter(state=State.OPEN).first()
    if total == order.total and not find_differing(_rows(order), lines):
        if edit is None:
            return []
        drop(order, at=at)
        holds.end(order, [_key(order)], at=at)
        note(order, "change_gone", "The shop has taken its change back.", at=at)
        return ["lines"]
    payload, known = msgspec.json.encode(lines), order.edits.exclude(state=State.GONE).order_by("-pk").first()
    if known is not None and known.state in (State.OPEN, State.IGNORED) and _same(known, payload, total):
        return []
    edit = edit or OrderEdit(merchant_id=order.merchant_id, order=order)
    edit.at, edit.total, edit.lines, edit.problem = at, total, payload, problem[:500]
    edit.save()
    words = describe_changes(edit)
    note(order, "changed", f"Changed in {order.connection.name} after it was sent: {words}.", at=at)
    holds.wait(
        order, CHANGED_LATE, _key(order), f"Order {order} was changed in the shop after it was sent: {words}.", at=at
    )
    return ["lines"]


def drop(order: Order, *, at: datetime) -> None:
    """Nobody has to decide about, or be told of, a change any more."""
    order.edits.filter(state__in=(State.OPEN, State.SENDING)).update(state=State.GONE, decided_at=at)


# --- what a person says -----------------------------------------------------------------------------------------------


@transaction.atomic
def accept(*, order_id: int, by: str, at: datetime) -> None:
    """The shop's lines are ours now; the back office was changed by hand, or will be. NotPossible where there is no
    change, its lines do not come to its total, or goods of a line that is gone have left."""
    order, edit = _lock(order_id)
    _take_over(order, edit)
    _decide(order, edit, State.ACCEPTED, "is taken over here", by, at)
    goods.settle_promise(order, at=at)


@transaction.atomic
def push(*, order_id: int, by: str, at: datetime) -> None:
    """The shop's lines are ours, and each back office that has the order is told to change it, as soon as it knows all
    that is new in it. NotPossible as in `accept`, and where one cannot change orders."""
    order, edit = _lock(order_id)
    sent = order.fulfilment_orders.exclude(state__in=routing.NOT_THERE).filter(document=routing.Document.ORDER)
    for part in sent.select_related("destination"):
        there = part.destination
        if "update_order" not in list_capabilities(there.platform, there.settings):
            raise NotPossible(f"{there.name} cannot change orders: change it there by hand, and take it over here.")
    _take_over(order, edit)
    _decide(order, edit, State.SENDING, "is sent on", by, at)


@transaction.atomic
def ignore(*, order_id: int, by: str, at: datetime) -> None:
    """The order stays as it was sent; the same change is not asked about again. NotPossible where there is none."""
    order, edit = _lock(order_id)
    _decide(order, edit, State.IGNORED, "is left out", by, at)


def _lock(order_id: int) -> tuple[Order, OrderEdit]:
    orders = Order.plain.select_for_update(of=("self",)).select_related("connection", "customer")
    order = orders.get(pk=order_id)
    edit = order.edits.select_related("order").filter(state=State.OPEN).first()
    if edit is None:
        raise NotPossible(f"Order {order} has no change to decide about.")
    return order, edit


def _take_over(order: Order, edit: OrderEdit) -> None:
    if edit.problem:
        raise NotPossible(f"The lines in the shop do not come to its total: {edit.problem} Mend it there.")
    before, lines = _rows(order), decode_lines(edit)
    gone = [row.pk for pk, row in before.items() if pk not in {line.external_id for line in lines}]
    used = Q(shipped__isnull=False) | Q(returned__isnull=False) | Q(refunds__isnull=False)
    if row := OrderLine.plain.filter(used, pk__in=gone).first():
        raise NotPossible(f"{row} was delivered or given back already, so it cannot be taken off the order.")
    write_lines(order, lines, before)
    order.total = edit.total
    order.save(update_fields=["total"])


def _decide(order: Order, edit: OrderEdit, state: str, words: str, by: str, at: datetime) -> None:
    edit.state, edit.decided_at, edit.decided_by = state, at, by[:100]
    edit.save(update_fields=["state", "decided_at", "decided_by"])
    note(order, f"change_{state}", f"The change of the shop {words}.", at=at, actor=by)
    if not release(merchant_id=order.merchant_id, key=_key(order), at=at):
        routing.forward(order, at=at)


# --- comparing --------------------------------------------------------------------------------------------------------


def _key(order: Order) -> str:
    return f"changed:{order.pk}"


def _rows(order: Order) -> dict[str, OrderLine]:
    return {row.external_id: row for row in order.lines.order_by("position")}


def _same(edit: OrderEdit, payload: bytes, total: Decimal) -> bool:
    return bytes(edit.lines) == payload and edit.total == total


def _compare(before: Mapping[str, OrderLine], lines: Sequence[r.OrderLineRecord]) -> list[LineChange]:
    now = {line.external_id for line in lines}
    found = []
    for line in lines:
        row = before.get(line.external_id)
        if differs(row, line):
            found.append(
                LineChange(
                    name=line.sku or line.name,
                    quantity_before=row.quantity if row else ZERO,
                    quantity_now=line.quantity,
                    gross_before=row.gross if row else ZERO,
                    gross_now=line.gross,
                )
            )
    gone = [row for pk, row in before.items() if pk not in now]
    return found + [
        LineChange(
            name=row.sku or row.name,
            quantity_before=row.quantity,
            quantity_now=ZERO,
            gross_before=row.gross,
            gross_now=ZERO,
        )
        for row in gone
    ]


def _describe(change: LineChange, currency: str) -> str:
    before, now = f"{change.quantity_before.normalize():f}", f"{change.quantity_now.normalize():f}"
    if not change.quantity_before:
        return f"{change.name} new: {now}"
    if not change.quantity_now:
        return f"{change.name} gone: {before}"
    if before != now:
        return f"{change.name} {before} → {now}"
    was, is_now = describe_money(change.gross_before, currency), describe_money(change.gross_now, currency)
    return f"{change.name} {was} → {is_now}"
