"""New orders taken in together: what they need to know is read once, what they promise is written once."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from functools import cached_property
from typing import TypeVar

from catalog import services as catalog
from catalog.models import Binding
from integrations.models import Command, Connection, Hold
from integrations.sync.outbox import ring_for
from orders.models import FulfilmentOrder, Order, OrderEvent, OrderLine, TaxLine
from orders.state import INTAKE, move
from portal.base.bulk import insert, take_keys

T = TypeVar("T")


class Page:
    """Orders of one shop that were saved just now, their lines and taxes, and the shop's articles in them (by its id);
    nothing was done about them yet."""

    may_wait = False  # whether one of them may have been given something to wait for

    def __init__(
        self,
        shop: Connection,
        orders: Sequence[Order],
        lines: Iterable[OrderLine],
        taxes: Iterable[TaxLine],
        bindings: dict[str, Binding],
        *,
        taken: Iterable[str],
        part_keys: Iterator[int],
        command_keys: Iterator[int],
    ) -> None:
        self.shop, self.bindings = shop, bindings
        self.lines: dict[int, list[OrderLine]] = {order.pk: [] for order in orders}
        for line in lines:
            self.lines[line.order_id].append(line)
        self._tax_codes: dict[int, set[tuple[str, str]]] = defaultdict(set)
        for tax in taxes:
            self._tax_codes[tax.line_id].add((tax.code, tax.name))
        self._again, numbers = set[int](), set(taken)
        for order in orders:
            if order.number in numbers:
                self._again.add(order.pk)
            numbers.add(order.number)
        self._part_keys, self._command_keys = part_keys, command_keys
        self._read: dict[Hashable, object] = {}
        self._parts: list[FulfilmentOrder] = []
        self._queued: list[tuple[FulfilmentOrder, Command, OrderEvent]] = []
        self._promises: dict[int, Mapping[int, Decimal]] = {}
        self._ready: list[int] = []

    def once(self, key: Hashable, read: Callable[[], T]) -> T:
        """What `read` gives the first time it is asked for."""
        if key not in self._read:
            self._read[key] = read()
        return self._read[key]  # type: ignore[return-value]  # `key` names one thing

    @property
    def variants(self) -> set[int]:
        """Those the articles are mapped to."""
        return {row.variant_id for row in self.bindings.values() if row.variant_id is not None}

    def list_tax_codes(self, lines: Sequence[OrderLine]) -> list[tuple[str, str]]:
        """The shop's code and name of each tax on the lines."""
        return sorted({tax for line in lines for tax in self._tax_codes[line.pk]})

    def list_open_keys(self, order: Order) -> set[str]:
        """What the order waited for when the page was begun with."""
        return set(self._open_keys[order.pk]) if self.may_wait else set()

    def is_again(self, order: Order) -> bool:
        """Whether an earlier order of the shop has its number."""
        return order.pk in self._again

    def add(self, parts: Iterable[FulfilmentOrder]) -> None:
        """Parts that are written with the page."""
        for part in parts:
            part.pk = next(self._part_keys)
            self._parts.append(part)

    def queue(self, part: FulfilmentOrder, command: Command, event: OrderEvent) -> None:
        """The part's first command, and what the timeline says of it."""
        command.pk = next(self._command_keys, None)
        self._queued.append((part, command, event))

    def promise(self, order: Order, quantities: Mapping[int, Decimal]) -> None:
        self._promises[order.pk] = quantities

    def mark_ready(self, order: Order) -> None:
        """It waits for nothing."""
        order.intake = move(INTAKE, order.intake, Order.Intake.READY)
        self._ready.append(order.pk)

    def write(self, *, at: datetime) -> None:
        """What was gathered, in the transaction that saved the orders; the stock is locked last, as by everybody."""
        commands = [command for _, command, _ in self._queued]
        take_keys([command for command in commands if command.pk is None])
        insert(self._parts, commands, [event for _, _, event in self._queued])
        ring_for(commands)
        mine = {part.pk for part in self._parts}
        if before := [part.pk for part, _, _ in self._queued if part.pk not in mine]:
            FulfilmentOrder.plain.filter(pk__in=before).update(state=FulfilmentOrder.State.QUEUED)
        if self._ready:
            Order.plain.filter(pk__in=self._ready).update(intake=Order.Intake.READY)
        if self._promises:
            catalog.reserve_all(
                merchant_id=self.shop.merchant_id, subject_type="order", promises=self._promises, are_new=True, at=at
            )

    @cached_property
    def _open_keys(self) -> dict[int, set[str]]:
        found: dict[int, set[str]] = defaultdict(set)
        holds = Hold.plain.filter(subject_type="order", subject_id__in=list(self.lines), ended_at__isnull=True)
        for subject_id, key in holds.values_list("subject_id", "key"):
            found[subject_id].add(key)
        return found
