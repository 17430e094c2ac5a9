"""How far an order is, what comes next, and what each system says it comes to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from django.db.models import Sum
from django.utils.translation import gettext as _

from orders.admin.seen import STOPPED, Part
from orders.models import FulfilmentOrder, Invoice, Order, OrderLine, ShipmentLine, TaxLine
from orders.services.arithmetic import Taxed, explain

ZERO = Decimal(0)
MONEY_IN = (Order.Financial.PAID, Order.Financial.PARTIALLY_REFUNDED, Order.Financial.REFUNDED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Total:
    """What one system says the order comes to; `apart` from the shop's."""

    name: str
    total: Decimal
    apart: Decimal
    words: str = ""


def build_steps(order: Order, parts: Sequence[FulfilmentOrder], lines: Sequence[OrderLine]) -> list[dict[str, str]]:
    """The order's way, each step done, bad or still to come."""
    states = {part.state for part in parts}
    mapped = all(line.variant_id or line.kind != OrderLine.Kind.ITEM for line in lines)
    placed = Part.PLACED in states
    invoiced = Invoice.objects.filter(fulfilment_order__in=parts, is_credit=False).exists()
    there = " + ".join(part.destination.name for part in parts) or _("the back office")
    shipped = order.fulfilment in {Order.Fulfilment.FULFILLED, Order.Fulfilment.RETURNED}
    steps = [
        (_("Received"), "done"),
        (_("Mapped"), "done" if mapped else "bad"),
        (_("In %(there)s") % {"there": there}, "done" if placed else "bad" if states & set(STOPPED) else ""),
        (_describe_shipped(order, lines), "done" if shipped else ""),
        (_("Invoiced"), "done" if invoiced else ""),
        (_("Paid"), "done" if order.financial in MONEY_IN else ""),
    ]
    if order.fulfilment == Order.Fulfilment.CANCELLED:
        steps.append((_("Cancelled"), "bad"))
    return [{"label": label, "state": state} for label, state in steps]


def describe_next(order: Order, steps: Sequence[dict[str, str]], parts: Sequence[FulfilmentOrder]) -> str:
    """The step that comes next and whose it is; '' where nothing does."""
    if order.is_over:
        return ""
    coming = next((step for step in steps if step["state"] != "done"), None)
    if coming is None:
        return ""
    there = " + ".join(part.destination.name for part in parts)
    place = list(steps).index(coming)
    who = _("a person") if coming["state"] == "bad" else order.connection.name if place == 5 else there
    return f"{coming['label']} ({who})" if who else coming["label"]


def _describe_shipped(order: Order, lines: Sequence[OrderLine]) -> str:
    goods = [line for line in lines if line.kind == OrderLine.Kind.ITEM]
    gone = ShipmentLine.objects.filter(order_line__in=goods, shipment__state="done")
    left = dict(gone.order_by().values_list("order_line").annotate(Sum("quantity")))
    if not left or not goods:
        return _("Shipped")
    done = sum(1 for line in goods if left.get(line.pk, ZERO) >= line.base_quantity)
    return _("Shipped %(done)s of %(all)s") % {"done": done, "all": len(goods)}


def list_sums(order: Order, parts: Sequence[FulfilmentOrder], lines: Sequence[OrderLine]) -> list[Total]:
    """The shop's total, ours of the lines, and each back office's."""
    ours = sum((line.gross for line in lines), ZERO)
    rounding = sum((line.gross for line in lines if line.kind == OrderLine.Kind.ROUNDING), ZERO)
    words = _("with a rounding line of %(amount)s") % {"amount": f"{rounding:.2f}"} if rounding else ""
    found = [
        Total(name=order.connection.name, total=order.total, apart=ZERO),
        Total(name=_("Lines here"), total=ours, apart=ours - order.total, words=words),
    ]
    for part in parts:
        if part.remote_total is not None:
            apart = part.remote_total - order.total
            found.append(Total(name=part.destination.name, total=part.remote_total, apart=apart))
    return found


def explain_sums(order: Order, sums: Sequence[Total], lines: Sequence[OrderLine]) -> list[str]:
    """In words, where they differ and the taxes' rates are known: which way of rounding comes to which total."""
    if not any(one.apart for one in sums):
        return []
    taxes = TaxLine.objects.filter(line__in=lines).exclude(rate=None).select_related("line")
    taxed = [Taxed(code=tax.code, rate=tax.rate, net=tax.line.net) for tax in taxes if tax.rate is not None]
    net = sum((line.net for line in lines), ZERO)
    return explain(net, taxed, [(one.name, one.total) for one in sums], order.currency)
