"""The world with a connection of our own API, and calls with its keys."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from django.test import Client

from integrations.models import Connection
from integrations.sync.api_access import assign
from portal.tenancy.models import ApiKey, Location
from portal.tenancy.services import set_origins
from tests.world import LONG_AGO, World


def connect_api(world: World, name: str = "Till", *, prefix: str = "T-", **more: Any) -> Connection:
    """A live connection of our own API in the world."""
    values: dict[str, Any] = {
        "merchant": world.merchant,
        "name": name,
        "platform": "api",
        "role": Connection.Role.STORE,
        "order_prefix": prefix,
        "state": Connection.State.ACTIVE,
        "live_since": LONG_AGO,
        "location": world.place,
    }
    row = Connection(**{**values, **more})
    row.save()
    return row


@dataclass
class Caller:
    """A program with a key."""

    key: str
    row: ApiKey | None = None
    client: Client = field(default_factory=lambda: Client(raise_request_exception=False))

    def call(self, method: str, address: str, body: Any = None, **headers: str) -> Any:
        """`body` is sent as JSON; bytes as they are."""
        given = {"Authorization": f"Bearer {self.key}"} if self.key else {}
        given |= {name.replace("_", "-"): value for name, value in headers.items()}
        content = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
        return self.client.generic(method, f"/api/v1{address}", content, content_type="application/json", headers=given)

    def get(self, address: str, **headers: str) -> Any:
        return self.call("GET", address, **headers)

    def post(self, address: str, body: Any = None, **headers: str) -> Any:
        return self.call("POST", address, {} if body is None else body, **headers)


def make_caller(
    connection: Connection,
    *scopes: str,
    kind: str = ApiKey.Kind.SECRET,
    mode: str = ApiKey.Mode.LIVE,
    places: tuple[Location, ...] = (),
    origins: tuple[str, ...] = (),
) -> Caller:
    row, secret = ApiKey.create_key(merchant=connection.merchant, name="Key", scopes=list(scopes), kind=kind, mode=mode)
    row.locations.set(places)
    assign(key=row, connection=connection)
    set_origins(key=row, origins=origins)
    return Caller(secret, row)


def refused(response: Any) -> tuple[int, str]:
    """Status and code of a problem, after looking that it is one in full."""
    assert response["Content-Type"] == "application/problem+json", response.content
    body = response.json()
    assert {"type", "title", "status", "detail", "code", "field", "correlation_id"} <= set(body)
    assert body["status"] == response.status_code
    assert body["correlation_id"] == response["X-Request-Id"]
    assert "Traceback" not in response.content.decode()
    return response.status_code, body["code"]
