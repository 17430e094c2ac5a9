"""Giving an order to the back offices that are to have it, as soon as nothing holds it up."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from functools import partial

from django.db import transaction

from catalog import services as catalog
from catalog.models import Binding
from integrations.models import Command, Connection, Flow, Stream
from integrations.sync.api_access import API
from integrations.sync.outbox import build_command, enqueue
from integrations.sync.release import list_new_keys, lock_keys
from orders.models import FulfilmentOrder, Order, OrderEdit, OrderLine
from orders.services import destination, holds, refunds, taking_back
from orders.services.lines import article_id, find_bindings, map_line
from orders.services.page import Page
from orders.services.parts import (
    NoRoute,
    chosen_place,
    count_kept,
    create_parts,
    is_empty,
    list_part_lines,
    load_shares,
    total_of,
)
from orders.services.references import line_of, next_revision
from orders.services.rerouting import plan_again, share_again
from orders.services.routes import KEY, Routes
from orders.services.timeline import build_event, note
from orders.services.timing import is_in_vain, is_time, list_awaited
from orders.state import INTAKE, PLACEMENT, move

State = FulfilmentOrder.State
SendWhen, Document = FulfilmentOrder.SendWhen, FulfilmentOrder.Document
OVER = FulfilmentOrder.OVER
NOT_THERE = (State.WAITING, *OVER)


def is_sent(order: Order) -> bool:
    """Whether any back office has been asked for it."""
    return order.fulfilment_orders.exclude(state__in=NOT_THERE).exists()


@transaction.atomic(savepoint=False)
def forward(order: Order, *, at: datetime, routes: Routes | None = None, page: Page | None = None) -> None:
    """Do for the order what can be done now; the caller holds its lock. Safe to call at any time. `routes` are the
    merchant's, where the caller has read them for several orders; `page`: the order is one of those, and new."""
    if order.is_over:
        return
    routes = routes or Routes(order.merchant_id)
    lines = page.lines[order.pk] if page else list(order.lines.order_by("position"))
    if order.stays_here:
        _keep_here(order, lines)
        return
    parts = [] if page else list(order.fulfilment_orders.select_related("destination").order_by("number"))
    anew = all(part.state in NOT_THERE for part in parts)
    unmapped = map_lines(order, lines, anew=anew, at=at, known=page.bindings if page else None)
    if new := list_new_keys(subject=("order", order.pk), keys=[unmapped_key(order, line) for line in unmapped]):
        lock_keys(new)
        unmapped = map_lines(order, lines, at=at)
    if any(part.state not in OVER for part in parts) or (not parts and routes.takes(order)):
        _reserve(order, parts, lines, at, None if routes.rules else page)  # rules look at what is promised
    before = page.list_open_keys(order) if page else holds.list_open_keys(order)
    wanted = {unmapped_key(order, line)[:200] for line in unmapped}
    for line in unmapped:
        _hold_unmapped(order, line, at)
    if not unmapped or not routes.asks_of_goods:
        wanted |= _route(order, parts, lines, routes, at, page)
    wanted |= _look_at_waits(order, parts, at)
    waiting = [part for part in parts if part.state == State.WAITING]
    blocked = bool(unmapped) or not all(map(holds.is_rechecked, before))
    if blocked or not all(is_time(part, order, parts) for part in waiting):
        wanted |= {key for key in before if not key.startswith(("binding:", KEY))}  # nobody looked
    if not blocked:
        for part in waiting:
            if is_time(part, order, parts):
                wanted |= _place(order, part, lines, at, page)
        if not anew:
            wanted |= _send_edit(order, parts, lines, at)
    holds.end(order, before - wanted, at=at)
    if page is None:
        _mark_ready(order)
    elif not wanted:
        page.mark_ready(order)


def forward_waiting(order: Order, *, at: datetime) -> None:
    """As `forward`, where some part may wait for what has happened to another; the caller holds its lock."""
    if order.fulfilment_orders.filter(send_when__in=FulfilmentOrder.AFTER_OTHERS).exists():
        forward(order, at=at)


def _route(
    order: Order,
    parts: list[FulfilmentOrder],
    lines: Sequence[OrderLine],
    routes: Routes,
    at: datetime,
    page: Page | None,
) -> set[str]:
    """See that the order has its parts, and they what is theirs; the key it waits for where it has nowhere to go."""
    try:
        parts[:] = _list_routed(order, parts, lines, routes, at, page)
    except NoRoute:
        if list_new_keys(subject=("order", order.pk), keys=[KEY]):
            lock_keys([KEY])  # the rules may have been changed in between
        parts.clear()
        try:
            parts += _list_routed(order, [], lines, Routes(order.merchant_id), at)
        except NoRoute as error:
            holds.wait(order, "no_route", KEY, str(error), at=at)
            return {KEY}
    return set()


