"""Giving an order to the back offices that are to have it, as soon as nothing holds it up."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal

from django.db import transaction

from catalog import services as catalog
from catalog.models import Binding
from integrations.models import Command, Connection, Flow, Stream
from integrations.sync.outbox import enqueue
from integrations.sync.release import list_new_keys, lock_keys
from orders.models import FulfilmentOrder, Order, OrderEdit, OrderLine
from orders.services import destination, holds, refunds
from orders.services.references import build_reference, line_of, next_revision
from orders.services.timeline import note
from orders.state import INTAKE, PLACEMENT, move

State = FulfilmentOrder.State
SendWhen = FulfilmentOrder.SendWhen
FINEST = Decimal("0.001")
PAID = (Order.Financial.PAID, Order.Financial.PARTIALLY_REFUNDED, Order.Financial.REFUNDED)
OVER = FulfilmentOrder.OVER
NOT_THERE = (State.WAITING, *OVER)


def is_sent(order: Order) -> bool:
    """Whether any back office has been asked for it."""
    return order.fulfilment_orders.exclude(state__in=NOT_THERE).exists()


@transaction.atomic
def forward(order: Order, *, at: datetime) -> None:
    """Do for the order what can be done now; the caller holds its lock. Safe to call at any time."""
    if order.is_over:
        return
    lines = list(order.lines.order_by("position"))
    parts = _parts(order)
    anew = all(part.state in NOT_THERE for part in parts)
    unmapped = map_lines(order, lines, anew=anew, at=at)
    if new := list_new_keys(subject=("order", order.pk), keys=[unmapped_key(order, line) for line in unmapped]):
        lock_keys(new)
        unmapped = map_lines(order, lines, at=at)
    if any(part.state not in OVER for part in parts):
        _reserve(order, lines, at)
    before = holds.list_open_keys(order)
    wanted = {unmapped_key(order, line)[:200] for line in unmapped}
    for line in unmapped:
        _hold_unmapped(order, line, at)
    waiting = [part for part in parts if part.state == State.WAITING]
    blocked = bool(unmapped) or not all(map(holds.is_rechecked, before))
    if blocked or not all(is_time(part, order) for part in waiting):
        wanted |= {key for key in before if not key.startswith("binding:")}  # nobody looked
    if not blocked:
        for part in waiting:
            if is_time(part, order):
                wanted |= _place(order, part, lines, at)
        if not anew:
            wanted |= _send_edit(order, parts, lines, at)
    holds.end(order, before - wanted, at=at)
    _mark_ready(order)


def _mark_ready(order: Order) -> None:
    intake = Order.Intake.RECEIVED if holds.list_open_keys(order) else Order.Intake.READY
    if order.intake != intake:
        order.intake = move(INTAKE, order.intake, intake)
        order.save(update_fields=["intake"])


def is_time(part: FulfilmentOrder, order: Order) -> bool:
    """Whether the order is as far as its destination wants it: created, confirmed, or paid (or paid on delivery)."""
    if part.send_when == SendWhen.CREATED or order.cash_on_delivery:
        return True
    if part.send_when == SendWhen.CONFIRMED:
        return order.financial != Order.Financial.PENDING
    return order.financial in PAID


def map_lines(order: Order, lines: Sequence[OrderLine], *, anew: bool = False, at: datetime) -> list[OrderLine]:
    """Say which variant each article is; the lines nobody can tell. `anew`: nothing was sent, so that what a person
    has mapped differently since is taken over, too."""
    articles = [line for line in lines if line.kind == OrderLine.Kind.ITEM and (anew or line.variant_id is None)]
    ids = [article_id(line) for line in articles]
    bindings = Binding.plain.filter(connection=order.connection, external_id__in=ids).select_related("variant")
    known = {row.external_id: row for row in bindings} if ids else {}
    changed, unmapped = [], []
    for line in articles:
        binding = known.get(article_id(line))
        if line.variant_id is not None and (binding is None or binding.state != Binding.State.BOUND):
            continue  # it was known once: what was sold stays what it is
        binding = binding or catalog.find_or_suggest_binding(
            connection=order.connection, external_id=article_id(line), sku=line.sku, title=line.name, at=at
        )
        if binding.state != Binding.State.BOUND or not _is_storable(line.quantity * binding.factor):
            unmapped.append(line)
        elif (line.binding_id, line.variant_id, line.factor) != (binding.pk, binding.variant_id, binding.factor):
            line.binding, line.variant, line.factor = binding, binding.variant, binding.factor
            changed.append(line)
    if changed:
        OrderLine.plain.bulk_update(changed, ["binding", "variant", "factor"])
    return unmapped


def _is_storable(quantity: Decimal) -> bool:
    """Whether it is a whole number of the thousandths quantities are kept in: goods are never rounded."""
    return quantity % FINEST == 0


def article_id(line: OrderLine) -> str:
    """Their id of the article; a line the shop made without one goes by its code, or its name."""
    if line.variant_external_id:
        return line.variant_external_id
    return f"sku:{line.sku}" if line.sku else f"name:{line.name}"[:200]


def _hold_unmapped(order: Order, line: OrderLine, at: datetime) -> None:
    name = line.sku or line.name or line.variant_external_id
    words = f"{order.connection.name} sold {name} (order {order}); tell which of your articles it is, under Mapping."
    holds.wait(order, "unmapped", unmapped_key(order, line), words, amount=line.gross, at=at)


def unmapped_key(order: Order, line: OrderLine) -> str:
    return f"binding:{order.connection_id}:{article_id(line)}"


def _parts(order: Order) -> list[FulfilmentOrder]:
    """What each back office is asked for: made once, for orders placed since the shop went live."""
    parts = list(order.fulfilment_orders.select_related("destination").order_by("pk"))
    since = order.connection.live_since
    # Shops tell the time in whole seconds.
    if parts or since is None or order.placed_at < since.replace(microsecond=0):
        return parts
    reference = build_reference(order)
    for flow in _destinations(order.connection):
        when = flow.settings.get("send_when") or SendWhen.PAID
        part = FulfilmentOrder(
            merchant_id=order.merchant_id,
            order=order,
            destination=flow.connection,
            location_id=order.location_id,
            reference=reference,
            send_when=when,
        )
        part.save()
        parts.append(part)
    return parts


def _destinations(shop: Connection) -> list[Flow]:
    flows = Flow.plain.filter(
        merchant_id=shop.merchant_id,
        stream=Stream.ORDER,
        direction=Flow.Direction.PUSH,
        enabled=True,
        connection__role__in=(Connection.Role.BACK_OFFICE, Connection.Role.ACCOUNTING),
    ).select_related("connection")
    return [
        flow for flow in flows.order_by("pk") if shop.public_id in flow.settings.get("sources", [shop.public_id])
    ]  # fmt: skip


def list_ruled_out(*, merchant_id: int) -> list[int]:
    """Shops whose orders no back office takes although some take orders: the flows' rules say so."""
    flows = Flow.plain.filter(merchant_id=merchant_id, stream=Stream.ORDER, direction=Flow.Direction.PUSH)
    if not flows.filter(connection__role__in=(Connection.Role.BACK_OFFICE, Connection.Role.ACCOUNTING)).exists():
        return []
    shops = Connection.plain.filter(merchant_id=merchant_id, role__in=Connection.SELLING_ROLES)
    return [shop.pk for shop in shops.order_by("pk") if not _destinations(shop)]


