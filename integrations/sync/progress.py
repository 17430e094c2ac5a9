"""How far a run is: its counts, its rate and how long it will still take."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from integrations.models import SyncRun


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """`percent` 0-100 and `remaining` are None where nobody can tell; `per_second` is records since the run began."""

    seen: int
    total: int | None
    percent: int | None
    per_second: float
    took: timedelta
    remaining: timedelta | None


def measure(run: SyncRun, *, at: datetime) -> Progress:
    """The run's progress at `at`; one that has not begun has taken no time."""
    until = run.finished_at or at
    took = max(until - run.started_at, timedelta(0)) if run.started_at else timedelta(0)
    rate = run.seen / took.total_seconds() if took else 0.0
    percent = None
    if run.state == SyncRun.State.DONE:
        percent = 100
    elif run.total:
        percent = min(100, run.seen * 100 // run.total)
    left = None
    if run.state == SyncRun.State.RUNNING and run.total and rate:
        left = timedelta(seconds=round(max(0, run.total - run.seen) / rate))
    return Progress(seen=run.seen, total=run.total, percent=percent, per_second=rate, took=took, remaining=left)
