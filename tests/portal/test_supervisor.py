"""The supervisor with real processes: restarts, stops all, leaves no orphan however it ends."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from portal.management.supervisor import explain_exit
from tests.processes import is_alive, list_processes_with, wait_until

# A child with a child of its own, which must go too. A stubborn one does not heed SIGTERM.
PLAIN = """\
import subprocess, sys, time
subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)'])
time.sleep(600)
"""
STUBBORN = f"import signal\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\n{PLAIN}"

Start = Callable[..., subprocess.Popen[str]]
pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="Reads /proc.")


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    started: list[subprocess.Popen[str]] = []

    def run(code: str = PLAIN, grace: float = 2.0) -> subprocess.Popen[str]:
        (tmp_path / "code.py").write_text(code)
        with (tmp_path / f"log{len(started)}").open("w") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "tests.portal.supervised", str(tmp_path), str(grace), str(tmp_path / "code.py")],
                env={**os.environ, "SUPERVISED_IN": str(tmp_path)},
                stderr=log,
                text=True,
            )
        started.append(process)
        return process

    yield run
    for pid in list_processes_with(f"SUPERVISED_IN={tmp_path}"):
        os.kill(pid, signal.SIGKILL)
    for process in started:
        process.wait()


def read_pid(folder: Path, name: str) -> int:
    try:
        return int((folder / f"{name}.pid").read_text())
    except FileNotFoundError:
        return 0


def processes(folder: Path) -> int:
    return len(list_processes_with(f"SUPERVISED_IN={folder}"))


def wait_until_up(folder: Path) -> None:
    # supervisor, reaper, two children with a child each
    wait_until(lambda: processes(folder) == 6, 15, "six processes run")


def test_killed_child_is_started_again_and_its_own_children_are_gone(start: Start, tmp_path: Path) -> None:
    start()
    wait_until_up(tmp_path)
    before = read_pid(tmp_path, "one")
    other = read_pid(tmp_path, "two")
    os.kill(before, signal.SIGKILL)
    wait_until(lambda: read_pid(tmp_path, "one") not in {0, before}, 10, "one runs again")
    wait_until_up(tmp_path)
    assert read_pid(tmp_path, "two") == other
    lines = [json.loads(line) for line in (tmp_path / "log0").read_text().splitlines()]
    died = [line for line in lines if line.get("reason")]
    assert [(line["child"], line["reason"], line["deaths"], line["restart_in"]) for line in died] == [
        ("one", "killed by SIGKILL", 1, 0.5)
    ]


def test_restarts_back_off(start: Start, tmp_path: Path) -> None:
    start(code="raise SystemExit(3)")
    wait_until(lambda: (tmp_path / "log0").read_text().count('"reason"') >= 6, 15, "three deaths each")
    lines = [json.loads(line) for line in (tmp_path / "log0").read_text().splitlines()]
    died = [line for line in lines if line.get("child") == "one" and "reason" in line][:3]
    assert [(line["reason"], line["restart_in"]) for line in died] == [
        ("exit status 3", 0.5),
        ("exit status 3", 1.0),
        ("exit status 3", 2.0),
    ]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_signal_stops_all(start: Start, tmp_path: Path, number: signal.Signals) -> None:
    supervisor = start()
    wait_until_up(tmp_path)
    supervisor.send_signal(number)
    assert supervisor.wait(10) == 0
    wait_until(lambda: processes(tmp_path) == 0, 2, "no process left")
    assert list(tmp_path.glob("*.pid")) == []


def test_stubborn_child_is_killed_after_the_grace_period(start: Start, tmp_path: Path) -> None:
    supervisor = start(code=STUBBORN, grace=1.0)
    wait_until_up(tmp_path)
    began = time.monotonic()
    supervisor.send_signal(signal.SIGTERM)
    assert supervisor.wait(10) == 0
    assert time.monotonic() - began >= 1.0
    wait_until(lambda: processes(tmp_path) == 0, 2, "no process left")


@pytest.mark.parametrize("code", [PLAIN, STUBBORN], ids=["plain", "stubborn"])
def test_killed_supervisor_leaves_no_process(start: Start, tmp_path: Path, code: str) -> None:
    supervisor = start(code=code, grace=1.0)
    wait_until_up(tmp_path)
    supervisor.kill()
    supervisor.wait()
    wait_until(lambda: processes(tmp_path) == 0, 6, "no process left")


def test_second_supervisor_of_one_folder_is_refused(start: Start, tmp_path: Path) -> None:
    start()
    wait_until_up(tmp_path)
    second = start()
    assert second.wait(10) == 1
    assert "already runs" in (tmp_path / "log1").read_text()
    assert is_alive(read_pid(tmp_path, "one"))


def test_exit_in_words() -> None:
    assert explain_exit(-9) == "killed by SIGKILL"
    assert explain_exit(1) == "exit status 1"
