"""Persons of a merchant, logged in to the admin."""

from __future__ import annotations

from django.test import Client

from portal.tenancy.models import Location, Membership, Merchant, User

PASSWORD = "correct horse 4711"


def make_person(merchant: Merchant, role: str, *locations: Location) -> User:
    user = User.objects.create_user(f"{role}-{User.objects.count()}@example.com", PASSWORD)
    membership = Membership(merchant=merchant, user=user, role=role)
    membership.save()
    membership.locations.set(locations)
    return user


def log_in(merchant: Merchant, role: str, *locations: Location) -> Client:
    client = Client()
    client.force_login(make_person(merchant, role, *locations))
    return client
