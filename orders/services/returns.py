"""Goods that come back: said by a shop or a back office, or by a person here; and told to the other side. No money."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db import transaction
from django.db.models import F, Sum

from integrations.contract import records as r
from integrations.models import Command, Connection, Link, Stream, ValueMapping
from integrations.sync.outbox import enqueue
from orders.models import FulfilmentOrder, Order, OrderLine, Return, ReturnLine
from orders.services import goods
from orders.services.desk import NotPossible
from orders.services.parts import load_shares
from orders.services.references import build_reference, line_of
from orders.services.shop import MADE_HERE, can, line_at_shop, may_be_told
from orders.services.status import tell_status
from orders.services.timeline import note

ZERO = Decimal(0)
CREATED, UPDATED, UNCHANGED = "created", "updated", "unchanged"
OPEN, DONE, CANCELLED = (r.DocumentState[name].value for name in ("OPEN", "DONE", "CANCELLED"))
REASON = ValueMapping.Kind.RETURN_REASON


# --- what a platform says ---------------------------------------------------------------------------------------------


def save_return(
    *, connection: Connection, record: r.ReturnRecord, order: Order, part: FulfilmentOrder | None, at: datetime
) -> str:
    """Keep what a shop (`part` None) or a back office says of goods that come back; "created", "updated" or
    "unchanged". One we had made there is the one we know. The caller holds the order's lock."""
    row, is_ours = _find(connection, record, order)
    is_new = row is None
    row = row or Return(
        merchant_id=order.merchant_id, order=order, connection=connection, external_id=record.external_id[:200]
    )
    if not _fill(row, record, is_ours=is_ours) and not is_new:
        return UNCHANGED
    if is_new:
        row.reference = _next_reference(order)
        row.reason_code = _map_reason(connection, row.reason)
    row.save()
    if record.lines and part is not None:
        goods.book_return(part, row, record.lines)
    elif record.lines:
        goods.book_shop_return(order, row, record.lines)
    goods.mark_returned(order)
    if is_new or row.state == DONE:
        words = "Goods came back to" if row.state == DONE else "Goods are to come back, says"
        note(order, "returned", f"{words} {connection.name}: {row}.", at=at)
    tell(order, row, at=at)
    tell_status(order, at=at)
    return CREATED if is_new else UPDATED


def _find(connection: Connection, record: r.ReturnRecord, order: Order) -> tuple[Return | None, bool]:
    """(the return, whether it is one we had made there)."""
    link = Link.plain.filter(connection=connection, stream=Stream.RETURN, external_id=record.external_id).first()
    if link is not None and link.subject_type == "return":
        return order.returns.filter(pk=link.subject_id).first(), True
    ours = record.reference.partition(".")[0]  # of a part of it: its number follows
    if ours and (row := order.returns.filter(reference=ours).first()):
        return row, True
    return order.returns.filter(connection=connection, external_id=record.external_id[:200]).first(), False


def _fill(row: Return, record: r.ReturnRecord, *, is_ours: bool) -> bool:
    """Put the record on the return; whether anything is new. Of one we had made, only how far it is."""
    values: dict[str, Any] = {"state": record.state.value}
    if record.state is r.DocumentState.DONE or not is_ours:
        values["at"] = record.updated_at or row.at
    if not is_ours:
        values |= {"number": record.number[:100], "reason": record.reason[:500]}
    changed = [name for name, value in values.items() if getattr(row, name) != value]
    for name in changed:
        setattr(row, name, values[name])
    return bool(set(changed) - {"at"}) or bool(changed and not is_ours)


def _map_reason(connection: Connection, theirs: str) -> str:
    """Our word for a reason of theirs, '' where nobody has mapped it yet: then it is on the list to be mapped."""
    if not theirs or connection.role not in Connection.SELLING_ROLES:
        return ""
    row, created = ValueMapping.plain.get_or_create(
        merchant_id=connection.merchant_id,
        connection=connection,
        kind=REASON,
        theirs=theirs[:200],
        defaults={"label": theirs[:200], "seen": 1},
    )
    if not created:
        ValueMapping.plain.filter(pk=row.pk).update(seen=F("seen") + 1)
    return row.ours


