"""What every address of the API does: keys and their modes, limits, origins, tags, and what it never takes."""

from __future__ import annotations

import re

import pytest
from django.core.cache import cache
from django.test import Client
from django.urls import path
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from integrations.api.door import ConnectedView
from integrations.models import Connection, Exchange
from integrations.sync.connections import check_connection, go_live
from portal import urls
from portal.base.bodies import Amount, Body, read_body
from portal.tenancy.models import ApiKey, KeyOrigin
from tests.api_world import Caller, connect_api, make_caller, refused
from tests.world import NOON, World, make_world

SHOP = "https://shop.example.com"


class Thing(Body):
    amount: Amount


class ProbeView(ConnectedView):
    key_scope = "items:read"
    query_parameters = frozenset({"q"})

    @extend_schema(exclude=True)
    def get(self, request: Request) -> Response:
        return Response({"connection": self.connection.name, "places": sorted(self.location_ids or ())})

    @extend_schema(exclude=True)
    def post(self, request: Request) -> Response:
        return Response({"amount": str(read_body(request, Thing).amount)}, status=201)


@pytest.fixture(autouse=True)
def probe(monkeypatch: pytest.MonkeyPatch) -> None:
    from django.urls import clear_url_caches

    monkeypatch.setattr(urls, "urlpatterns", [*urls.urlpatterns, path("api/v1/probe", ProbeView.as_view())])
    clear_url_caches()
    cache.clear()


@pytest.fixture
def world(db: None) -> World:
    return make_world()


@pytest.fixture
def till(world: World) -> Connection:
    return connect_api(world)


def test_a_key_speaks_for_its_connection_and_its_locations(world: World, till: Connection) -> None:
    caller = make_caller(till, "items:read", places=(world.place,))
    assert caller.get("/probe").json() == {"connection": "Till", "places": [world.place.pk]}
    assert refused(Caller("").get("/probe")) == (401, "not_authenticated")
    assert refused(Caller("sbk_000000000000_x").get("/probe")) == (401, "authentication_failed")
    assert refused(make_caller(till, "orders:read").get("/probe")) == (403, "permission_denied")


def test_a_key_without_connection_opens_nothing_of_one(world: World, till: Connection) -> None:
    _, secret = ApiKey.create_key(merchant=world.merchant, name="Old", scopes=[])
    assert refused(Caller(secret).get("/probe")) == (403, "connection_required")
    till.state = Connection.State.DISABLED
    till.save()
    assert refused(make_caller(till).get("/probe")) == (409, "connection_off")


def test_a_key_for_tests_never_speaks_for_a_live_connection(world: World, till: Connection) -> None:
    caller = make_caller(till, mode="test")
    assert caller.key.startswith("sbt_")
    assert refused(caller.get("/probe")) == (403, "test_key")
    till.environment = Connection.Environment.SANDBOX
    till.save()
    assert caller.get("/probe").status_code == 200
    assert ApiKey.find(caller.key.replace("sbt_", "sbk_")) is None


def test_a_key_asks_so_often_a_minute_and_is_told(till: Connection) -> None:
    caller, other = make_caller(till), make_caller(till)
    ApiKey.plain.filter(pk=caller.row.pk if caller.row else 0).update(per_minute=2)
    first = caller.get("/probe")
    assert first["RateLimit-Policy"] == '"default";q=2;w=60'
    assert re.fullmatch(r'"default";r=1;t=\d+', first["RateLimit"])
    caller.get("/probe")
    third = caller.get("/probe")
    assert refused(third) == (429, "rate_limited")
    assert 1 <= int(third["Retry-After"]) <= 60
    assert third["RateLimit"].startswith('"default";r=0;')
    assert other.get("/probe").status_code == 200, "each key for itself"


def test_an_app_is_used_from_its_own_origins_only(till: Connection) -> None:
    app = make_caller(till, kind="app", origins=(SHOP,))
    answer = app.get("/probe", Origin=SHOP)
    assert (answer.status_code, answer["Access-Control-Allow-Origin"]) == (200, SHOP)
    assert "Access-Control-Allow-Credentials" not in answer
    other = app.get("/probe", Origin="https://evil.example.com")
    assert refused(other) == (403, "origin_not_allowed")
    assert "Access-Control-Allow-Origin" not in other
    assert app.get("/probe").status_code == 200, "a program that is no page sends no origin"
    secret = make_caller(till).get("/probe", Origin=SHOP)
    assert (secret.status_code, secret.has_header("Access-Control-Allow-Origin")) == (200, False)
    assert refused(app.call("GET", "/procedures/x/runs/y")) == (403, "permission_denied")


