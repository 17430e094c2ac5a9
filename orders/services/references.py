"""The one name an order has in every back office, for life, and the line its commands stand in."""

from __future__ import annotations

from collections.abc import Collection

from integrations.models import Command, Connection
from orders.models import FulfilmentOrder, Order

LONGEST = 20


def build_reference(order: Order, *, is_again: bool | None = None) -> str:
    """The connection's prefix and the shop's number. A number too long for that, or one an earlier order of the shop
    has already (a shop that began to count anew; `is_again`, where that is known), is cut and made its own by our
    key."""
    plain = f"{order.connection.order_prefix}{order.number}"
    if is_again is None:
        earlier = Order.plain.filter(merchant_id=order.merchant_id, connection=order.connection, number=order.number)
        is_again = earlier.filter(pk__lt=order.pk).exists()
    if len(plain) <= LONGEST and not is_again and not _is_a_part(order, plain):
        return plain
    tail = f"~{order.pk}"
    return plain[: LONGEST - len(tail)] + tail


def _is_a_part(order: Order, text: str) -> bool:
    """Whether it is the name of another order's part."""
    if "." not in text:
        return False
    mine = FulfilmentOrder.plain.filter(merchant_id=order.merchant_id, reference=text)
    return mine.exclude(order=order).exists()


def build_part_reference(order: Order, number: int | None, *, is_again: bool | None = None) -> str:
    """The order's reference; of one of several parts with its number behind it: A-1001.2. Made its own by our key where
    another order has it: a shop may number its orders so, too."""
    plain = build_reference(order, is_again=is_again)
    if number is None:
        return plain
    text = f"{plain}.{number}"
    others = FulfilmentOrder.plain.filter(merchant_id=order.merchant_id, reference=text).exclude(order=order)
    if len(text) <= LONGEST and not others.exists():
        return text
    tail = f"~{order.pk}.{number}"
    return plain.partition("~")[0][: LONGEST - len(tail)] + tail


def next_revision(there: Connection, kind: str, reference: str, *, after: Collection[str]) -> int:
    """Of a message of this kind: a new one once the last is in one of the states `after`, else the last one's own, so
    that nothing is written down twice."""
    earlier = Command.plain.filter(connection=there, kind=kind, reference=reference).order_by("-revision")
    last = earlier.values_list("revision", "state").first()
    if last is None:
        return 1
    return last[0] + 1 if last[1] in after else last[0]


def line_of(part: FulfilmentOrder) -> str:
    """Commands about one part go one after another."""
    return f"fulfilment:{part.pk}"
