"""Real processes of ours over this test's own database: web, worker and beat that know the toy platforms."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from urllib.parse import quote

from django.conf import settings
from django.db import connection as database

ROOT = Path(__file__).resolve().parent.parent.parent


def database_url() -> str:
    """The address of this test's own database, for another process."""
    parts = database.settings_dict
    if database.vendor == "sqlite":
        return f"sqlite:///{parts['NAME']}"
    login = quote(str(parts["USER"])) + (f":{quote(str(parts['PASSWORD']))}" if parts["PASSWORD"] else "")
    return f"postgres://{login}@{parts['HOST'] or '127.0.0.1'}:{parts['PORT'] or 5432}/{parts['NAME']}"


def credential_keys() -> str:
    """A process with a folder of its own would else make keys of its own, and open no secret of this test's."""
    return ",".join(f"{key_id}:{key}" for key_id, key in settings.CREDENTIAL_KEYS.items())


def start(*argv: str, log: Path | None = None, **environment: str) -> subprocess.Popen[bytes]:
    """A process of ours in a group of its own; what it says goes to `log`."""
    with (log or Path(os.devnull)).open("ab") as out:
        return subprocess.Popen(
            [sys.executable, "-m", *argv],
            env={**os.environ, "DATABASE_URL": database_url(), "CREDENTIAL_KEYS": credential_keys(), **environment},
            cwd=ROOT,
            stdout=out,
            stderr=out,
            start_new_session=True,
        )


def run_to_end(*argv: str, **environment: str) -> str:
    """What a process of ours prints, once it has ended well."""
    settings_of_its_own = {**os.environ, "CREDENTIAL_KEYS": credential_keys(), **environment}
    done = subprocess.run(
        [sys.executable, "-m", *argv], env=settings_of_its_own, cwd=ROOT, capture_output=True, text=True, timeout=180
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def kill(process: subprocess.Popen[bytes]) -> None:
    """kill -9 of the process and its children, stopped ones too."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


@contextmanager
def running(*argv: str, log: Path | None = None, **environment: str) -> Iterator[subprocess.Popen[bytes]]:
    process = start(*argv, log=log, **environment)
    try:
        yield process
    finally:
        kill(process)


@contextmanager
def worker(**environment: str) -> Iterator[subprocess.Popen[bytes]]:
    with running("tests.reliability.worker", log=None, **environment) as process:
        yield process
