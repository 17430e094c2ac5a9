"""The system checks of the settings: each finds its fault and nothing else."""

from __future__ import annotations

import sqlite3
from typing import Any

import pytest
from cryptography.fernet import Fernet

from portal.base import checks


def ids(found: list[Any]) -> list[str]:
    return [item.id for item in found]


@pytest.mark.parametrize("url", ["", "https://portal.example.com", "http://127.0.0.1:8000"])
def test_good_public_url(settings: Any, url: str) -> None:
    settings.PUBLIC_URL = url
    assert checks.check_public_url() == []


@pytest.mark.parametrize(
    "url", ["portal.example.com", "ftp://x.example", "https://", "https://x.example/path", "https://u:p@x.example"]
)
def test_bad_public_url(settings: Any, url: str) -> None:
    settings.PUBLIC_URL = url
    assert ids(checks.check_public_url()) == ["portal.E001"]


def test_credential_keys(settings: Any) -> None:
    settings.CREDENTIAL_KEYS = {}
    assert ids(checks.check_credential_keys()) == ["portal.E002"]
    settings.CREDENTIAL_KEYS = {"a": Fernet.generate_key().decode(), "b": "no key at all"}
    (error,) = checks.check_credential_keys()
    assert error.id == "portal.E003"
    assert "'b'" in str(error.msg)
    assert "no key at all" not in str(error)


def test_sync_handlers(settings: Any) -> None:
    settings.SYNC_HANDLERS = {
        "stock": {"apply": "portal.base.health.check_broker", "claim": "portal.base.health.CHECKS"},
        "order": {"build": "portal.nowhere.build", "aply": "portal.base.health.check_broker"},
    }
    assert ids(checks.check_sync_handlers()) == ["portal.E004", "portal.E004", "portal.E005"]


@pytest.mark.filterwarnings("ignore:Overriding setting DATABASES")  # only our check reads it
def test_old_sqlite(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3"}}
    monkeypatch.setattr(sqlite3, "sqlite_version_info", (3, 38, 5))
    assert ids(checks.check_sqlite_version()) == ["portal.E006"]
    monkeypatch.setattr(sqlite3, "sqlite_version_info", (3, 39, 0))
    assert checks.check_sqlite_version() == []


def test_private_addresses(settings: Any) -> None:
    settings.ALLOWED_PRIVATE_ADDRESSES = ["erp.internal:8069", "10.0.0.5", ":80", "host:http"]
    assert ids(checks.check_private_addresses()) == ["portal.E007"] * 3


def test_log_format(settings: Any) -> None:
    settings.LOG_FORMAT = "xml"
    assert ids(checks.check_log_format()) == ["portal.E008"]


def test_local_portal_is_named(settings: Any) -> None:
    settings.LOCAL = True
    assert ids(checks.check_local()) == ["portal.W001"]
    settings.LOCAL = False
    assert checks.check_local() == []