def _list_routed(
    order: Order,
    parts: list[FulfilmentOrder],
    lines: Sequence[OrderLine],
    routes: Routes,
    at: datetime,
    page: Page | None = None,
) -> list[FulfilmentOrder]:
    if not parts:
        return create_parts(order, lines, routes, page=page) if routes.takes(order) else []
    parts = plan_again(order, parts, lines, routes, at=at)
    share_again(order, parts, lines, routes)
    return parts


def _look_at_waits(order: Order, parts: Sequence[FulfilmentOrder], at: datetime) -> set[str]:
    """Of parts that wait for another's acceptance: drop those that wait in vain, take up those that do no more; the key
    of one that has nobody to wait for."""
    keys = set()
    for part in parts:
        if part.send_when != SendWhen.ACCEPTED or part.state not in (State.WAITING, State.CANCELLED):
            continue
        there = part.destination.name
        if part.state == State.WAITING and is_in_vain(part, parts):
            part.state = move(PLACEMENT, part.state, State.CANCELLED)
            part.save(update_fields=["state"])
            note(order, "in_vain", f"Not sent to {there}: nobody accepted the order it waited for.", at=at)
            refunds.close_unbooked(order, at=at)
            if all(one.state in OVER for one in parts):
                catalog.cancel_reservation(merchant_id=order.merchant_id, subject=("order", order.pk), at=at)
        elif part.state == State.CANCELLED and is_time(part, order, parts) and not _was_asked(part):
            part.state = move(PLACEMENT, part.state, State.WAITING)
            part.save(update_fields=["state"])
        elif part.state == State.WAITING and not list_awaited(part, parts):
            words = f"{there} waits until another back office has accepted order {order}, and it goes to no other:"
            holds.wait(order, "no_route", KEY, f"{words} choose when it is sent under Settings → Routing rules.", at=at)
            keys.add(KEY)
    return keys


def _was_asked(part: FulfilmentOrder) -> bool:
    return Command.plain.filter(connection=part.destination, line=line_of(part)).exists()


def _mark_ready(order: Order) -> None:
    intake = Order.Intake.RECEIVED if holds.list_open_keys(order) else Order.Intake.READY
    if order.intake != intake:
        order.intake = move(INTAKE, order.intake, intake)
        order.save(update_fields=["intake"])


def _keep_here(order: Order, lines: Sequence[OrderLine]) -> None:
    """No back office is to have it: nothing is promised and it waits for nothing; what it sold is told as far as it is
    known."""
    ids = [article_id(line) for line in lines if line.kind == OrderLine.Kind.ITEM and line.variant_id is None]
    bound = Binding.plain.filter(connection=order.connection, external_id__in=ids, state=Binding.State.BOUND)
    known = {row.external_id: row for row in bound} if ids else {}
    found = [line for line in lines if line.variant_id is None and article_id(line) in known]
    for line in found:
        map_line(line, known[article_id(line)])
    if found:
        OrderLine.plain.bulk_update(found, ["binding", "variant", "factor"])
    _mark_ready(order)


def map_lines(
    order: Order,
    lines: Sequence[OrderLine],
    *,
    anew: bool = False,
    at: datetime,
    known: dict[str, Binding] | None = None,
) -> list[OrderLine]:
    """Say which variant each article is; the lines nobody can tell. `anew`: nothing was sent, so that what a person
    has mapped differently since is taken over, too. `known`: the shop's articles, where they were read just now."""
    articles = [line for line in lines if line.kind == OrderLine.Kind.ITEM and (anew or line.variant_id is None)]
    if known is None:
        known = find_bindings(order.connection, articles)
    changed, unmapped = [], []
    for line in articles:
        binding = known.get(article_id(line))
        if line.variant_id is not None and (binding is None or binding.state != Binding.State.BOUND):
            continue  # it was known once: what was sold stays what it is
        if binding is None:
            binding = catalog.find_or_suggest_binding(
                connection=order.connection, external_id=article_id(line), sku=line.sku, title=line.name, at=at
            )
            known[binding.external_id] = binding
        before = (line.binding_id, line.variant_id, line.factor)
        if not map_line(line, binding):
            unmapped.append(line)
        elif before != (line.binding_id, line.variant_id, line.factor):
            changed.append(line)
    if changed:
        OrderLine.plain.bulk_update(changed, ["binding", "variant", "factor"])
    return unmapped


def _hold_unmapped(order: Order, line: OrderLine, at: datetime) -> None:
    name = line.sku or line.name or line.variant_external_id
    words = f"{order.connection.name} sold {name} (order {order}); tell which of your articles it is, under Mapping."
    holds.wait(order, "unmapped", unmapped_key(order, line), words, amount=line.gross, at=at)


def unmapped_key(order: Order, line: OrderLine) -> str:
    return f"binding:{order.connection_id}:{article_id(line)}"


def list_ruled_out(*, merchant_id: int) -> list[int]:
    """Shops whose orders no back office takes although some take orders: the flows' rules say so."""
    flows = Flow.plain.filter(merchant_id=merchant_id, stream=Stream.ORDER, direction=Flow.Direction.PUSH)
    if not flows.filter(connection__role__in=(Connection.Role.BACK_OFFICE, Connection.Role.ACCOUNTING)).exists():
        return []
    shops = Connection.plain.filter(merchant_id=merchant_id, role__in=Connection.SELLING_ROLES)
    routes = Routes(merchant_id)
    return [shop.pk for shop in shops.order_by("pk") if not routes.is_routed(shop)]


