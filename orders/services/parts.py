"""The parts of an order: made as rules and destinations say, with what of each line is theirs."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal

from django.db.models import Sum

from integrations.models import Flow, Stream
from orders.models import CancellationLine, FulfilmentOrder, FulfilmentShare, Order, OrderLine, RoutingRule
from orders.services.page import Page
from orders.services.planning import Plan, Target
from orders.services.references import build_part_reference
from orders.services.routes import Routes, send_when_of
from orders.services.sharing import Money, share_order
from portal.tenancy.models import Location

ZERO = Decimal(0)
Kind, State = OrderLine.Kind, FulfilmentOrder.State
Document = FulfilmentOrder.Document
Shares = Mapping[int, Sequence[FulfilmentShare]]  # part → what of the lines is its own; none: the whole order


class NoRoute(Exception):
    """No destination for the order or some of it; the message says what to do."""


# --- what of the order is whose ---------------------------------------------------------------------------------------


def load_shares(parts: Iterable[FulfilmentOrder]) -> Shares:
    """Of those parts that have not the whole order; one query, or none."""
    split = {part.pk: [] for part in parts if part.amount is not None}  # type: dict[int, list[FulfilmentShare]]
    if not split:
        return split
    rows = FulfilmentShare.plain.filter(fulfilment_order__in=split).select_related("order_line")
    for share in rows.order_by("order_line__position", "pk"):
        split[share.fulfilment_order_id].append(share)
    return split


def list_part_lines(part: FulfilmentOrder, lines: Sequence[OrderLine], shares: Shares | None = None) -> list[OrderLine]:
    """The order's lines as the part has them: its own quantities and amounts. They are not to be saved."""
    if part.amount is None:
        return list(lines)
    mine = {share.order_line_id: share for share in (shares or load_shares([part])).get(part.pk, ())}
    gone = _count_cancelled(part) if any(line.cancelled_quantity for line in lines) else {}
    return [_narrow(line, mine[line.pk], gone.get(line.pk, ZERO)) for line in lines if line.pk in mine]


def _count_cancelled(part: FulfilmentOrder) -> dict[int, Decimal]:
    """Line → how many of the part's own were cancelled at its destination."""
    rows = CancellationLine.plain.filter(cancellation__fulfilment_order=part, cancellation__success=True).order_by()
    return dict(rows.values_list("order_line").annotate(Sum("quantity")))


def _narrow(line: OrderLine, share: FulfilmentShare, cancelled: Decimal) -> OrderLine:
    found = copy.copy(line)
    if line.kind != Kind.ITEM:
        found.unit_price = line.unit_price * share.net / line.net if line.net else line.unit_price
    found.cancelled_quantity = cancelled
    found.quantity, found.discount = share.quantity, share.discount
    found.net, found.tax, found.gross = share.net, share.tax, share.gross
    return found


def chosen_place(part: FulfilmentOrder) -> Location | None:
    """The location a rule or a person chose for it; none where it is only where the order was sold."""
    is_chosen = part.moved_by or (part.rule is not None and (part.rule.location_id or part.rule.group_id))
    return part.location if is_chosen else None


def total_of(part: FulfilmentOrder, order: Order) -> Decimal:
    """What the part comes to."""
    total: Decimal = order.total if part.amount is None else part.amount
    return total


def is_empty(lines: Iterable[OrderLine]) -> bool:
    """Whether nothing is left to be done of these: no goods, and no money for anything else."""
    return not any(line.quantity if line.kind == Kind.ITEM else line.gross for line in lines)


def count_kept(parts: Sequence[FulfilmentOrder], lines: Sequence[OrderLine], shares: Shares) -> dict[int, Decimal]:
    """Variant → base units that some part still is to have; all of them before there are parts."""
    kept = [part for part in parts if part.state not in part.OVER and part.document == Document.ORDER]
    mine = list(lines) if not parts or any(part.amount is None for part in kept) else []
    for part in kept if not mine else ():
        mine += list_part_lines(part, lines, shares)
    found: dict[int, Decimal] = {}
    for line in mine:
        if line.variant_id is not None:
            found[line.variant_id] = found.get(line.variant_id, ZERO) + line.base_quantity
    return found


# --- making them ------------------------------------------------------------------------------------------------------


def make_plan(order: Order, lines: Sequence[OrderLine], routes: Routes) -> Plan:
    """What the rules make of the order; nothing without rules. NoRoute where some of it has no destination."""
    if not routes.rules:
        return Plan(targets=(), untaken=())
    plan = routes.plan(order, lines)
    if not plan.is_complete:
        names = ", ".join(one.name for one in plan.untaken)
        what = f"{names} of order {order} goes" if plan.parts and names else f"order {order} goes"
        raise NoRoute(f"No rule says where {what}: add one under Settings → Routing rules, or one without conditions.")
    for target in plan.targets:
        _get_flow(target, routes)
    return plan


