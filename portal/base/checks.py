"""System checks of the settings. Ids are portal.E… (cannot run) and portal.W… (runs, but not as one would wish)."""

from __future__ import annotations

import sqlite3
from typing import Any
from urllib.parse import urlsplit

from cryptography.fernet import Fernet
from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, register
from django.core.checks import Warning as CheckWarning
from django.utils.module_loading import import_string

SQLITE_MINIMUM = (3, 39, 0)
HANDLER_NAMES = {
    *("apply", "finish", "gone", "feed", "rows", "known", "history"),  # records read there, and files
    *("claim", "settle_push", "brake", "count", "count_unmapped", "change_flow", "due"),  # state sent there
    *("build", "settle", "release", "lock", "route"),  # commands
}


@register(Tags.urls)
def check_public_url(**_: Any) -> list[CheckMessage]:
    """E001: PUBLIC_URL is no address others can call. Empty is allowed: then no webhooks are registered."""
    url = settings.PUBLIC_URL
    parts = urlsplit(url)
    if not url or (
        parts.scheme in {"http", "https"}
        and parts.hostname
        and not parts.path
        and not parts.query
        and not parts.username
    ):
        return []
    return [
        Error(
            f"PUBLIC_URL {url!r} is not an address of the form https://portal.example.com.",
            hint="Give scheme and host (and port) only, without a path or a login.",
            id="portal.E001",
        )
    ]


@register(Tags.security)
def check_credential_keys(**_: Any) -> list[CheckMessage]:
    """E002: no key to encrypt credentials with. E003: one that is no Fernet key."""
    hint = "CREDENTIAL_KEYS is a comma list of id:key; make a key with `Fernet.generate_key()`. See the README."
    if not settings.CREDENTIAL_KEYS:
        return [Error("CREDENTIAL_KEYS is missing: credentials cannot be stored.", hint=hint, id="portal.E002")]
    errors: list[CheckMessage] = []
    for key_id, key in settings.CREDENTIAL_KEYS.items():
        try:
            Fernet(key)
        except ValueError:
            errors.append(Error(f"The credential key {key_id!r} is no Fernet key.", hint=hint, id="portal.E003"))
    return errors


@register
def check_sync_handlers(**_: Any) -> list[CheckMessage]:
    """E004: a handler that cannot be imported or called. E005: a handler name nothing calls."""
    errors: list[CheckMessage] = []
    for stream, handlers in settings.SYNC_HANDLERS.items():
        for name, path in handlers.items():
            where = f"SYNC_HANDLERS[{stream!r}][{name!r}]"
            if name not in HANDLER_NAMES:
                errors.append(Error(f"{where} is no handler: use {sorted(HANDLER_NAMES)}.", id="portal.E005"))
            try:
                found = callable(import_string(path))
            except ImportError:
                found = False
            if not found:
                errors.append(Error(f"{where} names {path!r}, which is not a function.", id="portal.E004"))
    return errors


@register(Tags.database)
def check_sqlite_version(**_: Any) -> list[CheckMessage]:
    """E006: the SQLite of this Python is too old for what we ask of it."""
    uses_sqlite = any(item["ENGINE"].endswith("sqlite3") for item in settings.DATABASES.values())
    if not uses_sqlite or sqlite3.sqlite_version_info >= SQLITE_MINIMUM:
        return []
    return [
        Error(
            f"SQLite {sqlite3.sqlite_version} is too old: 3.39 or newer is needed.",
            hint="Use a newer Python build, or PostgreSQL through DATABASE_URL.",
            id="portal.E006",
        )
    ]


@register(Tags.security)
def check_private_addresses(**_: Any) -> list[CheckMessage]:
    """E007: an entry of ALLOWED_PRIVATE_ADDRESSES that is not host:port."""
    return [
        Error(f"ALLOWED_PRIVATE_ADDRESSES has {item!r}, which is not host:port.", id="portal.E007")
        for item in settings.ALLOWED_PRIVATE_ADDRESSES
        if not (item.rpartition(":")[0] and item.rpartition(":")[2].isdecimal())
    ]


@register
def check_log_format(**_: Any) -> list[CheckMessage]:
    """E008: a LOG_FORMAT we do not write."""
    if settings.LOG_FORMAT in {"json", "console"}:
        return []
    return [Error(f"LOG_FORMAT {settings.LOG_FORMAT!r} is neither json nor console.", id="portal.E008")]


@register(Tags.security, deploy=True)
def check_local(**_: Any) -> list[CheckMessage]:
    """W001: a local portal put on a server."""
    if not settings.LOCAL:
        return []
    return [
        CheckWarning(
            "This is a local portal: plain HTTP and secrets it made itself.",
            hint="Set SECRET_KEY, CREDENTIAL_KEYS and PUBLIC_URL. See the README, Production.",
            id="portal.W001",
        )
    ]
