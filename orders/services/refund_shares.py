"""What of a refund is which part's: a line's goes where the line is; what has no line, to the first part."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal

from orders.models import FulfilmentOrder, FulfilmentShare, OrderLine, Refund, RefundLine
from orders.services.parts import Shares, load_shares
from orders.services.sharing import Money, share_extra, share_goods

ZERO = Decimal(0)


@dataclass(frozen=True, slots=True, kw_only=True)
class RefundShare:
    """`rows` are copies, not to be saved; without any it is a free amount."""

    amount: Decimal
    rows: tuple[RefundLine, ...]


def share_refunds(
    refunds: Sequence[Refund], parts: Sequence[FulfilmentOrder], currency: str
) -> dict[tuple[int, int], RefundShare]:
    """(refund, part) → its share, for those that have some of it. `refunds` are all of the order's, oldest first: of a
    line on several parts the first is filled up before the next. A part with the whole order has all of each."""
    rows: dict[int, list[RefundLine]] = {refund.pk: [] for refund in refunds}
    for row in RefundLine.plain.filter(refund__in=rows).select_related("order_line").order_by("pk") if rows else ():
        rows[row.refund_id].append(row)
    found = {
        (refund.pk, part.pk): RefundShare(amount=refund.amount, rows=tuple(rows[refund.pk]))
        for refund in refunds
        for part in parts
        if part.amount is None
    }
    split = sorted((part for part in parts if part.amount is not None), key=lambda part: part.number)
    if split:
        shares = load_shares(split)
        given: dict[tuple[int, int], Decimal] = {}
        for refund in refunds:
            found |= _share(refund, rows[refund.pk], split, shares, given, currency)
    return found


def _share(
    refund: Refund,
    rows: Iterable[RefundLine],
    split: Sequence[FulfilmentOrder],
    shares: Shares,
    given: dict[tuple[int, int], Decimal],
    currency: str,
) -> dict[tuple[int, int], RefundShare]:
    mine: dict[int, list[RefundLine]] = {}
    for row in rows:
        having = [
            (part, share)
            for part in split
            for share in shares.get(part.pk, ())
            if share.order_line_id == row.order_line_id
        ]
        for (part, _), piece in zip(having, _split_row(row, having, given, currency), strict=True):
            if piece.gross:
                mine.setdefault(part.pk, []).append(_narrow(row, piece))
    if not mine:
        first = next((part for part in split if part.state not in part.OVER), split[0])
        return {(refund.pk, first.pk): RefundShare(amount=refund.amount, rows=())}
    return {
        (refund.pk, pk): RefundShare(amount=sum((row.net + row.tax for row in rows), ZERO), rows=tuple(rows))
        for pk, rows in mine.items()
    }


def _split_row(
    row: RefundLine,
    having: Sequence[tuple[FulfilmentOrder, FulfilmentShare]],
    given: dict[tuple[int, int], Decimal],
    currency: str,
) -> list[Money]:
    """By what is left of the line on each part; money without goods by what the line comes to there."""
    whole = Money(quantity=row.quantity, discount=ZERO, net=row.net, tax=row.tax)
    if not having:
        return []
    if row.order_line.kind != OrderLine.Kind.ITEM or not row.quantity:
        return share_extra(whole, [share.gross for _, share in having], currency)
    left, quantities = row.quantity, []
    for place, (part, share) in enumerate(having):
        key = (part.pk, row.order_line_id)
        room = max(share.quantity - given.get(key, ZERO), ZERO)
        taken = left if place == len(having) - 1 else min(left, room)
        given[key] = given.get(key, ZERO) + taken
        quantities.append(taken)
        left -= taken
    return share_goods(whole, quantities, currency)


def _narrow(row: RefundLine, piece: Money) -> RefundLine:
    return RefundLine(
        pk=row.pk,
        merchant_id=row.merchant_id,
        refund_id=row.refund_id,
        order_line=row.order_line,
        quantity=piece.quantity,
        net=piece.net,
        tax=piece.tax,
    )
