"""No query of merchants' rows without a scope, and none beyond it."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from django.conf import settings
from django.utils import timezone

from portal.tenancy.models import ApiKey, Location, Merchant
from portal.tenancy.scoping import ScopeRequired, WrongMerchant, current_scope, scope, unscoped

UNSCOPED_CALLERS: set[str] = set()  # each new one is a decision: add it here with care


@pytest.fixture
def merchants(db: None) -> tuple[Merchant, Merchant]:
    mine, theirs = (Merchant.objects.create(name=name, slug=name) for name in ("mine", "theirs"))
    for merchant in (mine, theirs):
        Location.plain.create(merchant=merchant, code="MAIN", name=merchant.name)
    return mine, theirs


def test_a_query_without_a_scope_raises(merchants: tuple[Merchant, Merchant]) -> None:
    with pytest.raises(ScopeRequired, match="Location"):
        Location.objects.count()


def test_a_scope_shows_its_merchant_only(merchants: tuple[Merchant, Merchant]) -> None:
    with scope(merchants[0].pk):
        assert [row.name for row in Location.objects.all()] == ["mine"]
        with scope(merchants[1].pk):
            assert [row.name for row in Location.objects.all()] == ["theirs"]
        assert [row.name for row in Location.objects.all()] == ["mine"]
    assert current_scope() is None


def test_unscoped_shows_all(merchants: tuple[Merchant, Merchant]) -> None:
    with unscoped("a test"):
        assert Location.objects.count() == 2


def test_a_row_takes_the_scope_and_never_another(merchants: tuple[Merchant, Merchant]) -> None:
    mine, theirs = merchants
    with scope(mine.pk):
        row = Location(code="B", name="B")
        row.save()
        assert row.merchant_id == mine.pk
        with pytest.raises(WrongMerchant):
            Location(merchant=theirs, code="C", name="C").save()
    assert not Location.plain.filter(code="C").exists()


def test_who_leaves_the_scope_is_listed() -> None:
    found = set()
    for app in ("portal", "integrations", "catalog", "orders"):
        for path in Path(settings.BASE_DIR, app).rglob("*.py"):
            if "unscoped(" in path.read_text() and path.name != "scoping.py":
                found.add(str(path.relative_to(settings.BASE_DIR)))
    assert found == UNSCOPED_CALLERS


def test_an_api_key_is_found_by_its_plaintext_only(merchants: tuple[Merchant, Merchant]) -> None:
    row, key = ApiKey.create_key(merchant=merchants[0], name="Till", scopes=["stock:read"])
    assert ApiKey.find(key) == row
    assert key not in f"{row.key_hash}{row}"
    for wrong in ("", "sbk_", key + "x", key.replace("sbk_", "xyz_"), f"sbk_{row.prefix}_wrong"):
        assert ApiKey.find(wrong) is None
    ApiKey.plain.update(expires_at=timezone.now() - timedelta(seconds=1))
    assert ApiKey.find(key) is None
    ApiKey.plain.update(expires_at=None)
    Merchant.objects.update(is_active=False)
    assert ApiKey.find(key) is None
    Merchant.objects.update(is_active=True)
    ApiKey.plain.update(revoked_at=timezone.now())
    assert ApiKey.find(key) is None
