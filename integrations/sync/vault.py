"""Connections' secrets: encrypted at rest, each bound to its row.

The token is Fernet's (https://cryptography.io/en/latest/fernet/); the plaintext begins with the row's id, so that a
token copied into another row is refused.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime

from cryptography.fernet import Fernet, InvalidToken
from django.conf import settings
from django.db import transaction

from integrations.contract.errors import AuthFailed
from integrations.models import Connection, Credential


def read_credentials(connection: Connection) -> dict[str, str]:
    """The secrets by field name; {} where none are stored. Raises AuthFailed where they cannot be opened."""
    row = Credential.plain.filter(connection=connection).first()
    return _open(row) if row is not None else {}


def loaded_secrets(connection: Connection) -> dict[str, str]:
    """The same of a connection that was read together with its secrets just now."""
    row: Credential | None = getattr(connection, "credential", None)
    return _open(row) if row is not None else {}


@transaction.atomic
def store_credentials(connection: Connection, values: Mapping[str, str], *, keep: bool = True) -> None:
    """Replace the connection's secrets; a field given empty keeps its old value, unless they are for another host."""
    row = Credential.plain.select_for_update().filter(connection=connection).first()
    kept = _open(row) if row is not None and keep else {}
    kept.update({name: value for name, value in values.items() if value})
    if row is None:
        row = Credential(
            merchant_id=connection.merchant_id, connection=connection, key_id="", ciphertext=b"", version=0
        )
        row.save()
    row.lease_token, row.lease_until = "", None
    _seal(row, kept)


def set_expiry(connection: Connection, expires_at: datetime | None) -> None:
    """When the secrets stop working, as far as a person knows; nothing where none are stored."""
    Credential.plain.filter(connection=connection).update(expires_at=expires_at)


def list_stored(connection: Connection) -> frozenset[str]:
    """The names of the secrets there are; never what they say. AuthFailed where they cannot be opened."""
    return frozenset(name for name, value in read_credentials(connection).items() if value)


def rotate_keys() -> int:
    """Encrypt every row anew under the first key; the number of rows changed."""
    first = next(iter(settings.CREDENTIAL_KEYS))
    changed = 0
    for pk in Credential.plain.exclude(key_id=first).values_list("pk", flat=True):
        with transaction.atomic():
            row = Credential.plain.select_for_update().get(pk=pk)
            _seal(row, _open(row))
            changed += 1
    return changed


def _seal(row: Credential, values: Mapping[str, str]) -> None:
    key_id, key = next(iter(settings.CREDENTIAL_KEYS.items()))
    row.key_id = key_id
    row.ciphertext = Fernet(key).encrypt(f"{row.pk}:{json.dumps(dict(values))}".encode())
    row.version += 1
    row.save(update_fields=["key_id", "ciphertext", "version", "lease_token", "lease_until", "updated_at"])


def _open(row: Credential) -> dict[str, str]:
    key = settings.CREDENTIAL_KEYS.get(row.key_id)
    if key is None:
        raise AuthFailed(f"The key {row.key_id!r} that sealed {row} is not configured.", code="KEY_MISSING")
    try:
        plain = Fernet(key).decrypt(bytes(row.ciphertext)).decode()
    except InvalidToken as error:
        raise AuthFailed(f"{row} cannot be opened with the key {row.key_id!r}.", code="KEY_WRONG") from error
    owner, _, values = plain.partition(":")
    if owner != str(row.pk):
        raise AuthFailed(f"{row} holds another row's secrets.", code="CREDENTIAL_MISPLACED")
    found: dict[str, str] = json.loads(values)
    return found
