"""What a kind of feed can say and do: one class a stream, found in settings.SYNC_HANDLERS under "rows"."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, replace
from datetime import datetime
from decimal import Decimal
from typing import Any, ClassVar, cast

from django.utils.translation import gettext as _

from catalog.mapping.feed_rows import OPTION, Field, Notes, RowNote
from catalog.models import Feed
from integrations.models import RunOutcome, Stream, SyncRun
from integrations.sync import runs
from integrations.sync.handlers import get_handler
from integrations.sync.schedule import fire_event
from portal.base.tables import Table, TableError

# The word in the address and on the page → the stream.
STREAMS = {"items": Stream.PRODUCT, "stock": Stream.STOCK, "prices": Stream.PRICE, "customers": Stream.CUSTOMER}
WORDS = {stream: word for word, stream in STREAMS.items()}
MOST_GONE, FEW = Decimal("0.10"), 10
MOST_LISTED = 200
MOST_OUTCOMES = 1000


Tell = Callable[[str], None]


def say_nothing(words: str) -> None:
    """Where nobody waits to hear how far a check is."""


class FeedKind(ABC):
    """A feed of one stream, as its mapping of columns says it is read."""

    fields: ClassVar[tuple[Field, ...]]
    has_options: ClassVar[bool] = False  # besides its fields, as many columns of options as the file has
    identifies: ClassVar[bool] = False  # it is about our articles, and says how it names them
    has_numbers: ClassVar[bool] = True
    may_be_complete: ClassVar[bool] = True
    checked_at_once: ClassVar[int] = 1 << 20  # bytes; a larger file is checked by a worker

    def __init__(self, feed: Feed) -> None:
        self.feed = feed
        self.connection = feed.connection
        self.merchant_id = feed.merchant_id

    @abstractmethod
    def check(self, tell: Tell = say_nothing) -> dict[str, Any]:
        """The report of what the file would change; nothing is written. `tell` hears how far it is."""

    @abstractmethod
    def take_over(self, run: SyncRun) -> None:
        """Write it, keep the report and the run's counts; RunFailed or TableError where something is in the way."""

    def require(self, table: Table) -> None:
        """TableError where a column is missing that must be there or was said to be."""
        columns = self.feed.columns
        missing = [one.name.replace("_", " ") for one in self.fields if one.required and one.name not in columns]
        gone = [column for column in columns.values() if column not in table.header]
        if missing or gone:
            words = "; ".join(
                [f"no column is said to be the {name}" for name in missing]
                + [f"the column {column} is not there" for column in gone]
            )
            raise TableError("header_wrong", f"{words.capitalize()}. The file has: {', '.join(table.header)}.")

    def tell_of_changes(self, created: int, updated: int, at: datetime) -> None:
        """What waits for such records to come or to change begins, as with a pull."""
        stream = self.feed.stream
        if created:
            fire_event(self.merchant_id, f"{stream}.created", at=at)
        if updated:
            fire_event(self.merchant_id, f"{stream}.updated", at=at)


def get_kind(stream: str) -> type[FeedKind]:
    return cast("type[FeedKind]", get_handler(stream, "rows"))


def kind_of(feed: Feed) -> FeedKind:
    return get_kind(feed.stream)(feed)


def keep_columns(kind: type[FeedKind], columns: Mapping[str, str]) -> dict[str, str]:
    """Those that mean something to this kind."""
    names = {one.name for one in kind.fields}
    return {
        name: column
        for name, column in columns.items()
        if column and (name in names or (kind.has_options and name.startswith(OPTION)))
    }


def build_report(notes: Notes, counts: runs.Counts, *, duplicates: Sequence[RowNote], **more: Any) -> dict[str, Any]:
    """{seen, created, updated, unchanged, skipped, failed, duplicates, left_out, brake, errors: [{line, column, code,
    message}], warnings: […], unknown: [{line, article}]}: the counts add up to `seen`."""
    names = ("seen", "created", "updated", "unchanged", "skipped", "failed")
    errors = [asdict(note) for note in (*notes.errors, *duplicates)]
    return {
        **{name: getattr(counts, name) for name in names},
        "duplicates": len(duplicates),
        "left_out": 0,
        "brake": "",
        "errors": errors,
        "warnings": [asdict(note) for note in notes.warnings],
        "unknown": [],
        **more,
    }


def is_stuck(feed: Feed) -> bool:
    """The file has to be mended: nobody can say that it is right as it is."""
    report = feed.report
    return bool(report.get("duplicates") or (report.get("failed") and feed.mode == Feed.Mode.COMPLETE))


def obstacle(feed: Feed) -> RowNote | None:
    """Why the file, as checked, cannot be taken over as a whole; None where it can."""
    report = feed.report
    if report["duplicates"]:
        return next(RowNote(**note) for note in report["errors"] if note["code"] == "duplicate_row")
    if is_stuck(feed):
        first = RowNote(**report["errors"][0])
        words = _("%(what)s A complete file has to be right in every row, or what is wrong would count as missing.")
        return replace(first, message=words % {"what": first.message})
    if report["failed"] and not feed.only_good_rows:
        return RowNote(**report["errors"][0])
    if report["brake"] and not feed.ignore_brake:
        return RowNote(line=0, column="", code="brake", message=report["brake"])
    return None


def stop_if_in_the_way(feed: Feed) -> None:
    if (found := obstacle(feed)) is not None:
        raise runs.RunFailed(found.code.upper(), found.message)


def is_too_many(gone: int, all_of_them: int) -> bool:
    """A tenth would vanish at once: more likely half a file than a good day."""
    return all_of_them >= FEW and gone > all_of_them * MOST_GONE


def note_errors(run: SyncRun, errors: Iterable[RowNote], at: datetime) -> list[RunOutcome]:
    """The rows that were left out because they are wrong; not yet saved."""
    failed = RunOutcome.Outcome.FAILED
    return [runs.note_outcome(run, failed, f"line {note.line}", note.code, note.message, at) for note in errors]
