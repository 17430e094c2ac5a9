"""Feeds whose rows become records, as a pull reads them: looked at and taken over in pages, each a few statements."""

from __future__ import annotations

import json
from abc import abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Any, ClassVar

import structlog
from django.core.exceptions import ValidationError
from django.db import DataError, IntegrityError, transaction
from django.utils import timezone

from catalog.mapping.feed_rows import Notes, RowNote, Rows
from catalog.models import Feed
from catalog.services import record_staging as staging
from catalog.services.feed_files import open_feed
from catalog.services.feed_kinds import (
    MOST_LISTED,
    MOST_OUTCOMES,
    FeedKind,
    Tell,
    build_report,
    note_errors,
    say_nothing,
    stop_if_in_the_way,
)
from catalog.services.record_staging import Family
from integrations.models import RunOutcome, SyncRun
from integrations.sync import runs
from integrations.sync.handlers import call, has_handler

log = structlog.get_logger(__name__)
# What a record of a page may fail with that is no fault of the database, the lease or the whole file.
FAULTS = (DataError, IntegrityError, ValidationError, ValueError)


@dataclass(kw_only=True)
class Tally:
    """What became of records: their counts, and the first of what is to be said. `skipped`: whom nobody knows, with his
    name; `moves`: what changes so much that somebody should look; `kept`: (id, owner) of rows of ours that a page
    speaks of, so that what a complete file leaves out is found."""

    counts: runs.Counts = field(default_factory=runs.Counts)
    skipped: list[tuple[str, RowNote]] = field(default_factory=list)
    failed: list[RowNote] = field(default_factory=list)
    warnings: list[RowNote] = field(default_factory=list)
    moves: list[str] = field(default_factory=list)
    moved: int = 0
    kept: list[tuple[int, int]] = field(default_factory=list)

    def add(self, other: Tally) -> None:
        mine, theirs = self.counts, other.counts
        for name in ("created", "updated", "unchanged", "skipped", "failed"):
            setattr(mine, name, getattr(mine, name) + getattr(theirs, name))
        for name in ("skipped", "failed", "warnings", "moves"):
            kept = getattr(self, name)
            kept += getattr(other, name)[: MOST_OUTCOMES - len(kept)]
        self.moved += other.moved

    def skip(self, name: str, note: RowNote) -> None:
        self.counts.skipped += 1
        self.skipped.append((name, note))

    def refuse(self, note: RowNote) -> None:
        self.counts.failed += 1
        self.failed.append(note)


