"""Reads what routing rules ask: of orders their facts, of locations what is free there."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from decimal import Decimal

from django.db.models import Sum

from catalog.models import Reservation, StockRecord, Variant
from integrations.models import ValueMapping
from orders.models import FulfilmentOrder, FulfilmentShare, Order, OrderLine, Payment, RoutingRule
from orders.services.conditions import CASH_ON_DELIVERY, Facts, Goods, asks_of_goods, asks_of_stock
from portal.tenancy.models import LocationGroupMember

ZERO = Decimal(0)


def build_facts(
    orders: Sequence[Order], lines: Mapping[int, Sequence[OrderLine]], rules: Sequence[RoutingRule]
) -> dict[int, Facts]:
    """Order → what these rules may ask of it, `lines` by order; only what some rule asks is read."""
    variants = _read_variants(lines) if any(map(asks_of_goods, rules)) else {}
    payments = _read_payments(orders) if any(rule.payment_types for rule in rules) else {}
    found = {}
    for order in orders:
        mine = lines.get(order.pk, ())
        found[order.pk] = Facts(
            shop_id=order.connection_id,
            shop=order.connection.name,
            sold_at_id=order.location_id,
            country=str((order.shipping or order.billing).get("country", "")),
            postcode=str((order.shipping or order.billing).get("postcode", "")),
            shipping=tuple(line.name for line in mine if line.kind == OrderLine.Kind.SHIPPING),
            payments=(*payments.get(order.pk, ()), *((CASH_ON_DELIVERY,) if order.cash_on_delivery else ())),
            tags=tuple(order.tags.splitlines()),
            currency=order.currency,
            total=order.total,
            goods=tuple(_build_goods(line, variants) for line in mine if line.kind == OrderLine.Kind.ITEM),
        )
    return found


def _build_goods(line: OrderLine, variants: Mapping[int, Variant]) -> Goods:
    variant = variants.get(line.variant_id or 0)
    return Goods(
        line_id=line.pk,
        name=line.sku or line.name,
        quantity=line.quantity,
        factor=line.factor,
        value=line.gross,
        variant_id=line.variant_id,
        brand=variant.product.brand if variant else "",
        categories=tuple(variant.product.categories) if variant else (),
    )


def _read_variants(lines: Mapping[int, Sequence[OrderLine]]) -> dict[int, Variant]:
    ids = {line.variant_id for mine in lines.values() for line in mine if line.variant_id is not None}
    return {row.pk: row for row in Variant.plain.filter(pk__in=ids).select_related("product")}


def _read_payments(orders: Sequence[Order]) -> dict[int, list[str]]:
    """Order → the shop's words of how it is paid, and what we call them."""
    shops = {order.connection_id for order in orders}
    mapped = ValueMapping.plain.filter(connection__in=shops, kind=ValueMapping.Kind.PAYMENT).exclude(ours="")
    ours = {(pk, theirs): name for pk, theirs, name in mapped.values_list("connection_id", "theirs", "ours")}
    rows = Payment.plain.filter(order__in=[order.pk for order in orders]).order_by("pk")
    said = [(order.pk, order.connection_id, order.payment_method) for order in orders]
    found: dict[int, list[str]] = defaultdict(list)
    for order_id, shop_id, method in [*said, *rows.values_list("order_id", "order__connection_id", "method")]:
        found[order_id] += [word for word in (method, ours.get((shop_id, method), "")) if word]
    return found


# --- stock ------------------------------------------------------------------------------------------------------------


def read_places(rules: Iterable[RoutingRule]) -> dict[int, list[tuple[int, str]]]:
    """Group → its locations in their order."""
    groups = {rule.group_id for rule in rules if rule.group_id}
    found: dict[int, list[tuple[int, str]]] = defaultdict(list)
    if not groups:
        return found
    rows = LocationGroupMember.plain.filter(group__in=groups, location__is_active=True).select_related("location")
    for row in rows.order_by("group", "position"):
        found[row.group_id].append((row.location_id, row.location.name))
    return found


def read_stock(
    order_ids: Collection[int],
    rules: Sequence[RoutingRule],
    places: Mapping[int, Sequence[tuple[int, str]]],
    variant_ids: Collection[int],
) -> dict[tuple[int, int], Decimal]:
    """(location, variant) → base units that are free where the rules look: what is there less what other orders than
    these are promised of it. Nothing is read where no rule asks."""
    asking = [rule for rule in rules if asks_of_stock(rule)]
    wanted = {place for rule in asking for place, _ in places.get(rule.group_id or 0, ())}
    wanted |= {rule.location_id for rule in asking if rule.location_id}
    if not wanted or not variant_ids:
        return {}
    rows = StockRecord.plain.filter(variant__in=variant_ids, location__in=wanted)
    sums = rows.values_list("location_id", "variant_id").annotate(sum=Sum("quantity")).order_by()
    free = {(place, variant): quantity for place, variant, quantity in sums}
    for place, variant, quantity in _list_promised(order_ids, variant_ids):
        for one in wanted if place is None else {place}:
            if (one, variant) in free:
                free[one, variant] -= quantity
    return free


def _list_promised(order_ids: Collection[int], variant_ids: Collection[int]) -> list[tuple[int | None, int, Decimal]]:
    """(location, variant, base units) of other orders' open promises; None where nobody knows which location."""
    rows = Reservation.plain.filter(variant__in=variant_ids, ended_at__isnull=True, subject_type="order")
    rows = rows.exclude(subject_id__in=order_ids)
    parts = FulfilmentOrder.plain.filter(
        order__in=rows.values("subject_id"), document=FulfilmentOrder.Document.ORDER
    ).exclude(state__in=FulfilmentOrder.OVER)
    whole: dict[int, set[int | None]] = defaultdict(set)
    split: dict[int, int | None] = {}
    orders_split: set[int] = set()
    for pk, order_id, place, amount in parts.values_list("pk", "order_id", "location_id", "amount"):
        if amount is None:
            whole[order_id].add(place)
        else:
            split[pk] = place
            orders_split.add(order_id)
    found: list[tuple[int | None, int, Decimal]] = []
    shares = FulfilmentShare.plain.filter(fulfilment_order__in=split, order_line__variant__in=variant_ids)
    for share in shares.select_related("order_line") if split else ():
        variant = share.order_line.variant_id
        if variant is not None:
            found.append((split[share.fulfilment_order_id], variant, share.quantity * share.order_line.factor))
    for order_id, variant_id, quantity in rows.values_list("subject_id", "variant_id", "quantity"):
        if order_id not in orders_split:
            found += [(place, variant_id, quantity) for place in whole.get(order_id, {None})]
    return found
