"""An exchange: goods that come back, and a new order that goes out for them; each says the other."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal

from django.db import transaction

from catalog.models import Binding, Variant
from integrations.contract import records as r
from orders.models import Exchange, Order, OrderLine, Return, ReturnLine
from orders.services.desk import NotPossible
from orders.services.documents import build_address
from orders.services.intake import save_order
from orders.services.shop import MADE_HERE
from orders.services.timeline import note
from portal.base.money import round_money

METHOD = "exchange"  # how an order is paid with what came back: a ValueMapping of payment says what that is elsewhere
ZERO = Decimal(0)


@transaction.atomic
def link(*, return_id: int, number: str, by: str, at: datetime) -> Exchange:
    """Say that an order of the same shop, already here, goes out for the return. NotPossible where there is none of
    that number, it is the same order, or either is exchanged already."""
    order, row = _lock(return_id)
    found = Order.plain.filter(merchant_id=order.merchant_id, connection=order.connection)
    new = found.filter(number=number.strip().removeprefix("#")).order_by("-pk").first()
    if new is None or new.pk == order.pk:
        raise NotPossible(f"{order.connection.name} has no other order {number.strip() or '…'} here.")
    return _join(order, row, new, by, at)


@transaction.atomic
def make(*, return_id: int, articles: Mapping[int, str], by: str, at: datetime) -> Exchange:
    """A new order of what came back, or of other articles of ours instead (line of the return → code), at the price
    that was paid, and paid with it. NotPossible for an article the shop does not sell, and without goods."""
    order, row = _lock(return_id)
    lines = tuple(
        _build_line(order, line, place, articles.get(line.pk, "").strip())
        for place, line in enumerate(row.lines.select_related("order_line__variant").order_by("pk"))
    )
    if not lines:
        raise NotPossible(f"Return {row} has no goods to send others for.")
    total = sum((line.gross for line in lines), ZERO)
    record = r.OrderRecord(
        external_id=f"{MADE_HERE}exchange:{row.pk}",
        number=f"{order.number}-X{order.returns.filter(exchanges__isnull=False).count() + 1}",
        currency=order.currency,
        total=total,
        placed_at=at,
        updated_at=at,
        status_text=METHOD,
        financial=r.FinancialStatus.PAID,
        billing=build_address(order.billing),
        shipping=build_address(order.shipping),
        payments=(
            r.PaymentRecord(external_id=row.reference, kind=r.PaymentKind.CAPTURE, method=METHOD, amount=total, at=at),
        )
        if total
        else (),
        note=f"Exchange for order {order.number}, return {row}.",
        lines=lines,
    )
    save_order(connection=order.connection, record=record, at=at)
    new = Order.plain.get(connection=order.connection, external_id=record.external_id)
    Order.plain.filter(pk=new.pk).update(
        customer=order.customer_id, customer_name=order.customer_name, email=order.email, phone=order.phone
    )
    return _join(order, row, new, by, at)


def _lock(return_id: int) -> tuple[Order, Return]:
    order_id = Return.plain.values_list("order_id", flat=True).get(pk=return_id)
    order = Order.plain.select_for_update(of=("self",)).select_related("connection").get(pk=order_id)
    row = Return.plain.get(pk=return_id)
    if row.exchanges.exists():
        raise NotPossible(f"Return {row} is exchanged already.")
    return order, row


def _join(order: Order, row: Return, new: Order, by: str, at: datetime) -> Exchange:
    if new.exchanged_for.exists():
        raise NotPossible(f"Order {new} goes out for another return already.")
    made = Exchange(merchant_id=order.merchant_id, parent=row, new_order=new, made_at=at, made_by=by[:100])
    made.save()
    note(order, "exchanged", f"Order {new} goes out for return {row}.", at=at, actor=by)
    note(new, "exchanged", f"It goes out for return {row} of order {order}.", at=at, actor=by)
    return made


def _build_line(order: Order, back: ReturnLine, place: int, code: str) -> r.OrderLineRecord:
    """As it was sold, for what came back of it; another article has the same price."""
    line = back.order_line
    quantity = back.quantity / line.factor
    share = quantity / line.quantity
    gross, tax = round_money(line.gross * share, order.currency), round_money(line.tax * share, order.currency)
    article, sku, name = line.variant_external_id, line.sku, line.name
    if code and (line.variant is None or code != line.variant.code):
        article, sku, name = _find_article(order, line, code)
    taxes = [
        r.TaxRecord(code=one.code, name=one.name, rate=one.rate, amount=round_money(one.amount * share, order.currency))
        for one in line.taxes.all()
    ]
    return r.OrderLineRecord(
        external_id=f"{place}",
        variant_external_id=article,
        sku=sku,
        name=name,
        quantity=quantity,
        unit_price=(gross - tax) / quantity,
        net=gross - tax,
        tax=tax,
        gross=gross,
        taxes=tuple(taxes),
    )


def _find_article(order: Order, line: OrderLine, code: str) -> tuple[str, str, str]:
    """(the shop's id, our code, the name) of another article, sold by the same number of base units."""
    variant = Variant.plain.filter(merchant_id=order.merchant_id, code=code).first()
    bound = Binding.plain.filter(connection=order.connection, variant=variant, state=Binding.State.BOUND)
    found = bound.filter(factor=line.factor).order_by("pk").first() if variant else None
    if variant is None or found is None:
        raise NotPossible(f"{order.connection.name} sells no article {code} by the same unit: choose another code.")
    return found.external_id, variant.code, str(variant)
