"""What could not be read, counted by problems: webhooks and records that were set aside, and runs that failed.

A record that was set aside is over as soon as it is taken over, however it came the next time; a run that failed is
over once its flow went through. Problems are counted in transactions of their own, after all else (`locking`).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import datetime

from django.db import transaction
from django.db.models import OuterRef, Q, QuerySet

from integrations.models import InboundEvent, SyncRun
from integrations.sync import problems
from integrations.sync.problems import SET_ASIDE

READ, RUN = "read_", "run_"
NO_MATTER_OF_RECORDS = ("CONNECTION_NOT_READING",)  # the connection itself says so
BATCH = 500


def settle_event(event_id: int, at: datetime) -> None:
    """An event has ended: count it where it was set aside, else what is older of its record is over."""
    event = InboundEvent.plain.select_related("connection").get(pk=event_id)
    if event.state in SET_ASIDE:
        note_event(event, at)
    elif event.state in (InboundEvent.State.DONE, InboundEvent.State.IGNORED):
        _close(list_set_aside(event.connection_id, event.stream).filter(external_id=event.external_id), at)
        if event.problem_id is not None:
            problems.refresh({event.problem_id}, at)


def settle_page(connection_id: int, stream: str, taken: Iterable[str], failed: Collection[str], at: datetime) -> None:
    """A page was taken over but for the `failed` records: those are counted, and what was set aside of those `taken`
    is over."""
    waiting = list_set_aside(connection_id, stream).values_list("pk", "external_id", "problem_id")
    rows: list[tuple[int, str, int | None]] = list(waiting)
    if not rows:
        return
    good, bad = set(taken) - set(failed), set(failed)
    for start in range(0, len(rows), BATCH):
        part = rows[start : start + BATCH]
        over = [pk for pk, external_id, _ in part if external_id and external_id in good]
        _close(InboundEvent.plain.filter(pk__in=over, state__in=SET_ASIDE), at)
        seen = [pk for pk, external_id, problem in part if external_id in bad or (problem is None and pk not in over)]
        for event in InboundEvent.plain.filter(pk__in=seen, state__in=SET_ASIDE).select_related("connection"):
            note_event(event, at)


def note_event(event: InboundEvent, at: datetime) -> None:
    """Count what was set aside under the problem its words belong to; of one record, the newest alone."""
    before = event.problem_id
    with transaction.atomic():
        problem = problems.find_or_make(
            connection=event.connection,
            kind=f"{READ}{event.stream or 'webhook'}"[:40],
            code=event.error_code,
            words=event.message or str(event.get_state_display()),
            but=event.external_id,
            at=at,
        )
        InboundEvent.plain.filter(pk=event.pk).update(problem=problem)
        if event.external_id:
            older = list_set_aside(event.connection_id, event.stream).filter(problem=problem, pk__lt=event.pk)
            older.filter(external_id=event.external_id).update(state=InboundEvent.State.STALE, finished_at=at)
        type(problem).plain.filter(pk=problem.pk).update(last_seen_at=at)
        problems.refresh({before or problem.pk, problem.pk}, at)


def note_run(run: SyncRun, at: datetime) -> None:
    """A run failed: of its flow and its words, the newest alone is counted."""
    if run.error_code in NO_MATTER_OF_RECORDS:
        return
    flow = run.flow
    with transaction.atomic():
        problem = problems.find_or_make(
            connection=flow.connection,
            kind=f"{RUN}{flow.direction}_{flow.stream}"[:40],
            code=run.error_code,
            words=run.message or str(run.get_state_display()),
            but="",
            at=at,
        )
        SyncRun.plain.filter(flow=flow, problem=problem).exclude(pk=run.pk).update(problem=None)
        SyncRun.plain.filter(pk=run.pk).update(problem=problem)
        type(problem).plain.filter(pk=problem.pk).update(last_seen_at=at)
        problems.refresh({problem.pk}, at)


def close_runs(flow_id: int, at: datetime) -> None:
    """The flow went through: what failed before is over."""
    failed = SyncRun.plain.filter(flow=flow_id, problem__isnull=False)
    if ids := set(failed.values_list("problem_id", flat=True)):
        failed.update(problem=None)
        problems.refresh({pk for pk in ids if pk is not None}, at)


def mend(at: datetime) -> int:
    """Count what nobody has: its worker died, or it was set aside as it came; how many."""
    late = at - problems.MENDED_AFTER
    ended = Q(finished_at__lt=late) | Q(finished_at__isnull=True, received_at__lt=late)
    rows = InboundEvent.plain.filter(ended, state__in=SET_ASIDE, problem=None).select_related("connection")
    found = list(rows.order_by("pk")[: problems.MENDED_AT_ONCE])
    for event in found:
        note_event(event, at)
    return len(found)


def list_set_aside(connection_id: int | OuterRef, stream: str | OuterRef) -> QuerySet[InboundEvent]:
    """What came in of this stream and could not be taken over."""
    return InboundEvent.plain.filter(connection=connection_id, stream=stream, state__in=SET_ASIDE)


def _close(rows: QuerySet[InboundEvent], at: datetime) -> None:
    """They are older than what we have by now."""
    found = dict(rows.values_list("pk", "problem_id"))
    if found:
        InboundEvent.plain.filter(pk__in=found, state__in=SET_ASIDE).update(
            state=InboundEvent.State.STALE, finished_at=at
        )
        problems.refresh({pk for pk in found.values() if pk is not None}, at)
