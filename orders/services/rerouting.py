"""Parts that change after they were made: planned anew until one is sent, shared anew when the lines are others."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal

from integrations.models import Command
from orders.models import FulfilmentOrder, FulfilmentShare, Order, OrderLine
from orders.services.parts import (
    Document,
    NoRoute,
    Shares,
    build_target,
    create_parts,
    list_targets,
    load_shares,
    make_plan,
    write_shares,
)
from orders.services.planning import Plan
from orders.services.routes import Routes
from orders.services.timeline import note

ZERO = Decimal(0)
Kind, State = OrderLine.Kind, FulfilmentOrder.State


# --- the rules are others, or what they ask of ------------------------------------------------------------------------


def plan_again(
    order: Order, parts: list[FulfilmentOrder], lines: Sequence[OrderLine], routes: Routes, *, at: datetime
) -> list[FulfilmentOrder]:
    """The parts by the rules as they are now, where nothing was sent and nobody has moved one; NoRoute where there is
    none any more. The caller holds the order's lock."""
    if not parts or not routes.rules or any(part.state != State.WAITING or part.moved_by for part in parts):
        return parts
    if Command.plain.filter(subject_type="order", subject_id=order.pk).exists():
        return parts
    try:
        plan = make_plan(order, lines, routes)
    except NoRoute:
        FulfilmentOrder.plain.filter(pk__in=[part.pk for part in parts]).delete()
        raise
    if _is_planned(plan, parts, order):
        return parts
    FulfilmentOrder.plain.filter(pk__in=[part.pk for part in parts]).delete()
    made = create_parts(order, lines, routes, plan)
    note(order, "routed", f"Routed anew: {' '.join(part.why for part in made)}", at=at)
    return made


def _is_planned(plan: Plan, parts: Sequence[FulfilmentOrder], order: Order) -> bool:
    targets = list_targets(plan)
    ruled = [part for part in parts if part.rule_id is not None]
    shares = load_shares(ruled)
    wanted = [
        (one.rule.pk, one.rule.version, one.location_id or order.location_id, dict(one.quantities) if number else {})
        for one, number in targets
    ]
    return wanted == [
        (part.rule_id, part.rule_version, part.location_id, _count(shares.get(part.pk, ()))) for part in ruled
    ]


def _count(shares: Sequence[FulfilmentShare]) -> dict[int, Decimal]:
    return {share.order_line_id: share.quantity for share in shares if share.order_line.kind == Kind.ITEM}


# --- the lines are others ---------------------------------------------------------------------------------------------


def share_again(order: Order, parts: list[FulfilmentOrder], lines: Sequence[OrderLine], routes: Routes) -> bool:
    """Share the order's lines out once more where they are not what its parts have; whether they were not. A line stays
    where it is, as far as it goes; a new one goes where the rules send it. The caller holds the order's lock."""
    split = [part for part in parts if part.amount is not None and part.document == Document.ORDER]
    shares = load_shares(split)
    if not split or (_is_shared(lines, shares) and _is_summed(split, shares)):
        return False
    held = [_count(shares.get(part.pk, ())) for part in split]
    new = [line for line in lines if line.kind == Kind.ITEM and not any(line.pk in mine for mine in held)]
    for line in lines:
        if line.kind == Kind.ITEM and line not in new:
            _adjust(line, held, split)
    _place_new(order, new, split, held, routes)
    parts += [part for part in split if part not in parts]
    spread = [share.order_line_id for mine in shares.values() for share in mine if share.order_line.kind != Kind.ITEM]
    write_shares(order, split, lines, held, by_value=len(set(spread)) < len(spread))
    return True


def _is_shared(lines: Sequence[OrderLine], shares: Shares) -> bool:
    sums: dict[int, list[Decimal]] = {}
    for share in (one for mine in shares.values() for one in mine):
        mine = sums.setdefault(share.order_line_id, [ZERO] * 4)
        for place, amount in enumerate((share.quantity, share.discount, share.net, share.tax)):
            mine[place] += amount
    for line in lines:
        found = sums.get(line.pk)
        if found is None or found[1:] != [line.discount, line.net, line.tax]:
            return False
        if line.kind == Kind.ITEM and found[0] != line.quantity:
            return False
    return True


def _is_summed(split: Sequence[FulfilmentOrder], shares: Shares) -> bool:
    """Not where a line is gone, and its shares with it."""
    return all(part.amount == sum((one.gross for one in shares.get(part.pk, ())), ZERO) for part in split)


def _adjust(line: OrderLine, held: Sequence[dict[int, Decimal]], split: Sequence[FulfilmentOrder]) -> None:
    """More goes to the last part that has some and is not over; less is taken from the last first."""
    having = [place for place, mine in enumerate(held) if line.pk in mine]
    open_ones = [place for place in having if split[place].state not in FulfilmentOrder.OVER] or having
    missing = line.quantity - sum((held[place][line.pk] for place in having), ZERO)
    if missing > 0:
        held[open_ones[-1]][line.pk] += missing
    for place in reversed(open_ones):
        taken = min(max(-missing, ZERO), held[place][line.pk])
        held[place][line.pk] -= taken
        missing += taken
    for place in having:
        if not held[place][line.pk]:
            del held[place][line.pk]


def _place_new(
    order: Order,
    new: Sequence[OrderLine],
    split: list[FulfilmentOrder],
    held: list[dict[int, Decimal]],
    routes: Routes,
) -> None:
    """To the part that is where the rules send it, or one made for it; where they say nothing, to the first."""
    if not new:
        return
    first = next((place for place, part in enumerate(split) if part.state not in part.OVER), 0)
    try:
        plan = make_plan(order, new, routes)
    except NoRoute:
        plan = Plan(targets=(), untaken=())
    for target in plan.parts:
        place = target.location_id or order.location_id
        found = [
            index
            for index, part in enumerate(split)
            if (part.destination_id, part.location_id) == (target.rule.destination_id, place)
            and part.state not in part.OVER
        ]
        if not found:
            number = 1 + max(part.number for part in order.fulfilment_orders.all())
            part = build_target(order, target, routes, number=number)
            part.number, part.amount = number, ZERO
            part.save()
            split.append(part)
            held.append({})
            found = [len(split) - 1]
        held[found[0]].update(target.quantities)
    if not plan.parts:
        held[first].update({line.pk: line.quantity for line in new})
