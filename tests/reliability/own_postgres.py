"""A PostgreSQL of a test's own, so that it can be killed -9."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import psycopg
import pytest

from tests.conftest import missing
from tests.processes import free_port, is_alive, wait_until


def find_programs() -> Path:
    """The folder of initdb and postgres, the newest version's."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: float(path.parts[4]))
    path = shutil.which("initdb") or (str(found[-1]) if found else "")
    if not path:
        missing("there are no programs of PostgreSQL (initdb, postgres)")
    return Path(path).parent


class OwnPostgres:
    """A cluster in a folder of its own; PostgreSQL refuses to run as root, so root lends it to another user."""

    def __init__(self) -> None:
        self.programs, self.port = find_programs(), free_port()
        self.folder = Path(tempfile.mkdtemp(prefix="own-postgres-"))
        self.user = next((name for name in ("postgres", "nobody") if _exists(name)), "") if os.geteuid() == 0 else ""
        if self.user:
            shutil.chown(self.folder, self.user)
        data = str(self.folder / "data")
        self._run("initdb", "--pgdata", data, "--auth", "trust", "--username", "test", "--no-sync").check_returncode()
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"postgres://test@127.0.0.1:{self.port}/postgres"

    def start(self) -> None:
        """Start it, or start it again after a kill; returns when it answers."""
        argv = ["postgres", "-D", str(self.folder / "data"), "-p", str(self.port), "-h", "127.0.0.1"]
        argv += ["-k", str(self.folder)]

        def answers() -> bool:
            if self.process is None or self.process.poll() is not None:  # the killed one's children are still going
                with (self.folder / "log").open("ab") as log:
                    self.process = subprocess.Popen(self._argv(*argv), stdout=log, stderr=log, cwd="/")
            with suppress(psycopg.OperationalError):
                psycopg.connect(self.url, connect_timeout=1).close()
                return True
            return False

        wait_until(answers, 60, "PostgreSQL answers")

    def kill(self) -> None:
        """kill -9 of the postmaster; its children see that and end, as after a crash of the machine's OOM killer."""
        assert self.process is not None
        os.kill(self.pid(), signal.SIGKILL)
        self.process.wait()

    def pid(self) -> int:
        return int((self.folder / "data" / "postmaster.pid").read_text().splitlines()[0])

    def remove(self) -> None:
        with suppress(FileNotFoundError, ProcessLookupError, AssertionError):
            pid = self.pid()
            self.kill()
            wait_until(lambda: not is_alive(pid), 10, "PostgreSQL has ended")
        shutil.rmtree(self.folder, ignore_errors=True)

    def _argv(self, program: str, *rest: str) -> list[str]:
        lend = ["setpriv", "--reuid", self.user, "--regid", self.user, "--clear-groups"] if self.user else []
        return [*lend, str(self.programs / program), *rest]

    def _run(self, *argv: str) -> subprocess.CompletedProcess[bytes]:
        return subprocess.run(self._argv(*argv), capture_output=True, timeout=120, cwd="/")


def _exists(user: str) -> bool:
    try:
        return bool(pwd.getpwnam(user))
    except KeyError:
        return False


@pytest.fixture
def own_postgres() -> Iterator[OwnPostgres]:
    server = OwnPostgres()
    try:
        server.start()
        yield server
    finally:
        server.remove()
