"""Files from a back office: received, their columns mapped once, checked, and taken over by a run of their flow.

What a file is about decides its kind (services.feed_kinds); this door is the same for all of them.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from itertools import islice
from typing import Any

from django.db import transaction

from catalog.mapping.feed_rows import suggest_columns, suggest_options
from catalog.models import Feed, FeedMapping, Identify
from catalog.services.feed_files import open_feed
from catalog.services.feed_kinds import get_kind, keep_columns, kind_of, obstacle
from integrations.models import Flow, SyncRun
from integrations.sync import runs
from integrations.sync.outbox import ring_on_commit
from portal.base.tables import Row, TableError

SHOWN_ROWS = 5
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


def check(*, feed: Feed) -> dict[str, Any]:
    """Read the whole file and compare it, without writing anything it says: the feed keeps the report, which is
    returned (services.feed_kinds.build_report); TableError where the file as a whole cannot be read."""
    kind = kind_of(feed)
    if feed.mode == Feed.Mode.COMPLETE and not kind.may_be_complete:
        words = "Nobody is deleted because a file leaves him out: send it as partial."
        raise TableError("mode_not_possible", words, column="mode")
    report = kind.check()
    feed.report, feed.state = report, State.CHECKED
    feed.save(update_fields=["report", "state"])
    return report


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
    """Take the run's file over; RunFailed where something has come in its way since the check."""
    feed = Feed.plain.select_related("connection__merchant").get(run=run)
    try:
        kind_of(feed).take_over(run)
    except TableError as error:
        _forgo(feed)
        raise runs.RunFailed(error.code.upper(), error.message) from error
    except (runs.RunFailed, runs.RunCancelled):
        _forgo(feed)
        raise


def _forgo(feed: Feed) -> None:
    Feed.plain.filter(pk=feed.pk).update(state=State.FAILED)
