"""New orders taken in together: what they need to know is read once, what they promise is written once."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Hashable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from functools import cached_property
from typing import TypeVar

from catalog import services as catalog
from catalog.models import Binding
from integrations.models import Command, Connection, Hold
from integrations.sync.outbox import enqueue_first
from orders.models import FulfilmentOrder, Order, OrderEvent, OrderLine, TaxLine
from orders.services.timeline import note_all
from orders.state import INTAKE, move

T = TypeVar("T")


class Page:
    """Orders of one shop that were saved just now, their lines and taxes, and the shop's articles in them (by its id);
    nothing was done about them yet."""

    def __init__(
        self,
        shop: Connection,
        lines: Mapping[Order, Sequence[OrderLine]],
        taxes: Collection[TaxLine],
        bindings: dict[str, Binding],
    ) -> None:
        self.shop, self.bindings = shop, bindings
        self.lines = {order.pk: list(rows) for order, rows in lines.items()}
        self._tax_codes: dict[int, set[tuple[str, str]]] = defaultdict(set)
        for tax in taxes:
            self._tax_codes[tax.line_id].add((tax.code, tax.name))
        self._read: dict[Hashable, object] = {}
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
        return set(self._open_keys[order.pk])

    def queue(self, part: FulfilmentOrder, command: Command, event: OrderEvent) -> None:
        """The part's first command, and what the timeline says of it."""
        self._queued.append((part, command, event))

    def promise(self, order: Order, quantities: Mapping[int, Decimal]) -> None:
        self._promises[order.pk] = quantities

    def mark_ready(self, order: Order) -> None:
        """It waits for nothing."""
        order.intake = move(INTAKE, order.intake, Order.Intake.READY)
        self._ready.append(order.pk)

    def write(self, *, at: datetime) -> None:
        """What was gathered, in the transaction that saved the orders; the stock is locked last, as by everybody."""
        if self._queued:
            parts, commands, events = zip(*self._queued, strict=True)
            FulfilmentOrder.plain.filter(pk__in=[part.pk for part in parts]).update(state=FulfilmentOrder.State.QUEUED)
            enqueue_first(commands)
            note_all(events)
        if self._ready:
            Order.plain.filter(pk__in=self._ready).update(intake=Order.Intake.READY)
        if self._promises:
            catalog.reserve_all(merchant_id=self.shop.merchant_id, subject_type="order", promises=self._promises, at=at)

    @cached_property
    def _open_keys(self) -> dict[int, set[str]]:
        found: dict[int, set[str]] = defaultdict(set)
        holds = Hold.plain.filter(subject_type="order", subject_id__in=list(self.lines), ended_at__isnull=True)
        for subject_id, key in holds.values_list("subject_id", "key"):
            found[subject_id].add(key)
        return found
