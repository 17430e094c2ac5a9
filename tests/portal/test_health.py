"""/healthz, /readyz, the request id and the content policy, as a caller sees them."""

from __future__ import annotations

import re
from typing import Any

import pytest
from celery import current_app
from django.db import connection
from django.db.migrations.recorder import MigrationRecorder
from django.test import Client


def test_healthz_asks_nothing_of_the_database(client: Client, settings: Any) -> None:
    settings.ALLOWED_HOSTS = []
    settings.SECURE_SSL_REDIRECT = True
    answer = client.get("/healthz", headers={"host": "10.1.2.3"})
    assert (answer.status_code, answer.json()) == (200, {"status": "ok"})


@pytest.mark.django_db
def test_readyz_when_all_is_well(client: Client) -> None:
    answer = client.get("/readyz")
    assert (answer.status_code, answer.json()) == (200, {"status": "ok", "failing": {}})


@pytest.mark.django_db
def test_readyz_names_a_missing_migration(client: Client) -> None:
    MigrationRecorder.Migration.objects.filter(app="axes").order_by("-id")[0].delete()
    answer = client.get("/readyz")
    assert answer.status_code == 503
    assert list(answer.json()["failing"]) == ["migrations"]
    assert "axes" in answer.json()["failing"]["migrations"]


@pytest.mark.django_db
def test_readyz_names_a_broker_that_does_not_answer(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(current_app.conf, "broker_url", "amqp://guest:guest@127.0.0.1:1//")
    monkeypatch.setitem(current_app.conf, "broker_write_url", "amqp://guest:guest@127.0.0.1:1//")
    answer = client.get("/readyz")
    assert answer.status_code == 503
    assert list(answer.json()["failing"]) == ["broker"]
    assert "guest:guest" not in answer.content.decode()


@pytest.mark.django_db(transaction=True)
def test_readyz_names_a_database_that_does_not_answer(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    connection.close()
    if connection.vendor == "sqlite":
        monkeypatch.setitem(connection.settings_dict, "NAME", "/nowhere/portal.sqlite3")
    else:
        monkeypatch.setitem(connection.settings_dict, "PORT", "1")
    answer = client.get("/readyz")
    connection.close()
    assert answer.status_code == 503
    assert set(answer.json()["failing"]) == {"database", "migrations"}


def test_request_id_is_echoed_or_made(client: Client) -> None:
    assert client.get("/healthz", headers={"X-Request-Id": "till-7.42"})["X-Request-Id"] == "till-7.42"
    made = client.get("/healthz", headers={"X-Request-Id": "no good\x01" + "x" * 70})["X-Request-Id"]
    assert re.fullmatch(r"[0-9a-f]{32}", made)


@pytest.mark.django_db
def test_content_policy_is_strict_outside_the_admin(client: Client) -> None:
    outside = client.get("/")["Content-Security-Policy"]
    assert "default-src 'none'" in outside
    assert "script-src 'self';" in f"{outside};"
    assert "unsafe" not in outside
    inside = client.get("/admin/login/")["Content-Security-Policy"]
    assert "script-src 'self' 'unsafe-inline' 'unsafe-eval'" in inside
    assert "frame-ancestors 'none'" in inside
