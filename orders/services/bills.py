"""Make bill: a sales order becomes a sales bill, at the part's destination, or a numbered page of our own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db import transaction

from integrations.models import Command, Connection, ValueMapping
from integrations.sync.outbox import enqueue
from orders.models import Bill, BillSeries, FulfilmentOrder, Order
from orders.services import payments
from orders.services.desk import NotPossible
from orders.services.parts import total_of
from orders.services.references import line_of, next_revision
from orders.services.shop import can
from orders.services.status import tell_status
from orders.services.timeline import note
from portal.base.money import describe_money, round_money

BILL = "bill"  # the stream of messages that ask for one
Kind = ValueMapping.Kind
State = Bill.State
ZERO = Decimal(0)
ON_ACCOUNT = "on account"
OURS = ("cash", "card", "bank transfer", ON_ACCOUNT)  # ways of paying a merchant has who never mapped any


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentType:
    """A way of paying that can be put on a bill: `code` is the destination's own, or our name on a bill of ours."""

    code: str
    label: str
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """What the form offers: where the bill is made, the ways of paying, and the one the map gives ('' for none)."""

    part: FulfilmentOrder | None
    types: Sequence[PaymentType]
    chosen: str
    method: str  # the shop's own word, which the choice is remembered for

    @property
    def where(self) -> str:
        return self.part.destination.name if self.part else ""


def list_choices(order: Order) -> list[Choice]:
    """A bill that can be made now: one for each part whose destination makes bills, else one of our own."""
    if order.is_over:
        return []
    parts = [part for part in order.fulfilment_orders.select_related("destination").order_by("pk")
             if part.state not in part.OVER]  # fmt: skip
    able = [part for part in parts if can(part.destination, "create_invoice")]
    if any(part.document == part.Document.INVOICE for part in able):
        return []  # it is billed there by itself
    there = Bill.plain.filter(order=order).exclude(state=State.GIVEN_UP)
    billed = set(there.values_list("fulfilment_order", flat=True))
    if able:
        ready = [part for part in able if part.state == FulfilmentOrder.State.PLACED and part.pk not in billed]
        return [_offer(order, part) for part in ready]
    return [] if None in billed else [_offer(order, None)]


def _offer(order: Order, part: FulfilmentOrder | None) -> Choice:
    method = order.payments.order_by("pk").values_list("method", flat=True).first() or ""
    types = list_types(order, part.destination if part else None)
    return Choice(part=part, types=types, chosen=_preselect(order, part, method, types), method=method)


def list_types(order: Order, there: Connection | None) -> list[PaymentType]:
    """Their ways of paying, as the values say; of a bill of our own the names of ours."""
    if there is not None:
        rows = ValueMapping.plain.filter(connection=there, kind=Kind.PAYMENT).order_by("label", "theirs")
        return [PaymentType(code=row.theirs, label=row.label or row.theirs, name=row.ours) for row in rows]
    rows = ValueMapping.plain.filter(merchant_id=order.merchant_id, kind=Kind.PAYMENT).exclude(ours="")
    names = sorted({*OURS, *rows.values_list("ours", flat=True)})
    return [PaymentType(code=name, label=name, name=name) for name in names]


def _preselect(order: Order, part: FulfilmentOrder | None, method: str, types: Sequence[PaymentType]) -> str:
    if part is not None:
        return payments.find_method(order, part.destination, method)
    row = ValueMapping.plain.filter(connection=order.connection, kind=Kind.PAYMENT, theirs=method).first()
    return row.ours if row is not None and any(one.code == row.ours for one in types) else ""


@transaction.atomic
def make(
    *, order_id: int, part_id: int | None, payment: str, paid: bool, remember: bool, by: str, at: datetime
) -> Bill:
    """Make the bill of a part (None: our own, of the whole order), paid by this way of paying; `paid`: the money is
    here, and what the shop does not have yet is registered. NotPossible where there is one, or none can be made;
    ValueError for a way of paying that is not one of those offered."""
    order = Order.plain.select_for_update(of=("self",)).select_related("connection").get(pk=order_id)
    wanted = (one for one in list_choices(order) if (one.part.pk if one.part else None) == part_id)
    choice = next(wanted, None)
    if choice is None:
        raise NotPossible(f"No bill of order {order} can be made there now: it has one, or is not placed there yet.")
    kind = _check(choice.types, payment)
    if remember and choice.method:
        _remember(order, choice, kind)
    Bill.plain.filter(order=order, fulfilment_order=choice.part, state=State.GIVEN_UP).delete()
    bill = Bill(
        merchant_id=order.merchant_id,
        order=order,
        fulfilment_order=choice.part,
        payment_type=kind.name or kind.label,
        payment_code=kind.code,
        currency=order.currency,
        total=total_of(choice.part, order) if choice.part else order.total,
        made_at=at,
        made_by=by[:100],
    )
    missing = order.total - order.captured
    if paid and missing > 0 and bill.payment_type != ON_ACCOUNT:
        payments.register(order, amount=missing, method=bill.payment_type, by=by, at=at)
    if choice.part is None:
        _write_here(order, bill, by, at)
    else:
        _ask_there(order, choice.part, bill, by, at)
    return bill


def _check(types: Sequence[PaymentType], code: str) -> PaymentType:
    found = next((one for one in types if one.code == code), None)
    if found is None:
        raise ValueError("Choose how it is paid, among the ways of paying that are there.")
    return found