# --- what a person says -----------------------------------------------------------------------------------------------


def count_left(order: Order) -> dict[int, Decimal]:
    """Line → how many of the shop's article may still come back: what is not cancelled and not on a return yet."""
    back = ReturnLine.plain.filter(parent__order=order).exclude(parent__state=CANCELLED).order_by()
    gone = dict(back.values_list("order_line").annotate(Sum("quantity")))
    lines = order.lines.filter(kind=OrderLine.Kind.ITEM).order_by("position")
    return {line.pk: max((line.base_quantity - gone.get(line.pk, ZERO)) / line.factor, ZERO) for line in lines}


@transaction.atomic
def make(
    *,
    order_id: int,
    quantities: Mapping[int, Decimal],
    reason_code: str,
    reason: str,
    restock: str,
    by: str,
    at: datetime,
) -> Return:
    """A person says that goods come back (line → how many of the shop's article), and why; the back office that
    delivered them, and the shop, are told. ValueError without goods or a reason; NotPossible for more than there are.
    """
    wanted = {pk: quantity for pk, quantity in quantities.items() if quantity}
    if not wanted:
        raise ValueError("Say how many of which article come back.")
    if reason_code not in set(r.ReturnReason) or restock not in Return.Restock.values:
        raise ValueError("Choose why it comes back, and what becomes of it.")
    order = Order.plain.select_for_update(of=("self",)).select_related("connection").get(pk=order_id)
    left, lines = count_left(order), {line.pk: line for line in order.lines.all()}
    for pk, quantity in wanted.items():
        if quantity < 0 or quantity > left.get(pk, ZERO):
            name = lines[pk].sku or lines[pk].name if pk in lines else "another order's line"
            raise NotPossible(f"Of {name} only {left.get(pk, ZERO).normalize():f} can come back, not {quantity:f}.")
    reference = _next_reference(order)
    row = Return(
        merchant_id=order.merchant_id,
        order=order,
        connection=order.connection,
        external_id=f"{MADE_HERE}{reference}",
        number=reference,
        reference=reference,
        state=DONE if restock == Return.Restock.KEEP else OPEN,
        reason=reason.strip()[:500],
        reason_code=reason_code,
        restock=restock,
        made_by=by[:100],
        at=at,
    )
    row.save()
    goods.write_return(row, {pk: quantity * lines[pk].factor for pk, quantity in wanted.items()})
    goods.mark_returned(order)
    words = f"{_describe_goods(wanted, lines)} come back ({_describe_reason(row)}; {row.get_restock_display()})."
    note(order, "return_made", f"Return {row}: {words}", at=at, actor=by)
    tell(order, row, at=at)
    tell_status(order, at=at)
    return row


@transaction.atomic
def mark_arrived(*, return_id: int, by: str, at: datetime) -> None:
    """The goods of a return are here: said by a person, where no back office says so. NotPossible where one does."""
    order = Order.plain.select_for_update().get(pk=Return.plain.values_list("order_id", flat=True).get(pk=return_id))
    row = Return.plain.select_related("order__connection").get(pk=return_id)
    if row.state != OPEN:
        raise NotPossible(f"Return {row} does not wait for goods.")
    if there := list_takers(order).get(row.pk):
        raise NotPossible(f"{there} takes the goods in: receive them there, and it says so here.")
    row.state, row.at = DONE, at
    row.save(update_fields=["state", "at"])
    goods.mark_returned(order)
    note(order, "returned", f"The goods of return {row} are here.", at=at, actor=by)
    tell_status(row.order, at=at)


def list_takers(order: Order) -> dict[int, str]:
    """Return → the back office that takes its goods in, or is asked to."""
    rows = Command.plain.filter(kind="create_return", subject_type="return", subject_id__in=order.returns.values("pk"))
    rows = rows.exclude(connection=order.connection_id).exclude(state=Command.State.WITHDRAWN)
    return dict(rows.values_list("subject_id", "connection__name"))


# --- telling the other side -------------------------------------------------------------------------------------------


