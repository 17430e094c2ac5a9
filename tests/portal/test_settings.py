"""Settings from the environment, each case in a process of its own."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from cryptography.fernet import Fernet

ROOT = Path(__file__).resolve().parents[2]
NAMES = (
    "LOCAL, DEBUG, SECRET_KEY, CREDENTIAL_KEYS, ALLOWED_HOSTS, SECURE_SSL_REDIRECT, SESSION_COOKIE_SECURE, "
    "CSRF_TRUSTED_ORIGINS, LOG_FORMAT, DATABASES, CELERY_BROKER_URL, CELERY_BROKER_TRANSPORT_OPTIONS, EMAIL_HOST"
)
SHOW = (
    f"import json; from portal.settings import {NAMES}; "
    "print(json.dumps({name: value for name, value in globals().items() if name.isupper()}))"
)
KEY = Fernet.generate_key().decode()
PRODUCTION = {
    "SECRET_KEY": "0123456789abcdef" * 4,
    "CREDENTIAL_KEYS": f"2026:{KEY}",
    "PUBLIC_URL": "https://portal.example.com",
    "DATABASE_URL": "postgres://postgres@127.0.0.1:5432/stockbridge",
    "BROKER_URL": "amqp://guest:guest@127.0.0.1:5672//",
    "EMAIL_URL": "smtp+tls://user:word@mail.example.com:587",
    "BEHIND_PROXY": "true",
}


def run(argv: list[str], folder: Path, **given: str) -> subprocess.CompletedProcess[str]:
    env = {"PATH": os.environ["PATH"], "VAR_DIR": str(folder), **given}
    return subprocess.run([sys.executable, *argv], cwd=ROOT, env=env, capture_output=True, text=True, timeout=60)


def read(folder: Path, **given: str) -> dict[str, Any]:
    done = run(["-c", SHOW], folder, **given)
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def test_nothing_given_is_a_local_portal(tmp_path: Path) -> None:
    found = read(tmp_path)
    assert (found["LOCAL"], found["DEBUG"], found["SECURE_SSL_REDIRECT"]) == (True, False, False)
    assert found["ALLOWED_HOSTS"] == ["localhost", "127.0.0.1", "[::1]"]
    assert found["DATABASES"]["default"]["NAME"] == str(tmp_path / "stockbridge.sqlite3")
    assert found["DATABASES"]["default"]["OPTIONS"]["transaction_mode"] == "IMMEDIATE"
    assert found["CELERY_BROKER_TRANSPORT_OPTIONS"]["data_folder_in"] == str(tmp_path / "broker" / "queue")


def test_local_secrets_are_made_once_and_for_the_owner_only(tmp_path: Path) -> None:
    first, second = read(tmp_path), read(tmp_path)
    assert (first["SECRET_KEY"], first["CREDENTIAL_KEYS"]) == (second["SECRET_KEY"], second["CREDENTIAL_KEYS"])
    Fernet(first["CREDENTIAL_KEYS"]["local"])
    for name in ("secret_key", "credential_keys"):
        assert stat.S_IMODE((tmp_path / name).stat().st_mode) == 0o600
    assert list(tmp_path.glob(".*")) == []


def test_production(tmp_path: Path) -> None:
    found = read(tmp_path, **PRODUCTION)
    assert (found["LOCAL"], found["SECURE_SSL_REDIRECT"], found["SESSION_COOKIE_SECURE"]) == (False, True, True)
    assert found["ALLOWED_HOSTS"] == ["portal.example.com"]
    assert found["CSRF_TRUSTED_ORIGINS"] == ["https://portal.example.com"]
    assert found["CREDENTIAL_KEYS"] == {"2026": KEY}
    assert found["LOG_FORMAT"] == "json"
    assert found["EMAIL_HOST"] == "mail.example.com"
    assert not (tmp_path / "secret_key").exists()
    assert not (tmp_path / "credential_keys").exists()


def test_secrets_from_files(tmp_path: Path) -> None:
    files = {}
    for name in ("SECRET_KEY", "CREDENTIAL_KEYS", "DATABASE_URL", "BROKER_URL"):
        (tmp_path / name).write_text(PRODUCTION[name] + "\n")
        files[f"{name}_FILE"] = str(tmp_path / name)
    found = read(tmp_path, PUBLIC_URL="https://portal.example.com", **files)
    assert found["SECRET_KEY"] == PRODUCTION["SECRET_KEY"]
    assert found["CREDENTIAL_KEYS"] == {"2026": KEY}
    assert found["DATABASES"]["default"]["NAME"] == "stockbridge"
    assert found["CELERY_BROKER_URL"] == PRODUCTION["BROKER_URL"]


def test_key_rotation_keeps_the_order(tmp_path: Path) -> None:
    other = Fernet.generate_key().decode()
    found = read(tmp_path, CREDENTIAL_KEYS=f"new:{other}, old:{KEY}")
    assert list(found["CREDENTIAL_KEYS"].items()) == [("new", other), ("old", KEY)]


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"PUBLIC_URL": "https://portal.example.com"}, "SECRET_KEY is missing"),
        ({"LOCAL": "0"}, "SECRET_KEY is missing"),
        ({"CREDENTIAL_KEYS": KEY}, "comma list of id:key"),
        ({"CREDENTIAL_KEYS": f"a:{KEY},a:{KEY}"}, "each id once"),
    ],
)
def test_wrong_settings_stop_the_start_without_showing_them(
    tmp_path: Path, given: dict[str, str], message: str
) -> None:
    done = run(["-c", SHOW], tmp_path, **given)
    assert done.returncode == 1
    assert message in done.stderr
    assert KEY not in done.stderr


def test_check_deploy_is_clean_in_production(tmp_path: Path) -> None:
    done = run(["manage.py", "check", "--deploy", "--fail-level", "WARNING"], tmp_path, **PRODUCTION)
    assert done.returncode == 0, done.stderr
    assert "no issues" in done.stdout


def test_check_deploy_refuses_a_local_portal(tmp_path: Path) -> None:
    done = run(["manage.py", "check", "--deploy", "--fail-level", "WARNING"], tmp_path)
    assert done.returncode == 1
    assert "portal.W001" in done.stderr
