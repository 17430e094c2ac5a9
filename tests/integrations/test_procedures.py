"""Procedures: each slot once, gates between steps, events that coalesce, and nothing made up for."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection as database
from django.db import connections, transaction
from django.utils import timezone

from integrations.models import Connection, Flow, Procedure, ProcedureRun, ProcedureStep, SyncRun
from integrations.sync import runs, schedule
from integrations.sync.execute import execute
from tests.integrations.toy_shop import ToyShop

Gate = ProcedureStep.Gate
State = ProcedureRun.State
NINE = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)
MakeFlow = Callable[..., Flow]


def make_procedure(store: Connection, *flows: Flow, gate: str = Gate.STOP, **values: object) -> Procedure:
    procedure = Procedure(merchant_id=store.merchant_id, name="Every five minutes", **values)
    procedure.save()
    for position, flow in enumerate(flows):
        ProcedureStep(
            merchant_id=store.merchant_id, procedure=procedure, position=position, flow=flow, gate=gate
        ).save()
    return procedure


def work_off(procedure_run: ProcedureRun) -> ProcedureRun:
    """As ticks and workers would, until nothing moves."""
    for _ in range(10):
        schedule.advance(procedure_run.pk, at=timezone.now())
        for pk in runs.due(timezone.now()).values_list("pk", flat=True):
            execute(pk)
    procedure_run.refresh_from_db()
    return procedure_run


def start(procedure: Procedure) -> ProcedureRun:
    return work_off(schedule.start_procedure(procedure, trigger="manual", at=timezone.now()))


@pytest.mark.django_db(transaction=True)
def test_promise_10_a_slot_fires_once_though_three_beats_tick(toy_store: Connection) -> None:
    procedure = make_procedure(toy_store, every_seconds=300, next_due_at=NINE)
    ticks = [NINE + timedelta(seconds=100 * n) for n in range(30)]
    gate = threading.Barrier(3)

    def beat() -> None:
        try:
            for at in ticks:
                gate.wait(30)
                schedule.fire_due(at)
                gate.wait(30)
                ProcedureRun.plain.update(state=State.DONE)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=beat) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    slots = list(ProcedureRun.plain.filter(procedure=procedure).order_by("slot").values_list("slot", flat=True))
    assert slots == [(NINE + timedelta(seconds=300 * n)).isoformat() for n in range(10)]
    procedure.refresh_from_db()
    assert procedure.next_due_at == NINE + timedelta(seconds=3000)


@pytest.mark.django_db(transaction=True)
def test_promise_10_many_threads_at_one_slot_start_one_run(toy_store: Connection) -> None:
    procedure = make_procedure(toy_store, every_seconds=60, next_due_at=NINE)
    fired: list[int] = []
    gate = threading.Barrier(8)

    def beat() -> None:
        try:
            gate.wait(30)
            fired.append(schedule.fire_due(NINE))
        finally:
            connections.close_all()

    threads = [threading.Thread(target=beat) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(fired) == [0] * 7 + [1]
    assert ProcedureRun.plain.filter(procedure=procedure).count() == 1


def test_missed_slots_are_not_made_up_for_and_the_grid_stays(toy_store: Connection) -> None:
    procedure = make_procedure(toy_store, every_seconds=300, next_due_at=NINE)
    assert schedule.fire_due(NINE + timedelta(hours=1, seconds=17)) == 1
    assert schedule.fire_due(NINE + timedelta(hours=1, seconds=17)) == 0
    assert ProcedureRun.plain.get().slot == NINE.isoformat()
    procedure.refresh_from_db()
    assert procedure.next_due_at == NINE + timedelta(hours=1, minutes=5)


def test_a_disabled_procedure_and_one_without_a_timer_do_not_fire(toy_store: Connection) -> None:
    procedure = make_procedure(toy_store, every_seconds=300, next_due_at=NINE, enabled=False)
    assert schedule.fire_due(NINE) == 0
    Procedure.plain.filter(pk=procedure.pk).update(enabled=True, every_seconds=0)
    assert schedule.fire_due(NINE) == 0
    assert not ProcedureRun.plain.exists()


@pytest.mark.parametrize("state", [State.QUEUED, State.RUNNING, State.WAITING])
def test_one_that_is_at_work_or_waits_for_a_person_is_not_started_again(toy_store: Connection, state: str) -> None:
    make_procedure(toy_store, every_seconds=300, next_due_at=NINE)
    assert schedule.fire_due(NINE) == 1
    ProcedureRun.plain.update(state=state)
    assert schedule.fire_due(NINE + timedelta(minutes=5)) == 0
    assert ProcedureRun.plain.count() == 1
    ProcedureRun.plain.update(state=State.DONE)
    assert schedule.fire_due(NINE + timedelta(minutes=10)) == 1


def test_steps_run_one_after_another_and_the_run_ends(
    far_shop: ToyShop, toy_store: Connection, make_flow: MakeFlow
) -> None:
    far_shop.add_orders(2)
    pull, push = make_flow("order"), make_flow("stock", "push")
    run = start(make_procedure(toy_store, pull, push))
    assert (run.state, run.position) == (State.DONE, 2)
    assert list(SyncRun.plain.order_by("pk").values_list("flow", "state")) == [(pull.pk, "done"), (push.pk, "done")]


def test_a_flow_that_stands_in_a_procedure_twice_runs_twice(
    far_shop: ToyShop, toy_store: Connection, make_flow: MakeFlow
) -> None:
    pull, push = make_flow("order"), make_flow("stock", "push")
    run = start(make_procedure(toy_store, pull, push, pull))
    assert run.state == State.DONE
    assert list(SyncRun.plain.order_by("pk").values_list("flow", flat=True)) == [pull.pk, push.pk, pull.pk]


@pytest.mark.parametrize(("gate", "ended", "pushed"), [(Gate.STOP, "failed", 0), (Gate.CONTINUE, "done", 1)])
def test_a_failed_step_stops_the_run_where_its_gate_says_so(
    far_shop: ToyShop, toy_store: Connection, make_flow: MakeFlow, gate: str, ended: str, pushed: int
) -> None:
    far_shop.faults = [422]
    push = make_flow("stock", "push")
    run = start(make_procedure(toy_store, make_flow("order"), push, gate=gate))
    assert run.state == ended
    assert SyncRun.plain.filter(flow=push).count() == pushed
    if ended == "failed":
        assert run.message == "Orders from there to us failed: The platform answered 422: no"


def test_if_changed_goes_on_only_after_a_change(far_shop: ToyShop, toy_store: Connection, make_flow: MakeFlow) -> None:
    push = make_flow("stock", "push")
    procedure = make_procedure(toy_store, make_flow("order"), push, gate=Gate.IF_CHANGED)
    run = start(procedure)
    assert run.state == State.DONE
    assert run.message == "Orders from there to us changed nothing; what follows was not needed."
    assert not SyncRun.plain.filter(flow=push).exists()
    far_shop.add_orders(1)
    start(procedure)
    assert SyncRun.plain.filter(flow=push).count() == 1


def test_a_person_lets_a_waiting_run_go_on(far_shop: ToyShop, toy_store: Connection, make_flow: MakeFlow) -> None:
    push = make_flow("stock", "push")
    run = start(make_procedure(toy_store, make_flow("order"), push, gate=Gate.PERSON))
    assert run.state == State.WAITING
    assert not SyncRun.plain.filter(flow=push).exists()
    schedule.go_on(run)
    assert work_off(run).state == State.WAITING, "the gate behind the last step waits as well"
    assert SyncRun.plain.filter(flow=push).count() == 1
    schedule.go_on(run)
    assert work_off(run).state == State.DONE
    schedule.go_on(run)
    assert work_off(run).state == State.DONE


def test_a_step_that_is_switched_off_or_whose_connection_does_not_read_is_passed_over(
    far_shop: ToyShop, toy_store: Connection, make_flow: MakeFlow
) -> None:
    pull, push = make_flow("order"), make_flow("stock", "push")
    procedure = make_procedure(toy_store, pull, push)
    Flow.plain.filter(pk=pull.pk).update(enabled=False)
    assert start(procedure).state == State.DONE
    assert list(SyncRun.plain.values_list("flow", flat=True)) == [push.pk]
    Connection.plain.update(state="needs_reauth")
    assert start(procedure).state == State.DONE
    assert SyncRun.plain.count() == 1
    assert far_shop.asked == []


def test_a_cancelled_step_cancels_the_run(far_shop: ToyShop, toy_store: Connection, make_flow: MakeFlow) -> None:
    push = make_flow("stock", "push")
    run = schedule.start_procedure(
        make_procedure(toy_store, make_flow("order"), push), trigger="manual", at=timezone.now()
    )
    schedule.advance(run.pk, at=timezone.now())
    SyncRun.plain.update(cancel_requested=True)
    assert work_off(run).state == State.CANCELLED
    assert not SyncRun.plain.filter(flow=push).exists()


def test_events_of_the_same_kind_make_one_waiting_run(toy_store: Connection) -> None:
    make_procedure(toy_store, event="order.created")
    for _ in range(5):
        schedule.fire_event(toy_store.merchant_id, "order.created", at=NINE)
    schedule.fire_event(toy_store.merchant_id, "product.created", at=NINE)
    schedule.fire_event(toy_store.merchant_id + 1, "order.created", at=NINE)
    run = ProcedureRun.plain.get()
    assert (run.trigger, run.state) == ("event", State.QUEUED)
    ProcedureRun.plain.update(state=State.RUNNING)
    schedule.fire_event(toy_store.merchant_id, "order.created", at=NINE)
    assert ProcedureRun.plain.count() == 2, "what began already may have missed it"


@pytest.mark.django_db(transaction=True)
def test_a_run_does_not_begin_before_the_event_it_stands_for_is_committed(toy_store: Connection) -> None:
    """Else it could read, end, and never see what the event was about."""
    if database.vendor == "sqlite":
        pytest.skip("SQLite has one writer at a time: nothing can begin in between.")
    make_procedure(toy_store, event="order.created")
    with transaction.atomic():
        schedule.fire_event(toy_store.merchant_id, "order.created", at=NINE)
    run = ProcedureRun.plain.get()

    def begin() -> None:
        try:
            schedule.advance(run.pk, at=NINE)
        finally:
            connections.close_all()

    with transaction.atomic():
        schedule.fire_event(toy_store.merchant_id, "order.created", at=NINE)
        thread = threading.Thread(target=begin)
        thread.start()
        thread.join()
        assert ProcedureRun.plain.get().state == State.QUEUED
    begin_again = threading.Thread(target=begin)
    begin_again.start()
    begin_again.join()
    assert ProcedureRun.plain.get().state == State.DONE
