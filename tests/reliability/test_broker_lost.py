"""PROMISES 7: the broker may be purged or restarted; the database is the queue, and nothing of ours is restarted."""

from __future__ import annotations

import shutil
import signal
import subprocess
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from integrations.models import Command, Connection
from tests.conftest import missing
from tests.integrations import toy
from tests.integrations.conftest import connection, erp, make_command
from tests.processes import free_port, is_alive, wait_until
from tests.reliability.running import running

__all__ = ["connection", "erp", "make_command"]  # fixtures

DONE_WITHIN = 60


@contextmanager
def worker_and_beat(broker: str, folder: Path) -> Iterator[list[subprocess.Popen[bytes]]]:
    environment = {"BROKER_URL": broker, "VAR_DIR": str(folder), "LOG_LEVEL": "WARNING"}
    celery = ("celery", "--quiet", "-A", "tests.reliability.celery_app")
    worker = (*celery, "worker", "--pool", "threads", "--concurrency", "2", "--without-mingle", "--without-gossip")
    beat = (*celery, "beat", "--pidfile", "")
    with (
        running(*worker, log=folder / "worker.log", **environment) as first,
        running(*beat, log=folder / "beat.log", **environment) as second,
    ):
        yield [first, second]


def all_done() -> bool:
    return not Command.plain.exclude(state="verified").exists()


def lose_the_broker(
    losing: Callable[[], None], make_command: Callable[..., Command], erp: toy.ToyErp, times: int
) -> list[str]:
    """New work, the broker gone with whatever it held, and the work done all the same; `times` times over."""
    references = []
    for number in range(times):
        batch = [make_command(f"A-{number}-{n}").reference for n in range(10)]
        references += batch
        losing()
        wait_until(all_done, DONE_WITHIN, f"everything done after loss {number + 1}")
    assert Counter(row["reference"] for row in erp.orders) == Counter(references)
    return references


@pytest.mark.reliability
@pytest.mark.slow
def test_promise_07_a_purged_queue_loses_nothing(
    erp: toy.ToyErp, connection: Connection, make_command: Callable[..., Command], tmp_path: Path, full_run: bool
) -> None:
    queue = tmp_path / "broker" / "queue"

    def purge() -> None:
        for _ in range(20):
            for message in queue.glob("*.msg"):
                message.unlink(missing_ok=True)
            time.sleep(0.05)

    with worker_and_beat(f"filesystem://{tmp_path / 'broker'}", tmp_path) as ours:
        wait_until(queue.is_dir, 30, "the worker made its broker's folder")
        lose_the_broker(purge, make_command, erp, 20 if full_run else 3)
        assert all(is_alive(process.pid) and process.poll() is None for process in ours), "nothing of ours restarted"


@pytest.mark.reliability
@pytest.mark.slow
def test_promise_07_a_restarted_broker_loses_nothing(
    erp: toy.ToyErp, connection: Connection, make_command: Callable[..., Command], tmp_path: Path, full_run: bool
) -> None:
    """A Redis of the test's own, killed -9 with nothing on disk: it comes back empty."""
    program = shutil.which("redis-server")
    if program is None:
        missing("there is no redis-server to start")
    port = free_port()

    def start_redis() -> subprocess.Popen[bytes]:
        argv = [program, "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]
        return subprocess.Popen([*argv, "--dir", str(tmp_path)], stdout=subprocess.DEVNULL)

    redis = start_redis()

    def restart() -> None:
        nonlocal redis
        redis.send_signal(signal.SIGKILL)
        redis.wait()
        time.sleep(0.5)
        redis = start_redis()

    try:
        with worker_and_beat(f"redis://127.0.0.1:{port}/0", tmp_path) as ours:
            wait_until((tmp_path / "beat.log").exists, 30, "beat runs")
            lose_the_broker(restart, make_command, erp, 20 if full_run else 3)
            assert all(is_alive(one.pid) and one.poll() is None for one in ours), "nothing of ours restarted"
    finally:
        redis.kill()
        redis.wait()
