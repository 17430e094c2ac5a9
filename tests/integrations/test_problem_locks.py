"""Many that stop, go and are decided on at once share problems, and never wait for each other in a circle."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.db import connection as database
from django.db import transaction

from integrations.models import Command, Problem
from integrations.sync import problems
from orders.models import Order
from orders.services.withdrawals import withdraw
from tests.world import NOON, World, make_world, order, stocked

COUNT, ROUNDS = 12, 6


@pytest.fixture
def world(transactional_db: None) -> World:
    world = make_world()
    stocked(world, "MUG")
    for number in range(COUNT):
        world.apply(world.shop, "order", order(f"{number}", ("MUG", 1, "4.50")))
    return world


def stop(command: Command, words: str) -> None:
    command.refresh_from_db()
    command.state, command.message, command.error_code, command.amount = "needs_fix", words, "REJECTED", 1
    command.save()
    problems.note_problem(command, NOON)


@pytest.mark.skipif(database.vendor != "postgresql", reason="SQLite lets one transaction write at a time.")
def test_withdrawing_and_refusing_in_opposite_orders_never_waits_in_a_circle(world: World) -> None:
    """Each transaction withdraws two messages, of two problems, and holds two orders; half of them the other way
    round. Counting inside those transactions would lock the problems crosswise."""
    commands = list(Command.plain.filter(kind="create_order").order_by("pk"))
    for round_ in range(ROUNDS):
        for place, command in enumerate(commands):
            stop(command, "one" if place % 2 else "other")
        meet = threading.Barrier(COUNT // 2)

        def take_back(pair: tuple[Command, Command], meet: threading.Barrier = meet) -> None:
            try:
                meet.wait(30)
                with transaction.atomic():
                    for one in pair:
                        row = Command.plain.select_for_update().get(pk=one.pk)
                        withdraw(row, "x", at=NOON)
            finally:
                database.close()

        pairs = [
            (commands[place], commands[place + 1]) if place % 4 else (commands[place + 1], commands[place])
            for place in range(0, COUNT, 2)
        ]
        with ThreadPoolExecutor(COUNT // 2) as pool:
            assert list(pool.map(take_back, pairs)) == [None] * (COUNT // 2), f"round {round_}"
        assert set(Problem.plain.values_list("state", "count")) == {("resolved", 0)}
        Command.plain.update(state="pending", finished_at=None)


def test_a_transaction_that_withdraws_locks_no_problem(world: World) -> None:
    """What it counts is counted when it is over."""
    command = Command.plain.filter(kind="create_order").order_by("pk")[0]
    stop(command, "one")
    with transaction.atomic():
        withdraw(Command.plain.select_for_update().get(pk=command.pk), "x", at=NOON)
        assert Problem.plain.get().count == 1
    problem = Problem.plain.get()
    assert (problem.count, problem.state) == (0, "resolved")


def test_what_a_worker_died_over_is_counted_within_the_hour(world: World) -> None:
    first, second, *_ = Command.plain.filter(kind="create_order").order_by("pk")
    Command.plain.filter(pk=first.pk).update(state="needs_fix", message="x", error_code="REJECTED", state_at=NOON)
    assert problems.mend(NOON + timedelta(minutes=1)) == 0, "its worker may still be about it"
    problems.mend(NOON + timedelta(hours=1))
    problem = Problem.plain.get()
    assert (problem.state, problem.count, problem.example_command_id) == ("open", 1, first.pk)
    Command.plain.filter(pk=first.pk).update(state="verified")
    assert problems.mend(NOON + timedelta(hours=2)) == 1
    assert Problem.plain.get().state == "resolved"
    Command.plain.filter(pk=second.pk).update(state="needs_fix", problem=problem)
    problems.mend(NOON + timedelta(hours=3))
    assert (Problem.plain.get().state, Problem.plain.get().count) == ("open", 1)
    assert Order.plain.count() == COUNT
