"""POST /api/v1/procedures/{id}/runs, as an old ERP calls it with curl; and what every endpoint refuses."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.test import Client

from integrations.models import Procedure, ProcedureRun, ProcedureStep
from integrations.sync.execute import execute
from integrations.sync.schedule import advance
from integrations.sync.vault import store_credentials
from portal.tenancy.models import ApiKey
from tests.world import NOON, World, make_world


@pytest.fixture
def world(db: None) -> World:
    return make_world()


@pytest.fixture
def procedure(world: World) -> Procedure:
    row = Procedure(merchant=world.merchant, name="Orders")
    row.save()
    ProcedureStep(merchant=world.merchant, procedure=row, position=0, flow=world.shop.flows.get(stream="stock")).save()
    return row


def make_key(world: World, *scopes: str) -> str:
    return ApiKey.create_key(merchant=world.merchant, name="ERP", scopes=list(scopes))[1]


def call(key: str, procedure: Procedure, body: bytes = b"", query: str = "", **headers: str) -> Any:
    given = {"Authorization": f"Bearer {key}", **headers} if key else headers
    address = f"/api/v1/procedures/{procedure.public_id}/runs{query}"
    return Client(raise_request_exception=False).post(address, body, content_type="application/json", headers=given)


def refused(response: Any) -> tuple[int, str]:
    assert response["Content-Type"] == "application/problem+json"
    body = response.json()
    assert set(body) == {"type", "title", "status", "detail", "code", "field", "correlation_id"}
    assert body["status"] == response.status_code
    assert "Traceback" not in response.content.decode()
    return response.status_code, body["code"]


def test_a_call_starts_a_run_and_says_where_to_ask(world: World, procedure: Procedure) -> None:
    store_credentials(world.shop, {"consumer_key": "k", "consumer_secret": "s"})
    key = make_key(world)
    response = call(key, procedure)
    assert response.status_code == 202
    run = ProcedureRun.plain.get()
    said = response.json()
    assert (said["id"], said["state"], run.trigger) == (run.public_id, "queued", "api")
    advance(run.pk, at=NOON)
    step = run.runs.get()
    execute(step.pk)
    advance(run.pk, at=NOON)
    found = Client().get(said["url"], headers={"Authorization": f"Bearer {key}"}).json()
    assert found["state"] == "done"
    assert [(one["state"], one["seen"]) for one in found["steps"]] == [("done", 0)]


def test_the_same_idempotency_key_is_the_same_run(world: World, procedure: Procedure) -> None:
    key = make_key(world)
    first = call(key, procedure, b"{}", **{"Idempotency-Key": "night-7"}).json()
    again = call(key, procedure, b"{}", **{"Idempotency-Key": "night-7"}).json()
    other = call(key, procedure, b"{}").json()
    assert first["id"] == again["id"] != other["id"]
    assert ProcedureRun.plain.count() == 2


@pytest.mark.parametrize("given", ["", "sbk_000000000000_wrong", "nonsense"])
def test_without_a_good_key_nothing_starts(world: World, procedure: Procedure, given: str) -> None:
    response = call(given, procedure)
    assert refused(response)[0] == 401
    assert response["WWW-Authenticate"].startswith("Bearer")
    assert not ProcedureRun.plain.exists()


def test_a_key_for_something_else_may_not(world: World, procedure: Procedure) -> None:
    assert refused(call(make_key(world, "stock"), procedure))[0] == 403
    assert call(make_key(world, "procedures"), procedure).status_code == 202


def test_a_revoked_key_may_not(world: World, procedure: Procedure) -> None:
    key = make_key(world)
    ApiKey.plain.update(revoked_at=NOON)
    assert refused(call(key, procedure))[0] == 401


def test_a_procedure_that_is_switched_off(world: World, procedure: Procedure) -> None:
    Procedure.plain.update(enabled=False)
    assert refused(call(make_key(world), procedure)) == (409, "procedure_disabled")


def test_bad_input_30_another_merchants_procedure_is_not_there(world: World, procedure: Procedure) -> None:
    key = make_key(make_world("Other"))
    assert refused(call(key, procedure)) == (404, "not_found")
    assert not ProcedureRun.plain.exists()


def test_bad_input_29_an_unknown_field(world: World, procedure: Procedure) -> None:
    response = call(make_key(world), procedure, b'{"limit": 5}')
    assert refused(response) == (400, "unknown_field")
    assert response.json()["field"] == "limit"


def test_bad_input_33_an_unknown_parameter(world: World, procedure: Procedure) -> None:
    response = call(make_key(world), procedure, query="?page_size=1000000000")
    assert refused(response) == (400, "parameter_not_allowed")


@pytest.mark.parametrize(
    ("number", "body", "code"),
    [
        (16, b'{"a": NaN}', "number_not_finite"),
        (16, b'{"a": Infinity}', "number_not_finite"),
        (16, b'{"a": 1e999}', "number_not_finite"),
        (17, b'{"a": 1, "a": 2}', "duplicate_key"),
        (18, b"[" * 33 + b"]" * 33, "json_too_deep"),
        (19, b'{"a": ' + b"9" * 5000 + b"}", "number_too_long"),
        (20, b'{"a": "x\\u0000y"}', "nul_character"),
        (21, b'{"a": "\\ud800"}', "invalid_unicode"),
        (21, b'{"a": "\xff"}', "invalid_unicode"),
    ],
)
def test_bad_input_16_to_21_json_that_could_mean_two_things(
    world: World, procedure: Procedure, number: int, body: bytes, code: str
) -> None:
    assert refused(call(make_key(world), procedure, body)) == (400, code), number
    assert not ProcedureRun.plain.exists()


def test_a_body_that_is_too_large_and_one_that_is_no_json(world: World, procedure: Procedure) -> None:
    key = make_key(world)
    assert refused(call(key, procedure, b'"' + b"x" * (2 * 1024 * 1024) + b'"'))[0] == 413
    assert refused(call(key, procedure, b"{cut")) == (400, "invalid_json")
    xml = Client().post(f"/api/v1/procedures/{procedure.public_id}/runs", b"<a/>", content_type="application/xml",
                        headers={"Authorization": f"Bearer {key}"})  # fmt: skip
    assert refused(xml)[0] == 415


def test_strict_json_keeps_what_is_fine() -> None:
    from portal.base.strict_json import parse_strict

    text = json.dumps({"a": [1, {"b": "[{[{"}], "ü": None, "q": '"'})
    assert parse_strict(text.encode()) == json.loads(text)
    assert str(parse_strict(b"[0.10]")[0]) == "0.10"
