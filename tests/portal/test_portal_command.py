"""`manage.py portal` with its real processes, on SQLite and the filesystem broker."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from tests.processes import is_alive, list_processes_with, wait_until

ROOT = Path(__file__).resolve().parents[2]
pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="Reads /proc.")


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


class Portal:
    """A portal in a folder of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        wanted = ("PATH", "HOME", "LANG")
        self.env = {name: os.environ[name] for name in wanted if name in os.environ} | {"VAR_DIR": str(folder)}
        self.log = folder / "log"
        self.process: subprocess.Popen[bytes] | None = None

    def manage(self, *argv: str) -> None:
        subprocess.run([sys.executable, "manage.py", *argv], cwd=ROOT, env=self.env, check=True, capture_output=True)

    def start(self) -> subprocess.Popen[bytes]:
        with self.log.open("ab") as log:
            argv = [sys.executable, "manage.py", "portal", "--port", str(self.port)]
            self.process = subprocess.Popen(argv, cwd=ROOT, env=self.env, stdout=log, stderr=log)
        return self.process

    def pid(self, name: str) -> int:
        try:
            return int((self.folder / "run" / f"{name}.pid").read_text())
        except FileNotFoundError:
            return 0

    def processes(self) -> dict[int, str]:
        return list_processes_with(f"VAR_DIR={self.folder}")

    def is_ready(self) -> bool:
        try:
            return requests.get(f"{self.url}/readyz", timeout=5).status_code == 200
        except requests.RequestException:
            return False

    def wait_until_ready(self) -> None:
        wait_until(self.is_ready, 40, "the portal is ready")
        wait_until(lambda: "ready." in self.log.read_text(), 40, "the worker is ready")

    def wait_until_restarted(self, name: str, before: int) -> None:
        wait_until(lambda: self.pid(name) not in {0, before}, 10, f"{name} runs again")


@pytest.fixture
def portal(tmp_path: Path) -> Iterator[Portal]:
    one = Portal(tmp_path)
    one.manage("migrate", "--verbosity", "0")
    yield one
    for pid in one.processes():
        os.kill(pid, signal.SIGKILL)
    if one.process:
        one.process.wait()


def test_portal_restarts_what_dies_and_stops_all(portal: Portal) -> None:
    supervisor = portal.start()
    portal.wait_until_ready()
    assert f"The portal answers at {portal.url}/" in portal.log.read_text()
    for name in ("worker", "web", "beat"):
        before = portal.pid(name)
        os.kill(before, signal.SIGKILL)
        portal.wait_until_restarted(name, before)
        assert re.search(rf"{name} died \(killed by SIGKILL\)", portal.log.read_text())
    portal.wait_until_ready()
    supervisor.send_signal(signal.SIGINT)
    assert supervisor.wait(25) == 0
    wait_until(lambda: not portal.processes(), 5, "no process left")


def test_killed_portal_leaves_no_process(portal: Portal) -> None:
    supervisor = portal.start()
    portal.wait_until_ready()
    worker = portal.pid("worker")
    supervisor.kill()
    supervisor.wait()
    wait_until(lambda: not portal.processes(), 20, "no process left")
    assert not is_alive(worker)


def test_portal_does_not_start_without_its_tables(tmp_path: Path) -> None:
    one = Portal(tmp_path)
    assert one.start().wait(40) == 1
    assert "run `manage.py migrate`" in one.log.read_text()
    assert one.processes() == {}
