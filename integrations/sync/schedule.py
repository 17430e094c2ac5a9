"""Procedures: firing what is due, each slot once, and moving a procedure's run from step to step."""

from __future__ import annotations

import secrets
from datetime import datetime, timedelta

from django.db import transaction

from integrations.models import Procedure, ProcedureRun, ProcedureStep, SyncRun
from integrations.sync import runs
from integrations.sync.outbox import ring_on_commit
from portal.tenancy.models import User

BRAKE, ANYWAY = "BRAKE", "anyway"
State = ProcedureRun.State
Gate = ProcedureStep.Gate


def fire_due(at: datetime) -> int:
    """Start every procedure whose time has come; how many. Many may call it at once: a slot fires once."""
    fired = 0
    found = Procedure.plain.filter(enabled=True, every_seconds__gt=0, next_due_at__lte=at).order_by("next_due_at")
    for pk in list(found.values_list("pk", flat=True)[:500]):
        with transaction.atomic():
            procedure = found.select_for_update(skip_locked=True).filter(pk=pk).first()
            if procedure is None or procedure.next_due_at is None:
                continue
            slot = procedure.next_due_at
            Procedure.plain.filter(pk=pk).update(next_due_at=_next_slot(procedure, slot, at))
            # One that is still at work, or waits for a person, is not started a second time.
            if not procedure.runs.filter(state__in=(*ProcedureRun.OPEN_STATES, State.WAITING)).exists():
                start_procedure(procedure, trigger="timer", slot=slot.isoformat(), at=at)
                fired += 1
    return fired


def _next_slot(procedure: Procedure, slot: datetime, at: datetime) -> datetime:
    """The first slot of its grid after now: what was missed while everything stood still is not made up for."""
    every = timedelta(seconds=procedure.every_seconds)
    return slot + every * ((at - slot) // every + 1)


def start_procedure(
    procedure: Procedure, *, trigger: str, slot: str = "", at: datetime, by: User | None = None
) -> ProcedureRun:
    """Ask for a run; the same slot twice is one run. Without a slot it is a run of its own. `by`: who asked."""
    slot = slot or f"{trigger}:{secrets.token_urlsafe(12)}"
    with transaction.atomic():
        run, created = ProcedureRun.plain.get_or_create(
            merchant_id=procedure.merchant_id,
            procedure=procedure,
            slot=slot[:64],
            defaults={"trigger": trigger, "created_at": at, "started_by": by},
        )
        if created:
            ring_on_commit("integrations.advance", procedure_run_ids=[run.pk])
    return run


def fire_event(merchant_id: int, event: str, *, at: datetime) -> None:
    """Start the procedures that wait for `event` ("order.created"), in the caller's transaction: one waiting run of a
    procedure stands for all events until it begins.

    The waiting run is locked, so that it cannot begin before the caller commits what it is to find; where another
    transaction has it, nobody knows, and a run of its own is asked for.
    """
    for procedure in Procedure.plain.filter(merchant_id=merchant_id, enabled=True, event=event):
        waiting = procedure.runs.select_for_update(skip_locked=True).filter(state=State.QUEUED)
        if waiting.first() is None:
            start_procedure(procedure, trigger="event", at=at)


def list_open() -> list[int]:
    """Procedure runs that may have something to do."""
    found = ProcedureRun.plain.filter(state__in=ProcedureRun.OPEN_STATES).order_by("created_at")
    return list(found.values_list("pk", flat=True)[:500])


def advance(procedure_run_id: int, *, at: datetime) -> None:
    """Start the step whose turn it is, or end the run. Called whenever a step ended, and by each tick."""
    with transaction.atomic():
        run = ProcedureRun.plain.select_for_update(skip_locked=True).filter(pk=procedure_run_id).first()
        if run is None or run.state not in ProcedureRun.OPEN_STATES:
            return
        steps = list(run.procedure.steps.select_related("flow__connection").order_by("position"))
        while run.position < len(steps):
            step = steps[run.position]
            done = _last_run(run, step, steps)
            if done is None:
                if _start_step(run, step, at):
                    return
                continue
            if done.state in SyncRun.OPEN_STATES:
                return
            if not _goes_on(run, step, done, at):
                return
            run.position += 1
        _end(run, State.DONE, "", at)


def _last_run(run: ProcedureRun, step: ProcedureStep, steps: list[ProcedureStep]) -> SyncRun | None:
    """The run of this step; a flow that stands in a procedure twice runs twice."""
    before = sum(1 for other in steps[: run.position] if other.flow_id == step.flow_id)
    return SyncRun.plain.filter(procedure_run=run, flow=step.flow).order_by("pk")[before : before + 1].first()


def _start_step(run: ProcedureRun, step: ProcedureStep, at: datetime) -> bool:
    """False where the step is passed over: its flow is switched off, or its connection does not read."""
    starts: bool = step.flow.enabled and step.flow.connection.may_read
    run.state = State.RUNNING
    if starts:
        runs.start_flow(step.flow, trigger=run.trigger, at=at, procedure_run_id=run.pk, by=run.started_by)
    else:
        run.position += 1
    run.save(update_fields=["state", "position"])
    return starts


def _goes_on(run: ProcedureRun, step: ProcedureStep, done: SyncRun, at: datetime) -> bool:
    """Whether the gate behind a finished step lets the next one start; if not, the run ends or waits here."""
    if done.state == SyncRun.State.CANCELLED:
        _end(run, State.CANCELLED, f"{step.flow} was cancelled.", at)
    elif step.gate == Gate.STOP and done.state == SyncRun.State.FAILED:
        _end(run, State.FAILED, f"{step.flow} failed: {done.message}", at)
    elif step.gate == Gate.IF_CHANGED and not done.created + done.updated:
        _end(run, State.DONE, f"{step.flow} changed nothing; what follows was not needed.", at)
    elif step.gate == Gate.PERSON:
        run.state, run.position = State.WAITING, run.position + 1
        run.save(update_fields=["state", "position"])
    else:
        return True
    return False


def _end(run: ProcedureRun, state: str, message: str, at: datetime) -> None:
    run.state, run.message, run.finished_at = state, message[:500], at
    run.save(update_fields=["state", "message", "finished_at", "position"])


def go_on(run: ProcedureRun) -> None:
    """A person let a waiting run go on."""
    if ProcedureRun.plain.filter(pk=run.pk, state=State.WAITING).update(state=State.RUNNING):
        ring_on_commit("integrations.advance", procedure_run_ids=[run.pk])


def list_next_slots(procedure: Procedure, *, at: datetime, count: int = 3) -> list[datetime]:
    """When its timer fires next, soonest first; [] without one. What is overdue fires once, now."""
    if not (procedure.enabled and procedure.every_seconds and procedure.next_due_at):
        return []
    first = procedure.next_due_at
    slots = [first] if first > at else [at]
    while len(slots) < count:
        slots.append(_next_slot(procedure, first, slots[-1]))
    return slots


def start_again(run: SyncRun, *, at: datetime, by: User | None = None) -> SyncRun:
    """The same flow once more, by hand; one the brake had stopped goes through this time."""
    trigger = ANYWAY if run.error_code == BRAKE else "manual"
    return runs.start_flow(run.flow, trigger=trigger, at=at, by=by, beside=trigger == ANYWAY)