def _reserve(order: Order, lines: Sequence[OrderLine], at: datetime) -> None:
    """Promise what was sold, in base units, so that the other shops show less at once."""
    quantities: dict[int, Decimal] = {}
    for line in lines:
        if line.variant_id is not None:
            quantities[line.variant_id] = quantities.get(line.variant_id, Decimal(0)) + line.base_quantity
    catalog.reserve(merchant_id=order.merchant_id, subject=("order", order.pk), quantities=quantities, at=at)


def _send_edit(order: Order, parts: Sequence[FulfilmentOrder], lines: Sequence[OrderLine], at: datetime) -> set[str]:
    """Have the back offices change the order to its lines, where a person said so and all know what is new in it; the
    keys it waits for."""
    edit = order.edits.filter(state=OrderEdit.State.SENDING).order_by("-pk").first()
    if edit is None:
        return set()
    there = [part for part in parts if part.state not in NOT_THERE]
    missing = [one for part in there for one in _list_missing(order, part, lines)]
    for one in missing:
        holds.wait(order, one.reason, one.key, one.message, at=at)
    if missing:
        return {one.key for one in missing}
    order.edits.filter(state=OrderEdit.State.SENDING).update(state=OrderEdit.State.SENT)
    for part in there:
        command = enqueue(
            connection=part.destination,
            kind="update_order",
            stream=Stream.ORDER,
            subject=("order", order.pk),
            line=line_of(part),
            reference=part.reference,
            revision=next_revision(part.destination, "update_order", part.reference, after=Command.State.values),
            amount=order.total,
            currency=order.currency,
            at=at,
        )
        note(order, "update_asked", f"{part.destination.name} is asked to change it.", at=at, command=command)
    return set()


def _list_missing(order: Order, part: FulfilmentOrder, lines: Sequence[OrderLine]) -> list[destination.Missing]:
    missing = destination.list_missing(order, part.destination, lines)
    if new := list_new_keys(subject=("order", order.pk), keys=[one.key for one in missing]):
        lock_keys(new)
        missing = destination.list_missing(order, part.destination, lines)
    return missing


def _place(order: Order, part: FulfilmentOrder, lines: Sequence[OrderLine], at: datetime) -> set[str]:
    """Write the command down, unless something there is missing: then say what; the keys it waits for."""
    missing = _list_missing(order, part, lines)
    for one in missing:
        holds.wait(order, one.reason, one.key, one.message, at=at)
    if missing:
        return {one.key for one in missing}
    if key := destination.ensure_customer(order, part.destination, at=at):
        return {key}
    part.state = move(PLACEMENT, part.state, State.QUEUED)
    part.save(update_fields=["state"])
    command = enqueue(
        connection=part.destination,
        kind="create_order",
        stream=Stream.ORDER,
        subject=("order", order.pk),
        line=line_of(part),
        reference=part.reference,
        revision=next_revision(part.destination, "create_order", part.reference, after=(Command.State.WITHDRAWN,)),
        amount=order.total,
        currency=order.currency,
        at=at,
    )
    note(order, "queued", f"On its way to {part.destination.name} as {part.reference}.", at=at, command=command)
    refunds.send_waiting(order, part, at=at)
    return set()
