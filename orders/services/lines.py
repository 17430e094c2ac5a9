"""The rows of an order's lines, brought to what the store says."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal

from integrations.contract import records as r
from orders.models import Order, OrderLine, TaxLine

LINE_FIELDS = [
    *("position", "kind", "binding", "variant", "factor", "variant_external_id", "sku", "name"),
    *("quantity", "unit_price", "discount", "net", "tax", "gross"),
]


def find_differing(before: Mapping[str, OrderLine], lines: Sequence[r.OrderLineRecord]) -> list[str]:
    """The external ids of lines that are new, changed or gone."""
    now = {line.external_id for line in lines}
    changed = [line.external_id for line in lines if differs(before.get(line.external_id), line)]
    return changed + [pk for pk in before if pk not in now]


def write_lines(order: Order, lines: Sequence[r.OrderLineRecord], before: Mapping[str, OrderLine]) -> None:
    """Make the order's rows these lines; `before` are the rows by external id. One that changed its article is nobody's
    until it is mapped again."""
    new, changed = [], []
    for place, line in enumerate(lines):
        row = before.get(line.external_id)
        if row is None:
            new.append(_fill_line(OrderLine(merchant_id=order.merchant_id, order=order), place, line))
        elif differs(row, line):
            changed.append(_fill_line(row, place, line))
    gone = [row.pk for pk, row in before.items() if pk not in {line.external_id for line in lines}]
    if gone:
        OrderLine.plain.filter(pk__in=gone).delete()
    OrderLine.plain.bulk_create(new)
    if changed:
        OrderLine.plain.bulk_update(changed, LINE_FIELDS)
        TaxLine.plain.filter(line__in=[row.pk for row in changed]).delete()
    by_id = {line.external_id: line for line in lines}
    TaxLine.plain.bulk_create(
        TaxLine(
            merchant_id=order.merchant_id,
            line=row,
            code=tax.code[:200],
            name=tax.name[:200],
            rate=tax.rate,
            amount=tax.amount,
        )
        for row in [*new, *changed]
        for tax in by_id[row.external_id].taxes
        if tax.amount
    )


def differs(row: OrderLine | None, line: r.OrderLineRecord) -> bool:
    if row is None:
        return True
    return row.variant_external_id != line.variant_external_id[:200] or any(
        getattr(row, name) != getattr(line, name) for name in ("quantity", "net", "tax", "gross", "sku")
    )


def _fill_line(row: OrderLine, place: int, line: r.OrderLineRecord) -> OrderLine:
    row.position, row.external_id, row.kind = place, line.external_id[:200], line.kind.value
    if row.variant_external_id != line.variant_external_id[:200]:
        row.binding, row.variant, row.factor = None, None, Decimal(1)
    row.variant_external_id, row.sku, row.name = line.variant_external_id[:200], line.sku[:100], line.name[:300]
    row.quantity, row.unit_price, row.discount = line.quantity, line.unit_price, line.discount
    row.net, row.tax, row.gross = line.net, line.tax, line.gross
    return row