class RecordFeed(FeedKind):
    """`key_field`: whose column is named where something is there twice."""

    key_field: ClassVar[str]

    @abstractmethod
    def parse(self, texts: Mapping[str, str]) -> dict[str, Any]:
        """A row's values, JSON in kind: `key` (there once in a file), `family`, `name`, and what else it says; BadCell
        where it cannot be used."""

    @abstractmethod
    def apply(self, page: Sequence[Family], at: datetime) -> Tally:
        """Take a page over, in the caller's transaction."""

    def count_gone(self) -> tuple[int, str]:
        """How many records of this connection a complete file leaves out, and the brake's words where that is much."""
        return 0, ""

    def apply_gone(self, at: datetime) -> Tally:
        """Take over that some of them are gone, in the caller's transaction; an empty one where none are left."""
        return Tally()

    def describe_moves(self, tally: Tally) -> str:
        """The brake's words for what changes too much."""
        return ""

    # looking ---------------------------------------------------------------------------------------------------------

    def check(self, tell: Tell = say_nothing) -> dict[str, Any]:
        """Takes each page over and undoes it: what would become of it is known exactly, no lock is held for long."""
        at = timezone.now()
        with self._staged() as notes:
            tally, total, done = Tally(), staging.count_families(), 0
            for page in staging.read_pages():
                tell(f"{done:,} of {total:,} are compared with what we have.")
                tally.add(self._look(page, at))
                done += len(page)
            return self._report(notes, tally)

    @contextmanager
    def _staged(self) -> Iterator[Notes]:
        with open_feed(self.feed) as table:
            self.require(table)
            self.prepare()
            rows = Rows(table, self.feed.columns, self.fields, self.parse)
            with staging.staged(
                (line, values["key"], values["family"], values["name"], json.dumps(values)) for line, values in rows
            ):
                yield rows.notes

    def prepare(self) -> None:
        """Read what all rows need: while they are copied the database answers no other question."""

    def _report(self, notes: Notes, tally: Tally) -> dict[str, Any]:
        column = self.feed.columns[self.key_field]
        duplicates = [
            RowNote(
                line=last,
                column=column,
                code="duplicate_row",
                message=f"{name} is in line {first} and again in line {last}.",
            )
            for name, first, last in staging.list_duplicates(MOST_LISTED)
        ]
        gone, words = self.count_gone() if self.feed.mode == Feed.Mode.COMPLETE else (0, "")
        for note in tally.failed:
            notes.refuse(note)
        for note in tally.warnings:
            notes.warn(note)
        counts = runs.Counts(
            created=tally.counts.created,
            updated=tally.counts.updated + gone,
            unchanged=tally.counts.unchanged,
            skipped=tally.counts.skipped,
            failed=notes.failed + tally.counts.failed - len(tally.failed),
        )
        notes.errors.sort(key=lambda note: note.line)
        return build_report(
            notes,
            counts,
            duplicates=duplicates,
            rows=notes.seen,
            left_out=gone,
            brake=" ".join(filter(None, (self.describe_moves(tally), words))),
            unknown=[{"line": note.line, "article": name} for name, note in tally.skipped[:MOST_LISTED]],
        )

    def _look(self, page: Sequence[Family], at: datetime) -> Tally:
        tally = self._try(page, at, keep=False)
        staging.keep(tally.kept)
        return tally

    def _try(self, page: Sequence[Family], at: datetime, *, keep: bool) -> Tally:
        """A page that fails is applied record by record: a bad one is refused and holds nothing up."""
        try:
            with transaction.atomic():
                tally = self.apply(page, at)
                if tally.counts.seen != len(page):
                    words = f"{len(page)} records were read, {tally.counts.seen} accounted for."
                    raise runs.RunFailed("UNBALANCED", words)
                if not keep:
                    transaction.set_rollback(True)
                return tally
        except FAULTS as error:
            if len(page) > 1:
                log.warning("A page of a feed is applied record by record.", feed=self.feed.pk, error=str(error))
                tally = Tally()
                for one in page:
                    mine = self._try([one], at, keep=keep)
                    tally.add(mine)
                    tally.kept += mine.kept
                return tally
            log.exception("A record of a feed was left out.", feed=self.feed.pk, line=page[0].line)
            tally = Tally()
            words = f"This cannot be taken over: {error}"
            tally.refuse(RowNote(line=page[0].line, column="", code="not_taken", message=words))
            return tally

    # taking over -----------------------------------------------------------------------------------------------------

    def take_over(self, run: SyncRun) -> None:
        """Page by page, each a transaction; a worker that died is followed by one that goes on behind the last page."""
        with self._staged() as notes:
            self._look_again(notes)
            runs.expect(run, staging.count_families() + notes.failed)
            done = SyncRun.plain.values_list("seen", flat=True).get(pk=run.pk)
            for page in staging.read_pages():
                runs.stop_if_asked(run)
                if done >= len(page):
                    done -= len(page)
                    self._look(page, timezone.now())
                    continue
                self._take(run, partial(self._try, page, keep=True))
            while self.feed.mode == Feed.Mode.COMPLETE and self._take(run, self.apply_gone):
                runs.stop_if_asked(run)
            self._close(run, notes)

    def _look_again(self, notes: Notes) -> None:
        """What the check found is in the way still, and something may be since."""
        report = self._report(notes, Tally())
        feed = self.feed
        feed.report = {**feed.report, "duplicates": report["duplicates"]}
        feed.report["brake"] = feed.report["brake"] or report["brake"]
        stop_if_in_the_way(feed)

    def _take(self, run: SyncRun, work: Any) -> int:
        """One page and its counts, all or nothing; how many records it was."""
        at = timezone.now()
        with transaction.atomic():
            tally: Tally = work(at=at)
            staging.keep(tally.kept)
            seen = tally.counts.seen
            if not seen:
                return 0
            runs.keep(run, tally.counts, at)
            self.tell_of_changes(tally.counts.created, tally.counts.updated, at)
            room = MOST_OUTCOMES - RunOutcome.plain.filter(run=run).count()
            RunOutcome.plain.bulk_create(_list_outcomes(run, tally, at)[: max(0, room)])
        return seen

    def _close(self, run: SyncRun, notes: Notes) -> None:
        feed, at = self.feed, timezone.now()
        with transaction.atomic():
            runs.keep(run, runs.Counts(failed=notes.failed), at)
            names = ("seen", "created", "updated", "unchanged", "skipped", "failed")
            counts = SyncRun.plain.values(*names).get(pk=run.pk)
            feed.report, feed.state = {**feed.report, **counts}, Feed.State.APPLIED
            RunOutcome.plain.bulk_create(note_errors(run, notes.errors, at))
            feed.save(update_fields=["state", "report"])
        if (counts["created"] or counts["updated"]) and has_handler(feed.stream, "finish"):
            runs.renew(run, at)
            call(feed.stream, "finish", feed.merchant_id, connection=self.connection, at=at)


def _list_outcomes(run: SyncRun, tally: Tally, at: datetime) -> list[RunOutcome]:
    """Whom nobody knows and what could not be taken, by name."""
    skipped = [
        runs.note_outcome(run, RunOutcome.Outcome.SKIPPED, name, note.code, f"Line {note.line}: {note.message}", at)
        for name, note in tally.skipped
    ]
    return skipped + note_errors(run, tally.failed, at)
