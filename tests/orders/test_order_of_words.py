"""Words about an order that come in the wrong order: the shop's own time decides, then the time it was asked."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from integrations.contract import records as r
from orders.models import Order
from tests.orders.test_intake import MINUTE
from tests.world import NOON, World, order, stocked


def hear(world: World, record: r.OrderRecord, read_at: datetime) -> tuple[int, int, int]:
    applied = world.apply(world.shop, "order", record, read_at=read_at, at=read_at + MINUTE)
    return applied.created, applied.updated, applied.unchanged


def test_of_two_words_of_one_second_the_one_asked_for_later_counts(world: World) -> None:
    """The poll began before the buyer paid, the webhook was fetched after; both say the same whole second."""
    stocked(world, "MUG")
    paid = order("1001", ("MUG", 1, "4.50"), paid=True)
    unpaid = order("1001", ("MUG", 1, "4.50"), paid=False, status_text="pending")
    assert hear(world, paid, NOON + 2 * MINUTE) == (1, 0, 0)
    assert hear(world, unpaid, NOON + MINUTE) == (0, 0, 1)
    row = Order.plain.get()
    assert (row.financial, row.status_text, row.captured) == ("paid", "", row.total)
    assert hear(world, unpaid, NOON + 3 * MINUTE) == (0, 1, 0), "asked later, it is the newer word"


def test_an_old_word_does_not_pass_a_newer_one_that_changed_nothing(world: World) -> None:
    stocked(world, "MUG")
    first = order("1001", ("MUG", 1, "4.50"), paid=False)
    assert hear(world, first, NOON) == (1, 0, 0)
    assert hear(world, replace(first, updated_at=NOON + 2 * MINUTE), NOON + 3 * MINUTE) == (0, 0, 1)
    between = replace(first, status_text="on-hold", note="Ring twice", updated_at=NOON + MINUTE)
    assert hear(world, between, NOON + 4 * MINUTE) == (0, 0, 1)
    row = Order.plain.get()
    assert (row.status_text, row.note, row.source_updated_at) == ("", "", NOON + 2 * MINUTE)


def test_a_word_repeated_later_counts_as_asked_later(world: World) -> None:
    stocked(world, "MUG")
    first = order("1001", ("MUG", 1, "4.50"), paid=False)
    hear(world, first, NOON)
    hear(world, first, NOON + 2 * MINUTE)
    assert hear(world, replace(first, note="Ring twice"), NOON + MINUTE) == (0, 0, 1)
    assert Order.plain.get().note == ""


def test_an_older_cancel_is_not_taken_and_an_older_word_does_not_revive(world: World) -> None:
    stocked(world, "MUG")
    alive = order("1001", ("MUG", 1, "4.50"))
    assert hear(world, alive, NOON) == (1, 0, 0)
    assert hear(world, replace(alive, cancelled=True, updated_at=NOON - MINUTE), NOON + MINUTE) == (0, 0, 1)
    assert Order.plain.get().fulfilment == "unfulfilled"
    assert hear(world, replace(alive, cancelled=True, updated_at=NOON + MINUTE), NOON + MINUTE) == (0, 1, 0)
    assert hear(world, alive, NOON + 2 * MINUTE) == (0, 0, 1)
    assert Order.plain.get().fulfilment == "cancelled"


def test_money_only_goes_the_ways_of_the_table(world: World) -> None:
    stocked(world, "MUG")
    given_back = order("1001", ("MUG", 1, "4.50"), financial=r.FinancialStatus.REFUNDED)
    assert hear(world, given_back, NOON) == (1, 0, 0)
    pending = order("1001", ("MUG", 1, "4.50"), paid=False, updated_at=NOON + MINUTE)
    hear(world, pending, NOON + MINUTE)
    assert Order.plain.get().financial == "refunded", "what was given back is not unpaid again"
