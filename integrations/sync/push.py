"""Sending state: reads what differs by key, sends absolute figures, writes what was taken. Safe to repeat."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.db import transaction
from django.utils import timezone

from integrations.contract import errors as e
from integrations.contract import records as r
from integrations.contract.connector import Connector
from integrations.models import Connection, RunOutcome, SyncRun
from integrations.sync import runs
from integrations.sync.client import Captures
from integrations.sync.handlers import call, has_handler
from integrations.sync.runs import Counts, RunFailed
from integrations.sync.schedule import ANYWAY, BRAKE

AT_ONCE = 100
PUSHES = {"product": "push_products", "stock": "push_stock", "price": "push_prices"}
PAUSED_BY = {"stock": "stock_paused", "price": "prices_paused"}


def push(run: SyncRun, connector: Connector, captures: Captures) -> None:
    """Send every figure that differs from what was last taken there, until a person pauses it."""
    flow, connection = run.flow, run.flow.connection
    if flow.stream not in PUSHES:
        runs.say(
            run, "These are sent one by one, as soon as there are any: a run has nothing to do.", at=timezone.now()
        )
        return
    send = getattr(connector, PUSHES[flow.stream])
    after = 0
    while True:
        runs.stop_if_asked(run)
        connection.refresh_from_db()
        now = timezone.now()
        if why := _why_not(connection, flow.stream):
            runs.say(run, why, at=now)
            return
        if not after:
            _brake(run)
            _expect(run)
        items = call(
            flow.stream, "claim", flow.merchant_id,
            connection=connection, after=after, limit=AT_ONCE, at=now, **_only(run),
        )  # fmt: skip
        if not items:
            return
        after = int(items[-1].key)
        _settle(run, items, _send(send, items))
        captures.save(connection, run=run)


def _why_not(connection: Connection, stream: str) -> str:
    if not connection.may_write:
        waiting = call(stream, "count", connection.merchant_id, connection=connection)
        return f"{connection} is {connection.get_state_display().lower()}: {waiting} figures would be sent."
    if stream in PAUSED_BY and getattr(connection, PAUSED_BY[stream]):
        return f"Sending {stream} to {connection} is paused."
    return ""


def _brake(run: SyncRun) -> None:
    flow = run.flow
    if run.trigger == ANYWAY or _only(run) or not has_handler(flow.stream, "brake"):
        return
    if words := call(flow.stream, "brake", flow.merchant_id, connection=flow.connection, at=timezone.now()):
        raise RunFailed(BRAKE, words)


def _expect(run: SyncRun) -> None:
    """So that its page can say how long it will take."""
    if has_handler(run.flow.stream, "count"):
        runs.expect(run, call(run.flow.stream, "count", run.merchant_id, connection=run.flow.connection))


def _only(run: SyncRun) -> dict[str, str]:
    """What a planned run is limited to, for its handlers."""
    return {"only": run.trigger} if run.trigger.startswith(runs.LOOKED_AT) else {}


def _send(send: Any, items: Sequence[Any]) -> Sequence[r.PushResult]:
    """The platform's word on each; where nobody can say, unknown for all: they go again after the settle window."""
    try:
        results: Sequence[r.PushResult] = send(items)
    except e.OutcomeUnknown as error:
        return [r.PushResult(key=item.key, outcome=r.PushOutcome.UNKNOWN, message=error.message) for item in items]
    answered = {result.key: result for result in results}
    silent = r.PushOutcome.UNKNOWN
    return [
        answered.get(item.key) or r.PushResult(key=item.key, outcome=silent, message="No answer for this article.")
        for item in items
    ]


def _settle(run: SyncRun, items: Sequence[Any], results: Sequence[r.PushResult]) -> None:
    flow, now = run.flow, timezone.now()
    by_key = {item.key: item for item in items}
    bad = [result for result in results if result.outcome is not r.PushOutcome.SENT]
    with transaction.atomic():
        runs.keep(run, Counts(updated=len(items) - len(bad), failed=len(bad)), now)
        words = f"{len(items)} figures: {len(items) - len(bad)} sent, {len(bad)} refused or unknown."
        runs.say(run, words, at=now, level="warning" if bad else "info")
        call(
            flow.stream, "settle_push", flow.merchant_id,
            connection=flow.connection, items=items, results=results, at=now, **_only(run),
        )  # fmt: skip
        RunOutcome.plain.bulk_create(
            runs.note_outcome(
                run,
                RunOutcome.Outcome.FAILED,
                by_key[result.key].external_id,
                result.outcome.name,
                result.message or "The platform refused it without words.",
                now,
            )
            for result in bad
        )
