"""Files of a back office's figures: received, checked, and taken over by a run of its flow."""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from datetime import datetime, timedelta
from decimal import Decimal
from tempfile import SpooledTemporaryFile
from typing import Any, BinaryIO, cast

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from catalog.mapping.stock_rows import FIELDS, REQUIRED, Notes, RowNote, StockRows, suggest_columns
from catalog.models import Feed, FeedMapping, FeedPart, Identify
from catalog.services import staging
from catalog.services.loading import staged
from integrations.models import Connection, Flow, RunOutcome, Stream, SyncRun, ValueMapping
from integrations.sync import runs
from integrations.sync.outbox import ring_on_commit
from integrations.sync.platforms import get_platform
from portal.base.tables import Table, TableError, open_table
from portal.tenancy.models import Location

STREAMS = (Stream.STOCK,)
SENDERS = (Connection.Role.BACK_OFFICE, Connection.Role.ACCOUNTING)
LARGEST_FILE = 512 << 20
PART = 1 << 20
IN_MEMORY = 1 << 20  # a larger file is spooled to disk while it is read
MOST_ZEROED, FEW = Decimal("0.10"), 10
MOST_LISTED = 200
MOST_OUTCOMES = 1000
KEEP_DAYS = 7
State = Feed.State


class NotPossible(Exception):
    """What was asked of a feed cannot be done; the words say why."""


def receive(
    *,
    connection: Connection,
    stream: str,
    filename: str,
    chunks: Iterable[bytes],
    at: datetime,
    by_id: int | None = None,
    mode: str = Feed.Mode.PARTIAL,
) -> Feed:
    """Keep the file as it comes. TableError `file_too_large` beyond half a gigabyte; then nothing is kept."""
    with transaction.atomic():
        feed = Feed.plain.create(
            merchant_id=connection.merchant_id,
            connection=connection,
            stream=stream,
            filename=filename[:200],
            mode=mode,
            received_at=at,
            received_by_id=by_id,
        )
        for position, body in enumerate(_recut(chunks)):
            feed.size += len(body)
            if feed.size > LARGEST_FILE:
                words = f"A file has at most {LARGEST_FILE >> 20} MB: send it in several, as some articles each."
                raise TableError("file_too_large", words, status=413)
            packed = zlib.compress(body, 1)
            FeedPart.plain.create(merchant_id=feed.merchant_id, feed=feed, position=position, body=packed)
        feed.save(update_fields=["size"])
    return feed


