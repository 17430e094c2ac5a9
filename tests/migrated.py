"""Databases that were migrated once for the migrations as they are, to be copied by each run of the tests.

Made by `manage.py migrate` from empty; another migration or another library makes another one.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

import psycopg
from psycopg import sql

ROOT = Path(__file__).resolve().parent.parent
PREFIX = "stockbridge_migrated_"


def fingerprint() -> str:
    """Of everything a migrated database depends on: our migrations, and the versions of the libraries'."""
    digest = hashlib.sha256()
    for path in sorted(
        [*ROOT.glob("*/migrations/*.py"), *ROOT.glob("*/*/migrations/*.py"), ROOT / "requirements.lock"]
    ):
        digest.update(str(path.relative_to(ROOT)).encode() + path.read_bytes())
    return digest.hexdigest()[:16]


def sqlite_file(folder: Path) -> Path:
    """A migrated SQLite file; what was made for other migrations is removed."""
    path = folder / f"{PREFIX}{fingerprint()}.sqlite3"
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not path.exists():
            for old in folder.glob(f"{PREFIX}*"):
                old.unlink()
            draft = folder / f"draft-{os.getpid()}.sqlite3"
            _migrate(f"sqlite:///{draft}")
            draft.rename(path)
    return path


def postgres_template(server: Mapping[str, Any]) -> str:
    """The name of a migrated database on this PostgreSQL, that nobody is connected to."""
    name, draft = PREFIX + fingerprint(), f"{PREFIX}draft_{os.getpid()}"
    names = {"user": "USER", "password": "PASSWORD", "host": "HOST", "port": "PORT"}
    login = {key: server[name] for key, name in names.items() if server[name]}
    with psycopg.connect(dbname="postgres", autocommit=True, **login) as admin:
        admin.execute("SELECT pg_advisory_lock(hashtext(%s))", [PREFIX])  # until this connection ends
        if admin.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name]).fetchone() is None:
            admin.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(draft)))
            user = quote(str(login.get("user", ""))) + (f":{quote(login['password'])}" if "password" in login else "")
            _migrate(f"postgres://{user}@{login.get('host', '127.0.0.1')}:{login.get('port', 5432)}/{draft}")
            rename = sql.SQL("ALTER DATABASE {} RENAME TO {}")
            admin.execute(rename.format(sql.Identifier(draft), sql.Identifier(name)))
    return name


def _migrate(address: str) -> None:
    done = subprocess.run(
        [sys.executable, "manage.py", "migrate", "--verbosity", "0"],
        cwd=ROOT,
        env={**os.environ, "DATABASE_URL": address},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