def _remember(order: Order, choice: Choice, kind: PaymentType) -> None:
    """From now on the shop's way of paying is preselected as this one."""
    name = kind.name or kind.label
    if choice.part is not None and not kind.name:
        theirs = ValueMapping.plain.get(connection=choice.part.destination, kind=Kind.PAYMENT, theirs=kind.code)
        theirs.ours = name
        theirs.save()
    row, _ = ValueMapping.plain.get_or_create(
        merchant_id=order.merchant_id, connection=order.connection, kind=Kind.PAYMENT, theirs=choice.method[:200]
    )
    row.ours = name
    row.save()


def _write_here(order: Order, bill: Bill, by: str, at: datetime) -> None:
    """The next number of the merchant's, none left out, and what the page prints from now on."""
    BillSeries.plain.get_or_create(merchant_id=order.merchant_id)
    series = BillSeries.plain.select_for_update().get(merchant_id=order.merchant_id)
    series.last += 1
    series.save(update_fields=["last"])
    bill.sequence, bill.number = series.last, f"{series.last:06d}"
    bill.content, bill.state = _freeze(order), State.MADE
    bill.save()
    note(order, "billed", f"Bill {bill.number} of {describe_money(bill.total, bill.currency)}.", at=at, actor=by)
    tell_status(order, at=at)


def _freeze(order: Order) -> dict[str, Any]:
    """A bill says for ever what it said when it was made."""
    address = {**order.shipping, **order.billing}
    names = ("name", "company", "line1", "line2", "postcode", "city", "region", "country")
    lines = list(order.lines.prefetch_related("taxes").order_by("position"))
    taxes: dict[str, Decimal] = {}
    for line in lines:
        for tax in line.taxes.all():
            taxes[tax.name or tax.code] = taxes.get(tax.name or tax.code, ZERO) + tax.amount
    return {
        "order": order.number,
        "buyer": [address[name] for name in names if address.get(name)] or [order.customer_name],
        "lines": [
            {
                "name": " ".join(filter(None, (line.sku, line.name))) or str(line.get_kind_display()),
                "quantity": f"{line.quantity.normalize():f}",
                "net": _in_units(line.net, order),
                "tax": _in_units(line.tax, order),
                "gross": _in_units(line.gross, order),
            }
            for line in lines
        ],
        "taxes": [[name, _in_units(amount, order)] for name, amount in taxes.items()],
        "net": _in_units(sum((line.net for line in lines), ZERO), order),
        "gross": _in_units(order.total, order),
    }


def _in_units(amount: Decimal, order: Order) -> str:
    return str(round_money(amount, order.currency))


def _ask_there(order: Order, part: FulfilmentOrder, bill: Bill, by: str, at: datetime) -> None:
    bill.save()
    there, reference = part.destination, f"{part.reference}-B"
    command = enqueue(
        connection=there,
        kind="create_invoice",
        stream=BILL,
        subject=("bill", bill.pk),
        line=line_of(part),
        reference=reference,
        revision=next_revision(there, "create_invoice", reference, after=(Command.State.WITHDRAWN,)),
        amount=bill.total,
        currency=order.currency,
        at=at,
    )
    words = f"{there.name} is asked for the bill, paid by {bill.payment_type}."
    note(order, "bill_asked", words, at=at, actor=by, command=command)


def mark_made(bill: Bill, *, number: str, external_id: str, at: datetime) -> None:
    """The destination has made it; its payment follows in the same line. The caller holds the order's lock."""
    if bill.state == State.MADE:
        return
    bill.state, bill.number, bill.external_id = State.MADE, number[:100], external_id
    bill.save(update_fields=["state", "number", "external_id"])
    order = Order.plain.select_related("connection").get(pk=bill.order_id)
    part = FulfilmentOrder.plain.select_related("destination").get(bills=bill)
    note(order, "billed", f"{part.destination.name} has made bill {number}.", at=at)
    if bill.payment_type != ON_ACCOUNT and can(part.destination, "create_payment"):
        payments.tell_back_office(order, part, method=bill.payment_code, at=at)
    tell_status(order, at=at)


def may_correct(bill: Bill) -> bool:
    """Not once its destination was told of the payment."""
    part = bill.fulfilment_order
    return part is None or bill.state != State.MADE or not can(part.destination, "create_payment")


@transaction.atomic
def correct(*, bill_id: int, payment: str, remember: bool, by: str, at: datetime) -> Bill:
    """Another way of paying on a bill that was made. NotPossible once the destination has the payment: there it is
    changed by hand. ValueError as in `make`."""
    order = (
        Order.plain.select_for_update(of=("self",))
        .select_related("connection")
        .get(pk=Bill.plain.values_list("order_id", flat=True).get(pk=bill_id))
    )
    bill = Bill.plain.select_related("fulfilment_order__destination").get(pk=bill_id)
    part = bill.fulfilment_order
    if part is not None and not may_correct(bill):
        raise NotPossible(f"{part.destination.name} has the payment of bill {bill}: change it there.")
    kind = _check(list_types(order, part.destination if part else None), payment)
    was = bill.payment_type
    bill.payment_type, bill.payment_code = kind.name or kind.label, kind.code
    bill.save(update_fields=["payment_type", "payment_code"])
    if remember and (choice := _offer(order, part)).method:
        _remember(order, choice, kind)
    note(order, "bill_corrected", f"Bill {bill} is paid by {bill.payment_type}, not {was}.", at=at, actor=by)
    return bill
