"""What all tests share: no network but loopback, a database of one's own, and the services some tests need."""

from __future__ import annotations

import ipaddress
import os
import shutil
import socket
from pathlib import Path
from typing import Any, NoReturn

import psycopg
import pytest
from celery import current_app
from django.conf import settings
from django.db import connections

from tests import migrated

ROOT = Path(__file__).resolve().parent.parent
REQUIRE_SERVICES = os.environ.get("REQUIRE_SERVICES") == "1"


# --- Network ----------------------------------------------------------------------------------------------------------


class NetworkRefused(RuntimeError):
    """A test tried to reach another computer. No OSError, so that no code takes it for an ordinary failure."""


def _refuse_foreign(address: Any) -> None:
    if not isinstance(address, tuple):  # a Unix socket
        return
    host = str(address[0])
    try:
        allowed = ipaddress.ip_address(host.partition("%")[0]).is_loopback
    except ValueError:
        allowed = host == "localhost"
    if not allowed:
        raise NetworkRefused(f"Tests may call loopback only, not {host}.")


def pytest_configure() -> None:
    """Guards the two ways of connecting for the whole run, threads included."""
    connect, connect_ex = socket.socket.connect, socket.socket.connect_ex

    def guarded_connect(self: socket.socket, address: Any) -> None:
        _refuse_foreign(address)
        connect(self, address)

    def guarded_connect_ex(self: socket.socket, address: Any) -> int:
        _refuse_foreign(address)
        return connect_ex(self, address)

    socket.socket.connect = guarded_connect  # type: ignore[method-assign,assignment]  # for this process only
    socket.socket.connect_ex = guarded_connect_ex  # type: ignore[method-assign,assignment]  # for this process only
    # Hundreds of tests make a person: hashing each password as slowly as for real would take minutes of every run.
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    # Rings of the doorbell stay in this process; tests that need a broker start their own processes.
    current_app.conf.update(broker_url="memory://", broker_transport_options={})


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What mostly waits for processes of its own comes first, so that the other workers have work meanwhile."""
    items.sort(key=lambda item: item.get_closest_marker("processes") is None)


# --- Database ---------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def django_db_keepdb() -> bool:
    """SQLite's copy of the migrated file is kept; PostgreSQL makes its own from the template, and drops it."""
    return connections["default"].vendor == "sqlite"


@pytest.fixture(scope="session")
def django_db_modify_db_settings(
    django_db_modify_db_settings_parallel_suffix: None,
    tmp_path_factory: pytest.TempPathFactory,
    pytestconfig: pytest.Config,
) -> None:
    """A test database of this process alone, so that runs side by side do not meet: a copy of one that was migrated
    once for these migrations."""
    settings_dict = connections["default"].settings_dict
    if connections["default"].vendor == "sqlite":
        # A file, not memory: threads must meet in a database that locks as production's does.
        folder = Path(pytestconfig.cache.mkdir("databases"))
        name = tmp_path_factory.mktemp("database") / "test.sqlite3"
        shutil.copy(migrated.sqlite_file(folder), name)
        settings_dict["TEST"]["NAME"] = str(name)
        options = settings_dict["OPTIONS"]
        options["init_command"] = options["init_command"].replace("synchronous=FULL", "synchronous=OFF")
    else:
        settings_dict["TEST"]["TEMPLATE"] = migrated.postgres_template(settings_dict)
        settings_dict["TEST"]["NAME"] = f"test_stockbridge_{os.getpid()}"


def pytest_report_header() -> str:
    return f"database: {connections['default'].vendor}, services required: {'yes' if REQUIRE_SERVICES else 'no'}"


# --- Services ---------------------------------------------------------------------------------------------------------


def missing(what: str) -> NoReturn:
    """Skips, or fails where REQUIRE_SERVICES=1 says that everything is there."""
    if REQUIRE_SERVICES:
        pytest.fail(f"REQUIRE_SERVICES=1, but {what}.", pytrace=False)
    pytest.skip(f"{what[0].upper()}{what[1:]}.")


def _need_port(service: str, port: int) -> None:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=2).close()
    except OSError as error:
        missing(f"no {service} answers at 127.0.0.1:{port} ({error})")


@pytest.fixture(scope="session")
def postgres_url() -> str:
    """A PostgreSQL where databases may be created; its own database is `postgres`."""
    url = os.environ.get("POSTGRES_URL", "postgres://postgres@127.0.0.1:5432/postgres")
    try:
        psycopg.connect(url, connect_timeout=2).close()
    except psycopg.OperationalError as error:
        missing(f"no PostgreSQL answers ({error})".replace("\n", " "))
    return url


@pytest.fixture(scope="session")
def redis_url() -> str:
    _need_port("Redis", 6379)
    return "redis://127.0.0.1:6379/15"


@pytest.fixture(scope="session")
def rabbitmq_url() -> str:
    _need_port("RabbitMQ", 5672)
    return "amqp://guest:guest@127.0.0.1:5672//"


@pytest.fixture(scope="session")
def mariadb_address() -> tuple[str, int]:
    _need_port("MariaDB", 3306)
    return "127.0.0.1", 3306


@pytest.fixture(scope="session")
def chromium_path() -> str:
    """The system's Chromium. Run as root it needs --no-sandbox."""
    names = [os.environ.get("CHROMIUM", ""), "chromium", "chromium-browser", "google-chrome"]
    found = next(filter(None, (shutil.which(name) for name in names if name)), None)
    if found is None:
        missing("there is no Chromium (set CHROMIUM to its path)")
    return found


@pytest.fixture(scope="session")
def shared_dir() -> Path:
    """Vendor specifications and data beside the repository; not part of it."""
    path = ROOT.parent / "shared"
    if not path.is_dir():
        missing("the folder ../shared with specifications and data is not there")
    return path


@pytest.fixture(scope="session")
def full_run() -> bool:
    """Whether promises are to be proved in full numbers (`make reliability`)."""
    return os.environ.get("RELIABILITY_FULL") == "1"
