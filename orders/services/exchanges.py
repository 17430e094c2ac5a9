"""An exchange: goods that come back, and a new order that goes out for them; each says the other."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from decimal import Decimal

from django.db import transaction

from catalog.models import Binding, Variant
from integrations.contract import records as r
from orders.models import Exchange, Order, OrderLine, Payment, Refund, Return, ReturnLine
from orders.services import giving_back, payments, routing
from orders.services.desk import NotPossible
from orders.services.documents import build_address
from orders.services.intake import save_order
from orders.services.money import is_whole
from orders.services.shop import MADE_HERE, is_made_here
from orders.services.timeline import note
from portal.base.money import describe_money, round_money

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
    return _join(order, row, new, new.total - new.captured, by, at)


@transaction.atomic
def make(
    *,
    return_id: int,
    articles: Mapping[int, str],
    prices: Mapping[int, Decimal] | None = None,
    by: str,
    at: datetime,
) -> Exchange:
    """A new order of what came back, or of other articles of ours instead (line of the return → code), at the price
    that was paid or at `prices` (line → with tax, for one of the shop's article), and paid with what came back. What it
    costs more is to be paid before it goes, what it costs less is given back. NotPossible for an article the shop does
    not sell, and without goods; ValueError for a price finer than the currency."""
    order, row = _lock(return_id)
    back = list(row.lines.select_related("order_line__variant").order_by("pk"))
    lines = tuple(
        _build_line(order, line, place, articles.get(line.pk, "").strip(), (prices or {}).get(line.pk))
        for place, line in enumerate(back)
    )
    if not lines:
        raise NotPossible(f"Return {row} has no goods to send others for.")
    total = sum((line.gross for line in lines), ZERO)
    paid = min(total, _value(order, back))
    record = r.OrderRecord(
        external_id=f"{MADE_HERE}exchange:{row.pk}",
        number=f"{order.number}-X{order.returns.filter(exchanges__isnull=False).count() + 1}",
        currency=order.currency,
        total=total,
        placed_at=at,
        updated_at=at,
        status_text=METHOD,
        financial=r.FinancialStatus.PAID if paid == total else r.FinancialStatus.PARTIALLY_PAID,
        billing=build_address(order.billing),
        shipping=build_address(order.shipping),
        payments=(
            r.PaymentRecord(external_id=row.reference, kind=r.PaymentKind.CAPTURE, method=METHOD, amount=paid, at=at),
        )
        if paid
        else (),
        note=f"Exchange for order {order.number}, return {row}.",
        lines=lines,
    )
    save_order(connection=order.connection, record=record, at=at)
    new = Order.plain.get(connection=order.connection, external_id=record.external_id)
    Order.plain.filter(pk=new.pk).update(
        customer=order.customer_id, customer_name=order.customer_name, email=order.email, phone=order.phone
    )
    made = _join(order, row, new, total, by, at)
    if made.to_give_back:
        _give_back(order, made, by, at)
    return made


@transaction.atomic
def give_back(*, exchange_id: int, by: str, at: datetime) -> Refund:
    """Ask the shop for what is left over. NotPossible where nothing is, and where the shop cannot be asked."""
    found = Exchange.plain.select_related("parent").get(pk=exchange_id)
    order = Order.plain.select_for_update(of=("self",)).select_related("connection").get(pk=found.parent.order_id)
    made = Exchange.plain.select_related("new_order").get(pk=exchange_id)
    if not made.to_give_back:
        raise NotPossible("Nothing is left to be given back of it.")
    return _ask_for(order, made, by, at)


@transaction.atomic
def take_payment(*, order_id: int, method: str, by: str, at: datetime) -> Payment:
    """The buyer has paid what the new order costs more: it goes on. ValueError without how it was paid, NotPossible
    where nothing is to be paid, and for an order whose shop tells what was paid."""
    order = Order.plain.select_for_update(of=("self",)).select_related("connection", "customer").get(pk=order_id)
    due = find_due(order)
    if not due or not is_made_here(order):
        raise NotPossible(f"Nothing is to be paid here for order {order}.")
    if not method.strip():
        raise ValueError("Say how it was paid.")
    row = payments.register(order, amount=due, method=method.strip(), by=by, at=at)
    routing.forward(order, at=at)
    return row


def find_due(order: Order) -> Decimal:
    """What of an order that goes out for a return is still to be paid."""
    due: Decimal = order.total - order.captured
    return ZERO if order.is_over else max(due, ZERO)


def _give_back(order: Order, made: Exchange, by: str, at: datetime) -> None:
    """As far as the shop can be asked; else a person gives it back there."""
    words = giving_back.why_not(order)
    try:
        if not words:
            _ask_for(order, made, by, at)
            return
    except NotPossible as error:
        words = str(error)
    amount = describe_money(made.to_give_back, order.currency)
    note(order, "exchange_refund_due", f"{amount} is to be given back for order {made.new_order}. {words}", at=at)


def _ask_for(order: Order, made: Exchange, by: str, at: datetime) -> Refund:
    reason = f"Order {made.new_order} costs less than what came back."
    made.refund = giving_back.ask(
        order_id=order.pk, quantities={}, amount=made.to_give_back, reason=reason, by=by, at=at
    )
    made.save(update_fields=["refund"])
    return made.refund


def _value(order: Order, lines: Iterable[ReturnLine]) -> Decimal:
    """What was paid for what comes back."""
    return sum((_share(order, line)[1] for line in lines), ZERO)


def _share(order: Order, back: ReturnLine) -> tuple[Decimal, Decimal]:
    """(how many of the shop's article, what was paid for them)."""
    line = back.order_line
    quantity: Decimal = back.quantity / line.factor
    return quantity, round_money(line.gross * quantity / line.quantity, order.currency)


def _lock(return_id: int) -> tuple[Order, Return]:
    order_id = Return.plain.values_list("order_id", flat=True).get(pk=return_id)
    order = Order.plain.select_for_update(of=("self",)).select_related("connection").get(pk=order_id)
    row = Return.plain.get(pk=return_id)
    if row.exchanges.exists():
        raise NotPossible(f"Return {row} is exchanged already.")
    return order, row


def _join(order: Order, row: Return, new: Order, value: Decimal, by: str, at: datetime) -> Exchange:
    if new.exchanged_for.exists():
        raise NotPossible(f"Order {new} goes out for another return already.")
    back = _value(order, row.lines.select_related("order_line").order_by("pk"))
    made = Exchange(
        merchant_id=order.merchant_id, parent=row, new_order=new, made_at=at, made_by=by[:100], value_back=back,
        value_new=value,
    )  # fmt: skip
    made.save()
    note(order, "exchanged", f"Order {new} goes out for return {row}.", at=at, actor=by)
    note(new, "exchanged", f"It goes out for return {row} of order {order}.", at=at, actor=by)
    if made.difference > 0:
        due = describe_money(made.difference, order.currency)
        note(new, "payment_due", f"It costs {due} more than what came back: that is to be paid.", at=at)
    return made


def _build_line(order: Order, back: ReturnLine, place: int, code: str, price: Decimal | None) -> r.OrderLineRecord:
    """As it was sold, for what came back of it, taxed the same; another article has the same price unless said."""
    line = back.order_line
    quantity, gross = _share(order, back)
    if price is not None:
        if not is_whole(price, order.currency):
            raise ValueError(f"{price} is finer than {order.currency} allows.")
        gross = round_money(price * quantity, order.currency)
    share = gross / line.gross if line.gross else ZERO
    tax = round_money(line.tax * share, order.currency)
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
