"""What an endpoint of a connection shares: the `api` connection its key belongs to, and what a test key may reach."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from rest_framework.request import Request

from integrations.models import ApiAccess, Connection
from portal.base.api import MerchantView
from portal.base.problems import Problem
from portal.tenancy.models import ApiKey

LIVE = Connection.Environment.LIVE


class ConnectedView(MerchantView):
    """`self.connection` is the key's; 403 where it has none, 409 where it does not work."""

    connection: Connection

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        self.connection = require_connection(self.key)

    def require_live(self) -> None:
        require_live(self.connection)


def require_connection(key: ApiKey) -> Connection:
    """The key's connection, ready to be read or written through. Problem where there is none, or it is switched off."""
    access = ApiAccess.plain.select_related("connection__merchant").filter(api_key=key).first()
    if access is None:
        words = f"The key {key.name!r} belongs to no connection: choose one under Settings, API keys."
        raise Problem(403, "connection_required", words)
    connection: Connection = access.connection
    if key.is_test and connection.environment == LIVE:
        words = f"This is a key for tests, and {connection} is live: use a live key, or a connection that is a sandbox."
        raise Problem(403, "test_key", words)
    if not connection.may_read:
        words = f"{connection} is {connection.get_state_display().lower()}: switch it on under Connections."
        raise Problem(409, "connection_off", words)
    return connection


def require_live(connection: Connection) -> None:
    """Problem where the connection only watches: nothing is written through it before Go live."""
    if not connection.may_write:
        words = f"{connection} only watches so far: take it live under Connections."
        raise Problem(409, "connection_not_live", words)


def may_reach(key: ApiKey, connection: Connection) -> bool:
    """A key for tests reaches simulators and sandboxes only."""
    return not key.is_test or connection.environment != LIVE


def require_reach(key: ApiKey, connections: Iterable[Connection]) -> None:
    """Problem where what the key asks for would reach a live system although it is one for tests."""
    beyond = sorted(str(one) for one in connections if not may_reach(key, one))
    if beyond:
        words = f"This is a key for tests, and {', '.join(beyond[:3])} would be reached: use a live key."
        raise Problem(403, "test_key", words)


def list_listening(merchant_id: int) -> list[Connection]:
    """The merchant's live systems that read or write now: what the catalogue says may reach them."""
    rows = Connection.plain.filter(merchant_id=merchant_id, environment=LIVE, state__in=Connection.READING_STATES)
    return list(rows.exclude(platform="api").order_by("pk"))