def test_browsers_ask_first_and_are_answered_for_known_origins_only(till: Connection) -> None:
    app = make_caller(till, kind="app", origins=(SHOP,))
    client = Client()

    def ask(origin: str) -> dict[str, str]:
        answer = client.options("/api/v1/probe", headers={"Origin": origin, "Access-Control-Request-Method": "POST"})
        assert (answer.status_code, answer.content) == (204, b"")
        return dict(answer.items())

    said = ask(SHOP)
    assert said["Access-Control-Allow-Origin"] == SHOP
    assert "POST" in said["Access-Control-Allow-Methods"]
    assert "Idempotency-Key" in said["Access-Control-Allow-Headers"]
    assert "Access-Control-Allow-Origin" not in ask("https://shop.example.com.evil.example")
    ApiKey.plain.filter(pk=app.row.pk if app.row else 0).update(revoked_at=NOON)
    assert "Access-Control-Allow-Origin" not in ask(SHOP)
    assert KeyOrigin.plain.count() == 1


def test_who_has_it_already_is_not_sent_it_again(till: Connection) -> None:
    caller = make_caller(till)
    first = caller.get("/probe")
    again = caller.get("/probe", If_None_Match=f'"other", {first["ETag"]}')
    assert (again.status_code, again.content, again["ETag"]) == (304, b"", first["ETag"])
    assert caller.get("/probe", If_None_Match='"other"').status_code == 200


def test_the_callers_own_request_id_comes_back(till: Connection) -> None:
    caller = make_caller(till)
    assert caller.get("/probe", X_Request_Id="till-7.42")["X-Request-Id"] == "till-7.42"
    assert caller.get("/probe", X_Request_Id="no way\x00")["X-Request-Id"] != "no way\x00"


@pytest.mark.parametrize("query", ["ordering=password", "a__b__c=", "page_size=1000000000", "q=1&q=2", "q=%00"])
def test_bad_input_33_other_parameters_are_refused(till: Connection, query: str) -> None:
    assert refused(make_caller(till).get(f"/probe?{query}")) == (400, "parameter_not_allowed")


@pytest.mark.parametrize(
    ("number", "body", "code"),
    [
        (16, b'{"amount": NaN}', "number_not_finite"),
        (16, b'{"amount": Infinity}', "number_not_finite"),
        (16, b'{"amount": 1e999}', "number_not_finite"),
        (17, b'{"amount": 1, "amount": 2}', "duplicate_key"),
        (18, b'{"amount": ' + b"[" * 33 + b"]" * 33 + b"}", "json_too_deep"),
        (19, b'{"amount": ' + b"9" * 5000 + b"}", "number_too_long"),
        (20, b'{"amount": "\\u0000"}', "nul_character"),
        (21, b'{"amount": "\\ud800"}', "invalid_unicode"),
    ],
)
def test_bad_inputs_16_to_21_what_is_no_clean_json(till: Connection, number: int, body: bytes, code: str) -> None:
    assert refused(make_caller(till).call("POST", "/probe", body)) == (400, code), number


def test_an_exact_fraction_stays_exact(till: Connection) -> None:
    answer = make_caller(till).call("POST", "/probe", b'{"amount": 0.1000000000000000000000001}')
    assert answer.json() == {"amount": "0.1000000000000000000000001"}


def test_a_connection_of_our_api_is_tested_and_goes_live_without_any_request(world: World) -> None:
    row = connect_api(world, state=Connection.State.DRAFT, live_since=None)
    result = check_connection(row, at=NOON)
    assert result is not None
    assert (row.state, row.check_message) == ("watching", "Connected to this portal's own API. Version 1.")
    go_live(row, at=NOON)
    assert (row.state, row.live_since) == ("active", NOON)
    assert not Exchange.plain.exists()
