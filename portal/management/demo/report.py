"""Does it balance? The file's figures by csv and Decimal; the shop's and the ERP's read from them over HTTP."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from catalog.models import Variant
from catalog.services import list_available
from integrations.models import Connection, Hold
from orders.models import FulfilmentOrder, Order, OrderLine, Refund, RefundLine
from portal.management.demo.far_side import FarSide
from portal.management.demo.platforms import get_needs
from portal.management.demo.setup import Demo
from portal.management.demo.source import CREDIT_WITHOUT_SALE, REJECTED, Credit, Invoice, fold
from portal.tenancy.scoping import scope

Figures = dict[str, Any]


@dataclass(slots=True)
class Sum:
    """So many lines, worth so much."""

    lines: int = 0
    value: Decimal = Decimal(0)

    def add(self, value: Decimal, lines: int = 1) -> None:
        self.lines += lines
        self.value += value

    def as_json(self) -> Figures:
        return {"lines": self.lines, "value": f"{self.value:.2f}"}


def build_report(invoices: list[Invoice], credits_: list[Credit], made: Demo, erp: FarSide, shop: FarSide) -> Figures:
    """The one JSON object the demo prints; `balanced` is what all of it comes to."""
    sales = [invoice for invoice in invoices if not invoice.is_credit]
    source, rejected = _sum_source(sales)
    held, wanted_refunds, without_sale = _sum_credits(credits_)
    with scope(made.merchant.pk):
        placed, waiting, done = _sum_placed(), _sum_waiting(), _sum_refunds()
    there, there_refunds, duplicates = _sum_back_office(erp)
    stock = _stock(made, erp, shop)
    placeable = Sum()
    for invoice in sales:
        for _, line in invoice.placeable:
            placeable.add(line.value)
    checks = (
        source.value == placed["value"] + sum((one.value for one in rejected.values()), Decimal(0)),
        source.lines == placed["lines"] + sum(one.lines for one in rejected.values()),
        placed["orders"] == sum(bool(invoice.placeable) for invoice in sales),
        (placed["lines"], placed["value"]) == (placeable.lines, placeable.value),
        (there["orders"], there["lines"], there["value"]) == (placed["orders"], placed["lines"], placed["value"]),
        (done.lines, done.value) == (wanted_refunds.lines, wanted_refunds.value),
        (there_refunds.lines, there_refunds.value) == (done.lines, done.value),
        stock["equal"],
        not duplicates,
        not waiting,
    )
    every = Sum(len(credits_), sum((-credit.line.value for credit in credits_), Decimal(0)))
    return {
        "source": {"orders": len(sales), **source.as_json()},
        "placed": _money(placed),
        "held": {**{reason: one.as_json() for reason, one in waiting.items()}, **held},
        "rejected": {reason: rejected[reason].as_json() for reason in REJECTED if reason in rejected},
        "refunds": {"source": every.as_json(), "done": done.as_json(), "held": without_sale.as_json()},
        "back_office": {**_money(there), "refunds": there_refunds.as_json()},
        "stock": {side: stock[side] for side in ("portal", "shop", "back_office")},
        "duplicates": duplicates,
        "balanced": all(checks),
    }


def _money(figures: Figures) -> Figures:
    return {**figures, "value": f"{figures['value']:.2f}"}


def _sum_source(sales: Iterable[Invoice]) -> tuple[Sum, dict[str, Sum]]:
    total, rejected = Sum(), defaultdict[str, Sum](Sum)
    for invoice in sales:
        for line in invoice.lines:
            total.add(line.value)
            if line.reason:
                rejected[line.reason].add(line.value)
    return total, rejected


def _sum_credits(credits_: Iterable[Credit]) -> tuple[Figures, Sum, Sum]:
    """What is held for want of a sale; all that must be refunded; and the former as a sum."""
    wanted, without = Sum(), Sum()
    for credit in credits_:
        (wanted if credit.sale else without).add(-credit.line.value)
    return ({CREDIT_WITHOUT_SALE: without.as_json()} if without.lines else {}), wanted, without


def _sum_placed() -> Figures:
    """What the portal says it has placed."""
    orders = list(FulfilmentOrder.objects.filter(state=FulfilmentOrder.State.PLACED).values_list("order_id", flat=True))
    lines = Counter(OrderLine.objects.filter(kind=OrderLine.Kind.ITEM).values_list("order_id", flat=True))
    totals = dict(Order.objects.values_list("pk", "total"))
    return {
        "orders": len(orders),
        "lines": sum(lines[pk] for pk in orders),
        "value": sum((totals[pk] for pk in orders), Decimal(0)),
    }


def _sum_waiting() -> dict[str, Sum]:
    """Whatever else the portal holds, by its reason: there should be none."""
    found: dict[str, Sum] = defaultdict(Sum)
    for reason, amount in Hold.objects.filter(ended_at__isnull=True).values_list("reason", "amount"):
        found[reason].add(amount)
    unplaced = FulfilmentOrder.objects.exclude(state=FulfilmentOrder.State.PLACED).select_related("order")
    for row in unplaced:
        found[row.state].add(row.order.total)
    return dict(found)


def _sum_refunds() -> Sum:
    done = Refund.objects.filter(state=Refund.State.DONE)
    lines = RefundLine.objects.filter(refund__state=Refund.State.DONE).count()
    return Sum(lines, sum(done.values_list("amount", flat=True), Decimal(0)))


def _sum_back_office(erp: FarSide) -> tuple[Figures, Sum, int]:
    needs = get_needs(erp.platform)
    orders = [row for row in erp.list_facts("orders") if row["state"] in needs.unshipped | needs.shipped]
    refunds = erp.list_facts("refunds")
    figures = {
        "orders": len(orders),
        "lines": sum(len(row["lines"]) for row in orders),
        "value": sum((Decimal(row["total"]) for row in orders), Decimal(0)),
    }
    back = Sum(sum(len(row["lines"]) for row in refunds), sum((Decimal(row["amount"]) for row in refunds), Decimal(0)))
    seen = Counter(("order", row["reference"]) for row in orders) + Counter(
        ("refund", row["reference"]) for row in refunds
    )
    return figures, back, sum(times - 1 for times in seen.values())


def _stock(made: Demo, erp: FarSide, shop: FarSide) -> Figures:
    """What can still be sold of each article, in the three places."""
    with scope(made.merchant.pk):
        codes = dict(Variant.objects.values_list("pk", "code"))
        portal = {
            fold(codes[pk]): quantity
            for pk, quantity in list_available(
                merchant_id=made.merchant.pk, connection_id=made.shop.pk, variant_ids=list(codes)
            ).items()
        }
    sides = {"portal": portal, "shop": _facts(shop), "back_office": _facts(erp)}
    totals = {side: f"{sum(figures.values(), Decimal(0)).normalize():f}" for side, figures in sides.items()}
    return {**totals, "equal": sides["portal"] == sides["shop"] == sides["back_office"]}


def _facts(far: FarSide) -> dict[str, Decimal]:
    return {fold(row["sku"]): Decimal(row["quantity"]) for row in far.list_facts("stock")}


def is_quiet(shop: Connection) -> bool:
    """Whether every stock figure the shop should show has been sent."""
    from catalog.outbound import count_stock

    with scope(shop.merchant_id):
        return count_stock(connection=shop) == 0