def _reserve(
    order: Order, parts: Sequence[FulfilmentOrder], lines: Sequence[OrderLine], at: datetime, page: Page | None
) -> None:
    """Promise what was sold and is still to be sent, in base units, so that the other shops show less at once."""
    quantities = count_kept(parts, lines, load_shares(parts))
    if page:
        page.promise(order, quantities)
    else:
        catalog.reserve(merchant_id=order.merchant_id, subject=("order", order.pk), quantities=quantities, at=at)


def _send_edit(order: Order, parts: Sequence[FulfilmentOrder], lines: Sequence[OrderLine], at: datetime) -> set[str]:
    """Have the back offices change the order to its lines, where a person said so and all know what is new in it; the
    keys it waits for."""
    edit = order.edits.filter(state=OrderEdit.State.SENDING).order_by("-pk").first()
    if edit is None:
        return set()
    there = [part for part in parts if part.state not in NOT_THERE and part.document == Document.ORDER]
    missing = [one for part in there for one in _list_missing(order, part, lines)]
    for one in missing:
        holds.wait(order, one.reason, one.key, one.message, at=at)
    if missing:
        return {one.key for one in missing}
    order.edits.filter(state=OrderEdit.State.SENDING).update(state=OrderEdit.State.SENT)
    for part in there:
        if is_empty(list_part_lines(part, lines)):
            words = f"{order.connection.name} has taken all of it off the order."
            taking_back.take_back(order, part, by=order.connection.name, reason=words, at=at)
            continue
        command = enqueue(
            connection=part.destination,
            kind="update_order",
            stream=Stream.ORDER,
            subject=("order", order.pk),
            line=line_of(part),
            reference=part.reference,
            revision=next_revision(part.destination, "update_order", part.reference, after=Command.State.values),
            amount=total_of(part, order),
            currency=order.currency,
            at=at,
        )
        note(order, "update_asked", f"{part.destination.name} is asked to change it.", at=at, command=command)
    for part in parts:
        if part.document == Document.INVOICE and part.state not in NOT_THERE:
            words = f"{part.destination.name} was asked for the invoice of order {order} before it was changed:"
            holds.wait(
                order, "invoiced", f"invoiced:{part.pk}", f"{words} correct {part} there, then let it go.", at=at
            )
    return set()


def _list_missing(
    order: Order, part: FulfilmentOrder, lines: Sequence[OrderLine], page: Page | None = None
) -> list[destination.Missing]:
    mine, place = list_part_lines(part, lines), chosen_place(part)
    missing = destination.list_missing(order, part.destination, mine, place=place, page=page)
    if new := list_new_keys(subject=("order", order.pk), keys=[one.key for one in missing]):
        lock_keys(new)
        missing = destination.list_missing(order, part.destination, mine, place=place)
    return missing


def _keep_test(order: Order, part: FulfilmentOrder, at: datetime) -> str:
    """An order for tests goes to simulators and sandboxes only: the key it waits for where this one is live."""
    shop, live = order.connection, Connection.Environment.LIVE
    if shop.platform != API or shop.environment == live or part.destination.environment != live:
        return ""
    words = f"{shop.name} is for tests and {part.destination.name} is live: order {order} does not go there."
    key = f"rules:test:{part.pk}"
    holds.wait(order, "test_order", key, f"{words} Cancel it, or connect a sandbox.", at=at)
    return key


def _place(
    order: Order, part: FulfilmentOrder, lines: Sequence[OrderLine], at: datetime, page: Page | None
) -> set[str]:
    """Write the command down, unless something there is missing: then say what; the keys it waits for."""
    if key := _keep_test(order, part, at):
        return {key}
    missing = _list_missing(order, part, lines, page)
    for one in missing:
        holds.wait(order, one.reason, one.key, one.message, at=at)
    if missing:
        return {one.key for one in missing}
    if key := destination.ensure_customer(order, part.destination, at=at):
        return {key}
    part.state = move(PLACEMENT, part.state, State.QUEUED)
    kind, after = part.create_kind, (Command.State.WITHDRAWN,)
    write = partial(
        build_command if page else enqueue,
        connection=part.destination,
        kind=kind,
        stream=Stream.ORDER,
        subject=("order", order.pk),
        line=line_of(part),
        reference=part.reference,
        amount=total_of(part, order),
        currency=order.currency,
        at=at,
    )
    words = f"On its way to {part.destination.name} as {part.reference}."
    if page:
        command = write()
        page.queue(part, command, build_event(order, "queued", words, at=at, command=command))
        return set()
    part.save(update_fields=["state"])
    command = write(revision=next_revision(part.destination, kind, part.reference, after=after))
    note(order, "queued", words, at=at, command=command)
    refunds.send_waiting(order, part, at=at)
    return set()
