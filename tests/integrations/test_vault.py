"""Secrets are sealed, bound to their row, and survive a rotation of keys."""

from __future__ import annotations

import pytest
from cryptography.fernet import Fernet
from django.conf import settings

from integrations.contract.errors import AuthFailed
from integrations.models import Connection, Credential
from integrations.sync.vault import read_credentials, rotate_keys, store_credentials
from portal.tenancy.models import Merchant
from tests.integrations import toy


@pytest.fixture
def shop(db: None) -> Connection:
    merchant = Merchant.objects.create(name="Northwind", slug="northwind")
    row = Connection(merchant=merchant, name="Shop", platform="toy", role="store")
    row.save()
    store_credentials(row, {"token": toy.SECRET, "user": "anna"})
    return row


def test_bad_input_65_an_empty_secret_keeps_the_old(shop: Connection) -> None:
    store_credentials(shop, {"token": "", "user": "bert"})
    assert read_credentials(shop) == {"token": toy.SECRET, "user": "bert"}
    assert Credential.plain.get().version == 2


def test_nothing_readable_is_stored(shop: Connection) -> None:
    assert toy.SECRET.encode() not in bytes(Credential.plain.get().ciphertext)


def test_a_token_copied_into_another_row_is_refused(shop: Connection) -> None:
    other = Connection(merchant=shop.merchant, name="Other", platform="toy", role="store")
    other.save()
    store_credentials(other, {"token": "x"})
    stolen = Credential.plain.get(connection=shop).ciphertext
    Credential.plain.filter(connection=other).update(ciphertext=stolen)
    with pytest.raises(AuthFailed) as refused:
        read_credentials(other)
    assert refused.value.code == "CREDENTIAL_MISPLACED"


def test_rotation_seals_every_row_under_the_first_key(shop: Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    new = {"new": Fernet.generate_key().decode()}
    monkeypatch.setattr(settings, "CREDENTIAL_KEYS", {**new, **settings.CREDENTIAL_KEYS})
    assert rotate_keys() == 1
    monkeypatch.setattr(settings, "CREDENTIAL_KEYS", new)
    assert read_credentials(shop)["token"] == toy.SECRET
    assert rotate_keys() == 0
