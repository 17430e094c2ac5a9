"""The commands of the project itself."""

from __future__ import annotations

import io
import json
import shlex
import sys

import pytest
from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.management import CommandError, call_command

from portal.management.commands.portal import parse_extra


@pytest.mark.django_db
def test_doctor_finds_nothing_in_a_sound_installation() -> None:
    out = io.StringIO()
    call_command("doctor", "database", "migrations", "broker", "--json", stdout=out)
    assert json.loads(out.getvalue()) == {"database": [], "migrations": [], "broker": []}


def test_doctor_says_what_is_wrong_and_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settings, "PUBLIC_URL", "nonsense")
    out = io.StringIO()
    with pytest.raises(SystemExit) as ended:
        call_command("doctor", "settings", stdout=out)
    assert ended.value.code == 1
    assert "portal.E001" in out.getvalue()


def test_doctor_knows_its_examinations() -> None:
    with pytest.raises(CommandError, match="No examination horoscope"):
        call_command("doctor", "horoscope")


def test_extra_command() -> None:
    child = parse_extra("shop=python manage.py check --tag portal")
    assert child.name == "shop"
    assert child.argv == [sys.executable, *shlex.split("manage.py check --tag portal")]


@pytest.mark.parametrize("text", ["python manage.py", "web=sleep 1", "=sleep 1", "shop=", "a b=sleep 1"])
def test_wrong_extra_command(text: str) -> None:
    with pytest.raises(CommandError, match="--with"):
        parse_extra(text)


@pytest.mark.django_db
def test_start_makes_the_first_login_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FIRST_EMAIL", "owner@example.com")
    monkeypatch.setenv("FIRST_PASSWORD", "correct horse battery")
    out = io.StringIO()
    call_command("start", "--prepare-only", stdout=out)
    call_command("start", "--prepare-only", stdout=out)
    user = get_user_model()._default_manager.get()
    assert (user.email, user.is_superuser, user.check_password("correct horse battery")) == (
        "owner@example.com",
        True,
        True,
    )
    assert out.getvalue().count("may log in now") == 1
    assert "http://127.0.0.1:8000/admin/" in out.getvalue()
    assert "correct horse" not in out.getvalue()


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("email", "password", "message"),
    [("nobody", "correct horse battery", "FIRST_EMAIL"), ("owner@example.com", "12345678", "FIRST_PASSWORD")],
)
def test_start_refuses_a_wrong_login(monkeypatch: pytest.MonkeyPatch, email: str, password: str, message: str) -> None:
    monkeypatch.setenv("FIRST_EMAIL", email)
    monkeypatch.setenv("FIRST_PASSWORD", password)
    with pytest.raises(CommandError, match=message):
        call_command("start", "--prepare-only")
    assert not get_user_model()._default_manager.exists()


@pytest.mark.django_db
def test_start_has_nobody_to_ask(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO())
    with pytest.raises(CommandError, match="nobody to ask"):
        call_command("start", "--prepare-only")


def test_readme_says_what_each_platform_can_do() -> None:
    out = io.StringIO()
    call_command("platforms", stdout=out)
    assert "| Orders: create there, once | " in out.getvalue()
    assert out.getvalue() in (settings.BASE_DIR / "README.md").read_text()
