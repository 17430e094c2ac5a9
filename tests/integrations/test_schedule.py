"""Procedures: each slot once, gates, events that wait together, what was missed stays missed."""

from __future__ import annotations

import threading
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection as database

from integrations.models import Flow, Procedure, ProcedureRun, ProcedureStep, SyncRun
from integrations.sync import schedule
from tests.world import NOON, World, make_world

State = ProcedureRun.State
MINUTE = timedelta(minutes=1)


@pytest.fixture
def world(db: None) -> World:
    return make_world()


def make(world: World, *gates: str, **values: Any) -> Procedure:
    row = Procedure(merchant=world.merchant, name=f"P{Procedure.plain.count()}", **values)
    row.save()
    for place, gate in enumerate(gates):
        flow = Flow(
            merchant=world.merchant,
            connection=world.shop,
            stream=("product", "customer", "order")[place],
            direction="pull",
        )
        flow.save()
        ProcedureStep(merchant=world.merchant, procedure=row, position=place, flow=flow, gate=gate).save()
    return row


def end_step(state: str = "done", **counts: int) -> None:
    SyncRun.plain.filter(state="queued").update(state=state, seen=sum(counts.values()), **counts)


def test_a_slot_fires_once_and_what_was_missed_is_not_made_up(world: World) -> None:
    row = make(world, "continue", every_seconds=60, next_due_at=NOON)
    assert schedule.fire_due(NOON + 10 * MINUTE) == 1
    assert schedule.fire_due(NOON + 10 * MINUTE) == 0
    row.refresh_from_db()
    assert row.next_due_at == NOON + 11 * MINUTE
    assert ProcedureRun.plain.get().slot == NOON.isoformat()


def test_one_that_is_still_at_work_is_not_started_twice(world: World) -> None:
    make(world, "continue", every_seconds=60, next_due_at=NOON)
    schedule.fire_due(NOON)
    assert schedule.fire_due(NOON + MINUTE) == 0
    assert ProcedureRun.plain.count() == 1


def test_a_disabled_one_does_not_fire(world: World) -> None:
    make(world, "continue", every_seconds=60, next_due_at=NOON, enabled=False)
    assert schedule.fire_due(NOON + MINUTE) == 0


@pytest.mark.django_db(transaction=True)
def test_three_tickers_fire_each_slot_once() -> None:
    world = make_world()
    row = make(world, every_seconds=60, next_due_at=NOON)
    fired: list[int] = []

    def tick() -> None:
        try:
            for minute in range(20):
                fired.append(schedule.fire_due(NOON + minute * MINUTE))
                for run in ProcedureRun.plain.filter(state="queued"):
                    schedule.advance(run.pk, at=NOON)
        finally:
            database.close()

    threads = [threading.Thread(target=tick) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    slots = list(ProcedureRun.plain.filter(procedure=row).values_list("slot", flat=True))
    assert len(slots) == len(set(slots)) == sum(fired)


def test_steps_go_in_order_and_the_run_ends(world: World) -> None:
    run = schedule.start_procedure(make(world, "continue", "continue"), trigger="manual", at=NOON)
    schedule.advance(run.pk, at=NOON)
    schedule.advance(run.pk, at=NOON)
    assert list(SyncRun.plain.values_list("flow__stream", flat=True)) == ["product"]
    end_step()
    schedule.advance(run.pk, at=NOON)
    assert list(SyncRun.plain.order_by("pk").values_list("flow__stream", flat=True)) == ["product", "customer"]
    end_step(state="failed")
    schedule.advance(run.pk, at=NOON)
    run.refresh_from_db()
    assert (run.state, run.finished_at) == (State.DONE, NOON)


@pytest.mark.parametrize(
    ("gate", "state", "counts", "ends_as", "steps"),
    [
        ("stop", "failed", {}, State.FAILED, 1),
        ("stop", "done", {}, State.RUNNING, 2),
        ("if_changed", "done", {"unchanged": 3}, State.DONE, 1),
        ("if_changed", "done", {"updated": 1}, State.RUNNING, 2),
        ("person", "done", {}, State.WAITING, 1),
        ("continue", "cancelled", {}, State.CANCELLED, 1),
    ],
)
def test_gates(world: World, gate: str, state: str, counts: dict[str, int], ends_as: str, steps: int) -> None:
    run = schedule.start_procedure(make(world, gate, "continue"), trigger="manual", at=NOON)
    schedule.advance(run.pk, at=NOON)
    end_step(state=state, **counts)
    schedule.advance(run.pk, at=NOON)
    run.refresh_from_db()
    assert (run.state, SyncRun.plain.count()) == (ends_as, steps)


def test_a_person_lets_it_go_on(world: World) -> None:
    run = schedule.start_procedure(make(world, "person", "continue"), trigger="manual", at=NOON)
    schedule.advance(run.pk, at=NOON)
    end_step()
    schedule.advance(run.pk, at=NOON)
    schedule.go_on(run)
    schedule.advance(run.pk, at=NOON)
    assert SyncRun.plain.count() == 2


def test_events_wait_together_until_the_run_begins(world: World) -> None:
    make(world, "continue", event="order.created")
    for _ in range(5):
        schedule.fire_event(world.merchant.pk, "order.created", at=NOON)
    schedule.fire_event(world.merchant.pk, "product.created", at=NOON)
    run = ProcedureRun.plain.get()
    schedule.advance(run.pk, at=NOON)
    schedule.fire_event(world.merchant.pk, "order.created", at=NOON)
    assert ProcedureRun.plain.count() == 2, "what came after it began needs another run"


def test_a_step_that_is_switched_off_is_passed_over(world: World) -> None:
    run = schedule.start_procedure(make(world, "continue", "continue"), trigger="manual", at=NOON)
    Flow.plain.filter(stream="product").update(enabled=False)
    schedule.advance(run.pk, at=NOON)
    assert list(SyncRun.plain.values_list("flow__stream", flat=True)) == ["customer"]
