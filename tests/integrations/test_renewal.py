"""A token that the platform has rotated: one worker renews it, and only a refusal of that pauses the connection."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.db import connections
from django.utils import timezone
from werkzeug import Request, Response

from integrations import registry
from integrations.contract import records as r
from integrations.contract.connector import Connector, Field, RateLimit, Role
from integrations.contract.errors import AuthFailed, NotSent
from integrations.models import Connection, Credential, Exchange, Flow
from integrations.sync import runs
from integrations.sync.client import Captures, build_connector
from integrations.sync.execute import execute
from integrations.sync.vault import read_credentials, store_credentials
from portal.tenancy.models import Merchant
from tests.integrations import toy

WORKERS = 6


class TokenConnector(Connector):
    """GET /me wants an access token; POST /token gives a new one for a refresh token that is good for one use."""

    key = "tokens"
    label = "Toy with tokens"
    docs_url = "https://example.org/tokens"
    roles = frozenset({Role.BACK_OFFICE})
    credential_fields = (
        Field(name="access", label="Access token", kind="secret"),
        Field(name="refresh", label="Refresh token", kind="secret"),
    )
    settings_fields = (Field(name="url", label="Address", kind="url"),)
    rate_limit = RateLimit(per_second=10_000, burst=10_000)

    @classmethod
    def base_url(cls, credentials: Any, settings: Any) -> str:
        return str(settings["url"])

    def use_credentials(self, credentials: Mapping[str, str]) -> None:
        super().use_credentials(credentials)
        self.http.use(headers={"Authorization": credentials["access"]})

    def check(self) -> r.CheckResult:
        answer = self.http.get("/me")
        answer.raise_for_status()
        return r.CheckResult(account=answer.json()["account"])

    def pull_stock(self, since: datetime | None, cursor: str) -> r.Page[r.StockRow]:
        self.check()
        return r.Page(records=())

    def refresh_credentials(self) -> Mapping[str, str]:
        answer = self.http.post("/token", json={"refresh": self.credentials["refresh"]})
        answer.raise_for_status()
        return {"access": answer.json()["access"], "refresh": answer.json()["refresh"]}


class TokenPlatform:
    """The far side: `version` is in both tokens, and rises with each renewal."""

    def __init__(self) -> None:
        self.version = 1
        self.renewed: list[str] = []
        self.closed = False
        self.lock = threading.Lock()

    def __call__(self, environ: Any, start_response: Any) -> Any:
        return self._answer(Request(environ))(environ, start_response)

    def _answer(self, request: Request) -> Response:
        with self.lock:
            if request.path == "/me":
                right = request.headers["Authorization"] == f"access-{self.version}"
                return toy._json({"account": "Toy"}) if right else Response("expired", status=401)
            asked = request.get_json()["refresh"]
            self.renewed.append(asked)
            if self.closed or asked != f"refresh-{self.version}":
                return Response("invalid_grant", status=401)
            self.version += 1
            return toy._json({"access": f"access-{self.version}", "refresh": f"refresh-{self.version}"})


@pytest.fixture
def platform() -> TokenPlatform:
    return TokenPlatform()


@pytest.fixture
def row(transactional_db: None, platform: TokenPlatform, monkeypatch: pytest.MonkeyPatch) -> Iterator[Connection]:
    monkeypatch.setitem(registry.CONNECTORS, "tokens", f"{__name__}.TokenConnector")
    with toy.serve(platform) as url:
        found = Connection(
            merchant=Merchant.objects.create(name="Northwind", slug="northwind"),
            name="Tokens",
            platform="tokens",
            role=Connection.Role.BACK_OFFICE,
            state=Connection.State.ACTIVE,
            settings={"url": url},
            allowed_private=[urlsplit(url).netloc],
            deadline_seconds=5,
        )
        found.save()
        store_credentials(found, {"access": "access-0", "refresh": "refresh-1"})
        yield found


def ask(row: Connection, captures: Captures | None = None) -> str:
    return build_connector(row, captures or Captures()).check().account


def test_bad_input_61_one_of_many_workers_renews_a_rotated_token(row: Connection, platform: TokenPlatform) -> None:
    found: list[Any] = []
    start = threading.Barrier(WORKERS)

    def work() -> None:
        try:
            connector = build_connector(row, Captures())  # all of them with the token that has run out
            start.wait()
            found.append(connector.check().account)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=work) for _ in range(WORKERS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == ["Toy"] * WORKERS
    assert platform.renewed == ["refresh-1"]
    assert read_credentials(row) == {"access": "access-2", "refresh": "refresh-2"}
    assert Connection.plain.get().state == Connection.State.ACTIVE


def test_bad_input_61_a_renewal_that_is_refused_pauses(row: Connection, platform: TokenPlatform) -> None:
    platform.closed = True
    with pytest.raises(AuthFailed):
        ask(row)
    assert platform.renewed == ["refresh-1"], "asked once, not in a loop"
    assert Credential.plain.get().lease_until is None
    flow = Flow(merchant_id=row.merchant_id, connection=row, stream="stock", direction="pull")
    flow.save()
    execute(runs.start_flow(flow, trigger="hand", at=timezone.now()).pk)
    assert Connection.plain.get().state == Connection.State.NEEDS_REAUTH


def test_whoever_waits_too_long_for_another_worker_comes_again(row: Connection, platform: TokenPlatform) -> None:
    row.deadline_seconds = 1
    Credential.plain.update(lease_token="another", lease_until="2999-01-01T00:00:00Z")
    with pytest.raises(NotSent) as error:
        ask(row)
    assert error.value.code == "RENEWING"
    assert platform.renewed == []
    Credential.plain.update(lease_until="2026-01-01T00:00:00Z")  # the other worker died
    assert ask(row) == "Toy"


def test_no_token_is_captured_old_or_new(row: Connection, platform: TokenPlatform) -> None:
    captures = Captures()
    assert ask(row, captures) == "Toy"
    captures.save(row)
    kept = [(x.method, x.status) for x in Exchange.plain.order_by("pk")]
    assert kept == [("GET", 401), ("POST", 200), ("GET", 200)]
    everything = repr(list(Exchange.plain.values()))
    for token in ("access-0", "access-2", "refresh-1", "refresh-2"):
        assert token not in everything
