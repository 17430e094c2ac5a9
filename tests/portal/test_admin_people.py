"""Who comes in, and who lets others in."""

from __future__ import annotations

import re
from typing import Any

from django.test import Client
from django.urls import reverse

from integrations.models import ApiAccess
from portal.tenancy.models import ApiKey, Membership, Role, User
from tests.api_world import connect_api
from tests.portal.people import PASSWORD, log_in, make_person
from tests.world import make_world

ADD = "admin:tenancy_membership_add"


def try_to_log_in(client: Client, email: str, password: str) -> int:
    return client.post(reverse("admin:login"), {"username": email, "password": password}).status_code


def test_a_person_logs_in_by_email(db: None) -> None:
    user = make_person(make_world().merchant, Role.SALES)
    client = Client()
    assert try_to_log_in(client, user.email, PASSWORD) == 302
    assert client.get(reverse("admin:index")).status_code == 200


def test_five_wrong_passwords_lock_the_door(db: None) -> None:
    user = make_person(make_world().merchant, Role.OWNER)
    client = Client()
    tries = [try_to_log_in(client, user.email, f"wrong {n}") for n in range(5)]
    assert tries == [200, 200, 200, 200, 429]
    assert try_to_log_in(client, user.email, PASSWORD) == 429, "the right one comes too late"
    assert "_auth_user_id" not in client.session


def test_who_belongs_to_no_merchant_does_not_get_in(db: None) -> None:
    make_world()
    user = User.objects.create_user("nobody@example.com", PASSWORD, is_staff=True)
    client = Client()
    assert try_to_log_in(client, user.email, PASSWORD) == 200
    assert "_auth_user_id" not in client.session


def test_a_new_person_gets_a_password_that_is_shown_once(db: None) -> None:
    world = make_world()
    client = log_in(world.merchant, Role.OWNER)
    page = client.post(reverse(ADD), {"email": "anna@example.com", "role": "mapper"}, follow=True).content.decode()
    found = re.search(r"anna@example\.com logs in with (\S+) —", page)
    assert found is not None
    assert found[1] not in client.get(reverse("admin:tenancy_membership_changelist")).content.decode()
    assert try_to_log_in(Client(), "anna@example.com", found[1]) == 302
    assert Membership.plain.get(user__email="anna@example.com").role == "mapper"


def test_people_are_named_by_email_and_never_picked_from_a_list(db: None) -> None:
    world, other = make_world("Mine"), make_world("Theirs")
    stranger = make_person(other.merchant, Role.OWNER)
    client = log_in(world.merchant, Role.OWNER)
    for values in ({"user": str(stranger.pk), "role": "bogus"}, {"email": "x", "role": "mapper"}):
        response = client.post(reverse(ADD), values)
        assert response.status_code == 200
        assert stranger.email not in response.content.decode()
    before = stranger.password
    client.post(reverse(ADD), {"email": stranger.email.upper(), "role": "auditor"})
    assert Membership.plain.get(merchant=world.merchant, user=stranger).role == "auditor"
    stranger.refresh_from_db()
    assert stranger.password == before, "an account that exists keeps its password"
    again = client.post(reverse(ADD), {"email": stranger.email, "role": "owner"})
    assert "works for you already" in again.content.decode()


def test_a_merchant_keeps_an_owner(db: None) -> None:
    world = make_world()
    client = log_in(world.merchant, Role.OWNER)
    row = Membership.plain.get(merchant=world.merchant)
    change = reverse("admin:tenancy_membership_change", args=(row.pk,))
    page = client.post(change, {"email": row.user.email, "role": "sales"}).content.decode()
    assert "the merchant would have none" in page
    assert client.post(reverse("admin:tenancy_membership_delete", args=(row.pk,)), {"post": "yes"}).status_code == 403
    row.refresh_from_db()
    assert row.role == "owner"
    make_person(world.merchant, Role.OWNER)
    assert client.post(change, {"email": row.user.email, "role": "sales"}).status_code == 302
    assert client.get(reverse("admin:tenancy_membership_changelist")).status_code == 403, "and it works at once"


KEY = {"name": "Till", "kind": "secret", "mode": "live", "per_minute": "600", "expires_at_0": "", "expires_at_1": ""}
ADD_KEY = "admin:tenancy_apikey_add"


def test_an_api_key_is_shown_once_and_can_be_revoked(db: None) -> None:
    world = make_world()
    client = log_in(world.merchant, Role.OWNER)
    page = client.post(reverse(ADD_KEY), KEY, follow=True).content.decode()
    found = re.search(r"sbk_[0-9a-f]{12}_[\w-]+", page)
    assert found is not None
    key = ApiKey.find(found[0])
    assert key is not None
    assert key.scopes == []
    listed = reverse("admin:tenancy_apikey_changelist")
    assert found[0] not in client.get(listed).content.decode()
    client.post(listed, {"action": "revoke", "_selected_action": str(key.pk)})
    assert ApiKey.find(found[0]) is None


def test_an_apps_key_has_a_connection_and_origins_which_can_be_changed(db: None) -> None:
    world = make_world()
    till = connect_api(world)
    client = log_in(world.merchant, Role.OWNER)
    app: dict[str, Any] = {
        **KEY,
        "kind": "app",
        "scopes": ["items:read"],
        "locations": [world.place.pk],
        "per_minute": "60",
    }
    assert "choose the connection" in client.post(reverse(ADD_KEY), app).content.decode()
    foreign = connect_api(make_world("Elsewhere"))
    assert (
        "not one of the available choices"
        in client.post(reverse(ADD_KEY), app | {"connection": foreign.pk}).content.decode()
    )
    app["connection"] = till.pk
    path = client.post(reverse(ADD_KEY), app | {"web_origins": "https://shop.example.com/cart"}).content.decode()
    assert "An origin is a scheme" in path
    assert not ApiKey.plain.exists()
    client.post(reverse(ADD_KEY), app | {"web_origins": "https://Shop.example.com/\nhttp://localhost:3000"})
    key = ApiKey.plain.get()
    assert (key.kind, key.per_minute, key.scopes) == ("app", 60, ["items:read"])
    assert list(key.locations.all()) == [world.place]
    assert ApiAccess.plain.get(api_key=key).connection == till
    assert set(key.origins.values_list("origin", flat=True)) == {"https://shop.example.com", "http://localhost:3000"}
    change = reverse("admin:tenancy_apikey_change", args=(key.pk,))
    client.post(change, app | {"web_origins": "http://localhost:3000", "kind": "secret", "mode": "test"})
    key.refresh_from_db()
    assert (key.kind, key.mode) == ("app", "live"), "what its plaintext says stays"
    assert [str(one) for one in key.origins.all()] == ["http://localhost:3000"]


def test_a_key_for_tests_is_not_given_a_live_connection(db: None) -> None:
    world = make_world()
    till = connect_api(world)
    client = log_in(world.merchant, Role.OWNER)
    given = {**KEY, "mode": "test", "connection": till.pk}
    assert "needs a connection that is a simulator" in client.post(reverse(ADD_KEY), given).content.decode()
    till.environment = "sandbox"
    till.save()
    assert re.search(r"sbt_[0-9a-f]{12}_", client.post(reverse(ADD_KEY), given, follow=True).content.decode())
