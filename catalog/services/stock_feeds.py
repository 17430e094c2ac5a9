"""Files of stock: staged, compared and written by the database, however many rows they have."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any, ClassVar

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from catalog.mapping.feed_rows import Field, Notes, RowNote
from catalog.mapping.stock_rows import ARTICLE, FIELDS, StockRows
from catalog.models import Feed
from catalog.services import staging
from catalog.services.feed_files import SENDERS, open_feed
from catalog.services.feed_kinds import (
    MOST_LISTED,
    MOST_OUTCOMES,
    FeedKind,
    Tell,
    build_report,
    is_too_many,
    note_errors,
    say_nothing,
    stop_if_in_the_way,
)
from catalog.services.loading import staged
from integrations.models import Connection, RunOutcome, SyncRun, ValueMapping
from integrations.sync import runs
from integrations.sync.platforms import find_stock_basis
from portal.base.tables import TableError
from portal.tenancy.models import Location


class StockFeed(FeedKind):
    """A complete one says of an article it leaves out that there is none of it, at the locations it names."""

    fields: ClassVar[tuple[Field, ...]] = FIELDS
    identifies: ClassVar[bool] = True
    checked_at_once: ClassVar[int] = 8 << 20  # the database reads and compares it

    def check(self, tell: Tell = say_nothing) -> dict[str, Any]:
        with self.staged() as notes:
            tell(f"{notes.seen:,} rows are read; now they are compared with what we have.")
            with transaction.atomic():
                report = self._report(notes, self._compare())
                unknown = staging.list_unknown(MOST_LISTED)
                return {**report, "unknown": [{"line": line, "article": article} for line, article in unknown]}

    def take_over(self, run: SyncRun) -> None:
        with self.staged() as notes, transaction.atomic():
            self._write(run, notes, timezone.now())

    @contextmanager
    def staged(self) -> Iterator[Notes]:
        """The feed's rows in the staging tables, and what was said about them."""
        feed = self.feed
        with open_feed(feed) as table:
            self.require(table)
            places, elsewhere = list_places(feed.connection)
            rows = StockRows(table, feed.columns, places=places, elsewhere=elsewhere, decimal_comma=feed.decimal_comma)
            with staged(rows):
                yield rows.notes

    def _compare(self) -> staging.Changes:
        return staging.compare(
            connection=self.connection,
            identify=self.feed.identify,
            complete=self.feed.mode == Feed.Mode.COMPLETE,
            read_at=self.feed.received_at,
        )

    def _report(self, notes: Notes, changes: staging.Changes) -> dict[str, Any]:
        duplicates = [
            RowNote(
                line=last,
                column=self.feed.columns[ARTICLE],
                code="duplicate_row",
                message=f"{article} is in line {first} and again in line {last}.",
            )
            for article, first, last in staging.list_duplicates(MOST_LISTED)
        ]
        changed = changes.created + changes.updated
        counts = runs.Counts(
            created=changes.created,
            updated=changes.updated + changes.left_out,
            unchanged=notes.seen - notes.failed - changes.unknown - changed,
            skipped=changes.unknown,
            failed=notes.failed,
        )
        left_out, words = changes.left_out, brake(changes)
        return build_report(notes, counts, duplicates=duplicates, left_out=left_out, brake=words)

    def _write(self, run: SyncRun, notes: Notes, at: datetime) -> None:
        feed, connection = self.feed, self.connection
        feed.report = report = self._report(notes, self._compare())
        stop_if_in_the_way(feed)
        shown = staging.write(
            connection=connection,
            identify=feed.identify,
            basis=find_stock_basis(connection.platform, connection.settings),
            several=feed.mode == Feed.Mode.COMPLETE or _has_several_rows(connection),
            read_at=feed.received_at,
            at=at,
        )
        counts = {name: report[name] for name in ("created", "updated", "unchanged", "skipped", "failed")}
        runs.keep(run, runs.Counts(**counts), at)
        self._note(run, notes, at)
        self.tell_of_changes(report["created"], report["updated"], at)
        runs.say(run, f"{feed}: {shown} figures of shops change with it.", at=at)
        feed.state = Feed.State.APPLIED
        feed.save(update_fields=["state", "report"])

    def _note(self, run: SyncRun, notes: Notes, at: datetime) -> None:
        """The rows that were left out, the first of them by name; all are counted."""
        outcomes = note_errors(run, notes.errors, at)
        for line, article in staging.list_unknown(MOST_OUTCOMES):
            words = f"Line {line}: nobody knows the article {article}."
            outcomes.append(runs.note_outcome(run, RunOutcome.Outcome.SKIPPED, article, "unknown_article", words, at))
        RunOutcome.plain.bulk_create(outcomes)


def list_places(connection: Connection) -> tuple[dict[str, int], int]:
    """What a file may call our locations → their keys (mapped names before our codes), and where all else is."""
    locations = list(Location.plain.filter(merchant_id=connection.merchant_id, is_active=True).order_by("pk"))
    if not locations:
        raise TableError("no_location", "There is no location yet: add one under Catalogue → Locations.")
    codes = {location.code: location.pk for location in locations}
    mapped = ValueMapping.plain.filter(connection=connection, kind=ValueMapping.Kind.LOCATION, ours__in=codes)
    names = codes | {row.theirs: codes[row.ours] for row in mapped}
    return names, connection.location_id or locations[0].pk


def brake(changes: staging.Changes) -> str:
    """Words where a complete file would empty a tenth of the shelves."""
    if not is_too_many(changes.zeroed, changes.stocked):
        return ""
    words = _("%(zeroed)s of %(stocked)s articles in stock would go to zero. Is the file really complete?")
    return words % {"zeroed": changes.zeroed, "stocked": changes.stocked}


def _has_several_rows(connection: Connection) -> bool:
    """Whether a variant may have stock of another back office or at another location."""
    merchant_id = connection.merchant_id
    senders = Connection.plain.filter(merchant_id=merchant_id, role__in=SENDERS)
    return Location.plain.filter(merchant_id=merchant_id).count() > 1 or senders.count() > 1