def tell(order: Order, row: Return, *, at: datetime) -> None:
    """Write down that the other side is to be told, each once: of a shop's or a person's return the back offices that
    have its goods, of a back office's or a person's the shop. What the buyer keeps is nobody's to take in."""
    if row.state == CANCELLED:
        return
    known = set(_told(row).values_list("line", flat=True))
    is_shops = row.connection_id == order.connection_id
    if is_shops and row.restock != Return.Restock.KEEP:
        for part in order.fulfilment_orders.select_related("destination").filter(
            state=FulfilmentOrder.State.PLACED, document=FulfilmentOrder.Document.ORDER
        ):
            if line_of(part) not in known and list_lines(row, part):
                _tell_back_office(order, row, part, at)
    if (row.made_by or not is_shops) and line_at_shop(order) not in known:
        _tell_shop(order, row, at)


def list_lines(row: Return, part: FulfilmentOrder) -> list[tuple[OrderLine, Decimal]]:
    """(line, how many of the shop's article) of the return that are the part's: of a line that several parts have, each
    return takes what earlier ones have left of the first."""
    order = row.order
    parts = list(order.fulfilment_orders.filter(document=part.Document.ORDER).order_by("number"))
    left = {(pk, one.order_line_id): one.quantity for pk, mine in load_shares(parts).items() for one in mine}
    found: list[tuple[OrderLine, Decimal]] = []
    earlier = order.returns.filter(pk__lte=row.pk).exclude(state=CANCELLED).order_by("pk")
    for one in earlier.prefetch_related("lines__order_line__taxes"):
        for line in one.lines.all():
            wanted = line.quantity / line.order_line.factor
            for other in parts:
                there = left.get((other.pk, line.order_line_id), ZERO) if other.amount is not None else wanted
                share = min(wanted, there)
                if other.amount is not None:
                    left[other.pk, line.order_line_id] = there - share
                    wanted -= share
                if share and one.pk == row.pk and other.pk == part.pk:
                    found.append((line.order_line, share))
    return found


def _tell_back_office(order: Order, row: Return, part: FulfilmentOrder, at: datetime) -> None:
    there = part.destination
    if not can(there, "create_return"):
        note(order, "return_by_hand", f"{there.name} cannot be told of return {row}: book it there by hand.", at=at)
        return
    _ask(order, row, there, line_of(part), "" if part.amount is None else f".{part.number}", at)


def _tell_shop(order: Order, row: Return, at: datetime) -> None:
    if can(order.connection, "create_return") and may_be_told(order, Stream.RETURN):
        _ask(order, row, order.connection, line_at_shop(order), "", at)


def _ask(order: Order, row: Return, there: Connection, line: str, tail: str, at: datetime) -> None:
    if not row.reference:  # kept before returns had one
        row.reference = f"{build_reference(order)}-T{order.returns.filter(pk__lte=row.pk).count()}"
        row.save(update_fields=["reference"])
    command = enqueue(
        connection=there,
        kind="create_return",
        stream=Stream.RETURN,
        subject=("return", row.pk),
        line=line,
        reference=f"{row.reference}{tail}",
        at=at,
    )
    note(order, "return_asked", f"{there.name} is told of return {row}.", at=at, command=command)


def find_reason(row: Return, there: Connection) -> str:
    """Their word for why it comes back, else ours, with what the person wrote."""
    rows = ValueMapping.plain.filter(connection=there, kind=REASON, ours=row.reason_code).order_by("pk")
    theirs = rows.values_list("theirs", flat=True).first() if row.reason_code else ""
    return ": ".join(filter(None, (theirs or row.reason_code.replace("_", " "), row.reason)))


def _told(row: Return) -> Any:
    return Command.plain.filter(kind="create_return", subject_type="return", subject_id=row.pk).order_by("pk")


def _next_reference(order: Order) -> str:
    return f"{build_reference(order)}-T{order.returns.count() + 1}"


def _describe_goods(wanted: Mapping[int, Decimal], lines: Mapping[int, OrderLine]) -> str:
    return ", ".join(f"{quantity.normalize():f} × {lines[pk].sku or lines[pk].name}" for pk, quantity in wanted.items())


def _describe_reason(row: Return) -> str:
    return ": ".join(filter(None, (row.reason_code.replace("_", " "), row.reason)))
