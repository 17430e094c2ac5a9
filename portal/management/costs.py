"""What something costs: CPU of this process and of its database backend, wall time, and bytes of write-ahead log."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

from django.db import connection as database

NANO = 1e-9


@dataclass(frozen=True, slots=True)
class Cost:
    """Seconds, CPU seconds of this process and its backend, bytes of write-ahead log (0: not known)."""

    wall: float
    cpu: float
    wal: int = 0


@contextmanager
def own_database() -> Iterator[None]:
    """An empty database beside the portal's, deleted afterwards."""
    config, before = database.settings_dict, database.settings_dict["NAME"]
    with TemporaryDirectory(prefix="bench-") as folder:
        config["TEST"]["NAME"] = f"{folder}/bench.sqlite3" if database.vendor == "sqlite" else f"bench_{os.getpid()}"
        config["TEST"]["MIGRATE"] = False
        database.creation.create_test_db(verbosity=0, autoclobber=True)
        with database.schema_editor() as editor:
            import_module("catalog.migrations.0005_room_for_updates").leave_room(None, editor)
        try:
            yield
        finally:
            database.creation.destroy_test_db(str(before), verbosity=0)


@contextmanager
def measured(costs: list[Cost]) -> Iterator[None]:
    wal, cpu, wall = wal_position(), cpu_seconds(), time.perf_counter()
    yield
    wall, cpu = time.perf_counter() - wall, cpu_seconds() - cpu
    costs.append(Cost(wall, cpu, wal_position() - wal))


def cost_of_one(do: Callable[[], object], times: int) -> Cost:
    """Of one of so many."""
    cpu, wall = cpu_seconds(), time.perf_counter()
    for _ in range(times):
        do()
    wall, cpu = time.perf_counter() - wall, cpu_seconds() - cpu
    return Cost(wall / times, cpu / times)


def cpu_seconds() -> float:
    return time.process_time() + _backend_cpu()


def _backend_cpu() -> float:
    """The scheduler counts in nanoseconds; where it says nothing, the clock's ticks are 10 ms."""
    if database.vendor != "postgresql":
        return 0.0
    process = Path("/proc") / str(_backend_pid())
    try:
        spent = int((process / "schedstat").read_text().split()[0]) * NANO
        fields = (process / "stat").read_text().rpartition(") ")[2].split()
    except OSError:
        return 0.0
    return spent or (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _backend_pid() -> int:
    database.ensure_connection()
    pid: int = database.connection.info.backend_pid
    return pid


def wal_position() -> int:
    return int(one("SELECT pg_current_wal_insert_lsn() - '0/0'::pg_lsn")) if database.vendor == "postgresql" else 0


def one(statement: str) -> Any:
    with database.cursor() as cursor:
        cursor.execute(statement)
        return cursor.fetchone()[0]


def middle(costs: list[Cost]) -> Cost:
    """The median of each figure."""
    return Cost(
        median(cost.wall for cost in costs), median(cost.cpu for cost in costs), int(median(cost.wal for cost in costs))
    )
