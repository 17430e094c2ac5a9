"""Files from a back office: received, their columns mapped once, checked, and taken over by a run of their flow.

What a file is about decides its kind (services.feed_kinds); this door is the same for all of them.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from itertools import islice
from typing import Any

from django.db import transaction
from django.utils import timezone

from catalog.mapping.feed_rows import suggest_columns, suggest_options
from catalog.models import Feed, FeedMapping, Identify
from catalog.services.feed_files import open_feed
from catalog.services.feed_kinds import (
    Tell,
    get_kind,
    keep_columns,
    kind_of,
    obstacle,
    say_nothing,
    stop_if_in_the_way,
)
from integrations.models import Flow, RunLogLine, SyncRun
from integrations.sync import runs
from integrations.sync.outbox import ring_on_commit
from portal.base.tables import Row, TableError

SHOWN_ROWS = 5
PACKED = 8  # a workbook's file is so much smaller than its rows
SAY_EVERY = timedelta(seconds=2)
State = Feed.State


class NotPossible(Exception):
    """What was asked of a feed cannot be done; the words say why."""


def read_columns(feed: Feed) -> tuple[Row, list[Row], dict[str, str]]:
    """The file's header, its first rows, and which column is which: remembered of the connection, or by their names."""
    kind = get_kind(feed.stream)
    with open_feed(feed) as table:
        rows = [cells for _line, cells in islice(table.rows, SHOWN_ROWS)]
        remembered = find_mapping(feed).columns
        columns = suggest_columns(kind.fields, table.header, remembered)
        if kind.has_options and not remembered:
            columns |= suggest_options(table.header, columns)
        return table.header, rows, columns


def find_mapping(feed: Feed) -> FeedMapping:
    """What is remembered of the connection's files; an unsaved one where nothing is."""
    key = {"merchant_id": feed.merchant_id, "connection_id": feed.connection_id, "stream": feed.stream}
    return FeedMapping.plain.filter(**key).first() or FeedMapping(**key)


@transaction.atomic
def set_columns(
    *, feed: Feed, columns: Mapping[str, str], identify: str, decimal_comma: bool, mode: str, remember: bool
) -> None:
    """How this file is read; `remember`ed for the connection's next one."""
    feed.columns = keep_columns(get_kind(feed.stream), columns)
    feed.identify, feed.decimal_comma, feed.mode = Identify(identify), decimal_comma, Feed.Mode(mode)
    feed.save(update_fields=["columns", "identify", "decimal_comma", "mode"])
    if remember:
        mapping = find_mapping(feed)
        mapping.columns, mapping.identify, mapping.decimal_comma = feed.columns, feed.identify, decimal_comma
        mapping.save()


def check(*, feed: Feed, tell: Tell = say_nothing) -> dict[str, Any]:
    """Read the whole file and compare it, without writing anything it says: the feed keeps the report, which is
    returned (services.feed_kinds.build_report); TableError where the file as a whole cannot be read."""
    _require_mode(feed)
    report = kind_of(feed).check(tell)
    feed.report, feed.state = report, State.CHECKED
    feed.save(update_fields=["report", "state"])
    return report


def is_large(feed: Feed) -> bool:
    """Whether its check takes longer than anybody should wait for a page: a worker does it."""
    unpacked = feed.size * (PACKED if feed.filename.lower().endswith(".xlsx") else 1)
    return unpacked > get_kind(feed.stream).checked_at_once


@transaction.atomic
def check_later(
    *, feed: Feed, goes_on: bool, only_good_rows: bool = False, ignore_brake: bool = False, at: datetime
) -> SyncRun:
    """Let a worker check the file and, with `goes_on`, take it over where nothing is in the way. NotPossible where it
    is in a worker's hands already, TableError where it can be seen from outside that it never will be taken."""
    _require_mode(feed)
    locked = Feed.plain.select_for_update().get(pk=feed.pk)
    if locked.state not in {State.UPLOADED, State.CHECKED}:
        raise NotPossible(f"{feed}: {locked.get_state_display().lower()}.")
    feed.goes_on, feed.only_good_rows, feed.ignore_brake = goes_on, only_good_rows, ignore_brake
    feed.state, feed.report, feed.run = State.CHECKING, {}, _ask_for_run(feed, at)
    feed.save(update_fields=["state", "report", "run", "goes_on", "only_good_rows", "ignore_brake"])
    return feed.run


def describe_progress(feed: Feed) -> str:
    """What the worker that checks it said last."""
    lines = RunLogLine.plain.filter(run=feed.run_id).order_by("-pk").values_list("message", flat=True)
    return lines.first() or "It waits for a worker."


@transaction.atomic
def queue(*, feed: Feed, only_good_rows: bool = False, ignore_brake: bool = False, at: datetime) -> SyncRun:
    """Let a worker take the file over; NotPossible where it is taken over already, or something is in the way."""
    feed = Feed.plain.select_for_update().get(pk=feed.pk)
    feed.only_good_rows, feed.ignore_brake = only_good_rows, ignore_brake
    if feed.state != State.CHECKED:
        raise NotPossible(f"{feed}: {feed.get_state_display().lower()}.")
    if (found := obstacle(feed)) is not None:
        raise NotPossible(found.message)
    feed.state, feed.run = State.QUEUED, _ask_for_run(feed, at)
    feed.save(update_fields=["state", "run", "only_good_rows", "ignore_brake"])
    return feed.run


def apply_feed(*, run: SyncRun) -> None:
    """Check the run's file where that is not done yet, and take it over where it goes on by itself or a person said so;
    RunFailed where something is in its way."""
    feed = Feed.plain.select_related("connection__merchant").filter(run=run).first()
    if feed is None:
        return  # checked before its worker died, and a person has gone on since
    try:
        if feed.state == State.CHECKING:
            check(feed=feed, tell=_Progress(run))
        if feed.state == State.QUEUED or feed.goes_on:
            stop_if_in_the_way(feed)
            kind_of(feed).take_over(run)
    except TableError as error:
        _forgo(feed)
        raise runs.RunFailed(error.code.upper(), error.message) from error
    except (runs.RunFailed, runs.RunCancelled):
        _forgo(feed)
        raise


class _Progress:
    """Says in the run's log how far a check is, now and then; between two steps it may be stopped."""

    def __init__(self, run: SyncRun) -> None:
        self._run = run
        self._said_at: datetime | None = None

    def __call__(self, words: str) -> None:
        now = timezone.now()
        if self._said_at is not None and now - self._said_at < SAY_EVERY:
            return
        self._said_at = now
        runs.stop_if_asked(self._run)
        runs.renew(self._run, now)
        runs.say(self._run, words, at=now)


def _require_mode(feed: Feed) -> None:
    if feed.mode == Feed.Mode.COMPLETE and not get_kind(feed.stream).may_be_complete:
        words = "Nobody is deleted because a file leaves him out: send it as partial."
        raise TableError("mode_not_possible", words, column="mode")


def _ask_for_run(feed: Feed, at: datetime) -> SyncRun:
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
    ring_on_commit("integrations.run", run_ids=[run.pk])
    return run


def _forgo(feed: Feed) -> None:
    Feed.plain.filter(pk=feed.pk).update(state=State.FAILED)