def list_targets(plan: Plan) -> list[tuple[Target, int | None]]:
    """The parts in the order of the plan, numbered where they are several; then the copies, one a destination that gets
    nothing else."""
    parts = plan.parts
    found: list[tuple[Target, int | None]] = [
        (one, place if len(parts) > 1 else None) for place, one in enumerate(parts, start=1)
    ]
    for one in plan.targets:
        if one.is_copy and one.rule.destination_id not in {target.rule.destination_id for target, _ in found}:
            found.append((one, None))
    return found


def create_parts(
    order: Order, lines: Sequence[OrderLine], routes: Routes, plan: Plan | None = None, page: Page | None = None
) -> list[FulfilmentOrder]:
    """A part for each target of the plan (made now, unless given), and one for every destination that no rule decides
    about. NoRoute as in `make_plan`. The caller holds the order's lock. `page`: the order is one of those, and new."""
    plan = plan or make_plan(order, lines, routes)
    is_again = page.is_again(order) if page else None
    made = [build_target(order, target, routes, number=number) for target, number in list_targets(plan)]
    made += [
        _build(order, flow, routes, _describe_flow(order, flow, routes), order.location_id, is_again=is_again)
        for flow in routes.list_unruled(order.connection)
    ]
    for number, part in enumerate(made, start=1):
        part.number = number
    if page and not routes.rules:
        page.add(made)
        return made
    for part in made:
        part.save()
    if len(plan.parts) > 1:
        quantities = [target.quantities for target in plan.parts]
        by_value = plan.parts[0].rule.extras == RoutingRule.Extras.VALUE
        write_shares(order, made[: len(plan.parts)], lines, quantities, by_value=by_value)
    return made


def build_target(order: Order, target: Target, routes: Routes, *, number: int | None) -> FulfilmentOrder:
    """A row for one part of a plan, not saved yet; `number` where it is one of several."""
    flow, place = _get_flow(target, routes), target.location_id or order.location_id
    part = _build(order, flow, routes, target.why, place, number=number)
    part.rule, part.rule_version = target.rule, target.rule.version
    return part


def _get_flow(target: Target, routes: Routes) -> Flow:
    flow = routes.find_flow(target.rule.destination_id)
    if flow is None:
        there = target.rule.destination.name
        words = f"Rule “{target.rule.name}” sends it to {there}, which takes no orders"
        raise NoRoute(f"{words}: switch its flow of orders on, or change the rule under Settings → Routing rules.")
    return flow


def _build(
    order: Order,
    flow: Flow,
    routes: Routes,
    why: str,
    location_id: int | None,
    *,
    number: int | None = None,
    is_again: bool | None = None,
) -> FulfilmentOrder:
    return FulfilmentOrder(
        merchant_id=order.merchant_id,
        order=order,
        destination=flow.connection,
        location_id=location_id,
        document=Document.INVOICE if flow.stream == Stream.INVOICE else Document.ORDER,
        reference=build_part_reference(order, number, is_again=is_again),
        send_when=send_when_of(flow),
        after=routes.find_connection(str(flow.settings.get("after") or "")),
        why=why[:500],
    )


def _describe_flow(order: Order, flow: Flow, routes: Routes) -> str:
    what = "invoices" if flow.stream == Stream.INVOICE else "the orders"
    without = "" if routes.rules else " and no rules are set"
    return f"{flow.connection.name}, because it gets {what} of {order.connection.name}{without}."


def write_shares(
    order: Order,
    parts: Sequence[FulfilmentOrder],
    lines: Sequence[OrderLine],
    quantities: Sequence[Mapping[int, Decimal]],
    *,
    by_value: bool,
) -> None:
    """Say what of each line is whose, in place of what was said; all the parts' amounts come to the order's lines."""
    goods = {line.pk: _money(line) for line in lines if line.kind == Kind.ITEM}
    extras = {line.pk: _money(line) for line in lines if line.kind != Kind.ITEM}
    found = share_order(goods, extras, quantities, by_value=by_value, currency=order.currency)
    FulfilmentShare.plain.filter(fulfilment_order__in=[part.pk for part in parts]).delete()
    rows = []
    for part, mine in zip(parts, found, strict=True):
        part.amount = sum((one.gross for one in mine.values()), ZERO)
        rows += [_build_share(part, pk, one) for pk, one in mine.items()]
    FulfilmentShare.plain.bulk_create(rows)
    FulfilmentOrder.plain.bulk_update(parts, ["amount"])


def _money(line: OrderLine) -> Money:
    return Money(quantity=line.quantity, discount=line.discount, net=line.net, tax=line.tax)


def _build_share(part: FulfilmentOrder, line_id: int, one: Money) -> FulfilmentShare:
    return FulfilmentShare(
        merchant_id=part.merchant_id,
        fulfilment_order=part,
        order_line_id=line_id,
        quantity=one.quantity,
        discount=one.discount,
        net=one.net,
        tax=one.tax,
        gross=one.gross,
    )
