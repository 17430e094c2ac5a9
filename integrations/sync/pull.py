"""Reading a stream page by page: a page is applied and the cursor moved in one transaction.

A page that raises is applied record by record under savepoints, so that a bad record is set aside with its raw payload
and never holds up the others or the cursor.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

import msgspec
import structlog
from django.db import DatabaseError, InterfaceError, OperationalError, transaction
from django.utils import timezone

from integrations.contract import errors as e
from integrations.contract import records as r
from integrations.contract.connector import Connector
from integrations.models import Cursor, HistoryPlace, InboundEvent, RunOutcome, SyncRun
from integrations.sync import problems, runs, unread
from integrations.sync.client import Captures
from integrations.sync.handlers import Applied, call, has_handler
from integrations.sync.runs import Counts, RunFailed
from integrations.sync.schedule import fire_event
from integrations.sync.words import keep_words

log = structlog.get_logger(__name__)
SET_ASIDE = "SET_ASIDE"  # the connector could not read it
APPLY_FAILED = "APPLY_FAILED"  # we could not take it over
MOST_SKIPPED = 1000  # a shop of 100,000 articles that are not ours would name them all again every five minutes
PULLS = {  # stream → the connector's method; a refund, and a shop's payment, comes with its order
    "product": "pull_products",
    "stock": "pull_stock",
    "price": "pull_prices",
    "customer": "pull_customers",
    "order": "pull_orders",
    "shipment": "pull_shipments",
    "invoice": "pull_invoices",
    "return": "pull_returns",
    "payment": "pull_payments",
}


Place = Cursor | HistoryPlace


def pull(run: SyncRun, connector: Connector, captures: Captures) -> None:
    """Read what changed since the last run, to the end; raises the errors of the contract, and those of `runs`."""
    flow = run.flow
    method = getattr(connector, PULLS[flow.stream])
    cursor = _begin(run, timezone.now())
    asked: set[str] = set()
    while True:
        runs.stop_if_asked(run)
        read_at = timezone.now()
        page = _read(run, method, cursor, resumed=bool(cursor.page and not asked))
        asked.add(cursor.page)
        captures.save(flow.connection, run=run)
        if page.cursor and page.cursor in asked:
            raise RunFailed("PAGINATION_LOOP", "The platform answers with a page it gave before; nothing was lost.")
        _take_over(run, page, cursor, read_at)
        if not page.cursor:
            _read_through(run)
            return
        if run.trigger == runs.HISTORY:
            runs.let_others_first(run, timezone.now())


def _read_through(run: SyncRun) -> None:
    """What a stream does once everything was read, where anything of it was new."""
    flow, counts = run.flow, SyncRun.plain.values_list("created", "updated").get(pk=run.pk)
    if any(counts) and has_handler(flow.stream, "finish"):
        runs.renew(run, timezone.now())
        call(flow.stream, "finish", flow.merchant_id, connection=flow.connection, at=timezone.now())


def _read(run: SyncRun, method: Any, cursor: Place, *, resumed: bool) -> r.Page[Any]:
    """The page the cursor asks for. One kept from an earlier try may have run out there: then from the beginning."""
    try:
        page: r.Page[Any] = method(cursor.pull_since, cursor.page)
    except e.Rejected as error:
        if not resumed:
            raise
        words = f"The page kept from the last try is refused, so the pull begins anew: {error.message}"
        runs.say(run, words, at=timezone.now(), level="warning")
        cursor.page, cursor.newest_at = "", None
        page = method(cursor.pull_since, "")
    return page


@transaction.atomic
def _begin(run: SyncRun, at: datetime) -> Place:
    """Where to read on: inside the pull a dead worker left, or at the start of a new one."""
    flow = run.flow
    runs.keep(run, Counts(), at)
    if run.trigger == runs.HISTORY:
        place: HistoryPlace = run.place
        begun = "Goes on" if place.page else "Reads"
        runs.say(run, f"{begun} what was placed since {place.pull_since:%Y-%m-%d}, for the record.", at=at)
        return place
    cursor, _ = Cursor.plain.get_or_create(flow=flow, defaults={"merchant_id": flow.merchant_id})
    if run.trigger == runs.FROM_THE_START and not run.seen:
        cursor.page, cursor.since, cursor.newest_at = "", None, None
    if not cursor.page:
        overlap = timedelta(seconds=flow.overlap_seconds)
        cursor.pull_since = cursor.since - overlap if cursor.since else None
        cursor.pull_started_at = at
        cursor.save()
        since = f"what changed since {cursor.pull_since:%Y-%m-%d %H:%M:%S}" if cursor.pull_since else "everything"
        runs.say(run, f"Reads {since}.", at=at)
    else:
        runs.say(run, "Goes on inside the pull that was cut off.", at=at)
    return cursor


def _take_over(run: SyncRun, page: r.Page[Any], cursor: Place, read_at: datetime) -> None:
    """Apply one page, count it and move the cursor, all or nothing; then tell the problems what it makes good."""
    bad: list[r.FailedRecord] = []
    try:
        with transaction.atomic():
            applied = _apply(run, page.records, read_at)
            _close_page(run, page, cursor, applied, bad)
    except (OperationalError, InterfaceError, runs.LeaseLost, RunFailed):
        raise  # the database, the lease or we ourselves, not a record
    except Exception as error:  # noqa: BLE001 - one bad record of the page, whichever way it fails
        log.warning("A page is applied record by record.", run=run.pk, error=str(error))
        with transaction.atomic():
            applied, bad = _apply_one_by_one(run, page.records, read_at)
            _close_page(run, page, cursor, applied, bad)
    failed = [keep_words(one.external_id, 100) for one in (*page.failed, *bad)]
    taken = (record.external_id for record in page.records)
    unread.settle_page(run.flow.connection_id, run.flow.stream, taken, failed, timezone.now())


def _apply(run: SyncRun, records: Sequence[Any], read_at: datetime) -> Applied:
    if not records:
        return Applied()
    connection, stream = run.flow.connection, run.flow.stream
    now, merchant_id = timezone.now(), connection.merchant_id
    common: dict[str, Any] = {"connection": connection, "records": records, "read_at": read_at, "at": now}
    if run.trigger == runs.HISTORY:
        applied: Applied = call(stream, "history", merchant_id, since=run.place.pull_since, **common)
    else:
        applied = call(stream, "apply", merchant_id, **common)
    if applied.seen != len(records):
        raise RunFailed("UNBALANCED", f"{len(records)} records were read, {applied.seen} accounted for.")
    if applied.created and run.trigger != runs.HISTORY:
        fire_event(merchant_id, f"{stream}.created", at=now)
    return applied


def _apply_one_by_one(run: SyncRun, records: Sequence[Any], read_at: datetime) -> tuple[Applied, list[r.FailedRecord]]:
    done: list[Applied] = []
    bad: list[r.FailedRecord] = []
    for record in records:
        try:
            with transaction.atomic():
                done.append(_apply(run, [record], read_at))
        except (OperationalError, InterfaceError, RunFailed):
            raise
        except Exception as error:
            log.exception("A record was set aside.", run=run.pk, external_id=record.external_id)
            bad.append(r.FailedRecord(external_id=record.external_id, error=_words(error), raw=_raw(record)))
    return add_up(done), bad


def add_up(parts: Iterable[Applied]) -> Applied:
    parts = list(parts)
    return Applied(
        created=sum(part.created for part in parts),
        updated=sum(part.updated for part in parts),
        unchanged=sum(part.unchanged for part in parts),
        skipped=tuple(one for part in parts for one in part.skipped),
    )


def _close_page(run: SyncRun, page: r.Page[Any], cursor: Place, applied: Applied, bad: list[r.FailedRecord]) -> None:
    now = timezone.now()
    failed = [*page.failed, *bad]
    counts = Counts(
        created=applied.created,
        updated=applied.updated,
        unchanged=applied.unchanged,
        skipped=len(applied.skipped),
        failed=len(failed),
    )
    runs.keep(run, counts, now)
    if counts.seen:
        runs.say(run, counts.describe(), at=now, level="warning" if failed else "info")
    outcomes = [
        runs.note_outcome(run, RunOutcome.Outcome.SKIPPED, one.external_id, one.code, one.message, now)
        for one in applied.skipped[: _room(run) if applied.skipped else 0]
    ]
    for one in failed:
        outcome = runs.note_outcome(run, RunOutcome.Outcome.FAILED, one.external_id, SET_ASIDE, one.error, now)
        outcome.event = _set_aside(run, one, APPLY_FAILED if one in bad else SET_ASIDE, now)
        outcomes.append(outcome)
    RunOutcome.plain.bulk_create(outcomes)
    if page.total is not None:
        SyncRun.plain.filter(pk=run.pk).update(total=page.total)
    _move(cursor, page, now)


def _room(run: SyncRun) -> int:
    """How many more skipped records of the run are kept by name; all are counted."""
    return max(0, MOST_SKIPPED - RunOutcome.plain.filter(run=run, outcome=RunOutcome.Outcome.SKIPPED).count())


def _move(cursor: Place, page: r.Page[Any], at: datetime) -> None:
    if page.since is not None:
        cursor.newest_at = page.since
    cursor.page = page.cursor
    if not page.cursor:
        cursor.since = cursor.newest_at or cursor.since
        cursor.newest_at = None
    cursor.save()


def _set_aside(run: SyncRun, failed: r.FailedRecord, code: str, at: datetime) -> InboundEvent:
    """Keep the raw record once, however often it is read; it can be applied again from there."""
    body = _encode(failed.raw)
    digest = hashlib.sha256(body).hexdigest()
    external_id, message = keep_words(failed.external_id, 100), keep_words(failed.error, 2000)
    event, created = InboundEvent.plain.get_or_create(
        merchant_id=run.merchant_id,
        connection=run.flow.connection,
        dedupe_key=f"record:{run.flow.stream}:{digest}:{external_id}",
        defaults={
            "kind": InboundEvent.Kind.RECORD,
            "stream": run.flow.stream,
            "external_id": external_id,
            "body": body,
            "state": InboundEvent.State.QUARANTINED,
            "received_at": at,
            "error_code": code,
            "message": message,
        },
    )
    if not created:
        rows = InboundEvent.plain.filter(pk=event.pk)
        rows.update(duplicates=event.duplicates + 1, message=message)
        rows.exclude(state__in=problems.ON_THEIR_WAY).update(
            state=InboundEvent.State.QUARANTINED, error_code=code, finished_at=None
        )
    return event


def _encode(raw: r.Raw) -> bytes:
    try:
        return msgspec.json.encode(raw, enc_hook=str)
    except UnicodeEncodeError:  # half a surrogate pair, which UTF-8 cannot say: kept escaped, as it came
        return json.dumps(raw, default=str).encode()


def _words(error: Exception) -> str:
    if isinstance(error, DatabaseError):
        return f"The database refused the record: {error}"
    return str(error) or type(error).__name__


def _raw(record: Any) -> r.Raw:
    raw = getattr(record, "raw", None)
    return raw if raw else {"record": msgspec.to_builtins(record, enc_hook=str)}
