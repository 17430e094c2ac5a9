"""PROMISES 5: the same Idempotency-Key with another body is refused, however slightly it differs."""

from __future__ import annotations

import random
from typing import Any

import pytest
from django.test import Client

from integrations.models import Procedure, ProcedureRun
from portal.tenancy.models import ApiKey, IdempotencyKey
from tests.world import World, make_world

BODY = b"{}"


@pytest.fixture
def world(db: None) -> World:
    return make_world()


def make_call(world: World) -> tuple[str, str]:
    """The address that starts a procedure, and a key to it."""
    procedure = Procedure(merchant=world.merchant, name="Orders")
    procedure.save()
    _, key = ApiKey.create_key(merchant=world.merchant, name="ERP", scopes=["procedures"])
    return f"/api/v1/procedures/{procedure.public_id}/runs", key


def post(address: str, key: str, body: bytes, idempotency_key: str) -> Any:
    headers = {"Authorization": f"Bearer {key}", "Idempotency-Key": idempotency_key}
    return Client().post(address, body, content_type="application/json", headers=headers)


def mutate(body: bytes, chance: random.Random) -> bytes:
    """Never the body itself: a byte more, a byte changed, a member more, or something else altogether."""
    place = chance.randrange(len(body) + 1)
    ways = [
        body[:place] + bytes([chance.choice(b' \t\n0aZ"')]) + body[place:],
        body[:-1] + b'"n": %d}' % chance.randrange(10**9),
        b'{"total": "%d.%02d"}' % (chance.randrange(10**6), chance.randrange(100)),
        chance.randbytes(chance.randrange(1, 200)),
        b"",
    ]
    return chance.choice([one for one in ways if one != body])


@pytest.mark.reliability
def test_promise_05_the_same_key_with_another_body_is_refused(world: World, full_run: bool) -> None:
    address, key = make_call(world)
    first = post(address, key, BODY, "order-4711")
    assert first.status_code == 202
    chance, refused = random.Random(5), 0
    for _ in range(1_000 if full_run else 100):
        answer = post(address, key, mutate(BODY, chance), "order-4711")
        assert (answer.status_code, answer.json()["code"]) == (409, "idempotency_mismatch")
        refused += 1
    assert refused == (1_000 if full_run else 100)
    again = post(address, key, BODY, "order-4711")
    assert (again.status_code, again.json()) == (202, first.json()), "the first answer still stands"
    assert ProcedureRun.plain.count() == 1


def test_bad_input_31_another_address_under_the_key_is_another_request(world: World) -> None:
    address, key = make_call(world)
    post(address, key, BODY, "k")
    answer = post(f"{address}?x=1", key, BODY, "k")
    assert answer.json()["code"] in {"idempotency_mismatch", "parameter_not_allowed"}
    other = Procedure(merchant=world.merchant, name="Other")
    other.save()
    answer = post(f"/api/v1/procedures/{other.public_id}/runs", key, BODY, "k")
    assert (answer.status_code, answer.json()["code"]) == (409, "idempotency_mismatch")
    assert ProcedureRun.plain.count() == 1


def test_bad_input_32_the_same_key_in_flight_is_told_to_wait(world: World) -> None:
    address, key = make_call(world)
    post(address, key, BODY, "k")
    IdempotencyKey.plain.update(status=None)
    answer = post(address, key, BODY, "k")
    assert (answer.status_code, answer.json()["code"], answer["Retry-After"]) == (409, "in_progress", "2")
    assert ProcedureRun.plain.count() == 1


def test_a_request_that_was_refused_may_come_again_under_its_key(world: World) -> None:
    address, key = make_call(world)
    assert post(address, key, b'{"a": 1}', "k").status_code == 400
    assert IdempotencyKey.plain.count() == 0
    assert post(address, key, BODY, "k").status_code == 202


def test_one_key_of_two_callers_is_two_requests(world: World) -> None:
    address, key = make_call(world)
    _, other = ApiKey.create_key(merchant=world.merchant, name="Till", scopes=["procedures"])
    assert post(address, key, BODY, "k").json()["id"] != post(address, other, BODY, "k").json()["id"]
