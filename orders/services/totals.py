"""What each system says an order comes to, side by side, and why they differ."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.utils.translation import gettext as _

from integrations.contract import records as r
from orders.models import FulfilmentOrder, Order, OrderLine, OrderPayload
from orders.services import payloads
from orders.services.arithmetic import Line, Said, explain
from orders.services.parts import list_part_lines, total_of
from portal.base.money import currency_quantum

ZERO = Decimal(0)
ITEM, SHIPPING, ROUNDING = OrderLine.Kind.ITEM, OrderLine.Kind.SHIPPING, OrderLine.Kind.ROUNDING


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """One system's arithmetic: articles − discount + shipping + other = net, net + tax + rounding = total. None where
    it does not say; `apart` is what its total differs from the shop's by."""

    name: str
    total: Decimal
    apart: Decimal = ZERO
    articles: Decimal | None = None
    discount: Decimal | None = None
    shipping: Decimal | None = None
    other: Decimal | None = None
    net: Decimal | None = None
    tax: Decimal | None = None
    rounding: Decimal | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Sums:
    """The columns (shop, ours, every back office) and, where they differ, what explains it."""

    columns: tuple[Column, ...]
    words: tuple[str, ...]


def read_sums(order: Order, parts: Sequence[FulfilmentOrder], lines: Sequence[OrderLine]) -> Sums:
    """`lines` with their `taxes` at hand."""
    sent = _read_shop(order)
    shop = _add_up(order.connection.name, sent, order.total) if sent else Column(
        name=order.connection.name, total=order.total
    )  # fmt: skip
    ours = _add_up(_("Here"), lines, sum((line.gross for line in lines), ZERO), apart_from=order.total)
    theirs = [
        (_read_part(order, part), list_part_lines(part, lines)) for part in parts if part.remote_total is not None
    ]
    words: list[str] = []
    if shop.rounding or any(one.apart or _is_other_tax(one, mine) for one, mine in theirs):
        words = _explain(order, sent, theirs)
    return Sums(columns=(shop, ours, *(one for one, _lines in theirs)), words=tuple(words))


def _read_shop(order: Order) -> tuple[r.OrderLineRecord, ...]:
    body = OrderPayload.plain.filter(order=order).values_list("body", flat=True).first()
    return payloads.load_lines(bytes(body)) if body is not None else ()


def _read_part(order: Order, part: FulfilmentOrder) -> Column:
    total = part.remote_total or ZERO
    net = total - part.remote_tax if part.remote_tax is not None else None
    apart = total - total_of(part, order)
    return Column(name=part.destination.name, total=total, apart=apart, net=net, tax=part.remote_tax)


def _add_up(name: str, lines: Iterable[Any], total: Decimal, *, apart_from: Decimal | None = None) -> Column:
    """Of our rows or the shop's records: both say kind, net, discount and tax."""
    rows = [line for line in lines if line.kind != ROUNDING]
    items = [line for line in rows if line.kind == ITEM]
    net, tax = sum((line.net for line in rows), ZERO), sum((line.tax for line in rows), ZERO)
    discount = sum((line.discount for line in items), ZERO)
    shipping = sum((line.net for line in rows if line.kind == SHIPPING), ZERO)
    bought = sum((line.net for line in items), ZERO)
    return Column(
        name=name,
        total=total,
        apart=ZERO if apart_from is None else total - apart_from,
        articles=bought + discount,
        discount=discount,
        shipping=shipping,
        other=net - bought - shipping,
        net=net,
        tax=tax,
        rounding=total - net - tax,
    )


def _is_other_tax(column: Column, lines: Iterable[OrderLine]) -> bool:
    return column.tax is not None and column.tax != sum((line.tax for line in lines), ZERO)


# --- why --------------------------------------------------------------------------------------------------------------


def _explain(
    order: Order, sent: Sequence[r.OrderLineRecord], theirs: Sequence[tuple[Column, Sequence[OrderLine]]]
) -> list[str]:
    unit = currency_quantum(order.currency)
    said: list[Said] = []
    if sent and (shop := _read_lines(sent, order)):
        said.append(
            Said(name=order.connection.name, total=order.total, tax=_read_tax(order, sent, unit), lines=tuple(shop))
        )
    for one, lines in theirs:
        said.append(Said(name=one.name, total=one.total, tax=one.tax, lines=tuple(_read_rows(lines))))
    return explain(said, order.currency)


def _read_tax(order: Order, sent: Sequence[r.OrderLineRecord], unit: Decimal) -> Decimal | None:
    """Of the lines, where they are whole and come to the total: else its total was reckoned by another tax."""
    tax = sum((line.tax for line in sent), ZERO)
    total = sum((line.gross for line in sent), ZERO)
    return tax if tax % unit == 0 and total == order.total else None


def _read_lines(sent: Sequence[r.OrderLineRecord], order: Order) -> list[Line]:
    """As exact as the shop says them; none where it does not say a tax's rate."""
    if any(tax.amount and tax.rate is None for line in sent for tax in line.taxes):
        return []
    return [
        Line(
            net=line.net if order.prices_include_tax else _sharpen(line, line.net, order.currency),
            gross=_sharpen(line, line.gross, order.currency) if order.prices_include_tax else line.gross,
            rates=tuple((tax.code, tax.rate) for tax in line.taxes if tax.rate is not None),
        )
        for line in sent
    ]


def _sharpen(line: r.OrderLineRecord, amount: Decimal, currency: str) -> Decimal:
    """The amount before it was rounded, where quantity × price says it; prices are before or after discount."""
    for exact in (line.unit_price * line.quantity, line.unit_price * line.quantity - line.discount):
        if abs(exact - amount) < currency_quantum(currency):
            return exact
    return amount


def _read_rows(lines: Sequence[OrderLine]) -> list[Line]:
    """What we send on; none where a tax's rate is not known."""
    if any(tax.rate is None for line in lines for tax in line.taxes.all()):
        return []
    return [
        Line(
            net=line.net,
            gross=line.gross,
            rates=tuple((tax.code, tax.rate) for tax in line.taxes.all() if tax.rate is not None),
        )
        for line in lines
    ]
