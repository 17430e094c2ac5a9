"""How far an order is, what comes next, and what each system says it comes to."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from django.db.models import Sum
from django.utils.translation import gettext as _

from integrations.models import Command
from integrations.sync import documents
from orders.admin.seen import STOPPED, Part
from orders.models import FieldRuleVersion, FulfilmentOrder, Invoice, Order, OrderLine, ShipmentLine
from orders.services.totals import Column, Sums

RULED = ("create_order", "update_order", "create_invoice")
ZERO = Decimal(0)
MONEY_IN = (Order.Financial.PAID, Order.Financial.PARTIALLY_REFUNDED, Order.Financial.REFUNDED)


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


def list_sum_rows(sums: Sums) -> list[tuple[str, list[Decimal | None]]]:
    """The arithmetic of every system, a row a kind of amount; rows that nobody has anything in are left out."""
    names = {
        "articles": _("Articles, net"),
        "discount": _("Discount"),
        "shipping": _("Shipping, net"),
        "other": _("Fees and the like, net"),
        "net": _("Net"),
        "tax": _("Tax"),
        "rounding": _("Rounding"),
    }
    rows = [(words, [_read_amount(column, key) for column in sums.columns]) for key, words in names.items()]
    said = [(words, amounts) for words, amounts in rows if any(amounts)]
    is_plain = len(said) <= 2 and not any(one.apart for one in sums.columns)  # articles and net: the total says both
    return [] if is_plain else said


def _read_amount(column: Column, key: str) -> Decimal | None:
    amount: Decimal | None = getattr(column, key)
    return -amount if key == "discount" and amount else amount


def list_rules_used(commands: Sequence[Command]) -> list[tuple[Command, int, FieldRuleVersion | None]]:
    """Of each message that was built under field rules, which version, and that itself."""
    used = [(command, documents.read_rules_version(command)) for command in commands if command.kind in RULED]
    wanted = FieldRuleVersion.objects.filter(connection__in={command.connection_id for command, _number in used})
    versions = {(row.connection_id, row.number): row for row in wanted} if any(number for _c, number in used) else {}
    return [(command, number, versions.get((command.connection_id, number))) for command, number in used if number]