def _recut(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Pieces of PART bytes, whatever comes in."""
    kept = bytearray()
    for chunk in chunks:
        kept += chunk
        while len(kept) >= PART:
            yield bytes(kept[:PART])
            del kept[:PART]
    if kept:
        yield bytes(kept)


@contextmanager
def open_feed(feed: Feed) -> Iterator[Table]:
    """The feed's table; TableError where it is none, or its file was deleted."""
    with SpooledTemporaryFile(max_size=IN_MEMORY) as file:
        for part in feed.parts.order_by("position").iterator(chunk_size=1):
            file.write(zlib.decompress(part.body))
        file.seek(0)
        if not feed.size:
            raise TableError("file_empty", "The file is empty.")
        if not file.read(1):
            raise TableError("file_deleted", "The file is kept for a week only: send it again.")
        file.seek(0)
        yield open_table(cast("BinaryIO", file), feed.filename)


def read_columns(feed: Feed) -> tuple[list[str], list[list[str]], dict[str, str]]:
    """The file's header, its first rows, and which column is which: remembered of the connection, or by their names."""
    with open_feed(feed) as table:
        rows = [row for _line, row in zip(range(5), (cells for _number, cells in table.rows), strict=False)]
        return table.header, rows, suggest_columns(table.header, find_mapping(feed).columns)


def find_mapping(feed: Feed) -> FeedMapping:
    """What is remembered of the connection's files; an unsaved one where nothing is."""
    key = {"merchant_id": feed.merchant_id, "connection_id": feed.connection_id, "stream": feed.stream}
    return FeedMapping.plain.filter(**key).first() or FeedMapping(**key)


@transaction.atomic
def set_columns(
    *, feed: Feed, columns: Mapping[str, str], identify: str, decimal_comma: bool, mode: str, remember: bool
) -> None:
    """How this file is read; `remember`ed for the connection's next one."""
    feed.columns = {name: columns[name] for name in FIELDS if columns.get(name)}
    feed.identify, feed.decimal_comma, feed.mode = Identify(identify), decimal_comma, Feed.Mode(mode)
    feed.save(update_fields=["columns", "identify", "decimal_comma", "mode"])
    if remember:
        mapping = find_mapping(feed)
        mapping.columns, mapping.identify, mapping.decimal_comma = feed.columns, feed.identify, decimal_comma
        mapping.save()


def check(*, feed: Feed) -> dict[str, Any]:
    """Read the whole file and compare it, without writing a figure: the feed keeps the report, which is returned.

    {seen, created, updated, unchanged, skipped, failed, left_out, brake, errors: [{line, column, code, message}],
    warnings: […], unknown: [{line, article}]}; TableError where the file as a whole cannot be read.
    """
    with staged_feed(feed) as notes, transaction.atomic():
        report = _report(feed, notes, _compare(feed))
        report["unknown"] = [{"line": line, "article": article} for line, article in staging.list_unknown(MOST_LISTED)]
    feed.report, feed.state = report, State.CHECKED
    feed.save(update_fields=["report", "state"])
    return report


@contextmanager
def staged_feed(feed: Feed) -> Iterator[Notes]:
    """The feed's rows in the staging tables, and what was said about them."""
    with open_feed(feed) as table:
        _require(feed.columns, table.header)
        places, elsewhere = list_places(feed.connection)
        rows = StockRows(table, feed.columns, places=places, elsewhere=elsewhere, decimal_comma=feed.decimal_comma)
        with staged(rows):
            yield rows.notes


def _require(columns: Mapping[str, str], header: list[str]) -> None:
    missing = [name for name in REQUIRED if name not in columns]
    gone = [column for column in columns.values() if column not in header]
    if missing or gone:
        words = "; ".join(
            [f"no column is said to be the {name}" for name in missing]
            + [f"the column {column} is not there" for column in gone]
        )
        raise TableError("header_wrong", f"{words.capitalize()}. The file has: {', '.join(header)}.")


def list_places(connection: Connection) -> tuple[dict[str, int], int]:
    """What a file may call our locations → their keys (mapped names before our codes), and where all else is."""
    locations = list(Location.plain.filter(merchant_id=connection.merchant_id, is_active=True).order_by("pk"))
    if not locations:
        raise TableError("no_location", "There is no location yet: add one under Catalogue → Locations.")
    codes = {location.code: location.pk for location in locations}
    mapped = ValueMapping.plain.filter(connection=connection, kind=ValueMapping.Kind.LOCATION, ours__in=codes)
    names = codes | {row.theirs: codes[row.ours] for row in mapped}
    return names, connection.location_id or locations[0].pk


def _compare(feed: Feed) -> staging.Changes:
    return staging.compare(
        connection=feed.connection,
        identify=feed.identify,
        complete=feed.mode == Feed.Mode.COMPLETE,
        read_at=feed.received_at,
    )


def _report(feed: Feed, notes: Notes, changes: staging.Changes) -> dict[str, Any]:
    duplicates = staging.list_duplicates(MOST_LISTED)
    errors = [asdict(note) for note in notes.errors]
    for article, first, last in duplicates:
        words = f"{article} is in line {first} and again in line {last}."
        note = RowNote(line=last, column=feed.columns["article"], code="duplicate_row", message=words)
        errors.append(asdict(note))
    seen = notes.seen + changes.left_out
    changed = changes.created + changes.updated + changes.left_out
    return {
        "seen": seen,
        "created": changes.created,
        "updated": changes.updated + changes.left_out,
        "unchanged": seen - notes.failed - changes.unknown - changed,
        "skipped": changes.unknown,
        "failed": notes.failed,
        "duplicates": len(duplicates),
        "left_out": changes.left_out,
        "brake": brake(changes),
        "errors": errors,
        "warnings": [asdict(note) for note in notes.warnings],
    }


def brake(changes: staging.Changes) -> str:
    """Words where a complete file would empty a tenth of the shelves: more likely half a file than a good day."""
    if changes.stocked < FEW or changes.zeroed <= changes.stocked * MOST_ZEROED:
        return ""
    words = _("%(zeroed)s of %(stocked)s articles in stock would go to zero. Is the file really complete?")
    return words % {"zeroed": changes.zeroed, "stocked": changes.stocked}


def obstacle(feed: Feed) -> RowNote | None:
    """Why the file, as checked, cannot be taken over as a whole; None where it can."""
    report = feed.report
    if report["duplicates"]:
        return next(RowNote(**note) for note in report["errors"] if note["code"] == "duplicate_row")
    if report["failed"] and not feed.only_good_rows:
        return RowNote(**report["errors"][0])
    if report["brake"] and not feed.ignore_brake:
        return RowNote(line=0, column="", code="brake", message=report["brake"])
    return None


@transaction.atomic
def queue(*, feed: Feed, only_good_rows: bool = False, ignore_brake: bool = False, at: datetime) -> SyncRun:
    """Let a worker take the file over; NotPossible where it is taken over already, or something is in the way."""
    feed = Feed.plain.select_for_update().get(pk=feed.pk)
    feed.only_good_rows, feed.ignore_brake = only_good_rows, ignore_brake
    if feed.state != State.CHECKED:
        raise NotPossible(f"{feed}: {feed.get_state_display().lower()}.")
    if (found := obstacle(feed)) is not None:
        raise NotPossible(found.message)
    if not feed.connection.may_read:
        raise NotPossible(f"{feed.connection} is {feed.connection.get_state_display().lower()}: test it first.")
    flow, _made = Flow.plain.get_or_create(
        merchant_id=feed.merchant_id,
        connection=feed.connection,
        stream=feed.stream,
        direction=Flow.Direction.PULL,
        defaults={"enabled": False},  # nobody asked to read it from there
    )
    run = SyncRun.plain.create(
        merchant_id=feed.merchant_id, flow=flow, trigger=runs.FEED, created_at=at, next_attempt_at=at
    )
    feed.state, feed.run = State.QUEUED, run
    feed.save(update_fields=["state", "run", "only_good_rows", "ignore_brake"])
    ring_on_commit("integrations.run", run_ids=[run.pk])
    return run


def apply_feed(*, run: SyncRun) -> None:
    """Take the run's file over, all or nothing; RunFailed where something has come in its way since the check."""
    feed = Feed.plain.select_related("connection").get(run=run)
    try:
        with staged_feed(feed) as notes, transaction.atomic():
            _take_over(feed, run, notes, timezone.now())
    except TableError as error:
        _forgo(feed)
        raise runs.RunFailed(error.code.upper(), error.message) from error
    except runs.RunFailed:
        _forgo(feed)
        raise


def _take_over(feed: Feed, run: SyncRun, notes: Notes, at: datetime) -> None:
    changes = _compare(feed)
    feed.report = _report(feed, notes, changes)
    if (found := obstacle(feed)) is not None:
        raise runs.RunFailed(found.code.upper(), found.message)
    connection = feed.connection
    shown = staging.write(
        connection=connection,
        identify=feed.identify,
        basis=get_platform(connection.platform).stock_basis,
        several=feed.mode == Feed.Mode.COMPLETE or _has_several_rows(connection),
        read_at=feed.received_at,
        at=at,
    )
    report = feed.report
    counts = {name: report[name] for name in ("created", "updated", "unchanged", "skipped", "failed")}
    runs.keep(run, runs.Counts(**counts), at)
    _note(run, feed, at)
    runs.say(run, f"{feed}: {shown} figures of shops change with it.", at=at)
    feed.state = State.APPLIED
    feed.save(update_fields=["state", "report"])


def _forgo(feed: Feed) -> None:
    Feed.plain.filter(pk=feed.pk).update(state=State.FAILED)


def _has_several_rows(connection: Connection) -> bool:
    """Whether a variant may have stock of another back office or at another location."""
    merchant_id = connection.merchant_id
    senders = Connection.plain.filter(merchant_id=merchant_id, role__in=SENDERS)
    return Location.plain.filter(merchant_id=merchant_id).count() > 1 or senders.count() > 1


def _note(run: SyncRun, feed: Feed, at: datetime) -> None:
    """The rows that were left out, the first of them by name; all are counted."""
    failed, skipped = RunOutcome.Outcome.FAILED, RunOutcome.Outcome.SKIPPED
    outcomes = [
        runs.note_outcome(run, failed, f"line {note['line']}", note["code"], note["message"], at)
        for note in feed.report["errors"]
    ]
    for line, article in staging.list_unknown(MOST_OUTCOMES):
        words = f"Line {line}: nobody knows the article {article}."
        outcomes.append(runs.note_outcome(run, skipped, article, "unknown_article", words, at))
    RunOutcome.plain.bulk_create(outcomes)


def forget_files(*, at: datetime) -> int:
    """Delete the files of a week ago; their reports stay."""
    limit = at - timedelta(days=KEEP_DAYS)
    return FeedPart.plain.filter(feed__received_at__lt=limit).delete()[0]
