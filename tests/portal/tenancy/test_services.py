"""A new merchant has an owner, a location and a slug of its own."""

from __future__ import annotations

import io

import pytest
from django.core.management import call_command

from portal.tenancy.models import Location, Membership, Merchant, Role, User
from portal.tenancy.scoping import current_scope, scope
from portal.tenancy.services import create_merchant


@pytest.fixture
def owner(db: None) -> User:
    return User.objects.create_user("owner@example.com", "correct horse battery")


def test_a_merchant_has_an_owner_and_a_location(owner: User) -> None:
    merchant = create_merchant(name="Northwind Tea", owner=owner)
    assert (merchant.name, merchant.slug, merchant.is_active) == ("Northwind Tea", "northwind-tea", True)
    membership = Membership.plain.get()
    assert (membership.merchant, membership.user, membership.role) == (merchant, owner, Role.OWNER)
    assert not membership.locations.exists()  # none = all
    location = Location.plain.get()
    assert (location.merchant, location.code) == (merchant, "MAIN")


def test_slugs_are_unique_and_fit(owner: User) -> None:
    names = ["Tea", "tea!", "TEA", "茶", "", "x" * 100, "x" * 100, "x" * 49 + " y"]
    slugs = [create_merchant(name=name[:100], owner=owner).slug for name in names]
    assert slugs == ["tea", "tea-2", "tea-3", "merchant", "merchant-2", "x" * 50, "x" * 48 + "-2", "x" * 49]


def test_it_works_inside_the_scope_of_another(owner: User) -> None:
    first = create_merchant(name="First", owner=owner)
    with scope(first.pk):
        second = create_merchant(name="Second", owner=owner)
        current = current_scope()
        assert current is not None
        assert current.merchant_id == first.pk
    assert Location.plain.filter(merchant=second).count() == 1


def test_nothing_is_left_where_a_part_fails(owner: User) -> None:
    with pytest.raises(ValueError, match="unsaved"):
        create_merchant(name="Tea", owner=User(email="nobody@example.com"))
    assert not Merchant.objects.exists()


def test_start_leaves_one_merchant(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FIRST_EMAIL", "owner@example.com")
    monkeypatch.setenv("FIRST_PASSWORD", "correct horse battery")
    for _ in range(2):
        call_command("start", "--prepare-only", stdout=io.StringIO())
    membership = Membership.plain.get()
    assert membership.merchant == Merchant.objects.get()
    assert (membership.user.email, membership.role) == ("owner@example.com", Role.OWNER)
    assert Location.plain.get().code == "MAIN"


def test_start_gives_no_merchant_to_an_ordinary_user(owner: User) -> None:
    call_command("start", "--prepare-only", stdout=io.StringIO())
    assert not Merchant.objects.exists()
