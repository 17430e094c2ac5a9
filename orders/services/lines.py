"""The rows of an order's lines, brought to what the store says."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any

from catalog.models import Binding
from integrations.contract import records as r
from integrations.models import Connection, ValueMapping
from orders.models import Order, OrderLine, TaxLine

FINEST = Decimal("0.001")
MOST_NAMED = 200  # names of fees noted of a shop; one that makes up a new name for each order is not followed further
FEE = OrderLine.Kind.FEE
LINE_FIELDS = [
    *("position", "kind", "binding", "variant", "factor", "variant_external_id", "sku", "name"),
    *("quantity", "unit_price", "discount", "net", "tax", "gross"),
]


def find_differing(before: Mapping[str, OrderLine], lines: Sequence[r.OrderLineRecord]) -> list[str]:
    """The external ids of lines that are new, changed or gone."""
    now = {line.external_id for line in lines}
    changed = [line.external_id for line in lines if differs(before.get(line.external_id), line)]
    return changed + [pk for pk in before if pk not in now]


def article_id(line: OrderLine) -> str:
    """Their id of the article; a line the shop made without one goes by its code, or its name."""
    if line.variant_external_id:
        return line.variant_external_id
    return f"sku:{line.sku}" if line.sku else f"name:{line.name}"[:200]


def find_bindings(shop: Connection, lines: Iterable[OrderLine]) -> dict[str, Binding]:
    """The shop's articles in these lines, by its id of them."""
    ids = {article_id(line) for line in lines if line.kind == OrderLine.Kind.ITEM}
    if not ids:
        return {}
    rows = Binding.plain.filter(merchant_id=shop.merchant_id, connection=shop, external_id__in=sorted(ids))
    return {row.external_id: row for row in rows}


def map_line(line: OrderLine, binding: Binding) -> bool:
    """Say on the line which variant the article is; False where nobody has said, or where it would be no whole number
    of the thousandths quantities are kept in: goods are never rounded."""
    if binding.state != Binding.State.BOUND or line.quantity * binding.factor % FINEST:
        return False
    line.binding_id, line.variant_id, line.factor = binding.pk, binding.variant_id, binding.factor
    return True


def read_kinds(shop: Connection, lines: Iterable[r.OrderLineRecord]) -> dict[str, str]:
    """A fee's name in this shop → what it really is (a bottle deposit, a tip), where a person said so under Values. A
    name seen for the first time is noted as the fee the shop says it is."""
    names = {_fee_name(line) for line in lines if line.kind is r.LineKind.FEE} - {""}
    if not names:
        return {}
    special: dict[str, Any] = {"connection": shop, "kind": ValueMapping.Kind.SPECIAL_LINE}
    rows = ValueMapping.plain.filter(merchant_id=shop.merchant_id, **special)
    known = dict(rows.filter(theirs__in=names).values_list("theirs", "ours"))
    if (unseen := sorted(names - known.keys())) and rows.count() < MOST_NAMED:
        ValueMapping.plain.bulk_create(
            (ValueMapping(merchant_id=shop.merchant_id, theirs=name, ours=FEE, **special) for name in unseen),
            ignore_conflicts=True,
        )
    return {theirs: ours for theirs, ours in known.items() if ours in r.FEE_KINDS}


def _fee_name(line: r.OrderLineRecord) -> str:
    return line.name.strip()[:200]


def build_lines(
    shop: Connection, orders: Iterable[tuple[Order, Sequence[r.OrderLineRecord]]]
) -> tuple[list[OrderLine], list[TaxLine], dict[str, Binding]]:
    """The rows of new orders' lines and of their taxes, not saved yet, and the shop's articles in them. An article that
    is mapped already is so from the start; one that is not keeps nothing from being saved."""
    orders = list(orders)
    kinds = read_kinds(shop, (line for _, lines in orders for line in lines))
    pairs = [
        (_fill_line(OrderLine(merchant_id=order.merchant_id, order=order), place, line, kinds), line)
        for order, lines in orders
        for place, line in enumerate(lines)
    ]
    bindings = find_bindings(shop, (row for row, _ in pairs))
    for row, _ in pairs:
        if row.kind == OrderLine.Kind.ITEM and (binding := bindings.get(article_id(row))):
            map_line(row, binding)
    return [row for row, _ in pairs], _build_taxes(pairs), bindings


def write_lines(order: Order, lines: Sequence[r.OrderLineRecord], before: Mapping[str, OrderLine]) -> None:
    """Make the order's rows these lines; `before` are the rows by external id. One that changed its article is nobody's
    until it is mapped again."""
    new, changed = [], []
    kinds = read_kinds(order.connection, lines)
    for place, line in enumerate(lines):
        row = before.get(line.external_id)
        if row is None:
            new.append((_fill_line(OrderLine(merchant_id=order.merchant_id, order=order), place, line, kinds), line))
        elif differs(row, line):
            changed.append((_fill_line(row, place, line, kinds), line))
    gone = [row.pk for pk, row in before.items() if pk not in {line.external_id for line in lines}]
    if gone:
        OrderLine.plain.filter(pk__in=gone).delete()
    OrderLine.plain.bulk_create(row for row, _ in new)
    if changed:
        OrderLine.plain.bulk_update([row for row, _ in changed], LINE_FIELDS)
        TaxLine.plain.filter(line__in=[row.pk for row, _ in changed]).delete()
    TaxLine.plain.bulk_create(_build_taxes([*new, *changed]))


def _build_taxes(pairs: Iterable[tuple[OrderLine, r.OrderLineRecord]]) -> list[TaxLine]:
    return [
        TaxLine(
            merchant_id=row.merchant_id,
            line=row,
            code=tax.code[:200],
            name=tax.name[:200],
            rate=tax.rate,
            amount=tax.amount,
        )
        for row, line in pairs
        for tax in line.taxes
        if tax.amount
    ]


def differs(row: OrderLine | None, line: r.OrderLineRecord) -> bool:
    if row is None:
        return True
    return row.variant_external_id != line.variant_external_id[:200] or any(
        getattr(row, name) != getattr(line, name) for name in ("quantity", "net", "tax", "gross", "sku")
    )


def _fill_line(row: OrderLine, place: int, line: r.OrderLineRecord, kinds: Mapping[str, str]) -> OrderLine:
    row.position, row.external_id, row.kind = place, line.external_id[:200], line.kind.value
    if row.kind == FEE:
        row.kind = kinds.get(_fee_name(line), FEE)
    if row.variant_external_id != line.variant_external_id[:200]:
        row.binding, row.variant, row.factor = None, None, Decimal(1)
    row.variant_external_id, row.sku, row.name = line.variant_external_id[:200], line.sku[:100], line.name[:300]
    row.quantity, row.unit_price, row.discount = line.quantity, line.unit_price, line.discount
    row.net, row.tax, row.gross = line.net, line.tax, line.gross
    return row
