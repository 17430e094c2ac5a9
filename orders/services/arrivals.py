"""New orders: saved together with a few statements, however many they are; then each goes its way."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from decimal import Decimal

from integrations.contract import records as r
from integrations.models import Command, Connection
from orders.models import Customer, CustomerRules, DiscountLine, FulfilmentOrder, Order, OrderEvent, OrderRule
from orders.services import admission, changes, payloads, refunds, routing, standing
from orders.services.filling import balance, build_payments, fill, find_buyer, hold_mismatch, hold_several
from orders.services.lines import build_lines
from orders.services.money import storable
from orders.services.page import Page
from orders.services.routes import Routes
from orders.services.timeline import build_event
from portal.base.bulk import insert, take_keys
from portal.base.money import describe_money


class Arrival:
    """A new order, not saved yet, with what the shop says of it and who bought it."""

    def __init__(
        self,
        connection: Connection,
        record: r.OrderRecord,
        rules: CustomerRules,
        guests: list[Customer],
        *,
        at: datetime,
        read_at: datetime,
        history: bool,
    ) -> None:
        self.record = record
        self.order = Order(
            merchant_id=connection.merchant_id,
            connection=connection,
            external_id=record.external_id,
            location_id=connection.location_id,
            received_at=at,
            source_updated_at=record.updated_at,
            source_read_at=read_at,
        )
        fill(self.order, record, sent=False)
        if history:
            self.order.admission = Order.Admission.HISTORY
        self.who = find_buyer(self.order, connection, record, rules, guests=guests, at=at)
        self.lines, self.mismatch = balance(record)

    def describe(self, at: datetime) -> OrderEvent:
        order = self.order
        words = f"Received from {order.connection.name}: {describe_money(order.total, order.currency)}."
        return build_event(order, "received", words, at=at)

    def build_discount(self) -> list[DiscountLine]:
        """One row for what the lines were reduced by, for people to read."""
        amount = storable(sum((line.discount for line in self.record.lines), Decimal(0)))
        order = self.order
        return (
            [DiscountLine(merchant_id=order.merchant_id, order=order, code="discount", amount=amount)] if amount else []
        )


def save_new(
    connection: Connection,
    records: Sequence[r.OrderRecord],
    rules: CustomerRules,
    numbers: Iterable[str],
    routes: Routes,
    *,
    at: datetime,
    read_at: datetime,
    history: bool,
) -> list[Order]:
    """Save these orders of a shop, none of which we have. `rules` tell its buyers apart; `numbers` are those of theirs
    that orders of the shop have already."""
    found, taken = list[Order](), set(numbers)
    for together in _part(records):
        guests = list[Customer]()
        made = [
            Arrival(connection, record, rules, guests, at=at, read_at=read_at, history=history) for record in together
        ]
        page = _save(connection, made, guests, taken, routes, at)
        _send_on_their_way(page, made, routes, at)
        found += (one.order for one in made)
        taken |= {one.order.number for one in made}
    return found


def _part(records: Sequence[r.OrderRecord]) -> list[list[r.OrderRecord]]:
    """Those that may be saved together: whether one on account is within the limit is told by those before it."""
    found: list[list[r.OrderRecord]] = []
    for record in records:
        if not found or record.on_account or found[-1][-1].on_account:
            found.append([])
        found[-1].append(record)
    return found


def _save(
    shop: Connection, made: Sequence[Arrival], guests: list[Customer], taken: set[str], routes: Routes, at: datetime
) -> Page:
    orders = [one.order for one in made]
    lines, taxes, bindings = build_lines(shop, ((one.order, one.lines) for one in made))
    parts = len(made) * routes.count_parts(shop)
    spare = take_keys(guests, orders, lines, spare=[(FulfilmentOrder, parts), (Command, parts)])
    insert(
        guests,
        orders,
        lines,
        taxes,
        [row for one in made for row in build_payments(one.order, one.record, set())],
        [row for one in made for row in one.build_discount()],
        [payloads.build(one.order, one.record, at=at) for one in made],
        [one.describe(at) for one in made],
    )
    return Page(shop, orders, lines, taxes, bindings, taken=taken, part_keys=spare[0], command_keys=spare[1])


def _send_on_their_way(page: Page, made: Sequence[Arrival], routes: Routes, at: datetime) -> None:
    rules = admission.list_rules(made[0].order)
    for one in made:
        order = one.order
        hold_several(order, one.record, one.who, is_new=True, at=at)
        if one.mismatch and not order.stays_here:
            hold_mismatch(order, one.mismatch, at)
        changes.follow_status(order, one.record, at=at)
        if rules or order.on_account:
            admit(order, at, rules)
        if one.who.several or one.mismatch or rules or order.on_account:
            page.may_wait = True
    for one in made:
        routing.forward(one.order, at=at, routes=routes, page=page)
    page.write(at=at)
    for one in made:
        refunds.save_refunds(one.order, one.record.refunds, at=at)


def admit(order: Order, at: datetime, rules: Sequence[OrderRule] | None = None) -> None:
    """What the merchant's own rules and limits say of it."""
    if not order.stays_here or order.admission == Order.Admission.EXCLUDED:
        admission.admit(order, at=at, rules=rules)
        if order.on_account:
            standing.check(order, at=at)
